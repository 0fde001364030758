//! What records are found by: index rows, `places` and `texts`.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use packhouse_core::store::TermValue;
use rusqlite::{Connection, OptionalExtension};

use super::apply::Pending;
use super::rows::RowChanges;
use crate::encoding::{Carried, FieldId, prefix_lengths};
use crate::fault::{Fault, Outcome};
use crate::fields::{Fields, Numbers};
use crate::texts;

/// An index row does not carry more than this.
const MOST_CARRIED: usize = 1024;

/// How many rows are written together, where all are; few where programs are built for tests.
const ROWS_TOGETHER: usize = if cfg!(debug_assertions) { 1_500 } else { 100_000 };

/// The most places to remember.
const MOST_PLACES: usize = 10_000;

/// What the writer remembers of fields and places.
#[derive(Debug)]
pub(super) struct Index {
    carry_from: u32,
    pub(super) numbers: Numbers,
    fields: Fields,
    places: HashMap<(FieldId, Vec<u8>), i64>,
}

/// Where a record is found: place, value, the rest of its key, and the place's field.
type Entry<'a> = (i64, &'a [u8], &'a [u8], FieldId);

/// All that one version of a record is found by.
#[derive(Default)]
struct Found<'a> {
    entries: BTreeSet<Entry<'a>>,
    places: BTreeSet<i64>,
    text: String,
    /// What index rows carry of it: not the long texts that wildcards are for.
    carried: Vec<u8>,
}

impl<'a> Found<'a> {
    /// Puts the rows of entries of which something holds.
    fn put(&self, rows: &mut RowChanges, mut holds: impl FnMut(&Entry<'a>) -> bool) {
        let carried: Option<Rc<[u8]>> =
            (self.carried.len() <= MOST_CARRIED).then(|| self.carried.as_slice().into());
        for entry in self.entries.iter().filter(|entry| holds(entry)) {
            let (place, value, rest, field) = entry;
            rows.put((*place, value.to_vec(), rest.to_vec()), *field, carried.clone());
        }
    }
}

impl Index {
    pub(super) fn new(carry_from: u32) -> Self {
        let (numbers, fields) = (Numbers::default(), Fields::default());
        Self { carry_from, numbers, fields, places: HashMap::new() }
    }

    /// Forgets everything, when numbers that were given have been taken back.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.fields.clear();
        self.places.clear();
    }

    /// Changes what a record is found by from the old blob to the new one.
    pub(super) fn change(
        &mut self,
        db: &Connection,
        id: i64,
        key: &[u8],
        old: &[u8],
        new: &[u8],
        pending: &mut Pending,
    ) -> Outcome<()> {
        if old == new {
            return Ok(());
        }
        let (before, after) = (self.found(db, key, old)?, self.found(db, key, new)?);
        let rows = &mut pending.rows;
        for (place, value, rest, field) in before.entries.difference(&after.entries) {
            rows.remove((*place, value.to_vec(), rest.to_vec()), *field);
        }
        let same = before.carried == after.carried;
        after.put(rows, |entry| !same || !before.entries.contains(entry));
        for place in before.places.difference(&after.places) {
            *pending.places.entry(*place).or_default() -= 1;
        }
        for place in after.places.difference(&before.places) {
            *pending.places.entry(*place).or_default() += 1;
        }
        change_text(db, id, &before.text, &after.text)
    }

    fn found<'a>(&mut self, db: &Connection, key: &'a [u8], blob: &'a [u8]) -> Outcome<Found<'a>> {
        let mut found = Found::default();
        let mut long = BTreeSet::new();
        for (field, value) in Carried(blob).check(key)?.terms() {
            let declared = self.fields.get(db, field)?;
            let wildcard = declared.wildcard;
            let scope = prefix_lengths(key).nth(declared.scope).unwrap_or(key.len());
            let (scope, rest) = key.split_at(scope);
            let place = self.place(db, field, scope)?;
            found.entries.insert((place, value, rest, field));
            found.places.insert(place);
            if !wildcard {
                continue;
            }
            long.insert(field);
            if let Some(text) = TermValue::from_bytes(value).as_text() {
                texts::add(&mut found.text, place, &text);
            }
        }
        found.carried = Carried(blob).without(|field| long.contains(&field));
        Ok(found)
    }

    fn place(&mut self, db: &Connection, field: FieldId, scope: &[u8]) -> Outcome<i64> {
        let name = (field, scope.to_vec());
        if let Some(place) = self.places.get(&name) {
            return Ok(*place);
        }
        let held = db
            .prepare_cached("SELECT id FROM places WHERE field = ?1 AND scope = ?2")?
            .query_row((field, scope), |row| row.get(0))
            .optional()?;
        let place = match held {
            Some(place) => place,
            None => db
                .prepare_cached("INSERT INTO places (field, scope, records) VALUES (?1, ?2, 0)")?
                .insert((field, scope))?,
        };
        if self.places.len() == MOST_PLACES {
            self.places.clear();
        }
        self.places.insert(name, place);
        Ok(place)
    }

    /// Writes what was added up for a commit.
    pub(super) fn settle(&mut self, db: &Connection, pending: &Pending) -> Outcome<()> {
        pending.rows.write(db, &pending.places, self.carry_from)?;
        for (prefix, by) in pending.counts.iter().filter(|(_, by)| **by != 0) {
            let count: i64 = db
                .prepare_cached(
                    "INSERT INTO counts (prefix, records) VALUES (?1, ?2)
                     ON CONFLICT (prefix) DO UPDATE SET records = records + excluded.records
                     RETURNING records",
                )?
                .query_row((prefix, by), |row| row.get(0))?;
            if count == 0 {
                db.prepare_cached("DELETE FROM counts WHERE prefix = ?1")?.execute([prefix])?;
            }
        }
        for (place, by) in &pending.places {
            let count: i64 = db
                .prepare_cached(
                    "UPDATE places SET records = records + ?2 WHERE id = ?1 RETURNING records",
                )?
                .query_row((place, by), |row| row.get(0))?;
            if count == 0 {
                db.prepare_cached("DELETE FROM places WHERE id = ?1")?.execute([place])?;
                self.places.clear();
            }
        }
        Ok(())
    }
}

/// Writes the index rows of all records, where there are none; `carry_from` is as in the options of
/// the store. A record that is damaged has none, though its places count it: it is logged, and said
/// when somebody reads it.
pub(crate) fn write_index_rows(db: &Connection, carry_from: u32) -> Outcome<()> {
    let mut index = Index::new(carry_from);
    let (mut rows, mut records) = (RowChanges::default(), 0_u64);
    let mut find = db.prepare("SELECT key, terms FROM records ORDER BY id")?;
    let mut found = find.query([])?;
    while let Some(record) = found.next()? {
        let (key, terms): (Vec<u8>, Vec<u8>) = (record.get(0)?, record.get(1)?);
        match index.found(db, &key, &terms) {
            Ok(found) => found.put(&mut rows, |_| true),
            Err(fault @ Fault::Malformed(_)) => {
                let key = key.escape_ascii();
                tracing::error!(%key, %fault, "a record is damaged, and not found by searches");
            }
            Err(fault) => return Err(fault),
        }
        records += 1;
        if rows.len() >= ROWS_TOGETHER {
            tracing::info!(records, "writing the index of an older database anew");
            std::mem::take(&mut rows).write(db, &HashMap::new(), carry_from)?;
        }
    }
    rows.write(db, &HashMap::new(), carry_from)
}

fn change_text(db: &Connection, id: i64, before: &str, after: &str) -> Outcome<()> {
    if before == after {
        return Ok(());
    }
    if !before.is_empty() {
        db.prepare_cached("DELETE FROM texts WHERE rowid = ?1")?.execute([id])?;
    }
    if !after.is_empty() {
        db.prepare_cached("INSERT INTO texts (rowid, text) VALUES (?1, ?2)")?
            .execute((id, after))?;
    }
    Ok(())
}
