//! Writing a block.

use super::{Block, Encoded, Lengths, MOST_SLOTS, OWNER, head};
use crate::encoding::{Carried, FieldId, put_bytes, put_number};

/// The longest head that a slot may have, in bytes.
const LONGEST_HEAD: usize = 255;

/// What a row is to carry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load<'a> {
    Nothing,
    /// As it was in a block that had the first slots of this one.
    Verbatim(&'a [u8]),
    /// As it was in another block.
    Of(&'a Block<'a>, &'a [u8]),
    /// What a record is found by, but for the row's own term.
    Found(Carried<'a>, FieldId),
}

/// A block that is written.
#[derive(Debug, Default)]
pub(super) struct Builder<'a> {
    /// How many bytes all values share, and all rests.
    value: &'a [u8],
    rest: &'a [u8],
    slots: Vec<(FieldId, Box<[u8]>)>,
    rows: Vec<u8>,
    /// What the rows carry, if one does.
    carried: Option<Vec<u8>>,
}

impl Block<'_> {
    /// Whether there is room for more slots.
    pub(super) fn has_room(&self) -> bool {
        self.slots.len() < MOST_SLOTS
    }
}

impl<'a> Builder<'a> {
    /// A block with what all its values and all its rests begin with.
    pub(super) fn new(value: &'a [u8], rest: &'a [u8]) -> Self {
        Self { value, rest, ..Self::default() }
    }

    /// The same with the slots of another block, so that its rows carry here what they did there.
    pub(super) fn with_slots_of(mut self, block: &Block<'_>) -> Self {
        self.slots = block.slots.iter().map(|(field, head)| (*field, (*head).into())).collect();
        self
    }

    /// How many bytes the rows take so far.
    pub(super) fn lengths(&self) -> Lengths {
        Lengths { rows: self.rows.len(), carried: self.carried.as_ref().map_or(0, Vec::len) }
    }

    /// Adds the next row.
    pub(super) fn push(&mut self, value: &[u8], rest: &[u8], load: Load<'_>) {
        put_bytes(&mut self.rows, &value[self.value.len()..]);
        put_bytes(&mut self.rows, &rest[self.rest.len()..]);
        let mut carried = Vec::new();
        let carried = match load {
            Load::Nothing => return put_number(&mut self.rows, 0),
            Load::Verbatim(carried) => carried,
            Load::Of(block, before) => {
                for part in block.parts(before) {
                    match part.slot {
                        0 => put_whole(&mut carried, part.field, part.tail),
                        _ => self.put(&mut carried, part.field, part.head, part.tail),
                    }
                }
                &carried
            }
            Load::Found(found, own) => {
                for (field, term) in found.terms() {
                    if field != own || term != value {
                        let (head, tail) = term.split_at(head(term).len());
                        self.put(&mut carried, field, head, tail);
                    }
                }
                for owner in found.encoded_owners() {
                    let mut tail = Vec::with_capacity(owner.rest.len() + 1);
                    put_number(&mut tail, owner.shared);
                    tail.extend_from_slice(owner.rest);
                    self.put(&mut carried, OWNER, owner.kind, &tail);
                }
                &carried
            }
        };
        put_number(&mut self.rows, carried.len() + 1);
        self.carried.get_or_insert_default().extend_from_slice(carried);
    }

    /// Adds a term to what a row carries.
    fn put(&mut self, carried: &mut Vec<u8>, field: FieldId, head: &[u8], tail: &[u8]) {
        let held = self.slots.iter().position(|(of, held)| *of == field && **held == *head);
        let slot = held.or_else(|| {
            let fits = self.slots.len() < MOST_SLOTS && head.len() <= LONGEST_HEAD;
            fits.then(|| self.slots.push((field, head.into())))?;
            Some(self.slots.len() - 1)
        });
        match slot {
            Some(at) => {
                put_number(carried, at + 1);
                put_bytes(carried, tail);
            }
            None if field == OWNER => {
                let mut whole = Vec::new();
                put_bytes(&mut whole, head);
                whole.extend_from_slice(tail);
                put_whole(carried, field, &whole);
            }
            None => put_whole(carried, field, &[head, tail].concat()),
        }
    }

    /// The block.
    pub(super) fn finish(self) -> Encoded {
        let mut rows = Vec::with_capacity(self.rows.len() + 64);
        put_bytes(&mut rows, self.value);
        put_bytes(&mut rows, self.rest);
        rows.extend_from_slice(&self.rows);
        let carried = self.carried.map(|carried| {
            let mut bytes = Vec::with_capacity(carried.len() + 256);
            put_number(&mut bytes, self.slots.len());
            for (field, head) in &self.slots {
                put_number(&mut bytes, *field as usize);
                put_bytes(&mut bytes, head);
            }
            bytes.extend_from_slice(&carried);
            bytes
        });
        Encoded { rows, carried }
    }
}

/// Adds a term that has no slot.
fn put_whole(carried: &mut Vec<u8>, field: FieldId, value: &[u8]) {
    put_number(carried, 0);
    put_number(carried, field as usize);
    put_bytes(carried, value);
}
