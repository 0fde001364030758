//! Which jobs are next.

use std::ops::Bound;

use crate::Result;
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::model::calls::Call;
use crate::model::jobs::{Job, Lane, Task};
use crate::model::{Stored, SubjectId};
use crate::store::{Direction, Filter, KeyRange, Order, Query, Start, TermValue};
use crate::work::decode;

/// About how many blobs, and how many jobs about blobs, are dealt with at once.
pub(super) const AT_ONCE: usize = 200;
/// How many are looked at for one: the first may be unreadable.
const A_FEW: usize = 4;

/// The job of a lane that has been due for longest, and what can be done with it. Calls for the
/// subjects in `without` are passed over. A job that this program cannot read (a later program put
/// it, say) does not hold up those behind it; it is told of when nothing else is due.
pub(super) async fn longest_due(
    packhouse: &Packhouse,
    lane: Lane,
    without: &[SubjectId],
) -> Result<Vec<Job>> {
    let now = TermValue::instant(packhouse.now());
    let due = Filter::Between(lane.due(), Bound::Unbounded, Bound::Included(now));
    let of = |id: &SubjectId| Filter::Is(Job::CALLS_FOR, Call::of_subject(*id));
    let left = without.iter().map(|id| Filter::Not(Box::new(of(id))));
    // Only those that can be done together are wanted together.
    let most = if lane == Lane::Chores { AT_ONCE } else { A_FEW };
    let mut query = Query::within(KeyRange::within(Job::KIND, []))
        .filter(Filter::All(std::iter::once(due).chain(left).collect()))
        .order(Order::Term(lane.due(), Direction::Ascending))
        .limit(most);
    let mut unreadable = None;
    loop {
        let page = packhouse.select(&query).await?;
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

/// The first job, with those of its kind that can be done at once.
fn together(jobs: Vec<Job>) -> Vec<Job> {
    if let Some(job) = jobs.first().filter(|job| blobs_of(&job.task).is_none()) {
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

/// The blobs that a task is about, if it can be done with others.
pub(super) fn blobs_of(task: &Task) -> Option<&Vec<BlobId>> {
    match task {
        Task::CondemnBlobs(ids) | Task::RemoveBlobs(ids) => Some(ids),
        Task::FinishDeletion(_)
        | Task::ForgetAccessKey(_)
        | Task::ForgetProduct(_)
        | Task::Call(_)
        | Task::SweepBlobs => None,
    }
}
