//! Teams: named sets of users that rights over repositories are given to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::grants::Action;
use super::{Form, Stored, SubjectId, TeamId};
use crate::Timestamp;
use crate::names::{SubjectName, TeamName};
use crate::store::{Key, KeyRange, Kind};

/// A team of a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Team {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: TeamId,
    /// The subject.
    pub subject: SubjectName,
    /// The subject.
    pub subject_id: SubjectId,
    /// Its name.
    pub name: TeamName,
    /// Its members by their numbers. What each is to the subject says the same.
    pub members: BTreeMap<SubjectId, SubjectName>,
    /// Whether members may make repositories, and change them. The grant says the same.
    pub allow_repo_creation: bool,
    /// The business unit of repositories that members make.
    pub business_unit: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

impl Team {
    /// Where the team of this name lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, name: &TeamName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), name.as_str()])
    }

    /// Where the teams of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for Team {
    const KIND: Kind = Kind::new("team");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }
}

/// What a team may do in a repository, in Bintray's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// To read and download.
    Read,
    /// To upload, change, publish and delete.
    Publish,
    /// To give rights besides, and to change the repository itself.
    Admin,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Publish, Self::Admin];

    /// What it allows.
    #[must_use]
    pub const fn actions(self) -> &'static [Action] {
        const ALL: &[Action] = &[
            Action::Read,
            Action::Annotate,
            Action::Write,
            Action::Overwrite,
            Action::Delete,
            Action::Publish,
            Action::Sign,
            Action::Manage,
            Action::Administer,
        ];
        let allowed = match self {
            Self::Read => 1,
            Self::Publish => 7,
            Self::Admin => 9,
        };
        ALL.split_at(allowed).0
    }

    /// Bintray's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }

    /// The one that allows exactly these.
    #[must_use]
    pub fn of(actions: &[Action]) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.actions() == actions)
    }
}
