//! Entitlements: what a publisher says that access keys may do, and where.
//!
//! What is said is kept here, to be shown and searched. What decides are the grants derived from
//! it, which are changed in the same commit.

use serde::{Deserialize, Serialize};

use super::grants::{Action, Anchor, Grant, Scope};
use super::packages::Package;
use super::products::Product;
use super::repositories::Repository;
use super::teams::Permission;
use super::versions::Version;
use super::{AccessKeyId, Form, ProductId, RepositoryId, Stored, SubjectId};
use crate::Timestamp;
use crate::names::{
    AccessKeyName, EntitlementName, FilePath, PackageName, PackagePath, ProductName, RepoName,
    RepoPath, SubjectName, VersionName, VersionPath,
};
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// An entitlement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entitlement {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// What it is for.
    pub scope: EntitlementScope,
    /// Its id, unique within what it is for.
    pub name: EntitlementName,
    /// What it allows.
    pub access: Access,
    /// The access keys that it is for, in the order given.
    pub access_keys: Vec<EntitledKey>,
    /// Words that it is found by, in the order given.
    pub tags: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// What an entitlement is for, within its subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitlementScope {
    /// A product, with every package that belongs to it.
    Product(ProductName, ProductId),
    /// A repository; only what lies at the path or below it, if there is one.
    Repository(RepoName, RepositoryId, Option<FilePath>),
    /// A package.
    Package(RepoName, RepositoryId, PackageName),
    /// A version of a package.
    Version(RepoName, RepositoryId, PackageName, VersionName),
}

/// What an entitlement allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Access {
    /// To download.
    #[serde(rename = "r")]
    Read,
    /// To download, upload, change, publish and delete.
    #[serde(rename = "rw")]
    ReadWrite,
}

impl Access {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::ReadWrite => "rw",
        }
    }

    /// What may be done.
    #[must_use]
    pub const fn actions(self) -> &'static [Action] {
        match self {
            Self::Read => Permission::Read.actions(),
            Self::ReadWrite => Permission::Publish.actions(),
        }
    }
}

/// An access key of the same subject. One that was made anew under the id is another.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct EntitledKey {
    /// Its id.
    pub name: AccessKeyName,
    /// Its internal number.
    pub id: AccessKeyId,
}

/// Names that lead to what an entitlement is for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum EntitlementPlace {
    /// A product.
    Product(SubjectName, ProductName),
    /// A repository.
    Repository(RepoPath),
    /// A package.
    Package(PackagePath),
    /// A version.
    Version(VersionPath),
}

impl EntitlementPlace {
    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> &SubjectName {
        match self {
            Self::Product(subject, _) => subject,
            Self::Repository(repo) => &repo.subject,
            Self::Package(package) => &package.repo.subject,
            Self::Version(version) => &version.package.repo.subject,
        }
    }

    /// The repository, if it is within one.
    #[must_use]
    pub const fn repo(&self) -> Option<&RepoPath> {
        match self {
            Self::Product(..) => None,
            Self::Repository(repo) => Some(repo),
            Self::Package(package) => Some(&package.repo),
            Self::Version(version) => Some(&version.package.repo),
        }
    }

    /// Subject, repository, package and version. What a place has not is empty: a repository
    /// without a name has no package, so that a product can stand in its place.
    fn parts(&self) -> [String; 4] {
        let of_repo = |repo: &RepoPath| [repo.subject.folded(), repo.repo.folded()];
        let ([subject, repo], package, version) = match self {
            Self::Product(subject, product) => {
                ([subject.folded(), String::new()], product.folded(), String::new())
            }
            Self::Repository(repo) => (of_repo(repo), String::new(), String::new()),
            Self::Package(package) => {
                (of_repo(&package.repo), package.package.to_string(), String::new())
            }
            Self::Version(version) => {
                let package = version.package.package.to_string();
                (of_repo(version.repo()), package, version.version.to_string())
            }
        };
        [subject, repo, package, version]
    }
}

impl Entitlement {
    /// The field with the id of each access key.
    pub const ACCESS_KEY: Field = Field::new("access_key", 1);
    /// The field with each tag.
    pub const TAG: Field = Field::new("tag", 1);
    /// The field with the nouns that it is for: a product, or a repository and, narrower, a package
    /// and a version.
    pub const LEVEL: Field = Field::new("level", 1);
    /// The field with the package that it is for or lies within, as [`Entitlement::package_term`].
    pub const PACKAGE: Field = Field::new("package", 1);

    /// The field with the product that it is for, its name in lower case.
    pub const PRODUCT: Field = Field::new("product", 1);

    /// Where the entitlement of this id lies.
    #[must_use]
    pub fn key_of(place: &EntitlementPlace, name: &EntitlementName) -> Key {
        let parts = place.parts();
        Key::new(Self::KIND, parts.each_ref().map(String::as_str)).child(name.as_str())
    }

    /// Where those of exactly this place lie.
    #[must_use]
    pub fn range_of(place: &EntitlementPlace) -> KeyRange {
        KeyRange::within(Self::KIND, place.parts().each_ref().map(String::as_str))
    }

    /// Where those of this place and all within it lie.
    #[must_use]
    pub fn range_within(place: &EntitlementPlace) -> KeyRange {
        let parts = place.parts();
        let named = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
        KeyRange::within(Self::KIND, parts[..named].iter().map(String::as_str))
    }

    /// Where all of a subject lie.
    #[must_use]
    pub fn range_of_subject(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }

    /// The value of [`Entitlement::PACKAGE`] for a package.
    #[must_use]
    pub fn package_term(repo: &RepoName, package: &PackageName) -> TermValue {
        // No name of a repository has a slash.
        TermValue::text(&format!("{}/{package}", repo.folded()))
    }

    /// The filter for those whose repository, package, version or product is there: what is being
    /// deleted is gone, though some of its entitlements may be left.
    #[must_use]
    pub fn is_there() -> Filter {
        let levels: [&[Kind]; 4] = [
            &[Product::KIND],
            &[Repository::KIND],
            &[Repository::KIND, Package::KIND],
            &[Repository::KIND, Package::KIND, Version::KIND],
        ];
        let there = |kinds: &[Kind]| {
            let owned = |kind: &Kind| Filter::Of(*kind, Box::new(Filter::everything()));
            let level = TermValue::text(level(kinds));
            let mut all = vec![Filter::Is(Self::LEVEL, level)];
            all.extend(kinds.iter().map(owned));
            Filter::All(all)
        };
        Filter::Any(levels.into_iter().map(there).collect())
    }

    /// The names that lead to what it is for.
    #[must_use]
    pub fn place(&self) -> EntitlementPlace {
        let repo = |repo: &RepoName| RepoPath { subject: self.subject.clone(), repo: repo.clone() };
        match &self.scope {
            EntitlementScope::Product(name, _) => {
                EntitlementPlace::Product(self.subject.clone(), name.clone())
            }
            EntitlementScope::Repository(name, ..) => EntitlementPlace::Repository(repo(name)),
            EntitlementScope::Package(name, _, package) => {
                EntitlementPlace::Package(repo(name).package(package.clone()))
            }
            EntitlementScope::Version(name, _, package, version) => {
                let package = repo(name).package(package.clone());
                EntitlementPlace::Version(package.version(version.clone()))
            }
        }
    }

    /// The path that it is narrowed to.
    #[must_use]
    pub const fn path(&self) -> Option<&FilePath> {
        match &self.scope {
            EntitlementScope::Repository(_, _, path) => path.as_ref(),
            _ => None,
        }
    }

    /// Where the grants derived from it are anchored.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        match &self.scope {
            EntitlementScope::Product(..) => Anchor::Subject(self.subject.clone(), self.subject_id),
            EntitlementScope::Repository(repo, id, _)
            | EntitlementScope::Package(repo, id, _)
            | EntitlementScope::Version(repo, id, ..) => {
                Anchor::Repository(self.subject.clone(), repo.clone(), *id)
            }
        }
    }

    /// The grant that each of its access keys has. Its id with its scope is of no other.
    #[must_use]
    pub fn grant(&self) -> Grant {
        let scope = match self.scope.clone() {
            EntitlementScope::Product(_, product) => Scope::Product(product),
            EntitlementScope::Repository(_, _, Some(path)) => Scope::Path(path),
            EntitlementScope::Repository(_, _, None) => Scope::Anchor,
            EntitlementScope::Package(_, _, package) => Scope::Package(package),
            EntitlementScope::Version(_, _, package, version) => Scope::Version(package, version),
        };
        let (id, actions) = (self.name.to_string(), self.access.actions().to_vec());
        Grant { id, actions, scope, not_after: None }
    }
}

/// The value of [`Entitlement::LEVEL`]: the narrowest noun.
fn level(kinds: &[Kind]) -> &'static str {
    kinds.last().map_or("", |kind| kind.as_str())
}

impl Stored for Entitlement {
    const KIND: Kind = Kind::new("entitlement");

    fn key(&self) -> Key {
        Self::key_of(&self.place(), &self.name)
    }

    fn terms(&self) -> Vec<Term> {
        let term = |field, text: &str| Term { field, value: TermValue::text(text) };
        let owners = self.owners();
        let level = owners.last().map(|key| term(Self::LEVEL, &key.kind()));
        let keys = self.access_keys.iter().map(|key| term(Self::ACCESS_KEY, key.name.as_str()));
        let tags = self.tags.iter().map(|tag| term(Self::TAG, tag));
        let mut terms: Vec<Term> = keys.chain(tags).chain(level).collect();
        match &self.scope {
            EntitlementScope::Product(product, _) => {
                terms.push(term(Self::PRODUCT, &product.folded()));
            }
            EntitlementScope::Repository(..) => {}
            EntitlementScope::Package(repo, _, package)
            | EntitlementScope::Version(repo, _, package, _) => {
                let value = Self::package_term(repo, package);
                terms.push(Term { field: Self::PACKAGE, value });
            }
        }
        terms
    }

    fn owners(&self) -> Vec<Key> {
        let place = self.place();
        let mut owners: Vec<Key> = place.repo().map(Repository::key_of).into_iter().collect();
        match &place {
            EntitlementPlace::Product(subject, product) => {
                owners.push(Product::key_of(subject, product));
            }
            EntitlementPlace::Repository(_) => {}
            EntitlementPlace::Package(package) => owners.push(Package::key_of(package)),
            EntitlementPlace::Version(version) => {
                owners.push(Package::key_of(&version.package));
                owners.push(Version::key_of(version));
            }
        }
        owners
    }
}
