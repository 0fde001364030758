//! Questions about attributes, as typed values: clauses on names, each a list or a range.

use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds};

use super::values::LONGEST_VERSION;
use super::{ALONE, AttributeType, AttributeValues, Date, Number, OF_SEVERAL};
use crate::names::AttributeName;
use crate::store::{Field, Filter, TermValue};
use crate::{Error, Result, Timestamp};

/// Clauses on attributes.
///
/// ```
/// use packhouse_core::model::attributes::{AttributeQuery, Number};
/// # fn main() -> packhouse_core::Result<()> {
/// let query = AttributeQuery::new()
///     .any_of("os", ["linux"])?
///     .between("stability", 80..)?
///     .between("release", "1.9".."2.0")?
///     .between("score", Number::try_from(0.5)?..)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttributeQuery {
    clauses: Vec<Clause>,
}

/// How many clauses must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clauses {
    /// Every one.
    Every,
    /// At least one.
    AtLeastOne,
}

/// A value to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttributeValue {
    /// In a list: strings and versions that are spelled so, and dates of that instant. As an end
    /// of a range: whatever it can be read as, a number, a date or a version.
    String(String),
    /// Numbers of that value.
    Number(Number),
    /// Dates of that instant.
    Date(Date),
    /// Booleans.
    Boolean(bool),
    /// In a list as a string; as an end of a range a version only.
    Version(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Clause {
    name: AttributeName,
    condition: Condition,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Condition {
    AnyOf(Vec<AttributeValue>),
    Between(Bound<AttributeValue>, Bound<AttributeValue>),
}

/// The types that are looked for by their values.
const EQUAL: [AttributeType; 4] =
    [AttributeType::String, AttributeType::Number, AttributeType::Date, AttributeType::Boolean];

/// The types that are looked for by their order.
const ORDERED: [AttributeType; 3] =
    [AttributeType::Number, AttributeType::Date, AttributeType::Version];

impl AttributeQuery {
    /// The most clauses of one query.
    pub const MAX_CLAUSES: usize = 50;
    /// The most values in the lists of all clauses. Each costs up to four of the conditions that
    /// a filter may have.
    pub const MAX_VALUES: usize = 400;

    /// A query without clauses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And a list: an attribute with one value matches if it is among these, one with several if
    /// it has all of these.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what is no name, an empty list, and over the limits.
    pub fn any_of<T: Into<AttributeValue>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Self> {
        let values: Vec<_> =
            values.into_iter().take(Self::MAX_VALUES + 1).map(Into::into).collect();
        if values.is_empty() {
            return Err(self.refused(name, "the list is empty: give at least one value"));
        }
        self.with(name, Condition::AnyOf(values))
    }

    /// And a range: at least one value lies in it. Without ends the attribute has any value.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what is no name, ends that have no type in common that
    /// has an order, and over the limits.
    pub fn between<T: Clone + Into<AttributeValue>>(
        self,
        name: &str,
        range: impl RangeBounds<T>,
    ) -> Result<Self> {
        let end = |bound: Bound<&T>| bound.map(|value| value.clone().into());
        let (low, high) = (end(range.start_bound()), end(range.end_bound()));
        for bound in [&low, &high] {
            if let Bound::Included(value) | Bound::Excluded(value) = bound {
                value.check_end().map_err(|why| self.refused(name, &why))?;
            }
        }
        if ORDERED.iter().all(|kind| ends(*kind, &low, &high).is_none()) {
            let why = "the ends are not both numbers, both dates or both versions";
            return Err(self.refused(name, why));
        }
        self.with(name, Condition::Between(low, high))
    }

    /// What the query means for records that have their attributes in a field.
    #[must_use]
    pub fn filter(&self, field: &Field, clauses: Clauses, publisher: bool) -> Filter {
        let seen = |clause: &Clause| publisher || !clause.name.is_for_publishers();
        let filters = self.clauses.iter().map(|clause| match &clause.condition {
            _ if !seen(clause) => Filter::Any(Vec::new()),
            Condition::AnyOf(values) => equal(field, clause.name.as_str(), values),
            Condition::Between(low, high) => between(field, clause.name.as_str(), low, high),
        });
        match clauses {
            Clauses::Every => Filter::All(filters.collect()),
            Clauses::AtLeastOne => Filter::Any(filters.collect()),
        }
    }

    fn with(mut self, name: &str, condition: Condition) -> Result<Self> {
        let parsed = AttributeName::parse(name);
        let name = parsed.map_err(|error| self.refused(name, &error.to_string()))?;
        if self.clauses.len() == Self::MAX_CLAUSES {
            let most = Self::MAX_CLAUSES;
            let why = format!("one clause too many: at most {most} are taken");
            return Err(self.refused(name.as_str(), &why));
        }
        self.clauses.push(Clause { name, condition });
        let values = |clause: &Clause| match &clause.condition {
            Condition::AnyOf(values) => values.len(),
            Condition::Between(..) => 0,
        };
        if self.clauses.iter().map(values).sum::<usize>() > Self::MAX_VALUES {
            let most = Self::MAX_VALUES;
            let why = format!("too many values: at most {most} are taken in all lists together");
            return Err(self.clauses.pop().map_or_else(
                || Error::invalid(why.clone()),
                |clause| self.refused(clause.name.as_str(), &why),
            ));
        }
        Ok(self)
    }

    /// Why the next clause is refused.
    fn refused(&self, name: &str, why: &str) -> Error {
        let number = self.clauses.len() + 1;
        let name: String = name.chars().take(100).collect();
        Error::invalid(format!("clause {number} ('{}'): {why}", name.escape_debug()))
    }
}

fn equal(field: &Field, name: &str, values: &[AttributeValue]) -> Filter {
    let is = |value: &TermValue, mark| {
        Filter::Is(field.clone(), TermValue::named(name, value, Some(mark)))
    };
    let mut filters = Vec::new();
    for kind in EQUAL {
        let found: Vec<TermValue> = values.iter().filter_map(|value| value.equal(kind)).collect();
        let all = found.len() == values.len();
        let found: BTreeSet<TermValue> = found.into_iter().collect();
        filters.extend(found.iter().map(|value| is(value, ALONE)));
        // No attribute has more values than it may.
        if !all || found.len() > AttributeValues::MAX {
            continue;
        }
        let held = found.iter().map(|value| TermValue::named(name, value, Some(OF_SEVERAL)));
        filters.push(Filter::Contains(field.clone(), held.collect()));
    }
    Filter::Any(filters)
}

fn between(
    field: &Field,
    name: &str,
    low: &Bound<AttributeValue>,
    high: &Bound<AttributeValue>,
) -> Filter {
    let range = |(low, high)| {
        let (low, high) = TermValue::between_named(name, &low, &high);
        Filter::Between(field.clone(), low, high)
    };
    if matches!((low, high), (Bound::Unbounded, Bound::Unbounded)) {
        return range((Bound::Unbounded, Bound::Unbounded));
    }
    // What is stored says which of the types was meant.
    let of_types = ORDERED.into_iter().filter_map(|kind| ends(kind, low, high));
    Filter::Any(of_types.map(range).collect())
}

/// The ends as values of a type, if both can be.
fn ends(
    kind: AttributeType,
    low: &Bound<AttributeValue>,
    high: &Bound<AttributeValue>,
) -> Option<(Bound<TermValue>, Bound<TermValue>)> {
    let end = |bound: &Bound<AttributeValue>| match bound {
        Bound::Included(value) => value.ordered(kind).map(Bound::Included),
        Bound::Excluded(value) => value.ordered(kind).map(Bound::Excluded),
        Bound::Unbounded => Some(Bound::Unbounded),
    };
    Some((end(low)?, end(high)?))
}

impl AttributeValue {
    /// What a stored value of a type is that this equals.
    fn equal(&self, kind: AttributeType) -> Option<TermValue> {
        match (kind, self) {
            (AttributeType::String, Self::String(text) | Self::Version(text)) => {
                Some(TermValue::text(text))
            }
            (AttributeType::Number, Self::Number(number)) => Some(number.term()),
            (AttributeType::Date, Self::Date(date)) => Some(date.term()),
            (AttributeType::Date, Self::String(text)) => {
                Date::parse(text).ok().map(|date| date.term())
            }
            (AttributeType::Boolean, Self::Boolean(value)) => Some(TermValue::boolean(*value)),
            _ => None,
        }
    }

    /// Why this can be no end of a range, if it cannot: it is too long, or spelled as a number or a
    /// date that there is not, which would otherwise be taken for a version.
    fn check_end(&self) -> Result<(), String> {
        let (Self::String(text) | Self::Version(text)) = self else { return Ok(()) };
        let (bytes, most) = (text.len(), LONGEST_VERSION);
        if bytes > most {
            return Err(format!("an end of the range has {bytes} bytes: at most {most} are taken"));
        }
        let Self::String(text) = self else { return Ok(()) };
        let unread = match text {
            text if is_spelled_as_number(text) => Number::parse(text).err(),
            text if is_spelled_as_date(text) => Date::parse(text).err(),
            _ => None,
        };
        unread.map_or(Ok(()), |error| Err(error.message().to_owned()))
    }

    /// What this is in the order of a type.
    fn ordered(&self, kind: AttributeType) -> Option<TermValue> {
        match (kind, self) {
            (AttributeType::Number, Self::Number(number)) => Some(number.term()),
            (AttributeType::Number, Self::String(text)) => {
                Number::parse(text).ok().map(|number| number.term())
            }
            (AttributeType::Date, Self::Date(date)) => Some(date.term()),
            (AttributeType::Date, Self::String(text)) => {
                Date::parse(text).ok().map(|date| date.term())
            }
            (AttributeType::Version, Self::Version(text)) => Some(TermValue::version(text)),
            (AttributeType::Version, Self::String(text)) => {
                is_version(text).then(|| TermValue::version(text))
            }
            _ => None,
        }
    }
}

/// Whether a text has an exponent, as no version has.
fn is_spelled_as_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let Some((mantissa, exponent)) = unsigned.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain(&mantissa.replacen('.', "", 1)) && is_plain(exponent)
}

/// Whether a text is a day, `2026-01-31` in form, or begins with one and a `T` or a space.
fn is_spelled_as_date(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let fits = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    day.bytes().enumerate().all(fits) && (rest.is_empty() || rest.starts_with(['T', 't', ' ']))
}

/// Whether a text is more than a word: a version begins with a digit, but for its `v`.
fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '~'))
}

macro_rules! from {
    ($($type:ty => $value:ident $make:expr;)*) => {
        $(impl From<$type> for AttributeValue {
            fn from(value: $type) -> Self {
                Self::$value($make(value))
            }
        })*
    };
}

from! {
    &str => String str::to_owned;
    String => String std::convert::identity;
    i8 => Number Number::from;
    i16 => Number Number::from;
    i32 => Number Number::from;
    i64 => Number Number::from;
    isize => Number Number::from;
    u8 => Number Number::from;
    u16 => Number Number::from;
    u32 => Number Number::from;
    u64 => Number Number::from;
    usize => Number Number::from;
    Number => Number std::convert::identity;
    bool => Boolean std::convert::identity;
    Timestamp => Date Date::from;
    Date => Date std::convert::identity;
}
