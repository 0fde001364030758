//! Names of a page.

use std::fmt;

/// Names in their order, all in one text: a page may have very many, made by one thread and
/// dropped by another.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Names {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Names {
    /// Adds a name after the others.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The names, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.text[std::mem::replace(&mut start, *end)..*end])
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: AsRef<str>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.push(name.as_ref()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_in_their_order() {
        let given = ["b", "", "é", "a a", ""];
        let names: Names = given.iter().collect();
        assert_eq!(names.iter().collect::<Vec<_>>(), given);
        assert_eq!((names.len(), names.is_empty()), (5, false));
        assert_eq!(format!("{names:?}"), r#"["b", "", "é", "a a", ""]"#);
        assert_ne!(names, ["b", "", "éa", " a", ""].iter().collect());
        assert!(Names::default().is_empty());
    }
}
