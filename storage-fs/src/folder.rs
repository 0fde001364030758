//! Syncs of one folder, shared by everybody who changed it.
//!
//! Knows nothing of blobs. One sync makes every change durable that was made before it began, so
//! while one runs, those who come wait together for the next.
//!
//! A sync that failed is final, also when it failed for want of space. The file systems that this
//! crate is for take the room of a name when it is given: a full disk refuses the naming, which is
//! undone, and nothing is final. A *sync* that finds no space comes from one that writes late, and
//! what it dropped may be the names of others, and removals, which nobody can take back and make
//! anew; that a later sync succeeds would say nothing of them. The first caller is told that the
//! disk is full, and [`FsOptions::min_free`](crate::FsOptions::min_free) keeps it from coming to
//! that.

use std::fs::File;
use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::Disk;

/// A folder whose entries come and go.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Debug)]
struct State {
    /// How many changes were made. Begins with one: what an earlier process did and may not have
    /// synced.
    changes: u64,
    /// How many of them are durable.
    durable: u64,
    /// Somebody is syncing just now.
    syncing: bool,
    /// A sync failed: the system may believe durable what is not.
    broken: bool,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        let state = State { changes: 1, durable: 0, syncing: false, broken: false };
        Self { path, state: Mutex::new(state), synced: Condvar::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes one change to the entries. It is counted in the same breath, so that nobody finds it
    /// made and believes it durable.
    pub(crate) fn change(&self, change: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state();
        change()?;
        state.changes += 1;
        Ok(())
    }

    /// Counts a change that was made otherwise.
    pub(crate) fn changed(&self) {
        self.state().changes += 1;
    }

    /// Blocks until every change made so far is durable.
    pub(crate) fn settle(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut state = self.state();
        let wanted = state.changes;
        loop {
            if state.broken {
                return Err(Error::other("a sync of the folder failed; open the store anew"));
            }
            if state.durable >= wanted {
                return Ok(());
            }
            if state.syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            let covered = state.changes;
            drop(state);
            let outcome = self.sync(disk);
            state = self.state();
            state.syncing = false;
            self.synced.notify_all();
            match outcome {
                Ok(()) => state.durable = covered,
                Err(Failure::Opening(error)) => return Err(error),
                Err(Failure::Syncing(error)) => {
                    state.broken = true;
                    return Err(error);
                }
            }
        }
    }

    fn sync(&self, disk: &dyn Disk) -> Result<(), Failure> {
        let folder = File::open(&self.path).map_err(Failure::Opening)?;
        disk.sync(&folder, &self.path).map_err(Failure::Syncing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there was no sync.
enum Failure {
    /// It was not begun (too many open files), so it may be tried again.
    Opening(Error),
    /// It was begun, and is final.
    Syncing(Error),
}
