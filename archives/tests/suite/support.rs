//! What the tests share: reading everything, and making small archives.

use std::io::{Cursor, Write};

use flate2::Compression;
use packhouse_archives::Decoders;
use packhouse_core::archives::{
    ArchiveError, ArchiveErrorKind, ArchiveLimits, ArchiveSource, Archives,
};
use sha2::{Digest, Sha256};

/// Names and SHA-256 of the files, sorted.
pub(crate) type Files = Vec<(String, String)>;

/// Limits that no sample meets.
pub(crate) const WIDE: ArchiveLimits =
    ArchiveLimits { entries: 10_000, total_bytes: 1 << 30, file_bytes: 1 << 30, ratio: 1000 };

/// Reads everything in small and large pieces.
pub(crate) fn read(
    source: impl ArchiveSource + 'static,
    limits: ArchiveLimits,
) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut reader = Decoders.open(Box::new(source), limits)?;
    let mut files = Vec::new();
    let mut buffer = vec![0; 10_000];
    while let Some(file) = reader.next_file()? {
        let mut content = Vec::new();
        loop {
            let piece = 1 + (content.len() * 7) % buffer.len();
            match reader.read(&mut buffer[..piece])? {
                0 => break,
                read => content.extend_from_slice(&buffer[..read]),
            }
        }
        files.push((file.path, content));
    }
    assert!(reader.next_file()?.is_none(), "the end stays the end");
    Ok(files)
}

/// Reads everything, and hashes it.
pub(crate) fn hashed(archive: Vec<u8>) -> Result<Files, ArchiveError> {
    let files = read(Cursor::new(archive), WIDE)?;
    let hash = |content: Vec<u8>| hex(&Sha256::digest(content));
    let mut files: Files = files.into_iter().map(|(path, data)| (path, hash(data))).collect();
    files.sort();
    Ok(files)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The error of an archive that is refused.
pub(crate) fn refusal(archive: &[u8]) -> ArchiveError {
    let error = read(Cursor::new(archive.to_vec()), WIDE).expect_err("it is refused");
    assert_eq!(error.kind, ArchiveErrorKind::Refused, "{error}");
    error
}

/// An entry of a tar with a right checksum.
pub(crate) fn tar_entry(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut entry = tar_header(name, kind, data.len() as u64);
    entry.extend_from_slice(data);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// A header alone, for whatever size.
pub(crate) fn tar_header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    for (at, text) in [(100, "0000644"), (108, "0000000"), (116, "0000000"), (136, "00000000000")] {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let octal = format!("{size:011o}");
    if octal.len() == 11 {
        block[124..135].copy_from_slice(octal.as_bytes());
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
    }
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// Entries and the end marker.
pub(crate) fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = entries.concat();
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// A file of a zip, and how it says that it is.
#[derive(Clone)]
pub(crate) struct ZipEntry {
    pub(crate) name: String,
    pub(crate) packed: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
}

impl ZipEntry {
    pub(crate) fn stored(name: &str, data: &[u8]) -> Self {
        Self::new(name, data, data.to_vec(), 0)
    }

    pub(crate) fn deflated(name: &str, data: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).expect("written to memory");
        Self::new(name, data, encoder.finish().expect("written to memory"), 8)
    }

    fn new(name: &str, data: &[u8], packed: Vec<u8>, method: u16) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let (crc, size) = (crc.sum(), data.len() as u32);
        Self { name: name.to_owned(), packed, method, crc, size }
    }

    /// The fields that both headers share.
    fn shared(&self) -> Vec<u8> {
        let mut fields = vec![20, 0, 0, 0];
        fields.extend(self.method.to_le_bytes());
        fields.extend([0, 0, 0x21, 0x58]);
        fields.extend(self.crc.to_le_bytes());
        fields.extend((self.packed.len() as u32).to_le_bytes());
        fields.extend(self.size.to_le_bytes());
        fields.extend((self.name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        fields
    }
}

/// A zip of these entries.
pub(crate) fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(entry.shared());
        out.extend(entry.name.as_bytes());
        out.extend(&entry.packed);
        directory.extend(b"PK\x01\x02\x1e\x03");
        directory.extend(entry.shared());
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let (start, count) = (out.len() as u32, entries.len() as u16);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([(directory.len() as u32).to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

/// Compresses, or not.
pub(crate) type Packer = fn(&[u8]) -> Vec<u8>;

/// The formats of tar.
pub(crate) const PACKERS: [(&str, Packer); 4] =
    [("tar", <[u8]>::to_vec), ("gzip", gzip), ("bzip2", bzip2), ("xz", |data| xz(data, 16, 1))];

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).expect("written to memory");
    encoder.finish().expect("written to memory")
}

pub(crate) fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(data).expect("written to memory");
    encoder.finish().expect("written to memory")
}

/// An xz stream that stores its data, in so many blocks, with a dictionary of a size.
pub(crate) fn xz(data: &[u8], dictionary: u8, blocks: usize) -> Vec<u8> {
    xz_stream(data, dictionary, blocks, false)
}

/// The same, perhaps with CRC-32 of the content of each block.
pub(crate) fn xz_stream(data: &[u8], dictionary: u8, blocks: usize, check: bool) -> Vec<u8> {
    let flags = [0, u8::from(check)];
    let mut out = [&b"\xfd7zXZ\0"[..], &flags, &crc32(&flags)].concat();
    let mut index = vec![0];
    number(&mut index, blocks as u64);
    for block in 0..blocks {
        let part = if block == 0 { data } else { &[] };
        let header = [2, 0, 0x21, 1, dictionary, 0, 0, 0];
        let content = lzma2(part);
        out.extend([&header[..], &crc32(&header), &content].concat());
        out.resize(out.len().next_multiple_of(4), 0);
        let sum = if check { &crc32(part)[..] } else { &[] };
        out.extend(sum);
        number(&mut index, (12 + content.len() + sum.len()) as u64);
        number(&mut index, part.len() as u64);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let footer = [&(index.len() as u32 / 4).to_le_bytes()[..], &flags].concat();
    out.extend([&index[..], &crc32(&index), &crc32(&footer), &footer, b"YZ"].concat());
    out
}

/// LZMA2 in chunks that are stored: the first one resets the dictionary.
fn lzma2(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, chunk) in data.chunks(1 << 16).enumerate() {
        out.push(if number == 0 { 1 } else { 2 });
        out.extend((chunk.len() as u32 - 1).to_be_bytes().split_at(2).1);
        out.extend(chunk);
    }
    out.push(0);
    out
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}
