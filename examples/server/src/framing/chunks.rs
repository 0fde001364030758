//! A body in chunks: where it ends. Trailers are refused: nothing here reads them, no known client
//! of a repository sends them, and readers that do not know them split the stream elsewhere.
//!
//! It must not keep bytes, and must look at the data of chunks by its length only.

use super::bytes::{self, VALUE};
use super::refusal::Refusal;

/// The digits of a size. With the first below 8 at the full length, sizes stay below 2 GiB: beyond
/// it the arithmetic of readers differs.
const MAX_DIGITS: u8 = 8;
const MAX_SIZE: u64 = (1 << 31) - 1;
/// The bytes of the extensions of one body: nothing here has a use for them.
const MAX_EXTENSIONS: u32 = 8192;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    FirstDigit,
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the empty line after the last chunk.
    LastCr,
    LastLf,
    Done,
}

/// How far a body in chunks has been read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chunks {
    state: State,
    /// What is left of the chunk.
    size: u64,
    digits: u8,
    extensions: u32,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { state: State::FirstDigit, size: 0, digits: 0, extensions: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads on: to the end of the body, or of the bytes. Gives how many belong to the body.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let there = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX).min(self.size);
                self.size -= there;
                at += usize::try_from(there).unwrap_or(usize::MAX);
                if self.size == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<State, Refusal> {
        use State::{
            Data, DataCr, DataLf, Done, Extension, FirstDigit, LastCr, LastLf, Size, SizeLf,
        };
        let next = match (self.state, byte) {
            (FirstDigit, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                (self.size, self.digits) = (0, 0);
                self.digit(byte)?
            }
            (Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte)?,
            (Size, b';') => Extension,
            (Size | Extension, b'\r') => SizeLf,
            (SizeLf, b'\n') => {
                if self.size == 0 {
                    LastCr
                } else {
                    Data
                }
            }
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => FirstDigit,
            (LastCr, b'\r') => LastLf,
            (LastLf, b'\n') => Done,
            (LastCr, _) => return Err(Refusal::Trailers),
            (Extension, byte) if bytes::is(VALUE, byte) => {
                self.extensions += 1;
                if self.extensions > MAX_EXTENSIONS {
                    return Err(Refusal::ChunkExtensions);
                }
                Extension
            }
            _ => return Err(Refusal::Chunks),
        };
        Ok(next)
    }

    fn digit(&mut self, byte: u8) -> Result<State, Refusal> {
        let value = char::from(byte).to_digit(16).unwrap_or_default();
        self.size = self.size * 16 + u64::from(value);
        self.digits += 1;
        if self.digits > MAX_DIGITS || self.size > MAX_SIZE {
            return Err(Refusal::Chunks);
        }
        Ok(State::Size)
    }
}
