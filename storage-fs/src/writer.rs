//! The writer: gathers chunks, and writes those it has while it gathers the next.

use std::mem;

use async_trait::async_trait;
use bytes::Bytes;
use packhouse_core::blobs::{BlobError, BlobErrorKind, BlobInfo, BlobWriter, Suspended};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::errors::job_failed;
use crate::staged::Staged;

/// Writes one blob.
#[derive(Debug)]
pub(crate) struct FsWriter {
    work: Work,
    /// What writes back bytes that were written before. Nothing waits for it but the next of its
    /// kind and the end, so that the disk works while more is received.
    behind: Option<JoinHandle<Result<(), BlobError>>>,
    /// What is written next: the chunks as they came.
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    limit: usize,
}

/// Who has the file.
#[derive(Debug)]
enum Work {
    Idle(Staged),
    Writing(JoinHandle<Written>),
    /// Not all of it was written: it waits to be dropped.
    Broken(Staged),
    Failed,
}

/// What a job gives back: the file, and whether all was written.
type Written = (Staged, Result<(), BlobError>);

impl FsWriter {
    pub(crate) fn new(staged: Staged, limit: usize) -> Self {
        let (gathered, gathered_bytes) = (Vec::new(), 0);
        Self { work: Work::Idle(staged), behind: None, gathered, gathered_bytes, limit }
    }

    /// Begins to write what was gathered, once what was gathered before is written.
    async fn flush(&mut self) -> Result<(), BlobError> {
        self.settle().await?;
        if matches!(&self.work, Work::Idle(staged) if staged.is_ahead()) {
            self.catch_up().await?;
        }
        let mut staged = self.take()?;
        if staged.is_ahead() {
            self.behind = Some(spawn_blocking(staged.write_back()));
        }
        let chunks = mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        self.work = Work::Writing(spawn_blocking(move || {
            let outcome = staged.append(&chunks);
            (staged, outcome)
        }));
        Ok(())
    }

    /// Waits until nobody writes. Given up, nothing is lost: the job goes on, and whoever drops its
    /// outcome drops the file.
    async fn settle(&mut self) -> Result<(), BlobError> {
        let Work::Writing(job) = &mut self.work else { return Ok(()) };
        let done = job.await;
        self.work = Work::Failed;
        let (staged, outcome) = done.map_err(job_failed)?;
        self.work = if outcome.is_ok() { Work::Idle(staged) } else { Work::Broken(staged) };
        outcome
    }

    /// Waits until what is being written back is.
    async fn catch_up(&mut self) -> Result<(), BlobError> {
        let Some(job) = &mut self.behind else { return Ok(()) };
        let done = job.await.map_err(job_failed);
        self.behind = None;
        done.flatten().inspect_err(|_| {
            if let Work::Idle(mut staged) = mem::replace(&mut self.work, Work::Failed) {
                staged.spoil();
            }
        })
    }

    /// The file, when nobody writes it.
    fn take(&mut self) -> Result<Staged, BlobError> {
        match mem::replace(&mut self.work, Work::Failed) {
            Work::Idle(staged) => Ok(staged),
            _ => Err(BlobErrorKind::Unavailable.because("writing after a failure")),
        }
    }

    /// The file with nothing under way, and what is left to write.
    async fn end(mut self: Box<Self>) -> Result<(Staged, Vec<Bytes>), BlobError> {
        self.settle().await?;
        self.catch_up().await?;
        Ok((self.take()?, mem::take(&mut self.gathered)))
    }
}

impl Drop for FsWriter {
    /// A file that was suspended stays as it was, unless what is being written back is lost: that is
    /// awaited, and nobody may resume it before.
    fn drop(&mut self) {
        let work = mem::replace(&mut self.work, Work::Failed);
        let (Some(behind), Ok(runtime)) = (self.behind.take(), Handle::try_current()) else {
            return;
        };
        drop(runtime.spawn(async move {
            let written = behind.await;
            let staged = match work {
                Work::Idle(staged) | Work::Broken(staged) => Some(staged),
                Work::Writing(job) => job.await.ok().map(|(staged, _)| staged),
                Work::Failed => None,
            };
            if let (Some(mut staged), Err(_) | Ok(Err(_))) = (staged, written) {
                staged.spoil();
            }
        }));
    }
}

#[async_trait]
impl BlobWriter for FsWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        // First, so that a write that is given up has taken nothing.
        if self.gathered_bytes >= self.limit {
            self.flush().await?;
        }
        if !chunk.is_empty() {
            self.gathered_bytes += chunk.len();
            self.gathered.push(chunk);
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let (staged, last) = self.end().await?;
        spawn_blocking(move || staged.finish(&last)).await.map_err(job_failed)?
    }

    async fn suspend(self: Box<Self>) -> Result<Suspended, BlobError> {
        let (staged, last) = self.end().await?;
        spawn_blocking(move || staged.suspend(&last)).await.map_err(job_failed)?
    }
}
