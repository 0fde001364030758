//! Existence checks of access keys: T045, T046.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, FutureExt};
use packhouse_core::access::{Caller, Credentials, Origin, Secret, authenticate};
use packhouse_core::access_keys::{self, AccessKeyChange, GivenCheck};
use packhouse_core::memory::{InlineRuntime, SetClock};
use packhouse_core::outbound::{
    Outbound, OutboundAnswer, OutboundError, OutboundErrorKind, OutboundMethod, OutboundRequest,
};
use packhouse_core::ports::{BlockingJob, Runtime};
use packhouse_core::users::UserChange;
use packhouse_core::{ErrorKind, Limits, Packhouse, Ports, Result, users};

use crate::access_keys::{key, user};
use crate::world::{ADMIN_KEY, needs_credentials, refused, run, subject};

/// The publisher's own system.
#[derive(Clone, Debug, Default)]
struct System(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    says: Option<Says>,
    calls: Vec<OutboundRequest>,
    waiting: Vec<oneshot::Receiver<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Says {
    Status(u16),
    Fails(OutboundErrorKind),
    /// Never comes back.
    Nothing,
}

impl System {
    fn says(&self, says: Says) {
        self.0.lock().unwrap().says = Some(says);
    }

    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    fn last(&self) -> OutboundRequest {
        self.0.lock().unwrap().calls.last().unwrap().clone()
    }

    /// Makes the next call wait until the sender is used.
    fn waits(&self) -> oneshot::Sender<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().waiting.push(receiver);
        sender
    }
}

#[async_trait]
impl Outbound for System {
    async fn call(&self, request: &OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let waiting = {
            let mut state = self.0.lock().unwrap();
            state.calls.push(request.clone());
            state.waiting.pop()
        };
        if let Some(waiting) = waiting {
            let _ = waiting.await;
        }
        let says = self.0.lock().unwrap().says;
        match says {
            Some(Says::Status(status)) => Ok(OutboundAnswer { status }),
            Some(Says::Fails(kind)) => Err(OutboundError { kind, reason: "no".into() }),
            Some(Says::Nothing) | None => future::pending().await,
        }
    }

    fn check(&self, url: &str) -> Result<(), OutboundError> {
        match url.contains("://10.") {
            true => {
                let reason = format!("{url} is not public");
                Err(OutboundError { kind: OutboundErrorKind::Refused, reason })
            }
            false => Ok(()),
        }
    }
}

/// Sleeps for ever.
#[derive(Debug)]
struct Sleepless;

impl Runtime for Sleepless {
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        InlineRuntime.run_blocking(job)
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        InlineRuntime.wait_for(future);
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        future::pending().boxed()
    }
}

/// `anna` with `key1`, whose existence is checked.
struct World {
    packhouse: Packhouse,
    clock: SetClock,
    system: System,
    anna: Caller,
    password: String,
}

const URL: &str = "http://callbacks.example.org/username=:username,password=:password";

fn checked(url: &str, secs: i64) -> AccessKeyChange {
    let check = GivenCheck { url: url.to_owned(), cache_for_secs: Some(secs) };
    AccessKeyChange { existence_check: Some(Some(check)), ..Default::default() }
}

impl World {
    fn new(runtime: Arc<dyn Runtime>, secs: i64) -> Self {
        let (clock, system) = (SetClock::new(), System::default());
        let outbound = Arc::new(system.clone());
        let ports = Ports { outbound, runtime, ..Ports::in_memory(&clock) };
        let packhouse = Packhouse::new(ports, Limits::default());
        run(users::set_up(&packhouse, Some(&Secret::new(ADMIN_KEY)))).unwrap();
        let admin = signed_in(&packhouse, users::ADMIN, ADMIN_KEY).unwrap();
        let anna = run(users::put(&packhouse, &admin, &subject("anna"), &UserChange::default()));
        let anna = anna.unwrap().api_key.unwrap();
        let anna = signed_in(&packhouse, "anna", &text(&anna)).unwrap();
        let said = checked(URL, secs);
        let (holder, key) = (user("anna"), key("key1"));
        let made = run(access_keys::create(&packhouse, &anna, &holder, &key, &said));
        let password = text(&made.unwrap().password.unwrap());
        Self { packhouse, clock, system, anna, password }
    }

    fn sign_in(&self) -> Result<Caller> {
        signed_in(&self.packhouse, "key1@anna", &self.password)
    }

    #[track_caller]
    fn refuses(&self) {
        assert_eq!(refused(self.sign_in()), needs_credentials());
    }

    fn is_there(&self) -> bool {
        run(access_keys::show(&self.packhouse, &self.anna, &user("anna"), &key("key1"))).is_ok()
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn change(&self, said: &AccessKeyChange) -> Option<Secret> {
        let (holder, key) = (user("anna"), key("key1"));
        let changed = access_keys::update(&self.packhouse, &self.anna, &holder, &key, said);
        run(changed).unwrap().password
    }
}

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

fn signed_in(packhouse: &Packhouse, user: &str, secret: &str) -> Result<Caller> {
    run(authenticate(packhouse, &Credentials::basic(user, secret), Origin::default()))
}

#[test]
fn the_publishers_system_is_asked_with_the_name_and_the_password_and_its_answer_is_kept() {
    // Less than a minute is a minute.
    for (secs, kept) in [(1, 60), (60, 60), (90, 90)] {
        let world = World::new(Arc::new(InlineRuntime), secs);
        world.system.says(Says::Status(200));
        assert!(world.sign_in().is_ok());
        let asked = world.system.last();
        let (method, password) = (asked.method, &world.password);
        let url = format!("http://callbacks.example.org/username=key1%40anna,password={password}");
        assert_eq!((method, asked.url), (OutboundMethod::Get, url));
        assert!(asked.headers.is_empty() && asked.json.is_none());
        assert!(asked.deadline <= Duration::from_secs(5));
        world.system.says(Says::Status(404));
        world.wait(kept - 1);
        assert!(world.sign_in().is_ok());
        assert_eq!(world.system.calls(), 1, "within the time");
        world.wait(1);
        world.refuses();
        assert_eq!(world.system.calls(), 2);
    }
}

#[test]
fn only_not_found_removes_the_key_and_only_success_lets_it_in() {
    let status = Says::Status;
    let outcomes = [200, 201, 204].map(|code| (status(code), true));
    let refusals = [100, 301, 302, 307, 400, 401, 403, 405, 410, 429, 500, 503, 504];
    let refusals = refusals.map(|code| (status(code), false));
    let failures =
        [OutboundErrorKind::Refused, OutboundErrorKind::Unreachable, OutboundErrorKind::TimedOut];
    let failures = failures.map(|kind| (Says::Fails(kind), false));
    let never = [(Says::Nothing, false)];
    for (says, lets_in) in outcomes.into_iter().chain(refusals).chain(failures).chain(never) {
        let world = World::new(Arc::new(InlineRuntime), 60);
        world.system.says(says);
        assert_eq!(world.sign_in().is_ok(), lets_in, "{says:?}");
        assert!(world.is_there(), "{says:?}");
        // That there was no answer counts for a moment alone.
        world.system.says(Says::Status(200));
        world.wait(5);
        assert!(world.sign_in().is_ok(), "{says:?}");
    }
    let world = World::new(Arc::new(InlineRuntime), 60);
    world.system.says(Says::Status(404));
    world.refuses();
    assert!(!world.is_there());
    world.system.says(Says::Status(200));
    world.wait(3_600);
    world.refuses();
    assert_eq!(world.system.calls(), 1, "there is nobody to ask for");
}

#[test]
fn a_failure_is_not_asked_for_again_at_once() {
    let world = World::new(Arc::new(InlineRuntime), 60);
    world.system.says(Says::Status(500));
    for _ in 0..20 {
        world.refuses();
    }
    assert_eq!(world.system.calls(), 1);
}

#[test]
fn a_wrong_password_calls_nobody() {
    let world = World::new(Arc::new(InlineRuntime), 60);
    world.system.says(Says::Status(200));
    assert!(signed_in(&world.packhouse, "key1@anna", "wrong password").is_err());
    assert!(signed_in(&world.packhouse, "key2@anna", &world.password).is_err());
    let expired = AccessKeyChange { expiry: Some(Some(1_500_000_000_000)), ..Default::default() };
    world.change(&expired);
    world.refuses();
    assert_eq!(world.system.calls(), 0);
}

#[test]
fn an_answer_counts_for_nothing_but_what_was_asked() {
    let mut world = World::new(Arc::new(InlineRuntime), 3_600);
    world.system.says(Says::Status(200));
    assert!(world.sign_in().is_ok());
    // Another address.
    world.change(&checked("https://other.example.org/", 3_600));
    world.system.says(Says::Status(500));
    world.refuses();
    world.change(&checked(URL, 3_600));
    world.system.says(Says::Status(200));
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 3);
    // Another password.
    let anew = AccessKeyChange { password: Some(Secret::new("")), ..Default::default() };
    world.password = text(&world.change(&anew).unwrap());
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 4);
    // A shorter time is in force at once.
    world.wait(100);
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 4);
    world.change(&checked(URL, 60));
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 5);
    // A clock that is set back keeps nothing alive.
    world.clock.set_back(Duration::from_secs(3_000));
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 6);
    // No check, no call.
    world.change(&AccessKeyChange { existence_check: Some(None), ..Default::default() });
    world.wait(10_000);
    assert!(world.sign_in().is_ok());
    assert_eq!(world.system.calls(), 6);
}

#[test]
fn those_who_come_together_are_answered_by_one_call() {
    let world = World::new(Arc::new(Sleepless), 60);
    world.system.says(Says::Status(200));
    let answer = world.system.waits();
    let credentials = Credentials::basic("key1@anna", &world.password);
    let sign_in = || authenticate(&world.packhouse, &credentials, Origin::default());
    let mut all = pin!(future::join_all((0..20).map(|_| sign_in())));
    let mut context = Context::from_waker(Waker::noop());
    assert!(all.as_mut().poll(&mut context).is_pending());
    assert_eq!(world.system.calls(), 1);
    answer.send(()).unwrap();
    let Poll::Ready(signed_in) = all.as_mut().poll(&mut context) else { panic!("not yet") };
    assert!(signed_in.iter().all(Result::is_ok));
    assert_eq!(world.system.calls(), 1);
}

/// What is said of a key that was changed while its check ran is not held against it.
#[test]
fn an_answer_for_the_key_as_it_was_removes_nothing() {
    let world = World::new(Arc::new(Sleepless), 60);
    world.system.says(Says::Status(404));
    let answer = world.system.waits();
    let credentials = Credentials::basic("key1@anna", &world.password);
    let mut asked = pin!(authenticate(&world.packhouse, &credentials, Origin::default()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_pending());
    world.change(&checked("https://other.example.org/", 60));
    answer.send(()).unwrap();
    assert_eq!(run(asked).unwrap_err().kind(), &ErrorKind::Unauthenticated);
    assert!(world.is_there());
}

#[test]
fn an_address_that_is_none_is_refused_when_it_is_given() {
    let world = World::new(Arc::new(InlineRuntime), 60);
    for url in [
        "ftp://example.org/",
        "example.org/x",
        "http://",
        "http:///x",
        "https://?x",
        "https://:80/",
        "javascript:alert(1)",
        "https://example.org/\u{e9}",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        " https://example.org/",
    ] {
        let said = checked(url, 60);
        let (engine, anna) = (&world.packhouse, &world.anna);
        let changed = run(access_keys::update(engine, anna, &user("anna"), &key("key1"), &said));
        let (kind, message) = refused(changed);
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(message.starts_with("existence_check.url is no address: give"), "{message}");
    }
    // What the client would refuse to call, with the tokens replaced as they are then.
    let said = checked("https://10.0.0.7/:username", 60);
    let changed =
        run(access_keys::update(&world.packhouse, &world.anna, &user("anna"), &key("key1"), &said));
    let message =
        "existence_check.url cannot be called: https://10.0.0.7/key1%40anna is not public";
    assert_eq!(refused(changed), (ErrorKind::Invalid, message.to_owned()));
    for (secs, message) in [
        (-1, "existence_check.cache_for_secs is -1: give seconds from 60 on"),
        (1 << 40, "existence_check.cache_for_secs is 1099511627776: give seconds from 60 on"),
    ] {
        let (engine, anna) = (&world.packhouse, &world.anna);
        let said = checked(URL, secs);
        let changed = run(access_keys::update(engine, anna, &user("anna"), &key("key1"), &said));
        assert_eq!(refused(changed), (ErrorKind::Invalid, message.to_owned()));
    }
}
