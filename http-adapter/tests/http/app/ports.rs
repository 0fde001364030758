//! A runtime that computes where it is called.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use packhouse_core::ports::{BlockingJob, Runtime};

/// Runs jobs where it is called; sleeps as long as it is asked to.
#[derive(Debug)]
pub(super) struct TestRuntime;

impl Runtime for TestRuntime {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        job();
        futures::future::ready(()).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        packhouse_core::memory::block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}
