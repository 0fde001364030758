//! Packhouse records on SQLite: a [`Store`] in one file.
//!
//! One thread writes and groups the batches that wait into one durable commit; a few read by key, a
//! few answer queries (but those for the names in a short range), and each scan has one of its own.
//! `schema/` has the tables, `search/` how a query is answered, `write/` how a batch is applied.
//!
//! This crate knows keys, terms and queries, and nothing of packages or callers.

mod block;
mod encoding;
mod fault;
mod fields;
mod lock;
mod options;
mod queue;
mod recent;
mod records;
mod scan;
mod schema;
mod search;
mod serve;
mod texts;
mod views;
mod write;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::channel::oneshot;
use packhouse_core::store::{
    Batch, CommitError, Committed, Key, Page, Query, Record, RecordStream, Store, StoreError,
    StoreErrorKind,
};

pub use crate::options::SqliteOptions;

use crate::fault::closed;
use crate::queue::Queue;
use crate::recent::Recent;
use crate::records::Reader;
use crate::write::{Writer, Written};

/// How long a search may hold up whoever asks; longer where programs are built for tests, and slow.
const AT_ONCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 1 });

/// A store in one SQLite database.
///
/// Dropping it finishes the batches that wait, ends the scans, and moves the log into the file.
#[derive(Debug)]
pub struct SqliteStore {
    reads: Arc<Queue<serve::Read>>,
    selects: Arc<Queue<serve::Search>>,
    writes: Arc<Queue<write::Job>>,
    scans: Arc<Queue<scan::Scan>>,
    /// What searches read with.
    searching: Arc<serve::Connections>,
    /// Tells scans that are under way.
    closed: Arc<AtomicBool>,
    written: Arc<Written>,
    recent: Arc<Recent>,
    threads: Vec<JoinHandle<()>>,
    /// Held until every thread has ended.
    _lock: File,
}

/// How much was written since the store was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriteCounts {
    /// Batches that were committed.
    pub batches: u64,
    /// Durable commits: each holds one batch or a group of them.
    pub commits: u64,
}

impl SqliteStore {
    /// Opens the store in a file, which is made if it is not there. The tables of an older version are
    /// brought forward in one transaction, which for the first version may take minutes for each million
    /// records, and as much room again as its index.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`] for the database of another program or of a newer version of
    /// this one; [`StoreErrorKind::Unavailable`] when it is open already.
    pub fn open(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| {
            StoreErrorKind::Unavailable.because("find the database").with_source(error)
        })?;
        let lock = lock::take(&path)?;
        let written = Arc::new(Written::default());
        let db = schema::open_writer(&path, options)?;
        let recent = Arc::new(Recent::new(options.recent_bytes));
        let writer = Writer::new(db, written.clone(), recent.clone(), options.carry_from)?;
        let mut store = Self {
            reads: Arc::new(Queue::new()),
            selects: Arc::new(Queue::new()),
            scans: Arc::new(Queue::new()),
            searching: Arc::new(serve::Connections::new(AT_ONCE)),
            writes: Arc::new(Queue::new()),
            closed: Arc::default(),
            written,
            recent,
            threads: Vec::new(),
            _lock: lock,
        };
        store.start(&path, writer, options)?;
        Ok(store)
    }

    fn start(
        &mut self,
        path: &Path,
        writer: Writer,
        options: &SqliteOptions,
    ) -> Result<(), StoreError> {
        let open = |cache| {
            let connection = schema::open_reader(path, cache);
            connection.map(Reader::new).map_err(|fault| fault.within("open a reader"))
        };
        let limited =
            |reader: Reader| reader.limited().map_err(|fault| fault.within("limit a reader"));
        let cache = options.cache_of_one();
        for _ in 0..options.readers.max(1) {
            let reader = open(cache)?;
            let (queue, recent) = (self.reads.clone(), self.recent.clone());
            let reads = move |queue: &Queue<_>| serve::reads(reader, queue, &recent);
            self.spawn("sqlite-read", &queue, reads)?;
        }
        for _ in 0..options.searchers.max(1) {
            self.searching.add(limited(open(cache)?)?);
            let (queue, limit) = (self.selects.clone(), options.select_limit);
            let searching = self.searching.clone();
            let selects = move |queue: &Queue<_>| serve::selects(&searching, queue, limit);
            self.spawn("sqlite-select", &queue, selects)?;
        }
        for _ in 0..options.scanners.max(1) {
            let reader = limited(open(cache / 4)?)?;
            let (limit, closed) = (options.scan_limit, self.closed.clone());
            let scans = move |queue: &Queue<_>| scan::scans(reader, queue, limit, &closed);
            self.spawn("sqlite-scan", &self.scans.clone(), scans)?;
        }
        // Last, as it is ended.
        self.spawn("sqlite-write", &self.writes.clone(), |queue| writer.run(queue))
    }

    /// How much was written since the store was opened.
    #[must_use]
    pub fn write_counts(&self) -> WriteCounts {
        WriteCounts {
            batches: self.written.batches.load(Ordering::Relaxed),
            commits: self.written.commits.load(Ordering::Relaxed),
        }
    }

    /// Starts a thread that serves a queue. Should it panic, its siblings go on; with the last one
    /// the queue is closed.
    fn spawn<T: Send + 'static>(
        &mut self,
        name: &str,
        queue: &Arc<Queue<T>>,
        work: impl FnOnce(&Queue<T>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let serving = queue.serve();
        let work = move || work(serving.queue());
        let thread = thread::Builder::new().name(name.into()).spawn(work).map_err(|error| {
            StoreErrorKind::Unavailable.because("start a thread").with_source(error)
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        self.scans.close();
        self.reads.close();
        self.selects.close();
        // The one that writes is the last, and its connection the last to be closed: it leaves no log
        // behind.
        let writer = self.threads.pop();
        // One that panicked has said so already.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
        self.searching.close();
        self.writes.close();
        writer.map(JoinHandle::join);
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(records) = self.recent.read(keys) {
            return Ok(records);
        }
        let (answer, answered) = oneshot::channel();
        let read = serve::Read { keys: keys.to_vec(), answer };
        self.reads.push(read).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        query.check()?;
        let at_once = serve::select_at_once(&self.searching, &self.selects, query);
        if let Some(page) = at_once.await {
            return page;
        }
        let (answer, answered) = oneshot::channel();
        let select = serve::Select { query: query.clone(), asked: Instant::now(), answer };
        self.selects.push(serve::Search::Select(Box::new(select))).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError> {
        query.check()?;
        scan::begin(&self.scans, query).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        batch.check()?;
        let (answer, answered) = oneshot::channel();
        let job = write::Job { batch: batch.clone(), answer };
        self.writes.push(job).map_err(|_| closed())?;
        // The thread ended while it had the batch: nobody knows how far it came.
        answered.await.map_err(|_| CommitError::Unknown(closed()))?
    }
}
