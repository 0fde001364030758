//! Bintray REST API, "Content Uploading & Publishing".

use std::time::Duration;

use futures::StreamExt;
use http::{HeaderName, StatusCode};
use packhouse_core::names::{FilePath, PackageName, VersionName, VersionPath};
use packhouse_core::uploads::{self, Target};
use packhouse_core::{files, publishing};
use serde::Deserialize;
use serde_json::json;

use crate::call::{Answer, Call, broken_body};
use crate::failure::Failure;
use crate::support::reply;
use crate::support::{json, query};

const PACKAGE: HeaderName = HeaderName::from_static("x-bintray-package");
const VERSION: HeaderName = HeaderName::from_static("x-bintray-version");
const PUBLISH: HeaderName = HeaderName::from_static("x-bintray-publish");
const OVERRIDE: HeaderName = HeaderName::from_static("x-bintray-override");
const EXPLODE: HeaderName = HeaderName::from_static("x-bintray-explode");
const SHA256: HeaderName = HeaderName::from_static("x-checksum-sha2");

/// "Upload Content", in its three forms: package and version in the path, in headers, or in matrix
/// parameters.
pub(super) async fn upload(mut call: Call) -> Answer {
    let target = target(&call)?;
    let mut upload = uploads::begin(&call.packhouse, &call.caller, target).await?;
    let mut body = call.take_body();
    while let Some(chunk) = body.next().await {
        upload.write(chunk.map_err(|error| broken_body(&error))?).await?;
    }
    upload.finish().await?;
    Ok(reply::created(&json!({"message": "success"})))
}

fn target(call: &Call) -> Result<Target, Failure> {
    if flag(call, "explode", &EXPLODE)? {
        let message = "explode is not available here: upload the archive's files one by one";
        return Err(Failure::bad_request(message));
    }
    let location = call.file();
    let named = (given(call, "bt_package", &PACKAGE)?, given(call, "bt_version", &VERSION)?);
    let (version, path) = match named {
        (Some(package), Some(version)) => {
            let path = location?.path;
            (version_path(call, package, version)?, path)
        }
        (None, None) => in_path(call)?,
        (Some(_), None) => return Err(lacks("version", "X-Bintray-Version", "bt_version")),
        (None, Some(_)) => return Err(lacks("package", "X-Bintray-Package", "bt_package")),
    };
    Ok(Target {
        version,
        path,
        publish: flag(call, "publish", &PUBLISH)?,
        replace: flag(call, "override", &OVERRIDE)?,
        sha256: sha256(call)?,
        size: call.content_length(),
    })
}

fn lacks(noun: &str, header: &str, matrix: &str) -> Failure {
    Failure::bad_request(format!("The {noun} is missing: give {header}, or ;{matrix}="))
}

fn version_path(call: &Call, package: &str, version: &str) -> Result<VersionPath, Failure> {
    let package = call.repo()?.package(PackageName::parse(package)?);
    Ok(package.version(VersionName::parse(version)?))
}

/// Package and version as the first two segments of the path.
fn in_path(call: &Call) -> Result<(VersionPath, FilePath), Failure> {
    let mut parts = call.params.get("path").splitn(3, '/');
    let (Some(package), Some(version), Some(path)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::bad_request(
            "The path lacks a package, a version or a file: use \
             /content/:subject/:repo/:package/:version/:file_path, or name the package and the \
             version in X-Bintray-Package and X-Bintray-Version",
        ));
    };
    if let Some(problem) = call.tail_problem {
        return Err(Failure::bad_request(problem));
    }
    Ok((version_path(call, package, version)?, FilePath::parse(path)?))
}

/// A value that may be given as a matrix parameter or as a header.
fn given<'a>(
    call: &'a Call,
    matrix: &str,
    header: &HeaderName,
) -> Result<Option<&'a str>, Failure> {
    let values = [call.matrix.get(matrix)?, call.header(header)?];
    let mut values = values.into_iter().flatten().filter(|value| !value.is_empty());
    let first = values.next();
    if let Some(other) = values.find(|other| Some(*other) != first) {
        let first = first.unwrap_or_default();
        return Err(conflicting(matrix, first, other));
    }
    Ok(first)
}

/// A switch that may be given in the query, as a matrix parameter and as a header.
fn flag(call: &Call, name: &str, header: &HeaderName) -> Result<bool, Failure> {
    // Unlike in a query, where a bare name is a switch that is on, an empty header says nothing.
    let header = call.header(header)?.filter(|value| !value.trim().is_empty());
    let header = header.map(|value| query::switch(name, value)).transpose()?;
    let given = [call.query.switch(name)?, call.matrix.switch(name)?, header];
    let mut given = given.into_iter().flatten();
    let Some(first) = given.next() else { return Ok(false) };
    match given.find(|other| *other != first) {
        Some(other) => Err(conflicting(name, &first.to_string(), &other.to_string())),
        None => Ok(first),
    }
}

fn conflicting(name: &str, one: &str, other: &str) -> Failure {
    Failure::bad_request(format!(
        "conflicting_parameter: {name} is given as '{one}' and as '{other}': give it once"
    ))
}

fn sha256(call: &Call) -> Result<Option<String>, Failure> {
    let Some(value) = call.header(&SHA256)?.map(str::trim) else { return Ok(None) };
    if value.len() != 64 || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "X-Checksum-Sha2 is no SHA-256: give its 64 hexadecimal digits";
        return Err(Failure::bad_request(message));
    }
    Ok(Some(value.to_ascii_lowercase()))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PublishBody {
    #[serde(deserialize_with = "json::switch")]
    discard: Option<bool>,
    #[serde(deserialize_with = "json::integer")]
    publish_wait_for_secs: Option<i64>,
}

/// "Publish/Discard Uploaded Content". Goes on after a timeout.
pub(super) async fn publish(mut call: Call) -> Answer {
    let path = call.version()?;
    let body: PublishBody = call.json().await?;
    let wait = wait(&call, body.publish_wait_for_secs.unwrap_or(0))?;
    let (packhouse, caller) = (call.packhouse.clone(), call.caller.clone());
    let work = tokio::spawn(async move {
        if body.discard.unwrap_or(false) {
            publishing::discard(&packhouse, &caller, &path).await
        } else {
            publishing::publish(&packhouse, &caller, &path).await
        }
    });
    let done = tokio::time::timeout(wait, work).await.map_err(|_| {
        let message = "Publishing did not finish in time: it goes on";
        Failure::new(StatusCode::REQUEST_TIMEOUT, message)
    })?;
    let files =
        done.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"))??;
    Ok(reply::ok(&json!({"files": files})))
}

/// How long to wait: `-1` is the longest wait, and so is 0, which asks for none: what is
/// published at once need not be asked for again.
fn wait(call: &Call, seconds: i64) -> Result<Duration, Failure> {
    let longest = call.max_publish_wait();
    match u64::try_from(seconds) {
        Ok(0) => Ok(longest),
        Ok(seconds) => Ok(Duration::from_secs(seconds).min(longest)),
        Err(_) if seconds == -1 => Ok(longest),
        Err(_) => Err(Failure::bad_request(format!(
            "publish_wait_for_secs is {seconds}: give seconds, 0 or -1"
        ))),
    }
}

/// "Delete Content".
pub(super) async fn delete(call: Call) -> Answer {
    files::delete(&call.packhouse, &call.caller, &call.file()?).await?;
    Ok(reply::success())
}
