//! Whether the backends can do their work.

use std::time::Duration;

use bytes::Bytes;

use crate::Result;
use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::store::{Change, Key, Kind};

/// How long a good answer is given again without looking.
const FRESH: Duration = Duration::from_secs(2);

/// Writes a record and some bytes, and takes the bytes back. A good answer holds for two seconds,
/// so that asking often costs little.
///
/// # Errors
/// What the backends say, such as [`crate::ErrorKind::Full`].
pub async fn probe(packhouse: &Packhouse) -> Result<()> {
    let now = packhouse.now();
    if packhouse.last_probe().is_some_and(|last| now.since(last) < FRESH && last <= now) {
        return Ok(());
    }
    let janitor = Caller::system(SystemCaller::Janitor);
    packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            let counter = Key::new(Kind::new("probe"), []);
            work.change(&permit, Change::Add(counter, 1));
            Ok(())
        })
        .await?;
    let id = BlobId::from_bytes(packhouse.random_bytes());
    let _in_flight = packhouse.in_flight(id);
    let mut writer = packhouse.blobs().create(&id).await?;
    writer.write(Bytes::from_static(b"probe")).await?;
    writer.finish().await?;
    packhouse.blobs().remove(&id).await?;
    packhouse.probed(now);
    Ok(())
}
