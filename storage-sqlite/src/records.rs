//! Connections that read: snapshots, their time limits, and records by key.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use packhouse_core::store::{Decoded, Key, Record, Revision, Term, TermValue};
use rusqlite::{Connection, Row};

use crate::encoding::Carried;
use crate::fault::{Fault, Outcome};
use crate::fields::Fields;

/// How many steps of a statement SQLite takes between two looks at the clock: some 100 µs.
const GLANCE: i32 = 10_000;

/// A connection that reads, and what it remembers of the fields.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) fields: Fields,
    /// When statements are interrupted.
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Reader {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, fields: Fields::default(), deadline: Arc::default() }
    }

    /// Has SQLite look at the clock, for [`Self::in_snapshot_within`].
    pub(crate) fn limited(self) -> Outcome<Self> {
        let deadline = Arc::clone(&self.deadline);
        let late = move || {
            let deadline = *deadline.lock().unwrap_or_else(PoisonError::into_inner);
            deadline.is_some_and(|deadline| Instant::now() >= deadline)
        };
        let mut limited = self;
        limited.connection.progress_handler(GLANCE, Some(late))?;
        Ok(limited)
    }

    /// Runs `work` on one snapshot, and interrupts it when it takes longer than the limit.
    pub(crate) fn in_snapshot_within<T>(
        &mut self,
        limit: Duration,
        work: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        self.in_snapshot(|reader| {
            reader.interrupt_at(Instant::now().checked_add(limit));
            let result = work(reader);
            // Before the snapshot ends: that is no part of the work.
            reader.interrupt_at(None);
            result.map_err(Fault::or_late)
        })
    }

    /// When the work at hand has taken too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interrupt_at(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Runs `work` on one snapshot, which is of now or later.
    pub(crate) fn in_snapshot<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let result = work(self);
        // Nothing was written, so that both ends are the same; this one cannot fail for a record.
        let ended = self.connection.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
        if ended.is_err() {
            self.roll_back();
        }
        // After some faults of the disk there is no snapshot any more: they say more than that does.
        let value = result?;
        ended?;
        Ok(value)
    }

    /// Ends what somebody who panicked began.
    pub(crate) fn abandon(&mut self) {
        self.interrupt_at(None);
        self.roll_back();
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }

    /// The record at a key.
    pub(crate) fn find(&mut self, key: &Key) -> Outcome<Option<Record>> {
        find(&self.connection, &mut self.fields, key)
    }
}

/// The record at a key.
pub(crate) fn find(
    connection: &Connection,
    fields: &mut Fields,
    key: &Key,
) -> Outcome<Option<Record>> {
    let mut statement = connection
        .prepare_cached("SELECT born, revision, terms, body FROM records WHERE key = ?1")?;
    let mut rows = statement.query([key.as_bytes()])?;
    match rows.next()? {
        Some(row) => Ok(Some(decode(connection, fields, key, row)?)),
        None => Ok(None),
    }
}

fn decode(
    connection: &Connection,
    fields: &mut Fields,
    key: &Key,
    row: &Row<'_>,
) -> Outcome<Record> {
    let blob = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let carried = Carried(blob).check(key.as_bytes())?;
    let mut terms = Vec::new();
    for (id, value) in carried.terms() {
        let field = fields.get(connection, id)?.clone();
        terms.push(Term { field, value: TermValue::from_bytes(value) });
    }
    let owners = carried.owners(key.as_bytes()).map(|owner| key_of(&owner));
    Ok(Record {
        key: key.clone(),
        born: Revision(row.get(0)?),
        revision: Revision(row.get(1)?),
        body: Arc::from(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?),
        terms: terms.into(),
        owners: owners.collect::<Outcome<_>>()?,
        decoded: Decoded::default(),
    })
}

/// The key with these bytes.
pub(crate) fn key_of(bytes: &[u8]) -> Outcome<Key> {
    Key::from_bytes(bytes).ok_or(Fault::Malformed("a key"))
}
