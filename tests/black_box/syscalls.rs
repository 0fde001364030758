//! System calls of the running server that fail.
//!
//! strace makes the n-th call of a kind fail in each thread of the server, once or for as long as it
//! is attached, while a release, its correction and a deletion are asked for. Every answer must be
//! true, none may be a 500; when strace has let go the same server must do all of it again, without
//! a restart, and hold what was acknowledged.
//!
//! Writes to files are `pwrite64`: plain `write` is what sockets and wake-ups of the runtime use,
//! which no disk makes fail.
//!
//! `PACKHOUSE_SYSCALL_FAULTS=all` visits every point, and the name of a call every point of it; unless
//! told, the first of each kind, and then as many as half a minute has room for.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use packhouse_tests::client::Client;
use packhouse_tests::content::sha256;
use packhouse_tests::random::Random;
use packhouse_tests::server::Server;

use crate::witness::{Change, Told, Writer};

/// What fails, and how.
const FAULTS: [(&str, &[&str]); 11] = [
    ("fsync", &["error=EIO", "error=ENOSPC", "delay_enter=100ms"]),
    ("fdatasync", &["error=EIO", "error=ENOSPC", "delay_enter=100ms"]),
    ("pwrite64", &["error=EIO", "error=ENOSPC", "error=EDQUOT"]),
    ("openat", &["error=EIO", "error=ENOSPC", "error=EMFILE"]),
    ("renameat2", &["error=EIO", "error=ENOSPC"]),
    ("unlink", &["error=EIO", "error=EROFS"]),
    ("pread64", &["error=EIO"]),
    ("fstatfs", &["error=EIO"]),
    ("statx", &["error=EIO"]),
    ("ftruncate", &["error=EIO"]),
    ("fallocate", &["error=ENOSPC"]),
];

/// Calls that every release makes, on any machine.
const ALWAYS_MADE: [&str; 3] = ["fsync", "pwrite64", "renameat2"];
/// For how long the test command goes on, once the first call of each kind has failed.
const BOUND: Duration = Duration::from_secs(30);
/// So many calls of a kind are visited at most. A thread makes fewer for one release; one that moves
/// the log into the database makes any number, and each is like the others.
const MOST: usize = 60;

#[test]
fn any_system_call_may_fail() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let stderr = Stdio::from(File::create(&log).expect("a log"));
    let told = ToldOnPanic(log.clone());
    let server = Server::start_logging(&folder.path().join("data"), &[], stderr);
    if !Strace::works(&server, folder.path()) {
        println!("SKIPPED: strace is not there, or may not attach to the server");
        return;
    }
    let wanted = std::env::var("PACKHOUSE_SYSCALL_FAULTS").ok();
    let mut writer = Writer::all(server.address, &mut Random::new(1)).remove(0);
    let begun = Instant::now();
    let mut sweeps: Vec<Sweep> = FAULTS.iter().flat_map(Sweep::of).collect();
    sweeps.retain(|sweep| !wanted.as_ref().is_some_and(|only| only != "all" && only != sweep.call));
    let (mut visited, mut reached) = (0, BTreeSet::new());
    // The first call of every kind, then the second: a run that is cut short has seen all kinds.
    for call in 1..=MOST {
        for sweep in sweeps.iter_mut().filter(|sweep| !sweep.ended) {
            if call > 1 && wanted.is_none() && begun.elapsed() > BOUND {
                break;
            }
            sweep.ended = !sweep.visit(call, &server, &mut writer, folder.path());
            if !sweep.ended {
                visited += 1;
                reached.insert(sweep.call);
            }
            let said = fs::read_to_string(&log).expect("the log");
            assert!(!said.contains("panicked"), "{sweep:?} {call}:\n{said}");
        }
    }
    let ended = sweeps.iter().filter(|sweep| sweep.ended).count();
    println!("{visited} points of {} sweeps visited, {ended} of them to their end", sweeps.len());
    let asked_for = |call: &&str| sweeps.iter().any(|sweep| sweep.call == *call);
    let missing: Vec<_> =
        ALWAYS_MADE.into_iter().filter(asked_for).filter(|call| !reached.contains(call)).collect();
    assert!(missing.is_empty() && !reached.is_empty(), "{missing:?} never failed: {reached:?}");
    drop(told);
}

/// What the server said, if the test fails.
struct ToldOnPanic(PathBuf);

impl Drop for ToldOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            let said = fs::read_to_string(&self.0).unwrap_or_default();
            let lines: Vec<&str> = said.lines().rev().take(20).collect();
            let said = lines.join("\n");
            drop(writeln!(io::stdout(), "the server's last words, latest first:\n{said}"));
        }
    }
}

/// One kind of call that fails in one way.
#[derive(Debug)]
struct Sweep {
    call: &'static str,
    how: &'static str,
    /// For as long as strace is attached.
    for_good: bool,
    /// A run ended without the fault.
    ended: bool,
}

impl Sweep {
    fn of(fault: &(&'static str, &[&'static str])) -> Vec<Self> {
        let call = fault.0;
        let each = |how: &&'static str| {
            let how = *how;
            [false, true].map(|for_good| Self { call, how, for_good, ended: false })
        };
        fault.1.iter().flat_map(each).collect()
    }

    /// Lets the n-th call fail; whether there was one.
    fn visit(&self, call: usize, server: &Server, writer: &mut Writer, folder: &Path) -> bool {
        let Self { call: name, how, for_good, .. } = self;
        let plus = if *for_good { "+" } else { "" };
        let inject = format!("inject={name}:{how}:when={call}{plus}");
        let strace = Strace::attach(server, name, &inject, folder).expect("strace attaches");
        release(writer, server.address, false, &inject);
        let reached = strace.detach();
        writer.check(server.address, call as u64);
        release(writer, server.address, true, &inject);
        writer.check(server.address, call as u64);
        reached
    }
}

/// A release, its correction and a deletion; all of it must be done if `sound`.
fn release(writer: &mut Writer, address: SocketAddr, sound: bool, context: &str) {
    let mut client = writer.client(address);
    let paths: Vec<String> = writer.possible[0].keys().cloned().collect();
    let mut bytes = |size| writer.random.bytes(size);
    let upload =
        |path: &String, body, publish| Change::Upload { path: path.clone(), body, publish };
    let changes = [
        upload(&paths[0], bytes(300), false),
        upload(&paths[1], bytes(300_000), false),
        Change::Publish,
        upload(&paths[0], bytes(20), true),
        Change::Explode {
            files: vec![(paths[2].clone(), bytes(10)), (paths[3].clone(), bytes(5_000))],
            publish: true,
        },
        Change::Delete(paths[1].clone()),
    ];
    for change in &changes {
        if matches!(change, Change::Delete(_)) {
            download_all(writer, &mut client, &paths, sound, context);
        }
        match writer.change(&mut client, change) {
            Told::Done => {}
            Told::Refused(reply) => {
                let (status, text) = (reply.status, reply.text());
                // What an earlier change that failed did not make cannot be deleted.
                let may_be_absent =
                    || writer.possible.iter().any(|state| state[&paths[1]].seen().is_none());
                let absent =
                    matches!(change, Change::Delete(_)) && status == 404 && may_be_absent();
                let said = matches!(status, 503 | 507) && reply.header("retry-after").is_some();
                assert!(!sound && (absent || said), "{context}: {status} {text}");
            }
            Told::Nothing(error) => assert!(!sound, "{context}: no answer: {error}"),
        }
    }
}

/// What comes whole is what was uploaded.
fn download_all(
    writer: &Writer,
    client: &mut Client,
    paths: &[String],
    sound: bool,
    context: &str,
) {
    for path in paths {
        let of = |state: &crate::witness::State| state[path].seen().map(|(sha256, _)| sha256);
        let may_be: Vec<Option<String>> = writer.possible.iter().map(of).collect();
        match client.send("GET", &format!("/crash/repo/{path}"), b"") {
            Ok(got) if got.status == 200 => {
                let sha256 = Some(sha256(&got.body));
                assert!(may_be.contains(&sha256), "{context}: {path} is not what was uploaded");
            }
            Ok(got) if got.status == 404 => {
                assert!(may_be.contains(&None), "{context}: {path} is gone");
            }
            Ok(got) => assert!(
                !sound && matches!(got.status, 503 | 507),
                "{context}: {path} {}",
                got.status
            ),
            // Broken off.
            Err(error) => assert!(!sound, "{context}: {path} {error}"),
        }
    }
}

/// strace, attached to a server. Dropped, it lets go.
struct Strace {
    process: Child,
    output: PathBuf,
}

impl Strace {
    fn works(server: &Server, folder: &Path) -> bool {
        Self::attach(server, "fsync", "inject=fsync:error=EIO:when=60000", folder).is_some()
    }

    fn attach(server: &Server, call: &str, inject: &str, folder: &Path) -> Option<Self> {
        let output = folder.join("strace");
        let mut process = Command::new("strace")
            .args(["-f", "-e", &format!("trace={call}"), "-e", inject, "-o"])
            .arg(&output)
            .args(["-p", &server.id().to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(process.stderr.take()?).lines().map_while(Result::ok);
        let attached = lines.by_ref().any(|line| line.contains("attached"));
        // What it says later is read, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        let strace = Self { process, output };
        attached.then_some(strace)
    }

    /// Lets go; whether anything failed.
    fn detach(mut self) -> bool {
        self.end();
        let seen = fs::read_to_string(&self.output).expect("what strace saw");
        seen.contains("(INJECTED)") || seen.contains("(DELAYED)")
    }

    fn end(&mut self) {
        // Terminated it detaches first; killed it would take the server along.
        let id = self.process.id().to_string();
        drop(Command::new("kill").args(["-TERM", &id]).status());
        drop(self.process.wait());
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.end();
        }
    }
}
