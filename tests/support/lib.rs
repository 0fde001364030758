//! What black-box scenarios need: the server as a process of its own, and a small HTTP client
//! that shares no code with it. Some of it other tests use too.

pub mod client;
pub mod content;
pub mod random;
pub mod server;
pub mod settings;
