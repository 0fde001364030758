//! Making errors of the port.

use std::fmt;
use std::io;

use packhouse_core::archives::{ArchiveError, ArchiveErrorKind};

/// The most characters of an entry's name in an error.
const MAX_SHOWN: usize = 200;

pub(crate) fn refused(reason: impl Into<String>) -> ArchiveError {
    error(ArchiveErrorKind::Refused, reason.into())
}

pub(crate) fn too_large(reason: impl Into<String>) -> ArchiveError {
    error(ArchiveErrorKind::TooLarge, reason.into())
}

fn error(kind: ArchiveErrorKind, reason: String) -> ArchiveError {
    ArchiveError { kind, entry: None, reason, source: None }
}

/// What the source said.
pub(crate) fn source(error: io::Error) -> ArchiveError {
    ArchiveError {
        kind: ArchiveErrorKind::Source,
        entry: None,
        reason: "the archive's bytes could not be read".to_owned(),
        source: Some(error),
    }
}

/// What a decompressor said: either the source failed below it, or its input is broken.
pub(crate) fn from_decompressor(error: io::Error, format: &str) -> ArchiveError {
    match error.downcast::<SourceFailure>() {
        Ok(failure) => source(failure.0),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            refused(format!("the {format} data ends early: send the whole archive"))
        }
        Err(error) => refused(format!("the {format} data is broken ({error}): make it again")),
    }
}

/// A failure of the source on its way through a decompressor.
#[derive(Debug)]
pub(crate) struct SourceFailure(pub(crate) io::Error);

impl fmt::Display for SourceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SourceFailure {}

/// Says at which entry it was.
pub(crate) trait At {
    fn at(self, name: &[u8]) -> Self;
}

impl<T> At for Result<T, ArchiveError> {
    fn at(self, name: &[u8]) -> Self {
        self.map_err(|mut error| {
            error.entry.get_or_insert_with(|| printable(name));
            error
        })
    }
}

/// A name that can be shown: control characters escaped, and not too long.
fn printable(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let escaped = text.chars().flat_map(|c| {
        let plain = !c.is_control();
        let escape = (!plain).then(|| c.escape_default()).into_iter().flatten();
        escape.chain(plain.then_some(c))
    });
    let mut shown: String = escaped.clone().take(MAX_SHOWN).collect();
    if escaped.count() > MAX_SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_printable_and_cut() {
        assert_eq!(printable(b"a\n\x1b[31m\xff"), "a\\n\\u{1b}[31m\u{fffd}");
        let long = printable("ä".repeat(5000).as_bytes());
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn the_first_entry_named_stays() {
        let error = Err::<(), _>(refused("no")).at(b"a").at(b"b").unwrap_err();
        assert_eq!(error.to_string(), "entry 'a': no");
    }

    #[test]
    fn a_failure_of_the_source_is_told_from_broken_data() {
        let below = io::Error::other(SourceFailure(io::Error::other("disk")));
        let error = from_decompressor(below, "gzip");
        assert_eq!(error.kind, ArchiveErrorKind::Source);
        assert_eq!(error.source.unwrap().to_string(), "disk");
        let error = from_decompressor(io::Error::other("bits"), "gzip");
        assert_eq!(error.kind, ArchiveErrorKind::Refused);
    }
}
