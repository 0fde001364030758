//! The small ports: what core needs of its surroundings besides records and bytes.
//!
//! Core reads no clock, no randomness and no environment; a host hands them in, and a test sets
//! them.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Gives unpredictable bytes. Keys are made of them: a real host uses the operating system's
/// generator.
pub trait Random: Debug + Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// A piece of work that may block or compute for long.
pub type BlockingJob = Box<dyn FnOnce() + Send>;

/// What core needs of an asynchronous runtime.
pub trait Runtime: Debug + Send + Sync {
    /// Starts the job at once, where it does not hold up other tasks. The future is done when the
    /// job is; dropping it does not stop the job.
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()>;

    /// Waits for a future, within a blocking job: the bridge from code that can only block.
    fn wait_for(&self, future: BoxFuture<'_, ()>);

    /// Waits for this long.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
