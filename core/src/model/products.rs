//! Products: packages of a subject that are handed out together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Form, ProductId, Stored, SubjectId};
use crate::Timestamp;
use crate::names::{PackageName, ProductName, RepoName, SubjectName};
use crate::store::{Key, KeyRange, Kind};

/// A product of a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Product {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: ProductId,
    /// The subject.
    pub subject: SubjectName,
    /// The subject.
    pub subject_id: SubjectId,
    /// Its name, as spelt when it was made.
    pub name: ProductName,
    /// The name to show.
    pub display_name: Option<String>,
    /// A description.
    pub desc: Option<String>,
    /// Its site.
    pub website_url: Option<String>,
    /// Where its source lies.
    pub vcs_url: Option<String>,
    /// Its packages.
    pub packages: BTreeSet<(RepoName, PackageName)>,
    /// For how long its signed URLs are good, in seconds.
    pub sign_url_expiry: Option<u32>,
    /// When it was made.
    pub created: Timestamp,
}

impl Product {
    /// Where the product of this name lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, name: &ProductName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), name.folded().as_str()])
    }

    /// Where the products of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for Product {
    const KIND: Kind = Kind::new("product");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }
}
