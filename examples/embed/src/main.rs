//! A program that distributes a file with the engine inside it, and without HTTP.
//!
//! `cargo run -p packhouse-example-embed [DIR]` keeps its data in DIR, or in a folder for
//! temporary files. Run it twice on the same DIR: it finds what it left.

mod host;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packhouse_core::access::{Credentials, Origin, Secret, authenticate};
use packhouse_core::blobs::ByteRange;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::names::{FilePath, PackageName, RepoPath, SubjectName, VersionName};
use packhouse_core::ports::Random;
use packhouse_core::repositories::NewRepository;
use packhouse_core::uploads::Target;
use packhouse_core::users::UserChange;
use packhouse_core::{
    Limits, Packhouse, Ports, downloads, packages, publishing, repositories, uploads, users,
};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.unwrap_or_else(|| std::env::temp_dir().join("packhouse-embedded"));
    let packhouse = open(&dir)?;
    say(&format!("opened {}", dir.display()));
    distribute(&packhouse).await
}

/// An engine over a database and a folder of blobs in `dir`.
fn open(dir: &Path) -> Result<Packhouse, Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    let ports = Ports {
        store: Arc::new(SqliteStore::open(dir.join("records.db"), &SqliteOptions::default())?),
        blobs: Arc::new(FsBlobs::open(dir.join("blobs"), FsOptions::default())?),
        clock: Arc::new(host::SystemClock),
        archives: Arc::new(packhouse_core::memory::NoArchives),
        outbound: Arc::new(packhouse_core::outbound::NoOutbound),
        geo: Arc::new(packhouse_core::geo::NoLocator),
        openpgp: Arc::new(packhouse_core::openpgp::NoOpenPgp),
        random: Arc::new(host::SystemRandom),
        runtime: Arc::new(host::Tokio),
        secret: installation_secret(&dir.join("secret"))?,
    };
    Ok(Packhouse::new(ports, Limits::default()))
}

/// The installation's own secret, drawn once and kept as long as the records are. A real host
/// keeps it where only it can read.
fn installation_secret(path: &Path) -> Result<Secret, Box<dyn Error>> {
    if !path.exists() {
        let mut bytes = [0; 32];
        host::SystemRandom.fill(&mut bytes);
        fs::write(path, bytes)?;
    }
    Ok(Secret::new(fs::read(path)?))
}

/// Makes a user with a repository and a package, uploads a file of a version, publishes it, and
/// downloads it as somebody without credentials.
async fn distribute(packhouse: &Packhouse) -> Result<(), Box<dyn Error>> {
    // The admin's key is given this once; a real host hands it to its operator.
    let Some(key) = users::set_up(packhouse, None).await?.made() else {
        say("everything is there already: only downloading");
        return download(packhouse).await;
    };
    let admin = sign_in(packhouse, users::ADMIN, &key).await?;
    let name = SubjectName::parse("anna")?;
    let made = users::put(packhouse, &admin, &name, &UserChange::default()).await?;
    let key = made.api_key.ok_or("a new user has a key")?;
    let anna = sign_in(packhouse, "anna", &key).await?;
    say("made the user anna");

    let repo = RepoPath::parse("anna", "releases")?;
    repositories::create(packhouse, &anna, &repo, &NewRepository::default()).await?;
    let package = repo.package(PackageName::parse("tool")?);
    packages::create(packhouse, &anna, &package, &PackageSettings::default()).await?;
    say("made the repository anna/releases with the package tool");

    let version = package.version(VersionName::parse("1.0")?);
    let target = Target::new(version.clone(), FilePath::parse("tool/1.0/tool.txt")?);
    let file = uploads::put(packhouse, &anna, target, "Hello, downloads!\n".into()).await?;
    say(&format!("uploaded {} with SHA-256 {}", file.path, file.contents.digests.sha256));
    if let Err(error) = download(packhouse).await {
        say(&format!("nobody else sees it yet: {error}"));
    }
    let count = publishing::publish(packhouse, &anna, &version).await?;
    say(&format!("published {count} file of version {}", version.version));
    download(packhouse).await
}

async fn sign_in(
    packhouse: &Packhouse,
    user: &str,
    key: &Secret,
) -> packhouse_core::Result<packhouse_core::access::Caller> {
    let credentials = Credentials::Basic { user: user.to_owned(), secret: key.clone() };
    authenticate(packhouse, &credentials, Origin::default()).await
}

/// Downloads the file as anonymous: a permit first, then the bytes that it is for.
async fn download(packhouse: &Packhouse) -> Result<(), Box<dyn Error>> {
    let anonymous = authenticate(packhouse, &Credentials::Anonymous, Origin::default()).await?;
    let location = RepoPath::parse("anna", "releases")?.file(FilePath::parse("tool/1.0/tool.txt")?);
    let permit = downloads::find(packhouse, &anonymous, &location).await?;
    let reader = downloads::open(packhouse, &permit, ByteRange::ALL).await?;
    let bytes = reader.into_bytes().await?;
    say(&format!("downloaded {location} as anonymous: {:?}", String::from_utf8_lossy(&bytes)));
    Ok(())
}

#[allow(clippy::print_stdout, reason = "this program tells what it does")]
fn say(what: &str) {
    println!("{what}");
}
