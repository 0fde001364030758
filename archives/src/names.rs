//! Names of entries: what one may be, and that no two of them mean the same place.

use std::collections::HashMap;

use packhouse_core::archives::{ArchiveError, ArchiveLimits};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::errors::{refused, too_large};

/// The longest name in bytes.
pub(crate) const MAX_NAME: usize = 4096;
/// The most segments: each of them costs memory.
const MAX_SEGMENTS: usize = 256;

/// A name that keeps the rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    /// The folder that holds everything: `.` or `./`.
    Root,
    /// Ends with a slash in the archive; here without it.
    Folder(String),
    /// Does not.
    File(String),
}

/// Checks a name as an archive gives it.
pub(crate) fn parse(raw: &[u8]) -> Result<Name, ArchiveError> {
    if raw.len() > MAX_NAME {
        return Err(refused(format!("the name is longer than {MAX_NAME} bytes: shorten it")));
    }
    let Ok(name) = str::from_utf8(raw) else {
        return Err(refused("the name is not UTF-8: make the archive with UTF-8 names"));
    };
    if name.chars().any(char::is_control) {
        return Err(refused("the name has a control character: rename the file"));
    }
    if name.contains('\\') {
        return Err(refused("the name has a backslash: folders are separated by '/'"));
    }
    // What `tar -C folder .` writes.
    if name == "." || name == "./" {
        return Ok(Name::Root);
    }
    let name = name.strip_prefix("./").unwrap_or(name);
    check_relative(name)?;
    let (path, folder) = match name.strip_suffix('/') {
        Some(path) => (path, true),
        None => (name, false),
    };
    check_segments(path)?;
    Ok(if folder { Name::Folder(path.to_owned()) } else { Name::File(path.to_owned()) })
}

fn check_relative(name: &str) -> Result<(), ArchiveError> {
    if name.starts_with('/') {
        return Err(refused("the name is absolute: archive files by relative names"));
    }
    if matches!(name.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic()) {
        return Err(refused("the name starts with a drive: archive files by relative names"));
    }
    Ok(())
}

fn check_segments(path: &str) -> Result<(), ArchiveError> {
    for segment in path.split('/') {
        if matches!(segment, "" | "." | "..") {
            let reason =
                format!("the name has the segment '{segment}': archive files by plain names");
            return Err(refused(reason));
        }
    }
    if path.split('/').count() > MAX_SEGMENTS {
        return Err(refused(format!("the name has more than {MAX_SEGMENTS} folders: nest less")));
    }
    Ok(())
}

/// The names of an archive so far, each as a digest: their memory depends on their number alone.
pub(crate) struct Names {
    nodes: HashMap<Key, Node>,
    most: u64,
}

/// The digest of a name without regard to case and to the form of its accents.
type Key = [u8; 16];

#[derive(Clone, Copy)]
enum Node {
    Folder,
    /// With the digest of the very name.
    File(Key),
}

impl Names {
    pub(crate) fn new(limits: ArchiveLimits) -> Self {
        // Folders need no entries of their own, and each takes memory.
        let most = limits.entries.saturating_mul(4).saturating_add(1024);
        Self { nodes: HashMap::new(), most }
    }

    /// Takes one more name.
    pub(crate) fn add(&mut self, name: &Name) -> Result<(), ArchiveError> {
        let (path, is_file) = match name {
            Name::Root => return Ok(()),
            Name::Folder(path) => (path, false),
            Name::File(path) => (path, true),
        };
        let mut hash = Sha256::new();
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            hash.update(fold(segment));
            hash.update([b'/']);
            let key = key_of(&hash.clone());
            let last = segments.peek().is_none();
            let node = if last && is_file { Node::File(digest(path)) } else { Node::Folder };
            self.put(key, node)?;
        }
        Ok(())
    }

    fn put(&mut self, key: Key, node: Node) -> Result<(), ArchiveError> {
        let reason = match (self.nodes.get(&key), node) {
            (None, _) => {
                if self.nodes.len() as u64 >= self.most {
                    return Err(too_large(format!("more than {} files and folders", self.most)));
                }
                self.nodes.insert(key, node);
                return Ok(());
            }
            (Some(Node::Folder), Node::Folder) => return Ok(()),
            (Some(Node::File(before)), Node::File(now)) if *before == now => {
                "the name is there twice: keep one of the files"
            }
            (Some(Node::File(_)), Node::File(_)) => {
                "the name differs from another one only in case or accents: rename one of the files"
            }
            _ => "the name is that of a file and of a folder: rename one of them",
        };
        Err(refused(reason))
    }
}

/// What names have in common that some file systems do not tell apart.
fn fold(segment: &str) -> String {
    segment.nfd().flat_map(fold_char).nfc().collect()
}

/// Upper case first: it joins letters that have two lower cases, such as σ and ς.
fn fold_char(c: char) -> impl Iterator<Item = char> {
    let mut upper = c.to_uppercase();
    let one = if upper.len() == 1 { upper.next().unwrap_or(c) } else { c };
    one.to_lowercase()
}

fn digest(text: &str) -> Key {
    key_of(&Sha256::new_with_prefix(text))
}

/// Half of the digest: nobody finds two names for it.
fn key_of(hash: &Sha256) -> Key {
    let full: [u8; 32] = hash.clone().finalize().into();
    let mut key = [0; 16];
    key.copy_from_slice(&full[..16]);
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: ArchiveLimits =
        ArchiveLimits { entries: 10, total_bytes: 0, file_bytes: 0, ratio: 0 };

    fn add_all(names: &[&str]) -> Result<(), ArchiveError> {
        let mut all = Names::new(LIMITS);
        names.iter().try_for_each(|name| all.add(&parse(name.as_bytes())?))
    }

    #[test]
    fn names_are_taken_as_they_are_but_for_a_leading_dot() {
        let file = |path: &str| Name::File(path.to_owned());
        for (raw, name) in [
            ("a", file("a")),
            ("./a", file("a")),
            (".a/..b/c...", file(".a/..b/c...")),
            ("a b/ü:ö/-", file("a b/ü:ö/-")),
            ("1:a", file("1:a")),
            ("a/C:/b", file("a/C:/b")),
            ("a/b/", Name::Folder("a/b".to_owned())),
            ("./a/", Name::Folder("a".to_owned())),
            (".", Name::Root),
            ("./", Name::Root),
        ] {
            assert_eq!(parse(raw.as_bytes()).unwrap(), name, "{raw}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said() {
        for (raw, why) in [
            (&b"/a"[..], "absolute"),
            (b"c:\\a", "backslash"),
            (b"c:/a", "drive"),
            (b"a/../b", "segment '..'"),
            (b"a//b", "segment ''"),
            (b"", "segment ''"),
            (b"a\0", "control character"),
            (b"\xff", "not UTF-8"),
        ] {
            let error = parse(raw).unwrap_err();
            assert!(error.reason.contains(why), "{}: {error}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_name_may_have_so_many_bytes_and_segments() {
        assert!(parse("n".repeat(MAX_NAME).as_bytes()).is_ok());
        assert!(parse("n".repeat(MAX_NAME + 1).as_bytes()).is_err());
        assert!(parse("n/".repeat(MAX_SEGMENTS).as_bytes()).is_ok());
        assert!(parse("n/".repeat(MAX_SEGMENTS + 1).as_bytes()).is_err());
    }

    #[test]
    fn folders_may_be_named_again_and_in_any_case() {
        add_all(&["a/", "a/", "a/b", "a/c", "A/d", "a/", "./"]).unwrap();
    }

    #[test]
    fn what_clashes_is_said() {
        for (names, why) in [
            (["a", "a"], "twice"),
            (["a", "A"], "only in case"),
            (["x/é", "X/E\u{301}"], "only in case"),
            (["Σ", "ς"], "only in case"),
            (["a", "a/b"], "of a file and of a folder"),
            (["a/b", "A"], "of a file and of a folder"),
        ] {
            let error = add_all(&names).unwrap_err();
            assert!(error.reason.contains(why), "{names:?}: {error}");
        }
    }

    #[test]
    fn folders_without_entries_count_towards_a_limit() {
        let deep = |n: usize| format!("{n}/{}", "d/".repeat(200));
        let names: Vec<_> = (0..6).map(deep).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        add_all(&names[..5]).unwrap();
        assert!(add_all(&names).unwrap_err().reason.contains("1064 files and folders"));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_plain_relative_path(raw in "[./a\\\\:\0ü\n]{0,9}|\\PC{0,20}") {
            if let Ok(Name::File(path) | Name::Folder(path)) = parse(raw.as_bytes()) {
                prop_assert!(!path.contains(|c: char| c.is_control() || c == '\\'));
                prop_assert!(path.split('/').all(|segment| !matches!(segment, "" | "." | "..")));
            }
        }
    }
}
