//! Packages.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::repositories::Repository;
use super::{Form, ProductId, Stored};
use crate::Timestamp;
use crate::names::{PackageName, PackagePath, RepoName, RepoPath, SubjectName, SystemId};
use crate::store::{Field, Key, KeyRange, Kind, Term, TermValue};

/// A package: a named thing that has versions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Package {
    /// The form of the body.
    pub form: Form<1>,
    /// The owner of its repository.
    pub subject: SubjectName,
    /// Its repository.
    pub repo: RepoName,
    /// Its name.
    pub name: PackageName,
    /// When it was made.
    pub created: Timestamp,
    /// When what is said about it last changed.
    pub updated: Timestamp,
    /// What a publisher says about it.
    #[serde(flatten)]
    pub settings: PackageSettings,
    /// What it says about itself.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// The products that it belongs to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub products: BTreeSet<ProductId>,
    /// The Maven coordinates that it has published files of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub system_ids: BTreeSet<SystemId>,
}

/// What a publisher says about a package.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PackageSettings {
    /// A description.
    pub desc: Option<String>,
    /// Labels, in the order given.
    pub labels: Vec<String>,
    /// Names of well-known licenses, sorted.
    pub licenses: Vec<String>,
    /// Names of the owner's own licenses, sorted.
    pub custom_licenses: Vec<String>,
    /// Its site.
    pub website_url: Option<String>,
    /// Where issues are told.
    pub issue_tracker_url: Option<String>,
    /// Where its source lies.
    pub vcs_url: Option<String>,
    /// Its repository at GitHub, as `owner/name`.
    pub github_repo: String,
    /// The file with its release notes there.
    pub github_release_notes_file: String,
    /// Whether everyone sees how often it is downloaded.
    pub public_download_numbers: bool,
    /// Whether everyone sees its statistics.
    pub public_stats: Option<bool>,
    /// `Official`, `Stable`, `Development`, `Experimental` or nothing.
    pub maturity: String,
}

impl Package {
    /// The field with its name, for lists by the start of a name.
    pub const NAME: Field = Field::new("name", 2);
    /// The field with its name as a text.
    pub const NAME_TEXT: Field = Field::new("name_text", 0).wildcard();
    /// The field with its description, if it has one.
    pub const DESC: Field = Field::new("desc", 0).wildcard();
    /// The field with its Maven coordinates, each `group:artifact`.
    pub const SYSTEM_ID: Field = Field::new("system_id", 0).wildcard();
    /// The most Maven coordinates of one package that it is found by. Of further ones the files are
    /// kept and served as all others, and the package is not found by them.
    pub const MAX_SYSTEM_IDS: usize = 1_000;
    /// The field with its attributes.
    pub const ATTRIBUTE: Field = Field::new("attribute", 2);

    /// Where the package of this path lies.
    #[must_use]
    pub fn key_of(path: &PackagePath) -> Key {
        Key::new(
            Self::KIND,
            [
                path.repo.subject.folded().as_str(),
                path.repo.repo.folded().as_str(),
                path.package.as_str(),
            ],
        )
    }

    /// Where the packages of a repository lie.
    #[must_use]
    pub fn range_of(repo: &RepoPath) -> KeyRange {
        KeyRange::within(Self::KIND, [repo.subject.folded().as_str(), repo.repo.folded().as_str()])
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> PackagePath {
        let repo = RepoPath { subject: self.subject.clone(), repo: self.repo.clone() };
        repo.package(self.name.clone())
    }
}

impl Stored for Package {
    const KIND: Kind = Kind::new("package");

    fn key(&self) -> Key {
        Self::key_of(&self.path())
    }

    fn terms(&self) -> Vec<Term> {
        let name = self.name.as_str();
        let text = |field, text: &str| Term { field, value: TermValue::whole_text(text) };
        let mut terms = vec![
            Term { field: Self::NAME, value: TermValue::text(name) },
            text(Self::NAME_TEXT, name),
        ];
        let desc = self.settings.desc.as_deref().filter(|desc| !desc.is_empty());
        terms.extend(desc.map(|desc| text(Self::DESC, desc)));
        terms.extend(self.system_ids.iter().map(|id| text(Self::SYSTEM_ID, &id.to_string())));
        terms.extend(self.attributes.terms(&Self::ATTRIBUTE));
        terms
    }

    fn owners(&self) -> Vec<Key> {
        vec![Repository::key_of(&self.path().repo)]
    }
}

/// Maxima of instants: when anything of a package or a version last changed. Raised without an
/// expectation, so that many uploads at once do not hold each other up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Updated {
    /// By what everyone may see.
    ForEveryone,
    /// By what publishers see besides.
    ForPublishers,
}

impl Updated {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ForEveryone, Self::ForPublishers];

    /// The one that is shown to publishers, or to others.
    #[must_use]
    pub const fn shown_to(publisher: bool) -> Self {
        if publisher { Self::ForPublishers } else { Self::ForEveryone }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::ForEveryone => Kind::new("updated"),
            Self::ForPublishers => Kind::new("updated_for_publishers"),
        }
    }

    /// Where the maximum of a package lies; that of a version is a child of it.
    #[must_use]
    pub fn key_of(self, path: &PackagePath) -> Key {
        let repo = &path.repo;
        Key::new(
            self.kind(),
            [repo.subject.folded().as_str(), repo.repo.folded().as_str(), path.package.as_str()],
        )
    }
}
