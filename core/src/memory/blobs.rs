//! Blobs in a map.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};

use crate::blobs::{
    BlobBody, BlobError, BlobErrorKind, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter,
    ByteRange, Suspended,
};
use crate::ports::Clock;

/// A [`BlobStore`] in memory. Clones share the same blobs.
#[derive(Clone, Debug)]
pub struct MemoryBlobs {
    blobs: Arc<Mutex<HashMap<BlobId, State>>>,
    clock: Arc<dyn Clock>,
}

enum State {
    Writing,
    Suspended(Bytes),
    Finished(Bytes, BlobInfo),
}

impl MemoryBlobs {
    /// An empty store, whose clock says when a blob was finished.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { blobs: Arc::default(), clock }
    }

    fn blobs(&self) -> MutexGuard<'_, HashMap<BlobId, State>> {
        self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn writer(&self, id: BlobId, written: BytesMut, was: Option<Bytes>) -> Box<dyn BlobWriter> {
        Box::new(Writer { store: self.clone(), id, written, suspended: was, open: true })
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        let mut blobs = self.blobs();
        if blobs.contains_key(id) {
            return Err(BlobErrorKind::Exists.because(format!("creating {id}")));
        }
        blobs.insert(*id, State::Writing);
        Ok(self.writer(*id, BytesMut::new(), None))
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        let mut blobs = self.blobs();
        let not_found = || BlobErrorKind::NotFound.because(format!("resuming {id}"));
        let Some(State::Suspended(bytes)) = blobs.get(id) else { return Err(not_found()) };
        let offset = usize::try_from(at.offset).ok().filter(|offset| *offset <= bytes.len());
        let kept = bytes.slice(..offset.ok_or_else(not_found)?);
        blobs.insert(*id, State::Writing);
        Ok(self.writer(*id, BytesMut::from(&kept[..]), Some(kept)))
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        let blobs = self.blobs();
        let Some(State::Finished(bytes, info)) = blobs.get(id) else {
            return Err(BlobErrorKind::NotFound.because(format!("opening {id}")));
        };
        let (start, end) = range.of(info.size)?;
        // Both lie within a buffer in memory.
        let bytes = bytes.slice(start as usize..end as usize);
        Ok(BlobReader { length: end - start, body: BlobBody::Bytes(bytes) })
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        self.blobs().remove(id);
        Ok(())
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        let finished = |state: &State| match state {
            State::Finished(_, info) => Some(Ok(info.clone())),
            State::Writing | State::Suspended(_) => None,
        };
        let listed: Vec<_> = self.blobs().values().filter_map(finished).collect();
        stream::iter(listed).boxed()
    }

    async fn direct_url(
        &self,
        id: &BlobId,
        _lifetime: Duration,
    ) -> Result<Option<String>, BlobError> {
        match self.blobs().get(id) {
            Some(State::Finished(..)) => Ok(None),
            _ => Err(BlobErrorKind::NotFound.because(format!("the address of {id}"))),
        }
    }
}

struct Writer {
    store: MemoryBlobs,
    id: BlobId,
    written: BytesMut,
    /// What was suspended before it was resumed: a drop goes back to it.
    suspended: Option<Bytes>,
    /// Neither finished nor suspended: a drop discards.
    open: bool,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.written.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let bytes = std::mem::take(&mut self.written).freeze();
        let finished = self.store.clock.now();
        let info = BlobInfo { id: self.id, size: bytes.len() as u64, finished };
        self.open = false;
        self.store.blobs().insert(self.id, State::Finished(bytes, info.clone()));
        Ok(info)
    }

    async fn suspend(mut self: Box<Self>) -> Result<Suspended, BlobError> {
        let bytes = std::mem::take(&mut self.written).freeze();
        let offset = bytes.len() as u64;
        self.open = false;
        self.store.blobs().insert(self.id, State::Suspended(bytes));
        Ok(Suspended { offset, state: serde_json::Value::Null })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.open {
            match self.suspended.take() {
                Some(bytes) => self.store.blobs().insert(self.id, State::Suspended(bytes)),
                None => self.store.blobs().remove(&self.id),
            };
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writing => f.write_str("Writing"),
            Self::Suspended(bytes) => write!(f, "Suspended({} bytes)", bytes.len()),
            Self::Finished(bytes, _) => write!(f, "Finished({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({}, {} bytes)", self.id, self.written.len())
    }
}
