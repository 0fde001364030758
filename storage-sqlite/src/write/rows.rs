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

/// The most bytes of a block, about, so that it fits into a page of SQLite's.
const MOST_BYTES: usize = 3_900;

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
    let mut blocks = merge(held.block.as_ref(), &own, None, MOST_BYTES)?;
    if blocks.len() > 1
        && let Some((next, block)) = next_block(db, place, &held.bound)?
    {
        blocks = merge(held.block.as_ref(), &own, Some(&block), MOST_BYTES)?;
        remove(db, next)?;
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
    id: i64,
    bound: Bound,
    /// `None` before there is one.
    block: Option<Encoded>,
}

impl Held {
    /// The block that a value and the rest of a key lie in.
    fn at(db: &Connection, place: i64, (value, rest): (&[u8], &[u8])) -> Outcome<Self> {
        let held = db
            .prepare_cached(
                "SELECT id, value, rest, rows, carried FROM blocks
                 WHERE place = ?1 AND (value, rest) <= (?2, ?3)
                 ORDER BY value DESC, rest DESC LIMIT 1",
            )?
            .query_row((place, value, rest), |row| {
                let bound = (row.get(1)?, row.get(2)?);
                let block = Encoded { rows: row.get(3)?, carried: row.get(4)? };
                Ok(Self { id: row.get(0)?, bound, block: Some(block) })
            })
            .optional()?;
        Ok(held.unwrap_or(Self { id: 0, bound: Bound::default(), block: None }))
    }

    /// Puts blocks in its place: the first one has its bound.
    fn replace(self, db: &Connection, place: i64, blocks: Vec<(Bound, Encoded)>) -> Outcome<()> {
        // What follows on the first of several is the second of them, and not in the table yet.
        let alone = blocks.len() == 1;
        let mut blocks = blocks.into_iter();
        match (blocks.next(), &self.block) {
            (None, None) => {}
            (None, Some(_)) => remove(db, self.id)?,
            (Some((_, block)), None) => insert(db, place, &self.bound, &block)?,
            (Some((_, block)), Some(held)) if block == *held => {}
            (Some((_, mut block)), Some(held)) => {
                if alone && block.len() < held.len() && block.len() < MOST_BYTES / 4 {
                    block = with_next(db, place, &self.bound, block)?;
                }
                db.prepare_cached("UPDATE blocks SET rows = ?2, carried = ?3 WHERE id = ?1")?
                    .execute((self.id, block.rows, block.carried))?;
            }
        }
        blocks.try_for_each(|(bound, block)| insert(db, place, &bound, &block))
    }
}

/// A block that became small with the one that follows it, which is removed if both are one now.
fn with_next(db: &Connection, place: i64, bound: &Bound, block: Encoded) -> Outcome<Encoded> {
    let Some((id, next)) = next_block(db, place, bound)? else { return Ok(block) };
    if block.len() + next.len() > MOST_BYTES / 4 * 3 {
        return Ok(block);
    }
    // Each may have begun alike for itself, and both together not.
    let joined = join(&block, &next)?;
    if joined.len() > MOST_BYTES {
        return Ok(block);
    }
    remove(db, id)?;
    Ok(joined)
}

/// The block after the one with a bound.
fn next_block(db: &Connection, place: i64, bound: &Bound) -> Outcome<Option<(i64, Encoded)>> {
    let mut next = db.prepare_cached(
        "SELECT id, rows, carried FROM blocks WHERE place = ?1 AND (value, rest) > (?2, ?3)
         ORDER BY value, rest LIMIT 1",
    )?;
    let next = next.query_row((place, &bound.0, &bound.1), |row| {
        Ok((row.get(0)?, Encoded { rows: row.get(1)?, carried: row.get(2)? }))
    });
    Ok(next.optional()?)
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
    db.prepare_cached(
        "INSERT INTO blocks (place, value, rest, rows, carried) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((place, &bound.0, &bound.1, &block.rows, &block.carried))?;
    Ok(())
}

fn remove(db: &Connection, id: i64) -> Outcome<()> {
    db.prepare_cached("DELETE FROM blocks WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// How many records a place has.
fn records(db: &Connection, place: i64) -> Outcome<i64> {
    let mut find = db.prepare_cached("SELECT records FROM places WHERE id = ?1")?;
    Ok(find.query_row([place], |row| row.get(0)).optional()?.unwrap_or(0))
}
