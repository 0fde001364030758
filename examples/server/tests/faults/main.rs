//! The engine behind its router, over backends that fail and under a collector that never rests.

// Clippy knows test functions, not the helpers that they share.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod collection;
mod installation;
mod scenarios;
mod sweep;
mod ways;
