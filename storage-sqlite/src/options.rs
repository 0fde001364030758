//! What a host may choose about the store. Durability is not among it.

use std::time::Duration;

/// How to open a store. Change fields of [`SqliteOptions::default`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Threads that read records by key; they never wait for a search.
    pub readers: usize,
    /// Threads that answer `select`, and the most that are answered at a time. A query for names that
    /// all lie in a short range of one index is answered by the thread that asks, in some 0.1 ms, while
    /// none of these has anything to do; after a millisecond it is left to these, but a page that the
    /// disk has to read is waited for.
    pub searchers: usize,
    /// Threads that scan, one scan each at a time; further ones wait, at most the limit.
    pub scanners: usize,
    /// How many bytes of the database the threads that read by key or search may keep in memory, each
    /// an equal part of it. Those that scan keep a quarter of such a part each, besides, and the one
    /// that writes 64 MiB.
    pub cache_bytes: usize,
    /// How many bytes of records that were read by key are kept in memory, about; 0 for none.
    pub recent_bytes: usize,
    /// How long a `select` may wait for a thread, and then take.
    pub select_limit: Duration,
    /// How long a scan may hold its snapshot. While one does, the write-ahead log grows.
    pub scan_limit: Duration,
    /// From how many records on that have a field in one place (in one repository, say) their index
    /// rows carry what else the records are found by. Below it a search looks the records up, which
    /// is fast for so few, and a change has less to write.
    pub carry_from: u32,
    /// The most bytes that the database file may take; the file system's room if `None`.
    pub max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// How many bytes of the database a thread that reads by key or searches may keep.
    pub(crate) fn cache_of_one(&self) -> usize {
        self.cache_bytes / (self.readers.max(1) + self.searchers.max(1))
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 2,
            searchers: 2,
            scanners: 4,
            cache_bytes: 512 << 20,
            recent_bytes: 32 << 20,
            select_limit: Duration::from_secs(10),
            scan_limit: Duration::from_secs(60),
            carry_from: 256,
            max_bytes: None,
        }
    }
}
