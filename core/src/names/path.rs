//! Composite paths: where a repository, a package, a version or a file lies.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::BrokenRule;
use super::{NameError, PackageName, RepoName, SubjectName, VersionName, rules};

/// The path of a file within its repository: plain segments joined by `/`, at most 768 bytes and
/// 64 segments, without empty, `.` or `..` segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FilePath(String);

impl FilePath {
    /// The longest path in bytes: with its subject and repository it must fit into a key.
    pub const MAX_BYTES: usize = 768;
    /// The most segments.
    pub const MAX_SEGMENTS: usize = 64;
    /// The longest segment in bytes.
    pub const MAX_SEGMENT_BYTES: usize = rules::SEGMENT_BYTES;

    /// Takes a path that keeps the rules.
    ///
    /// # Errors
    /// [`NameError`] says the rule that is broken and the segment or character that breaks it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text).map_err(|rule| NameError::new("file path", text, rule))?;
        Ok(Self(text.to_owned()))
    }

    /// The path as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this folder or file, or lies below it: segment by segment, so that `a/b`
    /// holds `a/b` and `a/b/c`, and not `a/bc`.
    #[must_use]
    pub fn is_within(&self, folder: &str) -> bool {
        let rest = self.0.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

fn check(text: &str) -> Result<(), BrokenRule> {
    match text.len() {
        0 => return Err(BrokenRule::Empty),
        bytes if bytes > FilePath::MAX_BYTES => {
            return Err(BrokenRule::TooLong { bytes, most: FilePath::MAX_BYTES });
        }
        _ => {}
    }
    let segments = text.split('/').count();
    if segments > FilePath::MAX_SEGMENTS {
        return Err(BrokenRule::TooDeep { segments, most: FilePath::MAX_SEGMENTS });
    }
    for segment in text.split('/') {
        if segment.is_empty() {
            let why = "write single slashes, and none at the ends";
            return Err(BrokenRule::Segment { segment: String::new(), why });
        }
        rules::segment(segment)?;
    }
    Ok(())
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

impl TryFrom<String> for FilePath {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

/// Where a repository lies.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RepoPath {
    /// Its owner.
    pub subject: SubjectName,
    /// Its name.
    pub repo: RepoName,
}

/// Where a package lies.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PackagePath {
    /// Its repository.
    pub repo: RepoPath,
    /// Its name.
    pub package: PackageName,
}

/// Where a version lies.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VersionPath {
    /// Its package.
    pub package: PackagePath,
    /// Its name.
    pub version: VersionName,
}

/// Where a file lies.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FileLocation {
    /// Its repository.
    pub repo: RepoPath,
    /// Its path within it.
    pub path: FilePath,
}

impl RepoPath {
    /// Parses both names.
    ///
    /// # Errors
    /// [`NameError`] for the first that breaks a rule.
    pub fn parse(subject: &str, repo: &str) -> Result<Self, NameError> {
        Ok(Self { subject: SubjectName::parse(subject)?, repo: RepoName::parse(repo)? })
    }

    /// The package of this name in the repository.
    #[must_use]
    pub fn package(&self, package: PackageName) -> PackagePath {
        PackagePath { repo: self.clone(), package }
    }

    /// The file of this path in the repository.
    #[must_use]
    pub fn file(&self, path: FilePath) -> FileLocation {
        FileLocation { repo: self.clone(), path }
    }
}

impl PackagePath {
    /// The version of this name of the package.
    #[must_use]
    pub fn version(&self, version: VersionName) -> VersionPath {
        VersionPath { package: self.clone(), version }
    }
}

impl VersionPath {
    /// The repository.
    #[must_use]
    pub fn repo(&self) -> &RepoPath {
        &self.package.repo
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.subject, self.repo)
    }
}

impl fmt::Display for FileLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.repo, self.path)
    }
}
