//! The adapter through its public surface: the real router, whole requests and whole answers.
//!
//! One module an aspect. What they share is `app`: an installation with a clock that a test sets,
//! randomness that repeats, and backends that can be exchanged.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

#[path = "http/access_keys.rs"]
mod access_keys;
#[path = "http/agreement.rs"]
mod agreement;
#[path = "http/app/mod.rs"]
mod app;
#[path = "http/attributes.rs"]
mod attributes;
#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/caching.rs"]
mod caching;
#[path = "http/coverage/mod.rs"]
mod coverage;
#[path = "http/coverage_callers.rs"]
mod coverage_callers;
#[path = "http/credentials.rs"]
mod credentials;
#[path = "http/debian.rs"]
mod debian;
#[path = "http/disposition.rs"]
mod disposition;
#[path = "http/downgrades.rs"]
mod downgrades;
#[path = "http/downloading.rs"]
mod downloading;
#[path = "http/entitlements.rs"]
mod entitlements;
#[path = "http/eulas.rs"]
mod eulas;
#[path = "http/explain.rs"]
mod explain;
#[path = "http/explained_keys.rs"]
mod explained_keys;
#[path = "http/exploding.rs"]
mod exploding;
#[path = "http/facts.rs"]
mod facts;
#[path = "http/facts_resources.rs"]
mod facts_resources;
#[path = "http/failing_reads.rs"]
mod failing_reads;
#[path = "http/files.rs"]
mod files;
#[path = "http/folders.rs"]
mod folders;
#[path = "http/gpg_keys.rs"]
mod gpg_keys;
#[path = "http/hidden.rs"]
mod hidden;
#[path = "http/licenses.rs"]
mod licenses;
#[path = "http/listings.rs"]
mod listings;
#[path = "http/management.rs"]
mod management;
#[path = "http/many_products.rs"]
mod many_products;
#[path = "http/maven.rs"]
mod maven;
#[path = "http/mutations.rs"]
mod mutations;
#[path = "http/narrow_customers.rs"]
mod narrow_customers;
#[path = "http/narrow_writers.rs"]
mod narrow_writers;
#[path = "http/openapi.rs"]
mod openapi;
#[path = "http/organizations.rs"]
mod organizations;
#[path = "http/packages.rs"]
mod packages;
#[path = "http/paging.rs"]
mod paging;
#[path = "http/patches.rs"]
mod patches;
#[path = "http/paths.rs"]
mod paths;
#[path = "http/products.rs"]
mod products;
#[path = "http/publishing.rs"]
mod publishing;
#[path = "http/ranges.rs"]
mod ranges;
#[path = "http/repositories.rs"]
mod repositories;
#[path = "http/restrictions.rs"]
mod restrictions;
#[path = "http/roles.rs"]
mod roles;
#[path = "http/search.rs"]
mod search;
#[path = "http/search_in_common.rs"]
mod search_in_common;
#[path = "http/signed_urls.rs"]
mod signed_urls;
#[path = "http/signers.rs"]
mod signers;
#[path = "http/strict.rs"]
mod strict;
#[path = "http/subjects.rs"]
mod subjects;
#[path = "http/teams.rs"]
mod teams;
#[path = "http/uploading.rs"]
mod uploading;
#[path = "http/versions.rs"]
mod versions;
#[path = "http/windows.rs"]
mod windows;
