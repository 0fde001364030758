//! Whether the server lives, and whether it can do its work.

use http::StatusCode;
use packhouse_core::health;
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// The process answers.
pub(super) async fn live(_call: Call) -> Answer {
    Ok(reply::ok(&json!({"status": "up"})))
}

/// Records and bytes can be written.
pub(super) async fn ready(call: Call) -> Answer {
    match health::probe(&call.packhouse).await {
        Ok(()) => Ok(reply::ok(&json!({"status": "ready"}))),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "The server is not ready"))
        }
    }
}
