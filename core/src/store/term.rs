//! Index terms: a field and a value as bytes that sort as the values do.
//!
//! Types are made here and nowhere else: a backend compares bytes.

mod decimal;
mod version;

use std::borrow::Cow;
use std::fmt;
use std::ops::Bound;

use sha2::{Digest, Sha256};

/// A field that records of one kind are found by.
///
/// A field's name has one declaration within its kind: the same scope and wildcard everywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Field {
    /// Its name, unique within the kind.
    pub name: Cow<'static, str>,
    /// How many leading key parts a search by this field always fixes. An index row starts with
    /// them, so that one small repository is not searched through all the others.
    pub scope: usize,
    /// Whether it is also searched by [`super::Pattern`]; such an index costs more to write.
    pub wildcard: bool,
}

impl Field {
    /// Declares a field that is searched within the first `scope` key parts.
    #[must_use]
    pub const fn new(name: &'static str, scope: usize) -> Self {
        Self { name: Cow::Borrowed(name), scope, wildcard: false }
    }

    /// The same field, searched by wildcards too.
    #[must_use]
    pub const fn wildcard(mut self) -> Self {
        self.wildcard = true;
        self
    }
}

/// A value of a field. A record may have several terms of one field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Term {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: TermValue,
}

/// A value's bytes: a tag for the type, then bytes that sort as values of the type do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermValue(Box<[u8]>);

impl Term {
    pub(super) fn most_bytes(&self) -> usize {
        if self.field.wildcard { TermValue::MAX_WHOLE_BYTES } else { TermValue::MAX_BYTES }
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.value.as_bytes().len() > self.most_bytes()
    }
}

impl TermValue {
    /// The longest value, in bytes. A longer text is cut and ends in the SHA-256 of the whole:
    /// equal values stay equal and different ones different, while the order of two that agree
    /// in everything before the cut is arbitrary (but the same in every backend).
    pub const MAX_BYTES: usize = 512;
    /// The longest value of a field that is declared `wildcard`, in bytes.
    pub const MAX_WHOLE_BYTES: usize = 64 << 10;
    const KEPT: usize = Self::MAX_BYTES - 32;

    /// A text, in the order of its UTF-8 bytes.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::tagged(b't', text.as_bytes())
    }

    /// A text that is kept whole, for a field that is searched by [`super::Pattern`]; of at most
    /// [`TermValue::MAX_WHOLE_BYTES`].
    #[must_use]
    pub fn whole_text(text: &str) -> Self {
        Self([b"w", text.as_bytes()].concat().into())
    }

    /// Bytes as they are, at most 500.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::tagged(b'x', bytes)
    }

    /// An integer.
    #[must_use]
    pub fn integer(number: i64) -> Self {
        Self::tagged(b'i', &order_preserving(number))
    }

    /// An instant, in milliseconds since 1970.
    #[must_use]
    pub fn instant(at: crate::Timestamp) -> Self {
        Self::tagged(b'd', &order_preserving(at.as_millis()))
    }

    /// A truth value; false sorts before true.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self::tagged(b'b', &[u8::from(value)])
    }

    /// An exact decimal number, ±0.d₁d₂… × 10^`exponent`, where `digits` are values from 0 to 9.
    /// Equal numbers are equal however they are spelled; 0 has no sign.
    #[must_use]
    pub fn decimal(negative: bool, digits: &[u8], exponent: i32) -> Self {
        Self::tagged(b'n', &decimal::encode(negative, digits, exponent))
    }

    /// A version, in the order of versions: 1.10 after 1.9, what precedes a release before it, and
    /// 1.0 equal to 1.0.0. Any text has a place; `store/term/version.rs` says which.
    #[must_use]
    pub fn version(text: &str) -> Self {
        Self::tagged(b'v', &version::encode(text))
    }

    /// The value under a name, for many things that share one field: sorts by the name, then by
    /// type, then as the value does. The name holds no NUL. `mark` tells values apart that are
    /// equal otherwise, and makes no difference to [`TermValue::between_named`].
    #[must_use]
    pub fn named(name: &str, value: &Self, mark: Option<u8>) -> Self {
        Self::tagged(b'a', &under(name, &[&value.0, mark.as_slice()].concat()))
    }

    /// The bounds of the values under a name that lie between two of one type, whatever their
    /// marks; without either, of all values under the name. Not for texts, which have no order
    /// under a name.
    #[must_use]
    pub fn between_named(
        name: &str,
        low: &Bound<Self>,
        high: &Bound<Self>,
    ) -> (Bound<Self>, Bound<Self>) {
        let kind: &[u8] = match (low, high) {
            (Bound::Included(value) | Bound::Excluded(value), _)
            | (_, Bound::Included(value) | Bound::Excluded(value)) => &value.0[..1],
            (Bound::Unbounded, Bound::Unbounded) => &[],
        };
        // Under a name no byte of a type, an exponent, an instant, a version's token or a mark is
        // this, so that all that begins with a value lies below the value with it.
        let after = |bytes: &[u8]| Self::tagged(b'a', &under(name, &[bytes, &[0xff]].concat()));
        let before = |bytes: &[u8]| Self::tagged(b'a', &under(name, bytes));
        let low = match low {
            Bound::Included(value) => before(&value.0),
            Bound::Excluded(value) => after(&value.0),
            Bound::Unbounded => before(kind),
        };
        let high = match high {
            Bound::Included(value) => after(&value.0),
            Bound::Excluded(value) => before(&value.0),
            Bound::Unbounded => after(kind),
        };
        (Bound::Included(low), Bound::Excluded(high))
    }

    /// The bytes, to be stored and compared.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes back what [`TermValue::as_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The text of a text value, up to its cut if it has one; `None` for other types.
    #[must_use]
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        let (tag, bytes) = self.0.split_first()?;
        let kept = match tag {
            b't' => bytes.len().min(Self::KEPT - 1),
            b'w' => bytes.len(),
            _ => return None,
        };
        Some(String::from_utf8_lossy(&bytes[..kept]))
    }

    fn tagged(tag: u8, bytes: &[u8]) -> Self {
        let mut value = Vec::with_capacity(bytes.len().min(Self::MAX_BYTES) + 1);
        value.push(tag);
        if bytes.len() < Self::MAX_BYTES {
            value.extend_from_slice(bytes);
        } else {
            value.extend_from_slice(&bytes[..Self::KEPT - 1]);
            value.extend_from_slice(&Sha256::digest(bytes));
        }
        Self(value.into())
    }
}

fn under(name: &str, bytes: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\0", bytes].concat()
}

fn order_preserving(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

impl fmt::Debug for TermValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => write!(f, "{text:?}"),
            None => write!(f, "{:02x?}", self.0),
        }
    }
}

#[cfg(test)]
mod order_tests;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_sort_as_numbers(a: i64, b: i64) {
            prop_assert_eq!(TermValue::integer(a).cmp(&TermValue::integer(b)), a.cmp(&b));
        }

        #[test]
        fn texts_sort_as_bytes(a in ".{0,20}", b in ".{0,20}") {
            prop_assert_eq!(TermValue::text(&a).cmp(&TermValue::text(&b)), a.cmp(&b));
        }
    }

    #[test]
    fn long_texts_are_cut_and_stay_different() {
        let one = TermValue::text(&"x".repeat(2000));
        let other = TermValue::text(&format!("{}y", "x".repeat(1999)));
        assert_eq!(one.as_bytes().len(), TermValue::MAX_BYTES);
        assert_ne!(one, other);
        assert_eq!(one, TermValue::text(&"x".repeat(2000)));
    }
}
