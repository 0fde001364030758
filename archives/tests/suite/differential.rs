//! Whatever is accepted is what two other readers read, name by name and byte by byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use packhouse_core::archives::{ArchiveError, ArchiveErrorKind};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::corpus::corpus;
use crate::support::{Files, hashed, hex};

/// What is wrong with an answer about an archive of the corpus, if anything.
fn complaint(line: &Value, answer: &Result<Files, ArchiveError>) -> Option<String> {
    let about = format!("{} ({})", line["file"], line["label"]);
    let files = match answer {
        Err(error) if line["group"] == "benign" => {
            return Some(format!("{about}: refused: {error}"));
        }
        Err(_) => return None,
        Ok(files) => serde_json::to_value(files).expect("names and digests"),
    };
    let readers = line["readers"].as_object().expect("answers of readers");
    assert_eq!(readers.len(), 2, "{about}");
    let others = readers.iter().filter(|(_, theirs)| theirs["files"] != files);
    let differ: Vec<_> = others.map(|(name, theirs)| format!("{name} says {theirs}")).collect();
    (!differ.is_empty()).then(|| format!("{about}: read as {files}, but {}", differ.join(" and ")))
}

/// A reason without what is of one archive only.
fn reason(error: &ArchiveError) -> String {
    let plain: String =
        error.reason.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    plain.split([':', '(', '\'']).next().unwrap_or_default().to_owned()
}

/// Hostile archives that break no rule after all: labels of the corpus.
const HARMLESS: &str = include_str!("../corpus/harmless.txt");

#[test]
fn what_is_accepted_is_what_two_other_readers_read() {
    let Some(corpus) = corpus() else { return };
    let mut complaints = Vec::new();
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    let mut groups: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for line in &corpus.lines {
        let answer = hashed(corpus.bytes(line));
        let group = format!("{} {}", line["group"], line["kind"]).replace('"', "");
        groups.entry(group).or_default()[usize::from(answer.is_err())] += 1;
        if let Err(error) = &answer {
            *reasons.entry(reason(error)).or_default() += 1;
        }
        complaints.extend(complaint(line, &answer));
    }
    println!("{} archives: accepted, refused", corpus.lines.len());
    groups.iter().for_each(|(group, counts)| println!("{group}: {counts:?}"));
    println!("refused because:");
    reasons.iter().for_each(|(reason, count)| println!("{count:6} {reason}"));
    assert!(corpus.lines.len() >= 2000, "a corpus of {}", corpus.lines.len());
    assert!(complaints.is_empty(), "{}:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_hostile_archive_is_refused() {
    let Some(corpus) = corpus() else { return };
    let hostile = corpus.lines.iter().filter(|line| line["group"] == "hostile");
    let accepted = hostile.filter(|line| hashed(corpus.bytes(line)).is_ok());
    let labels: BTreeSet<_> = accepted.map(|line| line["label"].as_str().expect("text")).collect();
    if std::env::var_os("PACKHOUSE_BLESS").is_some() {
        let text: String = labels.iter().map(|label| format!("{label}\n")).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/harmless.txt");
        return std::fs::write(path, text).expect("the list is written");
    }
    assert_eq!(labels, HARMLESS.lines().collect());
}

/// A careless reader of zips: it goes by local headers alone, from the first byte on.
fn by_local_headers(zip: &[u8]) -> Files {
    let mut files = Files::new();
    let mut rest = zip;
    while let Some(header) = rest.strip_prefix(b"PK\x03\x04").filter(|rest| rest.len() >= 26) {
        let number = |at: usize| usize::from(header[at]) + 256 * usize::from(header[at + 1]);
        let (method, packed) = (number(4), number(14) + 65536 * number(16));
        let (name, extra) = (number(22), number(24));
        let Some(content) = header.get(26 + name + extra..) else { break };
        let Some((packed, after)) = content.split_at_checked(packed) else { break };
        let mut unpacked = Vec::new();
        // What breaks off stays short: careless.
        let inflated = flate2::read::DeflateDecoder::new(packed).take(1 << 20);
        let _ = { inflated }.read_to_end(&mut unpacked);
        let content = if method == 8 { &unpacked } else { packed };
        let name = String::from_utf8_lossy(&header[26..26 + name]).into_owned();
        if !name.ends_with('/') {
            files.push((name, hex(&Sha256::digest(content))));
        }
        rest = after;
    }
    files.sort();
    files
}

#[test]
fn a_careless_reader_would_be_noticed() {
    let Some(corpus) = corpus() else { return };
    let zips = corpus.lines.iter().filter(|line| line["kind"] == "zip");
    let mut noticed = BTreeMap::<&str, u32>::new();
    for line in zips {
        let answer = Ok(by_local_headers(&corpus.bytes(line)));
        if complaint(line, &answer).is_some() {
            *noticed.entry(line["group"].as_str().expect("text")).or_default() += 1;
        }
    }
    println!("noticed: {noticed:?}");
    assert!(noticed["hostile"] > 100 && noticed["mutant"] > 50, "{noticed:?}");
}

#[test]
fn a_wrong_answer_is_noticed() {
    let Some(corpus) = corpus() else { return };
    let mut tried = 0;
    for line in corpus.lines.iter().filter(|line| line["group"] == "benign").step_by(5) {
        let Ok(files) = hashed(corpus.bytes(line)) else { continue };
        let Some(first) = files.first().cloned() else { continue };
        let mut doctored = vec![files[1..].to_vec(); 3];
        doctored[1].insert(0, (format!("{}x", first.0), first.1.clone()));
        doctored[2].insert(0, (first.0, first.1.replace(['a', '1'], "b")));
        for answer in doctored {
            assert!(complaint(line, &Ok(answer)).is_some(), "{line}");
        }
        assert!(complaint(line, &Err(refused())).is_some(), "{line}");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

fn refused() -> ArchiveError {
    let kind = ArchiveErrorKind::Refused;
    ArchiveError { kind, entry: None, reason: "for no reason".to_owned(), source: None }
}
