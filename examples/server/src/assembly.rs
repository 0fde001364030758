//! The parts of this server put together: data directory, engine, adapter, listeners.
//!
//! It must hold no part itself.

use std::future::pending;
use std::io;

use futures::FutureExt;
use packhouse_core::ports::Random;
use packhouse_core::{Packhouse, health};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::engine::{self, EngineError, Jobs};
use crate::limits::Limits;
use crate::listener::{ServeOptions, serve};
use crate::logs;
use crate::metrics::Metrics;
use crate::operator::{self, Readiness};
use crate::ports::OsRandom;

/// How many connections may wait in the kernel to be accepted; it takes 4096 at the most unless it
/// is told otherwise. Beyond it clients try again after a second, and after three, and seven.
const QUEUE: u32 = 4096;

/// The server cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The data in it cannot be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}: give a free HOST:PORT of this machine with {flag}"
    )]
    Listen {
        /// The flag that gives the address.
        flag: &'static str,
        /// The address as it was given.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

/// Opens the data, builds the application over it, and serves until `shutdown` is done.
///
/// # Errors
///
/// Where the data directory or an address cannot be used.
///
/// # Panics
///
/// Outside a tokio runtime.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let data = DataDir::open(&config.data, |buffer| OsRandom.fill(buffer))?;
    let metrics = Metrics::new();
    // Whatever can fail comes before the admin is made, and its key is told before anything else
    // is done: a start that fails in between would leave an admin whose key nobody has.
    let listener = listen("--listen", &config.listen).await?;
    let operators_listener = match &config.metrics_listen {
        Some(address) => Some(listen("--metrics-listen", address).await?),
        None => None,
    };
    let packhouse = engine::open(&config, &data)?;
    let new_admin_key = engine::set_up_admin(&config, &packhouse).await?;
    logs::announce(&mut io::stdout(), listener.local_addr().ok(), new_admin_key.as_deref());
    let mut jobs = Jobs::start(&packhouse).await?;
    if let Some(listener) = operators_listener {
        let operator = operator::router(metrics.clone(), readiness(&packhouse));
        let options = ServeOptions { limits: Limits::default(), ..ServeOptions::default() };
        // It ends with the process, so that the operator can watch the shutdown too.
        tokio::spawn(serve(listener, operator, options, pending()));
    }
    let adapter = packhouse_http::Options {
        max_json_bytes: usize::try_from(config.limits.max_json_body.as_bytes())
            .unwrap_or(usize::MAX),
        public_url: config.public_url,
        trusted_proxies: config.trusted_proxies.as_slice().into(),
        ..packhouse_http::Options::default()
    };
    let options = ServeOptions { limits: config.limits, metrics, log_requests: true };
    let shutdown = async {
        shutdown.await;
        // The running job has the time of the requests to finish, too.
        jobs.wind_up();
    };
    serve(listener, packhouse_http::router(packhouse, adapter), options, shutdown).await;
    jobs.stop().await;
    Ok(())
}

async fn listen(flag: &'static str, address: &str) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { flag, address: address.to_owned(), source };
    let listener = bind(address).await.map_err(failed)?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    Ok(listener)
}

/// As `TcpListener::bind`, with a longer queue.
async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Else a restart waits until the connections of the last process are forgotten.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(QUEUE)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn readiness(packhouse: &Packhouse) -> Readiness {
    let packhouse = packhouse.clone();
    Readiness::new(move || {
        let packhouse = packhouse.clone();
        async move { health::probe(&packhouse).await.map_err(|error| error.to_string()) }.boxed()
    })
}
