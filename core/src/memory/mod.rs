//! Backends and small ports in memory, for tests and for programs that need to keep nothing.
//!
//! The backends pass the same conformance suites as the durable ones, and say what the ports mean
//! in the fewest lines. A test of distribution logic starts with
//! `Packhouse::new(Ports::in_memory(&clock), Limits::default())` and a [`SetClock`].

mod blobs;
mod ports;
mod store;

pub use blobs::MemoryBlobs;
pub use ports::{InlineRuntime, NoArchives, SeededRandom, SetClock, block_on};
pub use store::MemoryStore;
