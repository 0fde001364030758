//! The xz container (version 1.2 of its format); LZMA2 itself is a crate's.
//!
//! Written here because the crate's own readers keep a record for every block, so that an archive
//! of empty blocks fills the memory, and because they do not check what a block header declares.
//! Here the records are hashed, and compared with the hash of the index.

mod sum;

use std::io::{self, BufRead, Read};

use flate2::Crc;
use lzma_rust2::{Action, Lzma2Stream, Status};
use sha2::{Digest, Sha256};

use sum::{Check, Sum};

use crate::input::Input;
use crate::unpack::{Part, next_part};

/// The largest dictionary: what `xz -9` takes.
const MAX_DICTIONARY: u32 = 64 << 20;
/// A block with a dictionary above this (`xz -8` takes as much) may hold no more than
/// [`MAX_LARGE_BLOCK`]: the window grows with what comes out, in doubling steps.
const LARGE_DICTIONARY: u32 = 32 << 20;
const MAX_LARGE_BLOCK: u64 = 30 << 20;

/// Decompresses xz, one stream after the other.
pub(crate) struct Xz {
    input: Input,
    state: State,
    check: Check,
    records: Records,
    /// A stream was there; another one may follow.
    any: bool,
}

enum State {
    Stream,
    BlockOrIndex,
    Block(Box<Block>),
    End,
}

/// A block that is being read.
struct Block {
    lzma: Lzma2Stream,
    dictionary: u32,
    header: u64,
    packed: u64,
    unpacked: u64,
    declared: [Option<u64>; 2],
    sum: Sum,
}

/// The sizes of the blocks of a stream.
struct Records {
    hash: Sha256,
}

impl Records {
    fn new() -> Self {
        Self { hash: Sha256::new() }
    }

    fn add(&mut self, unpadded: u64, unpacked: u64) {
        self.hash.update(unpadded.to_le_bytes());
        self.hash.update(unpacked.to_le_bytes());
    }
}

impl Xz {
    pub(crate) fn new(input: Input) -> Self {
        let records = Records::new();
        Self { input, state: State::Stream, check: Check::None, records, any: false }
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// Exactly so many bytes.
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn stream_header(&mut self) -> io::Result<State> {
        if self.any && next_part(&mut self.input)? == Part::End {
            // Streams and their padding come in words of four bytes.
            let whole = self.input.taken().is_multiple_of(4);
            return if whole { Ok(State::End) } else { Err(broken("padding that is not whole")) };
        }
        let header: [u8; 12] = self.take()?;
        if !header.starts_with(b"\xfd7zXZ\0") {
            return Err(broken("something follows the compressed data"));
        }
        self.any = true;
        let check = (header[6] == 0).then(|| Check::of(header[7])).flatten();
        self.check = check.ok_or_else(|| broken("an unknown check of the content"))?;
        same(&header[8..], &crc32(&header[6..8]), "the checksum of the stream header")?;
        self.records = Records::new();
        Ok(State::BlockOrIndex)
    }

    fn block_or_index(&mut self) -> io::Result<State> {
        let [first] = self.take()?;
        if first == 0 {
            self.index()?;
            return Ok(State::Stream);
        }
        let size = (usize::from(first) + 1) * 4;
        let mut header = [0; 1024];
        header[0] = first;
        self.input.read_exact(&mut header[1..size])?;
        let (fields, sum) = header[..size].split_at(size - 4);
        same(sum, &crc32(fields), "the checksum of a block header")?;
        Block::parse(fields, size as u64, self.check).map(|block| State::Block(Box::new(block)))
    }

    /// What follows the content of a block: padding and check.
    fn finish_block(&mut self, block: Block) -> io::Result<()> {
        let [packed, unpacked] = block.declared;
        if packed.is_some_and(|size| size != block.packed)
            || unpacked.is_some_and(|size| size != block.unpacked)
        {
            return Err(broken("a block is not as large as its header says"));
        }
        self.padding(block.packed)?;
        let sum = block.sum.finish();
        let mut declared = [0; 32];
        let declared = &mut declared[..sum.len()];
        self.input.read_exact(declared)?;
        same(declared, &sum, "the checksum of the content")?;
        self.records.add(block.header + block.packed + sum.len() as u64, block.unpacked);
        Ok(())
    }

    /// Zeros up to the next multiple of four.
    fn padding(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut padding = vec![0; (size.wrapping_neg() % 4) as usize];
        self.input.read_exact(&mut padding)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(broken("padding that is not zero"));
        }
        Ok(padding)
    }

    fn index(&mut self) -> io::Result<()> {
        let mut read = Index { input: &mut self.input, size: 1, crc: Crc::new() };
        read.crc.update(&[0]);
        let count = read.number()?;
        let mut records = Records::new();
        for _ in 0..count {
            let unpadded = read.number()?;
            records.add(unpadded, read.number()?);
        }
        if records.hash.finalize() != self.records.hash.clone().finalize() {
            return Err(broken("the index does not agree with the blocks"));
        }
        let (mut size, mut crc) = (read.size, read.crc);
        let padding = self.padding(size)?;
        crc.update(&padding);
        size += padding.len() as u64;
        same(&self.take::<4>()?, &crc.sum().to_le_bytes(), "the checksum of the index")?;
        self.footer(size + 4)
    }

    fn footer(&mut self, index: u64) -> io::Result<()> {
        let footer: [u8; 12] = self.take()?;
        same(&footer[..4], &crc32(&footer[4..10]), "the checksum of the stream footer")?;
        let backward =
            u32::try_from(index / 4 - 1).map_err(|_| broken("the index is too large"))?;
        same(&footer[4..8], &backward.to_le_bytes(), "the size of the index")?;
        same(&footer[8..10], &[0, self.check.id()], "the flags of the stream footer")?;
        same(&footer[10..], b"YZ", "the end of the stream")
    }
}

impl Read for Xz {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Stream) {
                State::Stream => self.stream_header()?,
                State::BlockOrIndex => self.block_or_index()?,
                State::Block(mut block) => {
                    let (read, ended) = block.read(&mut self.input, buffer)?;
                    if ended {
                        self.finish_block(*block)?;
                        self.state = State::BlockOrIndex;
                    } else {
                        self.state = State::Block(block);
                    }
                    if read > 0 || (!ended && buffer.is_empty()) {
                        return Ok(read);
                    }
                    continue;
                }
                State::End => {
                    self.state = State::End;
                    return Ok(0);
                }
            };
        }
    }
}

impl Block {
    fn parse(fields: &[u8], header: u64, check: Check) -> io::Result<Self> {
        let flags = fields[1];
        if flags & 0b0011_1111 != 0 {
            return Err(broken("a filter besides LZMA2, which this server does not know"));
        }
        let mut rest = &fields[2..];
        let mut declared = [None; 2];
        for (size, flag) in declared.iter_mut().zip([0x40, 0x80]) {
            if flags & flag != 0 {
                *size = Some(number(|| {
                    let (first, others) = rest.split_first()?;
                    rest = others;
                    Some(*first)
                })?);
            }
        }
        let [0x21, 1, properties @ 0..=40, padding @ ..] = rest else {
            return Err(broken("a filter besides LZMA2, which this server does not know"));
        };
        if padding.iter().any(|byte| *byte != 0) {
            return Err(broken("padding that is not zero"));
        }
        let dictionary = dictionary(*properties);
        if dictionary > MAX_DICTIONARY {
            return Err(broken("its dictionary is larger than 64 MiB, use xz -8 or less"));
        }
        let lzma = Lzma2Stream::new(dictionary);
        let (packed, unpacked, sum) = (0, 0, Sum::new(check));
        Ok(Self { lzma, dictionary, header, packed, unpacked, declared, sum })
    }

    /// Some bytes, and whether the content ended.
    fn read(&mut self, input: &mut Input, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        loop {
            let bytes = input.fill_buf()?;
            let action = if bytes.is_empty() { Action::Finish } else { Action::Run };
            let step = self.lzma.process(bytes, buffer, action)?;
            let at_end = bytes.is_empty();
            input.consume(step.bytes_consumed);
            self.packed += step.bytes_consumed as u64;
            self.unpacked += step.bytes_produced as u64;
            self.sum.update(&buffer[..step.bytes_produced]);
            if self.dictionary > LARGE_DICTIONARY && self.unpacked > MAX_LARGE_BLOCK {
                return Err(broken("its dictionary is larger than 32 MiB, use xz -8 or less"));
            }
            let ended = step.status == Status::StreamEnd;
            if ended || step.bytes_produced > 0 || buffer.is_empty() {
                return Ok((step.bytes_produced, ended));
            }
            if at_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The size of the dictionary: two bits of mantissa, the rest an exponent.
fn dictionary(properties: u8) -> u32 {
    match properties {
        40.. => u32::MAX,
        _ => (2 | u32::from(properties & 1)) << (properties / 2 + 11),
    }
}

/// Reads an index, adding to its size and checksum.
struct Index<'a> {
    input: &'a mut Input,
    size: u64,
    crc: Crc,
}

impl Index<'_> {
    fn number(&mut self) -> io::Result<u64> {
        let mut failure = None;
        let parsed = number(|| {
            let mut byte = [0];
            match self.input.read_exact(&mut byte) {
                Ok(()) => {
                    self.size += 1;
                    self.crc.update(&byte);
                    Some(byte[0])
                }
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        });
        failure.map_or(parsed, Err)
    }
}

/// A number of up to 63 bits, seven in a byte, in its shortest form.
fn number(mut next: impl FnMut() -> Option<u8>) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = next().ok_or_else(|| broken("a number without end"))?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if byte == 0 && shift > 0 {
                return Err(broken("a number with leading zeros"));
            }
            return Ok(value);
        }
    }
    Err(broken("a number that is too large"))
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

fn same(found: &[u8], expected: &[u8], what: &str) -> io::Result<()> {
    if found == expected { Ok(()) } else { Err(broken(&format!("{what} is wrong"))) }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
