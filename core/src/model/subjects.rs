//! Subjects: users and organizations, their plans, and the keys that users sign in with.

use serde::{Deserialize, Serialize};

use super::{Form, Stored, SubjectId};
use crate::Timestamp;
use crate::names::SubjectName;
use crate::store::{Field, Key, Kind, Term, TermValue};

/// A user or an organization.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: SubjectId,
    /// Its name, as spelt when it was made.
    pub name: SubjectName,
    /// User or organization.
    pub kind: SubjectKind,
    /// What it pays for; documented answers depend on it.
    pub plan: Plan,
    /// The name to show.
    pub full_name: Option<String>,
    /// Where to write to.
    pub email: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// User or organization.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// Someone who signs in.
    User,
    /// A group of users that owns things.
    Organization,
}

/// What a subject pays for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Open source: public repositories only.
    Oss,
    /// Private repositories, own licenses, statistics.
    Premium,
    /// Everything.
    #[default]
    Enterprise,
}

impl Plan {
    /// Whether repositories of the subject are premium ones.
    #[must_use]
    pub const fn is_premium(self) -> bool {
        !matches!(self, Self::Oss)
    }
}

impl Subject {
    /// The field that tells users from organizations.
    pub const KIND_FIELD: Field = Field::new("kind", 0);
    /// The field with its name, as a text.
    pub const NAME_TEXT: Field = Field::new("name_text", 0).wildcard();

    /// Where the subject of this name lies.
    #[must_use]
    pub fn key_of(name: &SubjectName) -> Key {
        Key::new(Self::KIND, [name.folded().as_str()])
    }
}

impl SubjectKind {
    /// The value of [`Subject::KIND_FIELD`].
    #[must_use]
    pub fn term(self) -> TermValue {
        TermValue::text(match self {
            Self::User => "user",
            Self::Organization => "organization",
        })
    }
}

impl Stored for Subject {
    const KIND: Kind = Kind::new("subject");

    fn key(&self) -> Key {
        Self::key_of(&self.name)
    }

    fn terms(&self) -> Vec<Term> {
        vec![
            Term { field: Self::KIND_FIELD, value: self.kind.term() },
            Term { field: Self::NAME_TEXT, value: TermValue::whole_text(self.name.as_str()) },
        ]
    }
}

/// The API key of a user, as a keyed hash, and sealed: the key itself is shown once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The form of the body.
    pub form: Form<1>,
    /// The user's name.
    pub subject: SubjectName,
    /// The user. A key whose user was deleted and made anew does not fit.
    pub subject_id: SubjectId,
    /// HMAC-SHA-256 of the key under the installation's secret, in hexadecimal.
    pub hash: String,
    /// The key, sealed under the installation's secret: documented calls are signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

impl ApiKey {
    /// Where the key of the user of this name lies.
    #[must_use]
    pub fn key_of(name: &SubjectName) -> Key {
        Key::new(Self::KIND, [name.folded().as_str()])
    }
}

impl Stored for ApiKey {
    const KIND: Kind = Kind::new("api_key");

    fn key(&self) -> Key {
        Self::key_of(&self.subject)
    }
}
