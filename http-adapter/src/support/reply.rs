//! The forms of answers: JSON without a charset, `{"message": …}`, and pages with their headers.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use packhouse_core::Listed;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

const TOTAL: HeaderName = HeaderName::from_static("x-rangelimit-total");
const START: HeaderName = HeaderName::from_static("x-rangelimit-startpos");
const END: HeaderName = HeaderName::from_static("x-rangelimit-endpos");

/// 200 with a body.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    with_status(StatusCode::OK, body)
}

/// 201 with a body.
pub(crate) fn created(body: &impl Serialize) -> Response {
    with_status(StatusCode::CREATED, body)
}

/// 200 `{"message": "success"}`.
pub(crate) fn success() -> Response {
    ok(&json!({"message": "success"}))
}

/// One page, with where it lies in the whole. All three headers are there even on an empty page,
/// if the total was asked for: many clients stop at a missing one. A page beyond the end lies just after the last: clients
/// stop where the end of a page is the total less one, and take end + 1 − start for its size.
pub(crate) fn page(listed: &Listed<impl Serialize>) -> Response {
    page_as(&listed.items, listed)
}

/// A whole list, as its only page.
pub(crate) fn whole(items: Vec<impl Serialize>) -> Response {
    let total = Some(items.len() as u64);
    page(&Listed { items, total, start: 0 })
}

/// A whole list under a name, as its only page.
pub(crate) fn whole_named(name: &str, items: Vec<impl Serialize>) -> Response {
    let total = Some(items.len() as u64);
    page_as(&json!({ name: items }), &Listed { items, total, start: 0 })
}

/// The same with what is in the page in another form.
pub(crate) fn page_as<T>(body: &impl Serialize, listed: &Listed<T>) -> Response {
    let mut response = ok(body);
    let start = listed.total.map_or(listed.start, |total| listed.start.min(total));
    let end = (start + listed.items.len() as u64).saturating_sub(1);
    let headers = response.headers_mut();
    if let Some(total) = listed.total {
        headers.insert(TOTAL, HeaderValue::from(total));
    }
    headers.insert(START, HeaderValue::from(start));
    headers.insert(END, HeaderValue::from(end));
    response
}

/// A failure as `{"message": …}`.
pub(crate) fn failure(failure: &Failure) -> Response {
    with_status(failure.status, &json!({"message": failure.message}))
}

/// A body with a status. What identity may have influenced is nobody else's to keep.
pub(crate) fn with_status(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("wire types have text keys and finite numbers");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
