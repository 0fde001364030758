//! Blobs are collected without pause while equal contents are uploaded, replaced and deleted, and
//! readers list and download all the time: no reader ever misses a blob.
//!
//! The grace that blobs have is short here, and the collector never rests. Without any grace the
//! same harness reports misses: that is kept as a test of it.
//!
//! `PACKHOUSE_COLLECTIONS` sets how many blobs are removed before a run ends.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream::TryStreamExt;
use packhouse_core::Limits;
use packhouse_core::blobs::ByteRange;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::model::files::File;
use packhouse_core::model::jobs::Task;
use packhouse_server::ports::SystemClock;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::installation::{Answer, Ask, Installation, Kept, User};

const WRITERS: u64 = 3;
const READERS: u64 = 3;
/// How many contents there are: few, so that what is condemned is soon needed again.
const CONTENTS: u64 = 20;
/// Paths that are replaced only, and paths that are deleted too.
const PATHS: u64 = 3;
/// Long enough to open what was just found, on a machine that is busy.
const GRACE: Duration = Duration::from_millis(400);
/// For how long a reader has found a file and has not opened its blob.
const LATE: Duration = Duration::from_millis(15);
/// How long a run waits for its first miss.
const BOUND: Duration = Duration::from_secs(120);

/// What went on, and what went wrong.
#[derive(Debug, Default)]
struct Report {
    uploads: AtomicU64,
    deletions: AtomicU64,
    lists: AtomicU64,
    downloads: AtomicU64,
    steps: AtomicU64,
    removals: AtomicU64,
    /// Blobs that were gone after their removal was due.
    removed: AtomicU64,
    /// Blobs that had been condemned, and were needed again by then.
    reclaimed: AtomicU64,
    misses: Mutex<Vec<String>>,
}

impl Report {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn miss(&self, what: String) {
        self.misses.lock().unwrap().push(what);
    }
}

struct Soak {
    installation: Installation,
    report: Report,
    ended: AtomicBool,
    /// The run ends with the first miss.
    is_first_wanted: bool,
    seed: u64,
}

/// Pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 16) % end
    }
}

/// Small ones and one that is streamed.
fn content(number: u64) -> Vec<u8> {
    let size = if number == 0 { 600_000 } else { 50 + number as usize };
    vec![b'a' + number as u8; size]
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Soak {
    fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Uploads, replaces and deletes.
    async fn write(self: Arc<Self>, user: User, number: u64) {
        let mut random = Random(self.seed + number);
        while self.goes_on() {
            let path = random.below(2 * PATHS);
            let deletable = path >= PATHS;
            if deletable && random.below(2) == 0 {
                let url = format!("/content/{{u}}/repo/{number}/{path}");
                let answer = user.ask(&self.installation.faulty, &Ask::new("DELETE", &url)).await;
                self.expect(&answer, &[200, 404], "a deletion");
                Report::count(&self.report.deletions);
            } else {
                self.upload(&user, number, path, random.below(CONTENTS)).await;
            }
        }
    }

    async fn upload(&self, user: &User, number: u64, path: u64, of: u64) {
        let flags = "publish=1&override=1";
        let url = format!("/content/{{u}}/repo/tool/{number}/{number}/{path}?{flags}");
        let answer =
            user.ask(&self.installation.faulty, &Ask::new("PUT", &url).body(content(of))).await;
        self.expect(&answer, &[201], "an upload");
        Report::count(&self.report.uploads);
    }

    fn expect(&self, answer: &Answer, statuses: &[u16], what: &str) {
        if !statuses.contains(&answer.status) {
            self.report.miss(format!("{what} was answered {answer:?}"));
        }
    }

    /// Lists, and downloads what is listed.
    async fn read(self: Arc<Self>, user: User, contents: Arc<BTreeSet<String>>) {
        while self.goes_on() {
            let list = Ask::new("GET", "/packages/{u}/repo/tool/files");
            let answer = user.ask(&self.installation.faulty, &list).await;
            self.expect(&answer, &[200], "a list");
            Report::count(&self.report.lists);
            let Some(body) = answer.body.filter(|_| answer.status == 200) else { continue };
            let listed: serde_json::Value = serde_json::from_slice(&body).unwrap();
            for file in listed.as_array().unwrap() {
                self.download(&user, file["path"].as_str().unwrap(), &contents).await;
            }
        }
    }

    async fn download(&self, user: &User, path: &str, contents: &BTreeSet<String>) {
        let get = Ask::new("GET", &format!("/{{u}}/repo/{path}"));
        let answer = user.ask(&self.installation.faulty, &get).await;
        Report::count(&self.report.downloads);
        let deletable = path.rsplit('/').next().unwrap().parse::<u64>().unwrap() >= PATHS;
        match (answer.status, &answer.body) {
            (200, Some(body)) => {
                let sha256 = sha256(body);
                let announced = answer.headers.get("x-checksum-sha2").unwrap();
                if !contents.contains(&sha256) || announced.to_str().unwrap() != sha256 {
                    self.report.miss(format!("{path} has other bytes"));
                }
            }
            (404, _) if deletable => {}
            (status, body) => {
                self.report.miss(format!("{path}: {status}, whole: {}", body.is_some()));
            }
        }
    }

    /// Collects without pause, until so many blobs were removed.
    async fn collect(&self, removals: u64) {
        let (runner, begun) = (Runner::new(&self.installation.packhouse), Instant::now());
        while self.report.removed.load(Ordering::Relaxed) < removals {
            let is_missed = || !self.report.misses.lock().unwrap().is_empty();
            if self.is_first_wanted && (is_missed() || begun.elapsed() > BOUND) {
                break;
            }
            Report::count(&self.report.steps);
            match runner.step().await {
                Ok(Step::Idle) => tokio::task::yield_now().await,
                Ok(Step::Done(Task::RemoveBlobs(ids))) => {
                    Report::count(&self.report.removals);
                    for id in ids {
                        let there = self.installation.blobs.open(&id, ByteRange::ALL).await;
                        let Report { removed, reclaimed, .. } = &self.report;
                        Report::count(if there.is_ok() { reclaimed } else { removed });
                    }
                }
                Ok(Step::Done(_)) => {}
                told => self.report.miss(format!("the collector: {told:?}")),
            }
        }
        self.ended.store(true, Ordering::Relaxed);
    }

    /// With everybody gone, every file has its bytes, and nothing else is kept.
    async fn check_end(&self, grace: Duration) {
        let runner = Runner::new(&self.installation.sound_packhouse);
        for _ in 0..3 {
            while !matches!(runner.step().await.unwrap(), Step::Idle) {}
            tokio::time::sleep(grace + Duration::from_millis(10)).await;
        }
        let files = self.installation.all::<File>().await;
        let named: BTreeSet<_> = files.iter().flat_map(File::blobs).collect();
        let listed: Vec<_> = self.installation.blobs.list().try_collect().await.unwrap();
        let there: BTreeSet<_> = listed.into_iter().map(|info| info.id).collect();
        assert_eq!(there, named, "the blobs are those of the files");
    }
}

/// Everybody at once, until so many blobs were removed; what was missed.
async fn soak(kept: Kept, grace: Duration, removals: u64) -> Vec<String> {
    // Nothing is served from memory: each download opens its blob.
    let limits = Limits { blob_grace: grace, hot_bytes: 0, ..Limits::default() };
    let installation = Installation::new(kept, Arc::new(SystemClock), limits).await;
    installation.faults.step_aside();
    installation.faults.open_late(LATE);
    let user = installation.user().await;
    let (report, ended) = (Report::default(), AtomicBool::default());
    let (is_first_wanted, seed) = (grace.is_zero(), u64::from(std::process::id()));
    let soak = Arc::new(Soak { installation, report, ended, is_first_wanted, seed });
    let contents: Arc<BTreeSet<String>> =
        Arc::new((0..CONTENTS).map(|number| sha256(&content(number))).collect());
    for (number, path) in (0..WRITERS).flat_map(|number| (0..PATHS).map(move |path| (number, path)))
    {
        soak.upload(&user, number, path, 1).await;
    }
    let (mut tasks, begun) = (JoinSet::new(), Instant::now());
    for number in 0..WRITERS {
        tasks.spawn(Arc::clone(&soak).write(user.clone(), number));
    }
    for _ in 0..READERS {
        tasks.spawn(Arc::clone(&soak).read(user.clone(), Arc::clone(&contents)));
    }
    soak.collect(removals).await;
    while let Some(ended) = tasks.join_next().await {
        ended.expect("nobody panics");
    }
    let misses = std::mem::take(&mut *soak.report.misses.lock().unwrap());
    let (report, missed) = (&soak.report, misses.len());
    println!(
        "{kept:?}, grace {grace:?}, seed {seed}, {:?}: {report:?}, {missed} misses",
        begun.elapsed()
    );
    if !is_first_wanted {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Report { removed, reclaimed, .. } = &soak.report;
        assert!(count(removed) > 0 && count(reclaimed) > 0, "blobs come and go");
        soak.check_end(grace).await;
    }
    misses
}

fn removals(unless_told: u64) -> u64 {
    let told = std::env::var("PACKHOUSE_COLLECTIONS").ok();
    told.and_then(|told| told.parse().ok()).unwrap_or(unless_told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_in_memory_misses_a_blob_while_blobs_are_collected() {
    assert_eq!(soak(Kept::InMemory, GRACE, removals(20)).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_on_disk_misses_a_blob_while_blobs_are_collected() {
    assert_eq!(soak(Kept::OnDisk, GRACE, removals(20)).await, [""; 0]);
}

/// The test of the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_the_grace_readers_miss_blobs() {
    for kept in [Kept::InMemory, Kept::OnDisk] {
        let misses = soak(kept, Duration::ZERO, 10_000).await;
        assert!(!misses.is_empty(), "{kept:?}: the harness sees nothing");
        assert!(misses.iter().all(|miss| miss.contains("503")), "{misses:?}");
    }
}
