//! A file that is being written, and the order in which it becomes a blob.
//!
//! Everything here blocks. The order is the promise of this crate: bytes synced, then named, then
//! the name synced, then the answer.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use packhouse_core::blobs::{BlobError, BlobErrorKind, BlobInfo, Suspended};
use tokio::runtime::Handle;

use crate::disk::open_existing;
use crate::errors::{failed, no_blob};
use crate::folder::Mark;
use crate::layout::Place;
use crate::listing::finished;
use crate::store::{Claim, Missing};

/// After so many bytes they are written back while more are taken, so that `finish` of a large
/// blob does not find all of them waiting.
const WRITE_BACK: u64 = 32 << 20;

/// A file of one writer. Dropped, it goes, or back to what was suspended.
#[derive(Debug)]
pub(crate) struct Staged {
    /// Nothing once the file belongs to nobody any more.
    claim: Option<Claim>,
    place: Place,
    /// Made with the first bytes.
    file: Option<Arc<File>>,
    length: u64,
    /// How many bytes were written since they were last written back.
    pending: u64,
    /// A sync failed: what was suspended is of no worth either.
    spoiled: bool,
}

impl Staged {
    /// Nothing yet.
    pub(crate) fn new(claim: Claim) -> Self {
        Self {
            claim: Some(claim),
            place: Place::Staging,
            file: None,
            length: 0,
            pending: 0,
            spoiled: false,
        }
    }

    /// What was suspended, up to the offset.
    pub(crate) fn resume(claim: Claim, offset: u64) -> Result<Self, BlobError> {
        let mut staged = Self::new(claim);
        (staged.place, staged.length) = (Place::Suspended, offset);
        let path = staged.path();
        let missing = Missing { id: staged.claim().id, path: &path };
        let opened = open_existing(&path, OpenOptions::new().read(true).write(true));
        let file = opened.map_err(|error| missing.or_failed(error, "resuming"))?;
        let cut = || {
            let found = file.metadata()?;
            if !found.is_file() || found.len() < offset {
                return Ok(false);
            }
            if found.len() > offset {
                file.set_len(offset)?;
            }
            Ok(true)
        };
        if !cut().map_err(|error: std::io::Error| missing.or_failed(error, "resuming"))? {
            return Err(BlobErrorKind::NotFound
                .because(format!("resuming {} at {offset}, which it never reached", missing.id)));
        }
        staged.file = Some(Arc::new(file));
        Ok(staged)
    }

    /// Takes more bytes.
    pub(crate) fn append(&mut self, chunks: &[Bytes]) -> Result<(), BlobError> {
        let (path, disk) = (self.path(), Arc::clone(&self.claim().shared.disk));
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        if bytes > 0 {
            self.claim().shared.admit(bytes as u64)?;
        }
        let failed = |error| failed(format!("writing {}", path.display()), error);
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(Arc::new(disk.create(&path).map_err(failed)?)),
        };
        for chunk in chunks {
            disk.write(file, chunk, self.length).map_err(failed)?;
            self.length += chunk.len() as u64;
        }
        self.pending += bytes as u64;
        Ok(())
    }

    /// Whether so much was written since the last time that it should be written back.
    pub(crate) const fn is_ahead(&self) -> bool {
        self.pending >= WRITE_BACK
    }

    /// What writes back what was written so far, on a thread of its own. Where it fails, the file
    /// has to be spoiled: the system tells a failure once.
    pub(crate) fn write_back(&mut self) -> impl FnOnce() -> Result<(), BlobError> + use<> {
        self.pending = 0;
        let (path, disk) = (self.path(), Arc::clone(&self.claim().shared.disk));
        let file = self.file.clone();
        move || {
            let written = file.map_or(Ok(()), |file| disk.write_back(&file));
            written.map_err(|error| failed(format!("writing {}", path.display()), error))
        }
    }

    /// Bytes were lost: what was suspended is of no worth either.
    pub(crate) const fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Makes a blob of it.
    pub(crate) fn finish(mut self, last: &[Bytes]) -> Result<BlobInfo, BlobError> {
        self.append(last)?;
        let info = self.sync()?;
        let Claim { shared, id } = self.claim();
        let to = Place::of(id);
        let (came, left) = shared.name(id, self.place, to)?;
        if let Err(error) = shared.settle(to, came) {
            // It may be durable or not: nobody will refer to it.
            let _ = shared.disk.unlink(&shared.layout.file(to, id));
            self.keep();
            return Err(error);
        }
        // The old name must not come back either.
        let settled = shared.settle(self.place, left);
        self.keep();
        settled.map(|()| info)
    }

    /// Makes durable what is there, to go on later.
    pub(crate) fn suspend(mut self, last: &[Bytes]) -> Result<Suspended, BlobError> {
        self.append(last)?;
        self.sync()?;
        let Claim { shared, id } = self.claim();
        let is_new = self.place == Place::Staging;
        let mark =
            if is_new { shared.name(id, self.place, Place::Suspended)?.0 } else { Mark::EARLIER };
        let settled = shared.settle(Place::Suspended, mark);
        self.place = Place::Suspended;
        // What was suspended before stays as it was.
        self.spoiled |= is_new && settled.is_err();
        settled?;
        let offset = self.length;
        self.keep();
        Ok(Suspended { offset, state: serde_json::Value::Null })
    }

    /// Makes the bytes durable. Tried once: after a failure the system may take for written what
    /// it has dropped.
    fn sync(&mut self) -> Result<BlobInfo, BlobError> {
        let (path, Claim { shared, id }) = (self.path(), self.claim());
        let synced = shared.disk.sync(self.file(), &path).and_then(|()| self.file().metadata());
        let (id, found) = match synced {
            Ok(found) => (*id, found),
            Err(error) => {
                self.spoiled = true;
                return Err(failed(format!("syncing {}", path.display()), error));
            }
        };
        if found.nlink() == 0 {
            return Err(BlobErrorKind::NotFound.because(format!("{id} was removed meanwhile")));
        }
        if found.len() != self.length {
            return Err(no_blob(format!("{} was changed by another", path.display())));
        }
        Ok(BlobInfo { id, size: self.length, finished: finished(&found) })
    }

    fn path(&self) -> PathBuf {
        let Claim { shared, id } = self.claim();
        shared.layout.file(self.place, id)
    }

    fn claim(&self) -> &Claim {
        self.claim.as_ref().expect("a claim is given up with the file only")
    }

    fn file(&self) -> &File {
        self.file.as_ref().expect("the file was made with the first bytes")
    }

    /// The file is no longer this writer's to remove.
    fn keep(&mut self) {
        self.file = None;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let (Some(file), path) = (self.file.take(), self.path()) else { return };
        if self.place == Place::Suspended && !self.spoiled {
            return;
        }
        // The id is free when the file is gone.
        let Some(claim) = self.claim.take() else { return };
        let discard = move || {
            if let Err(error) = claim.shared.disk.unlink(&path) {
                tracing::warn!(path = %path.display(), %error, "an unfinished blob stays behind");
            }
            drop(file);
        };
        // Freeing a large file takes its time.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(discard)),
            Err(_) => discard(),
        }
    }
}
