//! The unit of work: what a use case read, and what it will change, as one batch.
//!
//! It notes every record that is read and turns it into an expectation, so that a lost update is
//! impossible without anyone thinking of it: a record that is written, or that the permit rests
//! on, is expected unchanged; one that was only read is expected to be there still, in the same
//! incarnation; one that was absent is expected to be absent still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::access::{Changes, Permit};
use crate::engine::{Limits, Packhouse};
use crate::model::Stored;
use crate::store::{
    Batch, BatchId, Change, Cursor, Expectation, Key, KeyRange, Query, Record, Revision,
};
use crate::{Error, Result, Timestamp};

/// How many records are read at once.
const READ_AT_ONCE: usize = 1_000;

/// A unit of work. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    packhouse: Packhouse,
    now: Timestamp,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    seen: BTreeMap<Key, Seen>,
    expectations: Vec<Expectation>,
    changes: Vec<Change>,
    /// What is added to counters, each in one change.
    added: BTreeMap<Key, i64>,
}

/// A record as it was first seen.
#[derive(Debug)]
struct Seen {
    /// When it was last written and when it was made; `None` if it was not there.
    at: Option<(Revision, Revision)>,
    /// Whether the permit rests on it.
    basis: bool,
}

impl Work {
    pub(crate) fn new(packhouse: &Packhouse) -> Self {
        let now = packhouse.now();
        Self { packhouse: packhouse.clone(), now, state: Arc::default() }
    }

    /// The one instant of the whole work.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Reads what a permit will rest on.
    pub(crate) async fn rest_on(&self, keys: &[Key]) -> Result<Read> {
        self.rest_on_and_read(keys, None).await
    }

    /// Reads what a permit will rest on, and one record more that it will not, at once.
    pub(crate) async fn rest_on_and_read(&self, keys: &[Key], more: Option<Key>) -> Result<Read> {
        let mut all = keys.to_vec();
        all.extend(more);
        let records = self.packhouse.read_all(&all).await?;
        let mut state = self.state();
        for (place, (key, record)) in all.into_iter().zip(&records).enumerate() {
            state.note(key, record.as_ref(), place < keys.len());
        }
        Ok(Read { records: records.into() })
    }

    /// Reads one record.
    pub(crate) async fn find<T: Stored>(&self, key: Key) -> Result<Option<T>> {
        let record = self.record(key).await?;
        record.map(|record| decode(&record)).transpose()
    }

    /// Reads one record that must not change before the commit.
    pub(crate) async fn find_as_basis<T: Stored>(&self, key: Key) -> Result<Option<T>> {
        self.rest_on(&[key]).await?.take()
    }

    /// Reads records, in the order of the keys.
    pub(crate) async fn find_all<T: Stored>(&self, keys: Vec<Key>) -> Result<Vec<Option<T>>> {
        self.read_noted(keys, false).await
    }

    /// Reads records that must not change before the commit.
    pub(crate) async fn find_all_as_basis<T: Stored>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>> {
        self.read_noted(keys, true).await
    }

    async fn read_noted<T: Stored>(&self, keys: Vec<Key>, basis: bool) -> Result<Vec<Option<T>>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(READ_AT_ONCE) {
            for (key, record) in keys.iter().zip(self.packhouse.read_all(keys).await?) {
                self.state().note(key.clone(), record.as_ref(), basis);
                found.push(record.map(|record| decode(&record)).transpose()?);
            }
        }
        Ok(found)
    }

    /// Reads a counter.
    pub(crate) async fn counter(&self, key: Key) -> Result<i64> {
        Ok(self.record(key).await?.map_or(0, |record| record.counter()))
    }

    /// Whether a record is there.
    pub(crate) async fn exists(&self, key: Key) -> Result<bool> {
        Ok(self.record(key).await?.is_some())
    }

    async fn record(&self, key: Key) -> Result<Option<Record>> {
        let record = self.packhouse.read_all(std::slice::from_ref(&key)).await?.pop().flatten();
        self.state().note(key, record.as_ref(), false);
        Ok(record)
    }

    /// Selects keys alone. Nothing is expected of them.
    pub(crate) async fn keys(&self, query: &Query) -> Result<Vec<Key>> {
        let page = self.packhouse.select(&query.clone().keys()).await?;
        Ok(page.rows.into_iter().map(|row| row.key).collect())
    }

    /// Selects records, each noted as read.
    pub(crate) async fn list<T: Stored>(&self, query: &Query) -> Result<Vec<T>> {
        Ok(self.page(query).await?.0)
    }

    /// Selects records, each noted as read, and where the next page starts.
    pub(crate) async fn page<T: Stored>(&self, query: &Query) -> Result<(Vec<T>, Option<Cursor>)> {
        let page = self.packhouse.select(query).await?;
        let next = page.next.clone();
        let records: Vec<Record> = page.into_records().collect();
        let mut state = self.state();
        for record in &records {
            state.note(record.key.clone(), Some(record), false);
        }
        let decoded: Result<Vec<T>> = records.iter().map(decode).collect();
        Ok((decoded?, next))
    }

    /// Writes a record.
    pub(crate) fn put<A: Changes, P, T: Stored>(&self, permit: &Permit<A, P>, value: &T) {
        self.change(permit, value.put());
    }

    /// Deletes a record.
    pub(crate) fn delete<A: Changes, P>(&self, permit: &Permit<A, P>, key: Key) {
        self.change(permit, Change::Delete(key));
    }

    /// Makes any change. The permit is the proof that one was asked for: one for reading does not
    /// do.
    pub(crate) fn change<A: Changes, P>(&self, _permit: &Permit<A, P>, change: Change) {
        self.state().changes.push(change);
    }

    /// Adds to a counter, before every other change.
    pub(crate) fn add<A: Changes, P>(&self, _permit: &Permit<A, P>, counter: Key, number: i64) {
        let mut state = self.state();
        let added = state.added.entry(counter).or_default();
        *added = added.saturating_add(number);
    }

    /// Expects that a range holds nothing.
    pub(crate) fn expect_empty(&self, range: KeyRange) {
        self.state().expectations.push(Expectation::Empty(range));
    }

    /// The bounds in force.
    pub(crate) fn limits(&self) -> &Limits {
        self.packhouse.limits()
    }

    /// Sixteen random bytes.
    pub(crate) fn random_bytes(&self) -> [u8; 16] {
        self.packhouse.random_bytes()
    }

    /// The batch; `None` when there is nothing to change.
    pub(crate) fn batch(&self) -> Option<Batch> {
        let mut state = self.state();
        let added = std::mem::take(&mut state.added);
        let added = added.into_iter().filter(|(_, number)| *number != 0);
        // First: a counter that is deleted as well is gone.
        state.changes.splice(0..0, added.map(|(counter, number)| Change::Add(counter, number)));
        if state.changes.is_empty() {
            return None;
        }
        let changes = std::mem::take(&mut state.changes);
        let written: BTreeSet<&Key> = changes.iter().filter_map(written_key).collect();
        let mut expectations = std::mem::take(&mut state.expectations);
        expectations.extend(state.seen.iter().map(|(key, seen)| match seen.at {
            None => Expectation::Absent(key.clone()),
            Some((revision, _)) if seen.basis || written.contains(key) => {
                Expectation::At(key.clone(), revision)
            }
            Some((_, born)) => Expectation::Born(key.clone(), born),
        }));
        let id = BatchId(self.packhouse.random_bytes());
        Some(Batch { id, expectations, changes })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, key: Key, record: Option<&Record>, basis: bool) {
        let at = record.map(|record| (record.revision, record.born));
        let seen = self.seen.entry(key).or_insert(Seen { at, basis });
        seen.basis |= basis;
    }
}

fn written_key(change: &Change) -> Option<&Key> {
    match change {
        Change::Put { key, .. }
        | Change::Delete(key)
        | Change::Add(key, _)
        | Change::Raise(key, _) => Some(key),
        Change::DeleteWithin(_) | Change::Append { .. } => None,
    }
}

/// Records that were read at once, to be taken in the order they were asked for.
pub(crate) struct Read {
    records: std::collections::VecDeque<Option<Record>>,
}

impl Read {
    /// Records that no permit rests on.
    pub(crate) fn of(records: Vec<Option<Record>>) -> Self {
        Self { records: records.into() }
    }

    /// The next record.
    pub(crate) fn take<T: Stored>(&mut self) -> Result<Option<T>> {
        self.records.pop_front().flatten().map(|record| decode_kept(&record)).transpose()
    }

    /// The last record.
    pub(crate) fn take_last<T: Stored>(&mut self) -> Result<Option<T>> {
        self.records.pop_back().flatten().map(|record| decode_kept(&record)).transpose()
    }

    /// All that are left as they are, without the absent ones.
    pub(crate) fn take_records(&mut self) -> impl Iterator<Item = Record> {
        self.records.drain(..).flatten()
    }

    /// All that are left, without the absent ones.
    pub(crate) fn take_all<T: Stored>(&mut self) -> Result<Vec<T>> {
        self.records.drain(..).flatten().map(|record| decode(&record)).collect()
    }
}

/// Reads a body that is read again and again, and that a backend may keep.
pub(crate) fn decode_kept<T: Stored>(record: &Record) -> Result<T> {
    record.decoded().map(Arc::unwrap_or_clone).map_err(Error::corrupt)
}

/// Reads a body.
pub(crate) fn decode<T: Stored>(record: &Record) -> Result<T> {
    serde_json::from_str(&record.body).map_err(Error::corrupt)
}
