//! Removing blobs.

use std::sync::Arc;

use bytes::BytesMut;
use futures::StreamExt;
use futures::future::join_all;
use packhouse_core::blobs::{BlobErrorKind, BlobStore, ByteRange};

use super::support::{
    assert_absent, assert_kind, assert_same, assert_whole, bytes, create, id, listed, put,
};

/// For `open`, `list` and `direct_url`, and at every size.
pub async fn a_removed_blob_is_gone(store: Arc<dyn BlobStore>) {
    for (number, size) in [(1, 0), (2, 10), (3, 2_000_000)] {
        put(&store, id(number), &bytes(number, size)).await;
        store.remove(&id(number)).await.expect("the blob is removed");
        assert_absent(&store, id(number)).await;
    }
}

/// Never there, and removed before.
pub async fn removing_what_is_not_there_is_no_error(store: Arc<dyn BlobStore>) {
    store.remove(&id(1)).await.expect("nothing is removed");
    put(&store, id(2), &bytes(2, 10)).await;
    for _ in 0..3 {
        store.remove(&id(2)).await.expect("the blob is gone");
    }
}

/// Whole, and still listed.
pub async fn removing_one_blob_leaves_the_others(store: Arc<dyn BlobStore>) {
    for number in 0..20 {
        put(&store, id(number), &bytes(number, 1000)).await;
    }
    for number in (0..20).step_by(2) {
        store.remove(&id(number)).await.expect("the blob is removed");
    }
    for number in (1..20).step_by(2) {
        assert_whole(&store, id(number), &bytes(number, 1000)).await;
    }
    assert_eq!(listed(&store).await.len(), 10);
}

/// One that was opened before, at the first byte and in the midst of the blob.
pub async fn a_reader_that_is_open_reads_a_removed_blob_to_its_end(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 4_000_000);
    put(&store, id(1), &content).await;
    let untouched = store.open(&id(1), ByteRange::ALL).await.expect("the blob is opened");
    let begun = store.open(&id(1), ByteRange::ALL).await.expect("the blob is opened");
    let mut begun = begun.into_stream();
    let mut given = BytesMut::new();
    given.extend(begun.next().await.expect("a chunk").expect("the chunk is read"));

    store.remove(&id(1)).await.expect("the blob is removed");
    assert_absent(&store, id(1)).await;

    while let Some(chunk) = begun.next().await {
        given.extend(chunk.expect("the chunk is read"));
    }
    assert_same(&given.freeze(), &content);
    assert_same(&untouched.into_bytes().await.expect("the blob is read"), &content);
}

/// It cannot be resumed then.
pub async fn a_suspended_blob_can_be_removed(store: Arc<dyn BlobStore>) {
    let mut writer = create(&store, id(1)).await;
    writer.write(bytes(1, 1000)).await.expect("the bytes are written");
    let at = writer.suspend().await.expect("the blob is suspended");
    store.remove(&id(1)).await.expect("the blob is removed");
    assert_kind(store.resume(&id(1), &at).await, BlobErrorKind::NotFound);
    assert_absent(&store, id(1)).await;
}

/// Of different blobs and of the same.
pub async fn many_removals_at_once_remove_all(store: Arc<dyn BlobStore>) {
    for number in 0..32 {
        put(&store, id(number), &bytes(number, 100)).await;
    }
    let removals = (0..64).map(|number| {
        let store = Arc::clone(&store);
        async move { store.remove(&id(number / 2)).await }
    });
    for outcome in join_all(removals).await {
        outcome.expect("the blob is removed");
    }
    assert_eq!(listed(&store).await, []);
}
