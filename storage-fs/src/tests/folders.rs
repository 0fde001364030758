//! Folders whose sync failed: what is changed after it is as good as before.

use super::*;
use crate::folder::{Folder, Mark};

#[tokio::test]
async fn a_folder_whose_sync_failed_goes_on_with_what_is_named_after_it() {
    for (errno, kind) in
        [(Errno::IO, BlobErrorKind::Unavailable), (Errno::NOSPC, BlobErrorKind::Full)]
    {
        let bench = Bench::new(Noting::default());
        bench.disk.fail("sync ab", errno);
        assert_eq!(bench.put(1).await.unwrap_err().kind, kind);
        assert_eq!(bench.count("blobs/ab"), 0, "the name is taken back");
        bench.disk.mend();
        bench.disk.take();
        bench.put(2).await.unwrap();
        let done = bench.disk.take();
        let place = |what: &str| done.iter().position(|note| note == what).unwrap();
        assert!(place("name ab") < place("sync ab"), "its own sync: {done:?}");
    }
}

#[tokio::test]
async fn a_removal_that_a_failed_sync_lost_is_made_again() {
    let bench = Bench::new(Noting::default());
    bench.put(1).await.unwrap();
    bench.disk.fail("sync ab", Errno::IO);
    assert_eq!(bench.store.remove(&id(1)).await.unwrap_err().kind, BlobErrorKind::Unavailable);
    bench.disk.mend();
    // Another's sync says nothing of it.
    bench.put(2).await.unwrap();
    bench.disk.take();
    bench.store.remove(&id(1)).await.unwrap();
    let again = bench.disk.take();
    assert_eq!(again[..4], ["unlink ab", "create ab", "unlink ab", "sync ab"]);
    assert_eq!(bench.count("blobs/ab"), 1);
    bench.store.remove(&id(2)).await.unwrap();
    assert_eq!(bench.disk.take(), ["unlink ab", "sync ab", "unlink suspended"]);
}

/// A sync that fails takes with it what was named while it ran.
#[test]
fn what_is_changed_while_a_sync_fails_is_not_believed_either() {
    let (_dir, folder) = folder();
    let disk = Meanwhile(Arc::clone(&folder), Mutex::default());
    let first = folder.changed();
    folder.settle(&disk, first).unwrap_err();
    let meanwhile = disk.1.lock().unwrap().unwrap();
    // Others make changes later, and theirs are durable.
    let later = folder.changed();
    folder.settle(&SystemDisk, later).unwrap();
    // Those who made the lost ones come only now.
    folder.settle(&SystemDisk, first).unwrap_err();
    folder.settle(&SystemDisk, meanwhile).unwrap_err();
}

#[test]
fn what_was_durable_before_a_sync_failed_stays_so() {
    let (_dir, folder) = folder();
    let first = folder.changed();
    folder.settle(&SystemDisk, first).unwrap();
    for _ in 0..200 {
        let lost = folder.changed();
        folder.settle(&Meanwhile(Arc::clone(&folder), Mutex::default()), lost).unwrap_err();
        let kept = folder.changed();
        folder.settle(&SystemDisk, kept).unwrap();
        folder.settle(&SystemDisk, lost).unwrap_err();
        folder.settle(&SystemDisk, first).unwrap();
    }
}

fn folder() -> (tempfile::TempDir, Arc<Folder>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Arc::new(Folder::new(dir.path().to_owned()));
    (dir, folder)
}

/// Whose syncs fail, after something else was changed.
#[derive(Debug)]
struct Meanwhile(Arc<Folder>, Mutex<Option<Mark>>);

impl Disk for Meanwhile {
    fn create(&self, path: &Path) -> io::Result<File> {
        SystemDisk.create(path)
    }

    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        SystemDisk.write(file, bytes, at)
    }

    fn write_back(&self, file: &File) -> io::Result<()> {
        SystemDisk.write_back(file)
    }

    fn sync(&self, _: &File, _: &Path) -> io::Result<()> {
        *self.1.lock().unwrap() = Some(self.0.changed());
        Err(Errno::IO.into())
    }

    fn name(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemDisk.name(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        SystemDisk.unlink(path)
    }

    fn space(&self, file: &File) -> io::Result<Space> {
        SystemDisk.space(file)
    }
}
