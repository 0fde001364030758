//! Which sources of candidates a filter has.

use packhouse_core::store::{Field, Filter, Order, Query, TermValue};
use rusqlite::{Connection, OptionalExtension};

use super::source::{Source, above, below, place};
use super::span::Span;
use crate::encoding::{FieldId, prefix_lengths};
use crate::fault::Outcome;
use crate::fields::declared;
use crate::texts;

/// Up to how many candidates conditions are counted at first, and by how much further each time.
const FIRST: u64 = 64;
const FURTHER: u64 = 8;

/// How many candidates from an index row cost as much as one from a record.
pub(super) const RECORD_COST: u64 = 5;

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

/// A range of keys, and the connection that plans a search within it.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) kind: &'a str,
    /// The first key, and the first after the range.
    pub(crate) keys: (Vec<u8>, Vec<u8>),
    /// How many records the range holds, from the counters.
    pub(crate) size: u64,
    /// Whether the terms of candidates are looked at; their keys alone are read faster.
    with_terms: bool,
}

/// A field that the index knows in this range.
pub(crate) struct Indexed {
    /// The place, and its field.
    pub(crate) place: (i64, FieldId),
    pub(crate) scope: Vec<u8>,
    pub(crate) records: u64,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(db: &'a Connection, query: &'a Query) -> Outcome<Self> {
        let range = &query.range;
        let keys = (range.prefix().to_vec(), range.end());
        let with_terms = !query.filter.is_everything() || matches!(query.order, Order::Term(..));
        let size = size(db, &keys.0)?;
        Ok(Self { db, kind: range.kind().as_str(), keys, size, with_terms })
    }

    /// Whether a key lies in the range.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        self.keys.0.as_slice() <= key && key < self.keys.1.as_slice()
    }

    /// Every record of the range.
    pub(crate) fn everything(&self) -> Source {
        let (low, high) = self.keys.clone();
        Source::Keys { low, high, with_terms: self.with_terms }
    }

    /// Sources that each give every match of a filter; none when no index helps.
    pub(crate) fn sources(&self, filter: &Filter) -> Outcome<Vec<Source>> {
        Ok(match self.clause(filter)? {
            Clause::Unusable => Vec::new(),
            Clause::OneOf(clauses) => {
                clauses.into_iter().map(|clause| self.whole(clause)).collect::<Outcome<_>>()?
            }
            clause => vec![self.whole(clause)?],
        })
    }

    /// Whether all candidates of a source may lie outside the range.
    pub(crate) fn is_wider(&self, source: &Source) -> bool {
        match source {
            Source::Nothing | Source::Keys { .. } => false,
            Source::Span(span) => span.is_wider_than(&self.keys),
            // All places have one index of texts.
            Source::Texts(_) => true,
            Source::Union(sources) => sources.iter().any(|source| self.is_wider(source)),
        }
    }

    /// The source with the fewest candidates, which are counted: each up to the size of the
    /// smallest, or a small factor above it, and no further than would be as slow as the whole
    /// range.
    pub(crate) fn fewest(&self, sources: &[Source]) -> Outcome<Source> {
        let enough = self.size.saturating_mul(RECORD_COST);
        let mut most = FIRST;
        loop {
            let (mut best, mut least) = (None, most);
            for source in sources.iter().filter(|source| !source.is_of_records()) {
                if let Some(count) = source.count_below(self.db, least)? {
                    (best, least) = (Some(source), count);
                }
            }
            if let Some(source) = best {
                return Ok(source.clone());
            }
            if sources.is_empty() || most >= enough {
                return Ok(self.everything());
            }
            most *= FURTHER;
        }
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
            place: (place, id),
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
                let question = texts::question(at.place.0, pattern).map(Source::Texts);
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

    /// A clause as one source that gives every match.
    fn whole(&self, clause: Clause) -> Outcome<Source> {
        let each = |clauses: Vec<Clause>| -> Outcome<Vec<Source>> {
            clauses.into_iter().map(|clause| self.whole(clause)).collect()
        };
        Ok(match clause {
            Clause::Unusable => self.everything(),
            Clause::Source(source) => source,
            Clause::Each(clauses) => Source::Union(each(clauses)?),
            Clause::OneOf(clauses) => self.fewest(&each(clauses)?)?,
        })
    }
}

/// How many records there are at a key and below it.
fn size(db: &Connection, key: &[u8]) -> Outcome<u64> {
    let below: Option<u64> = db
        .prepare_cached("SELECT records FROM counts WHERE prefix = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let at = db.prepare_cached("SELECT 1 FROM records WHERE key = ?1")?.exists([key])?;
    Ok(below.unwrap_or(0) + u64::from(at))
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
