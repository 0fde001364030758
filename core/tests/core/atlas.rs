//! Where addresses are: three networks for documentation are in three countries, and all others
//! nowhere that is known.

use std::net::IpAddr;

use packhouse_core::access::{Caller, Credentials, Origin, authenticate};
use packhouse_core::geo::{Country, GeoLocator};
use packhouse_core::networks::Network;

use crate::world::{World, run};

/// In the United States.
pub(crate) const US: &str = "192.0.2.1";
/// In Canada.
pub(crate) const CA: &str = "198.51.100.1";
/// In no country that is known.
pub(crate) const NOWHERE: &str = "10.0.0.1";

#[derive(Debug)]
pub(crate) struct Atlas;

impl GeoLocator for Atlas {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let places = [("192.0.2.0/24", "US"), ("198.51.100.0/24", "CA"), ("203.0.113.0/24", "FR")];
        // Addresses are asked for in one form only.
        assert_eq!(address, address.to_canonical());
        let place =
            places.into_iter().find(|(network, _)| Network::parse(network).unwrap().holds(address));
        place.and_then(|(_, country)| Country::parse(country))
    }
}

impl World {
    /// A caller from somewhere: a user with this key, or nobody if there is none.
    pub(crate) fn from(&self, address: Option<&str>, user: Option<(&str, &str)>) -> Caller {
        let address = address.map(|address| address.parse().unwrap());
        let credentials = match user {
            Some((user, key)) => Credentials::basic(user, key),
            None => Credentials::Anonymous,
        };
        let origin = Origin { address, agent: None };
        run(authenticate(&self.sound, &credentials, origin)).unwrap()
    }
}
