//! An installation behind two routers: one over backends that can be made to fail, one over the
//! same backends as they are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::TryStreamExt;
use http::{HeaderMap, Request};
use packhouse_conformance::faults::{Faults, FaultyBlobs, FaultyStore};
use packhouse_core::access::Secret;
use packhouse_core::blobs::BlobStore;
use packhouse_core::memory::SetClock;
use packhouse_core::model::Stored;
use packhouse_core::ports::{BlockingJob, Clock, Runtime};
use packhouse_core::store::{KeyRange, Query, Store};
use packhouse_core::{Limits, Packhouse, Ports, users};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_server::ports::TokioRuntime;
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tower::ServiceExt;

/// The folder of the blobs.
const BLOBS: &str = "blobs";
const ADMIN_KEY: &str = "the admin's own secret key";

/// What an installation keeps its things in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    InMemory,
    OnDisk,
}

/// Tokio, in a hurry: who waits before it tries again waits for a moment.
#[derive(Debug)]
struct Hurried(TokioRuntime);

impl Runtime for Hurried {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        self.0.run_blocking(job)
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        self.0.wait_for(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration.min(Duration::from_millis(1)))
    }
}

pub(crate) struct Installation {
    pub(crate) faults: Faults,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// Over wrappers that `faults` steers.
    pub(crate) packhouse: Packhouse,
    pub(crate) faulty: Router,
    /// Over the same backends without them, as another process would be.
    pub(crate) sound_packhouse: Packhouse,
    pub(crate) sound: Router,
    users: AtomicU64,
    folder: Option<TempDir>,
}

impl Installation {
    pub(crate) async fn new(kept: Kept, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let mut ports = Ports::in_memory(&SetClock::new());
        let folder = (kept == Kept::OnDisk).then(|| folder_in_memory().unwrap());
        if let Some(folder) = &folder {
            let database = folder.path().join("packhouse.db");
            ports.store = Arc::new(SqliteStore::open(database, &SqliteOptions::default()).unwrap());
            let options = FsOptions { min_free: Some(0), ..FsOptions::default() };
            ports.blobs = Arc::new(FsBlobs::open(folder.path().join(BLOBS), options).unwrap());
        } else {
            ports.blobs = Arc::new(packhouse_core::memory::MemoryBlobs::new(Arc::clone(&clock)));
        }
        let (store, blobs, faults) = (ports.store.clone(), ports.blobs.clone(), Faults::default());
        let ports = Ports {
            clock,
            archives: Arc::new(packhouse_archives::Decoders),
            runtime: Arc::new(Hurried(TokioRuntime::new(Handle::current()))),
            ..ports
        };
        let faulty = Ports {
            store: Arc::new(FaultyStore::new(store.clone(), &faults)),
            blobs: Arc::new(FaultyBlobs::new(blobs.clone(), &faults)),
            ..ports.clone()
        };
        let sound_packhouse = Packhouse::new(ports, limits.clone());
        users::set_up(&sound_packhouse, Some(&Secret::new(ADMIN_KEY))).await.unwrap();
        let packhouse = Packhouse::new(faulty, limits);
        let router =
            |of: &Packhouse| packhouse_http::router(of.clone(), packhouse_http::Options::default());
        let (faulty, sound) = (router(&packhouse), router(&sound_packhouse));
        let users = AtomicU64::default();
        Self { faults, store, blobs, packhouse, faulty, sound_packhouse, sound, users, folder }
    }

    /// Makes a user with the repository `repo` and the package `tool` in it.
    pub(crate) async fn user(&self) -> User {
        let name = format!("user{:06}", self.users.fetch_add(1, Ordering::Relaxed));
        let admin = User::of(users::ADMIN, ADMIN_KEY);
        let put = Ask::new("PUT", &format!("/management/v1/users/{name}")).body("{}");
        let made = admin.ask(&self.sound, &put).await;
        let made: serde_json::Value = serde_json::from_slice(&made.whole()).unwrap();
        let user = User::of(&name, made["api_key"].as_str().unwrap());
        user.does(&self.sound, &Ask::new("POST", "/repos/{u}/repo").body("{}")).await;
        let package = Ask::new("POST", "/packages/{u}/repo").body("{\"name\":\"tool\"}");
        user.does(&self.sound, &package).await;
        user
    }

    /// Has blobs on disk look as if they had been written long ago: in memory the clock says when.
    pub(crate) fn make_blobs_old(&self) {
        if let Some(folder) = &self.folder {
            make_old(&folder.path().join(BLOBS)).unwrap();
        }
    }

    pub(crate) fn admin(&self) -> User {
        User::of(users::ADMIN, ADMIN_KEY)
    }

    /// Every record of a kind.
    pub(crate) async fn all<T: Stored>(&self) -> Vec<T> {
        self.all_within(&[]).await
    }

    /// Every record of a kind whose key begins so.
    pub(crate) async fn all_within<T: Stored>(&self, parts: &[&str]) -> Vec<T> {
        let query = Query::within(KeyRange::within(T::KIND, parts.iter().copied()));
        let records: Vec<_> = self.store.scan(&query).await.unwrap().try_collect().await.unwrap();
        records.iter().map(|record| serde_json::from_str(&record.body).unwrap()).collect()
    }
}

/// Dates every file below a folder back.
fn make_old(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            make_old(&path)?;
        } else {
            std::fs::File::open(path)?.set_modified(SystemTime::UNIX_EPOCH)?;
        }
    }
    Ok(())
}

/// What is tested here is no disk: one in memory is faster.
fn folder_in_memory() -> std::io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// A request; `{u}` in it stands for the user.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) range: Option<&'static str>,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self { method, path: path.to_owned(), range: None, body: Bytes::new() }
    }

    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(crate) fn range(self, range: &'static str) -> Self {
        Self { range: Some(range), ..self }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Nothing where it broke off.
    pub(crate) body: Option<Bytes>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[track_caller]
    pub(crate) fn whole(&self) -> Bytes {
        self.body.clone().unwrap_or_else(|| panic!("broken off: {self:?}"))
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    authorization: String,
}

impl User {
    fn of(name: &str, key: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{name}:{key}")));
        Self { name: name.to_owned(), authorization }
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&self, router: &Router, ask: &Ask) -> Answer {
        let body = match std::str::from_utf8(&ask.body) {
            Ok(text) if text.contains("{u}") => text.replace("{u}", &self.name).into(),
            _ => ask.body.clone(),
        };
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path.replace("{u}", &self.name))
            .header("authorization", &self.authorization)
            .header("content-length", body.len());
        if let Some(range) = ask.range {
            request = request.header("range", range);
        }
        let request = request.body(Body::from(body)).unwrap();
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.ok();
        let length = head.headers.get("content-length").and_then(|length| length.to_str().ok());
        if let (Some(body), Some(length), false) = (&body, length, ask.method == "HEAD") {
            assert_eq!(body.len().to_string(), length, "an answer ends early and says nothing");
        }
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Asks for what must be done.
    #[track_caller]
    pub(crate) fn does<'a>(&'a self, router: &'a Router, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let answer = self.ask(router, ask).await;
            assert!(answer.is_success(), "{ask:?}: {answer:?}");
            answer
        })
    }
}
