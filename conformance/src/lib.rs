//! Suites that every `Store` and `BlobStore` must pass, the in-memory ones too, and faults to test
//! with.
//!
//! A backend's test file calls [`store_suite!`] or [`blob_suite!`] with the name of an async
//! function that makes an empty backend; every case becomes a test of its own. The suites are
//! not part of the stability promise: a new version may demand more.
//!
//! [`faults`] has wrappers of both ports that fail when they are told to.

pub mod blobs;
pub mod faults;
pub mod store;
