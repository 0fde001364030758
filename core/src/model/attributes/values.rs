//! Values of attributes: lists of one type, and how the type is found where none is named.

use serde::{Deserialize, Serialize};

use super::{Date, Number};
use crate::store::TermValue;
use crate::{Error, Result};

/// The type of an attribute's values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum AttributeType {
    String,
    Number,
    Date,
    Boolean,
    Version,
}

impl AttributeType {
    const ALL: [Self; 5] = [Self::String, Self::Number, Self::Date, Self::Boolean, Self::Version];

    /// Its name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Version => "version",
        }
    }

    /// The type of a name in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }
}

/// The values of an attribute, all of one type, each once. An empty list is how a null is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "values", rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum AttributeValues {
    String(Vec<String>),
    Number(Vec<Number>),
    Date(Vec<Date>),
    Boolean(Vec<bool>),
    Version(Vec<String>),
}

/// One value as it was given, before its type is known.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum GivenValue {
    String(String),
    Number(Number),
    Boolean(bool),
}

/// What becomes of a list of several types, where none is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mixed {
    /// It is refused.
    Refused,
    /// Each value becomes a string.
    String,
}

/// The longest value, in bytes.
const LONGEST: usize = 1024;
/// The longest version, in bytes.
pub(super) const LONGEST_VERSION: usize = 128;

impl AttributeValues {
    /// The most values of one attribute.
    pub const MAX: usize = 100;

    /// Makes values of what was given. Without a type, numbers are numbers, booleans are booleans,
    /// and strings are strings, be they spelled as dates or not.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a list of several types that is refused, a value that is
    /// not of the named type, and over the limits.
    pub fn of(kind: Option<AttributeType>, given: &[GivenValue], mixed: Mixed) -> Result<Self> {
        if given.len() > Self::MAX {
            return Err(too_many(given.len()));
        }
        let kind = match kind {
            Some(kind) => kind,
            None => inferred(given, mixed)?,
        };
        let given = given.iter();
        Ok(match kind {
            AttributeType::String => Self::String(each(given, |value| text(value, LONGEST))?),
            AttributeType::Version => {
                Self::Version(each(given, |value| text(value, LONGEST_VERSION))?)
            }
            AttributeType::Number => Self::Number(each(given, number)?),
            AttributeType::Date => Self::Date(each(given, date)?),
            AttributeType::Boolean => Self::Boolean(each(given, boolean)?),
        }
        .without_doubles())
    }

    /// Their type.
    #[must_use]
    pub const fn kind(&self) -> AttributeType {
        match self {
            Self::String(_) => AttributeType::String,
            Self::Number(_) => AttributeType::Number,
            Self::Date(_) => AttributeType::Date,
            Self::Boolean(_) => AttributeType::Boolean,
            Self::Version(_) => AttributeType::Version,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::String(values) | Self::Version(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Date(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes their spellings have.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::String(values) | Self::Version(values) => values.iter().map(String::len).sum(),
            Self::Number(values) => values.iter().map(|value| value.as_str().len()).sum(),
            Self::Date(values) => values.iter().map(|value| value.as_str().len()).sum(),
            Self::Boolean(values) => values.len(),
        }
    }

    /// What each value equals, in the index. A version equals the string of its spelling.
    pub(super) fn equal_terms(&self) -> Vec<TermValue> {
        match self {
            Self::String(values) | Self::Version(values) => {
                values.iter().map(|value| TermValue::text(value)).collect()
            }
            Self::Number(values) => values.iter().map(Number::term).collect(),
            Self::Date(values) => values.iter().map(Date::term).collect(),
            Self::Boolean(values) => values.iter().copied().map(TermValue::boolean).collect(),
        }
    }

    /// The same, with equal values once, if each may be kept.
    pub(super) fn checked(self) -> Result<Self> {
        if self.len() > Self::MAX {
            return Err(too_many(self.len()));
        }
        match &self {
            Self::String(values) => values.iter().try_for_each(|text| check(text, LONGEST))?,
            Self::Version(values) => {
                values.iter().try_for_each(|text| check(text, LONGEST_VERSION))?;
            }
            Self::Number(_) | Self::Date(_) | Self::Boolean(_) => {}
        }
        Ok(self.without_doubles())
    }

    /// Equal values, of which the first stays.
    fn without_doubles(mut self) -> Self {
        let terms = self.equal_terms();
        let mut seen = std::collections::BTreeSet::new();
        let mut first = terms.iter().map(|term| seen.insert(term));
        let mut keep = || first.next().unwrap_or(true);
        match &mut self {
            Self::String(values) | Self::Version(values) => values.retain(|_| keep()),
            Self::Number(values) => values.retain(|_| keep()),
            Self::Date(values) => values.retain(|_| keep()),
            Self::Boolean(values) => values.retain(|_| keep()),
        }
        self
    }
}

fn inferred(given: &[GivenValue], mixed: Mixed) -> Result<AttributeType> {
    let kind = |value: &GivenValue| match value {
        GivenValue::String(_) => AttributeType::String,
        GivenValue::Number(_) => AttributeType::Number,
        GivenValue::Boolean(_) => AttributeType::Boolean,
    };
    let first = given.first().map_or(AttributeType::String, kind);
    match (given.iter().find(|value| kind(value) != first), mixed) {
        (None, _) => Ok(first),
        (Some(_), Mixed::String) => Ok(AttributeType::String),
        (Some(other), Mixed::Refused) => Err(Error::invalid(format!(
            "the values are of several types, {} and {}: give values of one type",
            first.as_str(),
            kind(other).as_str()
        ))),
    }
}

fn each<'a, T>(
    given: impl Iterator<Item = &'a GivenValue>,
    make: impl Fn(&GivenValue) -> Result<T>,
) -> Result<Vec<T>> {
    given.map(make).collect()
}

fn text(value: &GivenValue, most: usize) -> Result<String> {
    let text = match value {
        GivenValue::String(text) => text.clone(),
        GivenValue::Number(number) => number.as_str().to_owned(),
        GivenValue::Boolean(value) => value.to_string(),
    };
    check(&text, most)?;
    Ok(text)
}

fn check(text: &str, most: usize) -> Result<()> {
    let bytes = text.len();
    if bytes > most {
        return Err(Error::invalid(format!("a value has {bytes} bytes: at most {most} are kept")));
    }
    Ok(())
}

fn too_many(count: usize) -> Error {
    let most = AttributeValues::MAX;
    Error::invalid(format!("{count} values: at most {most} are kept"))
}

fn number(value: &GivenValue) -> Result<Number> {
    match value {
        GivenValue::Number(number) => Ok(number.clone()),
        GivenValue::String(text) => Number::parse(text),
        GivenValue::Boolean(value) => Err(Error::invalid(format!("'{value}' is no number"))),
    }
}

fn date(value: &GivenValue) -> Result<Date> {
    Date::parse(&text(value, LONGEST)?)
}

fn boolean(value: &GivenValue) -> Result<bool> {
    match value {
        GivenValue::Boolean(value) => Ok(*value),
        other => match text(other, LONGEST)?.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            text => {
                let text = text.chars().take(64).collect::<String>();
                let text = text.escape_debug();
                Err(Error::invalid(format!("'{text}' is no boolean: use true or false")))
            }
        },
    }
}
