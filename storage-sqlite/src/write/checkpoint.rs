//! When the write-ahead log is moved into the database: after callers have been answered.

use std::path::PathBuf;

use rusqlite::Connection;

/// The log's size in bytes from which it is moved: reading slows as it grows, and so does opening
/// after a crash.
const LARGE: u64 = 16 << 20;

/// When to move the log next.
#[derive(Debug)]
pub(super) struct Checkpoints {
    log: PathBuf,
    /// The size of the log at which to move it again.
    next: u64,
    /// Whether something was written since it was moved whole.
    behind: bool,
}

impl Checkpoints {
    pub(super) fn of(db: &Connection) -> Self {
        let log = PathBuf::from(format!("{}-wal", db.path().unwrap_or_default()));
        Self { log, next: LARGE, behind: true }
    }

    /// Moves the log once it is large.
    pub(super) fn when_large(&mut self, db: &Connection) {
        self.behind = true;
        let size = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if size >= self.next {
            self.run(db, "PRAGMA wal_checkpoint(PASSIVE)");
            // A log that an open snapshot keeps from being emptied is tried again later, not at
            // each commit.
            self.next = if self.behind { size + LARGE } else { LARGE };
        } else if size < LARGE {
            self.next = LARGE;
        }
    }

    /// Moves the log while nobody waits.
    pub(super) fn when_idle(&mut self, db: &Connection) {
        if self.behind {
            self.run(db, "PRAGMA wal_checkpoint(PASSIVE)");
        }
    }

    /// Moves the log and empties it.
    pub(super) fn at_end(&mut self, db: &Connection) {
        self.run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    fn run(&mut self, db: &Connection, pragma: &str) {
        let moved =
            db.query_row(pragma, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
        match moved {
            Ok((pages, moved)) => self.behind = moved < pages,
            Err(error) => tracing::warn!(%error, "the log was not moved into the database"),
        }
    }
}
