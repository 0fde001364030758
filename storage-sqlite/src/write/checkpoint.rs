//! When the write-ahead log is moved into the database: after callers have been answered.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::schema::BUSY;

/// The log's size in bytes from which it is moved: reading slows as it grows, and so does opening
/// after a crash.
const LARGE: u64 = 20 << 20;

/// The part of the file system that the log takes at most, one in so many: moving it may take as
/// much again, and both must find room on a small disk that is full of other things.
const PART: u64 = 64;

/// How long those who read may take to leave the log, when its room is needed.
const LEAVING: Duration = Duration::from_millis(250);

/// How long others who have the database (a person's shell) are waited for otherwise.
const PATIENCE: Duration = BUSY;

/// When to move the log next.
#[derive(Debug)]
pub(super) struct Checkpoints {
    log: PathBuf,
    /// The size at which a log is large.
    large: u64,
    /// The size of the log at which to move it again.
    next: u64,
    /// Whether something was written since it was moved whole.
    behind: bool,
}

impl Checkpoints {
    pub(super) fn of(db: &Connection) -> Self {
        let log = PathBuf::from(format!("{}-wal", db.path().unwrap_or_default()));
        let large = large_on(&log);
        // Room that the log keeps when it begins anew, so that records can be removed when other
        // things fill the disk. Less than what is large, or it would be moved at each commit.
        if let Err(error) = db.pragma_update(None, "journal_size_limit", large / 5 * 4) {
            tracing::warn!(%error, "the log keeps its room");
        }
        Self { log, large, next: large, behind: true }
    }

    /// Moves the log once it is large.
    pub(super) fn when_large(&mut self, db: &Connection) {
        self.behind = true;
        let size = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if size >= self.next {
            self.run(db, "PRAGMA wal_checkpoint(PASSIVE)");
            // A log that an open snapshot keeps from being emptied is tried again later, not at
            // each commit.
            self.next = if self.behind { size + self.large } else { self.large };
        } else if size < self.large {
            self.next = self.large;
        }
    }

    /// Moves the log while nobody waits.
    pub(super) fn when_idle(&mut self, db: &Connection) {
        if self.behind {
            self.run(db, "PRAGMA wal_checkpoint(PASSIVE)");
        }
    }

    /// Moves the log because the disk is full, so that the next commit uses its room again; `false`
    /// when that cannot be.
    pub(super) fn make_room(&mut self, db: &Connection) -> bool {
        // Readers are only waited for, not writers: there are none but this one.
        let patient = |time| {
            if let Err(error) = db.busy_timeout(time) {
                tracing::warn!(%error, "the patience of the writer was not changed");
            }
        };
        self.behind = true;
        patient(LEAVING);
        self.run(db, "PRAGMA wal_checkpoint(RESTART)");
        patient(PATIENCE);
        !self.behind
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

/// The size at which a log is large on the file system it lies on.
fn large_on(log: &Path) -> u64 {
    match rustix::fs::statvfs(log.parent().unwrap_or(log)) {
        Ok(found) if found.f_blocks > 0 => {
            LARGE.min(found.f_blocks.saturating_mul(found.f_frsize) / PART)
        }
        _ => LARGE,
    }
}
