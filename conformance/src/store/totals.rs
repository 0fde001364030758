//! How many match in all.

use std::sync::Arc;

use packhouse_core::store::{
    Change, Direction, Expectation, Filter, Key, Order, Query, Start, Store,
};

use super::support::{
    COLOR, LOCAL, OWNER, SIZE, batch, commit, conflict, found, is, number, put, select, text,
    thing, things,
};

async fn total(store: &Arc<dyn Store>, query: Query) -> u64 {
    select(store, &query.limit(0).with_total()).await.total.expect("a total was asked for")
}

async fn total_within(store: &Arc<dyn Store>, parts: &[&str]) -> u64 {
    total(store, Query::within(things(parts.iter().copied()))).await
}

/// Puts, rewrites, deletions, counters and streams, at every depth.
pub async fn an_unfiltered_total_follows_every_change(store: Arc<dyn Store>) {
    let ab = |name: &str| thing(["a", "b", name]);
    commit(&store, [put(&ab("1"), "1"), put(&ab("2"), "1"), put(&thing(["a", "b"]), "1")]).await;
    commit(
        &store,
        [put(&ab("1"), "2"), put(&thing(["a", "c", "1"]), "1"), put(&thing(["d"]), "1")],
    )
    .await;
    assert_eq!(total_within(&store, &["a", "b"]).await, 3);
    assert_eq!(total_within(&store, &["a"]).await, 4);
    assert_eq!(total_within(&store, &[]).await, 5);
    assert_eq!(total_within(&store, &["d"]).await, 1);
    assert_eq!(total_within(&store, &["a", "b", "1"]).await, 1);
    assert_eq!(total_within(&store, &["e"]).await, 0);
    let stream = thing(["s"]);
    let append = Change::Append { stream: stream.clone(), body: "1".into() };
    commit(&store, [append.clone(), append, Change::Add(thing(["n"]), 1)]).await;
    commit(&store, [Change::Add(thing(["n"]), 1), Change::Delete(ab("9"))]).await;
    assert_eq!(total_within(&store, &["s"]).await, 2);
    assert_eq!(total_within(&store, &[]).await, 8);
    commit(&store, [Change::Delete(ab("1")), Change::Delete(ab("1")), put(&ab("3"), "1")]).await;
    assert_eq!(total_within(&store, &["a", "b"]).await, 3);
    commit(&store, [Change::DeleteWithin(things(["a"])), put(&ab("4"), "1")]).await;
    assert_eq!(total_within(&store, &["a"]).await, 1);
    commit(&store, [Change::DeleteWithin(things([]))]).await;
    assert_eq!(total_within(&store, &[]).await, 0);
}

/// The total is of all pages, from every page.
pub async fn a_filtered_total_counts_past_the_page(store: Arc<dyn Store>) {
    let changes: Vec<Change> = (0..50)
        .map(|n| {
            let color = if n % 5 == 0 { "red" } else { "blue" };
            found(&thing([format!("{n:02}").as_str()]), "1", [text(&COLOR, color)])
        })
        .collect();
    commit(&store, changes).await;
    for (filter, expected) in [
        (is(&COLOR, "red"), 10),
        (Filter::Not(Box::new(is(&COLOR, "red"))), 40),
        (is(&COLOR, "green"), 0),
        (Filter::everything(), 50),
    ] {
        let query = Query::within(things([])).filter(filter).limit(4).with_total();
        let first = select(&store, &query).await;
        assert_eq!(first.total, Some(expected));
        if let Some(cursor) = first.next {
            let second = select(&store, &query.clone().start(Start::After(cursor))).await;
            assert_eq!((second.total, second.rows.len()), (Some(expected), 4));
            let later = select(&store, &query.start(Start::Skip(1000))).await;
            assert_eq!((later.total, later.rows.len()), (Some(expected), 0));
        }
    }
}

/// Without a wish for a total there is none; without a limit there are no rows.
pub async fn a_limit_of_zero_just_counts(store: Arc<dyn Store>) {
    commit(&store, [found(&thing(["a"]), "1", [text(&COLOR, "red")])]).await;
    let query = Query::within(things([])).limit(0);
    let counted = select(&store, &query.clone().with_total()).await;
    assert_eq!((counted.rows.len(), counted.next, counted.total), (0, None, Some(1)));
    let nothing = select(&store, &query.clone()).await;
    assert_eq!((nothing.rows.len(), nothing.next, nothing.total), (0, None, None));
    let filtered = select(&store, &query.filter(is(&COLOR, "red")).with_total()).await;
    assert_eq!((filtered.rows.len(), filtered.next, filtered.total), (0, None, Some(1)));
}

/// Those without the field are not selected, and so not counted.
pub async fn a_total_of_an_order_by_term_counts_who_has_it(store: Arc<dyn Store>) {
    commit(
        &store,
        [
            found(&thing(["a", "1"]), "1", [number(&SIZE, 1), number(&LOCAL, 1)]),
            found(&thing(["a", "2"]), "1", [number(&SIZE, 2)]),
            found(&thing(["b", "3"]), "1", [number(&SIZE, 3), number(&LOCAL, 1)]),
            found(&thing(["b", "4"]), "1", []),
        ],
    )
    .await;
    let by = |field, range| Query::within(range).order(Order::Term(field, Direction::Descending));
    assert_eq!(total(&store, by(SIZE, things([]))).await, 3);
    assert_eq!(total(&store, by(SIZE, things(["a"]))).await, 2);
    assert_eq!(total(&store, by(LOCAL, things(["a"]))).await, 1);
    commit(&store, [put(&thing(["a", "1"]), "1"), Change::Delete(thing(["b", "3"]))]).await;
    assert_eq!(total(&store, by(SIZE, things([]))).await, 1);
    assert_eq!(total(&store, by(LOCAL, things(["b"]))).await, 0);
}

/// Nothing is counted that was not committed.
pub async fn a_failed_batch_changes_no_total(store: Arc<dyn Store>) {
    commit(&store, [put(&thing(["a"]), "1")]).await;
    let owner = Key::new(OWNER, ["x"]);
    let failing = batch(
        [Expectation::Present(owner)],
        [put(&thing(["b"]), "1"), Change::Delete(thing(["a"])), put(&thing(["c"]), "1")],
    );
    conflict(&store, &failing).await;
    assert_eq!(total_within(&store, &[]).await, 1);
}
