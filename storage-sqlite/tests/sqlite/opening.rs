//! Opening, closing, and whose file it is.

use std::time::Instant;

use packhouse_core::store::{
    Change, Field, Filter, Key, Pattern, Query, Revision, Store, StoreErrorKind, Term, TermValue,
};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{COLOR, Place, THING, batch, put, thing, things};

fn refusal(place: &Place) -> packhouse_core::store::StoreError {
    SqliteStore::open(&place.path, &SqliteOptions::default()).expect_err("it is refused")
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let place = Place::new();
    let store = place.open();
    let append = Change::Append { stream: thing("s"), body: "1".into() };
    let once = batch([put("a", "1"), Change::Add(thing("n"), 4), append.clone()]);
    let first = store.commit(&once).await.unwrap();
    store.commit(&batch([put("b", "2")])).await.unwrap();
    drop(store);

    let store = place.open();
    let found = store.read(&[thing("a"), thing("n")]).await.unwrap();
    assert_eq!(&*found[0].as_ref().unwrap().body, "1");
    assert_eq!(found[1].as_ref().unwrap().counter(), 4);
    let cherry = Filter::Like(COLOR, Pattern::new("*cherry").unwrap());
    let page = store.select(&Query::within(things()).filter(cherry).with_total()).await.unwrap();
    assert_eq!(page.total, Some(2));
    let page = store.select(&Query::within(things()).limit(0).with_total()).await.unwrap();
    assert_eq!(page.total, Some(4));
    assert_eq!(store.commit(&once).await.unwrap(), first, "the batch is remembered");
    let next = store.commit(&batch([append])).await.unwrap();
    assert_eq!((next.revision, next.appended), (Revision(first.revision.0 + 2), vec![2]));
}

/// A database of the first version has other index rows: they are written anew.
#[tokio::test]
async fn the_database_of_an_older_version_is_brought_forward() {
    let place = Place::new();
    let store = place.open();
    let shape = Field::new("shape", 0);
    let changes = (0..1_000).map(|n| {
        let shapes = ["round", "square", "flat"];
        let shape = Term { field: shape.clone(), value: TermValue::text(shapes[n % 3]) };
        let color = Term { field: COLOR, value: TermValue::text(&format!("red {}", n % 7)) };
        let key = Key::new(THING, [format!("{n:04}").as_str()]);
        Change::Put { key, body: "1".into(), terms: vec![shape, color], owners: vec![] }
    });
    store.commit(&batch(changes.collect::<Vec<_>>())).await.unwrap();
    let flat = Filter::Is(shape, TermValue::text("flat"));
    let third = Filter::Like(COLOR, Pattern::new("*red 3").unwrap());
    let some = Filter::All(vec![flat.clone(), third.clone()]);
    let queries = [flat, third, some].map(|filter| {
        Query::within(things()).filter(filter).keys().limit(Query::MAX_KEYS).with_total()
    });
    let mut before = Vec::new();
    for query in &queries {
        before.push(store.select(query).await.unwrap());
    }
    assert_eq!(before.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), [333, 143, 47]);
    drop(store);
    place
        .database()
        .execute_batch(
            "DROP TABLE blocks; DROP TABLE carried;
             CREATE TABLE blocks (id INTEGER PRIMARY KEY, place INTEGER, value BLOB, rest BLOB,
                 rows BLOB, carried BLOB);
             INSERT INTO blocks VALUES (1, 1, x'', x'', x'ff', x'ff'); PRAGMA user_version = 1",
        )
        .unwrap();
    // Full, as it may have been before.
    let mut options = SqliteOptions::default();
    options.max_bytes = Some(1);
    let store = SqliteStore::open(&place.path, &options).unwrap();
    for (query, before) in queries.iter().zip(&before) {
        assert_eq!(store.select(query).await.unwrap(), *before);
    }
    drop(store);
    let carrying = "SELECT count(*) FROM blocks WHERE carried IS NOT NULL";
    let carrying: u32 = place.database().query_row(carrying, [], |row| row.get(0)).unwrap();
    assert!(carrying > 10, "{carrying}: rows of large places carry what records are found by");
}

#[tokio::test]
async fn closing_leaves_no_log_behind() {
    let place = Place::new();
    let store = place.open();
    store.commit(&batch([put("a", "1")])).await.unwrap();
    drop(store);
    let log = place.path.with_file_name("packhouse.db-wal");
    assert!(!log.exists(), "the log was moved into the database and removed");
    let records: i64 =
        place.database().query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(records, 1);
}

#[tokio::test]
async fn a_store_is_opened_once_at_a_time() {
    let place = Place::new();
    let store = place.open();
    let error = refusal(&place);
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("open already"), "{error}");
    drop(store);
    place.open();
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new();
    drop(place.open());
    place.database().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&place);
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    assert!(error.to_string().contains("99"), "{error}");
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let place = Place::new();
    place
        .database()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let before = std::fs::read(&place.path).unwrap();
    assert_eq!(refusal(&place).kind, StoreErrorKind::Invalid);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    std::fs::write(&place.path, "hello, this is a letter and not a database".repeat(100)).unwrap();
    assert_eq!(refusal(&place).kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_database_says_so() {
    let place = Place::new();
    let store = place.open();
    let many: Vec<Change> = (0..2000).map(|n| put(&format!("{n:04}"), &"x".repeat(100))).collect();
    store.commit(&batch(many)).await.unwrap();
    drop(store);
    let mut bytes = std::fs::read(&place.path).unwrap();
    let first = bytes.len() / 8;
    bytes[first..].fill(0x5a);
    std::fs::write(&place.path, bytes).unwrap();
    let outcome = match SqliteStore::open(&place.path, &SqliteOptions::default()) {
        Ok(store) => store.select(&Query::within(things())).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let error = outcome.expect_err("it is damaged");
    // SQLite cannot tell it from a disk that refuses a page, which may pass.
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
    assert!(error.context.ends_with("or the database is damaged"), "{error}");
}

/// A field that a new program declares otherwise is still found on the old records.
#[tokio::test]
async fn a_field_declared_anew_finds_old_and_new_records() {
    use packhouse_core::store::{Field, Term, TermValue};
    const OLD: Field = Field::new("name", 0);
    const NEW: Field = Field::new("name", 0).wildcard();
    let place = Place::new();
    let store = place.open();
    let named = |name: &str, field| Change::Put {
        key: thing(name),
        body: "1".into(),
        terms: vec![Term { field, value: TermValue::text("cherry") }],
        owners: vec![],
    };
    store.commit(&batch([named("old", OLD)])).await.unwrap();
    store.commit(&batch([named("new", NEW)])).await.unwrap();
    for filter in [
        Filter::Is(NEW, TermValue::text("cherry")),
        Filter::Like(NEW, Pattern::new("*CHERRY*").unwrap()),
    ] {
        let page = store.select(&Query::within(things()).filter(filter)).await.unwrap();
        assert_eq!(page.rows.len(), 2);
    }
}

/// Opening looks at no record: its time does not grow with their number.
#[tokio::test]
async fn opening_does_not_read_the_records() {
    let place = Place::new();
    let store = place.open();
    for part in 0..5 {
        let many: Vec<Change> =
            (0..20_000).map(|n| Change::Add(thing(&format!("{part}-{n}")), n)).collect();
        store.commit(&batch(many)).await.unwrap();
    }
    drop(store);
    let opening = Instant::now();
    let store = place.open();
    store.read(&[thing("1-1")]).await.unwrap();
    assert!(opening.elapsed().as_millis() < 500, "{:?}", opening.elapsed());
}
