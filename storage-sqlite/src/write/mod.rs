//! The one thread that writes: it groups the batches that wait, each in a savepoint, into one
//! commit, and answers all of them after it.
//!
//! How changes are applied lies in `apply.rs`; this file has transactions, groups and answers.

mod apply;
mod checkpoint;
mod expect;
mod index;
mod outcomes;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::channel::oneshot;
use packhouse_core::store::{
    Batch, Change, CommitError, Committed, Revision, StoreError, StoreErrorKind,
};
use rusqlite::Connection;

pub(crate) use self::index::write_index_rows;

use self::apply::{Apply, Pending};
use self::checkpoint::Checkpoints;
use self::index::Index;
use self::outcomes::Outcomes;
use crate::fault::{Fault, Outcome};
use crate::queue::{Queue, Taken};
use crate::recent::Recent;
use crate::views;

/// The most changes in one commit; one batch alone may have more.
const GROUP_CHANGES: usize = 20_000;

/// How long the writer waits for work before it tidies up.
const IDLE: Duration = Duration::from_secs(1);

type Answer = Result<Committed, CommitError>;

/// A batch, and where the answer goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) batch: Batch,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Job {
    fn weight(&self) -> usize {
        // The answer of a small batch is kept too, and its expectations are checked.
        self.batch.changes.len() + self.batch.expectations.len() + 16
    }
}

/// How often was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) batches: AtomicU64,
    pub(crate) commits: AtomicU64,
}

/// The state of the thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    db: Connection,
    index: Index,
    /// The last revision that was given, also to a batch that was rolled back.
    revision: u64,
    outcomes: Outcomes,
    checkpoints: Checkpoints,
    /// A commit failed half-way, and none has overwritten since what it may have left in the log:
    /// after a crash its batches may be there.
    in_doubt: bool,
    /// The kinds that have a view.
    kinds: BTreeSet<String>,
    written: Arc<Written>,
    recent: Arc<Recent>,
}

/// A group that was rolled back as a whole.
struct Lost {
    fault: Fault,
    /// Whether the commit itself failed: what it wrote may still turn up after a crash.
    committing: bool,
}

impl Lost {
    /// Whether the batch may turn up after a crash all the same. What did not fit was surely not
    /// written to its end.
    fn is_unknown(&self) -> bool {
        self.committing && self.fault.kind() != StoreErrorKind::Full
    }
}

impl From<Fault> for Lost {
    fn from(fault: Fault) -> Self {
        Self { fault, committing: false }
    }
}

impl From<rusqlite::Error> for Lost {
    fn from(error: rusqlite::Error) -> Self {
        Fault::from(error).into()
    }
}

impl Writer {
    /// `carry_from` is as in the options of the store.
    pub(crate) fn new(
        db: Connection,
        written: Arc<Written>,
        recent: Arc<Recent>,
        carry_from: u32,
    ) -> Result<Self, StoreError> {
        let start = || -> Outcome<_> {
            let revision = db.query_row("SELECT revision FROM latest", [], |row| row.get(0))?;
            Ok((revision, views::refresh(&db)?))
        };
        let (revision, kinds) = start().map_err(|fault| fault.within("start to write"))?;
        let checkpoints = Checkpoints::of(&db);
        let (index, outcomes) = (Index::new(carry_from), Outcomes::default());
        let in_doubt = false;
        Ok(Self { db, index, revision, outcomes, checkpoints, in_doubt, kinds, written, recent })
    }

    /// Serves the queue until it is closed.
    pub(crate) fn run(mut self, queue: &Queue<Job>) {
        loop {
            match queue.take(GROUP_CHANGES, IDLE, Job::weight) {
                Taken::Jobs(jobs) => {
                    let kinds = new_kinds(&jobs, &self.kinds);
                    self.group(jobs);
                    self.show(kinds);
                    self.outcomes.forget_old(&self.db, || queue.has_jobs());
                    self.checkpoints.when_large(&self.db);
                }
                Taken::Idle => {
                    self.outcomes.forget_old(&self.db, || queue.has_jobs());
                    self.checkpoints.when_idle(&self.db);
                }
                Taken::Closed => break,
            }
        }
        self.checkpoints.at_end(&self.db);
    }

    fn group(&mut self, jobs: Vec<Job>) {
        match (self.attempt(&jobs), <[Job; 1]>::try_from(jobs)) {
            (Ok(mut answers), Ok([job])) => answer(job, answers.swap_remove(0)),
            (Ok(answers), Err(jobs)) => {
                jobs.into_iter().zip(answers).for_each(|(job, answered)| answer(job, answered));
            }
            (Err(lost), Ok([job])) => {
                let answered = self.settle_alone(&job, lost);
                answer(job, answered);
            }
            (Err(lost), Err(jobs)) => {
                let (error, batches) = (lost.fault, jobs.len());
                tracing::warn!(%error, batches, "a group is committed one by one");
                jobs.into_iter().for_each(|job| self.group(vec![job]));
            }
        }
    }

    /// What to say of a batch that failed by itself. It is tried once more where that may help: on
    /// a full disk the log may have room to use again, and where a commit failed half-way, another
    /// one overwrites what it left, so that the second outcome is the outcome of both.
    fn settle_alone(&mut self, job: &Job, lost: Lost) -> Answer {
        let again = match lost.fault.kind() {
            StoreErrorKind::Full => self.checkpoints.make_room(&self.db),
            _ => lost.committing,
        };
        let second = again.then(|| self.attempt(std::slice::from_ref(job)));
        match second.and_then(Result::ok).and_then(|mut answers| answers.pop()) {
            Some(answer) => answer,
            None => self.certain(Err(CommitError::Failed(lost.fault.within("commit a batch")))),
        }
    }

    /// An answer that holds after a crash too. "Surely not" cannot be said while a commit is in
    /// doubt: the batch may be one of those that it had.
    fn certain(&self, answer: Answer) -> Answer {
        match answer {
            Err(CommitError::Failed(error)) if self.in_doubt => Err(CommitError::Unknown(error)),
            Err(CommitError::Conflict(expectation)) if self.in_doubt => {
                let why = format!("an earlier commit is in doubt, and now {expectation:?} fails");
                Err(CommitError::Unknown(StoreErrorKind::Unavailable.because(why)))
            }
            answer => answer,
        }
    }

    /// Commits the batches together; gives their answers once they are durable.
    fn attempt(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, Lost> {
        let result = self.attempt_open(jobs);
        if let Err(lost) = &result {
            self.in_doubt |= lost.is_unknown();
            self.forget();
            if !self.db.is_autocommit()
                && let Err(error) = self.execute("ROLLBACK")
            {
                tracing::error!(%error, "a failed group could not be rolled back");
            }
        }
        result.map(|answers| answers.into_iter().map(|answer| self.certain(answer)).collect())
    }

    fn attempt_open(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, Lost> {
        self.execute("BEGIN IMMEDIATE")?;
        let before = self.revision;
        let mut pending = Pending::default();
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            answers.push(self.member(&job.batch, &mut pending)?);
        }
        if self.revision > before {
            self.index.settle(&self.db, &pending)?;
            self.db
                .prepare_cached("UPDATE latest SET revision = ?1")
                .and_then(|mut update| update.execute([self.revision]))?;
        }
        let committing = self.recent.begin_commit(&pending.changed);
        self.execute("COMMIT").map_err(|fault| Lost { fault, committing: true })?;
        drop(committing);
        // One that changed nothing has overwritten nothing.
        self.in_doubt &= self.revision == before;
        let done = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
        self.written.batches.fetch_add(done, Ordering::Relaxed);
        self.written.commits.fetch_add(u64::from(self.revision > before), Ordering::Relaxed);
        Ok(answers)
    }

    /// Applies one batch in a savepoint. An error here means that the whole group is lost.
    fn member(&mut self, batch: &Batch, pending: &mut Pending) -> Outcome<Answer> {
        self.execute("SAVEPOINT batch")?;
        let answer = match self.apply(batch) {
            Ok(Ok((committed, changed))) => {
                pending.add(changed);
                Ok(committed)
            }
            Ok(Err(conflict)) => Err(conflict),
            // SQLite has rolled everything back already.
            Err(fault) if self.db.is_autocommit() => return Err(fault),
            Err(fault) => {
                self.execute("ROLLBACK TO batch")?;
                self.forget();
                Err(CommitError::Failed(fault.within("apply a batch")))
            }
        };
        self.execute("RELEASE batch")?;
        Ok(answer)
    }

    /// Applies one batch, or says why not before anything is changed.
    fn apply(&mut self, batch: &Batch) -> Outcome<Result<(Committed, Pending), CommitError>> {
        if let Some(committed) = outcomes::find(&self.db, batch.id)? {
            return Ok(Ok((committed, Pending::default())));
        }
        for expectation in &batch.expectations {
            if !expect::holds(&self.db, expectation)? {
                return Ok(Err(CommitError::Conflict(expectation.clone())));
            }
        }
        self.revision += 1;
        let revision = self.revision;
        let mut apply =
            Apply { db: &self.db, index: &mut self.index, revision, pending: Pending::default() };
        let appended = apply.all(batch)?;
        let pending = apply.pending;
        let committed = Committed { revision: Revision(revision), appended };
        self.outcomes.remember(&self.db, batch.id, &committed)?;
        Ok(Ok((committed, pending)))
    }

    fn execute(&self, sql: &str) -> Outcome<()> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Forgets what may have been rolled back.
    fn forget(&mut self) {
        self.index.clear();
    }

    /// Makes views for kinds that are new.
    fn show(&mut self, kinds: BTreeSet<String>) {
        for kind in kinds {
            if let Err(error) = views::make(&self.db, &kind) {
                tracing::warn!(%error, kind, "no view for a new kind");
            }
            self.kinds.insert(kind);
        }
    }
}

fn new_kinds(jobs: &[Job], known: &BTreeSet<String>) -> BTreeSet<String> {
    let keys = jobs.iter().flat_map(|job| &job.batch.changes).filter_map(|change| match change {
        Change::Put { key, .. } | Change::Add(key, _) | Change::Raise(key, _) => Some(key),
        Change::Append { stream, .. } => Some(stream),
        Change::Delete(_) | Change::DeleteWithin(_) => None,
    });
    keys.filter_map(|key| views::kind_of(key.as_bytes()))
        .filter(|kind| !known.contains(*kind))
        .map(str::to_owned)
        .collect()
}

fn answer(job: Job, answer: Answer) {
    // Whoever asked may be gone; the batch counts all the same.
    drop(job.answer.send(answer));
}
