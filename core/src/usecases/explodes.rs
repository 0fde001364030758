//! Explodes: archives whose files become files of a version, all of them or none.
//!
//! The archive is received into a blob like any upload. A blocking job reads it back, and stores
//! each of its files as a blob; then one commit names them all, and the archive is removed. No
//! entry ever becomes a path of the operating system. A crash on the way leaves blobs that no
//! record knows, for the sweep.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt, join_all};

use super::naming::{Named, Naming};
use super::spool::{Announced, Spool, StoredBytes};
use crate::access::Caller;
use crate::archives::{ArchiveError, ArchiveErrorKind, ArchiveLimits, ArchiveReader};
use crate::blobs::{BlobId, ByteRange};
use crate::engine::Packhouse;
use crate::model::files::File;
use crate::names::FilePath;
use crate::{Error, ErrorKind, Result};

/// Where the files of an archive shall go, and how: into a folder, or into the root of the
/// repository.
pub type Target = super::target::To<Option<FilePath>>;

/// An archive on its way. Dropping it discards what was written.
#[derive(Debug)]
pub struct Explode {
    packhouse: Packhouse,
    caller: Caller,
    folder: Option<FilePath>,
    naming: Naming,
    announced: Announced,
    spool: Spool,
}

/// Begins to receive an archive, after asking whether the caller may write to the folder; before a
/// byte is read.
///
/// Implements the Bintray REST API, "Upload Content" with `explode=1`.
///
/// # Errors
/// As [`super::uploads::begin`].
pub async fn begin(packhouse: &Packhouse, caller: &Caller, target: Target) -> Result<Explode> {
    let (folder, naming, announced) = target.into_parts();
    naming.ask_for_folder(packhouse, caller, folder.as_ref()).await?;
    let spool = Spool::begin(packhouse, &announced).await?;
    let (packhouse, caller) = (packhouse.clone(), caller.clone());
    Ok(Explode { packhouse, caller, folder, naming, announced, spool })
}

impl Explode {
    /// Takes the next bytes of the archive.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::Full`].
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.spool.write(chunk).await
    }

    /// Makes the files of the archive known, in the order of the archive.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] for what is no archive, and for a malformed, ambiguous or
    /// hostile one; [`ErrorKind::TooLarge`] for one beyond [`crate::Limits`]; and for each entry
    /// what an upload to its path would say. Nothing is kept then.
    pub async fn finish(self) -> Result<Vec<File>> {
        let Self { packhouse, caller, folder, naming, announced, spool } = self;
        let archive = spool.finish(&announced).await?;
        let stored = store_files(&packhouse, &archive, folder).await;
        // A crash before this leaves it to the sweep.
        let _ = packhouse.blobs().remove(&archive.id).await;
        let named = stored?;
        if named.is_empty() {
            let message = "The archive cannot be exploded: it has no files";
            return Err(Error::new(ErrorKind::Unprocessable, message));
        }
        naming.name_or_remove(&packhouse, &caller, &named).await
    }
}

/// Stores the files of an archive, in a blocking job. What was stored is removed if one of them
/// cannot be, or if nobody waits any more.
async fn store_files(
    packhouse: &Packhouse,
    archive: &StoredBytes,
    folder: Option<FilePath>,
) -> Result<Vec<Named>> {
    let room = packhouse.room().await;
    let given_up = GivenUp(Arc::new(AtomicBool::new(false)));
    let (tell, told) = oneshot::channel();
    let mut job = Job {
        packhouse: packhouse.clone(),
        folder,
        given_up: Arc::clone(&given_up.0),
        finishing: Vec::new(),
        stored: Vec::new(),
    };
    let view = BlobView::new(packhouse.clone(), archive, Arc::clone(&given_up.0));
    let running = packhouse.runtime().run_blocking(Box::new(move || {
        // Left by the job and not by the request: a job whose client went away still takes it.
        let _room = room;
        let outcome = job.run(view);
        if outcome.is_err() || job.is_given_up() {
            job.remove_all();
        }
        let stored = std::mem::take(&mut job.stored);
        if let Err(Ok(stored)) = tell.send(outcome.map(|()| stored)) {
            job.stored = stored;
            job.remove_all();
        }
    }));
    running.await;
    // Lost only if the job panicked or the runtime dropped it.
    told.await.map_err(|_| Error::unavailable())?
}

/// Tells a job that the request it works for is gone.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

type Finishing = BoxFuture<'static, Result<Named>>;

/// Reads an archive and stores its files.
struct Job {
    packhouse: Packhouse,
    folder: Option<FilePath>,
    given_up: Arc<AtomicBool>,
    /// Files that are written and become durable together.
    finishing: Vec<Finishing>,
    stored: Vec<Named>,
}

/// How many files become durable together.
const TOGETHER: usize = 32;
/// How many bytes of a file are read at once.
const CHUNK: usize = 256 << 10;

impl Job {
    fn run(&mut self, view: BlobView) -> Result<()> {
        let limits = self.packhouse.limits();
        let limits = ArchiveLimits {
            entries: limits.max_archive_entries,
            total_bytes: limits.max_archive_bytes,
            file_bytes: limits.max_file_bytes,
            ratio: limits.max_archive_ratio,
        };
        let packhouse = self.packhouse.clone();
        let mut reader = packhouse.archives().open(Box::new(view), limits).map_err(refused)?;
        while let Some(file) = reader.next_file().map_err(refused)? {
            let path = path_of(self.folder.as_ref(), &file.path)?;
            let spool = self.spool(reader.as_mut())?;
            let announced = Announced::default();
            let finish = async move { Ok(Named { path, bytes: spool.finish(&announced).await? }) };
            self.finishing.push(finish.boxed());
            if self.finishing.len() == TOGETHER {
                self.settle()?;
            }
        }
        self.settle()
    }

    fn spool(&self, reader: &mut dyn ArchiveReader) -> Result<Spool> {
        let mut spool =
            self.packhouse.wait_for(Spool::begin(&self.packhouse, &Announced::default()))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            if self.is_given_up() {
                return Err(Error::unavailable());
            }
            let read = reader.read(&mut buffer).map_err(refused)?;
            if read == 0 {
                return Ok(spool);
            }
            let chunk = Bytes::copy_from_slice(&buffer[..read]);
            self.packhouse.wait_for(spool.write(chunk))?;
        }
    }

    /// Waits until all that is written is durable.
    fn settle(&mut self) -> Result<()> {
        let finishing = std::mem::take(&mut self.finishing);
        let mut outcome = Ok(());
        for finished in self.packhouse.wait_for(join_all(finishing)) {
            match finished {
                Ok(named) => self.stored.push(named),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// What cannot be removed now is left to the sweep.
    fn remove_all(&mut self) {
        self.finishing.clear();
        for named in self.stored.drain(..) {
            let _ = self.packhouse.wait_for(self.packhouse.blobs().remove(&named.bytes.id));
        }
    }
}

fn path_of(folder: Option<&FilePath>, path: &str) -> Result<FilePath> {
    let whole = folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"));
    FilePath::parse(&whole).map_err(|error| {
        let message = format!("The archive cannot be exploded: {error}");
        Error::new(ErrorKind::Unprocessable, message)
    })
}

fn refused(error: ArchiveError) -> Error {
    let message = format!("The archive cannot be exploded: {error}");
    match error.kind {
        ArchiveErrorKind::Refused => Error::new(ErrorKind::Unprocessable, message),
        ArchiveErrorKind::TooLarge => Error::new(ErrorKind::TooLarge, message),
        ArchiveErrorKind::Source => Error::unavailable().with_source(error),
    }
}

/// A blob as something to read and seek in, within a blocking job.
struct BlobView {
    packhouse: Packhouse,
    /// Stops whatever reads the archive, even where nothing comes out of it.
    given_up: Arc<AtomicBool>,
    blob: BlobId,
    size: u64,
    position: u64,
    /// What was read ahead.
    ahead: Bytes,
}

/// How much is read ahead.
const AHEAD: u64 = 256 << 10;

impl BlobView {
    fn new(packhouse: Packhouse, archive: &StoredBytes, given_up: Arc<AtomicBool>) -> Self {
        let (blob, size) = (archive.id, archive.size);
        Self { packhouse, given_up, blob, size, position: 0, ahead: Bytes::new() }
    }

    fn fetch(&self) -> io::Result<Bytes> {
        if self.given_up.load(Ordering::Acquire) {
            return Err(io::Error::other("nobody waits for the archive any more"));
        }
        let end = self.size.min(self.position.saturating_add(AHEAD));
        let range = ByteRange { start: self.position, end: Some(end) };
        let read =
            async { self.packhouse.blobs().open(&self.blob, range).await?.into_bytes().await };
        self.packhouse.wait_for(read).map_err(io::Error::other)
    }
}

impl Read for BlobView {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            if self.position >= self.size {
                return Ok(0);
            }
            self.ahead = self.fetch()?;
        }
        let read = buffer.len().min(self.ahead.len());
        self.ahead.copy_to_slice(&mut buffer[..read]);
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for BlobView {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        // A short way ahead is within what was read.
        match position.checked_sub(self.position) {
            Some(ahead) if ahead <= self.ahead.len() as u64 => {
                self.ahead.advance(usize::try_from(ahead).unwrap_or_default());
            }
            _ => self.ahead = Bytes::new(),
        }
        self.position = position;
        Ok(position)
    }
}
