//! Memberships: what a user is to a subject that others own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Form, Stored, SubjectId, TeamId};
use crate::names::SubjectName;
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// What a user is to an organization.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Belongs to it; may do what the teams may.
    Member,
    /// May do everything in it.
    Admin,
    /// May do everything in it. There is always one.
    Owner,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Member, Self::Admin, Self::Owner];

    /// Bintray's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether it may do everything.
    #[must_use]
    pub const fn administers(self) -> bool {
        matches!(self, Self::Admin | Self::Owner)
    }
}

/// What a user is to a subject: one record, so that a decision reads it as a point. The teams'
/// own lists are changed with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject: an organization, or a user with teams.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// The user.
    pub user: SubjectId,
    /// The user's name.
    pub user_name: SubjectName,
    /// The role in an organization; `None` for who is only in teams of a user.
    pub role: Option<Role>,
    /// The teams that the user is in.
    pub teams: BTreeSet<TeamId>,
}

impl Membership {
    /// The field with the user.
    pub const USER: Field = Field::new("user", 0);
    /// The field that only owners' have.
    pub const OWNER: Field = Field::new("owner", 1);

    /// Where what a user is to a subject lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, user: SubjectId) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), user.to_string().as_str()])
    }

    /// Where what all users are to a subject lies.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }

    /// Where all memberships lie.
    #[must_use]
    pub fn range() -> KeyRange {
        KeyRange::within(Self::KIND, [])
    }

    /// The filter for what one user is.
    #[must_use]
    pub fn is_of(user: SubjectId) -> Filter {
        Filter::Is(Self::USER, TermValue::text(&user.to_string()))
    }

    /// The filter for those of owners, within one organization.
    #[must_use]
    pub fn is_owners() -> Filter {
        Filter::Is(Self::OWNER, TermValue::boolean(true))
    }
}

impl Stored for Membership {
    const KIND: Kind = Kind::new("membership");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, self.user)
    }

    fn terms(&self) -> Vec<Term> {
        let user = Term { field: Self::USER, value: TermValue::text(&self.user.to_string()) };
        let owner = Term { field: Self::OWNER, value: TermValue::boolean(true) };
        let is_owners = self.role == Some(Role::Owner);
        [user].into_iter().chain(is_owners.then_some(owner)).collect()
    }
}
