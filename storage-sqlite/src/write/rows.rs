//! Index rows, put into their blocks once a commit.

use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension};

use crate::block::{Bound, Encoded, RowChange, RowState, join, merge};
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;

#[cfg(test)]
mod tests;

/// The largest size of a block, about, so that what its rows carry fits into a page of SQLite's, and
/// the rows into a cell of one.
const MOST_SIZE: usize = 3_900;

/// Where a row lies: place, value, and the rest of its record's key.
type At = (i64, Vec<u8>, Vec<u8>);

/// What a row becomes.
#[derive(Debug)]
struct Becomes {
    field: FieldId,
    /// Whether it is there, and what else its record is found by unless that is too long.
    there: Option<Option<Rc<[u8]>>>,
}

/// The rows that a commit changes. Added up in memory, because many of them lie in one block.
#[derive(Debug, Default)]
pub(super) struct RowChanges {
    changes: BTreeMap<At, Becomes>,
}

impl RowChanges {
    /// Puts a row, with what else its record is found by unless that is too long.
    pub(super) fn put(&mut self, at: At, field: FieldId, found: Option<Rc<[u8]>>) {
        self.changes.insert(at, Becomes { field, there: Some(found) });
    }

    /// Removes a row, if it is there.
    pub(super) fn remove(&mut self, at: At, field: FieldId) {
        self.changes.insert(at, Becomes { field, there: None });
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn add(&mut self, later: Self) {
        if self.changes.is_empty() {
            *self = later;
        } else {
            self.changes.extend(later.changes);
        }
    }

    /// Writes them. `more` is how many records more a place has than it did before the commit.
    /// Rows of places with at least `carry_from` records carry what there is to carry.
    pub(super) fn write(
        &self,
        db: &Connection,
        more: &HashMap<i64, i64>,
        carry_from: u32,
    ) -> Outcome<()> {
        let mut changes = self.changes.iter().peekable();
        while let Some(((place, ..), _)) = changes.peek() {
            let place = *place;
            let records = records(db, place)? + more.get(&place).unwrap_or(&0);
            let carries = records >= i64::from(carry_from);
            while changes.peek().is_some_and(|(at, _)| at.0 == place) {
                write_block(db, place, carries, &mut changes)?;
            }
        }
        Ok(())
    }
}

/// Writes the block that the next change lies in.
fn write_block<'a>(
    db: &Connection,
    place: i64,
    carries: bool,
    changes: &mut Peekable<impl Iterator<Item = (&'a At, &'a Becomes)>>,
) -> Outcome<()> {
    let Some((first, becomes)) = changes.next() else { return Ok(()) };
    let held = Held::at(db, place, (&first.1, &first.2))?;
    let mut own = vec![row_change(first, becomes, carries)];
    let mut end = None;
    while changes.peek().is_some_and(|(at, _)| at.0 == place) {
        let end = match &end {
            Some(end) => end,
            None => end.insert(next_bound(db, place, &held.bound)?),
        };
        let inside = |at: &At| {
            let within = |end: &Bound| (&at.1, &at.2) < (&end.0, &end.1);
            at.0 == place && end.as_ref().is_none_or(within)
        };
        match changes.next_if(|(at, _)| inside(at)) {
            Some((at, becomes)) => own.push(row_change(at, becomes, carries)),
            None => break,
        }
    }
    let mut blocks = merge(held.block.as_ref(), &own, None, MOST_SIZE)?;
    if blocks.len() > 1
        && let Some(next) = Held::after(db, place, &held.bound)?
    {
        blocks = merge(held.block.as_ref(), &own, next.block.as_ref(), MOST_SIZE)?;
        next.remove(db, place)?;
    }
    held.replace(db, place, blocks)
}

fn row_change<'a>(at: &'a At, becomes: &'a Becomes, carries: bool) -> RowChange<'a> {
    let to = match &becomes.there {
        None => RowState::Absent,
        Some(Some(found)) if carries => RowState::Carrying(Carried(found)),
        Some(_) => RowState::Bare,
    };
    RowChange { value: &at.1, rest: &at.2, field: becomes.field, to }
}

/// A block as it is stored.
struct Held {
    bound: Bound,
    /// `None` before there is one.
    block: Option<Encoded>,
    /// Where what its rows carry lies.
    carried: Option<i64>,
}

impl Held {
    /// The block that a value and the rest of a key lie in.
    fn at(db: &Connection, place: i64, (value, rest): (&[u8], &[u8])) -> Outcome<Self> {
        let held =
            Self::find(db, "<= (?2, ?3) ORDER BY value DESC, rest DESC", (place, value, rest))?;
        Ok(held.unwrap_or(Self { bound: Bound::default(), block: None, carried: None }))
    }

    /// The block after the one with a bound.
    fn after(db: &Connection, place: i64, bound: &Bound) -> Outcome<Option<Self>> {
        Self::find(db, "> (?2, ?3) ORDER BY value, rest", (place, &bound.0, &bound.1))
    }

    fn find(db: &Connection, which: &str, at: (i64, &[u8], &[u8])) -> Outcome<Option<Self>> {
        let mut find = db.prepare_cached(&format!(
            "SELECT value, rest, rows, bytes, carried
             FROM blocks LEFT JOIN carried ON carried.id = blocks.carried
             WHERE place = ?1 AND (value, rest) {which} LIMIT 1",
        ))?;
        let held = find.query_row(at, |row| {
            let bound = (row.get(0)?, row.get(1)?);
            let block = Encoded { rows: row.get(2)?, carried: row.get(3)? };
            Ok(Self { bound, block: Some(block), carried: row.get(4)? })
        });
        Ok(held.optional()?)
    }

    /// Puts blocks in its place: the first one has its bound.
    fn replace(self, db: &Connection, place: i64, blocks: Vec<(Bound, Encoded)>) -> Outcome<()> {
        // What follows on the first of several is the second of them, and not in the table yet.
        let alone = blocks.len() == 1;
        let mut blocks = blocks.into_iter();
        match (blocks.next(), &self.block) {
            (None, None) => {}
            (None, Some(_)) => self.remove(db, place)?,
            (Some((_, block)), None) => insert(db, place, &self.bound, &block)?,
            (Some((_, block)), Some(held)) if block == *held => {}
            (Some((_, mut block)), Some(held)) => {
                if alone && block.size() < held.size() && block.size() < MOST_SIZE / 4 {
                    block = with_next(db, place, &self.bound, block)?;
                }
                self.update(db, place, held, &block)?;
            }
        }
        blocks.try_for_each(|(bound, block)| insert(db, place, &bound, &block))
    }

    /// Writes what of it has become something else.
    fn update(&self, db: &Connection, place: i64, held: &Encoded, to: &Encoded) -> Outcome<()> {
        let carried = match (self.carried, &to.carried) {
            (Some(id), Some(_)) if held.carried == to.carried => Some(id),
            (Some(id), Some(bytes)) => {
                db.prepare_cached("UPDATE carried SET bytes = ?2 WHERE id = ?1")?
                    .execute((id, bytes))?;
                Some(id)
            }
            (id, bytes) => {
                remove_carried(db, id)?;
                insert_carried(db, bytes.as_deref())?
            }
        };
        if held.rows != to.rows || self.carried != carried {
            db.prepare_cached(
                "UPDATE blocks SET rows = ?4, carried = ?5
                 WHERE place = ?1 AND value = ?2 AND rest = ?3",
            )?
            .execute((place, &self.bound.0, &self.bound.1, &to.rows, carried))?;
        }
        Ok(())
    }

    fn remove(&self, db: &Connection, place: i64) -> Outcome<()> {
        remove_carried(db, self.carried)?;
        db.prepare_cached("DELETE FROM blocks WHERE place = ?1 AND value = ?2 AND rest = ?3")?
            .execute((place, &self.bound.0, &self.bound.1))?;
        Ok(())
    }
}

/// A block that became small with the one that follows it, which is removed if both are one now.
fn with_next(db: &Connection, place: i64, bound: &Bound, block: Encoded) -> Outcome<Encoded> {
    let Some(next) = Held::after(db, place, bound)? else { return Ok(block) };
    let Some(after) = &next.block else { return Ok(block) };
    if block.size() + after.size() > MOST_SIZE / 4 * 3 {
        return Ok(block);
    }
    // Each may have begun alike for itself, and both together not.
    let joined = join(&block, after)?;
    if joined.size() > MOST_SIZE {
        return Ok(block);
    }
    next.remove(db, place)?;
    Ok(joined)
}

/// Where the block after a bound begins.
fn next_bound(db: &Connection, place: i64, bound: &Bound) -> Outcome<Option<Bound>> {
    let mut next = db.prepare_cached(
        "SELECT value, rest FROM blocks WHERE place = ?1 AND (value, rest) > (?2, ?3)
         ORDER BY value, rest LIMIT 1",
    )?;
    let bound = (place, &bound.0, &bound.1);
    Ok(next.query_row(bound, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn insert(db: &Connection, place: i64, bound: &Bound, block: &Encoded) -> Outcome<()> {
    let carried = insert_carried(db, block.carried.as_deref())?;
    db.prepare_cached(
        "INSERT INTO blocks (place, value, rest, rows, carried) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((place, &bound.0, &bound.1, &block.rows, carried))?;
    Ok(())
}

/// Writes what the rows of a block carry, if one does: where it lies.
fn insert_carried(db: &Connection, bytes: Option<&[u8]>) -> Outcome<Option<i64>> {
    let Some(bytes) = bytes else { return Ok(None) };
    Ok(Some(db.prepare_cached("INSERT INTO carried (bytes) VALUES (?1)")?.insert([bytes])?))
}

fn remove_carried(db: &Connection, id: Option<i64>) -> Outcome<()> {
    let Some(id) = id else { return Ok(()) };
    db.prepare_cached("DELETE FROM carried WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// How many records a place has.
fn records(db: &Connection, place: i64) -> Outcome<i64> {
    let mut find = db.prepare_cached("SELECT records FROM places WHERE id = ?1")?;
    Ok(find.query_row([place], |row| row.get(0)).optional()?.unwrap_or(0))
}
