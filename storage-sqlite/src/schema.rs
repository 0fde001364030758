//! Opening connections: settings, which are read back, and the form of the tables.
//!
//! No statement that reads or writes records belongs here.

use std::path::Path;
use std::time::Duration;

use packhouse_core::store::{StoreError, StoreErrorKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::SqliteOptions;
use crate::fault::{Fault, Outcome};
use crate::write::write_index_rows;

/// Marks a file as a store of ours: `PKHS`.
const APPLICATION_ID: i64 = 0x504b_4853;

/// What brings the tables from each version to the next. Never change a published step.
const STEPS: [Step; 2] = [
    Step { sql: include_str!("schema/1.sql"), index_rows: false },
    Step { sql: include_str!("schema/2.sql"), index_rows: true },
];

/// What brings the tables from one version to the next.
struct Step {
    sql: &'static str,
    /// Whether the index rows are gone after it, and have to be written again.
    index_rows: bool,
}

/// How long a connection waits for others that have the database.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

const SETTINGS: [(&str, &str, i64); 6] = [
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
    // On systems where fsync does not reach the disk; no effect elsewhere.
    ("fullfsync", "ON", 1),
    ("checkpoint_fullfsync", "ON", 1),
];

/// Opens the connection that writes, and makes or brings forward the tables.
pub(crate) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    let mut connection =
        open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
            .map_err(|fault| fault.within("open the database"))?;
    refuse_foreign(&connection)?;
    prepare_writer(&mut connection, options)
        .map_err(|fault| fault.within("prepare the database"))?;
    Ok(connection)
}

/// Opens a connection that reads, and may keep so many bytes of pages in memory.
pub(crate) fn open_reader(path: &Path, cache: usize) -> Outcome<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    set(&connection, "query_only", "ON", 1)?;
    // In KiB when negative. Mapping the file into memory instead was slower beside a writer.
    let cache = i32::try_from(cache / 1024).unwrap_or(i32::MAX);
    connection.pragma_update(None, "cache_size", -cache)?;
    Ok(connection)
}

fn open(path: &Path, mode: OpenFlags) -> Outcome<Connection> {
    // A connection stays with one thread at a time, so that its own lock would be idle work.
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // Otherwise SQLite parses and plans statements again when they get other values. The
        // order of conditions is chosen by this program, so that new plans are no better.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(setting, on)?;
    }
    for (name, value, expected) in SETTINGS {
        set(&connection, name, value, expected)?;
    }
    Ok(connection)
}

/// Changes a setting and makes sure that it holds.
fn set(connection: &Connection, name: &str, value: &str, expected: i64) -> Outcome<()> {
    connection.pragma_update(None, name, value)?;
    let held: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    if held == expected { Ok(()) } else { Err(Fault::Malformed("a setting that SQLite refused")) }
}

/// Refuses a database of another program or of a later version of this one.
fn refuse_foreign(connection: &Connection) -> Result<(), StoreError> {
    let ask = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| Fault::from(error).within("read the database's version"))
    };
    let (application, version) = (ask("application_id")?, ask("user_version")?);
    let empty = application == 0 && version == 0 && ask("schema_version")? == 0;
    if application != APPLICATION_ID && !empty {
        return Err(StoreErrorKind::Invalid.because("the file is the database of another program"));
    }
    if version > STEPS.len() as i64 {
        let newest = STEPS.len();
        return Err(StoreErrorKind::Invalid.because(format!(
            "the database has version {version}, and this program knows up to {newest}: use a newer program"
        )));
    }
    Ok(())
}

fn prepare_writer(connection: &mut Connection, options: &SqliteOptions) -> Outcome<()> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::Malformed("a journal mode that is not WAL"));
    }
    // The writer checkpoints after it has answered; this one is for when it cannot keep up.
    connection.pragma_update(None, "wal_autocheckpoint", 16_384)?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    bring_forward(connection, options.carry_from)?;
    // Afterwards, so that a store that is full can be brought forward too.
    if let Some(most) = options.max_bytes {
        let size: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        connection.pragma_update(None, "max_page_count", (most / size).max(1))?;
    }
    Ok(())
}

/// Makes the tables, or makes those of an older version into those of this one.
fn bring_forward(connection: &mut Connection, carry_from: u32) -> Outcome<()> {
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == STEPS.len() {
        return Ok(());
    }
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let steps = &STEPS[version..];
    steps.iter().try_for_each(|step| change.execute_batch(step.sql))?;
    // Into the tables of the last step, whichever step it was that lost them.
    if steps.iter().any(|step| step.index_rows) {
        write_index_rows(&change, carry_from)?;
    }
    change.pragma_update(None, "user_version", STEPS.len())?;
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(change.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that is killed does not show whether commits reach the disk; this does at least
    /// say when somebody relaxed it.
    #[test]
    fn what_is_acknowledged_is_on_the_disk() {
        let folder = tempfile::TempDir::new().unwrap();
        let writer =
            open_writer(&folder.path().join("packhouse.db"), &SqliteOptions::default()).unwrap();
        let ask = |name| writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(ask("synchronous"), 2, "FULL");
        assert_eq!((ask("fullfsync"), ask("checkpoint_fullfsync")), (1, 1));
        let mode: String =
            writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_refused_setting_is_noticed() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(set(&connection, "synchronous", "FULL", 2).is_ok());
        assert!(set(&connection, "synchronous", "OFF", 2).is_err());
    }

    #[test]
    fn a_reader_keeps_no_more_than_it_is_given() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("packhouse.db");
        drop(open_writer(&path, &SqliteOptions::default()).unwrap());
        for (given, kib) in [(8 << 20, 8192), (usize::MAX, i64::from(i32::MAX))] {
            let reader = open_reader(&path, given).unwrap();
            let held: i64 =
                reader.pragma_query_value(None, "cache_size", |row| row.get(0)).unwrap();
            assert_eq!(held, -kib);
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("packhouse.db");
        drop(open_writer(&path, &SqliteOptions::default()).unwrap());
        let reader = open_reader(&path, 1 << 20).unwrap();
        assert!(reader.execute("DELETE FROM records", []).is_err());
    }
}
