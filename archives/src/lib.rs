//! Strict readers of archives, for `packhouse_core::archives`.
//!
//! Formats: zip; tar, plain or compressed by gzip, bzip2 or xz. The decompressors are crates; the
//! containers are read here, because what matters is what is refused. A format has room for
//! archives that two readers understand differently, and such an archive is refused whole: what
//! these readers give is what every other reader gives. No number of an archive decides how much
//! memory is taken.
//!
//! ```
//! use std::io::Cursor;
//!
//! use packhouse_archives::Decoders;
//! use packhouse_core::archives::{ArchiveLimits, Archives};
//!
//! let limits =
//!     ArchiveLimits { entries: 1000, total_bytes: 1 << 30, file_bytes: 1 << 28, ratio: 100 };
//! // An empty zip is its last record alone.
//! let mut empty = b"PK\x05\x06".to_vec();
//! empty.resize(22, 0);
//! let mut reader = Decoders.open(Box::new(Cursor::new(empty)), limits)?;
//! assert_eq!(reader.next_file()?, None);
//!
//! let error = Decoders.open(Box::new(Cursor::new("a text")), limits).err().expect("no archive");
//! assert!(error.reason.contains("zip, tar, tar.gz, tar.bz2 and tar.xz"));
//! # Ok::<(), packhouse_core::archives::ArchiveError>(())
//! ```

mod bytes;
mod errors;
mod input;
mod meter;
mod names;
mod tar;
mod unpack;
mod xz;
mod zip;

use packhouse_core::archives::{
    ArchiveError, ArchiveLimits, ArchiveReader, ArchiveSource, Archives,
};

use crate::errors::refused;
use crate::input::Input;
use crate::tar::Tar;
use crate::unpack::{Stream, Unpacked};
use crate::zip::Zip;

/// Opens zip, tar, tar.gz, tar.bz2 and tar.xz.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Decoders;

impl Archives for Decoders {
    fn open(
        &self,
        source: Box<dyn ArchiveSource>,
        limits: ArchiveLimits,
    ) -> Result<Box<dyn ArchiveReader>, ArchiveError> {
        let mut input = Input::new(source)?;
        let start = input.peek(tar::BLOCK)?;
        let is_tar = tar::is_header(start);
        let unpacked = match start {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] if is_tar => {
                return Err(refused("this is a zip and a tar at once: send one of them"));
            }
            [0x1f, 0x8b, ..] | [0xfd, b'7', b'z', b'X', b'Z', 0, ..] if is_tar => {
                return Err(refused("this is a tar and compressed at once: send one of them"));
            }
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
                return Ok(Box::new(Zip::open(input.into_source(), limits)?));
            }
            _ if is_tar => Unpacked::plain(input),
            [0x1f, 0x8b, ..] => Unpacked::gzip(input),
            [b'B', b'Z', b'h', ..] => Unpacked::bzip2(input),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Unpacked::xz(input),
            _ => return Err(refused(UNKNOWN)),
        };
        Ok(Box::new(Tar::open(Stream::new(unpacked, limits.ratio), limits)?))
    }
}

const UNKNOWN: &str =
    "this is no archive of a known format: zip, tar, tar.gz, tar.bz2 and tar.xz are known";
