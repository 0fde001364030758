//! Queries: what is selected, in which order, a page at a time.

use std::ops::Bound;

use super::{
    Field, Key, KeyRange, Kind, Names, Pattern, Record, StoreError, StoreErrorKind, TermValue,
};

/// A condition on a record's terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter {
    /// Every one of these holds; all of none is true.
    All(Vec<Filter>),
    /// At least one of these holds; any of none is false.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// At least one value of the field is this one.
    Is(Field, TermValue),
    /// Every one of these is among the values of the field.
    Contains(Field, Vec<TermValue>),
    /// At least one value of the field lies between the bounds.
    Between(Field, Bound<TermValue>, Bound<TermValue>),
    /// At least one text value of the field, which is declared `wildcard`, matches.
    Like(Field, Pattern),
    /// The record of this kind that the record names among its owners exists and matches.
    Of(Kind, Box<Filter>),
}

impl Filter {
    /// The most conditions one filter may hold, counting each value of a list.
    pub const MAX_CONDITIONS: usize = 5_000;
    /// How deep conditions may lie in one another.
    pub const MAX_DEPTH: usize = 16;

    /// The filter that everything matches.
    #[must_use]
    pub const fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether this is [`Filter::everything`].
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(filters) if filters.is_empty())
    }

    /// What the filter means. `owner` looks up a record by its key, in the same snapshot.
    pub fn matches(&self, record: &Record, owner: &dyn Fn(&Key) -> Option<Record>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.matches(record, owner)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(record, owner)),
            Self::Not(filter) => !filter.matches(record, owner),
            Self::Is(field, value) => record.values(field).any(|held| held == value),
            Self::Contains(field, values) => {
                values.iter().all(|value| record.values(field).any(|held| held == value))
            }
            Self::Between(field, low, high) => {
                record.values(field).any(|held| lies_between(held, low, high))
            }
            Self::Like(field, pattern) => record
                .values(field)
                .any(|held| held.as_text().is_some_and(|text| pattern.matches(&text))),
            Self::Of(kind, filter) => record
                .owners
                .iter()
                .find(|key| key.kind() == kind.as_str())
                .and_then(owner)
                .is_some_and(|record| filter.matches(&record, owner)),
        }
    }

    /// Counts the conditions. `fixed` is how many key parts the query fixes; an owner is looked
    /// up by its whole key, so that every scope is fixed within [`Filter::Of`].
    fn check(&self, depth: usize, fixed: usize) -> Result<usize, StoreError> {
        if depth > Self::MAX_DEPTH {
            return Err(StoreErrorKind::Invalid.because("the filter is nested too deeply"));
        }
        let inner = |filters: &[Filter], fixed: usize| {
            filters.iter().try_fold(1, |sum, filter| Ok(sum + filter.check(depth + 1, fixed)?))
        };
        match self {
            Self::All(filters) | Self::Any(filters) => inner(filters, fixed),
            Self::Not(filter) => inner(std::slice::from_ref(filter), fixed),
            Self::Of(_, filter) => inner(std::slice::from_ref(filter), usize::MAX),
            Self::Contains(field, values) => field.check(fixed).map(|()| values.len() + 1),
            Self::Is(field, _) | Self::Between(field, ..) => field.check(fixed).map(|()| 1),
            Self::Like(field, _) if field.wildcard => field.check(fixed).map(|()| 1),
            Self::Like(field, _) => Err(StoreErrorKind::Invalid
                .because(format!("field {} is not declared for wildcards", field.name))),
        }
    }
}

impl Field {
    fn check(&self, fixed: usize) -> Result<(), StoreError> {
        if self.scope <= fixed {
            return Ok(());
        }
        let Self { name, scope, .. } = self;
        Err(StoreErrorKind::Invalid
            .because(format!("field {name} is searched within {scope} key parts, not {fixed}")))
    }
}

fn lies_between(value: &TermValue, low: &Bound<TermValue>, high: &Bound<TermValue>) -> bool {
    let above = match low {
        Bound::Included(low) => value >= low,
        Bound::Excluded(low) => value > low,
        Bound::Unbounded => true,
    };
    let below = match high {
        Bound::Included(high) => value <= high,
        Bound::Excluded(high) => value < high,
        Bound::Unbounded => true,
    };
    above && below
}

/// Upwards or downwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// A total order of the selected records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// By key.
    Key(Direction),
    /// By the value of a field that has at most one value a record, then by key in the same
    /// direction. Records without the field are not selected.
    Term(Field, Direction),
}

/// Where a page starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// After this many records.
    Skip(u64),
    /// After the record that the cursor was made from, which may be gone by now.
    After(Cursor),
}

/// A place in the order of one query, given with a page; of use with the same order only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The value that the record was ordered by; `None` for an order by key.
    pub value: Option<TermValue>,
    /// The record's key.
    pub key: Key,
}

/// Whether a page holds names, keys or whole records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The last part of each key alone, in [`Page::names`]: the least there is to give.
    Names,
    /// Keys alone.
    Keys,
    /// Whole records.
    Records,
}

/// What to select.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// The kind, and the parents to search within.
    pub range: KeyRange,
    /// The condition.
    pub filter: Filter,
    /// The order.
    pub order: Order,
    /// Where the page starts.
    pub start: Start,
    /// The most rows in the page, up to [`Query::MAX_LIMIT`], or [`Query::MAX_KEYS`] without
    /// records; 0 with a total just counts.
    pub limit: usize,
    /// Keys or records.
    pub shape: Shape,
    /// Whether the number of all that match is wanted.
    pub total: bool,
}

impl Query {
    /// The most rows in one page.
    pub const MAX_LIMIT: usize = 10_000;
    /// The most rows in one page of keys alone.
    pub const MAX_KEYS: usize = 100_000;

    /// Whole records of the range, all of them, by key: the first [`Query::MAX_LIMIT`].
    #[must_use]
    pub const fn within(range: KeyRange) -> Self {
        Self {
            range,
            filter: Filter::everything(),
            order: Order::Key(Direction::Ascending),
            start: Start::Skip(0),
            limit: Self::MAX_LIMIT,
            shape: Shape::Records,
            total: false,
        }
    }

    /// The same with a filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// The same in another order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// The same from another start.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// The same with another limit.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same with a total.
    #[must_use]
    pub const fn with_total(mut self) -> Self {
        self.total = true;
        self
    }

    /// The same with the last parts of keys alone.
    #[must_use]
    pub const fn names(mut self) -> Self {
        self.shape = Shape::Names;
        self
    }

    /// The same with keys alone.
    #[must_use]
    pub const fn keys(mut self) -> Self {
        self.shape = Shape::Keys;
        self
    }

    /// Checks what every backend must refuse: too many conditions or too deep, a limit over
    /// [`Query::MAX_LIMIT`] or [`Query::MAX_KEYS`], a cursor of another order, a field searched outside its scope.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`].
    pub fn check(&self) -> Result<(), StoreError> {
        let fixed = self.range.depth();
        if let Order::Term(field, _) = &self.order {
            field.check(fixed)?;
        }
        if self.filter.check(0, fixed)? > Filter::MAX_CONDITIONS {
            return Err(StoreErrorKind::Invalid.because("the filter has too many conditions"));
        }
        let most = match self.shape {
            Shape::Names | Shape::Keys => Self::MAX_KEYS,
            Shape::Records => Self::MAX_LIMIT,
        };
        if self.limit > most {
            return Err(StoreErrorKind::Invalid.because(format!("the limit is over {most}")));
        }
        if let Start::After(cursor) = &self.start
            && cursor.value.is_some() != matches!(self.order, Order::Term(..))
        {
            return Err(StoreErrorKind::Invalid.because("the cursor is of another order"));
        }
        Ok(())
    }
}

/// One selected record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its key.
    pub key: Key,
    /// The record, if [`Shape::Records`] was asked for.
    pub record: Option<Record>,
}

/// One page of what a query selects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The rows, in order; none where [`Shape::Names`] was asked for.
    pub rows: Vec<Row>,
    /// The last part of each key, in order, where [`Shape::Names`] was asked for.
    pub names: Names,
    /// Where the next page starts; `None` after the last one.
    pub next: Option<Cursor>,
    /// How many match in all, if that was wanted.
    pub total: Option<u64>,
}

impl Page {
    /// The records of a page that was asked for as records.
    pub fn into_records(self) -> impl Iterator<Item = Record> {
        self.rows.into_iter().filter_map(|row| row.record)
    }
}
