//! The small ports for tests of distribution logic: a clock that the test sets, randomness that
//! repeats, a runtime that does everything at once.
//!
//! For tests only: anyone can guess the keys that [`SeededRandom`] makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};

use super::{MemoryBlobs, MemoryStore};
use crate::access::Secret;
use crate::archives::{
    ArchiveError, ArchiveErrorKind, ArchiveLimits, ArchiveReader, ArchiveSource, Archives,
};
use crate::geo::NoLocator;
use crate::openpgp::NoOpenPgp;
use crate::outbound::NoOutbound;
use crate::ports::{BlockingJob, Clock, Random, Runtime};
use crate::{Ports, Timestamp};

/// A clock that stands still until it is set. Clones show the same time.
#[derive(Clone, Debug)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_225_600_000)))
    }

    /// Sets it forward.
    pub fn advance(&self, by: Duration) {
        let now = self.now().after(by);
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Sets it back.
    pub fn set_back(&self, by: Duration) {
        let now = self.now().before(by);
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for SetClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The same bytes in every run, and never the same twice in one.
#[derive(Debug, Default)]
pub struct SeededRandom(AtomicU64);

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            // Splitmix64.
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Runs jobs where it is called, and sleeps by letting every other task go first, once.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineRuntime;

impl Runtime for InlineRuntime {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        job();
        future::ready(()).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        block_on(future);
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        let mut aside = false;
        future::poll_fn(move |context| {
            if aside {
                return Poll::Ready(());
            }
            aside = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .boxed()
    }
}

/// Waits for a future where it is called. For [`Runtime::wait_for`] of runtimes that run jobs
/// where they are called.
pub fn block_on(mut future: BoxFuture<'_, ()>) {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}

/// Knows no format of archives.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoArchives;

impl Archives for NoArchives {
    fn open(
        &self,
        _source: Box<dyn ArchiveSource>,
        _limits: ArchiveLimits,
    ) -> Result<Box<dyn ArchiveReader>, ArchiveError> {
        let reason = "no format of archives is known here".to_owned();
        Err(ArchiveError { kind: ArchiveErrorKind::Refused, entry: None, reason, source: None })
    }
}

impl Ports {
    /// Everything in memory, by a clock that the test sets.
    #[must_use]
    pub fn in_memory(clock: &SetClock) -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            blobs: Arc::new(MemoryBlobs::new(Arc::new(clock.clone()))),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SeededRandom::default()),
            archives: Arc::new(NoArchives),
            outbound: Arc::new(NoOutbound),
            geo: Arc::new(NoLocator),
            openpgp: Arc::new(NoOpenPgp),
            runtime: Arc::new(InlineRuntime),
            secret: Secret::new([7; 32]),
        }
    }
}
