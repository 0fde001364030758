//! The port that tells the country of an address.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Tells where an address is.
pub trait GeoLocator: fmt::Debug + Send + Sync {
    /// The country; `None` if it is not known.
    fn country(&self, address: IpAddr) -> Option<Country>;
}

/// A country: two letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Takes two ASCII letters in any case. Whether there is such a country is not asked.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        let is_code = letters.iter().all(u8::is_ascii_alphabetic);
        is_code.then(|| Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a country has two letters")
    }
}

/// Knows no address.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLocator;

impl GeoLocator for NoLocator {
    fn country(&self, _address: IpAddr) -> Option<Country> {
        None
    }
}
