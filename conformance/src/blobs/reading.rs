//! Opening blobs and ranges of them.

use std::sync::Arc;

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use packhouse_core::blobs::{BlobBody, BlobErrorKind, BlobStore, ByteRange};

use super::support::{assert_kind, assert_same, assert_whole, bytes, id, put, read};

/// All that a blob of 64 bytes has, and those of an empty one.
pub async fn every_range_gives_exactly_its_bytes(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 64);
    put(&store, id(1), &content).await;
    for start in 0..=64_u64 {
        for end in (start..=64).map(Some).chain([None]) {
            let given = read(&store, id(1), ByteRange { start, end }).await;
            let expected = content.slice(start as usize..end.unwrap_or(64) as usize);
            assert_eq!(given, expected, "{start} to {end:?}");
        }
    }
    put(&store, id(2), &bytes(2, 0)).await;
    for end in [None, Some(0)] {
        assert!(read(&store, id(2), ByteRange { start: 0, end }).await.is_empty());
    }
}

/// Around the sizes at which a backend may go from one buffer to a stream of several.
pub async fn ranges_of_a_large_blob_give_exactly_their_bytes(store: Arc<dyn BlobStore>) {
    const SIZE: u64 = 3_000_001;
    let content = bytes(1, 3_000_001);
    put(&store, id(1), &content).await;
    let lengths = [0, 1, 4096, 65_536, 262_143, 262_144, 262_145, 524_288, 1_048_577, SIZE];
    for length in lengths {
        for start in [0, 1, 262_143, 1_048_576, SIZE - length] {
            let end = start + length;
            if end > SIZE {
                continue;
            }
            let given = read(&store, id(1), ByteRange { start, end: Some(end) }).await;
            assert_same(&given, &content.slice(start as usize..end as usize));
        }
    }
    for start in [SIZE - 1, SIZE] {
        let given = read(&store, id(1), ByteRange { start, end: None }).await;
        assert_same(&given, &content.slice(start as usize..));
    }
}

/// Past the end, and with the end before the start; also at the ends of the numbers.
pub async fn a_range_outside_the_blob_is_refused(store: Arc<dyn BlobStore>) {
    put(&store, id(1), &bytes(1, 100)).await;
    put(&store, id(2), &bytes(2, 0)).await;
    put(&store, id(3), &bytes(3, 1_000_000)).await;
    let max = u64::MAX;
    for (number, start, end) in [
        (1, 0, Some(101)),
        (1, 101, None),
        (1, 101, Some(101)),
        (1, 50, Some(49)),
        (1, 100, Some(99)),
        (1, 0, Some(max)),
        (1, max, None),
        (1, max, Some(max)),
        (1, max, Some(0)),
        (2, 0, Some(1)),
        (2, 1, None),
        (3, 0, Some(1_000_001)),
        (3, 999_999, Some(0)),
    ] {
        let outcome = store.open(&id(number), ByteRange { start, end }).await;
        assert_kind(outcome, BlobErrorKind::OutOfRange);
    }
}

/// Whatever the range.
pub async fn an_absent_blob_is_not_found(store: Arc<dyn BlobStore>) {
    put(&store, id(1), &bytes(1, 1)).await;
    for range in [ByteRange::ALL, ByteRange { start: 9, end: Some(3) }] {
        assert_kind(store.open(&id(2), range).await, BlobErrorKind::NotFound);
    }
}

/// A stream has no chunk of more than a mebibyte and no empty one, and goes on to be at its end
/// when it was there.
pub async fn a_large_blob_comes_in_pieces_of_bounded_size(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 5_000_000);
    put(&store, id(1), &content).await;
    let reader = store.open(&id(1), ByteRange::ALL).await.expect("the blob is opened");
    assert_eq!(reader.length, 5_000_000);
    let BlobBody::Stream(stream) = reader.body else {
        return; // It is in memory already.
    };
    let chunks: Vec<_> = stream.try_collect().await.expect("the blob is read");
    assert!(chunks.iter().all(|chunk| (1..=1 << 20).contains(&chunk.len())));
    assert_same(&chunks.concat().into(), &content);
}

/// At the same time, each its own part.
pub async fn many_readers_read_one_blob(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 2_000_000);
    put(&store, id(1), &content).await;
    let readers = (0..32_u64).map(|number| {
        let (store, content) = (Arc::clone(&store), content.clone());
        async move {
            let (start, end) = (number * 10_007, 2_000_000 - number * 9_973);
            let given = read(&store, id(1), ByteRange { start, end: Some(end) }).await;
            assert_same(&given, &content.slice(start as usize..end as usize));
        }
    });
    join_all(readers).await;
}

/// Before and after their first chunk.
pub async fn readers_that_are_given_up_disturb_nobody(store: Arc<dyn BlobStore>) {
    let content = bytes(1, 3_000_000);
    put(&store, id(1), &content).await;
    for read_first in [false, true] {
        let reader = store.open(&id(1), ByteRange::ALL).await.expect("the blob is opened");
        let mut stream = reader.into_stream();
        if read_first {
            stream.next().await.expect("a chunk").expect("the chunk is read");
        }
    }
    assert_whole(&store, id(1), &content).await;
}
