//! Encrypted downloads: each costs the derivation of a key, and only so many run at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use packhouse_core::access::Secret;
use packhouse_core::memory::InlineRuntime;
use packhouse_core::ports::{BlockingJob, Runtime};
use packhouse_core::signed_urls;
use packhouse_core::{Error, ErrorKind, Limits, Packhouse, Ports, downloads};

use crate::world::{World, published, run};

/// Threads that begin to work when a test says so.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<BlockingJob>>>);

impl Threads {
    fn work(&self) -> usize {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        let count = jobs.len();
        jobs.into_iter().for_each(|job| job());
        count
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

impl Runtime for Threads {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(job);
        future::ready(()).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        InlineRuntime.wait_for(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        InlineRuntime.sleep(duration)
    }
}

#[test]
fn four_keys_are_derived_at_once_and_who_waits_too_long_is_asked_to_come_again() {
    let world = World::new();
    let anna = world.anna();
    let uploaded = world.upload(&anna, published("anna/repo/tool/1.0", "f"), "plain").unwrap();
    let permit = run(downloads::find(&world.sound, &anna, &uploaded.location())).unwrap();
    let threads = Threads::default();
    let ports = Ports {
        store: Arc::new(world.store.clone()),
        blobs: Arc::new(world.blobs.clone()),
        runtime: Arc::new(threads.clone()),
        ..Ports::in_memory(&world.clock)
    };
    let (packhouse, secret) = (Packhouse::new(ports, Limits::default()), Secret::new("s3cret"));
    let open = || Box::pin(signed_urls::open_encrypted(&packhouse, &permit, &secret));
    let mut opening: Vec<_> = (0..4).map(|_| begun(open()).unwrap()).collect();
    // Asked a few times, since whoever has a room waits for ever.
    let too_many = || {
        let mut opening = open();
        let mut ask = || opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let refused = |error: &Error| *error.kind() == ErrorKind::Unavailable;
        (0..9).any(|_| matches!(ask(), Poll::Ready(Err(error)) if refused(&error)))
    };
    assert!(too_many());
    // Those who go away leave their threads at work.
    opening.truncate(1);
    assert!(too_many());
    assert_eq!(threads.work(), 4);
    let reader = run(opening.remove(0)).unwrap();
    assert_eq!(reader.length, 32);
    assert_eq!(run(reader.into_bytes()).unwrap().len(), 32);
    assert!(begun(open()).is_some(), "there is room again");
}

/// Asks once; `None` if that was enough.
fn begun<F: Future>(mut opening: Pin<Box<F>>) -> Option<Pin<Box<F>>> {
    let asked = opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    asked.is_pending().then_some(opening)
}
