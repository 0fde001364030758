//! A filter made ready to be asked of candidates: names have become numbers.
//!
//! What a filter means is said by `Filter::matches` in core; this must agree with it, and the
//! conformance suite compares the two on random data.

use std::cell::Cell;
use std::collections::HashMap;

use packhouse_core::store::Filter;
use rusqlite::Connection;

use super::leaf::Leaf;
use super::source::{above, below};
use super::terms::{Subject, Terms, terms_of};
use crate::encoding::Carried;
use crate::fault::Outcome;
use crate::fields::declared;

/// The most owners whose answer is remembered at a time.
const MOST_OWNERS: usize = 50_000;

/// A condition.
#[derive(Debug)]
pub(crate) enum Check {
    /// So many of them look nothing up and come first; the one of those that failed last goes
    /// before all: it is likely to fail again.
    All {
        checks: Vec<Check>,
        quick: usize,
        failed: Cell<usize>,
    },
    Any(Vec<Check>),
    Not(Box<Check>),
    Leaf(Leaf),
    /// The number of this condition among those on owners, the kind's encoded name, the condition.
    Of(usize, Vec<u8>, Box<Check>),
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
            Filter::All(filters) => all(self.compile_each(kind, filters)?),
            Filter::Any(filters) => any(self.compile_each(kind, filters)?),
            Filter::Not(filter) => Check::Not(Box::new(self.compile(kind, filter)?)),
            Filter::Is(field, value) => {
                Check::Leaf(Leaf::is(declared(self.db, kind, field)?, value))
            }
            Filter::Contains(field, values) => {
                let declared = declared(self.db, kind, field)?;
                let is = |value| Check::Leaf(Leaf::is(declared.clone(), value));
                all(values.iter().map(is).collect())
            }
            Filter::Between(field, low, high) => {
                let declared = declared(self.db, kind, field)?;
                Check::Leaf(Leaf::between(declared, &above(low), &below(high)))
            }
            Filter::Like(field, pattern) => {
                Check::Leaf(Leaf::like(declared(self.db, kind, field)?, pattern))
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
                let terms = Terms::Whole(Carried(terms).check(&owner)?);
                check.holds(Subject { key: &owner, terms }, self)?
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

fn all(mut checks: Vec<Check>) -> Check {
    if checks.len() == 1 {
        return checks.remove(0);
    }
    checks.sort_by_key(Check::looks_up);
    let quick = checks.iter().filter(|check| !check.looks_up()).count();
    Check::All { checks, quick, failed: Cell::new(0) }
}

fn any(checks: Vec<Check>) -> Check {
    let mut joined: Vec<Check> = Vec::with_capacity(checks.len());
    for check in checks {
        let other = match (joined.last_mut(), check) {
            (Some(Check::Leaf(leaf)), Check::Leaf(other)) => leaf.join(other).map(Check::Leaf),
            (_, check) => Some(check),
        };
        joined.extend(other);
    }
    if joined.len() == 1 {
        return joined.remove(0);
    }
    joined.sort_by_key(Check::looks_up);
    Check::Any(joined)
}

impl Check {
    /// Whether other records than the candidate's index row may have to be looked up.
    fn looks_up(&self) -> bool {
        match self {
            Self::All { checks, .. } | Self::Any(checks) => checks.iter().any(Self::looks_up),
            Self::Not(check) => check.looks_up(),
            Self::Leaf(leaf) => leaf.is_of_records,
            Self::Of(..) => true,
        }
    }

    /// Whether the condition holds.
    pub(crate) fn holds(&self, subject: Subject<'_>, owners: &mut Owners<'_>) -> Outcome<bool> {
        match self {
            Self::All { checks, quick, failed } => {
                let first = failed.get();
                for number in (first..*quick).chain(0..first).chain(*quick..checks.len()) {
                    if !checks[number].holds(subject, owners)? {
                        if number < *quick {
                            failed.set(number);
                        }
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(checks) => {
                for check in checks {
                    if check.holds(subject, owners)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(check) => Ok(!check.holds(subject, owners)?),
            Self::Leaf(leaf) => leaf.holds(subject, owners.db),
            Self::Of(number, kind, check) => match subject.owner(kind) {
                Some(owner) => owners.holds(*number, check, owner),
                None => Ok(false),
            },
        }
    }
}
