//! Where candidates come from: a range of keys, a range of index rows, or the index of texts.
//!
//! A source gives at least the records it stands for; whether one matches is checked elsewhere.

use std::ops::{Bound, ControlFlow};

use packhouse_core::store::TermValue;
use rusqlite::{Connection, OptionalExtension, Row};

use super::span::Span;
use super::terms::{Subject, Terms};
use crate::encoding::Carried;
use crate::fault::Outcome;

/// Whether to go on.
pub(crate) type Flow = ControlFlow<()>;

/// How candidates are given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    pub(crate) backwards: bool,
    /// The index rows of a block in any order, which is faster backwards. Such a walk does not end
    /// where the range begins: whoever claims its blocks sees to that.
    pub(crate) any_order: bool,
    /// Without the terms of what index rows give, and without their values.
    pub(crate) keys_alone: bool,
}

/// What takes candidates: the record, and the value of the index row that it came from.
pub(crate) type Visit<'v> = dyn FnMut(Subject<'_>, Option<&[u8]>) -> Outcome<Flow> + 'v;

/// A place where candidates come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// No candidates at all.
    Nothing,
    /// The records from a key up to, not including, another, in the order of their keys.
    Keys { low: Vec<u8>, high: Vec<u8>, with_terms: bool },
    /// Index rows, in the order of value and key.
    Span(Span),
    /// What the index of texts gives for a question, in no useful order.
    Texts(String),
    /// All of these, some candidates more than once.
    Union(Vec<Source>),
}

/// The first bytes that are not below a lower bound.
pub(crate) fn above(bound: &Bound<TermValue>) -> Vec<u8> {
    match bound {
        Bound::Included(value) => value.as_bytes().to_vec(),
        Bound::Excluded(value) => next(value.as_bytes()),
        Bound::Unbounded => Vec::new(),
    }
}

/// The first bytes above an upper bound.
pub(crate) fn below(bound: &Bound<TermValue>) -> Vec<u8> {
    match bound {
        Bound::Included(value) => next(value.as_bytes()),
        Bound::Excluded(value) => value.as_bytes().to_vec(),
        // Values start with the letter of their type.
        Bound::Unbounded => vec![0xff],
    }
}

/// The bytes that follow on these.
pub(crate) fn next(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// The bytes in a column.
pub(super) fn bytes<'a>(row: &'a Row<'_>, column: usize) -> Outcome<&'a [u8]> {
    Ok(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
}

impl Source {
    /// Whether it reads records, which costs more than index rows.
    pub(crate) fn is_of_records(&self) -> bool {
        matches!(self, Self::Keys { .. })
    }

    /// Gives every candidate, in the source's order or backwards.
    pub(crate) fn each(&self, db: &Connection, way: Way, visit: &mut Visit<'_>) -> Outcome<Flow> {
        match self {
            Self::Nothing => {}
            Self::Keys { low, high, with_terms } => {
                let terms = if *with_terms { "terms" } else { "x''" };
                let order = if way.backwards { "DESC" } else { "ASC" };
                let mut statement = db.prepare_cached(&format!(
                    "SELECT key, {terms} FROM records WHERE key >= ?1 AND key < ?2 ORDER BY key {order}"
                ))?;
                return each_record(statement.query((low, high))?, visit);
            }
            Self::Span(span) => return span.each(db, way, visit),
            Self::Texts(question) => {
                let mut statement = db.prepare_cached(
                    "SELECT key, terms FROM texts JOIN records ON records.id = texts.rowid
                     WHERE texts MATCH ?1",
                )?;
                return each_record(statement.query([question])?, visit);
            }
            Self::Union(sources) => {
                for source in sources {
                    if source.each(db, way, visit)?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                }
            }
        }
        Ok(Flow::Continue(()))
    }

    /// The number of candidates, if it is below `most`; only so many are looked at.
    pub(crate) fn count_below(&self, db: &Connection, most: u64) -> Outcome<Option<u64>> {
        let count: u64 = match self {
            Self::Nothing => 0,
            Self::Keys { low, high, .. } => db
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM records WHERE key >= ?1 AND key < ?2 LIMIT ?3)",
                )?
                .query_row((low, high, most), |row| row.get(0))?,
            Self::Span(span) => {
                let mut count = 0;
                let way = Way { keys_alone: true, ..Way::default() };
                let _ = span.each(db, way, &mut |_, _| {
                    count += 1;
                    Ok(if count < most { Flow::Continue(()) } else { Flow::Break(()) })
                })?;
                count
            }
            Self::Texts(question) => db
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH ?1 LIMIT ?2)",
                )?
                .query_row((question, most), |row| row.get(0))?,
            Self::Union(sources) => {
                let mut sum = 0;
                for source in sources {
                    match source.count_below(db, most - sum)? {
                        Some(count) => sum += count,
                        None => return Ok(None),
                    }
                }
                sum
            }
        };
        Ok((count < most).then_some(count))
    }
}

fn each_record(mut rows: rusqlite::Rows<'_>, visit: &mut Visit<'_>) -> Outcome<Flow> {
    while let Some(row) = rows.next()? {
        let terms = Terms::Whole(Carried(bytes(row, 1)?));
        let subject = Subject { key: bytes(row, 0)?, terms };
        if visit(subject, None)?.is_break() {
            return Ok(Flow::Break(()));
        }
    }
    Ok(Flow::Continue(()))
}

/// A place by its field and scope, and how many records it has; `None` when it has none.
pub(crate) fn place(db: &Connection, field: u32, scope: &[u8]) -> Outcome<Option<(i64, u64)>> {
    let mut find =
        db.prepare_cached("SELECT id, records FROM places WHERE field = ?1 AND scope = ?2")?;
    Ok(find.query_row((field, scope), |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}
