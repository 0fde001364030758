//! `packhouse-server`: reads the settings, starts the log and the runtime, and serves.
//!
//! It must hold nothing that a test would want to call.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use packhouse_server::config::{Config, ConfigError};
use packhouse_server::{assembly, logs, open_files, signals};

/// What one thread makes another drops: records, names, heads and bodies. The system's allocator
/// takes a fifth of a request's time over that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The status of a wrong command line or setting, as by convention.
const WRONG_USAGE: u8 = 2;

/// What runs in the background longer than this after the last request is left behind.
const RUNTIME_END: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let config = match Config::of_process() {
        Ok(config) => config,
        Err(ConfigError::CommandLine(error)) => error.exit(),
        Err(error) => return complain(&error.to_string(), WRONG_USAGE),
    };
    let log = match logs::start(config.log_format, &config.log_level) {
        Ok(log) => log,
        Err(error) => return complain(&error, WRONG_USAGE),
    };
    open_files::raise(config.limits.max_connections);
    let status = match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    };
    drop(log);
    status
}

fn serve(config: Config) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let served = runtime.block_on(async {
        let stop = signals::stop().map_err(|error| format!("cannot take signals: {error}"))?;
        assembly::run(config, stop).await.map_err(|error| error.to_string())
    });
    runtime.shutdown_timeout(RUNTIME_END);
    tracing::info!("stopped");
    served
}

fn complain(message: &str, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "packhouse-server: {message}");
    ExitCode::from(status)
}
