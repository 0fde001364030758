//! The armour: bytes as text between two lines, with a checksum.
//!
//! What is kept is written here anew, so that nothing comes along which is no part of the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_core::openpgp::KeyError;

use crate::{damaged, refused};

/// Which half of a key pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// What others verify with.
    Public,
    /// What one signs with.
    Private,
}

impl Half {
    const fn label(self) -> &'static str {
        match self {
            Self::Public => "PGP PUBLIC KEY BLOCK",
            Self::Private => "PGP PRIVATE KEY BLOCK",
        }
    }

    /// What to give in the place of something else.
    pub(crate) const fn wanted(self) -> &'static str {
        match self {
            Self::Public => "give what gpg --armor --export writes",
            Self::Private => "give what gpg --armor --export-secret-keys writes",
        }
    }

    /// What is said of the other half.
    pub(crate) fn mistaken<T>(self) -> Result<T, KeyError> {
        match self {
            Self::Public => refused(
                "holds a private key, which nobody else may have: give it as private_key, and here \
                 what gpg --armor --export writes",
            ),
            Self::Private => refused(format!("holds a public key: {}", self.wanted())),
        }
    }
}

const LINE: usize = 64;

/// The bytes of the only block in a text.
///
/// # Errors
/// [`KeyError`] for a text without a block of this kind, with several, or with a damaged one.
pub fn decode(text: &str, half: Half) -> Result<Vec<u8>, KeyError> {
    let mut lines = text.lines().map(str::trim_end);
    let Some(label) = lines.by_ref().find_map(|line| label(line, "BEGIN")) else {
        return refused(format!("is no armoured key: {}", half.wanted()));
    };
    if text.lines().filter(|line| line.starts_with("-----BEGIN ")).count() > 1 {
        return refused("holds more than one block: give one key");
    }
    let known = [Half::Public, Half::Private].into_iter().find(|known| known.label() == label);
    match known {
        Some(known) if known == half => {}
        Some(_) => return half.mistaken(),
        None => return refused(format!("is no armoured key: {}", half.wanted())),
    }
    // Headers, up to an empty line.
    if !lines.by_ref().take_while(|line| !line.is_empty()).all(|line| line.contains(':')) {
        return Err(damaged());
    }
    let (mut encoded, mut checksum) = (String::new(), None);
    for line in lines {
        if let Some(end) = self::label(line, "END") {
            let bytes = STANDARD.decode(&encoded).map_err(|_| damaged())?;
            let holds = checksum.is_none_or(|checksum: &str| checksum == checksum_of(&bytes));
            return if end == label && holds { Ok(bytes) } else { Err(damaged()) };
        }
        match line.strip_prefix('=') {
            // A line of padding alone is no checksum.
            Some(said) if said.len() == 4 && checksum.is_none() => checksum = Some(said),
            _ if checksum.is_some() => return Err(damaged()),
            _ => encoded.push_str(line),
        }
    }
    Err(damaged())
}

fn label<'a>(line: &'a str, edge: &str) -> Option<&'a str> {
    line.strip_prefix("-----")?.strip_prefix(edge)?.strip_prefix(' ')?.strip_suffix("-----")
}

/// Bytes in their armour, without headers.
#[must_use]
pub fn encode(bytes: &[u8], half: Half) -> String {
    let (label, encoded) = (half.label(), STANDARD.encode(bytes));
    let mut text = format!("-----BEGIN {label}-----\n\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        text.extend([line, "\n"]);
        rest = more;
    }
    text + &format!("={}\n-----END {label}-----\n", checksum_of(bytes))
}

/// CRC-24, as RFC 9580 has it in section 6.1.1.
fn checksum_of(bytes: &[u8]) -> String {
    let crc = bytes.iter().fold(0x00B7_04CE_u32, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ 0x0186_4CFB }
        })
    });
    STANDARD.encode(&crc.to_be_bytes()[1..])
}
