//! An installation behind its router, and short words for what scenarios ask of it.

mod answer;
mod backends;
mod outside;
mod ports;
mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use packhouse_core::access::Secret;
use packhouse_core::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use packhouse_core::model::repositories::Repository;
use packhouse_core::model::subjects::Subject;
use packhouse_core::model::{Form, Stored};
use packhouse_core::names::{RepoPath, SubjectName};
use packhouse_core::{Limits, Packhouse, Ports, users};
use packhouse_http::Options;
use serde_json::{Value, json};

pub(crate) use answer::Answer;
pub(crate) use backends::{Backends, Doctor, Watch};
pub(crate) use outside::Outside;
pub(crate) use packhouse_core::memory::SetClock;
pub(crate) use request::{Ask, basic, chunks};

use backends::write;
use packhouse_core::memory::SeededRandom;
use ports::{Atlas, TestRuntime};

/// The API key of every installation's admin.
pub(crate) const ADMIN_KEY: &str = "the admin's own secret key";
/// The platform's admin.
pub(crate) const ADMIN: &str = users::ADMIN;
/// Who owns `acme/tools` and `acme/vault`.
pub(crate) const OWNER: &str = "acme";
/// A user without a right.
pub(crate) const STRANGER: &str = "stranger";
/// A user who may publish in the repositories of `acme`, and owns nothing.
pub(crate) const PUBLISHER: &str = "publisher";
/// A user who may read them.
pub(crate) const READER: &str = "reader";
/// When it is, until a test sets the clock.
pub(crate) const NOW: &str = "2026-01-01T00:00:00.000Z";

/// An installation behind its router.
pub(crate) struct App {
    router: Router,
    keys: Mutex<HashMap<String, String>>,
    batches: AtomicU64,
    pub(crate) clock: SetClock,
    pub(crate) backends: Backends,
    /// What the engine did to its backends.
    pub(crate) watch: Watch,
    /// Whom the engine calls.
    pub(crate) outside: Outside,
    pub(crate) packhouse: Packhouse,
}

/// What an installation is built with.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) options: Options,
}

impl App {
    /// An installation in memory, with its admin.
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let clock = SetClock::new();
        Self::over(Backends::in_memory(&clock), clock, setup).await
    }

    /// An installation over any backends: the whole suite runs over what is given here.
    pub(crate) async fn over(backends: Backends, clock: SetClock, setup: Setup) -> Self {
        let (watch, outside) = (Watch::default(), Outside::default());
        let ports = Ports {
            store: watch.store(&backends),
            blobs: watch.blobs(&backends),
            clock: Arc::new(clock.clone()),
            archives: Arc::new(packhouse_archives::Decoders),
            outbound: Arc::new(outside.clone()),
            geo: Arc::new(Atlas),
            openpgp: Arc::new(packhouse_openpgp::Rpgp),
            random: Arc::new(SeededRandom::default()),
            runtime: Arc::new(TestRuntime),
            secret: Secret::new([7; 32]),
        };
        let packhouse = Packhouse::new(ports, setup.limits);
        users::set_up(&packhouse, Some(&Secret::new(ADMIN_KEY))).await.unwrap().made().unwrap();
        let keys = HashMap::from([(ADMIN.to_owned(), ADMIN_KEY.to_owned())]);
        let router = packhouse_http::router(packhouse.clone(), setup.options);
        let (keys, batches) = (Mutex::new(keys), AtomicU64::new(0));
        Self { router, keys, batches, clock, backends, watch, outside, packhouse }
    }

    /// With the users and repositories of [`App::furnish`].
    pub(crate) async fn furnished() -> Self {
        let app = Self::new().await;
        app.furnish().await;
        app
    }

    /// Makes the users, and in the public `acme/tools` and the private `acme/vault` the package
    /// `app` with a published file in version 1.0 and an unpublished one in version 2.0.
    pub(crate) async fn furnish(&self) {
        for user in [OWNER, STRANGER, PUBLISHER, READER] {
            self.user(user, "enterprise").await;
        }
        for (repo, private) in [("tools", false), ("vault", true)] {
            self.repo(&format!("acme/{repo}"), json!({"private": private})).await;
            self.package(&format!("acme/{repo}"), json!({"name": "app"})).await;
            self.upload(&format!("acme/{repo}/app/1.0/app/1.0/app.bin?publish=1"), "one").await;
            self.upload(&format!("acme/{repo}/app/2.0/app/2.0/new.bin"), "two").await;
            let repo = format!("acme/{repo}");
            self.grant(PUBLISHER, &repo, &PUBLISHERS).await;
            self.grant(READER, &repo, &[Action::Read]).await;
        }
    }

    /// Makes a user and remembers the key.
    pub(crate) async fn user(&self, name: &str, plan: &str) -> String {
        let path = format!("/management/v1/users/{name}");
        let made = self.put(&path).by(ADMIN).json(&json!({"plan": plan})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let key = made.value()["api_key"].as_str().unwrap().to_owned();
        self.set_key(name, &key);
        key
    }

    /// Makes an organization that a user owns.
    pub(crate) async fn organization(&self, name: &str, owner: &str) {
        let path = format!("/management/v1/orgs/{name}");
        let made = self.put(&path).by(ADMIN).json(&json!({"owner": owner})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Makes a user a member of an organization.
    pub(crate) async fn member(&self, organization: &str, user: &str, kind: &str) {
        let path = format!("/management/v1/orgs/{organization}/members/{user}");
        let made = self.put(&path).by(ADMIN).json(&json!({"type": kind})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Makes an access key of a user, who signs in as `id@subject` from now on.
    pub(crate) async fn access_key(&self, subject: &str, id: &str) {
        let path = format!("/users/{subject}/access_keys");
        let made = self.post(&path).by(subject).json(&json!({"id": id})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let password = made.value()["password"].as_str().unwrap().to_owned();
        self.set_key(&format!("{id}@{subject}"), &password);
    }

    /// Makes a product without packages.
    pub(crate) async fn product(&self, subject: &str, name: &str) {
        let body = json!({"name": name, "packages": []});
        let made = self.post(&format!("/products/{subject}")).by(subject).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Makes these the packages of a product, each as `repo/package`.
    pub(crate) async fn set_packages(&self, subject: &str, product: &str, packages: &[&str]) {
        let path = format!("/products/{subject}/{product}");
        let set = self.patch(&path).by(subject).json(&json!({"packages": packages})).await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    /// Signs a user in with this key from now on.
    pub(crate) fn set_key(&self, user: &str, key: &str) {
        self.keys.lock().unwrap().insert(user.to_owned(), key.to_owned());
    }

    pub(crate) fn key(&self, user: &str) -> String {
        self.keys.lock().unwrap().get(user).unwrap_or_else(|| panic!("no user {user}")).clone()
    }

    /// Makes a repository as its owner.
    pub(crate) async fn repo(&self, path: &str, body: Value) {
        let owner = path.split('/').next().unwrap();
        let made = self.post(&format!("/repos/{path}")).by(owner).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Makes a package as the owner of its repository.
    pub(crate) async fn package(&self, repo: &str, body: Value) {
        let owner = repo.split('/').next().unwrap();
        let made = self.post(&format!("/packages/{repo}")).by(owner).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Uploads as the owner of the repository.
    pub(crate) async fn upload(&self, target: &str, bytes: impl Into<bytes::Bytes>) {
        let owner = target.split('/').next().unwrap();
        let put = self.put(&format!("/content/{target}")).by(owner).body(bytes).await;
        assert_eq!(put.status, 201, "{put:?}");
    }

    /// Gives a right over a repository: no dialect can yet.
    pub(crate) async fn grant(&self, to: &str, repo: &str, actions: &[Action]) {
        let path =
            RepoPath::parse(repo.split('/').next().unwrap(), repo.split('/').nth(1).unwrap());
        let path = path.unwrap();
        let repo: Repository = self.record(Repository::key_of(&path)).await;
        let anchor = Anchor::Repository(path.subject, path.repo, repo.id);
        self.grant_at(to, anchor, actions).await;
    }

    /// Gives a right over everything that a subject owns.
    pub(crate) async fn grant_on_subject(&self, to: &str, subject: &str, actions: &[Action]) {
        let owner = self.subject(subject).await;
        self.grant_at(to, Anchor::Subject(owner.name, owner.id), actions).await;
    }

    async fn grant_at(&self, to: &str, anchor: Anchor, actions: &[Action]) {
        let grant = Grant {
            id: format!("of {to}"),
            actions: actions.to_vec(),
            scope: Scope::Anchor,
            not_after: None,
        };
        let grantee = Grantee::User(self.subject(to).await.id);
        self.change(GrantSet { form: Form, grantee, anchor, grants: vec![grant] }.put()).await;
    }

    async fn subject(&self, name: &str) -> Subject {
        self.record(Subject::key_of(&SubjectName::parse(name).unwrap())).await
    }

    /// What is stored under a key.
    pub(crate) async fn record<T: Stored>(&self, key: packhouse_core::store::Key) -> T {
        let found = self.backends.store.read(&[key]).await.unwrap().remove(0).unwrap();
        serde_json::from_str(&found.body).unwrap()
    }

    /// Changes the store past the engine.
    async fn change(&self, change: packhouse_core::store::Change) {
        let number = self.batches.fetch_add(1, Ordering::SeqCst);
        write(&self.backends, number, change).await;
    }

    pub(crate) fn get(&self, target: &str) -> Ask {
        self.ask("GET", target)
    }

    pub(crate) fn post(&self, target: &str) -> Ask {
        self.ask("POST", target)
    }

    pub(crate) fn put(&self, target: &str) -> Ask {
        self.ask("PUT", target)
    }

    pub(crate) fn patch(&self, target: &str) -> Ask {
        self.ask("PATCH", target)
    }

    pub(crate) fn delete(&self, target: &str) -> Ask {
        self.ask("DELETE", target)
    }

    /// A request of any method.
    pub(crate) fn ask(&self, method: &str, target: &str) -> Ask {
        let keys = self.keys.lock().unwrap().clone();
        Ask::new(self.router.clone(), keys, method, target)
    }
}

/// What a publisher may do.
const PUBLISHERS: [Action; 6] = [
    Action::Read,
    Action::Annotate,
    Action::Write,
    Action::Delete,
    Action::Publish,
    Action::Overwrite,
];

/// The path of a route, with names in the places of the parameters that few routes have.
pub(crate) fn filled(path: &str) -> String {
    path.replace("{product}", "suite")
        .replace("{team}", "crew")
        .replace("{user}", READER)
        .replace("{followed}", STRANGER)
        .replace("{access_key_id}", "spare")
        .replace("{entitlement_id}", "e1")
}
