//! The runner: jobs in the order they are due, until it is told to stop.

use std::cell::RefCell;
use std::task::Poll;
use std::time::Duration;

use packhouse_core::ErrorKind;
use packhouse_core::files;
use packhouse_core::jobs::Step;
use packhouse_core::model::jobs::{Doomed, Job, Task};
use packhouse_core::model::{Form, Stored};
use packhouse_core::ports::Clock;
use packhouse_core::store::Change;

use crate::world::{World, published, run};
use packhouse_conformance::faults::{Counted, How};

/// Ready after it was asked so many times.
async fn after_polls(mut polls: usize) {
    std::future::poll_fn(|_| {
        polls = polls.saturating_sub(1);
        if polls == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn job(world: &World, id: &str, ago: u64) -> Job {
    let due = world.clock.now().before(Duration::from_secs(ago));
    Job { form: Form, id: id.into(), task: Task::CondemnBlobs(Vec::new()), due, attempts: 0 }
}

#[test]
fn it_runs_what_is_due_tells_of_each_step_and_stops_when_told() {
    let world = World::new();
    let anna = world.anna();
    for path in ["a", "b"] {
        let target = published("anna/repo/tool/1.0", path);
        let file = world.upload(&anna, target, path).unwrap();
        run(files::delete(&world.packhouse, &anna, &file.location())).unwrap();
    }
    let seen = RefCell::new(Vec::new());
    let observe = |step: &Step| seen.borrow_mut().push(matches!(step, Step::Done(_)));
    run(world.runner().run(after_polls(8), observe));
    assert_eq!(seen.into_inner()[..2], [true, false], "both are condemned in one step");
    assert_eq!(world.all::<Job>().len(), 1, "the removal, which is not due");
}

#[test]
fn it_goes_on_after_a_store_that_did_not_answer() {
    let world = World::new();
    world.put(&job(&world, "one", 1));
    world.faults.fail(Counted::Every, 0..2, How::Unavailable);
    run(world.runner().run(after_polls(6), |_| ()));
    assert_eq!(world.all::<Job>(), []);
}

#[test]
fn jobs_about_blobs_are_done_together_a_deletion_before_them_and_none_before_its_time() {
    let world = World::new();
    for (id, ago) in [("b", 1), ("c", 3), ("a", 2)] {
        world.put(&job(&world, id, ago));
    }
    let removal = Job { task: Task::RemoveBlobs(Vec::new()), ..job(&world, "d", 2) };
    let subject = crate::world::subject("nobody");
    let doomed = Doomed { subject, repo: None, package: None, version: None };
    let deletion = Job { task: Task::FinishDeletion(doomed), ..job(&world, "x", 0) };
    let later =
        Job { due: world.clock.now().after(Duration::from_millis(1)), ..job(&world, "e", 0) };
    for job in [&removal, &deletion, &later] {
        world.put(job);
    }
    for left in [vec!["a", "b", "c", "d", "e"], vec!["d", "e"], vec!["e"]] {
        assert!(world.step().is_some());
        let jobs = world.all::<Job>();
        assert_eq!(jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), left);
    }
    assert_eq!(world.step(), None);
}

#[test]
fn a_job_that_cannot_be_read_holds_up_no_other() {
    let world = World::new();
    let strange = job(&world, "strange", 9);
    let Change::Put { key, terms, owners, .. } = strange.put() else { panic!("a put puts") };
    let body = r#"{"form":2,"what":"a later program put this"}"#.into();
    world.change(Change::Put { key, body, terms, owners });
    world.put(&job(&world, "plain", 1));
    assert!(matches!(run(world.runner().step()), Ok(Step::Done(_))));
    let told = run(world.runner().step()).unwrap_err();
    assert_eq!(*told.kind(), ErrorKind::Internal, "told of, and kept");
    assert_eq!(world.records(Job::KIND).len(), 1);
}

#[test]
fn a_job_whose_runner_died_is_anothers_when_its_lease_ends() {
    let world = World::new();
    world.put(&job(&world, "one", 1));
    // It is claimed, and then nothing more is heard of its runner.
    world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
    run(world.runner().step()).unwrap_err();
    world.faults.heal();
    assert_eq!(world.step(), None);
    world.clock.advance(Duration::from_secs(600));
    assert!(world.step().is_some());
    assert_eq!(world.all::<Job>(), []);
}
