//! The part of the file system that blobs leave free.
//!
//! Whoever keeps the records on the same file system must be able to write when it is full: to
//! remove a blob, a commit comes first. So blobs stop before the last byte, and records go on.
//! This module only compares numbers; who asks, and when, is elsewhere.

use packhouse_core::blobs::{BlobError, BlobErrorKind};

/// What is left free unless told, in bytes.
const LEFT_FREE: u64 = 128 << 20;

/// The part of the file system that is left free at most unless told, so that small disks stay
/// of use: one in so many.
const PART: u64 = 20;

/// How large a file system is, and how much of it may still be written, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Space {
    pub(crate) size: u64,
    pub(crate) free: u64,
}

impl Space {
    /// Refuses so many bytes more when less than `min_free` would be left after them.
    pub(crate) fn admit(self, bytes: u64, min_free: Option<u64>) -> Result<(), BlobError> {
        let left = min_free.unwrap_or_else(|| LEFT_FREE.min(self.size / PART));
        // Some file systems, of networks or of users, do not say how large they are.
        if self.size == 0 || self.free >= left.saturating_add(bytes) {
            return Ok(());
        }
        let free = self.free;
        Err(BlobErrorKind::Full.because(format!(
            "{free} bytes are free on the disk, and {left} are kept for the records"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(size: u64, free: u64, bytes: u64, min_free: Option<u64>) -> bool {
        match (Space { size, free }).admit(bytes, min_free) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.kind, BlobErrorKind::Full);
                false
            }
        }
    }

    #[test]
    fn a_large_disk_keeps_128_mib_and_a_small_one_a_twentieth() {
        const MIB: u64 = 1 << 20;
        let large = 1_000_000 * MIB;
        assert!(admits(large, 128 * MIB + 10, 10, None));
        assert!(!admits(large, 128 * MIB + 10, 11, None));
        assert!(admits(200 * MIB, 10 * MIB, 0, None));
        assert!(!admits(200 * MIB, 10 * MIB, 1, None));
    }

    #[test]
    fn what_is_told_counts_on_any_disk() {
        assert!(!admits(1000, 900, 0, Some(901)));
        assert!(admits(1000, 900, 900, Some(0)));
        assert!(!admits(1000, 900, 1, Some(u64::MAX)));
    }

    #[test]
    fn a_disk_that_does_not_tell_its_size_is_taken_as_large() {
        assert!(admits(0, 0, 10, None));
    }
}
