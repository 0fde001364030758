//! The byte stream of one connection, watched: it tells the connection's state of progress.
//!
//! It must not know HTTP, and must cost little: every byte of every download passes here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connections::Progress;
use crate::metrics::Metrics;

pub(crate) struct WatchedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
    metrics: Metrics,
    write_ended: bool,
}

impl WatchedStream {
    pub(crate) fn new(stream: TcpStream, progress: Arc<Progress>, metrics: Metrics) -> Self {
        Self { stream, progress, metrics, write_ended: false }
    }

    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.progress.write_waits(),
            Poll::Ready(Ok(count)) => {
                self.progress.written(*count as u64);
                self.metrics.sent.inc_by(*count as u64);
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }

    /// Reads and discards until the client ends its side. Closing a socket with unread bytes
    /// resets it, and the reset can destroy an answer (such as 401 to a large upload) on its way.
    /// The watch ends this after `LINGER`.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 8192];
        // A fast sender must not keep this task from yielding.
        for _ in 0..16 {
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = buffer.filled().len() - before;
        if count > 0 {
            self.progress.bytes_came();
            self.metrics.received.inc_by(count as u64);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.write_ended {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.write_ended = true;
            self.progress.closing();
        }
        if self.progress.leaves_unread() { self.poll_linger(cx) } else { Poll::Ready(Ok(())) }
    }
}
