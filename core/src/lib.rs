//! Packhouse: a software-distribution engine that other services embed.
//!
//! Users and organizations own repositories of packages; publishers upload files of versions,
//! publish them, and decide who may download what. This crate is the engine: names, the model,
//! access, and the use cases, written against two ports, [`store::Store`] for records and
//! [`blobs::BlobStore`] for bytes. It knows no HTTP, SQL or files, and reads no clock, randomness
//! or environment: a host hands them in as [`Ports`].
//!
//! A service embeds it by building a [`Packhouse`], authenticating a caller
//! ([`access::authenticate`]) and calling the use cases: [`users`], [`repositories`],
//! [`packages`], [`versions`], [`attributes`], [`uploads`], [`publishing`], [`files`],
//! [`downloads`]. The [`jobs::Runner`] does the work in the background.

pub mod access;
pub mod archives;
pub mod blobs;
mod crypto;
mod digests;
mod engine;
mod error;
pub mod geo;
mod hex;
pub mod jobs;
pub mod memory;
pub mod model;
pub mod names;
pub mod networks;
pub mod openpgp;
pub mod outbound;
pub mod ports;
pub mod store;
mod time;
mod usecases;
mod work;

pub use engine::{Limits, Packhouse, Ports};
pub use error::{Error, ErrorKind, Noun, PendingEula, Result};
pub use time::Timestamp;
pub use usecases::{
    Listed, ListedNames, PackageNames, Paging, access_keys, attributes, downloads, entitlements,
    eulas, explain, explodes, files, folders, followers, gpg_keys, health, licenses, maven,
    members, organizations, packages, permissions, products, publishing, repositories,
    restrictions, search, signed_urls, subjects, teams, uploads, users, versions,
};
