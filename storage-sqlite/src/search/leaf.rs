//! A condition on the values of one field, asked of records and of index rows.

use std::cell::Cell;

use packhouse_core::store::{Pattern, TermValue};

use super::terms::{RowTerms, Subject, Terms, terms_of};
use crate::block::{Block, head};
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;
use crate::fields::Declared;

/// At least one value of a field passes a test.
#[derive(Debug)]
pub(crate) struct Leaf {
    fields: Vec<FieldId>,
    /// Whether index rows do not have the values: it is asked of the record.
    pub(crate) is_of_records: bool,
    /// What every value that can pass begins with; empty when they differ. The test is of what
    /// follows.
    head: Vec<u8>,
    test: Test,
    /// The slots of the block that was looked at last that can pass: its number, and a bit a slot.
    slots: Cell<(u64, u64)>,
}

#[derive(Debug)]
enum Test {
    /// One of these, which are sorted.
    OneOf(Vec<Vec<u8>>),
    /// From the first bytes up to, not including, the second.
    Between(Vec<u8>, Vec<u8>),
    Like(Pattern),
}

impl Leaf {
    fn new(declared: Declared, head: Vec<u8>, test: Test) -> Self {
        let Declared { ids, wildcard, .. } = declared;
        Self { fields: ids, is_of_records: wildcard, head, test, slots: Cell::default() }
    }

    pub(crate) fn is(declared: Declared, value: &TermValue) -> Self {
        let value = value.as_bytes();
        let (head, tail) = value.split_at(head(value).len());
        Self::new(declared, head.to_vec(), Test::OneOf(vec![tail.to_vec()]))
    }

    /// From the first bytes up to, not including, the second.
    pub(crate) fn between(declared: Declared, low: &[u8], high: &[u8]) -> Self {
        let head = head(low);
        // What lies between two that begin alike begins so too.
        match high.strip_prefix(head) {
            Some(high) => {
                let test = Test::Between(low[head.len()..].to_vec(), high.to_vec());
                Self::new(declared, head.to_vec(), test)
            }
            None => Self::new(declared, Vec::new(), Test::Between(low.to_vec(), high.to_vec())),
        }
    }

    pub(crate) fn like(declared: Declared, pattern: &Pattern) -> Self {
        Self::new(declared, Vec::new(), Test::Like(pattern.clone()))
    }

    /// Takes the values of another list of the same field in; gives it back if it is something
    /// else. A list costs little more than one value.
    pub(crate) fn join(&mut self, other: Self) -> Option<Self> {
        let alike = self.fields == other.fields && self.head == other.head;
        match (&mut self.test, other) {
            (Test::OneOf(values), Self { test: Test::OneOf(more), .. }) if alike => {
                values.extend(more);
                values.sort_unstable();
                None
            }
            (_, other) => Some(other),
        }
    }

    /// Whether a value passes.
    pub(crate) fn holds(&self, subject: Subject<'_>, db: &rusqlite::Connection) -> Outcome<bool> {
        Ok(match subject.terms {
            Terms::Whole(carried) => self.holds_of(carried),
            Terms::Row(row) if self.holds_of_own(row) => true,
            Terms::Row(_) if self.is_of_records => {
                let terms = terms_of(db, subject.key)?.unwrap_or_default();
                self.holds_of(Carried(&terms).check(subject.key)?)
            }
            Terms::Row(row) => self.holds_of_carried(row),
        })
    }

    fn holds_of(&self, carried: Carried<'_>) -> bool {
        carried.values(&self.fields).any(|value| self.passes(value))
    }

    fn holds_of_own(&self, row: RowTerms<'_>) -> bool {
        self.fields.contains(&row.field) && self.passes(row.value)
    }

    fn holds_of_carried(&self, row: RowTerms<'_>) -> bool {
        if !self.head.is_empty() {
            let slots = self.slots_of(row.block);
            return row.block.any_part(row.carried, slots, |slot, field, tail| match slot {
                0 => self.fields.contains(&field) && self.passes(tail),
                _ => self.test.passes(tail),
            });
        }
        row.block.parts(row.carried).any(|part| {
            self.fields.contains(&part.field)
                && match part.head {
                    [] => self.test.passes(part.tail),
                    head => self.test.passes(&[head, part.tail].concat()),
                }
        })
    }

    /// The slots of a block whose values may pass: those of the field and with the head.
    fn slots_of(&self, block: &Block<'_>) -> u64 {
        let (number, slots) = self.slots.get();
        if number == block.number {
            return slots;
        }
        let may_pass = |(_, field, head): &(usize, FieldId, &[u8])| {
            self.fields.contains(field) && self.head == *head
        };
        let slots = block.slots().filter(may_pass).fold(0, |slots, (slot, ..)| slots | 1 << slot);
        self.slots.set((block.number, slots));
        slots
    }

    fn passes(&self, value: &[u8]) -> bool {
        value.strip_prefix(self.head.as_slice()).is_some_and(|tail| self.test.passes(tail))
    }
}

impl Test {
    fn passes(&self, value: &[u8]) -> bool {
        match self {
            Self::OneOf(values) => match values.as_slice() {
                [one] => one == value,
                many => many.binary_search_by(|one| one.as_slice().cmp(value)).is_ok(),
            },
            Self::Between(low, high) => low.as_slice() <= value && value < high.as_slice(),
            Self::Like(pattern) => {
                TermValue::from_bytes(value).as_text().is_some_and(|text| pattern.matches(&text))
            }
        }
    }
}
