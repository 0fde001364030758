//! Attributes of packages, versions and files: list, set, merge, delete, and search by them.
//!
//! One way for the three nouns. Names that begin with `_` are there for publishers only: they are
//! not in what others are shown, and nothing that others ask for is found by them.

use futures::TryFutureExt;

use super::packages::PackageView;
use super::versions::VersionView;
use super::{Listed, ListedNames, PackageNames, Paging, files, packages, versions};
use crate::access::{Caller, Changes, PackagePlace, Permit, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::attributes::{AttributeQuery, Attributes, Clauses};
use crate::model::files::File;
use crate::model::packages::{Package, Updated};
use crate::model::versions::Version;
use crate::names::{AttributeName, FileLocation, PackagePath, RepoPath, VersionPath};
use crate::store::{Change, Filter, Query};
use crate::work::{Work, decode};
use crate::{Error, ErrorKind, Result};

/// The name of a thing that has attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Described {
    /// A package.
    Package(PackagePath),
    /// A version.
    Version(VersionPath),
    /// A file.
    File(FileLocation),
}

impl From<PackagePath> for Described {
    fn from(path: PackagePath) -> Self {
        Self::Package(path)
    }
}

impl From<VersionPath> for Described {
    fn from(path: VersionPath) -> Self {
        Self::Version(path)
    }
}

impl From<FileLocation> for Described {
    fn from(location: FileLocation) -> Self {
        Self::File(location)
    }
}

/// The attributes that the caller sees: all, or those of these names that are there.
///
/// Implements the Bintray REST API, "Get Attributes" and "Get File Attributes".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &Described,
    names: &[AttributeName],
) -> Result<Attributes> {
    let (attributes, publisher) = match of {
        Described::Package(path) => {
            let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
            let PackagePlace { package, publisher, .. } = permit.place().clone();
            (package.attributes, publisher)
        }
        Described::Version(path) => {
            let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
            let version = packhouse.read_all(&[Version::key_of(path)]).await?.pop().flatten();
            let version = version.ok_or_else(|| Error::not_found(Noun::Version, &path.version))?;
            (decode::<Version>(&version)?.attributes, permit.place().publisher)
        }
        Described::File(location) => {
            let permit = packhouse.permit::<act::Read, _>(caller, location).await?;
            let publisher = publishes(packhouse, caller, location).await?;
            (permit.place().file.attributes.clone(), publisher)
        }
    };
    let attributes = attributes.seen_by(publisher);
    Ok(if names.is_empty() { attributes } else { attributes.only(names) })
}

/// Whether the caller may publish a file that it may read.
async fn publishes(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<bool> {
    match packhouse.permit::<act::Publish, _>(caller, location).await {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::Forbidden | ErrorKind::Unauthenticated | ErrorKind::NotFound(_) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Whether the caller may change the attributes of a thing: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check(packhouse: &Packhouse, caller: &Caller, of: &Described) -> Result<()> {
    match of {
        Described::Package(path) => packages::check_there(packhouse, caller, path).await,
        Described::Version(path) => versions::check_there(packhouse, caller, path).await,
        Described::File(location) => files::check_there(packhouse, caller, location).await,
    }
}

/// Sets the attributes to these and no others, and gives them.
///
/// Implements the Bintray REST API, "Set Attributes" and "Set File Attributes".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn set(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &Described,
    attributes: &Attributes,
) -> Result<Attributes> {
    change(packhouse, caller, of, |_| Ok(attributes.clone())).await
}

/// Adds these attributes to those that are there, in place of those of the same names, and gives
/// all.
///
/// Implements the Bintray REST API, "Update Attributes" and "Update File Attributes".
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Invalid`] if there would be too many.
pub async fn merge(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &Described,
    attributes: &Attributes,
) -> Result<Attributes> {
    change(packhouse, caller, of, |held| held.merged_with(attributes.clone())).await
}

/// Deletes the attributes of these names that are there, or all if none is named.
///
/// Implements the Bintray REST API, "Delete Attributes" and "Delete File Attributes".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &Described,
    names: &[AttributeName],
) -> Result<()> {
    let edit = |held: Attributes| {
        Ok(if names.is_empty() { Attributes::default() } else { held.without(names) })
    };
    change(packhouse, caller, of, edit).await.map(|_| ())
}

/// Changes the attributes of a thing, and gives what they are then.
async fn change(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &Described,
    edit: impl Fn(Attributes) -> Result<Attributes> + Send + Sync,
) -> Result<Attributes> {
    let edit = &edit;
    match of {
        Described::Package(path) => {
            packhouse
                .change::<act::Annotate, _, _, _, _>(caller, path, |permit, work| async move {
                    let old = permit.place().package.clone();
                    let attributes = edit(old.attributes.clone())?;
                    put_package(&work, &permit, path, old, &attributes);
                    Ok(attributes)
                })
                .await
        }
        Described::Version(path) => {
            packhouse
                .change::<act::Annotate, _, _, _, _>(caller, path, |permit, work| async move {
                    let old = versions::require(&work, path).await?;
                    let attributes = edit(old.attributes.clone())?;
                    put_version(&work, &permit, path, old, &attributes);
                    Ok(attributes)
                })
                .await
        }
        Described::File(location) => {
            packhouse
                .change::<act::Annotate, _, _, _, _>(caller, location, |permit, work| async move {
                    let old = permit.place().file.clone();
                    let attributes = edit(old.attributes.clone())?;
                    let seen = old.published.is_some() && is_seen(&old.attributes, &attributes);
                    if attributes != old.attributes {
                        versions::touch(&work, &permit, &old.version_path(), seen);
                        work.put(&permit, &File { attributes: attributes.clone(), ..old });
                    }
                    Ok(attributes)
                })
                .await
        }
    }
}

/// Whether others than publishers see the difference.
fn is_seen(old: &Attributes, new: &Attributes) -> bool {
    old.clone().seen_by(false) != new.clone().seen_by(false)
}

fn put_package<A: Changes>(
    work: &Work,
    permit: &Permit<A, PackagePlace>,
    path: &PackagePath,
    old: Package,
    attributes: &Attributes,
) {
    if *attributes == old.attributes {
        return;
    }
    let seen = is_seen(&old.attributes, attributes);
    let updated = if seen { work.now() } else { old.updated };
    work.put(permit, &Package { attributes: attributes.clone(), updated, ..old });
    let for_publishers = Updated::ForPublishers.key_of(path);
    work.change(permit, Change::Raise(for_publishers, work.now().as_millis()));
}

fn put_version<A: Changes>(
    work: &Work,
    permit: &Permit<A, PackagePlace>,
    path: &VersionPath,
    old: Version,
    attributes: &Attributes,
) {
    if *attributes == old.attributes {
        return;
    }
    let seen = is_seen(&old.attributes, attributes);
    let updated = if seen { work.now() } else { old.updated };
    work.put(permit, &Version { attributes: attributes.clone(), updated, ..old });
    versions::touch(work, permit, path, seen);
}

/// Whether the caller may search a repository, or one package of it: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn check_search(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    package: Option<&PackagePath>,
) -> Result<()> {
    match package {
        Some(package) => packhouse.permit::<act::Read, _>(caller, package).await.map(drop),
        None => packhouse.permit::<act::Read, _>(caller, repo).await.map(drop),
    }
}

/// The packages of a repository for which every clause holds, by name, as they are shown.
///
/// Implements the Bintray REST API, "Attribute Search" for packages.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn search_packages(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    query: &AttributeQuery,
    paging: Paging,
) -> Result<Listed<PackageView>> {
    let permit = packhouse.permit::<act::Read, _>(caller, repo).await?;
    let place = permit.place();
    let filter = query.filter(&Package::ATTRIBUTE, Clauses::Every, place.publisher);
    let query = Query::within(Package::range_of(repo)).filter(filter);
    let found: Listed<Package> = packhouse.list(query, paging).await?;
    let view = |package| packages::view(packhouse, &place.repo, package, place.publisher);
    found.complete(|package| view(package).map_ok(Some)).await
}

/// The names of the packages of a repository for which every clause holds, in their order; up to
/// [`Paging::MAX_NAMES`] in a page.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn search_package_names(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    query: &AttributeQuery,
    paging: Paging,
) -> Result<ListedNames> {
    let permit = packhouse.permit::<act::Read, _>(caller, repo).await?;
    let filter = query.filter(&Package::ATTRIBUTE, Clauses::Every, permit.place().publisher);
    let query = Query::within(Package::range_of(repo)).filter(filter).names();
    let page = packhouse.select(&paging.of(query, Paging::MAX_NAMES)).await?;
    let names = PackageNames::new(page.names).map_err(Error::corrupt)?;
    Ok(ListedNames { names, total: page.total, start: paging.start })
}

/// The versions of a package for which every clause holds, by name, as they are shown.
///
/// Implements the Bintray REST API, "Attribute Search" for versions.
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn search_versions(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
    query: &AttributeQuery,
    paging: Paging,
) -> Result<Listed<VersionView>> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let place = permit.place();
    let filter = query.filter(&Version::ATTRIBUTE, Clauses::Every, place.publisher);
    let query = Query::within(Version::range_of(path)).filter(filter);
    let found: Listed<Version> = packhouse.list(query, paging).await?;
    found.complete(|version| versions::view(packhouse, place, version).map_ok(Some)).await
}

/// The files of a repository for which at least one clause holds, by path; unpublished ones are
/// among them for those who may publish.
///
/// Implements the Bintray REST API, "File Search by Attributes".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn search_files(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    query: &AttributeQuery,
    paging: Paging,
) -> Result<Listed<File>> {
    let permit = packhouse.permit::<act::Read, _>(caller, repo).await?;
    let place = permit.place();
    let filter = Filter::All(vec![
        query.filter(&File::ATTRIBUTE, Clauses::AtLeastOne, place.publisher),
        files::listed(&place.repo, place.publisher)?,
    ]);
    packhouse.list(Query::within(File::range_of(repo)).filter(filter), paging).await
}
