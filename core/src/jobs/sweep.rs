//! The sweep: finished blobs that no record knows, left behind by crashes between the bytes and
//! the commit that would have named them.
//!
//! Safe to repeat. Any doubt keeps the bytes: a listing that fails removes nothing, a young blob
//! or one of a running upload is left, and more orphans than a crash could leave (a store restored
//! from before its blobs, say) are reported and not removed.

use futures::stream::StreamExt;

use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::{BlobId, BlobInfo};
use crate::engine::Packhouse;
use crate::model::blobs::Blob;
use crate::{Error, ErrorKind, Result};

/// How many records are looked for at once.
const BATCH: usize = 500;
/// So many orphans are removed whatever their share.
const FEW: usize = 100;

/// Removes finished blobs that no record knows.
pub(super) async fn sweep(packhouse: &Packhouse) -> Result<()> {
    let janitor = Caller::system(SystemCaller::Janitor);
    packhouse.permit::<act::Delete, _>(&janitor, &Platform).await?;
    let mut listing = packhouse.blobs().list().ready_chunks(BATCH);
    let (mut seen, mut orphans) = (0, Vec::new());
    while let Some(chunk) = listing.next().await {
        let infos: Vec<BlobInfo> = chunk.into_iter().collect::<Result<_, _>>()?;
        seen += infos.len();
        orphans.extend(unknown(packhouse, &infos).await?);
    }
    drop(listing);
    let percent = packhouse.limits().max_orphan_percent;
    if orphans.len() > FEW.max(seen.saturating_mul(usize::from(percent)) / 100) {
        let message = format!(
            "{} of {seen} blobs have no record, more than {percent} %: nothing is removed; is the \
             store older than the blobs?",
            orphans.len()
        );
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    for id in orphans {
        packhouse.verified().forget(id);
        packhouse.blobs().remove(&id).await?;
    }
    Ok(())
}

/// Those that are old, of no running upload, and without a record.
async fn unknown(packhouse: &Packhouse, infos: &[BlobInfo]) -> Result<Vec<BlobId>> {
    let oldest = packhouse.now().before(packhouse.limits().orphan_grace);
    let old = infos.iter().filter(|info| info.finished <= oldest).map(|info| info.id);
    let ids: Vec<BlobId> = old.filter(|id| !packhouse.is_in_flight(*id)).collect();
    let keys: Vec<_> = ids.iter().map(|id| Blob::key_of(*id)).collect();
    let records = packhouse.read_all(&keys).await?;
    let absent = ids.into_iter().zip(records).filter(|(_, record)| record.is_none());
    Ok(absent.map(|(id, _)| id).collect())
}
