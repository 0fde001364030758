//! Reading ranges: a small one at once, a large one chunk after chunk with one read ahead.
//!
//! Exactly the bytes that were announced, or an error: a file that became shorter is told.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use packhouse_core::blobs::{BlobBody, BlobError, BlobReader, ByteRange};
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::disk::open_existing;
use crate::errors::{failed, job_failed, no_blob};
use crate::store::Missing;

/// Opens, looks and reads the first chunk, all in the thread it is called in.
pub(crate) fn open(
    path: &Path,
    range: ByteRange,
    chunk: usize,
    missing: Missing<'_>,
) -> Result<BlobReader, BlobError> {
    let opened = open_existing(path, OpenOptions::new().read(true));
    let file = opened.map_err(|error| missing.or_failed(error, "opening"))?;
    let found = file.metadata().map_err(|error| missing.or_failed(error, "looking at"))?;
    if !found.is_file() {
        return Err(no_blob(format!("{} is no file", path.display())));
    }
    let (start, end) = range.of(found.len())?;
    let mut pieces = Pieces { file: Arc::new(file), at: start, end, chunk, ahead: None };
    let first = pieces
        .next_range()
        .map_or(Ok(Bytes::new()), |(at, length)| read(&pieces.file, at, length))?;
    let length = end - start;
    let body = if first.len() as u64 == length {
        BlobBody::Bytes(first)
    } else {
        BlobBody::Stream(stream::iter([Ok(first)]).chain(pieces.stream()).boxed())
    };
    Ok(BlobReader { length, body })
}

/// What is still to be read.
struct Pieces {
    file: Arc<File>,
    at: u64,
    end: u64,
    chunk: usize,
    /// The chunk that is being read while the one before is used.
    ahead: Option<JoinHandle<Result<Bytes, BlobError>>>,
}

impl Pieces {
    fn stream(mut self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        // Begun when the stream is first polled for: by then the first chunk is used.
        let next = async |mut pieces: Self| {
            let piece = match pieces.ahead.take().or_else(|| pieces.start())?.await {
                Ok(piece) => piece,
                Err(error) => Err(job_failed(error)),
            };
            match piece {
                Ok(_) => pieces.ahead = pieces.start(),
                // Nothing follows an error.
                Err(_) => pieces.at = pieces.end,
            }
            Some((piece, pieces))
        };
        self.ahead = None;
        stream::unfold(self, next).boxed()
    }

    /// Begins to read the next chunk, if there is one.
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes, BlobError>>> {
        let (at, length) = self.next_range()?;
        let file = Arc::clone(&self.file);
        Some(spawn_blocking(move || read(&file, at, length)))
    }

    fn next_range(&mut self) -> Option<(u64, usize)> {
        let at = self.at;
        let length = usize::try_from(self.end - at).map_or(self.chunk, |left| left.min(self.chunk));
        self.at += length as u64;
        (length > 0).then_some((at, length))
    }
}

/// Exactly so many bytes.
fn read(file: &File, at: u64, length: usize) -> Result<Bytes, BlobError> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let from = at + bytes.len() as u64;
        match pread(file, spare_capacity(&mut bytes), from) {
            Ok(0) => {
                return Err(no_blob(format!("the file ends before byte {}", at + length as u64)));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(failed("reading a blob", error.into())),
        }
    }
    bytes.truncate(length);
    Ok(bytes.into())
}
