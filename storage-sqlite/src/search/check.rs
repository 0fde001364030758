//! A filter made ready to be asked of index rows: names have become numbers.
//!
//! What a filter means is said by `Filter::matches` in core; this must agree with it, and the
//! conformance suite compares the two on random data.

use std::cell::Cell;
use std::collections::HashMap;

use packhouse_core::store::{Filter, Pattern, TermValue};
use rusqlite::{Connection, OptionalExtension};

use super::source::{above, below};
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;
use crate::fields::declared;

/// The most owners whose answer is remembered at a time.
const MOST_OWNERS: usize = 50_000;

/// A condition.
#[derive(Debug)]
pub(crate) enum Check {
    /// Begins with the one that failed last: it is likely to fail again.
    All(Vec<Check>, Cell<usize>),
    Any(Vec<Check>),
    Not(Box<Check>),
    /// One of these, which are sorted.
    OneOf(Vec<FieldId>, Vec<TermValue>),
    Contains(Vec<FieldId>, Vec<TermValue>),
    /// From the first bytes up to, not including, the second.
    Between(Vec<FieldId>, Vec<u8>, Vec<u8>),
    Like(Vec<FieldId>, Pattern),
    /// The number of this condition among those on owners, the kind's encoded name, the condition.
    Of(usize, Vec<u8>, Box<Check>),
}

/// What a condition is asked of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) carried: Carried<'a>,
}

/// What is known of owners during one search.
#[derive(Debug)]
pub(crate) struct Owners<'a> {
    pub(crate) db: &'a Connection,
    /// The answer by the condition's number and the owner's key.
    known: Vec<HashMap<Vec<u8>, bool>>,
}

impl<'a> Owners<'a> {
    pub(crate) fn new(db: &'a Connection) -> Self {
        Self { db, known: Vec::new() }
    }

    /// Makes a filter on records of a kind ready.
    pub(crate) fn compile(&mut self, kind: &str, filter: &Filter) -> Outcome<Check> {
        Ok(match filter {
            Filter::All(filters) => Check::All(self.compile_each(kind, filters)?, Cell::new(0)),
            Filter::Any(filters) => Check::Any(join_lists(self.compile_each(kind, filters)?)),
            Filter::Not(filter) => Check::Not(Box::new(self.compile(kind, filter)?)),
            Filter::Is(field, value) => {
                Check::OneOf(declared(self.db, kind, field)?.ids, vec![value.clone()])
            }
            Filter::Contains(field, values) => {
                Check::Contains(declared(self.db, kind, field)?.ids, values.clone())
            }
            Filter::Between(field, low, high) => {
                Check::Between(declared(self.db, kind, field)?.ids, above(low), below(high))
            }
            Filter::Like(field, pattern) => {
                Check::Like(declared(self.db, kind, field)?.ids, pattern.clone())
            }
            Filter::Of(kind, filter) => {
                let number = self.known.len();
                self.known.push(HashMap::new());
                let check = self.compile(kind.as_str(), filter)?;
                let kind = [kind.as_str().as_bytes(), b"\0"].concat();
                Check::Of(number, kind, Box::new(check))
            }
        })
    }

    fn compile_each(&mut self, kind: &str, filters: &[Filter]) -> Outcome<Vec<Check>> {
        filters.iter().map(|filter| self.compile(kind, filter)).collect()
    }

    /// Whether the owner exists and the condition holds of it.
    fn holds(&mut self, number: usize, check: &Check, owner: Vec<u8>) -> Outcome<bool> {
        if let Some(holds) = self.known[number].get(&owner) {
            return Ok(*holds);
        }
        let terms = terms_of(self.db, &owner)?;
        let holds = match &terms {
            Some(terms) => {
                let carried = Carried(terms).check(&owner)?;
                check.holds(Subject { key: &owner, carried }, self)?
            }
            None => false,
        };
        if self.known[number].len() == MOST_OWNERS {
            self.known[number].clear();
        }
        self.known[number].insert(owner, holds);
        Ok(holds)
    }
}

/// The encoded terms and owners of the record at a key.
pub(crate) fn terms_of(db: &Connection, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let mut find = db.prepare_cached("SELECT terms FROM records WHERE key = ?1")?;
    Ok(find.query_row([key], |row| row.get(0)).optional()?)
}

/// Whether a value lies between two. Values that are sorted are looked at no further than needed.
fn is_between(of: Carried<'_>, fields: &[FieldId], low: &[u8], high: &[u8]) -> bool {
    let mut values = of.values(fields).filter(|held| low <= *held);
    match fields {
        [_] => values.next().is_some_and(|held| held < high),
        _ => values.any(|held| held < high),
    }
}

impl Check {
    /// Whether the condition holds.
    pub(crate) fn holds(&self, subject: Subject<'_>, owners: &mut Owners<'_>) -> Outcome<bool> {
        let carried = subject.carried;
        Ok(match self {
            Self::All(checks, failed) => {
                let (before, from) = checks.split_at(failed.get());
                for (number, check) in from.iter().chain(before).enumerate() {
                    if !check.holds(subject, owners)? {
                        failed.set((failed.get() + number) % checks.len());
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(checks) => {
                for check in checks {
                    if check.holds(subject, owners)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(check) => !check.holds(subject, owners)?,
            Self::OneOf(field, values) => {
                let (Some(least), Some(most)) = (values.first(), values.last()) else {
                    return Ok(false);
                };
                let mut possible = carried
                    .values(field)
                    .filter(|held| least.as_bytes() <= *held && *held <= most.as_bytes());
                possible
                    .any(|held| values.binary_search_by(|value| value.as_bytes().cmp(held)).is_ok())
            }
            Self::Contains(field, values) => values
                .iter()
                .all(|value| carried.values(field).any(|held| held == value.as_bytes())),
            Self::Between(field, low, high) => is_between(carried, field, low, high),
            Self::Like(field, pattern) => carried.values(field).any(|held| {
                TermValue::from_bytes(held).as_text().is_some_and(|text| pattern.matches(&text))
            }),
            Self::Of(number, kind, check) => match carried.owner(subject.key, kind) {
                Some(owner) => owners.holds(*number, check, owner)?,
                None => false,
            },
        })
    }
}

/// Puts the lists of values of one field together: a list costs little more than one value.
fn join_lists(checks: Vec<Check>) -> Vec<Check> {
    let mut joined: Vec<Check> = Vec::with_capacity(checks.len());
    for check in checks {
        match (joined.last_mut(), check) {
            (Some(Check::OneOf(field, values)), Check::OneOf(other, more)) if *field == other => {
                values.extend(more);
            }
            (_, check) => joined.push(check),
        }
    }
    for check in &mut joined {
        if let Check::OneOf(_, values) = check {
            values.sort_unstable();
        }
    }
    joined
}
