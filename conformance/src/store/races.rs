//! Many at once, on several threads.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use packhouse_core::store::{Change, CommitError, Expectation, Query, Revision, Store};

use super::support::{batch, commit, find, last_parts, put, select, thing, things};

const TASKS: usize = 16;

/// Runs a task many times at once, and waits for all.
async fn at_once<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(task(n))).collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await.expect("no task fails"));
    }
    results
}

/// No update is lost, and none is counted that was refused.
pub async fn of_many_who_expect_a_revision_those_acknowledged_count(store: Arc<dyn Store>) {
    let key = thing(["n"]);
    commit(&store, [put(&key, "0")]).await;
    let acknowledged = at_once(TASKS, |_| {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move {
            let mut acknowledged = 0;
            for _ in 0..20 {
                let held = find(&store, &key).await.expect("it is there");
                let next = put(&key, &(held.counter() + 1).to_string());
                let expected = Expectation::At(key.clone(), held.revision);
                match store.commit(&batch([expected], [next])).await {
                    Ok(_) => acknowledged += 1,
                    Err(CommitError::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            acknowledged
        }
    })
    .await;
    let sum: i64 = acknowledged.into_iter().sum();
    assert!(sum >= 20, "somebody always wins");
    assert_eq!(find(&store, &key).await.expect("it is there").counter(), sum);
}

/// Who only adds expects nothing, and so is never refused.
pub async fn adders_never_conflict(store: Arc<dyn Store>) {
    let key = thing(["n"]);
    at_once(TASKS, |task| {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move {
            let task = i64::try_from(task).expect("few tasks");
            for n in 0..25 {
                let raise = Change::Raise(thing(["most"]), task * 100 + n);
                commit(&store, [Change::Add(key.clone(), 1), raise]).await;
            }
        }
    })
    .await;
    let sum = find(&store, &key).await.expect("it is there").counter();
    assert_eq!(sum, 25 * TASKS as i64);
    let most = find(&store, &thing(["most"])).await.expect("it is there").counter();
    assert_eq!(most, 100 * (TASKS as i64 - 1) + 24);
}

/// Who has read up to a number has read everything before it.
pub async fn a_reader_of_a_stream_never_sees_a_gap(store: Arc<dyn Store>) {
    let stream = thing(["s"]);
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        async move {
            let mut most = 0;
            loop {
                let last_round = done.load(Ordering::Relaxed);
                let page = select(&store, &Query::within(things(["s"]))).await;
                let numbers: Vec<usize> =
                    last_parts(&page).iter().map(|part| part.parse().expect("a number")).collect();
                assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
                assert!(numbers.len() >= most, "a number was taken back");
                most = numbers.len();
                if last_round {
                    return most;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let given = at_once(TASKS, |_| {
        let (store, stream) = (Arc::clone(&store), stream.clone());
        async move {
            let mut given = Vec::new();
            for n in 0..20 {
                let append = Change::Append { stream: stream.clone(), body: n.to_string().into() };
                given.extend(commit(&store, [append]).await.appended);
            }
            assert!(given.is_sorted(), "a task's own numbers grow");
            given
        }
    })
    .await;
    done.store(true, Ordering::Relaxed);
    assert_eq!(reader.await.expect("the reader sees no gap"), TASKS * 20);
    let mut numbers: Vec<u64> = given.into_iter().flatten().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=TASKS as u64 * 20).collect::<Vec<_>>());
}

/// Of those who expect a record to be absent, one makes it.
pub async fn one_of_many_creators_wins(store: Arc<dyn Store>) {
    for round in 0..10 {
        let key = thing([round.to_string().as_str()]);
        let outcomes = at_once(TASKS, |task| {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move {
                let make = put(&key, &task.to_string());
                let made = store.commit(&batch([Expectation::Absent(key)], [make])).await;
                made.ok().map(|committed| (task, committed.revision))
            }
        })
        .await;
        let winners: Vec<(usize, Revision)> = outcomes.into_iter().flatten().collect();
        let record = find(&store, &key).await.expect("somebody made it");
        let body: usize = record.body.parse().expect("a task's number");
        assert_eq!(winners, [(body, record.born)]);
    }
}

/// What was acknowledged is there for whoever asks afterwards, by key or by query.
pub async fn readers_see_what_was_acknowledged(store: Arc<dyn Store>) {
    at_once(TASKS, |task| {
        let store = Arc::clone(&store);
        async move {
            for n in 0..15 {
                let key = thing([format!("{task}").as_str(), format!("{n}").as_str()]);
                let committed = commit(&store, [put(&key, "1")]).await;
                let record = find(&store, &key).await.expect("it is there at once");
                assert_eq!(record.revision, committed.revision);
                let name = task.to_string();
                let query = Query::within(things([name.as_str()])).keys().with_total();
                let page = select(&store, &query).await;
                assert_eq!((page.rows.len(), page.total), (n + 1, Some(n as u64 + 1)));
            }
        }
    })
    .await;
}
