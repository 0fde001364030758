//! The port for calls to addresses that users gave: existence checks, callbacks, webhooks.
//!
//! An implementation guards the network that it calls from: see the `outbound` crate.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// Sends requests to addresses that nobody here vouches for.
#[async_trait]
pub trait Outbound: fmt::Debug + Send + Sync {
    /// Sends one request and waits for the head of the answer. Redirects are not followed, and the
    /// answer's body is not of interest.
    ///
    /// # Errors
    /// [`OutboundError`] also for an address that may not be called.
    async fn call(&self, request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError>;

    /// Whether an address can be called, as far as it tells by itself: no name is looked up. Asked
    /// when an address is given, so that whoever gives it hears of what could never be.
    ///
    /// # Errors
    /// [`OutboundErrorKind::Refused`] for what [`Outbound::call`] would refuse for the same reason.
    fn check(&self, url: &str) -> Result<(), OutboundError>;
}

/// A request to be sent.
#[derive(Clone)]
pub struct OutboundRequest {
    /// The method.
    pub method: OutboundMethod,
    /// The absolute address, `http` or `https`.
    pub url: String,
    /// Headers besides those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// The body, of JSON, if it has one.
    pub json: Option<Bytes>,
    /// How long the whole call may take.
    pub deadline: Duration,
}

/// Addresses, headers and bodies have secrets of users in them, which are not for a log.
impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("url", &without_secrets(&self.url))
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Everything but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
pub(crate) fn percent_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

/// An address for a log: its scheme and its host. Receivers take tokens as user names, in paths and
/// in queries.
pub(crate) fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".to_owned() };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/…")
}

/// A method of a request to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum OutboundMethod {
    Get,
    Head,
    Post,
    Put,
}

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutboundAnswer {
    /// The status.
    pub status: u16,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboundError {
    /// What kind of failure it is.
    pub kind: OutboundErrorKind,
    /// More about it, for those who set the call up.
    pub reason: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OutboundErrorKind {
    /// The address may not be called, or is none: to try again is of no use.
    Refused,
    /// There is no connection, or it broke.
    Unreachable,
    /// It took too long.
    TimedOut,
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for OutboundError {}

/// Calls nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutbound;

#[async_trait]
impl Outbound for NoOutbound {
    async fn call(&self, _request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        Err(nobody())
    }

    fn check(&self, _url: &str) -> Result<(), OutboundError> {
        Err(nobody())
    }
}

fn nobody() -> OutboundError {
    let reason = "this installation calls nobody".to_owned();
    OutboundError { kind: OutboundErrorKind::Refused, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T040.
    #[test]
    fn of_an_address_only_the_host_is_told() {
        for (url, told) in [
            ("https://example.org/hooks/s3cret?key=s3cret#s3cret", "https://example.org/…"),
            ("http://s3cret:s3cret@example.org:8080", "http://example.org:8080/…"),
            ("https://example.org?s3cret@x", "https://example.org/…"),
            ("https://example.org\\s3cret", "https://example.org/…"),
            ("s3cret", "…"),
        ] {
            assert_eq!(without_secrets(url), told);
            let request = OutboundRequest {
                method: OutboundMethod::Post,
                url: url.to_owned(),
                headers: vec![("X-Key", "s3cret".to_owned())],
                json: Some("s3cret".into()),
                deadline: Duration::from_secs(1),
            };
            let debug = format!("{request:?}");
            assert!(debug.contains(told) && !debug.contains("s3cret"), "{debug}");
        }
    }
}
