//! What the cases are made of.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use packhouse_core::blobs::{
    BlobError, BlobErrorKind, BlobId, BlobInfo, BlobStore, BlobWriter, ByteRange,
};

/// A store to be tested, and what belongs to it.
pub struct Fixture {
    store: Arc<dyn BlobStore>,
    leftovers: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    guard: Box<dyn Any + Send + Sync>,
}

impl Fixture {
    /// An empty store.
    #[must_use]
    pub fn new(store: Arc<dyn BlobStore>) -> Self {
        Self { store, leftovers: Box::new(Vec::new), guard: Box::new(()) }
    }

    /// Keeps something (a temporary folder) until the case is over.
    #[must_use]
    pub fn keeping(self, guard: impl Any + Send + Sync) -> Self {
        Self { guard: Box::new(guard), ..self }
    }

    /// How to find what a backend still holds when it has no blob any more: this must be nothing
    /// within a few seconds of a case's end.
    #[must_use]
    pub fn leftovers(self, find: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Self { leftovers: Box::new(find), ..self }
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Runs a case, removes every blob and looks for what is left.
pub async fn run<F: Future<Output = ()>>(
    fixture: Fixture,
    case: impl FnOnce(Arc<dyn BlobStore>) -> F,
) {
    let Fixture { store, leftovers, guard } = fixture;
    case(Arc::clone(&store)).await;
    for blob in listed(&store).await {
        store.remove(&blob.id).await.expect("a blob is removed at the end");
    }
    assert_eq!(listed(&store).await, [], "blobs are listed after all were removed");
    // A dropped writer may clean up on a thread of its own.
    let mut left = leftovers();
    for _ in 0..500 {
        if left.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        left = leftovers();
    }
    assert!(left.is_empty(), "left behind: {left:?}");
    drop(guard);
}

/// One of many ids, spread over whatever a backend spreads by.
pub(super) fn id(number: u32) -> BlobId {
    let mut bytes = [0xb1; 16];
    bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    BlobId::from_bytes(bytes)
}

/// Bytes in which every place differs from its neighbours and from those of another seed.
pub(super) fn bytes(seed: u32, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let byte = || {
        // A linear congruential generator: its high bits are good enough.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(byte).take(length).collect()
}

pub(super) async fn create(store: &Arc<dyn BlobStore>, id: BlobId) -> Box<dyn BlobWriter> {
    store.create(&id).await.expect("the blob is created")
}

pub(super) async fn put(store: &Arc<dyn BlobStore>, id: BlobId, content: &Bytes) -> BlobInfo {
    let mut writer = create(store, id).await;
    writer.write(content.clone()).await.expect("the bytes are written");
    writer.finish().await.expect("the blob is finished")
}

pub(super) async fn read(store: &Arc<dyn BlobStore>, id: BlobId, range: ByteRange) -> Bytes {
    let reader = store.open(&id, range).await.expect("the blob is opened");
    let length = reader.length;
    let content = reader.into_bytes().await.expect("the blob is read");
    assert_eq!(content.len() as u64, length, "the reader gives as many bytes as it said");
    content
}

/// The whole blob is this; a difference is told by its place, not by megabytes.
#[track_caller]
pub(super) fn assert_same(given: &Bytes, expected: &Bytes) {
    assert_eq!(given.len(), expected.len(), "the length");
    let place = given.iter().zip(expected).position(|(given, expected)| given != expected);
    assert_eq!(place, None, "the first byte that differs");
}

pub(super) async fn assert_whole(store: &Arc<dyn BlobStore>, id: BlobId, expected: &Bytes) {
    assert_same(&read(store, id, ByteRange::ALL).await, expected);
}

/// It cannot be opened, and is not in the list.
pub(super) async fn assert_absent(store: &Arc<dyn BlobStore>, id: BlobId) {
    assert_kind(store.open(&id, ByteRange::ALL).await, BlobErrorKind::NotFound);
    assert_kind(store.direct_url(&id, Duration::from_secs(9)).await, BlobErrorKind::NotFound);
    assert!(listed(store).await.iter().all(|blob| blob.id != id), "{id} is listed");
}

#[track_caller]
pub(super) fn assert_kind<T: fmt::Debug>(outcome: Result<T, BlobError>, expected: BlobErrorKind) {
    let error = outcome.expect_err("this fails");
    assert_eq!(error.kind, expected, "{error}");
}

/// The list, in the order of the ids.
pub(super) async fn listed(store: &Arc<dyn BlobStore>) -> Vec<BlobInfo> {
    let mut blobs: Vec<_> = store.list().try_collect().await.expect("the blobs are listed");
    blobs.sort_by_key(|blob| blob.id);
    blobs
}

/// Sizes around those at which backends change their ways.
pub(super) const SIZES: [usize; 12] =
    [0, 1, 2, 4095, 4096, 4097, 65_536, 65_537, 262_144, 262_145, 1_048_577, 3_000_001];
