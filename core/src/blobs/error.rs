//! What can go wrong with blobs.

use std::error::Error;
use std::fmt;

/// What kind of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BlobErrorKind {
    /// There is no such blob.
    NotFound,
    /// There is such a blob already.
    Exists,
    /// The range does not lie within the blob.
    OutOfRange,
    /// The request breaks a bound of the port.
    Invalid,
    /// No space is left.
    Full,
    /// The storage failed; the same request may succeed later.
    Unavailable,
    /// The bytes are not what they should be.
    Corrupt,
}

impl BlobErrorKind {
    /// An error of this kind.
    #[must_use]
    pub fn because(self, context: impl Into<String>) -> BlobError {
        BlobError { kind: self, context: context.into(), source: None }
    }
}

/// A failure of a blob store. Its text is for the log, never for a caller.
#[derive(Debug)]
pub struct BlobError {
    /// What kind of failure.
    pub kind: BlobErrorKind,
    /// What was being done.
    pub context: String,
    /// What the backend said.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl BlobError {
    /// The same with the backend's own error.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob {:?}: {}", self.kind, self.context)
    }
}

impl Error for BlobError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
