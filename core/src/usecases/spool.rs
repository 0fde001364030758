//! Receiving bytes: into a blob, hashed on the way. What they are called comes later.

use bytes::{Bytes, BytesMut};

use crate::blobs::{BlobId, BlobWriter};
use crate::digests::Hashing;
use crate::engine::{InFlight, Packhouse};
use crate::model::files::Digests;
use crate::{Error, ErrorKind, Result};

/// Chunks below this are gathered.
const SMALL_CHUNK: usize = 4 << 10;
/// How much is gathered before it is passed on.
const GATHERED: usize = 64 << 10;

/// What was announced about the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Announced {
    /// Their SHA-256, in hexadecimal.
    pub(super) sha256: Option<String>,
    /// Their number.
    pub(super) size: Option<u64>,
}

/// Bytes on their way into a blob. Dropping it discards them.
#[derive(Debug)]
pub(super) struct Spool {
    packhouse: Packhouse,
    id: BlobId,
    writer: Box<dyn BlobWriter>,
    hashing: Hashing,
    size: u64,
    /// Small chunks that wait to be one: what is kept of a chunk does not depend on its size.
    gathered: BytesMut,
    in_flight: InFlight,
}

/// Bytes that are durable and have no name yet. As long as this is there, no sweep takes them for
/// forgotten.
#[derive(Debug)]
pub(super) struct StoredBytes {
    pub(super) id: BlobId,
    pub(super) size: u64,
    pub(super) digests: Digests,
    _in_flight: InFlight,
}

impl Spool {
    /// Starts, unless more bytes were announced than are allowed.
    pub(super) async fn begin(packhouse: &Packhouse, announced: &Announced) -> Result<Self> {
        check_size(packhouse, announced.size.unwrap_or_default())?;
        let id = BlobId::from_bytes(packhouse.random_bytes());
        let in_flight = packhouse.in_flight(id);
        let writer = packhouse.blobs().create(&id).await?;
        Ok(Self {
            packhouse: packhouse.clone(),
            id,
            writer,
            hashing: Hashing::new(packhouse.runtime().clone()),
            size: 0,
            gathered: BytesMut::new(),
            in_flight,
        })
    }

    pub(super) async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.size += chunk.len() as u64;
        check_size(&self.packhouse, self.size)?;
        if chunk.len() >= SMALL_CHUNK {
            self.pass_on_gathered().await?;
            return self.pass_on(chunk).await;
        }
        self.gathered.extend_from_slice(&chunk);
        if self.gathered.len() >= GATHERED {
            self.pass_on_gathered().await?;
        }
        Ok(())
    }

    async fn pass_on_gathered(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered).freeze();
        if gathered.is_empty() { Ok(()) } else { self.pass_on(gathered).await }
    }

    async fn pass_on(&mut self, chunk: Bytes) -> Result<()> {
        self.hashing.update(chunk.clone()).await?;
        Ok(self.writer.write(chunk).await?)
    }

    /// Makes the bytes durable, if they are those that were announced.
    pub(super) async fn finish(mut self, announced: &Announced) -> Result<StoredBytes> {
        self.pass_on_gathered().await?;
        let Self { id, writer, hashing, size, in_flight, .. } = self;
        let digests = hashing.finish().await?;
        announced.check(size, &digests)?;
        writer.finish().await?;
        Ok(StoredBytes { id, size, digests, _in_flight: in_flight })
    }
}

fn check_size(packhouse: &Packhouse, size: u64) -> Result<()> {
    let most = packhouse.limits().max_file_bytes;
    if size > most {
        let message = format!("The file is too large: at most {most} bytes are allowed");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

impl Announced {
    fn check(&self, size: u64, digests: &Digests) -> Result<()> {
        if self.size.is_some_and(|announced| announced != size) {
            return Err(Error::invalid("The body ended before the announced number of bytes"));
        }
        match &self.sha256 {
            Some(announced) if !announced.eq_ignore_ascii_case(&digests.sha256) => {
                let message = format!(
                    "Checksum mismatch: the SHA-256 of the received bytes is {}, not {announced}",
                    digests.sha256
                );
                Err(Error::new(ErrorKind::ChecksumMismatch, message))
            }
            _ => Ok(()),
        }
    }
}
