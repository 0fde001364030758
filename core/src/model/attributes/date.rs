//! Dates: instants that keep their spelling.

use serde::{Deserialize, Serialize};

use crate::store::TermValue;
use crate::{Error, Result, Timestamp};

/// An instant as ISO 8601 spells it: compared as an instant, answered as it was given.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Date {
    spelling: String,
    at: Timestamp,
}

impl Date {
    /// The longest spelling, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Takes a date in one of the forms that clients send.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for anything else, such as the 30th of February.
    pub fn parse(text: &str) -> Result<Self> {
        let at = Some(text).filter(|text| text.len() <= Self::MAX_BYTES).and_then(Timestamp::parse);
        at.map(|at| Self { spelling: text.to_owned(), at }).ok_or_else(|| {
            let shown: String = text.chars().take(Self::MAX_BYTES).collect();
            Error::invalid(format!(
                "'{}' is no date: use the form 2026-01-31T12:00:00.000Z",
                shown.escape_debug()
            ))
        })
    }

    /// The date as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// The instant.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Its value, for the index.
    #[must_use]
    pub fn term(&self) -> TermValue {
        TermValue::instant(self.at)
    }
}

impl From<Timestamp> for Date {
    fn from(at: Timestamp) -> Self {
        Self { spelling: at.to_string(), at }
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.spelling
    }
}

impl TryFrom<String> for Date {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}
