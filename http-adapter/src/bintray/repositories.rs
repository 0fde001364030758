//! Bintray REST API, "Repositories".

use packhouse_core::Paging;
use packhouse_core::model::repositories::{RepositoryKind, RepositorySettings};
use packhouse_core::repositories::{self, NewRepository, RepositoryPatch, RepositoryView};
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// "Get Repositories": name and owner alone.
pub(super) async fn list(call: Call) -> Answer {
    let subject = call.subject()?;
    let paging = call.paging(Paging::MAX)?;
    let listed = repositories::list(&call.packhouse, &call.caller, &subject, paging).await?;
    Ok(reply::page(
        &listed
            .map(|repo| Listing { name: repo.name.to_string(), owner: repo.subject.to_string() }),
    ))
}

#[derive(Serialize)]
struct Listing {
    name: String,
    owner: String,
}

/// "Get Repository".
pub(super) async fn show(call: Call) -> Answer {
    let view = repositories::show(&call.packhouse, &call.caller, &call.repo()?).await?;
    Ok(reply::ok(&Repository::from(view)))
}

/// "Create Repository". The name is the path's, whatever the body says.
pub(super) async fn create(mut call: Call) -> Answer {
    let path = call.repo()?;
    repositories::check_new(&call.packhouse, &call.caller, &path.subject).await?;
    let body: Body = call.json().await?;
    let kind = body.kind()?;
    let private = body.private.unwrap_or(false);
    let settings = body.patch()?.apply(RepositorySettings::default());
    let new = NewRepository { kind, private, settings };
    let view = repositories::create(&call.packhouse, &call.caller, &path, &new).await?;
    Ok(reply::created(&Repository::from(view)))
}

/// "Update Repository".
pub(super) async fn update(mut call: Call) -> Answer {
    let path = call.repo()?;
    repositories::check_there(&call.packhouse, &call.caller, &path).await?;
    let body: Body = call.json().await?;
    let (private, patch) = (body.private, body.patch()?);
    repositories::update(&call.packhouse, &call.caller, &path, private, &patch).await?;
    Ok(reply::success())
}

/// "Delete Repository".
pub(super) async fn delete(call: Call) -> Answer {
    repositories::delete(&call.packhouse, &call.caller, &call.repo()?).await?;
    Ok(reply::success())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    r#type: Option<String>,
    #[serde(deserialize_with = "json::switch")]
    private: Option<bool>,
    desc: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    labels: Option<Vec<String>>,
    business_unit: Option<String>,
    #[serde(deserialize_with = "json::switch")]
    gpg_sign_metadata: Option<bool>,
    #[serde(deserialize_with = "json::switch")]
    gpg_sign_files: Option<bool>,
    #[serde(deserialize_with = "json::switch")]
    gpg_use_owner_key: Option<bool>,
    #[serde(deserialize_with = "json::clearable_integer")]
    version_update_max_days: Option<Option<i64>>,
    default_debian_architecture: Option<String>,
    default_debian_distribution: Option<String>,
    default_debian_component: Option<String>,
    #[serde(deserialize_with = "json::clearable_integer")]
    yum_metadata_depth: Option<Option<i64>>,
    yum_groups_file: Option<String>,
}

impl Body {
    fn kind(&self) -> Result<RepositoryKind, Failure> {
        let Some(name) = self.r#type.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(RepositoryKind::default());
        };
        // The service itself sometimes said "deb".
        let name = if name.eq_ignore_ascii_case("deb") { "debian" } else { name };
        let mut kinds = RepositoryKind::ALL.into_iter();
        kinds.find(|kind| kind.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = RepositoryKind::ALL.map(RepositoryKind::as_str).join(", ");
            Failure::bad_request(format!("Repository type '{name}' does not exist: use {known}"))
        })
    }

    fn patch(self) -> Result<RepositoryPatch, Failure> {
        let text = |value: Option<String>| value.map(|text| Some(text).filter(|t| !t.is_empty()));
        Ok(RepositoryPatch {
            desc: self.desc,
            labels: self.labels,
            business_unit: text(self.business_unit),
            gpg_sign_metadata: self.gpg_sign_metadata,
            gpg_sign_files: self.gpg_sign_files,
            gpg_use_owner_key: self.gpg_use_owner_key,
            version_update_max_days: small(
                "version_update_max_days",
                self.version_update_max_days,
            )?,
            default_debian_architecture: text(self.default_debian_architecture),
            default_debian_distribution: text(self.default_debian_distribution),
            default_debian_component: text(self.default_debian_component),
            yum_metadata_depth: small("yum_metadata_depth", self.yum_metadata_depth)?,
            yum_groups_file: text(self.yum_groups_file),
        })
    }
}

fn small(name: &str, value: Option<Option<i64>>) -> Result<Option<Option<u32>>, Failure> {
    let small = |number: i64| {
        u32::try_from(number).map_err(|_| {
            Failure::bad_request(format!("{name} is {number}: use a number from 0 to 4294967295"))
        })
    };
    value.map(|said| said.map(small).transpose()).transpose()
}

/// Strict clients refuse other keys than these, and some of them missing.
#[derive(Serialize)]
pub(super) struct Repository {
    name: String,
    owner: String,
    r#type: &'static str,
    private: bool,
    premium: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_update_max_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit: Option<String>,
    desc: String,
    labels: Vec<String>,
    created: String,
    package_count: u64,
    gpg_sign_metadata: bool,
    gpg_sign_files: bool,
    gpg_use_owner_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_debian_architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_debian_distribution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_debian_component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yum_metadata_depth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yum_groups_file: Option<String>,
}

impl From<RepositoryView> for Repository {
    fn from(view: RepositoryView) -> Self {
        let RepositoryView { repo, plan, package_count } = view;
        let settings = repo.settings;
        Self {
            name: repo.name.to_string(),
            owner: repo.subject.to_string(),
            r#type: repo.kind.as_str(),
            private: repo.private,
            premium: plan.is_premium(),
            version_update_max_days: settings.version_update_max_days,
            business_unit: settings.business_unit,
            desc: settings.desc,
            labels: settings.labels,
            created: repo.created.to_string(),
            package_count,
            gpg_sign_metadata: settings.gpg_sign_metadata,
            gpg_sign_files: settings.gpg_sign_files,
            gpg_use_owner_key: settings.gpg_use_owner_key,
            default_debian_architecture: settings.default_debian_architecture,
            default_debian_distribution: settings.default_debian_distribution,
            default_debian_component: settings.default_debian_component,
            yum_metadata_depth: settings.yum_metadata_depth,
            yum_groups_file: settings.yum_groups_file,
        }
    }
}
