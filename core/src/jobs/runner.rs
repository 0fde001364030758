//! Claims due jobs and runs them, one after another.

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::Bound;
use std::time::Duration;

use futures::future::{self, Either};

use super::{calls, collect, sweep};
use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::model::Form;
use crate::model::jobs::{Job, Task};
use crate::store::{Direction, Filter, KeyRange, Order, Query, Start, TermValue};
use crate::usecases::access_keys::{self, Forgetting};
use crate::usecases::deletion::{self, Deletion};
use crate::usecases::products;
use crate::work::decode;
use crate::{Error, Result, Timestamp, model::Stored};

/// Runs jobs. Several may run over one store; each job is claimed by one at a time.
#[derive(Clone, Debug)]
pub struct Runner {
    packhouse: Packhouse,
}

/// What a step did.
#[derive(Debug)]
pub enum Step {
    /// Nothing was due.
    Idle,
    /// This was done.
    Done(Task),
    /// This failed, and will be tried again later.
    Failed(Task, Error),
    /// The store could not be asked.
    Stalled(Error),
}

/// How long a job is its runner's before another may take it.
const LEASE: Duration = Duration::from_secs(600);
/// How long [`Runner::run`] waits when nothing is due.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait before a job that failed is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);
/// About how many blobs, and how many jobs about blobs, are dealt with at once.
const AT_ONCE: usize = 200;
/// The id of the one sweep.
const SWEEP: &str = "sweep_blobs";

impl Runner {
    /// A runner of a Packhouse's jobs.
    #[must_use]
    pub fn new(packhouse: &Packhouse) -> Self {
        Self { packhouse: packhouse.clone() }
    }

    /// Makes the jobs that come back on their own, unless they are there.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn schedule(&self) -> Result<()> {
        let (janitor, wait) =
            (Caller::system(SystemCaller::Janitor), self.packhouse.limits().sweep_every);
        self.packhouse
            .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
                if !work.exists(Job::key_of(SWEEP)).await? {
                    let (id, due) = (SWEEP.to_owned(), work.now().after(wait));
                    let task = Task::SweepBlobs;
                    work.put(&permit, &Job { form: Form, id, task, due, attempts: 0 });
                }
                Ok(())
            })
            .await
    }

    /// Runs jobs until `until` is done. The job that runs then is finished first. `observe` is
    /// told of each step, for the log.
    pub async fn run(&self, until: impl Future<Output = ()>, observe: impl Fn(&Step)) {
        futures::pin_mut!(until);
        loop {
            let step = self.step().await.unwrap_or_else(Step::Stalled);
            observe(&step);
            let pause = if matches!(step, Step::Done(_)) { Duration::ZERO } else { PAUSE };
            let pause = self.packhouse.runtime().sleep(pause);
            if let Either::Left(_) = future::select(until.as_mut(), pause).await {
                return;
            }
        }
    }

    /// Runs one due job, if there is one; or several at once that are about blobs, so that
    /// collecting them keeps up with many small changes.
    ///
    /// # Errors
    /// When the store cannot answer; what goes wrong in the job itself is [`Step::Failed`].
    pub async fn step(&self) -> Result<Step> {
        let jobs = self.claim().await?;
        let Some(task) = merged(&jobs) else { return Ok(Step::Idle) };
        match self.perform(&jobs[0], &task).await {
            Ok(()) => {
                self.finish(&jobs).await?;
                Ok(Step::Done(task))
            }
            Err(error) => {
                let wait = backoff(jobs[0].attempts);
                self.change(&jobs, |job, now| Some(Job { due: now.after(wait), ..job })).await?;
                Ok(Step::Failed(task, error))
            }
        }
    }

    /// Takes the job that has been due for longest, and others that can be done with it.
    async fn claim(&self) -> Result<Vec<Job>> {
        let due = self.longest_due().await?;
        self.change(&due, |job, now| {
            Some(Job { due: now.after(LEASE), attempts: job.attempts + 1, ..job })
        })
        .await
    }

    /// The job that has been due for longest, a deletion before all others; and what can be done
    /// with it. One that this program cannot read (a later program put it, say) does not hold up
    /// those behind it; it is told of when nothing else is due.
    async fn longest_due(&self) -> Result<Vec<Job>> {
        let now = TermValue::instant(self.packhouse.now());
        let mut query = Query::within(KeyRange::within(Job::KIND, []))
            .filter(Filter::Between(Job::DUE, Bound::Unbounded, Bound::Included(now)))
            .order(Order::Term(Job::DUE, Direction::Ascending))
            .limit(AT_ONCE);
        let mut unreadable = None;
        loop {
            let page = self.packhouse.select(&query).await?;
            let next = page.next.clone();
            let mut jobs = Vec::new();
            for record in page.into_records() {
                match decode::<Job>(&record) {
                    Ok(job) => jobs.push(job),
                    Err(error) => unreadable = unreadable.or(Some(error)),
                }
            }
            if !jobs.is_empty() {
                return Ok(together(jobs));
            }
            match next {
                Some(cursor) => query = query.start(Start::After(cursor)),
                None => return unreadable.map_or(Ok(Vec::new()), Err),
            }
        }
    }

    async fn perform(&self, job: &Job, task: &Task) -> Result<()> {
        match task {
            Task::FinishDeletion(doomed) => {
                let deletion = Deletion { job: job.id.clone(), doomed: doomed.clone() };
                deletion::finish(&self.packhouse, &deletion).await
            }
            Task::CondemnBlobs(ids) => collect::condemn(&self.packhouse, ids).await,
            Task::RemoveBlobs(ids) => collect::remove(&self.packhouse, ids).await,
            Task::SweepBlobs => sweep::sweep(&self.packhouse).await,
            Task::ForgetAccessKey(key) => {
                let forgetting = Forgetting { job: job.id.clone(), key: key.clone() };
                access_keys::forget(&self.packhouse, &forgetting).await
            }
            Task::ForgetProduct(product) => {
                let (job, product) = (job.id.clone(), product.clone());
                products::forget(&self.packhouse, &products::Forgetting { job, product }).await
            }
            Task::Call(call) => calls::make(&self.packhouse, call, job.attempts).await,
        }
    }

    /// Forgets jobs that are done, unless they were put anew meanwhile. The sweep comes back.
    async fn finish(&self, done: &[Job]) -> Result<()> {
        let wait = self.packhouse.limits().sweep_every;
        let next = |job: Job, now: Timestamp| {
            let again = job.task == Task::SweepBlobs;
            again.then(|| Job { attempts: 0, due: now.after(wait), ..job })
        };
        self.change(done, next).await.map(|_| ())
    }

    /// Puts what becomes of each job, or deletes it, where it still is as it was seen. Gives those
    /// that were put.
    async fn change(
        &self,
        jobs: &[Job],
        next: impl Fn(Job, Timestamp) -> Option<Job> + Send + Sync,
    ) -> Result<Vec<Job>> {
        let (janitor, next) = (Caller::system(SystemCaller::Janitor), &next);
        self.packhouse
            .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
                let mut put = Vec::new();
                for job in jobs {
                    let held = work.find::<Job>(job.key()).await?;
                    let Some(held) = held.filter(|held| held == job) else { continue };
                    match next(held, work.now()) {
                        Some(job) => {
                            work.put(&permit, &job);
                            put.push(job);
                        }
                        None => work.delete(&permit, job.key()),
                    }
                }
                Ok(put)
            })
            .await
    }
}

/// The first deletion; or the first job with those of its kind that can be done at once.
fn together(jobs: Vec<Job>) -> Vec<Job> {
    let deletion = jobs.iter().find(|job| matches!(job.task, Task::FinishDeletion(_)));
    if let Some(job) = deletion.or(jobs.first()).filter(|job| blobs_of(&job.task).is_none()) {
        return vec![job.clone()];
    }
    let kind = jobs.first().map(|job| std::mem::discriminant(&job.task));
    let mut blobs = 0;
    jobs.into_iter()
        .filter(|job| Some(std::mem::discriminant(&job.task)) == kind)
        .take_while(|job| {
            let before = blobs;
            blobs += blobs_of(&job.task).map_or(0, Vec::len);
            before < AT_ONCE
        })
        .collect()
}

/// What the jobs are to do, as one task.
fn merged(jobs: &[Job]) -> Option<Task> {
    let all = || jobs.iter().filter_map(|job| blobs_of(&job.task)).flatten().copied();
    // Without doubles, and in an order that does not depend on how jobs were grouped.
    let ids = || all().collect::<BTreeSet<BlobId>>().into_iter().collect();
    Some(match &jobs.first()?.task {
        Task::CondemnBlobs(_) => Task::CondemnBlobs(ids()),
        Task::RemoveBlobs(_) => Task::RemoveBlobs(ids()),
        task => task.clone(),
    })
}

fn blobs_of(task: &Task) -> Option<&Vec<BlobId>> {
    match task {
        Task::CondemnBlobs(ids) | Task::RemoveBlobs(ids) => Some(ids),
        Task::FinishDeletion(_)
        | Task::ForgetAccessKey(_)
        | Task::ForgetProduct(_)
        | Task::Call(_)
        | Task::SweepBlobs => None,
    }
}

/// One second, doubled with each attempt, up to an hour.
fn backoff(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(12)).min(LONGEST_BACKOFF)
}
