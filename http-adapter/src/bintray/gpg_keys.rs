//! Bintray REST API, "GPG": the public keys of subjects.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use packhouse_core::gpg_keys;
use packhouse_core::model::subjects::SubjectKind;

use crate::call::{Answer, Call};
use crate::route::of_both;

of_both! {
    /// The public key of a subject, armoured.
    public => public_of_org, public_of_user;
}

async fn public(call: Call, kind: SubjectKind) -> Answer {
    let of = call.known_as(kind)?;
    let armored = gpg_keys::show_public(&call.packhouse, &call.caller, &of).await?;
    let mut response = Response::new(Body::from(armored));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pgp-keys"));
    // A key that was replaced must not be met again.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
