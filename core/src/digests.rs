//! Digests of a stream: SHA-256 in one lane, SHA-1 and MD5 in another, which takes little longer
//! where the processor has no instructions for any, beside the writing.
//!
//! A small file is hashed where it is; from [`LARGE`] on, chunks wait for blocking jobs while
//! others are received, so that no asynchronous task is held up by hashing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, Either};
use md5::Md5;
use ring::digest::{Context, SHA256};
use sha1::{Digest, Sha1};

use crate::model::files::Digests;
use crate::ports::Runtime;
use crate::{Error, Result, hex};

/// A lane starts a job once so many bytes wait; what is left at the end is hashed in place.
const LARGE: usize = 128 << 10;

/// As many bytes may wait in a lane, and a chunk more, before whoever brings them waits as well.
const MOST_WAITING: usize = 384 << 10;

/// After so many bytes, and the chunk that they end in, a job lets others have its thread.
const TURN: usize = 1 << 20;

/// The SHA-256 of contents: not of the family of the others, since it is much faster where the
/// processor has no instructions for it.
pub(crate) struct ContentSha256(Context);

impl ContentSha256 {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In hexadecimal.
    pub(crate) fn finish(self) -> String {
        hex::encode(self.0.finish().as_ref())
    }
}

/// Takes the bytes of a stream, one chunk after another.
pub(crate) struct Hashing {
    runtime: Arc<dyn Runtime>,
    sha256: Lane<ContentSha256>,
    sha1_md5: Lane<(Sha1, Md5)>,
}

impl Hashing {
    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> Self {
        let sha256 = Lane::new(ContentSha256::new(), ContentSha256::update);
        let sha1_md5 = Lane::new((Sha1::new(), Md5::new()), |state, bytes| {
            state.0.update(bytes);
            state.1.update(bytes);
        });
        Self { runtime, sha256, sha1_md5 }
    }

    pub(crate) async fn update(&mut self, chunk: Bytes) -> Result<()> {
        let Self { runtime, sha256, sha1_md5 } = self;
        future::try_join(sha256.room(&**runtime), sha1_md5.room(&**runtime)).await?;
        // From here on nothing waits: both have the chunk, or none has it.
        sha256.put(&**runtime, chunk.clone());
        sha1_md5.put(&**runtime, chunk);
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<Digests> {
        let runtime = &*self.runtime;
        let (sha256, (sha1, md5)) =
            future::try_join(self.sha256.finish(runtime), self.sha1_md5.finish(runtime)).await?;
        Ok(Digests {
            sha1: hex::encode(&sha1.finalize()),
            sha256: sha256.finish(),
            md5: hex::encode(&md5.finalize()),
        })
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

/// One lane. Its chunks wait until a job takes them, one after another, without asking whoever
/// brings them: both would wait for each other's threads to wake up after every few chunks.
struct Lane<S> {
    add: fn(&mut S, &[u8]),
    waiting: Arc<Mutex<Waiting<S>>>,
    /// Done when the last job is.
    job: BoxFuture<'static, ()>,
}

struct Waiting<S> {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// Nothing while a job has it.
    state: Option<S>,
    /// Told when at most half of what may wait is left.
    tell: Option<oneshot::Sender<()>>,
}

impl<S: Send + 'static> Lane<S> {
    fn new(state: S, add: fn(&mut S, &[u8])) -> Self {
        let (chunks, bytes, tell) = (VecDeque::new(), 0, None);
        let waiting = Arc::new(Mutex::new(Waiting { chunks, bytes, state: Some(state), tell }));
        Self { add, waiting, job: future::ready(()).boxed() }
    }

    /// Waits until there is room for a chunk.
    async fn room(&mut self, runtime: &dyn Runtime) -> Result<()> {
        while self.start(runtime) >= MOST_WAITING {
            self.make_room().await?;
        }
        Ok(())
    }

    fn put(&mut self, runtime: &dyn Runtime, chunk: Bytes) {
        let mut waiting = lock(&self.waiting);
        waiting.bytes += chunk.len();
        waiting.chunks.push_back(chunk);
        drop(waiting);
        self.start(runtime);
    }

    /// Starts a job where there is enough for one and none runs; how many bytes wait.
    fn start(&mut self, runtime: &dyn Runtime) -> usize {
        let mut waiting = lock(&self.waiting);
        let bytes = waiting.bytes;
        if bytes >= LARGE
            && let Some(state) = waiting.state.take()
        {
            drop(waiting);
            let (shared, add) = (Arc::clone(&self.waiting), self.add);
            self.job = runtime.run_blocking(Box::new(move || take(&shared, state, add)));
        }
        bytes
    }

    /// Waits until the job has taken some, or is done.
    async fn make_room(&mut self) -> Result<()> {
        let Some(told) = self.ask() else { return Ok(()) };
        match future::select(told, &mut self.job).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => self.end_job(),
        }
    }

    /// Has the job tell when there is room; `None` where there is, or no job runs.
    fn ask(&self) -> Option<oneshot::Receiver<()>> {
        let mut waiting = lock(&self.waiting);
        if waiting.state.is_some() || waiting.bytes < MOST_WAITING {
            return None;
        }
        let (tell, told) = oneshot::channel();
        waiting.tell = Some(tell);
        Some(told)
    }

    /// After the job's end: fails if it has not left the state.
    fn end_job(&mut self) -> Result<()> {
        self.job = future::ready(()).boxed();
        // Lost only if the job panicked or the runtime dropped it.
        if lock(&self.waiting).state.is_some() { Ok(()) } else { Err(Error::unavailable()) }
    }

    /// The state after all chunks.
    async fn finish(&mut self, runtime: &dyn Runtime) -> Result<S> {
        loop {
            (&mut self.job).await;
            self.end_job()?;
            if self.start(runtime) < LARGE {
                break;
            }
        }
        self.rest().ok_or_else(Error::unavailable)
    }

    /// The state after what still waits.
    fn rest(&self) -> Option<S> {
        let mut waiting = lock(&self.waiting);
        let mut state = waiting.state.take()?;
        waiting.chunks.iter().for_each(|chunk| (self.add)(&mut state, chunk));
        Some(state)
    }
}

/// Takes chunks until none waits, or it is the turn of others.
fn take<S>(waiting: &Mutex<Waiting<S>>, mut state: S, add: fn(&mut S, &[u8])) {
    let mut taken = 0;
    loop {
        let mut now = lock(waiting);
        if now.bytes <= MOST_WAITING / 2
            && let Some(tell) = now.tell.take()
        {
            // Nobody waits when the upload was given up.
            let _ = tell.send(());
        }
        let next = if taken < TURN { now.chunks.pop_front() } else { None };
        let Some(chunk) = next else {
            now.state = Some(state);
            return;
        };
        drop(now);
        add(&mut state, &chunk);
        taken += chunk.len();
        lock(waiting).bytes -= chunk.len();
    }
}

fn lock<S>(waiting: &Mutex<Waiting<S>>) -> MutexGuard<'_, Waiting<S>> {
    // Whatever panicked left it whole.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;
    use crate::memory::InlineRuntime;
    use crate::ports::BlockingJob;

    /// What becomes of jobs.
    enum Jobs {
        /// Each runs on a thread of its own.
        Threads,
        /// They are kept until somebody runs them.
        Held(Mutex<Vec<BlockingJob>>),
        Lost,
    }

    impl fmt::Debug for Jobs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Jobs")
        }
    }

    impl Runtime for Jobs {
        #[expect(clippy::disallowed_methods, reason = "this is the host, which owns threads")]
        fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
            let (done, ended) = oneshot::channel();
            let job = move || {
                job();
                let _ = done.send(());
            };
            match self {
                Self::Threads => drop(thread::spawn(job)),
                Self::Held(jobs) => jobs.lock().unwrap().push(Box::new(job)),
                Self::Lost => drop(job),
            }
            ended.map(drop).boxed()
        }

        fn wait_for(&self, future: BoxFuture<'_, ()>) {
            block_on(future);
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            future::ready(()).boxed()
        }
    }

    fn hashed(runtime: Arc<dyn Runtime>, bytes: &Bytes, sizes: &[usize]) -> Result<Digests> {
        let mut hashing = Hashing::new(runtime);
        let (mut rest, mut sizes) = (bytes.clone(), sizes.iter().cycle());
        block_on(async {
            while !rest.is_empty() {
                let size = sizes.next().map_or(rest.len(), |size| *size.min(&rest.len()));
                hashing.update(rest.split_to(size)).await?;
            }
            hashing.finish().await
        })
    }

    fn digests_of(bytes: &[u8]) -> Digests {
        Digests {
            sha1: hex::encode(&Sha1::digest(bytes)),
            sha256: hex::encode(ring::digest::digest(&SHA256, bytes).as_ref()),
            md5: hex::encode(&Md5::digest(bytes)),
        }
    }

    fn some_bytes(count: usize) -> Bytes {
        (0..count).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn digests_are_those_of_all_bytes_in_their_order(
            // Up to more than a job takes in its turn.
            count in 0..3 * TURN,
            sizes in prop::collection::vec(1..MOST_WAITING, 1..5),
        ) {
            let bytes = some_bytes(count);
            let expected = digests_of(&bytes);
            for runtime in [Arc::new(InlineRuntime) as Arc<dyn Runtime>, Arc::new(Jobs::Threads)] {
                prop_assert_eq!(&hashed(runtime, &bytes, &sizes).unwrap(), &expected);
            }
        }
    }

    /// A stream of which as much waits as may, its bytes, and the job of each lane.
    fn full() -> (Hashing, Bytes, [BlockingJob; 2]) {
        let runtime = Arc::new(Jobs::Held(Mutex::default()));
        let mut hashing = Hashing::new(runtime.clone());
        let (bytes, mut rest) = (some_bytes(MOST_WAITING), some_bytes(MOST_WAITING));
        while !rest.is_empty() {
            let chunk = rest.split_to(64 << 10);
            assert!(hashing.update(chunk).now_or_never().unwrap().is_ok());
        }
        let Jobs::Held(held) = &*runtime else { unreachable!() };
        let jobs = std::mem::take(&mut *held.lock().unwrap());
        let jobs = jobs.try_into().unwrap_or_else(|_| panic!("a job for each lane"));
        (hashing, bytes, jobs)
    }

    #[test]
    fn who_brings_chunks_waits_when_many_are_not_taken_yet() {
        let (mut hashing, _, jobs) = full();
        let mut late = hashing.update(some_bytes(1)).boxed();
        assert!((&mut late).now_or_never().is_none());
        jobs.into_iter().for_each(|job| job());
        assert!(late.now_or_never().unwrap().is_ok());
    }

    #[test]
    fn a_chunk_that_is_given_up_is_in_no_digest() {
        let (mut hashing, bytes, [first, second]) = full();
        let mut given_up = hashing.update(some_bytes(1)).boxed();
        assert!((&mut given_up).now_or_never().is_none());
        // Now one lane has room for it, and the other has not.
        first();
        assert!((&mut given_up).now_or_never().is_none());
        drop(given_up);
        second();
        assert_eq!(block_on(hashing.finish()).unwrap(), digests_of(&bytes));
    }

    #[test]
    fn a_stream_whose_job_is_lost_fails() {
        for count in [LARGE, 4 * MOST_WAITING] {
            let error = hashed(Arc::new(Jobs::Lost), &some_bytes(count), &[50_000]).unwrap_err();
            assert_eq!(*error.kind(), crate::ErrorKind::Unavailable);
        }
    }
}
