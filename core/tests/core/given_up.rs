//! Explodes whose client went away: the job stops, and keeps its room until it has.

use std::io::SeekFrom;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use packhouse_core::access::{Caller, Credentials, Origin, Secret, authenticate};
use packhouse_core::archives::{
    ArchiveError, ArchiveErrorKind, ArchiveLimits, ArchiveReader, ArchiveSource, Archives,
};
use packhouse_core::explodes::{self, Target};
use packhouse_core::memory::{InlineRuntime, SetClock, block_on};
use packhouse_core::model::files::File;
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::ports::{BlockingJob, Runtime};
use packhouse_core::repositories::NewRepository;
use packhouse_core::users::UserChange;
use packhouse_core::{Limits, Packhouse, Ports, Result, packages, repositories, users};

use crate::world::{package, repo, run, subject, version};

/// Jobs in threads of their own: here they must outlive the request.
#[derive(Debug)]
struct Threads;

impl Runtime for Threads {
    #[allow(clippy::disallowed_methods, reason = "this is a host's runtime")]
    fn run_blocking(&self, job: BlockingJob) -> BoxFuture<'static, ()> {
        let (tell, told) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            job();
            drop(tell);
        });
        told.map(drop).boxed()
    }

    fn wait_for(&self, future: BoxFuture<'_, ()>) {
        block_on(future);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        InlineRuntime.sleep(duration)
    }
}

/// A format that reads its first byte again and again, and never gives a file.
#[derive(Debug)]
struct Endless {
    started: Mutex<Sender<()>>,
    ended: Mutex<Sender<()>>,
    /// Held by a test to keep the jobs where they are.
    gate: Arc<Mutex<()>>,
}

impl Archives for Endless {
    fn open(
        &self,
        mut source: Box<dyn ArchiveSource>,
        _limits: ArchiveLimits,
    ) -> std::result::Result<Box<dyn ArchiveReader>, ArchiveError> {
        self.started.lock().unwrap().send(()).unwrap();
        drop(self.gate.lock().unwrap());
        let error = loop {
            let read = source.seek(SeekFrom::Start(0)).and_then(|_| source.read(&mut [0]));
            if let Err(error) = read {
                break error;
            }
        };
        // The test may be over.
        let _ = self.ended.lock().unwrap().send(());
        let (kind, reason) = (ArchiveErrorKind::Source, "the source broke".to_owned());
        Err(ArchiveError { kind, entry: None, reason, source: Some(error) })
    }
}

struct Host {
    packhouse: Packhouse,
    owner: Caller,
    gate: Arc<Mutex<()>>,
    started: Receiver<()>,
    ended: Receiver<()>,
}

impl Host {
    fn new() -> Self {
        let ((tell_start, started), (tell_end, ended)) = (channel(), channel());
        let gate = Arc::new(Mutex::new(()));
        let archives = Endless {
            started: Mutex::new(tell_start),
            ended: Mutex::new(tell_end),
            gate: gate.clone(),
        };
        let ports = Ports {
            archives: Arc::new(archives),
            runtime: Arc::new(Threads),
            ..Ports::in_memory(&SetClock::new())
        };
        let packhouse = Packhouse::new(ports, Limits::default());
        let owner = run(async {
            let key = "the admin's own secret key";
            users::set_up(&packhouse, Some(&Secret::new(key))).await?;
            let admin = Credentials::basic(users::ADMIN, key);
            let admin = authenticate(&packhouse, &admin, Origin::default()).await?;
            let change = UserChange::default();
            let made = users::put(&packhouse, &admin, &subject("anna"), &change).await?;
            let key = String::from_utf8(made.api_key.unwrap().expose().to_vec()).unwrap();
            let anna = Credentials::basic("anna", &key);
            let anna = authenticate(&packhouse, &anna, Origin::default()).await?;
            let new = NewRepository::default();
            repositories::create(&packhouse, &anna, &repo("anna/repo"), &new).await?;
            let (tool, settings) = (package("anna/repo/tool"), PackageSettings::default());
            packages::create(&packhouse, &anna, &tool, &settings).await?;
            Result::<Caller>::Ok(anna)
        });
        Self { packhouse, owner: owner.unwrap(), gate, started, ended }
    }

    /// An explode, as far as it goes until it waits.
    fn begun(&self) -> BoxFuture<'static, Result<Vec<File>>> {
        let target = Target::new(version("anna/repo/tool/1.0"), None);
        let mut explode = run(explodes::begin(&self.packhouse, &self.owner, target)).unwrap();
        run(explode.write("archive".into())).unwrap();
        let mut finish = explode.finish().boxed();
        poll(&mut finish);
        finish
    }
}

fn poll(finish: &mut BoxFuture<'static, Result<Vec<File>>>) {
    assert!(finish.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_job_stops_when_nobody_waits_for_it() {
    let host = Host::new();
    let explode = host.begun();
    host.started.recv_timeout(LONG).expect("the job starts");
    drop(explode);
    host.ended.recv_timeout(LONG).expect("the job stops");
}

#[test]
fn a_job_that_was_given_up_keeps_its_room_until_it_stops() {
    let host = Host::new();
    let gate = host.gate.lock().unwrap();
    let four: Vec<_> = (0..4).map(|_| host.begun()).collect();
    for _ in 0..4 {
        host.started.recv_timeout(LONG).expect("four run at once");
    }
    drop(four);
    let mut fifth = host.begun();
    poll(&mut fifth);
    let early = host.started.recv_timeout(Duration::from_millis(300));
    assert!(early.is_err(), "the rooms are taken by jobs that still run");
    drop(gate);
    for _ in 0..4 {
        host.ended.recv_timeout(LONG).expect("the jobs stop");
    }
    let started = (0..2_000).any(|_| {
        poll(&mut fifth);
        host.started.recv_timeout(Duration::from_millis(10)).is_ok()
    });
    assert!(started, "then there is room");
    drop(fifth);
    host.ended.recv_timeout(LONG).expect("the last one stops");
}
