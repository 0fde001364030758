//! The error of every use case: a kind, a message for the caller, and context for the log.
//!
//! Mapped to a status at the last moment, by each dialect. What a database or a disk said is the
//! source, for the log; it never becomes a caller's message.

use std::error::Error as StdError;
use std::fmt;

use crate::blobs::{BlobError, BlobErrorKind};
use crate::names::{NameError, ProductName, SubjectName, VersionName};
use crate::store::{CommitError, StoreError, StoreErrorKind};

/// What a use case answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A thing that can be looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Noun {
    /// A user or an organization.
    Subject,
    /// A repository.
    Repository,
    /// A package.
    Package,
    /// A version.
    Version,
    /// A file.
    File,
    /// A product.
    Product,
    /// A team.
    Team,
    /// An access key.
    AccessKey,
    /// An entitlement.
    Entitlement,
    /// A EULA.
    Eula,
    /// A subject's own license.
    License,
    /// The OpenPGP keys of a subject.
    GpgKeys,
}

/// What kind of failure.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// The caller may not do this to a thing that it may see.
    Forbidden,
    /// The caller must accept the EULA of a product first.
    EulaNotAccepted(Box<PendingEula>),
    /// The caller may have it, but not where it asks from.
    Restricted,
    /// There is no such thing, or the caller may not know of it.
    NotFound(Noun),
    /// The request breaks a rule; the message says what to change.
    Invalid,
    /// What should be made is there already.
    AlreadyExists,
    /// The request does not fit the present state.
    Conflict,
    /// The bytes are not those that were announced.
    ChecksumMismatch,
    /// The bytes are not what the request says: an archive that cannot be read, or is ambiguous.
    Unprocessable,
    /// A limit of the configuration is exceeded.
    TooLarge,
    /// No space is left.
    Full,
    /// Not possible now; the same request may succeed later.
    Unavailable,
    /// A defect, or stored data that cannot be understood.
    Internal,
}

/// A EULA that stands before a download.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingEula {
    /// Whose product it is.
    pub subject: SubjectName,
    /// The product.
    pub product: ProductName,
    /// The version.
    pub version: VersionName,
    /// The name that the caller signs in with.
    pub user: String,
}

/// A failed use case.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    may_have_happened: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a message for the caller.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), may_have_happened: false, source: None }
    }

    /// The same with a cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What kind of failure.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What the caller is told.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same request may succeed later without any change.
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Full)
    }

    /// Whether the change may have been made all the same: a commit whose outcome stayed unknown.
    /// Every other error says that nothing was changed.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        self.may_have_happened
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(ErrorKind::Unauthenticated, "This resource requires authentication")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(ErrorKind::Forbidden, "forbidden")
    }

    pub(crate) fn not_found(noun: Noun, name: impl fmt::Display) -> Self {
        let word = match noun {
            Noun::Subject => "Subject",
            Noun::Repository => "Repo",
            Noun::Package => "Package",
            Noun::Version => "Version",
            Noun::File => "File",
            Noun::Product => "Product",
            Noun::Team => "Team",
            Noun::AccessKey => "AccessKey",
            Noun::Entitlement => "Entitlement",
            Noun::Eula => "Eula",
            Noun::License => "License",
            Noun::GpgKeys => "GPG key",
        };
        Self::new(ErrorKind::NotFound(noun), format!("{word} '{name}' was not found"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(ErrorKind::Unavailable, "The server cannot do this now; try again")
    }

    pub(crate) fn corrupt(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(ErrorKind::Internal, "Internal error").with_source(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::invalid(error.to_string())
    }
}

fn full() -> Error {
    Error::new(ErrorKind::Full, "The server has no space left; try again later")
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Full => full().with_source(error),
            StoreErrorKind::Unavailable => Self::unavailable().with_source(error),
            StoreErrorKind::Invalid | StoreErrorKind::Corrupt => Self::corrupt(error),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Failed(error) => error.into(),
            CommitError::Conflict(_) => Self::unavailable().with_source(error),
            CommitError::Unknown(_) => {
                Self { may_have_happened: true, ..Self::unavailable().with_source(error) }
            }
        }
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error.kind {
            BlobErrorKind::Full => full().with_source(error),
            BlobErrorKind::OutOfRange => {
                Self::invalid("The range does not lie within the file").with_source(error)
            }
            // A record names bytes that are not there, or others: alarm, and hope for repair.
            BlobErrorKind::NotFound | BlobErrorKind::Unavailable | BlobErrorKind::Corrupt => {
                Self::unavailable().with_source(error)
            }
            _ => Self::corrupt(error),
        }
    }
}
