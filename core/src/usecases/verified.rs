//! The first whole read of a blob since the start is compared with its checksum.
//!
//! Bytes that rot on a disk are found here and never end as a whole answer: the last chunk is held
//! back until the checksum is known. Later reads of the same blob are not hashed again.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use sha2::{Digest, Sha256};

use crate::blobs::{BlobBody, BlobError, BlobErrorKind, BlobId};
use crate::engine::Packhouse;
use crate::hex;
use crate::model::files::File;

/// How many blobs are remembered; with more the memory starts anew.
const MOST: usize = 1_000_000;

/// The blobs that were read whole and found right.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<HashSet<BlobId>>);

impl Verified {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        hash: Sha256::new(),
    };
    match body {
        BlobBody::Bytes(bytes) => {
            check.hash.update(&bytes);
            check.finish()?;
            Ok(BlobBody::Bytes(bytes))
        }
        BlobBody::Stream(stream) => Ok(BlobBody::Stream(check.over(stream))),
    }
}

struct Check {
    packhouse: Packhouse,
    blob: BlobId,
    sha256: String,
    hash: Sha256,
}

impl Check {
    fn finish(self) -> Result<(), BlobError> {
        if hex::encode(&self.hash.finalize()) != self.sha256 {
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
