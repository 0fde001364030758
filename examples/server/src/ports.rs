//! The engine's small ports on a real machine: its clock, its randomness, its runtime.
//!
//! It must hold no other port: records and bytes have crates of their own.

use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use packhouse_core::Timestamp;
use packhouse_core::ports::{BlockingJob, Clock, Random, Runtime};
use tokio::runtime::Handle;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    ///
    /// Where the operating system gives no random bytes: a key made without them would be a
    /// guessable one.
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}

/// Tokio: blocking jobs on its pool, and its timer.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
}

impl TokioRuntime {
    /// The runtime that a handle stands for.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Runtime for TokioRuntime {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        let running = self.handle.spawn_blocking(job);
        // A job that panics has said so through the panic hook, and its caller misses its result.
        async move { drop(running.await) }.boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        // Called within a blocking job, so that no worker is held up.
        self.handle.block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // The timer is taken from the handle, so that any executor may wait on it.
        let _entered = self.handle.enter();
        tokio::time::sleep(duration).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_clock_is_past_2020_and_random_bytes_differ() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_577_836_800_000));
        let (mut one, mut two) = ([0; 32], [0; 32]);
        OsRandom.fill(&mut one);
        OsRandom.fill(&mut two);
        assert_ne!(one, two);
    }

    #[test]
    fn a_job_and_a_sleep_can_be_awaited_outside_tokio() {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let runtime = TokioRuntime::new(tokio.handle().clone());
        let ran = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&ran);
        futures::executor::block_on(async {
            runtime.run_blocking(Box::new(move || mark.store(true, Ordering::Release))).await;
            runtime.sleep(Duration::from_millis(5)).await;
        });
        assert!(ran.load(Ordering::Acquire));
    }

    #[test]
    fn a_job_that_panics_ends_its_future() {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let runtime = TokioRuntime::new(tokio.handle().clone());
        tokio.block_on(runtime.run_blocking(Box::new(|| panic!("on purpose"))));
    }
}
