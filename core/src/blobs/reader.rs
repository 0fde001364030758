//! Readers: a length, and the bytes at once or as a stream.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{BlobError, BlobErrorKind};

type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

/// The bytes that were asked for.
pub enum BlobBody {
    /// All of them.
    Bytes(Bytes),
    /// Chunk after chunk; as many in all as [`BlobReader::length`] says, or an error.
    Stream(BoxStream<'static, Result<Bytes, BlobError>>),
}

/// An open range of a blob.
#[derive(Debug)]
pub struct BlobReader {
    /// How many bytes there are in the range.
    pub length: u64,
    /// The bytes.
    pub body: BlobBody,
}

impl BlobReader {
    /// The same, trusted with nothing: other bytes than were announced end in an error, also where
    /// a backend says nothing of it.
    pub(crate) fn exact(self) -> Result<Self, BlobError> {
        let length = self.length;
        let body = match self.body {
            BlobBody::Bytes(bytes) if bytes.len() as u64 == length => BlobBody::Bytes(bytes),
            BlobBody::Bytes(bytes) => return Err(wrong_length(bytes.len() as u64, length)),
            BlobBody::Stream(chunks) => BlobBody::Stream(exact(chunks, length)),
        };
        Ok(Self { length, body })
    }

    /// The bytes as a stream, whatever they come as.
    #[must_use]
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        match self.body {
            BlobBody::Bytes(bytes) => futures::stream::iter([Ok(bytes)]).boxed(),
            BlobBody::Stream(stream) => stream,
        }
    }

    /// All the bytes in memory: for small blobs and tests.
    ///
    /// # Errors
    /// What the stream gives; [`BlobErrorKind::Corrupt`] for more or fewer bytes than the length.
    pub async fn into_bytes(self) -> Result<Bytes, BlobError> {
        match self.exact()?.body {
            BlobBody::Bytes(bytes) => Ok(bytes),
            BlobBody::Stream(stream) => {
                let whole = stream.try_fold(BytesMut::new(), |mut whole, chunk| async move {
                    whole.extend_from_slice(&chunk);
                    Ok(whole)
                });
                Ok(whole.await?.freeze())
            }
        }
    }
}

/// The same chunks, and an error after them where they are not so many bytes.
fn exact(chunks: Chunks, length: u64) -> Chunks {
    let state = Some((chunks, 0_u64));
    stream::unfold(state, move |state| async move {
        let (mut chunks, so_far) = state?;
        let chunk = chunks.next().await;
        let known =
            so_far + chunk.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len) as u64);
        match chunk {
            Some(Ok(_)) if known > length => Some((Err(wrong_length(known, length)), None)),
            Some(chunk) => {
                let rest = chunk.is_ok().then_some((chunks, known));
                Some((chunk, rest))
            }
            None if known < length => Some((Err(wrong_length(known, length)), None)),
            None => None,
        }
    })
    .boxed()
}

fn wrong_length(known: u64, length: u64) -> BlobError {
    BlobErrorKind::Corrupt.because(format!("{known} bytes came where {length} were announced"))
}

impl fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Bytes",
            Self::Stream(_) => "Stream",
        })
    }
}
