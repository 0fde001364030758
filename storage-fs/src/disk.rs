//! The changes that are made to files: a seam, so that tests see their order and make them fail.
//!
//! The room that is left is asked for here too. No decision is made here; reading does not go
//! through here.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, OFlags, RenameFlags, fstatvfs, renameat_with};

use crate::room::Space;

/// Changes files and folders, and makes the changes durable.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Creates a file that is not there, also not as a link.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Writes all the bytes from an offset on.
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Has the data written back, so that less is left for `sync`.
    fn write_back(&self, file: &File) -> io::Result<()>;
    /// Makes a file or a folder durable.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;
    /// Gives a file another name, which nothing else has.
    fn name(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes the name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// How much room there is on the file system that a file lies on.
    fn space(&self, file: &File) -> io::Result<Space>;
}

/// The system's.
#[derive(Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        // `create_new` does not follow a link in the last place.
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
    }

    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn write_back(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn name(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some file systems do not know the flag; a hard link does not replace either.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                fs::hard_link(from, to)?;
                // It has its name; that the old one stays is for the next cleaning.
                fs::remove_file(from).or(Ok(()))
            }
            renamed => Ok(renamed?),
        }
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn space(&self, file: &File) -> io::Result<Space> {
        let found = fstatvfs(file)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        // What is free for those who are not root.
        Ok(Space { size: bytes(found.f_blocks), free: bytes(found.f_bavail) })
    }
}

/// Opens a file that is there, but no link, and without waiting for the other end of a pipe.
pub(crate) fn open_existing(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    options.custom_flags(flags.cast_signed()).open(path)
}
