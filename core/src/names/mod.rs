//! Names and composite paths: parsed types with private fields. `parse` is the only way in.
//!
//! A name keeps the spelling it was given. Subjects and repositories are unique without regard
//! to the case of ASCII letters: their [`SubjectName::folded`] form is what keys are made of.

mod error;
mod maven;
mod path;
mod reserved;
mod rules;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::NameError;
pub use maven::{MavenPath, SystemId};
pub use path::{FileLocation, FilePath, PackagePath, RepoPath, VersionPath};
pub use reserved::{RESERVED_SUBJECTS, RESERVED_VERSIONS};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $rule:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a name that keeps the rules.
            ///
            /// # Errors
            /// [`NameError`] says the rule that is broken and the character that breaks it.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                Self::check(text)?;
                Ok(Self(text.to_owned()))
            }

            pub(crate) fn check(text: &str) -> Result<(), NameError> {
                $rule(text).map_err(|rule| NameError::new($noun, text, rule))
            }

            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::check(&text)?;
                Ok(Self(text))
            }
        }
    };
}

name! {
    /// The name of a user or an organization: 1 to 64 ASCII letters, digits, `.`, `_` and `-`,
    /// starting with a letter or a digit; none of [`RESERVED_SUBJECTS`].
    SubjectName, "subject name", rules::subject
}

name! {
    /// The name of a repository: as a subject's, without reserved ones.
    RepoName, "repository name", rules::slug
}

name! {
    /// The name of a package: 1 to 128 bytes of printable characters without `/` and `\`.
    PackageName, "package name", rules::free
}

name! {
    /// The name of a version: as a package's; none of [`RESERVED_VERSIONS`].
    VersionName, "version name", rules::version
}

name! {
    /// The name of an attribute: as a package's, without `,`. One that begins with `_` is for those
    /// who may publish.
    AttributeName, "attribute name", rules::attribute
}

name! {
    /// The name of a team within a subject: as a package's.
    TeamName, "team name", rules::free
}

name! {
    /// The id of an access key within a subject: as a repository's name. Its holder signs in as
    /// `id@subject`.
    AccessKeyName, "access key id", rules::slug
}

name! {
    /// The name of a product within a subject: as a repository's.
    ProductName, "product name", rules::slug
}

name! {
    /// The id of an entitlement within what it is for: as a repository's name.
    EntitlementName, "entitlement id", rules::slug
}

name! {
    /// The name of a EULA within a product: as a package's.
    EulaName, "EULA name", rules::free
}

name! {
    /// The name of a subject's own license: as a package's.
    LicenseName, "license name", rules::free
}

impl PackageName {
    /// Checks names that may be very many. `list` is all of them, each with a zero after it, if none
    /// has one in itself: to look at the bytes of all together is far faster than at those of each.
    pub(crate) fn check_all<'a>(
        mut names: impl Iterator<Item = &'a str>,
        list: Option<&str>,
    ) -> Result<(), NameError> {
        let is_plain = list.is_some_and(rules::is_plain_list);
        names.try_for_each(|name| match is_plain && rules::is_free_in_plain_list(name) {
            true => Ok(()),
            false => Self::check(name),
        })
    }
}

impl AttributeName {
    /// Whether only those who may publish see it.
    #[must_use]
    pub fn is_for_publishers(&self) -> bool {
        self.0.starts_with('_')
    }
}

impl SubjectName {
    /// The form that is unique: ASCII letters in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl RepoName {
    /// The form that is unique within a subject: ASCII letters in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl ProductName {
    /// The form that is unique within a subject: ASCII letters in lower case.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl VersionName {
    /// Whether this names a snapshot, which is never stored: `…-SNAPSHOT`.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.0.ends_with("-SNAPSHOT")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refused_name_says_the_rule_and_the_character() {
        let error = |result: Result<RepoName, NameError>| result.unwrap_err().to_string();
        assert_eq!(
            error(RepoName::parse("my repo")),
            "the repository name 'my repo' has ' ': use ASCII letters, digits, '.', '_' and '-'"
        );
        assert_eq!(
            error(RepoName::parse("-x")),
            "the repository name '-x' starts with '-': start with an ASCII letter or a digit"
        );
        assert_eq!(error(RepoName::parse("")), "the repository name is empty");
        assert_eq!(
            error(RepoName::parse(&"x".repeat(65))),
            format!(
                "the repository name '{}' has 65 bytes: at most 64 are allowed",
                "x".repeat(65)
            )
        );
    }

    #[test]
    fn no_subject_can_take_the_name_of_a_route() {
        for name in RESERVED_SUBJECTS {
            assert!(SubjectName::parse(name).is_err(), "{name}");
            assert!(SubjectName::parse(&name.to_ascii_uppercase()).is_err(), "{name}");
        }
    }

    #[test]
    fn package_names_take_colons_and_other_alphabets_but_no_trickery() {
        for good in ["Catch:bincrafters", "пакет", "a b", "a+b", "100%", "a;b"] {
            assert!(PackageName::parse(good).is_ok(), "{good}");
        }
        for bad in
            [".", "..", " a", "a ", "a/b", "a\\b", "a\nb", "a\u{202e}b", "a\u{200b}b", "e\u{301}"]
        {
            assert!(PackageName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn file_paths_are_lists_of_plain_segments() {
        for good in ["a", "a/b.jar", "org/x/1.0/x 1.0.jar", "a/b;c", ".well-known/x", "%2e%2e/x"] {
            assert!(FilePath::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(256);
        for bad in ["", "/a", "a/", "a//b", "a/./b", "../a", "a\\b", "a\0b", long.as_str()] {
            assert!(FilePath::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_spelling(text in any::<String>()) {
            if let Ok(name) = SubjectName::parse(&text) { prop_assert_eq!(name.as_str(), &text); }
            if let Ok(name) = PackageName::parse(&text) { prop_assert_eq!(name.as_str(), &text); }
            if let Ok(path) = FilePath::parse(&text) { prop_assert_eq!(path.as_str(), &text); }
        }

        #[test]
        fn no_control_character_ever_passes(c in (0u32..0xa0).prop_filter_map("char", char::from_u32)) {
            let text = format!("a{c}b");
            if c.is_control() {
                prop_assert!(PackageName::parse(&text).is_err());
                prop_assert!(FilePath::parse(&text).is_err());
            }
        }
    }
}
