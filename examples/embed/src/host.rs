//! What a host hands to the engine besides records and bytes: a clock, randomness, a runtime.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, FutureExt};
use packhouse_core::Timestamp;
use packhouse_core::ports::{BlockingJob, Clock, Random, Runtime};

/// The system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's generator.
#[derive(Debug)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // Keys are made of these bytes: without them nothing can go on.
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}

/// Tokio.
#[derive(Debug)]
pub(crate) struct Tokio;

impl Runtime for Tokio {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        let job = tokio::task::spawn_blocking(job);
        // A job that panicked gives nothing back, which its caller notices.
        async move { drop(job.await) }.boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        // Called within a blocking job, so that no worker is held up.
        tokio::runtime::Handle::current().block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}
