//! A runtime that computes where it is called, and where addresses are.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use packhouse_core::geo::{Country, GeoLocator};
use packhouse_core::networks::Network;
use packhouse_core::ports::{BlockingJob, Runtime};

/// Runs jobs where it is called; sleeps as long as it is asked to.
#[derive(Debug)]
pub(super) struct TestRuntime;

impl Runtime for TestRuntime {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        job();
        futures::future::ready(()).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        packhouse_core::memory::block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Where addresses are: three networks for documentation are in three countries, and all others
/// nowhere that is known.
#[derive(Debug)]
pub(super) struct Atlas;

impl GeoLocator for Atlas {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let places = [("192.0.2.0/24", "US"), ("198.51.100.0/24", "CA"), ("203.0.113.0/24", "FR")];
        let place =
            places.into_iter().find(|(network, _)| Network::parse(network).unwrap().holds(address));
        place.and_then(|(_, country)| Country::parse(country))
    }
}
