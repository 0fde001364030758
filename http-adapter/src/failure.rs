//! Failures on their way out: a status and a message, before a dialect gives them a form.

use http::StatusCode;
use packhouse_core::{Error, ErrorKind};

/// Why a request is not answered as it wished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// The methods that the path has, for 405.
    pub(crate) allow: Option<String>,
    /// Whether the download host says the message too, though its answer is a 403.
    pub(crate) shown: bool,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None, shown: false }
    }

    /// 400 with what to change.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The status of an error of core. Its cause goes to the log and never to the caller.
    pub(crate) fn from_core(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden | ErrorKind::EulaNotAccepted(_) | ErrorKind::Restricted => {
                StatusCode::FORBIDDEN
            }
            ErrorKind::NotFound(_) => StatusCode::NOT_FOUND,
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::AlreadyExists | ErrorKind::Conflict | ErrorKind::ChecksumMismatch => {
                StatusCode::CONFLICT
            }
            ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Full => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "request failed");
        }
        let shown = matches!(error.kind(), ErrorKind::EulaNotAccepted(_) | ErrorKind::Restricted);
        Self { shown, ..Self::new(status, error.message()) }
    }

    /// Seconds after which trying again makes sense, for overload and lack of space.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => Some(1),
            StatusCode::INSUFFICIENT_STORAGE => Some(60),
            _ => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from_core(&error)
    }
}

impl From<packhouse_core::names::NameError> for Failure {
    fn from(error: packhouse_core::names::NameError) -> Self {
        Self::bad_request(error.to_string())
    }
}
