//! Wrappers around both ports that fail when they are told to, step aside so that tasks really
//! meet, and stream blobs in small chunks.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use packhouse_core::blobs::{
    BlobBody, BlobError, BlobErrorKind, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter,
    ByteRange, Suspended,
};
use packhouse_core::memory::InlineRuntime;
use packhouse_core::memory::{MemoryBlobs, MemoryStore};
use packhouse_core::ports::Runtime;
use packhouse_core::store::{
    Batch, CommitError, Committed, Key, Page, Query, Record, RecordStream, Store, StoreError,
    StoreErrorKind,
};

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    Unavailable,
    Full,
    /// A commit is applied, and its caller never learns it. Other calls are unavailable.
    UnknownApplied,
    /// A commit is not applied, and its caller cannot know it. Other calls are unavailable.
    UnknownNotApplied,
}

/// Which calls count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Counted {
    #[default]
    Every,
    Commits,
    Removals,
    Listings,
}

/// What the wrappers do; shared between both, so that their calls are counted together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    rows: usize,
    counted: Counted,
    failing: Option<(Range<usize>, How)>,
    refusal: Option<StoreErrorKind>,
    aside: bool,
    chunk: Option<usize>,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap()
    }

    /// From now on the counted calls of these numbers, from 0, fail.
    pub(crate) fn fail(&self, counted: Counted, calls: Range<usize>, how: How) {
        let mut plan = self.plan();
        (plan.calls, plan.rows) = (0, 0);
        (plan.counted, plan.failing) = (counted, Some((calls, how)));
    }

    /// Commits after those that were to fail are refused like this.
    pub(crate) fn refuse_after(&self, refusal: StoreErrorKind) {
        self.plan().refusal = Some(refusal);
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) {
        let mut plan = self.plan();
        (plan.failing, plan.refusal) = (None, None);
    }

    fn refusal(&self) -> Option<StoreErrorKind> {
        self.plan().refusal
    }

    /// How many counted calls there were since the last plan.
    pub(crate) fn calls(&self) -> usize {
        self.plan().calls
    }

    /// How many rows were selected since the last plan.
    pub(crate) fn rows(&self) -> usize {
        self.plan().rows
    }

    /// Every call lets other tasks go first.
    pub(crate) fn step_aside(&self) {
        self.plan().aside = true;
    }

    /// Blobs are read in chunks of this many bytes.
    pub(crate) fn stream_in(&self, chunk: usize) {
        self.plan().chunk = Some(chunk);
    }

    async fn call(&self, kind: Counted) -> Option<How> {
        let aside = self.plan().aside;
        if aside {
            InlineRuntime.sleep(Duration::ZERO).await;
        }
        let mut plan = self.plan();
        if plan.counted != Counted::Every && plan.counted != kind {
            return None;
        }
        let number = plan.calls;
        plan.calls += 1;
        plan.failing.as_ref().filter(|(calls, _)| calls.contains(&number)).map(|(_, how)| *how)
    }

    async fn store_call(&self) -> Result<(), StoreError> {
        match self.call(Counted::Every).await {
            Some(how) => Err(store_error(how)),
            None => Ok(()),
        }
    }

    async fn blob_call(&self, kind: Counted) -> Result<(), BlobError> {
        match self.call(kind).await {
            Some(How::Full) => Err(BlobErrorKind::Full.because("as planned")),
            Some(_) => Err(BlobErrorKind::Unavailable.because("as planned")),
            None => Ok(()),
        }
    }
}

fn store_error(how: How) -> StoreError {
    match how {
        How::Full => StoreErrorKind::Full.because("as planned"),
        _ => StoreErrorKind::Unavailable.because("as planned"),
    }
}

#[derive(Debug)]
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    pub(crate) faults: Faults,
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.faults.store_call().await?;
        self.inner.read(keys).await
    }

    async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        self.faults.store_call().await?;
        let page = self.inner.select(query).await?;
        self.faults.plan().rows += page.rows.len();
        Ok(page)
    }

    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError> {
        self.faults.store_call().await?;
        self.inner.scan(query).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        match self.faults.call(Counted::Commits).await {
            None => match self.faults.refusal() {
                Some(kind) => Err(CommitError::Failed(kind.because("as planned"))),
                None => self.inner.commit(batch).await,
            },
            Some(how @ How::UnknownApplied) => match self.inner.commit(batch).await {
                Ok(_) => Err(CommitError::Unknown(store_error(how))),
                told => told,
            },
            Some(how @ How::UnknownNotApplied) => Err(CommitError::Unknown(store_error(how))),
            Some(how) => Err(CommitError::Failed(store_error(how))),
        }
    }
}

#[derive(Debug)]
pub(crate) struct FaultyBlobs {
    pub(crate) inner: MemoryBlobs,
    pub(crate) faults: Faults,
}

#[async_trait]
impl BlobStore for FaultyBlobs {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.faults.blob_call(Counted::Every).await?;
        let inner = self.inner.create(id).await?;
        Ok(Box::new(FaultyWriter { inner, faults: self.faults.clone() }))
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.resume(id, at).await
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        self.faults.blob_call(Counted::Every).await?;
        let reader = self.inner.open(id, range).await?;
        let chunk = self.faults.plan().chunk;
        let Some(chunk) = chunk else { return Ok(reader) };
        let length = reader.length;
        let bytes = reader.into_bytes().await?;
        let chunks: Vec<_> = bytes.chunks(chunk).map(|part| Ok(bytes.slice_ref(part))).collect();
        Ok(BlobReader { length, body: BlobBody::Stream(stream::iter(chunks).boxed()) })
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        self.faults.blob_call(Counted::Removals).await?;
        self.inner.remove(id).await
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        // The fault comes after everything else was listed: nothing may have been done by then.
        let fault = stream::once(self.faults.blob_call(Counted::Listings))
            .filter_map(|told| async { told.err().map(Err) });
        self.inner.list().chain(fault).boxed()
    }

    async fn direct_url(
        &self,
        id: &BlobId,
        lifetime: Duration,
    ) -> Result<Option<String>, BlobError> {
        self.inner.direct_url(id, lifetime).await
    }
}

#[derive(Debug)]
struct FaultyWriter {
    inner: Box<dyn BlobWriter>,
    faults: Faults,
}

#[async_trait]
impl BlobWriter for FaultyWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.faults.blob_call(Counted::Every).await?;
        self.inner.write(chunk).await
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo, BlobError> {
        self.faults.blob_call(Counted::Every).await?;
        self.inner.finish().await
    }

    async fn suspend(self: Box<Self>) -> Result<Suspended, BlobError> {
        self.inner.suspend().await
    }
}
