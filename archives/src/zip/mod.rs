//! Reads zip.
//!
//! A zip says everything twice: in the central directory at its end and in a header before each
//! content, and readers trust the one or the other. Here every byte of the archive belongs to
//! exactly one record, and the two that are about an entry agree.

mod content;
mod end;
mod headers;

use std::io::SeekFrom;

use packhouse_core::archives::{
    ArchiveError, ArchiveFile, ArchiveLimits, ArchiveReader, ArchiveSource,
};

use content::Content;
use end::Directory;
use headers::Central;

use crate::bytes::Fields;
use crate::errors::{At, refused, source};
use crate::input::Window;
use crate::meter::{Meter, check_ratio};
use crate::names::{self, MAX_NAME, Name, Names};

/// The longest record: a header with a name, an extra field and a comment of any length.
const MAX_RECORD: usize = headers::CENTRAL_SIZE + 3 * u16::MAX as usize;

/// Reads the files of a zip.
pub(crate) struct Zip {
    source: Box<dyn ArchiveSource>,
    directory: Directory,
    /// Where entries begin, in this order, with where the directory has them.
    places: Vec<Place>,
    /// How many of the entries were begun.
    begun: usize,
    /// Where the entry after those that were read has to begin.
    next: u64,
    meter: Meter,
    ratio: u64,
    /// What the entries before this one came to.
    before: u64,
    central: Window,
    local: Window,
    state: State,
}

/// Where an entry's header is, and where its central record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    local: u64,
    central: u64,
}

enum State {
    Between,
    Within { name: Vec<u8>, content: Box<Content> },
    Failed,
}

impl Zip {
    /// Reads the whole directory, and checks all that can be checked by it.
    pub(crate) fn open(
        mut source_of: Box<dyn ArchiveSource>,
        limits: ArchiveLimits,
    ) -> Result<Self, ArchiveError> {
        let size = source_of.seek(SeekFrom::End(0)).map_err(source)?;
        let directory = end::find(&mut source_of, size)?;
        let mut zip = Self {
            source: source_of,
            directory,
            places: Vec::new(),
            begun: 0,
            next: 0,
            meter: Meter::new(limits),
            ratio: limits.ratio,
            before: 0,
            central: Window::new(MAX_RECORD),
            local: Window::new(MAX_RECORD),
            state: State::Between,
        };
        zip.read_directory(limits)?;
        Ok(zip)
    }

    fn read_directory(&mut self, limits: ArchiveLimits) -> Result<(), ArchiveError> {
        let mut names = Names::new(limits);
        let mut at = self.directory.start;
        while at < self.directory.end {
            self.meter.entry()?;
            let record = self.record(at)?;
            let name = names::parse(&record.name).at(&record.name)?;
            let is_folder = !matches!(name, Name::File(_));
            record.check_attributes(is_folder).at(&record.name)?;
            names.add(&name).at(&record.name)?;
            self.meter.declared(record.sums.unpacked).at(&record.name)?;
            self.places.push(Place { local: record.offset, central: at });
            at += record.size;
        }
        if self.places.len() as u64 != self.directory.entries {
            let reason = "the zip does not have as many entries as it says: make the archive again";
            return Err(refused(reason));
        }
        // Most writers have both in the same order; none has to.
        self.places.sort_unstable();
        Ok(())
    }

    /// The central record at a place.
    fn record(&mut self, at: u64) -> Result<Central, ArchiveError> {
        let fixed = self.central.exact(&mut self.source, at, headers::CENTRAL_SIZE)?;
        let fixed = fixed.filter(|fixed| signature(fixed) == Some(headers::CENTRAL));
        let lengths = fixed.and_then(headers::central_lengths).ok_or_else(|| refused(DIRECTORY))?;
        let size = headers::CENTRAL_SIZE + lengths.iter().sum::<usize>();
        if at.saturating_add(size as u64) > self.directory.end {
            return Err(refused(DIRECTORY));
        }
        if lengths[0] > MAX_NAME {
            return Err(refused(format!("a name is longer than {MAX_NAME} bytes: shorten it")));
        }
        let record = self.central.exact(&mut self.source, at, size)?;
        let record = record.ok_or_else(|| refused(DIRECTORY))?;
        let name = headers::CENTRAL_SIZE..headers::CENTRAL_SIZE + lengths[0];
        Central::parse(record).at(&record[name])
    }

    /// Goes to the next entry; its path if it is a file, and `None` at the end.
    fn entry(&mut self) -> Result<Option<Option<String>>, ArchiveError> {
        let Some(place) = self.places.get(self.begun).copied() else {
            let gap = self.next != self.directory.start;
            return if gap { Err(refused(GAP)) } else { Ok(None) };
        };
        self.begun += 1;
        let end = self.places.get(self.begun).map_or(self.directory.start, |place| place.local);
        let record = self.record(place.central)?;
        if place.local != self.next {
            return Err(refused(GAP)).at(&record.name);
        }
        self.next = end;
        let content = self.begin(place.local, end, &record).at(&record.name)?;
        let name = record.name;
        let path = match names::parse(&name).at(&name)? {
            Name::File(path) => Some(path),
            Name::Folder(_) | Name::Root => None,
        };
        self.meter.begin();
        self.state = State::Within { name, content: Box::new(content) };
        Ok(Some(path))
    }

    /// Checks that the entry fills its place, and that what is said before and after its content
    /// agrees with the central record.
    fn begin(&mut self, at: u64, end: u64, record: &Central) -> Result<Content, ArchiveError> {
        let fixed = self.local.exact(&mut self.source, at, headers::LOCAL_SIZE)?;
        let fixed = fixed.filter(|fixed| signature(fixed) == Some(headers::LOCAL));
        let lengths = fixed.and_then(headers::local_lengths).ok_or_else(|| refused(GAP))?;
        let size = headers::LOCAL_SIZE + lengths.iter().sum::<usize>();
        let local = self.local.exact(&mut self.source, at, size)?.ok_or_else(|| refused(GAP))?;
        let wide = record.check_local(local)?;
        let start = at + size as u64;
        let rest = start.checked_add(record.sums.packed).and_then(|after| end.checked_sub(after));
        let rest =
            rest.ok_or_else(|| refused("it overlaps another entry: make the archive again"))?;
        if record.is_deferred() {
            self.descriptor(end - rest, rest, wide, record)?;
        } else if rest != 0 {
            return Err(refused(GAP));
        }
        Ok(Content::new(record.method, start, record.sums))
    }

    /// Checks the sums after the content: with or without a signature, narrow or wide.
    fn descriptor(
        &mut self,
        at: u64,
        length: u64,
        wide: bool,
        record: &Central,
    ) -> Result<(), ArchiveError> {
        let signed = match (length, wide) {
            (12, false) | (20, true) => false,
            (16, false) | (24, true) => true,
            _ => return Err(refused(GAP)),
        };
        let bytes = self.local.exact(&mut self.source, at, length as usize)?;
        let mut expected = Vec::new();
        if signed {
            expected.extend(headers::DESCRIPTOR.to_le_bytes());
        }
        expected.extend(record.sums.crc.to_le_bytes());
        for number in [record.sums.packed, record.sums.unpacked] {
            expected.extend(&number.to_le_bytes()[..if wide { 8 } else { 4 }]);
        }
        // Numbers that do not fit into a narrow one differ from it by this.
        let fits = wide || record.sums.packed.max(record.sums.unpacked) <= u32::MAX.into();
        if bytes != Some(&expected) || !fits {
            return Err(refused("the sums after its content are wrong: make the archive again"));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<ArchiveFile>, ArchiveError> {
        loop {
            self.skip()?;
            self.state = State::Between;
            match self.entry()? {
                None => return Ok(None),
                Some(Some(path)) => return Ok(Some(ArchiveFile { path })),
                Some(None) => {}
            }
        }
    }

    /// Reads what is left of the entry.
    fn skip(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; 8192];
        while self.read_content(&mut buffer)? > 0 {}
        Ok(())
    }

    fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let State::Within { content, name } = &mut self.state else { return Ok(0) };
        let read = content.read(&mut self.source, &mut self.local, buffer).at(name)?;
        self.meter.add(read).at(name)?;
        let (unpacked, packed) = content.counted();
        check_ratio(self.ratio, unpacked, packed).at(name)?;
        self.before += read as u64;
        // Headers count as well: an archive of many small entries is mostly them.
        check_ratio(self.ratio, self.before, self.next)?;
        Ok(read)
    }
}

/// The first four bytes.
fn signature(record: &[u8]) -> Option<u32> {
    Fields(record).u32()
}

const DIRECTORY: &str = "the directory of the zip is malformed: make the archive again";
const GAP: &str = "the zip has bytes that belong to no entry, or to two: make the archive again";

impl ArchiveReader for Zip {
    fn next_file(&mut self) -> Result<Option<ArchiveFile>, ArchiveError> {
        if matches!(self.state, State::Failed) {
            return Err(refused("the archive was found unsound before"));
        }
        let outcome = self.advance();
        if outcome.is_err() {
            self.state = State::Failed;
        }
        outcome
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let outcome = self.read_content(buffer);
        if outcome.is_err() {
            self.state = State::Failed;
        }
        outcome
    }
}
