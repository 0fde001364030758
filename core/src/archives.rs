//! The port for archives: what an explode needs of the decoders.
//!
//! The decoders live in a crate of their own. They read from outside input: an implementation
//! refuses whatever two readers might understand differently, allocates nothing by a number that
//! the archive declares, and keeps within [`ArchiveLimits`].

use std::fmt;
use std::io::{Read, Seek};

/// Opens archives. Implementors recognise the format by its first bytes, never by a name.
pub trait Archives: fmt::Debug + Send + Sync {
    /// Recognises the format and reads as much as shows that it is one. Blocks.
    ///
    /// # Errors
    /// [`ArchiveErrorKind::Refused`] for what is no archive of a known format, or not a sound one.
    fn open(
        &self,
        source: Box<dyn ArchiveSource>,
        limits: ArchiveLimits,
    ) -> Result<Box<dyn ArchiveReader>, ArchiveError>;
}

/// The bytes of an archive.
pub trait ArchiveSource: Read + Seek + Send {}

impl<T: Read + Seek + Send> ArchiveSource for T {}

/// Reads the files of an archive, one after the other.
pub trait ArchiveReader: Send {
    /// Goes to the next file; entries of folders are checked and left out. `None` once the archive
    /// was read to its end and found sound. What is left of the file before is read and checked.
    ///
    /// # Errors
    /// [`ArchiveError`]; after one the reader is of no more use.
    fn next_file(&mut self) -> Result<Option<ArchiveFile>, ArchiveError>;

    /// Reads some bytes of the file into the buffer, which is not empty; 0 once all were read and
    /// the size and checksum that the archive declares were found right.
    ///
    /// # Errors
    /// [`ArchiveError`]; after one the reader is of no more use.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError>;
}

/// A file of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveFile {
    /// Its path within the archive: relative, segments joined by `/`, none of them empty, `.` or
    /// `..`. No two files of an archive have paths that are equal without regard to case, and
    /// none is a folder of another.
    pub path: String,
}

/// How much an archive may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveLimits {
    /// The most entries, folders among them.
    pub entries: u64,
    /// The most bytes of all files together, once decompressed.
    pub total_bytes: u64,
    /// The most bytes of one file.
    pub file_bytes: u64,
    /// How many times as large as its compressed bytes the decompressed may be; asked once
    /// [`ArchiveLimits::RATIO_FROM`] bytes were decompressed.
    pub ratio: u64,
}

impl ArchiveLimits {
    /// So many bytes may come out of any number of bytes.
    pub const RATIO_FROM: u64 = 10 << 20;
}

/// Why an archive cannot be read.
#[derive(Debug)]
pub struct ArchiveError {
    /// What kind of failure.
    pub kind: ArchiveErrorKind,
    /// The entry where it was found, as the archive names it, made printable.
    pub entry: Option<String>,
    /// What is wrong, and what to change.
    pub reason: String,
    /// What the source said, for [`ArchiveErrorKind::Source`].
    pub source: Option<std::io::Error>,
}

/// What kind of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveErrorKind {
    /// The archive is malformed, ambiguous or hostile.
    Refused,
    /// It exceeds a limit.
    TooLarge,
    /// Its bytes could not be read.
    Source,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "entry '{entry}': {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
