//! Scans: threads of their own, because a stream may be read slowly and must keep its snapshot
//! meanwhile; no longer than the time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use futures::channel::{mpsc, oneshot};
use futures::stream::{self, StreamExt};
use packhouse_core::store::{Query, Record, RecordStream, StoreError, StoreErrorKind};

use crate::fault::{Fault, Outcome, closed};
use crate::queue::{Queue, Taken};
use crate::records::{Reader, find, key_of};
use crate::search::{self, Flow};

/// Records that are handed over at a time, and how many such chunks wait for the reader.
const CHUNK: usize = 64;
const WAITING: usize = 2;

/// How often a waiting scan looks whether the store is closed.
const GLANCE: Duration = Duration::from_millis(50);

type Chunk = Result<Vec<Record>, StoreError>;

/// A scan to run.
#[derive(Debug)]
pub(crate) struct Scan {
    query: Query,
    asked: Instant,
    begun: oneshot::Sender<Result<(), StoreError>>,
    chunks: mpsc::Sender<Chunk>,
}

/// Begins a scan; its snapshot is taken when this returns.
pub(crate) async fn begin(queue: &Queue<Scan>, query: &Query) -> Result<RecordStream, StoreError> {
    let (begun, has_begun) = oneshot::channel();
    let (chunks, received) = mpsc::channel(WAITING);
    let scan = Scan { query: query.clone(), asked: Instant::now(), begun, chunks };
    queue.push(scan).map_err(|_| closed())?;
    has_begun.await.map_err(|_| closed())??;
    let records = received.flat_map(|chunk: Chunk| {
        let (records, error) = match chunk {
            Ok(records) => (records, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        stream::iter(records.into_iter().map(Ok).chain(error.map(Err)))
    });
    Ok(records.boxed())
}

/// Runs scans until the queue is closed. `limit` is how long one may take.
pub(crate) fn scans(mut reader: Reader, queue: &Queue<Scan>, limit: Duration, closed: &AtomicBool) {
    loop {
        match queue.take(1, Duration::from_secs(3600), |_| 1) {
            Taken::Jobs(jobs) => jobs.into_iter().for_each(|scan| {
                if scan.asked.elapsed() > limit {
                    let error = StoreErrorKind::Unavailable.because("too many scans at once");
                    return drop(scan.begun.send(Err(error)));
                }
                run(&mut reader, scan, limit, closed);
            }),
            Taken::Idle => {}
            Taken::Closed => break,
        }
    }
}

fn run(reader: &mut Reader, scan: Scan, limit: Duration, closed: &AtomicBool) {
    let mut begun = Some(scan.begun);
    let deadline = Instant::now() + limit;
    let mut out = Out { chunks: scan.chunks, waiting: Vec::new(), deadline, closed };
    // Interrupted too, so that one that finds nothing ends.
    let result = reader.in_snapshot_within(limit, |reader| {
        // A snapshot begins with the first statement.
        reader.connection.query_row("SELECT 1 FROM latest", [], |_| Ok(()))?;
        if begun.take().is_some_and(|begun| begun.send(Ok(())).is_err()) {
            return Ok(());
        }
        everything(reader, &scan.query, &mut out)
    });
    if let Err(fault) = result {
        let error = fault.within("scan records");
        match begun {
            Some(begun) => drop(begun.send(Err(error))),
            None => out.end(error),
        }
    }
}

fn everything(reader: &mut Reader, query: &Query, out: &mut Out<'_>) -> Outcome<()> {
    let (connection, fields) = (&reader.connection, &mut reader.fields);
    let mut flow = Flow::Continue(());
    search::every(connection, query, out.deadline, &mut |_, key| {
        let record = find(connection, fields, &key_of(key)?)?;
        flow = out.give(record.ok_or(Fault::Malformed("an index row"))?);
        Ok(flow)
    })?;
    if flow.is_continue() {
        // Whether the last records are wanted changes nothing any more.
        let _ = out.flush();
    }
    Ok(())
}

/// Where the records go.
struct Out<'a> {
    chunks: mpsc::Sender<Chunk>,
    waiting: Vec<Record>,
    deadline: Instant,
    closed: &'a AtomicBool,
}

impl Out<'_> {
    fn give(&mut self, record: Record) -> Flow {
        self.waiting.push(record);
        if self.waiting.len() < CHUNK { Flow::Continue(()) } else { self.flush() }
    }

    /// Hands over what waits; ends the scan when nobody takes it in time.
    fn flush(&mut self) -> Flow {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if self.closed.load(Ordering::Relaxed) {
                self.end(closed());
                return Flow::Break(());
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.end(
                    StoreErrorKind::Unavailable.because("the scan took longer than its limit"),
                );
                return Flow::Break(());
            }
            match self.chunks.poll_ready(&mut context) {
                Poll::Ready(Ok(())) => {
                    let chunk = std::mem::take(&mut self.waiting);
                    return match self.chunks.start_send(Ok(chunk)) {
                        Ok(()) => Flow::Continue(()),
                        Err(_) => Flow::Break(()),
                    };
                }
                // The stream was dropped.
                Poll::Ready(Err(_)) => return Flow::Break(()),
                Poll::Pending => thread::park_timeout(left.min(GLANCE)),
            }
        }
    }

    /// Gives the error as the last item.
    fn end(&mut self, error: StoreError) {
        // Every sender has room for one item of its own, and this is a new one.
        drop(self.chunks.clone().try_send(Err(error)));
    }
}

/// Wakes a thread that waits for the stream's reader.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
