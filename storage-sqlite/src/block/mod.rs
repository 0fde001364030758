//! Index rows of one place, many in one block: what all of them share is written once.
//!
//! A block begins with the bytes that all its values begin with and those that all its rests of keys
//! begin with. Then come the rows in the order of value and rest, each with what is left of both, and
//! the length of what it carries: what else its record is found by and belongs to. That lies apart,
//! in the same order, so that those who want keys alone do not read it; before it come the block's
//! *slots*: a field and a head that the values of many terms share.
//!
//! What a row carries is a list of terms, each the number of its slot and what follows the head.
//! The row's own term is not among them. Number 0 stands for a term that has no slot: its field
//! and whole value follow. Owners are terms of the field 0, which has no declaration: the kind is
//! the head, and how much the owner shares with the record's own key begins what follows.

mod build;
mod merge;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::encoding::{Cursor, EncodedOwner, FieldId};
use crate::fault::{Fault, Outcome};

pub(crate) use self::merge::{Bound, RowChange, RowState, join, merge};

/// The most slots of a block.
const MOST_SLOTS: usize = 63;

/// The field that owners have within a block.
const OWNER: FieldId = 0;

const MALFORMED: Fault = Fault::Malformed("a block of index rows");

/// Fields and heads.
type Slots<'a> = Vec<(FieldId, &'a [u8])>;

/// A block that is read.
#[derive(Clone, Debug)]
pub(crate) struct Block<'a> {
    /// Tells it from every other block that this process reads.
    pub(crate) number: u64,
    /// What all values begin with.
    pub(crate) value: &'a [u8],
    /// What all rests of keys begin with.
    pub(crate) rest: &'a [u8],
    /// Fields and heads, by their numbers less one.
    slots: Slots<'a>,
    rows: &'a [u8],
    /// What the rows carry, one after the other, if one does and that is wanted.
    carried: Option<&'a [u8]>,
}

/// How many bytes of what rows carry have as much room as one of the rows themselves: a page has
/// those of some blocks side by side, and what the rows of one of them carry.
const CARRIED_TO_ROWS: usize = 5;

/// A block as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) rows: Vec<u8>,
    /// What the rows carry, if one does.
    pub(crate) carried: Option<Vec<u8>>,
}

impl Encoded {
    /// How much room it takes, in bytes that are carried.
    pub(crate) fn size(&self) -> usize {
        self.lengths().size()
    }

    fn lengths(&self) -> Lengths {
        Lengths { rows: self.rows.len(), carried: self.carried.as_ref().map_or(0, Vec::len) }
    }

    fn block(&self) -> Outcome<Block<'_>> {
        Block::of(&self.rows, self.carried.as_deref())
    }
}

/// How many bytes rows take, and what they carry.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths {
    rows: usize,
    carried: usize,
}

impl Lengths {
    /// How much room they take, in bytes that are carried.
    fn size(self) -> usize {
        self.carried.max(self.rows * CARRIED_TO_ROWS)
    }
}

/// A row of a block: what follows on that which all share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexRow<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) rest: &'a [u8],
    pub(crate) carried: Option<&'a [u8]>,
}

/// A term that a row carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part<'a> {
    /// The number of its slot; 0 where it has none.
    pub(crate) slot: usize,
    pub(crate) field: FieldId,
    /// What it shares with the values of its slot.
    pub(crate) head: &'a [u8],
    /// What follows.
    pub(crate) tail: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads what comes before the rows, and before what they carry. Without that all are bare.
    pub(crate) fn of(rows: &'a [u8], carried: Option<&'a [u8]>) -> Outcome<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut cursor = Cursor(rows);
        let mut read = || {
            let (value, rest) = (cursor.bytes()?, cursor.bytes()?);
            let (slots, carried) = match carried {
                Some(carried) => read_slots(carried).map(|(slots, left)| (slots, Some(left)))?,
                None => (Vec::new(), None),
            };
            Some(Self { number, value, rest, slots, rows: cursor.0, carried })
        };
        read().ok_or(MALFORMED)
    }

    /// The rows, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Outcome<IndexRow<'a>>> + use<'a> {
        let (mut cursor, mut carried) = (Cursor(self.rows), self.carried);
        std::iter::from_fn(move || {
            if cursor.0.is_empty() {
                return None;
            }
            let row = read_row(&mut cursor, &mut carried);
            if row.is_none() {
                cursor.0 = &[];
            }
            Some(row.ok_or(MALFORMED))
        })
    }

    /// What a row carries; ends early where that is damaged.
    pub(crate) fn parts(&self, carried: &'a [u8]) -> impl Iterator<Item = Part<'a>> {
        let mut cursor = Cursor(carried);
        std::iter::from_fn(move || {
            let slot = cursor.number()?;
            let (field, head): (_, &[u8]) = match slot.checked_sub(1) {
                Some(at) => *self.slots.get(at)?,
                None => (FieldId::try_from(cursor.number()?).ok()?, &[]),
            };
            Some(Part { slot, field, head, tail: cursor.bytes()? })
        })
    }

    /// Whether something holds of a term that a row carries, given as its slot, its field if it has
    /// no slot, and what follows the head. Only terms without a slot and of some slots are asked;
    /// ends early where what is carried is damaged.
    #[inline]
    pub(crate) fn any_part(
        &self,
        carried: &'a [u8],
        slots: u64,
        mut holds: impl FnMut(usize, FieldId, &'a [u8]) -> bool,
    ) -> bool {
        let mut cursor = Cursor(carried);
        let mut next = || {
            let slot = cursor.number()?;
            let field = if slot == 0 { FieldId::try_from(cursor.number()?).ok()? } else { OWNER };
            Some((slot, field, cursor.bytes()?))
        };
        while let Some((slot, field, tail)) = next() {
            let asked = slot == 0 || slots.checked_shr(slot as u32).unwrap_or(0) & 1 == 1;
            if asked && holds(slot, field, tail) {
                return true;
            }
        }
        false
    }

    /// The fields and heads of terms with the numbers of their slots.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (usize, FieldId, &'a [u8])> + '_ {
        self.slots.iter().enumerate().map(|(at, (field, head))| (at + 1, *field, *head))
    }

    /// The encoded key of the owner of a kind, given as the kind's encoded name.
    pub(crate) fn owner(&self, carried: &'a [u8], key: &[u8], kind: &[u8]) -> Option<Vec<u8>> {
        let mut owners = self.parts(carried).filter(|part| part.field == OWNER);
        let mut cursor = owners.find_map(|part| match part.slot {
            // Without a slot the kind comes first, with its length.
            0 => {
                let mut cursor = Cursor(part.tail);
                (cursor.bytes()? == kind).then_some(cursor)
            }
            _ => (part.head == kind).then_some(Cursor(part.tail)),
        })?;
        EncodedOwner { kind, shared: cursor.number()?, rest: cursor.0 }.of(key)
    }
}

/// The slots of a block, and what follows them.
fn read_slots(carried: &[u8]) -> Option<(Slots<'_>, &[u8])> {
    let mut cursor = Cursor(carried);
    // A set of them fits into a number.
    let count = cursor.number().filter(|count| *count <= MOST_SLOTS)?;
    let slot = |_| Some((FieldId::try_from(cursor.number()?).ok()?, cursor.bytes()?));
    let slots = (0..count).map(slot).collect::<Option<_>>()?;
    Some((slots, cursor.0))
}

#[inline]
fn read_row<'a>(cursor: &mut Cursor<'a>, left: &mut Option<&'a [u8]>) -> Option<IndexRow<'a>> {
    let (value, rest) = (cursor.bytes()?, cursor.bytes()?);
    let carried = match (cursor.number()?.checked_sub(1), &mut *left) {
        (None, _) | (_, None) => None,
        (Some(length), Some(left)) => {
            let (carried, others) = left.split_at_checked(length)?;
            *left = others;
            Some(carried)
        }
    };
    Some(IndexRow { value, rest, carried })
}

/// The head of a value: up to its first zero byte, if it is ASCII so far. Values that have a name
/// begin with it so, and many share it. No head is the beginning of another one.
pub(crate) fn head(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| !(1..0x80).contains(byte));
    &value[..end.filter(|end| value[*end] == 0).map_or(0, |end| end + 1)]
}
