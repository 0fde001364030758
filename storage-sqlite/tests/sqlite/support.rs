//! What these tests are written with.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use packhouse_core::store::{Batch, BatchId, Change, Field, Key, KeyRange, Kind, Term, TermValue};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const THING: Kind = Kind::new("thing");
pub(crate) const COLOR: Field = Field::new("color", 0).wildcard();

/// A folder with a store's file in it.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("packhouse.db");
        Self { _folder: folder, path }
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path, &SqliteOptions::default()).unwrap()
    }

    /// The database as another program sees it.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }
}

pub(crate) fn thing(name: &str) -> Key {
    Key::new(THING, [name])
}

pub(crate) fn things() -> KeyRange {
    KeyRange::within(THING, [])
}

pub(crate) fn put(name: &str, body: &str) -> Change {
    let terms = vec![Term { field: COLOR, value: TermValue::text("red as a cherry") }];
    Change::Put { key: thing(name), body: body.into(), terms, owners: vec![] }
}

pub(crate) fn batch(changes: impl Into<Vec<Change>>) -> Batch {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [0; 16];
    id[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Batch { id: BatchId(id), expectations: vec![], changes: changes.into() }
}
