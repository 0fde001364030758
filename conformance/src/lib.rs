//! Suites that every `Store` and `BlobStore` must pass, the in-memory ones too.
//!
//! A backend's test file calls [`store_suite!`] or [`blob_suite!`] with the name of an async
//! function that makes an empty backend; every case becomes a test of its own. The suites are
//! not part of the stability promise: a new version may demand more.

pub mod blobs;
pub mod store;
