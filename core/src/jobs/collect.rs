//! Blobs that nothing refers to: condemned first, removed after a grace period.
//!
//! Safe to repeat: each step looks again, and expects at its commit what it saw. A blob that an
//! upload refers to again meanwhile is left alone. An id is never used again, so that removing a
//! blob's bytes late cannot hit anything else.

use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::jobs::{self, Janitor};
use crate::model::Stored;
use crate::model::blobs::{Blob, BlobReference, Content};
use crate::model::jobs::Task;
use crate::store::Query;
use crate::work::Work;
use crate::{Result, Timestamp};

/// Condemns those of the blobs that nothing refers to.
pub(super) async fn condemn(packhouse: &Packhouse, ids: &[BlobId]) -> Result<()> {
    let janitor = Caller::system(SystemCaller::Janitor);
    let grace = packhouse.limits().blob_grace;
    packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            let mut condemned = Vec::new();
            for id in ids {
                let Some(blob) = unreferenced(packhouse, &work, *id).await? else { continue };
                work.put(&permit, &Blob { condemned: Some(work.now()), ..blob });
                condemned.push(*id);
            }
            if !condemned.is_empty() {
                let due = work.now().after(grace);
                work.put(&permit, &jobs::new(&work, Task::RemoveBlobs(condemned), due));
            }
            Ok(())
        })
        .await
}

/// The blob's record, if it has one and nothing refers to it; expected so at the commit.
async fn unreferenced(packhouse: &Packhouse, work: &Work, id: BlobId) -> Result<Option<Blob>> {
    let Some(blob) = work.find_as_basis::<Blob>(Blob::key_of(id)).await? else { return Ok(None) };
    let references = BlobReference::range_of(id);
    let query = Query::within(references.clone()).keys().limit(1);
    if !packhouse.select(&query).await?.rows.is_empty() {
        return Ok(None);
    }
    work.expect_empty(references);
    Ok(Some(blob))
}

/// Removes those of the blobs whose grace is over: their records first, then their bytes.
pub(super) async fn remove(packhouse: &Packhouse, ids: &[BlobId]) -> Result<()> {
    let janitor = Caller::system(SystemCaller::Janitor);
    let forgotten = packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            let mut forgotten = Vec::new();
            for id in ids {
                if forget(packhouse, &work, &permit, *id).await? {
                    forgotten.push(*id);
                }
            }
            Ok(forgotten)
        })
        .await?;
    for id in forgotten {
        packhouse.verified().forget(id);
        packhouse.blobs().remove(&id).await?;
    }
    Ok(())
}

/// Plans to forget a blob; true if its bytes may go then. A blob without a record was forgotten by
/// an earlier run that was interrupted before it removed the bytes.
async fn forget(packhouse: &Packhouse, work: &Work, permit: &Janitor, id: BlobId) -> Result<bool> {
    let over = |at: Timestamp| at.after(packhouse.limits().blob_grace) <= work.now();
    if !work.exists(Blob::key_of(id)).await? {
        return Ok(true);
    }
    let Some(blob) = unreferenced(packhouse, work, id).await? else { return Ok(false) };
    if !blob.condemned.is_some_and(over) {
        return Ok(false);
    }
    work.delete(permit, blob.key());
    let content = work.find::<Content>(Content::key_of(&blob.sha256)).await?;
    if let Some(content) = content.filter(|content| content.blob == id) {
        work.delete(permit, content.key());
    }
    Ok(true)
}
