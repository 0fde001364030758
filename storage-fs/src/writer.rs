//! The writer: gathers chunks, and writes one buffer while the next is filled.

use std::mem;

use async_trait::async_trait;
use bytes::Bytes;
use packhouse_core::blobs::{BlobError, BlobErrorKind, BlobInfo, BlobWriter, Suspended};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::errors::job_failed;
use crate::staged::Staged;

/// Writes one blob.
#[derive(Debug)]
pub(crate) struct FsWriter {
    work: Work,
    buffer: Vec<u8>,
    /// An empty buffer to be filled next.
    spare: Vec<u8>,
    limit: usize,
}

/// Who has the file.
#[derive(Debug)]
enum Work {
    Idle(Staged),
    Writing(JoinHandle<Written>),
    Failed,
}

/// What a job gives back: the file, its emptied buffer, and whether all was written.
type Written = (Staged, Vec<u8>, Result<(), BlobError>);

impl FsWriter {
    pub(crate) fn new(staged: Staged, limit: usize) -> Self {
        Self { work: Work::Idle(staged), buffer: Vec::new(), spare: Vec::new(), limit }
    }

    /// Begins to write what was gathered, once what was gathered before is written.
    async fn flush(&mut self) -> Result<(), BlobError> {
        let mut staged = self.idle().await?;
        let mut full = mem::replace(&mut self.buffer, mem::take(&mut self.spare));
        self.work = Work::Writing(spawn_blocking(move || {
            let outcome = staged.append(&full);
            full.clear();
            (staged, full, outcome)
        }));
        Ok(())
    }

    /// The file, when nobody writes it. Given up, nothing is lost: the job goes on, and whoever
    /// drops its outcome drops the file.
    async fn idle(&mut self) -> Result<Staged, BlobError> {
        let done = match &mut self.work {
            Work::Writing(job) => Some(job.await),
            Work::Idle(_) | Work::Failed => None,
        };
        match (mem::replace(&mut self.work, Work::Failed), done) {
            (_, Some(done)) => {
                let (staged, spare, outcome) = done.map_err(job_failed)?;
                self.spare = spare;
                outcome.map(|()| staged)
            }
            (Work::Idle(staged), None) => Ok(staged),
            _ => Err(BlobErrorKind::Unavailable.because("writing after a failure")),
        }
    }
}

#[async_trait]
impl BlobWriter for FsWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        // First, so that a write that is given up has taken nothing.
        if self.buffer.len() >= self.limit {
            self.flush().await?;
        }
        self.buffer.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobInfo, BlobError> {
        let (staged, last) = (self.idle().await?, mem::take(&mut self.buffer));
        spawn_blocking(move || staged.finish(&last)).await.map_err(job_failed)?
    }

    async fn suspend(mut self: Box<Self>) -> Result<Suspended, BlobError> {
        let (staged, last) = (self.idle().await?, mem::take(&mut self.buffer));
        spawn_blocking(move || staged.suspend(&last)).await.map_err(job_failed)?
    }
}
