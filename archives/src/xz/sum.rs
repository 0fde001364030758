//! The checks of an xz block's content.

use flate2::Crc;
use sha2::{Digest, Sha256};

/// How the content of blocks is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    None,
    Crc32,
    Crc64,
    Sha256,
}

pub(super) enum Sum {
    None,
    Crc32(Crc),
    Crc64(u64),
    Sha256(Box<Sha256>),
}

impl Check {
    pub(super) fn of(id: u8) -> Option<Self> {
        [Self::None, Self::Crc32, Self::Crc64, Self::Sha256].into_iter().find(|c| c.id() == id)
    }

    pub(super) fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Crc32 => 1,
            Self::Crc64 => 4,
            Self::Sha256 => 10,
        }
    }
}

impl Sum {
    pub(super) fn new(check: Check) -> Self {
        match check {
            Check::None => Self::None,
            Check::Crc32 => Self::Crc32(Crc::new()),
            Check::Crc64 => Self::Crc64(u64::MAX),
            Check::Sha256 => Self::Sha256(Box::default()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc32(crc) => crc.update(bytes),
            Self::Crc64(crc) => {
                for byte in bytes {
                    *crc = CRC64[usize::from(*crc as u8 ^ byte)] ^ (*crc >> 8);
                }
            }
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc32(crc) => crc.sum().to_le_bytes().into(),
            Self::Crc64(crc) => (!crc).to_le_bytes().into(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
        }
    }
}

/// CRC-64 of ECMA-182, a byte at once.
static CRC64: [u64; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xc96c_5795_d787_0f42 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_are_those_of_the_standards() {
        for (check, expected) in [
            (Check::None, &[][..]),
            (Check::Crc32, &0xcbf4_3926_u32.to_le_bytes()),
            (Check::Crc64, &0x995d_c9bb_df19_39fa_u64.to_le_bytes()),
        ] {
            let mut sum = Sum::new(check);
            sum.update(b"12345");
            sum.update(b"6789");
            assert_eq!(sum.finish(), expected);
        }
    }
}
