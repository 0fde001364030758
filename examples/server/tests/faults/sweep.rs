//! Every call of every step of the main job fails, in every way.
//!
//! A step that is answered with success has happened, one that is refused has happened whole or not
//! at all, and the refusal is 503 or 507; what is listed is there. When the fault is gone the same
//! engine does the same, without a restart.
//!
//! `PACKHOUSE_FAULTS=all` visits on disk too what the test command visits in memory alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use futures::stream::TryStreamExt;
use packhouse_conformance::faults::{Counted, How};
use packhouse_core::Limits;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::memory::SetClock;
use packhouse_core::model::files::File;
use packhouse_tests::content::sha256;

use crate::installation::{Ask, Installation, Kept, User};
use crate::scenarios::{self, Doing, LARGE, Scenario};
use crate::ways::{Lasts, Way, ways};

/// For how long blobs that nothing refers to are kept.
const GRACE: Duration = Duration::from_secs(3600);

struct World {
    installation: Installation,
    clock: SetClock,
}

/// What a step was answered with.
#[derive(PartialEq, Eq, Debug)]
enum Told {
    Done,
    Refused(u16),
    /// Nothing whole came back.
    Nothing,
}

impl World {
    async fn new(kept: Kept) -> Self {
        let clock = SetClock::new();
        let limits = Limits { blob_grace: GRACE, max_orphan_percent: 100, ..Limits::default() };
        let installation = Installation::new(kept, Arc::new(clock.clone()), limits).await;
        // More than one chunk of what is large, in memory too.
        installation.faults.stream_in(LARGE / 3);
        Self { installation, clock }
    }

    /// A user for whom everything is there that a step needs.
    async fn prepared(&self, scenario: &Scenario) -> User {
        let user = self.installation.user().await;
        for ask in &scenario.before {
            user.does(&self.installation.sound, ask).await;
        }
        if matches!(scenario.step, Doing::Collecting) {
            self.collect(&Runner::new(&self.installation.sound_packhouse)).await.unwrap();
            user.does(&self.installation.sound, &scenario.before[0]).await;
            user.does(&self.installation.sound, &scenario.before[2]).await;
        }
        user
    }

    /// Runs what is due, now and when the grace is over.
    async fn collect(&self, runner: &Runner) -> packhouse_core::Result<()> {
        for _ in 0..2 {
            loop {
                match runner.step().await? {
                    Step::Idle => break,
                    Step::Done(_) => {}
                    Step::Failed(_, error) | Step::Stalled(error) => return Err(error),
                }
            }
            self.clock.advance(GRACE);
        }
        Ok(())
    }

    /// Does a step over the wrappers.
    async fn does(&self, user: &User, step: &Doing) -> Told {
        let ask = match step {
            Doing::Request(ask) => ask,
            Doing::Collecting => {
                let runner = Runner::new(&self.installation.packhouse);
                return match self.collect(&runner).await {
                    Ok(()) => Told::Done,
                    Err(error) if error.may_be_retried() => Told::Refused(503),
                    Err(error) => panic!("{error:?}"),
                };
            }
        };
        if ask.path.starts_with("/management") {
            let admin = self.installation.admin();
            let ask = Ask { path: ask.path.replace("{u}", &user.name), ..ask.clone() };
            return told(&ask, &admin.ask(&self.installation.faulty, &ask).await);
        }
        let answer = user.ask(&self.installation.faulty, ask).await;
        if let (Some(body), true, "GET") = (&answer.body, answer.is_success(), ask.method) {
            let right = user.ask(&self.installation.sound, ask).await.whole();
            assert_eq!(*body, right, "{ask:?} gives something else");
        }
        told(ask, &answer)
    }

    /// Everything that can be seen of a user, with `U` for its name. What is listed is downloaded
    /// and compared with its checksum.
    async fn seen(&self, user: &User) -> String {
        let (admin, sound) = (self.installation.admin(), &self.installation.sound);
        let mut seen = String::new();
        for name in [user.name.clone(), format!("{}x", user.name)] {
            let path = format!("/management/v1/users/{name}");
            let status = admin.ask(sound, &Ask::new("GET", &path)).await.status;
            writeln!(seen, "user: {status}").unwrap();
        }
        for path in [
            "/repos/{u}",
            "/packages/{u}/repo/tool",
            "/packages/{u}/repo/more",
            "/users/{u}/access_keys",
        ] {
            let answer = user.ask(sound, &Ask::new("GET", path)).await;
            writeln!(seen, "{path}: {} {}", answer.status, essence(&answer.whole())).unwrap();
        }
        let (listed, mut lines) = (self.listed(user).await, BTreeSet::new());
        for file in listed.values() {
            lines.insert(self.file_seen(user, file).await);
        }
        for file in self.installation.all_within::<File>(&[&user.name]).await {
            // What is being deleted is hidden, and still there.
            if !listed.contains_key(file.path.as_str()) {
                continue;
            }
            lines.insert(format!("{} is published: {}\n", file.path, file.published.is_some()));
            if let Some(sha256) = file.replacement.map(|waits| waits.digests.sha256) {
                lines.insert(format!("{} waits to be {sha256}\n", file.path));
            }
        }
        seen.extend(lines);
        seen.replace(&user.name, "U")
    }

    /// The files that are listed, by their paths.
    async fn listed(&self, user: &User) -> BTreeMap<String, serde_json::Value> {
        let list = Ask::new("GET", "/packages/{u}/repo/tool/files?include_unpublished=1");
        let listed = user.ask(&self.installation.sound, &list).await.whole();
        let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
        let by_path =
            |file: &serde_json::Value| (file["path"].as_str().unwrap().to_owned(), file.clone());
        listed.as_array().into_iter().flatten().map(by_path).collect()
    }

    async fn file_seen(&self, user: &User, file: &serde_json::Value) -> String {
        let path = file["path"].as_str().unwrap();
        let url = format!("/{{u}}/repo/{path}");
        let got = user.ask(&self.installation.sound, &Ask::new("GET", &url)).await;
        let got = (got.status == 200).then(|| got.whole());
        let held = got.as_ref().map(|body| sha256(body));
        if held.as_deref() != file["sha256"].as_str() {
            // What a client that went away had begun may have ended since it was listed.
            let listed = self.listed(user).await;
            let now = listed.get(path).and_then(|file| file["sha256"].as_str());
            assert_eq!(held.as_deref(), now, "{path} is not what is listed, or cannot be had");
        }
        match got {
            Some(body) => {
                format!("{path} of {:?}, {} bytes\n", file["version"].as_str(), body.len())
            }
            None => format!("{path} is no more\n"),
        }
    }

    /// When everything has been collected, there is no blob that no file has.
    async fn check_end(&self) {
        // What crashes and givers-up leave is swept when it is old by the storage's own clock.
        self.installation.make_blobs_old();
        let runner = Runner::new(&self.installation.packhouse);
        runner.schedule().await.unwrap();
        for _ in 0..3 {
            self.clock.advance(Duration::from_secs(24 * 3600));
            self.collect(&runner).await.unwrap();
        }
        let files = self.installation.all::<File>().await;
        let named: BTreeSet<_> = files.iter().flat_map(File::blobs).collect();
        let listed: Vec<_> = self.installation.blobs.list().try_collect().await.unwrap();
        let there: BTreeSet<_> = listed.into_iter().map(|info| info.id).collect();
        assert_eq!(there, named, "the blobs are those of the files");
    }
}

fn told(ask: &Ask, answer: &crate::installation::Answer) -> Told {
    match answer.status {
        200..300 if answer.body.is_some() => Told::Done,
        200..300 => {
            assert_eq!(ask.method, "GET", "only a download may break off: {ask:?}");
            Told::Nothing
        }
        503 | 507 => {
            assert!(answer.headers.contains_key("retry-after"), "{ask:?}: {answer:?}");
            Told::Refused(answer.status)
        }
        status => Told::Refused(status),
    }
}

/// What a JSON answer says, without what differs between any two runs.
fn essence(body: &[u8]) -> String {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                for varying in ["created", "updated", "id_created", "last_modified"] {
                    fields.remove(varying);
                }
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value.to_string()
}

/// What is seen before a step and after it.
struct Expected {
    before: String,
    after: String,
}

/// Runs a step for a user with the n-th call failing; whether it was reached.
async fn visit(
    world: &World,
    user: &User,
    scenario: &Scenario,
    (way, call): (Way, usize),
    expected: &Expected,
) -> bool {
    let case = format!("{} with {way:?} at call {call}", scenario.name);
    let faults = &world.installation.faults;
    let last = if way.lasts == Lasts::ForGood { usize::MAX } else { call + 1 };
    faults.fail(way.counted, call..last, way.how);
    let stalled = faults.stalled().boxed();
    let told = match select(world.does(user, &scenario.step).boxed(), stalled).await {
        Either::Left((told, _)) => told,
        Either::Right(((), step)) if way.lasts == Lasts::Waited => {
            faults.heal();
            step.await
        }
        Either::Right(((), step)) => {
            drop(step);
            Told::Nothing
        }
    };
    let reached = faults.calls() > call;
    faults.heal();
    if scenario.reads() {
        let refused = matches!(told, Told::Refused(503 | 507)) && !way.how.is_slow();
        assert!(refused || matches!(told, Told::Done | Told::Nothing), "{case}: {told:?}");
        assert_eq!(world.does(user, &scenario.step).await, Told::Done, "{case}, again");
        return reached;
    }
    check(world, user, &told, way, expected, &case).await;
    let again = world.does(user, &scenario.step).await;
    assert_eq!(world.seen(user).await, expected.after, "{case}, again: {again:?}");
    // What happened in the first place cannot be made or deleted again.
    let over = matches!(again, Told::Done | Told::Refused(401 | 404 | 409));
    assert!(over, "{case}, again: {again:?}");
    reached
}

/// Compares what was answered with what is there.
async fn check(world: &World, user: &User, told: &Told, way: Way, expected: &Expected, case: &str) {
    let Expected { before, after } = expected;
    let mut seen = world.seen(user).await;
    match told {
        Told::Done => assert_eq!(seen, *after, "{case} was answered with success"),
        Told::Refused(status) => {
            assert!(matches!(status, 503 | 507), "{case}: {status}");
            assert!(!way.how.is_slow(), "{case}: slow is not refused, and this was: {status}");
            // What has no room has not happened.
            assert!(
                seen == *before || (*status == 503 && seen == *after),
                "{case}: {status} left this:\n{seen}"
            );
        }
        Told::Nothing => {
            // What runs on behind a client that went away ends soon.
            for _ in 0..500 {
                if seen == *before || seen == *after {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
                seen = world.seen(user).await;
            }
            panic!("{case} left half:\n{seen}");
        }
    }
}

/// Visits every point of every step.
async fn sweep(kept: Kept, scenarios: &[Scenario], ways: &[Way]) {
    let mut points = 0;
    for scenario in scenarios {
        let world = World::new(kept).await;
        let user = world.prepared(scenario).await;
        let before = world.seen(&user).await;
        assert_eq!(world.does(&user, &scenario.step).await, Told::Done, "{}", scenario.name);
        let expected = Expected { before, after: world.seen(&user).await };
        assert_eq!(scenario.is_seen(), expected.before != expected.after, "{}", scenario.name);
        let mut of_this = 0;
        for way in ways {
            for call in 0.. {
                // Reading changes nothing.
                let own = match scenario.reads() {
                    true => user.clone(),
                    false => world.prepared(scenario).await,
                };
                if !visit(&world, &own, scenario, (*way, call), &expected).await {
                    break;
                }
                of_this += 1;
            }
        }
        let fails = ways.iter().any(|way| way.counted == Counted::Every);
        assert!(of_this > 0 || !fails, "{} makes no call", scenario.name);
        world.check_end().await;
        println!("{kept:?} {}: {of_this} points", scenario.name);
        points += of_this;
    }
    println!("{kept:?}: {points} points, {} steps, {} ways", scenarios.len(), ways.len());
}

fn is_told_all() -> bool {
    std::env::var("PACKHOUSE_FAULTS").is_ok_and(|value| value == "all")
}

async fn in_memory(scenarios: Vec<Scenario>) {
    sweep(Kept::InMemory, &scenarios, &ways(is_told_all())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_of_what_writes_may_fail() {
    in_memory(scenarios::writing()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_of_what_makes_and_changes_may_fail() {
    in_memory(scenarios::making()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_of_what_deletes_and_collects_may_fail() {
    in_memory(scenarios::deleting()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_of_what_reads_may_fail() {
    in_memory(scenarios::reading()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_call_may_fail_on_disk() {
    let mut ways = ways(is_told_all());
    // What a backend makes of failures of its own is for its tests: here it is wrapped.
    let few = [How::Unavailable, How::UnknownApplied];
    ways.retain(|way| is_told_all() || (few.contains(&way.how) && way.lasts == Lasts::Once));
    sweep(Kept::OnDisk, &scenarios::all(), &ways).await;
}
