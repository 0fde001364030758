//! How many calls may run at once.
//!
//! A host that answers slowly must not take the places of the others, so a call waits for its host
//! first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::target::TargetHost;

/// How many calls may run at once. Those beyond wait, within their deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallLimits {
    /// In all; also how many names are looked up.
    pub in_all: usize,
    /// To one host, by the name or the address in the URL.
    pub per_host: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { in_all: 64, per_host: 4 }
    }
}

type Hosts = Mutex<HashMap<TargetHost, Arc<Semaphore>>>;

/// The places for calls.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    per_host: usize,
    /// The hosts that are called or waited for.
    hosts: Arc<Hosts>,
}

/// A call that may run. Its place is free when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _in_all: OwnedSemaphorePermit,
    // Given back before the queue looks whether anyone else is in it.
    _at_host: OwnedSemaphorePermit,
    _queue: Queue,
}

impl Places {
    pub(crate) fn new(limits: CallLimits) -> Self {
        let bounded = |number: usize| number.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(bounded(limits.in_all))),
            per_host: bounded(limits.per_host),
            hosts: Arc::default(),
        }
    }

    pub(crate) async fn take(&self, host: &TargetHost) -> Place {
        let queue = Queue::enter(&self.hosts, host, self.per_host);
        let at_host = granted(&queue.places).await;
        Place { _in_all: granted(&self.all).await, _at_host: at_host, _queue: queue }
    }
}

async fn granted(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(places).acquire_owned().await.expect("nobody closes it")
}

/// Who is called at one host, or waits for it. Whoever leaves last forgets the host.
#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    host: TargetHost,
    hosts: Arc<Hosts>,
}

impl Queue {
    fn enter(hosts: &Arc<Hosts>, host: &TargetHost, per_host: usize) -> Self {
        let mut all = hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let places = all.entry(host.clone()).or_insert_with(|| Arc::new(Semaphore::new(per_host)));
        Self { places: Arc::clone(places), host: host.clone(), hosts: Arc::clone(hosts) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let mut all = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own and this one: all clones are made under this lock or by who holds one.
        if Arc::strong_count(&self.places) == 2 {
            all.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_host_is_forgotten_when_nobody_calls_it_or_waits_for_it() {
        let places = Places::new(CallLimits { in_all: 2, per_host: 1 });
        let host = TargetHost::Name("example.org".to_owned());
        let place = places.take(&host).await;
        assert!(timeout(Duration::from_millis(20), places.take(&host)).await.is_err());
        assert_eq!(places.hosts.lock().unwrap().len(), 1);
        drop(place);
        assert_eq!(places.hosts.lock().unwrap().len(), 0);
        assert_eq!(places.all.available_permits(), 2);
    }
}
