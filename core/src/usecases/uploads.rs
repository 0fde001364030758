//! Uploads: bytes that become a file of a version.
//!
//! Bytes before names before the answer: the blob is durable before the commit that names it, and
//! the caller is answered after the commit. A crash in between leaves a blob that no record knows,
//! for the sweep.

use bytes::{Bytes, BytesMut};

use super::{files, versions};
use crate::access::{Caller, PackagePlace, Permit, Within, act};
use crate::blobs::{BlobErrorKind, BlobId, BlobWriter, ByteRange};
use crate::digests::Hashing;
use crate::engine::{InFlight, Packhouse};
use crate::jobs;
use crate::model::Form;
use crate::model::blobs::{Blob, BlobReference, Content};
use crate::model::files::{Digests, File, Replacement};
use crate::model::grants::Action;
use crate::model::versions::{Version, VersionSettings};
use crate::names::{FilePath, VersionPath};
use crate::store::Change;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// Chunks below this are gathered.
const SMALL_CHUNK: usize = 4 << 10;
/// How much is gathered before it is passed on.
const GATHERED: usize = 64 << 10;

/// Where bytes shall go, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The version. Made if it is not there; its package is not.
    pub version: VersionPath,
    /// The path of the file in the repository.
    pub path: FilePath,
    /// Publish the file with the upload.
    pub publish: bool,
    /// Replace a published file.
    pub replace: bool,
    /// The SHA-256 that the bytes must have, in hexadecimal.
    pub sha256: Option<String>,
    /// How many bytes were announced, if that is known.
    pub size: Option<u64>,
}

/// An upload that runs. Dropping it discards what was written.
#[derive(Debug)]
pub struct Upload {
    packhouse: Packhouse,
    caller: Caller,
    target: Target,
    id: BlobId,
    writer: Box<dyn BlobWriter>,
    hashing: Hashing,
    size: u64,
    /// Small chunks that wait to be one: what is kept of a chunk does not depend on its size.
    gathered: BytesMut,
    in_flight: InFlight,
}

/// Begins an upload, after asking whether the caller may; before a byte is read.
///
/// Implements the Bintray REST API, "Upload Content".
///
/// # Errors
/// [`ErrorKind::NotFound`] for a package that is not there; [`ErrorKind::AlreadyExists`] for a
/// published file that is not to be replaced; [`ErrorKind::TooLarge`] for more bytes than
/// [`crate::Limits::max_file_bytes`].
pub async fn begin(packhouse: &Packhouse, caller: &Caller, target: Target) -> Result<Upload> {
    check_size(packhouse, target.size.unwrap_or_default())?;
    let work = Work::new(packhouse);
    let permit = work.permit(caller, &within(&target)).await?;
    replaced(&work, &permit, &target).await?;
    // Nothing of this work is committed: `finish` asks for all of it again.
    let id = work.new_blob_id();
    let in_flight = packhouse.in_flight(id);
    let writer = packhouse.blobs().create(&id).await?;
    Ok(Upload {
        packhouse: packhouse.clone(),
        caller: caller.clone(),
        target,
        id,
        writer,
        hashing: Hashing::new(packhouse.runtime().clone()),
        size: 0,
        gathered: BytesMut::new(),
        in_flight,
    })
}

/// Uploads bytes that are all in memory.
///
/// # Errors
/// As [`begin`] and [`Upload::finish`].
pub async fn put(
    packhouse: &Packhouse,
    caller: &Caller,
    target: Target,
    bytes: Bytes,
) -> Result<File> {
    let mut upload = begin(packhouse, caller, target).await?;
    upload.write(bytes).await?;
    upload.finish().await
}

fn check_size(packhouse: &Packhouse, size: u64) -> Result<()> {
    let most = packhouse.limits().max_file_bytes;
    if size > most {
        let message = format!("The file is too large: at most {most} bytes are allowed");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

fn within(target: &Target) -> Within<'_> {
    Within {
        package: &target.version.package,
        version: Some(&target.version.version),
        path: Some(&target.path),
        also: target.publish.then_some(Action::Publish),
    }
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::Full`].
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.size += chunk.len() as u64;
        check_size(&self.packhouse, self.size)?;
        if chunk.len() >= SMALL_CHUNK {
            self.pass_on_gathered().await?;
            return self.pass_on(chunk).await;
        }
        self.gathered.extend_from_slice(&chunk);
        if self.gathered.len() >= GATHERED {
            self.pass_on_gathered().await?;
        }
        Ok(())
    }

    async fn pass_on_gathered(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered).freeze();
        if gathered.is_empty() { Ok(()) } else { self.pass_on(gathered).await }
    }

    async fn pass_on(&mut self, chunk: Bytes) -> Result<()> {
        self.hashing.update(chunk.clone()).await?;
        Ok(self.writer.write(chunk).await?)
    }

    /// Makes the bytes durable and the file known.
    ///
    /// # Errors
    /// [`ErrorKind::ChecksumMismatch`] where the bytes are not those announced, and everything
    /// that [`begin`] refuses, since it may have changed meanwhile. Nothing is kept then.
    pub async fn finish(mut self) -> Result<File> {
        self.pass_on_gathered().await?;
        let Self { packhouse, caller, target, id, writer, hashing, size, in_flight, .. } = self;
        let digests = hashing.finish().await?;
        check_announced(&target, size, &digests)?;
        writer.finish().await?;
        let stored = StoredBytes { id, size, digests };
        let named = name_bytes(&packhouse, &caller, &target, &stored).await;
        // The content was there already, or the upload was refused. What cannot be removed now
        // is left to the sweep, and so is what a commit may have named all the same.
        let needed = match &named {
            Ok(file) => file.blobs().any(|blob| blob == id),
            Err(error) => error.may_have_happened(),
        };
        if !needed {
            let _ = packhouse.blobs().remove(&id).await;
        }
        drop(in_flight);
        named
    }
}

fn check_announced(target: &Target, size: u64, digests: &Digests) -> Result<()> {
    if target.size.is_some_and(|announced| announced != size) {
        return Err(Error::invalid("The body ended before the announced number of bytes"));
    }
    match &target.sha256 {
        Some(announced) if !announced.eq_ignore_ascii_case(&digests.sha256) => {
            let message = format!(
                "Checksum mismatch: the SHA-256 of the received bytes is {}, not {announced}",
                digests.sha256
            );
            Err(Error::new(ErrorKind::ChecksumMismatch, message))
        }
        _ => Ok(()),
    }
}

/// Bytes that are durable and have no name yet.
struct StoredBytes {
    id: BlobId,
    size: u64,
    digests: Digests,
}

async fn name_bytes(
    packhouse: &Packhouse,
    caller: &Caller,
    target: &Target,
    stored: &StoredBytes,
) -> Result<File> {
    packhouse
        .change::<act::Write, _, _, _, _>(caller, &within(target), |permit, work| async move {
            let old = replaced(&work, &permit, target).await?;
            let version = match work.find(Version::key_of(&target.version)).await? {
                Some(version) => version,
                None => {
                    let settings = VersionSettings::default();
                    versions::make(&work, &permit, &target.version, &settings).await?
                }
            };
            let blob = blob_of(packhouse, &work, &permit, stored).await?;
            let file = new_file(&work, &permit, target, stored, &version, blob);
            let file = put_file(&work, &permit, file, old);
            versions::touch(&work, &permit, &target.version, target.publish);
            Ok(file)
        })
        .await
}

/// The file that the upload replaces, if it may.
async fn replaced(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    target: &Target,
) -> Result<Option<File>> {
    let location = target.version.repo().file(target.path.clone());
    let Some(file) = work.find::<File>(File::key_of(&location)).await? else { return Ok(None) };
    let repo = &permit.place().repo;
    if repo.is_version_closing(&file.package, &file.version) {
        return Err(super::deletion::still_going("version", &file.version));
    }
    let exists = |addition: &str| {
        let message = format!(
            "Unable to upload files: An artifact with the path '{}' already exists{addition}",
            target.path
        );
        Error::new(ErrorKind::AlreadyExists, message)
    };
    if file.version_path() != target.version {
        // Who may not publish that version need not learn what it holds.
        return Err(exists(" under another version"));
    }
    if file.published.is_some() {
        if !target.replace {
            return Err(exists(""));
        }
        work.permit::<act::Overwrite, _>(permit.caller(), &within(target)).await?;
    }
    Ok(Some(file))
}

/// The blob that the new file refers to: the live one of the same content if there is one, the
/// uploaded one otherwise.
async fn blob_of(
    packhouse: &Packhouse,
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    stored: &StoredBytes,
) -> Result<BlobId> {
    let sha256 = &stored.digests.sha256;
    if let Some(content) = work.find::<Content>(Content::key_of(sha256)).await?
        && let Some(blob) = work.find_as_basis::<Blob>(Blob::key_of(content.blob)).await?
        && is_whole(packhouse, &blob).await
    {
        // Rests on the record unchanged: who condemns the blob meanwhile makes this run again.
        if blob.condemned.is_some() {
            work.put(permit, &Blob { condemned: None, ..blob });
        }
        return Ok(content.blob);
    }
    let (id, size, sha256) = (stored.id, stored.size, sha256.clone());
    work.put(permit, &Content { form: Form, sha256: sha256.clone(), blob: id });
    work.put(permit, &Blob { form: Form, id, sha256, size, condemned: None });
    Ok(id)
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

fn new_file(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    target: &Target,
    stored: &StoredBytes,
    version: &Version,
    blob: BlobId,
) -> File {
    let repo = &permit.place().repo;
    File {
        form: Form,
        subject: repo.subject.clone(),
        repo: repo.name.clone(),
        path: target.path.clone(),
        package: target.version.package.package.clone(),
        version: target.version.version.clone(),
        ordinal: version.ordinal,
        size: stored.size,
        digests: stored.digests.clone(),
        blob,
        uploader: permit.caller().user_id().unwrap_or(repo.owner),
        created: work.now(),
        published: target.publish.then(|| work.now()),
        replacement: None,
    }
}

/// Plans the file, and that the blobs are released that it no longer refers to. Bytes that are not
/// published wait beside those that are: what everyone sees changes by publication alone.
fn put_file(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    new: File,
    old: Option<File>,
) -> File {
    let held: Vec<BlobId> = old.iter().flat_map(File::blobs).collect();
    let file = match old {
        Some(old) if old.published.is_some() && new.published.is_none() => waiting(old, new),
        _ => new,
    };
    let released: Vec<BlobId> =
        held.into_iter().filter(|blob| file.blobs().all(|kept| kept != *blob)).collect();
    for blob in &released {
        files::release(work, permit, &file, *blob);
    }
    if !released.is_empty() {
        jobs::condemn(work, permit, released);
    }
    work.put(permit, &file);
    for blob in file.blobs() {
        let key = BlobReference::key_of(blob, &file.location());
        let (body, terms, owners) = ("{}".into(), Vec::new(), Vec::new());
        work.change(permit, Change::Put { key, body, terms, owners });
    }
    file
}

/// The published file with the new bytes as its replacement; without one if they are the same.
fn waiting(old: File, new: File) -> File {
    let File { size, digests, blob, uploader, created, .. } = new;
    let replacement = Replacement { size, digests, blob, uploader, created };
    File { replacement: (old.blob != blob).then(|| Box::new(replacement)), ..old }
}
