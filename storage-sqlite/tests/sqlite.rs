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

    pub(crate) fn opened(carry_from: u32) -> (TempDir, Arc<dyn Store>) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("packhouse.db");
        let mut options = SqliteOptions::default();
        options.carry_from = carry_from;
        (folder, Arc::new(SqliteStore::open(path, &options).unwrap()))
    }

    async fn empty() -> (TempDir, Arc<dyn Store>) {
        opened(SqliteOptions::default().carry_from)
    }

    packhouse_conformance::store_suite!(empty);
}

/// The same where index rows answer all that they can, as they do in large repositories.
mod suite_of_rows_that_carry {
    use std::sync::Arc;

    use packhouse_core::store::Store;
    use tempfile::TempDir;

    async fn empty() -> (TempDir, Arc<dyn Store>) {
        super::suite::opened(0)
    }

    packhouse_conformance::store_suite!(empty);
}
