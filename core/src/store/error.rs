//! What can go wrong in a store, and whether it surely did not happen.

use std::error::Error;
use std::fmt;

use super::Expectation;

/// What kind of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The request breaks a bound of the port; the same request always fails.
    Invalid,
    /// The store cannot answer now; the same request may succeed later.
    Unavailable,
    /// No space is left.
    Full,
    /// What is stored cannot be understood.
    Corrupt,
}

impl StoreErrorKind {
    /// An error of this kind.
    #[must_use]
    pub fn because(self, context: impl Into<String>) -> StoreError {
        StoreError { kind: self, context: context.into(), source: None }
    }
}

/// A failure of a store. Its text is for the log, never for a caller.
#[derive(Debug)]
pub struct StoreError {
    /// What kind of failure.
    pub kind: StoreErrorKind,
    /// What was being done.
    pub context: String,
    /// What the backend said.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// The same with the backend's own error.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store {:?}: {}", self.kind, self.context)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Why a batch was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// This expectation did not hold; nothing was changed.
    #[error("expectation failed: {0:?}")]
    Conflict(Expectation),
    /// The batch was surely not applied.
    #[error(transparent)]
    Failed(StoreError),
    /// The batch may or may not have been applied; ask again with the same batch id.
    #[error("outcome unknown: {0}")]
    Unknown(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}
