//! The sweep: bytes that crashes left behind, and the caution with which they are removed.

use std::time::Duration;

use bytes::Bytes;
use packhouse_core::blobs::{BlobId, BlobStore};
use packhouse_core::jobs::Step;
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::{ErrorKind, Limits, uploads};

use crate::world::{World, anonymous, published, run};
use packhouse_conformance::faults::{Counted, How};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Finished blobs that no record knows.
fn orphans(world: &World, count: usize) -> Vec<BlobId> {
    let make = |number: usize| {
        let mut id = [0xee; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let id = BlobId::from_bytes(id);
        run(async {
            let mut writer = world.blobs.create(&id).await.unwrap();
            writer.write(Bytes::from_static(b"orphan")).await.unwrap();
            writer.finish().await.unwrap();
        });
        id
    };
    (0..count).map(make).collect()
}

/// Makes the sweep due and runs it.
fn sweep(world: &World) -> Step {
    run(world.runner().schedule()).unwrap();
    let job = world.all::<Job>().into_iter().find(|job| job.task == Task::SweepBlobs).unwrap();
    world.put(&Job { due: packhouse_core::ports::Clock::now(&world.clock), ..job });
    run(world.runner().step()).unwrap()
}

#[test]
fn the_sweep_is_scheduled_once_and_comes_back() {
    let world = World::new();
    run(world.runner().schedule()).unwrap();
    run(world.runner().schedule()).unwrap();
    assert_eq!(world.all::<Job>().len(), 1);
    assert_eq!(world.step(), None);
    for _ in 0..3 {
        world.clock.advance(DAY);
        assert_eq!(world.run_jobs(), [Task::SweepBlobs]);
    }
    assert_eq!(world.all::<Job>()[0].attempts, 0, "what went well is not counted against it");
}

#[test]
fn old_bytes_without_a_record_are_removed_and_nothing_else() {
    let world = World::new();
    let anna = world.anna();
    let known = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "known").unwrap();
    let old = orphans(&world, 3);
    world.clock.advance(DAY.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(matches!(sweep(&world), Step::Done(Task::SweepBlobs)));
    assert_eq!(world.blob_count(), 4, "all are young");
    world.clock.advance(Duration::from_millis(1));
    let young = BlobId::from_bytes([1; 16]);
    run(async {
        let writer = world.blobs.create(&young).await.unwrap();
        writer.finish().await.unwrap();
    });
    assert!(matches!(sweep(&world), Step::Done(Task::SweepBlobs)));
    let mut left = vec![known.contents.blob, young];
    left.sort();
    assert_eq!(world.finished_blobs(), left, "not {old:?}");
    assert_eq!(world.download(anonymous(), &known.location()).unwrap(), "known");
    world.check();
}

#[test]
fn a_listing_that_fails_removes_nothing() {
    let world = World::new();
    orphans(&world, 3);
    world.clock.advance(DAY);
    world.faults.fail(Counted::Listings, 0..1, How::Unavailable);
    let step = sweep(&world);
    let Step::Failed(Job { task: Task::SweepBlobs, .. }, error) = step else { panic!("{step:?}") };
    assert_eq!(*error.kind(), ErrorKind::Unavailable);
    assert_eq!(world.blob_count(), 3);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.run_jobs(), [Task::SweepBlobs]);
    assert_eq!(world.blob_count(), 0);
}

#[test]
fn a_store_that_does_not_answer_removes_nothing() {
    let world = World::new();
    orphans(&world, 3);
    run(world.runner().schedule()).unwrap();
    world.clock.advance(DAY);
    // The claim selects, reads and commits; then the blobs are listed and looked up.
    world.faults.fail(Counted::Every, 4..5, How::Unavailable);
    let step = run(world.runner().step()).unwrap();
    let Step::Failed(Job { task: Task::SweepBlobs, .. }, error) = step else { panic!("{step:?}") };
    assert_eq!((error.kind(), world.blob_count()), (&ErrorKind::Unavailable, 3));
}

#[test]
fn more_orphans_than_a_crash_could_leave_are_reported_and_kept() {
    let world = World::new();
    orphans(&world, 101);
    world.clock.advance(DAY);
    let step = sweep(&world);
    let Step::Failed(Job { task: Task::SweepBlobs, .. }, error) = step else { panic!("{step:?}") };
    assert_eq!(
        (error.kind(), error.message()),
        (
            &ErrorKind::Conflict,
            "101 of 101 blobs have no record, more than 5 %: nothing is removed; \
             is the store older than the blobs?"
        )
    );
    assert_eq!(world.blob_count(), 101);
    run(world.blobs.remove(&orphans_first())).unwrap();
    assert!(matches!(sweep(&world), Step::Done(_)));
    assert_eq!(world.blob_count(), 0);
}

#[test]
fn all_are_removed_where_the_operator_allows_any_share() {
    let world = World::with(Limits { max_orphan_percent: 100, ..Limits::default() });
    orphans(&world, 150);
    world.clock.advance(DAY);
    assert!(matches!(sweep(&world), Step::Done(Task::SweepBlobs)));
    assert_eq!(world.blob_count(), 0);
}

fn orphans_first() -> BlobId {
    let mut id = [0xee; 16];
    id[..8].copy_from_slice(&0_u64.to_be_bytes());
    BlobId::from_bytes(id)
}

#[test]
fn an_upload_that_runs_for_longer_than_the_grace_keeps_its_bytes() {
    let limits = Limits { orphan_grace: Duration::ZERO, ..Limits::default() };
    let world = World::with(limits);
    let anna = world.anna();
    world.faults.step_aside();
    let target = published("anna/repo/tool/1.0", "a");
    let mut upload = Box::pin(uploads::put(&world.packhouse, &anna, target, "slow".into()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut swept = 0;
    let stored = loop {
        match upload.as_mut().poll(&mut context) {
            std::task::Poll::Ready(stored) => break stored.unwrap(),
            std::task::Poll::Pending => {
                swept += world.finished_blobs().len();
                assert!(matches!(sweep(&world), Step::Done(Task::SweepBlobs)));
            }
        }
    };
    assert!(swept > 0, "it was finished and not yet named while the sweep ran");
    assert_eq!(world.download(anonymous(), &stored.location()).unwrap(), "slow");
    world.check();
}

#[test]
fn bytes_of_an_upload_whose_outcome_stays_unknown_are_swept_or_served() {
    for how in [How::UnknownApplied, How::UnknownNotApplied] {
        let world = World::new();
        let anna = world.anna();
        world.faults.fail(Counted::Commits, 0..4, how);
        let told = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap_err();
        assert!(told.may_be_retried());
        world.faults.heal();
        world.check();
        assert_eq!(world.blob_count(), 1, "nobody knows yet whether they are named");
        world.clock.advance(DAY);
        assert!(matches!(sweep(&world), Step::Done(Task::SweepBlobs)));
        world.check();
        let applied = how == How::UnknownApplied;
        assert_eq!(world.blob_count(), usize::from(applied));
    }
}
