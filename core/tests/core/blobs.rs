//! The accounting of blobs: condemned when nothing refers to them, removed after a grace, and
//! saved by an upload of the same content at any moment before that.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::blobs::BlobId;
use packhouse_core::jobs::Step;
use packhouse_core::model::Form;
use packhouse_core::model::blobs::{Blob, Content};
use packhouse_core::model::files::File;
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::ports::Clock;
use packhouse_core::{files, repositories, users};

use crate::world::{World, anonymous, file, published, repo, run, subject};
use packhouse_conformance::faults::{Counted, How};

const GRACE: Duration = Duration::from_secs(3600);

fn uploaded(world: &World, anna: &Caller, path: &str) -> File {
    world.upload(anna, published("anna/repo/tool/1.0", path), "content").unwrap()
}

fn delete(world: &World, anna: &Caller, path: &str) {
    run(files::delete(&world.packhouse, anna, &file("anna/repo", path))).unwrap();
}

#[test]
fn a_blob_is_condemned_when_its_last_file_is_gone_and_removed_after_the_grace() {
    let world = World::new();
    let anna = world.anna();
    let blob = uploaded(&world, &anna, "a").contents.blob;
    uploaded(&world, &anna, "b");
    delete(&world, &anna, "a");
    assert_eq!(world.step(), Some(Task::CondemnBlobs(vec![blob])));
    assert_eq!((world.step(), world.all::<Blob>()[0].condemned), (None, None), "b refers to it");
    delete(&world, &anna, "b");
    assert_eq!(world.step(), Some(Task::CondemnBlobs(vec![blob])));
    assert_eq!(world.all::<Blob>()[0].condemned, Some(world.clock.now()));
    world.clock.advance(GRACE - Duration::from_millis(1));
    assert_eq!((world.step(), world.blob_count()), (None, 1), "the grace is not over");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.step(), Some(Task::RemoveBlobs(vec![blob])));
    assert_eq!((world.step(), world.blob_count()), (None, 0));
    assert_eq!(world.all::<Blob>(), []);
    assert_eq!(world.all::<Content>(), []);
    assert_eq!(world.all::<Job>(), []);
}

#[test]
fn a_job_that_runs_before_the_grace_is_over_removes_nothing() {
    let world = World::new();
    let anna = world.anna();
    let blob = uploaded(&world, &anna, "a").contents.blob;
    delete(&world, &anna, "a");
    world.step();
    // As if a clock that ran ahead had made it due.
    let job = world.all::<Job>().remove(0);
    world.put(&Job { due: world.clock.now(), ..job });
    assert_eq!(world.step(), Some(Task::RemoveBlobs(vec![blob])));
    assert_eq!(world.finished_blobs(), [blob]);
}

/// What the clock and the runner do between the deletion of the last file and the upload.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Step,
    PassGrace,
}

#[test]
fn an_upload_of_the_same_content_is_served_whenever_it_comes() {
    // Everything that can have happened since the deletion, and then what comes after the upload.
    let turns = [Turn::Step, Turn::PassGrace, Turn::Step, Turn::PassGrace, Turn::Step];
    for before in 0..=turns.len() {
        let world = World::new();
        let anna = world.anna();
        let first = uploaded(&world, &anna, "a");
        delete(&world, &anna, "a");
        let go = |turn| match turn {
            Turn::Step => drop(world.step()),
            Turn::PassGrace => world.clock.advance(GRACE),
        };
        turns[..before].iter().copied().for_each(go);
        let second = uploaded(&world, &anna, "b");
        let shared = before < 3;
        assert_eq!(
            second.contents.blob == first.contents.blob,
            shared,
            "after {:?}",
            &turns[..before]
        );
        world.check();
        for turn in &turns[before..] {
            go(*turn);
            world.check();
        }
        world.settle();
        assert_eq!(world.download(anonymous(), &second.location()).unwrap(), "content");
        assert_eq!(world.finished_blobs(), [second.contents.blob]);
        assert_eq!(world.all::<Blob>()[0].condemned, None);
        delete(&world, &anna, "b");
        world.settle();
        assert_eq!(world.blob_count(), 0);
        assert_eq!(world.all::<Blob>(), []);
    }
}

/// Polls two futures in turns: the first `lead` times, then the second to its end, then the first.
fn interleave<A, B>(
    lead: usize,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let mut first = Box::pin(first);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..lead {
        if let std::task::Poll::Ready(done) = first.as_mut().poll(&mut context) {
            return (done, run(second));
        }
    }
    let second = run(second);
    (run(first), second)
}

#[test]
fn an_upload_may_meet_every_step_of_condemning_and_removing() {
    for task in ["condemn", "remove"] {
        for lead in 0..40 {
            for upload_first in [false, true] {
                let world = World::new();
                let anna = world.anna();
                uploaded(&world, &anna, "a");
                delete(&world, &anna, "a");
                if task == "remove" {
                    world.step();
                    world.clock.advance(GRACE);
                }
                world.faults.step_aside();
                let runner = world.runner();
                let target = published("anna/repo/tool/1.0", "b");
                let upload =
                    packhouse_core::uploads::put(&world.packhouse, &anna, target, "content".into());
                let (step, upload) = if upload_first {
                    let (upload, step) = interleave(lead, upload, runner.step());
                    (step, upload)
                } else {
                    interleave(lead, runner.step(), upload)
                };
                let second = upload.unwrap();
                assert!(matches!(step, Ok(Step::Done(_))), "{task} {lead}: {step:?}");
                world.check();
                world.settle();
                let bytes = world.download(anonymous(), &second.location());
                assert_eq!(bytes.unwrap(), "content", "{task} {lead} {upload_first}");
                assert_eq!(world.blob_count(), 1, "{task} {lead} {upload_first}");
            }
        }
    }
}

#[test]
fn a_crash_between_forgetting_a_blob_and_removing_its_bytes_is_made_good() {
    let world = World::new();
    let anna = world.anna();
    let blob = uploaded(&world, &anna, "a").contents.blob;
    delete(&world, &anna, "a");
    world.step();
    world.clock.advance(GRACE);
    world.faults.fail(Counted::Removals, 0..1, How::Unavailable);
    let Ok(Step::Failed(job, _)) = run(world.runner().step()) else { panic!("it must fail") };
    assert_eq!(job.task, Task::RemoveBlobs(vec![blob]));
    assert_eq!((world.all::<Blob>(), world.finished_blobs()), (vec![], vec![blob]));
    // The same content comes back meanwhile: it has a blob of its own, and the old one goes.
    let second = uploaded(&world, &anna, "b");
    assert_ne!(second.contents.blob, blob);
    world.check();
    assert_eq!(world.step(), None, "not at once");
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(world.step(), Some(Task::RemoveBlobs(vec![blob])));
    assert_eq!(world.finished_blobs(), [second.contents.blob]);
    world.check();
}

#[test]
fn removing_a_blob_leaves_the_content_to_another_that_has_it() {
    let world = World::new();
    let anna = world.anna();
    let kept = uploaded(&world, &anna, "a");
    let spare = BlobId::from_bytes([9; 16]);
    let long_ago = Some(world.clock.now().before(GRACE));
    let blob = world.all::<Blob>().remove(0);
    world.put(&Blob { id: spare, condemned: long_ago, ..blob });
    let task = Task::RemoveBlobs(vec![spare]);
    let due = world.clock.now();
    world.put(&Job { form: Form, id: "spare".into(), task: task.clone(), due, attempts: 0 });
    assert_eq!(world.step(), Some(task));
    let contents: Vec<BlobId> = world.all::<Content>().iter().map(|held| held.blob).collect();
    assert_eq!(contents, [kept.contents.blob]);
    world.check();
}

#[test]
fn a_runner_that_dies_at_any_commit_loses_nothing() {
    for commits in 0..6 {
        let world = World::new();
        let anna = world.anna();
        let kept = uploaded(&world, &anna, "a");
        world.upload(&anna, published("anna/repo/tool/1.0", "b"), "other").unwrap();
        delete(&world, &anna, "b");
        world.faults.fail(Counted::Commits, commits..usize::MAX, How::Unavailable);
        for _ in 0..6 {
            let _ = run(world.runner().step());
            world.clock.advance(GRACE);
        }
        world.faults.heal();
        world.check();
        world.settle();
        assert_eq!(world.finished_blobs(), [kept.contents.blob], "{commits}");
        assert_eq!(world.all::<Job>(), []);
    }
}

#[test]
fn a_file_that_is_deleted_and_uploaded_again_and_again_keeps_its_bytes() {
    let world = World::new();
    let anna = world.anna();
    let blob = uploaded(&world, &anna, "a").contents.blob;
    for _ in 0..5 {
        delete(&world, &anna, "a");
        world.run_jobs();
        world.clock.advance(GRACE / 2);
        assert_eq!(
            uploaded(&world, &anna, "a").contents.blob,
            blob,
            "within the grace it is the same"
        );
        world.run_jobs();
        world.check();
        assert_eq!(world.download(anonymous(), &file("anna/repo", "a")).unwrap(), "content");
    }
    delete(&world, &anna, "a");
    world.settle();
    assert_eq!(world.blob_count(), 0);
}

#[test]
fn when_everything_is_deleted_no_blob_is_left() {
    let world = World::new();
    let anna = world.anna();
    for number in 0..20 {
        let target = published("anna/repo/tool/1.0", &format!("f{number}"));
        world.upload(&anna, target, format!("content {}", number % 7)).unwrap();
    }
    run(repositories::delete(&world.packhouse, &anna, &repo("anna/repo"))).unwrap();
    run(users::delete(&world.packhouse, &world.admin, &subject("anna"))).unwrap();
    world.settle();
    assert_eq!(world.blob_count(), 0);
    assert_eq!(world.keys().len(), 3, "the admin: {:?}", world.keys());
}

#[test]
fn a_job_that_fails_is_tried_again_ever_later() {
    let world = World::new();
    let anna = world.anna();
    uploaded(&world, &anna, "a");
    delete(&world, &anna, "a");
    world.step();
    world.clock.advance(GRACE);
    world.faults.fail(Counted::Removals, 0..usize::MAX, How::Unavailable);
    let mut waits = Vec::new();
    for _ in 0..14 {
        let Ok(Step::Failed(..)) = run(world.runner().step()) else { panic!("it must fail") };
        let job = world.all::<Job>().remove(0);
        let wait = job.due.since(world.clock.now());
        waits.push(wait.as_secs());
        world.clock.advance(wait);
    }
    assert_eq!(waits[..4], [2, 4, 8, 16]);
    assert_eq!(waits[11..], [3600, 3600, 3600]);
    world.faults.heal();
    world.settle();
    assert_eq!(world.blob_count(), 0);
}

#[test]
fn blob_ids_are_never_used_again() {
    let world = World::new();
    let anna = world.anna();
    let mut ids: Vec<BlobId> = Vec::new();
    for _ in 0..5 {
        ids.push(uploaded(&world, &anna, "a").contents.blob);
        delete(&world, &anna, "a");
        world.settle();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}
