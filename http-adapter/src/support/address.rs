//! The addresses of this server, as clients may use them.

use http::header::HOST;
use packhouse_core::PendingEula;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::call::Call;
use crate::failure::Failure;

/// What needs no encoding in a segment of a path, and in the value of a parameter.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands before the path in an address of this server.
pub(crate) fn base(call: &Call) -> Result<String, Failure> {
    if let Some(base) = &call.options.public_url {
        return Ok(base.to_string());
    }
    // Who does not say whom it calls knows what to put before the path.
    Ok(call.header(&HOST)?.map(|host| format!("http://{host}")).unwrap_or_default())
}

/// Where a EULA is accepted.
pub(crate) fn of_eula(call: &Call, eula: &PendingEula) -> Result<String, Failure> {
    let PendingEula { subject, product, version, user } = eula;
    let version = utf8_percent_encode(version.as_str(), PLAIN);
    let user = utf8_percent_encode(user, PLAIN);
    let base = base(call)?;
    Ok(format!("{base}/{subject}/product/{product}/{version}/accept_eula?username={user}"))
}
