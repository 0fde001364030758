//! What a page costs, in steps that SQLite takes: times would depend on the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use packhouse_core::store::{
    Batch, BatchId, Change, Field, Filter, Key, KeyRange, Kind, Query, Store, StoreErrorKind, Term,
    TermValue,
};
use tempfile::TempDir;

use super::select;
use crate::fault::Fault;
use crate::records::Reader;
use crate::{SqliteOptions, SqliteStore, schema};

const THING: Kind = Kind::new("thing");
const COLOR: Field = Field::new("color", 0);
const SHAPE: Field = Field::new("shape", 0);

const COUNT: usize = 40_000;

/// A store of red round things, with a blue one in a hundred.
fn store(options: &SqliteOptions) -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("packhouse.db"), options).unwrap();
    let changes = (0..COUNT).map(|n| {
        let color = if n % 100 == 99 { "blue" } else { "red" };
        let term = |field, value| Term { field, value: TermValue::text(value) };
        Change::Put {
            key: Key::new(THING, [format!("{n:06}").as_str()]),
            body: "1".into(),
            terms: vec![term(COLOR, color), term(SHAPE, "round")],
            owners: vec![],
        }
    });
    let changes: Vec<_> = changes.collect();
    let batch = Batch { id: BatchId([1; 16]), expectations: vec![], changes };
    futures::executor::block_on(store.commit(&batch)).unwrap();
    (folder, store)
}

fn things(filter: Filter) -> Query {
    Query::within(KeyRange::within(THING, [])).filter(filter).limit(10)
}

fn is(field: Field, value: &str) -> Filter {
    Filter::Is(field, TermValue::text(value))
}

#[test]
fn a_page_among_very_many_matches_does_not_count_them() {
    let (folder, _store) = store(&SqliteOptions::default());
    let path = folder.path().join("packhouse.db");
    let mut reader = Reader::new(schema::open_reader(&path, 1 << 20).unwrap());
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    reader.connection.progress_handler(1, Some(count)).unwrap();
    let mut cost = |query: &Query| {
        steps.store(0, Ordering::Relaxed);
        assert_eq!(select(&mut reader, query).unwrap().rows.len(), 10);
        steps.load(Ordering::Relaxed)
    };
    let one = cost(&things(is(COLOR, "red")));
    let both = Filter::All(vec![is(COLOR, "red"), is(SHAPE, "round")]);
    let two = cost(&things(both.clone()));
    let all = cost(&things(both).with_total());
    assert!(one < all / 4, "{one} steps of {all} for a condition that has the order");
    assert!(two < all / 3, "{two} steps of {all} for conditions that are counted up to a bound");
    let rare = cost(&things(Filter::All(vec![is(SHAPE, "round"), is(COLOR, "blue")])));
    assert!(rare < all / 2, "{rare} steps of {all}: the rarer condition is found");
}

/// Holds of nothing, and no index knows.
fn unselective() -> Query {
    things(Filter::Not(Box::new(is(SHAPE, "round"))))
}

#[test]
fn a_query_that_takes_too_long_is_ended_and_the_next_one_is_answered() {
    let (folder, _store) = store(&SqliteOptions::default());
    let path = folder.path().join("packhouse.db");
    let mut reader = Reader::new(schema::open_reader(&path, 1 << 20).unwrap()).limited().unwrap();
    let mut within = |limit, query: Query| {
        reader
            .in_snapshot_within(limit, |reader| select(reader, &query))
            .map(|page| page.rows.len())
    };
    let fault = within(Duration::ZERO, unselective()).expect_err("it takes longer");
    assert!(matches!(fault, Fault::Late), "{fault:?}");
    assert_eq!(fault.kind(), StoreErrorKind::Unavailable);
    assert_eq!(within(Duration::from_secs(100), unselective()).unwrap(), 0);
    assert_eq!(within(Duration::ZERO, things(is(COLOR, "red"))).unwrap(), 10, "it is short");
}

#[test]
fn queries_have_the_limit_that_is_told() {
    let options = SqliteOptions { select_limit: Duration::ZERO, ..SqliteOptions::default() };
    let (_folder, store) = store(&options);
    let error = futures::executor::block_on(store.select(&unselective())).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
}
