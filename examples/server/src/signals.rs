//! The signals that stop the server.
//!
//! It must not know what stopping means. It belongs to a process of its own: an embedding host
//! has its own signals and hands `serve` any future.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Starts to listen for SIGTERM and SIGINT. The future is done at the first; a second one ends
/// the process at once, with the status that the signal would have given.
///
/// # Errors
///
/// Where the handlers cannot be installed.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        let name = next(&mut terminate, &mut interrupt).await.0;
        tracing::info!(signal = name, "stopping: running requests may finish");
        let _ = stop.send(());
        let (name, status) = next(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "stopping at once");
        std::process::exit(status);
    });
    Ok(async move {
        // The task above lives as long as the runtime.
        let _ = stopped.await;
    })
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> (&'static str, i32) {
    tokio::select! {
        _ = terminate.recv() => ("SIGTERM", 128 + 15),
        _ = interrupt.recv() => ("SIGINT", 128 + 2),
    }
}
