//! Entitlements: make, show, list, change and delete.
//!
//! What an entitlement says is a record of its own; what decides are the grants of its access keys,
//! and both change in the same commit.

mod derived;
mod listed;
mod search;

use std::collections::BTreeSet;

use super::access_keys::gate;
use super::subjects::removable;
use super::{products, texts};
use crate::access::{Caller, Permit, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::access_keys::AccessKey;
use crate::model::entitlements::{
    Access, EntitledKey, Entitlement, EntitlementPlace, EntitlementScope,
};
use crate::model::packages::Package;
use crate::model::products::Product;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::model::versions::Version;
use crate::model::{Form, Stored};
use crate::names::{
    AccessKeyName, EntitlementName, FilePath, PackagePath, ProductName, RepoPath, SubjectName,
};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, hex};

use derived::Derived;
pub(crate) use derived::remove_within;
pub use listed::list;
pub use search::{EntitlementSearch, SearchScope, search};

/// The most access keys of one entitlement. Each is written anew when it changes.
const MOST_KEYS: usize = 1_000;

/// What is said about an entitlement that is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntitlement {
    /// Its id; a random one if there is none.
    pub name: Option<EntitlementName>,
    /// What it allows.
    pub access: Access,
    /// The access keys that it is for.
    pub access_keys: Vec<AccessKeyName>,
    /// In a repository, the folder or file that it is narrowed to.
    pub path: Option<FilePath>,
    /// Words that it is found by.
    pub tags: Vec<String>,
}

/// What changes about an entitlement.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EntitlementPatch {
    /// What it allows.
    pub access: Option<Access>,
    /// The access keys.
    pub access_keys: ListPatch<AccessKeyName>,
    /// The tags.
    pub tags: ListPatch<String>,
    /// The path, if it is said again: it is never another.
    pub path: Option<FilePath>,
}

/// What changes about a list: first it is replaced, then added to, then removed from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPatch<T> {
    /// What it becomes.
    pub replace: Option<Vec<T>>,
    /// What is added.
    pub add: Vec<T>,
    /// What is removed, if it is there.
    pub remove: Vec<T>,
}

impl<T> Default for ListPatch<T> {
    fn default() -> Self {
        Self { replace: None, add: Vec::new(), remove: Vec::new() }
    }
}

impl<T: Clone + Ord> ListPatch<T> {
    fn apply(&self, held: Vec<T>) -> Vec<T> {
        let mut list = self.replace.clone().unwrap_or(held);
        list.extend(self.add.iter().cloned());
        list.retain(|entry| !self.remove.contains(entry));
        without_doubles(list)
    }
}

fn without_doubles<T: Clone + Ord>(mut list: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    list.retain(|entry| seen.insert(entry.clone()));
    list
}

/// Whether the caller may see and change the entitlements of a place: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] where something on the way is not there: for a product before it is
/// asked whether the caller may, and also for one that the caller may not see; for anything else
/// after; [`ErrorKind::Forbidden`] for those who do not administer the subject, and for a subject of
/// the oss plan.
pub async fn check(packhouse: &Packhouse, caller: &Caller, place: &EntitlementPlace) -> Result<()> {
    check_product(packhouse, caller, place).await?;
    let work = Work::new(packhouse);
    let permit = work.permit::<act::Manage, _>(caller, place.subject()).await?;
    gate(&permit.place().subject)?;
    locate(&work, &permit.place().subject, place, None).await.map(drop)
}

/// Whether the product is there, for those who may know of it.
async fn check_product(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
) -> Result<()> {
    let EntitlementPlace::Product(subject, product) = place else { return Ok(()) };
    products::find(packhouse, caller, subject, product).await.map(drop)
}

async fn find_product(work: &Work, subject: &SubjectName, name: &ProductName) -> Result<Product> {
    let product = work.find_as_basis::<Product>(Product::key_of(subject, name)).await?;
    let product = product.filter(|product| product.name == *name);
    product.ok_or_else(|| Error::not_found(Noun::Product, name))
}

/// What the names lead to. What was found is expected unchanged: an entitlement of something that
/// is being deleted is never made.
async fn locate(
    work: &Work,
    subject: &Subject,
    place: &EntitlementPlace,
    path: Option<FilePath>,
) -> Result<EntitlementScope> {
    if let EntitlementPlace::Product(owner, name) = place {
        let product = find_product(work, owner, name).await?;
        return Ok(EntitlementScope::Product(product.name, product.id));
    }
    let Some(path_of_repo) = place.repo() else { return Err(Error::forbidden()) };
    let repo = find_repo(work, subject, path_of_repo).await?;
    Ok(match place {
        EntitlementPlace::Package(package) => {
            find_package(work, package).await?;
            EntitlementScope::Package(repo.name, repo.id, package.package.clone())
        }
        EntitlementPlace::Version(version) => {
            find_package(work, &version.package).await?;
            let found = work.find_as_basis::<Version>(Version::key_of(version)).await?;
            found.ok_or_else(|| Error::not_found(Noun::Version, &version.version))?;
            let package = version.package.package.clone();
            EntitlementScope::Version(repo.name, repo.id, package, version.version.clone())
        }
        _ => EntitlementScope::Repository(repo.name, repo.id, path),
    })
}

async fn find_repo(work: &Work, subject: &Subject, path: &RepoPath) -> Result<Repository> {
    let repo = work.find_as_basis::<Repository>(Repository::key_of(path)).await?;
    let repo = repo.filter(|repo| repo.name == path.repo && repo.owner == subject.id);
    repo.ok_or_else(|| Error::not_found(Noun::Repository, &path.repo))
}

async fn find_package(work: &Work, path: &PackagePath) -> Result<()> {
    let package = work.find::<Package>(Package::key_of(path)).await?;
    package.map(drop).ok_or_else(|| Error::not_found(Noun::Package, &path.package))
}

/// Runs a change for those who may grant rights over the place.
async fn change<T: Send, D: Future<Output = Result<T>> + Send>(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    path: Option<FilePath>,
    decide: impl Fn(Changing) -> D + Send + Sync,
) -> Result<T> {
    check_product(packhouse, caller, place).await?;
    let (decide, path) = (&decide, &path);
    packhouse
        .change::<act::Manage, _, _, _, _>(caller, place.subject(), |permit, work| async move {
            gate(&permit.place().subject)?;
            let scope = locate(&work, &permit.place().subject, place, path.clone()).await?;
            decide(Changing { permit, work, scope }).await
        })
        .await
}

/// A change of an entitlement that the caller may make.
struct Changing {
    permit: Permit<act::Manage, SubjectPlace>,
    work: Work,
    /// What it is for.
    scope: EntitlementScope,
}

/// Shows an entitlement.
///
/// Implements the Bintray REST API, "Get Entitlement".
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`] also for one of another place.
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    name: &EntitlementName,
) -> Result<Entitlement> {
    check(packhouse, caller, place).await?;
    require(&Work::new(packhouse), place, name).await
}

async fn require(
    work: &Work,
    place: &EntitlementPlace,
    name: &EntitlementName,
) -> Result<Entitlement> {
    let found = work.find::<Entitlement>(Entitlement::key_of(place, name)).await?;
    found.ok_or_else(|| Error::not_found(Noun::Entitlement, name))
}

/// Makes an entitlement, and gives its access keys what it allows.
///
/// Implements the Bintray REST API, "Create Entitlement".
///
/// # Errors
/// As [`check`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for access keys that are not
/// there, a path outside of a repository, more than reading of a product.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    new: &NewEntitlement,
) -> Result<Entitlement> {
    change(packhouse, caller, place, new.path.clone(), |changing| async move {
        let Changing { permit, work, scope } = changing;
        let subject = &permit.place().subject;
        if new.path.is_some() && !matches!(place, EntitlementPlace::Repository(_)) {
            let message = "path is for entitlements of a repository: leave it out";
            return Err(Error::invalid(message));
        }
        let generated = || EntitlementName::parse(&hex::encode(&packhouse.random_bytes::<20>()));
        let name = new.name.clone().map_or_else(generated, Ok)?;
        if work.exists(Entitlement::key_of(place, &name)).await? {
            let message = format!("Entitlement '{name}' already exists");
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        let names = without_doubles(new.access_keys.clone());
        let entitlement = Entitlement {
            form: Form,
            subject: subject.name.clone(),
            subject_id: subject.id,
            scope,
            name,
            access: new.access,
            access_keys: keys_of(&work, &subject.name, &names, &[]).await?,
            tags: without_doubles(new.tags.clone()),
            created: work.now(),
        };
        check_said(&entitlement)?;
        let mut derived = Derived::default();
        derived.give(&work, &entitlement).await?;
        derived.write(&work, &permit);
        work.put(&permit, &entitlement);
        Ok(entitlement)
    })
    .await
}

/// Changes an entitlement, and what its access keys may do.
///
/// Implements the Bintray REST API, "Update Entitlement".
///
/// # Errors
/// As [`create`]; [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    name: &EntitlementName,
    patch: &EntitlementPatch,
) -> Result<Entitlement> {
    change(packhouse, caller, place, None, |changing| async move {
        let Changing { permit, work, .. } = changing;
        let before = require(&work, place, name).await?;
        if patch.path.is_some() && patch.path.as_ref() != before.path() {
            let message = "path cannot be changed: make another entitlement and delete this one";
            return Err(Error::invalid(message));
        }
        let held = before.access_keys.iter().map(|key| key.name.clone()).collect();
        let names = patch.access_keys.apply(held);
        let after = Entitlement {
            access: patch.access.unwrap_or(before.access),
            access_keys: keys_of(&work, &before.subject, &names, &before.access_keys).await?,
            tags: patch.tags.apply(before.tags.clone()),
            ..before.clone()
        };
        check_said(&after)?;
        let mut derived = Derived::default();
        derived.take(&work, &before).await?;
        derived.give(&work, &after).await?;
        derived.write(&work, &permit);
        work.put(&permit, &after);
        Ok(after)
    })
    .await
}

/// Deletes an entitlement, whatever the plan, and takes from its access keys what it allowed.
///
/// Implements the Bintray REST API, "Delete Entitlement".
///
/// # Errors
/// As [`check`], of the plan only where there is no such entitlement; [`ErrorKind::NotFound`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    name: &EntitlementName,
) -> Result<()> {
    check_product(packhouse, caller, place).await?;
    packhouse
        .change::<act::Manage, _, _, _, _>(caller, place.subject(), |permit, work| async move {
            let subject = &permit.place().subject;
            let found = located(&work, subject, place, name).await;
            let entitlement = removable(found, gate(subject))?;
            let mut derived = Derived::default();
            derived.take(&work, &entitlement).await?;
            derived.write(&work, &permit);
            work.delete(&permit, entitlement.key());
            Ok(())
        })
        .await
}

/// The entitlement of this id, if what it is for is there too.
async fn located(
    work: &Work,
    subject: &Subject,
    place: &EntitlementPlace,
    name: &EntitlementName,
) -> Result<Entitlement> {
    locate(work, subject, place, None).await?;
    require(work, place, name).await
}

/// The access keys of these names, which must not be deleted before the commit. Of those that were
/// `held` before, one that was deleted meanwhile is left out.
async fn keys_of(
    work: &Work,
    subject: &SubjectName,
    names: &[AccessKeyName],
    held: &[EntitledKey],
) -> Result<Vec<EntitledKey>> {
    if names.len() > MOST_KEYS {
        let count = names.len();
        let message = format!(
            "access_keys has {count} entries: at most {MOST_KEYS} are kept, so make a second \
             entitlement"
        );
        return Err(Error::invalid(message));
    }
    let records = names.iter().map(|name| AccessKey::key_of(subject, name)).collect();
    let found = work.find_all_as_basis::<AccessKey>(records).await?;
    let mut keys = Vec::with_capacity(names.len());
    for (name, key) in names.iter().zip(found) {
        let was_held = held.iter().any(|held| held.name == *name);
        match key.filter(|key| !key.closing) {
            Some(key) => keys.push(EntitledKey { name: key.name, id: key.id }),
            None if was_held => {}
            None => return Err(Error::invalid(format!("Access key '{name}' does not exist"))),
        }
    }
    Ok(keys)
}

fn check_said(entitlement: &Entitlement) -> Result<()> {
    texts::check_all("tags", &entitlement.tags)?;
    let of_product = matches!(entitlement.scope, EntitlementScope::Product(..));
    if of_product && entitlement.access != Access::Read {
        let message = "Entitlements of a product allow to download: give access as 'r'";
        return Err(Error::invalid(message));
    }
    Ok(())
}
