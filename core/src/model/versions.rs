//! Versions.

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::{Form, Stored};
use crate::Timestamp;
use crate::names::{
    PackageName, PackagePath, RepoName, RepoPath, SubjectName, VersionName, VersionPath,
};
use crate::store::{Field, Key, KeyRange, Kind, Term, TermValue};

/// A version of a package: a named set of files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Version {
    /// The form of the body.
    pub form: Form<1>,
    /// The owner of its repository.
    pub subject: SubjectName,
    /// Its repository.
    pub repo: RepoName,
    /// Its package.
    pub package: PackageName,
    /// Its name.
    pub name: VersionName,
    /// Its place among the versions of its package in the order they were made, from 1. Places of
    /// deleted versions are not given again.
    pub ordinal: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When a file of it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// When what is said about it last changed.
    pub updated: Timestamp,
    /// What a publisher says about it.
    #[serde(flatten)]
    pub settings: VersionSettings,
    /// What it says about itself.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// What a publisher says about a version.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionSettings {
    /// A description.
    pub desc: Option<String>,
    /// When it was released, if that was said.
    pub released: Option<Timestamp>,
    /// Its tag in version control.
    pub vcs_tag: Option<String>,
    /// The file with its release notes at GitHub.
    pub github_release_notes_file: Option<String>,
    /// Take the notes of the tag's release.
    pub github_use_tag_release_notes: bool,
}

impl Version {
    /// The field with its place among the versions of its package.
    pub const ORDINAL: Field = Field::new("ordinal", 3);
    /// The field with when it was first published; only published ones have it.
    pub const PUBLISHED: Field = Field::new("published", 3);
    /// The field with its attributes.
    pub const ATTRIBUTE: Field = Field::new("attribute", 3);
    /// The kind of the counters of places, one a package.
    pub const ORDINALS: Kind = Kind::new("ordinals");

    /// Where the version of this path lies.
    #[must_use]
    pub fn key_of(path: &VersionPath) -> Key {
        Key::new(
            Self::KIND,
            [
                path.repo().subject.folded().as_str(),
                path.repo().repo.folded().as_str(),
                path.package.package.as_str(),
                path.version.as_str(),
            ],
        )
    }

    /// Where the versions of a package lie.
    #[must_use]
    pub fn range_of(path: &PackagePath) -> KeyRange {
        let repo = &path.repo;
        KeyRange::within(
            Self::KIND,
            [repo.subject.folded().as_str(), repo.repo.folded().as_str(), path.package.as_str()],
        )
    }

    /// The counter of the places that a package gave to its versions.
    #[must_use]
    pub fn ordinals_of(path: &PackagePath) -> Key {
        let repo = &path.repo;
        Key::new(
            Self::ORDINALS,
            [repo.subject.folded().as_str(), repo.repo.folded().as_str(), path.package.as_str()],
        )
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> VersionPath {
        let repo = RepoPath { subject: self.subject.clone(), repo: self.repo.clone() };
        repo.package(self.package.clone()).version(self.name.clone())
    }
}

impl Stored for Version {
    const KIND: Kind = Kind::new("version");

    fn key(&self) -> Key {
        Self::key_of(&self.path())
    }

    fn terms(&self) -> Vec<Term> {
        let ordinal = Term { field: Self::ORDINAL, value: TermValue::integer(self.ordinal) };
        let published =
            self.published.map(|at| Term { field: Self::PUBLISHED, value: TermValue::instant(at) });
        let settled = [Some(ordinal), published].into_iter().flatten();
        settled.chain(self.attributes.terms(&Self::ATTRIBUTE)).collect()
    }
}
