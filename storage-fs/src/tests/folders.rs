//! Folders whose sync failed: what is changed after it is as good as before.

use super::*;
use crate::folder::Folder;

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
    let dir = tempfile::tempdir().unwrap();
    let folder = Arc::new(Folder::new(dir.path().to_owned()));
    let disk = Meanwhile(Arc::clone(&folder));
    folder.change(|| Ok(())).unwrap();
    folder.settle(&disk).unwrap_err();
    // As one does who changed it while the sync ran, and comes only now.
    folder.settle(&SystemDisk).unwrap_err();
    folder.change(|| Ok(())).unwrap();
    folder.settle(&SystemDisk).unwrap();
}

/// Whose syncs fail, after something else was changed.
#[derive(Debug)]
struct Meanwhile(Arc<Folder>);

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
        self.0.changed();
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
