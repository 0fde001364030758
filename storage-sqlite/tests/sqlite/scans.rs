//! How long a scan may hold its snapshot, and what it holds up.

use std::time::Duration;

use futures::StreamExt;
use packhouse_core::store::{Change, Query, Store, StoreErrorKind};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Place, batch, put, thing, things};

async fn filled(place: &Place, options: &SqliteOptions) -> SqliteStore {
    let store = SqliteStore::open(&place.path, options).unwrap();
    let many: Vec<Change> = (0..3000).map(|n| put(&format!("{n:04}"), "1")).collect();
    store.commit(&batch(many)).await.unwrap();
    store
}

#[tokio::test]
async fn a_scan_that_is_read_too_slowly_ends_as_unavailable() {
    let place = Place::new();
    let mut options = SqliteOptions::default();
    options.scan_limit = Duration::from_secs(1);
    options.scanners = 1;
    let store = filled(&place, &options).await;
    let mut stream = store.scan(&Query::within(things())).await.unwrap();
    stream.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut last = None;
    while let Some(item) = stream.next().await {
        assert!(last.is_none(), "nothing comes after an error");
        last = item.err();
    }
    assert_eq!(last.expect("the scan is cut off").kind, StoreErrorKind::Unavailable);
    // Its thread is free again. All of a scan may take longer than the limit where others run.
    let mut stream = store.scan(&Query::within(things())).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().key, thing("0000"));
}

#[tokio::test]
async fn scans_that_nobody_reads_hold_up_neither_reads_nor_commits() {
    let place = Place::new();
    let store = filled(&place, &SqliteOptions::default()).await;
    let mut idle = Vec::new();
    for _ in 0..SqliteOptions::default().scanners {
        idle.push(store.scan(&Query::within(things())).await.unwrap());
    }
    let within = Duration::from_secs(20);
    tokio::time::timeout(within, async {
        for n in 0..20 {
            store.commit(&batch([put("a", &n.to_string())])).await.unwrap();
            assert_eq!(store.read(&[thing("a")]).await.unwrap()[0].as_ref().unwrap().counter(), n);
            assert_eq!(store.select(&Query::within(things())).await.unwrap().rows.len(), 3001);
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn closing_the_store_ends_its_scans() {
    let place = Place::new();
    let store = filled(&place, &SqliteOptions::default()).await;
    let mut stream = store.scan(&Query::within(things())).await.unwrap();
    stream.next().await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
    let mut last = None;
    while let Some(item) = stream.next().await {
        last = Some(item);
    }
    assert_eq!(last.unwrap().unwrap_err().kind, StoreErrorKind::Unavailable);
}
