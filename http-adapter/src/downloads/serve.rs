//! Answering with a file: whole, in part, or not again.

use axum::body::Body;
use axum::response::Response;
use futures::TryStreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED, RANGE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use packhouse_core::access::policy::Rule;
use packhouse_core::access::{FilePlace, Permit, act};
use packhouse_core::blobs::{BlobBody, ByteRange};
use packhouse_core::model::files::File;
use packhouse_core::{Packhouse, downloads};

use super::content_type;
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::conditional::{Condition, Validators, evaluate, if_range_holds};
use crate::support::ranges::{self, RangeAnswer};

const SHA1: HeaderName = HeaderName::from_static("x-checksum-sha1");
const SHA256: HeaderName = HeaderName::from_static("x-checksum-sha2");
const MD5: HeaderName = HeaderName::from_static("x-checksum-md5");

/// A file, for those who may have it.
pub(super) async fn get(call: Call) -> Answer {
    // What cannot be the path of a file is not there.
    let location = call.file().map_err(|failure| not_found(&failure))?;
    let permit = downloads::find(&call.packhouse, &call.caller, &location).await?;
    let file = &permit.place().file;
    let etag = format!("\"{}\"", file.contents.digests.sha256);
    let modified = u64::try_from(file.contents.created.as_millis() / 1000).unwrap_or(0);
    let validators = Validators { etag: &etag, modified };
    let mut headers = common(&permit, &etag, modified);
    match evaluate(&call.headers, validators) {
        Condition::PreconditionFailed => {
            return Ok(empty(StatusCode::PRECONDITION_FAILED, headers));
        }
        Condition::NotModified => return Ok(not_modified(headers)),
        Condition::Proceed => {}
    }
    describe(&mut headers, file);
    match range(&call, validators, file.contents.size) {
        RangeAnswer::Unsatisfiable => Ok(unsatisfiable(headers, file.contents.size)),
        RangeAnswer::One { start, end } => {
            let range = format!("bytes {start}-{}/{}", end - 1, file.contents.size);
            set(&mut headers, CONTENT_RANGE, &range);
            let bytes = ByteRange { start, end: Some(end) };
            headers.insert(CONTENT_LENGTH, HeaderValue::from(end - start));
            let body = body(&call.packhouse, call.head, &permit, bytes).await?;
            Ok(respond(StatusCode::PARTIAL_CONTENT, headers, body))
        }
        // Several parts may be answered with the whole (RFC 9110, 14.2).
        RangeAnswer::Whole | RangeAnswer::Many(_) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(file.contents.size));
            let body = body(&call.packhouse, call.head, &permit, ByteRange::ALL).await?;
            Ok(respond(StatusCode::OK, headers, body))
        }
    }
}

fn not_found(failure: &Failure) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, failure.message.clone())
}

fn range(call: &Call, validators: Validators<'_>, size: u64) -> RangeAnswer {
    let header = call.headers.get(RANGE).and_then(|value| value.to_str().ok());
    match header.filter(|_| if_range_holds(&call.headers, validators)) {
        Some(header) => ranges::answer(header, size),
        None => RangeAnswer::Whole,
    }
}

/// What every answer about the file has, 304 too.
fn common(permit: &Permit<act::Read, FilePlace>, etag: &str, modified: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, ETAG, etag);
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(modified);
    set(&mut headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    // What everyone may have may be kept, and is asked for again before use: it may be replaced,
    // or turn private. Anything else is the caller's alone.
    let public = *permit.rule() == Rule::Public && permit.caller().is_anonymous();
    set(&mut headers, CACHE_CONTROL, if public { "no-cache" } else { "private, no-store" });
    set(&mut headers, VARY, "Authorization");
    headers
}

/// What the bytes are. Served files must not act on the server's origin.
fn describe(headers: &mut HeaderMap, file: &File) {
    set(headers, CONTENT_TYPE, content_type::of(file.path.name()));
    set(headers, ACCEPT_RANGES, "bytes");
    set(headers, SHA1, &file.contents.digests.sha1);
    set(headers, SHA256, &file.contents.digests.sha256);
    set(headers, MD5, &file.contents.digests.md5);
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, CONTENT_SECURITY_POLICY, "sandbox");
}

/// The bytes of a range; none if only the head is wanted, which is answered as the bytes would be.
async fn body(
    packhouse: &Packhouse,
    head: bool,
    permit: &Permit<act::Read, FilePlace>,
    range: ByteRange,
) -> Result<Body, Failure> {
    let file = &permit.place().file;
    // For the head a look at the end will do: whether the bytes are there, and all of them.
    let range = if head { ByteRange { start: file.contents.size, end: None } } else { range };
    let reader = downloads::open(packhouse, permit, range).await?;
    if reader.length != range.end.unwrap_or(file.contents.size) - range.start {
        tracing::error!(blob = %file.contents.blob, "a blob is not as long as its file");
        let message = "The server cannot do this now; try again";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    Ok(match reader.body {
        BlobBody::Bytes(bytes) => Body::from(bytes),
        BlobBody::Stream(stream) => Body::from_stream(stream.inspect_err(|error| {
            tracing::error!(%error, "a download broke off");
        })),
    })
}

fn unsatisfiable(mut headers: HeaderMap, size: u64) -> Response {
    set(&mut headers, CONTENT_RANGE, &format!("bytes */{size}"));
    headers.remove(CONTENT_TYPE);
    empty(StatusCode::RANGE_NOT_SATISFIABLE, headers)
}

/// A body of no stated length: a length of 0 would be said of the file (RFC 9110, 8.6), and caches
/// would believe it.
fn not_modified(headers: HeaderMap) -> Response {
    let nothing = futures::stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>();
    respond(StatusCode::NOT_MODIFIED, headers, Body::from_stream(nothing))
}

fn empty(status: StatusCode, mut headers: HeaderMap) -> Response {
    if status.is_client_error() {
        set(&mut headers, CACHE_CONTROL, "no-store");
    }
    respond(status, headers, Body::empty())
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("made of digits, ASCII names and dates");
    headers.insert(name, value);
}
