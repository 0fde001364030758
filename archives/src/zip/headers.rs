//! The records of a zip: what one says, and which are refused for themselves.

use packhouse_core::archives::ArchiveError;

use crate::bytes::Fields;
use crate::errors::refused;

pub(crate) const LOCAL: u32 = 0x0403_4b50;
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
pub(crate) const DESCRIPTOR: u32 = 0x0807_4b50;

/// The sizes of the records without what is of variable length.
pub(crate) const LOCAL_SIZE: usize = 30;
pub(crate) const CENTRAL_SIZE: usize = 46;

/// Stands for a number that is in the zip64 field.
const ABSENT: u32 = u32::MAX;
/// The last version of the format that knows nothing beyond what is read here.
const NEWEST: u16 = 45;

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;

const ENCRYPTED: u16 = 1;
const DEFERRED: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
/// Besides these, how hard was compressed.
const KNOWN_FLAGS: u16 = DEFERRED | UTF8 | 0b110;

/// How an entry is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Stored,
    Deflate,
}

/// What both records of an entry say of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) crc: u32,
    pub(crate) packed: u64,
    pub(crate) unpacked: u64,
}

/// An entry of the central directory.
#[derive(Debug)]
pub(crate) struct Central {
    flags: u16,
    pub(crate) method: Method,
    pub(crate) sums: Sums,
    /// Where its local header is.
    pub(crate) offset: u64,
    pub(crate) name: Vec<u8>,
    external: u32,
    /// The size of the record.
    pub(crate) size: u64,
}

/// Lengths of what follows the fixed part of a central record: name, extra field, comment.
pub(crate) fn central_lengths(fixed: &[u8]) -> Option<[usize; 3]> {
    let mut fields = Fields(fixed.get(28..34)?);
    Some([fields.u16()?.into(), fields.u16()?.into(), fields.u16()?.into()])
}

/// Lengths of what follows the fixed part of a local record: name, extra field.
pub(crate) fn local_lengths(fixed: &[u8]) -> Option<[usize; 2]> {
    let mut fields = Fields(fixed.get(26..30)?);
    Some([fields.u16()?.into(), fields.u16()?.into()])
}

impl Central {
    /// Reads the record, of which all bytes are there.
    pub(crate) fn parse(record: &[u8]) -> Result<Self, ArchiveError> {
        Self::fields(record).unwrap_or_else(|| Err(refused(SHORT)))
    }

    fn fields(record: &[u8]) -> Option<Result<Self, ArchiveError>> {
        let [name, extra, _] = central_lengths(record)?;
        let mut fields = Fields(record);
        let (_signature, _made_by) = (fields.u32()?, fields.u16()?);
        let (needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let _time = fields.u32()?;
        let (crc, packed, unpacked) = (fields.u32()?, fields.u32()?, fields.u32()?);
        fields.bytes(6)?;
        let (disk, _internal) = (fields.u16()?, fields.u16()?);
        let (external, offset) = (fields.u32()?, fields.u32()?);
        let (name, extra) = (fields.bytes(name)?, fields.bytes(extra)?);
        let build = || {
            let method = check_kind(needed, flags, method)?;
            let absent = [unpacked == ABSENT, packed == ABSENT, offset == ABSENT];
            let [unpacked, packed, offset] =
                check_extra(extra, name, absent, [unpacked, packed, offset])?.numbers;
            if disk != 0 {
                return Err(refused("the zip is split into volumes: send one file"));
            }
            let sums = Sums { crc, packed, unpacked };
            let size = record.len() as u64;
            Ok(Self { flags, method, sums, offset, name: name.to_vec(), external, size })
        };
        Some(build())
    }

    /// Whether the sums are told after the content.
    pub(crate) fn is_deferred(&self) -> bool {
        self.flags & DEFERRED != 0
    }

    /// Checks that the name can be read in one way, and what kind of entry the attributes name.
    pub(crate) fn check_attributes(&self, is_folder: bool) -> Result<(), ArchiveError> {
        if self.flags & UTF8 == 0 && !self.name.is_ascii() {
            let reason = "the name has letters of an unknown character set: use a tool that marks UTF-8 names";
            return Err(refused(reason));
        }
        let mode = self.external >> 16;
        let folder_by_mode = match mode & 0o170_000 {
            0 => self.external & 0x10 != 0 || is_folder,
            0o040_000 => true,
            0o100_000 => false,
            0o120_000 => return Err(refused("it is a symbolic link: archive plain files only")),
            _ => return Err(refused("it is neither file nor folder: archive plain files only")),
        };
        // The attribute of DOS says the same or nothing.
        let folder_by_dos = self.external & 0x10 != 0;
        if folder_by_mode != is_folder || (folder_by_dos && !is_folder) {
            return Err(refused("its name and its attributes differ on whether it is a folder"));
        }
        if !is_folder && mode & 0o6000 != 0 {
            return Err(refused("the file is setuid or setgid: take these bits away"));
        }
        if is_folder && (self.sums.unpacked != 0 || self.sums.crc != 0) {
            return Err(refused("a folder with content: make the archive again"));
        }
        if self.method == Method::Stored && self.sums.packed != self.sums.unpacked {
            return Err(refused("a stored file of two sizes: make the archive again"));
        }
        Ok(())
    }

    /// Checks the local record, of which all bytes are there, against this one. Returns whether
    /// sums after the content are 64 bits wide.
    pub(crate) fn check_local(&self, record: &[u8]) -> Result<bool, ArchiveError> {
        self.local_fields(record).unwrap_or_else(|| Err(refused(SHORT)))
    }

    fn local_fields(&self, record: &[u8]) -> Option<Result<bool, ArchiveError>> {
        let [name, extra] = local_lengths(record)?;
        let mut fields = Fields(record);
        let _signature = fields.u32()?;
        let (needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let _time = fields.u32()?;
        let (crc, packed, unpacked) = (fields.u32()?, fields.u32()?, fields.u32()?);
        fields.bytes(4)?;
        let (name, extra) = (fields.bytes(name)?, fields.bytes(extra)?);
        let compare = || {
            if name != self.name || flags != self.flags {
                return Err(refused(DIFFER));
            }
            if check_kind(needed, flags, method)? != self.method {
                return Err(refused(DIFFER));
            }
            let absent = [unpacked == ABSENT, packed == ABSENT, false];
            let wide = check_extra(extra, name, absent, [unpacked, packed, 0])?;
            let [unpacked, packed, _] = wide.numbers;
            let Sums { crc: expected, .. } = self.sums;
            let pairs = [
                (u64::from(crc), u64::from(expected)),
                (packed, self.sums.packed),
                (unpacked, self.sums.unpacked),
            ];
            // What was not known yet is zero.
            let deferred = self.is_deferred();
            if pairs.iter().any(|(here, there)| here != there && !(deferred && *here == 0)) {
                return Err(refused(DIFFER));
            }
            Ok(wide.found)
        };
        Some(compare())
    }
}

const SHORT: &str = "a record is shorter than it says: make the archive again";
const DIFFER: &str = "its two headers differ: make the archive again";

/// Refuses what this reader, or some other one, does not know how to read.
fn check_kind(needed: u16, flags: u16, method: u16) -> Result<Method, ArchiveError> {
    if flags & ENCRYPTED != 0 {
        return Err(refused("it is encrypted: make the archive without a password"));
    }
    if flags & !KNOWN_FLAGS != 0 || needed > NEWEST {
        return Err(refused("it uses a feature that this server does not know: make a plain zip"));
    }
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        _ => Err(refused(format!("compression method {method} is not known: use deflate"))),
    }
}

/// Numbers with what the zip64 field says of them.
struct Wide {
    numbers: [u64; 3],
    /// There is a zip64 field.
    found: bool,
}

/// Walks the extra fields: they must be whole, zip64 must hold the absent numbers and no others,
/// and another name must be the same name.
fn check_extra(
    extra: &[u8],
    name: &[u8],
    absent: [bool; 3],
    numbers: [u32; 3],
) -> Result<Wide, ArchiveError> {
    let mut wide = Wide { numbers: numbers.map(u64::from), found: false };
    let mut rest = Fields(extra);
    while !rest.0.is_empty() {
        let field = (|| {
            let (id, size) = (rest.u16()?, rest.u16()?);
            Some((id, rest.bytes(size.into())?))
        })();
        let Some((id, content)) = field else {
            return Err(refused("an extra field is malformed: make the archive again"));
        };
        match id {
            ZIP64 if wide.found => return Err(refused("two zip64 fields: make the archive again")),
            ZIP64 => {
                wide.found = true;
                fill(&mut wide.numbers, absent, content)
                    .ok_or_else(|| refused("a zip64 field is malformed: make the archive again"))?;
            }
            UNICODE_PATH if !is_same_name(content, name) => {
                return Err(refused("it has two names that differ: make the archive again"));
            }
            _ => {}
        }
    }
    Ok(wide)
}

fn fill(numbers: &mut [u64; 3], absent: [bool; 3], content: &[u8]) -> Option<()> {
    let mut fields = Fields(content);
    for (number, absent) in numbers.iter_mut().zip(absent) {
        if absent {
            *number = fields.u64()?;
        }
    }
    fields.0.is_empty().then_some(())
}

/// Version 1, the CRC-32 of the header's name, and the name in UTF-8.
fn is_same_name(content: &[u8], name: &[u8]) -> bool {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    let expected = [&[1], &crc.sum().to_le_bytes()[..], name].concat();
    content == expected
}
