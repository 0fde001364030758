//! Requests that a page of another site makes a browser send, with the credentials that it keeps.

use http::{HeaderMap, StatusCode};

use crate::failure::Failure;

/// What browsers say of the page that a request came from. Other clients do not send it.
const SITE: &str = "sec-fetch-site";

/// Refuses what another site's page asked for. For requests that change something: browsers show
/// the answer of no other to such a page.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Failure> {
    let is_ours = |value: &http::HeaderValue| {
        ["same-origin", "none"].map(str::as_bytes).contains(&value.as_bytes())
    };
    if headers.get_all(SITE).iter().all(is_ours) {
        return Ok(());
    }
    let message = "A page of another site asked for this: ask from this server's own pages, or \
                   without a browser";
    Err(Failure::new(StatusCode::FORBIDDEN, message))
}
