//! The engine over this server's data: records in SQLite, bytes in files, jobs on the runtime.
//!
//! It must not know HTTP.

use std::sync::Arc;

use futures::channel::oneshot;
use packhouse_core::access::Secret;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::{Error, Limits, Packhouse, Ports, users};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::ports::{OsRandom, SystemClock, TokioRuntime};

/// The data cannot be opened.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The records.
    #[error("cannot open the database: {0}")]
    Store(#[from] packhouse_core::store::StoreError),
    /// The bytes.
    #[error("cannot open the blobs: {0}")]
    Blobs(#[from] packhouse_fs::OpenError),
    /// The platform admin cannot be made.
    #[error("cannot make the platform admin: {0}")]
    Admin(Error),
    /// The jobs that come back on their own cannot be made.
    #[error("cannot schedule jobs: {0}")]
    Jobs(Error),
}

/// Opens the engine over a data directory. Gives the platform admin's key beside it if this made
/// the admin and the key was not the operator's own.
///
/// # Errors
///
/// Where the data cannot be opened.
pub async fn open(
    config: &Config,
    data: &DataDir,
) -> Result<(Packhouse, Option<String>), EngineError> {
    let ports = Ports {
        store: Arc::new(SqliteStore::open(data.database(), &SqliteOptions::default())?),
        blobs: Arc::new(FsBlobs::open(data.blobs(), FsOptions::default())?),
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
        runtime: Arc::new(TokioRuntime::new(Handle::current())),
        secret: Secret::new(*data.secret().reveal()),
    };
    let max_file_bytes = config.limits.max_upload.as_bytes();
    let packhouse = Packhouse::new(ports, Limits { max_file_bytes, ..Limits::default() });
    let given = config.admin_key.as_ref().map(|key| Secret::new(key.reveal()));
    let made = users::set_up(&packhouse, given.as_ref()).await.map_err(EngineError::Admin)?;
    let made = made.filter(|_| given.is_none());
    let made = made.map(|key| String::from_utf8_lossy(key.expose()).into_owned());
    Ok((packhouse, made))
}

/// The job runner on a task of its own.
#[derive(Debug)]
pub struct Jobs {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Jobs {
    /// Starts the runner.
    ///
    /// # Errors
    ///
    /// Where the jobs that come back on their own cannot be made.
    pub async fn start(packhouse: &Packhouse) -> Result<Self, EngineError> {
        let runner = Runner::new(packhouse);
        runner.schedule().await.map_err(EngineError::Jobs)?;
        let (stop, stopped) = oneshot::channel();
        let until = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(async move { runner.run(until, log).await });
        Ok(Self { stop, task })
    }

    /// Ends the runner, after the job that it runs.
    pub async fn stop(self) {
        // It listens for as long as its task lives.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

fn log(step: &Step) {
    match step {
        Step::Idle => {}
        Step::Done(task) => tracing::debug!(?task, "job done"),
        Step::Failed(task, error) => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(?task, %error, cause, "job failed; it will be tried again");
        }
    }
}
