//! Whether the backends can do their work.

use std::time::Duration;

use bytes::Bytes;

use crate::access::{Caller, Platform, SystemCaller, act};
use crate::blobs::BlobId;
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::jobs::Job;
use crate::store::{Change, Key, KeyRange, Kind, Query};
use crate::{Error, Result};

/// How long an answer is given again without looking.
const FRESH: Duration = Duration::from_secs(2);

/// Reads, selects and writes records, and writes some bytes and takes them back. An answer holds
/// for two seconds, and those who ask meanwhile wait for it, so that asking often costs little.
///
/// # Errors
/// What the backends say, such as [`crate::ErrorKind::Full`]; said again, it is
/// [`crate::ErrorKind::Unavailable`].
pub async fn probe(packhouse: &Packhouse) -> Result<()> {
    let mut last = packhouse.last_probe().lock().await;
    let now = packhouse.now();
    if let Some((at, well)) = *last
        && at <= now
        && now.since(at) < FRESH
    {
        return if well { Ok(()) } else { Err(Error::unavailable()) };
    }
    let outcome = look(packhouse).await;
    *last = Some((now, outcome.is_ok()));
    outcome
}

async fn look(packhouse: &Packhouse) -> Result<()> {
    let counter = &Key::new(Kind::new("probe"), []);
    let janitor = Caller::system(SystemCaller::Janitor);
    packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            work.change(&permit, Change::Add(counter.clone(), 1));
            Ok(())
        })
        .await?;
    packhouse.read_all(std::slice::from_ref(counter)).await?;
    let jobs = KeyRange::within(Job::KIND, []);
    packhouse.select(&Query::within(jobs).keys().limit(1)).await?;
    let id = BlobId::from_bytes(packhouse.random_bytes());
    let _in_flight = packhouse.in_flight(id);
    let mut writer = packhouse.blobs().create(&id).await?;
    writer.write(Bytes::from_static(b"probe")).await?;
    writer.finish().await?;
    packhouse.blobs().remove(&id).await?;
    Ok(())
}
