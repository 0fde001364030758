//! Views that give each kind of record named columns, so that a person can look at the data with
//! the `sqlite3` shell. The program itself reads none of them.
//!
//! A view is named after its kind. Its columns are the key's parts as one path, the revisions, and
//! the keys of the JSON bodies of the newest few records. It is made when a kind first appears,
//! and brought up to date when the store is opened.

use std::collections::BTreeSet;
use std::fmt::Write;

use rusqlite::{Connection, OptionalExtension};

use crate::encoding::kind_length;
use crate::fault::Outcome;

/// How many of the newest records of a kind are looked at for the names of columns.
const SAMPLE: usize = 20;

/// The most columns taken from bodies.
const MOST_COLUMNS: usize = 100;

/// The columns that every view has, in SQL. An encoded key is its kind and parts, each ended by a
/// zero byte.
const COMMON: &str = "(WITH RECURSIVE parts (rest, part) AS (
        SELECT substr(key, instr(key, x'00') + 1), NULL
        UNION ALL
        SELECT substr(rest, instr(rest, x'00') + 1),
               CAST(substr(rest, 1, instr(rest, x'00') - 1) AS TEXT)
        FROM parts WHERE length(rest) > 0)
    SELECT group_concat(part, '/') FROM parts) AS path, born, revision";

/// Makes the views anew for every kind there is; gives the kinds.
pub(crate) fn refresh(db: &Connection) -> Outcome<BTreeSet<String>> {
    let mut kinds = BTreeSet::new();
    let mut after = Vec::new();
    while let Some(key) = db
        .prepare_cached("SELECT key FROM records WHERE key > ?1 ORDER BY key LIMIT 1")?
        .query_row([&after], |row| row.get::<_, Vec<u8>>(0))
        .optional()?
    {
        if let Some(kind) = kind_of(&key) {
            make(db, kind)?;
            kinds.insert(kind.to_owned());
        }
        after = key[..kind_length(&key) - 1].to_vec();
        after.push(1);
    }
    Ok(kinds)
}

/// The kind of an encoded key, if a view can be named after it.
pub(crate) fn kind_of(key: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(&key[..kind_length(key) - 1]).ok()?;
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(name)
}

/// Makes the view of a kind, unless it is there already as it should be.
pub(crate) fn make(db: &Connection, kind: &str) -> Outcome<()> {
    let name = format!("view_{kind}");
    let sql = definition(db, kind, &name)?;
    let held: Option<String> = db
        .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [&name], |row| row.get(0))
        .optional()?;
    if held.as_ref() != Some(&sql) {
        let change = db.unchecked_transaction()?;
        change.execute_batch(&format!("DROP VIEW IF EXISTS {name}; {sql}"))?;
        change.commit()?;
    }
    Ok(())
}

fn definition(db: &Connection, kind: &str, name: &str) -> Outcome<String> {
    let mut sql = format!("CREATE VIEW {name} AS SELECT {COMMON}");
    for column in columns(db, kind)? {
        // Quotes inside a JSON path cannot be escaped in every version of the shell.
        if column.contains(['"', '\'', '\0']) {
            continue;
        }
        let taken = ["path", "born", "revision", "body"].contains(&column.to_lowercase().as_str());
        let prefix = if taken { "body_" } else { "" };
        write!(sql, ", json_extract(body, '$.\"{column}\"') AS \"{prefix}{column}\"")
            .expect("a string takes whatever is written");
    }
    let hex: String = kind.bytes().map(|byte| format!("{byte:02x}")).collect();
    write!(sql, ", body FROM records WHERE key >= x'{hex}00' AND key < x'{hex}01'")
        .expect("a string takes whatever is written");
    Ok(sql)
}

/// The keys of the newest bodies, in the order of their names.
fn columns(db: &Connection, kind: &str) -> Outcome<Vec<String>> {
    let (first, end) = (format!("{kind}\0"), format!("{kind}\u{1}"));
    let mut sample = db.prepare_cached(
        "SELECT body FROM records WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
    )?;
    let bodies = sample
        .query_map((first.as_bytes(), end.as_bytes(), SAMPLE), |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut columns = BTreeSet::new();
    for body in bodies {
        if let Ok(serde_json::Value::Object(body)) = serde_json::from_str(&body) {
            columns.extend(body.into_iter().map(|(name, _)| name));
        }
    }
    // Two names that differ in case alone cannot both be columns.
    let mut taken = BTreeSet::new();
    columns.retain(|name| taken.insert(name.to_lowercase()));
    Ok(columns.into_iter().take(MOST_COLUMNS).collect())
}
