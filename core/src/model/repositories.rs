//! Repositories.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::subjects::Subject;
use super::{Form, RepositoryId, Stored, SubjectId};
use crate::Timestamp;
use crate::geo::Country;
use crate::names::{PackageName, RepoName, RepoPath, SubjectName, VersionName};
use crate::networks::Network;
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// A repository of packages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Repository {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: RepositoryId,
    /// The owner's name.
    pub subject: SubjectName,
    /// The owner.
    pub owner: SubjectId,
    /// Its name, as spelt when it was made.
    pub name: RepoName,
    /// What kind of packages it serves.
    pub kind: RepositoryKind,
    /// Seen by those only who may read it.
    pub private: bool,
    /// When it was made.
    pub created: Timestamp,
    /// What a publisher may change.
    #[serde(flatten)]
    pub settings: RepositorySettings,
    /// Whether a package of it may belong to a product: only then is that looked up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_products: bool,
    /// Where its files may be downloaded from.
    #[serde(default, skip_serializing_if = "Restrictions::is_empty")]
    pub restrictions: Restrictions,
    /// What is being deleted in it: hidden at once, removed piece by piece.
    #[serde(default)]
    pub closing: BTreeSet<Closing>,
}

/// What a publisher says about a repository.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RepositorySettings {
    /// A description.
    pub desc: String,
    /// Labels, in the order given.
    pub labels: Vec<String>,
    /// The business unit that its use is counted for.
    pub business_unit: Option<String>,
    /// Sign metadata with the service's key.
    pub gpg_sign_metadata: bool,
    /// Sign files with the service's key.
    pub gpg_sign_files: bool,
    /// Sign with the owner's key.
    pub gpg_use_owner_key: bool,
    /// For how many days after its publication a version may be changed by members.
    pub version_update_max_days: Option<u32>,
    /// Debian: the architecture of files that name none.
    pub default_debian_architecture: Option<String>,
    /// Debian: the distribution of files that name none.
    pub default_debian_distribution: Option<String>,
    /// Debian: the component of files that name none.
    pub default_debian_component: Option<String>,
    /// RPM: how many folders deep metadata lies.
    pub yum_metadata_depth: Option<u32>,
    /// RPM: the groups file.
    pub yum_groups_file: Option<String>,
}

impl RepositorySettings {
    /// Without what repositories of other kinds have, and with the defaults of this kind.
    #[must_use]
    pub fn of_kind(mut self, kind: RepositoryKind) -> Self {
        if kind == RepositoryKind::Debian {
            self.default_debian_component.get_or_insert_with(|| "main".to_owned());
        } else {
            self.default_debian_architecture = None;
            self.default_debian_distribution = None;
            self.default_debian_component = None;
        }
        if kind == RepositoryKind::Rpm {
            self.yum_metadata_depth.get_or_insert(0);
        } else {
            self.yum_metadata_depth = None;
            self.yum_groups_file = None;
        }
        self
    }
}

/// What kind of packages a repository serves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RepositoryKind {
    Maven,
    Debian,
    Conan,
    Rpm,
    Docker,
    Npm,
    Opkg,
    Nuget,
    Vagrant,
    #[default]
    Generic,
}

impl RepositoryKind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Maven,
        Self::Debian,
        Self::Conan,
        Self::Rpm,
        Self::Docker,
        Self::Npm,
        Self::Opkg,
        Self::Nuget,
        Self::Vagrant,
        Self::Generic,
    ];

    /// Its name on the wire and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maven => "maven",
            Self::Debian => "debian",
            Self::Conan => "conan",
            Self::Rpm => "rpm",
            Self::Docker => "docker",
            Self::Npm => "npm",
            Self::Opkg => "opkg",
            Self::Nuget => "nuget",
            Self::Vagrant => "vagrant",
            Self::Generic => "generic",
        }
    }
}

/// Where the files of a repository may be downloaded from. An empty list says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Restrictions {
    /// The only countries.
    pub white_countries: Vec<Country>,
    /// All countries but these. At most one of the two lists has entries.
    pub black_countries: Vec<Country>,
    /// The only networks.
    pub white_networks: Vec<Network>,
    /// No network of these, even if it is within one of the others.
    pub black_networks: Vec<Network>,
}

impl Restrictions {
    /// Whether nothing is restricted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.are_countries() && !self.are_networks()
    }

    /// Whether countries are.
    #[must_use]
    pub fn are_countries(&self) -> bool {
        !(self.white_countries.is_empty() && self.black_countries.is_empty())
    }

    /// Whether networks are.
    #[must_use]
    pub fn are_networks(&self) -> bool {
        !(self.white_networks.is_empty() && self.black_networks.is_empty())
    }
}

/// A package, or one version of it, that is being deleted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Closing {
    /// The package.
    pub package: PackageName,
    /// The version; the whole package if `None`.
    pub version: Option<VersionName>,
}

impl Repository {
    /// The field with its internal number.
    pub const ID: Field = Field::new("id", 0);
    /// The field with the internal number of its owner.
    pub const OWNER: Field = Field::new("owner", 0);
    /// The field that tells whether it is private.
    pub const PRIVATE: Field = Field::new("private", 0);
    /// The field with its name in lower case.
    pub const NAME: Field = Field::new("name", 0);
    /// The field with its name as a text.
    pub const NAME_TEXT: Field = Field::new("name_text", 0).wildcard();
    /// The field with its description, if it has one.
    pub const DESC: Field = Field::new("desc", 0).wildcard();

    /// Where the repositories of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }

    /// The filter for public repositories.
    #[must_use]
    pub fn is_public() -> Filter {
        Filter::Is(Self::PRIVATE, TermValue::boolean(false))
    }

    /// The filter for repositories of this name.
    #[must_use]
    pub fn is_named(name: &RepoName) -> Filter {
        Filter::Is(Self::NAME, TermValue::text(&name.folded()))
    }

    /// The filter for the repositories of an owner.
    #[must_use]
    pub fn is_of(owner: SubjectId) -> Filter {
        Filter::Is(Self::OWNER, TermValue::text(&owner.to_string()))
    }

    /// The filter for one repository, which no other of its name is taken for.
    #[must_use]
    pub fn is(id: RepositoryId) -> Filter {
        Filter::Is(Self::ID, TermValue::text(&id.to_string()))
    }

    /// Where the repository of this path lies.
    #[must_use]
    pub fn key_of(path: &RepoPath) -> Key {
        Key::new(Self::KIND, [path.subject.folded().as_str(), path.repo.folded().as_str()])
    }

    /// Its path, as spelt when it was made.
    #[must_use]
    pub fn path(&self) -> RepoPath {
        RepoPath { subject: self.subject.clone(), repo: self.name.clone() }
    }

    /// Whether the package is being deleted.
    #[must_use]
    pub fn is_package_closing(&self, package: &PackageName) -> bool {
        self.closing.contains(&Closing { package: package.clone(), version: None })
    }

    /// Whether the version, or its whole package, is being deleted.
    #[must_use]
    pub fn is_version_closing(&self, package: &PackageName, version: &VersionName) -> bool {
        let version = Closing { package: package.clone(), version: Some(version.clone()) };
        !self.closing.is_empty()
            && (self.is_package_closing(package) || self.closing.contains(&version))
    }
}

impl Stored for Repository {
    const KIND: Kind = Kind::new("repository");

    fn key(&self) -> Key {
        Self::key_of(&self.path())
    }

    fn terms(&self) -> Vec<Term> {
        let mut terms = vec![
            Term { field: Self::ID, value: TermValue::text(&self.id.to_string()) },
            Term { field: Self::OWNER, value: TermValue::text(&self.owner.to_string()) },
            Term { field: Self::PRIVATE, value: TermValue::boolean(self.private) },
            Term { field: Self::NAME, value: TermValue::text(&self.name.folded()) },
            Term { field: Self::NAME_TEXT, value: TermValue::whole_text(self.name.as_str()) },
        ];
        let desc = &self.settings.desc;
        if !desc.is_empty() {
            terms.push(Term { field: Self::DESC, value: TermValue::whole_text(desc) });
        }
        terms
    }

    fn owners(&self) -> Vec<Key> {
        vec![Subject::key_of(&self.subject)]
    }
}

/// Stands where a subject or a repository is being deleted, until the last of it is gone, so that
/// a new one of the same name does not inherit the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tomb {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The repository; the whole subject if `None`.
    pub repo: Option<RepoName>,
}

impl Tomb {
    /// Where the tomb of the subject lies.
    #[must_use]
    pub fn key_of_subject(subject: &SubjectName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str()])
    }

    /// Where the tomb of the repository lies.
    #[must_use]
    pub fn key_of_repo(path: &RepoPath) -> Key {
        Self::key_of_subject(&path.subject).child(&path.repo.folded())
    }
}

impl Stored for Tomb {
    const KIND: Kind = Kind::new("tomb");

    fn key(&self) -> Key {
        let subject = Self::key_of_subject(&self.subject);
        match &self.repo {
            Some(repo) => subject.child(&repo.folded()),
            None => subject,
        }
    }
}
