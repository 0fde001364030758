//! One page out of the matches of a query, which come in its order.

use packhouse_core::store::{
    Cursor, Direction, Key, NamesBuilder, Order, Query, Shape, Start, TermValue,
};

use super::source::Flow;
use crate::fault::Outcome;
use crate::records::key_of;

/// Takes matches until the page is full.
#[derive(Debug)]
pub(crate) struct Pager<'a> {
    query: &'a Query,
    /// Whether every match is to be counted, past the end of the page too.
    counting: bool,
    skip: u64,
    after: Option<(Option<&'a [u8]>, &'a [u8])>,
    matched: u64,
    taken: usize,
    /// The keys of the page.
    pub(crate) keys: Vec<Key>,
    /// The names instead, if no more is wanted.
    pub(crate) names: NamesBuilder,
    /// Where the page ends once it is full.
    end: Option<Cursor>,
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
        Self {
            query,
            counting,
            skip,
            after,
            matched: 0,
            taken: 0,
            keys: Vec::new(),
            names: NamesBuilder::below(query.range.prefix()),
            end: None,
            more: false,
        }
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
        if self.taken < self.query.limit {
            self.put(value, key)?;
            return Ok(Flow::Continue(()));
        }
        self.more = true;
        Ok(if self.counting { Flow::Continue(()) } else { Flow::Break(()) })
    }

    fn put(&mut self, value: Option<&[u8]>, key: &[u8]) -> Outcome<()> {
        match self.query.shape {
            Shape::Names => self.names.push(key),
            Shape::Keys | Shape::Records => self.keys.push(key_of(key)?),
        }
        self.taken += 1;
        if self.taken == self.query.limit {
            self.end = Some(Cursor { value: value.map(TermValue::from_bytes), key: key_of(key)? });
        }
        Ok(())
    }

    /// How many matches there are, if they were to be counted.
    pub(crate) fn counted(&self) -> Option<u64> {
        self.counting.then_some(self.matched)
    }

    /// The cursor of the next page.
    pub(crate) fn next(&mut self) -> Option<Cursor> {
        self.end.take().filter(|_| self.more)
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
