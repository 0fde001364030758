//! The adapter through its public surface: the real router, whole requests and whole answers.
//!
//! One module an aspect. What they share is `app`: an installation with a clock that a test sets,
//! randomness that repeats, and backends that can be exchanged.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

#[path = "http/app/mod.rs"]
mod app;
#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/caching.rs"]
mod caching;
#[path = "http/coverage.rs"]
mod coverage;
#[path = "http/credentials.rs"]
mod credentials;
#[path = "http/downloading.rs"]
mod downloading;
#[path = "http/files.rs"]
mod files;
#[path = "http/hidden.rs"]
mod hidden;
#[path = "http/management.rs"]
mod management;
#[path = "http/mutations.rs"]
mod mutations;
#[path = "http/openapi.rs"]
mod openapi;
#[path = "http/packages.rs"]
mod packages;
#[path = "http/paging.rs"]
mod paging;
#[path = "http/paths.rs"]
mod paths;
#[path = "http/publishing.rs"]
mod publishing;
#[path = "http/repositories.rs"]
mod repositories;
#[path = "http/uploading.rs"]
mod uploading;
#[path = "http/versions.rs"]
mod versions;
