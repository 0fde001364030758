//! The use cases: what can be asked of a Packhouse, one module a noun.
//!
//! Each starts by turning names into a permit, reads, decides and commits. No HTTP, no wire form.

pub mod access_keys;
pub mod attributes;
mod callbacks;
pub(crate) mod deletion;
pub mod downloads;
pub mod entitlements;
pub mod eulas;
pub mod explain;
pub mod explodes;
pub mod files;
pub mod folders;
pub mod followers;
mod given;
pub mod gpg_keys;
pub mod health;
pub mod licenses;
mod listing;
pub mod maven;
pub mod members;
mod naming;
pub mod organizations;
pub mod packages;
mod patch;
pub mod permissions;
pub mod products;
pub mod publishing;
pub mod repositories;
pub mod restrictions;
pub mod search;
mod sidecars;
pub mod signed_urls;
mod signers;
mod spool;
pub mod subjects;
mod target;
pub mod teams;
mod texts;
pub mod uploads;
pub mod users;
pub(crate) mod verified;
pub mod versions;
mod windows;

pub use listing::{Listed, ListedNames, PackageNames, Paging};
