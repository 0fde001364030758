//! From a target to a connection, by way of addresses that were judged.
//!
//! [`Judged`] is the only thing that is connected to, and `permitted` the only way to one.

use std::io;
use std::net::{IpAddr, SocketAddr};

use packhouse_core::outbound::OutboundError;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::errors::{no_connection, refused, unreachable};
use crate::networks::AllowedNetworks;
use crate::resolver::Resolve;
use crate::target::{Target, TargetHost};

/// Addresses of one name that are tried.
const TRIED: usize = 8;

/// An address that may be connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Judged(SocketAddr);

/// The addresses of a target that may be connected to; one at least.
pub(crate) async fn judge(
    target: &Target,
    resolver: &dyn Resolve,
    allowed: &AllowedNetworks,
) -> Result<Vec<Judged>, OutboundError> {
    let found = match &target.host {
        TargetHost::Address(address) => vec![*address],
        TargetHost::Name(name) => resolver.resolve(name).await.unwrap_or_default(),
    };
    if found.is_empty() {
        return Err(unreachable(format!("{} has no address", target.host)));
    }
    permitted(target, &found, allowed)
}

/// Those of the addresses of a target that may be connected to; one at least.
pub(crate) fn permitted(
    target: &Target,
    found: &[IpAddr],
    allowed: &AllowedNetworks,
) -> Result<Vec<Judged>, OutboundError> {
    let judged: Vec<Judged> = found
        .iter()
        .map(IpAddr::to_canonical)
        .filter(|address| allowed.permit(*address))
        .map(|address| Judged(SocketAddr::new(address, target.port)))
        .take(TRIED)
        .collect();
    if judged.is_empty() {
        let reason = match target.host {
            TargetHost::Address(_) => "is not a public address",
            TargetHost::Name(_) => "has no public address",
        };
        return Err(refused(format!("{} {reason}: it may not be called", target.host)));
    }
    Ok(judged)
}

/// Connects to the first address that takes the connection. Each has an equal part of the time
/// that is left, so that one that is silent does not take all of it.
pub(crate) async fn connect(
    addresses: &[Judged],
    deadline: Instant,
) -> Result<TcpStream, OutboundError> {
    let mut last = no_connection(&io::ErrorKind::AddrNotAvailable.into());
    for (tried, Judged(address)) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let part = deadline.saturating_duration_since(Instant::now()) / left;
        match timeout(part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // The request is written in one go: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = no_connection(&error),
            Err(_) => last = crate::errors::timed_out("connecting"),
        }
    }
    Err(last)
}
