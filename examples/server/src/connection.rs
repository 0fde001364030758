//! One connection: HTTP/1.1 over a watched stream, until it ends, is told to, or is overdue.
//!
//! It must not know other connections.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::sleep_until;

use crate::connections::{Order, Place, Progress};
use crate::io::WatchedStream;
use crate::service::{RequestService, Shared};

/// Bounds what one connection reads of a body at once, of which an upload holds several in memory.
/// It is above the largest head, which `max_header` bounds.
const BUFFER: usize = 64 << 10;

/// The rules by which connections speak HTTP.
///
/// Hyper's own timer for heads is off: it begins at the end of the last answer, so it cannot tell
/// a client that is idle from one that dribbles a head, and it sets a timer for each request.
/// `Progress` has these deadlines.
pub(crate) fn protocol(shared: &Shared) -> http1::Builder {
    let max_header = shared.limits.max_head();
    let mut protocol = http1::Builder::new();
    protocol
        .header_read_timeout(None)
        .max_header_size(max_header)
        .max_buf_size(max_header.max(BUFFER) + 8192)
        // A client that has sent its request may end its side and still wants the answer.
        .half_close(true);
    protocol
}

/// Serves a connection to its end.
pub(crate) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    router: Router,
    protocol: http1::Builder,
    shared: Arc<Shared>,
) {
    // Else the last part of a streamed answer waits 40 ms for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    bound_unsent(&stream);
    shared.metrics.connections.inc();
    shared.metrics.connections_open.inc();
    let _counted = Counted(&shared);
    let progress = Arc::clone(&place.progress);
    let stream = WatchedStream::new(stream, Arc::clone(&progress), &shared);
    let service =
        RequestService { router, peer, progress: Arc::clone(&progress), shared: shared.clone() };
    let serving = protocol.serve_connection(TokioIo::new(stream), service);
    match drive(serving, &progress, &shared).await {
        Ok(()) => {}
        Err(End::Cut(cause)) => {
            shared.metrics.count_cut(cause);
            tracing::debug!(%peer, cause, "connection cut");
        }
        // What the parser refuses is refused before it. It should not come to this, and the client
        // has an answer of the parser's own, without a body.
        Err(End::Failed(error)) if error.is_parse() => {
            shared.metrics.count_refusal("parser");
            tracing::warn!(%peer, %error, "the parser refused what was taken for well-formed");
        }
        Err(End::Failed(error)) => tracing::debug!(%peer, %error, "connection failed"),
    }
}

/// How a connection ended, other than by itself.
enum End {
    Cut(&'static str),
    Failed(hyper::Error),
}

async fn drive(
    serving: http1::Connection<TokioIo<WatchedStream>, RequestService>,
    progress: &Progress,
    shared: &Shared,
) -> Result<(), End> {
    let mut serving = pin!(serving);
    let first_look = progress.look(&shared.limits).map_err(End::Cut)?;
    let mut watch = pin!(sleep_until(first_look));
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => return ended.map_err(End::Failed),
            order = progress.told() => match order {
                // Its bytes are not with the parser yet, which would take it for idle and close;
                // the answer to it will say that it is the last.
                Order::Finish if progress.is_in_head() => {}
                Order::Finish => serving.as_mut().graceful_shutdown(),
                Order::Abandon => return Err(End::Cut("drain")),
                Order::MakeRoom if !progress.is_busy() => return Err(End::Cut("made room")),
                Order::MakeRoom | Order::None => {}
            },
            () = watch.as_mut() => {
                let again = progress.look(&shared.limits).map_err(End::Cut)?;
                watch.as_mut().reset(again);
            }
        }
    }
}

/// Counts an open connection for as long as it lives, even if its task panics.
struct Counted<'a>(&'a Shared);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics.connections_open.dec();
    }
}

/// How much of an answer the kernel takes before it is sent. It would take megabytes, and say
/// nothing for minutes while a slow client reads them: that looks like a client that reads nothing.
/// What is under way is not bounded by it.
const UNSENT: u32 = 128 << 10;

#[cfg(target_os = "linux")]
fn bound_unsent(stream: &tokio::net::TcpStream) {
    // Without it a slow client is cut early, and nothing else suffers.
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(target_os = "linux"))]
fn bound_unsent(_stream: &tokio::net::TcpStream) {}
