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
#[derive(Clone, Debug)]
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
