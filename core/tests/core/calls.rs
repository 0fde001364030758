//! Calls to addresses that users gave, as jobs: they hold up nothing, and do not pile up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future;
use packhouse_core::jobs::{Queued, Runner};
use packhouse_core::model::calls::{Call, CallMethod};
use packhouse_core::model::jobs::{Doomed, ForgottenProduct, Job, Task};
use packhouse_core::model::{Form, ProductId, SubjectId};
use packhouse_core::names::ProductName;
use packhouse_core::outbound::{Outbound, OutboundAnswer, OutboundError, OutboundRequest};
use packhouse_core::ports::Clock;
use packhouse_core::signed_urls::{self, Callback};
use packhouse_core::{Limits, Packhouse, Ports, downloads};

use crate::world::{World, published, run, subject};

/// Answers at once, but for `slow.example.org`, which never does.
#[derive(Debug, Default)]
struct Receivers {
    waited_for: AtomicUsize,
}

#[async_trait]
impl Outbound for Receivers {
    async fn call(&self, request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        if request.url.contains("//slow.") {
            self.waited_for.fetch_add(1, Ordering::SeqCst);
            future::pending::<()>().await;
        }
        Ok(OutboundAnswer { status: 200 })
    }

    fn check(&self, _url: &str) -> Result<(), OutboundError> {
        Ok(())
    }
}

/// A job that has been due for some seconds.
fn job(world: &World, id: &str, ago: u64, task: Task) -> Job {
    let due = world.clock.now().before(Duration::from_secs(ago));
    Job { form: Form, id: id.into(), task, due, attempts: 0 }
}

fn call(of: &str, id: SubjectId, url: &str) -> Task {
    Task::Call(Box::new(Call {
        subject: subject(of),
        subject_id: id,
        url: url.to_owned(),
        method: CallMethod::Post,
        json: "{}".to_owned(),
        signed_text: String::new(),
    }))
}

fn deletion() -> Task {
    let subject = subject("nobody");
    Task::FinishDeletion(Doomed { subject, repo: None, package: None, version: None })
}

fn forgetting() -> Task {
    let (name, id) = (ProductName::parse("suite").unwrap(), ProductId::from_bytes([3; 16]));
    Task::ForgetProduct(ForgottenProduct { subject: subject("nobody"), name, id })
}

/// Ready after it was asked so many times.
async fn after_polls(mut polls: usize) {
    future::poll_fn(|_| {
        polls = polls.saturating_sub(1);
        if polls == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[test]
fn a_receiver_that_does_not_answer_holds_up_neither_other_work_nor_the_calls_of_others() {
    let world = World::new();
    let receivers = Arc::new(Receivers::default());
    let ports = Ports {
        store: Arc::new(world.store.clone()),
        outbound: Arc::clone(&receivers) as Arc<dyn Outbound>,
        ..Ports::in_memory(&world.clock)
    };
    let packhouse = Packhouse::new(ports, Limits::default());
    let (slow, quick) = (SubjectId::from_bytes([1; 16]), SubjectId::from_bytes([2; 16]));
    for number in 0..300 {
        let task = call("slow", slow, "https://slow.example.org/");
        world.put(&job(&world, &format!("slow{number:03}"), 1000 - number, task));
    }
    for number in 0..30 {
        let task = call("quick", quick, "https://quick.example.org/");
        world.put(&job(&world, &format!("quick{number}"), 9, task));
    }
    world.put(&job(&world, "deletion", 1, deletion()));
    world.put(&job(&world, "chore", 1, forgetting()));
    let runner = Runner::new(&packhouse);
    let forever = runner.run(future::pending(), |_| ());
    futures::pin_mut!(forever);
    run(future::select(forever, Box::pin(after_polls(100))));
    let left = world.all::<Job>();
    let others: Vec<&str> =
        left.iter().map(|job| job.id.as_str()).filter(|id| !id.starts_with("slow")).collect();
    assert_eq!((others, left.len()), (vec![], 300));
    assert_eq!(receivers.waited_for.load(Ordering::SeqCst), 2, "a subject has two places");
}

#[test]
fn a_deletion_is_done_before_anything_that_waits_for_longer() {
    let world = World::new();
    let id = SubjectId::from_bytes([1; 16]);
    for number in 0..250 {
        let url = "https://example.org/";
        world.put(&job(&world, &format!("call{number}"), 1000, call("anna", id, url)));
        world.put(&job(&world, &format!("chore{number}"), 1000, forgetting()));
    }
    world.put(&job(&world, "deletion", 1, deletion()));
    assert_eq!(world.step(), Some(deletion()));
    assert_eq!(world.step(), Some(forgetting()), "and a call after the rest");
}

#[test]
fn no_more_than_a_thousand_calls_wait_for_a_subject() {
    let world = World::new();
    let anna = world.anna();
    let id = anna.user_id().unwrap();
    let uploaded = world.upload(&anna, published("anna/repo/tool/1.0", "f"), "f").unwrap();
    let url = Some("https://example.org/".to_owned());
    let callback = Callback { id: "x".to_owned(), url, method: CallMethod::Post };
    let permit = run(downloads::find(&world.sound, &anna, &uploaded.location())).unwrap();
    let used = || run(signed_urls::note_use(&world.sound, &permit, &callback)).unwrap();
    for number in 0..998 {
        let task = call("anna", id, "https://example.org/");
        world.put(&job(&world, &number.to_string(), 1, task));
    }
    for number in 0..1_000 {
        let task = call("bob", SubjectId::from_bytes([1; 16]), "https://example.org/");
        world.put(&job(&world, &format!("bob{number}"), 0, task));
    }
    assert_eq!(
        [used(), used(), used(), used()],
        [Queued::Put, Queued::Last, Queued::Dropped, Queued::Dropped].map(Some)
    );
    assert_eq!(world.all::<Job>().len(), 2_000);
    assert!(matches!(world.step(), Some(Task::Call(_))));
    assert_eq!(used(), Some(Queued::Last), "there is room again");
    let silent = Callback { url: None, ..callback };
    assert_eq!(run(signed_urls::note_use(&world.sound, &permit, &silent)).unwrap(), None);
}
