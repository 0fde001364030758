//! Numbers: exact decimals that keep their spelling. No arithmetic.

use serde::{Deserialize, Serialize};

use crate::store::TermValue;
use crate::{Error, Result};

/// A number as JSON spells it: `5` and `5.0` are equal and are answered as they were given.
///
/// Stored as text, because readers of JSON make a double of a number.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Number(String);

impl Number {
    /// The longest spelling, in bytes.
    pub const MAX_BYTES: usize = 100;
    /// The most digits that are not zeros before or after all others.
    pub const MAX_DIGITS: usize = 64;
    /// The largest power of ten, and without its sign the smallest, as doubles have them: readers
    /// take a larger number for infinite.
    pub const MAX_POWER: i32 = 308;

    /// Takes what JSON takes for a number.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for anything else, and over the limits.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > Self::MAX_BYTES {
            let (bytes, most) = (text.len(), Self::MAX_BYTES);
            let message = format!("a number of {bytes} characters: at most {most} are taken");
            return Err(Error::invalid(message));
        }
        let parts = Parts::of(text)
            .ok_or_else(|| Error::invalid(format!("'{}' is no number", text.escape_debug())))?;
        let (digits, power) = (parts.significant(), parts.power());
        if digits > Self::MAX_DIGITS {
            let most = Self::MAX_DIGITS;
            let message = format!("{text} has {digits} digits: at most {most} are kept");
            return Err(Error::invalid(message));
        }
        // 2e308 has a power of 308, and is beyond the largest double all the same.
        let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        if digits > 0 && (power.abs() > Self::MAX_POWER || !finite) {
            let most = Self::MAX_POWER;
            let message = format!("{text} is out of range: use 1e-{most} to 1e{most}");
            return Err(Error::invalid(message));
        }
        Ok(Self(text.to_owned()))
    }

    /// The number as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its value, for the index.
    #[must_use]
    pub fn term(&self) -> TermValue {
        Parts::of(&self.0).map_or_else(
            || TermValue::decimal(false, &[], 0),
            |parts| TermValue::decimal(parts.negative, &parts.digits, parts.exponent),
        )
    }
}

/// ±0.d₁d₂… × 10^exponent.
struct Parts {
    negative: bool,
    digits: Vec<u8>,
    exponent: i32,
}

impl Parts {
    /// Reads the grammar of JSON.
    fn of(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, exponent(power)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
        if !plain(whole) || leads_with_zero || !fraction.is_none_or(plain) {
            return None;
        }
        let digits = whole.bytes().chain(fraction.unwrap_or_default().bytes());
        let exponent = power.saturating_add(i32::try_from(whole.len()).ok()?);
        Some(Self { negative, digits: digits.map(|digit| digit - b'0').collect(), exponent })
    }

    /// How many digits there are between the zeros before and after all others.
    fn significant(&self) -> usize {
        let first = self.digits.iter().position(|digit| *digit != 0);
        let last = self.digits.iter().rposition(|digit| *digit != 0);
        first.zip(last).map_or(0, |(first, last)| last - first + 1)
    }

    /// The power of ten of the first digit that is no zero.
    fn power(&self) -> i32 {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.exponent.saturating_sub(i32::try_from(zeros).unwrap_or(i32::MAX)).saturating_sub(1)
    }
}

/// The power of ten after an `e`; one that no number can have is held at the edge.
fn exponent(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| sign * digits.parse::<i32>().unwrap_or(i32::MAX))
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl TryFrom<String> for Number {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

macro_rules! from_integer {
    ($($integer:ty)*) => {
        $(impl From<$integer> for Number {
            fn from(number: $integer) -> Self {
                Self(number.to_string())
            }
        })*
    };
}

from_integer!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl TryFrom<f64> for Number {
    type Error = Error;

    /// The shortest spelling that is this double.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what is infinite, no number, or smaller than
    /// 10^-[`Number::MAX_POWER`] and not zero.
    fn try_from(number: f64) -> Result<Self> {
        Self::parse(&format!("{number:e}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(text: &str) -> String {
        Number::parse(text).unwrap_err().message().to_owned()
    }

    #[test]
    fn what_json_takes_for_a_number_is_one_and_keeps_its_spelling() {
        for text in ["0", "-0", "1", "1.0", "-2.50", "1e3", "1E+3", "1.5e-308", "9007199254740993"]
        {
            assert_eq!(Number::parse(text).map(String::from).ok().as_deref(), Some(text));
        }
        for text in
            ["", "-", "01", "1.", ".5", "+1", "1e", "NaN", "Infinity", "0x1", " 1", "1_0", "٣"]
        {
            assert_eq!(message(text), format!("'{text}' is no number"));
        }
    }

    #[test]
    fn what_would_be_infinite_or_lose_digits_is_refused() {
        assert_eq!(message("1e400"), "1e400 is out of range: use 1e-308 to 1e308");
        assert_eq!(message("9e308"), "9e308 is out of range: use 1e-308 to 1e308");
        assert_eq!(message("1e-309"), "1e-309 is out of range: use 1e-308 to 1e308");
        assert_eq!(
            message("1e99999999999999999999"),
            "1e99999999999999999999 is out of range: use 1e-308 to 1e308"
        );
        let long = "1".repeat(65);
        assert_eq!(message(&long), format!("{long} has 65 digits: at most 64 are kept"));
        assert_eq!(message(&"1".repeat(101)), "a number of 101 characters: at most 100 are taken");
        assert!(Number::parse("0e999").is_ok(), "zero has no power of ten");
    }

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        let term = |text: &str| Number::parse(text).unwrap().term();
        assert!(term("9007199254740992") < term("9007199254740993"));
        assert_eq!(term("1"), term("1.0"));
        assert_eq!(term("1e2"), term("100.00"));
        assert_eq!(term("-0"), term("0.0"));
        assert!(term("-1.5") < term("-1.25"));
        assert!(term("0.30000000000000000001") > term("0.3"));
    }

    #[test]
    fn a_double_is_the_number_that_it_is() {
        let term = |number: f64| Number::try_from(number).map(|number| number.term());
        assert_eq!(term(0.5).unwrap(), Number::parse("0.50").unwrap().term());
        assert_eq!(term(-1e300).unwrap(), Number::parse("-1e300").unwrap().term());
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE / 1e10] {
            assert!(term(none).is_err(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn doubles_sort_as_their_spellings_do(a: f32, b: f32) {
            prop_assume!(a.is_finite() && b.is_finite());
            let term = |number: f32| Number::parse(&format!("{:e}", f64::from(number))).unwrap().term();
            prop_assert_eq!(term(a).cmp(&term(b)), a.partial_cmp(&b).unwrap());
        }

        #[test]
        fn any_text_is_a_number_or_refused(text in "[-+0-9.eE]{0,12}") {
            // The smallest are no normal doubles, and are kept all the same.
            let kept = |number: f64| number == 0.0 || number.abs() >= 1e-308;
            let is_zero = |number: Number| number.term() == Number::from(0).term();
            prop_assert_eq!(
                Number::parse(&text).is_ok(),
                serde_json::from_str::<f64>(&text).is_ok_and(kept)
                    || Number::parse(&text).is_ok_and(is_zero)
            );
        }
    }
}
