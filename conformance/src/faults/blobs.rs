//! The wrapper of a blob store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use packhouse_core::blobs::{
    BlobBody, BlobError, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter, ByteRange, Suspended,
};

use super::{Counted, Faults, How, blob_error};

/// A blob store whose calls fail as planned.
#[derive(Clone, Debug)]
pub struct FaultyBlobs {
    inner: Arc<dyn BlobStore>,
    faults: Faults,
}

impl FaultyBlobs {
    /// A wrapper of a blob store that `faults` steers.
    pub fn new(inner: Arc<dyn BlobStore>, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }
}

impl Faults {
    /// A call that does something to blobs, or fails before it has.
    async fn blob_call<T>(
        &self,
        kinds: &[Counted],
        call: impl Future<Output = Result<T, BlobError>> + Send,
    ) -> Result<T, BlobError> {
        let how = self.call(kinds).await;
        match how.and_then(blob_error) {
            Some(error) => Err(error),
            None => self.answer(how, call.await).await,
        }
    }
}

#[async_trait]
impl BlobStore for FaultyBlobs {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        let inner = self.faults.blob_call(&[], self.inner.create(id)).await?;
        Ok(Box::new(FaultyWriter { inner, faults: self.faults.clone() }))
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        let inner = self.faults.blob_call(&[], self.inner.resume(id, at)).await?;
        Ok(Box::new(FaultyWriter { inner, faults: self.faults.clone() }))
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        let late = self.faults.plan().late;
        if late > Duration::ZERO {
            tokio::time::sleep(late).await;
        }
        let how = self.faults.call(&[Counted::Bytes]).await;
        if how == Some(How::Short) {
            return cut(self.inner.open(id, range).await?).await;
        }
        if let Some(error) = how.and_then(blob_error) {
            return Err(error);
        }
        let reader = self.faults.answer(how, self.inner.open(id, range).await).await?;
        let chunk = self.faults.plan().chunk;
        let reader = match chunk {
            Some(chunk) => in_chunks(reader, chunk).await?,
            None => reader,
        };
        let length = reader.length;
        let body = match reader.body {
            BlobBody::Bytes(bytes) => BlobBody::Bytes(bytes),
            BlobBody::Stream(chunks) => BlobBody::Stream(counted(&self.faults, chunks)),
        };
        Ok(BlobReader { length, body })
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        self.faults.blob_call(&[Counted::Removals], self.inner.remove(id)).await
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        // The fault comes after everything else was listed: nothing may have been done by then.
        let end = self.faults.blob_call(&[Counted::Listings], async { Ok(()) });
        let fault = stream::once(end).filter_map(|told| async { told.err().map(Err) });
        self.inner.list().chain(fault).boxed()
    }

    async fn direct_url(
        &self,
        id: &BlobId,
        lifetime: Duration,
    ) -> Result<Option<String>, BlobError> {
        self.faults.blob_call(&[], self.inner.direct_url(id, lifetime)).await
    }
}

type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

/// The same bytes in chunks of at most this size.
async fn in_chunks(reader: BlobReader, chunk: usize) -> Result<BlobReader, BlobError> {
    let length = reader.length;
    let bytes = reader.into_bytes().await?;
    let chunks: Vec<_> = bytes.chunks(chunk).map(|part| Ok(bytes.slice_ref(part))).collect();
    Ok(BlobReader { length, body: BlobBody::Stream(stream::iter(chunks).boxed()) })
}

/// The same chunks, each a call of its own. Nothing follows a failure.
fn counted(faults: &Faults, chunks: Chunks) -> Chunks {
    let state = Some((faults.clone(), chunks));
    stream::unfold(state, |state| async {
        let (faults, mut chunks) = state?;
        let chunk = chunks.next().await?;
        match faults.call(&[Counted::Bytes]).await {
            Some(How::Short) => None,
            Some(how) => match blob_error(how) {
                Some(error) => Some((Err(error), None)),
                None => Some((faults.answer(Some(how), chunk).await, Some((faults, chunks)))),
            },
            None => Some((chunk, Some((faults, chunks)))),
        }
    })
    .boxed()
}

/// What announces all of the bytes, and gives half of them.
async fn cut(reader: BlobReader) -> Result<BlobReader, BlobError> {
    let (length, is_whole) = (reader.length, matches!(reader.body, BlobBody::Bytes(_)));
    let bytes = reader.into_bytes().await?;
    let half = bytes.slice(..bytes.len() / 2);
    let body = if is_whole {
        BlobBody::Bytes(half)
    } else {
        BlobBody::Stream(stream::iter([Ok(half)]).boxed())
    };
    Ok(BlobReader { length, body })
}

#[derive(Debug)]
struct FaultyWriter {
    inner: Box<dyn BlobWriter>,
    faults: Faults,
}

#[async_trait]
impl BlobWriter for FaultyWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        let how = self.faults.call(&[Counted::Bytes]).await;
        if how == Some(How::Short) {
            self.inner.write(chunk.slice(..chunk.len() / 2)).await?;
        }
        match how.and_then(blob_error) {
            Some(error) => Err(error),
            None => self.faults.answer(how, self.inner.write(chunk).await).await,
        }
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo, BlobError> {
        self.faults.blob_call(&[], self.inner.finish()).await
    }

    async fn suspend(self: Box<Self>) -> Result<Suspended, BlobError> {
        self.faults.blob_call(&[], self.inner.suspend()).await
    }
}
