//! What a candidate is found by and belongs to: as its record has it, or as its index row does.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension};

use crate::block::Block;
use crate::encoding::{Carried, FieldId};
use crate::fault::Outcome;

/// What a condition is asked of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) terms: Terms<'a>,
}

/// The terms and owners of a candidate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Terms<'a> {
    /// All of them.
    Whole(Carried<'a>),
    /// Those of an index row: all but the values of wildcard fields.
    Row(RowTerms<'a>),
}

/// The terms and owners that an index row has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowTerms<'a> {
    pub(crate) block: &'a Block<'a>,
    /// Its own term.
    pub(crate) field: FieldId,
    pub(crate) value: &'a [u8],
    pub(crate) carried: &'a [u8],
}

impl<'a> Subject<'a> {
    /// The encoded key of the owner of a kind, given as the kind's encoded name.
    pub(crate) fn owner(&self, kind: &[u8]) -> Option<Vec<u8>> {
        match self.terms {
            Terms::Whole(carried) => carried.owner(self.key, kind),
            Terms::Row(row) => row.block.owner(row.carried, self.key, kind),
        }
    }

    /// The least value of some fields of which the index rows have all values.
    pub(crate) fn first(&self, fields: &[FieldId]) -> Option<Cow<'a, [u8]>> {
        match self.terms {
            Terms::Whole(carried) => carried.values(fields).next().map(Cow::Borrowed),
            Terms::Row(row) => {
                let own = fields.contains(&row.field).then_some(Cow::Borrowed(row.value));
                let parts = row.block.parts(row.carried);
                let others = parts.filter(|part| fields.contains(&part.field));
                let others = others.map(|part| Cow::Owned([part.head, part.tail].concat()));
                own.into_iter().chain(others).min()
            }
        }
    }
}

/// The encoded terms and owners of the record at a key.
pub(crate) fn terms_of(db: &Connection, key: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let mut find = db.prepare_cached("SELECT terms FROM records WHERE key = ?1")?;
    Ok(find.query_row([key], |row| row.get(0)).optional()?)
}
