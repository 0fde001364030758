//! One database in memory, checked as a whole.
//!
//! It must not know where its bytes are kept.

use std::fmt;
use std::fs::Metadata;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::SystemTime;

use maxminddb::{LookupResult, Reader, WithinOptions, path};
use packhouse_core::geo::Country;

/// Networks that are looked at for a country. A database of countries has one in the first few.
const SAMPLE: usize = 100_000;

/// What tells one version of a file from the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len() }
    }
}

/// Why bytes are no database of countries.
pub(crate) enum Problem {
    Read(io::Error),
    Damaged(String),
    NoCountries(String),
}

pub(crate) struct Database {
    reader: Reader<Vec<u8>>,
    stamp: Stamp,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = &self.reader.metadata().database_type;
        f.debug_struct("Database").field("kind", kind).field("stamp", &self.stamp).finish()
    }
}

impl Database {
    pub(crate) fn read(source: &mut impl Read, stamp: Stamp) -> Result<Self, Problem> {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).map_err(Problem::Read)?;
        let damaged = |error: maxminddb::MaxMindDbError| Problem::Damaged(error.to_string());
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        // Without it a damaged record is an address whose country is not known.
        reader.verify().map_err(damaged)?;
        if has_countries(&reader).map_err(damaged)? {
            return Ok(Self { reader, stamp });
        }
        Err(Problem::NoCountries(reader.metadata().database_type.clone()))
    }

    pub(crate) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(crate) fn country(&self, address: IpAddr) -> Option<Country> {
        // A database of IPv4 alone says of IPv6 that it cannot say.
        country_of(&self.reader.lookup(address).ok()?)
    }
}

fn has_countries(reader: &Reader<Vec<u8>>) -> Result<bool, maxminddb::MaxMindDbError> {
    for network in reader.networks(WithinOptions::default())?.take(SAMPLE) {
        if country_of(&network?).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn country_of(found: &LookupResult<'_, Vec<u8>>) -> Option<Country> {
    ["country", "registered_country"].into_iter().find_map(|field| {
        let code: Option<&str> = found.decode_path(&path![field, "iso_code"]).ok()?;
        Country::parse(code?)
    })
}
