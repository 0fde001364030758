//! Reasons of failures, for those who set a call up.
//!
//! They say what is wrong with the address, and never what was found behind it: neither an address
//! that a name has, nor bytes of an answer, nor names of a certificate.

use std::io;

use packhouse_core::outbound::{OutboundError, OutboundErrorKind};
use tokio_rustls::rustls::{self, CertificateError};

pub(crate) fn refused(reason: impl Into<String>) -> OutboundError {
    OutboundError { kind: OutboundErrorKind::Refused, reason: reason.into() }
}

pub(crate) fn unreachable(reason: impl Into<String>) -> OutboundError {
    OutboundError { kind: OutboundErrorKind::Unreachable, reason: reason.into() }
}

pub(crate) fn timed_out(doing: &str) -> OutboundError {
    let reason = format!("it took too long: {doing}");
    OutboundError { kind: OutboundErrorKind::TimedOut, reason }
}

/// A connection that cannot be made.
pub(crate) fn no_connection(error: &io::Error) -> OutboundError {
    unreachable(match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused",
        io::ErrorKind::ConnectionReset => "the connection was reset",
        _ => "there is no connection to it",
    })
}

/// A TLS handshake that came to nothing.
pub(crate) fn no_tls(error: &io::Error) -> OutboundError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    unreachable(match cause {
        Some(rustls::Error::InvalidCertificate(error)) => bad_certificate(error),
        Some(_) => "TLS cannot be agreed on",
        None => "the connection broke before TLS was agreed on",
    })
}

fn bad_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => "its certificate is of an issuer that is not trusted",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate is no longer valid"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is of another name"
        }
        _ => "its certificate is not valid",
    }
}

/// A request that got no answer.
pub(crate) fn no_answer(error: &hyper::Error) -> OutboundError {
    unreachable(if error.is_parse_too_large() {
        "the head of its answer is too long"
    } else if error.is_parse() {
        "its answer is not HTTP/1.1"
    } else {
        "the connection ended before there was an answer"
    })
}
