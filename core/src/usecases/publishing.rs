//! Publishing: making the unpublished files of a version seen by all who may read it, or
//! discarding them.

use super::windows::Window;
use super::{files, maven, versions};
use crate::access::{Caller, PackagePlace, Permit, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::jobs;
use crate::model::files::File;
use crate::model::versions::Version;
use crate::names::VersionPath;
use crate::store::{Filter, Query, Start};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// The most files that are published or discarded at once, so that it happens for all or none.
pub const MOST_AT_ONCE: usize = 30_000;

/// Whether the caller may publish a version: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<()> {
    let work = Work::new(packhouse);
    work.permit::<act::Publish, _>(caller, path).await?;
    versions::require(&work, path).await.map(drop)
}

/// Publishes every unpublished file of a version, and every replacement of a published one, all at
/// one instant, and gives their number: 0 where nothing was pending. Bintray REST API, "Publish /
/// Discard Uploaded Content".
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::TooLarge`] for more than [`MOST_AT_ONCE`] files;
/// [`ErrorKind::Forbidden`] also where a replacement waited until what it replaces can no longer be
/// changed: it can be discarded.
pub async fn publish(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<u64> {
    packhouse
        .change::<act::Publish, _, _, _, _>(caller, path, |permit, work| async move {
            let version = versions::require(&work, path).await?;
            let pending = pending(&work, path).await?;
            check_windows(&work, &permit, &version, &pending).await?;
            let mut released = Vec::new();
            for old in &pending {
                let (file, replaced) = old.clone().publish(work.now());
                files::put(&work, &permit, &file, Some(old));
                if let Some(blob) = replaced {
                    files::release(&work, &permit, &file, blob);
                    released.push(blob);
                }
            }
            if !pending.is_empty() {
                versions::note_publication(&work, &permit, &version);
                maven::note_system_ids(&work, &permit, pending.iter().map(|file| &file.path));
                finish(&work, &permit, path, released, true);
            }
            Ok(pending.len() as u64)
        })
        .await
}

/// Deletes every unpublished file of a version and every replacement of a published one, and gives
/// their number. What is published stays. Bintray REST API, "Publish / Discard Uploaded Content".
///
/// # Errors
/// As [`publish`].
pub async fn discard(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<u64> {
    packhouse
        .change::<act::Publish, _, _, _, _>(caller, path, |permit, work| async move {
            versions::require(&work, path).await?;
            let pending = pending(&work, path).await?;
            let mut released = Vec::new();
            for file in &pending {
                if file.published.is_none() {
                    released.extend(files::remove(&work, &permit, file));
                } else if let Some(replacement) = &file.replacement {
                    let kept = File { replacement: None, ..file.clone() };
                    files::put(&work, &permit, &kept, Some(file));
                    if replacement.blob != file.contents.blob {
                        files::release(&work, &permit, file, replacement.blob);
                        released.push(replacement.blob);
                    }
                }
            }
            if !pending.is_empty() {
                finish(&work, &permit, path, released, false);
            }
            Ok(pending.len() as u64)
        })
        .await
}

/// Whether what is published may still be replaced by what waits for it.
async fn check_windows(
    work: &Work,
    permit: &Permit<act::Publish, PackagePlace>,
    version: &Version,
    pending: &[File],
) -> Result<()> {
    let window = Window::of(permit.place());
    for file in pending {
        if file.published.is_some() {
            window.check_file(work, file)?;
        }
    }
    if pending.iter().any(|file| file.published.is_some()) {
        window.check_members(work, permit.caller(), version).await?;
    }
    Ok(())
}

fn finish(
    work: &Work,
    permit: &Permit<act::Publish, PackagePlace>,
    path: &VersionPath,
    released: Vec<BlobId>,
    seen_by_everyone: bool,
) {
    if !released.is_empty() {
        jobs::condemn(work, permit, released);
    }
    versions::touch(work, permit, path, seen_by_everyone);
}

async fn pending(work: &Work, path: &VersionPath) -> Result<Vec<File>> {
    let filter = Filter::All(vec![
        File::of_version(&path.package.package, &path.version),
        File::is_pending(),
    ]);
    let mut query = Query::within(File::range_of(path.repo())).filter(filter);
    let mut pending = Vec::new();
    loop {
        let (files, next) = work.page::<File>(&query).await?;
        pending.extend(files);
        if pending.len() > MOST_AT_ONCE {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "More than {MOST_AT_ONCE} files are unpublished, which is the most at once: \
                     publish some with their upload (publish=1), or delete some"
                ),
            ));
        }
        match next {
            Some(cursor) => query = query.start(Start::After(cursor)),
            None => return Ok(pending),
        }
    }
}
