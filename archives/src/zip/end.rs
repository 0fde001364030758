//! The end of a zip: where its central directory is, said by one record or by two that agree.

use packhouse_core::archives::{ArchiveError, ArchiveSource};

use crate::bytes::Fields;
use crate::errors::refused;
use crate::input::Window;

const END: &[u8; 4] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const LOCATOR_SIZE: usize = 20;
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_SIZE: usize = 56;
/// The longest comment, the end record and what zip64 puts before it.
const TAIL: u64 = (u16::MAX as usize + END_SIZE + LOCATOR_SIZE + END64_SIZE) as u64;

/// Where the central directory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Directory {
    pub(crate) entries: u64,
    pub(crate) start: u64,
    /// The byte after it.
    pub(crate) end: u64,
}

/// Finds the directory by the end of the archive, which has so many bytes.
pub(crate) fn find(
    from: &mut Box<dyn ArchiveSource>,
    size: u64,
) -> Result<Directory, ArchiveError> {
    let length = size.min(TAIL);
    let mut window = Window::new(length as usize);
    let tail = window.exact(from, size - length, length as usize)?;
    let tail = tail.ok_or_else(|| refused(NO_END))?;
    let at = end_record(tail)?;
    let before = size - length;
    parse(&tail[..at], &tail[at..at + END_SIZE], before)
}

/// Where the end record is: there is one only, and its comment ends where the archive ends.
fn end_record(tail: &[u8]) -> Result<usize, ArchiveError> {
    let signatures = || tail.windows(4).enumerate().filter(|(_, bytes)| bytes == END);
    let fits = |at: &usize| {
        let comment =
            tail.get(at + 20..at + END_SIZE).map(|b| usize::from(b[0]) | usize::from(b[1]) << 8);
        comment.is_some_and(|comment| at + END_SIZE + comment == tail.len())
    };
    let at = signatures().map(|(at, _)| at).find(fits).ok_or_else(|| refused(NO_END))?;
    // Some readers take the last signature for the end, whether or not it fits.
    if signatures().any(|(other, _)| other > at) {
        let reason = "the zip has two ends, or a comment that looks like one";
        return Err(refused(format!("{reason}: make it again, without a comment")));
    }
    Ok(at)
}

/// Reads the end record, and what zip64 puts before it.
fn parse(before: &[u8], record: &[u8], offset: u64) -> Result<Directory, ArchiveError> {
    let end = EndRecord::parse(record).ok_or_else(|| refused(NO_END))?;
    if end.disks != [0, 0] || end.here != end.entries {
        return Err(refused("the zip is split into volumes: send one file"));
    }
    let locator = before.len().checked_sub(LOCATOR_SIZE).map(|at| before.split_at(at));
    let (entries, size, start, end_at) = match locator {
        Some((before, locator)) if locator.starts_with(LOCATOR) => {
            let at = before.len().checked_sub(END64_SIZE);
            let wide = at.and_then(|at| wide(&before[at..], locator, offset + at as u64, &end));
            let reason = "the zip64 records do not agree: make the archive again";
            let [entries, size, start] = wide.ok_or_else(|| refused(reason))?;
            (entries, size, start, offset + (before.len() - END64_SIZE) as u64)
        }
        _ => (end.entries.into(), end.size.into(), end.start.into(), offset + before.len() as u64),
    };
    if start.checked_add(size) != Some(end_at) {
        let reason = "the zip has bytes before its first entry or around its directory";
        return Err(refused(format!("{reason}: make a plain zip")));
    }
    Ok(Directory { entries, start, end: end_at })
}

const NO_END: &str = "the zip has no end, or something follows it: send the whole archive alone";

/// The end record.
struct EndRecord {
    disks: [u16; 2],
    here: u16,
    entries: u16,
    size: u32,
    start: u32,
}

impl EndRecord {
    fn parse(record: &[u8]) -> Option<Self> {
        let mut fields = Fields(record.get(4..)?);
        Some(Self {
            disks: [fields.u16()?, fields.u16()?],
            here: fields.u16()?,
            entries: fields.u16()?,
            size: fields.u32()?,
            start: fields.u32()?,
        })
    }
}

/// The zip64 records, the first of them at a place: entries, size and start of the directory if
/// all agree with each other and with the end record.
fn wide(record: &[u8], locator: &[u8], at: u64, end: &EndRecord) -> Option<[u64; 3]> {
    let mut fields = Fields(locator.get(4..)?);
    let located = (fields.u32()?, fields.u64()?, fields.u32()?);
    if located != (0, at, 1) || !record.starts_with(END64) {
        return None;
    }
    let mut fields = Fields(record.get(4..)?);
    let (size, _versions) = (fields.u64()?, fields.u32()?);
    let disks = (fields.u32()?, fields.u32()?);
    let (here, entries) = (fields.u64()?, fields.u64()?);
    let numbers = [entries, fields.u64()?, fields.u64()?];
    if size != END64_SIZE as u64 - 12 || disks != (0, 0) || here != entries {
        return None;
    }
    let agrees =
        |narrow: u32, absent: u32, wide: u64| narrow == absent || u64::from(narrow) == wide;
    let all = agrees(end.entries.into(), u16::MAX.into(), numbers[0])
        && agrees(end.size, u32::MAX, numbers[1])
        && agrees(end.start, u32::MAX, numbers[2]);
    all.then_some(numbers)
}
