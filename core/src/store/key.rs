//! Keys: a kind and a tuple of text parts, in an encoding that keeps their order.
//!
//! Each component ends in a zero byte, and bytes 0 and 1 inside a component are escaped, so that
//! the encoding is injective, compares as the tuples do, and everything below a parent is one
//! contiguous range of bytes.

use std::borrow::Cow;
use std::fmt;

/// The name of a kind of record, such as `package`. Lower-case ASCII letters and `_`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Kind(&'static str);

impl Kind {
    /// Names a kind.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// One decoded component of a key.
pub type KeyPart = String;

/// The key of a record, in its encoded form. Compares as the tuple (kind, parts…) does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The longest encoded key that a backend must take, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Makes a key of a kind and its parts.
    #[must_use]
    pub fn new<'a>(kind: Kind, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(encode(kind.as_str(), parts).into())
    }

    /// The encoded bytes, to be stored and compared.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes back what [`Key::as_bytes`] gave. `None` when the bytes are no encoded key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let inner = bytes.strip_suffix(&[END])?;
        (is_plain(bytes) || inner.split(|byte| *byte == END).all(is_component))
            .then(|| Self(bytes.into()))
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> String {
        self.components().swap_remove(0)
    }

    /// The parts after the kind, decoded.
    #[must_use]
    pub fn parts(&self) -> Vec<KeyPart> {
        self.components().split_off(1)
    }

    /// The last part, decoded; the kind where there is none.
    #[must_use]
    pub fn last(&self) -> KeyPart {
        Self::last_of(&self.0).expect("a key holds what `encode` made").into_owned()
    }

    /// The last part of the key with these encoded bytes. `None` when the part cannot be decoded.
    #[must_use]
    pub fn last_of(bytes: &[u8]) -> Option<Cow<'_, str>> {
        let bytes = bytes.strip_suffix(&[END])?;
        let start = bytes.iter().rposition(|byte| *byte == END).map_or(0, |end| end + 1);
        decode_component(&bytes[start..])
    }

    /// The number of parts after the kind.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.iter().filter(|byte| **byte == END).count() - 1
    }

    /// The encoded bytes of the kind and the first `depth` parts (all of them if there are fewer).
    #[must_use]
    pub fn prefix(&self, depth: usize) -> &[u8] {
        let mut ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == END);
        match ends.nth(depth) {
            Some((end, _)) => &self.0[..=end],
            None => &self.0,
        }
    }

    /// The key with one part more.
    #[must_use]
    pub fn child(&self, part: &str) -> Self {
        let mut bytes = self.0.to_vec();
        encode_component(part, &mut bytes);
        Self(bytes.into())
    }

    fn components(&self) -> Vec<String> {
        decode(&self.0).expect("a key holds what `encode` made")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.components().join("/"))
    }
}

/// Every key of one kind that starts with the given parts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    kind: Kind,
    prefix: Box<[u8]>,
}

impl KeyRange {
    /// All keys of `kind` whose first parts are `parts`; with no parts, the whole kind.
    #[must_use]
    pub fn within<'a>(kind: Kind, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind, prefix: encode(kind.as_str(), parts).into() }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes that every encoded key of the range starts with. The range is contiguous: from
    /// these bytes up to, not including, [`KeyRange::end`].
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The first bytes after the range.
    #[must_use]
    pub fn end(&self) -> Vec<u8> {
        // A prefix ends in the terminator 0; nothing encodes to a 1 in its place, and all that
        // continues the prefix sorts below.
        let mut end = self.prefix.to_vec();
        *end.last_mut().expect("an encoded kind is not empty") = END + 1;
        end
    }

    /// How many parts the range fixes.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.prefix.iter().filter(|byte| **byte == END).count() - 1
    }

    /// Whether the key lies in the range.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        key.as_bytes().starts_with(&self.prefix)
    }
}

impl fmt::Debug for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let components = decode(&self.prefix).expect("a range holds what `encode` made");
        write!(f, "{}/…", components.join("/"))
    }
}

pub(super) const END: u8 = 0;
const ESCAPE: u8 = 1;

fn encode<'a>(kind: &str, parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    encode_component(kind, &mut bytes);
    for part in parts {
        encode_component(part, &mut bytes);
    }
    bytes
}

fn encode_component(component: &str, bytes: &mut Vec<u8>) {
    for byte in component.bytes() {
        match byte {
            END | ESCAPE => bytes.extend([ESCAPE, byte + 1]),
            _ => bytes.push(byte),
        }
    }
    bytes.push(END);
}

fn decode(bytes: &[u8]) -> Option<Vec<String>> {
    let mut components = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == END)?;
        components.push(decode_component(&rest[..end])?.into_owned());
        rest = &rest[end + 1..];
    }
    Some(components)
}

/// Whether these bytes are an encoded component.
fn is_component(bytes: &[u8]) -> bool {
    decode_component(bytes).is_some()
}

/// Whether nothing is escaped in encoded bytes, and every byte is a character: most of them.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    bytes.is_ascii() && !bytes.contains(&ESCAPE)
}

/// How many parts end in encoded bytes. Few at a time: a register has room for many small counts.
pub(super) fn ends(bytes: &[u8]) -> usize {
    let count = |few: &[u8]| few.iter().map(|byte| u8::from(*byte == END)).sum::<u8>();
    bytes.chunks(128).map(|few| usize::from(count(few))).sum()
}

fn decode_component(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if !bytes.contains(&ESCAPE) {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match *byte {
            ESCAPE => text.push(bytes.next().filter(|escaped| matches!(escaped, 1 | 2))? - 1),
            byte => text.push(byte),
        }
    }
    String::from_utf8(text).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ends_of_parts_are_counted(bytes in prop::collection::vec(0..3_u8, 0..600)) {
            prop_assert_eq!(ends(&bytes), bytes.iter().filter(|byte| **byte == END).count());
        }
    }

    #[test]
    fn very_many_ends_of_parts_are_counted() {
        assert_eq!(ends(&[END; 1_000]), 1_000);
    }

    const KIND: Kind = Kind::new("thing");

    fn key(parts: &[String]) -> Key {
        Key::new(KIND, parts.iter().map(String::as_str))
    }

    proptest! {
        #[test]
        fn keys_compare_as_their_parts_do(
            a in prop::collection::vec("[\0\u{1}\u{2}ab]{0,4}", 0..4),
            b in prop::collection::vec("[\0\u{1}\u{2}ab]{0,4}", 0..4),
        ) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }

        #[test]
        fn keys_give_back_their_parts(parts in prop::collection::vec(".{0,8}", 0..4)) {
            let key = key(&parts);
            prop_assert_eq!(key.kind(), "thing");
            prop_assert_eq!(key.depth(), parts.len());
            prop_assert_eq!(Key::from_bytes(key.as_bytes()), Some(key.clone()));
            prop_assert_eq!(key.last(), parts.last().map_or("thing", String::as_str));
            prop_assert_eq!(key.parts(), parts);
        }

        #[test]
        fn bytes_are_a_key_if_they_can_be_decoded(
            bytes in prop::collection::vec(prop::sample::select(&[0, 1, 2, 3, b'a', 0xc3, 0xa9][..]), 0..8),
        ) {
            let key = Key::from_bytes(&bytes);
            let components = decode(&bytes).filter(|components| !components.is_empty());
            prop_assert_eq!(key.map(|key| key.components()), components);
        }

        #[test]
        fn a_range_holds_exactly_the_keys_below_its_parts(
            parent in prop::collection::vec("[\0\u{1}ab]{0,3}", 0..3),
            parts in prop::collection::vec("[\0\u{1}ab]{0,3}", 0..4),
        ) {
            let range = KeyRange::within(KIND, parent.iter().map(String::as_str));
            let key = key(&parts);
            let below = parts.starts_with(&parent);
            prop_assert_eq!(range.contains(&key), below);
            let bytes = key.as_bytes();
            prop_assert_eq!(range.prefix() <= bytes && bytes < range.end().as_slice(), below);
        }
    }

    #[test]
    fn a_prefix_is_the_kind_and_the_first_parts() {
        let key = Key::new(KIND, ["a", "b", "c"]);
        assert_eq!(key.prefix(2), Key::new(KIND, ["a", "b"]).as_bytes());
        assert_eq!(key.prefix(9), key.as_bytes());
    }
}
