//! Which source of candidates is the cheapest for a filter.
//!
//! Every condition that an index can answer is counted, but only up to the size of the smallest
//! one (times a small factor): planning costs no more than answering. Who wants one page only says
//! how far to count at most, because a page may cost far less than all matches.

use packhouse_core::store::{Field, Filter, Order, Query, TermValue};
use rusqlite::{Connection, OptionalExtension};

use super::source::{Source, Span, above, below, place};
use crate::encoding::prefix_lengths;
use crate::fault::Outcome;
use crate::fields::declared;
use crate::texts;

/// Up to how many candidates conditions are counted at first, and by how much further each time.
const FIRST: u64 = 64;
const FURTHER: u64 = 8;

/// What to look through for a filter.
#[derive(Debug)]
enum Clause {
    /// Any one of these gives every match.
    OneOf(Vec<Clause>),
    /// All of these together give every match.
    Each(Vec<Clause>),
    /// This gives every match.
    Source(Source),
    /// No index helps.
    Unusable,
}

/// The candidates chosen for a filter.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) source: Source,
    /// How many candidates there are.
    pub(crate) count: u64,
}

/// A range of keys, and the connection that plans a search within it.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) kind: &'a str,
    /// The first key, and the first after the range.
    pub(crate) keys: (Vec<u8>, Vec<u8>),
    /// Whether the terms of candidates are looked at; their keys alone are read faster.
    with_terms: bool,
}

/// A field that the index knows in this range.
pub(crate) struct Indexed {
    pub(crate) place: i64,
    pub(crate) scope: Vec<u8>,
    pub(crate) records: u64,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(db: &'a Connection, query: &'a Query) -> Self {
        let range = &query.range;
        let keys = (range.prefix().to_vec(), range.end());
        let with_terms = !query.filter.is_everything() || matches!(query.order, Order::Term(..));
        Self { db, kind: range.kind().as_str(), keys, with_terms }
    }

    /// How many records the range holds, from the counters.
    pub(crate) fn size(&self) -> Outcome<u64> {
        let below: Option<u64> = self
            .db
            .prepare_cached("SELECT records FROM counts WHERE prefix = ?1")?
            .query_row([&self.keys.0], |row| row.get(0))
            .optional()?;
        let at: bool = self
            .db
            .prepare_cached("SELECT 1 FROM records WHERE key = ?1")?
            .exists([&self.keys.0])?;
        Ok(below.unwrap_or(0) + u64::from(at))
    }

    /// Every record of the range.
    pub(crate) fn everything(&self) -> Source {
        let (low, high) = self.keys.clone();
        Source::Keys { low, high, with_terms: self.with_terms }
    }

    /// The cheapest source for a filter, which is the whole range of `size` records at worst;
    /// `None` when every source has `counted` candidates or more.
    pub(crate) fn choose(
        &self,
        filter: &Filter,
        size: u64,
        counted: u64,
    ) -> Outcome<Option<Choice>> {
        let clause = self.clause(filter)?;
        let everything = || Choice { source: self.everything(), count: size };
        if matches!(clause, Clause::Unusable) {
            return Ok(Some(everything()));
        }
        // Counting further than the range is long says nothing more.
        let end = size.min(counted);
        let bounds = std::iter::successors(Some(FIRST), |most| most.checked_mul(FURTHER));
        for most in bounds.take_while(|most| *most < end).chain([end]) {
            if let Some(choice) = self.cheapest(&clause, most)? {
                return Ok(Some(choice));
            }
        }
        Ok((size <= counted).then(everything))
    }

    /// Sources that each give every match of a filter, none of them counted.
    pub(crate) fn uncounted(&self, filter: &Filter) -> Outcome<Vec<Source>> {
        let source = |clause| match clause {
            Clause::Source(source) => Some(source),
            _ => None,
        };
        Ok(match self.clause(filter)? {
            Clause::OneOf(clauses) => clauses.into_iter().filter_map(source).collect(),
            clause => source(clause).into_iter().collect(),
        })
    }

    /// The index of a field in this range: `None` when it cannot be asked, `Some(None)` when no
    /// record here has the field.
    pub(crate) fn indexed(&self, field: &Field) -> Outcome<Option<Option<Indexed>>> {
        let declared = declared(self.db, self.kind, field)?;
        if !declared.indexed {
            return Ok(None);
        }
        let [id] = declared.ids[..] else { return Ok(Some(None)) };
        let scope = prefix_lengths(&self.keys.0).nth(field.scope).unwrap_or(self.keys.0.len());
        let scope = &self.keys.0[..scope];
        Ok(Some(place(self.db, id, scope)?.map(|(place, records)| Indexed {
            place,
            scope: scope.to_vec(),
            records,
        })))
    }

    fn clause(&self, filter: &Filter) -> Outcome<Clause> {
        let clauses = |filters: &[Filter]| -> Outcome<Vec<Clause>> {
            filters.iter().map(|filter| self.clause(filter)).collect()
        };
        Ok(match filter {
            Filter::All(filters) => one_of(clauses(filters)?),
            Filter::Any(filters) => each(clauses(filters)?),
            Filter::Not(_) | Filter::Of(..) => Clause::Unusable,
            Filter::Is(field, value) => self.by_field(field, |at| {
                vec![Source::Span(Span::point(at.place, at.scope, value.as_bytes(), &self.keys))]
            })?,
            // Holds of every record, also of those without the field.
            Filter::Contains(_, values) if values.is_empty() => Clause::Unusable,
            Filter::Contains(field, values) => self.by_field(field, |at| {
                let point = |value: &TermValue| {
                    Span::point(at.place, at.scope.clone(), value.as_bytes(), &self.keys)
                };
                values.iter().map(|value| Source::Span(point(value))).collect()
            })?,
            Filter::Between(field, low, high) => self.by_field(field, |at| {
                vec![Source::Span(Span::between(at.place, at.scope, above(low), below(high)))]
            })?,
            Filter::Like(field, pattern) => self.by_field(field, |at| {
                let question = texts::question(at.place, pattern).map(Source::Texts);
                let whole = Span::between(at.place, at.scope, Vec::new(), vec![0xff]);
                question.into_iter().chain([Source::Span(whole)]).collect()
            })?,
        })
    }

    /// Sources of a condition on a field, each of which gives every match.
    fn by_field(
        &self,
        field: &Field,
        sources: impl FnOnce(Indexed) -> Vec<Source>,
    ) -> Outcome<Clause> {
        Ok(match self.indexed(field)? {
            None => Clause::Unusable,
            Some(None) => Clause::Source(Source::Nothing),
            Some(Some(at)) => one_of(sources(at).into_iter().map(Clause::Source).collect()),
        })
    }

    /// The cheapest source of a clause among those with fewer candidates than `most`.
    fn cheapest(&self, clause: &Clause, most: u64) -> Outcome<Option<Choice>> {
        match clause {
            Clause::Unusable => Ok(None),
            Clause::Source(source) => {
                let count = source.count_below(self.db, most)?;
                Ok(count.map(|count| Choice { source: source.clone(), count }))
            }
            Clause::OneOf(clauses) => {
                let mut best: Option<Choice> = None;
                for clause in clauses {
                    let most = best.as_ref().map_or(most, |best| best.count);
                    best = self.cheapest(clause, most)?.or(best);
                }
                Ok(best)
            }
            Clause::Each(clauses) => {
                let mut all = Choice { source: Source::Nothing, count: 0 };
                let mut sources = Vec::with_capacity(clauses.len());
                for clause in clauses {
                    let Some(choice) = self.cheapest(clause, most - all.count)? else {
                        return Ok(None);
                    };
                    all.count += choice.count;
                    sources.push(choice.source);
                }
                all.source = Source::Union(sources);
                Ok(Some(all))
            }
        }
    }
}

fn one_of(mut clauses: Vec<Clause>) -> Clause {
    clauses.retain(|clause| !matches!(clause, Clause::Unusable));
    match clauses.len() {
        0 => Clause::Unusable,
        1 => clauses.swap_remove(0),
        _ => Clause::OneOf(clauses),
    }
}

fn each(mut clauses: Vec<Clause>) -> Clause {
    match clauses.len() {
        1 => clauses.swap_remove(0),
        _ if clauses.iter().any(|clause| matches!(clause, Clause::Unusable)) => Clause::Unusable,
        _ => Clause::Each(clauses),
    }
}
