//! What the cases are written with. No case belongs here.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::TryStreamExt;
use packhouse_core::store::{
    Batch, BatchId, Change, CommitError, Committed, Expectation, Field, Filter, Key, KeyRange,
    Kind, Page, Pattern, Query, Record, Store, Term, TermValue,
};

pub(super) const THING: Kind = Kind::new("thing");
pub(super) const OWNER: Kind = Kind::new("owner");

/// A field that is searched in the whole kind.
pub(super) const COLOR: Field = Field::new("color", 0);
pub(super) const SIZE: Field = Field::new("size", 0);
/// A field that is searched within one key part.
pub(super) const LOCAL: Field = Field::new("local", 1);
pub(super) const NAME: Field = Field::new("name", 0).wildcard();
pub(super) const PUBLIC: Field = Field::new("public", 0);

pub(super) fn thing<'a>(parts: impl IntoIterator<Item = &'a str>) -> Key {
    Key::new(THING, parts)
}

pub(super) fn things<'a>(parts: impl IntoIterator<Item = &'a str>) -> KeyRange {
    KeyRange::within(THING, parts)
}

pub(super) fn text(field: &Field, value: &str) -> Term {
    Term { field: field.clone(), value: TermValue::text(value) }
}

pub(super) fn number(field: &Field, value: i64) -> Term {
    Term { field: field.clone(), value: TermValue::integer(value) }
}

pub(super) fn is(field: &Field, value: &str) -> Filter {
    Filter::Is(field.clone(), TermValue::text(value))
}

pub(super) fn like(field: &Field, pattern: &str) -> Filter {
    Filter::Like(field.clone(), Pattern::new(pattern).expect("a short pattern"))
}

pub(super) fn named(name: &str, scope: usize, wildcard: bool) -> Field {
    Field { name: Cow::Owned(name.to_owned()), scope, wildcard }
}

/// Puts a record that nothing finds.
pub(super) fn put(key: &Key, body: &str) -> Change {
    found(key, body, [])
}

/// Puts a record with terms.
pub(super) fn found(key: &Key, body: &str, terms: impl Into<Vec<Term>>) -> Change {
    owned(key, body, terms, [])
}

/// Puts a record with terms and owners.
pub(super) fn owned(
    key: &Key,
    body: &str,
    terms: impl Into<Vec<Term>>,
    owners: impl Into<Vec<Key>>,
) -> Change {
    Change::Put { key: key.clone(), body: body.into(), terms: terms.into(), owners: owners.into() }
}

pub(super) fn fresh_id() -> BatchId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [7; 16];
    id[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    BatchId(id)
}

pub(super) fn batch(
    expectations: impl Into<Vec<Expectation>>,
    changes: impl Into<Vec<Change>>,
) -> Batch {
    Batch { id: fresh_id(), expectations: expectations.into(), changes: changes.into() }
}

/// Commits changes without expectations.
pub(super) async fn commit(store: &Arc<dyn Store>, changes: impl Into<Vec<Change>>) -> Committed {
    store.commit(&batch([], changes)).await.expect("the batch is committed")
}

/// Commits things with the given names and terms.
pub(super) async fn given(store: &Arc<dyn Store>, records: &[(&str, Vec<Term>)]) {
    let changes: Vec<Change> =
        records.iter().map(|(name, terms)| found(&thing([*name]), "{}", terms.clone())).collect();
    commit(store, changes).await;
}

/// Commits what must fail by an expectation, and gives that one.
pub(super) async fn conflict(store: &Arc<dyn Store>, batch: &Batch) -> Expectation {
    match store.commit(batch).await {
        Err(CommitError::Conflict(expectation)) => expectation,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

pub(super) async fn find(store: &Arc<dyn Store>, key: &Key) -> Option<Record> {
    read(store, std::slice::from_ref(key)).await.swap_remove(0)
}

pub(super) async fn read(store: &Arc<dyn Store>, keys: &[Key]) -> Vec<Option<Record>> {
    let found = store.read(keys).await.expect("the records are read");
    assert_eq!(found.len(), keys.len(), "an answer for each key");
    found
}

pub(super) async fn select(store: &Arc<dyn Store>, query: &Query) -> Page {
    store.select(query).await.expect("the query is answered")
}

/// The last parts of the keys of a page.
pub(super) async fn names(store: &Arc<dyn Store>, query: &Query) -> Vec<String> {
    last_parts(&select(store, query).await)
}

pub(super) fn last_parts(page: &Page) -> Vec<String> {
    page.rows.iter().map(|row| row.key.parts().pop().unwrap_or_default()).collect()
}

/// The last parts of the keys of the things that a filter finds, by key.
pub(super) async fn matching(store: &Arc<dyn Store>, filter: Filter) -> Vec<String> {
    names(store, &Query::within(things([])).filter(filter)).await
}

pub(super) async fn scan(store: &Arc<dyn Store>, query: &Query) -> Vec<Record> {
    let stream = store.scan(query).await.expect("the scan begins");
    stream.try_collect().await.expect("the scan ends")
}

/// A small generator of numbers that look random, the same ones for the same seed (SplitMix64).
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
