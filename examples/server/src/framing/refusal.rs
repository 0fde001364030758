//! Why a message is refused: the status, a word for the metrics, and what to change.
//!
//! It must hold texts without anything that a client sent.

use std::fmt;

use http::StatusCode;

/// Why a message is refused. The connection ends with the answer: where the next message would
/// begin is not known, or not worth knowing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// A line ends with LF alone.
    BareLf,
    /// The first line is no `method target version`.
    RequestLine,
    /// The version is neither HTTP/1.0 nor HTTP/1.1.
    Version,
    /// CONNECT: this is no proxy.
    Connect,
    /// The target is neither a path nor a whole address.
    Target,
    /// The target is longer than any may be.
    TargetTooLong,
    /// The target is an address of another host than `Host` says.
    Authority,
    /// The name of a field is none, or something stands between it and the colon.
    FieldName,
    /// A control character in the value of a field.
    FieldValue,
    /// A line goes on from the one before.
    Folded,
    /// The head is larger than `max_header`, or has too many fields.
    HeadTooLarge,
    /// The client ended its side within a head.
    Truncated,
    /// HTTP/1.1 without `Host`.
    NoHost,
    /// Several `Host`, or one that is no host and port.
    Host,
    /// Several `Content-Length`, or one that is no plain number.
    Length,
    /// Several `Transfer-Encoding`, or one in HTTP/1.0.
    TransferEncoding,
    /// A transfer coding besides `chunked`.
    Coding,
    /// `Content-Length` beside `Transfer-Encoding`.
    LengthAndCoding,
    /// An expectation besides `100-continue`.
    Expectation,
    /// The chunks of a body are not well-formed.
    Chunks,
    /// What stands besides the sizes of chunks is too long.
    ChunkExtensions,
    /// Something follows the last chunk.
    Trailers,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Connect | Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// One of a fixed set of words, for logs and metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.texts().0
    }

    /// What to change. It has no character that JSON would escape.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.texts().1
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::BareLf => ("bare LF", "End each line of the head with CR and LF"),
            Self::RequestLine => (
                "request line",
                "Begin with a line such as GET /path HTTP/1.1, single spaces in it",
            ),
            Self::Version => ("version", "Speak HTTP/1.1"),
            Self::Connect => ("connect", "This server is no proxy: CONNECT is not implemented"),
            Self::Target => (
                "target",
                "Ask for a path that begins with /, and percent-encode what is not plain",
            ),
            Self::TargetTooLong => ("target too long", "The path and query are too long"),
            Self::Authority => ("authority", "Give the same host in the target and in Host"),
            Self::FieldName => {
                ("field name", "Give each header as name: value, with no space before the colon")
            }
            Self::FieldValue => ("field value", "Remove control characters from the headers"),
            Self::Folded => ("folded", "Give each header on one line"),
            Self::HeadTooLarge => ("head too large", "The headers are too many or too long"),
            Self::Truncated => ("truncated", "The request ended within its head: send it again"),
            Self::NoHost => ("no host", "Add the header Host"),
            Self::Host => ("host", "Give one header Host with a host name and, if need be, a port"),
            Self::Length => {
                ("length", "Give one header Content-Length with a decimal number of bytes")
            }
            Self::TransferEncoding => {
                ("transfer encoding", "Give one header Transfer-Encoding, in HTTP/1.1")
            }
            Self::Coding => ("coding", "The one transfer coding that is known is chunked"),
            Self::LengthAndCoding => {
                ("length and coding", "Give Content-Length or Transfer-Encoding, not both")
            }
            Self::Expectation => {
                ("expectation", "The one expectation that is known is 100-continue")
            }
            Self::Chunks => ("chunks", "The chunks of the body are not well-formed"),
            Self::ChunkExtensions => {
                ("chunk extensions", "The chunk extensions of the body are too long")
            }
            Self::Trailers => ("trailers", "End the body after its last chunk, without trailers"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}
