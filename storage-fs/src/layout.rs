//! Where the files are, and the folders they are in.
//!
//! Nothing else makes a path. Folders are made when a store is opened, and only then.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use packhouse_core::blobs::BlobId;

use crate::disk::open_existing;

/// What the lock file says once every folder has a durable name.
const INITIALISED: &str = "packhouse-fs 1\n";

/// Why a directory cannot be opened as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another store has it.
    #[error("{} is in use by another process (or another store of this one); stop that first", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// Something else is where a folder belongs.
    #[error("{} is not a folder (a link to one does not do)", path.display())]
    NotAFolder {
        /// Where.
        path: PathBuf,
    },
    /// A folder is on another device, so files cannot be moved into it.
    #[error("{} is on another device than the directory it is in", path.display())]
    OtherDevice {
        /// Which folder.
        path: PathBuf,
    },
    /// The directory was made by something else.
    #[error("{} has a lock file that this version does not know", dir.display())]
    UnknownLayout {
        /// The directory.
        dir: PathBuf,
    },
    /// The system refuses.
    #[error("cannot prepare {}", path.display())]
    Io {
        /// What was accessed.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// A kind of place for files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Being written; of no worth after a crash.
    Staging,
    /// Suspended, and from then on being written there.
    Suspended,
    /// Finished: the folder of the ids that begin with this byte.
    Finished(u8),
}

impl Place {
    /// Where a blob is when it is finished.
    pub(crate) fn of(id: &BlobId) -> Self {
        let first = u8::from_str_radix(&id.to_string()[..2], 16);
        Self::Finished(first.expect("an id is written as hexadecimal digits"))
    }

    /// Every place.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Staging, Self::Suspended].into_iter().chain((0..=u8::MAX).map(Self::Finished))
    }
}

/// The directory of one store.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The folder of a place:
    ///
    /// ```text
    /// DIR/
    ///   lock                     held while the store is open; says the version of the layout
    ///   staging/<id>             being written, removed when the store is opened
    ///   suspended/<id>           suspended, or resumed and being written
    ///   blobs/00/ .. blobs/ff/   by the first byte of the id
    ///     <id>                   finished: never changed, only removed
    /// ```
    ///
    /// All folders are made, and their names are synced, before the first blob, so that no upload
    /// has to make a new chain of parents durable.
    pub(crate) fn folder(&self, place: Place) -> PathBuf {
        match place {
            Place::Staging => self.root.join("staging"),
            Place::Suspended => self.root.join("suspended"),
            Place::Finished(first) => self.blobs().join(format!("{first:02x}")),
        }
    }

    /// The file of a blob in a place.
    pub(crate) fn file(&self, place: Place, id: &BlobId) -> PathBuf {
        self.folder(place).join(id.to_string())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Locks the directory and makes what is missing. The lock is held as long as the file is.
    pub(crate) fn prepare(dir: &Path) -> Result<(Self, File), OpenError> {
        make_durably(dir)?;
        let root = fs::canonicalize(dir).map_err(OpenError::at(dir))?;
        let layout = Self { root };
        let mut lock = layout.lock()?;
        let mut marker = String::new();
        lock.read_to_string(&mut marker).map_err(OpenError::at(&layout.root))?;
        let complete = marker == INITIALISED;
        // A crash may have left a part of it.
        if !INITIALISED.starts_with(&marker) {
            return Err(OpenError::UnknownLayout { dir: layout.root });
        }
        let made = layout.make_folders()?;
        if made || !complete {
            layout.sync_folders()?;
            let write = |lock: &mut File| {
                lock.rewind()?;
                lock.write_all(INITIALISED.as_bytes())?;
                lock.sync_all()
            };
            write(&mut lock).map_err(OpenError::at(&layout.root))?;
        }
        layout.clean_staging()?;
        Ok((layout, lock))
    }

    fn lock(&self) -> Result<File, OpenError> {
        let path = self.root.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let lock = open_existing(&path, &mut options).map_err(OpenError::at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: self.root.clone() }),
            Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
        }
    }

    /// Whether any was missing.
    fn make_folders(&self) -> Result<bool, OpenError> {
        let device = fs::metadata(&self.root).map_err(OpenError::at(&self.root))?.dev();
        let mut made = false;
        for path in self.folders() {
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => made = true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(OpenError::at(&path)(error)),
            }
            let found = fs::symlink_metadata(&path).map_err(OpenError::at(&path))?;
            if !found.is_dir() {
                return Err(OpenError::NotAFolder { path });
            }
            if found.dev() != device {
                return Err(OpenError::OtherDevice { path });
            }
        }
        Ok(made)
    }

    /// Makes the folders' names durable, in the order of the tree. What is in them, and with it
    /// they themselves, is synced with each name that comes or goes.
    fn sync_folders(&self) -> Result<(), OpenError> {
        sync_folder(&self.blobs())?;
        sync_folder(&self.root)
    }

    /// Every folder, parents first.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        [self.blobs()].into_iter().chain(Place::all().map(|place| self.folder(place)))
    }

    /// Removes what dead processes were writing.
    fn clean_staging(&self) -> Result<(), OpenError> {
        let staging = self.folder(Place::Staging);
        let mut removed = 0;
        for entry in fs::read_dir(&staging).map_err(OpenError::at(&staging))? {
            let path = entry.map_err(OpenError::at(&staging))?.path();
            fs::remove_file(&path).map_err(OpenError::at(&path))?;
            removed += 1;
        }
        if removed > 0 {
            tracing::info!(removed, "removed unfinished uploads of an earlier process");
        }
        Ok(())
    }
}

/// Makes a directory and its parents; those that were missing are durable then.
fn make_durably(dir: &Path) -> Result<(), OpenError> {
    let missing: Vec<_> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(OpenError::at(dir))?;
    for dir in missing {
        match dir.parent() {
            Some(parent) if parent != Path::new("") => sync_folder(parent)?,
            _ => sync_folder(Path::new("."))?,
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(OpenError::at(path))
}
