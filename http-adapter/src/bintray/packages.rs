//! Bintray REST API, "Packages".

use packhouse_core::model::packages::PackageSettings;
use packhouse_core::names::PackageName;
use packhouse_core::packages::{self, PackagePatch, PackageView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{Said, with_values};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// The documented size of a page.
const PAGE: usize = 50;

/// "Get Packages".
pub(super) async fn list(call: Call) -> Answer {
    let (repo, paging) = (call.repo()?, call.paging(PAGE)?);
    let prefix = call.query.get("start_name")?;
    let listed = packages::list(&call.packhouse, &call.caller, &repo, prefix, paging).await?;
    let listed = listed.map(|name| json!({"name": name.as_str(), "linked": false}));
    Ok(reply::page(&listed))
}

/// "Get Package".
pub(super) async fn show(call: Call) -> Answer {
    let with_values = with_values(&call)?;
    let view = packages::show(&call.packhouse, &call.caller, &call.package()?).await?;
    Ok(reply::ok(&Package::of(view, with_values)))
}

/// "Get Package for File".
pub(super) async fn of_file(call: Call) -> Answer {
    let with_values = with_values(&call)?;
    let view = packages::of_file(&call.packhouse, &call.caller, &call.file()?).await?;
    Ok(reply::ok(&Package::of(view, with_values)))
}

/// "Create Package".
pub(super) async fn create(mut call: Call) -> Answer {
    let repo = call.repo()?;
    packages::check_new(&call.packhouse, &call.caller, &repo).await?;
    let body: Body = call.json().await?;
    let Some(name) = &body.name else {
        return Err(Failure::bad_request("The package has no name: give one as \"name\""));
    };
    let path = repo.package(PackageName::parse(name)?);
    let defaults = PackageSettings { public_stats: Some(true), ..PackageSettings::default() };
    let settings = body.patch().apply(defaults);
    let view = packages::create(&call.packhouse, &call.caller, &path, &settings).await?;
    Ok(reply::created(&Package::of(view, false)))
}

/// "Update Package".
pub(super) async fn update(mut call: Call) -> Answer {
    let path = call.package()?;
    packages::check_there(&call.packhouse, &call.caller, &path).await?;
    let body: Body = call.json().await?;
    packages::update(&call.packhouse, &call.caller, &path, &body.patch()).await?;
    Ok(reply::success())
}

/// "Delete Package".
pub(super) async fn delete(call: Call) -> Answer {
    packages::delete(&call.packhouse, &call.caller, &call.package()?).await?;
    Ok(reply::success())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    desc: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    labels: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    licenses: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    custom_licenses: Option<Vec<String>>,
    website_url: Option<String>,
    issue_tracker_url: Option<String>,
    vcs_url: Option<String>,
    github_repo: Option<String>,
    github_release_notes_file: Option<String>,
    #[serde(deserialize_with = "json::switch")]
    public_download_numbers: Option<bool>,
    #[serde(deserialize_with = "json::switch")]
    public_stats: Option<bool>,
    maturity: Option<String>,
}

impl Body {
    fn patch(self) -> PackagePatch {
        PackagePatch {
            desc: self.desc.map(Some),
            labels: self.labels,
            licenses: self.licenses,
            custom_licenses: self.custom_licenses,
            website_url: self.website_url.map(Some),
            issue_tracker_url: self.issue_tracker_url.map(Some),
            vcs_url: self.vcs_url.map(Some),
            github_repo: self.github_repo,
            github_release_notes_file: self.github_release_notes_file,
            public_download_numbers: self.public_download_numbers,
            public_stats: self.public_stats.map(Some),
            maturity: self.maturity,
        }
    }
}

/// In the order that the service gave. Strangers see `permissions`, always empty, in place of
/// what is for publishers only.
#[derive(Serialize)]
pub(super) struct Package {
    name: String,
    repo: String,
    owner: String,
    desc: Option<String>,
    labels: Vec<String>,
    #[serde(flatten)]
    attributes: Said,
    licenses: Vec<String>,
    custom_licenses: Vec<String>,
    followers_count: u64,
    created: String,
    website_url: Option<String>,
    issue_tracker_url: Option<String>,
    #[serde(flatten)]
    audience: Audience,
    linked_to_repos: Vec<String>,
    versions: Vec<String>,
    latest_version: Option<String>,
    updated: String,
    rating_count: u64,
    system_ids: Vec<String>,
    vcs_url: Option<String>,
    maturity: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience {
    Publisher {
        github_repo: String,
        github_release_notes_file: String,
        public_download_numbers: bool,
        public_stats: bool,
    },
    Stranger {
        permissions: [Value; 0],
    },
}

impl Package {
    /// What is shown: the names of its attributes, or their values.
    pub(super) fn of(view: PackageView, with_values: bool) -> Self {
        let PackageView { package, versions, latest_version, updated, publisher } = view;
        let settings = package.settings;
        let audience = if publisher {
            Audience::Publisher {
                github_repo: settings.github_repo,
                github_release_notes_file: settings.github_release_notes_file,
                public_download_numbers: settings.public_download_numbers,
                public_stats: settings.public_stats.unwrap_or(true),
            }
        } else {
            Audience::Stranger { permissions: [] }
        };
        Self {
            name: package.name.to_string(),
            repo: package.repo.to_string(),
            owner: package.subject.to_string(),
            desc: settings.desc,
            labels: settings.labels,
            attributes: Said::of(package.attributes, with_values),
            licenses: settings.licenses,
            custom_licenses: settings.custom_licenses,
            followers_count: 0,
            created: package.created.to_string(),
            website_url: settings.website_url,
            issue_tracker_url: settings.issue_tracker_url,
            audience,
            linked_to_repos: Vec::new(),
            versions: versions.iter().map(ToString::to_string).collect(),
            latest_version: latest_version.map(|name| name.to_string()),
            updated: updated.to_string(),
            rating_count: 0,
            system_ids: package.system_ids.iter().map(ToString::to_string).collect(),
            vcs_url: settings.vcs_url,
            maturity: settings.maturity,
        }
    }
}
