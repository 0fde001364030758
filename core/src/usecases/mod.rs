//! The use cases: what can be asked of a Packhouse, one module a noun.
//!
//! Each starts by turning names into a permit, reads, decides and commits. No HTTP, no wire form.

pub mod attributes;
pub(crate) mod deletion;
pub mod downloads;
pub mod explodes;
pub mod files;
pub mod folders;
pub mod health;
mod listing;
pub mod maven;
mod naming;
pub mod packages;
mod patch;
pub mod publishing;
pub mod repositories;
pub mod search;
mod sidecars;
pub mod signed_urls;
mod spool;
mod target;
mod texts;
pub mod uploads;
pub mod users;
pub(crate) mod verified;
pub mod versions;
mod windows;

pub use listing::{Listed, Paging};
