//! Keeping to the limits: counts what really comes out, never what is declared.

use packhouse_core::archives::{ArchiveError, ArchiveLimits};

use crate::errors::too_large;

/// What was counted so far.
pub(crate) struct Meter {
    limits: ArchiveLimits,
    entries: u64,
    total: u64,
    file: u64,
}

impl Meter {
    pub(crate) fn new(limits: ArchiveLimits) -> Self {
        Self { limits, entries: 0, total: 0, file: 0 }
    }

    /// One more entry, file or folder.
    pub(crate) fn entry(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        self.begin();
        let most = self.limits.entries;
        if self.entries > most {
            return Err(too_large(format!("the archive has more than {most} entries: split it")));
        }
        Ok(())
    }

    /// Another file begins.
    pub(crate) fn begin(&mut self) {
        self.file = 0;
    }

    /// A size that is declared: what will be too large need not be read first.
    pub(crate) fn declared(&self, size: u64) -> Result<(), ArchiveError> {
        self.check(size, self.total.saturating_add(size))
    }

    /// So many more bytes of the file.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), ArchiveError> {
        self.file = self.file.saturating_add(bytes as u64);
        self.total = self.total.saturating_add(bytes as u64);
        self.check(self.file, self.total)
    }

    fn check(&self, file: u64, total: u64) -> Result<(), ArchiveError> {
        let ArchiveLimits { file_bytes, total_bytes, .. } = self.limits;
        if file > file_bytes {
            let most = format!("{file_bytes} bytes, the most for one file of an archive");
            return Err(too_large(format!("the file is larger than {most}")));
        }
        if total > total_bytes {
            let most = format!("{total_bytes} bytes, the most for one archive: split it");
            return Err(too_large(format!("the files together are larger than {most}")));
        }
        Ok(())
    }
}

/// Refuses what became much larger than it was.
pub(crate) fn check_ratio(ratio: u64, unpacked: u64, packed: u64) -> Result<(), ArchiveError> {
    if unpacked > ArchiveLimits::RATIO_FROM && unpacked > packed.saturating_mul(ratio) {
        let why = format!("it decompresses to more than {ratio} times its size");
        return Err(too_large(format!("{why}: send it with less compression, or uncompressed")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use packhouse_core::archives::ArchiveErrorKind;

    use super::*;

    fn meter() -> Meter {
        Meter::new(ArchiveLimits { entries: 2, total_bytes: 10, file_bytes: 6, ratio: 3 })
    }

    #[test]
    fn as_much_as_the_limit_is_allowed_and_no_more() {
        let mut meter = meter();
        meter.entry().unwrap();
        meter.declared(6).unwrap();
        assert!(meter.declared(7).is_err());
        meter.add(6).unwrap();
        meter.entry().unwrap();
        assert!(meter.declared(5).is_err(), "the total counts what was before");
        meter.add(4).unwrap();
        assert!(meter.add(1).unwrap_err().reason.contains("10 bytes"));
        assert!(meter.entry().unwrap_err().reason.contains("2 entries"));
    }

    #[test]
    fn a_file_that_grows_too_large_is_stopped() {
        let mut meter = meter();
        meter.entry().unwrap();
        let error = meter.add(7).unwrap_err();
        assert_eq!(error.kind, ArchiveErrorKind::TooLarge);
        assert!(error.reason.contains("6 bytes"));
    }

    #[test]
    fn the_ratio_counts_from_its_first_byte_on() {
        let from = ArchiveLimits::RATIO_FROM;
        check_ratio(100, from, 0).unwrap();
        assert!(check_ratio(100, from + 1, 0).is_err());
        check_ratio(2, from + 2, from / 2 + 1).unwrap();
        assert!(check_ratio(2, from + 3, from / 2 + 1).is_err());
        check_ratio(u64::MAX, u64::MAX, 2).unwrap();
    }
}
