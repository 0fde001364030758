//! An engine behind its router, in this process: in memory, or over SQLite and files.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::{BoxFuture, FutureExt};
use http_body_util::BodyExt;
use packhouse_core::access::Secret;
use packhouse_core::jobs::{Runner, Step as JobStep};
use packhouse_core::memory::{MemoryBlobs, MemoryStore, SeededRandom, SetClock, block_on};
use packhouse_core::ports::{BlockingJob, Clock, Runtime};
use packhouse_core::{Limits, Packhouse, Ports, users};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tower::ServiceExt;

use super::answer::Answer;
use super::wire::Request;
use super::world::MARK;

/// The API key of the platform's admin.
const ADMIN_KEY: &str = "the admin's own secret key";

/// Runs jobs where it is called.
#[derive(Debug)]
struct HereRuntime;

impl Runtime for HereRuntime {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        job();
        futures::future::ready(()).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Answers are asked for one after another: threads beyond the first would only be started.
fn one_thread_each() -> SqliteOptions {
    let mut options = SqliteOptions::default();
    (options.readers, options.searchers, options.scanners) = (1, 1, 1);
    options
}

/// Where an engine keeps what it is given.
#[derive(Debug)]
enum Backend {
    Memory(Arc<MemoryStore>, Arc<MemoryBlobs>),
    Disk(TempDir),
}

/// What is opened over the backend, and closed for a restart.
struct Open {
    packhouse: Packhouse,
    router: Router,
}

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    backend: Backend,
    clock: SetClock,
    random: Arc<SeededRandom>,
    open: Option<Open>,
    mark: String,
    /// The users' API keys.
    keys: HashMap<String, String>,
    /// Where signed URLs lead, by slot.
    pub(crate) signed: HashMap<usize, String>,
}

/// Credentials as a request carries them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Credentials {
    None,
    Wrong,
    /// A user with the API key that the engine gave.
    User(String),
    /// A name and a password.
    Password(String, String),
}

impl Engine {
    /// An engine in memory.
    pub(crate) async fn in_memory() -> Self {
        let clock = SetClock::new();
        let blobs = Arc::new(MemoryBlobs::new(Arc::new(clock.clone())));
        Self::over("memory", Backend::Memory(Arc::new(MemoryStore::new()), blobs), clock).await
    }

    /// An engine over SQLite and files in a folder of its own, in memory if the machine has such
    /// folders: what is compared here is answers, and syncs would only cost.
    pub(crate) async fn on_disk() -> Self {
        let shared = PathBuf::from("/dev/shm");
        let parent = if shared.is_dir() { shared } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("packhouse-model").tempdir_in(parent);
        Self::over("sqlite", Backend::Disk(folder.expect("a temporary folder")), SetClock::new())
            .await
    }

    async fn over(name: &'static str, backend: Backend, clock: SetClock) -> Self {
        let mut engine = Self {
            name,
            backend,
            clock,
            random: Arc::default(),
            open: None,
            mark: MARK.to_owned(),
            keys: HashMap::new(),
            signed: HashMap::new(),
        };
        engine.open();
        let admin = Secret::new(ADMIN_KEY);
        users::set_up(&engine.opened().packhouse, Some(&admin)).await.expect("the admin is made");
        engine
    }

    fn opened(&self) -> &Open {
        self.open.as_ref().expect("it is open between restarts")
    }

    fn open(&mut self) {
        let (store, blobs) = match &self.backend {
            Backend::Memory(store, blobs) => (store.clone() as Arc<_>, blobs.clone() as Arc<_>),
            Backend::Disk(folder) => {
                let records = folder.path().join("packhouse.db");
                let store = SqliteStore::open(records, &one_thread_each());
                let blobs = FsBlobs::open(folder.path().join("blobs"), FsOptions::default());
                let (store, blobs) = (store.expect("records"), blobs.expect("blobs"));
                (
                    Arc::new(store) as Arc<dyn packhouse_core::store::Store>,
                    Arc::new(blobs) as Arc<_>,
                )
            }
        };
        let packhouse = Packhouse::new(
            Ports {
                store,
                blobs,
                clock: Arc::new(self.clock.clone()),
                archives: Arc::new(packhouse_archives::Decoders),
                outbound: Arc::new(packhouse_core::outbound::NoOutbound),
                geo: Arc::new(packhouse_core::geo::NoLocator),
                openpgp: Arc::new(packhouse_core::openpgp::NoOpenPgp),
                random: self.random.clone(),
                runtime: Arc::new(HereRuntime),
                secret: Secret::new([7; 32]),
            },
            Limits::default(),
        );
        let router = packhouse_http::router(packhouse.clone(), packhouse_http::Options::default());
        self.open = Some(Open { packhouse, router });
    }

    /// Closes the engine and opens it again over what is stored.
    pub(crate) fn restart(&mut self) {
        self.open = None;
        self.open();
    }

    /// Begins a sequence: from now on names end in this mark, which is as long as [`MARK`].
    pub(crate) fn begin(&mut self, mark: &str) {
        assert_eq!(mark.len(), MARK.len(), "marks must not change lengths");
        mark.clone_into(&mut self.mark);
        self.keys.clear();
        self.signed.clear();
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Runs every job that is due; gives what failed.
    pub(crate) async fn run_jobs(&self) -> Vec<String> {
        let (runner, mut failed) = (Runner::new(&self.opened().packhouse), Vec::new());
        runner.schedule().await.expect("the store answers");
        loop {
            match runner.step().await.expect("the store answers") {
                JobStep::Idle => return failed,
                JobStep::Done(_) => {}
                JobStep::Stalled(error) => failed.push(error.to_string()),
                JobStep::Failed(job, error) => failed.push(format!("{job:?}: {error}")),
            }
        }
    }

    fn authorization(&self, who: &Credentials) -> Option<String> {
        let basic = |name: &str, secret: &str| {
            let name = name.replace(MARK, &self.mark);
            Some(format!("Basic {}", STANDARD.encode(format!("{name}:{secret}"))))
        };
        match who {
            Credentials::None => None,
            Credentials::Wrong => basic(super::world::OWNER, "no key of anyone"),
            Credentials::User(name) if name == users::ADMIN => basic(name, ADMIN_KEY),
            Credentials::User(name) => {
                basic(name, self.keys.get(name).map_or("it was never made", String::as_str))
            }
            Credentials::Password(name, password) => basic(name, password),
        }
    }

    /// Asks, and gives the answer as if names ended in [`MARK`].
    pub(crate) async fn ask(&mut self, who: &Credentials, request: &Request) -> Answer {
        let target = request.target.replace(MARK, &self.mark);
        let mut builder = http::Request::builder()
            .method(request.method)
            .uri(target)
            .header("host", "packhouse.test")
            .extension(ConnectInfo(SocketAddr::new(
                request.address.parse().expect("an address"),
                50_000,
            )));
        if let Some(value) = self.authorization(who) {
            builder = builder.header("authorization", value);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.replace(MARK, &self.mark));
        }
        let body = match std::str::from_utf8(&request.body) {
            Ok(text) => text.replace(MARK, &self.mark).into_bytes(),
            Err(_) => request.body.clone(),
        };
        let sent = builder.header("content-length", body.len()).body(Body::from(body));
        let sent = sent.expect("a request that could be sent");
        let router = self.opened().router.clone();
        let response = router.oneshot(sent).await.expect("the router always answers");
        let answer = self.read(response).await;
        if request.target.starts_with("/management/v1/users/") {
            self.remember_key(&answer);
        }
        answer.without_secrets()
    }

    async fn read(&self, response: axum::response::Response) -> Answer {
        let (head, body) = response.into_parts();
        let mut headers: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).replace(&self.mark, MARK);
                (name.to_string(), value)
            })
            .collect();
        headers.sort();
        let body = body.collect().await.expect("a body ends as it should").to_bytes().to_vec();
        let body = match String::from_utf8(body) {
            Ok(text) => text.replace(&self.mark, MARK).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        Answer { status: head.status.as_u16(), headers, body }
    }

    fn remember_key(&mut self, answer: &Answer) {
        let Some(value) = answer.value() else { return };
        if let (Some(name), Some(key)) = (value["name"].as_str(), value["api_key"].as_str()) {
            self.keys.insert(name.to_owned(), key.to_owned());
        }
    }
}
