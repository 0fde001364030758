//! A range of index rows of one place.

use rusqlite::{Connection, OptionalExtension, Rows};

use std::cmp::Ordering;

use super::Flow;
use super::source::{Visit, Way, bytes, next};
use super::terms::{RowTerms, Subject, Terms, terms_of};
use crate::block::{Block, IndexRow};
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;

/// A range of index rows of one place.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) place: i64,
    /// The place's field.
    pub(crate) field: FieldId,
    /// The key parts that all rows share.
    pub(crate) scope: Vec<u8>,
    /// The first value and rest of a key.
    pub(crate) low: (Vec<u8>, Vec<u8>),
    /// The first value and rest of a key after the range.
    pub(crate) high: (Vec<u8>, Vec<u8>),
}

impl Span {
    /// The rows of one value whose keys lie in a range.
    pub(crate) fn point(
        (place, field): (i64, FieldId),
        scope: Vec<u8>,
        value: &[u8],
        keys: &(Vec<u8>, Vec<u8>),
    ) -> Self {
        let low = (value.to_vec(), keys.0[scope.len().min(keys.0.len())..].to_vec());
        let rest = keys.1[scope.len().min(keys.1.len())..].to_vec();
        // A range as wide as the scope ends with the scope, and so has no last rest of a key.
        let high = if keys.0 == scope { (next(value), Vec::new()) } else { (value.to_vec(), rest) };
        Self { place, field, scope, low, high }
    }

    /// The rows of all values between two.
    pub(crate) fn between(
        (place, field): (i64, FieldId),
        scope: Vec<u8>,
        low: Vec<u8>,
        high: Vec<u8>,
    ) -> Self {
        Self { place, field, scope, low: (low, Vec::new()), high: (high, Vec::new()) }
    }

    /// Whether it may have rows of keys outside a range of keys that all begin with its scope.
    pub(crate) fn is_wider_than(&self, keys: &(Vec<u8>, Vec<u8>)) -> bool {
        let rest = |key: &'_ [u8]| key.get(self.scope.len()..).unwrap_or_default().to_vec();
        let is_of_range = self.low.0 == self.high.0
            && self.low.1 >= rest(&keys.0)
            && self.high.1 <= rest(&keys.1);
        self.scope.len() < keys.0.len() && !is_of_range
    }

    /// Whether it begins in more blocks than so many; no others are looked at.
    pub(super) fn has_more_blocks_than(&self, db: &Connection, most: u32) -> Outcome<bool> {
        let mut count = db.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM blocks WHERE place = ?1
             AND (value, rest) >= (?2, ?3) AND (value, rest) < (?4, ?5) LIMIT ?6)",
        )?;
        let (low, high) = (&self.low, &self.high);
        let range = (self.place, &low.0, &low.1, &high.0, &high.1, i64::from(most) + 1);
        Ok(count.query_row(range, |row| row.get::<_, u32>(0))? > most)
    }

    /// Gives every row, in the order of value and key or backwards.
    pub(super) fn each(&self, db: &Connection, way: Way, visit: &mut Visit<'_>) -> Outcome<Flow> {
        self.each_claimed(db, way, None, visit)
    }

    /// The same, of the blocks that are to be taken.
    pub(super) fn each_claimed(
        &self,
        db: &Connection,
        way: Way,
        claim: Option<&mut Claim<'_>>,
        visit: &mut Visit<'_>,
    ) -> Outcome<Flow> {
        let (key, value) = (self.scope.clone(), Vec::new());
        let (carried, table) = match way.keys_alone {
            true => ("NULL", "blocks"),
            false => ("bytes", "blocks LEFT JOIN carried ON carried.id = blocks.carried"),
        };
        let bound = if claim.is_some() { ", value, rest" } else { "" };
        let mut walk = Walk { span: self, db, way, claim, key, value };
        let high = (&self.high.0, &self.high.1);
        if way.backwards {
            let mut blocks = db.prepare_cached(&format!(
                "SELECT rows, {carried}{bound} FROM {table}
                 WHERE place = ?1 AND (value, rest) < (?2, ?3)
                 ORDER BY value DESC, rest DESC",
            ))?;
            return walk.blocks(blocks.query((self.place, high.0, high.1))?, visit);
        }
        let (value, rest) = self.first_block(db)?;
        let mut blocks = db.prepare_cached(&format!(
            "SELECT rows, {carried}{bound} FROM {table} WHERE place = ?1
             AND (value, rest) >= (?2, ?3) AND (value, rest) < (?4, ?5) ORDER BY value, rest",
        ))?;
        walk.blocks(blocks.query((self.place, value, rest, high.0, high.1))?, visit)
    }

    /// The bound of the block in which the first row may lie.
    fn first_block(&self, db: &Connection) -> Outcome<(Vec<u8>, Vec<u8>)> {
        let mut find = db.prepare_cached(
            "SELECT value, rest FROM blocks WHERE place = ?1 AND (value, rest) <= (?2, ?3)
             ORDER BY value DESC, rest DESC LIMIT 1",
        )?;
        let low = (self.place, &self.low.0, &self.low.1);
        let found = find.query_row(low, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(found.unwrap_or_default())
    }
}

/// Says what is to be done with the block of a bound.
pub(super) type Claim<'c> = dyn FnMut((&[u8], &[u8])) -> Outcome<Turn> + 'c;

/// What is to be done with a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    Take,
    /// To go on with the next one.
    Skip,
    Stop,
}

/// A walk along the blocks of a range.
struct Walk<'a, 'c> {
    span: &'a Span,
    db: &'a Connection,
    way: Way,
    claim: Option<&'a mut Claim<'c>>,
    /// The key and the value of the row at hand.
    key: Vec<u8>,
    value: Vec<u8>,
}

/// What comes after a row.
enum Step {
    Next,
    /// Nothing: the range has ended.
    Past,
    /// Nothing: whoever takes the rows has enough.
    Enough,
}

impl Walk<'_, '_> {
    fn blocks(&mut self, mut blocks: Rows<'_>, visit: &mut Visit<'_>) -> Outcome<Flow> {
        while let Some(row) = blocks.next()? {
            if let Some(claim) = &mut self.claim {
                match claim((bytes(row, 2)?, bytes(row, 3)?))? {
                    Turn::Take => {}
                    Turn::Skip => continue,
                    Turn::Stop => break,
                }
            }
            let carried = row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
            let block = Block::of(bytes(row, 0)?, carried)?;
            match self.block(&block, visit)? {
                Step::Next => {}
                Step::Past => break,
                Step::Enough => return Ok(Flow::Break(())),
            }
        }
        Ok(Flow::Continue(()))
    }

    fn block(&mut self, block: &Block<'_>, visit: &mut Visit<'_>) -> Outcome<Step> {
        let low = Edge::of(&self.span.low, block);
        let high = Edge::of(&self.span.high, block);
        self.key.truncate(self.span.scope.len());
        self.key.extend_from_slice(block.rest);
        self.value.clear();
        self.value.extend_from_slice(block.value);
        let (is_below, is_above) =
            (|row: &IndexRow<'_>| low.is_above(row), |row: &IndexRow<'_>| !high.is_above(row));
        if self.way.backwards && !self.way.any_order {
            // Rows are read in one direction only.
            let rows: Vec<_> = block.rows().collect::<Outcome<_>>()?;
            let rows = rows.into_iter().rev().map(Ok);
            return self.rows(block, rows, (is_above, is_below), visit);
        }
        let step = self.rows(block, block.rows(), (is_below, is_above), visit)?;
        // Backwards, only the rows of this block may lie past the end of the range.
        Ok(if self.way.backwards && matches!(step, Step::Past) { Step::Next } else { step })
    }

    /// Gives the rows of a block that lie neither before the range nor past it.
    fn rows<'b>(
        &mut self,
        block: &Block<'b>,
        rows: impl Iterator<Item = Outcome<IndexRow<'b>>>,
        (is_before, is_past): (impl Fn(&IndexRow<'b>) -> bool, impl Fn(&IndexRow<'b>) -> bool),
        visit: &mut Visit<'_>,
    ) -> Outcome<Step> {
        let mut reached = false;
        for row in rows {
            let row = row?;
            reached = reached || !is_before(&row);
            if !reached {
                continue;
            }
            if is_past(&row) {
                return Ok(Step::Past);
            }
            if self.row(block, row, visit)?.is_break() {
                return Ok(Step::Enough);
            }
        }
        Ok(Step::Next)
    }

    fn row(
        &mut self,
        block: &Block<'_>,
        row: IndexRow<'_>,
        visit: &mut Visit<'_>,
    ) -> Outcome<Flow> {
        self.key.truncate(self.span.scope.len() + block.rest.len());
        self.key.extend_from_slice(row.rest);
        if !self.way.keys_alone {
            self.value.truncate(block.value.len());
            self.value.extend_from_slice(row.value);
        }
        let (key, value) = (self.key.as_slice(), self.value.as_slice());
        let found;
        let terms = match row.carried {
            _ if self.way.keys_alone => Terms::Whole(Carried(&[])),
            Some(carried) => Terms::Row(RowTerms { block, field: self.span.field, value, carried }),
            None => {
                found = terms_of(self.db, key)?.unwrap_or_default();
                Terms::Whole(Carried(&found))
            }
        };
        visit(Subject { key, terms }, Some(value))
    }
}

/// An end of a range, as seen from a block.
enum Edge<'a> {
    /// All rows lie before it, or all after it.
    After,
    Before,
    /// Compared with what the rows of the block have for themselves.
    Among(&'a [u8], Rest<'a>),
}

/// The rest of a key at an end of a range.
enum Rest<'a> {
    After,
    Before,
    Among(&'a [u8]),
}

impl<'a> Edge<'a> {
    fn of((value, rest): &'a (Vec<u8>, Vec<u8>), block: &Block<'_>) -> Self {
        let among = |tail| {
            let rest = match rest.strip_prefix(block.rest) {
                Some(tail) => Rest::Among(tail),
                None if block.rest < rest.as_slice() => Rest::After,
                None => Rest::Before,
            };
            Self::Among(tail, rest)
        };
        match value.strip_prefix(block.value) {
            Some(tail) => among(tail),
            None if block.value < value.as_slice() => Self::After,
            None => Self::Before,
        }
    }

    /// Whether a row lies before it.
    fn is_above(&self, row: &IndexRow<'_>) -> bool {
        match self {
            Self::After => true,
            Self::Before => false,
            Self::Among(value, rest) => match (row.value.cmp(value), rest) {
                (Ordering::Less, _) | (Ordering::Equal, Rest::After) => true,
                (Ordering::Greater, _) | (Ordering::Equal, Rest::Before) => false,
                (Ordering::Equal, Rest::Among(rest)) => row.rest < *rest,
            },
        }
    }
}
