//! Files: the files of a package or a version, and the deletion of one.

use super::{Listed, Paging, versions};
use crate::access::{Act, Caller, PackagePlace, Permit, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::jobs;
use crate::model::Stored;
use crate::model::blobs::BlobReference;
use crate::model::files::File;
use crate::model::versions::Version;
use crate::names::{FileLocation, PackagePath, VersionPath};
use crate::store::{Filter, Query};
use crate::work::Work;
use crate::{Error, Noun, Result};

/// The files of a package, by path. Unpublished ones are among them only if they are asked for by
/// someone who may publish.
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
    // A version that is being deleted is gone, though some of its files may be left.
    let closing = place.repo.closing.iter().filter(|closing| closing.package == path.package);
    let hidden = closing
        .filter_map(|closing| closing.version.as_ref())
        .map(|version| Filter::Not(Box::new(File::of_version(&path.package, version))));
    let filter = std::iter::once(File::of_package(&path.package)).chain(hidden).collect();
    list(packhouse, place, filter, include_unpublished, paging).await
}

/// The files of a version, by path, as [`of_package`].
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

/// Deletes a file, published or not.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`].
pub async fn delete(packhouse: &Packhouse, caller: &Caller, location: &FileLocation) -> Result<()> {
    packhouse
        .change::<act::Delete, _, _, _, _>(caller, location, |permit, work| async move {
            let file = &permit.place().file;
            let blob = remove(&work, &permit, file);
            jobs::condemn(&work, &permit, vec![blob]);
            versions::touch(&work, &permit, &file.version_path());
            Ok(())
        })
        .await
}

/// Plans the removal of a file and of its reference, and gives the blob that it referred to.
pub(crate) fn remove<A: Act, P>(work: &Work, permit: &Permit<A, P>, file: &File) -> BlobId {
    work.delete(permit, file.key());
    work.delete(permit, BlobReference::key_of(file.blob, &file.location()));
    file.blob
}
