//! What the batches of the last hour answered.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use packhouse_core::store::{BatchId, Committed, Revision};
use rusqlite::{Connection, OptionalExtension};

use crate::fault::{Fault, Outcome};

/// How long an answer is remembered at least.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// How often old answers are forgotten, and how many at a time, so that nobody waits for it long.
const EVERY: Duration = Duration::from_secs(10);
const MOST: usize = 5_000;

/// When something was last forgotten.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    forgot: Option<Instant>,
}

/// What a batch answered, if it was committed.
pub(super) fn find(db: &Connection, batch: BatchId) -> Outcome<Option<Committed>> {
    let mut find = db.prepare_cached("SELECT revision, appended FROM outcomes WHERE batch = ?1")?;
    let found: Option<(u64, Vec<u8>)> =
        find.query_row([batch.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((revision, bytes)) = found else { return Ok(None) };
    let (numbers, []) = bytes.as_chunks() else {
        return Err(Fault::Malformed("the outcome of a batch"));
    };
    let appended = numbers.iter().map(|number| u64::from_be_bytes(*number)).collect();
    Ok(Some(Committed { revision: Revision(revision), appended }))
}

impl Outcomes {
    /// Remembers an answer, in the same commit as the batch.
    pub(super) fn remember(
        &self,
        db: &Connection,
        batch: BatchId,
        committed: &Committed,
    ) -> Outcome<()> {
        let appended: Vec<u8> = committed.appended.iter().flat_map(|n| n.to_be_bytes()).collect();
        db.prepare_cached(
            "INSERT INTO outcomes (revision, batch, at, appended) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((committed.revision.0, batch.0, now(), appended))?;
        Ok(())
    }

    /// Forgets old answers now and then. They are the first rows, so that this looks at no others.
    pub(super) fn forget_old(&mut self, db: &Connection) {
        if self.forgot.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.forgot = Some(Instant::now());
        let limit = now().saturating_sub(REMEMBERED.as_secs() as i64);
        let forgotten = db.execute(
            "DELETE FROM outcomes WHERE revision IN
                 (SELECT revision FROM outcomes ORDER BY revision LIMIT ?2) AND at < ?1",
            (limit, MOST),
        );
        if let Err(error) = forgotten {
            tracing::warn!(%error, "old outcomes are kept for now");
        }
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
