//! The threads that read: some for records by key, some for queries, so that a long search never
//! holds up a download. A very short search is answered on the thread that asks.

use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use packhouse_core::store::{Key, Page, Query, Record, StoreError, StoreErrorKind};

use crate::fault::{Fault, Outcome};
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
const SELECT: &str = "answer a query";

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
pub(crate) fn selects(connections: &Connections, queue: &Queue<Search>, limit: Duration) {
    loop {
        match queue.take(1, PATIENCE, |_| 1) {
            Taken::Jobs(jobs) => {
                for job in jobs {
                    match job {
                        Search::Select(job) => select(&mut connections.wait(), *job, queue, limit),
                        Search::Help(share) => {
                            let is_idle = || !queue.has(|job| matches!(job, Search::Select(_)));
                            // Without one it is offered again, if there is still much to do.
                            if let Some(mut reader) = connections.spare() {
                                search::help(&mut reader, &share, is_idle);
                            }
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
    answer(job.answer, page, SELECT);
}

/// How many searches are left to the threads after one that held up whoever asked for too long: the
/// disk is slow, or the processor is busy.
const REST: u32 = 64;

/// Answers a query on the thread that asks, if it is little work and nobody else searches: to wake
/// another thread and to be woken takes longer than many a search.
pub(crate) async fn select_at_once(
    connections: &Connections,
    queue: &Queue<Search>,
    query: &Query,
) -> Option<Result<Page, StoreError>> {
    let page = select_here(connections, queue, query)?;
    // Who asks again and again must not keep others from the thread.
    yield_once().await;
    Some(page)
}

/// Lets others go on that wait for the thread.
async fn yield_once() {
    let mut yielded = false;
    let once = |context: &mut Context<'_>| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    };
    poll_fn(once).await;
}

fn select_here(
    connections: &Connections,
    queue: &Queue<Search>,
    query: &Query,
) -> Option<Result<Page, StoreError>> {
    if !search::may_be_small(query) || connections.leave_one_out() {
        return None;
    }
    let mut reader = connections.alone().filter(|_| !queue.has_jobs())?;
    let (began, limit) = (Instant::now(), connections.at_once);
    let page = reader.in_snapshot_within(limit, |reader| search::select_small(reader, query));
    if began.elapsed() >= limit {
        connections.resting.store(REST, Ordering::Relaxed);
    }
    match page {
        Ok(page) => page.map(Ok),
        Err(Fault::Late) => None,
        Err(fault) => Some(Err(fault.within(SELECT))),
    }
}

/// The connections that search: as many as threads do, which have one only while they need it.
#[derive(Debug)]
pub(crate) struct Connections {
    idle: Mutex<Idle>,
    returned: Condvar,
    /// How long a search may hold up whoever asks.
    at_once: Duration,
    /// How many more searches are not answered at once.
    resting: AtomicU32,
}

#[derive(Debug, Default)]
struct Idle {
    /// The last one that was used has most in memory.
    readers: Vec<Reader>,
    /// How many somebody uses.
    lent: usize,
    /// How many threads wait for one.
    waiting: usize,
}

impl Idle {
    fn lend<'a>(&mut self, of: &'a Connections) -> Option<Borrowed<'a>> {
        let reader = self.readers.pop()?;
        self.lent += 1;
        Some(Borrowed { reader: Some(reader), of })
    }
}

impl Connections {
    /// None yet; `at_once` is how long a search may hold up whoever asks.
    pub(crate) fn new(at_once: Duration) -> Self {
        let (idle, returned, resting) = <(Mutex<Idle>, Condvar, AtomicU32)>::default();
        Self { idle, returned, at_once, resting }
    }

    pub(crate) fn add(&self, reader: Reader) {
        self.lock().readers.push(reader);
    }

    /// Closes those that nobody uses.
    pub(crate) fn close(&self) {
        self.lock().readers.clear();
    }

    /// One, if nobody uses any.
    pub(crate) fn alone(&self) -> Option<Borrowed<'_>> {
        let mut idle = self.lock();
        if idle.lent == 0 && idle.waiting == 0 { idle.lend(self) } else { None }
    }

    /// One that nobody uses or waits for.
    pub(crate) fn spare(&self) -> Option<Borrowed<'_>> {
        let mut idle = self.lock();
        if idle.waiting == 0 { idle.lend(self) } else { None }
    }

    /// One, as soon as there is one.
    pub(crate) fn wait(&self) -> Borrowed<'_> {
        let mut idle = self.lock();
        idle.waiting += 1;
        loop {
            if let Some(lent) = idle.lend(self) {
                idle.waiting -= 1;
                return lent;
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Whether this search is left to the threads, because one before it took too long.
    pub(crate) fn leave_one_out(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.resting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn give_back(&self, reader: Reader) {
        let mut idle = self.lock();
        idle.readers.push(reader);
        idle.lent -= 1;
        drop(idle);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // Nothing panics while it is locked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection until it is given back.
#[derive(Debug)]
pub(crate) struct Borrowed<'a> {
    reader: Option<Reader>,
    of: &'a Connections,
}

impl Deref for Borrowed<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader.as_ref().expect("it is there until this is dropped")
    }
}

impl DerefMut for Borrowed<'_> {
    fn deref_mut(&mut self) -> &mut Reader {
        self.reader.as_mut().expect("it is there until this is dropped")
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let Some(mut reader) = self.reader.take() else { return };
        if thread::panicking() {
            reader.abandon();
        }
        self.of.give_back(reader);
    }
}

fn answer<T>(to: Answer<T>, result: Outcome<T>, context: &str) {
    // Whoever asked may be gone.
    drop(to.send(result.map_err(|fault| fault.within(context))));
}
