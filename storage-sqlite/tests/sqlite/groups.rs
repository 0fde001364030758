//! One commit for many batches, and what one of them may do to the others: nothing.

use futures::future::join_all;
use packhouse_core::store::{
    Batch, Change, CommitError, Expectation, Query, Store, StoreErrorKind,
};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Place, batch, put, thing, things};

/// Enough for a commit to take a while, so that those who come meanwhile wait together.
fn slow() -> Batch {
    batch((0..3000).map(|n| put(&format!("slow {n}"), "1")).collect::<Vec<_>>())
}

async fn count(store: &SqliteStore) -> u64 {
    let page = store.select(&Query::within(things()).limit(0).with_total()).await.unwrap();
    page.total.unwrap()
}

#[tokio::test]
async fn batches_that_wait_share_a_commit() {
    let place = Place::new();
    let store = place.open();
    let mut batches = vec![slow()];
    batches.extend((0..64).map(|n| batch([put(&n.to_string(), "1")])));
    let before = store.write_counts();
    let outcomes = join_all(batches.iter().map(|batch| store.commit(batch))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let revisions: std::collections::BTreeSet<_> =
        outcomes.into_iter().map(|outcome| outcome.unwrap().revision).collect();
    assert_eq!(revisions.len(), 65, "each batch has a revision of its own");
    let after = store.write_counts();
    assert_eq!(after.batches - before.batches, 65);
    assert!(after.commits - before.commits <= 3, "{:?}", after.commits - before.commits);
}

#[tokio::test]
async fn a_conflict_in_a_group_touches_nobody_else() {
    let place = Place::new();
    let store = place.open();
    let mut batches = vec![slow()];
    for n in 0..20 {
        let mut one = batch([put(&format!("a {n}"), "1"), Change::Add(thing("n"), 1)]);
        if n % 2 == 0 {
            one.expectations.push(Expectation::Present(thing("nowhere")));
        }
        batches.push(one);
    }
    // The same batch twice in one group.
    batches.push(batches[2].clone());
    let outcomes = join_all(batches.iter().map(|batch| store.commit(batch))).await;
    for (n, outcome) in outcomes[1..21].iter().enumerate() {
        assert_eq!(matches!(outcome, Err(CommitError::Conflict(_))), n % 2 == 0);
    }
    assert_eq!(outcomes[21].as_ref().unwrap(), outcomes[2].as_ref().unwrap());
    assert_eq!(store.read(&[thing("n")]).await.unwrap()[0].as_ref().unwrap().counter(), 10);
    assert_eq!(count(&store).await, 3000 + 10 + 1);
}

fn small_store(place: &Place) -> SqliteStore {
    let mut options = SqliteOptions::default();
    options.max_bytes = Some(8 << 20);
    SqliteStore::open(&place.path, &options).unwrap()
}

#[tokio::test]
async fn a_batch_that_does_not_fit_harms_no_other() {
    let place = Place::new();
    let store = small_store(&place);
    let large = "x".repeat(16 << 20);
    let mut batches = vec![slow()];
    for n in 0..10 {
        batches.push(batch([put(&format!("a {n}"), "1")]));
        // Its first change fits.
        batches.push(batch([put(&format!("b {n}"), "1"), put(&format!("c {n}"), &large)]));
    }
    let outcomes = join_all(batches.iter().map(|batch| store.commit(batch))).await;
    for (batch, outcome) in batches.iter().zip(outcomes) {
        match outcome {
            Ok(_) => assert!(batch.changes.len() != 2),
            Err(CommitError::Failed(error)) => {
                assert_eq!((error.kind, batch.changes.len()), (StoreErrorKind::Full, 2));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(count(&store).await, 3010);
    let parts: Vec<_> = (0..10).map(|n| thing(&format!("b {n}"))).collect();
    assert!(store.read(&parts).await.unwrap().iter().all(Option::is_none), "half a batch");
}

#[tokio::test]
async fn a_full_store_reads_on_and_recovers() {
    let place = Place::new();
    let store = small_store(&place);
    let body = "x".repeat(100_000);
    let mut fitting = 0;
    let error = loop {
        match store.commit(&batch([put(&format!("{fitting:03}"), &body)])).await {
            Ok(_) => fitting += 1,
            Err(CommitError::Failed(error)) => break error,
            Err(error) => panic!("{error}"),
        }
        assert!(fitting < 1000, "it never fills");
    };
    assert_eq!(error.kind, StoreErrorKind::Full);
    assert_eq!(count(&store).await, fitting);
    store.commit(&batch([Change::DeleteWithin(things())])).await.unwrap();
    for n in 0..fitting {
        store.commit(&batch([put(&format!("{n:03}"), &body)])).await.unwrap();
    }
    assert_eq!(count(&store).await, fitting);
}

/// Here SQLite itself sees no error, so that nothing but the savepoint undoes the first change.
#[tokio::test]
async fn a_batch_that_meets_a_damaged_record_is_undone_alone() {
    let place = Place::new();
    let store = place.open();
    store.commit(&batch([put("damaged", "1")])).await.unwrap();
    drop(store);
    place.database().execute("UPDATE records SET terms = x'7f'", []).unwrap();
    let store = place.open();
    let mut batches = vec![slow()];
    for n in 0..10 {
        batches.push(batch([put(&format!("a {n}"), "1")]));
        batches.push(batch([put(&format!("b {n}"), "1"), put("damaged", "2")]));
    }
    let before = store.write_counts();
    let outcomes = join_all(batches.iter().map(|batch| store.commit(batch))).await;
    for (batch, outcome) in batches.iter().zip(outcomes) {
        match outcome {
            Ok(_) => assert!(batch.changes.len() != 2),
            Err(CommitError::Failed(error)) => {
                assert_eq!((error.kind, batch.changes.len()), (StoreErrorKind::Corrupt, 2));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(store.write_counts().commits - before.commits <= 3, "the group was kept");
    assert_eq!(count(&store).await, 3000 + 10 + 1);
    let parts: Vec<_> = (0..10).map(|n| thing(&format!("b {n}"))).collect();
    assert!(store.read(&parts).await.unwrap().iter().all(Option::is_none), "half a batch");
}
