//! Work in the background: jobs are put in the same batch as what causes them.
//!
//! A job is claimed by a commit, with a lease that ends; it runs at least once, and each is safe to
//! repeat. Deletions come before all others, and calls to addresses that users gave run beside
//! them, a few at once. A host runs a [`Runner`] and owns its thread and its end; a test calls
//! [`Runner::step`] until nothing is due.

mod calls;
mod collect;
mod due;
mod runner;
mod sweep;

use std::future::Future;
use std::time::Duration;

use crate::access::{Caller, Changes, Permit, Platform, PlatformPlace, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::model::Form;
use crate::model::jobs::{Job, Task};
use crate::work::Work;
use crate::{Result, Timestamp, hex};

pub use calls::Queued;
pub(crate) use calls::{API_KEY, put_call};
pub use runner::{Runner, Step};

/// The proof that the janitor may remove what is left of something.
pub(crate) type Janitor = Permit<act::Delete, PlatformPlace>;

/// How long a job is left to the request that put it, where that does not hand it over. A request
/// that takes longer is helped by the runner: each piece is removed by one of them.
const REQUEST_LEASE: Duration = Duration::from_secs(60);

/// Commits what is planned by the janitor, again and again until it is the last of it: what is too
/// much for one commit.
pub(crate) async fn piece_by_piece<F, D>(packhouse: &Packhouse, plan_some: F) -> Result<()>
where
    F: Fn(Janitor, Work) -> D + Send + Sync,
    D: Future<Output = Result<bool>> + Send,
{
    let janitor = Caller::system(SystemCaller::Janitor);
    while !packhouse.change::<act::Delete, _, _, _, _>(&janitor, &Platform, &plan_some).await? {}
    Ok(())
}

/// Works off a job in the request that put it. The commit that put the job is what the caller is
/// answered for: what fails here is left to the job, and logged by its runner if it fails there.
pub(crate) async fn work_off(
    packhouse: &Packhouse,
    job: &str,
    work: impl Future<Output = Result<()>>,
) {
    if work.await.is_err() {
        // A store that refuses this too hands it over when the job is due by itself.
        let _ = hand_over(packhouse, job).await;
    }
}

/// Makes a job due that was left to its request, unless a runner has it.
async fn hand_over(packhouse: &Packhouse, job: &str) -> Result<()> {
    let janitor = Caller::system(SystemCaller::Janitor);
    packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            if let Some(job) = work.find::<Job>(Job::key_of(job)).await?
                && job.attempts == 0
            {
                work.put(&permit, &Job { due: work.now(), ..job });
            }
            Ok(())
        })
        .await
}

/// A job that is left for a while to the request that puts it.
pub(crate) fn left_to_request(work: &Work, task: Task) -> Job {
    new(work, task, work.now().after(REQUEST_LEASE))
}

/// A job with an id of its own.
pub(crate) fn new(work: &Work, task: Task, due: Timestamp) -> Job {
    Job { form: Form, id: hex::encode(&work.random_bytes()), task, due, attempts: 0 }
}

/// Plans a look at blobs that may have lost their last reference.
pub(crate) fn condemn<A: Changes, P>(work: &Work, permit: &Permit<A, P>, mut blobs: Vec<BlobId>) {
    // Files of one content share a blob.
    blobs.sort();
    blobs.dedup();
    let job = new(work, Task::CondemnBlobs(blobs), work.now());
    work.put(permit, &job);
}
