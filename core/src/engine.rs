//! The engine: the ports and settings that every use case works with, and the loop that reads,
//! decides and commits.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{self, Either};
use futures::lock::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::access::{Act, Ask, Caller, Existence, Permit, Secret};
use crate::archives::Archives;
use crate::blobs::{BlobId, BlobStore};
use crate::geo::GeoLocator;
use crate::openpgp::OpenPgp;
use crate::outbound::Outbound;
use crate::ports::{Clock, Random, Runtime};
use crate::store::{
    Batch, CommitError, Committed, Expectation, Key, Page, Query, Record, Store, StoreError,
};
use crate::usecases::verified::Verified;
use crate::work::Work;
use crate::{Error, Result, Timestamp};

/// A Packhouse over some backends. Clones are handles to the same one; several may live in one
/// process without knowing of each other.
#[derive(Clone)]
pub struct Packhouse {
    inner: Arc<Inner>,
}

struct Inner {
    ports: Ports,
    limits: Limits,
    /// Blobs of uploads that run: finished, perhaps, but not yet named by a commit.
    in_flight: Mutex<HashSet<BlobId>>,
    queues: Queues,
    /// Room for the archives that are exploded at the same time.
    rooms: [Arc<AsyncMutex<()>>; Packhouse::EXPLODES],
    /// Room for what is computed at the same time, and for keys that are read.
    computations: [Arc<AsyncMutex<()>>; Packhouse::COMPUTATIONS],
    key_readings: [Arc<AsyncMutex<()>>; Packhouse::KEY_READINGS],
    /// What was said of the holders of access keys.
    existence: Existence,
    /// Blobs whose bytes were compared with their checksum since the start.
    verified: Verified,
    /// When the backends were last asked for proof that they can do their work, and whether they
    /// gave it.
    probed: AsyncMutex<Option<(Timestamp, bool)>>,
}

/// What a Packhouse is built upon.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub random: Arc<dyn Random>,
    /// Decoders of archives.
    pub archives: Arc<dyn Archives>,
    /// Calls to addresses that users gave.
    pub outbound: Arc<dyn Outbound>,
    /// The countries of addresses.
    pub geo: Arc<dyn GeoLocator>,
    /// The reader of OpenPGP keys.
    pub openpgp: Arc<dyn OpenPgp>,
    /// The asynchronous runtime.
    pub runtime: Arc<dyn Runtime>,
    /// The installation's own secret: at least 32 random bytes, kept as long as the records are.
    /// With another one, every API key is wrong.
    pub secret: Secret,
}

/// Bounds that an operator may set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The largest file, in bytes.
    pub max_file_bytes: u64,
    /// The most files and folders in an archive that is exploded. All of them are one commit.
    pub max_archive_entries: u64,
    /// The most bytes of all files of an archive together.
    pub max_archive_bytes: u64,
    /// How many times its own size the files of an archive may have, once they are over 10 MiB.
    pub max_archive_ratio: u64,
    /// For how long files of a version of an oss subject may be added, replaced and deleted after
    /// its publication; for ever if `None`.
    pub oss_change_window: Option<Duration>,
    /// For how long a signed URL may hold; for as long as its signer says if `None`.
    pub max_signed_url: Option<Duration>,
    /// How long a blob that nothing refers to is kept, in case it is needed again.
    pub blob_grace: Duration,
    /// How old an unknown blob must be before the sweep removes it. Longer than any upload.
    pub orphan_grace: Duration,
    /// How often the sweep runs.
    pub sweep_every: Duration,
    /// The largest share of all blobs that one sweep removes, in percent, if it is more than a
    /// hundred: more have no record only when the store is older than the blobs. Raised for one
    /// sweep by an operator who knows better.
    pub max_orphan_percent: u8,
    /// How often the permit of a running download is checked again.
    pub recheck_every: Duration,
    /// How many bytes of small files that are downloaded often are kept in memory, about; 0 for
    /// none. Which files are small is the blob store's to say: those that it reads in one piece.
    pub hot_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 5 << 30,
            max_archive_entries: 10_000,
            max_archive_bytes: 5 << 30,
            max_archive_ratio: 100,
            oss_change_window: Some(Duration::from_secs(365 * 24 * 3600)),
            max_signed_url: None,
            blob_grace: Duration::from_secs(3600),
            orphan_grace: Duration::from_secs(24 * 3600),
            sweep_every: Duration::from_secs(24 * 3600),
            max_orphan_percent: 5,
            recheck_every: Duration::from_secs(5),
            hot_bytes: 64 << 20,
        }
    }
}

impl Packhouse {
    /// How often a use case is run again when others were faster.
    const ATTEMPTS: usize = 10;
    /// How many archives are exploded at the same time; others wait. Each takes a thread and some
    /// megabytes.
    const EXPLODES: usize = 4;
    /// How many keys of encrypted downloads are computed at the same time; others wait. Each takes a
    /// thread that computes for tens of milliseconds, and any number could be asked for.
    const COMPUTATIONS: usize = 4;
    /// The same for OpenPGP keys that are read. One that is made for it takes far longer, which no
    /// download may wait for.
    const KEY_READINGS: usize = 2;
    /// How long one waits for its turn. It is over far sooner unless there are too many.
    const LONGEST_TURN: Duration = Duration::from_secs(5);
    /// How often an unknown outcome is asked for again.
    const OUTCOME_ATTEMPTS: usize = 3;

    /// A Packhouse over these ports.
    #[must_use]
    pub fn new(ports: Ports, limits: Limits) -> Self {
        let verified = Verified::new(limits.hot_bytes);
        let inner = Inner {
            ports,
            limits,
            in_flight: Mutex::default(),
            queues: Queues::default(),
            rooms: Default::default(),
            computations: Default::default(),
            key_readings: Default::default(),
            existence: Existence::default(),
            verified,
            probed: AsyncMutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The bounds in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn blobs(&self) -> &dyn BlobStore {
        &*self.inner.ports.blobs
    }

    pub(crate) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.inner.ports.runtime
    }

    pub(crate) fn outbound(&self) -> &dyn Outbound {
        &*self.inner.ports.outbound
    }

    pub(crate) fn geo(&self) -> &dyn GeoLocator {
        &*self.inner.ports.geo
    }

    pub(crate) fn openpgp(&self) -> &Arc<dyn OpenPgp> {
        &self.inner.ports.openpgp
    }

    pub(crate) fn archives(&self) -> &dyn Archives {
        &*self.inner.ports.archives
    }

    /// Waits for a room to explode an archive in.
    pub(crate) async fn room(&self) -> OwnedMutexGuard<()> {
        first_free(&self.inner.rooms).await
    }

    /// Computes something for a download where it holds up no other task, once there is room; that is
    /// not waited for long.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unavailable`] where there is too much to compute.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.compute_in(&self.inner.computations, computation).await
    }

    /// Reads an OpenPGP key where it holds up no other task and no download.
    ///
    /// # Errors
    /// As [`Self::compute`].
    pub(crate) async fn read_key<T: Send + 'static>(
        &self,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.compute_in(&self.inner.key_readings, reading).await
    }

    async fn compute_in<T: Send + 'static>(
        &self,
        rooms: &[Arc<AsyncMutex<()>>],
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let room = pin!(first_free(rooms));
        let room = match future::select(room, self.runtime().sleep(Self::LONGEST_TURN)).await {
            Either::Left((room, _)) => room,
            Either::Right(_) => return Err(Error::unavailable()),
        };
        let (tell, told) = oneshot::channel();
        // The room is held as long as the thread is, also where nobody waits for it any more.
        let job = move || {
            let _ = tell.send(computation());
            drop(room);
        };
        self.runtime().run_blocking(Box::new(job)).await;
        told.await.map_err(|_| Error::unavailable())
    }

    /// Waits for a future, within a blocking job.
    pub(crate) fn wait_for<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        let mut output = None;
        self.runtime().wait_for(Box::pin(async { output = Some(future.await) }));
        output.expect("a runtime waits to the end")
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.inner.ports.secret
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.ports.clock.now()
    }

    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.ports.random.fill(&mut bytes);
        bytes
    }

    pub(crate) async fn read_all(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.inner.ports.store.read(keys).await
    }

    pub(crate) async fn select(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.ports.store.select(query).await
    }

    /// A permit for reading.
    pub(crate) async fn permit<A: Act, K: Ask>(
        &self,
        caller: &Caller,
        names: &K,
    ) -> Result<Permit<A, K::Place>> {
        Work::new(self).permit(caller, names).await
    }

    /// Runs a use case that changes something: asks for a permit, lets `decide` read and plan, and
    /// commits. When others were faster it is run again from the start, with a fresh permit, after
    /// those who wait for the same record.
    pub(crate) async fn change<A, K, T, F, D>(
        &self,
        caller: &Caller,
        names: &K,
        decide: F,
    ) -> Result<T>
    where
        A: Act,
        K: Ask,
        F: Fn(Permit<A, K::Place>, Work) -> D + Send + Sync,
        D: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let mut contended: Option<Key> = None;
        for _ in 0..Self::ATTEMPTS {
            let queue = contended.as_ref().map(|key| self.inner.queues.of(key));
            let _turn = match &queue {
                Some(queue) => Some(queue.lock().await),
                None => None,
            };
            let work = Work::new(self);
            let permit = work.permit(caller, names).await?;
            let outcome = decide(permit, work.clone()).await?;
            let Some(batch) = work.batch() else { return Ok(outcome) };
            match self.commit(&batch).await {
                Ok(_) => return Ok(outcome),
                Err(CommitError::Conflict(expectation)) => contended = Some(key_of(&expectation)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::unavailable())
    }

    /// Commits a batch; an unknown outcome is asked for again.
    async fn commit(&self, batch: &Batch) -> Result<Committed, CommitError> {
        let mut outcome = self.inner.ports.store.commit(batch).await;
        for _ in 0..Self::OUTCOME_ATTEMPTS {
            if !matches!(outcome, Err(CommitError::Unknown(_))) {
                break;
            }
            self.runtime().sleep(Duration::from_millis(50)).await;
            outcome = match self.inner.ports.store.commit(batch).await {
                // That this attempt failed does not say that the first one did.
                Err(CommitError::Failed(error)) => Err(CommitError::Unknown(error)),
                told => told,
            };
        }
        outcome
    }

    /// Marks a blob as in use by an upload until the guard is dropped.
    pub(crate) fn in_flight(&self, id: BlobId) -> InFlight {
        self.inner.in_flight.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id);
        InFlight { packhouse: self.clone(), id }
    }

    pub(crate) fn existence(&self) -> &Existence {
        &self.inner.existence
    }

    pub(crate) fn verified(&self) -> &Verified {
        &self.inner.verified
    }

    pub(crate) fn last_probe(&self) -> &AsyncMutex<Option<(Timestamp, bool)>> {
        &self.inner.probed
    }

    pub(crate) fn is_in_flight(&self, id: BlobId) -> bool {
        let ids = self.inner.in_flight.lock();
        ids.unwrap_or_else(std::sync::PoisonError::into_inner).contains(&id)
    }
}

async fn first_free(rooms: &[Arc<AsyncMutex<()>>]) -> OwnedMutexGuard<()> {
    future::select_all(rooms.iter().map(|room| Arc::clone(room).lock_owned())).await.0
}

fn key_of(expectation: &Expectation) -> Key {
    match expectation {
        Expectation::Absent(key)
        | Expectation::Present(key)
        | Expectation::At(key, _)
        | Expectation::Born(key, _)
        | Expectation::AtMost(key, _) => key.clone(),
        Expectation::Empty(range) => {
            Key::from_bytes(range.prefix()).expect("a range starts at a key")
        }
    }
}

impl fmt::Debug for Packhouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packhouse")
            .field("ports", &self.inner.ports)
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}

/// The sweep leaves a blob alone while this lives.
#[derive(Debug)]
pub(crate) struct InFlight {
    packhouse: Packhouse,
    id: BlobId,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let ids = self.packhouse.inner.in_flight.lock();
        ids.unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.id);
    }
}

/// A queue for each record that use cases met at.
#[derive(Default)]
struct Queues {
    queues: Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>,
}

impl Queues {
    fn of(&self, key: &Key) -> Arc<AsyncMutex<()>> {
        let mut queues = self.queues.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Those that nobody waits in are forgotten here, so that the map stays as small as the
        // contention is.
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        queues.entry(key.clone()).or_default().clone()
    }
}
