//! Batches: what is expected and what is changed, as one atomic commit.

use std::sync::Arc;

use super::{Key, KeyRange, Revision, StoreError, StoreErrorKind, Term};

/// The number of one attempt to commit. Unique to the attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BatchId(pub [u8; 16]);

/// A condition on the state before the batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// There is no such record.
    Absent(Key),
    /// There is such a record.
    Present(Key),
    /// The record was last written by this commit.
    At(Key, Revision),
    /// The record was made by this commit, and may have been written since.
    Born(Key, Revision),
    /// The range holds no record.
    Empty(KeyRange),
    /// The counter, 0 if absent, is at most this.
    AtMost(Key, i64),
}

/// A change, applied in the order of the batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Makes the record or writes it anew.
    Put {
        /// Where it lies.
        key: Key,
        /// The body: one JSON value.
        body: Arc<str>,
        /// What it can be found by, in any order.
        terms: Vec<Term>,
        /// The records that it belongs to, at most one a kind.
        owners: Vec<Key>,
    },
    /// Deletes the record, if it is there.
    Delete(Key),
    /// Deletes every record of the range.
    DeleteWithin(KeyRange),
    /// Adds to a counter, which is 0 while absent. Counters saturate.
    Add(Key, i64),
    /// Raises a counter to at least this.
    Raise(Key, i64),
    /// Appends a record to a stream: it is put at the stream's key and one more part, the next
    /// number of the stream in commit order as 20 decimal digits. Numbers start at 1 and a number
    /// is never given twice, whatever was deleted.
    Append {
        /// The stream.
        stream: Key,
        /// The body: one JSON value.
        body: Arc<str>,
    },
}

/// What to expect and to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The number of this attempt.
    pub id: BatchId,
    /// What must hold before.
    pub expectations: Vec<Expectation>,
    /// What to change.
    pub changes: Vec<Change>,
}

impl Batch {
    /// The most changes in one batch.
    pub const MAX_CHANGES: usize = 100_000;
    /// The most bytes of keys, bodies and terms in one batch.
    pub const MAX_BYTES: usize = 64 << 20;

    /// A batch that expects and changes nothing yet.
    #[must_use]
    pub const fn new(id: BatchId) -> Self {
        Self { id, expectations: Vec::new(), changes: Vec::new() }
    }

    /// Checks what every backend must refuse: too many changes, too many bytes, a key or a term
    /// over its length.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`].
    pub fn check(&self) -> Result<(), StoreError> {
        if self.changes.len() > Self::MAX_CHANGES {
            return Err(StoreErrorKind::Invalid.because("the batch has more than 100000 changes"));
        }
        let mut bytes = 0;
        for change in &self.changes {
            bytes += change.check()?;
        }
        if bytes > Self::MAX_BYTES {
            return Err(StoreErrorKind::Invalid.because("the batch is over 64 MiB"));
        }
        Ok(())
    }
}

impl Change {
    fn check(&self) -> Result<usize, StoreError> {
        let (key, rest) = match self {
            Self::Put { key, body, terms, .. } => {
                if let Some(term) = terms.iter().find(|term| term.is_too_long()) {
                    let most = term.most_bytes();
                    return Err(StoreErrorKind::Invalid.because(format!(
                        "a term of field {} is over {most} bytes",
                        term.field.name
                    )));
                }
                let terms: usize = terms.iter().map(|term| term.value.as_bytes().len()).sum();
                (key.as_bytes(), body.len() + terms)
            }
            Self::Append { stream, body } => (stream.as_bytes(), body.len()),
            Self::Delete(key) | Self::Add(key, _) | Self::Raise(key, _) => (key.as_bytes(), 0),
            Self::DeleteWithin(range) => (range.prefix(), 0),
        };
        if key.len() > Key::MAX_BYTES {
            return Err(StoreErrorKind::Invalid.because("a key is over 1024 bytes"));
        }
        Ok(key.len() + rest)
    }
}

/// What a commit did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The number of the commit.
    pub revision: Revision,
    /// The numbers that the appended records were given, in the order of the batch.
    pub appended: Vec<u64>,
}
