//! Claims due jobs and runs them, one after another.

use std::future::Future;
use std::ops::Bound;
use std::time::Duration;

use futures::future::{self, Either};

use super::{collect, sweep};
use crate::access::{Caller, Platform, SystemCaller, act};
use crate::engine::Packhouse;
use crate::model::Form;
use crate::model::jobs::{Job, Task};
use crate::store::{Direction, Filter, KeyRange, Order, Query, Start, TermValue};
use crate::usecases::deletion::{self, Deletion};
use crate::work::decode;
use crate::{Error, Result, model::Stored};

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
}

/// How long a job is its runner's before another may take it.
const LEASE: Duration = Duration::from_secs(600);
/// How long [`Runner::run`] waits when nothing is due.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait before a job that failed is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);
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
        self.change(
            |job: Option<Job>, now| match job {
                Some(_) => None,
                None => {
                    let due = now.after(self.packhouse.limits().sweep_every);
                    let id = SWEEP.to_owned();
                    Some(Job { form: Form, id, task: Task::SweepBlobs, due, attempts: 0 }.into())
                }
            },
            SWEEP,
        )
        .await
        .map(|_| ())
    }

    /// Runs jobs until `until` is done. The job that runs then is finished first. `observe` is
    /// told of each step, for the log.
    pub async fn run(&self, until: impl Future<Output = ()>, observe: impl Fn(&Step)) {
        futures::pin_mut!(until);
        loop {
            let step = self.step().await;
            let idle = !matches!(step, Ok(Step::Done(_)));
            match step {
                Ok(step) => observe(&step),
                Err(error) => observe(&Step::Failed(Task::SweepBlobs, error)),
            }
            let pause = if idle { PAUSE } else { Duration::ZERO };
            let pause = self.packhouse.runtime().sleep(pause);
            if let Either::Left(_) = future::select(until.as_mut(), pause).await {
                return;
            }
        }
    }

    /// Runs one due job, if there is one.
    ///
    /// # Errors
    /// When the store cannot answer; what goes wrong in the job itself is [`Step::Failed`].
    pub async fn step(&self) -> Result<Step> {
        let Some(job) = self.claim().await? else { return Ok(Step::Idle) };
        match self.perform(&job).await {
            Ok(()) => {
                self.finish(&job).await?;
                Ok(Step::Done(job.task))
            }
            Err(error) => {
                self.put_off(&job, backoff(job.attempts)).await?;
                Ok(Step::Failed(job.task, error))
            }
        }
    }

    /// Takes the job that has been due for longest.
    async fn claim(&self) -> Result<Option<Job>> {
        let Some(due) = self.longest_due().await? else { return Ok(None) };
        self.change(
            |job, now| {
                let job = job.filter(|job| *job == due)?;
                let (due, attempts) = (now.after(LEASE), job.attempts + 1);
                Some(Next::Put(Job { due, attempts, ..job }))
            },
            &due.id,
        )
        .await
    }

    /// The job that has been due for longest. One that this program cannot read (a later program
    /// put it, say) does not hold up those behind it; it is told of when nothing else is due.
    async fn longest_due(&self) -> Result<Option<Job>> {
        let now = TermValue::instant(self.packhouse.now());
        let mut query = Query::within(KeyRange::within(Job::KIND, []))
            .filter(Filter::Between(Job::DUE, Bound::Unbounded, Bound::Included(now)))
            .order(Order::Term(Job::DUE, Direction::Ascending))
            .limit(1);
        let mut unreadable = None;
        loop {
            let page = self.packhouse.select(&query).await?;
            let next = page.next.clone();
            match page.into_records().next().map(|record| decode::<Job>(&record)) {
                Some(Ok(job)) => return Ok(Some(job)),
                Some(Err(error)) => unreadable = unreadable.or(Some(error)),
                None => {}
            }
            match next {
                Some(cursor) => query = query.start(Start::After(cursor)),
                None => return unreadable.map_or(Ok(None), Err),
            }
        }
    }

    async fn perform(&self, job: &Job) -> Result<()> {
        match &job.task {
            Task::FinishDeletion(doomed) => {
                let deletion = Deletion { job: job.id.clone(), doomed: doomed.clone() };
                deletion::finish(&self.packhouse, &deletion).await
            }
            Task::CondemnBlobs(ids) => collect::condemn(&self.packhouse, ids).await,
            Task::RemoveBlobs(ids) => collect::remove(&self.packhouse, ids).await,
            Task::SweepBlobs => sweep::sweep(&self.packhouse).await,
        }
    }

    /// Forgets a job that is done, unless it was put anew meanwhile. The sweep comes back.
    async fn finish(&self, done: &Job) -> Result<()> {
        if done.task == Task::SweepBlobs {
            let anew = Job { attempts: 0, ..done.clone() };
            return self.replace(done, anew, self.packhouse.limits().sweep_every).await;
        }
        let delete = |job: Option<Job>, _| job.filter(|job| job == done).map(|_| Next::Delete);
        self.change(delete, &done.id).await.map(|_| ())
    }

    async fn put_off(&self, job: &Job, wait: Duration) -> Result<()> {
        self.replace(job, job.clone(), wait).await
    }

    /// Puts `next`, due after `wait`, where `job` still is as it was claimed.
    async fn replace(&self, job: &Job, next: Job, wait: Duration) -> Result<()> {
        let later = |held: Option<Job>, now: crate::Timestamp| {
            let next = Job { due: now.after(wait), ..next.clone() };
            held.filter(|held| held == job).map(|_| Next::Put(next))
        };
        self.change(later, &job.id).await.map(|_| ())
    }

    /// Changes the job of an id as `next` says, if it says anything, and gives it back.
    async fn change(
        &self,
        next: impl Fn(Option<Job>, crate::Timestamp) -> Option<Next> + Send + Sync,
        id: &str,
    ) -> Result<Option<Job>> {
        let (janitor, next) = (Caller::system(SystemCaller::Janitor), &next);
        self.packhouse
            .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
                let job = work.find(Job::key_of(id)).await?;
                match next(job, work.now()) {
                    Some(Next::Put(job)) => {
                        work.put(&permit, &job);
                        Ok(Some(job))
                    }
                    Some(Next::Delete) => {
                        work.delete(&permit, Job::key_of(id));
                        Ok(None)
                    }
                    None => Ok(None),
                }
            })
            .await
    }
}

/// What becomes of a job.
enum Next {
    Put(Job),
    Delete,
}

impl From<Job> for Next {
    fn from(job: Job) -> Self {
        Self::Put(job)
    }
}

/// One second, doubled with each attempt, up to an hour.
fn backoff(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(12)).min(LONGEST_BACKOFF)
}
