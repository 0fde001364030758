//! The packets of a key: where each begins and ends, and what it says it is.

use packhouse_core::openpgp::KeyError;
use pgp::packet::{Packet as Parsed, PacketParser};

use crate::damaged;

pub(crate) const SIGNATURE: u8 = 2;
pub(crate) const PRIVATE_KEY: u8 = 5;
pub(crate) const PUBLIC_KEY: u8 = 6;
pub(crate) const PRIVATE_SUBKEY: u8 = 7;
pub(crate) const USER_ID: u8 = 13;
pub(crate) const PUBLIC_SUBKEY: u8 = 14;
pub(crate) const USER_ATTRIBUTE: u8 = 17;

/// One packet, not parsed yet.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
    whole: &'a [u8],
}

impl Packet<'_> {
    pub(crate) const fn is_private(&self) -> bool {
        matches!(self.tag, PRIVATE_KEY | PRIVATE_SUBKEY)
    }

    pub(crate) const fn is_public(&self) -> bool {
        matches!(self.tag, PUBLIC_KEY | PUBLIC_SUBKEY)
    }

    pub(crate) const fn is_beside_a_key(&self) -> bool {
        matches!(self.tag, SIGNATURE | USER_ID | USER_ATTRIBUTE)
    }

    /// The number of a key's algorithm, after its version and the time at which it was made.
    pub(crate) fn algorithm(&self) -> Option<u8> {
        self.body.get(5).copied()
    }

    /// What rPGP makes of it, if anything.
    pub(crate) fn parse(&self) -> Option<Parsed> {
        PacketParser::new(self.whole).next()?.ok()
    }
}

/// All packets. Lengths that are not said at the start are for streams; no program writes keys so.
pub(crate) fn split(bytes: &[u8]) -> Result<Vec<Packet<'_>>, KeyError> {
    let (mut packets, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (packet, after) = first(rest).ok_or_else(damaged)?;
        packets.push(packet);
        rest = after;
    }
    Ok(packets)
}

fn first(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (header, rest) = bytes.split_first()?;
    let (tag, length, rest) = match (header & 0x80, header & 0x40) {
        (0, _) => return None,
        (_, 0) => {
            let octets = [1, 2, 4].get(usize::from(header & 3))?;
            let (length, rest) = number(rest, *octets)?;
            ((header >> 2) & 0x0F, length, rest)
        }
        _ => {
            let (length, rest) = new_length(rest)?;
            (header & 0x3F, length, rest)
        }
    };
    let (body, after) = rest.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - after.len()];
    Some((Packet { tag, body, whole }, after))
}

fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..192 => Some((usize::from(*first), rest)),
        192..224 => {
            let (second, rest) = number(rest, 1)?;
            Some((((usize::from(*first) - 192) << 8) + second + 192, rest))
        }
        255 => number(rest, 4),
        _ => None,
    }
}

/// A big-endian number of so many bytes.
fn number(bytes: &[u8], octets: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(octets)?;
    Some((number.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)), rest))
}
