//! The engine through its public surface, over the in-memory backends, with a clock that the
//! tests set, randomness that repeats, and faults where a test wants them.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

#[path = "core/access_keys.rs"]
mod access_keys;
#[path = "core/attributes.rs"]
mod attributes;
#[path = "core/blobs.rs"]
mod blobs;
#[path = "core/calls.rs"]
mod calls;
#[path = "core/cancelled.rs"]
mod cancelled;
#[path = "core/compile_fail.rs"]
mod compile_fail;
#[path = "core/debian.rs"]
mod debian;
#[path = "core/deletion.rs"]
mod deletion;
#[path = "core/downloads.rs"]
mod downloads;
#[path = "core/encrypted.rs"]
mod encrypted;
#[path = "core/entitlements/mod.rs"]
mod entitlements;
#[path = "core/eula_choice.rs"]
mod eula_choice;
#[path = "core/eula_reports.rs"]
mod eula_reports;
#[path = "core/eulas.rs"]
mod eulas;
#[path = "core/existence.rs"]
mod existence;
#[path = "core/explodes.rs"]
mod explodes;
#[path = "core/faults.rs"]
mod faults;
#[path = "core/files.rs"]
mod files;
#[path = "core/folders.rs"]
mod folders;
#[path = "core/forms.rs"]
mod forms;
#[path = "core/given_up.rs"]
mod given_up;
#[path = "core/golden.rs"]
mod golden;
#[path = "core/gpg_keys.rs"]
mod gpg_keys;
#[path = "core/health.rs"]
mod health;
#[path = "core/maven.rs"]
mod maven;
#[path = "core/members.rs"]
mod members;
#[path = "core/packages.rs"]
mod packages;
#[path = "core/policy.rs"]
mod policy;
#[path = "core/product_forms.rs"]
mod product_forms;
#[path = "core/product_rights.rs"]
mod product_rights;
#[path = "core/products.rs"]
mod products;
#[path = "core/publishing.rs"]
mod publishing;
#[path = "core/races.rs"]
mod races;
#[path = "core/repositories.rs"]
mod repositories;
#[path = "core/restrictions.rs"]
mod restrictions;
#[path = "core/runner.rs"]
mod runner;
#[path = "core/search.rs"]
mod search;
#[path = "core/search_hidden.rs"]
mod search_hidden;
#[path = "core/sight.rs"]
mod sight;
#[path = "core/sweep.rs"]
mod sweep;
#[path = "core/system_ids.rs"]
mod system_ids;
#[path = "core/teams/mod.rs"]
mod teams;
#[path = "core/uploads.rs"]
mod uploads;
#[path = "core/users.rs"]
mod users;
#[path = "core/versions.rs"]
mod versions;
#[path = "core/visibility.rs"]
mod visibility;
#[path = "core/windows.rs"]
mod windows;

#[path = "core/archive.rs"]
mod archive;
#[path = "core/atlas.rs"]
mod atlas;
#[path = "core/state.rs"]
mod state;
#[path = "core/world.rs"]
mod world;
