//! Pages of lists.

use std::future::Future;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::names::{NameError, PackageName};
use crate::store::{Names, Query, Start};

/// Which part of a list is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paging {
    /// How many to leave out at the start.
    pub start: u64,
    /// The most to give, up to [`Paging::MAX`]; of names alone up to [`Paging::MAX_NAMES`].
    pub limit: usize,
    /// Whether the total is wanted. To count all that match may cost far more than the page.
    pub total: bool,
}

impl Paging {
    /// The most in one page.
    pub const MAX: usize = 1_000;

    /// The most in one page of names alone.
    pub const MAX_NAMES: usize = Query::MAX_KEYS;

    /// The page of this many after `start`, with the total.
    #[must_use]
    pub const fn new(start: u64, limit: usize) -> Self {
        Self { start, limit, total: true }
    }

    /// The same page without the total.
    #[must_use]
    pub const fn without_total(mut self) -> Self {
        self.total = false;
        self
    }

    /// The page of what a query selects, with no more than `most` in it.
    pub(crate) fn of(self, query: Query, most: usize) -> Query {
        let query = query.start(Start::Skip(self.start)).limit(self.limit.min(most));
        if self.total { query.with_total() } else { query }
    }
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    /// What is in the page.
    pub items: Vec<T>,
    /// How many the caller may see in all, if that was wanted.
    pub total: Option<u64>,
    /// How many were left out at the start.
    pub start: u64,
}

/// One page of a list of names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedNames {
    /// What is in the page.
    pub names: PackageNames,
    /// How many the caller may see in all, if that was wanted.
    pub total: Option<u64>,
    /// How many were left out at the start.
    pub start: u64,
}

/// Names of packages in their order, all in one text: there may be very many, and most callers only
/// pass them on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackageNames(Names);

impl PackageNames {
    /// Names that all keep the rules of [`PackageName`].
    pub(crate) fn new(names: Names) -> std::result::Result<Self, NameError> {
        PackageName::check_all(names.iter(), names.text())?;
        Ok(Self(names))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts of the names, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter()
    }
}

impl<T> Listed<T> {
    /// The same page of what each of its things leads to, several looked up at a time; without
    /// those that are gone by now.
    pub(crate) async fn complete<U, F>(self, look_up: impl FnMut(T) -> F) -> Result<Listed<U>>
    where
        F: Future<Output = Result<Option<U>>>,
    {
        let Self { items, total, start } = self;
        let found = stream::iter(items.into_iter().map(look_up)).buffered(8);
        let items = found.try_filter_map(|item| async { Ok(item) }).try_collect().await?;
        Ok(Listed { items, total, start })
    }

    /// The same page of other things.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Listed<U> {
        let items = self.items.into_iter().map(make).collect();
        Listed { items, total: self.total, start: self.start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_names_that_keep_the_rules_and_no_others() {
        let good = ["Catch:bincrafters", "a b", "zlib"];
        let names = PackageNames::new(good.iter().collect()).unwrap();
        assert_eq!((names.len(), names.is_empty()), (3, false));
        assert!(names.iter().eq(good));
        let (longest, too_long) = ("a".repeat(128), "a".repeat(129));
        assert_eq!(PackageNames::new([&longest].into_iter().collect()).unwrap().len(), 1);
        for bad in ["", ".", "..", "a/b", "a\\b", " a", "a\u{202e}b", "a\0b", "\u{7f}", &too_long] {
            let error = PackageNames::new(["zlib", bad].iter().collect()).unwrap_err();
            assert_eq!(error, PackageName::parse(bad).unwrap_err());
        }
    }
}
