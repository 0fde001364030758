//! The byte stream of one connection, watched: it tells the connection's state of progress, and
//! lets the parser have one well-formed message at a time.
//!
//! It must not judge messages itself, and must cost little: every byte of every download passes
//! here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connections::Progress;
use crate::framing::{Messages, Refusal, Step};
use crate::metrics::Metrics;
use crate::service::Shared;

/// What the parser reads in place of a head that is refused. It is the last request of its
/// connection and is answered with the refusal, so that this answer has its turn, its line in the
/// log and its headers like every other.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\n\r\n";
/// The same for a head that asks for no body in the answer.
const STAND_IN_HEAD: &[u8] = b"HEAD / HTTP/1.1\r\nhost: refused\r\n\r\n";

/// Room that is kept for the next bytes that have to wait.
const KEPT: usize = 16 << 10;

pub(crate) struct WatchedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
    metrics: Metrics,
    messages: Messages,
    /// Bytes that were read and that the parser has not: a head that is not whole, or what follows
    /// the current message.
    held: BytesMut,
    /// So many of them, at the front, are judged and wait for room.
    passed: usize,
    refused: Option<Refused>,
    write_ended: bool,
}

/// The connection reads no further.
enum Refused {
    /// The body that is being read breaks off.
    Body(Refusal),
    /// All is said.
    Told,
}

impl WatchedStream {
    pub(crate) fn new(stream: TcpStream, progress: Arc<Progress>, shared: &Shared) -> Self {
        Self {
            stream,
            progress,
            metrics: shared.metrics.clone(),
            messages: Messages::new(shared.limits.max_head()),
            held: BytesMut::new(),
            passed: 0,
            refused: None,
            write_ended: false,
        }
    }

    /// Judges bytes to the end of the current message. Gives how many can be passed on.
    fn judge(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() && (passed == 0 || !self.messages.at_head()) {
            let in_head = self.messages.at_head();
            match self.messages.next(&bytes[passed..]) {
                Step::Pass(count) => passed += count,
                Step::More => break,
                Step::Refuse(refusal) if in_head => {
                    self.refuse_head(refusal, bytes);
                    return 0;
                }
                Step::Refuse(refusal) => {
                    self.metrics.count_refusal(refusal.reason());
                    self.refused = Some(Refused::Body(refusal));
                    break;
                }
            }
        }
        passed
    }

    fn refuse_head(&mut self, refusal: Refusal, head: &[u8]) {
        self.metrics.count_refusal(refusal.reason());
        self.progress.refuse(refusal);
        let no_body = head.trim_ascii_start().starts_with(b"HEAD ");
        self.held = BytesMut::from(if no_body { STAND_IN_HEAD } else { STAND_IN });
        self.passed = self.held.len();
        self.refused = Some(Refused::Told);
    }

    /// Passes on what is held, as far as it is judged and there is room.
    fn pass_held(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.passed.min(buffer.remaining());
        buffer.put_slice(&self.held[..count]);
        self.held.advance(count);
        self.passed -= count;
        if self.held.is_empty() && self.held.capacity() > KEPT {
            self.held = BytesMut::new();
        }
        self.progress.set_head_waits(!self.held.is_empty() && self.passed == 0);
    }

    /// Judges what is held, if nothing of it is waiting for room already.
    fn judge_held(&mut self) {
        if self.passed == 0 && !self.held.is_empty() && self.refused.is_none() {
            let held = std::mem::take(&mut self.held);
            let passed = self.judge(&held);
            if !matches!(self.refused, Some(Refused::Told)) {
                (self.held, self.passed) = (held, passed);
            }
        }
    }

    /// Reads from the socket into the buffer; gives how many bytes came, and zero at the end.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = buffer.filled().len() - before;
        if count > 0 {
            self.progress.bytes_came();
            self.metrics.received.inc_by(count as u64);
        }
        Poll::Ready(Ok(count))
    }

    /// Takes bytes that have just come into the buffer: leaves there what can be passed on, and
    /// holds the rest.
    fn sift(&mut self, buffer: &mut ReadBuf<'_>, fresh: usize) {
        let start = buffer.filled().len() - fresh;
        // Mostly a read is one whole message, or a part of a body: it is judged where it lies.
        if self.held.is_empty() {
            let passed = self.judge(&buffer.filled()[start..]);
            if self.refused.is_none() && passed < fresh {
                self.held.extend_from_slice(&buffer.filled()[start + passed..]);
                self.progress.set_head_waits(true);
            }
            buffer.set_filled(start + passed);
        } else {
            self.held.extend_from_slice(&buffer.filled()[start..]);
            buffer.set_filled(start);
        }
    }

    /// The client has ended its side: an end between two messages is one, and within a body the
    /// parser says so.
    fn end(&mut self) {
        if self.messages.at_head() && !matches!(&self.held[..], b"" | b"\r" | b"\r\n") {
            let head = std::mem::take(&mut self.held);
            self.refuse_head(Refusal::Truncated, &head);
        } else {
            self.refused = Some(Refused::Told);
        }
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
        loop {
            // One message at a time: the next is judged when the parser asks for it, which is when
            // the one before has its answer.
            self.judge_held();
            if self.passed > 0 {
                self.pass_held(buffer);
                return Poll::Ready(Ok(()));
            }
            match self.refused {
                Some(Refused::Body(refusal)) => {
                    self.refused = Some(Refused::Told);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)));
                }
                Some(Refused::Told) => return Poll::Ready(Ok(())),
                None => {}
            }
            match ready!(self.poll_fill(cx, buffer))? {
                0 => self.end(),
                fresh => self.sift(buffer, fresh),
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
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
