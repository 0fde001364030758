//! Bintray REST API, "Entitlements".
//!
//! The documents call the keys of an entitlement `access_keys` and `download_keys`: both are taken,
//! and an entitlement that is asked for has both.

use packhouse_core::Paging;
use packhouse_core::entitlements::{
    self, EntitlementPatch, EntitlementSearch, ListPatch, NewEntitlement, SearchScope,
};
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::names::{
    AccessKeyName, EntitlementName, FilePath, PackageName, ProductName, RepoPath, SubjectName,
    VersionName,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// Clients take a list for the whole.
const PAGE: usize = Paging::MAX;

/// Declares the handlers of the four things that entitlements are of.
macro_rules! of_all {
    ($($(#[$doc:meta])* $handler:ident => $product:ident, $repo:ident, $package:ident, $version:ident;)*) => {$(
        $(#[$doc])*
        pub(super) async fn $product(call: Call) -> Answer {
            let place = EntitlementPlace::Product(call.subject()?, call.product()?);
            $handler(call, place).await
        }

        $(#[$doc])*
        pub(super) async fn $repo(call: Call) -> Answer {
            let place = EntitlementPlace::Repository(call.repo()?);
            $handler(call, place).await
        }

        $(#[$doc])*
        pub(super) async fn $package(call: Call) -> Answer {
            let place = EntitlementPlace::Package(call.package()?);
            $handler(call, place).await
        }

        $(#[$doc])*
        pub(super) async fn $version(call: Call) -> Answer {
            let place = EntitlementPlace::Version(call.version()?);
            $handler(call, place).await
        }
    )*};
}

of_all! {
    /// "Get Entitlements".
    list => list_of_product, list_of_repo, list_of_package, list_of_version;
    /// "Get Entitlement".
    show => show_of_product, show_of_repo, show_of_package, show_of_version;
    /// "Create Entitlement".
    create => create_of_product, create_of_repo, create_of_package, create_of_version;
    /// "Update Entitlement".
    update => update_of_product, update_of_repo, update_of_package, update_of_version;
    /// "Delete Entitlement".
    delete => delete_of_product, delete_of_repo, delete_of_package, delete_of_version;
}

async fn list(call: Call, place: EntitlementPlace) -> Answer {
    let paging = call.paging(PAGE)?;
    let listed = entitlements::list(&call.packhouse, &call.caller, &place, paging).await?;
    Ok(reply::page(&listed.map(|entitlement| json!({"id": entitlement.name.as_str()}))))
}

async fn show(call: Call, place: EntitlementPlace) -> Answer {
    let name = name(&call)?;
    let shown = entitlements::show(&call.packhouse, &call.caller, &place, &name).await?;
    let download_keys = Some(key_names(&shown));
    Ok(reply::ok(&Shown { download_keys, ..Shown::of(&shown) }))
}

async fn create(mut call: Call, place: EntitlementPlace) -> Answer {
    entitlements::check(&call.packhouse, &call.caller, &place).await?;
    let body: Body = call.json().await?;
    let new = body.read()?;
    let made = entitlements::create(&call.packhouse, &call.caller, &place, &new).await?;
    Ok(reply::created(&Shown::of(&made)))
}

async fn update(mut call: Call, place: EntitlementPlace) -> Answer {
    let name = name(&call)?;
    // Whether it is there comes before what is said of it.
    entitlements::show(&call.packhouse, &call.caller, &place, &name).await?;
    let body: Body = call.json().await?;
    let patch = body.patch()?;
    let changed =
        entitlements::update(&call.packhouse, &call.caller, &place, &name, &patch).await?;
    Ok(reply::ok(&Shown::of(&changed)))
}

async fn delete(call: Call, place: EntitlementPlace) -> Answer {
    let name = name(&call)?;
    entitlements::delete(&call.packhouse, &call.caller, &place, &name).await?;
    Ok(reply::success())
}

/// "Search Entitlements".
pub(super) async fn search(call: Call) -> Answer {
    let given = |name| Ok::<_, Failure>(call.query.get(name)?.filter(|text| !text.is_empty()));
    let Some(scope) = given("scope")? else {
        return Err(Failure::bad_request("There is no scope: give one, like scope=subject/repo"));
    };
    let search = EntitlementSearch {
        access_key: given("access_key")?.map(AccessKeyName::parse).transpose()?,
        tag: given("tag")?.map(str::to_owned),
        scope: scope_of(scope).ok_or_else(unknown_scope)?,
        product: match given("product")? {
            Some(product) => Some(ProductName::parse(product).map_err(|_| unknown_scope())?),
            None => None,
        },
        deep: call.query.switch("deep")?.unwrap_or_default(),
    };
    let paging = call.paging(PAGE)?;
    let found = entitlements::search(&call.packhouse, &call.caller, &search, paging).await?;
    Ok(reply::page(&found.map(Found::from)))
}

/// `subject[/repo[/package[/version]]]`; nothing if it can be the name of nothing.
fn scope_of(text: &str) -> Option<SearchScope> {
    let text = text.strip_prefix('/').unwrap_or(text);
    let mut names = text.splitn(4, '/');
    let subject = SubjectName::parse(names.next()?).ok()?;
    let Some(repo) = names.next() else { return Some(SearchScope::Subject(subject)) };
    let repo = RepoPath::parse(subject.as_str(), repo).ok()?;
    let Some(package) = names.next() else {
        return Some(SearchScope::Place(EntitlementPlace::Repository(repo)));
    };
    let package = repo.package(PackageName::parse(package).ok()?);
    let Some(version) = names.next() else {
        return Some(SearchScope::Place(EntitlementPlace::Package(package)));
    };
    let version = package.version(VersionName::parse(version).ok()?);
    Some(SearchScope::Place(EntitlementPlace::Version(version)))
}

/// The service says no more of a scope that is not there, or not the caller's.
fn unknown_scope() -> Failure {
    Failure::new(http::StatusCode::FORBIDDEN, "Forbidden")
}

fn name(call: &Call) -> Result<EntitlementName, Failure> {
    Ok(EntitlementName::parse(call.params.get("entitlement_id"))?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    id: Option<String>,
    access: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    access_keys: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    access_keys_add: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    access_keys_remove: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    download_keys: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    download_keys_add: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    download_keys_remove: Option<Vec<String>>,
    path: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    tags: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    tags_add: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    tags_remove: Option<Vec<String>>,
}

impl Body {
    fn read(self) -> Result<NewEntitlement, Failure> {
        let Some(access) = access(self.access.as_deref())? else {
            let message = "The entitlement has no access: give \"access\" as \"r\" or \"rw\"";
            return Err(Failure::bad_request(message));
        };
        let id = self.id.as_deref().filter(|id| !id.is_empty());
        Ok(NewEntitlement {
            name: id.map(EntitlementName::parse).transpose()?,
            access,
            access_keys: keys("keys", self.access_keys, self.download_keys)?.unwrap_or_default(),
            path: path(self.path.as_deref())?,
            tags: self.tags.unwrap_or_default(),
        })
    }

    fn patch(self) -> Result<EntitlementPatch, Failure> {
        let add = keys("keys_add", self.access_keys_add, self.download_keys_add)?;
        let remove = keys("keys_remove", self.access_keys_remove, self.download_keys_remove)?;
        Ok(EntitlementPatch {
            access: access(self.access.as_deref())?,
            access_keys: ListPatch {
                replace: keys("keys", self.access_keys, self.download_keys)?,
                add: add.unwrap_or_default(),
                remove: remove.unwrap_or_default(),
            },
            tags: ListPatch {
                replace: self.tags,
                add: self.tags_add.unwrap_or_default(),
                remove: self.tags_remove.unwrap_or_default(),
            },
            path: path(self.path.as_deref())?,
        })
    }
}

fn access(text: Option<&str>) -> Result<Option<Access>, Failure> {
    match text {
        None => Ok(None),
        Some("r") => Ok(Some(Access::Read)),
        Some("rw") => Ok(Some(Access::ReadWrite)),
        Some(other) => {
            Err(Failure::bad_request(format!("access is '{other}': give it as 'r' or 'rw'")))
        }
    }
}

/// What was given under either name.
fn keys(
    name: &str,
    access: Option<Vec<String>>,
    download: Option<Vec<String>>,
) -> Result<Option<Vec<AccessKeyName>>, Failure> {
    let given = match (access, download) {
        (Some(one), Some(other)) if one != other => {
            return Err(Failure::bad_request(format!(
                "conflicting_parameter: access_{name} and download_{name} are the same list: give \
                 one of them"
            )));
        }
        (one, other) => one.or(other),
    };
    let parse = |texts: Vec<String>| texts.iter().map(|text| AccessKeyName::parse(text)).collect();
    Ok(given.map(parse).transpose()?)
}

/// A folder may be written with a slash at its end. Nothing at all is no path: a script that lost
/// it must not open the whole repository.
fn path(text: Option<&str>) -> Result<Option<FilePath>, Failure> {
    match text {
        None => Ok(None),
        Some("") => {
            let message = "path is empty: leave it out for the whole repository";
            Err(Failure::bad_request(message))
        }
        Some(text) => Ok(Some(FilePath::parse(text.strip_suffix('/').unwrap_or(text))?)),
    }
}

fn key_names(entitlement: &Entitlement) -> Vec<String> {
    entitlement.access_keys.iter().map(|key| key.name.to_string()).collect()
}

/// In the order of the document.
#[derive(Serialize)]
struct Shown {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    access: &'static str,
    access_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_keys: Option<Vec<String>>,
    tags: Vec<String>,
}

impl Shown {
    fn of(entitlement: &Entitlement) -> Self {
        Self {
            id: entitlement.name.to_string(),
            path: entitlement.path().map(ToString::to_string),
            access: entitlement.access.as_str(),
            access_keys: key_names(entitlement),
            download_keys: None,
            tags: entitlement.tags.clone(),
        }
    }
}

/// An entitlement that was searched for, with what it is for.
#[derive(Serialize)]
struct Found {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// With a slash before the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    access: &'static str,
    access_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl From<Entitlement> for Found {
    fn from(entitlement: Entitlement) -> Self {
        let place = entitlement.place();
        let (product, package, version) = match &place {
            EntitlementPlace::Product(_, product) => (Some(product.to_string()), None, None),
            EntitlementPlace::Repository(_) => (None, None, None),
            EntitlementPlace::Package(path) => (None, Some(path.package.to_string()), None),
            EntitlementPlace::Version(path) => {
                (None, Some(path.package.package.to_string()), Some(path.version.to_string()))
            }
        };
        Self {
            product,
            repo: place.repo().map(|repo| format!("/{repo}")),
            package,
            version,
            id: entitlement.name.to_string(),
            path: entitlement.path().map(ToString::to_string),
            access: entitlement.access.as_str(),
            access_keys: key_names(&entitlement),
            tags: entitlement.tags,
        }
    }
}
