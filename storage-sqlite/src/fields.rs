//! The declarations of fields: their numbers, and how they are found.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use packhouse_core::store::Field;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::encoding::FieldId;
use crate::fault::{Fault, Outcome};

/// The numbers of the fields of one name within a kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// Every declaration of the name; usually one, none when no record ever had it.
    pub(crate) ids: Vec<FieldId>,
    /// Whether the index can be asked: every record's rows are where the declaration at hand says.
    pub(crate) indexed: bool,
    /// Whether a declaration is for wildcards: index rows do not carry the values.
    pub(crate) wildcard: bool,
}

/// Looks a field of a query up.
pub(crate) fn declared(connection: &Connection, kind: &str, field: &Field) -> Outcome<Declared> {
    let mut found = connection.prepare_cached(
        "SELECT id, name, scope, wildcard FROM fields WHERE kind = ?1 AND name = ?2",
    )?;
    let mut rows = found.query((kind, &field.name))?;
    let mut declared = Declared { ids: Vec::new(), indexed: true, wildcard: false };
    while let Some(row) = rows.next()? {
        let held = field_of(row)?;
        declared.indexed &= held == *field;
        declared.wildcard |= held.wildcard;
        declared.ids.push(row.get(0)?);
    }
    // The order in which `Record::terms` has them.
    declared.indexed &= declared.ids.len() < 2;
    Ok(declared)
}

/// The fields of a connection by their numbers. A committed number never changes its meaning.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    known: HashMap<FieldId, Field>,
}

impl Fields {
    /// The field with a number.
    pub(crate) fn get(&mut self, connection: &Connection, id: FieldId) -> Outcome<&Field> {
        match self.known.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let field = connection
                    .prepare_cached("SELECT id, name, scope, wildcard FROM fields WHERE id = ?1")?
                    .query_row([id], field_of)
                    .optional()?;
                Ok(unknown.insert(field.ok_or(Fault::Malformed("the number of a field"))?))
            }
        }
    }

    /// Forgets everything, when numbers that were given have been taken back.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }
}

/// The numbers of fields by their declarations, for the one who writes.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    known: HashMap<String, HashMap<Field, FieldId>>,
}

impl Numbers {
    /// The number of a field, which is given one if it has none.
    pub(crate) fn of(&mut self, db: &Connection, kind: &str, field: &Field) -> Outcome<FieldId> {
        if let Some(id) = self.known.get(kind).and_then(|fields| fields.get(field)) {
            return Ok(*id);
        }
        let values = (kind, &field.name, field.scope, field.wildcard);
        let held = db
            .prepare_cached(
                "SELECT id FROM fields WHERE kind = ?1 AND name = ?2 AND scope = ?3 AND wildcard = ?4",
            )?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let id = match held {
            Some(id) => id,
            None => db
                .prepare_cached(
                    "INSERT INTO fields (kind, name, scope, wildcard) VALUES (?1, ?2, ?3, ?4) RETURNING id",
                )?
                .query_row(values, |row| row.get(0))?,
        };
        self.known.entry(kind.to_owned()).or_default().insert(field.clone(), id);
        Ok(id)
    }

    /// Forgets everything, when numbers that were given have been taken back.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }
}

fn field_of(row: &Row<'_>) -> rusqlite::Result<Field> {
    let name = Cow::Owned(row.get(1)?);
    Ok(Field { name, scope: row.get(2)?, wildcard: row.get(3)? })
}
