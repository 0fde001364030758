//! Bintray REST API, "Files".

use packhouse_core::model::files::File as Stored;
use packhouse_core::{Paging, files};
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::{json, reply};

/// "Get Package Files".
pub(super) async fn of_package(call: Call) -> Answer {
    let (path, unpublished, paging) = (call.package()?, unpublished(&call)?, page(&call)?);
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let listed = files::of_package(packhouse, caller, &path, unpublished, paging).await?;
    Ok(reply::page(&listed.map(File::from)))
}

/// "Get Version Files".
pub(super) async fn of_version(call: Call) -> Answer {
    let (path, unpublished, paging) = (call.version()?, unpublished(&call)?, page(&call)?);
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let listed = files::of_version(packhouse, caller, &path, unpublished, paging).await?;
    Ok(reply::page(&listed.map(File::from)))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    #[serde(deserialize_with = "json::switch")]
    list_in_downloads: Option<bool>,
}

/// "Update File Metadata": on the list of downloads, or off it.
pub(super) async fn list_in_downloads(mut call: Call) -> Answer {
    let location = call.file()?;
    files::check_there(&call.packhouse, &call.caller, &location).await?;
    let body: Metadata = call.json().await?;
    let Some(listed) = body.list_in_downloads else {
        let message = "list_in_downloads is missing: give true or false";
        return Err(Failure::bad_request(message));
    };
    files::list_in_downloads(&call.packhouse, &call.caller, &location, listed).await?;
    Ok(reply::success())
}

fn unpublished(call: &Call) -> Result<bool, Failure> {
    Ok(call.query.switch("include_unpublished")?.unwrap_or(false))
}

/// Clients take the list for the whole: the largest page there is.
fn page(call: &Call) -> Result<Paging, Failure> {
    call.paging(Paging::MAX)
}

/// A test of a client compares the whole object.
#[derive(Serialize)]
pub(super) struct File {
    name: String,
    path: String,
    package: String,
    version: String,
    repo: String,
    owner: String,
    created: String,
    size: u64,
    sha1: String,
    sha256: String,
}

impl From<Stored> for File {
    fn from(file: Stored) -> Self {
        Self {
            name: file.path.name().to_owned(),
            path: file.path.to_string(),
            package: file.package.to_string(),
            version: file.version.to_string(),
            repo: file.repo.to_string(),
            owner: file.subject.to_string(),
            created: file.contents.created.to_string(),
            size: file.contents.size,
            sha1: file.contents.digests.sha1,
            sha256: file.contents.digests.sha256,
        }
    }
}
