//! Where packages belong in a Debian repository: distributions, components, architectures.

use serde::{Deserialize, Serialize};

use super::repositories::RepositorySettings;
use crate::{Error, Result};

/// Where a package belongs. None of the lists is empty.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct DebianCoordinates {
    /// Distributions, such as `bookworm` or `stable/updates`.
    pub distributions: Vec<String>,
    /// Components, such as `main`.
    pub components: Vec<String>,
    /// Architectures, such as `amd64`.
    pub architectures: Vec<String>,
}

/// What an upload says about them: lists separated by commas. What it does not say is the
/// repository's default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GivenCoordinates {
    /// Distributions.
    pub distributions: Option<String>,
    /// Components.
    pub components: Option<String>,
    /// Architectures.
    pub architectures: Option<String>,
}

/// The longest of one name, in bytes.
const LONGEST: usize = 64;
/// The most names in one list.
const MOST: usize = 32;

impl DebianCoordinates {
    /// Whether a file of this name is a package that has coordinates.
    #[must_use]
    pub fn are_for(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        [".deb", ".udeb", ".ddeb"].iter().any(|ending| name.ends_with(ending))
    }

    /// What was given, completed by what the repository says.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] where neither says it, and for a name that could not stand in
    /// an index.
    pub fn resolve(given: &GivenCoordinates, defaults: &RepositorySettings) -> Result<Self> {
        let list = |what, given: &Option<String>, default: &Option<String>| {
            let given = given.as_deref().filter(|given| !given.trim().is_empty());
            names(what, given.or(default.as_deref()).unwrap_or_default())
        };
        Ok(Self {
            distributions: list(
                "distribution",
                &given.distributions,
                &defaults.default_debian_distribution,
            )?,
            components: list("component", &given.components, &defaults.default_debian_component)?,
            architectures: list(
                "architecture",
                &given.architectures,
                &defaults.default_debian_architecture,
            )?,
        })
    }
}

impl DebianCoordinates {
    /// Whether a repository's own coordinates could stand in an index.
    pub(crate) fn check_defaults(settings: &RepositorySettings) -> Result<()> {
        for (what, list) in [
            ("distribution", &settings.default_debian_distribution),
            ("component", &settings.default_debian_component),
            ("architecture", &settings.default_debian_architecture),
        ] {
            if let Some(list) = list {
                names(what, list)?;
            }
        }
        Ok(())
    }
}

fn names(what: &str, list: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        check(what, name)?;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    match names.len() {
        0 => Err(Error::invalid(
            "Unable to upload files: Debian distribution, component and architecture must be \
             specified.",
        )),
        many if many > MOST => Err(Error::invalid(format!(
            "{many} Debian {what}s are given: at most {MOST} are taken"
        ))),
        _ => Ok(names),
    }
}

/// These names become lines and folders of an index.
fn check(what: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._~/".contains(c);
    let segments = || name.split('/');
    let sound = name.len() <= LONGEST
        && name.chars().all(plain)
        && segments().all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if sound {
        return Ok(());
    }
    let name: String = name.escape_debug().take(LONGEST).collect();
    Err(Error::invalid(format!(
        "The Debian {what} '{name}' cannot be used: write ASCII letters, digits and '+-._~/', at \
         most {LONGEST}, starting with a letter or a digit"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(distributions: &str, components: &str, architectures: &str) -> GivenCoordinates {
        let some = |text: &str| Some(text.to_owned());
        GivenCoordinates {
            distributions: some(distributions),
            components: some(components),
            architectures: some(architectures),
        }
    }

    #[test]
    fn lists_are_split_trimmed_and_without_doubles() {
        let given = given("bookworm, stable/updates", "main", "amd64,i386,amd64");
        let found = DebianCoordinates::resolve(&given, &RepositorySettings::default()).unwrap();
        assert_eq!(found.distributions, ["bookworm", "stable/updates"]);
        assert_eq!(found.components, ["main"]);
        assert_eq!(found.architectures, ["amd64", "i386"]);
    }

    #[test]
    fn what_is_not_given_is_the_repositorys() {
        let defaults = RepositorySettings {
            default_debian_distribution: Some("jessie".to_owned()),
            default_debian_architecture: Some("amd64".to_owned()),
            default_debian_component: Some("main".to_owned()),
            ..RepositorySettings::default()
        };
        let found = DebianCoordinates::resolve(&given("", "contrib", ""), &defaults).unwrap();
        assert_eq!(found.distributions, ["jessie"]);
        assert_eq!(found.components, ["contrib"]);
        let none =
            DebianCoordinates::resolve(&given("", "", " , "), &RepositorySettings::default());
        assert_eq!(
            none.unwrap_err().message(),
            "Unable to upload files: Debian distribution, component and architecture must be specified."
        );
    }

    #[test]
    fn what_could_break_an_index_is_refused() {
        for bad in ["a\nb", "../x", "/x", "x/", "a b", "-x", "ä", &"x".repeat(65)] {
            let found = DebianCoordinates::resolve(
                &given(bad, "main", "amd64"),
                &RepositorySettings::default(),
            );
            assert!(found.is_err(), "{bad:?}");
        }
    }
}
