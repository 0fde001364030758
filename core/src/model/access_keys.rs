//! Access keys: credentials that a subject gives out, each with the rights granted to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccessKeyId, Form, Stored, SubjectId};
use crate::Timestamp;
use crate::names::{AccessKeyName, SubjectName};
use crate::networks::Network;
use crate::outbound::without_secrets;
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// An access key of a subject. The password is shown when it is made and kept as a keyed hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: AccessKeyId,
    /// The subject that gives it out.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// Its id among those of the subject.
    pub name: AccessKeyName,
    /// HMAC-SHA-256 of the password under the installation's secret, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is worthless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Timestamp>,
    /// Who is asked whether its holder is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existence_check: Option<ExistenceCheck>,
    /// The networks that it may be used from; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub white: Vec<Network>,
    /// The networks that it may not be used from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub black: Vec<Network>,
    /// Whether it is for the API alone. Kept for clients: there are no web pages to sign in to.
    pub api_only: bool,
    /// Whether it is being deleted: then it is worthless, and its id not free yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
}

/// A question to the publisher's own system.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExistenceCheck {
    /// The address, with `:username` and `:password` in the places of the two.
    pub url: String,
    /// For how long the answer counts.
    pub cache_for_secs: u32,
}

/// The address may hold a secret.
impl fmt::Debug for ExistenceCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExistenceCheck")
            .field("url", &without_secrets(&self.url))
            .field("cache_for_secs", &self.cache_for_secs)
            .finish()
    }
}

impl ExistenceCheck {
    /// The shortest time that an answer counts for, in seconds.
    pub const MIN_SECS: u32 = 60;
}

impl AccessKey {
    /// The field that marks those that are being deleted.
    pub const CLOSING: Field = Field::new("closing", 1);

    /// Where the key of this id lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, name: &AccessKeyName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), name.as_str()])
    }

    /// Where the keys of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }

    /// The filter for those that are not being deleted.
    #[must_use]
    pub fn is_there() -> Filter {
        Filter::Not(Box::new(Filter::Is(Self::CLOSING, TermValue::boolean(true))))
    }

    /// The name that its holder signs in with.
    #[must_use]
    pub fn user_name(&self) -> String {
        user_name(&self.subject, &self.name)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expiry.is_some_and(|expiry| now >= expiry)
    }
}

/// The name that the holder of a key signs in with. No user's name has an `@`.
#[must_use]
pub fn user_name(subject: &SubjectName, key: &AccessKeyName) -> String {
    format!("{key}@{subject}")
}

impl Stored for AccessKey {
    const KIND: Kind = Kind::new("access_key");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }

    fn terms(&self) -> Vec<Term> {
        let closing = Term { field: Self::CLOSING, value: TermValue::boolean(true) };
        self.closing.then_some(closing).into_iter().collect()
    }
}
