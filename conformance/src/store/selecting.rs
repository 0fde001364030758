//! Ranges, shapes, bounds, and scans.

use std::sync::Arc;

use futures::StreamExt;
use packhouse_core::store::{
    Change, Cursor, Direction, Filter, Key, Kind, Order, Query, Record, Start, Store,
    StoreErrorKind, TermValue,
};

use super::support::{
    COLOR, LOCAL, NAME, SIZE, commit, found, is, last_parts, like, names, number, put, scan,
    select, text, thing, things,
};

/// Neither other kinds nor neighbours of the parent are in a range.
pub async fn a_page_holds_its_range_alone(store: Arc<dyn Store>) {
    let mut changes: Vec<Change> = [
        &["a", "1"][..],
        &["a", "2"],
        &["a", "2", "x"],
        &["a\0", "3"],
        &["a\u{1}", "4"],
        &["aa", "5"],
        &["b", "6"],
    ]
    .into_iter()
    .map(|parts| put(&thing(parts.iter().copied()), "1"))
    .collect();
    changes.push(put(&Key::new(Kind::new("things"), ["a", "7"]), "1"));
    commit(&store, changes).await;
    assert_eq!(names(&store, &Query::within(things(["a"]))).await, ["1", "2", "x"]);
    assert_eq!(names(&store, &Query::within(things(["a", "2"]))).await, ["2", "x"]);
    assert_eq!(names(&store, &Query::within(things([]))).await.len(), 7);
    assert_eq!(names(&store, &Query::within(things(["c"]))).await.len(), 0);
}

/// A range holds everything that starts with its parts, the parts themselves too.
pub async fn a_range_holds_the_record_at_its_own_parts(store: Arc<dyn Store>) {
    commit(&store, [put(&thing(["a"]), "1"), put(&thing(["a", "b"]), "2")]).await;
    let page = select(&store, &Query::within(things(["a"])).with_total()).await;
    assert_eq!((last_parts(&page), page.total), (vec!["a".to_owned(), "b".to_owned()], Some(2)));
}

/// The shape decides whether records come along.
pub async fn keys_alone_come_without_records(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    commit(&store, [found(&key, r#"{"n":1}"#, [text(&COLOR, "red")])]).await;
    let query = Query::within(things([])).filter(is(&COLOR, "red"));
    let page = select(&store, &query.clone().keys()).await;
    assert_eq!((&page.rows[0].key, &page.rows[0].record), (&key, &None));
    let page = select(&store, &query.clone().names()).await;
    assert_eq!((page.names, page.rows.len()), (["a"].into_iter().collect(), 0));
    let page = select(&store, &query).await;
    let record = page.rows[0].record.as_ref().expect("the record comes along");
    assert_eq!((&record.key, &*record.body), (&key, r#"{"n":1}"#));
    assert_eq!(*record.terms, [text(&COLOR, "red")]);
}

/// `Query::check` is asked, by `select` and by `scan`.
pub async fn a_query_that_breaks_a_bound_is_refused(store: Arc<dyn Store>) {
    let all = || Query::within(things([]));
    let by_size = Order::Term(SIZE, Direction::Ascending);
    let cursor = |value| Start::After(Cursor { value, key: thing(["a"]) });
    let mut deep = is(&COLOR, "red");
    for _ in 0..=Filter::MAX_DEPTH {
        deep = Filter::Not(Box::new(deep));
    }
    let many = vec![TermValue::integer(1); Filter::MAX_CONDITIONS + 1];
    for query in [
        all().limit(Query::MAX_LIMIT + 1),
        all().keys().limit(Query::MAX_KEYS + 1),
        all().start(cursor(Some(TermValue::integer(1)))),
        all().order(by_size).start(cursor(None)),
        all().filter(is(&LOCAL, "x")),
        all().order(Order::Term(LOCAL, Direction::Ascending)),
        all().filter(like(&COLOR, "r*")),
        all().filter(deep),
        all().filter(Filter::Contains(SIZE, many)),
    ] {
        let error = store.select(&query).await.expect_err("select refuses");
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{query:?}");
        let error = store.scan(&query).await.err().expect("scan refuses");
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{query:?}");
    }
    for query in [
        all().limit(Query::MAX_LIMIT),
        all().keys().limit(Query::MAX_KEYS),
        all().filter(like(&NAME, "r*")),
    ] {
        select(&store, &query).await;
    }
}

/// A scan has no page.
pub async fn a_scan_gives_everything_whatever_the_page(store: Arc<dyn Store>) {
    let changes: Vec<Change> =
        (0..1000).map(|n| put(&thing([format!("{n:04}").as_str()]), &n.to_string())).collect();
    commit(&store, changes).await;
    let query = Query::within(things([])).limit(3).start(Start::Skip(5)).keys();
    let records = scan(&store, &query).await;
    let bodies: Vec<String> = records.iter().map(|record| record.body.to_string()).collect();
    assert_eq!(bodies, (0..1000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(scan(&store, &Query::within(things(["x"]))).await, []);
}

/// Filters and orders mean the same in a scan.
pub async fn a_scan_is_filtered_and_ordered(store: Arc<dyn Store>) {
    let changes: Vec<Change> = (0..300)
        .map(|n| {
            let color = if n % 3 == 0 { "red" } else { "blue" };
            let key = thing([format!("{n:03}").as_str()]);
            found(&key, &n.to_string(), [text(&COLOR, color), number(&SIZE, n / 2)])
        })
        .collect();
    commit(&store, changes).await;
    for order in [Order::Term(SIZE, Direction::Descending), Order::Key(Direction::Descending)] {
        let query = Query::within(things([])).filter(is(&COLOR, "red")).order(order);
        let bodies: Vec<i64> = scan(&store, &query).await.iter().map(Record::counter).collect();
        assert_eq!(bodies, (0..100).rev().map(|n| n * 3).collect::<Vec<_>>());
    }
}

/// What is written after a scan began is not in it, and is not held up by it.
pub async fn a_scan_keeps_its_snapshot_while_writes_go_on(store: Arc<dyn Store>) {
    let all = |body: &str| -> Vec<Change> {
        (0..2000).map(|n| put(&thing([format!("{n:04}").as_str()]), body)).collect()
    };
    commit(&store, all("1")).await;
    let mut stream = store.scan(&Query::within(things([]))).await.expect("the scan begins");
    commit(&store, all("2")).await;
    let mut seen = 0;
    while let Some(record) = stream.next().await {
        assert_eq!(&*record.expect("the scan goes on").body, "1");
        if seen % 500 == 0 {
            let gone = thing([format!("{:04}", 1999 - seen).as_str()]);
            commit(&store, [Change::Delete(gone), put(&thing(["new"]), "2")]).await;
        }
        seen += 1;
    }
    assert_eq!(seen, 2000);
}

/// Nothing hangs when the rest of a scan is not wanted.
pub async fn a_scan_may_be_dropped_early(store: Arc<dyn Store>) {
    let changes: Vec<Change> =
        (0..2000).map(|n| put(&thing([n.to_string().as_str()]), "1")).collect();
    commit(&store, changes).await;
    for _ in 0..50 {
        let mut stream = store.scan(&Query::within(things([]))).await.expect("the scan begins");
        stream.next().await.expect("there is a record").expect("it is read");
    }
    commit(&store, [put(&thing(["a"]), "1")]).await;
}
