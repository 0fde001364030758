//! The changes of a batch, applied to the tables.
//!
//! Index rows are kept by `index.rs`; transactions and savepoints are begun and ended elsewhere.

use std::collections::HashMap;

use packhouse_core::store::{Batch, Change, Key, KeyRange, Term};
use rusqlite::{Connection, OptionalExtension};

use super::index::Index;
use super::rows::RowChanges;
use crate::encoding::{Carried, kind_length, prefix_lengths};
use crate::fault::Outcome;

/// What a commit still has to do: what the rows of `counts`, `places` and `blocks` have to be changed
/// by, added up in memory because many batches touch the same few, and which records it changes.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) rows: RowChanges,
    pub(super) counts: HashMap<Vec<u8>, i64>,
    pub(super) places: HashMap<i64, i64>,
    pub(super) changed: Vec<Vec<u8>>,
}

impl Pending {
    pub(super) fn add(&mut self, other: Self) {
        self.rows.add(other.rows);
        for (prefix, by) in other.counts {
            *self.counts.entry(prefix).or_default() += by;
        }
        for (place, by) in other.places {
            *self.places.entry(place).or_default() += by;
        }
        self.changed.extend(other.changed);
    }

    fn count(&mut self, key: &[u8], by: i64) {
        // Not below the key itself.
        for length in prefix_lengths(key).filter(|length| *length < key.len()) {
            match self.counts.get_mut(&key[..length]) {
                Some(count) => *count += by,
                None => {
                    self.counts.insert(key[..length].to_vec(), by);
                }
            }
        }
    }
}

/// Applies one batch.
#[derive(Debug)]
pub(super) struct Apply<'a> {
    pub(super) db: &'a Connection,
    pub(super) index: &'a mut Index,
    pub(super) revision: u64,
    pub(super) pending: Pending,
}

impl Apply<'_> {
    /// Applies every change; gives the numbers of appended records.
    pub(super) fn all(&mut self, batch: &Batch) -> Outcome<Vec<u64>> {
        let mut appended = Vec::new();
        for change in &batch.changes {
            match change {
                Change::Put { key, body, terms, owners } => {
                    let blob = self.encode(key, terms, owners)?;
                    self.put(key.as_bytes(), body, &blob)?;
                }
                Change::Delete(key) => self.delete(key.as_bytes())?,
                Change::DeleteWithin(range) => self.delete_within(range)?,
                Change::Add(key, by) => {
                    self.change_counter(key, |held| held.saturating_add(*by))?;
                }
                Change::Raise(key, to) => self.change_counter(key, |held| held.max(*to))?,
                Change::Append { stream, body } => {
                    let number = self.next_number(stream)?;
                    let key = stream.child(&format!("{number:020}"));
                    self.put(key.as_bytes(), body, &[])?;
                    appended.push(number);
                }
            }
        }
        Ok(appended)
    }

    fn encode(&mut self, key: &Key, terms: &[Term], owners: &[Key]) -> Outcome<Vec<u8>> {
        let mut sorted: Vec<&Term> = terms.iter().collect();
        sorted.sort();
        sorted.dedup();
        let bytes = key.as_bytes();
        let kind = String::from_utf8_lossy(&bytes[..kind_length(bytes) - 1]);
        let mut numbered = Vec::with_capacity(sorted.len());
        for term in sorted {
            numbered
                .push((self.index.numbers.of(self.db, &kind, &term.field)?, term.value.as_bytes()));
        }
        Ok(Carried::encode(numbered.into_iter(), owners.iter().map(Key::as_bytes), bytes))
    }

    fn put(&mut self, key: &[u8], body: &str, terms: &[u8]) -> Outcome<()> {
        self.pending.changed.push(key.to_vec());
        let held = self
            .db
            .prepare_cached("SELECT id, terms FROM records WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        let (id, old) = match held {
            Some((id, old)) => {
                self.db
                    .prepare_cached(
                        "UPDATE records SET revision = ?2, terms = ?3, body = ?4 WHERE id = ?1",
                    )?
                    .execute((id, self.revision, terms, body))?;
                (id, old)
            }
            None => {
                let id = self
                    .db
                    .prepare_cached(
                        "INSERT INTO records (key, born, revision, terms, body) VALUES (?1, ?2, ?2, ?3, ?4)",
                    )?
                    .insert((key, self.revision, terms, body))?;
                self.pending.count(key, 1);
                (id, Vec::new())
            }
        };
        self.index.change(self.db, id, key, &old, terms, &mut self.pending)
    }

    fn delete(&mut self, key: &[u8]) -> Outcome<()> {
        self.pending.changed.push(key.to_vec());
        let held = self
            .db
            .prepare_cached("DELETE FROM records WHERE key = ?1 RETURNING id, terms")?
            .query_row([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        if let Some((id, terms)) = held {
            self.pending.count(key, -1);
            self.index.change(self.db, id, key, &terms, &[], &mut self.pending)?;
        }
        Ok(())
    }

    fn delete_within(&mut self, range: &KeyRange) -> Outcome<()> {
        let keys: Vec<Vec<u8>> = self
            .db
            .prepare_cached("SELECT key FROM records WHERE key >= ?1 AND key < ?2")?
            .query_map((range.prefix(), range.end()), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        keys.iter().try_for_each(|key| self.delete(key))
    }

    fn change_counter(&mut self, key: &Key, next: impl FnOnce(i64) -> i64) -> Outcome<()> {
        let number = next(counter(self.db, key.as_bytes())?);
        self.put(key.as_bytes(), &number.to_string(), &[])
    }

    fn next_number(&self, stream: &Key) -> Outcome<u64> {
        let mut next = self.db.prepare_cached(
            "INSERT INTO streams (key, last) VALUES (?1, 1)
             ON CONFLICT (key) DO UPDATE SET last = last + 1 RETURNING last",
        )?;
        Ok(next.query_row([stream.as_bytes()], |row| row.get(0))?)
    }
}

/// The number that a counter holds; 0 when it is absent, or a record that is no counter.
pub(super) fn counter(db: &Connection, key: &[u8]) -> Outcome<i64> {
    let mut find = db.prepare_cached("SELECT body FROM records WHERE key = ?1")?;
    let body: Option<String> = find.query_row([key], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| body.parse().ok()).unwrap_or(0))
}
