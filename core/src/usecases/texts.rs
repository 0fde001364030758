//! How long the texts may be that publishers say about things: lists show many of them at once.

use crate::{Error, Result};

/// Descriptions, in bytes.
const LONG: usize = 32 << 10;
/// Everything else, in bytes.
const SHORT: usize = 2 << 10;
/// Labels and licenses of one thing.
const MOST: usize = 100;

/// Checks a description.
pub(super) fn check_long(field: &str, text: Option<&str>) -> Result<()> {
    bounded(field, text.unwrap_or_default(), LONG)
}

/// Checks an address, a name or the like.
pub(super) fn check(field: &str, text: Option<&str>) -> Result<()> {
    bounded(field, text.unwrap_or_default(), SHORT)
}

/// Checks a list of labels or names.
pub(super) fn check_all(field: &str, texts: &[String]) -> Result<()> {
    if texts.len() > MOST {
        let count = texts.len();
        return Err(Error::invalid(format!(
            "{field} has {count} entries: at most {MOST} are kept"
        )));
    }
    texts.iter().try_for_each(|text| bounded(field, text, SHORT))
}

fn bounded(field: &str, text: &str, most: usize) -> Result<()> {
    let bytes = text.len();
    if bytes > most {
        return Err(Error::invalid(format!("{field} has {bytes} bytes: at most {most} are kept")));
    }
    Ok(())
}
