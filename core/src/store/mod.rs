//! The record port: keys, records, index terms, queries and one atomic commit.
//!
//! A backend implements [`Store`] and knows keys, terms and queries; it never learns what a
//! package or a date is. What a filter *means* lives here once, in [`Filter::matches`]; a backend
//! answers from its own indexes and must agree with it (the conformance suite compares the two).
//!
//! This module must not contain anything about packages, callers or HTTP.

mod batch;
mod error;
mod key;
mod names;
mod pattern;
mod query;
mod record;
mod term;

use std::fmt::Debug;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use batch::{Batch, BatchId, Change, Committed, Expectation};
pub use error::{CommitError, StoreError, StoreErrorKind};
pub use key::{Key, KeyPart, KeyRange, Kind};
pub use names::{Names, NamesBuilder};
pub use pattern::Pattern;
pub use query::{Cursor, Direction, Filter, Order, Page, Query, Row, Shape, Start};
pub use record::{Decoded, Record, Revision};
pub use term::{Field, Term, TermValue};

/// Every record that a query selects, from one snapshot, in the query's order.
pub type RecordStream = BoxStream<'static, Result<Record, StoreError>>;

/// Keeps records and answers queries over them.
///
/// Implementors: no method has a default body, so that a wrapper that forgets to forward one does
/// not compile. Run `packhouse-conformance` against the implementation; it is the contract.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Reads records by key, all from one snapshot, in the order of `keys`; the absent ones are
    /// `None`. The same key may be asked for twice.
    ///
    /// # Errors
    /// [`StoreError`] when the backend cannot answer; never for an absent record.
    async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Selects keys or records of one kind, in a total order, a page at a time.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`] for a cursor that belongs to another order, or for a filter
    /// over the bounds of [`Query::check`].
    async fn select(&self, query: &Query) -> Result<Page, StoreError>;

    /// Streams everything that a query selects, from one snapshot. `start`, `limit` and `total`
    /// of the query are ignored. A reader that takes longer than the backend's time limit gets
    /// [`StoreErrorKind::Unavailable`] as the last item, so that no snapshot is held for ever.
    ///
    /// # Errors
    /// As [`Store::select`].
    async fn scan(&self, query: &Query) -> Result<RecordStream, StoreError>;

    /// Checks every expectation and applies every change of the batch, or none. Durable when it
    /// returns. A batch id that committed within the last hour answers its first outcome again
    /// and changes nothing.
    ///
    /// Dropping the future does not undo the batch: it may commit all the same.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] names the expectation that failed; nothing was changed.
    /// [`CommitError::Unknown`] when the backend cannot tell whether the batch was applied.
    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError>;
}
