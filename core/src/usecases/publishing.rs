//! Publishing: making the unpublished files of a version seen by all who may read it, or
//! discarding them.

use super::{files, versions};
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::jobs;
use crate::model::files::File;
use crate::names::VersionPath;
use crate::store::{Filter, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// The most files that are published or discarded at once, so that it happens for all or none.
pub const MOST_AT_ONCE: usize = Query::MAX_LIMIT;

/// Publishes every unpublished file of a version, all at one instant, and gives their number: 0
/// where nothing was pending.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::TooLarge`] for more than [`MOST_AT_ONCE`] files.
pub async fn publish(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<u64> {
    packhouse
        .change::<act::Publish, _, _, _, _>(caller, path, |permit, work| async move {
            let pending = pending(&work, path).await?;
            for file in &pending {
                let published = Some(work.now());
                work.put(&permit, &File { published, ..file.clone() });
            }
            if !pending.is_empty() {
                versions::touch(&work, &permit, path);
            }
            Ok(pending.len() as u64)
        })
        .await
}

/// Deletes every unpublished file of a version and gives their number.
///
/// # Errors
/// As [`publish`].
pub async fn discard(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<u64> {
    packhouse
        .change::<act::Publish, _, _, _, _>(caller, path, |permit, work| async move {
            let pending = pending(&work, path).await?;
            let blobs: Vec<_> =
                pending.iter().map(|file| files::remove(&work, &permit, file)).collect();
            if !pending.is_empty() {
                jobs::condemn(&work, &permit, blobs);
                versions::touch(&work, &permit, path);
            }
            Ok(pending.len() as u64)
        })
        .await
}

async fn pending(work: &Work, path: &VersionPath) -> Result<Vec<File>> {
    versions::require(work, path).await?;
    let filter = Filter::All(vec![
        File::of_version(&path.package.package, &path.version),
        File::published_is(false),
    ]);
    let query = Query::within(File::range_of(path.repo())).filter(filter).with_total();
    let (files, total) = work.list_with_total::<File>(&query.limit(MOST_AT_ONCE)).await?;
    if total > files.len() as u64 {
        let message =
            format!("{total} files are unpublished: at most {MOST_AT_ONCE} are published at once");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(files)
}
