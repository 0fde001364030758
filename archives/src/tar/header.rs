//! The header block of an entry.

use packhouse_core::archives::ArchiveError;

use super::BLOCK;
use crate::errors::refused;

/// The largest id of a user or group: readers go by the type of their system.
pub(crate) const MAX_ID: u64 = u32::MAX as u64;

/// What a header says.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// The name, not yet checked.
    pub(crate) name: Vec<u8>,
    pub(crate) size: u64,
    /// An old header, where a folder is known by the slash of its name.
    pub(crate) flagless: bool,
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File,
    Folder,
    /// Records of pax for the next entry.
    Pax,
    /// Records of pax for all entries that follow.
    Global,
    /// The name of the next entry, as GNU tar writes it.
    LongName,
}

impl Kind {
    /// Whether it is about another entry.
    pub(crate) fn is_extension(self) -> bool {
        !matches!(self, Self::File | Self::Folder)
    }
}

/// Who wrote the header: they use its end differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Ustar,
    /// GNU tar's own, and that of Unix version 7.
    Old,
}

/// Whether these bytes are a header with the right checksum.
pub(crate) fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(block) else { return false };
    octal(&block[148..156]).is_some_and(|declared| declared == checksum(block))
}

/// The sum of all bytes, those of the sum itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let all: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = block[148..156].iter().map(|byte| u64::from(*byte)).sum();
    all - own + 8 * u64::from(b' ')
}

pub(crate) fn parse(block: &[u8; BLOCK]) -> Result<Header, ArchiveError> {
    if !is_header(block) {
        return Err(refused("the checksum of the tar header is wrong: make the archive again"));
    }
    let dialect = dialect(block)?;
    let name = name(block, dialect)?;
    let mode = number(&block[100..108], "mode")?;
    for (field, what) in [(&block[108..116], "user"), (&block[116..124], "group")] {
        if number_or_nothing(field, what)? > MAX_ID {
            return Err(refused(format!("the {what} in the tar header is out of range")));
        }
    }
    let size = number(&block[124..136], "size")?;
    number_or_nothing(&block[136..148], "time")?;
    let kind = kind(block[156], &name)?;
    if kind == Kind::File && mode & 0o6000 != 0 {
        return Err(refused("the file is setuid or setgid: take these bits away"));
    }
    if kind == Kind::Folder && size != 0 {
        return Err(refused("a folder with content: make the archive again"));
    }
    Ok(Header { kind, name, size, flagless: block[156] == 0 })
}

fn dialect(block: &[u8; BLOCK]) -> Result<Dialect, ArchiveError> {
    let (dialect, unused) = match &block[257..265] {
        b"ustar\x0000" => (Dialect::Ustar, &block[500..]),
        // Times and the fields of sparse files: other readers take them for a part of the name.
        b"ustar  \0" | [0, 0, 0, 0, 0, 0, 0, 0] => (Dialect::Old, &block[345..]),
        _ => return Err(refused("an unknown kind of tar header: use the ustar or pax format")),
    };
    if unused.iter().any(|byte| *byte != 0) {
        return Err(refused("the tar header has bytes that no format knows: use the pax format"));
    }
    Ok(dialect)
}

fn name(block: &[u8; BLOCK], dialect: Dialect) -> Result<Vec<u8>, ArchiveError> {
    let name = text(&block[..100])?;
    let prefix = if dialect == Dialect::Ustar { text(&block[345..500])? } else { b"" };
    Ok(match prefix {
        b"" => name.to_vec(),
        _ => [prefix, b"/", name].concat(),
    })
}

/// A text up to its first NUL, after which there are only more of them.
fn text(field: &[u8]) -> Result<&[u8], ArchiveError> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    if field[end..].iter().any(|byte| *byte != 0) {
        return Err(refused("something hides behind the name: make the archive again"));
    }
    Ok(&field[..end])
}

fn kind(flag: u8, name: &[u8]) -> Result<Kind, ArchiveError> {
    let slash = name.ends_with(b"/");
    let what = match flag {
        // Before there was a flag for folders.
        0 if slash => return Ok(Kind::Folder),
        0 | b'0' => return Ok(Kind::File),
        b'5' => return Ok(Kind::Folder),
        b'x' => return Ok(Kind::Pax),
        b'g' => return Ok(Kind::Global),
        b'L' => return Ok(Kind::LongName),
        b'1' => "a hard link",
        b'2' | b'K' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'6' => "a FIFO",
        b'S' => "a sparse file",
        _ => "neither file nor folder",
    };
    Err(refused(format!("it is {what}: archive plain files and folders only")))
}

/// A number that nothing is made of here, and that some writers leave out.
fn number_or_nothing(field: &[u8], what: &str) -> Result<u64, ArchiveError> {
    if field.iter().all(|byte| *byte == 0) { Ok(0) } else { number(field, what) }
}

/// A number: octal digits, or binary if its first bit is set.
fn number(field: &[u8], what: &str) -> Result<u64, ArchiveError> {
    let value = match field.split_first() {
        Some((0x80, rest)) => binary(rest),
        _ => octal(field),
    };
    value.ok_or_else(|| refused(format!("the {what} in the tar header is no number in range")))
}

fn binary(bytes: &[u8]) -> Option<u64> {
    let value = bytes.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(256).map(|value| value | u64::from(*byte))
    });
    value.filter(|value| i64::try_from(*value).is_ok())
}

/// Leading spaces, at least one digit, then spaces or NULs.
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|b| *b != b' ').unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(|b| !(b'0'..=b'7').contains(b)).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() || rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(8).map(|value| value | u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_strictly_octal_or_positive_and_binary() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"77777777", Some(0o77_777_777)),
            (b"0\0\0\0\0\0\0\0", Some(0)),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(u64::MAX >> 1)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\x01\0\0\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x81\0\0\0\0\0\0\0", None),
            (b"-000644\0", None),
            (b"0000648\0", None),
            (b"0x00644\0", None),
            (b"\0\0\0\0\0\0\0\0", None),
            (b"        ", None),
            (b"\t000644\0", None),
            (b"000\x00644\0", None),
            (b"0006 44\0", None),
        ] {
            assert_eq!(number(field, "size").ok(), value, "{field:?}");
        }
    }

    #[test]
    fn what_follows_a_name_is_nothing() {
        assert_eq!(text(b"abc\0\0").unwrap(), b"abc");
        assert_eq!(text(b"abc").unwrap(), b"abc");
        assert!(text(b"abc\0d").is_err());
    }
}
