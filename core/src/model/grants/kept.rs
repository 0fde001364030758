//! How a grant is kept: as a short list of its id, actions, scope and end. A decision may read a
//! thousand of them, of which few are of interest.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Action, Anchor, Form, Grant, GrantSet, Grantee, Scope};
use crate::Timestamp;
use crate::model::ProductId;
use crate::names::{FilePath, PackageName, VersionName};

const PATH: &str = "path:";
const PRODUCT: &str = "product:";
const PACKAGE: &str = "package:";
const VERSION: &str = "version:";
const ANCHOR: &str = "anchor";

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<&str> = self.actions.iter().map(|action| action.word()).collect();
        let scope = match &self.scope {
            Scope::Anchor => ANCHOR.to_owned(),
            Scope::Path(path) => format!("{PATH}{path}"),
            Scope::Product(product) => format!("{PRODUCT}{product}"),
            Scope::Package(package) => format!("{PACKAGE}{package}"),
            // No name of a package has a slash.
            Scope::Version(package, version) => format!("{VERSION}{package}/{version}"),
        };
        (&self.id, words.join(","), scope, self.not_after).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::deserialize(deserializer)?.grant().map_err(D::Error::custom)
    }
}

/// A set of grants as it is kept.
#[derive(Deserialize)]
pub(super) struct KeptSet<'a> {
    form: Form<1>,
    grantee: Grantee,
    anchor: Anchor,
    #[serde(borrow)]
    grants: Vec<Kept<'a>>,
}

impl KeptSet<'_> {
    /// The set without the grants on other paths than this one.
    pub(super) fn about(self, path: Option<&FilePath>) -> Result<GrantSet, String> {
        let Self { form, grantee, anchor, grants } = self;
        let of_interest =
            grants.into_iter().filter(|grant| path.is_none_or(|it| grant.is_about(it)));
        let grants = of_interest.map(Kept::grant).collect::<Result<_, _>>()?;
        Ok(GrantSet { form, grantee, anchor, grants })
    }
}

/// A grant as it is kept.
#[derive(Deserialize)]
struct Kept<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    Option<Timestamp>,
);

impl Kept<'_> {
    fn is_about(&self, path: &FilePath) -> bool {
        self.2.strip_prefix(PATH).is_none_or(|folder| path.is_within(folder))
    }

    fn grant(self) -> Result<Grant, String> {
        let Self(id, actions, scope, not_after) = self;
        let actions = actions.split(',').filter(|word| !word.is_empty()).map(action_of);
        let actions = actions.collect::<Result<_, _>>()?;
        Ok(Grant { id: id.into_owned(), actions, scope: scope_of(&scope)?, not_after })
    }
}

fn action_of(word: &str) -> Result<Action, String> {
    let found = Action::ALL.into_iter().find(|action| action.word() == word);
    found.ok_or_else(|| format!("'{word}' is no action"))
}

fn scope_of(text: &str) -> Result<Scope, String> {
    let wrong = |_| format!("'{text}' is no scope");
    if let Some(path) = text.strip_prefix(PATH) {
        return FilePath::parse(path).map(Scope::Path).map_err(wrong);
    }
    if let Some(product) = text.strip_prefix(PRODUCT) {
        let product = ProductId::try_from(product.to_owned());
        return product.map(Scope::Product).map_err(|_| format!("'{text}' is no scope"));
    }
    if let Some(package) = text.strip_prefix(PACKAGE) {
        return PackageName::parse(package).map(Scope::Package).map_err(wrong);
    }
    if let Some((package, version)) = text.strip_prefix(VERSION).and_then(|it| it.split_once('/')) {
        let package = PackageName::parse(package).map_err(wrong)?;
        return VersionName::parse(version)
            .map(|version| Scope::Version(package, version))
            .map_err(wrong);
    }
    if text == ANCHOR { Ok(Scope::Anchor) } else { Err(format!("'{text}' is no scope")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scope: Scope, not_after: Option<i64>) -> Grant {
        let actions = vec![Action::Read, Action::CreateRepo];
        let not_after = not_after.map(Timestamp::from_millis);
        Grant { id: "a \"quoted\" id".to_owned(), actions, scope, not_after }
    }

    #[test]
    fn grants_come_back_as_they_were_kept() {
        let package = PackageName::parse("a:b \"c\"").unwrap();
        let version = VersionName::parse("1.0 \u{446}").unwrap();
        for (scope, kept) in [
            (Scope::Anchor, "anchor"),
            (Scope::Path(FilePath::parse("a/b").unwrap()), "path:a/b"),
            (
                Scope::Product(ProductId::from_bytes([1; 16])),
                "product:01010101010101010101010101010101",
            ),
            (Scope::Package(package.clone()), r#"package:a:b \"c\""#),
            (Scope::Version(package, version), r#"version:a:b \"c\"/1.0 ц"#),
        ] {
            for (end, kept_end) in [(None, "null"), (Some(5), "5")] {
                let grant = grant(scope.clone(), end);
                let expected =
                    format!(r#"["a \"quoted\" id","read,create_repo","{kept}",{kept_end}]"#);
                assert_eq!(serde_json::to_string(&grant).unwrap(), expected);
                assert_eq!(serde_json::from_str::<Grant>(&expected).unwrap(), grant);
            }
        }
    }

    #[test]
    fn every_action_has_the_word_that_it_had_before() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_string(&action).unwrap(), format!("\"{}\"", action.word()));
        }
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for text in [
            "[]",
            "[\"id\", \"read\"]",
            "[\"id\", \"fly\", \"anchor\", null]",
            "[\"id\", \"read\", \"\", null]",
            "[\"id\", \"read\", \"path:\", null]",
            "[\"id\", \"read\", \"path:/a\", null]",
            "[\"id\", \"read\", \"version:a\", null]",
            "[\"id\", \"read\", \"product:x\", null]",
            "[\"id\", \"read\", \"anchor\", 5, 6]",
            "{}",
            "7",
        ] {
            assert!(serde_json::from_str::<Grant>(text).is_err(), "{text}");
        }
    }
}
