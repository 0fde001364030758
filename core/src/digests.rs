//! Digests of a stream: SHA-256 in one lane, SHA-1 and MD5 in another, which takes little longer
//! where the processor has no instructions for any, beside the writing.
//!
//! A small file is hashed where it is; from [`LARGE`] on, whole pieces go to blocking jobs while
//! the next piece is received, so that no asynchronous task is held up by hashing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use md5::Md5;
use ring::digest::{Context, SHA256};
use sha1::{Digest, Sha1};

use crate::model::files::Digests;
use crate::ports::Runtime;
use crate::{Error, Result, hex};

/// How many bytes are gathered before they are handed to the lanes.
const LARGE: usize = 128 << 10;

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
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
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
        Self { runtime, gathered: Vec::new(), gathered_bytes: 0, sha256, sha1_md5 }
    }

    pub(crate) async fn update(&mut self, chunk: Bytes) -> Result<()> {
        self.gathered_bytes += chunk.len();
        self.gathered.push(chunk);
        if self.gathered_bytes >= LARGE {
            let chunks: Arc<[Bytes]> = std::mem::take(&mut self.gathered).into();
            self.gathered_bytes = 0;
            self.sha256.start(&*self.runtime, chunks.clone()).await?;
            self.sha1_md5.start(&*self.runtime, chunks).await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<Digests> {
        let sha256 = self.sha256.finish(&self.gathered).await?;
        let (sha1, md5) = self.sha1_md5.finish(&self.gathered).await?;
        Ok(Digests {
            sha1: hex::encode(&sha1.finalize()),
            sha256: sha256.finish(),
            md5: hex::encode(&md5.finalize()),
        })
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hashing({} bytes gathered)", self.gathered_bytes)
    }
}

/// One lane: its state is here, or with a job that runs.
struct Lane<S> {
    add: fn(&mut S, &[u8]),
    state: Option<S>,
    running: Option<(BoxFuture<'static, ()>, oneshot::Receiver<S>)>,
}

impl<S: Send + 'static> Lane<S> {
    fn new(state: S, add: fn(&mut S, &[u8])) -> Self {
        Self { add, state: Some(state), running: None }
    }

    /// The state, once the job that has it is done.
    async fn settle(&mut self) -> Result<S> {
        if let Some((job, done)) = self.running.take() {
            job.await;
            self.state = done.await.ok();
        }
        // Lost only if the job panicked or the runtime dropped it.
        self.state.take().ok_or_else(Error::unavailable)
    }

    async fn start(&mut self, runtime: &dyn Runtime, chunks: Arc<[Bytes]>) -> Result<()> {
        let (mut state, add) = (self.settle().await?, self.add);
        let (give_back, done) = oneshot::channel();
        let job = runtime.run_blocking(Box::new(move || {
            chunks.iter().for_each(|chunk| add(&mut state, chunk));
            // Nobody waits for it when the upload was given up.
            let _ = give_back.send(state);
        }));
        self.running = Some((job, done));
        Ok(())
    }

    async fn finish(&mut self, rest: &[Bytes]) -> Result<S> {
        let mut state = self.settle().await?;
        rest.iter().for_each(|chunk| (self.add)(&mut state, chunk));
        Ok(state)
    }
}
