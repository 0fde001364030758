//! What is answered when commits fail: SQLite is told to fail them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packhouse_core::store::{BatchId, Expectation, Key, Kind};
use tempfile::TempDir;

use super::*;
use crate::{SqliteOptions, schema};

const THING: Kind = Kind::new("thing");

struct Bench {
    writer: Writer,
    /// How many commits fail from now on.
    failing: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let db =
            schema::open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default())
                .unwrap();
        let recent = Arc::new(Recent::new(0));
        let mut writer = Writer::new(db, Arc::default(), recent, 0).unwrap();
        let failing = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&failing);
        let fails = move || {
            let one_less = |count: usize| count.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
        };
        writer.db.commit_hook(Some(fails)).unwrap();
        Self { writer, failing, _folder: folder }
    }

    /// The answers of a group, of which the first so many commits fail.
    fn answers(&mut self, failing: usize, batches: &[Batch]) -> Vec<Answer> {
        self.failing.store(failing, Ordering::Relaxed);
        let queued = batches.iter().cloned().map(|batch| {
            let (answer, answered) = oneshot::channel();
            (Job { batch, answer }, answered)
        });
        let (jobs, answered): (Vec<_>, Vec<_>) = queued.unzip();
        self.writer.group(jobs);
        answered.into_iter().map(|mut one| one.try_recv().unwrap().unwrap()).collect()
    }
}

fn thing(name: &str) -> Key {
    Key::new(THING, [name])
}

fn put(id: u8, name: &str) -> Batch {
    let change = Change::Put { key: thing(name), body: "1".into(), terms: vec![], owners: vec![] };
    Batch { id: BatchId([id; 16]), expectations: vec![], changes: vec![change] }
}

/// One that can only fail: nothing is at the key that it expects.
fn conflicting(id: u8) -> Batch {
    let expectations = vec![Expectation::Present(thing("nowhere"))];
    Batch { expectations, ..put(id, "conflicting") }
}

fn is_unknown(answer: &Answer) -> bool {
    matches!(answer, Err(CommitError::Unknown(_)))
}

fn is_conflict(answer: &Answer) -> bool {
    matches!(answer, Err(CommitError::Conflict(_)))
}

#[test]
fn a_lost_group_is_in_doubt_until_a_commit_follows() {
    let mut bench = Bench::new();
    let answers = bench.answers(1, &[conflicting(1), put(2, "a"), conflicting(3)]);
    assert!(is_unknown(&answers[0]), "{:?}", answers[0]);
    assert!(answers[1].is_ok());
    assert!(is_conflict(&answers[2]), "another commit went before: {:?}", answers[2]);
}

#[test]
fn doubt_outlasts_the_group_and_commits_that_change_nothing() {
    let mut bench = Bench::new();
    let answers = bench.answers(100, &[put(1, "a"), put(2, "b")]);
    assert!(answers.iter().all(is_unknown), "{answers:?}");
    for _ in 0..2 {
        assert!(is_unknown(&bench.answers(0, &[conflicting(1)])[0]));
    }
    assert!(bench.answers(0, &[put(4, "c")])[0].is_ok());
    assert!(is_conflict(&bench.answers(0, &[conflicting(1)])[0]));
}

#[test]
fn a_batch_in_doubt_that_then_fails_before_its_commit_is_in_doubt_still() {
    let mut bench = Bench::new();
    let mut large = put(1, "a");
    large.changes = vec![Change::Put {
        key: thing("a"),
        body: "x".repeat(1 << 20).into(),
        terms: vec![],
        owners: vec![],
    }];
    assert!(is_unknown(&bench.answers(2, std::slice::from_ref(&large))[0]));
    // No less than it has: nothing more fits.
    bench.writer.db.pragma_update(None, "max_page_count", 1).unwrap();
    let answers = bench.answers(0, std::slice::from_ref(&large));
    assert!(is_unknown(&answers[0]), "{:?}", answers[0]);
    assert!(bench.answers(0, &[put(2, "b")])[0].is_ok());
    let answers = bench.answers(0, &[large]);
    let Err(CommitError::Failed(error)) = &answers[0] else { panic!("{:?}", answers[0]) };
    assert_eq!(error.kind, StoreErrorKind::Full);
}

#[test]
fn a_commit_that_failed_once_is_made_again() {
    let mut bench = Bench::new();
    assert!(bench.answers(1, &[put(1, "a")])[0].is_ok());
    assert!(is_unknown(&bench.answers(2, &[put(2, "b")])[0]));
}
