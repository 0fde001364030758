//! Lists of very many names.

use super::{NameError, PackageName};
use crate::store::Names;

/// Names of packages in their order, all in one text: there may be very many, and most callers only
/// pass them on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackageNames(Names);

impl PackageNames {
    /// Names that all keep the rules.
    ///
    /// # Errors
    /// What is wrong with the first one that does not.
    pub(crate) fn new(names: Names) -> Result<Self, NameError> {
        names.iter().try_for_each(PackageName::check)?;
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

    /// Each name by itself.
    #[must_use]
    pub fn to_vec(&self) -> Vec<PackageName> {
        self.iter().map(|name| PackageName(name.to_owned())).collect()
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
        assert_eq!(names.to_vec(), good.map(|name| PackageName::parse(name).unwrap()));
        for bad in ["", ".", "a/b", " a", "a\u{202e}b"] {
            let error = PackageNames::new(["zlib", bad].iter().collect()).unwrap_err();
            assert_eq!(error, PackageName::parse(bad).unwrap_err());
        }
    }
}
