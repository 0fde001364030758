//! What an upload costs at least: the same hashes, syncs and commits, without HTTP, callers, rights,
//! or anything that makes the records out of what was asked.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use md5::Md5;
use rusqlite::{Connection, params};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The records that the engine writes for a file, with what they weigh, and how many rows their
/// indexes and counters get.
const RECORDS: [usize; 5] = [450, 300, 250, 60, 60];
const ROWS: usize = 12;

/// A commit that is waited for.
struct Commit {
    name: String,
    done: Sender<()>,
}

/// A folder of files and a database with what would be known of them.
pub(crate) struct Floor {
    folder: PathBuf,
    commits: Sender<Commit>,
}

impl Floor {
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        for place in ["staging", "files"] {
            fs::create_dir_all(folder.join(place))?;
        }
        let (commits, asked) = mpsc::channel();
        let database = open(&folder.join("floor.db")).map_err(io::Error::other)?;
        thread::spawn(move || commit_all(&database, &asked).expect("the database takes it"));
        Ok(Self { folder: folder.to_path_buf(), commits })
    }

    pub(crate) fn put(&self, number: usize, body: &[u8]) -> io::Result<bool> {
        let staged = self.folder.join(format!("staging/{number}"));
        let mut file = File::create_new(&staged)?;
        file.write_all(body)?;
        let hashed = Sha256::digest(body);
        std::hint::black_box((Sha1::digest(body), Md5::digest(body)));
        file.sync_all()?;
        let place = self.folder.join("files");
        let name: String = hashed.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::rename(&staged, place.join(format!("{name}.{number}")))?;
        File::open(&place)?.sync_all()?;
        let (done, waits) = mpsc::channel();
        self.commits.send(Commit { name, done }).map_err(io::Error::other)?;
        waits.recv().map_err(io::Error::other)?;
        Ok(true)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(
        "CREATE TABLE records (key BLOB PRIMARY KEY, body TEXT) STRICT, WITHOUT ROWID;
         CREATE TABLE rows (field INTEGER, value BLOB, key BLOB, PRIMARY KEY (field, value, key))
         STRICT, WITHOUT ROWID;",
    )?;
    Ok(database)
}

/// Commits all that wait at once, again and again.
fn commit_all(database: &Connection, asked: &Receiver<Commit>) -> rusqlite::Result<()> {
    let mut number = 0_u64;
    while let Ok(first) = asked.recv() {
        let group: Vec<Commit> = std::iter::once(first).chain(asked.try_iter()).collect();
        database.execute_batch("BEGIN IMMEDIATE")?;
        for commit in &group {
            number += 1;
            write(database, commit, number)?;
        }
        database.execute_batch("COMMIT")?;
        for commit in group {
            // Whoever asked may be gone.
            let _ = commit.done.send(());
        }
    }
    Ok(())
}

fn write(database: &Connection, commit: &Commit, number: u64) -> rusqlite::Result<()> {
    let mut record =
        database.prepare_cached("INSERT OR REPLACE INTO records VALUES (CAST(? AS BLOB), ?)")?;
    for (kind, size) in RECORDS.into_iter().enumerate() {
        let body = "x".repeat(size);
        record.execute(params![format!("{kind}/{}/{number}", commit.name), body])?;
    }
    let mut row = database.prepare_cached(
        "INSERT OR REPLACE INTO rows VALUES (?, CAST(? AS BLOB), CAST(? AS BLOB))",
    )?;
    for field in 0..ROWS {
        row.execute(params![field, format!("{}{number}", &commit.name[field..]), commit.name])?;
    }
    Ok(())
}
