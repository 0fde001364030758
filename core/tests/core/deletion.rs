//! Large deletions: hidden at once, finished after a crash, and nothing left at the end.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::model::Stored;
use packhouse_core::model::blobs::BlobReference;
use packhouse_core::model::files::{File, UsedBytes};
use packhouse_core::model::jobs::Task;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::model::repositories::Tomb;
use packhouse_core::model::versions::VersionSettings;
use packhouse_core::names::FilePath;
use packhouse_core::repositories::NewRepository;
use packhouse_core::search::{Texts, Wanted, Within};
use packhouse_core::store::Change;
use packhouse_core::users::UserChange;
use packhouse_core::{ErrorKind, Result, files, packages, repositories, search, users, versions};

use crate::world::{
    FIRST, World, anonymous, file, package, published, refusal, refused, repo, run, subject,
    version,
};
use packhouse_conformance::faults::{Counted, How};

/// What can be deleted with what is below it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum What {
    Version,
    Package,
    Repo,
    User,
}

pub(crate) const EACH: [What; 4] = [What::Version, What::Package, What::Repo, What::User];
const DOOMED: &str = "anna/repo/tool/1.0";

impl What {
    pub(crate) fn delete(self, world: &World) -> Result<()> {
        let (engine, admin) = (&world.packhouse, &world.admin);
        match self {
            Self::Version => run(versions::delete(engine, admin, &version(DOOMED))),
            Self::Package => run(packages::delete(engine, admin, &package("anna/repo/tool"))),
            Self::Repo => run(repositories::delete(engine, admin, &repo("anna/repo"))),
            Self::User => run(users::delete(engine, admin, &subject("anna"))),
        }
    }

    /// Makes it anew, as far as its name is free.
    fn make(self, world: &World) -> Result<()> {
        let (engine, admin) = (&world.sound, &world.admin);
        match self {
            Self::Version => {
                let settings = VersionSettings::default();
                run(versions::create(engine, admin, &version(DOOMED), &settings)).map(|_| ())
            }
            Self::Package => {
                let (path, settings) = (package("anna/repo/tool"), PackageSettings::default());
                run(packages::create(engine, admin, &path, &settings)).map(|_| ())
            }
            Self::Repo => {
                let (path, new) = (repo("anna/repo"), NewRepository::default());
                run(repositories::create(engine, admin, &path, &new)).map(|_| ())
            }
            Self::User => {
                let change = UserChange::default();
                run(users::put(engine, admin, &subject("anna"), &change)).map(|_| ())
            }
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Version => "version '1.0'",
            Self::Package => "package 'tool'",
            Self::Repo => "repo 'repo'",
            Self::User => "subject 'anna'",
        }
    }

    /// Makes it and what is above it and missing, and one new file in it.
    fn fill_anew(self, world: &World) -> File {
        for what in EACH.iter().rev() {
            let _ = what.make(world);
        }
        let target = published(DOOMED, "precious");
        world.upload(&world.admin, target, "precious").unwrap()
    }
}

/// Two versions of `anna/repo/tool`; the doomed one has `count` files, of many contents and one.
pub(crate) fn world_with(count: usize) -> (World, Caller) {
    let world = World::new();
    let anna = world.anna();
    let model = world.upload(&anna, published(DOOMED, "f/0"), "shared").unwrap();
    world.upload(&anna, published(DOOMED, "own"), "its own").unwrap();
    let mut changes = Vec::new();
    for number in 1..count {
        let path = FilePath::parse(&format!("f/{number}")).unwrap();
        let file = File { path, ..model.clone() };
        changes.push(file.put());
        changes.push(Change::Add(UsedBytes::key_of(&file.location().repo), file.used_bytes()));
        changes.push(Change::Put {
            key: BlobReference::key_of(file.contents.blob, &file.location()),
            body: "{}".into(),
            terms: Vec::new(),
            owners: Vec::new(),
        });
    }
    world.change_all(changes);
    world.upload(&anna, published("anna/repo/tool/2.0", "kept"), "shared").unwrap();
    world.run_jobs();
    (world, anna)
}

#[test]
fn a_large_deletion_leaves_nothing_behind() {
    for what in EACH {
        let (world, _) = world_with(2_100);
        what.delete(&world).unwrap();
        world.check();
        assert_gone(&world, what);
        world.settle();
        assert_nothing_left(&world, what);
    }
}

/// Nobody finds any of it, by any way.
fn assert_gone(world: &World, what: What) {
    let engine = &world.sound;
    for caller in [&world.admin, anonymous()] {
        for path in ["f/0", "f/1099", "own"] {
            assert!(world.download(caller, &file("anna/repo", path)).is_err(), "{what:?} {path}");
            let path = file("anna/repo", path);
            assert!(run(files::delete(engine, caller, &path)).is_err(), "{what:?}");
        }
        assert!(run(versions::show(engine, caller, &version(DOOMED))).is_err());
        let listed = run(files::of_version(engine, caller, &version(DOOMED), true, FIRST));
        assert!(listed.is_err(), "{what:?}");
        let tool = package("anna/repo/tool");
        let shown = run(packages::show(engine, caller, &tool));
        let listed = run(files::of_package(engine, caller, &tool, true, FIRST));
        if what == What::Version {
            let names: Vec<_> = shown.unwrap().versions.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["2.0"]);
            let names: Vec<_> = listed.unwrap().items.iter().map(|f| f.path.to_string()).collect();
            assert_eq!(names, ["kept"]);
        } else {
            assert!(shown.is_err() && listed.is_err(), "{what:?}");
        }
        assert_not_found_by_searches(world, caller, what);
        let shown = run(repositories::show(engine, caller, &repo("anna/repo")));
        match what {
            What::Version => assert_eq!(shown.unwrap().package_count, 1),
            What::Package => assert_eq!(shown.unwrap().package_count, 0),
            What::Repo | What::User => assert!(shown.is_err()),
        }
        let listed = run(repositories::list(engine, caller, &subject("anna"), FIRST));
        match what {
            What::User => assert!(listed.is_err()),
            What::Repo => assert_eq!(listed.unwrap().total, Some(0)),
            What::Version | What::Package => assert_eq!(listed.unwrap().total, Some(1)),
        }
    }
}

/// Nor by any search, nor by its numbers.
fn assert_not_found_by_searches(world: &World, caller: &Caller, what: What) {
    let (engine, within) = (&world.sound, Within::default());
    let wanted = Wanted::Name("*".to_owned());
    let found = run(search::files(engine, caller, &wanted, None, &within, FIRST)).unwrap();
    let files: Vec<&str> = found.items.iter().map(|file| file.path.as_str()).collect();
    let kept = if what == What::Version { vec!["kept"] } else { Vec::new() };
    assert_eq!((found.total, files), (Some(kept.len() as u64), kept), "{what:?}");
    let texts = Texts { name: Some("o".to_owned()), desc: None };
    let found = run(search::packages(engine, caller, &texts, &within, FIRST)).unwrap();
    assert_eq!(found.total, Some(u64::from(what == What::Version)), "{what:?}");
}

/// The records that are left once every job has run, compared whole.
fn assert_nothing_left(world: &World, what: What) {
    let kinds = |keys: Vec<String>| {
        let kind = |key: &String| key.split('/').next().unwrap().to_owned();
        let mut kinds: Vec<String> = keys.iter().map(kind).collect();
        kinds.sort();
        kinds
    };
    let mut expected = vec!["subject", "api_key", "grants"];
    if what != What::User {
        expected.extend(["subject", "api_key"]);
    }
    if matches!(what, What::Version | What::Package) {
        expected.extend(["repository", "used_bytes"]);
    }
    if what == What::Version {
        expected.extend([
            "package",
            "version",
            "ordinals",
            "updated",
            "updated",
            "updated_for_publishers",
            "updated_for_publishers",
            "file",
            "blob",
            "content",
            "blob_reference",
        ]);
    }
    expected.sort_unstable();
    assert_eq!(kinds(world.keys()), expected, "{what:?}");
    assert_eq!(world.blob_count(), usize::from(what == What::Version), "{what:?}");
    world.check();
}

#[test]
fn a_deletion_is_a_success_once_it_is_hidden_keeps_its_name_and_is_finished_by_a_job() {
    for what in EACH {
        // The first commit marks; after each further one the middle looks the same.
        for (commits, how) in [(1, How::Unavailable), (2, How::Unavailable), (1, How::Full)] {
            let (world, _) = world_with(1_100);
            world.faults.fail(Counted::Commits, commits..usize::MAX, how);
            what.delete(&world).unwrap();
            world.faults.heal();
            assert_gone(&world, what);
            world.check();
            let message = format!("The {} is still being deleted; try again", what.noun());
            let told = refusal(ErrorKind::Conflict, &message);
            assert_eq!(refused(what.make(&world)), told, "{what:?}");
            if what == What::Version {
                for path in ["new", "f/1099"] {
                    let upload = world.upload(&world.admin, published(DOOMED, path), "x");
                    assert_eq!(refused(upload), told);
                }
            }
            assert!(
                !world.run_jobs().iter().any(|task| matches!(task, Task::FinishDeletion(_))),
                "left to the request for a while"
            );
            world.clock.advance(Duration::from_secs(61));
            let tasks = world.run_jobs();
            assert!(matches!(tasks.first(), Some(Task::FinishDeletion(_))), "{tasks:?}");
            world.settle();
            assert_nothing_left(&world, what);
            what.make(&world).unwrap();
        }
    }
}

#[test]
fn what_a_deletion_could_not_finish_is_due_at_once() {
    for what in EACH {
        for how in [How::Unavailable, How::Full] {
            let (world, _) = world_with(1_100);
            world.faults.fail(Counted::Commits, 1..2, how);
            what.delete(&world).unwrap();
            world.faults.heal();
            let tasks = world.run_jobs();
            assert!(matches!(tasks.first(), Some(Task::FinishDeletion(_))), "{tasks:?}");
            what.make(&world).unwrap();
        }
    }
}

#[test]
fn a_deletion_that_a_runner_has_taken_is_left_to_it() {
    let (world, _) = world_with(10);
    // The request stops after it marked, and a runner takes the job; both fail then.
    world.faults.step_aside();
    let (admin, path) = (&world.admin, version(DOOMED));
    let mut request = Box::pin(versions::delete(&world.packhouse, admin, &path));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let jobs = || {
        let mut jobs = world.all::<packhouse_core::model::jobs::Job>();
        jobs.retain(|job| matches!(job.task, Task::FinishDeletion(_)));
        jobs
    };
    while jobs().is_empty() {
        assert!(request.as_mut().poll(&mut context).is_pending());
    }
    let mut taken = jobs().remove(0);
    (taken.attempts, taken.due) = (1, taken.due.after(Duration::from_secs(600)));
    world.put(&taken);
    world.faults.fail(Counted::Commits, 0..1, How::Unavailable);
    run(request).unwrap();
    assert_eq!(jobs(), [taken]);
}

#[test]
fn a_job_that_comes_late_leaves_what_was_made_anew_alone() {
    // A deletion is interrupted after it was marked; something around it is deleted whole and
    // made anew before the job of the first comes to its turn.
    for (first, around) in [
        (What::Version, What::Package),
        (What::Version, What::Repo),
        (What::Version, What::User),
        (What::Package, What::Repo),
        (What::Package, What::User),
    ] {
        let (world, _) = world_with(10);
        world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
        first.delete(&world).unwrap();
        world.faults.heal();
        around.delete(&world).unwrap();
        if (first, around) == (What::Version, What::Package) {
            // The mark of the version stands on its own; only its job takes it away.
            let _ = What::Package.make(&world);
            assert_eq!(refused(What::Version.make(&world)).0, ErrorKind::Conflict);
            world.settle();
        }
        let precious = around.fill_anew(&world);
        world.settle();
        let bytes = world.download(anonymous(), &precious.location());
        assert_eq!(bytes.unwrap(), "precious", "{first:?} then {around:?}");
        world.check();
    }
}

#[test]
fn a_request_that_wakes_late_leaves_what_was_made_anew_alone() {
    for what in EACH {
        let (world, _) = world_with(10);
        // The request stops after it marked; a runner finishes its work meanwhile.
        world.faults.step_aside();
        let mut request = Box::pin(async {
            let (engine, admin) = (&world.packhouse, &world.admin);
            match what {
                What::Version => versions::delete(engine, admin, &version(DOOMED)).await,
                What::Package => packages::delete(engine, admin, &package("anna/repo/tool")).await,
                What::Repo => repositories::delete(engine, admin, &repo("anna/repo")).await,
                What::User => users::delete(engine, admin, &subject("anna")).await,
            }
        });
        let is_marked = || {
            let jobs = world.all::<packhouse_core::model::jobs::Job>();
            jobs.iter().any(|job| matches!(job.task, Task::FinishDeletion(_)))
        };
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while !is_marked() {
            assert!(request.as_mut().poll(&mut context).is_pending());
        }
        world.clock.advance(Duration::from_secs(61));
        world.run_jobs();
        let precious = what.fill_anew(&world);
        run(request).unwrap();
        assert_eq!(world.download(anonymous(), &precious.location()).unwrap(), "precious");
        world.check();
    }
}

#[test]
fn a_deletion_within_a_deletion_ends_well() {
    let (world, anna) = world_with(10);
    for what in EACH {
        world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
        what.delete(&world).unwrap();
        world.faults.heal();
        world.check();
    }
    assert!(
        refused(run(repositories::show(&world.sound, &anna, &repo("anna/repo"))))
            .1
            .contains("not found")
    );
    world.settle();
    assert_eq!(world.all::<Tomb>(), []);
    assert_nothing_left(&world, What::User);
}

#[test]
fn two_versions_are_deleted_side_by_side() {
    let (world, _) = world_with(50);
    for parent in ["anna/repo/tool/1.0", "anna/repo/tool/2.0"] {
        world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
        let admin = &world.admin;
        run(versions::delete(&world.packhouse, admin, &version(parent))).unwrap();
        world.faults.heal();
    }
    let tool = package("anna/repo/tool");
    let listed = run(files::of_package(&world.sound, &world.admin, &tool, true, FIRST)).unwrap();
    assert_eq!((listed.items, listed.total), (Vec::new(), Some(0)));
    world.settle();
    assert_eq!(world.all::<File>(), []);
    assert_eq!(world.blob_count(), 0);
    What::Version.make(&world).unwrap();
}
