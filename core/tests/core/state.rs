//! What a store holds: every record by kind, what a publisher sees of it, and what must always be
//! true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::stream::TryStreamExt;
use packhouse_core::access::Caller;
use packhouse_core::blobs::{BlobId, BlobStore};
use packhouse_core::model::Stored;
use packhouse_core::model::access_keys::AccessKey;
use packhouse_core::model::blobs::{Blob, BlobReference, Content};
use packhouse_core::model::entitlements::Entitlement;
use packhouse_core::model::eulas::{EulaText, Eulas, SignedEula};
use packhouse_core::model::files::{File, UsedBytes};
use packhouse_core::model::followers::Follower;
use packhouse_core::model::gpg_keys::GpgKeys;
use packhouse_core::model::grants::GrantSet;
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::model::licenses::CustomLicense;
use packhouse_core::model::memberships::Membership;
use packhouse_core::model::packages::{Package, Updated};
use packhouse_core::model::products::{Product, ProductTomb};
use packhouse_core::model::repositories::{Repository, Tomb};
use packhouse_core::model::subjects::{ApiKey, Subject};
use packhouse_core::model::teams::Team;
use packhouse_core::model::url_keys::UrlKey;
use packhouse_core::model::versions::Version;
use packhouse_core::names::SubjectName;
use packhouse_core::store::{KeyRange, Kind, Query, Record, Store};
use packhouse_core::{files, packages, repositories};

use crate::world::{FIRST, World, run};

/// Every kind that the engine stores.
pub(crate) const KINDS: [Kind; 30] = [
    Subject::KIND,
    ApiKey::KIND,
    GrantSet::KIND,
    Repository::KIND,
    Package::KIND,
    Version::KIND,
    Version::ORDINALS,
    Updated::ForEveryone.kind(),
    Updated::ForPublishers.kind(),
    File::KIND,
    UsedBytes::KIND,
    Blob::KIND,
    Content::KIND,
    BlobReference::KIND,
    Tomb::KIND,
    Job::KIND,
    AccessKey::KIND,
    Entitlement::KIND,
    UrlKey::KIND,
    GpgKeys::KIND,
    Product::KIND,
    ProductTomb::KIND,
    Eulas::KIND,
    EulaText::KIND,
    SignedEula::KIND,
    CustomLicense::KIND,
    Membership::KIND,
    Team::KIND,
    Follower::KIND,
    Kind::new("probe"),
];

impl World {
    /// Every record of a kind.
    pub(crate) fn records(&self, kind: Kind) -> Vec<Record> {
        run(async {
            let records = self.store.scan(&Query::within(KeyRange::within(kind, []))).await?;
            records.try_collect().await
        })
        .unwrap()
    }

    /// Every record of a kind, read.
    pub(crate) fn all<T: Stored>(&self) -> Vec<T> {
        let read = |record: &Record| serde_json::from_str(&record.body).unwrap();
        self.records(T::KIND).iter().map(read).collect()
    }

    /// The keys of every record, of each kind.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = KINDS.iter().flat_map(|kind| self.records(*kind));
        keys.map(|record| format!("{:?}", record.key)).collect()
    }

    /// Every record, whole but for its revision.
    pub(crate) fn dump(&self) -> Vec<String> {
        let records = KINDS.iter().flat_map(|kind| self.records(*kind));
        records.map(|record| format!("{:?} {}", record.key, record.body)).collect()
    }

    /// What a caller sees of a subject, down to the bytes of every file.
    pub(crate) fn seen_by(&self, caller: &Caller, subject: &SubjectName) -> String {
        let mut seen = String::new();
        let Ok(repos) = run(repositories::list(&self.sound, caller, subject, FIRST)) else {
            return "nothing".to_owned();
        };
        for repo in repos.items {
            writeln!(seen, "{} private={}", repo.path(), repo.private).unwrap();
            let listed = run(packages::list(&self.sound, caller, &repo.path(), None, FIRST));
            for name in listed.unwrap().items {
                let path = repo.path().package(name);
                let shown = run(packages::show(&self.sound, caller, &path)).unwrap();
                let (versions, latest) = (&shown.versions, &shown.latest_version);
                writeln!(seen, "  {}: {versions:?}, latest {latest:?}", path.package).unwrap();
                let listed = run(files::of_package(&self.sound, caller, &path, true, FIRST));
                for file in listed.unwrap().items {
                    let bytes = self.download(caller, &file.location()).unwrap();
                    assert_eq!(file.contents.size, bytes.len() as u64, "{:?}", file.path);
                    let (version, published) = (&file.version, file.published.is_some());
                    writeln!(
                        seen,
                        "    {} of {version}, published={published}: {bytes:?}",
                        file.path
                    )
                    .unwrap();
                }
            }
        }
        seen
    }

    /// Checks what must hold at every moment at which no use case runs.
    pub(crate) fn check(&self) {
        let (files, blobs) = (self.all::<File>(), self.all::<Blob>());
        let blobs: BTreeMap<BlobId, Blob> = blobs.into_iter().map(|blob| (blob.id, blob)).collect();
        let versions: BTreeSet<_> =
            self.records(Version::KIND).into_iter().map(|record| record.key).collect();
        let mut references = BTreeSet::new();
        for file in &files {
            let blob =
                blobs.get(&file.contents.blob).unwrap_or_else(|| panic!("{file:?} has no blob"));
            assert_eq!(blob.condemned, None, "a file names a condemned blob: {file:?}");
            assert_eq!(
                (&blob.sha256, blob.size),
                (&file.contents.digests.sha256, file.contents.size)
            );
            let bytes = self.bytes_of(file).unwrap_or_else(|| panic!("{file:?} is dangling"));
            assert_eq!(file.contents.digests.sha256, sha256(&bytes), "{file:?} has other bytes");
            for blob in file.blobs() {
                assert!(blobs[&blob].condemned.is_none(), "{file:?} waits for a condemned blob");
                references.insert(BlobReference::key_of(blob, &file.location()));
            }
            let known = versions.contains(&Version::key_of(&file.version_path()));
            assert!(known || self.is_doomed(file), "{file:?} has no version");
        }
        let held: BTreeSet<_> =
            self.records(BlobReference::KIND).into_iter().map(|record| record.key).collect();
        assert_eq!(held, references, "references are those of the files");
        for content in self.all::<Content>() {
            let blob = blobs.get(&content.blob);
            assert!(blob.is_some_and(|blob| blob.sha256 == content.sha256), "{content:?}");
        }
        self.check_unreferenced(&blobs, &files);
        self.check_counted(&files);
    }

    /// What is counted of each repository is what its files have.
    fn check_counted(&self, files: &[File]) {
        let mut bytes = BTreeMap::<_, i64>::new();
        for file in files {
            *bytes.entry(UsedBytes::key_of(&file.location().repo)).or_default() +=
                file.used_bytes();
        }
        let counters = self.records(UsedBytes::KIND).into_iter();
        let mut counted: BTreeMap<_, i64> =
            counters.map(|record| (record.key.clone(), record.counter())).collect();
        // A repository whose files are gone has a counter of none.
        counted.retain(|_, bytes| *bytes != 0);
        bytes.retain(|_, bytes| *bytes != 0);
        assert_eq!(counted, bytes, "the bytes of repositories");
    }

    /// Every blob that no file names is on its way out.
    fn check_unreferenced(&self, blobs: &BTreeMap<BlobId, Blob>, files: &[File]) {
        let named: BTreeSet<BlobId> = files.iter().flat_map(File::blobs).collect();
        let jobs = self.all::<Job>();
        for blob in blobs.values().filter(|blob| !named.contains(&blob.id)) {
            let awaited = jobs.iter().any(|job| match &job.task {
                Task::CondemnBlobs(ids) => ids.contains(&blob.id),
                Task::RemoveBlobs(ids) => ids.contains(&blob.id) && blob.condemned.is_some(),
                _ => false,
            });
            assert!(awaited, "nothing will ever remove {blob:?}");
        }
    }

    fn is_doomed(&self, file: &File) -> bool {
        let repos = self.all::<Repository>();
        let repo = repos.iter().find(|repo| repo.path() == file.location().repo);
        repo.is_none_or(|repo| repo.is_version_closing(&file.package, &file.version))
    }

    /// The ids of every finished blob.
    pub(crate) fn finished_blobs(&self) -> Vec<BlobId> {
        let mut ids: Vec<BlobId> =
            run(self.blobs.list().map_ok(|info| info.id).try_collect()).unwrap();
        ids.sort();
        ids
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
