//! Readers: a length, and the bytes at once or as a stream.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::BlobError;

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
    /// What the stream gives.
    pub async fn into_bytes(self) -> Result<Bytes, BlobError> {
        match self.body {
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

impl fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Bytes",
            Self::Stream(_) => "Stream",
        })
    }
}
