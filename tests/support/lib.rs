//! What black-box scenarios need: the server as a process of its own, and a small HTTP client
//! that shares no code with it.

pub mod client;
pub mod random;
pub mod server;
