//! Syncs of one folder, shared by everybody who changed it.
//!
//! Knows nothing of blobs. One sync makes every change durable that was made before it began, so
//! while one runs, those who come wait together for the next.
//!
//! A sync that failed is final for every change that was made before it ended, also when it failed
//! for want of space: the system may take for written what it has dropped, and that a later sync
//! succeeds would say nothing of those changes. Whoever made them is told, and takes them back or
//! makes them anew. What is changed after it is written anew with its part of the folder, and judged
//! by the next sync: the store goes on without being opened anew.

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
    /// Which changes were not durable when a sync failed, from one to another: the system may
    /// believe that they are.
    lost: Vec<(u64, u64)>,
}

impl State {
    fn is_lost(&self, Mark(change): Mark) -> bool {
        self.lost.iter().any(|(first, last)| (*first..=*last).contains(&change))
    }

    /// Gives up every change that is not durable.
    fn lose(&mut self) {
        let (first, last) = (self.durable + 1, self.changes);
        // Of very many failures some changes that were durable are given up too.
        let is_full = self.lost.len() >= EPISODES;
        match self.lost.last_mut() {
            Some((_, until)) if is_full || *until + 1 >= first => *until = last,
            _ => self.lost.push((first, last)),
        }
    }
}

/// How many failures in a row of their own are told apart.
const EPISODES: usize = 64;

/// Which change of a folder somebody made, to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mark(u64);

impl Mark {
    /// What an earlier process did.
    pub(crate) const EARLIER: Self = Self(1);
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        let state = State { changes: 1, durable: 0, syncing: false, lost: Vec::new() };
        Self { path, state: Mutex::new(state), synced: Condvar::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes one change to the entries. It is counted in the same breath, so that nobody finds it
    /// made and believes it durable. Where it cannot be made, the mark is that of the last change.
    pub(crate) fn change(&self, change: impl FnOnce() -> io::Result<()>) -> (Mark, io::Result<()>) {
        let mut state = self.state();
        let made = change();
        state.changes += u64::from(made.is_ok());
        (Mark(state.changes), made)
    }

    /// Counts a change that was made otherwise.
    pub(crate) fn changed(&self) -> Mark {
        let mut state = self.state();
        state.changes += 1;
        Mark(state.changes)
    }

    /// Whether a sync failed since the store was opened, so that a change that was made may not be
    /// on the disk though later ones are.
    pub(crate) fn has_lost(&self) -> bool {
        !self.state().lost.is_empty()
    }

    /// Blocks until a change is durable, and all before it that no failed sync took.
    pub(crate) fn settle(&self, disk: &dyn Disk, mark: Mark) -> io::Result<()> {
        let mut state = self.state();
        loop {
            if state.is_lost(mark) {
                return Err(Error::other("a sync of the folder failed; make the change anew"));
            }
            if state.durable >= mark.0 {
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
                    // Those that were made while it ran may have been dropped with the others.
                    state.lose();
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
    /// It was begun, and is final for what was changed by then.
    Syncing(Error),
}
