//! What many requests touch without a conflict.

use std::sync::Arc;

use packhouse_core::store::{Change, Key, Query, Store};

use super::support::{COLOR, commit, find, found, names, put, read, text, thing, things};

async fn counter(store: &Arc<dyn Store>, key: &Key) -> Option<i64> {
    find(store, key).await.map(|record| record.counter())
}

fn append(stream: &Key, body: &str) -> Change {
    Change::Append { stream: stream.clone(), body: body.into() }
}

/// An absent counter is 0.
pub async fn counters_add_and_raise(store: Arc<dyn Store>) {
    let [n, m, z] = ["n", "m", "z"].map(|name| thing([name]));
    commit(&store, [Change::Add(n.clone(), 3), Change::Raise(m.clone(), -4)]).await;
    assert_eq!((counter(&store, &n).await, counter(&store, &m).await), (Some(3), Some(0)));
    commit(&store, [Change::Add(n.clone(), -5), Change::Raise(m.clone(), 4)]).await;
    assert_eq!((counter(&store, &n).await, counter(&store, &m).await), (Some(-2), Some(4)));
    commit(&store, [Change::Raise(n.clone(), -3), Change::Raise(m.clone(), 2)]).await;
    assert_eq!((counter(&store, &n).await, counter(&store, &m).await), (Some(-2), Some(4)));
    commit(&store, [Change::Delete(n.clone())]).await;
    assert_eq!(counter(&store, &n).await, None);
    commit(&store, [Change::Add(n.clone(), 1), Change::Add(z.clone(), 0)]).await;
    assert_eq!((counter(&store, &n).await, counter(&store, &z).await), (Some(1), Some(0)));
}

/// A counter stops at the ends instead of turning over.
pub async fn counters_saturate(store: Arc<dyn Store>) {
    let n = thing(["n"]);
    commit(&store, [Change::Add(n.clone(), i64::MAX), Change::Add(n.clone(), 5)]).await;
    assert_eq!(counter(&store, &n).await, Some(i64::MAX));
    commit(&store, [Change::Add(n.clone(), i64::MIN), Change::Add(n.clone(), i64::MIN)]).await;
    assert_eq!(counter(&store, &n).await, Some(i64::MIN));
}

/// It has revisions, lies in ranges, and can be put.
pub async fn a_counter_is_a_record(store: Arc<dyn Store>) {
    let n = thing(["n"]);
    let first = commit(&store, [Change::Add(n.clone(), 1)]).await;
    let second = commit(&store, [Change::Add(n.clone(), 1)]).await;
    let record = find(&store, &n).await.expect("it is there");
    assert_eq!((record.born, record.revision), (first.revision, second.revision));
    assert_eq!(&*record.body, "2");
    assert_eq!(names(&store, &Query::within(things([]))).await, ["n"]);
    commit(&store, [found(&n, "40", [text(&COLOR, "red")]), Change::Add(n.clone(), 2)]).await;
    let record = find(&store, &n).await.expect("it is there");
    assert_eq!((&*record.body, &*record.terms), ("42", [].as_slice()));
    commit(&store, [put(&n, r#"{"no":"number"}"#), Change::Add(n.clone(), 2)]).await;
    assert_eq!(counter(&store, &n).await, Some(2));
}

/// The numbers of a stream, in commit order and within a batch.
pub async fn streams_number_from_one_without_gaps(store: Arc<dyn Store>) {
    let (s, other) = (thing(["s"]), thing(["s", "other"]));
    let first = commit(&store, [append(&s, "1"), append(&other, "a"), append(&s, "2")]).await;
    assert_eq!(first.appended, [1, 1, 2]);
    let second = commit(&store, [append(&s, "3")]).await;
    assert_eq!(second.appended, [3]);
    let keys: Vec<Key> = (1..=3).map(|n| s.child(&format!("{n:020}"))).collect();
    let bodies: Vec<_> = read(&store, &keys)
        .await
        .into_iter()
        .map(|record| record.expect("it is there").body)
        .collect();
    assert_eq!(bodies, ["1".into(), "2".into(), "3".into()]);
    assert_eq!(find(&store, &s).await, None, "the stream itself is no record");
}

/// A number is never given twice, whatever was deleted.
pub async fn stream_numbers_survive_deletion(store: Arc<dyn Store>) {
    let s = thing(["s"]);
    commit(&store, [append(&s, "1"), append(&s, "2")]).await;
    commit(&store, [Change::DeleteWithin(things(["s"]))]).await;
    assert_eq!(commit(&store, [append(&s, "3")]).await.appended, [3]);
    commit(&store, [Change::Delete(s.child(&format!("{:020}", 3)))]).await;
    let both = [Change::DeleteWithin(things([])), append(&s, "4")];
    assert_eq!(commit(&store, both).await.appended, [4]);
    assert_eq!(names(&store, &Query::within(things([]))).await, [format!("{:020}", 4)]);
}

/// What was appended is a record like any other.
pub async fn appended_records_are_plain(store: Arc<dyn Store>) {
    let s = thing(["s"]);
    let committed = commit(&store, [append(&s, r#"{"event":1}"#)]).await;
    let key = s.child(&format!("{:020}", 1));
    let record = find(&store, &key).await.expect("it is there");
    assert_eq!((record.born, record.revision), (committed.revision, committed.revision));
    assert_eq!((&*record.body, &*record.terms), (r#"{"event":1}"#, [].as_slice()));
    commit(&store, [found(&key, "2", [text(&COLOR, "red")])]).await;
    assert_eq!(&*find(&store, &key).await.expect("it is there").body, "2");
}
