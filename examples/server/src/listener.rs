//! The accept loop: from a listening socket to connections, until it is told to stop.
//!
//! It must not end for any error of `accept`, and must not look into a connection.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::connection;
use crate::connections::{Connections, Order};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::service::{RequestIds, Shared};

/// How long a loop that cannot accept (no file descriptor is free) leaves the others time to end.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How long abandoned connections get to let go.
const ABANDONED: Duration = Duration::from_secs(1);

/// How a listener serves.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// How much, how many and how long.
    pub limits: Limits,
    /// Where to count.
    pub metrics: Metrics,
    /// Whether each request gets a line in the log, of target `packhouse::access`.
    pub log_requests: bool,
}

/// Serves the router on the listener until `shutdown` is done; then closes the listener, lets
/// running requests finish for `drain_deadline`, and breaks off the rest.
///
/// Requests reach the router with the peer's address as `ConnectInfo<SocketAddr>` in their
/// extensions and with their id in the header `x-request-id`, which also is in the answer. A
/// request body whose client stalls fails with an `std::io::Error` of kind `TimedOut` among the
/// sources of its error: answer 408. A handler that panics answers 500.
///
/// # Panics
///
/// Outside a tokio runtime with its timer.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) {
    let connections = Connections::new(&options.limits);
    let shared = Arc::new(Shared {
        limits: Arc::new(options.limits),
        metrics: options.metrics,
        log_requests: options.log_requests,
        request_ids: RequestIds::from(getrandom::u64().unwrap_or_default()),
    });
    {
        let accepting = accept_all(listener, router, &connections, &shared);
        tokio::select! {
            biased;
            () = shutdown => {}
            () = accepting => {}
        }
        // The listener is closed here: new connections are refused while the others finish.
    }
    drain(&connections, shared.limits.drain_deadline).await;
}

async fn accept_all(
    listener: TcpListener,
    router: Router,
    connections: &Arc<Connections>,
    shared: &Arc<Shared>,
) {
    let protocol = connection::protocol(shared);
    let mut complaint = Complaint::default();
    loop {
        let (stream, peer) = accept(&listener, connections, &shared.metrics, &mut complaint).await;
        let place = connections.admit().await;
        let serving = connection::run(
            stream,
            peer,
            place,
            router.clone(),
            protocol.clone(),
            Arc::clone(shared),
        );
        tokio::spawn(serving);
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
    metrics: &Metrics,
    complaint: &mut Complaint,
) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                metrics.accept_errors.inc();
                complaint.about(&error);
                // A descriptor is what is missing, most likely, and a connection that waits for
                // its client has one.
                connections.make_room();
                sleep(BACK_OFF).await;
            }
        }
    }
}

/// Whether a failed accept says something about the one connection only, which is gone already.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Says what is wrong with accepting, at most once a second.
#[derive(Default)]
struct Complaint {
    last: Option<Instant>,
}

impl Complaint {
    fn about(&mut self, error: &io::Error) {
        if self.last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            self.last = Some(Instant::now());
            tracing::error!(%error, "cannot accept connections; trying on");
        }
    }
}

async fn drain(connections: &Arc<Connections>, deadline: Duration) {
    let mut gone = pin!(connections.all_gone());
    connections.tell_all(Order::Finish);
    if timeout(deadline, gone.as_mut()).await.is_ok() {
        return;
    }
    tracing::warn!(connections = connections.count(), "running requests are broken off");
    connections.tell_all(Order::Abandon);
    let _ = timeout(ABANDONED, gone).await;
}
