//! Countries of addresses, for `packhouse_core::geo`, from a file in the format of MaxMind
//! (`.mmdb`): `GeoLite2`, `GeoIP2` and databases of others with the same fields.
//!
//! The file is read into memory, twice its size while it is exchanged: mapping it would need
//! `unsafe`, and a file that is overwritten in place would change what is being read.
//!
//! ```no_run
//! use packhouse_core::geo::GeoLocator;
//! use packhouse_geo::DatabaseLocator;
//!
//! let locator = DatabaseLocator::open("GeoLite2-Country.mmdb")?;
//! let country = locator.country("2001:4860:4860::8888".parse().unwrap());
//! # Ok::<(), packhouse_geo::DatabaseError>(())
//! ```

mod database;

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use packhouse_core::geo::{Country, GeoLocator};
use thiserror::Error;

use crate::database::{Database, Problem, Stamp};

/// A file is no database of countries.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// It cannot be read.
    #[error("cannot read the database of countries {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has another format, or is damaged.
    #[error("{} is no whole database in MaxMind's format: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is a database of something else.
    #[error("{} has no countries: it is a database of the type {kind:?}", path.display())]
    NoCountries {
        /// The file.
        path: PathBuf,
        /// What it calls itself.
        kind: String,
    },
}

/// Tells countries from a file in memory, which can be exchanged while it is asked.
#[derive(Debug)]
pub struct DatabaseLocator {
    path: PathBuf,
    database: RwLock<Database>,
}

impl DatabaseLocator {
    /// Reads a file, and all of it: damage is told here and not by wrong answers. Blocks for as
    /// long as that takes, up to a second for the largest databases.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] for a file that cannot be read, is damaged, or has no countries.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DatabaseError> {
        let path = path.into();
        let (mut file, stamp) = look(&path)?;
        let database = read(&path, &mut file, stamp)?;
        Ok(Self { path, database: RwLock::new(database) })
    }

    /// Reads the file again if it has another length or time than the one in use; says whether it
    /// had. Blocks as [`DatabaseLocator::open`]; who asks for countries meanwhile is not held up.
    ///
    /// Put the new file in place by renaming it: one that is overwritten is damaged until it is
    /// whole.
    ///
    /// # Errors
    ///
    /// As [`DatabaseLocator::open`]. The database in use stays.
    pub fn reload(&self) -> Result<bool, DatabaseError> {
        let (mut file, stamp) = look(&self.path)?;
        if self.database.read().unwrap_or_else(PoisonError::into_inner).stamp() == stamp {
            return Ok(false);
        }
        let database = read(&self.path, &mut file, stamp)?;
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = database;
        Ok(true)
    }
}

impl GeoLocator for DatabaseLocator {
    /// The country that the database gives; where it gives none, the one that the network is
    /// registered in. An IPv4 address within IPv6 is the IPv4 address.
    fn country(&self, address: IpAddr) -> Option<Country> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.country(address.to_canonical())
    }
}

/// The stamp is of the open file: another that takes its name meanwhile is seen the next time.
fn look(path: &Path) -> Result<(File, Stamp), DatabaseError> {
    let look = || {
        let file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        Ok((file, stamp))
    };
    look().map_err(|source| DatabaseError::Read { path: path.to_owned(), source })
}

fn read(path: &Path, file: &mut File, stamp: Stamp) -> Result<Database, DatabaseError> {
    let path = path.to_owned();
    Database::read(file, stamp).map_err(|problem| match problem {
        Problem::Read(source) => DatabaseError::Read { path, source },
        Problem::Damaged(reason) => DatabaseError::Damaged { path, reason },
        Problem::NoCountries(kind) => DatabaseError::NoCountries { path, kind },
    })
}
