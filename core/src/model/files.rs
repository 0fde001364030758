//! Files: paths of a repository that belong to a version and name a blob.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::debian::DebianCoordinates;
use super::packages::Package;
use super::repositories::Repository;
use super::versions::Version;
use super::{Form, Stored, SubjectId};
use crate::Timestamp;
use crate::blobs::BlobId;
use crate::names::{
    FileLocation, FilePath, PackageName, RepoName, RepoPath, SubjectName, VersionName, VersionPath,
};
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// A file of a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct File {
    /// The form of the body.
    pub form: Form<1>,
    /// The owner of its repository.
    pub subject: SubjectName,
    /// Its repository.
    pub repo: RepoName,
    /// Its path within it.
    pub path: FilePath,
    /// The package it belongs to.
    pub package: PackageName,
    /// The version it belongs to.
    pub version: VersionName,
    /// The place of that version among those of its package.
    pub ordinal: i64,
    /// Its bytes: where they lie and what is known of them.
    #[serde(flatten)]
    pub contents: Contents,
    /// When it was published; only publishers see it before.
    pub published: Option<Timestamp>,
    /// Whether it is on its package's list of downloads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_in_downloads: bool,
    /// What its path says about itself, whatever bytes lie there.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// What a publisher uploaded in place of what is published: swapped in when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Box<Contents>>,
}

/// Bytes that were uploaded, and what was said of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// Their number.
    pub size: u64,
    /// What they hash to.
    #[serde(flatten)]
    pub digests: Digests,
    /// Where they lie.
    pub blob: BlobId,
    /// Who uploaded them.
    pub uploader: SubjectId,
    /// When.
    pub created: Timestamp,
    /// Where a package of a Debian repository belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian: Option<DebianCoordinates>,
    /// What runs a Vagrant box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub box_provider: Option<String>,
}

/// What a file's bytes hash to, each in lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Digests {
    /// SHA-1, 40 digits.
    pub sha1: String,
    /// SHA-256, 64 digits. The identity of content.
    pub sha256: String,
    /// MD5, 32 digits.
    pub md5: String,
}

impl File {
    /// The field with its package.
    pub const PACKAGE: Field = Field::new("package", 2);
    /// The field with its package and version.
    pub const VERSION: Field = Field::new("version", 2);
    /// The field that tells whether it is published.
    pub const PUBLISHED: Field = Field::new("published", 2);
    /// The field that tells of something to publish or discard; only files that have it.
    pub const PENDING: Field = Field::new("pending", 2);
    /// The field with its package and the place of its version; only published files.
    pub const RELEASE: Field = Field::new("release", 2);
    /// The field with the last segment of its path, as a text; only published files have it.
    pub const NAME_TEXT: Field = Field::new("name_text", 0).wildcard();
    /// The field with the SHA-256 of what is published.
    pub const SHA256: Field = Field::new("sha256", 0);
    /// The field with when what is published was uploaded.
    pub const CREATED: Field = Field::new("created", 0);
    /// The field with its attributes.
    pub const ATTRIBUTE: Field = Field::new("attribute", 2);

    /// Where the file lies.
    #[must_use]
    pub fn key_of(location: &FileLocation) -> Key {
        Self::place_of(&location.repo, location.path.as_str())
    }

    /// Where a path would lie among the files of a repository, be it the path of a file or not.
    pub(crate) fn place_of(repo: &RepoPath, path: &str) -> Key {
        let parts = [repo.subject.folded(), repo.repo.folded()];
        Key::new(Self::KIND, [parts[0].as_str(), parts[1].as_str(), path])
    }

    /// Where the files of a repository lie.
    #[must_use]
    pub fn range_of(repo: &RepoPath) -> KeyRange {
        KeyRange::within(Self::KIND, [repo.subject.folded().as_str(), repo.repo.folded().as_str()])
    }

    /// The filter for files of a package.
    #[must_use]
    pub fn of_package(package: &PackageName) -> Filter {
        Filter::Is(Self::PACKAGE, TermValue::text(package.as_str()))
    }

    /// The filter for files of a version.
    #[must_use]
    pub fn of_version(package: &PackageName, version: &VersionName) -> Filter {
        Filter::Is(Self::VERSION, version_term(package, version))
    }

    /// The filter for published or unpublished files.
    #[must_use]
    pub fn published_is(published: bool) -> Filter {
        Filter::Is(Self::PUBLISHED, TermValue::boolean(published))
    }

    /// The filter for published files of this content.
    #[must_use]
    pub fn has_content(sha256: &str) -> Filter {
        Filter::Is(Self::SHA256, sha256_term(sha256))
    }

    /// The filter for files whose published content was uploaded at or after an instant.
    #[must_use]
    pub fn created_since(instant: Timestamp) -> Filter {
        let from = Bound::Included(TermValue::instant(instant));
        Filter::Between(Self::CREATED, from, Bound::Unbounded)
    }

    /// The filter for files with something to publish or discard.
    #[must_use]
    pub fn is_pending() -> Filter {
        Filter::Is(Self::PENDING, TermValue::boolean(true))
    }

    /// The filter for published files of a package, to be ordered by [`File::RELEASE`].
    #[must_use]
    pub fn released(package: &PackageName) -> Filter {
        // No name holds a control character, so that nothing else lies between.
        let low = Bound::Included(TermValue::text(&format!("{package}\0")));
        let high = Bound::Excluded(TermValue::text(&format!("{package}\u{1}")));
        Filter::Between(Self::RELEASE, low, high)
    }

    /// The file with its replacement in place, published; and the blob that it no longer needs.
    #[must_use]
    pub fn publish(mut self, now: Timestamp) -> (Self, Option<BlobId>) {
        self.published = Some(now);
        let Some(replacement) = self.replacement.take() else { return (self, None) };
        let old = std::mem::replace(&mut self.contents, *replacement).blob;
        let replaced = Some(old).filter(|old| *old != self.contents.blob);
        (self, replaced)
    }

    /// How many bytes it takes of its owner's quota: its own, and those that wait to replace them.
    #[must_use]
    pub fn used_bytes(&self) -> i64 {
        let waiting = self.replacement.as_ref().map_or(0, |replacement| replacement.size);
        i64::try_from(self.contents.size.saturating_add(waiting)).unwrap_or(i64::MAX)
    }

    /// The blobs that it refers to.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let blob = self.contents.blob;
        let replacement = self.replacement.as_ref().map(|replacement| replacement.blob);
        std::iter::once(blob).chain(replacement.filter(move |other| *other != blob))
    }

    /// Where it lies.
    #[must_use]
    pub fn location(&self) -> FileLocation {
        let repo = RepoPath { subject: self.subject.clone(), repo: self.repo.clone() };
        repo.file(self.path.clone())
    }

    /// The version it belongs to.
    #[must_use]
    pub fn version_path(&self) -> VersionPath {
        let repo = RepoPath { subject: self.subject.clone(), repo: self.repo.clone() };
        repo.package(self.package.clone()).version(self.version.clone())
    }
}

/// The digest in half its length.
fn sha256_term(hexadecimal: &str) -> TermValue {
    TermValue::bytes(&crate::hex::decode(hexadecimal).unwrap_or_default())
}

/// Neither name holds a NUL, so that no two pairs share a value.
fn version_term(package: &PackageName, version: &VersionName) -> TermValue {
    TermValue::text(&format!("{package}\0{version}"))
}

impl Stored for File {
    const KIND: Kind = Kind::new("file");

    fn key(&self) -> Key {
        Self::key_of(&self.location())
    }

    fn terms(&self) -> Vec<Term> {
        let published = self.published.is_some();
        let mut terms = vec![
            Term { field: Self::PACKAGE, value: TermValue::text(self.package.as_str()) },
            Term { field: Self::VERSION, value: version_term(&self.package, &self.version) },
            Term { field: Self::PUBLISHED, value: TermValue::boolean(published) },
        ];
        if published {
            let release = format!("{}\0{:020}", self.package, self.ordinal);
            let name = TermValue::whole_text(self.path.name());
            let Contents { digests, created, .. } = &self.contents;
            terms.extend([
                Term { field: Self::RELEASE, value: TermValue::text(&release) },
                Term { field: Self::NAME_TEXT, value: name },
                Term { field: Self::SHA256, value: sha256_term(&digests.sha256) },
                Term { field: Self::CREATED, value: TermValue::instant(*created) },
            ]);
        }
        if !published || self.replacement.is_some() {
            terms.push(Term { field: Self::PENDING, value: TermValue::boolean(true) });
        }
        terms.extend(self.attributes.terms(&Self::ATTRIBUTE));
        terms
    }

    fn owners(&self) -> Vec<Key> {
        let version = self.version_path();
        let package = &version.package;
        vec![Repository::key_of(&package.repo), Package::key_of(package), Version::key_of(&version)]
    }
}

/// Counters of the bytes that the files of a repository have, published or not. Kept with every
/// file that is written or removed, because to count the files of a subject when somebody asks
/// would take as long as it has files.
#[derive(Clone, Copy, Debug)]
pub struct UsedBytes;

impl UsedBytes {
    /// The kind.
    pub const KIND: Kind = Kind::new("used_bytes");

    /// Where the counter of a repository lies.
    #[must_use]
    pub fn key_of(repo: &RepoPath) -> Key {
        Key::new(Self::KIND, [repo.subject.folded().as_str(), repo.repo.folded().as_str()])
    }

    /// Where the counters of a subject's repositories lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }
}
