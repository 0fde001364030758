//! The store: what is shared by its writers and readers, and the port.

use std::collections::HashSet;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, fs};

use async_trait::async_trait;
use futures::stream::BoxStream;
use packhouse_core::blobs::{
    BlobError, BlobErrorKind, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter, ByteRange,
    Suspended,
};
use tokio::task::spawn_blocking;

use crate::disk::{Disk, SystemDisk};
use crate::errors::{failed, job_failed};
use crate::folder::{Folder, Mark};
use crate::layout::{Layout, OpenError, Place};
use crate::staged::Staged;
use crate::writer::FsWriter;
use crate::{listing, reader};

/// How much is buffered, and how much of the disk is left free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FsOptions {
    /// How many bytes a writer gathers before it writes them. A blob of less is written, synced
    /// and named in one go when it is finished. 128 KiB unless told.
    pub write_buffer: usize,
    /// How many bytes a reader reads at once. A range of no more comes as one piece. 256 KiB
    /// unless told.
    pub read_chunk: usize,
    /// How many bytes of the file system blobs leave free, for the records that must be written
    /// before anything can be removed; uploads are refused as `Full` below that. 128 MiB unless
    /// told, but no more than a twentieth of the file system's size, so that small disks stay of
    /// use. What is told counts as it is; `Some(0)` leaves nothing free.
    pub min_free: Option<u64>,
}

impl Default for FsOptions {
    fn default() -> Self {
        Self { write_buffer: 128 * 1024, read_chunk: 256 * 1024, min_free: None }
    }
}

/// A [`BlobStore`] in a directory. Clones share it; the directory is locked until the last one is
/// gone, with its writers.
#[derive(Clone, Debug)]
pub struct FsBlobs {
    shared: Arc<Shared>,
}

impl FsBlobs {
    /// Opens a directory as a store, making it if need be, and removes what earlier processes left
    /// unfinished. Blocks: call it when starting.
    ///
    /// # Errors
    /// When another store has the directory, or it cannot be prepared.
    pub fn open(dir: impl AsRef<Path>, options: FsOptions) -> Result<Self, OpenError> {
        Self::open_on(dir.as_ref(), options, Arc::new(SystemDisk))
    }

    pub(crate) fn open_on(
        dir: &Path,
        options: FsOptions,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        let (layout, lock) = Layout::prepare(dir)?;
        let folder = |place| Folder::new(layout.folder(place));
        let shared = Shared {
            suspended: folder(Place::Suspended),
            finished: (0..=u8::MAX).map(|first| folder(Place::Finished(first))).collect(),
            layout,
            disk,
            options: FsOptions {
                write_buffer: options.write_buffer.max(1),
                read_chunk: options.read_chunk.max(1),
                min_free: options.min_free,
            },
            being_written: Mutex::default(),
            lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs what blocks on a thread that may.
    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Arc<Shared>) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || job(&shared)).await.map_err(job_failed)?
    }
}

#[async_trait]
impl BlobStore for FsBlobs {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        let exists = move |id| BlobErrorKind::Exists.because(format!("creating {id}"));
        let claim = Shared::claim(&self.shared, *id).ok_or_else(|| exists(*id))?;
        let staged = self.blocking(move |shared| {
            let id = claim.id;
            for place in [Place::of(&id), Place::Suspended] {
                if shared.look_at(place, &id)?.is_some() {
                    return Err(exists(id));
                }
            }
            shared.admit(0)?;
            Ok(Staged::new(claim))
        });
        Ok(Box::new(FsWriter::new(staged.await?, self.shared.options.write_buffer)))
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        let claim = Shared::claim(&self.shared, *id);
        let claim = claim.ok_or_else(|| {
            BlobErrorKind::NotFound.because(format!("resuming {id}, which is being written"))
        })?;
        let offset = at.offset;
        let staged = self.blocking(move |_| Staged::resume(claim, offset)).await?;
        Ok(Box::new(FsWriter::new(staged, self.shared.options.write_buffer)))
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        let id = *id;
        self.blocking(move |shared| {
            let path = shared.layout.file(Place::of(&id), &id);
            reader::open(&path, range, shared.options.read_chunk, Missing { id, path: &path })
        })
        .await
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        let id = *id;
        self.blocking(move |shared| {
            Shared::remove(shared, Place::of(&id), &id)?;
            Shared::remove(shared, Place::Suspended, &id)
        })
        .await
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        listing::list(&self.shared)
    }

    async fn direct_url(
        &self,
        id: &BlobId,
        _lifetime: Duration,
    ) -> Result<Option<String>, BlobError> {
        let id = *id;
        self.blocking(move |shared| match shared.look_at(Place::of(&id), &id)? {
            Some(()) => Ok(None),
            None => Err(BlobErrorKind::NotFound.because(format!("the address of {id}"))),
        })
        .await
    }
}

/// What the writers and readers of one directory share.
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) disk: Arc<dyn Disk>,
    suspended: Folder,
    finished: Vec<Folder>,
    options: FsOptions,
    /// The ids that have a writer. The lock on the directory makes this the whole truth.
    being_written: Mutex<HashSet<BlobId>>,
    /// Held until the last clone is gone.
    lock: fs::File,
}

impl Shared {
    /// The folder in which durable names are kept; staging has none.
    pub(crate) fn folder(&self, place: Place) -> Option<&Folder> {
        match place {
            Place::Staging => None,
            Place::Suspended => Some(&self.suspended),
            Place::Finished(first) => self.finished.get(usize::from(first)),
        }
    }

    /// Refuses so many bytes more when the disk is too full for them.
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), BlobError> {
        if self.options.min_free == Some(0) {
            return Ok(());
        }
        let space = self.disk.space(&self.lock);
        let unknown = |error| failed("asking how much of the disk is free", error);
        space.map_err(unknown)?.admit(bytes, self.options.min_free)
    }

    /// Makes a change to the names of a place durable.
    pub(crate) fn settle(&self, place: Place, mark: Mark) -> Result<(), BlobError> {
        let Some(folder) = self.folder(place) else { return Ok(()) };
        folder
            .settle(&*self.disk, mark)
            .map_err(|error| failed(format!("syncing {}", folder.path().display()), error))
    }

    /// Gives a blob's file its name in another place. Durable only when both changes are settled:
    /// that of the place it came to, and that of the one it left.
    pub(crate) fn name(
        &self,
        id: &BlobId,
        from: Place,
        to: Place,
    ) -> Result<(Mark, Mark), BlobError> {
        let (old, new) = (self.layout.file(from, id), self.layout.file(to, id));
        let rename = || self.disk.name(&old, &new);
        let (came, named) = match self.folder(to) {
            Some(folder) => folder.change(rename),
            None => (Mark::default(), rename()),
        };
        named.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => BlobErrorKind::Exists.because(format!("naming {id}")),
            ErrorKind::NotFound => Missing { id: *id, path: &new }.or_failed(error, "naming"),
            _ => failed(format!("naming {}", new.display()), error),
        })?;
        Ok((came, self.folder(from).map_or_else(Mark::default, Folder::changed)))
    }

    /// Whether something is there.
    fn look_at(&self, place: Place, id: &BlobId) -> Result<Option<()>, BlobError> {
        let path = self.layout.file(place, id);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(Some(())),
            Err(error) => match (Missing { id: *id, path: &path }).or_failed(error, "looking at") {
                error if error.kind == BlobErrorKind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Takes a name away, durably. That it is gone already says nothing about whether that is
    /// durable: somebody else's removal may be under way, or was lost when a sync failed.
    fn remove(shared: &Arc<Self>, place: Place, id: &BlobId) -> Result<(), BlobError> {
        let path = shared.layout.file(place, id);
        let failed = |error| failed(format!("removing {}", path.display()), error);
        let Some(folder) = shared.folder(place) else { return Ok(()) };
        let mark = match folder.change(|| shared.disk.unlink(&path)) {
            (_, Err(error)) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            (_, Err(_)) if folder.has_lost() => {
                Self::remove_anew(shared, *id, place).map_err(failed)?
            }
            (mark, _) => mark,
        };
        shared.settle(place, mark)
    }

    /// Makes a removal again that may have been lost: an empty file is given the name, so that the
    /// part of the folder that had it is written again.
    fn remove_anew(shared: &Arc<Self>, id: BlobId, place: Place) -> std::io::Result<Mark> {
        // Another removal may be at it, which is not durable yet.
        let Some(_claim) = Self::claim(shared, id) else {
            return Err(Error::new(ErrorKind::ResourceBusy, "the blob is written or removed"));
        };
        let (path, Some(folder)) = (shared.layout.file(place, &id), shared.folder(place)) else {
            return Ok(Mark::default());
        };
        let (mark, made) = folder.change(|| match shared.disk.create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => shared.disk.unlink(&path),
        });
        made.map(|()| mark)
    }

    /// The right to write under an id, until it is dropped.
    fn claim(shared: &Arc<Self>, id: BlobId) -> Option<Claim> {
        let claim = || Claim { shared: Arc::clone(shared), id };
        shared.being_written().insert(id).then(claim)
    }

    fn being_written(&self) -> MutexGuard<'_, HashSet<BlobId>> {
        self.being_written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.layout.root()).finish()
    }
}

/// The only one that writes under its id.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: BlobId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.being_written().remove(&self.id);
    }
}

/// Tells a blob that is not there from a whole directory that is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing<'a> {
    pub(crate) id: BlobId,
    /// Where it was looked for.
    pub(crate) path: &'a Path,
}

impl Missing<'_> {
    pub(crate) fn or_failed(self, error: Error, doing: &str) -> BlobError {
        let Self { id, path } = self;
        let folder_is_there = || path.parent().is_some_and(Path::is_dir);
        if error.kind() == ErrorKind::NotFound && folder_is_there() {
            return BlobErrorKind::NotFound.because(format!("{doing} {id}"));
        }
        failed(format!("{doing} {}", path.display()), error)
    }
}
