//! The byte port: blobs that are written once, under ids that are never used again.
//!
//! Who refers to a blob, and which blobs share content, is in the records; a [`BlobStore`] knows
//! ids and bytes only. **Bytes before names before the answer**: a blob is finished (durable)
//! before the commit that names it, and removed only after the commit that forgot it.

mod error;
mod reader;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

pub use error::{BlobError, BlobErrorKind};
pub use reader::{BlobBody, BlobReader};

/// The id of one blob: 128 random bits, never used for another. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// An id of these bytes, which the caller drew at random.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = BlobError;

    fn from_str(text: &str) -> Result<Self, BlobError> {
        let invalid = || BlobErrorKind::Invalid.because(format!("{text:?} is no blob id"));
        let hex = text.as_bytes();
        let lower_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if hex.len() != 32 || !hex.iter().all(lower_hex) {
            return Err(invalid());
        }
        let mut bytes = [0; 16];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BlobId {
    type Error = BlobError;

    fn try_from(text: String) -> Result<Self, BlobError> {
        text.parse()
    }
}

/// Which bytes of a blob: from `start` up to, not including, `end` (the blob's end if `None`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: Option<u64>,
}

impl ByteRange {
    /// Every byte.
    pub const ALL: Self = Self { start: 0, end: None };

    /// The bytes of a blob of this size, as start and end.
    ///
    /// # Errors
    /// [`BlobErrorKind::OutOfRange`] when the range does not lie within the blob.
    pub fn of(self, size: u64) -> Result<(u64, u64), BlobError> {
        let end = self.end.unwrap_or(size);
        if self.start > end || end > size {
            let Self { start, .. } = self;
            return Err(BlobErrorKind::OutOfRange
                .because(format!("bytes {start} to {end} of a blob of {size} bytes")));
        }
        Ok((self.start, end))
    }
}

/// What a listing tells about a finished blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlobInfo {
    /// Its id.
    pub id: BlobId,
    /// Its size in bytes.
    pub size: u64,
    /// When the storage says it was finished.
    pub finished: Timestamp,
}

/// Where a suspended writer stopped, to be kept in a record until it is resumed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspended {
    /// How many bytes are durable.
    pub offset: u64,
    /// What the backend needs to go on.
    pub state: serde_json::Value,
}

/// Writes one blob. Dropping it discards what was written since it was created or resumed (a blob
/// that was suspended stays so); what a drop cannot undo, the backend's own cleaning does.
#[async_trait]
pub trait BlobWriter: fmt::Debug + Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`BlobErrorKind::Full`] when no space is left. After any error the writer is of no more use.
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError>;

    /// Makes the bytes durable under the id, and returns only then.
    ///
    /// # Errors
    /// When it is not certain that they are durable.
    async fn finish(self: Box<Self>) -> Result<BlobInfo, BlobError>;

    /// Makes what was written so far durable without finishing the blob.
    ///
    /// # Errors
    /// When it is not certain that it is durable.
    async fn suspend(self: Box<Self>) -> Result<Suspended, BlobError>;
}

/// Keeps blobs. Implementors: no method has a default body; run `packhouse-conformance`.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Starts a blob. It cannot be opened or listed until it is finished.
    ///
    /// # Errors
    /// [`BlobErrorKind::Exists`] for an id that is finished, suspended or being written.
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Goes on where a writer was suspended, also after a restart. Bytes after the suspended
    /// offset are forgotten.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`] when nothing suspended is there.
    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Opens some bytes of a finished blob. A reader that is open stays readable to its end
    /// when the blob is removed.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`], [`BlobErrorKind::OutOfRange`].
    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError>;

    /// Removes a blob, finished or suspended; one that is not there is no error. Durable when it
    /// returns.
    ///
    /// # Errors
    /// When it is not certain that the blob is gone.
    async fn remove(&self, id: &BlobId) -> Result<(), BlobError>;

    /// Lists every finished blob once, in no certain order. A blob that is finished or removed
    /// meanwhile may or may not be listed. Any failure to look is an item, never an omission.
    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>>;

    /// An address at which the bytes can be had directly for so long; `None` where the backend
    /// has no such thing.
    ///
    /// # Errors
    /// [`BlobErrorKind::NotFound`].
    async fn direct_url(
        &self,
        id: &BlobId,
        lifetime: Duration,
    ) -> Result<Option<String>, BlobError>;
}
