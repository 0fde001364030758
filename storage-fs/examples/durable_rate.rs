//! How many small blobs a second become durable, next to the same syncs made plainly.
//!
//! `cargo run --release -p packhouse-fs --example durable_rate -- DIR [seconds a row]`. Both are
//! measured in turn, several times, in the same directory: a figure for durable writes means
//! nothing without its neighbour.
#![allow(clippy::print_stdout)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use packhouse_core::blobs::{BlobId, BlobStore};
use packhouse_fs::{FsBlobs, FsOptions};

const ROUNDS: usize = 3;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("a directory to write to");
    let seconds = arguments.next().map_or(2.0, |text| text.parse().expect("seconds"));
    let limit = Duration::from_secs_f64(seconds);
    let plain = Path::new(&dir).join("plain");
    fs::create_dir_all(&plain).expect("a folder for the plain files");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = FsBlobs::open(Path::new(&dir).join("store"), FsOptions::default());
    let store: Arc<dyn BlobStore> = Arc::new(store.expect("a store"));
    println!("files/s, {ROUNDS} rounds; 1 to 10 KiB each");
    for tasks in [1, 8, 32] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            rates[0].push(runtime.block_on(blobs(&store, tasks, limit)));
            rates[1].push(files(&plain, tasks, limit));
        }
        for (name, mut rates) in ["FsBlobs", "plain"].into_iter().zip(rates) {
            rates.sort_by(f64::total_cmp);
            let told: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
            println!("{tasks:>3} at once  {name:<8} {}", told.join(" / "));
        }
    }
}

/// Different numbers in every run.
fn next() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// From 1 to 10 KiB.
fn content(number: u64) -> Vec<u8> {
    vec![number.to_le_bytes()[0]; 1024 + (number as usize * 977) % 9216]
}

async fn blobs(store: &Arc<dyn BlobStore>, tasks: usize, limit: Duration) -> f64 {
    let start = Instant::now();
    let put = |store: Arc<dyn BlobStore>| async move {
        let mut count = 0;
        while start.elapsed() < limit {
            let number = next();
            let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let id = u128::from(spread) << 64 | u128::from(std::process::id());
            let mut writer =
                store.create(&BlobId::from_bytes(id.to_be_bytes())).await.expect("create");
            writer.write(Bytes::from(content(number))).await.expect("write");
            writer.finish().await.expect("finish");
            count += 1;
        }
        count
    };
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(put(Arc::clone(store)))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("the task ends");
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// A temporary file, synced, renamed, its folder synced: in one folder, on threads.
fn files(dir: &Path, threads: usize, limit: Duration) -> f64 {
    let start = Instant::now();
    let put = || {
        let mut count = 0;
        while start.elapsed() < limit {
            let number = next();
            let name = dir.join(format!("{}-{number}", std::process::id()));
            let temporary = name.with_extension("tmp");
            let mut file = File::create_new(&temporary).expect("create");
            file.write_all(&content(number)).expect("write");
            file.sync_all().expect("sync the file");
            fs::rename(&temporary, &name).expect("rename");
            File::open(dir).and_then(|folder| folder.sync_all()).expect("sync the folder");
            count += 1;
        }
        count
    };
    let count: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(put)).collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread ends")).sum()
    });
    f64::from(count) / start.elapsed().as_secs_f64()
}
