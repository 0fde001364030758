//! EULAs: what must be accepted before the files of a product's version may be downloaded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::products::Product;
use super::{AccessKeyId, EulaId, Form, ProductId, Stored, SubjectId};
use crate::Timestamp;
use crate::names::{EulaName, ProductName, SubjectName, VersionName};
use crate::store::{Field, Key, KeyRange, Kind, Term, TermValue};

/// The EULAs of a product, without their texts: one record, found by the number that a package
/// knows its product by, so that a download reads it as a point. There is none for a product
/// without EULAs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Eulas {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The product.
    pub product_id: ProductId,
    /// The product's name.
    pub product: ProductName,
    /// The EULAs, in the order in which they were made.
    pub eulas: Vec<Eula>,
}

/// A EULA, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Eula {
    /// Its internal number.
    pub id: EulaId,
    /// Its name.
    pub name: EulaName,
    /// When it was made.
    pub created: Timestamp,
    /// The versions that it is said to be for, in the order given.
    pub versions: Vec<VersionName>,
    /// Since when it is for new versions; `None` if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_since: Option<Timestamp>,
}

impl Eulas {
    /// The most EULAs of one product.
    pub const MAX: usize = 100;
    /// The most versions that the EULAs of one product name together. A download reads them all.
    pub const MAX_VERSIONS: usize = 1_000;

    /// Where the EULAs of a product lie.
    #[must_use]
    pub fn key_of(subject: &SubjectName, product: ProductId) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), product.to_string().as_str()])
    }

    /// The EULA of a version that was made at an instant: the one that was made last of those that
    /// name it; else the one that was the last to become the default, of those that were it by
    /// then.
    #[must_use]
    pub fn of_version(&self, version: &VersionName, made: Timestamp) -> Option<&Eula> {
        let mut latest_first = self.eulas.iter().rev();
        let named = latest_first.find(|eula| eula.versions.contains(version));
        let by_then = || {
            let defaults = self.eulas.iter().filter_map(|eula| Some((eula.default_since?, eula)));
            let by_then = defaults.filter(|(since, _)| *since <= made);
            // Of several of one instant the last.
            by_then.max_by_key(|(since, _)| *since).map(|(_, eula)| eula)
        };
        named.or_else(by_then)
    }

    /// The EULA of a name.
    #[must_use]
    pub fn named(&self, name: &EulaName) -> Option<&Eula> {
        self.eulas.iter().find(|eula| eula.name == *name)
    }

    /// The versions that are named, each once.
    #[must_use]
    pub fn versions(&self) -> BTreeSet<&VersionName> {
        self.eulas.iter().flat_map(|eula| &eula.versions).collect()
    }
}

impl Stored for Eulas {
    const KIND: Kind = Kind::new("eulas");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, self.product_id)
    }
}

/// The text of a EULA.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EulaText {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The product.
    pub product_id: ProductId,
    /// The EULA.
    pub id: EulaId,
    /// What the text is written in.
    pub syntax: EulaSyntax,
    /// The text.
    pub content: String,
}

/// What the text of a EULA is written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EulaSyntax {
    #[default]
    Markdown,
    Asciidoc,
    PlainText,
}

impl EulaSyntax {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Markdown, Self::Asciidoc, Self::PlainText];

    /// Its name, as requests have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Asciidoc => "asciidoc",
            Self::PlainText => "plain_text",
        }
    }
}

impl EulaText {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 256 << 10;

    /// Where the text of a EULA lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, product: ProductId, eula: EulaId) -> Key {
        let parts = [subject.folded(), product.to_string(), eula.to_string()];
        Key::new(Self::KIND, parts.each_ref().map(String::as_str))
    }

    /// Where the texts of a product's EULAs lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName, product: ProductId) -> KeyRange {
        range_of(Self::KIND, subject, product)
    }
}

impl Stored for EulaText {
    const KIND: Kind = Kind::new("eula_text");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, self.product_id, self.id)
    }
}

fn range_of(kind: Kind, subject: &SubjectName, product: ProductId) -> KeyRange {
    KeyRange::within(kind, [subject.folded().as_str(), product.to_string().as_str()])
}

/// Who accepts a EULA: whose name may be another's later, and whose number is not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// A user.
    User(SubjectId),
    /// Whoever holds an access key.
    AccessKey(AccessKeyId),
}

impl Signer {
    /// Its kind and number, as one text that no other has.
    #[must_use]
    pub fn as_text(self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::AccessKey(id) => format!("access_key:{id}"),
        }
    }
}

/// That a EULA was accepted for a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedEula {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The product.
    pub product_id: ProductId,
    /// The product's name.
    pub product: ProductName,
    /// Who accepted it.
    pub signer: Signer,
    /// The name that was signed in with.
    pub user: String,
    /// The version.
    pub version: VersionName,
    /// The EULA. Another of the same name was not accepted.
    pub eula_id: EulaId,
    /// The EULA's name.
    pub eula: EulaName,
    /// When.
    pub signed: Timestamp,
}

impl SignedEula {
    /// The field with when it was accepted.
    pub const SIGNED: Field = Field::new("signed", 1);
    /// The field with the name that was signed in with.
    pub const USER: Field = Field::new("user", 1);
    /// The field with the EULA's name.
    pub const EULA: Field = Field::new("eula", 1);

    /// Where it lies that someone accepted a EULA for a version.
    #[must_use]
    pub fn key_of(
        subject: &SubjectName,
        product: ProductId,
        signer: Signer,
        version: &VersionName,
        eula: EulaId,
    ) -> Key {
        let parts = [
            subject.folded(),
            product.to_string(),
            signer.as_text(),
            version.to_string(),
            eula.to_string(),
        ];
        Key::new(Self::KIND, parts.each_ref().map(String::as_str))
    }

    /// Where what was accepted of a product lies.
    #[must_use]
    pub fn range_of(subject: &SubjectName, product: ProductId) -> KeyRange {
        range_of(Self::KIND, subject, product)
    }

    /// Where what was accepted of all products of a subject lies.
    #[must_use]
    pub fn range_of_subject(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for SignedEula {
    const KIND: Kind = Kind::new("signed_eula");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, self.product_id, self.signer, &self.version, self.eula_id)
    }

    fn terms(&self) -> Vec<Term> {
        vec![
            Term { field: Self::SIGNED, value: TermValue::instant(self.signed) },
            Term { field: Self::USER, value: TermValue::text(&self.user) },
            Term { field: Self::EULA, value: TermValue::text(self.eula.as_str()) },
        ]
    }

    fn owners(&self) -> Vec<Key> {
        vec![Product::key_of(&self.subject, &self.product)]
    }
}
