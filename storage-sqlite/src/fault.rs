//! What goes wrong inside this crate, before it becomes an error of the port.

use packhouse_core::store::{StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// A failure inside this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite said so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What was read is not what this crate writes.
    #[error("cannot understand {0}")]
    Malformed(&'static str),
    /// It was ended, because it took too long.
    #[error("it took longer than its limit")]
    Late,
    /// A thread that had a part of it panicked.
    #[error("a thread that had a part of it is gone")]
    Lost,
}

pub(crate) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// The error for the caller, with what was being done.
    pub(crate) fn within(self, context: &str) -> StoreError {
        let context = match self.code() {
            Some(ErrorCode::DatabaseCorrupt) => {
                format!("{context}: the disk refuses a page, or the database is damaged")
            }
            _ => context.to_owned(),
        };
        self.kind().because(context).with_source(self)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Malformed(_) | Self::Late | Self::Lost => None,
        }
    }

    /// Says why a statement was interrupted: nothing but a time limit does that here.
    pub(crate) fn or_late(self) -> Self {
        if self.code() == Some(ErrorCode::OperationInterrupted) { Self::Late } else { self }
    }

    pub(crate) fn kind(&self) -> StoreErrorKind {
        use rusqlite::Error as E;
        match self {
            Self::Malformed(_) => StoreErrorKind::Corrupt,
            Self::Late | Self::Lost => StoreErrorKind::Unavailable,
            Self::Sqlite(E::SqliteFailure(error, _)) => match error.code {
                ErrorCode::DiskFull => StoreErrorKind::Full,
                ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
                ErrorCode::TooBig => StoreErrorKind::Invalid,
                // "Corrupt" among them: SQLite says so too of a page that the disk would not read,
                // which may pass.
                _ => StoreErrorKind::Unavailable,
            },
            Self::Sqlite(
                E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::InvalidColumnType(..)
                | E::Utf8Error(..),
            ) => StoreErrorKind::Corrupt,
            Self::Sqlite(_) => StoreErrorKind::Unavailable,
        }
    }
}

/// The error when a thread of the store is gone.
pub(crate) fn closed() -> StoreError {
    StoreErrorKind::Unavailable.because("the store is closed")
}
