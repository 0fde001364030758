//! The job runner's end, over blobs whose listing never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use packhouse_core::access::Secret;
use packhouse_core::blobs::{
    BlobError, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter, ByteRange, Suspended,
};
use packhouse_core::memory::{MemoryStore, SetClock};
use packhouse_core::{Limits, Packhouse, Ports};
use packhouse_server::engine::Jobs;
use packhouse_server::ports::{OsRandom, TokioRuntime};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

/// Says whether it is being listed, which is all that the sweep asks it.
#[derive(Debug, Default)]
struct Endless(Arc<AtomicBool>);

/// Lowers the flag when the listing is dropped.
struct Listing(Arc<AtomicBool>);

impl Drop for Listing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl BlobStore for Endless {
    async fn create(&self, _: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        unreachable!()
    }

    async fn resume(&self, _: &BlobId, _: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        unreachable!()
    }

    async fn open(&self, _: &BlobId, _: ByteRange) -> Result<BlobReader, BlobError> {
        unreachable!()
    }

    async fn remove(&self, _: &BlobId) -> Result<(), BlobError> {
        unreachable!()
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        self.0.store(true, Ordering::SeqCst);
        let listing = Listing(Arc::clone(&self.0));
        stream::pending().map(move |info| (&listing, info).1).boxed()
    }

    async fn direct_url(&self, _: &BlobId, _: Duration) -> Result<Option<String>, BlobError> {
        unreachable!()
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_end_is_broken_off() {
    let listed = Arc::new(AtomicBool::new(false));
    let ports = Ports {
        store: Arc::new(MemoryStore::new()),
        blobs: Arc::new(Endless(Arc::clone(&listed))),
        clock: Arc::new(SetClock::new()),
        archives: Arc::new(packhouse_core::memory::NoArchives),
        outbound: Arc::new(packhouse_core::outbound::NoOutbound),
        geo: Arc::new(packhouse_core::geo::NoLocator),
        openpgp: Arc::new(packhouse_core::openpgp::NoOpenPgp),
        random: Arc::new(OsRandom),
        runtime: Arc::new(TokioRuntime::new(Handle::current())),
        secret: Secret::new([7; 32]),
    };
    let packhouse =
        Packhouse::new(ports, Limits { sweep_every: Duration::ZERO, ..Limits::default() });
    let jobs = Jobs::start(&packhouse).await.unwrap();
    while !listed.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    timeout(Duration::from_secs(60), jobs.stop()).await.expect("the job holds up the end");
    assert_eq!(begun.elapsed().as_secs(), 5);
    // Its task is gone, and what it held.
    sleep(Duration::from_millis(10)).await;
    assert!(!listed.load(Ordering::SeqCst));
}
