//! The limits of the server: how much, how many and how long, each with its default.
//!
//! It must hold values only: what enforces a limit is beside the thing that it limits.

use std::time::Duration;

use crate::size::ByteSize;

/// How much, how many and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of an upload, in bytes. For the adapter; the listener does not look at it.
    pub max_upload: ByteSize,
    /// The most files and folders of an archive that is exploded. For the engine.
    pub max_archive_entries: u64,
    /// The most bytes of all files of an archive together. For the engine.
    pub max_archive_size: ByteSize,
    /// How many times its own size the files of an archive may have. For the engine.
    pub max_archive_ratio: u64,
    /// For how many days after its publication files of a version of an oss subject may be
    /// changed; 0 for ever. For the engine.
    pub oss_change_days: u64,
    /// How many bytes of small files that are downloaded often are kept in memory; 0 for none. For
    /// the engine.
    pub hot_files: ByteSize,
    /// How many bytes of the database are kept in memory to answer from. For the store.
    pub database_cache: ByteSize,
    /// For how many days a signed URL may hold; 0 for as many as are said. For the engine.
    pub max_signed_url_days: u64,
    /// The largest JSON body, in bytes. For the adapter; the listener does not look at it.
    pub max_json_body: ByteSize,
    /// The largest request head (request line and headers), in bytes; a larger one gets 431.
    pub max_header: ByteSize,
    /// Open connections. At this number a connection that waits between requests makes room for a
    /// new one, and where none does, new ones queue in the kernel.
    pub max_connections: usize,
    /// From accepting a connection to its first byte.
    pub first_byte_deadline: Duration,
    /// From the first byte of a request head to its end.
    pub header_deadline: Duration,
    /// From a finished answer to the first byte of the next request.
    pub keep_alive_deadline: Duration,
    /// Waiting for the next byte of a request body.
    pub body_stall_deadline: Duration,
    /// Waiting for a body that is free: beyond it, the body must come at `body_min_rate`.
    pub body_grace: Duration,
    /// The least rate of a request body, in bytes for each second waited for it; 0 for none.
    pub body_min_rate: ByteSize,
    /// Waiting for a client to take any byte of its answer.
    pub write_stall_deadline: Duration,
    /// Waiting for a client to take its answers that is free: beyond it, the client must take
    /// them at `answer_min_rate`.
    pub answer_grace: Duration,
    /// The least rate of taking answers, in bytes for each second waited for it; 0 for none.
    pub answer_min_rate: ByteSize,
    /// After the signal to stop, how long running requests may take to finish.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_upload: ByteSize::from_kib(5 << 20),
            max_archive_entries: 10_000,
            max_archive_size: ByteSize::from_kib(5 << 20),
            max_archive_ratio: 100,
            oss_change_days: 365,
            hot_files: ByteSize::from_kib(64 << 10),
            database_cache: ByteSize::from_kib(512 << 10),
            max_signed_url_days: 0,
            max_json_body: ByteSize::from_kib(1 << 10),
            max_header: ByteSize::from_kib(64),
            max_connections: 1024,
            first_byte_deadline: Duration::from_secs(15),
            header_deadline: Duration::from_secs(30),
            keep_alive_deadline: Duration::from_secs(75),
            body_stall_deadline: Duration::from_secs(30),
            body_grace: Duration::from_secs(30),
            body_min_rate: ByteSize::from_kib(1),
            write_stall_deadline: Duration::from_secs(60),
            answer_grace: Duration::from_secs(30),
            answer_min_rate: ByteSize::from_kib(1),
            drain_deadline: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Says which limit cannot be, if one cannot.
    ///
    /// # Errors
    ///
    /// The name of the setting and the rule it breaks.
    pub fn check(&self) -> Result<(), String> {
        let deadlines = [
            ("first_byte_deadline_secs", self.first_byte_deadline),
            ("header_deadline_secs", self.header_deadline),
            ("keep_alive_deadline_secs", self.keep_alive_deadline),
            ("body_stall_deadline_secs", self.body_stall_deadline),
            ("body_grace_secs", self.body_grace),
            ("write_stall_deadline_secs", self.write_stall_deadline),
            ("answer_grace_secs", self.answer_grace),
        ];
        if let Some((name, _)) = deadlines.iter().find(|(_, deadline)| deadline.is_zero()) {
            return Err(format!("{name} must be at least 1"));
        }
        if self.max_connections == 0 {
            return Err("max_connections must be at least 1".to_owned());
        }
        // All of them are one commit, which takes no more.
        if !(1..=15_000).contains(&self.max_archive_entries) {
            return Err("max_archive_entries must be from 1 to 15000".to_owned());
        }
        // The parser's buffer cannot be smaller than its first read.
        if !(8192..=1 << 20).contains(&self.max_header.as_bytes()) {
            return Err("max_header must be from 8KiB to 1MiB".to_owned());
        }
        Ok(())
    }

    /// The largest request head, in bytes.
    pub(crate) fn max_head(&self) -> usize {
        usize::try_from(self.max_header.as_bytes()).unwrap_or(usize::MAX)
    }

    /// The shortest wait that a connection's watch has to notice: it never sleeps longer.
    pub(crate) fn shortest_watched(&self) -> Duration {
        self.first_byte_deadline
            .min(self.header_deadline)
            .min(self.keep_alive_deadline)
            .min(self.write_stall_deadline)
            .min(self.answer_grace)
            .min(crate::connections::LINGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_a_zero_deadline_is_named() {
        assert_eq!(Limits::default().check(), Ok(()));
        let none = Limits { header_deadline: Duration::ZERO, ..Limits::default() };
        assert_eq!(none.check().unwrap_err(), "header_deadline_secs must be at least 1");
        // Without grace the first wait would be too long.
        let none = Limits { answer_grace: Duration::ZERO, ..Limits::default() };
        assert_eq!(none.check().unwrap_err(), "answer_grace_secs must be at least 1");
        let none = Limits { max_connections: 0, ..Limits::default() };
        assert_eq!(none.check().unwrap_err(), "max_connections must be at least 1");
        let tiny = Limits { max_header: ByteSize::from_bytes(100), ..Limits::default() };
        assert_eq!(tiny.check().unwrap_err(), "max_header must be from 8KiB to 1MiB");
    }
}
