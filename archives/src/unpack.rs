//! The stream inside of a compressed one, with its limits.

use std::io::{self, BufRead, Read};
use std::mem;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use packhouse_core::archives::ArchiveError;

use crate::errors::from_decompressor;
use crate::input::Input;
use crate::meter::check_ratio;
use crate::xz::Xz;

/// Bytes as they are or decompressed. Compressed data may come in parts, one behind the other, and
/// be filled up with zeros, as tools do that write to pipes. Anything else behind it is an error.
pub(crate) struct Unpacked {
    format: &'static str,
    state: State,
}

enum State {
    Plain(Input),
    Gzip(Box<GzDecoder<Input>>),
    Bzip2(Box<BzDecoder<Input>>),
    Xz(Box<Xz>),
    /// All was read, so many bytes of the archive.
    End(u64),
}

impl Unpacked {
    pub(crate) fn plain(input: Input) -> Self {
        Self { format: "tar", state: State::Plain(input) }
    }

    pub(crate) fn gzip(input: Input) -> Self {
        Self { format: "gzip", state: gzip(input) }
    }

    pub(crate) fn bzip2(input: Input) -> Self {
        Self { format: "bzip2", state: bzip2(input) }
    }

    pub(crate) fn xz(input: Input) -> Self {
        Self { format: "xz", state: State::Xz(Box::new(Xz::new(input))) }
    }

    /// How many bytes of the archive were taken.
    fn taken(&self) -> u64 {
        match &self.state {
            State::Plain(input) => input.taken(),
            State::Gzip(decoder) => decoder.get_ref().taken(),
            State::Bzip2(decoder) => decoder.get_ref().taken(),
            State::Xz(decoder) => decoder.input().taken(),
            State::End(taken) => *taken,
        }
    }

    /// Some bytes; 0 at the sound end of it all, or if there is no room for any.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        for _ in 0..MOST_EMPTY_PARTS {
            let read = match &mut self.state {
                State::Plain(input) => return input.read(buffer),
                State::Xz(decoder) => return decoder.read(buffer),
                State::End(_) => return Ok(0),
                State::Gzip(decoder) => decoder.read(buffer)?,
                State::Bzip2(decoder) => decoder.read(buffer)?,
            };
            if read > 0 {
                return Ok(read);
            }
            let taken = self.taken();
            self.state = match mem::replace(&mut self.state, State::End(taken)) {
                State::Gzip(decoder) => after(decoder.into_inner(), gzip)?,
                State::Bzip2(decoder) => after(decoder.into_inner(), bzip2)?,
                other => other,
            };
        }
        let message = "too many empty parts follow one another: compress the archive in one piece";
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

/// How many parts of which nothing comes out may follow one another: each costs a new decoder, and
/// no other limit meets them.
const MOST_EMPTY_PARTS: usize = 1_000;

fn gzip(input: Input) -> State {
    State::Gzip(Box::new(GzDecoder::new(input)))
}

fn bzip2(input: Input) -> State {
    State::Bzip2(Box::new(BzDecoder::new(input)))
}

/// What comes behind a part.
fn after(mut input: Input, next: fn(Input) -> State) -> io::Result<State> {
    Ok(match next_part(&mut input)? {
        Part::More => next(input),
        Part::End => State::End(input.taken()),
    })
}

/// What is behind a part of compressed data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Something, and it has to be another part.
    More,
    /// Nothing, or zeros to the end.
    End,
}

pub(crate) fn next_part(input: &mut Input) -> io::Result<Part> {
    if input.fill_buf()?.first().is_some_and(|byte| *byte != 0) {
        return Ok(Part::More);
    }
    loop {
        let bytes = input.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            let what = "something other than zeros follows the compressed data";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let count = bytes.len();
        if count == 0 {
            return Ok(Part::End);
        }
        input.consume(count);
    }
}

/// A stream whose bytes are counted against those that they were made of.
pub(crate) struct Stream {
    unpacked: Unpacked,
    given: u64,
    ratio: u64,
}

impl Stream {
    pub(crate) fn new(unpacked: Unpacked, ratio: u64) -> Self {
        Self { unpacked, given: 0, ratio }
    }

    pub(crate) fn format(&self) -> &'static str {
        self.unpacked.format
    }

    /// Some bytes; 0 at the sound end of it all.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let format = self.unpacked.format;
        let read = self.unpacked.read(buffer).map_err(|e| from_decompressor(e, format))?;
        self.given += read as u64;
        check_ratio(self.ratio, self.given, self.unpacked.taken())?;
        Ok(read)
    }

    /// Fills the buffer as far as the stream goes.
    pub(crate) fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}
