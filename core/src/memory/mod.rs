//! Backends in memory, for tests and for programs that need to keep nothing.
//!
//! They pass the same conformance suites as the durable ones, and say what the ports mean in the
//! fewest lines.

mod blobs;
mod store;

pub use blobs::MemoryBlobs;
pub use store::MemoryStore;
