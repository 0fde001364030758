//! What is stored: subjects, repositories, packages, versions, files, and what accounts for them.
//!
//! Plain data with its keys and index terms. No rule about who may do what, and no wire form: each
//! dialect has its own types.

pub mod access_keys;
pub mod attributes;
pub mod blobs;
pub mod calls;
pub mod debian;
pub mod entitlements;
pub mod eulas;
pub mod files;
pub mod followers;
mod form;
pub mod gpg_keys;
pub mod grants;
pub mod jobs;
pub mod licenses;
pub mod memberships;
pub mod packages;
pub mod products;
pub mod repositories;
pub mod subjects;
pub mod teams;
pub mod url_keys;
pub mod versions;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::{Change, Key, Kind, Term};

pub use form::Form;

/// A type that can be stored. A new kind of record costs an implementation of this and nothing in
/// any backend.
pub trait Stored:
    Serialize + DeserializeOwned + fmt::Debug + Clone + Send + Sync + 'static
{
    /// The kind.
    const KIND: Kind;

    /// Where it lies.
    fn key(&self) -> Key;

    /// What it is found by besides its key.
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }

    /// The records that it belongs to, at most one a kind.
    fn owners(&self) -> Vec<Key> {
        Vec::new()
    }

    /// The change that writes it.
    fn put(&self) -> Change {
        Change::Put {
            key: self.key(),
            body: encode(self).into(),
            terms: self.terms(),
            owners: self.owners(),
        }
    }
}

/// The JSON body.
fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("model types have text keys and finite numbers")
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(u128);

        impl $name {
            /// An id of 16 bytes, which the caller drew at random.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = std::num::ParseIntError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                u128::from_str_radix(&text, 16).map(Self)
            }
        }
    };
}

id! {
    /// The internal number of a subject: its name may be used again by another, this never is.
    SubjectId
}

id! {
    /// The internal number of a repository: its name may be used again by another, this never is.
    RepositoryId
}

id! {
    /// The internal number of a team: its name may be used again by another, this never is.
    TeamId
}

id! {
    /// The internal number of an access key: its id may be used again by another, this never is.
    AccessKeyId
}

id! {
    /// The internal number of a product: its name may be used again by another, this never is.
    ProductId
}

id! {
    /// The internal number of a EULA: its name may be used again by another, this never is.
    EulaId
}
