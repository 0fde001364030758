//! Records: a key, the commits that made and last wrote it, a JSON body, and index terms.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;

use super::{Field, Key, Term, TermValue};

/// The store-wide number of a commit. Grows with every commit and is never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// One stored record. A clone shares its contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where it lies.
    pub key: Key,
    /// The commit that last wrote it.
    pub revision: Revision,
    /// The commit that made it. Writing it again keeps this; deleting it and making it anew does
    /// not, so that the new one cannot be taken for the old one.
    pub born: Revision,
    /// The body: one JSON value. A counter's body is its number.
    pub body: Arc<str>,
    /// What it can be found by: sorted, without doubles.
    pub terms: Arc<[Term]>,
    /// The records that it belongs to, at most one a kind, for [`super::Filter::Of`].
    pub owners: Arc<[Key]>,
    /// What the body was taken for. A backend gives the default, and clones what it keeps.
    pub decoded: Decoded,
}

/// A record's body as a value, once somebody has read it. All clones of the record share it, so that
/// one which a backend keeps in memory is read once. Says nothing that the body does not.
#[derive(Clone, Default)]
pub struct Decoded(Arc<OnceLock<Held>>);

/// A body, and what it was read as.
type Held = (Arc<str>, Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoded")
    }
}

impl PartialEq for Decoded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Decoded {}

impl Record {
    /// The values of one field.
    pub fn values<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a TermValue> + 'a {
        self.terms.iter().filter(move |term| term.field.name == field.name).map(|term| &term.value)
    }

    /// The body as a value. The first type that it is read as is remembered.
    pub(crate) fn decoded<T>(&self) -> Result<Arc<T>, serde_json::Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        // Of this body: whoever changes that of a clone need not think of this.
        let held = self.decoded.0.get().filter(|(body, _)| Arc::ptr_eq(body, &self.body));
        if let Some(held) = held.and_then(|(_, held)| Arc::clone(held).downcast().ok()) {
            return Ok(held);
        }
        let value: Arc<T> = Arc::new(serde_json::from_str(&self.body)?);
        // Somebody else may have been faster.
        let _ = self.decoded.0.set((Arc::clone(&self.body), Arc::clone(&value) as _));
        Ok(value)
    }

    /// The number that a counter holds; 0 for a body that is no number.
    #[must_use]
    pub fn counter(&self) -> i64 {
        self.body.parse().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kind;

    fn record(body: &str) -> Record {
        Record {
            key: Key::new(Kind::new("thing"), ["a"]),
            revision: Revision(1),
            born: Revision(1),
            body: body.into(),
            terms: Arc::default(),
            owners: Arc::default(),
            decoded: Decoded::default(),
        }
    }

    #[test]
    fn clones_of_a_record_read_their_body_once() {
        let kept = record("[1,2]");
        let first = kept.clone().decoded::<Vec<u8>>().unwrap();
        assert_eq!(*first, [1, 2]);
        assert!(Arc::ptr_eq(&first, &kept.decoded().unwrap()));
    }

    #[test]
    fn a_body_that_was_changed_in_a_clone_is_read_anew() {
        let kept = record("[1,2]");
        assert_eq!(*kept.decoded::<Vec<u8>>().unwrap(), [1, 2]);
        let changed = Record { body: "[3]".into(), ..kept.clone() };
        assert_eq!(*changed.decoded::<Vec<u8>>().unwrap(), [3]);
        assert_eq!(*kept.decoded::<Vec<u8>>().unwrap(), [1, 2]);
    }

    #[test]
    fn a_body_can_be_read_as_several_types() {
        let kept = record("[1,2]");
        assert_eq!(*kept.decoded::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(*kept.decoded::<(u64, u64)>().unwrap(), (1, 2));
        assert!(kept.decoded::<String>().is_err());
    }
}
