//! The bodies of requests, under a deadline while the server waits for their bytes.
//!
//! It must not limit sizes (the adapter knows what a request may carry), and must not count the
//! time that a handler takes between two reads: a slow disk is not the client's fault.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::Progress;
use crate::limits::Limits;

/// A request body that ends with an error of kind `TimedOut` where its client stalls, or sends
/// slower than the least rate. The handler may still answer, and then the connection closes.
pub(crate) struct TimedBody {
    body: Incoming,
    progress: Arc<Progress>,
    limits: Arc<Limits>,
    received: u64,
    /// Waited for this client in all, without the present wait.
    waited: Duration,
    waits_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl TimedBody {
    pub(crate) fn new(body: Incoming, progress: Arc<Progress>, limits: Arc<Limits>) -> Self {
        let ended = body.is_end_stream();
        Self {
            body,
            progress,
            limits,
            received: 0,
            waited: Duration::ZERO,
            waits_since: None,
            timer: None,
            ended,
        }
    }

    /// When the wait that began at `since` is too long, and what to say then.
    fn deadline(&self, since: Instant) -> (Instant, &'static str) {
        let stalled = (since + self.limits.body_stall_deadline, "no byte of the body came in time");
        let rate = self.limits.body_min_rate.as_bytes();
        if rate == 0 {
            return stalled;
        }
        let allowed = self.limits.body_grace + Duration::from_secs(self.received / rate);
        let slow = (since + allowed.saturating_sub(self.waited), "the body comes too slowly");
        stalled.min(slow)
    }

    /// Ready when the deadline has passed. The timer is set again only when it fires: each wait
    /// begins later than the one before and has at least as much time left, so that the deadline
    /// never moves forward.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let (deadline, reason) = self.deadline(since);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(reason);
            }
            timer.as_mut().reset(deadline);
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            let reason = ready!(self.poll_deadline(cx));
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, reason).into())));
        };
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
        match &frame {
            Some(Ok(frame)) => {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.ended = self.body.is_end_stream();
            }
            Some(Err(_)) => {}
            None => self.ended = true,
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if !self.ended {
            self.progress.leave_unread();
        }
    }
}
