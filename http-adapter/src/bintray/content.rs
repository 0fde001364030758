//! Bintray REST API, "Content Uploading & Publishing".

use std::time::Duration;

use futures::StreamExt;
use http::StatusCode;
use packhouse_core::{explodes, files, maven, publishing, uploads};
use serde::Deserialize;
use serde_json::json;

use super::target::{self, Index, Target};
use crate::call::{Answer, Call, broken_body};
use crate::failure::Failure;
use crate::support::{json, reply, serving};

/// "Upload Content", in its three forms: package and version in the path, in headers, or in matrix
/// parameters.
pub(super) async fn upload(call: Call) -> Answer {
    let target = target::of_content(&call)?;
    receive(call, target).await
}

/// "Maven Upload": the version is in the path.
pub(super) async fn upload_maven(call: Call) -> Answer {
    let target = target::of_maven(&call)?;
    receive(call, target).await
}

async fn receive(mut call: Call, target: Target) -> Answer {
    match target {
        Target::File(target) => {
            let mut upload = uploads::begin(&call.packhouse, &call.caller, *target).await?;
            let mut body = call.take_body();
            while let Some(chunk) = body.next().await {
                upload.write(chunk.map_err(|error| broken_body(&error))?).await?;
            }
            upload.finish().await?;
        }
        Target::Archive(target) => {
            let mut explode = explodes::begin(&call.packhouse, &call.caller, *target).await?;
            let mut body = call.take_body();
            while let Some(chunk) = body.next().await {
                explode.write(chunk.map_err(|error| broken_body(&error))?).await?;
            }
            explode.finish().await?;
        }
        Target::Index(index) => return pass_over(call, *index).await,
    }
    Ok(reply::created(&json!({"message": "success"})))
}

/// Answers a Maven client that uploads an index: it does so unasked after every deployment, and
/// would fail if it were refused.
async fn pass_over(mut call: Call, index: Index) -> Answer {
    let Index { package, path, publish } = index;
    maven::admit_index(&call.packhouse, &call.caller, &package, &path, publish).await?;
    // Left unread, it could not be told from a connection that broke.
    call.small_body().await?;
    let warn = format!("'{path}' is not kept: the server makes the indexes");
    Ok(reply::created(&json!({"message": "success", "warn": warn})))
}

/// A file as Maven asks for it: at the address that it uploads to, of whichever package it is.
pub(super) async fn get_maven(call: Call) -> Answer {
    let location = call.file()?;
    serving::file(&call, &location).await
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
    publishing::check(&call.packhouse, &call.caller, &path).await?;
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
