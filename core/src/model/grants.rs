//! Grants: who may do what, where, and when.
//!
//! A team's permission, an entitlement of an access key and a scoped token are all grants. They
//! are kept in sets by who and where they are anchored (the platform, a subject, a repository), so
//! that a decision reads them as points; a grant may be narrower than its anchor.

use serde::{Deserialize, Serialize};

use super::{AccessKeyId, Form, ProductId, RepositoryId, Stored, SubjectId, TeamId};
use crate::Timestamp;
use crate::names::{FilePath, PackageName, RepoName, RepoPath, SubjectName, VersionName};
use crate::store::{Key, KeyRange, Kind};

/// Something that can be done. The set is closed; dialects translate their words into it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See it, and download what is published.
    Read,
    /// Change what is said about it.
    Annotate,
    /// Add to it.
    Write,
    /// Replace what is published.
    Overwrite,
    /// Delete it.
    Delete,
    /// Make it seen by all who may read; see it before.
    Publish,
    /// Sign it.
    Sign,
    /// Grant rights over it.
    Manage,
    /// Change its nature.
    Administer,
    /// Make a repository in it.
    CreateRepo,
    /// Scan it.
    Scan,
    /// Distribute it.
    Execute,
    /// Add and remove members.
    ManageMembers,
    /// Make, change and delete subjects.
    ManageResources,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::Annotate,
        Self::Write,
        Self::Overwrite,
        Self::Delete,
        Self::Publish,
        Self::Sign,
        Self::Manage,
        Self::Administer,
        Self::CreateRepo,
        Self::Scan,
        Self::Execute,
        Self::ManageMembers,
        Self::ManageResources,
    ];
}

/// Who a grant is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// A user.
    User(SubjectId),
    /// Every member of a team.
    Team(TeamId),
    /// Whoever holds an access key.
    AccessKey(AccessKeyId),
}

impl Grantee {
    fn parts(self) -> [String; 2] {
        match self {
            Self::User(id) => ["user".to_owned(), id.to_string()],
            Self::Team(id) => ["team".to_owned(), id.to_string()],
            Self::AccessKey(id) => ["access_key".to_owned(), id.to_string()],
        }
    }
}

/// Where a grant holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everywhere its anchor reaches.
    Anchor,
    /// A folder of the repository and all below it, or one file.
    Path(FilePath),
    /// The packages of a product, within the subject that is the anchor.
    Product(ProductId),
    /// A package.
    Package(PackageName),
    /// A version of a package.
    Version(PackageName, VersionName),
}

/// One grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Its id, for answers that name what decided.
    pub id: String,
    /// What may be done.
    pub actions: Vec<Action>,
    /// Where, within its anchor.
    pub scope: Scope,
    /// Until when; for ever if `None`.
    pub not_after: Option<Timestamp>,
}

impl Grant {
    /// Whether it may decide about a path; `true` where no path is asked about.
    pub(crate) fn is_about(&self, path: Option<&FilePath>) -> bool {
        match (&self.scope, path) {
            (Scope::Path(folder), Some(path)) => path.is_within(folder.as_str()),
            _ => true,
        }
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }
}

/// What a set of grants is anchored to. Keyed by names, so that a decision knows the keys before
/// it has read anything; the ids tell a thing that was made anew from the one that was meant.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The platform: every subject.
    Platform,
    /// A subject and what it owns.
    Subject(SubjectName, SubjectId),
    /// A repository.
    Repository(SubjectName, RepoName, RepositoryId),
}

/// The grants of one grantee at one anchor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GrantSet {
    /// The form of the body.
    pub form: Form<1>,
    /// Who.
    pub grantee: Grantee,
    /// Where at the widest.
    pub anchor: Anchor,
    /// The grants.
    pub grants: Vec<Grant>,
}

impl GrantSet {
    /// Where the grants over the platform lie.
    #[must_use]
    pub fn key_on_platform(grantee: Grantee) -> Key {
        Key::new(Self::KIND, grantee.parts().each_ref().map(String::as_str))
    }

    /// Where the grants over a subject lie.
    #[must_use]
    pub fn key_on_subject(grantee: Grantee, subject: &SubjectName) -> Key {
        Self::key_on_platform(grantee).child(&subject.folded())
    }

    /// Where the grants over a repository lie.
    #[must_use]
    pub fn key_on_repo(grantee: Grantee, repo: &RepoPath) -> Key {
        Self::key_on_subject(grantee, &repo.subject).child(&repo.repo.folded())
    }
}

impl Stored for GrantSet {
    const KIND: Kind = Kind::new("grants");

    fn key(&self) -> Key {
        match &self.anchor {
            Anchor::Platform => Self::key_on_platform(self.grantee),
            Anchor::Subject(subject, _) => Self::key_on_subject(self.grantee, subject),
            Anchor::Repository(subject, repo, _) => {
                Self::key_on_subject(self.grantee, subject).child(&repo.folded())
            }
        }
    }
}

impl GrantSet {
    /// Where all grants of a grantee lie.
    #[must_use]
    pub fn range_of(grantee: Grantee) -> KeyRange {
        KeyRange::within(Self::KIND, grantee.parts().each_ref().map(String::as_str))
    }

    /// Where the grants of a grantee over a subject and its repositories lie.
    #[must_use]
    pub fn range_on_subject(grantee: Grantee, subject: &SubjectName) -> KeyRange {
        let [kind, id] = grantee.parts();
        KeyRange::within(Self::KIND, [&kind, &id, &subject.folded()].map(String::as_str))
    }
}
