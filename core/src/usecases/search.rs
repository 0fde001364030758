//! Searches across repositories: for repositories, packages, Maven coordinates and files.
//!
//! What a caller may not see is part of the question, so that no total tells of it. Repositories and
//! packages that are found are shown as by their names, with the policy asked again for each; files
//! are shown as they were found.

use std::future::Future;

use super::packages::PackageView;
use super::repositories::RepositoryView;
use super::{Listed, Paging, packages, repositories};
use crate::access::{Caller, Sight};
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::blobs::Content;
use crate::model::files::File;
use crate::model::packages::Package;
use crate::model::repositories::Repository;
use crate::names::{RepoName, RepoPath, SubjectName, SystemId};
use crate::store::{Field, Filter, Key, KeyRange, Pattern, Query};
use crate::{Error, ErrorKind, Result, Timestamp};

/// Where to search: everywhere, in what a subject owns, in all repositories of a name, or in one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Within {
    /// The owner.
    pub subject: Option<SubjectName>,
    /// The name of the repository.
    pub repo: Option<RepoName>,
}

/// What a text says of itself, for things that have a name and a description.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Texts {
    /// The name holds this, in any case of ASCII letters; `*` stands for any characters and `?`
    /// for one.
    pub name: Option<String>,
    /// The description holds this.
    pub desc: Option<String>,
}

/// Maven coordinates to look for, as patterns with `*` and `?`, in any case of ASCII letters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coordinates {
    /// Those of this group.
    Group(String),
    /// Those of this artifact.
    Artifact(String),
    /// Those of this group and this artifact.
    Both(String, String),
    /// Those where the group or the artifact matches, or both if it is `group:artifact`.
    Any(String),
}

/// A package that has Maven coordinates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MavenPackage {
    /// The package.
    pub package: PackageView,
    /// Which of its coordinates were looked for.
    pub matched: Vec<SystemId>,
}

/// Which files to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Those whose last segment of the path matches: `*` stands for any characters and `?` for
    /// one; in any case of ASCII letters.
    Name(String),
    /// Those with this SHA-1, in hexadecimal.
    Sha1(String),
    /// Those with this SHA-256, in hexadecimal.
    Sha256(String),
}

/// The repositories that the caller sees whose texts match, by owner and name.
///
/// Implements the Bintray REST API, "Repository Search".
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for anonymous callers; [`ErrorKind::Invalid`] without a text.
pub async fn repositories(
    packhouse: &Packhouse,
    caller: &Caller,
    texts: &Texts,
    paging: Paging,
) -> Result<Listed<RepositoryView>> {
    if caller.is_anonymous() {
        return Err(Error::unauthenticated());
    }
    let mut filter = texts.filters(&Repository::NAME_TEXT, &Repository::DESC)?;
    if filter.is_empty() {
        return Err(Error::invalid("Nothing to search for: give at least one of name, desc"));
    }
    filter.push(Sight::of(packhouse, caller, None).await?.repositories());
    let query = Query::within(KeyRange::within(Repository::KIND, []));
    let found: Listed<Repository> =
        packhouse.list(query.filter(Filter::All(filter)), paging).await?;
    let show = async |path: RepoPath| repositories::show(packhouse, caller, &path).await;
    found.complete(|repo| still_there(show(repo.path()))).await
}

/// The packages that the caller sees whose texts match, by owner, repository and name.
///
/// Implements the Bintray REST API, "Package Search".
///
/// # Errors
/// [`ErrorKind::Invalid`] without a text and a place.
pub async fn packages(
    packhouse: &Packhouse,
    caller: &Caller,
    texts: &Texts,
    within: &Within,
    paging: Paging,
) -> Result<Listed<PackageView>> {
    let mut filter = texts.filters(&Package::NAME_TEXT, &Package::DESC)?;
    if filter.is_empty() && *within == Within::default() {
        return Err(Error::invalid(
            "Nothing to search for: give at least one of name, desc, subject, repo",
        ));
    }
    let sight = within.sight(packhouse, caller).await?;
    filter.push(sight.packages());
    let query = within.query::<Package>(packhouse, &sight, filter).await?;
    let found: Listed<Package> = packhouse.list(query, paging).await?;
    found.complete(|package| still_there(shown(packhouse, caller, package))).await
}

/// The packages that the caller sees with published files of the coordinates, by owner, repository
/// and name. A package is found by as many as [`Package::MAX_SYSTEM_IDS`] of its coordinates.
///
/// Implements the Bintray REST API, "Maven Package Search".
///
/// # Errors
/// [`ErrorKind::Invalid`] for patterns that are too long.
pub async fn maven(
    packhouse: &Packhouse,
    caller: &Caller,
    coordinates: &Coordinates,
    within: &Within,
    paging: Paging,
) -> Result<Listed<MavenPackage>> {
    let wanted = &coordinates.patterns()?;
    let like = |pattern: &Pattern| Filter::Like(Package::SYSTEM_ID, pattern.clone());
    let sight = within.sight(packhouse, caller).await?;
    let filter = vec![Filter::Any(wanted.iter().map(like).collect()), sight.packages()];
    let query = within.query::<Package>(packhouse, &sight, filter).await?;
    let found: Listed<Package> = packhouse.list(query, paging).await?;
    let matches = |id: &&SystemId| wanted.iter().any(|pattern| pattern.matches(id.as_str()));
    let show = async |package: Package| {
        let matched = package.system_ids.iter().filter(matches).cloned().collect();
        let package = shown(packhouse, caller, package).await?;
        Ok(MavenPackage { package, matched })
    };
    found.complete(|package| still_there(show(package))).await
}

/// The published files that the caller sees, by owner, repository and path; only those that were
/// uploaded at or after an instant, if one is given.
///
/// Implements the Bintray REST API, "File Search by Name" and "File Search by Checksum".
///
/// # Errors
/// [`ErrorKind::Invalid`] for what is no checksum.
pub async fn files(
    packhouse: &Packhouse,
    caller: &Caller,
    wanted: &Wanted,
    created_after: Option<Timestamp>,
    within: &Within,
    paging: Paging,
) -> Result<Listed<File>> {
    let mut filter = vec![match wanted {
        Wanted::Name(name) => Filter::Like(File::NAME_TEXT, pattern(name)?),
        Wanted::Sha1(sha1) => with_sha1(packhouse, &digest("SHA-1", sha1, 40)?).await?,
        Wanted::Sha256(sha256) => File::has_content(&digest("SHA-256", sha256, 64)?),
    }];
    filter.extend(created_after.map(File::created_since));
    let sight = within.sight(packhouse, caller).await?;
    filter.push(sight.published_files());
    packhouse.list(within.query::<File>(packhouse, &sight, filter).await?, paging).await
}

/// The files of every content that has a SHA-1: collisions of it are known.
async fn with_sha1(packhouse: &Packhouse, sha1: &str) -> Result<Filter> {
    let query = Query::within(KeyRange::within(Content::KIND, [])).filter(Content::has_sha1(sha1));
    let contents = packhouse.select(&query.keys().limit(1_000)).await?;
    let sums = contents.rows.iter().filter_map(|row| row.key.parts().pop());
    Ok(Filter::Any(sums.map(|sha256| File::has_content(&sha256)).collect()))
}

fn digest(name: &str, given: &str, digits: usize) -> Result<String> {
    if given.len() == digits && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(given.to_ascii_lowercase());
    }
    Err(Error::invalid(format!("what is given is no {name}: it has {digits} hexadecimal digits")))
}

pub(super) fn pattern(text: &str) -> Result<Pattern> {
    let most = Pattern::MAX_BYTES;
    let too_long = || Error::invalid(format!("the text to look for is over {most} bytes"));
    Pattern::new(text).ok_or_else(too_long)
}

async fn shown(packhouse: &Packhouse, caller: &Caller, package: Package) -> Result<PackageView> {
    packages::show(packhouse, caller, &package.path()).await
}

/// What was looked up, unless it went or was closed since it was found.
async fn still_there<T>(shown: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    match shown.await {
        Ok(shown) => Ok(Some(shown)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound(_) | ErrorKind::Unauthenticated => Ok(None),
            _ => Err(error),
        },
    }
}

impl Texts {
    fn filters(&self, name: &Field, desc: &Field) -> Result<Vec<Filter>> {
        let mut filters = Vec::new();
        for (field, text) in [(name, &self.name), (desc, &self.desc)] {
            if let Some(text) = text {
                filters.push(Filter::Like(field.clone(), pattern(&format!("*{text}*"))?));
            }
        }
        Ok(filters)
    }
}

impl Coordinates {
    /// The patterns one of which `group:artifact` matches. Neither part holds a colon, so that no
    /// wildcard reaches from one into the other.
    fn patterns(&self) -> Result<Vec<Pattern>> {
        let texts = match self {
            Self::Group(group) => vec![format!("{group}:*")],
            Self::Artifact(artifact) => vec![format!("*:{artifact}")],
            Self::Both(group, artifact) => vec![format!("{group}:{artifact}")],
            Self::Any(any) if any.contains(':') => vec![any.clone()],
            Self::Any(any) => vec![format!("{any}:*"), format!("*:{any}")],
        };
        texts.iter().map(|text| pattern(text)).collect()
    }
}

/// Up to two of the repositories that are seen and match.
async fn seen_of(packhouse: &Packhouse, sight: &Sight, filter: Filter) -> Result<Vec<Key>> {
    let filter = Filter::All(vec![filter, sight.repositories()]);
    let query = Query::within(KeyRange::within(Repository::KIND, [])).filter(filter);
    let page = packhouse.select(&query.keys().limit(2)).await?;
    Ok(page.rows.into_iter().map(|row| row.key).collect())
}

impl Within {
    async fn sight(&self, packhouse: &Packhouse, caller: &Caller) -> Result<Sight> {
        Sight::of(packhouse, caller, self.subject.as_ref()).await
    }

    async fn query<T: Stored>(
        &self,
        packhouse: &Packhouse,
        sight: &Sight,
        mut filter: Vec<Filter>,
    ) -> Result<Query> {
        let mut parts: Vec<String> = Vec::new();
        match (&self.subject, &self.repo) {
            (Some(subject), repo) => {
                parts.push(subject.folded());
                parts.extend(repo.as_ref().map(RepoName::folded));
            }
            (None, Some(repo)) => {
                let named = Repository::is_named(repo);
                // Most names are of one repository, or of none: then nothing else is looked at.
                match &*seen_of(packhouse, sight, named.clone()).await? {
                    [] => filter.push(Filter::Any(Vec::new())),
                    [only] => parts = only.parts(),
                    _ => filter.push(Filter::Of(Repository::KIND, Box::new(named))),
                }
            }
            (None, None) => {}
        }
        let range = KeyRange::within(T::KIND, parts.iter().map(String::as_str));
        Ok(Query::within(range).filter(Filter::All(filter)))
    }
}
