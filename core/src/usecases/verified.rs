//! The first whole read of a blob since the start is compared with its checksum.
//!
//! Bytes that rot on a disk are found here and never end as a whole answer: the last chunk is held
//! back until the checksum is known. Later reads of the same blob are not hashed again, and the bytes
//! of small ones that are read often stay in memory: blobs never change, so that they are never old.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::blobs::{BlobBody, BlobError, BlobErrorKind, BlobId, BlobReader, ByteRange};
use crate::digests::ContentSha256;
use crate::engine::Packhouse;
use crate::model::files::File;

/// How many blobs are remembered; with more the memory starts anew.
const MOST: usize = 1_000_000;

/// What an entry in memory takes beside the bytes, about.
const OVERHEAD: u64 = 200;
/// The expected size of a blob in memory, from which the number of entries is guessed.
const USUAL: u64 = 16 << 10;

/// The blobs that were read whole and found right.
#[derive(Debug)]
pub(crate) struct Verified {
    ids: Mutex<HashSet<BlobId>>,
    bytes: Option<Cache<BlobId, Bytes, Weight>>,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<BlobId, Bytes> for Weight {
    fn weight(&self, _: &BlobId, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + OVERHEAD
    }
}

impl Verified {
    /// Keeps so many bytes of small blobs in memory, about; 0 for none.
    pub(crate) fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes / USUAL + 1).unwrap_or(usize::MAX);
        let cache = || Cache::with_weighter(entries, bytes, Weight);
        Self { ids: Mutex::default(), bytes: (bytes > 0).then(cache) }
    }

    /// Some bytes of a blob, if it is in memory.
    pub(crate) fn open(
        &self,
        id: BlobId,
        range: ByteRange,
    ) -> Result<Option<BlobReader>, BlobError> {
        let Some(bytes) = self.bytes.as_ref().and_then(|held| held.get(&id)) else {
            return Ok(None);
        };
        let (start, end) = range.of(bytes.len() as u64)?;
        // Both are within the length of bytes in memory.
        let slice = bytes.slice(start as usize..end as usize);
        Ok(Some(BlobReader { length: end - start, body: BlobBody::Bytes(slice) }))
    }

    /// Keeps the whole bytes of a blob that was found right.
    pub(crate) fn keep(&self, id: BlobId, bytes: &Bytes) {
        if let Some(held) = &self.bytes {
            held.insert(id, bytes.clone());
        }
    }

    /// Forgets a blob that is removed.
    pub(crate) fn forget(&self, id: BlobId) {
        if let Some(held) = &self.bytes {
            held.remove(&id);
        }
        self.ids().remove(&id);
    }

    pub(crate) fn holds(&self, id: BlobId) -> bool {
        self.ids().contains(&id)
    }

    fn add(&self, id: BlobId) {
        let mut ids = self.ids();
        if ids.len() == MOST {
            ids.clear();
        }
        ids.insert(id);
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

/// The whole bytes of a file, compared with its checksum on the way.
pub(super) fn verify(
    packhouse: &Packhouse,
    file: &File,
    body: BlobBody,
) -> Result<BlobBody, BlobError> {
    let mut check = Check {
        packhouse: packhouse.clone(),
        blob: file.contents.blob,
        sha256: file.contents.digests.sha256.clone(),
        hash: ContentSha256::new(),
    };
    match body {
        BlobBody::Bytes(bytes) => {
            check.hash.update(&bytes);
            check.finish()?;
            packhouse.verified().keep(file.contents.blob, &bytes);
            Ok(BlobBody::Bytes(bytes))
        }
        BlobBody::Stream(stream) => Ok(BlobBody::Stream(check.over(stream))),
    }
}

struct Check {
    packhouse: Packhouse,
    blob: BlobId,
    sha256: String,
    hash: ContentSha256,
}

impl Check {
    fn finish(self) -> Result<(), BlobError> {
        if self.hash.finish() != self.sha256 {
            let blob = self.blob;
            return Err(BlobErrorKind::Corrupt.because(format!("{blob} has other bytes")));
        }
        self.packhouse.verified().add(self.blob);
        Ok(())
    }

    /// The same chunks, each one late.
    fn over(self, stream: Chunks) -> Chunks {
        let state = Some((self, stream, None::<Bytes>));
        futures::stream::unfold(state, |state| async {
            let (mut check, mut stream, mut held) = state?;
            loop {
                match stream.next().await {
                    Some(Ok(chunk)) => {
                        check.hash.update(&chunk);
                        if let Some(before) = held.replace(chunk) {
                            return Some((Ok(before), Some((check, stream, held))));
                        }
                    }
                    Some(Err(error)) => return Some((Err(error), None)),
                    None => {
                        let last = check.finish().map(|()| held.unwrap_or_default());
                        return Some((last, None));
                    }
                }
            }
        })
        .boxed()
    }
}
