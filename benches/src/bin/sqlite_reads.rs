//! How many reads by key the SQLite store answers, and what each costs: the hot path of a
//! download, which reads about six records in one call.
//!
//! Run with `--release`. Prints a line per number of tasks, with and without a writer beside.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use packhouse_core::store::{Batch, BatchId, Change, Field, Key, Kind, Store, Term, TermValue};
use packhouse_sqlite::{SqliteOptions, SqliteStore};

const FILES: usize = 100_000;
const KEYS: usize = 6;
const MEASURED: Duration = Duration::from_secs(3);

fn main() {
    let folder = std::env::temp_dir().join(format!("packhouse-reads-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder is made");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(measure(folder.join("packhouse.db")));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

async fn measure(path: PathBuf) {
    let store = SqliteStore::open(&path, &SqliteOptions::default()).expect("the store opens");
    fill(&store).await;
    drop(store);
    let opening = Instant::now();
    let store = SqliteStore::open(&path, &SqliteOptions::default()).expect("the store opens");
    println!("opened in {:?}", opening.elapsed());
    let store: Arc<dyn Store> = Arc::new(store);
    for writing in [false, true] {
        for (tasks, keys) in [(1, 1), (1, KEYS), (8, KEYS), (64, 1), (64, KEYS)] {
            run(&store, tasks, keys, writing).await;
        }
    }
}

async fn run(store: &Arc<dyn Store>, tasks: usize, keys: usize, writing: bool) {
    let done = Arc::new(AtomicBool::new(false));
    let writer = writing.then(|| tokio::spawn(write(Arc::clone(store), Arc::clone(&done))));
    let (started, used) = (Instant::now(), processor_time());
    let readers: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(read(Arc::clone(store), Arc::clone(&done), task, keys)))
        .collect();
    tokio::time::sleep(MEASURED).await;
    done.store(true, Ordering::Relaxed);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.expect("no reader fails");
    }
    let (elapsed, used) = (started.elapsed(), processor_time() - used);
    let commits = match writer {
        Some(writer) => writer.await.expect("the writer does not fail"),
        None => 0,
    };
    let each = used.as_secs_f64() * 1e6 / reads as f64;
    let rate = reads as f64 / elapsed.as_secs_f64();
    println!(
        "{tasks:>3} tasks, {keys} keys: {rate:>8.0} reads/s, {each:>5.1} µs of processor each, {commits} commits beside"
    );
}

async fn read(store: Arc<dyn Store>, done: Arc<AtomicBool>, task: usize, keys: usize) -> u64 {
    let (mut reads, mut at) = (0, task * 7919);
    while !done.load(Ordering::Relaxed) {
        at = (at * 31 + 17) % FILES;
        let keys: Vec<Key> = (0..keys).map(|n| key((at + n * 13) % FILES)).collect();
        let found = store.read(&keys).await.expect("the records are read");
        assert!(found.iter().all(Option::is_some));
        reads += 1;
    }
    reads
}

async fn write(store: Arc<dyn Store>, done: Arc<AtomicBool>) -> u64 {
    let mut commits = 0;
    while !done.load(Ordering::Relaxed) {
        let n = usize::try_from(commits).expect("few commits") * 101 % FILES;
        store.commit(&batch(commits, vec![change(n)])).await.expect("the batch is committed");
        commits += 1;
    }
    commits
}

async fn fill(store: &SqliteStore) {
    for chunk in 0..FILES / 1000 {
        let changes = (0..1000).map(|n| change(chunk * 1000 + n)).collect();
        store
            .commit(&batch(u64::MAX - chunk as u64, changes))
            .await
            .expect("the batch is committed");
    }
}

fn batch(number: u64, changes: Vec<Change>) -> Batch {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[8..].copy_from_slice(&processor_time().as_nanos().to_be_bytes()[8..]);
    Batch { id: BatchId(id), expectations: vec![], changes }
}

fn key(n: usize) -> Key {
    let (repo, version) = (format!("repo-{}", n / 5000), format!("{}.0", n % 7));
    let (package, name) = (format!("package-{}", n / 50), format!("file-{n}.jar"));
    Key::new(Kind::new("file"), ["alice", &repo, &package, &version, &name])
}

fn change(n: usize) -> Change {
    const NAME: Field = Field::new("name", 2);
    const SHA256: Field = Field::new("sha256", 0);
    const SIZE: Field = Field::new("size", 2);
    let terms = vec![
        Term { field: NAME, value: TermValue::text(&format!("file-{n}.jar")) },
        Term { field: SHA256, value: TermValue::text(&format!("{n:064x}")) },
        Term { field: SIZE, value: TermValue::integer(n as i64) },
    ];
    let body =
        format!(r#"{{"name":"file-{n}.jar","sha256":"{n:064x}","note":"{}"}}"#, "x".repeat(300));
    Change::Put { key: key(n), body: body.into(), terms, owners: vec![] }
}

/// The processor time that this process has used.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
