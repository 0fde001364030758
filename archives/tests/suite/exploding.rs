//! The corpus through an explode: what two other readers read is stored, or nothing is.

use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use packhouse_archives::Decoders;
use packhouse_core::access::{Caller, Credentials, Origin, Secret, authenticate};
use packhouse_core::blobs::BlobStore;
use packhouse_core::explodes::{self, Target};
use packhouse_core::memory::SetClock;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::names::{
    FilePath, PackageName, PackagePath, RepoPath, SubjectName, VersionName,
};
use packhouse_core::repositories::NewRepository;
use packhouse_core::users::UserChange;
use packhouse_core::{
    Error, Limits, Packhouse, Paging, Ports, files, packages, repositories, users, versions,
};
use serde_json::Value;

use crate::corpus::corpus;
use crate::support::Files;

/// An installation in memory with a package to explode archives into.
struct Installation {
    packhouse: Packhouse,
    blobs: Arc<dyn BlobStore>,
    owner: Caller,
    package: PackagePath,
}

impl Installation {
    async fn new() -> packhouse_core::Result<Self> {
        let ports = Ports { archives: Arc::new(Decoders), ..Ports::in_memory(&SetClock::new()) };
        let blobs = ports.blobs.clone();
        let packhouse =
            Packhouse::new(ports, Limits { max_archive_ratio: 1000, ..Limits::default() });
        let key = "the admin's own secret key";
        users::set_up(&packhouse, Some(&Secret::new(key))).await?;
        let admin = Credentials::basic(users::ADMIN, key);
        let admin = authenticate(&packhouse, &admin, Origin::default()).await?;
        let anna = SubjectName::parse("anna")?;
        let made = users::put(&packhouse, &admin, &anna, &UserChange::default()).await?;
        let key = made.api_key.expect("a new user has a key");
        let key = String::from_utf8_lossy(key.expose()).into_owned();
        let anna = Credentials::basic("anna", &key);
        let owner = authenticate(&packhouse, &anna, Origin::default()).await?;
        let repo = RepoPath::parse("anna", "repo")?;
        repositories::create(&packhouse, &owner, &repo, &NewRepository::default()).await?;
        let package = repo.package(PackageName::parse("tool")?);
        packages::create(&packhouse, &owner, &package, &PackageSettings::default()).await?;
        Ok(Self { packhouse, blobs, owner, package })
    }

    /// Explodes an archive into a version of its own, and gives what the version then has.
    async fn explode(&self, number: usize, archive: Vec<u8>) -> Result<Files, Error> {
        let folder = format!("f{number}");
        let version = self.package.version(VersionName::parse(&folder)?);
        let target = Target::new(version.clone(), Some(FilePath::parse(&folder)?));
        let mut explode = explodes::begin(&self.packhouse, &self.owner, target).await?;
        explode.write(archive.into()).await?;
        explode.finish().await?;
        let paging = Paging::new(0, Paging::MAX);
        let listed =
            files::of_version(&self.packhouse, &self.owner, &version, true, paging).await?;
        let name = |path: &FilePath| path.as_str()[folder.len() + 1..].to_owned();
        let files = listed.items.iter();
        let mut files: Files =
            files.map(|file| (name(&file.path), file.contents.digests.sha256.clone())).collect();
        files.sort();
        Ok(files)
    }

    async fn blob_count(&self) -> usize {
        self.blobs.list().count().await
    }

    async fn has_version(&self, number: usize) -> bool {
        let version = VersionName::parse(&format!("f{number}")).expect("a name");
        let version = self.package.version(version);
        versions::show(&self.packhouse, &self.owner, &version).await.is_ok()
    }
}

fn read_by_others(line: &Value) -> Vec<Value> {
    let readers = line["readers"].as_object().expect("answers of readers");
    readers.values().map(|theirs| theirs["files"].clone()).collect()
}

#[test]
fn an_explode_stores_what_two_other_readers_read_or_nothing() {
    let Some(corpus) = corpus() else { return };
    let (mut stored, mut refused) = (0, 0);
    block_on(async {
        let installation = Installation::new().await.expect("an installation");
        for (number, line) in corpus.lines.iter().enumerate() {
            let about = format!("{} ({})", line["file"], line["label"]);
            let before = installation.blob_count().await;
            match installation.explode(number, corpus.bytes(line)).await {
                Ok(files) => {
                    let files = serde_json::to_value(files).expect("names and digests");
                    assert_eq!(read_by_others(line), [files.clone(), files], "{about}");
                    stored += 1;
                }
                Err(error) => {
                    assert!(!error.may_be_retried(), "{about}: {error:?}");
                    assert_eq!(installation.blob_count().await, before, "{about}: {error}");
                    assert!(!installation.has_version(number).await, "{about}: {error}");
                    refused += 1;
                }
            }
        }
    });
    println!("{} archives: {stored} stored, {refused} refused", stored + refused);
    assert!(stored > 200 && refused > 500, "{stored} stored, {refused} refused");
}
