//! What an operator allows besides what is public.
//!
//! It must not know what is public: see `address`.

use std::net::IpAddr;

use packhouse_core::networks::{Network, NetworkError};

use crate::address::is_public;

/// What may be connected to besides public addresses.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AllowedNetworks {
    networks: Vec<Network>,
}

impl AllowedNetworks {
    /// Public addresses alone.
    #[must_use]
    pub const fn none() -> Self {
        Self { networks: Vec::new() }
    }

    /// Networks in CIDR notation, as [`Network::parse`] reads them.
    ///
    /// # Errors
    ///
    /// Names the first that is none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        texts.into_iter().map(Network::parse).collect()
    }

    /// Whether an address may be connected to. An IPv4 address within IPv6 is the IPv4 address.
    #[must_use]
    pub fn permit(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.holds(address))
    }
}

impl FromIterator<Network> for AllowedNetworks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self { networks: networks.into_iter().collect() }
    }
}
