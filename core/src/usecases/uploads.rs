//! Uploads: bytes that become a file of a version.
//!
//! Bytes before names before the answer: the blob is durable before the commit that names it, and
//! the caller is answered after the commit. A crash in between leaves a blob that no record knows,
//! for the sweep.

use bytes::Bytes;

use super::versions;
use crate::access::{Caller, PackagePlace, Permit, Within, act};
use crate::blobs::{BlobId, BlobWriter};
use crate::digests::Hashing;
use crate::engine::{InFlight, Packhouse};
use crate::jobs;
use crate::model::Form;
use crate::model::blobs::{Blob, BlobReference, Content};
use crate::model::files::{Digests, File};
use crate::model::grants::Action;
use crate::model::versions::{Version, VersionSettings};
use crate::names::{FilePath, VersionPath};
use crate::store::Change;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

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
    in_flight: InFlight,
}

/// Begins an upload, after asking whether the caller may; before a byte is read.
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
        self.hashing.update(chunk.clone()).await?;
        Ok(self.writer.write(chunk).await?)
    }

    /// Makes the bytes durable and the file known.
    ///
    /// # Errors
    /// [`ErrorKind::ChecksumMismatch`] where the bytes are not those announced, and everything
    /// that [`begin`] refuses, since it may have changed meanwhile. Nothing is kept then.
    pub async fn finish(self) -> Result<File> {
        let Self { packhouse, caller, target, id, writer, hashing, size, in_flight } = self;
        let digests = hashing.finish().await?;
        check_announced(&target, size, &digests)?;
        writer.finish().await?;
        let stored = StoredBytes { id, size, digests };
        let named = name_bytes(&packhouse, &caller, &target, &stored).await;
        // Other than the file's blob: the content was there already, or the upload was refused.
        // What cannot be removed now is left to the sweep.
        if !matches!(&named, Ok(file) if file.blob == id) && may_remove(&named) {
            let _ = packhouse.blobs().remove(&id).await;
        }
        drop(in_flight);
        named
    }
}

/// Whether a commit that names the bytes surely did not happen.
fn may_remove(named: &Result<File>) -> bool {
    named.as_ref().map_or_else(|error| !error.may_be_retried(), |_| true)
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
            let replaced = replaced(&work, &permit, target).await?;
            if !work.exists(Version::key_of(&target.version)).await? {
                versions::make(&work, &permit, &target.version, &VersionSettings::default())
                    .await?;
            }
            let blob = blob_of(&work, &permit, stored).await?;
            let file = new_file(&work, &permit, target, stored, blob);
            put_file(&work, &permit, &file, replaced);
            versions::touch(&work, &permit, &target.version);
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
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    stored: &StoredBytes,
) -> Result<BlobId> {
    let sha256 = &stored.digests.sha256;
    if let Some(content) = work.find::<Content>(Content::key_of(sha256)).await?
        && let Some(blob) = work.find_as_basis::<Blob>(Blob::key_of(content.blob)).await?
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

fn new_file(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    target: &Target,
    stored: &StoredBytes,
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
        size: stored.size,
        digests: stored.digests.clone(),
        blob,
        uploader: permit.caller().user_id().unwrap_or(repo.owner),
        created: work.now(),
        published: target.publish.then(|| work.now()),
    }
}

fn put_file(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    file: &File,
    replaced: Option<File>,
) {
    if let Some(old) = replaced.filter(|old| old.blob != file.blob) {
        work.delete(permit, BlobReference::key_of(old.blob, &old.location()));
        jobs::condemn(work, permit, vec![old.blob]);
    }
    work.put(permit, file);
    let reference = BlobReference::key_of(file.blob, &file.location());
    let (body, terms, owners) = ("{}".into(), Vec::new(), Vec::new());
    work.change(permit, Change::Put { key: reference, body, terms, owners });
}
