//! The bytes of an archive, buffered and counted.

use std::io::{self, BufRead, Read, SeekFrom};

use packhouse_core::archives::{ArchiveError, ArchiveSource};

use crate::errors::{SourceFailure, source};

/// How much is read at once.
const BUFFER: usize = 64 << 10;
/// How much is read with a record that is asked for.
const AHEAD: usize = 16 << 10;

/// The bytes of an archive from its start. Its errors carry a [`SourceFailure`].
pub(crate) struct Input {
    source: Box<dyn ArchiveSource>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    taken: u64,
}

impl Input {
    pub(crate) fn new(mut from: Box<dyn ArchiveSource>) -> Result<Self, ArchiveError> {
        from.seek(SeekFrom::Start(0)).map_err(source)?;
        Ok(Self { source: from, buffer: vec![0; BUFFER], start: 0, end: 0, taken: 0 })
    }

    /// The next bytes without taking them: as many as asked for, or all there are.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], ArchiveError> {
        while self.end < count {
            let read = read_some(&mut self.source, &mut self.buffer[self.end..]).map_err(source)?;
            if read == 0 {
                break;
            }
            self.end += read;
        }
        Ok(&self.buffer[self.start..self.end.min(count)])
    }

    /// How many bytes were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn into_source(self) -> Box<dyn ArchiveSource> {
        self.source
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.end = read_some(&mut self.source, &mut self.buffer)
                .map_err(|error| io::Error::other(SourceFailure(error)))?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.taken += count as u64;
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// A read that is asked again when it was interrupted.
fn read_some(source: &mut Box<dyn ArchiveSource>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A part of the archive that was read ahead, for readers that go to and fro.
pub(crate) struct Window {
    buffer: Vec<u8>,
    at: u64,
    size: usize,
}

impl Window {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { buffer: vec![0; capacity], at: 0, size: 0 }
    }

    /// Bytes from a place in the archive: up to `count`, at least one, none at the end.
    pub(crate) fn some(
        &mut self,
        from: &mut Box<dyn ArchiveSource>,
        at: u64,
        count: usize,
    ) -> Result<&[u8], ArchiveError> {
        let within = at >= self.at && at - self.at < self.size as u64;
        if !within {
            from.seek(SeekFrom::Start(at)).map_err(source)?;
            self.size = 0;
            self.size = read_some(from, &mut self.buffer).map_err(source)?;
            self.at = at;
        }
        let start = (at - self.at) as usize;
        Ok(&self.buffer[start..self.size.min(start.saturating_add(count))])
    }

    /// Exactly so many bytes from a place in the archive; `None` if it ends before. The capacity
    /// is the most.
    pub(crate) fn exact(
        &mut self,
        from: &mut Box<dyn ArchiveSource>,
        at: u64,
        count: usize,
    ) -> Result<Option<&[u8]>, ArchiveError> {
        let within =
            at >= self.at && (at - self.at).saturating_add(count as u64) <= self.size as u64;
        if !within {
            from.seek(SeekFrom::Start(at)).map_err(source)?;
            (self.at, self.size) = (at, 0);
            // No more than this: records may be asked for in any order.
            let most = count.max(AHEAD).min(self.buffer.len());
            while self.size < count {
                let read = read_some(from, &mut self.buffer[self.size..most]).map_err(source)?;
                if read == 0 {
                    return Ok(None);
                }
                self.size += read;
            }
        }
        let start = (at - self.at) as usize;
        Ok(self.buffer.get(start..start + count))
    }
}
