//! Answering queries: candidates from the cheapest source, checked, in order, a page of them.
//!
//! Two ways lead to a page. One *walks* an index that has the query's order and stops when the
//! page is full; the other *collects* every match from the cheapest source and sorts them. The
//! walk is tried first for about as long as collecting would take, so that both a rare condition
//! and a common one cost what the better way costs. A page of few matches among very many is first
//! looked for without counting what there is: who removes a million records a thousand at a time
//! must not have them counted each time.

mod check;
mod pager;
mod plan;
mod source;
#[cfg(test)]
mod tests;

use packhouse_core::store::{
    Cursor, Direction, Field, Filter, Order, Page, Query, Row, Shape, Start,
};

use rusqlite::Connection;

use self::check::{Check, Owners};
use self::pager::{Pager, Place, direction};
use self::plan::{Choice, Indexed, Planner};
pub(crate) use self::source::Flow;
use self::source::{Source, Span, above, below, next};
use crate::encoding::FieldId;
use crate::fault::Outcome;
use crate::fields::declared;
use crate::records::{Reader, key_of};

/// Up to how many candidates are collected without trying a walk.
const FEW: u64 = 128;

/// Up to how many candidates are counted, or looked through, before a page costs as much as all
/// matches do.
const MANY: u64 = 10_000;

/// Takes a match: what it is ordered by, and its key.
pub(crate) type Emit<'e> = dyn FnMut(Option<&[u8]>, &[u8]) -> Outcome<Flow> + 'e;

/// Answers a query.
pub(crate) fn select(reader: &mut Reader, query: &Query) -> Outcome<Page> {
    let (places, next, total) = {
        let mut search = Search::new(&reader.connection, query)?;
        let known = if query.total { search.known_total()? } else { None };
        let counting = query.total && known.is_none();
        let pager = search.page(counting)?;
        let total = known.or_else(|| counting.then_some(pager.matched));
        let next = pager.next()?;
        (pager.places, next, total)
    };
    let mut rows = Vec::with_capacity(places.len());
    for (_, key) in places {
        let key = key_of(&key)?;
        let record = match query.shape {
            Shape::Keys => None,
            // Both come from one snapshot, so that a selected record is there.
            Shape::Records => {
                Some(reader.find(&key)?.ok_or(crate::fault::Fault::Malformed("an index row"))?)
            }
        };
        rows.push(Row { key, record });
    }
    Ok(Page { rows, next, total })
}

/// Gives every match in the query's order, whatever its start and limit.
pub(crate) fn every(db: &Connection, query: &Query, emit: &mut Emit<'_>) -> Outcome<()> {
    Search::new(db, query)?.all(emit)
}

/// A query made ready.
struct Search<'a> {
    query: &'a Query,
    planner: Planner<'a>,
    owners: Owners<'a>,
    check: Check,
    /// The numbers of the field of the order.
    ordered: Vec<FieldId>,
    /// The range's size, from the counters.
    size: u64,
    /// The source that has the query's order.
    walk: Option<Choice>,
}

/// What is known of a page before much is counted.
enum Early<'a> {
    /// The page.
    Full(Pager<'a>),
    /// The source of few candidates.
    Few(Choice),
    /// Every source has many, and the page is not among the first.
    Many,
}

impl<'a> Search<'a> {
    fn new(db: &'a Connection, query: &'a Query) -> Outcome<Self> {
        let planner = Planner::new(db, query);
        let mut owners = Owners::new(db);
        let check = owners.compile(planner.kind, &query.filter)?;
        let ordered = match &query.order {
            Order::Key(_) => Vec::new(),
            Order::Term(field, _) => declared(db, planner.kind, field)?.ids,
        };
        let size = planner.size()?;
        let mut search = Self { query, planner, owners, check, ordered, size, walk: None };
        search.walk = search.walk()?;
        Ok(search)
    }

    /// The total of an unfiltered query, where a counter has it.
    fn known_total(&self) -> Outcome<Option<u64>> {
        match &self.query.order {
            _ if !self.query.filter.is_everything() => Ok(None),
            Order::Key(_) => Ok(Some(self.size)),
            Order::Term(field, _) => Ok(match self.planner.indexed(field)? {
                Some(Some(at)) if at.scope == self.planner.keys.0 => Some(at.records),
                Some(None) => Some(0),
                _ => None,
            }),
        }
    }

    fn page(&mut self, counting: bool) -> Outcome<Pager<'a>> {
        let query = self.query;
        if query.limit == 0 && !counting {
            return Ok(Pager::new(query, counting));
        }
        let chosen = if counting {
            None
        } else {
            match self.early()? {
                Early::Full(pager) => return Ok(pager),
                Early::Few(best) => Some(best),
                Early::Many => None,
            }
        };
        let best = chosen.map_or_else(|| self.best(), Ok)?;
        self.page_from(&best, counting)
    }

    /// A page without a total, or the source for it, as far as few candidates tell.
    fn early(&mut self) -> Outcome<Early<'a>> {
        let query = self.query;
        // Of sources for an order by key, only those within the range have it.
        let mut in_order = match query.order {
            Order::Key(_) => self.planner.uncounted(&query.filter)?,
            Order::Term(..) => Vec::new(),
        };
        let alone = in_order.len() == 1;
        in_order.retain(|source| self.has_order(source));
        let in_order = in_order.into_iter().next();
        let (source, budget) = match in_order {
            Some(source) if alone => (source, u64::MAX),
            in_order => {
                if let Some(best) = self.planner.choose(&query.filter, self.size, MANY)? {
                    return Ok(Early::Few(best));
                }
                match in_order.or_else(|| self.walk.as_ref().map(|walk| walk.source.clone())) {
                    Some(source) => (source, MANY),
                    None => return Ok(Early::Many),
                }
            }
        };
        let mut pager = Pager::new(query, false);
        let mut emit = |value: Option<&[u8]>, key: &[u8]| Ok(pager.take(value, key));
        let done = self.walk_along(&from_cursor(source, query), budget, &mut emit)?;
        Ok(if done { Early::Full(pager) } else { Early::Many })
    }

    fn page_from(&mut self, best: &Choice, counting: bool) -> Outcome<Pager<'a>> {
        let query = self.query;
        let mut pager = Pager::new(query, counting);
        if let Some(walk) = self.walk.take() {
            let in_order = self.has_order(&best.source);
            let whole = counting || query.filter.is_everything() && best.count >= walk.count;
            let walk = match (in_order, whole) {
                (true, _) => Some((best.source.clone(), u64::MAX)),
                (false, true) => (walk.count <= best.count).then_some((walk.source, u64::MAX)),
                (false, false) => (best.count > FEW).then_some((walk.source, best.count)),
            };
            if let Some((source, budget)) = walk {
                let source = if counting { source } else { from_cursor(source, query) };
                let mut emit = |value: Option<&[u8]>, key: &[u8]| Ok(pager.take(value, key));
                if self.walk_along(&source, budget, &mut emit)? {
                    return Ok(pager);
                }
                pager = Pager::new(query, counting);
            }
        }
        self.collect(&best.source, &mut |value, key| Ok(pager.take(value, key)))?;
        Ok(pager)
    }

    fn all(&mut self, emit: &mut Emit<'_>) -> Outcome<()> {
        let best = self.best()?;
        match self.walk.take() {
            Some(_) if self.has_order(&best.source) => {
                self.walk_along(&best.source, u64::MAX, emit)?;
            }
            Some(walk) if walk.count <= best.count => {
                self.walk_along(&walk.source, u64::MAX, emit)?;
            }
            _ => self.collect(&best.source, emit)?,
        }
        Ok(())
    }

    fn best(&self) -> Outcome<Choice> {
        let best = self.planner.choose(&self.query.filter, self.size, u64::MAX)?;
        Ok(best.unwrap_or_else(|| Choice { source: self.planner.everything(), count: self.size }))
    }

    /// The source that has the query's order, and how many candidates it has at most.
    fn walk(&self) -> Outcome<Option<Choice>> {
        match &self.query.order {
            Order::Key(_) => {
                let source = self.planner.everything();
                Ok(Some(Choice { source, count: self.size }))
            }
            Order::Term(field, _) => Ok(match self.planner.indexed(field)? {
                None => None,
                Some(None) => Some(Choice { source: Source::Nothing, count: 0 }),
                Some(Some(at)) => Some(self.walk_by(field, at)),
            }),
        }
    }

    /// The index of a field, no further than conditions on the same field reach. (A field that
    /// is ordered by has one value a record at most.)
    fn walk_by(&self, field: &Field, at: Indexed) -> Choice {
        let (mut low, mut high) = (Vec::new(), vec![0xff]);
        let conditions = match &self.query.filter {
            Filter::All(filters) => filters.as_slice(),
            filter => std::slice::from_ref(filter),
        };
        for condition in conditions {
            let (from, to) = match condition {
                Filter::Between(by, from, to) if by == field => (above(from), below(to)),
                Filter::Is(by, value) if by == field => {
                    (value.as_bytes().to_vec(), next(value.as_bytes()))
                }
                _ => continue,
            };
            low = low.max(from);
            high = high.min(to);
        }
        let source = Source::Span(Span::between(at.place, at.scope, low, high));
        Choice { source, count: at.records }
    }

    /// Whether a source gives its candidates in the query's order.
    fn has_order(&self, source: &Source) -> bool {
        match (source, &self.query.order) {
            (Source::Nothing, _) | (Source::Keys { .. }, Order::Key(_)) => true,
            // Of one value: the rows are in the order of their keys.
            (Source::Span(span), Order::Key(_)) => {
                span.low.0 == span.high.0
                    || next(&span.low.0) == span.high.0 && span.high.1.is_empty()
            }
            (Source::Span(span), Order::Term(field, _)) => self
                .planner
                .indexed(field)
                .is_ok_and(|at| at.flatten().is_some_and(|at| at.place == span.place)),
            _ => false,
        }
    }

    /// Gives matches from a source that has the query's order, until `emit` has enough; `false`
    /// when that takes more than `budget` candidates.
    fn walk_along(&mut self, source: &Source, budget: u64, emit: &mut Emit<'_>) -> Outcome<bool> {
        let backwards = direction(&self.query.order) == Direction::Descending;
        let (by_term, db) = (matches!(self.query.order, Order::Term(..)), self.planner.db);
        let keys = &self.planner.keys;
        let mut left = budget;
        let mut exhausted = false;
        // Who stopped, and why, is known from `emit` and `exhausted`.
        let _ = source.each(db, backwards, &mut |subject, value| {
            if left == 0 {
                exhausted = true;
                return Ok(Flow::Break(()));
            }
            left -= 1;
            let inside = keys.0.as_slice() <= subject.key && subject.key < keys.1.as_slice();
            if !inside || !self.check.holds(subject, &mut self.owners)? {
                return Ok(Flow::Continue(()));
            }
            if !by_term {
                return emit(None, subject.key);
            }
            // A record with several values lies at its first one.
            if subject.carried.values(&self.ordered).next() != value {
                return Ok(Flow::Continue(()));
            }
            emit(value, subject.key)
        })?;
        Ok(!exhausted)
    }

    /// Gives every match from any source, sorted.
    fn collect(&mut self, source: &Source, emit: &mut Emit<'_>) -> Outcome<()> {
        let by_term = matches!(self.query.order, Order::Term(..));
        let keys = &self.planner.keys;
        let mut matches: Vec<Place> = Vec::new();
        let _ = source.each(self.planner.db, false, &mut |subject, _| {
            let inside = keys.0.as_slice() <= subject.key && subject.key < keys.1.as_slice();
            if !inside || !self.check.holds(subject, &mut self.owners)? {
                return Ok(Flow::Continue(()));
            }
            let value: Option<Box<[u8]>> =
                subject.carried.values(&self.ordered).next().map(Into::into);
            if !by_term || value.is_some() {
                matches.push((value, subject.key.into()));
            }
            Ok(Flow::Continue(()))
        })?;
        matches.sort_unstable();
        matches.dedup();
        if direction(&self.query.order) == Direction::Descending {
            matches.reverse();
        }
        for (value, key) in matches {
            if emit(value.as_deref(), &key)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The source from the query's cursor on.
fn from_cursor(mut source: Source, query: &Query) -> Source {
    let Start::After(Cursor { value, key }) = &query.start else { return source };
    let (key, ascending) = (key.as_bytes(), direction(&query.order) == Direction::Ascending);
    match &mut source {
        Source::Keys { low, .. } if ascending => *low = low.clone().max(next(key)),
        Source::Keys { high, .. } => *high = high.clone().min(key.to_vec()),
        // A cursor of another range is compared with each match, as every cursor is.
        Source::Span(span) if key.starts_with(&span.scope) => {
            let rest = &key[span.scope.len()..];
            let value = value.as_ref().map_or(span.low.0.as_slice(), |value| value.as_bytes());
            if ascending {
                span.low = span.low.clone().max((value.to_vec(), next(rest)));
            } else {
                span.high = span.high.clone().min((value.to_vec(), rest.to_vec()));
            }
        }
        _ => {}
    }
    source
}
