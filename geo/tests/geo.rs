//! The locator through its port, over databases that are written here.

// Clippy knows test functions, not the helpers that they share.
#![allow(clippy::unwrap_used)]

#[path = "geo/files.rs"]
mod files;
#[path = "geo/lookups.rs"]
mod lookups;
#[path = "geo/writer.rs"]
mod writer;

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use packhouse_core::geo::GeoLocator;
use packhouse_geo::DatabaseLocator;
use tempfile::TempDir;

use crate::writer::{Value, Writer};

/// A file in a folder of its own.
struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("countries.mmdb"), _folder: folder }
    }

    fn with(bytes: &[u8]) -> Self {
        let place = Self::new();
        fs::write(&place.path, bytes).unwrap();
        place
    }

    /// Puts other bytes in place, as of `age` seconds ago: clocks of file systems are coarse.
    fn replace(&self, bytes: &[u8], age: u64) {
        let new = self.path.with_extension("new");
        fs::write(&new, bytes).unwrap();
        let modified = SystemTime::now() - Duration::from_secs(age);
        File::options().append(true).open(&new).unwrap().set_modified(modified).unwrap();
        fs::rename(new, &self.path).unwrap();
    }
}

fn country(locator: &DatabaseLocator, address: &str) -> Option<String> {
    locator.country(address.parse().unwrap()).map(|country| country.to_string())
}

fn iso(code: &str) -> Value {
    Value::Map(vec![("iso_code", Value::text(code)), ("geoname_id", Value::text("x"))])
}

/// A record as databases of countries have it.
fn record(fields: &[(&'static str, &str)]) -> Value {
    Value::Map(fields.iter().map(|(name, code)| (*name, iso(code))).collect())
}

fn in_country(code: &str) -> Writer {
    Writer::new("Test-Country").with("192.0.2.0/24", &record(&[("country", code)]))
}
