//! Listing: one folder after another, each in one go.

use std::fs::{self, DirEntry, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use packhouse_core::Timestamp;
use packhouse_core::blobs::{BlobError, BlobId, BlobInfo};

use crate::errors::{failed, job_failed, no_blob};
use crate::layout::Place;
use crate::store::Shared;

type Listed = Vec<Result<BlobInfo, BlobError>>;

/// Every finished blob. A file that is no blob is an error among them: whoever removes what nobody
/// refers to should stop and have a person look.
pub(crate) fn list(shared: &Arc<Shared>) -> BoxStream<'static, Result<BlobInfo, BlobError>> {
    let shared = Arc::clone(shared);
    stream::iter(0..=u8::MAX)
        .then(move |first| {
            let shared = Arc::clone(&shared);
            async move {
                let list =
                    move || list_folder(&shared.layout.folder(Place::Finished(first)), first);
                let listed = tokio::task::spawn_blocking(list).await;
                stream::iter(listed.unwrap_or_else(|error| vec![Err(job_failed(error))]))
            }
        })
        .flatten()
        .boxed()
}

/// When a file was written last.
pub(crate) fn finished(metadata: &Metadata) -> Timestamp {
    let millis = metadata.mtime().saturating_mul(1000);
    Timestamp::from_millis(millis.saturating_add(metadata.mtime_nsec() / 1_000_000))
}

fn list_folder(folder: &Path, first: u8) -> Listed {
    let unlisted = |error| failed(format!("listing {}", folder.display()), error);
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .filter_map(|entry| match entry {
                Ok(entry) => look_at(&entry, first).transpose(),
                Err(error) => Some(Err(unlisted(error))),
            })
            .collect(),
        Err(error) => vec![Err(unlisted(error))],
    }
}

/// What an entry is; nothing if it was removed meanwhile.
fn look_at(entry: &DirEntry, first: u8) -> Result<Option<BlobInfo>, BlobError> {
    let path = entry.path();
    let strange = || no_blob(format!("{} is no blob; remove it by hand", path.display()));
    let name = entry.file_name();
    let id: BlobId = name.to_str().and_then(|name| name.parse().ok()).ok_or_else(strange)?;
    if Place::of(&id) != Place::Finished(first) {
        return Err(strange());
    }
    // Does not follow links.
    match entry.metadata() {
        Ok(found) if found.is_file() => {
            Ok(Some(BlobInfo { id, size: found.len(), finished: finished(&found) }))
        }
        Ok(_) => Err(strange()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(format!("looking at {}", path.display()), error)),
    }
}
