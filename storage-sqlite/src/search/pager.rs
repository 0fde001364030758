//! One page out of the matches of a query, which come in its order.

use packhouse_core::store::{Cursor, Direction, Key, Order, Query, Start, TermValue};

use super::source::Flow;
use crate::fault::Outcome;
use crate::records::key_of;

/// Where a match lies in the order: what it is ordered by, and its key.
pub(crate) type Place = (Option<Box<[u8]>>, Key);

/// Takes matches until the page is full.
#[derive(Debug)]
pub(crate) struct Pager<'a> {
    query: &'a Query,
    /// Whether every match is to be counted, past the end of the page too.
    counting: bool,
    skip: u64,
    after: Option<(Option<&'a [u8]>, &'a [u8])>,
    pub(crate) matched: u64,
    pub(crate) places: Vec<Place>,
    more: bool,
}

impl<'a> Pager<'a> {
    pub(crate) fn new(query: &'a Query, counting: bool) -> Self {
        let (skip, after) = match &query.start {
            Start::Skip(count) => (*count, None),
            Start::After(Cursor { value, key }) => {
                (0, Some((value.as_ref().map(TermValue::as_bytes), key.as_bytes())))
            }
        };
        Self { query, counting, skip, after, matched: 0, places: Vec::new(), more: false }
    }

    /// Takes the next match.
    pub(crate) fn take(&mut self, value: Option<&[u8]>, key: &[u8]) -> Outcome<Flow> {
        self.matched += 1;
        if self.is_before((value, key)) {
            return Ok(Flow::Continue(()));
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(Flow::Continue(()));
        }
        if self.places.len() < self.query.limit {
            self.places.push((value.map(Into::into), key_of(key)?));
            return Ok(Flow::Continue(()));
        }
        self.more = true;
        Ok(if self.counting { Flow::Continue(()) } else { Flow::Break(()) })
    }

    /// The cursor of the next page.
    pub(crate) fn next(&self) -> Option<Cursor> {
        let (value, key) = self.places.last().filter(|_| self.more)?;
        let value = value.as_deref().map(TermValue::from_bytes);
        Some(Cursor { value, key: key.clone() })
    }

    fn is_before(&self, place: (Option<&[u8]>, &[u8])) -> bool {
        match (self.after, direction(&self.query.order)) {
            (None, _) => false,
            (Some(after), Direction::Ascending) => place <= after,
            (Some(after), Direction::Descending) => place >= after,
        }
    }
}

pub(crate) fn direction(order: &Order) -> Direction {
    match order {
        Order::Key(direction) | Order::Term(_, direction) => *direction,
    }
}
