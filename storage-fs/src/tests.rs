//! The order in which files become blobs, and what becomes of failures: seen on a disk that notes
//! what is done, and fails when told.

use std::fs::File;
use std::io::{self, Error};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use packhouse_core::blobs::{BlobError, BlobErrorKind, BlobId, BlobInfo, BlobStore, ByteRange};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::disk::{Disk, SystemDisk};
use crate::room::Space;
use crate::store::{FsBlobs, FsOptions};

mod folders;

/// Does what the system's does, and notes it as "operation folder".
#[derive(Debug, Default)]
struct Noting {
    done: Mutex<Vec<String>>,
    failing: Mutex<Option<(&'static str, Errno)>>,
    /// What is free, if not what the system says. Asking is no change, and not noted.
    free: Mutex<Option<u64>>,
    /// Syncs of folders take this long.
    slow: Duration,
}

impl Noting {
    fn note(&self, operation: &str, path: &Path) -> io::Result<()> {
        // A file is named by its folder: ids tell nothing here.
        let place = if path.is_dir() { path } else { path.parent().unwrap() };
        let note = format!("{operation} {}", place.file_name().unwrap().display());
        let failing = *self.failing.lock().unwrap();
        self.done.lock().unwrap().push(note.clone());
        match failing {
            Some((what, errno)) if note == what => Err(errno.into()),
            _ => Ok(()),
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }

    fn fail(&self, what: &'static str, errno: Errno) {
        *self.failing.lock().unwrap() = Some((what, errno));
    }

    fn mend(&self) {
        *self.failing.lock().unwrap() = None;
    }
}

impl Disk for Noting {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.note("create", path).and_then(|()| SystemDisk.create(path))
    }

    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        // Its path is not known here; there is only one file at a time in these tests.
        self.note("write", Path::new("to/it")).and_then(|()| SystemDisk.write(file, bytes, at))
    }

    fn write_back(&self, file: &File) -> io::Result<()> {
        self.note("write_back", Path::new("to/it")).and_then(|()| SystemDisk.write_back(file))
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        // What is named while a sync runs is not covered by it: the note comes first.
        self.note("sync", path)?;
        if path.is_dir() {
            std::thread::sleep(self.slow);
        }
        SystemDisk.sync(file, path)
    }

    fn name(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("name", to).and_then(|()| SystemDisk.name(from, to))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.note("unlink", path).and_then(|()| SystemDisk.unlink(path))
    }

    fn space(&self, file: &File) -> io::Result<Space> {
        let space = SystemDisk.space(file)?;
        Ok(Space { free: self.free.lock().unwrap().unwrap_or(space.free), size: 1 << 40 })
    }
}

struct Bench {
    disk: Arc<Noting>,
    store: FsBlobs,
    dir: TempDir,
}

impl Bench {
    fn new(disk: Noting) -> Self {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Arc::new(disk));
        let store =
            FsBlobs::open_on(dir.path(), FsOptions::default(), Arc::clone(&disk) as _).unwrap();
        Self { disk, store, dir }
    }

    async fn put(&self, last: u8) -> Result<BlobInfo, BlobError> {
        put(&self.store, id(last)).await
    }

    /// How many files there are in a folder.
    fn count(&self, folder: &str) -> usize {
        std::fs::read_dir(self.dir.path().join(folder)).unwrap().count()
    }

    /// A dropped writer cleans up on another thread.
    async fn empty(&self, folder: &str) {
        for _ in 0..10_000 {
            if self.count(folder) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{folder} has files still");
    }
}

/// All in the folder `ab`.
fn id(last: u8) -> BlobId {
    let mut bytes = [0xab; 16];
    bytes[15] = last;
    BlobId::from_bytes(bytes)
}

async fn put(store: &FsBlobs, id: BlobId) -> Result<BlobInfo, BlobError> {
    let mut writer = store.create(&id).await?;
    writer.write(Bytes::from_static(b"content")).await?;
    writer.finish().await
}

#[tokio::test]
async fn a_file_is_synced_before_it_is_named_and_its_folder_before_the_answer() {
    let bench = Bench::new(Noting::default());
    bench.put(1).await.unwrap();
    let expected = ["create staging", "write to", "sync staging", "name ab", "sync ab"];
    assert_eq!(bench.disk.take(), expected);
}

#[tokio::test]
async fn a_large_blob_is_written_back_early_and_synced_all_the_same() {
    let bench = Bench::new(Noting::default());
    let mut writer = bench.store.create(&id(1)).await.unwrap();
    for _ in 0..40 {
        writer.write(Bytes::from(vec![7; 1 << 20])).await.unwrap();
    }
    writer.finish().await.unwrap();
    let mut done = bench.disk.take();
    let back = done.iter().position(|done| done == "write_back to").unwrap();
    // It goes on beside the writing, and never before there is something to write back.
    assert!(back > 32, "written back after {back} steps of 1 MiB");
    done.remove(back);
    done.dedup();
    let expected = ["create staging", "write to", "sync staging", "name ab", "sync ab"];
    assert_eq!(done, expected);
}

#[tokio::test]
async fn what_could_not_be_written_back_is_no_blob() {
    let bench = Bench::new(Noting::default());
    bench.disk.fail("write_back to", Errno::IO);
    for (last, mebibytes) in [(1, 40), (2, 80)] {
        let mut writer = bench.store.create(&id(last)).await.unwrap();
        let chunk = Bytes::from(vec![7; 1 << 20]);
        let mut outcome = Ok(());
        for _ in 0..mebibytes {
            outcome = writer.write(chunk.clone()).await;
            if outcome.is_err() {
                break;
            }
        }
        // The end notices it, or the next part that is due.
        let error = match outcome {
            Ok(()) => writer.finish().await.map(drop).unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind, BlobErrorKind::Unavailable);
        bench.empty("staging").await;
        let done = bench.disk.take();
        assert!(!done.iter().any(|done| done.starts_with("name") || done.starts_with("sync")));
    }
}

#[tokio::test]
async fn what_was_suspended_is_discarded_when_writing_back_fails() {
    let bench = Bench::new(Noting::default());
    let at = bench.store.create(&id(1)).await.unwrap().suspend().await.unwrap();
    bench.disk.fail("write_back to", Errno::IO);
    let mut writer = bench.store.resume(&id(1), &at).await.unwrap();
    for _ in 0..40 {
        writer.write(Bytes::from(vec![7; 1 << 20])).await.unwrap();
    }
    writer.suspend().await.unwrap_err();
    bench.empty("suspended").await;

    // Nobody asks what became of it.
    let at = bench.store.create(&id(2)).await.unwrap().suspend().await.unwrap();
    let mut writer = bench.store.resume(&id(2), &at).await.unwrap();
    for _ in 0..40 {
        writer.write(Bytes::from(vec![7; 1 << 20])).await.unwrap();
    }
    drop(writer);
    bench.empty("suspended").await;
}

#[tokio::test]
async fn a_suspended_file_is_synced_before_it_is_named_and_its_folder_before_the_answer() {
    let bench = Bench::new(Noting::default());
    let mut writer = bench.store.create(&id(1)).await.unwrap();
    writer.write(Bytes::from_static(b"content")).await.unwrap();
    let at = writer.suspend().await.unwrap();
    let expected =
        ["create staging", "write to", "sync staging", "name suspended", "sync suspended"];
    assert_eq!(bench.disk.take(), expected);

    let mut writer = bench.store.resume(&id(1), &at).await.unwrap();
    writer.write(Bytes::from_static(b"more")).await.unwrap();
    let at = writer.suspend().await.unwrap();
    assert_eq!(bench.disk.take(), ["write to", "sync suspended"]);

    let writer = bench.store.resume(&id(1), &at).await.unwrap();
    writer.finish().await.unwrap();
    let expected = ["sync suspended", "name ab", "sync ab", "sync suspended"];
    assert_eq!(bench.disk.take(), expected);
}

#[tokio::test]
async fn a_removal_is_synced_before_the_answer() {
    let bench = Bench::new(Noting::default());
    bench.put(1).await.unwrap();
    bench.disk.take();
    bench.store.remove(&id(1)).await.unwrap();
    // The second folder has never been synced by this process.
    let expected = ["unlink ab", "sync ab", "unlink suspended", "sync suspended"];
    assert_eq!(bench.disk.take(), expected);
    bench.store.remove(&id(1)).await.unwrap();
    assert_eq!(bench.disk.take(), ["unlink ab", "unlink suspended"], "nothing new to sync");
}

#[tokio::test]
async fn a_removal_that_another_process_left_undone_is_synced() {
    let bench = Bench::new(Noting::default());
    bench.store.remove(&id(1)).await.unwrap();
    assert!(bench.disk.take().contains(&"sync ab".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sync_of_a_folder_serves_many_blobs() {
    let bench = Bench::new(Noting { slow: Duration::from_millis(50), ..Noting::default() });
    let puts = (0..40).map(|last| {
        let store = bench.store.clone();
        tokio::spawn(async move { put(&store, id(last)).await })
    });
    for outcome in futures::future::join_all(puts).await {
        outcome.unwrap().unwrap();
    }
    let done = bench.disk.take();
    let count = |what| done.iter().filter(|done| *done == what).count();
    assert_eq!((count("name ab"), count("sync staging")), (40, 40));
    assert!((1..20).contains(&count("sync ab")), "{} syncs for 40 blobs", count("sync ab"));
    let last = |what| done.iter().rposition(|done| done == what);
    assert!(last("sync ab") > last("name ab"), "the last name is synced too");
}

#[tokio::test]
async fn a_sync_that_failed_is_not_tried_again() {
    let bench = Bench::new(Noting::default());
    bench.disk.fail("sync staging", Errno::IO);
    let error = bench.put(1).await.unwrap_err();
    assert_eq!(error.kind, BlobErrorKind::Unavailable);
    bench.empty("staging").await;
    let expected = ["create staging", "write to", "sync staging", "unlink staging"];
    assert_eq!(bench.disk.take(), expected);
    bench.disk.mend();
    assert_eq!(
        bench.store.open(&id(1), ByteRange::ALL).await.unwrap_err().kind,
        BlobErrorKind::NotFound
    );
    bench.put(2).await.unwrap();
}

#[tokio::test]
async fn what_was_suspended_is_discarded_when_a_sync_fails() {
    let bench = Bench::new(Noting::default());
    let at = bench.store.create(&id(1)).await.unwrap().suspend().await.unwrap();
    bench.disk.fail("sync suspended", Errno::IO);
    let writer = bench.store.resume(&id(1), &at).await.unwrap();
    writer.finish().await.unwrap_err();
    bench.empty("suspended").await;
    bench.disk.mend();
    let error = bench.store.resume(&id(1), &at).await.unwrap_err();
    assert_eq!(error.kind, BlobErrorKind::NotFound);
}

#[tokio::test]
async fn what_could_not_be_suspended_is_discarded() {
    for what in ["sync staging", "name suspended", "sync suspended"] {
        let bench = Bench::new(Noting::default());
        bench.disk.fail(what, Errno::IO);
        let writer = bench.store.create(&id(1)).await.unwrap();
        writer.suspend().await.unwrap_err();
        bench.empty("staging").await;
        bench.empty("suspended").await;
    }
}

#[tokio::test]
async fn blobs_leave_the_last_of_the_disk_alone() {
    const MIB: u64 = 1 << 20;
    let bench = Bench::new(Noting::default());
    let free = |bytes| *bench.disk.free.lock().unwrap() = Some(bytes);
    bench.put(1).await.unwrap();

    free(128 * MIB - 1);
    assert_eq!(bench.put(2).await.unwrap_err().kind, BlobErrorKind::Full);
    assert_eq!(bench.count("staging"), 0, "refused before a file is made");

    free(128 * MIB + 6);
    assert_eq!(bench.put(3).await.unwrap_err().kind, BlobErrorKind::Full, "it has seven bytes");
    bench.store.remove(&id(1)).await.unwrap();
    free(128 * MIB + 7);
    bench.put(4).await.unwrap();
}

#[tokio::test]
async fn an_upload_stops_when_the_disk_becomes_full_and_one_that_is_written_is_finished() {
    let bench = Bench::new(Noting::default());
    let chunk = Bytes::from(vec![7; 1 << 20]);
    let mut writer = bench.store.create(&id(1)).await.unwrap();
    let at = bench.store.create(&id(2)).await.unwrap().suspend().await.unwrap();
    *bench.disk.free.lock().unwrap() = Some(1000);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(writer.write(chunk.clone()).await.err().map(|error| error.kind));
    }
    assert_eq!(kinds, [None, None, Some(BlobErrorKind::Full)]);
    drop(writer);
    bench.empty("staging").await;
    // Nothing is left to be written.
    bench.store.resume(&id(2), &at).await.unwrap().finish().await.unwrap();
}

#[tokio::test]
async fn failures_have_their_kinds_and_leave_nothing() {
    use BlobErrorKind::{Full, Unavailable};
    for (what, errno, kind) in [
        ("create staging", Errno::NOSPC, Full),
        ("create staging", Errno::ACCESS, Unavailable),
        ("create staging", Errno::ROFS, Unavailable),
        ("create staging", Errno::MFILE, Unavailable),
        ("write to", Errno::NOSPC, Full),
        ("write to", Errno::DQUOT, Full),
        ("write to", Errno::IO, Unavailable),
        ("sync staging", Errno::NOSPC, Full),
        ("sync staging", Errno::IO, Unavailable),
        ("name ab", Errno::NOSPC, Full),
        ("name ab", Errno::ROFS, Unavailable),
    ] {
        let bench = Bench::new(Noting::default());
        bench.disk.fail(what, errno);
        assert_eq!(bench.put(1).await.unwrap_err().kind, kind, "{what}: {errno}");
        bench.empty("staging").await;
        assert_eq!(bench.count("blobs/ab"), 0);
        bench.disk.mend();
        let outcome = loop {
            // The id is free when the file is gone.
            match bench.put(1).await {
                Err(error) if error.kind == BlobErrorKind::Exists => tokio::task::yield_now().await,
                outcome => break outcome,
            }
        };
        outcome.unwrap();
    }
    let bench = Bench::new(Noting::default());
    bench.put(1).await.unwrap();
    bench.disk.fail("unlink ab", Errno::ACCESS);
    assert_eq!(bench.store.remove(&id(1)).await.unwrap_err().kind, Unavailable);
}

#[tokio::test]
async fn a_writer_that_failed_is_of_no_more_use() {
    let bench = Bench::new(Noting::default());
    bench.disk.fail("write to", Errno::NOSPC);
    let mut writer = bench.store.create(&id(1)).await.unwrap();
    let chunk = Bytes::from(vec![7; 1 << 20]);
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(writer.write(chunk.clone()).await.err().map(|error| error.kind));
    }
    // The first is gathered, the second sets off its writing, the third learns of it.
    let expected = [None, None, Some(BlobErrorKind::Full), Some(BlobErrorKind::Unavailable)];
    assert_eq!(kinds, expected);
    bench.disk.mend();
    assert!(writer.finish().await.is_err());
    bench.empty("staging").await;
}

#[test]
fn a_name_is_never_taken_from_another() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    std::fs::write(&from, "new").unwrap();
    std::fs::write(&to, "old").unwrap();
    let refused: Error = SystemDisk.name(&from, &to).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&to).unwrap(), b"old");
}
