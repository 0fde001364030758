//! Files: the files of a package or a version, and the deletion of one.

use super::maven::{self, Gone};
use super::windows::Window;
use super::{Listed, Paging, versions};
use crate::access::{Caller, Changes, FilePlace, PackagePlace, Permit, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::jobs;
use crate::model::Stored;
use crate::model::blobs::BlobReference;
use crate::model::files::{File, UsedBytes};
use crate::model::repositories::Repository;
use crate::model::versions::Version;
use crate::names::{FileLocation, PackageName, PackagePath, VersionPath};
use crate::store::{Filter, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Noun, Result};

/// How many deletions of packages and versions may run in a repository that is listed: each is a
/// condition of the query.
const MOST_CLOSING: usize = 1_000;

/// The files of a package, by path. Unpublished ones are among them only if they are asked for by
/// someone who may publish.
///
/// Implements the Bintray REST API, "Get Package Files".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`].
pub async fn of_package(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
    include_unpublished: bool,
    paging: Paging,
) -> Result<Listed<File>> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let place = permit.place();
    let mut filter = vec![File::of_package(&path.package)];
    filter.extend(of_closing_versions(&place.repo, &path.package));
    list(packhouse, place, filter, include_unpublished, paging).await
}

/// Leaves out the files of versions that are being deleted: those are gone, though some of their
/// files may be left.
pub(super) fn of_closing_versions(
    repo: &Repository,
    package: &PackageName,
) -> impl Iterator<Item = Filter> {
    let closing = repo.closing.iter().filter(move |closing| closing.package == *package);
    closing
        .filter_map(|closing| closing.version.as_ref())
        .map(move |version| Filter::Not(Box::new(File::of_version(package, version))))
}

/// The files of a repository that are listed. Those of packages and versions that are being deleted are gone,
/// though some may be left.
pub(super) fn listed(repo: &Repository, unpublished_too: bool) -> Result<Filter> {
    if repo.closing.len() > MOST_CLOSING {
        return Err(Error::unavailable());
    }
    let mut filters = Vec::new();
    if !unpublished_too {
        filters.push(File::published_is(true));
    }
    filters.extend(repo.closing.iter().map(|closing| {
        let files = match &closing.version {
            Some(version) => File::of_version(&closing.package, version),
            None => File::of_package(&closing.package),
        };
        Filter::Not(Box::new(files))
    }));
    Ok(Filter::All(filters))
}

/// The files of a version, by path, as [`of_package`].
///
/// Implements the Bintray REST API, "Get Version Files".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`].
pub async fn of_version(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &VersionPath,
    include_unpublished: bool,
    paging: Paging,
) -> Result<Listed<File>> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let version = packhouse.read_all(&[Version::key_of(path)]).await?.pop().flatten();
    if version.is_none() {
        return Err(Error::not_found(Noun::Version, &path.version));
    }
    let filter = vec![File::of_version(&path.package.package, &path.version)];
    list(packhouse, permit.place(), filter, include_unpublished, paging).await
}

async fn list(
    packhouse: &Packhouse,
    place: &PackagePlace,
    mut filter: Vec<Filter>,
    include_unpublished: bool,
    paging: Paging,
) -> Result<Listed<File>> {
    if !(include_unpublished && place.publisher) {
        filter.push(File::published_is(true));
    }
    let query = Query::within(File::range_of(&place.repo.path())).filter(Filter::All(filter));
    packhouse.list(query, paging).await
}

/// Whether the caller may say something about a file: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_there(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<()> {
    packhouse.permit::<act::Annotate, _>(caller, location).await.map(drop)
}

/// Puts a published file on its package's list of downloads, or takes it off.
///
/// Implements the Bintray REST API, "Update File Metadata".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for a file that is not published.
pub async fn list_in_downloads(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
    listed: bool,
) -> Result<()> {
    packhouse
        .change::<act::Annotate, _, _, _, _>(caller, location, |permit, work| async move {
            let file = permit.place().file.clone();
            if file.published.is_none() {
                // Clients look for "unpublished file", and ask again until it is published.
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("'{}' is an unpublished file: publish it first", file.path),
                ));
            }
            if file.list_in_downloads != listed {
                work.put(&permit, &File { list_in_downloads: listed, ..file.clone() });
                versions::touch(&work, &permit, &file.version_path(), true);
            }
            Ok(())
        })
        .await
}

/// Deletes a file, published or not.
///
/// Implements the Bintray REST API, "Delete Content".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Forbidden`] also for what was published too
/// long ago ([`crate::Limits::oss_change_window`], `version_update_max_days`).
pub async fn delete(packhouse: &Packhouse, caller: &Caller, location: &FileLocation) -> Result<()> {
    packhouse
        .change::<act::Delete, _, _, _, _>(caller, location, |permit, work| async move {
            let file = &permit.place().file;
            check_window(&work, permit.caller(), permit.place()).await?;
            let blobs = remove(&work, &permit, file);
            jobs::condemn(&work, &permit, blobs);
            let version = file.version_path();
            let repo = &permit.place().repo;
            if maven::system_id(repo, &file.path).is_some() {
                let gone = Gone::File(&file.path);
                maven::forget_system_ids(&work, &permit, repo, &version.package, gone).await?;
            }
            versions::touch(&work, &permit, &version, file.published.is_some());
            Ok(())
        })
        .await
}

/// Whether it was published too long ago for the caller to delete it.
async fn check_window(work: &Work, caller: &Caller, place: &FilePlace) -> Result<()> {
    let FilePlace { subject, repo, file, .. } = place;
    if file.published.is_none() {
        return Ok(());
    }
    let window = Window::new(subject.plan, repo);
    window.check_file(work, file)?;
    match work.find::<Version>(Version::key_of(&file.version_path())).await? {
        Some(version) => window.check_members(work, caller, &version).await,
        None => Ok(()),
    }
}

/// Plans a file whose bytes may be others than those of the one that was there.
pub(crate) fn put<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    file: &File,
    old: Option<&File>,
) {
    let more = file.used_bytes() - old.map_or(0, File::used_bytes);
    work.add(permit, UsedBytes::key_of(&file.location().repo), more);
    work.put(permit, file);
}

/// Plans the removal of a file and of its references, and gives the blobs that it referred to.
pub(crate) fn remove<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    file: &File,
) -> Vec<BlobId> {
    work.delete(permit, file.key());
    work.add(permit, UsedBytes::key_of(&file.location().repo), -file.used_bytes());
    file.blobs().inspect(|blob| release(work, permit, file, *blob)).collect()
}

/// Plans that a file no longer refers to a blob.
pub(crate) fn release<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    file: &File,
    blob: BlobId,
) {
    work.delete(permit, BlobReference::key_of(blob, &file.location()));
}
