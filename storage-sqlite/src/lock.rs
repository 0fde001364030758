//! One store, one process: a lock on a file beside the database.
//!
//! SQLite itself would let two processes share the file, but revisions, counters and the numbers
//! of fields are held in the memory of the one that writes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use packhouse_core::store::{StoreError, StoreErrorKind};

/// Takes the lock; it is held until the file is dropped, or the process ends in any way.
pub(crate) fn take(database: &Path) -> Result<File, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(
        |error| StoreErrorKind::Unavailable.because("open the lock file").with_source(error),
    )?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreErrorKind::Unavailable.because("the database is open already"))
        }
        Err(TryLockError::Error(error)) => {
            Err(StoreErrorKind::Unavailable.because("lock the database").with_source(error))
        }
    }
}
