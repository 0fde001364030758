//! What errors of the system mean for the port.

use std::io::{Error, ErrorKind};

use packhouse_core::blobs::{BlobError, BlobErrorKind};
use tokio::task::JoinError;

/// The failure of a system call.
pub(crate) fn failed(what: impl Into<String>, error: Error) -> BlobError {
    let kind = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BlobErrorKind::Full,
        _ => BlobErrorKind::Unavailable,
    };
    kind.because(what).with_source(error)
}

/// The failure of a blocking job: it panicked, or the runtime is shutting down.
pub(crate) fn job_failed(error: JoinError) -> BlobError {
    BlobErrorKind::Unavailable.because("a job on a blocking thread").with_source(error)
}

/// Something is where a blob belongs that is none.
pub(crate) fn no_blob(what: impl Into<String>) -> BlobError {
    BlobErrorKind::Corrupt.because(what)
}
