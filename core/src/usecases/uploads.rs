//! Uploads: bytes that become a file of a version.
//!
//! Bytes before names before the answer: the blob is durable before the commit that names it, and
//! the caller is answered after the commit. A crash in between leaves a blob that no record knows,
//! for the sweep.

use bytes::Bytes;

use super::naming::{Named, Naming};
use super::spool::{Announced, Spool};
use crate::Result;
use crate::access::Caller;
use crate::engine::Packhouse;
use crate::model::files::File;
use crate::names::FilePath;

pub use super::target::To;

/// Where the bytes of a file shall go, and how.
pub type Target = To<FilePath>;

/// An upload that runs. Dropping it discards what was written.
#[derive(Debug)]
pub struct Upload {
    packhouse: Packhouse,
    caller: Caller,
    path: FilePath,
    naming: Naming,
    announced: Announced,
    spool: Spool,
}

/// Begins an upload, after asking whether the caller may; before a byte is read.
///
/// Implements the Bintray REST API, "Upload Content".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] for a package that is not there;
/// [`crate::ErrorKind::AlreadyExists`] for a published file that is not to be replaced;
/// [`crate::ErrorKind::TooLarge`] for more bytes than [`crate::Limits::max_file_bytes`];
/// [`crate::ErrorKind::Forbidden`] also for what was published too long ago
/// ([`crate::Limits::oss_change_window`], `version_update_max_days`).
pub async fn begin(packhouse: &Packhouse, caller: &Caller, target: Target) -> Result<Upload> {
    let (path, naming, announced) = target.into_parts();
    naming.ask(packhouse, caller, std::slice::from_ref(&path)).await?;
    let spool = Spool::begin(packhouse, &announced).await?;
    let (packhouse, caller) = (packhouse.clone(), caller.clone());
    Ok(Upload { packhouse, caller, path, naming, announced, spool })
}

/// Uploads bytes that are all in memory.
///
/// # Errors
/// As [`begin`] and [`Upload::finish`].
pub async fn put(
    packhouse: &Packhouse,
    caller: &Caller,
    target: Target,
    bytes: Bytes,
) -> Result<File> {
    let mut upload = begin(packhouse, caller, target).await?;
    upload.write(bytes).await?;
    upload.finish().await
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TooLarge`], [`crate::ErrorKind::Full`].
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.spool.write(chunk).await
    }

    /// Makes the bytes durable and the file known.
    ///
    /// # Errors
    /// [`crate::ErrorKind::ChecksumMismatch`] where the bytes are not those announced, and
    /// everything that [`begin`] refuses, since it may have changed meanwhile. Nothing is kept
    /// then.
    pub async fn finish(self) -> Result<File> {
        let Self { packhouse, caller, path, naming, announced, spool } = self;
        let bytes = spool.finish(&announced).await?;
        let named = [Named { path, bytes }];
        let mut files = naming.name_or_remove(&packhouse, &caller, &named).await?;
        Ok(files.remove(0))
    }
}
