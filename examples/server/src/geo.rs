//! The database of countries: opened at the start, and read again when its file has changed.
//!
//! It must not know what countries are asked for.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use packhouse_core::geo::{GeoLocator, NoLocator};
use packhouse_geo::{DatabaseError, DatabaseLocator};

/// How often the file is looked at. Databases are updated weekly or daily.
const LOOKED_AT: Duration = Duration::from_secs(60);

/// The locator over a file; without one, a locator that knows no address.
///
/// # Errors
///
/// Where the file is no database of countries.
///
/// # Panics
///
/// Outside a tokio runtime.
pub(crate) fn locator(file: Option<&Path>) -> Result<Arc<dyn GeoLocator>, DatabaseError> {
    let Some(file) = file else { return Ok(Arc::new(NoLocator)) };
    let locator = Arc::new(DatabaseLocator::open(file)?);
    tokio::spawn(keep_current(Arc::downgrade(&locator)));
    Ok(locator)
}

/// Ends with the engine, which has the locator.
async fn keep_current(locator: Weak<DatabaseLocator>) {
    loop {
        tokio::time::sleep(LOOKED_AT).await;
        let Some(locator) = locator.upgrade() else { return };
        match tokio::task::spawn_blocking(move || locator.reload()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => tracing::info!("the database of countries was read again"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database of countries stays as it was");
            }
            // The runtime shuts down.
            Err(_) => return,
        }
    }
}
