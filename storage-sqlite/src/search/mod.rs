//! Answering queries: candidates from the cheapest source, checked, in order, a page of them.
//!
//! Two ways lead to a page. One *walks* an index that has the query's order and stops when the
//! page is full; the other *collects* every match from the cheapest source and sorts them.
//! `choose.rs` says which.

mod check;
mod choose;
mod leaf;
mod matches;
mod pager;
mod plan;
mod share;
mod source;
mod span;
mod terms;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::Cell;
use std::time::{Duration, Instant};

use packhouse_core::store::{
    Cursor, Direction, Field, Filter, Key, Names, Order, Page, Query, Row, Shape, Start,
};

use rusqlite::Connection;

use self::check::{Check, Owners};
use self::matches::Matches;
use self::pager::{Pager, direction};
use self::plan::{Indexed, Planner};
use self::share::{Helping, Shared, Side, revision};
pub(crate) use self::share::{Offer, Share};
pub(crate) use self::source::Flow;
use self::source::{Source, Way, above, below, next};
use self::span::{Span, Turn};
use self::terms::{Subject, Terms, terms_of};
use crate::encoding::Carried;
use crate::fault::{Fault, Outcome};
use crate::fields::{Declared, declared};
use crate::records::Reader;

/// Takes a match: what it is ordered by, and its key.
pub(crate) type Emit<'e> = dyn FnMut(Option<&[u8]>, &[u8]) -> Outcome<Flow> + 'e;

/// How many candidates are judged between two looks at the clock.
const GLANCE: u32 = 64;

/// In up to how many blocks a range is short: some 2,000 rows in most cases. A search of one may be
/// answered at once; that of a longer one is offered to those who have nothing else to do: to wake a
/// thread takes as long as some hundreds of rows.
const SHORT: u32 = 64;

/// After how many candidates a search is offered again. One that may look at no more is not offered.
const MANY: u64 = if cfg!(test) { 1_000 } else { 2_048 };

/// Answers a query. A search of a long range is offered to others.
pub(crate) fn select(reader: &mut Reader, query: &Query, offer: &Offer<'_>) -> Outcome<Page> {
    let mut search = Search::new(&reader.connection, query, reader.deadline())?;
    search.offer = Some(offer);
    let known = if query.total { search.known_total()? } else { None };
    let pager = search.page(query.total && known.is_none())?;
    let Found { keys, names, next, total } = Found::of(pager, known)?;
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let record = match query.shape {
            Shape::Names | Shape::Keys => None,
            // Both come from one snapshot, so that a selected record is there.
            Shape::Records => Some(reader.find(&key)?.ok_or(Fault::Malformed("an index row"))?),
        };
        rows.push(Row { key, record });
    }
    Ok(Page { rows, names, next, total })
}

/// Whether [`select_small`] may have an answer; it is asked before anything is read or planned.
pub(crate) fn may_be_small(query: &Query) -> bool {
    query.shape == Shape::Names
        && matches!(query.order, Order::Key(_))
        && has_one_range(&query.filter)
}

/// Whether there is one condition alone, which index rows between two answer.
fn has_one_range(filter: &Filter) -> bool {
    let alone = match filter {
        Filter::All(filters) | Filter::Any(filters) => match filters.as_slice() {
            [Filter::All(filters) | Filter::Any(filters)] => filters.as_slice(),
            filters => filters,
        },
        filter => std::slice::from_ref(filter),
    };
    matches!(alone, [Filter::Is(..) | Filter::Between(..)])
}

/// Answers a query that [`may_be_small`], if its names are all in a short range of index rows, of which
/// nothing else has to be read; `None` otherwise.
pub(crate) fn select_small(reader: &mut Reader, query: &Query) -> Outcome<Option<Page>> {
    let mut search = Search::new(&reader.connection, query, reader.deadline())?;
    let Some(source) = search.small_source()? else { return Ok(None) };
    let pager = search.whole_page(&source, query.total)?;
    let Found { names, next, total, .. } = Found::of(pager, None)?;
    Ok(Some(Page { rows: Vec::new(), names, next, total }))
}

/// Takes part in a search that somebody shares, for as long as `is_idle`.
pub(crate) fn help(reader: &mut Reader, share: &Share, is_idle: impl Fn() -> bool) {
    let Some(helping) = share.join().filter(|_| is_idle()) else { return };
    let left = helping.deadline().map(|at| at.saturating_duration_since(Instant::now()));
    // What goes wrong before anything is claimed, or after it was handed over, is nothing to whoever
    // searches.
    drop(reader.in_snapshot_within(left.unwrap_or(Duration::MAX), |reader| {
        let Some(rest) = helping.rest(&reader.connection)? else { return Ok(()) };
        let mut search = Search::new(&reader.connection, &share.query, reader.deadline())?;
        // Before the snapshot ends: somebody may wait for it.
        let found = search.part(&rest, &helping, is_idle);
        helping.end(found.map_err(Fault::or_late));
        Ok(())
    }));
}

/// Gives every match in the query's order until a deadline, whatever its start and limit.
pub(crate) fn every(
    db: &Connection,
    query: &Query,
    deadline: Instant,
    emit: &mut Emit<'_>,
) -> Outcome<()> {
    Search::new(db, query, Some(deadline))?.all(emit)
}

/// A query made ready.
struct Search<'a> {
    query: &'a Query,
    planner: Planner<'a>,
    owners: Owners<'a>,
    check: Check,
    /// The field of the order.
    ordered: Declared,
    /// The source that has the query's order: every record that can match is in it.
    walk: Option<Source>,
    /// When it has taken too long.
    deadline: Option<Instant>,
    judged: u32,
    /// How to share it.
    offer: Option<&'a Offer<'a>>,
}

/// What a search found.
struct Found {
    keys: Vec<Key>,
    names: Names,
    next: Option<Cursor>,
    total: Option<u64>,
}

impl Found {
    /// What a page has; `known` is the total where nothing had to be counted.
    fn of(mut pager: Pager<'_>, known: Option<u64>) -> Outcome<Self> {
        let next = pager.next();
        let total = known.or_else(|| pager.counted());
        let names = pager.names.finish().ok_or(Fault::Malformed("a key"))?;
        Ok(Self { keys: pager.keys, names, next, total })
    }
}

impl<'a> Search<'a> {
    fn new(db: &'a Connection, query: &'a Query, deadline: Option<Instant>) -> Outcome<Self> {
        let planner = Planner::new(db, query)?;
        let mut owners = Owners::new(db);
        let check = owners.compile(planner.kind, &query.filter)?;
        let ordered = match &query.order {
            Order::Key(_) => Declared::default(),
            Order::Term(field, _) => declared(db, planner.kind, field)?,
        };
        let (walk, judged, offer) = (None, 0, None);
        let mut search =
            Self { query, planner, owners, check, ordered, walk, deadline, judged, offer };
        search.walk = search.walk()?;
        Ok(search)
    }

    /// The range of index rows that has all matches of a query that [`may_be_small`], and nothing
    /// else, if it is short.
    fn small_source(&self) -> Outcome<Option<Source>> {
        let source = self.planner.sources(&self.query.filter)?.pop();
        let is_small = match &source {
            Some(Source::Span(span)) if !span.is_wider_than(&self.planner.keys) => {
                !span.has_more_blocks_than(self.planner.db, SHORT)?
            }
            _ => false,
        };
        Ok(source.filter(|_| is_small))
    }

    /// The total of an unfiltered query, where a counter has it.
    fn known_total(&self) -> Outcome<Option<u64>> {
        match &self.query.order {
            _ if !self.query.filter.is_everything() => Ok(None),
            Order::Key(_) => Ok(Some(self.planner.size)),
            Order::Term(field, _) => Ok(match self.planner.indexed(field)? {
                Some(Some(at)) if at.scope == self.planner.keys.0 => Some(at.records),
                Some(None) => Some(0),
                _ => None,
            }),
        }
    }

    /// Gives every match in the query's order.
    fn all(&mut self, emit: &mut Emit<'_>) -> Outcome<()> {
        let (best, _) = self.choices()?;
        self.along(&best.source, u64::MAX, emit).map(|_| ())
    }

    /// Gives matches in the query's order, until `emit` has enough; `false` when that takes more
    /// than `budget` candidates.
    fn along(&mut self, source: &Source, budget: u64, emit: &mut Emit<'_>) -> Outcome<bool> {
        if self.has_order(source) {
            self.walk_along(source, budget, emit)
        } else {
            self.collect(source, budget, emit)
        }
    }

    /// The source that has the query's order.
    fn walk(&self) -> Outcome<Option<Source>> {
        match &self.query.order {
            Order::Key(_) => Ok(Some(self.planner.everything())),
            Order::Term(field, _) => Ok(match self.planner.indexed(field)? {
                None => None,
                Some(None) => Some(Source::Nothing),
                Some(Some(at)) => Some(self.walk_by(field, at)),
            }),
        }
    }

    /// The index of a field, no further than conditions on the same field reach. (A field that
    /// is ordered by has one value a record at most.)
    fn walk_by(&self, field: &Field, at: Indexed) -> Source {
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
        Source::Span(Span::between(at.place, at.scope, low, high))
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
                .is_ok_and(|at| at.flatten().is_some_and(|at| at.place.0 == span.place)),
            _ => false,
        }
    }

    /// What need not be looked at for candidates of a source.
    fn known_of(&self, source: &Source) -> Known {
        Known { inside: !self.planner.is_wider(source), exact: self.is_exact(source) }
    }

    /// Whether a source has matches only, so that nothing but their keys has to be read: index
    /// rows for the one condition that there is.
    fn is_exact(&self, source: &Source) -> bool {
        matches!((source, &self.query.order), (Source::Span(_), Order::Key(_)))
            && has_one_range(&self.query.filter)
    }

    /// Whether a candidate lies in the range and the filter holds of it. Looks at the clock as well:
    /// SQLite does so after many steps, of which one gives all candidates of a block.
    fn is_match(&mut self, subject: Subject<'_>, known: Known) -> Outcome<bool> {
        self.judged += 1;
        if self.judged == GLANCE {
            self.judged = 0;
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Fault::Late);
            }
        }
        let Self { check, owners, planner, .. } = self;
        Ok((known.inside || planner.holds(subject.key))
            && (known.exact || check.holds(subject, owners)?))
    }

    /// The value that a candidate is ordered by.
    fn first<'s>(&self, subject: Subject<'s>) -> Outcome<Option<Cow<'s, [u8]>>> {
        let Declared { ids, wildcard, .. } = &self.ordered;
        if *wildcard && matches!(subject.terms, Terms::Row(_)) {
            let terms = terms_of(self.planner.db, subject.key)?.unwrap_or_default();
            let first = Carried(&terms).values(ids).next().map(<[u8]>::to_vec);
            return Ok(first.map(Cow::Owned));
        }
        Ok(subject.first(ids))
    }

    /// Gives matches from a source that has the query's order, until `emit` has enough; `false`
    /// when that takes more than `budget` candidates.
    fn walk_along(&mut self, source: &Source, budget: u64, emit: &mut Emit<'_>) -> Outcome<bool> {
        let backwards = direction(&self.query.order) == Direction::Descending;
        let (by_term, db) = (matches!(self.query.order, Order::Term(..)), self.planner.db);
        let mut left = budget;
        let mut exhausted = false;
        // Who stopped, and why, is known from `emit` and `exhausted`.
        let known = self.known_of(source);
        let way = Way { backwards, keys_alone: known.exact, ..Way::default() };
        let _ = source.each(db, way, &mut |subject, value| {
            if left == 0 {
                exhausted = true;
                return Ok(Flow::Break(()));
            }
            left -= 1;
            if !self.is_match(subject, known)? {
                return Ok(Flow::Continue(()));
            }
            if !by_term {
                return emit(None, subject.key);
            }
            // A record with several values lies at its first one.
            if self.first(subject)?.as_deref() != value {
                return Ok(Flow::Continue(()));
            }
            emit(value, subject.key)
        })?;
        Ok(!exhausted)
    }

    /// Gives every match from any source, sorted; none and `false` when there are more than
    /// `budget` candidates.
    fn collect(&mut self, source: &Source, budget: u64, emit: &mut Emit<'_>) -> Outcome<bool> {
        let mut matches = self.no_matches();
        let collected = match (source, self.offer) {
            (Source::Span(span), Some(offer))
                if budget > MANY && span.has_more_blocks_than(self.planner.db, SHORT)? =>
            {
                self.collect_shared(span, offer, budget, &mut matches)?
            }
            _ => {
                let mut left = budget;
                let known = self.known_of(source);
                let way = Way { keys_alone: known.exact, ..Way::default() };
                source.each(self.planner.db, way, &mut |subject, _| {
                    if left == 0 {
                        return Ok(Flow::Break(()));
                    }
                    left -= 1;
                    self.take(subject, known, &mut matches)
                })?
            }
        };
        if collected.is_break() {
            return Ok(false);
        }
        let mut sorted = matches.sorted();
        let backwards = direction(&self.query.order) == Direction::Descending;
        while let Some((value, key)) = if backwards { sorted.next_back() } else { sorted.next() } {
            if emit(value, key)?.is_break() {
                break;
            }
        }
        Ok(true)
    }

    /// Room for matches in no order.
    fn no_matches(&self) -> Matches {
        let by_term = matches!(self.query.order, Order::Term(..));
        Matches::new(by_term, self.planner.keys.0.len())
    }

    /// Adds a candidate to the matches, if it is one.
    fn take(&mut self, subject: Subject<'_>, known: Known, matches: &mut Matches) -> Outcome<Flow> {
        if self.is_match(subject, known)? {
            let by_term = matches!(self.query.order, Order::Term(..));
            let value = if by_term { self.first(subject)? } else { None };
            if !by_term || value.is_some() {
                matches.push(value.as_deref(), subject.key);
            }
        }
        Ok(Flow::Continue(()))
    }

    /// Collects every match of a range, which is offered to others; stops where there are more
    /// candidates than `budget`, of which those that others look at are none.
    fn collect_shared(
        &mut self,
        span: &Span,
        offer: &Offer<'_>,
        budget: u64,
        matches: &mut Matches,
    ) -> Outcome<Flow> {
        let (query, db, deadline) = (self.query, self.planner.db, self.deadline);
        let known = self.known_of(&Source::Span(span.clone()));
        let way = Way { keys_alone: known.exact, ..Way::default() };
        let taken = Cell::new(0);
        let shared = Shared::new(Share::new(query, span, revision(db)?, deadline));
        let mut next_offer = 0;
        let mut claim = |block: (&[u8], &[u8])| {
            // Before it is offered, so that nobody else takes this one.
            let turn = shared.claim(Side::Beginning, block);
            let taken = taken.get();
            if turn == Turn::Take && (next_offer..budget).contains(&taken) && shared.is_open() {
                next_offer = taken + MANY;
                offer(&shared);
            }
            Ok(turn)
        };
        let walked = span.each_claimed(db, way, Some(&mut claim), &mut |subject, _| {
            if taken.get() == budget {
                return Ok(Flow::Break(()));
            }
            taken.set(taken.get() + 1);
            self.take(subject, known, matches)
        })?;
        if walked.is_continue() {
            shared.end()?.iter().for_each(|others| matches.append(others));
        }
        Ok(walked)
    }

    /// The matches among the candidates of a range that are claimed from its end.
    fn part(
        &mut self,
        span: &Span,
        helping: &Helping<'_>,
        is_idle: impl Fn() -> bool,
    ) -> Outcome<Matches> {
        let db = self.planner.db;
        let known = self.known_of(&helping.source());
        let way = Way { backwards: true, any_order: true, keys_alone: known.exact };
        let mut matches = self.no_matches();
        let mut claim =
            |block: (&[u8], &[u8])| Ok(if is_idle() { helping.claim(block) } else { Turn::Stop });
        let _ = span.each_claimed(db, way, Some(&mut claim), &mut |subject, _| {
            self.take(subject, known, &mut matches)
        })?;
        Ok(matches)
    }
}

/// What holds of all candidates of a source.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// They lie in the range.
    inside: bool,
    /// The filter holds of them.
    exact: bool,
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
