//! What the dialects share: reading paths, parameters, bodies, ranges and conditions of requests.
//!
//! Only what at least two dialects need, and nothing that knows a route, a resource or a use case.

pub mod conditional;
pub(crate) mod credentials;
pub(crate) mod dates;
pub(crate) mod json;
pub mod path;
pub(crate) mod query;
pub mod ranges;
pub(crate) mod reply;
