//! Who may do what: callers, the policy, and permits.
//!
//! [`authenticate`] is the only maker of callers, [`policy::decide`] the only place where a rule
//! is, and a [`Permit`] the proof that it was asked. Reading bytes and building a batch need one.
//! There is no way to skip the checks: work in the background has a named system caller with
//! rights that the policy states.

mod authenticate;
mod caller;
mod existence;
mod keys;
mod permit;
pub mod policy;
mod reach;
mod secret;
mod sight;
mod standing;

pub use authenticate::{Credentials, authenticate};
pub(crate) use authenticate::{MAX_SECRET_BYTES, api_key_hash};
pub use caller::{Caller, Identity, Origin, SignedGrant, SystemCaller};
pub(crate) use existence::{Existence, check_address};
pub(crate) use keys::{check_again, is_still_good, password_hash};
pub use permit::{Act, Changes, Permit, act};
pub(crate) use permit::{Ask, Platform, Within};
pub use permit::{FilePlace, PackagePlace, PlatformPlace, RepoPlace, SubjectPlace};
pub(crate) use reach::{InRepo, Reach};
pub use secret::Secret;
pub(crate) use sight::Sight;
pub(crate) use standing::{Granted, granted};
