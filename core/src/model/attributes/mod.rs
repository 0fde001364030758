//! Attributes: what packages, versions and files say about themselves, and questions about it.
//!
//! Typed values with their index terms, and the typed query. No wire form of either: the language
//! in which a dialect asks is the dialect's.

mod date;
mod number;
mod query;
mod values;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::names::AttributeName;
use crate::store::{Field, Term, TermValue};
use crate::{Error, Result};

pub use date::Date;
pub use number::Number;
pub use query::{AttributeQuery, AttributeValue, Clauses};
pub use values::{AttributeType, AttributeValues, GivenValue, Mixed};

/// A named list of values.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: AttributeName,
    /// Its values, with their type.
    #[serde(flatten)]
    pub values: AttributeValues,
}

/// The attributes of one thing, each name once, in the order in which they were first given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Vec<Attribute>);

/// Tells the value of an attribute that has one from those of an attribute that has several.
const ALONE: u8 = b'1';
const OF_SEVERAL: u8 = b'n';

impl Attributes {
    /// The most attributes of one thing.
    pub const MAX: usize = 100;
    /// The most values of all attributes of one thing.
    pub const MAX_VALUES: usize = 500;
    /// The most bytes of all their names and values.
    pub const MAX_BYTES: usize = 64 << 10;

    /// Takes a list of attributes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a name that is given twice, and over the limits. Equal
    /// values of one attribute are kept once.
    pub fn new(list: Vec<Attribute>) -> Result<Self> {
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = list.iter().find(|attribute| !names.insert(&attribute.name)) {
            let message = format!("attribute '{}' is given twice: give it once", twice.name);
            return Err(Error::invalid(message));
        }
        let checked = |attribute: Attribute| {
            let Attribute { name, values } = attribute;
            let values = values.checked().map_err(|error| {
                Error::invalid(format!("attribute '{name}': {}", error.message()))
            })?;
            Ok(Attribute { name, values })
        };
        Self(list.into_iter().map(checked).collect::<Result<_>>()?).checked()
    }

    /// The same with these: one of a name that is there replaces it in its place.
    ///
    /// # Errors
    /// As [`Attributes::new`].
    pub fn merged_with(mut self, other: Self) -> Result<Self> {
        for attribute in other.0 {
            match self.0.iter_mut().find(|known| known.name == attribute.name) {
                Some(known) => *known = attribute,
                None => self.0.push(attribute),
            }
        }
        self.checked()
    }

    /// The same without those of these names.
    #[must_use]
    pub fn without(mut self, names: &[AttributeName]) -> Self {
        self.0.retain(|attribute| !names.contains(&attribute.name));
        self
    }

    /// Those of these names.
    #[must_use]
    pub fn only(mut self, names: &[AttributeName]) -> Self {
        self.0.retain(|attribute| names.contains(&attribute.name));
        self
    }

    /// Those that a publisher sees, or others.
    #[must_use]
    pub fn seen_by(mut self, publisher: bool) -> Self {
        self.0.retain(|attribute| publisher || !attribute.name.is_for_publishers());
        self
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they are found by. All share one field, so that a store has no declaration for each
    /// name that anyone ever gave.
    pub fn terms<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = Term> + 'a {
        let values = self.0.iter().flat_map(Attribute::terms);
        values.map(|value| Term { field: field.clone(), value })
    }

    fn checked(self) -> Result<Self> {
        let values: usize = self.0.iter().map(|attribute| attribute.values.len()).sum();
        let bytes =
            |attribute: &Attribute| attribute.name.as_str().len() + attribute.values.bytes();
        for (what, count, most) in [
            ("attributes", self.0.len(), Self::MAX),
            ("values of attributes", values, Self::MAX_VALUES),
            ("bytes of attributes", self.0.iter().map(bytes).sum(), Self::MAX_BYTES),
        ] {
            if count > most {
                return Err(Error::invalid(format!("{count} {what}: at most {most} are kept")));
            }
        }
        Ok(self)
    }
}

impl Attribute {
    /// A term for each value's equality, by which ranges find it too; versions have an order that
    /// their spelling has not, and a term for it besides.
    fn terms(&self) -> impl Iterator<Item = TermValue> + '_ {
        let name = self.name.as_str();
        let mark = if self.values.len() == 1 { ALONE } else { OF_SEVERAL };
        let equal = self.values.equal_terms().into_iter();
        let equal = equal.map(move |value| TermValue::named(name, &value, Some(mark)));
        let versions = match &self.values {
            AttributeValues::Version(versions) => versions.as_slice(),
            _ => &[],
        };
        let ordered = versions.iter().map(|version| TermValue::version(version));
        equal.chain(ordered.map(move |value| TermValue::named(name, &value, None)))
    }
}
