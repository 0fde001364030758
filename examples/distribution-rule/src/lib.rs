//! A distribution rule of one's own, and how to unit-test it.
//!
//! The rule: *a version is published only when each of its files has its checksum file beside it*
//! (`tool.tgz` and `tool.tgz.sha256`), *the checksum is right, and the version has rested for a
//! while* since its last upload, so that a mistake can still be taken back.
//!
//! The pattern, for any rule that the engine does not have:
//!
//! 1. The decision is an ordinary function ([`decide`]) from facts to a verdict. It reads no clock
//!    and no store, so that a table of cases tests it whole.
//! 2. A thin use case ([`ReleaseRule::publish`]) collects the facts through the engine's own use
//!    cases, *as the caller*: what the caller may not see, the rule does not see either, and the
//!    engine's checks cannot be passed by.
//! 3. The tests run it over the in-memory backends with a clock that they set. Nothing sleeps, and
//!    a week passes in a line.
//!
//! A rule checks before it acts; between the two another upload may come. This one is safe all the
//! same: what is published is what was pending, and a caller who uploads meanwhile had to be
//! allowed to publish anyway. A rule that must hold against its own publishers gives them `Write`
//! and keeps `Publish` for the service that applies the rule.

use std::collections::BTreeMap;
use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::blobs::ByteRange;
use packhouse_core::model::files::File;
use packhouse_core::names::VersionPath;
use packhouse_core::ports::Clock;
use packhouse_core::{
    Error, ErrorKind, Packhouse, Paging, Result, Timestamp, downloads, files, publishing,
};

/// The rule, with its setting.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseRule {
    /// How long a version rests after its last upload before it may be published.
    pub rest: Duration,
}

/// What the rule looks at: one file that waits for its publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Its path.
    pub path: String,
    /// Its SHA-256, as the engine computed it.
    pub sha256: String,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// What it says, if it is a checksum file.
    pub says: Option<String>,
}

/// Why a version may not be published yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Objection {
    /// This file has no checksum file beside it.
    NoChecksum(String),
    /// The checksum file of this file says another checksum.
    WrongChecksum(String),
    /// It has not rested; it may be published from then on.
    TooFresh(Timestamp),
}

const SUFFIX: &str = ".sha256";
/// A checksum file is a line; nobody's archive is read into memory for it.
const LONGEST_CHECKSUM_FILE: u64 = 1024;

/// The rule itself: what objects to the publication of these files at this moment.
#[must_use]
pub fn decide(rule: &ReleaseRule, pending: &[Pending], now: Timestamp) -> Option<Objection> {
    let said: BTreeMap<&str, Option<&str>> =
        pending.iter().map(|file| (file.path.as_str(), file.says.as_deref())).collect();
    for file in pending.iter().filter(|file| !file.path.ends_with(SUFFIX)) {
        match said.get(format!("{}{SUFFIX}", file.path).as_str()) {
            None => return Some(Objection::NoChecksum(file.path.clone())),
            Some(says) => {
                let checksum = says.and_then(|says| says.split_whitespace().next());
                if !checksum.is_some_and(|said| said.eq_ignore_ascii_case(&file.sha256)) {
                    return Some(Objection::WrongChecksum(file.path.clone()));
                }
            }
        }
    }
    let last = pending.iter().map(|file| file.uploaded).max()?;
    let rested = last.after(rule.rest);
    (now < rested).then_some(Objection::TooFresh(rested))
}

impl ReleaseRule {
    /// Publishes a version if nothing objects, and gives the number of its files.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] with the objection; everything that the engine refuses.
    pub async fn publish(
        &self,
        packhouse: &Packhouse,
        clock: &dyn Clock,
        caller: &Caller,
        version: &VersionPath,
    ) -> Result<u64> {
        let pending = pending(packhouse, caller, version).await?;
        match decide(self, &pending, clock.now()) {
            Some(objection) => Err(Error::new(ErrorKind::Conflict, message(&objection))),
            None => publishing::publish(packhouse, caller, version).await,
        }
    }
}

/// What waits, as this caller sees it.
async fn pending(
    packhouse: &Packhouse,
    caller: &Caller,
    version: &VersionPath,
) -> Result<Vec<Pending>> {
    let mut pending = Vec::new();
    let mut start = 0;
    loop {
        let page = Paging::new(start, Paging::MAX).without_total();
        let listed = files::of_version(packhouse, caller, version, true, page).await?;
        start += listed.items.len() as u64;
        for file in listed.items.iter().filter(|file| file.published.is_none()) {
            pending.push(facts(packhouse, caller, file).await?);
        }
        if listed.items.len() < Paging::MAX {
            return Ok(pending);
        }
    }
}

async fn facts(packhouse: &Packhouse, caller: &Caller, file: &File) -> Result<Pending> {
    let path = file.path.to_string();
    let says = if path.ends_with(SUFFIX) && file.contents.size <= LONGEST_CHECKSUM_FILE {
        let permit = downloads::find(packhouse, caller, &file.location()).await?;
        let reader = downloads::open(packhouse, &permit, ByteRange::ALL).await?;
        Some(String::from_utf8_lossy(&reader.into_bytes().await?).into_owned())
    } else {
        None
    };
    Ok(Pending {
        path,
        sha256: file.contents.digests.sha256.clone(),
        uploaded: file.contents.created,
        says,
    })
}

fn message(objection: &Objection) -> String {
    match objection {
        Objection::NoChecksum(path) => format!("Upload {path}{SUFFIX} first"),
        Objection::WrongChecksum(path) => format!("{path}{SUFFIX} says another checksum"),
        Objection::TooFresh(until) => format!("The version rests until {until}"),
    }
}

#[cfg(test)]
mod tests;
