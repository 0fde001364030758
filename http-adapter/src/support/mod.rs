//! What the dialects share: reading paths, parameters, bodies, ranges and conditions of requests,
//! and the serving of a file.
//!
//! Only what at least two dialects need, and nothing that knows a route. `serving` alone knows
//! a resource and its use case: files are the same under every dialect.

pub(crate) mod address;
pub mod conditional;
pub(crate) mod content_type;
pub(crate) mod credentials;
pub(crate) mod disposition;
pub(crate) mod json;
pub(crate) mod multipart;
pub mod path;
pub(crate) mod query;
pub mod ranges;
pub(crate) mod reply;
pub(crate) mod serving;
pub(crate) mod sites;
