//! The engine on a database of its own, filled with packages.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use packhouse_core::access::{Caller, Credentials, Origin, Secret, authenticate};
use packhouse_core::memory::{InlineRuntime, MemoryBlobs, NoArchives, SeededRandom};
use packhouse_core::model::Stored;
use packhouse_core::model::packages::Package;
use packhouse_core::names::{PackageName, RepoPath, SubjectName};
use packhouse_core::packages;
use packhouse_core::ports::Clock;
use packhouse_core::repositories::{self, NewRepository};
use packhouse_core::store::{Batch, BatchId, Store};
use packhouse_core::users::{self, UserChange};
use packhouse_core::{Limits, PackageNames, Packhouse, Paging, Ports, Timestamp, attributes};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use tower::ServiceExt;

use crate::Failure;
use crate::data::{Asked, Question, Sample};

/// Who owns the repository and asks.
const OWNER: &str = "anna";

/// How many packages are written in one commit.
const TOGETHER: usize = 2_000;

/// Packhouse over its `SQLite` store.
pub(crate) struct Engine {
    pub(crate) packhouse: Packhouse,
    pub(crate) caller: Caller,
    pub(crate) repo: RepoPath,
    store: Arc<SqliteStore>,
    router: Router,
    authorization: String,
    template: Package,
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Engine {
    /// An engine with a user, a repository and no package.
    pub(crate) async fn open(folder: &Path, cache_mib: Option<usize>) -> Result<Self, Failure> {
        let mut options = SqliteOptions::default();
        if let Some(mib) = cache_mib {
            options.cache_bytes = mib << 20;
        }
        let store = SqliteStore::open(folder.join("packhouse.db"), &options)?;
        let (store, clock) = (Arc::new(store), Arc::new(SystemClock));
        let ports = Ports {
            store: store.clone(),
            blobs: Arc::new(MemoryBlobs::new(clock.clone())),
            clock,
            archives: Arc::new(NoArchives),
            outbound: Arc::new(packhouse_core::outbound::NoOutbound),
            geo: Arc::new(packhouse_core::geo::NoLocator),
            openpgp: Arc::new(packhouse_core::openpgp::NoOpenPgp),
            random: Arc::new(SeededRandom::default()),
            runtime: Arc::new(InlineRuntime),
            secret: Secret::new([7; 32]),
        };
        let packhouse = Packhouse::new(ports, Limits::default());
        let key = users::set_up(&packhouse, None).await?.made().ok_or("the admin was there")?;
        let admin = sign_in(&packhouse, users::ADMIN, &key).await?;
        let owner = SubjectName::parse(OWNER)?;
        let made = users::put(&packhouse, &admin, &owner, &UserChange::default()).await?;
        let key = made.api_key.ok_or("the owner was there")?;
        let caller = sign_in(&packhouse, OWNER, &key).await?;
        let repo = RepoPath::parse(OWNER, "releases")?;
        repositories::create(&packhouse, &caller, &repo, &NewRepository::default()).await?;
        let example = repo.package(PackageName::parse("example")?);
        let template = packages::create(&packhouse, &caller, &example, &Default::default()).await?;
        packages::delete(&packhouse, &caller, &example).await?;
        let router = packhouse_http::router(packhouse.clone(), packhouse_http::Options::default());
        let authorization = STANDARD.encode([OWNER.as_bytes(), b":", key.expose()].concat());
        let authorization = format!("Basic {authorization}");
        let template = template.package;
        Ok(Self { packhouse, caller, repo, store, router, authorization, template })
    }

    /// Writes packages, many in one commit.
    pub(crate) async fn fill(&self, samples: &[Sample]) -> Result<(), Failure> {
        for (number, samples) in samples.chunks(TOGETHER).enumerate() {
            let mut id = [0xfe; 16];
            id[8..].copy_from_slice(&(number as u64).to_be_bytes());
            let mut batch = Batch::new(BatchId(id));
            for sample in samples {
                let name = PackageName::parse(&sample.name)?;
                let attributes = sample.attributes()?;
                batch.changes.push(Package { name, attributes, ..self.template.clone() }.put());
            }
            self.store.commit(&batch).await?;
        }
        Ok(())
    }

    /// The names that answer a question.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<PackageNames, Failure> {
        let query = asked.query()?;
        let paging = match asked.question {
            Question::Range | Question::And => Paging::new(0, Paging::MAX_NAMES).without_total(),
            Question::First => Paging::new(0, 50).without_total(),
            Question::FirstWithTotal => Paging::new(0, 50),
        };
        let (packhouse, caller, repo) = (&self.packhouse, &self.caller, &self.repo);
        let found =
            attributes::search_package_names(packhouse, caller, repo, &query, paging).await?;
        Ok(found.names)
    }

    /// The first page of the answer over HTTP, as JSON, from parsing the request on.
    pub(crate) async fn ask_http(&self, asked: &Asked) -> Result<usize, Failure> {
        let request = Request::post(format!("/search/attributes/{}", self.repo))
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Body::from(asked.body()))?;
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 24).await?;
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body.len())
    }
}

async fn sign_in(packhouse: &Packhouse, user: &str, key: &Secret) -> Result<Caller, Failure> {
    let credentials = Credentials::Basic { user: user.to_owned(), secret: key.clone() };
    Ok(authenticate(packhouse, &credentials, Origin::default()).await?)
}
