//! Whatever is read as an archive keeps the limits and the rules for names.
#![no_main]

use std::collections::BTreeSet;
use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use packhouse_archives::Decoders;
use packhouse_core::archives::{ArchiveError, ArchiveLimits, Archives};

const LIMITS: ArchiveLimits =
    ArchiveLimits { entries: 20, total_bytes: 100_000, file_bytes: 60_000, ratio: 50 };

fuzz_target!(|bytes: &[u8]| {
    // What is refused is refused; there must be a word for it.
    if let Err(error) = read(bytes) {
        assert!(!error.reason.is_empty());
        let entry = error.entry.unwrap_or_default();
        assert!(entry.chars().count() <= 201 && !entry.chars().any(char::is_control));
    }
});

fn read(bytes: &[u8]) -> Result<(), ArchiveError> {
    let mut reader = Decoders.open(Box::new(Cursor::new(bytes.to_vec())), LIMITS)?;
    let (mut names, mut total) = (BTreeSet::new(), 0);
    let mut buffer = [0; 1000];
    while let Some(file) = reader.next_file()? {
        for segment in file.path.split('/') {
            assert!(!matches!(segment, "" | "." | ".."));
            assert!(!segment.chars().any(|c| c.is_control() || c == '\\'));
        }
        assert!(names.insert(file.path.to_lowercase()));
        assert!(names.len() as u64 <= LIMITS.entries);
        let mut size = 0;
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                read => size += read as u64,
            }
            assert!(size <= LIMITS.file_bytes && total + size <= LIMITS.total_bytes);
        }
        total += size;
    }
    for name in &names {
        let mut folders = name.match_indices('/').map(|(at, _)| &name[..at]);
        assert!(!folders.any(|folder| names.contains(folder)), "{name}");
    }
    Ok(())
}
