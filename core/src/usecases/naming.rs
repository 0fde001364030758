//! Giving names to stored bytes: one file or all those of an archive, in one commit.

use std::collections::{BTreeMap, BTreeSet};

use super::given::is_given;
use super::spool::StoredBytes;
use super::{files, maven, sidecars, versions, windows};
use crate::access::{Caller, PackagePlace, Permit, Within, act};
use crate::blobs::{BlobErrorKind, BlobId, ByteRange};
use crate::engine::Packhouse;
use crate::jobs;
use crate::model::Form;
use crate::model::attributes::Attributes;
use crate::model::blobs::{Blob, BlobReference, Content};
use crate::model::debian::{DebianCoordinates, GivenCoordinates};
use crate::model::files::{Contents, File};
use crate::model::grants::Action;
use crate::model::repositories::{Repository, RepositoryKind};
use crate::model::versions::{Version, VersionSettings};
use crate::names::{FilePath, VersionPath};
use crate::store::Change;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// What is to be done with bytes, whatever their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Naming {
    /// The version. Made if it is not there; its package is not.
    pub(super) version: VersionPath,
    /// Publish the files at once.
    pub(super) publish: bool,
    /// Replace published files.
    pub(super) replace: bool,
    pub(super) debian: GivenCoordinates,
    pub(super) box_provider: Option<String>,
}

/// Stored bytes with the path that they shall have.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) path: FilePath,
    pub(super) bytes: StoredBytes,
}

impl Naming {
    /// What a permit is asked for. Without paths it is asked for the version as a whole.
    pub(super) fn within<'a>(&'a self, paths: &'a [FilePath]) -> Within<'a> {
        Within {
            package: &self.version.package,
            version: Some(&self.version.version),
            paths,
            also: self.publish.then_some(Action::Publish),
        }
    }

    /// Asks for everything that [`Naming::name`] will, so that nobody sends bytes in vain.
    /// Nothing of this work is committed.
    pub(super) async fn ask(
        &self,
        packhouse: &Packhouse,
        caller: &Caller,
        paths: &[FilePath],
    ) -> Result<()> {
        let work = Work::new(packhouse);
        let permit = work.permit(caller, &self.within(paths)).await?;
        self.admit(&work, &permit, paths).await.map(drop)
    }

    /// The same for a folder, as far as that can be said without the names of its files.
    pub(super) async fn ask_for_folder(
        &self,
        packhouse: &Packhouse,
        caller: &Caller,
        folder: Option<&FilePath>,
    ) -> Result<()> {
        let work = Work::new(packhouse);
        let folder = folder.map(std::slice::from_ref).unwrap_or_default();
        let permit = work.permit(caller, &self.within(folder)).await?;
        self.admit(&work, &permit, &[]).await.map(drop)
    }

    /// Gives all the bytes their names, or none.
    async fn name(
        &self,
        packhouse: &Packhouse,
        caller: &Caller,
        named: &[Named],
    ) -> Result<Vec<File>> {
        let paths: Vec<FilePath> = named.iter().map(|named| named.path.clone()).collect();
        packhouse
            .change::<act::Write, _, _, _, _>(caller, &self.within(&paths), |permit, work| {
                let paths = &paths;
                async move { self.plan(packhouse, &work, &permit, paths, named).await }
            })
            .await
    }

    /// The same; what nothing refers to in the end is removed.
    pub(super) async fn name_or_remove(
        &self,
        packhouse: &Packhouse,
        caller: &Caller,
        named: &[Named],
    ) -> Result<Vec<File>> {
        let outcome = self.name(packhouse, caller, named).await;
        // The content was there already, or the upload was refused. What cannot be removed now
        // is left to the sweep, and so is what a commit may have named all the same.
        let needed: Option<BTreeSet<BlobId>> = match &outcome {
            Ok(files) => Some(files.iter().flat_map(File::blobs).collect()),
            Err(error) if error.may_have_happened() => None,
            Err(_) => Some(BTreeSet::new()),
        };
        if let Some(needed) = needed {
            let bytes = named.iter().map(|named| &named.bytes);
            for bytes in bytes.filter(|bytes| !needed.contains(&bytes.id)) {
                let _ = packhouse.blobs().remove(&bytes.id).await;
            }
        }
        outcome
    }

    async fn plan(
        &self,
        packhouse: &Packhouse,
        work: &Work,
        permit: &Permit<act::Write, PackagePlace>,
        paths: &[FilePath],
        named: &[Named],
    ) -> Result<Vec<File>> {
        let Admitted { version, old } = self.admit(work, permit, paths).await?;
        sidecars::check(packhouse, work, &permit.place().repo, &self.version, named).await?;
        let version = match version {
            Some(version) => version,
            None => {
                let settings = VersionSettings::default();
                versions::make(work, permit, &self.version, &settings).await?
            }
        };
        let blobs = blobs_of(packhouse, work, permit, named).await?;
        let mut files = Vec::with_capacity(named.len());
        let mut released = BTreeSet::new();
        for ((named, blob), old) in named.iter().zip(blobs).zip(old) {
            let new = self.new_file(work, permit, &version, named, blob)?;
            let file = put_file(work, permit, new, old.as_ref(), &mut released);
            files.push(file);
        }
        // What one path lets go another may have taken up.
        let kept: BTreeSet<BlobId> = files.iter().flat_map(File::blobs).collect();
        released.retain(|blob| !kept.contains(blob));
        if !released.is_empty() {
            jobs::condemn(work, permit, released.into_iter().collect());
        }
        if self.publish {
            versions::note_publication(work, permit, &version);
            maven::note_system_ids(work, permit, paths);
        }
        versions::touch(work, permit, &self.version, self.publish);
        Ok(files)
    }

    /// Reads the version and the files that the new ones replace, if they may.
    async fn admit(
        &self,
        work: &Work,
        permit: &Permit<act::Write, PackagePlace>,
        paths: &[FilePath],
    ) -> Result<Admitted> {
        let repo = &permit.place().repo;
        versions::refuse_closing(repo, &self.version)?;
        self.check_coordinates(repo, paths)?;
        let version: Option<Version> = work.find(Version::key_of(&self.version)).await?;
        let window = windows::Window::of(permit.place());
        if let Some(version) = &version {
            window.check_version(work, permit.caller(), version).await?;
        } else {
            versions::refuse_snapshot(&self.version)?;
        }
        self.admit_version(work, permit.caller(), version.as_ref()).await?;
        let keys = paths.iter().map(|path| File::key_of(&repo.path().file(path.clone())));
        let old: Vec<Option<File>> = work.find_all(keys.collect()).await?;
        for file in old.iter().flatten() {
            self.check_old(repo, file)?;
            if file.published.is_some() {
                window.check_file(work, file)?;
            }
        }
        let published = old.iter().flatten().filter(|file| file.published.is_some());
        let replaced: Vec<FilePath> = published.map(|file| file.path.clone()).collect();
        if !replaced.is_empty() {
            work.permit::<act::Overwrite, _>(permit.caller(), &self.within(&replaced)).await?;
        }
        Ok(Admitted { version, old })
    }

    /// Whether the version may be made, or published for the first time: what it changes for
    /// everyone, such as which version is the latest, is not of the paths that are uploaded.
    async fn admit_version(
        &self,
        work: &Work,
        caller: &Caller,
        version: Option<&Version>,
    ) -> Result<()> {
        let name = &self.version.version;
        let message = match version {
            None => format!(
                "Version '{name}' is not there: who may write to some paths alone adds to versions \
                 that are; have it made by who may write to the package"
            ),
            Some(version) if self.publish && version.published.is_none() => format!(
                "Version '{name}' is not published: who may write to some paths alone adds to \
                 what is; have it published, or leave out publish"
            ),
            Some(_) => return Ok(()),
        };
        if is_given(work.permit::<act::Write, _>(caller, &self.within(&[])).await)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, message))
    }

    fn check_coordinates(&self, repo: &Repository, paths: &[FilePath]) -> Result<()> {
        paths.iter().try_for_each(|path| self.coordinates(repo, path).map(drop))
    }

    /// Where a package of a Debian repository belongs; other files and repositories have no use
    /// for what was said of it.
    fn coordinates(&self, repo: &Repository, path: &FilePath) -> Result<Option<DebianCoordinates>> {
        if repo.kind != RepositoryKind::Debian || !DebianCoordinates::are_for(path.name()) {
            return Ok(None);
        }
        DebianCoordinates::resolve(&self.debian, &repo.settings).map(Some)
    }

    /// Whether a file that is there gives way.
    fn check_old(&self, repo: &Repository, file: &File) -> Result<()> {
        if repo.is_version_closing(&file.package, &file.version) {
            return Err(super::deletion::still_going("version", &file.version));
        }
        let exists = |addition: &str| {
            let path = &file.path;
            let message = format!(
                "Unable to upload files: An artifact with the path '{path}' already exists{addition}"
            );
            Error::new(ErrorKind::AlreadyExists, message)
        };
        if file.version_path() != self.version {
            // Who may not publish that version need not learn what it holds.
            return Err(exists(" under another version"));
        }
        if file.published.is_some() && !self.replace {
            return Err(exists(""));
        }
        Ok(())
    }

    fn new_file(
        &self,
        work: &Work,
        permit: &Permit<act::Write, PackagePlace>,
        version: &Version,
        named: &Named,
        blob: BlobId,
    ) -> Result<File> {
        let repo = &permit.place().repo;
        let contents = Contents {
            size: named.bytes.size,
            digests: named.bytes.digests.clone(),
            blob,
            uploader: permit.caller().user_id().unwrap_or(repo.owner),
            created: work.now(),
            debian: self.coordinates(repo, &named.path)?,
            box_provider: self
                .box_provider
                .clone()
                .filter(|_| repo.kind == RepositoryKind::Vagrant),
        };
        Ok(File {
            form: Form,
            subject: repo.subject.clone(),
            repo: repo.name.clone(),
            path: named.path.clone(),
            package: self.version.package.package.clone(),
            version: self.version.version.clone(),
            ordinal: version.ordinal,
            contents,
            published: self.publish.then(|| work.now()),
            list_in_downloads: false,
            attributes: Attributes::default(),
            replacement: None,
        })
    }
}

/// What is there already.
struct Admitted {
    version: Option<Version>,
    /// One for each path, in their order.
    old: Vec<Option<File>>,
}

/// The blobs that the new files refer to: the live one of the same content if there is one, the
/// stored one otherwise; of two with the same content, the first.
async fn blobs_of(
    packhouse: &Packhouse,
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    named: &[Named],
) -> Result<Vec<BlobId>> {
    let sums: BTreeSet<&str> =
        named.iter().map(|named| named.bytes.digests.sha256.as_str()).collect();
    let contents = work.find_all(sums.iter().map(|sum| Content::key_of(sum)).collect()).await?;
    let known: Vec<Content> = contents.into_iter().flatten().collect();
    // Rests on the records unchanged: who condemns a blob meanwhile makes this run again.
    let keys = known.iter().map(|content| Blob::key_of(content.blob)).collect();
    let blobs: Vec<Option<Blob>> = work.find_all_as_basis(keys).await?;
    let mut live = BTreeMap::new();
    for (content, blob) in known.into_iter().zip(blobs) {
        let Some(blob) = blob else { continue };
        if !is_whole(packhouse, &blob).await {
            continue;
        }
        live.insert(content.sha256, blob.id);
        if blob.condemned.is_some() {
            work.put(permit, &Blob { condemned: None, ..blob });
        }
    }
    Ok(named.iter().map(|named| blob_of(work, permit, &named.bytes, &mut live)).collect())
}

fn blob_of(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    bytes: &StoredBytes,
    live: &mut BTreeMap<String, BlobId>,
) -> BlobId {
    let StoredBytes { id, size, digests, .. } = bytes;
    let sha256 = &digests.sha256;
    *live.entry(sha256.clone()).or_insert_with(|| {
        work.put(
            permit,
            &Content { form: Form, sha256: sha256.clone(), sha1: digests.sha1.clone(), blob: *id },
        );
        let (sha256, size) = (sha256.clone(), *size);
        work.put(permit, &Blob { form: Form, id: *id, sha256, size, condemned: None });
        *id
    })
}

/// Whether a blob has the length that its record says. One that was lost or cut is not shared:
/// whoever uploads its content again gives it a sound one.
async fn is_whole(packhouse: &Packhouse, blob: &Blob) -> bool {
    let end = ByteRange { start: blob.size, end: None };
    let opened = packhouse.blobs().open(&blob.id, end).await;
    match opened {
        Ok(rest) => rest.length == 0,
        Err(error) => !matches!(error.kind, BlobErrorKind::NotFound | BlobErrorKind::OutOfRange),
    }
}

/// Plans the file, and notes the blobs that it no longer refers to. Bytes that are not published
/// wait beside those that are: what everyone sees changes by publication alone.
fn put_file(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    new: File,
    old: Option<&File>,
    released: &mut BTreeSet<BlobId>,
) -> File {
    let held: Vec<BlobId> = old.into_iter().flat_map(File::blobs).collect();
    let file = match old.cloned() {
        Some(old) if old.published.is_some() && new.published.is_none() => waiting(old, new),
        Some(old) => {
            let File { list_in_downloads, attributes, .. } = old;
            File { list_in_downloads, attributes, ..new }
        }
        None => new,
    };
    for blob in held.into_iter().filter(|blob| file.blobs().all(|kept| kept != *blob)) {
        files::release(work, permit, &file, blob);
        released.insert(blob);
    }
    files::put(work, permit, &file, old);
    for blob in file.blobs() {
        let key = BlobReference::key_of(blob, &file.location());
        let (body, terms, owners) = ("{}".into(), Vec::new(), Vec::new());
        work.change(permit, Change::Put { key, body, terms, owners });
    }
    file
}

/// The published file with the new bytes as its replacement; without one if nothing would change.
fn waiting(old: File, new: File) -> File {
    let same = |one: &Contents, other: &Contents| {
        (one.blob, &one.debian, &one.box_provider)
            == (other.blob, &other.debian, &other.box_provider)
    };
    let replacement = (!same(&old.contents, &new.contents)).then(|| Box::new(new.contents));
    File { replacement, ..old }
}
