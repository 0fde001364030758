//! What a caller of the port relies on.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use packhouse_archives::Decoders;
use packhouse_core::archives::{ArchiveErrorKind, ArchiveLimits, ArchiveReader, Archives};

use crate::support::{
    PACKERS, WIDE, ZipEntry, crc32, read, refusal, tar, tar_entry, tar_header, xz, xz_stream, zip,
};

/// The same two files in every format.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let entries = [("folder/a.txt", &b"some text, some text, some text"[..]), ("b", b"")];
    let tar = tar(&entries.map(|(name, data)| tar_entry(name, b'0', data)));
    let mut samples: Vec<_> = PACKERS.iter().map(|(format, pack)| (*format, pack(&tar))).collect();
    samples.push(("zip", zip(&entries.map(|(name, data)| ZipEntry::deflated(name, data)))));
    samples.push(("stored zip", zip(&entries.map(|(name, data)| ZipEntry::stored(name, data)))));
    samples
}

fn open(archive: Vec<u8>) -> Box<dyn ArchiveReader> {
    Decoders.open(Box::new(Cursor::new(archive)), WIDE).expect("it is a known format")
}

#[test]
fn every_format_gives_its_files() {
    for (format, archive) in samples() {
        let files = read(Cursor::new(archive), WIDE).expect(format);
        let expected = [("folder/a.txt", "some text, some text, some text"), ("b", "")];
        let expected = expected.map(|(name, data)| (name.to_owned(), data.as_bytes().to_vec()));
        assert_eq!(files, expected, "{format}");
    }
}

/// Gives a byte at a time, is interrupted in between, and fails at a place.
struct Slow {
    bytes: Cursor<Vec<u8>>,
    fails_at: u64,
    interrupted: bool,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.bytes.position() == self.fails_at {
            return Err(io::Error::other("the disk is gone"));
        }
        let most = buffer.len().min(1);
        self.bytes.read(&mut buffer[..most])
    }
}

impl Seek for Slow {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_source_may_give_little_at_a_time() {
    for (format, archive) in samples() {
        let expected = read(Cursor::new(archive.clone()), WIDE).expect(format);
        let slow = Slow { bytes: Cursor::new(archive), fails_at: u64::MAX, interrupted: false };
        assert_eq!(read(slow, WIDE).expect(format), expected, "{format}");
    }
}

#[test]
fn a_failure_of_the_source_is_told_from_a_bad_archive() {
    for (format, archive) in samples() {
        for fails_at in 0..archive.len() as u64 {
            let bytes = Cursor::new(archive.clone());
            let error = read(Slow { bytes, fails_at, interrupted: false }, WIDE).expect_err(format);
            assert_eq!(error.kind, ArchiveErrorKind::Source, "{format} at {fails_at}: {error}");
            assert_eq!(error.source.expect("its error").to_string(), "the disk is gone");
        }
    }
}

#[test]
fn an_archive_that_is_cut_short_is_refused() {
    for (_, archive) in samples() {
        (0..archive.len()).for_each(|length| drop(refusal(&archive[..length])));
    }
}

#[test]
fn an_archive_with_more_behind_it_is_refused() {
    for (_, archive) in samples() {
        for more in [&b"x"[..], b"PK", &[1; 600]] {
            refusal(&[&archive, more].concat());
        }
    }
}

#[test]
fn what_is_not_read_is_checked_nevertheless() {
    let mut archive = zip(&[ZipEntry::stored("a", b"content"), ZipEntry::stored("b", b"")]);
    let at = archive.windows(7).position(|bytes| bytes == b"content").expect("it is stored");
    archive[at] ^= 1;
    let mut reader = open(archive);
    assert_eq!(reader.next_file().unwrap().unwrap().path, "a");
    let error = reader.next_file().unwrap_err();
    assert_eq!(error.entry.as_deref(), Some("a"));
    assert!(error.reason.contains("checksum"), "{error}");
}

#[test]
fn a_reader_that_failed_gives_nothing_more() {
    let link = tar_entry("link", b'2', b"");
    let bad_zip = zip(&[ZipEntry { crc: 1, ..ZipEntry::stored("a", b"1") }]);
    for archive in [tar(&[link, tar_entry("a", b'0', b"1")]), bad_zip] {
        let mut reader = open(archive);
        while let Ok(Some(_)) = reader.next_file() {}
        assert!(reader.next_file().is_err());
        assert_eq!(reader.read(&mut [0; 9]).ok(), Some(0), "nothing comes out");
        assert!(reader.next_file().is_err());
    }
}

#[test]
fn reading_before_the_first_and_after_the_last_file_gives_nothing() {
    for (format, archive) in samples() {
        let mut reader = open(archive);
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0, "{format}");
        while reader.next_file().unwrap().is_some() {}
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0, "{format}");
        assert!(reader.next_file().unwrap().is_none(), "{format}");
    }
}

#[test]
fn each_limit_is_kept_and_named() {
    let fits = ArchiveLimits { entries: 2, total_bytes: 31, file_bytes: 31, ratio: 1 };
    for (format, archive) in samples() {
        let read = |limits| read(Cursor::new(archive.clone()), limits);
        read(fits).expect(format);
        for (limits, said) in [
            (ArchiveLimits { entries: 1, ..fits }, "1 entries"),
            (ArchiveLimits { total_bytes: 30, ..fits }, "30 bytes, the most for one archive"),
            (ArchiveLimits { file_bytes: 30, ..fits }, "30 bytes, the most for one file"),
        ] {
            let error = read(limits).expect_err(format);
            assert_eq!(error.kind, ArchiveErrorKind::TooLarge, "{format}: {error}");
            assert!(error.reason.contains(said), "{format}: {error}");
        }
    }
}

#[test]
fn what_says_that_it_is_too_large_need_not_be_read() {
    let limits = ArchiveLimits { total_bytes: 1 << 20, file_bytes: 1 << 20, ..WIDE };
    // Nothing follows the header; and the content of the entry is not what is said.
    let entry = ZipEntry { size: 1 << 30, ..ZipEntry::deflated("a", b"1") };
    for archive in [tar_header("a", b'0', 10 << 30), zip(&[entry])] {
        let error = read(Cursor::new(archive), limits).unwrap_err();
        assert_eq!(error.kind, ArchiveErrorKind::TooLarge, "{error}");
    }
}

#[test]
fn a_total_is_that_of_all_files() {
    let names = ["a", "b", "c"];
    let limits = ArchiveLimits { total_bytes: 29, ..WIDE };
    for archive in [
        tar(&names.map(|name| tar_entry(name, b'0', b"0123456789"))),
        zip(&names.map(|name| ZipEntry::deflated(name, b"0123456789"))),
    ] {
        let error = read(Cursor::new(archive), limits).unwrap_err();
        assert_eq!(error.kind, ArchiveErrorKind::TooLarge);
        assert_eq!(error.entry.as_deref(), Some("c"));
    }
}

#[test]
fn the_entry_is_named_and_so_is_the_way_out() {
    let error = refusal(&tar(&[tar_entry("good", b'0', b""), tar_entry("bad\nname", b'0', b"")]));
    assert_eq!(error.entry.as_deref(), Some("bad\\nname"));
    assert!(error.reason.contains("rename"), "{error}");
    let error = refusal(b"just a text");
    assert!(error.reason.contains("zip, tar, tar.gz, tar.bz2 and tar.xz"), "{error}");
}

#[test]
fn an_encrypted_zip_is_told_from_one_with_other_features() {
    for (flag, why) in [(1, "encrypted"), (1 << 5, "feature")] {
        let mut archive = zip(&[ZipEntry::stored("a", b"1")]);
        let directory = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        (archive[6], archive[directory + 8]) = (flag, flag);
        let error = refusal(&archive);
        assert!(error.reason.contains(why), "{error}");
    }
}

#[test]
fn the_folder_that_is_archived_may_be_an_entry() {
    let archive = tar(&[
        tar_entry("./", b'5', b""),
        tar_entry("./a/", b'5', b""),
        tar_entry("./a/b", b'0', b"1"),
    ]);
    let files = read(Cursor::new(archive), WIDE).unwrap();
    assert_eq!(files, [("a/b".to_owned(), b"1".to_vec())]);
}

#[test]
fn an_xz_whose_index_or_headers_lie_is_refused() {
    let good = xz(&tar(&[tar_entry("a", b'0', b"1")]), 16, 3);
    read(Cursor::new(good.clone()), WIDE).unwrap();
    // No check covers the content, but everything around it is checked.
    let content = 24..good.len() - 60;
    for at in (0..good.len()).filter(|at| !content.contains(at)) {
        for bit in [1, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            refusal(&bad);
        }
    }
}

#[test]
fn an_xz_whose_index_is_of_other_blocks_is_refused() {
    let good = xz(&tar(&[tar_entry("a", b'0', b"1")]), 16, 3);
    let words = u32::from_le_bytes(good[good.len() - 8..][..4].try_into().unwrap()) as usize;
    let index = good.len() - 12 - (words + 1) * 4..good.len() - 12;
    // The number of blocks, and the sizes of the first and the last of them.
    for at in [1, 2, 4, 6, 7] {
        let mut bad = good.clone();
        bad[index.start + at] ^= 1;
        let sum = crc32(&bad[index.start..index.end - 4]);
        bad[index.end - 4..index.end].copy_from_slice(&sum);
        refusal(&bad);
    }
}

#[test]
fn an_xz_whose_content_is_not_what_its_check_says_is_refused() {
    let good = xz_stream(&tar(&[tar_entry("a", b'0', b"content")]), 16, 1, true);
    read(Cursor::new(good.clone()), WIDE).unwrap();
    let at = good.windows(7).position(|bytes| bytes == b"content").expect("it is stored");
    let mut bad = good;
    bad[at] ^= 1;
    refusal(&bad);
}

#[test]
fn an_xz_block_that_is_not_as_large_as_it_says_is_refused() {
    let good = xz(&tar(&[tar_entry("a", b'0', b"1")]), 16, 2);
    // The last block is empty: 12 bytes of header and 4 of content. It may say so.
    let end = good.windows(8).rposition(|b| b == [2, 0, 0x21, 1, 16, 0, 0, 0]).expect("a block");
    for (flags, size, sound) in
        [(0x40, 1, true), (0x40, 2, false), (0x80, 0, true), (0x80, 1, false)]
    {
        let mut archive = good.clone();
        let header = [2, flags, size, 0x21, 1, 16, 0, 0];
        archive[end..end + 8].copy_from_slice(&header);
        archive[end + 8..end + 12].copy_from_slice(&crc32(&header));
        assert_eq!(read(Cursor::new(archive), WIDE).is_ok(), sound, "{flags:x} {size}");
    }
}

/// The name of a pax header may be anything, also what a compressed file begins with: other readers
/// would unpack that.
#[test]
fn a_tar_that_begins_as_a_compressed_file_is_refused() {
    for magic in [&b"\x1f\x8b\x08\x04"[..], b"\xfd7zXZ\0"] {
        let mut archive = tar(&[tar_entry("placeholder", b'0', b"x")]);
        archive[..magic.len()].copy_from_slice(magic);
        archive[148..156].fill(b' ');
        let sum: u32 = archive[..512].iter().map(|byte| u32::from(*byte)).sum();
        archive[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        assert_eq!(
            refusal(&archive).reason,
            "this is a tar and compressed at once: send one of them"
        );
    }
}
