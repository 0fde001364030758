//! The threads that read: some for records by key, some for queries, so that a long search never
//! holds up a download.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use packhouse_core::store::{Key, Page, Query, Record, StoreError, StoreErrorKind};

use crate::fault::Outcome;
use crate::queue::{Queue, Taken};
use crate::recent::Recent;
use crate::records::Reader;
use crate::search::{self, Share};

/// How long a thread sleeps when nothing wakes it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The most keys that are read for several callers in one snapshot.
const KEYS_TOGETHER: usize = 64;

/// What is being done, for errors.
const CONTEXT: &str = "read records";

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Records to read by key.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) keys: Vec<Key>,
    pub(crate) answer: Answer<Vec<Option<Record>>>,
}

/// What those do who search.
#[derive(Debug)]
pub(crate) enum Search {
    Select(Box<Select>),
    /// Take part in what another one does.
    Help(Arc<Share>),
}

/// A query to answer.
#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) query: Query,
    pub(crate) asked: Instant,
    pub(crate) answer: Answer<Page>,
}

/// Serves reads until the queue is closed.
pub(crate) fn reads(mut reader: Reader, queue: &Queue<Read>, recent: &Recent) {
    loop {
        match queue.take(KEYS_TOGETHER, PATIENCE, |read| read.keys.len()) {
            Taken::Jobs(jobs) => read_together(&mut reader, jobs, recent),
            Taken::Idle => {}
            Taken::Closed => break,
        }
    }
}

/// All of these were asked before the snapshot begins, so that one snapshot does for all.
fn read_together(reader: &mut Reader, mut jobs: Vec<Read>, recent: &Recent) {
    jobs.retain(|job| !job.answer.is_canceled());
    let began = recent.begin_read();
    let keys = || jobs.iter().flat_map(|job| &job.keys);
    let found: Outcome<Vec<_>> = match keys().count() {
        // One statement is one snapshot.
        1 => keys().map(|key| reader.find(key)).collect(),
        _ => reader.in_snapshot(|reader| keys().map(|key| reader.find(key)).collect()),
    };
    match found {
        Ok(found) => {
            for (key, record) in keys().zip(&found) {
                recent.put(began, key, record.as_ref());
            }
            let mut found = found.into_iter();
            for job in jobs {
                let own = found.by_ref().take(job.keys.len()).collect();
                answer(job.answer, Ok(own), CONTEXT);
            }
        }
        Err(fault) => match <[Read; 1]>::try_from(jobs) {
            Ok([job]) => answer(job.answer, Err(fault), CONTEXT),
            // What is wrong with one record must not hit those who read others.
            Err(jobs) => jobs.into_iter().for_each(|job| read_together(reader, vec![job], recent)),
        },
    }
}

/// Serves queries until the queue is closed. `limit` is how long one may wait, and how long it may
/// take.
pub(crate) fn selects(mut reader: Reader, queue: &Queue<Search>, limit: Duration) {
    loop {
        match queue.take(1, PATIENCE, |_| 1) {
            Taken::Jobs(jobs) => {
                for job in jobs {
                    match job {
                        Search::Select(job) => select(&mut reader, *job, queue, limit),
                        Search::Help(share) => {
                            let is_idle = || !queue.has(|job| matches!(job, Search::Select(_)));
                            search::help(&mut reader, &share, is_idle);
                        }
                    }
                }
            }
            Taken::Idle => {}
            Taken::Closed => break,
        }
    }
}

fn select(reader: &mut Reader, job: Select, queue: &Queue<Search>, limit: Duration) {
    if job.answer.is_canceled() {
        return;
    }
    if job.asked.elapsed() > limit {
        let error = StoreErrorKind::Unavailable.because("too many queries at once");
        drop(job.answer.send(Err(error)));
        return;
    }
    let offer = |share: &Arc<Share>| queue.offer(Search::Help(Arc::clone(share)));
    let select = |reader: &mut Reader| search::select(reader, &job.query, &offer);
    let page = reader.in_snapshot_within(limit, select);
    answer(job.answer, page, "answer a query");
}

fn answer<T>(to: Answer<T>, result: Outcome<T>, context: &str) {
    // Whoever asked may be gone.
    drop(to.send(result.map_err(|fault| fault.within(context))));
}
