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

    /// Forgets old answers now and then, until none are left or somebody waits; then it goes on
    /// after them, so that it keeps up with whoever writes. (Each time removes more than a group
    /// adds.) They are the first rows, so that this looks at no others.
    pub(super) fn forget_old(&mut self, db: &Connection, somebody_waits: impl Fn() -> bool) {
        if self.forgot.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        loop {
            match forget_some(db) {
                Ok(MOST) if somebody_waits() => {
                    self.forgot = None;
                    return;
                }
                Ok(MOST) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old outcomes are kept for now");
                    break;
                }
            }
        }
        self.forgot = Some(Instant::now());
    }
}

/// Forgets the oldest answers, as far as they are old; gives how many.
fn forget_some(db: &Connection) -> rusqlite::Result<usize> {
    let limit = now().saturating_sub(REMEMBERED.as_secs() as i64);
    db.prepare_cached(
        "DELETE FROM outcomes WHERE revision IN
             (SELECT revision FROM outcomes ORDER BY revision LIMIT ?2) AND at < ?1",
    )?
    .execute((limit, MOST))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store with so many old outcomes and a new one.
    fn with_old(count: i64) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::TempDir::new().unwrap();
        let db = crate::schema::open_writer(
            &folder.path().join("packhouse.db"),
            &crate::SqliteOptions::default(),
        )
        .unwrap();
        db.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO outcomes SELECT n, randomblob(16), 0, x'' FROM n",
            [count],
        )
        .unwrap();
        let committed = Committed { revision: Revision(1_000_000), appended: vec![] };
        Outcomes::default().remember(&db, BatchId([1; 16]), &committed).unwrap();
        (folder, db)
    }

    fn left(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM outcomes", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn everything_old_is_forgotten_while_nobody_waits() {
        let (_folder, db) = with_old(3 * MOST as i64 + 1);
        Outcomes::default().forget_old(&db, || false);
        assert_eq!(left(&db), 1, "what is new is remembered");
    }

    #[test]
    fn those_who_wait_come_first_and_forgetting_goes_on_after_them() {
        let (_folder, db) = with_old(3 * MOST as i64);
        let mut outcomes = Outcomes::default();
        for done in 1..=3 {
            outcomes.forget_old(&db, || true);
            assert_eq!(left(&db), (3 - done) * MOST as i64 + 1);
        }
    }
}
