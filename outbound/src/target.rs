//! What a URL asks to be called.
//!
//! Names and numbers mean what browsers take them for: `0x7f.1` is the address 127.0.0.1. It must
//! not decide whether an address may be called.

use std::fmt;
use std::net::IpAddr;

use packhouse_core::outbound::OutboundError;
use url::{Host, Position, Url};

use crate::errors::refused;

/// Nobody has a longer one, and it becomes part of a head that is sent.
const MAX_URL: usize = 8 * 1024;

/// What a URL asks to be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    pub(crate) tls: bool,
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
    /// The host, and the port if it is not the usual one.
    pub(crate) authority: String,
    /// The path and the query.
    pub(crate) path: String,
}

/// Who is called.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum TargetHost {
    Name(String),
    Address(IpAddr),
}

impl fmt::Display for TargetHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, OutboundError> {
        if text.len() > MAX_URL {
            return Err(refused(format!("the URL is longer than {MAX_URL} bytes")));
        }
        let url = Url::parse(text).map_err(|error| refused(format!("this is no URL: {error}")))?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(refused(format!("{other} cannot be called: give http or https"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the URL has a user or a password: leave them out"));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => TargetHost::Name(name.to_owned()),
            Some(Host::Ipv4(address)) => TargetHost::Address(address.into()),
            Some(Host::Ipv6(address)) => TargetHost::Address(address.into()),
            None => return Err(refused("the URL has no host")),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or_else(|| refused("there is no port 0"))?;
        Ok(Self {
            tls,
            host,
            port,
            authority: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            path: url[Position::BeforePath..Position::AfterQuery].to_owned(),
        })
    }
}
