//! Uploads that span requests.

use std::sync::Arc;

use packhouse_core::blobs::{BlobErrorKind, BlobId, BlobStore, Suspended};

use super::support::{assert_absent, assert_kind, assert_whole, bytes, create, id, put};

async fn suspended(store: &Arc<dyn BlobStore>, id: BlobId, seed: u32, size: usize) -> Suspended {
    let mut writer = create(store, id).await;
    writer.write(bytes(seed, size)).await.expect("the bytes are written");
    writer.suspend().await.expect("the blob is suspended")
}

async fn finished(store: &Arc<dyn BlobStore>, id: BlobId, at: &Suspended, seed: u32, more: usize) {
    let mut writer = store.resume(&id, at).await.expect("the blob is resumed");
    writer.write(bytes(seed, more)).await.expect("the bytes are written");
    let info = writer.finish().await.expect("the blob is finished");
    assert_eq!((info.id, info.size), (id, at.offset + more as u64));
}

/// At sizes that fit a buffer and that do not, on both sides.
pub async fn a_resumed_blob_is_finished_whole(store: Arc<dyn BlobStore>) {
    let sizes = [0, 1, 1000, 262_144, 1_300_000];
    let mut number = 0;
    for before in sizes {
        for after in sizes {
            let at = suspended(&store, id(number), 1, before).await;
            assert_eq!(at.offset, before as u64);
            finished(&store, id(number), &at, 2, after).await;
            let whole = [bytes(1, before), bytes(2, after)].concat().into();
            assert_whole(&store, id(number), &whole).await;
            number += 1;
        }
    }
}

/// And nothing is lost in between.
pub async fn a_blob_may_be_suspended_many_times(store: Arc<dyn BlobStore>) {
    let mut at = suspended(&store, id(1), 0, 10).await;
    let mut whole = bytes(0, 10).to_vec();
    for seed in 1..20 {
        let size = if seed % 5 == 0 { 400_000 } else { seed as usize };
        let mut writer = store.resume(&id(1), &at).await.expect("the blob is resumed");
        writer.write(bytes(seed, size)).await.expect("the bytes are written");
        at = writer.suspend().await.expect("the blob is suspended");
        whole.extend(bytes(seed, size));
        assert_eq!(at.offset, whole.len() as u64);
    }
    finished(&store, id(1), &at, 99, 1).await;
    whole.extend(bytes(99, 1));
    assert_whole(&store, id(1), &whole.into()).await;
}

/// As a session is that was opened and got no bytes yet.
pub async fn a_blob_suspended_before_its_first_byte_goes_on(store: Arc<dyn BlobStore>) {
    let at = create(&store, id(1)).await.suspend().await.expect("the blob is suspended");
    assert_eq!(at.offset, 0);
    let writer = store.resume(&id(1), &at).await.expect("the blob is resumed");
    let at = writer.suspend().await.expect("the blob is suspended");
    finished(&store, id(1), &at, 1, 100).await;
    assert_whole(&store, id(1), &bytes(1, 100)).await;
}

/// Neither opened nor listed, nor while it is resumed.
pub async fn a_suspended_blob_is_not_there(store: Arc<dyn BlobStore>) {
    let at = suspended(&store, id(1), 1, 1000).await;
    assert_absent(&store, id(1)).await;
    let writer = store.resume(&id(1), &at).await.expect("the blob is resumed");
    assert_absent(&store, id(1)).await;
    writer.finish().await.expect("the blob is finished");
    assert_whole(&store, id(1), &bytes(1, 1000)).await;
}

/// Its id is taken.
pub async fn a_suspended_blob_cannot_be_created(store: Arc<dyn BlobStore>) {
    let at = suspended(&store, id(1), 1, 1000).await;
    assert_kind(store.create(&id(1)).await, BlobErrorKind::Exists);
    finished(&store, id(1), &at, 2, 0).await;
}

/// A record that was not written again after a crash names an earlier offset.
pub async fn bytes_after_the_suspended_offset_are_forgotten(store: Arc<dyn BlobStore>) {
    for (number, later) in [(1, 50), (2, 1_000_000)] {
        let early = suspended(&store, id(number), 1, 1000).await;
        let mut writer = store.resume(&id(number), &early).await.expect("the blob is resumed");
        writer.write(bytes(2, later)).await.expect("the bytes are written");
        writer.suspend().await.expect("the blob is suspended");

        finished(&store, id(number), &early, 3, 70).await;
        let whole = [bytes(1, 1000), bytes(3, 70)].concat().into();
        assert_whole(&store, id(number), &whole).await;
    }
}

/// As a crash does: what was durable stays so, whatever became of a later request.
pub async fn a_resumed_writer_that_is_dropped_leaves_the_blob_suspended(store: Arc<dyn BlobStore>) {
    for (number, more) in [(1, 0), (2, 10), (3, 2_000_000)] {
        let at = suspended(&store, id(number), 1, 1000).await;
        let mut writer = store.resume(&id(number), &at).await.expect("the blob is resumed");
        writer.write(bytes(2, more)).await.expect("the bytes are written");
        drop(writer);
        assert_absent(&store, id(number)).await;
        // A backend may need a moment to let go.
        let mut resumed = store.resume(&id(number), &at).await;
        for _ in 0..500 {
            if resumed.is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            resumed = store.resume(&id(number), &at).await;
        }
        let writer = resumed.expect("the blob is resumed again");
        writer.finish().await.expect("the blob is finished");
        assert_whole(&store, id(number), &bytes(1, 1000)).await;
    }
}

/// Never created, being written, being resumed, finished, removed.
pub async fn what_is_not_suspended_cannot_be_resumed(store: Arc<dyn BlobStore>) {
    let at = suspended(&store, id(1), 1, 10).await;
    assert_kind(store.resume(&id(2), &at).await, BlobErrorKind::NotFound);

    let being_written = create(&store, id(3)).await;
    assert_kind(store.resume(&id(3), &at).await, BlobErrorKind::NotFound);
    drop(being_written);

    let being_resumed = store.resume(&id(1), &at).await.expect("the blob is resumed");
    assert_kind(store.resume(&id(1), &at).await, BlobErrorKind::NotFound);
    being_resumed.finish().await.expect("the blob is finished");
    assert_kind(store.resume(&id(1), &at).await, BlobErrorKind::NotFound);

    put(&store, id(4), &bytes(4, 100)).await;
    assert_kind(store.resume(&id(4), &at).await, BlobErrorKind::NotFound);
    assert_whole(&store, id(4), &bytes(4, 100)).await;
    store.remove(&id(4)).await.expect("the blob is removed");
    assert_kind(store.resume(&id(4), &at).await, BlobErrorKind::NotFound);
}

/// The record and the storage disagree: nothing is made up in between.
pub async fn more_than_was_suspended_cannot_be_resumed(store: Arc<dyn BlobStore>) {
    let at = suspended(&store, id(1), 1, 1000).await;
    for offset in [1001, 1_000_000, u64::MAX] {
        let beyond = Suspended { offset, ..at.clone() };
        assert_kind(store.resume(&id(1), &beyond).await, BlobErrorKind::NotFound);
    }
    finished(&store, id(1), &at, 2, 10).await;
}

/// It goes through a record and comes back the same, and is small.
pub async fn the_suspended_state_is_plain_json(store: Arc<dyn BlobStore>) {
    let at = suspended(&store, id(1), 1, 2_000_000).await;
    let text = serde_json::to_string(&at).expect("it can be written");
    assert!(text.len() < 16_384, "{} bytes in a record", text.len());
    let again: Suspended = serde_json::from_str(&text).expect("it can be read");
    assert_eq!(again, at);
    finished(&store, id(1), &again, 2, 5).await;
    let whole = [bytes(1, 2_000_000), bytes(2, 5)].concat().into();
    assert_whole(&store, id(1), &whole).await;
}
