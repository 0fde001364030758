//! Followers: users who want to hear of a subject.

use serde::{Deserialize, Serialize};

use super::subjects::Subject;
use super::{Form, Stored, SubjectId};
use crate::Timestamp;
use crate::names::SubjectName;
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// That a user follows a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Follower {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject that is followed.
    pub subject: SubjectName,
    /// The subject that is followed.
    pub subject_id: SubjectId,
    /// The user who follows.
    pub user: SubjectName,
    /// The user who follows.
    pub user_id: SubjectId,
    /// Since when.
    pub since: Timestamp,
}

impl Follower {
    /// The field with the name of the user who follows.
    pub const USER: Field = Field::new("user", 0);

    /// Where it lies that a user follows a subject.
    #[must_use]
    pub fn key_of(subject: &SubjectName, user: &SubjectName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), user.folded().as_str()])
    }

    /// Where the followers of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }

    /// Where all of them lie.
    #[must_use]
    pub fn range() -> KeyRange {
        KeyRange::within(Self::KIND, [])
    }

    /// The filter for what one user follows. By name: it is not free before the last of it is gone.
    #[must_use]
    pub fn is_of(user: &SubjectName) -> Filter {
        Filter::Is(Self::USER, TermValue::text(&user.folded()))
    }

    /// The filter for users who are there: a deleted one is hidden before the last of it is gone.
    #[must_use]
    pub fn is_there() -> Filter {
        Filter::Of(Subject::KIND, Box::new(Filter::everything()))
    }
}

impl Stored for Follower {
    const KIND: Kind = Kind::new("follower");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.user)
    }

    fn terms(&self) -> Vec<Term> {
        vec![Term { field: Self::USER, value: TermValue::text(&self.user.folded()) }]
    }

    fn owners(&self) -> Vec<Key> {
        vec![Subject::key_of(&self.user)]
    }
}
