//! Exact decimal numbers as bytes that sort as the numbers do. No parsing of their spelling.
//!
//! Two bytes hold the sign and the exponent, then the digits follow in pairs. Each pair but the
//! last is odd, so that no number's bytes are the start of another's and none needs an end mark.
//! What follows the sign of a negative number is complemented.

/// The sign and exponent of zero; those of other numbers lie on either side.
const ZERO: u16 = 0x8000;

/// The largest exponent, without its sign, that is told from others.
pub(super) const MAX_EXPONENT: i32 = 0x3fff;

/// Encodes ±0.d₁d₂… × 10^`exponent`; `digits` are values from 0 to 9.
pub(super) fn encode(negative: bool, digits: &[u8], exponent: i32) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let end = digits.iter().rposition(|digit| *digit != 0).map_or(zeros, |last| last + 1);
    let digits = &digits[zeros..end];
    if digits.is_empty() {
        return ZERO.to_be_bytes().to_vec();
    }
    let exponent = exponent.saturating_sub(i32::try_from(zeros).unwrap_or(i32::MAX));
    let exponent = exponent.clamp(-MAX_EXPONENT, MAX_EXPONENT);
    let above_zero = u16::try_from(exponent + MAX_EXPONENT + 1).unwrap_or(1);
    let head = if negative { ZERO - above_zero } else { ZERO + above_zero };
    let mut bytes = head.to_be_bytes().to_vec();
    let pairs = digits.chunks(2).map(|pair| pair[0] * 10 + pair.get(1).copied().unwrap_or(0));
    bytes.extend(pairs.map(|pair| pair * 2 + 1));
    if let Some(last) = bytes.last_mut() {
        *last -= 1;
    }
    if negative {
        bytes[2..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    bytes
}
