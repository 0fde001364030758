//! Records that were read lately, in memory: what the decision of a download reads again and again.
//!
//! Nothing old is ever read. A commit takes what it changes out of the memory before it becomes
//! visible to others, and keeps it out until it has ended; a record that was read before or while a
//! commit changed it is not put in after. All of a read come from the memory, with no commit begun
//! or ended meanwhile, or none does: so they are of one snapshot.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use packhouse_core::store::{Key, Record};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// How many changed keys are remembered, for records that are being read while they change.
const MOST_CHANGED: usize = 20_000;
/// What an entry takes beside its bytes, about.
const OVERHEAD: usize = 200;
/// The expected size of an entry, from which the number of entries is guessed.
const USUAL: usize = 1_000;

/// The memory. Without a size it holds nothing.
#[derive(Debug)]
pub(crate) struct Recent {
    held: Option<Cache<Key, Option<Record>, Weight>>,
    /// Odd while a commit is under way; grows with each beginning and end of one.
    epoch: AtomicU64,
    changes: Mutex<Changes>,
    hashing: RandomState,
}

/// What the last commits changed.
#[derive(Debug, Default)]
struct Changes {
    /// The epoch that each began, and the hashes of the keys that it changed.
    commits: VecDeque<(u64, HashSet<u64>)>,
    /// The number of hashes in all.
    keys: usize,
    /// The last epoch of which the changes are forgotten.
    forgotten: u64,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Key, Option<Record>> for Weight {
    fn weight(&self, key: &Key, record: &Option<Record>) -> u64 {
        let record = record.as_ref().map_or(0, |record| {
            let terms = record.terms.iter().map(|term| term.value.as_bytes().len() + OVERHEAD / 2);
            let owners = record.owners.iter().map(|owner| owner.as_bytes().len() + OVERHEAD / 4);
            // Twice the body: what it was decoded to takes about as much.
            2 * record.body.len() + terms.sum::<usize>() + owners.sum::<usize>()
        });
        (2 * key.as_bytes().len() + record + OVERHEAD) as u64
    }
}

/// When a read began, to be shown when its records are put in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began(u64);

impl Recent {
    /// A memory of so many bytes, about.
    pub(crate) fn new(bytes: usize) -> Self {
        let cache = || Cache::with_weighter(bytes / USUAL + 1, bytes as u64, Weight);
        Self {
            held: (bytes > 0).then(cache),
            epoch: AtomicU64::new(0),
            changes: Mutex::default(),
            hashing: RandomState::new(),
        }
    }

    /// All records of these keys, if all are in memory.
    pub(crate) fn read(&self, keys: &[Key]) -> Option<Vec<Option<Record>>> {
        let held = self.held.as_ref()?;
        let epoch = self.epoch.load(Ordering::SeqCst);
        let records = keys.iter().map(|key| held.get(key)).collect::<Option<_>>()?;
        (self.epoch.load(Ordering::SeqCst) == epoch).then_some(records)
    }

    /// To be asked before the snapshot of a read begins.
    pub(crate) fn begin_read(&self) -> Began {
        Began(self.epoch.load(Ordering::SeqCst))
    }

    /// Puts in what was read, but for what has changed since the read began.
    pub(crate) fn put(&self, began: Began, key: &Key, record: Option<&Record>) {
        let Some(held) = &self.held else { return };
        let changes = self.changes();
        // An odd epoch is that of the commit which was under way.
        if began.0 <= changes.forgotten && changes.forgotten > 0 {
            return;
        }
        let hash = self.hashing.hash_one(key.as_bytes());
        let changed =
            |(epoch, keys): &(u64, HashSet<u64>)| *epoch >= began.0 && keys.contains(&hash);
        if !changes.commits.iter().rev().take_while(|(epoch, _)| *epoch >= began.0).any(changed) {
            held.insert(key.clone(), record.cloned());
        }
    }

    /// Takes out what a commit is about to change. Until the answer is dropped none of it is put in.
    pub(crate) fn begin_commit(&self, changed: &[Vec<u8>]) -> Committing<'_> {
        let mut changes = self.changes();
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(held) = &self.held {
            let keys = changed.iter().map(|key| self.hashing.hash_one(key.as_slice()));
            let keys: HashSet<u64> = keys.collect();
            changes.keys += keys.len();
            changes.commits.push_back((epoch, keys));
            for key in changed.iter().filter_map(|key| Key::from_bytes(key)) {
                held.remove(&key);
            }
            changes.forget();
        }
        Committing(self)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        // A panic between two steps leaves a commit in the list that the epoch does not tell of.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    /// Forgets the oldest, but never the last one, which may be under way.
    fn forget(&mut self) {
        while self.keys + self.commits.len() > MOST_CHANGED && self.commits.len() > 1 {
            let Some((epoch, keys)) = self.commits.pop_front() else { return };
            self.keys -= keys.len();
            self.forgotten = epoch;
        }
    }
}

/// A commit that is under way.
#[derive(Debug)]
pub(crate) struct Committing<'a>(&'a Recent);

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        let _changes = self.0.changes();
        self.0.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use packhouse_core::store::{Decoded, Kind, Revision};

    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Kind::new("thing"), [name])
    }

    fn record(name: &str, revision: u64) -> Record {
        let (terms, owners) = (Arc::default(), Arc::default());
        let (revision, born) = (Revision(revision), Revision(1));
        Record {
            key: key(name),
            revision,
            born,
            body: "1".into(),
            terms,
            owners,
            decoded: Decoded::default(),
        }
    }

    fn bytes(names: &[&str]) -> Vec<Vec<u8>> {
        names.iter().map(|name| key(name).as_bytes().to_vec()).collect()
    }

    /// The revisions of these records, if all are in memory.
    fn held(recent: &Recent, names: &[&str]) -> Option<Vec<u64>> {
        let keys: Vec<Key> = names.iter().map(|name| key(name)).collect();
        let revision = |record: &Option<Record>| record.as_ref().map_or(0, |it| it.revision.0);
        recent.read(&keys).map(|records| records.iter().map(revision).collect())
    }

    fn put(recent: &Recent, began: Began, name: &str, revision: u64) {
        recent.put(began, &key(name), Some(&record(name, revision)));
    }

    #[test]
    fn what_is_put_in_is_read_until_a_commit_changes_it() {
        let recent = Recent::new(1 << 20);
        put(&recent, recent.begin_read(), "a", 1);
        recent.put(recent.begin_read(), &key("b"), None);
        assert_eq!(held(&recent, &["a", "b"]), Some(vec![1, 0]), "absence is remembered");
        assert_eq!(held(&recent, &["a", "c"]), None);
        drop(recent.begin_commit(&bytes(&["b"])));
        assert_eq!((held(&recent, &["a"]), held(&recent, &["b"])), (Some(vec![1]), None));
    }

    #[test]
    fn what_was_read_while_a_commit_changed_it_is_not_put_in() {
        let recent = Recent::new(1 << 20);
        let before = recent.begin_read();
        let committing = recent.begin_commit(&bytes(&["a"]));
        let during = recent.begin_read();
        put(&recent, before, "a", 1);
        put(&recent, during, "a", 1);
        put(&recent, during, "b", 1);
        assert_eq!((held(&recent, &["a"]), held(&recent, &["b"])), (None, Some(vec![1])));
        drop(committing);
        put(&recent, before, "a", 1);
        put(&recent, during, "a", 1);
        assert_eq!(held(&recent, &["a"]), None, "nor after it");
        put(&recent, recent.begin_read(), "a", 2);
        assert_eq!(held(&recent, &["a"]), Some(vec![2]));
    }

    #[test]
    fn what_was_read_before_the_changes_that_are_remembered_is_not_put_in() {
        let recent = Recent::new(1 << 20);
        let began = recent.begin_read();
        drop(recent.begin_commit(&bytes(&["a"])));
        for _ in 0..=MOST_CHANGED {
            drop(recent.begin_commit(&[]));
        }
        put(&recent, began, "a", 1);
        assert_eq!(held(&recent, &["a"]), None);
        put(&recent, recent.begin_read(), "a", 2);
        assert_eq!(held(&recent, &["a"]), Some(vec![2]));
    }

    #[test]
    fn a_memory_without_a_size_holds_nothing() {
        let recent = Recent::new(0);
        put(&recent, recent.begin_read(), "a", 1);
        assert_eq!(held(&recent, &["a"]), None);
    }

    #[test]
    fn no_more_is_held_than_the_size() {
        let recent = Recent::new(100_000);
        for count in 0..10_000 {
            put(&recent, recent.begin_read(), &count.to_string(), 1);
        }
        let kept = (0..10_000).filter(|count| held(&recent, &[&count.to_string()]).is_some());
        let kept = kept.count();
        assert!((100..=500).contains(&kept), "{kept} are held");
    }
}
