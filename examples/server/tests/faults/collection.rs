//! Blobs are collected without pause while equal contents are uploaded, replaced and deleted, and
//! readers list and download all the time: no reader ever misses a blob.
//!
//! The collector never rests, and moves the clock by itself: so far at a time, and so often, that no
//! download sees a whole grace pass, however slow the machine is. Without any grace the same harness
//! reports misses: that is kept as a test of it.
//!
//! `PACKHOUSE_COLLECTIONS` sets how many blobs are removed before a run ends.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::TryStreamExt;
use packhouse_core::Limits;
use packhouse_core::blobs::ByteRange;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::memory::SetClock;
use packhouse_core::model::files::File;
use packhouse_core::model::jobs::Task;
use packhouse_tests::content::sha256;
use packhouse_tests::random::Random;
use packhouse_tests::settings;
use tokio::task::JoinSet;

use crate::installation::{Answer, Ask, Installation, Kept, User};

const WRITERS: u64 = 3;
const READERS: u64 = 3;
/// How many contents there are: few, so that what is condemned is soon needed again.
const CONTENTS: u64 = 20;
/// Paths that are replaced only, and paths that are deleted too.
const PATHS: u64 = 3;
const GRACE: Duration = Duration::from_secs(1);
/// After how many uploads the clock may move: enough that some of what is condemned is needed again,
/// and few enough that some is not.
const UPLOADS_AN_AGE: u64 = 10;
/// For how long a reader has found a file and has not opened its blob.
const LATE: Duration = Duration::from_millis(15);
/// How long a run waits for its first miss.
const BOUND: Duration = Duration::from_secs(600);

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
    /// Downloads that saw the clock move.
    aged: AtomicU64,
    /// Changes that others were always faster than: 503, as documented.
    given_up: AtomicU64,
    /// Downloads of which the bytes were not there.
    misses: Mutex<Vec<String>>,
    /// What else went wrong.
    errors: Mutex<Vec<String>>,
}

impl Report {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn is_over(&self, removals: u64) -> bool {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        count(&self.removed) >= removals && count(&self.reclaimed) > 0 && count(&self.aged) > 0
    }

    fn miss(&self, what: String) {
        self.misses.lock().unwrap().push(what);
    }

    fn error(&self, what: String) {
        self.errors.lock().unwrap().push(what);
    }

    fn is_clean(&self) -> bool {
        self.misses.lock().unwrap().is_empty() && self.errors.lock().unwrap().is_empty()
    }
}

/// When the clock may move: each download lies within two ages, so that the clock moves once at
/// most from when a file is found until its blob is open.
#[derive(Debug, Default)]
struct Ages(Mutex<Now>);

#[derive(Debug, Default)]
struct Now {
    age: usize,
    /// How many downloads run that began in an even age, and in an odd one.
    running: [usize; 2],
}

/// A download, for as long as it runs, and the age that it began in.
struct Running<'a>(&'a Ages, usize);

impl Running<'_> {
    fn is_aged(&self) -> bool {
        self.0.0.lock().unwrap().age > self.1
    }
}

impl Ages {
    fn begin(&self) -> Running<'_> {
        let mut now = self.0.lock().unwrap();
        let age = now.age;
        now.running[age % 2] += 1;
        Running(self, age)
    }

    /// Moves the clock, unless a download that has seen it move still runs; whether it moved.
    fn pass(&self, clock: &SetClock, by: Duration) -> bool {
        let mut now = self.0.lock().unwrap();
        let may = now.running[(now.age + 1) % 2] == 0;
        if may {
            clock.advance(by);
            now.age += 1;
        }
        may
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).running[self.1 % 2] -= 1;
    }
}

struct Soak {
    installation: Installation,
    clock: SetClock,
    ages: Ages,
    report: Report,
    ended: AtomicBool,
    /// The run ends with the first miss.
    is_first_wanted: bool,
    seed: u64,
}

/// Small ones and one that is streamed.
fn content(number: u64) -> Vec<u8> {
    let size = if number == 0 { 600_000 } else { 50 + number as usize };
    vec![b'a' + number as u8; size]
}

impl Soak {
    fn goes_on(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Uploads, replaces and deletes.
    async fn write(self: Arc<Self>, user: User, number: u64) {
        let mut random = Random::new(self.seed + number);
        while self.goes_on() {
            let path = random.below(2 * PATHS);
            let deletable = path >= PATHS;
            if deletable && random.below(2) == 0 {
                let url = format!("/content/{{u}}/repo/{number}/{path}");
                let answer = user.ask(&self.installation.faulty, &Ask::new("DELETE", &url)).await;
                self.expect_change(&answer, &[200, 404], "a deletion");
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
        self.expect_change(&answer, &[201], "an upload");
        Report::count(&self.report.uploads);
    }

    fn expect_change(&self, answer: &Answer, statuses: &[u16], what: &str) {
        if answer.status == 503 && answer.headers.contains_key("retry-after") {
            Report::count(&self.report.given_up);
        } else {
            self.expect(answer, statuses, what);
        }
    }

    fn expect(&self, answer: &Answer, statuses: &[u16], what: &str) {
        if !statuses.contains(&answer.status) {
            self.report.error(format!("{what} was answered {answer:?}"));
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
        let running = self.ages.begin();
        let answer = user.ask(&self.installation.faulty, &get).await;
        if running.is_aged() {
            Report::count(&self.report.aged);
        }
        drop(running);
        Report::count(&self.report.downloads);
        let deletable = path.rsplit('/').next().unwrap().parse::<u64>().unwrap() >= PATHS;
        match (answer.status, &answer.body) {
            (200, Some(body)) => {
                let sha256 = sha256(body);
                let announced = answer.headers.get("x-checksum-sha2").unwrap();
                if !contents.contains(&sha256) || announced.to_str().unwrap() != sha256 {
                    self.report.error(format!("{path} has other bytes"));
                }
            }
            (404, _) if deletable => {}
            (503, _) | (200, None) => self.report.miss(format!("{path}: {}", answer.status)),
            (status, _) => self.report.error(format!("{path}: {status}")),
        }
    }

    /// Collects without pause, until so many blobs were removed. Half a grace passes at a time: two
    /// of them are one, and a download sees one at most.
    async fn collect(&self, grace: Duration, removals: u64) {
        let (runner, begun) = (Runner::new(&self.installation.packhouse), Instant::now());
        let mut due = 0;
        while !self.report.is_over(removals) {
            if self.is_first_wanted && (!self.report.is_clean() || begun.elapsed() > BOUND) {
                break;
            }
            Report::count(&self.report.steps);
            match runner.step().await {
                Ok(Step::Idle) => {
                    let uploads = self.report.uploads.load(Ordering::Relaxed);
                    if uploads >= due && self.ages.pass(&self.clock, grace / 2) {
                        due = uploads + UPLOADS_AN_AGE;
                    }
                    tokio::task::yield_now().await;
                }
                Ok(Step::Done(Task::RemoveBlobs(ids))) => {
                    Report::count(&self.report.removals);
                    for id in ids {
                        let there = self.installation.blobs.open(&id, ByteRange::ALL).await;
                        let Report { removed, reclaimed, .. } = &self.report;
                        Report::count(if there.is_ok() { reclaimed } else { removed });
                    }
                }
                Ok(Step::Done(_)) => {}
                told => self.report.error(format!("the collector: {told:?}")),
            }
        }
        self.ended.store(true, Ordering::Relaxed);
    }

    /// With everybody gone, every file has its bytes, and nothing else is kept.
    async fn check_end(&self, grace: Duration) {
        let runner = Runner::new(&self.installation.sound_packhouse);
        for _ in 0..3 {
            while !matches!(runner.step().await.unwrap(), Step::Idle) {}
            self.clock.advance(grace);
        }
        let files = self.installation.all::<File>().await;
        let named: BTreeSet<_> = files.iter().flat_map(File::blobs).collect();
        let listed: Vec<_> = self.installation.blobs.list().try_collect().await.unwrap();
        let there: BTreeSet<_> = listed.into_iter().map(|info| info.id).collect();
        assert_eq!(there, named, "the blobs are those of the files");
    }
}

/// Everybody at once, until so many blobs were removed; the downloads that missed theirs.
async fn soak(kept: Kept, grace: Duration, removals: u64) -> Vec<String> {
    // Nothing is served from memory: each download opens its blob.
    let limits = Limits { blob_grace: grace, hot_bytes: 0, ..Limits::default() };
    let clock = SetClock::new();
    let installation = Installation::new(kept, Arc::new(clock.clone()), limits).await;
    installation.faults.step_aside();
    installation.faults.open_late(LATE);
    let user = installation.user().await;
    let (report, ended) = (Report::default(), AtomicBool::default());
    let (is_first_wanted, seed) = (grace.is_zero(), u64::from(std::process::id()));
    let ages = Ages::default();
    let soak = Soak { installation, clock, ages, report, ended, is_first_wanted, seed };
    let soak = Arc::new(soak);
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
    soak.collect(grace, removals).await;
    while let Some(ended) = tasks.join_next().await {
        ended.expect("nobody panics");
    }
    let misses = std::mem::take(&mut *soak.report.misses.lock().unwrap());
    let (report, missed) = (&soak.report, misses.len());
    println!(
        "{kept:?}, grace {grace:?}, seed {seed}, {:?}: {report:?}, {missed} misses",
        begun.elapsed()
    );
    assert_eq!(*soak.report.errors.lock().unwrap(), [""; 0], "{kept:?}");
    if !is_first_wanted {
        soak.check_end(grace).await;
    }
    misses
}

fn removals() -> u64 {
    settings::number("PACKHOUSE_COLLECTIONS").unwrap_or(100)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_in_memory_misses_a_blob_while_blobs_are_collected() {
    assert_eq!(soak(Kept::InMemory, GRACE, removals()).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_on_disk_misses_a_blob_while_blobs_are_collected() {
    assert_eq!(soak(Kept::OnDisk, GRACE, removals()).await, [""; 0]);
}

/// The test of the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_the_grace_readers_miss_blobs() {
    for kept in [Kept::InMemory, Kept::OnDisk] {
        let misses = soak(kept, Duration::ZERO, u64::MAX).await;
        assert!(!misses.is_empty(), "{kept:?}: the harness sees nothing");
    }
}
