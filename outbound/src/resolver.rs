//! From a name to its addresses.
//!
//! It must not judge them: what is connected to is judged in `connect`.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

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

/// The resolver of the operating system, with its files and its rules.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    /// A resolver that looks up so many names at once.
    ///
    /// A lookup cannot be broken off: it keeps a blocking thread until the system gives up, also
    /// where the call that wanted it has long ended. Others need those threads.
    #[must_use]
    pub fn new(lookups: usize) -> Self {
        let lookups = lookups.clamp(1, Semaphore::MAX_PERMITS);
        Self { lookups: Arc::new(Semaphore::new(lookups)) }
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let lookups = Arc::clone(&self.lookups);
        let running = lookups.acquire_owned().await.map_err(io::Error::other)?;
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
        let running = Arc::clone(&resolver.lookups).acquire_owned().await.unwrap();
        let waited = timeout(Duration::from_millis(50), resolver.resolve("127.0.0.1")).await;
        assert!(waited.is_err());
        drop(running);
        let found = resolver.resolve("127.0.0.1").await.unwrap();
        assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.lookups.available_permits(), 1);
    }
}
