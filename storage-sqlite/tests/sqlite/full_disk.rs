//! A disk that records and blobs share, and that blobs have filled: it can be emptied again.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use packhouse_core::blobs::{BlobError, BlobErrorKind, BlobId, BlobStore};
use packhouse_core::store::{Change, Store};
use packhouse_fs::{FsBlobs, FsOptions};
use packhouse_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::support::{batch, put, thing};

const RECORDS: usize = 1500;

/// A small file system of its own.
struct Disk(TempDir);

impl Disk {
    /// `None` when this process may not mount one.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a test that failed may have files open.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

fn id(number: usize) -> BlobId {
    BlobId::from_bytes((number as u128).to_be_bytes())
}

async fn upload(blobs: &FsBlobs, number: usize) -> Result<(), BlobError> {
    let mut writer = blobs.create(&id(number)).await?;
    writer.write(Bytes::from(vec![7; 100_000])).await?;
    writer.finish().await.map(drop)
}

/// Uploads until the disk is full; gives how many there are.
async fn fill(blobs: &FsBlobs) -> usize {
    for number in 0..1000 {
        if let Err(error) = upload(blobs, number).await {
            assert_eq!(error.kind, BlobErrorKind::Full, "{error}");
            return number;
        }
    }
    panic!("it never fills");
}

#[tokio::test]
async fn a_disk_that_blobs_have_filled_can_be_emptied() {
    let Some(disk) = Disk::mount() else {
        println!("SKIPPED: this process may not mount a file system");
        return;
    };
    let store =
        SqliteStore::open(disk.path().join("packhouse.db"), &SqliteOptions::default()).unwrap();
    let many: Vec<Change> = (0..RECORDS).map(|n| put(&n.to_string(), "1")).collect();
    store.commit(&batch(many)).await.unwrap();
    let blobs = FsBlobs::open(disk.path().join("blobs"), FsOptions::default()).unwrap();
    let uploaded = fill(&blobs).await;
    assert!(uploaded > 300, "a small disk is of use too: {uploaded}");

    // Far more than is free goes through the log.
    for n in 0..RECORDS {
        store.commit(&batch([Change::Delete(thing(&n.to_string()))])).await.unwrap();
    }
    // The log has taken of what blobs must leave, so that one upload less is not enough.
    for number in 0..20 {
        blobs.remove(&id(number)).await.unwrap();
    }
    upload(&blobs, 0).await.unwrap();
}

/// The same where nothing may be mounted: what is kept free is more than there is.
#[tokio::test]
async fn records_go_on_while_blobs_are_refused() {
    let folder = TempDir::new().unwrap();
    let store =
        SqliteStore::open(folder.path().join("packhouse.db"), &SqliteOptions::default()).unwrap();
    let options = FsOptions { min_free: Some(u64::MAX / 2), ..FsOptions::default() };
    let blobs = FsBlobs::open(folder.path().join("blobs"), options).unwrap();
    assert_eq!(fill(&blobs).await, 0);
    store.commit(&batch([put("a", "1")])).await.unwrap();
    store.commit(&batch([Change::Delete(thing("a"))])).await.unwrap();
    blobs.remove(&id(0)).await.unwrap();
}
