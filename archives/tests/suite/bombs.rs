//! Bombs are stopped, in little memory.
//!
//! Every one is a file that a process of its own reads; it says the most memory that it had
//! beyond what it started with.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

use packhouse_core::archives::{ArchiveErrorKind, ArchiveLimits};
use tempfile::NamedTempFile;

use crate::support::{
    PACKERS, Packer, WIDE, ZipEntry, bzip2, gzip, read, refusal, tar, tar_entry, tar_header, xz,
    zip,
};

/// The most memory a reader may take.
const MOST_KIB: u64 = 64 << 10;
/// What the bomb is passed in.
const FILE: &str = "PACKHOUSE_BOMB";

/// How a bomb ended: the kind of failure and what was said, and the memory in KiB.
fn explode(bomb: &[u8]) -> (String, u64) {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bomb).expect("the bomb is written");
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "bombs::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(FILE, file.path())
        .output()
        .expect("this test runs again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find_map(|line| line.split_once("peak=")).expect("it is said");
    let (peak, outcome) = line.1.split_once(' ').expect("memory and outcome");
    let peak = peak.parse().expect("a number");
    println!("{peak:6} KiB: {outcome}");
    assert!(peak <= MOST_KIB, "{peak} KiB: {outcome}");
    (outcome.to_owned(), peak)
}

#[test]
#[ignore = "a part of the tests of bombs"]
fn in_a_process_of_its_own() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let file = File::open(path).expect("the bomb is there");
    // From here on the peak counts anew.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    let limits = ArchiveLimits { ratio: 100, total_bytes: 20 << 30, file_bytes: 20 << 30, ..WIDE };
    let outcome = count(file, limits);
    println!("peak={} {outcome}", memory("VmHWM:").saturating_sub(before));
}

/// Reads everything without keeping it.
fn count(file: File, limits: ArchiveLimits) -> String {
    use packhouse_core::archives::Archives;
    let outcome =
        packhouse_archives::Decoders.open(Box::new(file), limits).and_then(|mut reader| {
            let (mut files, mut bytes, mut buffer) = (0, 0, vec![0; 64 << 10]);
            while reader.next_file()?.is_some() {
                files += 1;
                loop {
                    match reader.read(&mut buffer)? {
                        0 => break,
                        read => bytes += read,
                    }
                }
            }
            Ok(format!("{files} files of {bytes} bytes"))
        });
    outcome.unwrap_or_else(|error| format!("{:?}: {error}", error.kind))
}

/// A line of what Linux says of this process; elsewhere nothing is measured.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    found.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// A tar that says it holds 10 GiB, as far as it matters.
fn zeros() -> Vec<u8> {
    let mut tar = tar_header("zeros", b'0', 10 << 30);
    tar.resize(48 << 20, 0);
    tar
}

#[test]
fn a_tar_of_zeros_is_stopped_by_its_ratio() {
    for (format, pack) in [("gzip", gzip as Packer), ("bzip2", bzip2)] {
        let (outcome, _) = explode(&pack(&zeros()));
        assert!(outcome.contains("it decompresses to more than 100"), "{format}: {outcome}");
    }
    // Stored, there is no ratio: the declared size is seen to be missing.
    let (outcome, _) = explode(&xz(&zeros()[..1 << 20], 16, 1));
    assert!(outcome.contains("the tar ends within a file"), "{outcome}");
}

#[test]
fn a_real_xz_of_zeros_is_stopped_by_its_ratio() {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(&zeros()).expect("zeros are written");
    let Ok(packed) = Command::new("xz").args(["-9", "-c"]).arg(file.path()).output() else {
        println!("SKIPPED: xz is not installed");
        assert!(std::env::var_os("RELEASE_STRICT").is_none(), "xz is wanted");
        return;
    };
    let (outcome, _) = explode(&packed.stdout);
    assert!(outcome.contains("it decompresses to more than 100"), "{outcome}");
}

#[test]
fn a_zip_of_zeros_is_stopped_by_its_ratio() {
    let bomb = ZipEntry::deflated("zeros", &zeros());
    let (outcome, _) = explode(&zip(std::slice::from_ref(&bomb)));
    assert!(
        outcome.contains("TooLarge: entry 'zeros': it decompresses to more than 100"),
        "{outcome}"
    );
    // Many entries, none of them large enough for a ratio of its own.
    let part = ZipEntry::deflated("", &zeros()[..9 << 20]);
    let many: Vec<_> =
        (0..4).map(|n| ZipEntry { name: format!("part{n}"), ..part.clone() }).collect();
    let (outcome, _) = explode(&zip(&many));
    assert!(outcome.contains("TooLarge: it decompresses to more than 100"), "{outcome}");
    let (outcome, _) = explode(&zip(&[ZipEntry { size: 1000, ..bomb }]));
    assert!(outcome.contains("larger than it says"), "{outcome}");
}

#[test]
fn a_zip_whose_entries_share_their_content_is_refused() {
    let mut bomb = zip(&[ZipEntry::deflated("a", &[7; 1000])]);
    let directory = bomb.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    let end = bomb.split_off(bomb.len() - 22);
    let record = bomb[directory..].to_vec();
    for name in b'b'..=b'z' {
        bomb.extend_from_slice(&record);
        let at = bomb.len() - 1;
        bomb[at] = name;
    }
    bomb.extend_from_slice(&end);
    let (at, size) = (bomb.len() - 14, (record.len() * 26) as u32);
    bomb[at..at + 4].copy_from_slice(&[26, 0, 26, 0]);
    bomb[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
    let (outcome, _) = explode(&bomb);
    assert!(outcome.contains("overlaps") || outcome.contains("two headers"), "{outcome}");
}

#[test]
fn archives_within_archives_are_files_or_refused() {
    let inner = zip(&[ZipEntry::deflated("b", &[0; 100_000])]);
    let (outcome, _) = explode(&zip(&[ZipEntry::deflated("a.zip", &inner)]));
    assert_eq!(outcome, format!("1 files of {} bytes", inner.len()));
    for (format, pack) in &PACKERS[1..] {
        let (outcome, _) = explode(&pack(&pack(&tar(&[tar_entry("a", b'0', b"1")]))));
        assert!(outcome.contains(&format!("what the {format} holds is no tar")), "{outcome}");
    }
}

#[test]
fn as_many_and_as_long_names_as_are_allowed_take_little_memory() {
    let name = |n: usize| format!("{}/{n}", "n".repeat(4000));
    let zips: Vec<_> = (0..10_000).map(|n| ZipEntry::stored(&name(n), b"")).collect();
    let (outcome, _) = explode(&zip(&zips));
    assert_eq!(outcome, "10000 files of 0 bytes");
    // A folder is memory, even if it has no entry.
    let deep = |n: usize| format!("{n}/{}f", "d/".repeat(200));
    let zips: Vec<_> = (0..10_000).map(|n| ZipEntry::stored(&deep(n), b"")).collect();
    let (outcome, _) = explode(&zip(&zips));
    assert!(outcome.contains("TooLarge"), "{outcome}");
}

#[test]
fn the_dictionary_of_xz_is_capped() {
    let random = |size: usize| {
        let mut state = 1_u64;
        let mut data = tar_header("a", b'0', size as u64);
        data.extend((0..size).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        }));
        data.resize(data.len() + 1024, 0);
        data
    };
    // 26 is 32 MiB (xz -8), 28 is 64 MiB (xz -9), 30 is 128 MiB, 40 is 4 GiB.
    let (outcome, _) = explode(&xz(&random(80 << 20), 26, 1));
    assert_eq!(outcome, format!("1 files of {} bytes", 80 << 20));
    let (outcome, _) = explode(&xz(&random(20 << 20), 28, 1));
    assert_eq!(outcome, format!("1 files of {} bytes", 20 << 20));
    let (outcome, _) = explode(&xz(&random(80 << 20), 28, 1));
    assert!(outcome.contains("larger than 32 MiB"), "{outcome}");
    for dictionary in [30, 40] {
        let (outcome, _) = explode(&xz(&random(1 << 20), dictionary, 1));
        assert!(outcome.contains("larger than 64 MiB"), "{outcome}");
    }
}

#[test]
fn a_flood_of_empty_blocks_takes_no_memory() {
    let tar = tar(&[tar_entry("a", b'0', b"1")]);
    let (outcome, peak) = explode(&xz(&tar, 16, 2_000_000));
    assert_eq!(outcome, "1 files of 1 bytes");
    assert!(peak < 8 << 10, "{peak} KiB");
}

#[test]
fn zeros_behind_the_end_of_a_tar_are_not_read_for_ever() {
    let mut archive = tar(&[tar_entry("a", b'0', b"1")]);
    archive.resize(3 << 20, 0);
    let error = read(std::io::Cursor::new(archive), WIDE).expect_err("too much padding");
    assert_eq!(error.kind, ArchiveErrorKind::Refused);
}

#[test]
fn empty_parts_without_end_are_refused() {
    let empty_bzip2 = *b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
    let mut empty_gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    empty_gzip.flush().expect("written to memory");
    let empty_gzip = empty_gzip.finish().expect("written to memory");
    for empty in [empty_bzip2.to_vec(), empty_gzip] {
        let reason = refusal(&empty.repeat(2_000)).reason;
        assert!(reason.contains("too many empty parts"), "{reason}");
    }
}
