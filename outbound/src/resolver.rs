//! From a name to its addresses.
//!
//! It must not judge them: what is connected to is judged in `connect`.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use crate::places::{CallLimits, Places};
use crate::target::TargetHost;

/// Looks names up.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a name, the best first.
    ///
    /// # Errors
    ///
    /// Where the name has none, or nobody can say.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The most names of one zone that are looked up at once.
const OF_ONE_ZONE: usize = 8;

/// The resolver of the operating system, with its files and its rules.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    lookups: Arc<Places>,
}

impl SystemResolver {
    /// A resolver that looks up so many names at once, of them eight that end in the same two
    /// labels: whose name servers never answer must not take the places of all others.
    ///
    /// A lookup cannot be broken off: it keeps a blocking thread until the system gives up, also
    /// where the call that wanted it has long ended. Others need those threads.
    #[must_use]
    pub fn new(lookups: usize) -> Self {
        let limits = CallLimits { in_all: lookups, per_host: OF_ONE_ZONE };
        Self { lookups: Arc::new(Places::new(limits)) }
    }
}

/// The last two labels of a name, as one spells it. Whose they are is not known here: under some
/// endings (`co.uk`) there are many owners, who share the places.
fn zone_of(name: &str) -> TargetHost {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let start = name.rmatch_indices('.').nth(1).map_or(0, |(dot, _)| dot + 1);
    TargetHost::Name(name[start..].to_owned())
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let running = self.lookups.take(&zone_of(name)).await;
        let name = name.to_owned();
        let lookup = move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            drop(running);
            found.map(|found| found.map(|address| address.ip()).collect())
        };
        spawn_blocking(lookup).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_lookup_waits_for_the_running_ones() {
        let resolver = SystemResolver::new(1);
        let running = resolver.lookups.take(&zone_of("example.org")).await;
        let waited = timeout(Duration::from_millis(50), resolver.resolve("127.0.0.1")).await;
        assert!(waited.is_err());
        drop(running);
        for _ in 0..2 {
            let found = resolver.resolve("127.0.0.1").await.unwrap();
            assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        }
    }

    #[tokio::test]
    async fn the_names_of_one_zone_leave_places_for_others() {
        let resolver = SystemResolver::new(64);
        let mut running = Vec::new();
        for number in 0..OF_ONE_ZONE {
            let zone = zone_of(&format!("{number}.tarpit.Example."));
            running.push(resolver.lookups.take(&zone).await);
        }
        let another = resolver.resolve("another.tarpit.example");
        assert!(timeout(Duration::from_millis(50), another).await.is_err());
        assert!(resolver.resolve("localhost").await.is_ok());
    }

    #[test]
    fn a_zone_is_two_labels() {
        for (name, zone) in [
            ("a.b.example.org", "example.org"),
            ("example.org.", "example.org"),
            ("Example.ORG", "example.org"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(zone_of(name), TargetHost::Name(zone.to_owned()));
        }
    }
}
