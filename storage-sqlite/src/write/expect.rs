//! Whether what a batch expects holds.

use packhouse_core::store::{Expectation, KeyRange};
use rusqlite::{Connection, OptionalExtension};

use crate::fault::Outcome;

/// Whether one expectation holds.
pub(super) fn holds(db: &Connection, expectation: &Expectation) -> Outcome<bool> {
    Ok(match expectation {
        Expectation::Absent(key) => numbers(db, key.as_bytes())?.is_none(),
        Expectation::Present(key) => numbers(db, key.as_bytes())?.is_some(),
        Expectation::At(key, at) => {
            numbers(db, key.as_bytes())?.is_some_and(|(_, revision)| revision == at.0)
        }
        Expectation::Born(key, at) => {
            numbers(db, key.as_bytes())?.is_some_and(|(born, _)| born == at.0)
        }
        Expectation::Empty(range) => is_empty(db, range)?,
        Expectation::AtMost(key, most) => super::apply::counter(db, key.as_bytes())? <= *most,
    })
}

/// The commits that made and last wrote a record.
fn numbers(db: &Connection, key: &[u8]) -> Outcome<Option<(u64, u64)>> {
    let mut find = db.prepare_cached("SELECT born, revision FROM records WHERE key = ?1")?;
    Ok(find.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn is_empty(db: &Connection, range: &KeyRange) -> Outcome<bool> {
    let mut any =
        db.prepare_cached("SELECT 1 FROM records WHERE key >= ?1 AND key < ?2 LIMIT 1")?;
    Ok(!any.exists((range.prefix(), range.end()))?)
}
