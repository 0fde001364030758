//! An installation in memory, and short words for what scenarios do in it.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::executor::block_on;
use packhouse_core::access::{Caller, Credentials, Origin, Secret, authenticate};
use packhouse_core::blobs::{BlobStore, ByteRange};
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::memory::{InlineRuntime, MemoryBlobs, MemoryStore, SeededRandom, SetClock};
use packhouse_core::model::files::File;
use packhouse_core::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use packhouse_core::model::jobs::Task;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::model::subjects::Plan;
use packhouse_core::model::{Form, Stored};
use packhouse_core::names::{
    FileLocation, FilePath, PackageName, PackagePath, RepoPath, SubjectName, VersionName,
    VersionPath,
};
use packhouse_core::repositories::NewRepository;
use packhouse_core::store::{Batch, BatchId, Change, Key, Store};
use packhouse_core::uploads::Target;
use packhouse_core::users::UserChange;
use packhouse_core::{
    ErrorKind, Limits, Packhouse, Paging, Ports, Result, downloads, packages, repositories,
    uploads, users,
};

use crate::archive::JsonArchives;
use crate::atlas::Atlas;
use crate::gpg_keys::PlainKeys;
use packhouse_conformance::faults::{Faults, FaultyBlobs, FaultyStore};

/// The key of every world's admin.
pub(crate) const ADMIN_KEY: &str = "the admin's own secret key";
/// The first page, as large as pages get.
pub(crate) const FIRST: Paging = Paging::new(0, Paging::MAX);

/// Runs a future to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    block_on(future)
}

/// An installation in memory with its admin.
pub(crate) struct World {
    pub(crate) clock: SetClock,
    pub(crate) store: MemoryStore,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) faults: Faults,
    /// Over wrappers that `faults` steers.
    pub(crate) packhouse: Packhouse,
    /// Over the same backends without them, as another process would be.
    pub(crate) sound: Packhouse,
    pub(crate) admin: Caller,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let (clock, faults) = (SetClock::new(), Faults::default());
        let store = MemoryStore::new();
        let blobs = MemoryBlobs::new(Arc::new(clock.clone()));
        let ports = Ports {
            store: Arc::new(store.clone()),
            blobs: Arc::new(blobs.clone()),
            clock: Arc::new(clock.clone()),
            archives: Arc::new(JsonArchives),
            outbound: Arc::new(packhouse_core::outbound::NoOutbound),
            geo: Arc::new(Atlas),
            openpgp: Arc::new(PlainKeys),
            random: Arc::new(SeededRandom::default()),
            runtime: Arc::new(InlineRuntime),
            secret: Secret::new([7; 32]),
        };
        let faulty = Ports {
            store: Arc::new(FaultyStore::new(Arc::new(store.clone()), &faults)),
            blobs: Arc::new(FaultyBlobs::new(Arc::new(blobs.clone()), &faults)),
            ..ports.clone()
        };
        let packhouse = Packhouse::new(faulty, limits.clone());
        let sound = Packhouse::new(ports, limits);
        let key = run(users::set_up(&sound, Some(&Secret::new(ADMIN_KEY)))).unwrap();
        assert!(key.made().unwrap().is(ADMIN_KEY.as_bytes()));
        let admin = sign_in(&sound, users::ADMIN, ADMIN_KEY).unwrap();
        Self { clock, store, blobs, faults, packhouse, sound, admin }
    }

    /// Makes a user, and gives the signed-in caller.
    pub(crate) fn user(&self, user: &str) -> Caller {
        self.user_of(user, Plan::Enterprise)
    }

    pub(crate) fn user_of(&self, user: &str, plan: Plan) -> Caller {
        let key = self.user_key(user, plan);
        sign_in(&self.sound, user, &key).unwrap()
    }

    /// Makes a user, and gives the API key.
    pub(crate) fn user_key(&self, user: &str, plan: Plan) -> String {
        let change = UserChange { plan: Some(plan), ..UserChange::default() };
        let made = run(users::put(&self.sound, &self.admin, &subject(user), &change)).unwrap();
        String::from_utf8(made.api_key.unwrap().expose().to_vec()).unwrap()
    }

    /// Makes a repository.
    pub(crate) fn repo(&self, caller: &Caller, path: &RepoPath, private: bool) {
        let new = NewRepository { private, ..NewRepository::default() };
        run(repositories::create(&self.sound, caller, path, &new)).unwrap();
    }

    /// Makes a package without saying anything about it.
    pub(crate) fn package(&self, caller: &Caller, path: &PackagePath) {
        run(packages::create(&self.sound, caller, path, &PackageSettings::default())).unwrap();
    }

    /// A user `anna` with the public repository `anna/repo` and the package `tool` in it.
    pub(crate) fn anna(&self) -> Caller {
        let anna = self.user("anna");
        self.repo(&anna, &repo("anna/repo"), false);
        self.package(&anna, &package("anna/repo/tool"));
        anna
    }

    /// Uploads a file.
    pub(crate) fn upload(
        &self,
        caller: &Caller,
        target: Target,
        bytes: impl Into<Bytes>,
    ) -> Result<File> {
        run(uploads::put(&self.packhouse, caller, target, bytes.into()))
    }

    /// Downloads a whole file.
    pub(crate) fn download(&self, caller: &Caller, location: &FileLocation) -> Result<Bytes> {
        download(&self.sound, caller, location)
    }

    /// Gives a right that no use case gives yet.
    pub(crate) fn grant(
        &self,
        to: &Caller,
        anchor: Anchor,
        actions: &[Action],
        scope: Scope,
        not_after: Option<packhouse_core::Timestamp>,
    ) {
        let grant = Grant { id: "test".into(), actions: actions.to_vec(), scope, not_after };
        let grantee = Grantee::User(to.user_id().unwrap());
        self.put(&GrantSet { form: Form, grantee, anchor, grants: vec![grant] });
    }

    /// The anchor of a repository.
    pub(crate) fn anchor(&self, path: &RepoPath) -> Anchor {
        let shown = run(repositories::show(&self.sound, &self.admin, path)).unwrap().repo;
        Anchor::Repository(shown.subject, shown.name, shown.id)
    }

    /// What is stored under a key.
    pub(crate) fn read<T: Stored>(&self, key: Key) -> T {
        let found = run(self.store.read(&[key])).unwrap().remove(0).unwrap();
        serde_json::from_str(&found.body).unwrap()
    }

    /// Writes a record past the engine.
    pub(crate) fn put<T: Stored>(&self, record: &T) {
        self.change(record.put());
    }

    /// Changes the store past the engine.
    pub(crate) fn change(&self, change: Change) {
        self.change_all(vec![change]);
    }

    /// Changes the store past the engine, in one commit.
    pub(crate) fn change_all(&self, changes: Vec<Change>) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut id = [0xff; 16];
        id[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::SeqCst).to_le_bytes());
        let batch = Batch { id: BatchId(id), expectations: Vec::new(), changes };
        run(self.store.commit(&batch)).unwrap();
    }

    pub(crate) fn runner(&self) -> Runner {
        Runner::new(&self.packhouse)
    }

    /// Runs one job, which must succeed.
    pub(crate) fn step(&self) -> Option<Task> {
        match run(self.runner().step()).unwrap() {
            Step::Idle => None,
            Step::Done(task) => Some(task),
            Step::Failed(job, error) => panic!("{job:?} failed: {error:?}"),
            Step::Stalled(error) => panic!("{error:?}"),
        }
    }

    /// Runs everything that is due, and gives what it was.
    pub(crate) fn run_jobs(&self) -> Vec<Task> {
        std::iter::from_fn(|| self.step()).collect()
    }

    /// Lets every grace and lease pass, and runs what is due, until nothing is left to do.
    pub(crate) fn settle(&self) {
        for _ in 0..4 {
            self.run_jobs();
            self.clock.advance(Duration::from_secs(3601));
        }
        assert_eq!(self.run_jobs(), []);
    }

    /// How many blobs there are, finished or not.
    pub(crate) fn blob_count(&self) -> usize {
        let debug = format!("{:?}", self.blobs);
        debug.matches("BlobId(").count()
    }

    /// The bytes that a blob store holds for a file.
    pub(crate) fn bytes_of(&self, file: &File) -> Option<Bytes> {
        run(async {
            let reader = self.blobs.open(&file.contents.blob, ByteRange::ALL).await.ok()?;
            reader.into_bytes().await.ok()
        })
    }
}

pub(crate) fn download(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<Bytes> {
    run(async {
        let permit = downloads::find(packhouse, caller, location).await?;
        let reader = downloads::open(packhouse, &permit, ByteRange::ALL).await?;
        Ok(reader.into_bytes().await?)
    })
}

pub(crate) fn sign_in(packhouse: &Packhouse, user: &str, key: &str) -> Result<Caller> {
    run(authenticate(packhouse, &Credentials::basic(user, key), Origin::default()))
}

/// A caller without credentials, of use in every world.
pub(crate) fn anonymous() -> &'static Caller {
    static ANONYMOUS: OnceLock<Caller> = OnceLock::new();
    ANONYMOUS.get_or_init(|| {
        let world = World::new();
        run(authenticate(&world.sound, &Credentials::Anonymous, Origin::default())).unwrap()
    })
}

/// The refusal: its kind and what the caller is told.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>) -> (ErrorKind, String) {
    let error = result.unwrap_err();
    (error.kind().clone(), error.message().to_owned())
}

/// A refusal to compare with.
pub(crate) fn refusal(kind: ErrorKind, message: &str) -> (ErrorKind, String) {
    (kind, message.to_owned())
}

pub(crate) fn needs_credentials() -> (ErrorKind, String) {
    refusal(ErrorKind::Unauthenticated, "This resource requires authentication")
}

pub(crate) fn forbidden() -> (ErrorKind, String) {
    refusal(ErrorKind::Forbidden, "forbidden")
}

pub(crate) fn subject(name: &str) -> SubjectName {
    SubjectName::parse(name).unwrap()
}

/// `subject/repo`.
pub(crate) fn repo(path: &str) -> RepoPath {
    let (subject, repo) = path.split_once('/').unwrap();
    RepoPath::parse(subject, repo).unwrap()
}

/// `subject/repo/package`.
pub(crate) fn package(path: &str) -> PackagePath {
    let (parent, name) = path.rsplit_once('/').unwrap();
    repo(parent).package(PackageName::parse(name).unwrap())
}

/// `subject/repo/package/version`.
pub(crate) fn version(path: &str) -> VersionPath {
    let (parent, name) = path.rsplit_once('/').unwrap();
    package(parent).version(VersionName::parse(name).unwrap())
}

/// `subject/repo` and a path in it.
pub(crate) fn file(parent: &str, path: &str) -> FileLocation {
    repo(parent).file(FilePath::parse(path).unwrap())
}

/// An upload to a version, not published and not replacing.
pub(crate) fn to(parent: &str, path: &str) -> Target {
    Target::new(version(parent), FilePath::parse(path).unwrap())
}

/// An upload that publishes.
pub(crate) fn published(parent: &str, path: &str) -> Target {
    Target { publish: true, ..to(parent, path) }
}

/// An upload that publishes and replaces.
pub(crate) fn replacing(parent: &str, path: &str) -> Target {
    Target { publish: true, replace: true, ..to(parent, path) }
}
