//! The content of an entry: decompressed, counted and compared with what is declared.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use packhouse_core::archives::{ArchiveError, ArchiveSource};

use super::headers::{Method, Sums};
use crate::errors::refused;
use crate::input::Window;

/// Reads the content of one entry.
pub(crate) struct Content {
    inflate: Option<Box<Decompress>>,
    /// Where the next compressed byte is.
    at: u64,
    end: u64,
    crc: Crc,
    declared: Sums,
    /// The deflated data said that it ends.
    inflated: bool,
    /// Everything was found right.
    ended: bool,
}

impl Content {
    pub(crate) fn new(method: Method, at: u64, declared: Sums) -> Self {
        let inflate = (method == Method::Deflate).then(|| Box::new(Decompress::new(false)));
        let end = at.saturating_add(declared.packed);
        Self { inflate, at, end, crc: Crc::new(), declared, inflated: false, ended: false }
    }

    /// How many bytes came out so far, and of how many.
    pub(crate) fn counted(&self) -> (u64, u64) {
        let left = self.end - self.at;
        let unpacked = match &self.inflate {
            Some(inflate) => inflate.total_out(),
            None => self.declared.packed - left,
        };
        (unpacked, self.declared.packed - left)
    }

    /// Some bytes; 0 once everything was found right.
    pub(crate) fn read(
        &mut self,
        from: &mut Box<dyn ArchiveSource>,
        window: &mut Window,
        buffer: &mut [u8],
    ) -> Result<usize, ArchiveError> {
        if self.ended {
            return Ok(0);
        }
        let read = self.step(from, window, buffer)?;
        self.crc.update(&buffer[..read]);
        if self.counted().0 > self.declared.unpacked {
            return Err(refused("it is larger than it says: make the archive again"));
        }
        if read == 0 {
            self.finish()?;
        }
        Ok(read)
    }

    fn step(
        &mut self,
        from: &mut Box<dyn ArchiveSource>,
        window: &mut Window,
        buffer: &mut [u8],
    ) -> Result<usize, ArchiveError> {
        while !self.inflated {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let input = if left == 0 { &[] } else { window.some(from, self.at, left)? };
            if left > 0 && input.is_empty() {
                return Err(refused("the archive ends within it: send the whole archive"));
            }
            let Some(inflate) = self.inflate.as_mut() else {
                let count = input.len().min(buffer.len());
                buffer[..count].copy_from_slice(&input[..count]);
                self.at += count as u64;
                return Ok(count);
            };
            let before = (inflate.total_in(), inflate.total_out());
            let outcome = inflate.decompress(input, buffer, FlushDecompress::None);
            let status =
                outcome.map_err(|_| refused("its data is broken: make the archive again"))?;
            let took = inflate.total_in() - before.0;
            let gave = (inflate.total_out() - before.1) as usize;
            self.at += took;
            if status == Status::StreamEnd && self.at != self.end {
                return Err(refused("something follows its data: make the archive again"));
            }
            self.inflated = status == Status::StreamEnd;
            if gave > 0 || status == Status::StreamEnd {
                return Ok(gave);
            }
            if took == 0 {
                return Err(refused("its data ends early: make the archive again"));
            }
        }
        Ok(0)
    }

    fn finish(&mut self) -> Result<(), ArchiveError> {
        if self.counted().0 != self.declared.unpacked {
            return Err(refused("it is smaller than it says: make the archive again"));
        }
        if self.crc.sum() != self.declared.crc {
            return Err(refused("its checksum is wrong: make the archive again"));
        }
        self.ended = true;
        Ok(())
    }
}
