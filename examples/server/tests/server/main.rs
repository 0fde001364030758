//! The server as its clients meet it: deadlines, faults, shutdown, and the program itself.

// Clippy knows test functions, not the helpers that they share.
#![allow(clippy::unwrap_used)]

mod deadlines;
mod faults;
mod jobs;
mod program;
mod support;
