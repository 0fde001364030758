//! Maven's layout, where the path of a file says the version that it belongs to and the
//! coordinates that its package is found by.
//!
//! Says where a file belongs and nothing of how it is received: that is [`super::uploads`].

use super::files;
use crate::access::{Caller, Changes, PackagePlace, Permit, Within, act};
use crate::engine::Packhouse;
use crate::model::files::File;
use crate::model::grants::Action;
use crate::model::packages::Package;
use crate::model::repositories::{Repository, RepositoryKind};
use crate::names::{FilePath, MavenPath, PackagePath, SystemId, VersionName, VersionPath};
use crate::store::{Cursor, Filter, Query, Start};
use crate::work::Work;
use crate::{Error, Result};

/// Where a file of Maven's layout belongs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// To a version, like any file.
    Version(VersionPath),
    /// Nowhere: an index, which is not kept as clients write it.
    Index,
}

/// The place of a file.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a path that is not in Maven's layout.
pub fn place(package: &PackagePath, path: &FilePath) -> Result<Place> {
    match MavenPath::of(path) {
        Some(MavenPath::Artifact { version, .. }) => Ok(Place::Version(package.version(version))),
        Some(MavenPath::Index) => Ok(Place::Index),
        // A client's test compares the text.
        None => {
            Err(Error::invalid("Provided artifact path does not comply with Maven's convention"))
        }
    }
}

/// Plans to note what a package has published files of, so that it is found by its coordinates.
pub(super) fn note_system_ids<'a, A: Changes>(
    work: &Work,
    permit: &Permit<A, PackagePlace>,
    paths: impl IntoIterator<Item = &'a FilePath>,
) {
    let PackagePlace { repo, package, .. } = permit.place();
    let mut ids = package.system_ids.clone();
    for id in paths.into_iter().filter_map(|path| system_id(repo, path)) {
        if ids.len() < Package::MAX_SYSTEM_IDS {
            ids.insert(id);
        }
    }
    if ids != package.system_ids {
        work.put(permit, &Package { system_ids: ids, ..package.clone() });
    }
}

/// What goes from a package.
pub(super) enum Gone<'a> {
    File(&'a FilePath),
    Version(&'a VersionName),
}

/// Plans to forget what a package has no published files of any more. A publication at the same
/// moment may be overlooked; the next one notes it again.
pub(super) async fn forget_system_ids<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    repo: &Repository,
    path: &PackagePath,
    gone: Gone<'_>,
) -> Result<()> {
    // As the basis: what is published of a version while it is deleted goes with it.
    let package = work.find_as_basis::<Package>(Package::key_of(path)).await?;
    let Some(package) = package else { return Ok(()) };
    let mut ids = package.system_ids.clone();
    for id in &package.system_ids {
        let is_affected = match gone {
            Gone::File(file) => system_id(repo, file).as_ref() == Some(id),
            Gone::Version(_) => true,
        };
        if is_affected && !has_published(work, repo, path, id, &gone).await? {
            ids.remove(id);
        }
    }
    if ids != package.system_ids {
        work.put(permit, &Package { system_ids: ids, ..package });
    }
    Ok(())
}

/// Whether a package has a published file of these coordinates besides what goes.
async fn has_published(
    work: &Work,
    repo: &Repository,
    package: &PackagePath,
    id: &SystemId,
    gone: &Gone<'_>,
) -> Result<bool> {
    let mut filter = vec![File::of_package(&package.package), File::published_is(true)];
    filter.extend(files::of_closing_versions(repo, &package.package));
    if let Gone::Version(version) = gone {
        filter.push(Filter::Not(Box::new(File::of_version(&package.package, version))));
    }
    let folder = format!("{}/", id.folder());
    let query = Query::within(File::range_of(&package.repo)).filter(Filter::All(filter));
    let is_gone = |path: &FilePath| matches!(gone, Gone::File(file) if *file == path);
    let mut after = File::place_of(&package.repo, &folder);
    // Mostly one of the first two tells. Artifacts of a deeper group lie in the same folder.
    let mut limit = 2;
    loop {
        let start = Start::After(Cursor { value: None, key: after });
        let mut found = work.keys(&query.clone().start(start).limit(limit)).await?;
        for key in &found {
            let path = key.parts().pop().unwrap_or_default();
            if !path.starts_with(&folder) {
                return Ok(false);
            }
            let path = FilePath::parse(&path).map_err(Error::corrupt)?;
            if !is_gone(&path) && system_id(repo, &path).as_ref() == Some(id) {
                return Ok(true);
            }
        }
        let Some(last) = found.pop() else { return Ok(false) };
        (after, limit) = (last, 1_000);
    }
}

/// What a file of a Maven repository is a part of.
pub(super) fn system_id(repo: &Repository, path: &FilePath) -> Option<SystemId> {
    if repo.kind != RepositoryKind::Maven {
        return None;
    }
    match MavenPath::of(path)? {
        MavenPath::Artifact { system_id, .. } => system_id,
        MavenPath::Index => None,
    }
}

/// Asks whether the caller may upload an index to this path, of which nothing is kept: the same as
/// for any file of the package.
///
/// # Errors
/// As [`super::uploads::begin`].
pub async fn admit_index(
    packhouse: &Packhouse,
    caller: &Caller,
    package: &PackagePath,
    path: &FilePath,
    publish: bool,
) -> Result<()> {
    let paths = std::slice::from_ref(path);
    let also = publish.then_some(Action::Publish);
    let within = Within { package, version: None, paths, also };
    packhouse.permit::<act::Write, _>(caller, &within).await.map(drop)
}
