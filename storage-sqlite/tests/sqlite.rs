//! The SQLite store passes the suite, and keeps what is its own to promise.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "sqlite/crash.rs"]
mod crash;
#[path = "sqlite/full_disk.rs"]
mod full_disk;
#[path = "sqlite/groups.rs"]
mod groups;
#[path = "sqlite/opening.rs"]
mod opening;
#[path = "sqlite/recent.rs"]
mod recent;
#[path = "sqlite/scans.rs"]
mod scans;
#[path = "sqlite/support.rs"]
mod support;
#[path = "sqlite/views.rs"]
mod views;

mod suite {
    use std::sync::Arc;

    use packhouse_core::store::Store;
    use packhouse_sqlite::{SqliteOptions, SqliteStore};
    use tempfile::TempDir;

    async fn empty() -> (TempDir, Arc<dyn Store>) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("packhouse.db");
        let store = SqliteStore::open(path, &SqliteOptions::default()).unwrap();
        (folder, Arc::new(store))
    }

    packhouse_conformance::store_suite!(empty);
}
