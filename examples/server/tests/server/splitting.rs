//! Streams that every reader must split as the server does: the corpus, and what is near it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::agreement::assert_agreed;
use crate::corpus::{Row, rows};

#[test]
fn every_reader_splits_the_corpus_as_the_server_does() {
    let taken: usize = rows().iter().map(|row| assert_agreed(&row.stream())).sum();
    assert!(taken > 150, "{taken}");
}

/// Streams near those of the corpus: bytes changed, removed, doubled, and pieces of other rows put
/// in between.
#[test]
fn every_reader_splits_what_is_near_the_corpus_as_the_server_does() {
    const TELLING: &[u8] = b"\r\n\t :;,0159afAF+-_x\0\x0b\x7f\x80\"/#?HTP.";
    let streams: Vec<Vec<u8>> =
        rows().iter().map(Row::stream).filter(|stream| stream.len() < 1000).collect();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 16) as usize % below.max(1)
    };
    let mut taken = 0;
    for round in 0..mutants() {
        let mut stream = streams[round % streams.len()].clone();
        for _ in 0..=random(3) {
            let at = random(stream.len());
            let length = random(8).min(stream.len() - at);
            match random(5) {
                0 if !stream.is_empty() => stream[at] = TELLING[random(TELLING.len())],
                1 => drop(stream.drain(at..at + length)),
                2 => stream.insert(at, TELLING[random(TELLING.len())]),
                3 => {
                    let again = stream[at..at + length].to_vec();
                    stream.splice(at..at, again);
                }
                _ => {
                    let other = &streams[random(streams.len())];
                    let from = random(other.len());
                    let piece = &other[from..(from + random(40)).min(other.len())];
                    stream.splice(at..at, piece.iter().copied());
                }
            }
        }
        taken += assert_agreed(&stream);
    }
    assert!(taken > mutants() / 10, "{taken}");
}

/// How many streams near the corpus are tried: `PACKHOUSE_RAW_MUTANTS`, or 20,000.
fn mutants() -> usize {
    std::env::var("PACKHOUSE_RAW_MUTANTS").map_or(20_000, |count| count.parse().unwrap())
}

/// The fuzz target `messages` begins with the corpus. `PACKHOUSE_WRITE_SEEDS=1` writes the files.
#[test]
fn the_seeds_of_the_fuzz_target_are_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/messages");
    // Longer ones take the fuzzer's time; its mutations reach the limits by themselves.
    let short = |row: &Row| row.stream().len() < 500;
    let mut expected = BTreeMap::new();
    for row in rows().iter().filter(|row| short(row)) {
        let there = expected.insert(row.slug(), row.stream());
        assert_eq!(there, None, "{} is there twice", row.name);
    }
    if std::env::var_os("PACKHOUSE_WRITE_SEEDS").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, seed) in &expected {
            std::fs::write(folder.join(name), seed).unwrap();
        }
    }
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    let found: BTreeMap<_, _> = std::fs::read_dir(&folder).unwrap().map(file).collect();
    assert!(found == expected, "write the seeds anew: PACKHOUSE_WRITE_SEEDS=1");
}
