//! Creating, writing, finishing and giving up.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use packhouse_core::blobs::{BlobErrorKind, BlobStore};

use super::support::{
    SIZES, assert_absent, assert_kind, assert_whole, bytes, create, id, listed, put,
};

/// At every size.
pub async fn a_finished_blob_is_read_back(store: Arc<dyn BlobStore>) {
    for (number, size) in (0..).zip(SIZES) {
        let content = bytes(number, size);
        put(&store, id(number), &content).await;
        assert_whole(&store, id(number), &content).await;
    }
    for (number, size) in (0..).zip(SIZES) {
        assert_whole(&store, id(number), &bytes(number, size)).await;
    }
}

/// With no write, and with writes of nothing.
pub async fn an_empty_blob_is_a_blob(store: Arc<dyn BlobStore>) {
    let info = create(&store, id(1)).await.finish().await.expect("an empty blob is finished");
    assert_eq!((info.id, info.size), (id(1), 0));
    assert_whole(&store, id(1), &Bytes::new()).await;

    let mut writer = create(&store, id(2)).await;
    writer.write(Bytes::new()).await.expect("nothing is written");
    writer.write(Bytes::new()).await.expect("nothing is written");
    writer.finish().await.expect("an empty blob is finished");
    assert_whole(&store, id(2), &Bytes::new()).await;
    assert_eq!(listed(&store).await.len(), 2);
}

/// Their borders are not part of the blob.
pub async fn chunks_of_any_size_are_joined(store: Arc<dyn BlobStore>) {
    let content = bytes(7, 1_500_000);
    for (number, size) in (0..).zip([499, 4095, 4097, 65_535, 65_537, 262_143, 700_001]) {
        let mut writer = create(&store, id(number)).await;
        for start in (0..content.len()).step_by(size) {
            let chunk = content.slice(start..content.len().min(start + size));
            writer.write(chunk).await.expect("a chunk is written");
        }
        writer.finish().await.expect("the blob is finished");
        assert_whole(&store, id(number), &content).await;
    }
    let sizes = [1, 0, 3, 300_000, 1, 1, 65_536, 0, 17, 1_000_000, 1];
    let mut writer = create(&store, id(99)).await;
    let mut start = 0;
    for size in sizes {
        writer.write(content.slice(start..start + size)).await.expect("a chunk is written");
        start += size;
    }
    writer.finish().await.expect("the blob is finished");
    assert_whole(&store, id(99), &content.slice(..start)).await;
}

/// The same id, size and time.
pub async fn finishing_tells_what_the_list_tells(store: Arc<dyn BlobStore>) {
    let small = put(&store, id(1), &bytes(1, 10)).await;
    let large = put(&store, id(2), &bytes(2, 2_000_000)).await;
    assert_eq!((small.id, small.size), (id(1), 10));
    assert_eq!((large.id, large.size), (id(2), 2_000_000));
    let mut told = vec![small, large];
    told.sort_by_key(|blob| blob.id);
    assert_eq!(listed(&store).await, told);
}

/// Neither opened nor listed, however much was written.
pub async fn an_unfinished_blob_is_not_there(store: Arc<dyn BlobStore>) {
    for (number, size) in [(1, 0), (2, 10), (3, 3_000_000)] {
        let mut writer = create(&store, id(number)).await;
        assert_absent(&store, id(number)).await;
        for chunk in bytes(number, size).chunks(100_000) {
            writer.write(Bytes::copy_from_slice(chunk)).await.expect("a chunk is written");
        }
        assert_absent(&store, id(number)).await;
        writer.finish().await.expect("the blob is finished");
        assert_whole(&store, id(number), &bytes(number, size)).await;
    }
}

/// Before the first byte, after few and after many.
pub async fn a_dropped_writer_leaves_nothing(store: Arc<dyn BlobStore>) {
    for (number, size) in [(1, 0), (2, 10), (3, 3_000_000)] {
        let mut writer = create(&store, id(number)).await;
        for chunk in bytes(number, size).chunks(100_000) {
            writer.write(Bytes::copy_from_slice(chunk)).await.expect("a chunk is written");
        }
        drop(writer);
        assert_absent(&store, id(number)).await;
    }
    put(&store, id(9), &bytes(9, 9)).await;
    assert_eq!(listed(&store).await.len(), 1);
}

/// A request that is cancelled in the midst of a write or a finish. What was being finished may
/// be there whole; anything else is not.
pub async fn a_write_that_is_given_up_leaves_nothing(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 3_000_000);
    for number in 0..16 {
        let mut writer = create(&store, id(number)).await;
        for _ in 0..number % 4 {
            writer.write(content.clone()).await.expect("the bytes are written");
        }
        let mut write = writer.write(content.clone());
        let _ = futures::poll!(&mut write);
        drop(write);
        drop(writer);
        assert_absent(&store, id(number)).await;
    }
    for number in 100..116 {
        let mut writer = create(&store, id(number)).await;
        writer.write(content.slice(..1000)).await.expect("the bytes are written");
        let mut finish = writer.finish();
        let _ = futures::poll!(&mut finish);
        drop(finish);
        if store.open(&id(number), packhouse_core::blobs::ByteRange::ALL).await.is_ok() {
            assert_whole(&store, id(number), &content.slice(..1000)).await;
        }
        // What goes on in the background is over when the id is free or taken for good.
        while store.create(&id(number)).await.is_err() {
            if listed(&store).await.iter().any(|blob| blob.id == id(number)) {
                break;
            }
        }
    }
}

/// Its bytes stay as they are.
pub async fn a_finished_blob_cannot_be_created_again(store: Arc<dyn BlobStore>) {
    for (number, size) in [(1, 0), (2, 10), (3, 2_000_000)] {
        put(&store, id(number), &bytes(number, size)).await;
        assert_kind(store.create(&id(number)).await, BlobErrorKind::Exists);
        assert_whole(&store, id(number), &bytes(number, size)).await;
    }
}

/// The writer that is there goes on undisturbed.
pub async fn a_blob_being_written_cannot_be_created(store: Arc<dyn BlobStore>) {
    for (number, size) in [(1, 0), (2, 10), (3, 2_000_000)] {
        let mut writer = create(&store, id(number)).await;
        writer.write(bytes(number, size)).await.expect("the bytes are written");
        assert_kind(store.create(&id(number)).await, BlobErrorKind::Exists);
        writer.finish().await.expect("the blob is finished");
        assert_whole(&store, id(number), &bytes(number, size)).await;
    }
}

/// However they race.
pub async fn of_many_creations_of_one_id_one_succeeds(store: Arc<dyn BlobStore>) {
    for number in 0..8 {
        let blob = id(number);
        let outcomes = join_all((0..16).map(|_| store.create(&blob))).await;
        let (writers, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(writers.len(), 1);
        for outcome in refused {
            assert_kind(outcome, BlobErrorKind::Exists);
        }
        let mut writer = writers.into_iter().flatten().next().expect("one writer");
        writer.write(bytes(number, 100)).await.expect("the bytes are written");
        writer.finish().await.expect("the blob is finished");
        assert_whole(&store, blob, &bytes(number, 100)).await;
    }
}

/// Small and large, chunk by chunk in turn.
pub async fn many_writers_write_at_once(store: Arc<dyn BlobStore>) {
    let writers = (0..48).map(|number| {
        let store = Arc::clone(&store);
        async move {
            let size = if number % 8 == 0 { 900_001 } else { 1000 + number as usize };
            let content = bytes(number, size);
            let mut writer = create(&store, id(number)).await;
            for chunk in content.chunks(70_001) {
                writer.write(Bytes::copy_from_slice(chunk)).await.expect("a chunk is written");
            }
            let info = writer.finish().await.expect("the blob is finished");
            assert_whole(&store, id(number), &content).await;
            info
        }
    });
    let mut told = join_all(writers).await;
    told.sort_by_key(|blob| blob.id);
    assert_eq!(listed(&store).await, told);
}
