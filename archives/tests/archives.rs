//! The decoders through their port.

#![allow(clippy::print_stdout, reason = "the tests tell figures, and what was skipped")]

#[path = "suite/bombs.rs"]
mod bombs;
#[path = "suite/corpus.rs"]
mod corpus;
#[path = "suite/differential.rs"]
mod differential;
#[path = "suite/exploding.rs"]
mod exploding;
#[path = "suite/reading.rs"]
mod reading;
#[path = "suite/support.rs"]
mod support;
