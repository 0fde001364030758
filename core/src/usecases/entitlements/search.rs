//! The search for entitlements.

use super::{find_product, locate};
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::model::entitlements::{Entitlement, EntitlementPlace};
use crate::model::products::Product;
use crate::names::{AccessKeyName, PackageName, ProductName, RepoName, RepoPath, SubjectName};
use crate::store::{Filter, KeyRange, Query, TermValue};
use crate::usecases::access_keys::gate;
use crate::usecases::{Listed, Paging};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// Which entitlements to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntitlementSearch {
    /// Those for this access key.
    pub access_key: Option<AccessKeyName>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those of this place.
    pub scope: SearchScope,
    /// Those of this product, and of its packages as far as they lie in the scope.
    pub product: Option<ProductName>,
    /// Those of all within the scope too.
    pub deep: bool,
}

/// Where to look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchScope {
    /// In a subject. None are of a subject alone: its repositories are within it.
    Subject(SubjectName),
    /// In a repository, a package or a version.
    Place(EntitlementPlace),
}

impl SearchScope {
    const fn subject(&self) -> &SubjectName {
        match self {
            Self::Subject(subject) => subject,
            Self::Place(place) => place.subject(),
        }
    }
}

/// The entitlements of an access key or with a tag.
///
/// Implements the Bintray REST API, "Search Entitlements".
///
/// # Errors
/// [`ErrorKind::Invalid`] for neither an access key nor a tag; [`ErrorKind::Forbidden`] where the
/// caller does not administer the subject, and where something on the way is not there.
pub async fn search(
    packhouse: &Packhouse,
    caller: &Caller,
    search: &EntitlementSearch,
    paging: Paging,
) -> Result<Listed<Entitlement>> {
    if caller.is_anonymous() {
        return Err(Error::unauthenticated());
    }
    let work = Work::new(packhouse);
    let product = allowed(&work, caller, search).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound(_) => unknown(),
        ErrorKind::Forbidden if error.message() == "forbidden" => unknown(),
        _ => error,
    })?;
    let mut filter = vec![Entitlement::is_there()];
    let is = |field, text: &str| Filter::Is(field, TermValue::text(text));
    filter.extend(search.access_key.as_ref().map(|key| is(Entitlement::ACCESS_KEY, key.as_str())));
    filter.extend(search.tag.as_ref().map(|tag| is(Entitlement::TAG, tag)));
    if filter.len() == 1 {
        return Err(Error::invalid("Nothing to search for: give access_key or tag"));
    }
    let (range, narrowed) = match &product {
        Some(product) => of_product(search, product),
        None => of_scope(search),
    };
    filter.push(narrowed);
    packhouse.list(Query::within(range).filter(Filter::All(filter)), paging).await
}

/// What is said of a scope that is not there, or not the caller's.
fn unknown() -> Error {
    Error::new(ErrorKind::Forbidden, "Forbidden")
}

/// Whether the caller may look there; the product, if one was named.
async fn allowed(
    work: &Work,
    caller: &Caller,
    search: &EntitlementSearch,
) -> Result<Option<Product>> {
    let subject = search.scope.subject();
    let permit = work.permit::<act::Manage, _>(caller, subject).await?;
    match &search.scope {
        SearchScope::Subject(_) => gate(&permit.place().subject)?,
        SearchScope::Place(place) => {
            locate(work, &permit.place().subject, place, None).await?;
        }
    }
    match &search.product {
        Some(name) => find_product(work, subject, name).await.map(Some),
        None => Ok(None),
    }
}

fn of_scope(search: &EntitlementSearch) -> (KeyRange, Filter) {
    let range = match &search.scope {
        SearchScope::Subject(subject) if search.deep => Entitlement::range_of_subject(subject),
        SearchScope::Subject(subject) => {
            return (Entitlement::range_of_subject(subject), Filter::Any(Vec::new()));
        }
        SearchScope::Place(place) if search.deep => Entitlement::range_within(place),
        SearchScope::Place(place) => Entitlement::range_of(place),
    };
    (range, Filter::everything())
}

/// Those of the product itself lie in the subject; those of its packages, where these lie.
fn of_product(search: &EntitlementSearch, product: &Product) -> (KeyRange, Filter) {
    let subject = search.scope.subject();
    let own = EntitlementPlace::Product(subject.clone(), product.name.clone());
    let in_scope = |repo: &RepoName, package: &PackageName| match &search.scope {
        SearchScope::Subject(_) => true,
        SearchScope::Place(place) => {
            let repo = RepoPath { subject: subject.clone(), repo: repo.clone() };
            place.repo() == Some(&repo)
                && match place {
                    EntitlementPlace::Package(path) => path.package == *package,
                    EntitlementPlace::Version(path) => path.package.package == *package,
                    _ => search.deep,
                }
        }
    };
    let packages = product.packages.iter().filter(|(repo, package)| in_scope(repo, package));
    let of_packages = Filter::Any(
        packages
            .map(|(repo, package)| {
                let value = Entitlement::package_term(repo, package);
                Filter::Is(Entitlement::PACKAGE, value)
            })
            .collect(),
    );
    match &search.scope {
        SearchScope::Subject(_) if !search.deep => {
            (Entitlement::range_of(&own), Filter::everything())
        }
        SearchScope::Subject(subject) => {
            let own = Filter::Is(Entitlement::PRODUCT, TermValue::text(&product.name.folded()));
            (Entitlement::range_of_subject(subject), Filter::Any(vec![own, of_packages]))
        }
        SearchScope::Place(_) => {
            let (range, _) = of_scope(search);
            (range, of_packages)
        }
    }
}
