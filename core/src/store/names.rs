//! Names of a page.

use std::fmt;

use super::Key;
use super::key::{self, END};

/// Names in their order, all in one text: a page may have very many, made by one thread and
/// dropped by another.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Each with a zero after it, as keys have.
    text: String,
    /// Where each ends, its zero included.
    ends: Vec<usize>,
}

impl Names {
    /// Adds a name after the others.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.text.push(char::from(END));
        self.ends.push(self.text.len());
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, each with a zero after it, if none has one in itself.
    pub(crate) fn text(&self) -> Option<&str> {
        (key::ends(self.text.as_bytes()) == self.ends.len()).then_some(&self.text)
    }

    /// The names, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.text[std::mem::replace(&mut start, *end)..*end - 1])
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: AsRef<str>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.push(name.as_ref()));
        all
    }
}

/// Gathers the names of a page from its records' keys, which are looked at all together: a page may
/// have very many.
#[derive(Debug)]
pub struct NamesBuilder {
    /// The parts that all keys begin with.
    prefix: Vec<u8>,
    /// What follows the prefix in each key.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl NamesBuilder {
    /// For keys that begin with these encoded bytes, such as those of
    /// [`KeyRange::prefix`](super::KeyRange::prefix).
    #[must_use]
    pub fn below(prefix: &[u8]) -> Self {
        // A part that the prefix does not end belongs to the name.
        let parts = prefix.iter().rposition(|byte| *byte == END).map_or(0, |end| end + 1);
        Self { prefix: prefix[..parts].to_vec(), bytes: Vec::new(), ends: Vec::new() }
    }

    /// Adds the last part of the key with these encoded bytes, which begin with the prefix.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key.get(self.prefix.len()..).unwrap_or_default());
        self.ends.push(self.bytes.len());
    }

    /// The names, in the order in which their keys came. `None` when one cannot be decoded.
    #[must_use]
    pub fn finish(self) -> Option<Names> {
        let Self { prefix, bytes, ends } = self;
        // Nearly always: one part a key, in which nothing is escaped.
        if key::is_plain(&bytes) && key::ends(&bytes) == ends.len() {
            let mut start = 0;
            let mut pieces =
                ends.iter().map(|end| &bytes[std::mem::replace(&mut start, *end)..*end]);
            if pieces.all(|piece| piece.last() == Some(&END)) {
                return Some(Names { text: String::from_utf8(bytes).ok()?, ends });
            }
        }
        let mut start = 0;
        let name = |end| match &bytes[std::mem::replace(&mut start, end)..end] {
            // The first key of a range may be that which all others are below.
            [] => Key::last_of(&prefix),
            piece => Key::last_of(piece),
        };
        ends.into_iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Kind;

    #[test]
    fn names_come_back_in_their_order() {
        let given = ["b", "", "é", "a a", ""];
        let names: Names = given.iter().collect();
        assert_eq!(names.iter().collect::<Vec<_>>(), given);
        assert_eq!((names.len(), names.is_empty()), (5, false));
        assert_eq!(format!("{names:?}"), r#"["b", "", "é", "a a", ""]"#);
        assert_ne!(names, ["b", "", "éa", " a", ""].iter().collect());
        assert!(Names::default().is_empty());
    }

    fn gathered(prefix: &[u8], keys: &[&[u8]]) -> Option<Names> {
        let mut names = NamesBuilder::below(prefix);
        keys.iter().for_each(|key| names.push(key));
        names.finish()
    }

    proptest! {
        #[test]
        fn names_gathered_from_keys_are_their_last_parts(
            keys in prop::collection::vec(prop::collection::vec("[\0\u{1}\u{2}aé]{0,3}|[ab]{0,3}", 1..3), 0..6),
            shared in "[\0a]{0,2}",
        ) {
            let of = |parts: &Vec<String>| {
                let parts = [&shared].into_iter().chain(parts).map(String::as_str);
                Key::new(Kind::new("thing"), parts)
            };
            let above = Key::new(Kind::new("thing"), [shared.as_str()]);
            let encoded: Vec<Key> = [above.clone()].into_iter().chain(keys.iter().map(of)).collect();
            let encoded: Vec<&[u8]> = encoded.iter().map(Key::as_bytes).collect();
            let last = keys.iter().filter_map(|parts| parts.last());
            let expected: Names = [&shared].into_iter().chain(last).collect();
            for prefix in [&[][..], above.as_bytes(), &above.as_bytes()[..7]] {
                let names = gathered(prefix, &encoded);
                prop_assert_eq!(names.as_ref(), Some(&expected));
            }
        }
    }

    #[test]
    fn damaged_keys_have_no_names() {
        for keys in [
            &[&b"thing\0a"[..]][..],
            &[b"thing\0a", b"thing\0a\0b\0"],
            &[b"thing\0a\0", b"thing\0\xff\0"],
            &[b"thing\0\x01\x05\0"],
        ] {
            assert_eq!(gathered(b"thing\0", keys), None, "{keys:?}");
        }
    }
}
