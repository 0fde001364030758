//! The backends under an installation, and a watch over what the engine does to them.
#![allow(clippy::disallowed_types, reason = "an installation is built upon the ports")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use packhouse_core::blobs::{
    BlobError, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter, ByteRange, Suspended,
};
use packhouse_core::memory::{MemoryBlobs, MemoryStore};
use packhouse_core::store::{
    Batch, BatchId, Change, CommitError, Committed, Key, Page, Query, Record, RecordStream, Store,
    StoreError, StoreErrorKind,
};

use super::SetClock;

/// Where records and bytes are kept.
#[derive(Clone)]
pub(crate) struct Backends {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn BlobStore>,
}

impl Backends {
    pub(crate) fn in_memory(clock: &SetClock) -> Self {
        let blobs = MemoryBlobs::new(Arc::new(clock.clone()));
        Self { store: Arc::new(MemoryStore::new()), blobs: Arc::new(blobs) }
    }

    /// The finished blobs, in no order.
    pub(crate) async fn all_blobs(&self) -> Vec<BlobInfo> {
        self.blobs.list().map(Result::unwrap).collect().await
    }

    /// Removes every byte, behind the back of the records.
    pub(crate) async fn lose_all_bytes(&self) {
        for blob in self.all_blobs().await {
            self.blobs.remove(&blob.id).await.unwrap();
        }
    }
}

/// Makes one change past the engine.
pub(super) async fn write(backends: &Backends, number: u64, change: Change) {
    let mut id = [0xff; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let batch = Batch { id: BatchId(id), expectations: Vec::new(), changes: vec![change] };
    backends.store.commit(&batch).await.unwrap();
}

/// Counts what the engine does to its backends, and makes it slow or impossible.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<Counts>);

/// What is done to the body of each record that is read, by its kind.
pub(crate) type Doctor = fn(&str, &mut serde_json::Value);

#[derive(Debug, Default)]
struct Counts {
    reads: AtomicU64,
    commits: AtomicU64,
    blobs: AtomicU64,
    commit_millis: AtomicU64,
    broken: AtomicU64,
    broken_read: AtomicU64,
    doctor: Mutex<Option<Doctor>>,
}

impl Watch {
    /// From now on every record is read as another than it is: an engine that does not know what
    /// the record says decides as one that does not look.
    pub(crate) fn doctor(&self, doctor: Doctor) {
        *self.0.doctor.lock().unwrap() = Some(doctor);
    }

    fn doctored(&self, records: &mut [Option<Record>]) {
        let Some(doctor) = *self.0.doctor.lock().unwrap() else { return };
        for record in records.iter_mut().flatten() {
            let Ok(mut body) = serde_json::from_str(&record.body) else { continue };
            doctor(&record.key.kind(), &mut body);
            record.body = body.to_string().into();
        }
    }

    pub(super) fn store(&self, backends: &Backends) -> Arc<dyn Store> {
        Arc::new(Watched { inner: Arc::clone(&backends.store), watch: self.clone() })
    }

    pub(super) fn blobs(&self, backends: &Backends) -> Arc<dyn BlobStore> {
        Arc::new(Watched { inner: Arc::clone(&backends.blobs), watch: self.clone() })
    }

    /// How many batches were committed and blobs begun so far.
    pub(crate) fn changes(&self) -> (u64, u64) {
        (self.0.commits.load(Ordering::SeqCst), self.0.blobs.load(Ordering::SeqCst))
    }

    /// How often records were asked for so far.
    pub(crate) fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// Makes every commit take so long.
    pub(crate) fn slow_commits(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.commit_millis.store(millis, Ordering::SeqCst);
    }

    /// Makes the store refuse everything, or work again.
    pub(crate) fn break_store(&self, broken: bool) {
        self.0.broken.store(u64::from(broken), Ordering::SeqCst);
    }

    /// Makes one read of the store fail: the one after so many from now.
    pub(crate) fn break_read_after(&self, reads: u64) {
        self.0.broken_read.store(self.reads() + reads + 1, Ordering::SeqCst);
    }

    fn read(&self) -> Result<(), StoreError> {
        let number = self.0.reads.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.0.broken_read.load(Ordering::SeqCst) {
            return Err(StoreErrorKind::Unavailable.because("SECRET-CANARY: a read failed"));
        }
        self.check()
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.0.broken.load(Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err(StoreErrorKind::Unavailable.because("SECRET-CANARY: table files is locked")),
        }
    }
}

#[derive(Debug)]
struct Watched<T: ?Sized> {
    watch: Watch,
    inner: Arc<T>,
}

#[async_trait]
impl Store for Watched<dyn Store> {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.watch.read()?;
        let mut records = self.inner.read(keys).await?;
        self.watch.doctored(&mut records);
        Ok(records)
    }

    async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        self.watch.read()?;
        self.inner.select(query).await
    }

    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError> {
        self.watch.read()?;
        self.inner.scan(query).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        self.watch.0.commits.fetch_add(1, Ordering::SeqCst);
        self.watch.check().map_err(CommitError::Failed)?;
        let millis = self.watch.0.commit_millis.load(Ordering::SeqCst);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        self.inner.commit(batch).await
    }
}

#[async_trait]
impl BlobStore for Watched<dyn BlobStore> {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.watch.0.blobs.fetch_add(1, Ordering::SeqCst);
        self.inner.create(id).await
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.resume(id, at).await
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        self.inner.open(id, range).await
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        self.inner.remove(id).await
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        self.inner.list()
    }

    async fn direct_url(
        &self,
        id: &BlobId,
        lifetime: Duration,
    ) -> Result<Option<String>, BlobError> {
        self.inner.direct_url(id, lifetime).await
    }
}
