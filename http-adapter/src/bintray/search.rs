//! Bintray REST API: the searches for repositories, packages and files.

use packhouse_core::Timestamp;
use packhouse_core::names::{RepoName, SubjectName};
use packhouse_core::search::{self, Coordinates, MavenPackage, Texts, Wanted, Within};
use serde::Serialize;

use super::attributes::with_values;
use super::files::File;
use super::packages::Package;
use super::repositories::Repository;
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// The documented size of a page.
const PAGE: usize = 50;

/// "Repository Search".
pub(super) async fn repositories(call: Call) -> Answer {
    let (texts, paging) = (texts(&call)?, call.paging(PAGE)?);
    let found = search::repositories(&call.packhouse, &call.caller, &texts, paging).await?;
    Ok(reply::page(&found.map(Repository::from)))
}

/// "Package Search".
pub(super) async fn packages(call: Call) -> Answer {
    let (texts, within, paging) = (texts(&call)?, within(&call)?, call.paging(PAGE)?);
    let with_values = with_values(&call)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = search::packages(packhouse, caller, &texts, &within, paging).await?;
    Ok(reply::page(&found.map(|view| Package::of(view, with_values))))
}

/// "Maven Package Search".
pub(super) async fn maven(call: Call) -> Answer {
    let given = |name| given(&call, name);
    let coordinates = match (given("g")?, given("a")?, given("q")?) {
        (Some(group), None, None) => Coordinates::Group(group),
        (None, Some(artifact), None) => Coordinates::Artifact(artifact),
        (Some(group), Some(artifact), None) => Coordinates::Both(group, artifact),
        (None, None, Some(any)) => Coordinates::Any(any),
        (None, None, None) => {
            return Err(Failure::bad_request(
                "Nothing to search for: give g (group), a (artifact) or both, or q (either)",
            ));
        }
        _ => {
            return Err(Failure::bad_request(
                "q cannot be given together with g and a: it stands for either of them",
            ));
        }
    };
    let (within, paging) = (within(&call)?, call.paging(PAGE)?);
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = search::maven(packhouse, caller, &coordinates, &within, paging).await?;
    Ok(reply::page(&found.map(FoundByCoordinates::from)))
}

/// "File Search by Name" and "File Search by Checksum".
pub(super) async fn files(call: Call) -> Answer {
    let given = |name| given(&call, name);
    // One client writes `sha`.
    let sha1 = match given("sha1")? {
        Some(sha1) => Some(sha1),
        None => given("sha")?,
    };
    let wanted = match (given("name")?, sha1, given("sha256")?) {
        (Some(name), None, None) => Wanted::Name(name),
        (None, Some(sha1), None) => Wanted::Sha1(sha1),
        (None, None, Some(sha256)) => Wanted::Sha256(sha256),
        _ => {
            return Err(Failure::bad_request(
                "Nothing to search for, or too much: give one of name, sha1, sha256",
            ));
        }
    };
    let since = given("created_after")?.map(|text| created_after(&text)).transpose()?;
    let (within, paging) = (within(&call)?, call.paging(PAGE)?);
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = search::files(packhouse, caller, &wanted, since, &within, paging).await?;
    Ok(reply::page(&found.map(File::from)))
}

fn created_after(text: &str) -> Result<Timestamp, Failure> {
    // A plus sign that was not encoded came as a space.
    let written = text.replace(' ', "+");
    Timestamp::parse(&written).ok_or_else(|| {
        let text = text.escape_debug();
        Failure::bad_request(format!(
            "created_after is '{text}': give a date as 2026-01-31 or 2026-01-31T23:59:59.000Z"
        ))
    })
}

fn texts(call: &Call) -> Result<Texts, Failure> {
    Ok(Texts { name: given(call, "name")?, desc: given(call, "desc")? })
}

fn within(call: &Call) -> Result<Within, Failure> {
    // An old client writes `organization`.
    let subject = match given(call, "subject")? {
        Some(subject) => Some(subject),
        None => given(call, "organization")?,
    };
    let subject = subject.map(|name| SubjectName::parse(&name)).transpose()?;
    let repo = given(call, "repo")?.map(|name| RepoName::parse(&name)).transpose()?;
    Ok(Within { subject, repo })
}

/// A parameter; one that is empty is not given.
fn given(call: &Call, name: &str) -> Result<Option<String>, Failure> {
    let value = call.query.get(name)?;
    Ok(value.filter(|value| !value.is_empty()).map(str::to_owned))
}

/// A package with the coordinates that were looked for.
#[derive(Serialize)]
struct FoundByCoordinates {
    name: String,
    repo: String,
    owner: String,
    desc: Option<String>,
    system_ids: Vec<String>,
    versions: Vec<String>,
    latest_version: Option<String>,
}

impl From<MavenPackage> for FoundByCoordinates {
    fn from(found: MavenPackage) -> Self {
        let view = found.package;
        Self {
            name: view.package.name.to_string(),
            repo: view.package.repo.to_string(),
            owner: view.package.subject.to_string(),
            desc: view.package.settings.desc,
            system_ids: found.matched.iter().map(ToString::to_string).collect(),
            versions: view.versions.iter().map(ToString::to_string).collect(),
            latest_version: view.latest_version.map(|name| name.to_string()),
        }
    }
}
