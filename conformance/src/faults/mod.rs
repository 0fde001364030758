//! Wrappers around both ports that fail when they are told to: for an embedder's own tests.
//!
//! [`FaultyStore`] and [`FaultyBlobs`] pass every call on to the backend that they wrap, and count
//! it. [`Faults`] steers both: it makes the counted calls of some numbers fail, in one of the ways of
//! [`How`], until it is healed. A sweep makes the first call fail, then the second, and so on until a
//! run ends without having reached the fault; then every point was visited.
//!
//! ```
//! use std::sync::Arc;
//! use packhouse_conformance::faults::{Counted, Faults, FaultyBlobs, FaultyStore, How};
//! use packhouse_core::memory::SetClock;
//! use packhouse_core::{Limits, Packhouse, Ports};
//!
//! let (faults, sound) = (Faults::default(), Ports::in_memory(&SetClock::new()));
//! let packhouse = Packhouse::new(
//!     Ports {
//!         store: Arc::new(FaultyStore::new(sound.store.clone(), &faults)),
//!         blobs: Arc::new(FaultyBlobs::new(sound.blobs.clone(), &faults)),
//!         ..sound
//!     },
//!     Limits::default(),
//! );
//! faults.fail(Counted::Every, 0..1, How::Unavailable);
//! // Use `packhouse`, then ask `faults.calls()` whether the fault was reached.
//! # let _ = packhouse;
//! faults.heal();
//! ```

mod blobs;
mod store;

use std::future::poll_fn;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use packhouse_core::blobs::{BlobError, BlobErrorKind};
use packhouse_core::memory::InlineRuntime;
use packhouse_core::ports::Runtime;
use packhouse_core::store::{StoreError, StoreErrorKind};

pub use blobs::FaultyBlobs;
pub use store::FaultyStore;

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum How {
    /// It is refused as unavailable, as after an I/O error.
    Unavailable,
    /// It is refused for want of space.
    Full,
    /// A commit is applied, and its caller never learns it. Other calls are unavailable.
    UnknownApplied,
    /// A commit is not applied, and its caller cannot know it. Other calls are unavailable.
    UnknownNotApplied,
    /// A write takes half of the chunk and is then unavailable; an open blob ends early and says
    /// nothing of it, which no backend may do. Other calls are unavailable.
    Short,
    /// It waits until the faults are healed, and does then what it was asked for.
    Stalled,
    /// It does what it was asked for, and answers when the faults are healed.
    StalledAfter,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 7] = [
        Self::Unavailable,
        Self::Full,
        Self::UnknownApplied,
        Self::UnknownNotApplied,
        Self::Short,
        Self::Stalled,
        Self::StalledAfter,
    ];

    /// Whether the call answers in the end as if nothing had been.
    #[must_use]
    pub fn is_slow(self) -> bool {
        matches!(self, Self::Stalled | Self::StalledAfter)
    }
}

/// Which calls count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Counted {
    /// Calls of every method, and the chunks of each blob that is streamed.
    #[default]
    Every,
    /// Those of the store.
    Records,
    /// Those that commit.
    Commits,
    /// Those that remove a blob.
    Removals,
    /// Those that list the blobs.
    Listings,
    /// Those that carry bytes: writes of a blob, openings, and the chunks of a stream.
    Bytes,
}

/// What the wrappers do; shared between both, so that their calls are counted together. Clones
/// steer the same wrappers.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: usize,
    rows: usize,
    counted: Counted,
    failing: Option<(Range<usize>, How)>,
    refusal: Option<StoreErrorKind>,
    aside: bool,
    chunk: Option<usize>,
    late: Duration,
    /// How many calls wait to be healed.
    stalled: usize,
    /// Who is to be woken when that changes, or when they are healed.
    waiting: Vec<Waker>,
}

impl Plan {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// From now on the counted calls of these numbers, from 0, fail. A range of one number is a
    /// fault that happens once; one to `usize::MAX` lasts until it is healed.
    pub fn fail(&self, counted: Counted, calls: Range<usize>, how: How) {
        let mut plan = self.plan();
        (plan.calls, plan.rows) = (0, 0);
        (plan.counted, plan.failing) = (counted, Some((calls, how)));
        plan.wake();
    }

    /// Commits after those that were to fail are refused like this.
    pub fn refuse_after(&self, refusal: StoreErrorKind) {
        self.plan().refusal = Some(refusal);
    }

    /// Nothing fails any more; calls that stalled go on.
    pub fn heal(&self) {
        let mut plan = self.plan();
        (plan.failing, plan.refusal) = (None, None);
        plan.wake();
    }

    /// How many counted calls there were since the last plan.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.plan().calls
    }

    /// How many rows were selected since the last plan.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.plan().rows
    }

    /// Every call lets other tasks go first, from now on.
    pub fn step_aside(&self) {
        self.plan().aside = true;
    }

    /// Blobs are read in chunks of this many bytes, from now on.
    pub fn stream_in(&self, chunk: usize) {
        self.plan().chunk = Some(chunk);
    }

    /// From now on blobs are opened so long after it was asked for, as by a task that waits for its
    /// turn on a busy machine. Within tokio.
    pub fn open_late(&self, by: Duration) {
        self.plan().late = by;
    }

    /// Waits until some call is stalled.
    pub async fn stalled(&self) {
        poll_fn(|context| {
            let mut plan = self.plan();
            if plan.stalled > 0 {
                return Poll::Ready(());
            }
            plan.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until the faults are healed.
    async fn stall(&self) {
        /// Counted as long as it waits, also by a caller that gives up.
        struct Stalled<'a>(&'a Faults);
        impl Drop for Stalled<'_> {
            fn drop(&mut self) {
                self.0.plan().stalled -= 1;
            }
        }
        let stalled = {
            let mut plan = self.plan();
            plan.stalled += 1;
            plan.wake();
            Stalled(self)
        };
        poll_fn(|context| {
            let mut plan = self.plan();
            if plan.failing.is_none() {
                return Poll::Ready(());
            }
            plan.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
        drop(stalled);
    }

    /// Counts a call; gives how it fails, if it does. One that stalls before it does anything has
    /// done so.
    async fn call(&self, kinds: &[Counted]) -> Option<How> {
        let aside = self.plan().aside;
        if aside {
            InlineRuntime.sleep(Duration::ZERO).await;
        }
        match self.count(kinds) {
            Some(How::Stalled) => {
                self.stall().await;
                None
            }
            how => how,
        }
    }

    fn count(&self, kinds: &[Counted]) -> Option<How> {
        let mut plan = self.plan();
        if plan.counted != Counted::Every && !kinds.contains(&plan.counted) {
            return None;
        }
        let number = plan.calls;
        plan.calls += 1;
        plan.failing.as_ref().filter(|(calls, _)| calls.contains(&number)).map(|(_, how)| *how)
    }

    /// Lets a call that is to answer late answer.
    async fn answer<T>(&self, how: Option<How>, answer: T) -> T {
        if how == Some(How::StalledAfter) {
            self.stall().await;
        }
        answer
    }
}

/// The failure of a call of the store; none if it only is late.
fn store_error(how: How) -> Option<StoreError> {
    match how {
        How::Stalled | How::StalledAfter => None,
        How::Full => Some(StoreErrorKind::Full.because("as planned")),
        _ => Some(StoreErrorKind::Unavailable.because("as planned")),
    }
}

/// The failure of a call of the blob store; none if it only is late.
fn blob_error(how: How) -> Option<BlobError> {
    match how {
        How::Stalled | How::StalledAfter => None,
        How::Full => Some(BlobErrorKind::Full.because("as planned")),
        _ => Some(BlobErrorKind::Unavailable.because("as planned")),
    }
}
