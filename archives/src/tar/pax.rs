//! Records of pax: `length key=value`, each ended by a newline.

use std::collections::HashSet;

use packhouse_core::archives::ArchiveError;

use super::header::MAX_ID;
use crate::errors::refused;

/// What records say that matters here.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Pax {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
}

/// Whom records are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The next entry.
    Next,
    /// All that follow: these may have no say in names and sizes.
    Global,
}

/// Reads all records.
pub(crate) fn parse(mut bytes: &[u8], scope: Scope) -> Result<Pax, ArchiveError> {
    let mut pax = Pax::default();
    let mut seen = HashSet::new();
    while !bytes.is_empty() {
        let Some((key, value, rest)) = record(bytes) else {
            return Err(refused("a pax record is malformed: make the archive again"));
        };
        if !seen.insert(key) {
            return Err(refused(format!("the pax record '{}' is there twice", key.escape_ascii())));
        }
        match (key, scope) {
            (b"path", Scope::Next) if !value.is_empty() => pax.path = Some(value.to_vec()),
            (b"size", Scope::Next) => pax.size = Some(size(value)?),
            _ => check(key, value, scope)?,
        }
        bytes = rest;
    }
    Ok(pax)
}

/// The key and the value of the first record, and the records after it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    // A record is never longer than a header may be: six digits are enough.
    let space = bytes.iter().take(7).position(|byte| *byte == b' ')?;
    let length: usize = digits(&bytes[..space])?.try_into().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    let plain = !key.is_empty() && key.iter().all(u8::is_ascii_graphic);
    plain.then_some((key, value, rest))
}

/// A decimal number without anything around it.
fn digits(text: &[u8]) -> Option<u64> {
    let plain = !text.starts_with(b"0") || text == b"0";
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    (plain && all).then(|| str::from_utf8(text).ok()?.parse().ok()).flatten()
}

fn size(value: &[u8]) -> Result<u64, ArchiveError> {
    let in_range = digits(value).filter(|size| i64::try_from(*size).is_ok());
    in_range.ok_or_else(|| refused("the size in a pax record is no number in range"))
}

/// Whether a record means nothing for what is in the archive.
fn check(key: &[u8], value: &[u8], scope: Scope) -> Result<(), ArchiveError> {
    let harmless = match key {
        b"comment" => true,
        b"mtime" | b"atime" | b"ctime" => is_time(value),
        b"uid" | b"gid" => digits(value).is_some_and(|id| id <= MAX_ID),
        b"uname" | b"gname" => !value.contains(&0),
        b"hdrcharset" => value == b"ISO-IR 10646 2000 UTF-8",
        b"path" | b"linkpath" | b"size" => false,
        _ => scope == Scope::Next && is_foreign(key),
    };
    if harmless {
        return Ok(());
    }
    let key = key.escape_ascii();
    Err(refused(format!("the pax record '{key}' is not allowed here: make the archive without it")))
}

/// Extensions of vendors carry attributes, except for some that change what a file is.
fn is_foreign(key: &[u8]) -> bool {
    let known =
        ["SCHILY.xattr.", "SCHILY.acl.", "SCHILY.fflags", "LIBARCHIVE.", "RHT.", "MSWINDOWS."];
    let counted = [&b"SCHILY.dev"[..], b"SCHILY.ino", b"SCHILY.nlink"];
    known.iter().any(|prefix| key.starts_with(prefix.as_bytes())) || counted.contains(&key)
}

/// Seconds, perhaps negative, perhaps with a fraction.
fn is_time(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    // More digits than this are no time in any unit.
    number(whole) && whole.len() <= 18 && parts.next().is_none_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(bytes: &[u8]) -> Option<Pax> {
        parse(bytes, Scope::Next).ok()
    }

    #[test]
    fn records_give_path_and_size() {
        let pax = next(b"12 path=a/b\n10 size=7\n22 comment=\nhidden=1\n\n").unwrap();
        assert_eq!(pax, Pax { path: Some(b"a/b".to_vec()), size: Some(7) });
        assert_eq!(next(b"").unwrap(), Pax::default());
    }

    #[test]
    fn malformed_records_are_refused() {
        for bytes in [
            &b"11 path=a/b\n"[..],
            b"13 path=a/b\n",
            b"012 path=a/b\n",
            b"+12 path=a/b\n",
            b" 12 path=a/b\n",
            b"12 path=a/bX",
            b"12  path=/b\n",
            b"9 pathab\n",
            b"5 =b\n",
            b"99999999999999999999 path=a\n",
            b"12 path=a/b\n\0",
            b"12path=a/b\n",
            b"3 \n",
            b"0 path=a/b\n",
            b"1 path=a/b\n",
            b"7 path=\n",
        ] {
            assert_eq!(next(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_changes_the_file_is_refused_and_what_does_not_is_ignored() {
        let record = |key: &str, value: &str| {
            let body = format!(" {key}={value}\n");
            let fits = |length: &usize| length.to_string().len() + body.len() == *length;
            let length = (1..4).map(|digits| digits + body.len()).find(fits).unwrap();
            format!("{length}{body}").into_bytes()
        };
        for (key, value, allowed, everywhere) in [
            ("comment", "anything", true, true),
            ("mtime", "1700000000.123", true, true),
            ("mtime", "-5", true, true),
            ("mtime", "soon", false, false),
            ("mtime", "", false, false),
            ("mtime", "1.2.3", false, false),
            ("uid", "1000", true, true),
            ("uid", "-1", false, false),
            ("gid", "4294967296", false, false),
            ("uname", "jörg", true, true),
            ("hdrcharset", "ISO-IR 10646 2000 UTF-8", true, true),
            ("hdrcharset", "BINARY", false, false),
            ("path", "a", true, false),
            ("size", "1", true, false),
            ("size", "01", false, false),
            ("size", "-1", false, false),
            ("size", "9223372036854775808", false, false),
            ("linkpath", "a", false, false),
            ("GNU.sparse.major", "1", false, false),
            ("GNU.sparse.name", "a", false, false),
            ("SCHILY.realsize", "1", false, false),
            ("SCHILY.filetype", "sparse", false, false),
            ("SCHILY.xattr.user.a", "b", true, false),
            ("LIBARCHIVE.creationtime", "1", true, false),
            ("unheard", "of", false, false),
        ] {
            let bytes = record(key, value);
            assert_eq!(parse(&bytes, Scope::Next).is_ok(), allowed, "{key}={value}");
            assert_eq!(parse(&bytes, Scope::Global).is_ok(), everywhere, "global {key}={value}");
        }
        let twice = [record("mtime", "1"), record("mtime", "1")].concat();
        assert!(parse(&twice, Scope::Next).unwrap_err().reason.contains("twice"));
    }
}
