//! Blobs in a directory: the suite, and what only a directory can do.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use packhouse_core::blobs::{
    BlobBody, BlobError, BlobErrorKind, BlobId, BlobInfo, BlobStore, ByteRange, Suspended,
};
use packhouse_fs::{FsBlobs, FsOptions, OpenError};
use tempfile::TempDir;

mod suite {
    use std::sync::Arc;

    use packhouse_conformance::blobs::Fixture;
    use packhouse_fs::{FsBlobs, FsOptions};

    async fn empty() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let store = FsBlobs::open(&root, FsOptions::default()).unwrap();
        Fixture::new(Arc::new(store)).keeping(dir).leftovers(move || super::files_below(&root))
    }

    packhouse_conformance::blob_suite!(empty);
}

/// The same with buffers so small that every path for large blobs is taken.
mod suite_with_small_buffers {
    use std::sync::Arc;

    use packhouse_conformance::blobs::Fixture;
    use packhouse_fs::{FsBlobs, FsOptions};

    async fn empty() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let options = FsOptions { write_buffer: 1000, read_chunk: 4096, ..FsOptions::default() };
        let store = FsBlobs::open(&root, options).unwrap();
        Fixture::new(Arc::new(store)).keeping(dir).leftovers(move || super::files_below(&root))
    }

    packhouse_conformance::blob_suite!(empty);
}

/// Every file but the lock.
fn files_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if !path.ends_with("lock") {
            found.push(path.display().to_string());
        }
    }
    found
}

fn open(dir: &Path) -> FsBlobs {
    FsBlobs::open(dir, FsOptions::default()).unwrap()
}

fn id(first: u8) -> BlobId {
    BlobId::from_bytes([first; 16])
}

fn path_of(dir: &Path, id: BlobId) -> PathBuf {
    let name = id.to_string();
    dir.join("blobs").join(&name[..2]).join(name)
}

fn content(length: usize) -> Bytes {
    (0..length).map(|place| (place * 31 % 251) as u8).collect()
}

async fn put(store: &FsBlobs, id: BlobId, content: Bytes) -> Result<BlobInfo, BlobError> {
    let mut writer = store.create(&id).await?;
    writer.write(content).await?;
    writer.finish().await
}

async fn whole(store: &FsBlobs, id: BlobId) -> Result<Bytes, BlobError> {
    store.open(&id, ByteRange::ALL).await?.into_bytes().await
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(outcome: Result<T, BlobError>, expected: BlobErrorKind) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, expected, "{error}");
}

#[tokio::test]
async fn blobs_are_there_when_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let told = put(&store, id(1), content(10)).await.unwrap();
    put(&store, id(2), content(1_000_000)).await.unwrap();
    drop(store);

    let store = open(dir.path());
    assert_eq!(whole(&store, id(1)).await.unwrap(), content(10));
    assert_eq!(whole(&store, id(2)).await.unwrap(), content(1_000_000));
    let listed: Vec<_> = store.list().try_collect().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&told));
    assert_kind(store.create(&id(1)).await, BlobErrorKind::Exists);
}

#[tokio::test]
async fn a_blob_is_a_file_of_its_user_only() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/b");
    let store = open(&root);
    put(&store, id(0xab), content(10)).await.unwrap();
    let path = path_of(&root, id(0xab));
    assert_eq!(fs::read(&path).unwrap(), content(10));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for folder in [&root, path.parent().unwrap(), &root.join("staging"), &root.join("suspended")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn what_a_dead_process_was_writing_is_removed_and_what_it_suspended_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut writer = store.create(&id(1)).await.unwrap();
    writer.write(content(1000)).await.unwrap();
    let at = writer.suspend().await.unwrap();
    let mut resumed = store.resume(&id(1), &at).await.unwrap();
    for _ in 0..3 {
        resumed.write(content(500_000)).await.unwrap();
    }
    let mut unfinished = store.create(&id(2)).await.unwrap();
    for _ in 0..3 {
        unfinished.write(content(500_000)).await.unwrap();
    }
    while fs::read_dir(dir.path().join("staging")).unwrap().count() == 0 {
        tokio::task::yield_now().await;
    }
    // A process that dies runs no destructors, and its lock is gone.
    let copy = copy_of(dir.path());

    let store = open(copy.path());
    assert_eq!(fs::read_dir(copy.path().join("staging")).unwrap().count(), 0);
    store.create(&id(2)).await.unwrap();
    let writer = store.resume(&id(1), &at).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(whole(&store, id(1)).await.unwrap(), content(1000));
}

/// The files as they are at this moment.
fn copy_of(dir: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                fs::create_dir(&target).unwrap();
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let target = tempfile::tempdir().unwrap();
    copy(dir, target.path());
    target
}

#[tokio::test]
async fn a_directory_is_opened_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = FsBlobs::open(dir.path(), FsOptions::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::Locked { .. }), "{refused:?}");
    assert!(refused.to_string().contains("is in use by another process"));

    // By way of another name, too.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    symlink(dir.path(), &link).unwrap();
    let refused = FsBlobs::open(&link, FsOptions::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::Locked { .. }), "{refused:?}");

    // A writer still belongs to the store.
    let writer = store.create(&id(1)).await.unwrap();
    drop(store);
    assert!(FsBlobs::open(dir.path(), FsOptions::default()).is_err());
    drop(writer);
    open(dir.path());
}

#[tokio::test]
async fn links_that_were_planted_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let outside = dir.path().join("outside");
    fs::write(&outside, "secret").unwrap();
    let planted = |path: PathBuf| {
        symlink(&outside, &path).unwrap();
        path
    };
    // Where a blob is read.
    let read = planted(path_of(dir.path(), id(1)));
    assert!(whole(&store, id(1)).await.is_err());
    assert_kind(store.create(&id(1)).await, BlobErrorKind::Exists);
    assert!(store.list().try_collect::<Vec<_>>().await.is_err());
    store.remove(&id(1)).await.unwrap();
    assert!(!read.is_symlink());
    // Where a blob is written.
    planted(dir.path().join("staging").join(id(2).to_string()));
    assert!(put(&store, id(2), content(10)).await.is_err());
    // Where it is named, after the writer looked.
    let mut writer = store.create(&id(3)).await.unwrap();
    writer.write(content(10)).await.unwrap();
    planted(path_of(dir.path(), id(3)));
    assert_kind(writer.finish().await, BlobErrorKind::Exists);
    // Where it is suspended.
    planted(dir.path().join("suspended").join(id(4).to_string()));
    let at = Suspended { offset: 3, state: serde_json::Value::Null };
    assert!(store.resume(&id(4), &at).await.is_err());

    assert_eq!(fs::read(&outside).unwrap(), b"secret");
}

#[test]
fn folders_that_are_links_are_refused() {
    for folder in ["staging", "suspended", "blobs", "blobs/7f"] {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        drop(open(dir.path()));
        fs::remove_dir_all(dir.path().join(folder)).unwrap();
        symlink(outside.path(), dir.path().join(folder)).unwrap();
        let refused = FsBlobs::open(dir.path(), FsOptions::default()).unwrap_err();
        assert!(matches!(&refused, OpenError::NotAFolder { .. }), "{folder}: {refused:?}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    fs::write(&outside, "kept").unwrap();
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    symlink(&outside, root.join("lock")).unwrap();
    FsBlobs::open(&root, FsOptions::default()).unwrap_err();
    assert_eq!(fs::read(&outside).unwrap(), b"kept");
}

/// Needs the right to mount; without it there is nothing to test with.
#[test]
fn a_folder_on_another_device_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let run = |command: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(command);
        command.args(arguments).arg(dir.path().join("blobs/7f")).output()
    };
    let mounted = run("mount", &["-t", "tmpfs", "none"]);
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        return;
    }
    let outcome = FsBlobs::open(dir.path(), FsOptions::default());
    run("umount", &[]).unwrap();
    let refused = outcome.unwrap_err();
    assert!(matches!(&refused, OpenError::OtherDevice { .. }), "{refused:?}");
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let refused = FsBlobs::open(&path, FsOptions::default()).unwrap_err();
        assert!(matches!(&refused, OpenError::Io { .. }), "{refused:?}");
    }
    fs::write(dir.path().join("lock"), "something else\n").unwrap();
    let refused = FsBlobs::open(dir.path(), FsOptions::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::UnknownLayout { .. }), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was made");
}

#[test]
fn a_store_whose_making_was_interrupted_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("blobs/00")).unwrap();
    fs::write(dir.path().join("lock"), "packh").unwrap();
    drop(open(dir.path()));
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 256);
    assert_eq!(fs::read(dir.path().join("lock")).unwrap(), b"packhouse-fs 1\n");
}

#[tokio::test]
async fn a_directory_that_vanished_is_a_failure_and_not_an_absence() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, id(1), content(10)).await.unwrap();
    let mut writer = store.create(&id(2)).await.unwrap();
    writer.write(content(10)).await.unwrap();
    let moved = tempfile::tempdir().unwrap();
    fs::rename(dir.path(), moved.path()).unwrap();

    assert_kind(whole(&store, id(1)).await, BlobErrorKind::Unavailable);
    assert_kind(store.create(&id(3)).await, BlobErrorKind::Unavailable);
    assert_kind(writer.finish().await, BlobErrorKind::Unavailable);
    let at = Suspended { offset: 0, state: serde_json::Value::Null };
    assert_kind(store.resume(&id(4), &at).await, BlobErrorKind::Unavailable);
    assert_kind(store.remove(&id(9)).await, BlobErrorKind::Unavailable);
    let minute = std::time::Duration::from_secs(60);
    assert_kind(store.direct_url(&id(1), minute).await, BlobErrorKind::Unavailable);
    assert_kind(store.list().try_collect::<Vec<_>>().await, BlobErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_that_becomes_shorter_is_an_error_and_not_a_short_answer() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, id(1), content(3_000_000)).await.unwrap();
    for length in [2_999_999, 1_000_000] {
        let reader = store.open(&id(1), ByteRange::ALL).await.unwrap();
        assert!(matches!(reader.body, BlobBody::Stream(_)));
        let file = OpenOptions::new().write(true).open(path_of(dir.path(), id(1))).unwrap();
        file.set_len(length).unwrap();
        let mut given = 0;
        let mut stream = reader.into_stream();
        let outcome = loop {
            match stream.try_next().await {
                Ok(Some(chunk)) => given += chunk.len() as u64,
                end => break end,
            }
        };
        assert!(given <= length);
        assert_kind(outcome, BlobErrorKind::Corrupt);
        assert!(stream.try_next().await.unwrap().is_none(), "nothing follows the error");
    }
}

#[tokio::test]
async fn what_is_no_blob_is_an_error_in_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, id(0x11), content(10)).await.unwrap();
    let folder = dir.path().join("blobs/ab");
    File::create(folder.join("notes.txt")).unwrap();
    File::create(folder.join(id(0x33).to_string())).unwrap();
    File::create(folder.join(id(0xab).to_string().to_uppercase())).unwrap();
    fs::create_dir(folder.join(id(0xab).to_string())).unwrap();
    let items: Vec<_> = futures::StreamExt::collect(store.list()).await;
    let errors = items.iter().filter(|item| item.is_err()).count();
    assert_eq!((items.len() - errors, errors), (1, 4));
    assert!(whole(&store, id(0xab)).await.is_err(), "a folder is no blob");
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_blob_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let made = std::process::Command::new("mkfifo").arg(path_of(dir.path(), id(1))).status();
    if made.is_ok_and(|status| status.success()) {
        assert_kind(whole(&store, id(1)).await, BlobErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_blob_removed_while_it_is_resumed_is_neither_finished_nor_suspended() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn BlobStore> = Arc::new(open(dir.path()));
    let at = store.create(&id(1)).await.unwrap().suspend().await.unwrap();
    let finishing = store.resume(&id(1), &at).await.unwrap();
    store.remove(&id(1)).await.unwrap();
    assert_kind(finishing.finish().await, BlobErrorKind::NotFound);

    let at = store.create(&id(1)).await.unwrap().suspend().await.unwrap();
    let suspending = store.resume(&id(1), &at).await.unwrap();
    store.remove(&id(1)).await.unwrap();
    assert_kind(suspending.suspend().await, BlobErrorKind::NotFound);
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

/// What the next test watches.
#[tokio::test]
#[ignore = "run by the_system_is_asked_to_sync_in_order"]
async fn one_upload() {
    let Some(dir) = std::env::var_os("PACKHOUSE_FS_TEST_DIR") else { return };
    put(&open(Path::new(&dir)), id(0xab), content(10)).await.unwrap();
}

/// The unit tests see what the disk is asked for; this sees that it does so. Where strace cannot
/// be run, there is nothing to see.
#[test]
fn the_system_is_asked_to_sync_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2,linkat", "-o"]);
    strace.arg(&trace).arg(std::env::current_exe().unwrap());
    strace.args(["--exact", "one_upload", "--ignored"]);
    let root = dir.path().join("root");
    let ran = strace.env("PACKHOUSE_FS_TEST_DIR", &root).output();
    if !ran.is_ok_and(|ran| ran.status.success()) {
        return;
    }
    let trace = fs::read_to_string(trace).unwrap();
    let staged = format!("staging/{}", id(0xab));
    let first = |call: &str, path: &str| {
        let place = trace.lines().position(|line| line.contains(call) && line.contains(path));
        place.unwrap_or_else(|| panic!("no {call} of {path} in {trace}"))
    };
    let (made, synced) = (first("fsync(", "/blobs>"), first("fsync(", &staged));
    let (named, settled) = (first("renameat2(", &staged), first("fsync(", "/blobs/ab>"));
    assert!(made < synced && synced < named && named < settled, "{trace}");
}
