//! What one would write by hand in `SQLite`: a table of attributes by entity, and a wide table
//! that knows their names beforehand.

use std::path::Path;

use rusqlite::{Connection, Params};

use crate::Failure;
use crate::data::{Asked, Question, Sample};

/// A way to write it by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// A row an attribute's value, and an index for each type.
    EntityAttributeValue,
    /// A column an attribute.
    Wide,
}

/// A database written by hand.
pub(crate) struct Peer {
    db: Connection,
    form: Form,
}

const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA cache_size = -262144;
     PRAGMA mmap_size = 1073741824;";

const TABLES: &str = "
     CREATE TABLE packages (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
     CREATE TABLE attributes (package INTEGER, name TEXT, text TEXT, number REAL, date TEXT);";
const INDEXES: &str = "
     CREATE INDEX numbers ON attributes (name, number, package) WHERE number IS NOT NULL;
     CREATE INDEX texts ON attributes (name, text, package) WHERE text IS NOT NULL;
     CREATE INDEX dates ON attributes (name, date, package) WHERE date IS NOT NULL;
     CREATE INDEX of_package ON attributes (package, name, text, number, date);";

const WIDE_TABLES: &str = "
     CREATE TABLE packages (id INTEGER PRIMARY KEY, name TEXT, channel TEXT, size_kb INTEGER,
         built TEXT, signed INTEGER, release TEXT);
     CREATE TABLE tags (tag TEXT, package INTEGER, PRIMARY KEY (tag, package)) WITHOUT ROWID;";
const WIDE_INDEXES: &str = "
     CREATE INDEX by_size ON packages (size_kb, channel, built, name);
     CREATE INDEX by_channel ON packages (channel, built);";

const RANGE: &str = "SELECT p.name FROM attributes a JOIN packages p ON p.id = a.package
     WHERE a.name = 'size_kb' AND a.number BETWEEN ?1 AND ?2";
const AND: &str = " AND EXISTS (SELECT 1 FROM attributes b WHERE b.package = a.package
         AND b.name = 'channel' AND b.text IN ('stable', 'lts'))
     AND EXISTS (SELECT 1 FROM attributes c WHERE c.package = a.package
         AND c.name = 'built' AND c.date >= ?3)";
const FIRST: &str = " ORDER BY p.name LIMIT 50";

const WIDE_RANGE: &str = "SELECT name FROM packages p WHERE size_kb BETWEEN ?1 AND ?2";
const WIDE_AND: &str = " AND channel IN ('stable', 'lts') AND built >= ?3";

impl Peer {
    /// A database of a form, filled, with its indexes and the planner's statistics.
    pub(crate) fn fill(folder: &Path, form: Form, samples: &[Sample]) -> Result<Self, Failure> {
        let mut db = Connection::open(folder.join(format!("{form:?}.db")))?;
        db.execute_batch(SETTINGS)?;
        let change = db.transaction()?;
        match form {
            Form::EntityAttributeValue => fill_attributes(&change, samples)?,
            Form::Wide => fill_wide(&change, samples)?,
        }
        change.commit()?;
        db.execute_batch("ANALYZE")?;
        Ok(Self { db, form })
    }

    /// The names that answer a question.
    pub(crate) fn ask(&self, asked: &Asked) -> Result<Vec<String>, Failure> {
        let (range, and) = match self.form {
            Form::EntityAttributeValue => (RANGE, AND),
            Form::Wide => (WIDE_RANGE, WIDE_AND),
        };
        let (low, high, since) = (asked.low, asked.high, asked.since.to_string());
        match asked.question {
            Question::Range => self.names(range, (low, high)),
            Question::And => self.names(&[range, and].concat(), (low, high, since)),
            Question::First => self.names(&[range, and, FIRST].concat(), (low, high, since)),
            // Who wants the total as well asks twice.
            Question::FirstWithTotal => {
                let matching = [range, and].concat();
                let count = format!("SELECT count(*) FROM ({matching})");
                let mut count = self.db.prepare_cached(&count)?;
                count.query_row((low, high, &since), |row| row.get::<_, u64>(0))?;
                self.names(&[&matching, FIRST].concat(), (low, high, since))
            }
        }
    }

    fn names(&self, sql: &str, values: impl Params) -> Result<Vec<String>, Failure> {
        let mut statement = self.db.prepare_cached(sql)?;
        let names = statement.query_map(values, |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }
}

fn fill_attributes(db: &Connection, samples: &[Sample]) -> Result<(), Failure> {
    db.execute_batch(TABLES)?;
    let mut package = db.prepare("INSERT INTO packages VALUES (?1, ?2)")?;
    let mut insert = db.prepare("INSERT INTO attributes VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let (no_text, no_number, no_date) = (None::<&str>, None::<u64>, None::<String>);
    for (id, sample) in samples.iter().enumerate() {
        package.execute((id, &sample.name))?;
        insert.execute((id, "channel", sample.channel, no_number, &no_date))?;
        insert.execute((id, "size_kb", no_text, sample.size_kb, &no_date))?;
        insert.execute((id, "built", no_text, no_number, sample.built.to_string()))?;
        insert.execute((id, "signed", no_text, u64::from(sample.signed), &no_date))?;
        insert.execute((id, "release", &sample.release, no_number, &no_date))?;
        for tag in &sample.tags {
            insert.execute((id, "tags", tag, no_number, &no_date))?;
        }
    }
    Ok(db.execute_batch(INDEXES)?)
}

fn fill_wide(db: &Connection, samples: &[Sample]) -> Result<(), Failure> {
    db.execute_batch(WIDE_TABLES)?;
    let mut insert = db.prepare("INSERT INTO packages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut tagged = db.prepare("INSERT INTO tags VALUES (?1, ?2)")?;
    for (id, sample) in samples.iter().enumerate() {
        let Sample { name, channel, size_kb, built, signed, release, tags } = sample;
        insert.execute((id, name, channel, size_kb, built.to_string(), signed, release))?;
        for tag in tags {
            tagged.execute((tag, id))?;
        }
    }
    Ok(db.execute_batch(WIDE_INDEXES)?)
}
