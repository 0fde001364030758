//! Listing blobs, and their addresses.

use std::sync::Arc;
use std::time::Duration;

use packhouse_core::blobs::{BlobErrorKind, BlobStore};

use super::support::{assert_kind, bytes, create, id, listed, put};

/// Not what is being written, suspended, dropped or removed.
pub async fn exactly_the_finished_blobs_are_listed(store: Arc<dyn BlobStore>) {
    assert_eq!(listed(&store).await, []);
    let mut finished = vec![
        put(&store, id(1), &bytes(1, 0)).await,
        put(&store, id(2), &bytes(2, 100)).await,
        put(&store, id(3), &bytes(3, 1_500_000)).await,
    ];
    put(&store, id(4), &bytes(4, 100)).await;
    store.remove(&id(4)).await.expect("the blob is removed");
    drop(create(&store, id(5)).await);
    let suspended = create(&store, id(6)).await.suspend().await.expect("the blob is suspended");
    let mut being_written = create(&store, id(7)).await;
    being_written.write(bytes(7, 1_500_000)).await.expect("the bytes are written");

    finished.sort_by_key(|blob| blob.id);
    assert_eq!(listed(&store).await, finished);
    assert_eq!(suspended.offset, 0);
    store.remove(&id(6)).await.expect("the suspended blob is removed");
}

/// Also with more of them than a backend gives in one step.
pub async fn many_blobs_are_listed_once_each(store: Arc<dyn BlobStore>) {
    let puts = (0..700).map(|number| {
        let store = Arc::clone(&store);
        async move { put(&store, id(number), &bytes(number, number as usize)).await }
    });
    let mut told = futures::future::join_all(puts).await;
    told.sort_by_key(|blob| blob.id);
    assert_eq!(listed(&store).await, told);
}

/// A backend that has no addresses has to look all the same.
pub async fn the_address_of_an_absent_blob_is_not_found(store: Arc<dyn BlobStore>) {
    let lifetime = Duration::from_secs(60);
    assert_kind(store.direct_url(&id(1), lifetime).await, BlobErrorKind::NotFound);
    put(&store, id(1), &bytes(1, 10)).await;
    store.direct_url(&id(1), lifetime).await.expect("the blob is there");
}
