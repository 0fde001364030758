//! Credentials of a request: HTTP Basic (RFC 7617), or none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use packhouse_core::access::Credentials;

use crate::failure::Failure;

/// Reads the credentials. What cannot be read is wrong, not missing.
pub(crate) fn read(headers: &HeaderMap) -> Result<Credentials, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(Credentials::Anonymous) };
    if values.next().is_some() {
        return Err(Failure::bad_request("Authorization is given twice: give it once"));
    }
    let text = value.to_str().ok();
    text.and_then(basic).ok_or_else(missing)
}

/// What is said to those who show no credentials, or wrong ones.
pub(crate) fn missing() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "This resource requires authentication")
}

fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, secret) = decoded.split_once(':')?;
    Some(Credentials::basic(user, secret))
}
