//! What a record is found by and belongs to, as one blob that is kept with the record. Its index
//! rows carry the same in another form (`block/`), so that one of them answers several conditions.
//!
//! The blob is the length of the terms; the terms, each a field's number and a value; then the
//! owners, each a kind, how many bytes after the kind it shares with the record's own key, and
//! the bytes that follow. An empty blob has neither terms nor owners.

use crate::fault::{Fault, Outcome};

/// The number of a field's declaration.
pub(crate) type FieldId = u32;

/// A view on an encoded blob.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried<'a>(pub(crate) &'a [u8]);

/// An owner as it is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncodedOwner<'a> {
    /// The kind's encoded name.
    pub(crate) kind: &'a [u8],
    /// How many bytes after the kind it shares with the record's own key.
    pub(crate) shared: usize,
    /// What follows.
    pub(crate) rest: &'a [u8],
}

impl EncodedOwner<'_> {
    /// The encoded key of the owner of the record at `key`; `None` where it is damaged.
    pub(crate) fn of(self, key: &[u8]) -> Option<Vec<u8>> {
        let own = key.get(kind_length(key)..)?.get(..self.shared)?;
        Some([self.kind, own, self.rest].concat())
    }
}

const MALFORMED: Fault = Fault::Malformed("the terms of a record");

impl<'a> Carried<'a> {
    /// Encodes terms, which are sorted, and the owners of the record at `key`.
    pub(crate) fn encode<'b>(
        terms: impl Iterator<Item = (FieldId, &'b [u8])>,
        owners: impl ExactSizeIterator<Item = &'b [u8]>,
        key: &[u8],
    ) -> Vec<u8> {
        let mut encoded = Vec::new();
        for (field, value) in terms {
            put_number(&mut encoded, field as usize);
            put_bytes(&mut encoded, value);
        }
        if encoded.is_empty() && owners.len() == 0 {
            return encoded;
        }
        let mut blob = Vec::with_capacity(encoded.len() + 3);
        put_bytes(&mut blob, &encoded);
        for owner in owners {
            let (kind, parts) = owner.split_at(kind_length(owner));
            let own = &key[kind_length(key)..];
            let shared = parts.iter().zip(own).take_while(|(a, b)| a == b).count();
            put_bytes(&mut blob, kind);
            put_number(&mut blob, shared);
            put_bytes(&mut blob, &parts[shared..]);
        }
        blob
    }

    /// The terms, in the order they were encoded; ends early where the blob is damaged.
    pub(crate) fn terms(self) -> impl Iterator<Item = (FieldId, &'a [u8])> {
        let mut blob = Cursor(self.0);
        let mut terms = Cursor(blob.bytes().unwrap_or_default());
        std::iter::from_fn(move || terms.term())
    }

    /// The values of the fields with these numbers; those of one field in their order.
    pub(crate) fn values(self, fields: &[FieldId]) -> impl Iterator<Item = &'a [u8]> {
        self.terms().filter_map(|(field, value)| fields.contains(&field).then_some(value))
    }

    /// The encoded keys of the owners of the record at `key`; ends early where the blob is damaged.
    pub(crate) fn owners(self, key: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
        let mut blob = Cursor(self.0);
        blob.bytes();
        std::iter::from_fn(move || blob.owner(key))
    }

    /// The owners as they are encoded; ends early where the blob is damaged.
    pub(crate) fn encoded_owners(self) -> impl Iterator<Item = EncodedOwner<'a>> {
        let mut blob = Cursor(self.0);
        blob.bytes();
        std::iter::from_fn(move || blob.encoded_owner())
    }

    /// The same without the terms of some fields.
    pub(crate) fn without(self, mut leaves_out: impl FnMut(FieldId) -> bool) -> Vec<u8> {
        let mut cursor = Cursor(self.0);
        if cursor.bytes().is_none() {
            return Vec::new();
        }
        let mut encoded = Vec::with_capacity(self.0.len());
        for (field, value) in self.terms().filter(|(field, _)| !leaves_out(*field)) {
            put_number(&mut encoded, field as usize);
            put_bytes(&mut encoded, value);
        }
        let mut blob = Vec::with_capacity(self.0.len());
        put_bytes(&mut blob, &encoded);
        blob.extend_from_slice(cursor.0);
        blob
    }

    /// The encoded key of the owner of a kind, given as the kind's encoded name.
    pub(crate) fn owner(self, key: &'a [u8], kind: &[u8]) -> Option<Vec<u8>> {
        self.owners(key).find(|owner| owner.starts_with(kind))
    }

    /// Fails unless the whole blob can be understood.
    pub(crate) fn check(self, key: &[u8]) -> Outcome<Self> {
        if self.0.is_empty() {
            return Ok(self);
        }
        let mut blob = Cursor(self.0);
        let mut terms = Cursor(blob.bytes().ok_or(MALFORMED)?);
        while !terms.0.is_empty() {
            terms.term().ok_or(MALFORMED)?;
        }
        while !blob.0.is_empty() {
            blob.owner(key).ok_or(MALFORMED)?;
        }
        Ok(self)
    }
}

/// How many bytes the kind takes at the start of an encoded key.
pub(crate) fn kind_length(key: &[u8]) -> usize {
    key.iter().position(|byte| *byte == 0).map_or(key.len(), |end| end + 1)
}

/// The lengths of the prefixes of an encoded key: of the kind, of the kind and one part, and so on
/// up to the whole key.
pub(crate) fn prefix_lengths(key: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    key.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(end, _)| end + 1)
}

pub(crate) fn put_number(blob: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        blob.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    blob.push(number as u8);
}

pub(crate) fn put_bytes(blob: &mut Vec<u8>, bytes: &[u8]) {
    put_number(blob, bytes.len());
    blob.extend_from_slice(bytes);
}

/// What is left to decode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn number(&mut self) -> Option<usize> {
        match self.0 {
            // Nearly all of them.
            [byte @ ..0x80, rest @ ..] => {
                self.0 = rest;
                Some(usize::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn term(&mut self) -> Option<(FieldId, &'a [u8])> {
        let field = FieldId::try_from(self.number()?).ok()?;
        Some((field, self.bytes()?))
    }

    fn encoded_owner(&mut self) -> Option<EncodedOwner<'a>> {
        let (kind, shared) = (self.bytes()?, self.number()?);
        Some(EncodedOwner { kind, shared, rest: self.bytes()? })
    }

    fn owner(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.encoded_owner()?.of(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"file\0alice\0tools\0a.jar\0";

    #[test]
    fn terms_and_owners_come_back() {
        let long = vec![b'x'; 300];
        let terms = [(1, &b"tone"[..]), (1, b"ttwo"), (70_000, &long)];
        let owners = [&b"repo\0alice\0tools\0"[..], b"user\0bob\0", b"file\0alice\0tools\0a.jar\0"];
        let blob = Carried::encode(terms.into_iter(), owners.into_iter(), KEY);
        let carried = Carried(&blob).check(KEY).unwrap();
        assert_eq!(carried.terms().collect::<Vec<_>>(), terms);
        assert_eq!(carried.owners(KEY).collect::<Vec<_>>(), owners);
        assert_eq!(carried.owner(KEY, b"user\0").unwrap(), b"user\0bob\0");
        assert_eq!(carried.values(&[1]).count(), 2);
    }

    #[test]
    fn nothing_takes_no_bytes() {
        let blob = Carried::encode(std::iter::empty(), [].into_iter(), KEY);
        assert!(blob.is_empty());
        assert_eq!(Carried(&blob).check(KEY).unwrap().terms().count(), 0);
    }

    #[test]
    fn a_damaged_blob_is_refused() {
        let terms = [(1, &b"tone"[..])];
        let owners = [&b"repo\0alice\0tools\0"[..]];
        let blob = Carried::encode(terms.into_iter(), owners.into_iter(), KEY);
        for end in 1..blob.len() {
            let damaged = Carried(&blob[..end]).check(KEY);
            let without_owners = end == usize::from(blob[0]) + 1;
            assert_eq!(damaged.is_err(), !without_owners, "cut after {end} bytes");
        }
    }

    #[test]
    fn the_prefixes_of_a_key_end_in_its_terminators() {
        assert_eq!(prefix_lengths(b"repo\0a\0bc\0").collect::<Vec<_>>(), [5, 7, 10]);
    }
}
