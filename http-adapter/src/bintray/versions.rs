//! Bintray REST API, "Versions".

use packhouse_core::Timestamp;
use packhouse_core::model::versions::VersionSettings;
use packhouse_core::names::VersionName;
use packhouse_core::versions::{self, VersionPatch, VersionView};
use serde::{Deserialize, Serialize};

use super::attributes::{Said, with_values};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// "Get Version".
pub(super) async fn show(call: Call) -> Answer {
    let with_values = with_values(&call)?;
    let view = versions::show(&call.packhouse, &call.caller, &call.version()?).await?;
    Ok(reply::ok(&Version::of(view, with_values)))
}

/// "Get Version" with `_latest`: the newest that has a published file.
pub(super) async fn show_latest(call: Call) -> Answer {
    let with_values = with_values(&call)?;
    let view = versions::show_latest(&call.packhouse, &call.caller, &call.package()?).await?;
    Ok(reply::ok(&Version::of(view, with_values)))
}

/// "Get Version for File".
pub(super) async fn of_file(call: Call) -> Answer {
    let with_values = with_values(&call)?;
    let view = versions::of_file(&call.packhouse, &call.caller, &call.file()?).await?;
    Ok(reply::ok(&Version::of(view, with_values)))
}

/// "Create Version".
pub(super) async fn create(mut call: Call) -> Answer {
    let package = call.package()?;
    versions::check_new(&call.packhouse, &call.caller, &package).await?;
    let body: Body = call.json().await?;
    let Some(name) = &body.name else {
        return Err(Failure::bad_request("The version has no name: give one as \"name\""));
    };
    let path = package.version(VersionName::parse(name)?);
    let settings = body.patch().apply(VersionSettings::default());
    let view = versions::create(&call.packhouse, &call.caller, &path, &settings).await?;
    Ok(reply::created(&Version::of(view, false)))
}

/// "Update Version". A name in the body is no new name.
pub(super) async fn update(mut call: Call) -> Answer {
    let path = call.version()?;
    versions::check_there(&call.packhouse, &call.caller, &path).await?;
    let body: Body = call.json().await?;
    versions::update(&call.packhouse, &call.caller, &path, &body.patch()).await?;
    Ok(reply::success())
}

/// "Delete Version".
pub(super) async fn delete(call: Call) -> Answer {
    versions::delete(&call.packhouse, &call.caller, &call.version()?).await?;
    Ok(reply::success())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    desc: Option<String>,
    #[serde(deserialize_with = "json::date")]
    released: Option<Option<Timestamp>>,
    vcs_tag: Option<String>,
    github_release_notes_file: Option<String>,
    #[serde(deserialize_with = "json::switch")]
    github_use_tag_release_notes: Option<bool>,
}

impl Body {
    fn patch(self) -> VersionPatch {
        VersionPatch {
            desc: self.desc.map(Some),
            released: self.released,
            vcs_tag: self.vcs_tag.map(Some),
            github_release_notes_file: self.github_release_notes_file.map(Some),
            github_use_tag_release_notes: self.github_use_tag_release_notes,
        }
    }
}

/// The one client that refuses other keys than these wants an integer `ordinal` and a boolean
/// `published`.
#[derive(Serialize)]
pub(super) struct Version {
    name: String,
    desc: Option<String>,
    package: String,
    repo: String,
    owner: String,
    labels: Vec<String>,
    published: bool,
    #[serde(flatten)]
    attributes: Said,
    created: String,
    updated: String,
    released: String,
    ordinal: i64,
    #[serde(flatten)]
    for_publishers: Option<ForPublishers>,
    rating_count: u64,
}

#[derive(Serialize)]
struct ForPublishers {
    github_release_notes_file: Option<String>,
    github_use_tag_release_notes: bool,
    vcs_tag: Option<String>,
}

impl Version {
    /// What is shown: the names of its attributes, or their values.
    pub(super) fn of(view: VersionView, with_values: bool) -> Self {
        let VersionView { version, package, published, updated, publisher } = view;
        let settings = version.settings;
        let for_publishers = publisher.then_some(ForPublishers {
            github_release_notes_file: settings.github_release_notes_file,
            github_use_tag_release_notes: settings.github_use_tag_release_notes,
            vcs_tag: settings.vcs_tag,
        });
        Self {
            name: version.name.to_string(),
            desc: settings.desc,
            package: version.package.to_string(),
            repo: version.repo.to_string(),
            owner: version.subject.to_string(),
            // A version has the labels of its package.
            labels: package.settings.labels,
            published,
            attributes: Said::of(version.attributes, with_values),
            created: version.created.to_string(),
            updated: updated.to_string(),
            // Unset is an empty text: a client needs one.
            released: settings.released.map(|at| at.to_string()).unwrap_or_default(),
            ordinal: version.ordinal,
            for_publishers,
            rating_count: 0,
        }
    }
}
