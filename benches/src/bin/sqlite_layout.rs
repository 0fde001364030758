//! Ways to lay records and what they are found by out in SQLite, measured on the same data. The
//! choice and its figures are in `docs/decisions/0002-sqlite-layout.md`.
//!
//! Run with `--release`; `PACKHOUSE_LAYOUT_RECORDS` sets the number of records.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, Transaction};

const REPOSITORIES: usize = 1000;
const RUNS: usize = 15;

/// One record: 6 attributes, of which a search asks for three.
struct Sample {
    key: Vec<u8>,
    values: [Vec<u8>; 6],
    body: String,
}

/// How many key bytes every record of one repository shares.
const SCOPE: usize = "package\0alice\0repo-0000\0".len();

fn sample(n: usize) -> Sample {
    // Neighbours lie in different repositories, as uploads come in.
    let key = format!("package\0alice\0repo-{:04}\0package-{n:06}\0", n % REPOSITORIES);
    let mixed = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let value =
        |among: u64, shift: u32| format!("tvalue {:05}", (mixed >> shift) % among).into_bytes();
    Sample {
        key: key.into_bytes(),
        values: [
            value(2, 0),
            value(10, 3),
            value(50, 7),
            value(1000, 11),
            value(10_000, 17),
            format!("tunique {n:08}").into_bytes(),
        ],
        body: format!(r#"{{"name":"package-{n:06}","desc":"{}"}}"#, "d".repeat(300)),
    }
}

/// The values that a search asks of attributes 0, 1 and 2.
fn wanted() -> [Vec<u8>; 3] {
    let [first, second, third, ..] = sample(77).values;
    [first, second, third]
}

/// A way to lay things out.
trait Layout {
    fn name(&self) -> &'static str;
    fn tables(&self) -> &'static str;
    fn put(&self, db: &Transaction<'_>, sample: &Sample, terms: usize) -> Result<()>;
    /// How many records have three values, below a prefix of the key.
    fn count(&self, db: &Connection, scope: &[u8]) -> Result<usize>;
}

const BY_ROWID: &str = "
    CREATE TABLE records (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, terms BLOB NOT NULL,
        body TEXT NOT NULL) STRICT;";

fn put_record(db: &Transaction<'_>, sample: &Sample, terms: &[u8]) -> Result<i64> {
    db.prepare_cached("INSERT INTO records (key, terms, body) VALUES (?1, ?2, ?3)")?.insert((
        &sample.key,
        terms,
        &sample.body,
    ))
}

/// A row for each term and nothing else in it, joined from the rarest value on.
struct Plain;

impl Layout for Plain {
    fn name(&self) -> &'static str {
        "a row a term, joined"
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE terms (field INTEGER NOT NULL, value BLOB NOT NULL, record INTEGER NOT NULL,
            PRIMARY KEY (field, value, record)) STRICT, WITHOUT ROWID;"
    }

    fn put(&self, db: &Transaction<'_>, sample: &Sample, terms: usize) -> Result<()> {
        let id = put_record(db, sample, &carried(sample, terms))?;
        for (field, value) in sample.values.iter().enumerate().take(terms) {
            db.prepare_cached("INSERT INTO terms VALUES (?1, ?2, ?3)")?.execute((
                field as i64,
                value,
                id,
            ))?;
        }
        Ok(())
    }

    fn count(&self, db: &Connection, scope: &[u8]) -> Result<usize> {
        let [first, second, third] = wanted();
        let mut end = scope.to_vec();
        *end.last_mut().expect("a scope is not empty") += 1;
        db.prepare_cached(
            "SELECT count(*) FROM terms c CROSS JOIN terms b CROSS JOIN terms a
                 CROSS JOIN records ON records.id = a.record
             WHERE c.field = 2 AND c.value = ?3
               AND b.field = 1 AND b.value = ?2 AND b.record = c.record
               AND a.field = 0 AND a.value = ?1 AND a.record = c.record
               AND key >= ?4 AND key < ?5",
        )?
        .query_row((first, second, third, scope, end), |row| row.get::<_, i64>(0))
        .map(|count| count as usize)
    }
}

/// The same, intersected by the database instead of joined.
struct Intersected;

impl Layout for Intersected {
    fn name(&self) -> &'static str {
        "a row a term, intersected"
    }

    fn tables(&self) -> &'static str {
        Plain.tables()
    }

    fn put(&self, db: &Transaction<'_>, sample: &Sample, terms: usize) -> Result<()> {
        Plain.put(db, sample, terms)
    }

    fn count(&self, db: &Connection, scope: &[u8]) -> Result<usize> {
        let [first, second, third] = wanted();
        let mut end = scope.to_vec();
        *end.last_mut().expect("a scope is not empty") += 1;
        db.prepare_cached(
            "SELECT count(*) FROM records WHERE key >= ?4 AND key < ?5 AND id IN (
                 SELECT record FROM terms WHERE field = 0 AND value = ?1
                 INTERSECT SELECT record FROM terms WHERE field = 1 AND value = ?2
                 INTERSECT SELECT record FROM terms WHERE field = 2 AND value = ?3)",
        )?
        .query_row((first, second, third, scope, end), |row| row.get::<_, i64>(0))
        .map(|count| count as usize)
    }
}

/// Each row carries the record's other terms, so that one range answers an AND.
struct Carrying {
    name: &'static str,
    tables: &'static str,
    /// How many key bytes the rows of one place share.
    scope: usize,
}

const CARRYING: &str = "
    CREATE TABLE places (id INTEGER PRIMARY KEY, field INTEGER NOT NULL, scope BLOB NOT NULL,
        UNIQUE (field, scope)) STRICT;
    CREATE TABLE terms (place INTEGER NOT NULL, value BLOB NOT NULL, rest BLOB NOT NULL,
        carried BLOB, PRIMARY KEY (place, value, rest)) STRICT, WITHOUT ROWID;";

const CARRYING_ROWID: &str = "
    CREATE TABLE places (id INTEGER PRIMARY KEY, field INTEGER NOT NULL, scope BLOB NOT NULL,
        UNIQUE (field, scope)) STRICT;
    CREATE TABLE terms (place INTEGER NOT NULL, value BLOB NOT NULL, rest BLOB NOT NULL,
        carried BLOB, UNIQUE (place, value, rest)) STRICT;";

const WHOLE: usize = "package\0".len();

fn carried(sample: &Sample, terms: usize) -> Vec<u8> {
    let mut carried = Vec::new();
    for (field, value) in sample.values.iter().enumerate().take(terms) {
        carried.extend([field as u8, value.len() as u8]);
        carried.extend_from_slice(value);
    }
    carried
}

fn holds(mut carried: &[u8], field: u8, wanted: &[u8]) -> bool {
    while let [held, length, rest @ ..] = carried {
        let (value, after) = rest.split_at(usize::from(*length));
        if *held == field && value == wanted {
            return true;
        }
        carried = after;
    }
    false
}

impl Layout for Carrying {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tables(&self) -> &'static str {
        self.tables
    }

    fn put(&self, db: &Transaction<'_>, sample: &Sample, terms: usize) -> Result<()> {
        let carried = carried(sample, terms);
        put_record(db, sample, &carried)?;
        let (scope, rest) = sample.key.split_at(self.scope);
        for (field, value) in sample.values.iter().enumerate().take(terms) {
            let place: i64 = db
                .prepare_cached(
                    "INSERT INTO places (field, scope) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET field = field RETURNING id",
                )?
                .query_row((field as i64, scope), |row| row.get(0))?;
            db.prepare_cached("INSERT INTO terms VALUES (?1, ?2, ?3, ?4)")?
                .execute((place, value, rest, &carried))?;
        }
        Ok(())
    }

    fn count(&self, db: &Connection, scope: &[u8]) -> Result<usize> {
        let [first, second, third] = wanted();
        let (place_scope, below) = scope.split_at(self.scope.min(scope.len()));
        let mut rows = db.prepare_cached(
            "SELECT rest, carried FROM terms WHERE value = ?1 AND place =
                 (SELECT id FROM places WHERE field = 2 AND scope = ?2)",
        )?;
        let mut rows = rows.query((third, place_scope))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let (rest, carried) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
            let inside = rest.starts_with(below);
            count += usize::from(inside && holds(carried, 0, &first) && holds(carried, 1, &second));
        }
        Ok(count)
    }
}

fn main() -> Result<()> {
    let records = std::env::var("PACKHOUSE_LAYOUT_RECORDS");
    let records = records.ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("packhouse-layout-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder is made");
    let layouts: [&dyn Layout; 6] = [
        &Plain,
        &Intersected,
        &Carrying { name: "carrying, no scope", tables: CARRYING, scope: WHOLE },
        &Carrying { name: "carrying, no scope, rowid", tables: CARRYING_ROWID, scope: WHOLE },
        &Carrying { name: "carrying, scoped", tables: CARRYING, scope: SCOPE },
        &Carrying { name: "carrying, scoped, rowid", tables: CARRYING_ROWID, scope: SCOPE },
    ];
    println!("{records} records, {REPOSITORIES} repositories, medians of {RUNS}");
    for layout in layouts {
        measure(layout, &folder, records)?;
    }
    for clustered in [false, true] {
        measure_records(clustered, &folder, records)?;
    }
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    Ok(())
}

fn measure(layout: &dyn Layout, folder: &Path, records: usize) -> Result<()> {
    let mut writes = Vec::new();
    let mut size = 0;
    let mut searched = None;
    for terms in [0, 6] {
        let path = folder.join(format!("{}-{terms}.db", layout.name().replace([' ', ','], "-")));
        let mut db = open(&path, &[BY_ROWID, layout.tables()].concat())?;
        let started = Instant::now();
        for chunk in 0..records / 1000 {
            let change = db.transaction()?;
            for n in chunk * 1000..(chunk + 1) * 1000 {
                layout.put(&change, &sample(n), terms)?;
            }
            change.commit()?;
        }
        writes.push(started.elapsed().as_secs_f64() * 1e6 / records as f64);
        size = db.query_row(
            "SELECT page_count * page_size / 1000000 FROM pragma_page_count, pragma_page_size",
            [],
            |row| row.get(0),
        )?;
        searched = Some(db);
    }
    let db = searched.expect("it was filled");
    let small = sample(77).key[..SCOPE].to_vec();
    let scoped = median(|| layout.count(&db, &small))?;
    // A layout by repository is searched in one; the whole kind has fields of its own.
    let whole = median(|| layout.count(&db, b"package\0alice\0"))?;
    println!(
        "{:<26} AND of 3: {:>9.3?} ({} found), in one repository: {:>9.3?} ({} found), \
         write {:>5.1} µs, with 6 terms {:>5.1} µs, {size} MB",
        layout.name(),
        whole.0,
        whole.1,
        scoped.0,
        scoped.1,
        writes[0],
        writes[1]
    );
    Ok(())
}

/// The table of records: keys in an index beside it, or rows in the order of their keys.
fn measure_records(clustered: bool, folder: &Path, records: usize) -> Result<()> {
    let (name, tables) = if clustered {
        (
            "clustered by key",
            "CREATE TABLE records (key BLOB PRIMARY KEY, terms BLOB NOT NULL, body TEXT NOT NULL)
                STRICT, WITHOUT ROWID;",
        )
    } else {
        ("rows and an index of keys", BY_ROWID)
    };
    for body in [300, 1500] {
        let mut db = open(&folder.join(format!("{clustered}-{body}.db")), tables)?;
        let started = Instant::now();
        for chunk in 0..records / 1000 {
            let change = db.transaction()?;
            for n in chunk * 1000..(chunk + 1) * 1000 {
                let mut sample = sample(n);
                sample.body = "b".repeat(body);
                put_record(&change, &sample, &carried(&sample, 6))?;
            }
            change.commit()?;
        }
        let write = started.elapsed().as_secs_f64() * 1e6 / records as f64;
        let mut at = 1;
        let read = median(|| {
            let mut statement =
                db.prepare_cached("SELECT terms, body FROM records WHERE key = ?1")?;
            for _ in 0..1000 {
                at = (at * 7919 + 13) % records;
                statement.query_row([sample(at).key], |row| row.get::<_, String>(1))?;
            }
            Ok(1000)
        })?;
        let list = median(|| {
            let mut statement = db.prepare_cached(
                "SELECT terms FROM records WHERE key >= ?1 ORDER BY key LIMIT 10000",
            )?;
            let mut rows = statement.query([b"package\0alice\0repo-0300\0"])?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                count += usize::from(!row.get_ref(0)?.as_blob()?.is_empty());
            }
            Ok(count)
        })?;
        println!(
            "{name:<26} bodies of {body} bytes: 1000 reads {:>9.3?}, 10000 in order {:>9.3?}, write {write:.1} µs",
            read.0, list.0
        );
    }
    Ok(())
}

fn open(path: &Path, tables: &str) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;",
    )?;
    db.execute_batch(tables)?;
    Ok(db)
}

fn median(mut run: impl FnMut() -> Result<usize>) -> Result<(Duration, usize)> {
    let mut times = Vec::with_capacity(RUNS);
    let mut found = 0;
    for _ in 0..RUNS {
        let started = Instant::now();
        found = run()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok((times[RUNS / 2], found))
}
