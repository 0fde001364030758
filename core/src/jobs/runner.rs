//! Claims due jobs and runs them: one after another, but for calls, which wait for others.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, Either, Shared};
use futures::stream::{FuturesUnordered, StreamExt};

use super::due::{blobs_of, longest_due};
use super::{calls, collect, sweep};
use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::model::jobs::{Job, Lane, Task};
use crate::model::{Form, SubjectId};
use crate::usecases::access_keys::{self, Forgetting};
use crate::usecases::deletion::{self, Deletion};
use crate::usecases::products;
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
    /// This failed, and will be tried again later. The job is as it was when it was begun.
    Failed(Job, Error),
    /// The store could not be asked.
    Stalled(Error),
}

/// How long a job is its runner's before another may take it.
const LEASE: Duration = Duration::from_secs(600);
/// How long [`Runner::run`] waits when nothing is due.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait before a job that failed is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);
/// How many calls run at once.
const CALLS_AT_ONCE: usize = 16;
/// How many of them for one subject, so that a slow receiver is waited for by its own calls alone.
const CALLS_FOR_ONE: usize = 2;
/// The id of the one sweep.
const SWEEP: &str = "sweep_blobs";

/// Ready when no other job is to be begun.
type Ended = Shared<future::Map<oneshot::Receiver<()>, fn(Result<(), oneshot::Canceled>)>>;

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

    /// Runs jobs until `until` is done. Those that run then are finished first. `observe` is told
    /// of each step, for the log.
    pub async fn run(&self, until: impl Future<Output = ()>, observe: impl Fn(&Step)) {
        let (go_on, ended) = oneshot::channel();
        let ended: Ended = ended.map((|_| ()) as fn(_)).shared();
        let end = async move {
            until.await;
            drop(go_on);
        };
        let (chores, calls) = (self.work_off(ended.clone(), &observe), self.call(ended, &observe));
        futures::join!(end, chores, calls);
    }

    /// Runs all but calls, one after another.
    async fn work_off(&self, ended: Ended, observe: &impl Fn(&Step)) {
        while ended.peek().is_none() {
            let step = self.step_in(&[Lane::Deletions, Lane::Chores]).await;
            let step = step.unwrap_or_else(Step::Stalled);
            observe(&step);
            let pause = if matches!(step, Step::Done(_)) { Duration::ZERO } else { PAUSE };
            future::select(ended.clone(), self.packhouse.runtime().sleep(pause)).await;
        }
    }

    /// Makes calls, several at once.
    async fn call(&self, ended: Ended, observe: &impl Fn(&Step)) {
        let mut running = Running::default();
        while ended.peek().is_none() {
            if let Err(error) = self.begin_calls(&mut running).await {
                observe(&Step::Stalled(error));
            }
            let pause = future::select(ended.clone(), self.packhouse.runtime().sleep(PAUSE));
            let done = pin!(running.next());
            // The end is looked for first, however fast calls are over.
            if let Either::Right((step, _)) = future::select(pause, done).await {
                observe(&step);
            }
        }
        while !running.steps.is_empty() {
            observe(&running.next().await);
        }
    }

    /// Begins as many calls as may run.
    async fn begin_calls<'a>(&'a self, running: &mut Running<'a>) -> Result<()> {
        while running.steps.len() < CALLS_AT_ONCE {
            let jobs = self.claim(Lane::Calls, &running.busy()).await?;
            let Some(Task::Call(call)) = jobs.first().map(|job| &job.task) else { break };
            let of = call.subject_id;
            running.subjects.push(of);
            running.steps.push(self.run_claimed(jobs).map(move |step| (of, step)).boxed());
        }
        Ok(())
    }

    /// Runs one due job, if there is one: a deletion before all others, and a call after them; or
    /// several at once that are about blobs, so that collecting them keeps up with many small
    /// changes.
    ///
    /// # Errors
    /// When the store cannot answer; what goes wrong in the job itself is [`Step::Failed`].
    pub async fn step(&self) -> Result<Step> {
        self.step_in(&[Lane::Deletions, Lane::Chores, Lane::Calls]).await
    }

    /// Runs what is due in the first of the lanes that has anything.
    async fn step_in(&self, lanes: &[Lane]) -> Result<Step> {
        let mut unreadable = None;
        for lane in lanes {
            match self.claim(*lane, &[]).await {
                Ok(jobs) if jobs.is_empty() => {}
                Ok(jobs) => return self.run_claimed(jobs).await,
                // What cannot be read in one lane does not hold up another.
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
        unreadable.map_or(Ok(Step::Idle), Err)
    }

    async fn run_claimed(&self, jobs: Vec<Job>) -> Result<Step> {
        let Some(task) = merged(&jobs) else { return Ok(Step::Idle) };
        match self.perform(&jobs[0], &task).await {
            Ok(()) => {
                self.finish(&jobs).await?;
                Ok(Step::Done(task))
            }
            Err(error) => {
                let wait = backoff(jobs[0].attempts);
                self.change(&jobs, |job, now| Some(Job { due: now.after(wait), ..job })).await?;
                Ok(Step::Failed(Job { task, ..jobs[0].clone() }, error))
            }
        }
    }

    /// Takes the job of a lane that has been due for longest, and others that can be done with it.
    /// Calls for the subjects in `without` are left.
    async fn claim(&self, lane: Lane, without: &[SubjectId]) -> Result<Vec<Job>> {
        let due = longest_due(&self.packhouse, lane, without).await?;
        self.change(&due, |job, now| {
            Some(Job { due: now.after(LEASE), attempts: job.attempts + 1, ..job })
        })
        .await
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

/// Calls that run.
#[derive(Default)]
struct Running<'a> {
    steps: FuturesUnordered<BoxFuture<'a, (SubjectId, Result<Step>)>>,
    /// For whom, once for each call.
    subjects: Vec<SubjectId>,
}

impl Running<'_> {
    /// Those for whom as many run as may.
    fn busy(&self) -> Vec<SubjectId> {
        let all: BTreeSet<SubjectId> = self.subjects.iter().copied().collect();
        let count = |id| self.subjects.iter().filter(|other| **other == id).count();
        all.into_iter().filter(|id| count(*id) >= CALLS_FOR_ONE).collect()
    }

    /// The next that is over; none while none runs.
    async fn next(&mut self) -> Step {
        let Some((of, step)) = self.steps.next().await else { return future::pending().await };
        if let Some(at) = self.subjects.iter().position(|id| *id == of) {
            self.subjects.swap_remove(at);
        }
        step.unwrap_or_else(Step::Stalled)
    }
}

/// One second, doubled with each attempt, up to an hour.
fn backoff(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(12)).min(LONGEST_BACKOFF)
}
