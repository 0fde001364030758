//! Every call of every step of a release fails once, in every way: the step is done or not done,
//! doing it again succeeds, and no file is ever listed without its bytes.

use std::ops::Range;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use packhouse_core::access::Caller;
use packhouse_core::jobs::Runner;
use packhouse_core::{
    ErrorKind, Packhouse, Result, explodes, files, packages, publishing, repositories, uploads,
    users, versions,
};

use crate::archive::archive;
use crate::explodes::explode;
use crate::world::{World, file, package, replacing, repo, run, subject, to, version};
use packhouse_conformance::faults::{Counted, How};

/// One step: its name, and what it does.
type Op =
    (&'static str, for<'a> fn(&'a Packhouse, &'a World, &'a Caller) -> BoxFuture<'a, Result<()>>);

const VERSION: &str = "anna/repo/tool/1.0";

/// A release, its correction, and its end, each step upon those before it.
pub(crate) const RELEASE: [Op; 12] = [
    ("upload", |engine, _, anna| {
        uploads::put(engine, anna, to(VERSION, "a"), "one".into()).map(|r| r.map(|_| ())).boxed()
    }),
    ("upload of the same content", |engine, _, anna| {
        uploads::put(engine, anna, to(VERSION, "b"), "one".into()).map(|r| r.map(|_| ())).boxed()
    }),
    ("publish", |engine, _, anna| {
        async { publishing::publish(engine, anna, &version(VERSION)).await.map(|_| ()) }.boxed()
    }),
    ("override", |engine, _, anna| {
        let target = replacing(VERSION, "a");
        uploads::put(engine, anna, target, "two".into()).map(|r| r.map(|_| ())).boxed()
    }),
    ("upload and publish of another version", |engine, _, anna| {
        // Replacing, so that doing it again is the same as doing it once.
        let target = replacing("anna/repo/tool/2.0", "c");
        uploads::put(engine, anna, target, "three".into()).map(|r| r.map(|_| ())).boxed()
    }),
    ("explode of an archive", |engine, _, anna| {
        let target = explodes::Target {
            publish: true,
            replace: true,
            ..explodes::Target::new(version(VERSION), None)
        };
        let files = archive(&[("d/e", "five"), ("a", "four"), ("d/f", "five"), ("d/g", "one")]);
        explode(engine, anna, target, files).map(|r| r.map(|_| ())).boxed()
    }),
    ("deletion of a file", |engine, _, anna| {
        async { files::delete(engine, anna, &file("anna/repo", "b")).await }.boxed()
    }),
    ("change of the package", |engine, _, anna| {
        async {
            let patch =
                packages::PackagePatch { desc: Some(Some("x".into())), ..Default::default() };
            packages::update(engine, anna, &package("anna/repo/tool"), &patch).await
        }
        .boxed()
    }),
    ("turn to private", |engine, _, anna| {
        async {
            let patch = repositories::RepositoryPatch::default();
            repositories::update(engine, anna, &repo("anna/repo"), Some(true), &patch).await
        }
        .boxed()
    }),
    ("deletion of the version", |engine, _, anna| {
        async { versions::delete(engine, anna, &version(VERSION)).await }.boxed()
    }),
    ("deletion of the repository", |engine, _, anna| {
        async { repositories::delete(engine, anna, &repo("anna/repo")).await }.boxed()
    }),
    ("deletion of the user", |engine, world, _| {
        async { users::delete(engine, &world.admin, &subject("anna")).await }.boxed()
    }),
];

/// A world in which the first steps are done.
pub(crate) fn world_after(steps: usize) -> (World, Caller) {
    let world = World::new();
    let anna = world.anna();
    for (_, op) in &RELEASE[..steps] {
        run(op(&world.sound, &world, &anna)).unwrap();
    }
    (world, anna)
}

/// What is seen after so many steps.
pub(crate) fn seen_after(steps: usize) -> String {
    let (world, _) = world_after(steps);
    seen(&world)
}

pub(crate) fn seen(world: &World) -> String {
    let listed = run(users::list(&world.sound, &world.admin, crate::world::FIRST)).unwrap().total;
    format!("{listed:?} users\n{}", world.seen_by(&world.admin, &subject("anna")))
}

/// Does a step until it is done; a thing that is gone by then was deleted by an earlier try.
pub(crate) fn retry(world: &World, anna: &Caller, op: &Op) {
    match run(op.1(&world.sound, world, anna)) {
        Ok(()) => {}
        Err(error) => assert!(
            op.0.starts_with("deletion") && matches!(error.kind(), ErrorKind::NotFound(_)),
            "{} again: {error:?}",
            op.0
        ),
    }
}

/// Lets every job run, and the sweep.
pub(crate) fn clean(world: &World) {
    run(Runner::new(&world.sound).schedule()).unwrap();
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(24 * 3600));
        world.run_jobs();
    }
    world.check();
}

/// Runs a step with these calls failing; whether any of them was reached.
fn with_fault(step: usize, calls: Range<usize>, how: How, before: &str, after: &str) -> bool {
    let case = format!("{} with {how:?} at {calls:?}", RELEASE[step].0);
    let (world, anna) = world_after(step);
    world.faults.fail(Counted::Every, calls.clone(), how);
    let done = run(RELEASE[step].1(&world.packhouse, &world, &anna));
    let reached = world.faults.calls() > calls.start;
    world.faults.heal();
    world.check();
    match &done {
        Ok(()) => assert_eq!(seen(&world), after, "{case}"),
        Err(error) => {
            assert!(error.may_be_retried(), "{case}: {error:?}");
            let seen = seen(&world);
            assert!(seen == before || seen == after, "{case} left half:\n{seen}");
        }
    }
    retry(&world, &anna, &RELEASE[step]);
    assert_eq!(seen(&world), after, "{case}, again");
    clean(&world);
    assert_eq!(seen(&world), after, "{case}, cleaned");
    let files = world.all::<packhouse_core::model::files::File>();
    let mut named: Vec<_> = files.iter().map(|file| file.contents.blob).collect();
    named.sort();
    named.dedup();
    assert_eq!(world.finished_blobs(), named, "{case}: bytes are left");
    reached
}

fn every_call(lasting: impl Fn(usize) -> usize, ways: &[How]) {
    for (step, (name, _)) in RELEASE.iter().enumerate() {
        let (before, after) = (seen_after(step), seen_after(step + 1));
        for how in ways {
            let mut call = 0;
            while with_fault(step, call..lasting(call), *how, &before, &after) {
                call += 1;
            }
            assert!(call >= 2, "{name} makes calls");
        }
    }
}

const ALL: [How; 5] =
    [How::Unavailable, How::Full, How::UnknownApplied, How::UnknownNotApplied, How::Short];

#[test]
fn any_call_may_fail_once() {
    every_call(|call| call + 1, &ALL);
}

#[test]
fn everything_may_fail_from_any_call_on() {
    every_call(|_| usize::MAX, &ALL);
}

#[test]
fn an_outcome_that_is_unknown_once_is_found_out() {
    for how in [How::UnknownApplied, How::UnknownNotApplied] {
        for (step, (name, op)) in RELEASE.iter().enumerate() {
            let (world, anna) = world_after(step);
            world.faults.fail(Counted::Commits, 0..1, how);
            run(op(&world.packhouse, &world, &anna)).unwrap();
            assert_eq!(seen(&world), seen_after(step + 1), "{name} {how:?}");
            world.check();
        }
    }
}

#[test]
fn an_outcome_that_stays_unknown_is_never_taken_for_a_failure() {
    // The commit is applied, nobody says so, and then the store refuses to say anything: the
    // bytes that the commit named must not be thrown away.
    use packhouse_core::store::{CommitError, StoreErrorKind};
    let (world, anna) = world_after(0);
    world.faults.fail(Counted::Commits, 0..1, How::UnknownApplied);
    world.faults.refuse_after(StoreErrorKind::Corrupt);
    let told = run(RELEASE[0].1(&world.packhouse, &world, &anna)).unwrap_err();
    assert!(told.may_be_retried(), "{told:?}");
    let source = std::error::Error::source(&told).and_then(|e| e.downcast_ref::<CommitError>());
    assert!(matches!(source, Some(CommitError::Unknown(_))), "{source:?}");
    world.faults.heal();
    world.check();
    assert_eq!(seen(&world), seen_after(1));
}
