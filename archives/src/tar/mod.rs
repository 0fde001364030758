//! Reads tar: v7, ustar, pax and GNU's long names.
//!
//! Every entry is a header, perhaps with one extension header before it, and its content in whole
//! blocks. Readers have differed in what applies to what: here an extension applies to the very
//! next header, which is that of a file or folder; its own size is what its own header says.

mod header;
mod pax;

use packhouse_core::archives::{ArchiveError, ArchiveFile, ArchiveLimits, ArchiveReader};

pub(crate) use header::is_header;
use header::{Header, Kind};
use pax::{Pax, Scope};

use crate::errors::{At, refused};
use crate::meter::Meter;
use crate::names::{self, Name, Names};
use crate::unpack::Stream;

/// Headers and content come in blocks.
pub(crate) const BLOCK: usize = 512;
/// The most bytes of an extension header.
const MAX_EXTENSION: u64 = 64 << 10;
/// The most zeros at the end; writers fill up to a record, which has at most this size.
const MAX_PADDING: u64 = 1 << 20;
/// The first size that no octal field can say.
const OCTAL_END: u64 = 1 << 33;

type Block = [u8; BLOCK];

/// Reads the files of a tar.
pub(crate) struct Tar {
    stream: Stream,
    meter: Meter,
    names: Names,
    /// The first block, which was read to see what this is.
    first: Option<Block>,
    state: State,
}

enum State {
    /// Within a file's content, perhaps at its end.
    File {
        name: Vec<u8>,
        left: u64,
        padding: usize,
    },
    /// Before a header.
    Header,
    /// The archive ended, and was sound.
    End,
    Failed,
}

impl Tar {
    pub(crate) fn open(mut stream: Stream, limits: ArchiveLimits) -> Result<Self, ArchiveError> {
        let mut first = [0; BLOCK];
        let read = stream.read_full(&mut first)?;
        if !is_header(&first[..read]) {
            let format = stream.format();
            return Err(refused(format!("what the {format} holds is no tar: send a tar or a zip")));
        }
        let (meter, names) = (Meter::new(limits), Names::new(limits));
        Ok(Self { stream, meter, names, first: Some(first), state: State::Header })
    }

    fn advance(&mut self) -> Result<Option<ArchiveFile>, ArchiveError> {
        self.skip()?;
        if matches!(self.state, State::End) {
            return Ok(None);
        }
        // An error from here on leaves no reader.
        self.state = State::Failed;
        while let Some(header) = self.header()? {
            let raw = header.name.clone();
            self.meter.entry().at(&raw)?;
            if let Some(path) = self.entry(header).at(&raw)? {
                return Ok(Some(ArchiveFile { path }));
            }
        }
        self.state = State::End;
        Ok(None)
    }

    /// The next header of a file or folder, with what its extension header says; `None` at the
    /// end of the archive.
    fn header(&mut self) -> Result<Option<Header>, ArchiveError> {
        let Some(mut header) = self.plain_header()? else { return Ok(None) };
        if header.kind == Kind::Global {
            let name = header.name.clone();
            self.global(&header).at(&name)?;
            header = self.after_extension(&[Kind::Pax, Kind::LongName]).at(&name)?;
        }
        if !header.kind.is_extension() {
            return Ok(Some(header));
        }
        let name = header.name.clone();
        let extension = self.extension(&header).at(&name)?;
        let next = self.after_extension(&[]).at(&name)?;
        let name = next.name.clone();
        apply(next, extension).map(Some).at(&name)
    }

    /// The header after an extension header: that of an entry, or one of these.
    fn after_extension(&mut self, allowed: &[Kind]) -> Result<Header, ArchiveError> {
        let Some(next) = self.plain_header()? else {
            return Err(refused("an extension header without an entry: make the archive again"));
        };
        if next.kind.is_extension() && !allowed.contains(&next.kind) {
            return Err(refused("one extension header follows another: make the archive again"));
        }
        Ok(next)
    }

    /// The next header of any kind; `None` at the end of the archive.
    fn plain_header(&mut self) -> Result<Option<Header>, ArchiveError> {
        let block = self.block()?;
        if block == [0; BLOCK] {
            self.end()?;
            return Ok(None);
        }
        let name: Vec<u8> = block[..100].iter().copied().take_while(|byte| *byte != 0).collect();
        header::parse(&block).map(Some).at(&name)
    }

    fn block(&mut self) -> Result<Block, ArchiveError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let mut block = [0; BLOCK];
        if self.stream.read_full(&mut block)? < BLOCK {
            return Err(refused("the tar ends before its end marker: send the whole archive"));
        }
        Ok(block)
    }

    /// Everything after the first zero block: another one, and then nothing but zeros.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let trailing = || refused("something follows the end of the tar: make the archive again");
        if self.block()? != [0; BLOCK] {
            return Err(trailing());
        }
        let mut total = 0;
        let mut buffer = [0; 8192];
        loop {
            let read = self.stream.read(&mut buffer)?;
            total += read as u64;
            if buffer[..read].iter().any(|byte| *byte != 0) || total > MAX_PADDING {
                return Err(trailing());
            }
            if read == 0 && total % BLOCK as u64 != 0 {
                return Err(refused("the tar ends within a block: send the whole archive"));
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Records for all entries: looked at, and of no effect. Counted, as they could be many.
    fn global(&mut self, header: &Header) -> Result<(), ArchiveError> {
        self.meter.entry()?;
        let bytes = self.content(header.size)?;
        pax::parse(&bytes, Scope::Global).map(|_| ())
    }

    fn extension(&mut self, header: &Header) -> Result<Pax, ArchiveError> {
        let bytes = self.content(header.size)?;
        if header.kind == Kind::Pax {
            return pax::parse(&bytes, Scope::Next);
        }
        let name = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        Ok(Pax { path: Some(name.to_vec()), size: None })
    }

    /// The content of an extension header.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > MAX_EXTENSION {
            return Err(refused(format!("an extension header larger than {MAX_EXTENSION} bytes")));
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < size {
            bytes.extend_from_slice(&self.block()?);
        }
        bytes.truncate(size as usize);
        Ok(bytes)
    }

    /// Checks an entry; the path if it is a file, which is then ready to be read.
    fn entry(&mut self, header: Header) -> Result<Option<String>, ArchiveError> {
        let name = match (names::parse(&header.name)?, header.kind) {
            // A folder's slash may be left out.
            (Name::File(path), Kind::Folder) => Name::Folder(path),
            (Name::Root, Kind::Folder) => Name::Root,
            (name @ Name::Folder(_), Kind::Folder) | (name @ Name::File(_), _) => name,
            _ => return Err(refused("a file that is named as a folder: rename it")),
        };
        self.names.add(&name)?;
        let Name::File(path) = name else { return Ok(None) };
        self.meter.declared(header.size)?;
        let padding = (header.size.wrapping_neg() % BLOCK as u64) as usize;
        self.state = State::File { name: header.name, left: header.size, padding };
        Ok(Some(path))
    }

    /// Reads what is left of a file.
    fn skip(&mut self) -> Result<(), ArchiveError> {
        if !matches!(self.state, State::File { .. }) {
            return Ok(());
        }
        let mut buffer = [0; 8192];
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let State::File { left, padding, .. } = &mut self.state else { return Ok(0) };
        let short = || refused("the tar ends within a file: send the whole archive");
        if *left == 0 {
            let mut rest = [0; BLOCK];
            let padding = std::mem::take(padding);
            if self.stream.read_full(&mut rest[..padding])? < padding {
                return Err(short());
            }
            return Ok(0);
        }
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.stream.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(short());
        }
        *left -= read as u64;
        self.meter.add(read)?;
        Ok(read)
    }
}

/// Puts an extension into the header that follows it.
fn apply(mut header: Header, pax: Pax) -> Result<Header, ArchiveError> {
    if let Some(size) = pax.size {
        // Writers leave the field at zero where it cannot say the size.
        let told_apart = header.size == 0 && size >= OCTAL_END && header.kind == Kind::File;
        if size != header.size && !told_apart {
            return Err(refused("the pax size is not that of the header: make the archive again"));
        }
        header.size = size;
    }
    if let Some(path) = pax.path {
        // By which of the names it would be a folder, readers do not agree.
        if header.flagless {
            return Err(refused("an old header with a long name: use the pax format"));
        }
        header.name = path;
    }
    Ok(header)
}

impl ArchiveReader for Tar {
    fn next_file(&mut self) -> Result<Option<ArchiveFile>, ArchiveError> {
        if matches!(self.state, State::Failed) {
            return Err(refused("the archive was found unsound before"));
        }
        self.advance()
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let outcome = self.read_content(buffer);
        if outcome.is_err()
            && let State::File { name, .. } = std::mem::replace(&mut self.state, State::Failed)
        {
            return outcome.at(&name);
        }
        outcome
    }
}
