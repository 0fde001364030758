//! Products: packages of a subject that are handed out together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Form, ProductId, Stored, SubjectId};
use crate::Timestamp;
use crate::names::{PackageName, ProductName, RepoName, SubjectName};
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// A product of a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Product {
    /// The form of the body.
    pub form: Form<1>,
    /// Its internal number.
    pub id: ProductId,
    /// The subject.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// Its name, as spelt when it was made.
    pub name: ProductName,
    /// What is said about it.
    #[serde(flatten)]
    pub settings: ProductSettings,
    /// Its packages, in the order given. Each says the same by the number of the product: one that
    /// does not is another that was made anew under the name.
    pub packages: Vec<(RepoName, PackageName)>,
    /// When it was made.
    pub created: Timestamp,
}

/// What is said about a product.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductSettings {
    /// The name to show; the product's own if there is none.
    pub display_name: Option<String>,
    /// A description.
    pub desc: Option<String>,
    /// Its site.
    pub website_url: Option<String>,
    /// Where its source lies.
    pub vcs_url: Option<String>,
    /// For how long URLs that Bintray made for its files were good, in a unit that no document
    /// says. Kept for clients.
    pub sign_url_expiry: Option<u32>,
}

impl Product {
    /// The most packages of one product. They change in one commit with it.
    pub const MAX_PACKAGES: usize = 1_000;
    /// The most products of one subject.
    pub const MAX: usize = 1_000;
    /// The most products that one package belongs to. A download looks at each.
    pub const MAX_OF_PACKAGE: usize = 50;
    /// The field with its internal number.
    pub const ID: Field = Field::new("id", 1);
    /// The field with each repository that it has packages of, in lower case.
    pub const REPO: Field = Field::new("repo", 1);

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

    /// The filter for the products with these numbers.
    #[must_use]
    pub fn is_any_of(ids: &BTreeSet<ProductId>) -> Filter {
        let is = |id: &ProductId| Filter::Is(Self::ID, TermValue::text(&id.to_string()));
        Filter::Any(ids.iter().map(is).collect())
    }

    /// The filter for those that have packages of a repository.
    #[must_use]
    pub fn has_packages_of(repo: &RepoName) -> Filter {
        Filter::Is(Self::REPO, TermValue::text(&repo.folded()))
    }

    /// The name to show.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.settings.display_name.as_deref().unwrap_or(self.name.as_str())
    }
}

impl Stored for Product {
    const KIND: Kind = Kind::new("product");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }

    fn terms(&self) -> Vec<Term> {
        let term = |field, text: &str| Term { field, value: TermValue::text(text) };
        let repos: BTreeSet<String> = self.packages.iter().map(|(repo, _)| repo.folded()).collect();
        let repos = repos.iter().map(|repo| term(Self::REPO, repo));
        repos.chain([term(Self::ID, &self.id.to_string())]).collect()
    }
}

/// Stands where a product is being deleted, until the last that was said of it is gone, so that a
/// new one of the same name does not inherit the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProductTomb {
    /// The form of the body.
    pub form: Form<1>,
    /// The number that the product had.
    pub id: ProductId,
    /// The subject.
    pub subject: SubjectName,
    /// Its name.
    pub name: ProductName,
}

impl ProductTomb {
    /// Where the tomb of the product of this name lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, name: &ProductName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), name.folded().as_str()])
    }
}

impl Stored for ProductTomb {
    const KIND: Kind = Kind::new("product_tomb");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }
}
