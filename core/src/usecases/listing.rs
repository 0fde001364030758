//! Pages of lists.

/// Which part of a list is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paging {
    /// How many to leave out at the start.
    pub start: u64,
    /// The most to give, up to [`Paging::MAX`].
    pub limit: usize,
}

impl Paging {
    /// The most in one page.
    pub const MAX: usize = 1_000;

    /// The page of this many after `start`.
    #[must_use]
    pub fn new(start: u64, limit: usize) -> Self {
        Self { start, limit: limit.min(Self::MAX) }
    }
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    /// What is in the page.
    pub items: Vec<T>,
    /// How many the caller may see in all.
    pub total: u64,
    /// How many were left out at the start.
    pub start: u64,
}

impl<T> Listed<T> {
    /// The same page of other things.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Listed<U> {
        let items = self.items.into_iter().map(make).collect();
        Listed { items, total: self.total, start: self.start }
    }
}
