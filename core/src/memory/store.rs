//! Records in a sorted map.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures::stream::{self, StreamExt};

use crate::store::{
    Batch, BatchId, Change, CommitError, Committed, Cursor, Decoded, Direction, Expectation, Key,
    KeyRange, Names, Order, Page, Query, Record, RecordStream, Revision, Row, Shape, Start, Store,
    StoreError, TermValue,
};

/// A [`Store`] in memory. Clones share the same records.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Key, Record>,
    /// The last number that each stream gave.
    streams: HashMap<Key, u64>,
    /// What each batch answered. Kept for ever: a store in memory does not live for hours.
    outcomes: HashMap<BatchId, Committed>,
    revision: Revision,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics between two changes of one batch.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let state = self.state();
        Ok(keys.iter().map(|key| state.records.get(key).cloned()).collect())
    }

    async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        query.check()?;
        let matching = self.state().matching(query);
        Ok(page_of(matching, query))
    }

    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError> {
        query.check()?;
        let matching = self.state().matching(query);
        Ok(stream::iter(matching.into_iter().map(|(_, record)| Ok(record))).boxed())
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        batch.check()?;
        let mut state = self.state();
        if let Some(outcome) = state.outcomes.get(&batch.id) {
            return Ok(outcome.clone());
        }
        for expectation in &batch.expectations {
            if !state.holds(expectation) {
                return Err(CommitError::Conflict(expectation.clone()));
            }
        }
        state.revision.0 += 1;
        let revision = state.revision;
        let appended = batch.changes.iter().filter_map(|change| state.apply(change)).collect();
        let committed = Committed { revision, appended };
        state.outcomes.insert(batch.id, committed.clone());
        Ok(committed)
    }
}

/// What a record is ordered by, and the record.
type Ordered = (Option<TermValue>, Record);

impl State {
    fn within(&self, range: &KeyRange) -> impl Iterator<Item = &Record> {
        let range = range.clone();
        let start = Key::from_bytes(range.prefix()).expect("a range starts at a key");
        self.records
            .range((Bound::Included(start), Bound::Unbounded))
            .map(|(_, record)| record)
            .take_while(move |record| range.contains(&record.key))
    }

    fn matching(&self, query: &Query) -> Vec<Ordered> {
        let owner = |key: &Key| self.records.get(key).cloned();
        let mut matching: Vec<Ordered> = self
            .within(&query.range)
            .filter(|record| query.filter.matches(record, &owner))
            .filter_map(|record| Some((place_of(record, &query.order)?, record.clone())))
            .collect();
        matching.sort_by(|a, b| (&a.0, &a.1.key).cmp(&(&b.0, &b.1.key)));
        if direction(&query.order) == Direction::Descending {
            matching.reverse();
        }
        matching
    }

    fn holds(&self, expectation: &Expectation) -> bool {
        let find = |key: &Key| self.records.get(key);
        match expectation {
            Expectation::Absent(key) => find(key).is_none(),
            Expectation::Present(key) => find(key).is_some(),
            Expectation::At(key, at) => find(key).is_some_and(|record| record.revision == *at),
            Expectation::Born(key, born) => find(key).is_some_and(|record| record.born == *born),
            Expectation::Empty(range) => self.within(range).next().is_none(),
            Expectation::AtMost(key, most) => find(key).map_or(0, Record::counter) <= *most,
        }
    }

    fn apply(&mut self, change: &Change) -> Option<u64> {
        match change {
            Change::Put { key, body, terms, owners } => {
                let mut terms = terms.clone();
                terms.sort();
                terms.dedup();
                let owners = owners.clone();
                self.put(key.clone(), |record| Record {
                    body: body.clone(),
                    terms: terms.into(),
                    owners: owners.into(),
                    ..record
                });
            }
            Change::Delete(key) => {
                self.records.remove(key);
            }
            Change::DeleteWithin(range) => {
                let keys: Vec<Key> = self.within(range).map(|record| record.key.clone()).collect();
                for key in keys {
                    self.records.remove(&key);
                }
            }
            Change::Add(key, by) => self.count(key, |held| held.saturating_add(*by)),
            Change::Raise(key, to) => self.count(key, |held| held.max(*to)),
            Change::Append { stream, body } => {
                let last = self.streams.entry(stream.clone()).or_default();
                *last += 1;
                let number = *last;
                let key = stream.child(&format!("{number:020}"));
                self.put(key, |record| Record { body: body.clone(), ..record });
                return Some(number);
            }
        }
        None
    }

    fn count(&mut self, key: &Key, next: impl FnOnce(i64) -> i64) {
        let held = self.records.get(key);
        let number = match held {
            Some(record) => next(record.counter()),
            None => next(0),
        };
        self.put(key.clone(), |record| Record { body: number.to_string().into(), ..record });
    }

    fn put(&mut self, key: Key, fill: impl FnOnce(Record) -> Record) {
        let revision = self.revision;
        let born = self.records.get(&key).map_or(revision, |record| record.born);
        let (terms, owners, body) = (Arc::default(), Arc::default(), "null".into());
        let record = fill(Record {
            key: key.clone(),
            revision,
            born,
            body,
            terms,
            owners,
            decoded: Decoded::default(),
        });
        self.records.insert(key, record);
    }
}

fn direction(order: &Order) -> Direction {
    match order {
        Order::Key(direction) | Order::Term(_, direction) => *direction,
    }
}

/// What the record is ordered by; `None` when the order leaves it out.
fn place_of(record: &Record, order: &Order) -> Option<Option<TermValue>> {
    match order {
        Order::Key(_) => Some(None),
        Order::Term(field, _) => record.values(field).next().cloned().map(Some),
    }
}

fn page_of(matching: Vec<Ordered>, query: &Query) -> Page {
    let total = query.total.then_some(matching.len() as u64);
    let descending = direction(&query.order) == Direction::Descending;
    let start = match &query.start {
        Start::Skip(count) => usize::try_from(*count).unwrap_or(usize::MAX).min(matching.len()),
        Start::After(Cursor { value, key }) => matching.partition_point(|(held, record)| {
            let place = (held, &record.key).cmp(&(value, key));
            if descending { place.is_ge() } else { place.is_le() }
        }),
    };
    let more = matching.len() - start > query.limit;
    let rows: Vec<Ordered> = matching.into_iter().skip(start).take(query.limit).collect();
    let next = rows
        .last()
        .filter(|_| more)
        .map(|(value, record)| Cursor { value: value.clone(), key: record.key.clone() });
    if query.shape == Shape::Names {
        let names = rows.iter().map(|(_, record)| record.key.last()).collect();
        return Page { names, next, total, rows: Vec::new() };
    }
    let rows = rows
        .into_iter()
        .map(|(_, record)| Row {
            key: record.key.clone(),
            record: (query.shape == Shape::Records).then_some(record),
        })
        .collect();
    Page { rows, next, total, names: Names::default() }
}
