//! Records: a key, the commits that made and last wrote it, a JSON body, and index terms.

use std::sync::Arc;

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
}

impl Record {
    /// The values of one field.
    pub fn values<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a TermValue> + 'a {
        self.terms.iter().filter(move |term| term.field.name == field.name).map(|term| &term.value)
    }

    /// The number that a counter holds; 0 for a body that is no number.
    #[must_use]
    pub fn counter(&self) -> i64 {
        self.body.parse().unwrap_or(0)
    }
}
