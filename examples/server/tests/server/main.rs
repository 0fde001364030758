//! The server as its clients meet it: deadlines, faults, shutdown, and the program itself.

// Clippy knows test functions, not the helpers that they share.
#![allow(clippy::unwrap_used)]

mod access_log;
mod agreement;
mod corpus;
mod deadlines;
mod dribblers;
mod faults;
mod jobs;
mod program;
mod raw_client;
mod raw_http;
mod splitting;
mod support;
mod views;
