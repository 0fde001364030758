//! The engine over this server's data: records in SQLite, bytes in files, jobs on the runtime.
//!
//! It must not know HTTP.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;
use packhouse_core::access::Secret;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::users::SetUp;
use packhouse_core::{Error, Limits, Packhouse, Ports, users};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_outbound::{AllowedNetworks, CallLimits, HttpOutbound};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::geo;
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
    /// The countries.
    #[error(transparent)]
    Geo(#[from] packhouse_geo::DatabaseError),
    /// The platform admin cannot be set up.
    #[error("cannot set up the platform admin: {0}")]
    Admin(Error),
    /// The jobs that come back on their own cannot be made.
    #[error("cannot schedule jobs: {0}")]
    Jobs(Error),
}

/// How long the job that runs at the end may take to finish. It then is broken off: every job is
/// safe to repeat, and the next start repeats it.
const LAST_JOB: Duration = Duration::from_secs(5);

/// Opens the engine over a data directory.
///
/// # Errors
///
/// Where the data cannot be opened.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn open(config: &Config, data: &DataDir) -> Result<Packhouse, EngineError> {
    let allowed: AllowedNetworks = config.allow_outbound_to.iter().cloned().collect();
    let ports = Ports {
        store: Arc::new(SqliteStore::open(data.database(), &store_options(config))?),
        blobs: Arc::new(FsBlobs::open(data.blobs(), FsOptions::default())?),
        clock: Arc::new(SystemClock),
        archives: Arc::new(packhouse_archives::Decoders),
        outbound: Arc::new(HttpOutbound::new(allowed, CallLimits::default())),
        geo: geo::locator(config.geo_database.as_deref())?,
        openpgp: Arc::new(packhouse_openpgp::Rpgp),
        random: Arc::new(OsRandom),
        runtime: Arc::new(TokioRuntime::new(Handle::current())),
        secret: Secret::new(*data.secret().reveal()),
    };
    Ok(Packhouse::new(ports, limits(config)))
}

fn store_options(config: &Config) -> SqliteOptions {
    let mut options = SqliteOptions::default();
    let cache = config.limits.database_cache.as_bytes();
    options.cache_bytes = usize::try_from(cache).unwrap_or(usize::MAX);
    options
}

fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    let days = |days: u64| (days > 0).then(|| Duration::from_secs(days.saturating_mul(24 * 3600)));
    Limits {
        max_file_bytes: limits.max_upload.as_bytes(),
        max_archive_entries: limits.max_archive_entries,
        max_archive_bytes: limits.max_archive_size.as_bytes(),
        max_archive_ratio: limits.max_archive_ratio,
        hot_bytes: limits.hot_files.as_bytes(),
        oss_change_window: days(limits.oss_change_days),
        max_signed_url: days(limits.max_signed_url_days),
        ..Limits::default()
    }
}

/// Makes the platform admin unless it stands. Gives its key if that is a random one: nobody has
/// seen it yet, and nobody can read it again. A key that the operator gave becomes the admin's in
/// any case, so that a lost one locks nobody out.
///
/// # Errors
///
/// Where the store cannot answer, or the operator's key cannot be one.
pub async fn set_up_admin(
    config: &Config,
    packhouse: &Packhouse,
) -> Result<Option<String>, EngineError> {
    let given = config.admin_key.as_ref().map(|key| Secret::new(key.reveal()));
    match users::set_up(packhouse, given.as_ref()).await.map_err(EngineError::Admin)? {
        SetUp::Made(key) if given.is_none() => {
            Ok(Some(String::from_utf8_lossy(key.expose()).into_owned()))
        }
        SetUp::Made(_) | SetUp::Stood => Ok(None),
        SetUp::Replaced => {
            tracing::warn!("the platform admin's key was replaced by PACKHOUSE_ADMIN_KEY");
            Ok(None)
        }
    }
}

/// The job runner on a task of its own.
#[derive(Debug)]
pub struct Jobs {
    go_on: Option<oneshot::Sender<()>>,
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
        let (go_on, ended) = oneshot::channel();
        let until = async move {
            let _ = ended.await;
        };
        let task = tokio::spawn(async move { runner.run(until, log).await });
        Ok(Self { go_on: Some(go_on), task })
    }

    /// Lets the runner begin no other job.
    pub fn wind_up(&mut self) {
        self.go_on = None;
    }

    /// Ends the runner: after the job that it runs, or soon without it.
    pub async fn stop(mut self) {
        self.wind_up();
        if tokio::time::timeout(LAST_JOB, &mut self.task).await.is_err() {
            tracing::warn!("the running job is broken off; the next start repeats it");
            self.task.abort();
        }
    }
}

fn log(step: &Step) {
    match step {
        Step::Idle => {}
        Step::Done(task) => tracing::debug!(task = task.kind(), "job done"),
        Step::Stalled(error) => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "jobs cannot be looked at; it will be tried again");
        }
        Step::Failed(job, error) => log_failure(job, error),
    }
}

/// What a job is about stays out of the log: a call's address may hold a secret. That a receiver
/// does not answer is its publisher's concern, and told once for each call.
fn log_failure(job: &Job, error: &Error) {
    let (task, id, attempts) = (job.task.kind(), &job.id, job.attempts);
    let cause = std::error::Error::source(error).map(ToString::to_string);
    match (&job.task, attempts) {
        (Task::Call(_), 0 | 1) => {
            tracing::warn!(task, id, cause, "a call failed; it will be tried again");
        }
        (Task::Call(_), _) => tracing::debug!(task, id, attempts, cause, "a call failed again"),
        _ => {
            tracing::error!(task, id, attempts, %error, cause, "job failed; it will be tried again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use packhouse_core::model::calls::{Call, CallMethod};
    use packhouse_core::model::{Form, SubjectId};
    use packhouse_core::names::SubjectName;
    use packhouse_core::{ErrorKind, Timestamp};

    use super::*;

    #[test]
    fn the_store_keeps_as_much_in_memory_as_is_set() {
        let of = |arguments: &[&str]| {
            let words = std::iter::once("packhouse-server").chain(arguments.iter().copied());
            store_options(&Config::of(words, None).unwrap()).cache_bytes
        };
        assert_eq!(of(&[]), SqliteOptions::default().cache_bytes);
        assert_eq!(of(&["--database-cache", "96MiB"]), 96 << 20);
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// T040.
    #[test]
    fn a_receiver_that_does_not_answer_is_told_of_once_and_without_its_address() {
        let call = Call {
            subject: SubjectName::parse("anna").unwrap(),
            subject_id: SubjectId::from_bytes([1; 16]),
            url: "https://example.org/s3cret".to_owned(),
            method: CallMethod::Post,
            json: "s3cret".to_owned(),
            signed_text: "s3cret".to_owned(),
        };
        let (lines, task) = (Lines::default(), Task::Call(Box::new(call)));
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_max_level(tracing::Level::INFO)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for attempts in 1..=32 {
                let (id, task) = ("job1".to_owned(), task.clone());
                let job = Job { form: Form, id, task, due: Timestamp::from_millis(0), attempts };
                log(&Step::Failed(job, Error::new(ErrorKind::Unavailable, "no")));
            }
            log(&Step::Done(task));
        });
        let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains("WARN") && told.contains("job1"), "{told}");
        assert!(!told.contains("s3cret") && !told.contains("example.org"), "{told}");
    }
}
