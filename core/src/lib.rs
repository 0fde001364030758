//! Packhouse: a software-distribution engine that other services embed.

pub mod blobs;
pub mod memory;
pub mod ports;
pub mod store;
mod time;

pub use time::Timestamp;
