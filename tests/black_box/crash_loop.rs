//! A server that is killed again and again while it is written to.
//!
//! The witness is this process: it remembers what was acknowledged. After each restart every
//! acknowledged effect must be there, what was not acknowledged may be there or not, and no file
//! may be listed that cannot be downloaded with its checksum.
//!
//! `PACKHOUSE_CRASH_CYCLES` sets the number of cycles (200 by default), `PACKHOUSE_CRASH_SEED` the
//! seed of a run that failed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use packhouse_tests::server::{ADMIN_KEY, Server};
use sha2::{Digest, Sha256};

const WRITERS: usize = 4;
const PATHS: u64 = 6;

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let cycles = setting("PACKHOUSE_CRASH_CYCLES").unwrap_or(200);
    let seed = setting("PACKHOUSE_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{cycles} cycles, PACKHOUSE_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let data = tempfile::tempdir().expect("a temporary folder");
    let acknowledged = Arc::new(AtomicU64::new(0));
    let server = Server::start(data.path());
    let mut writers = Writer::all(server.address, &mut random);
    server.kill();
    for cycle in 0..cycles {
        let server = Server::start(data.path());
        let address = server.address;
        for writer in &mut writers {
            writer.check(address, cycle);
        }
        let running: Vec<_> = writers
            .into_iter()
            .map(|writer| {
                let acknowledged = acknowledged.clone();
                thread::spawn(move || writer.run(address, &acknowledged))
            })
            .collect();
        thread::sleep(Duration::from_millis(10 + random.below(250)));
        server.kill();
        writers = running.into_iter().map(|run| run.join().expect("a writer ends")).collect();
    }
    let server = Server::start(data.path());
    for writer in &mut writers {
        writer.check(server.address, cycles);
    }
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    println!("{acknowledged} acknowledged changes in {cycles} cycles, none lost");
    assert!(acknowledged > cycles, "the writers hardly wrote: {acknowledged} changes");
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What one path holds: the SHA-256 of its bytes, and whether it is published.
type Held = Option<(String, bool)>;

/// Writes to one version that nobody else writes to, and knows what must be in it.
struct Writer {
    name: String,
    key: String,
    random: Random,
    /// What each path holds.
    known: BTreeMap<String, Held>,
    /// What each path holds if the change that was cut off did happen.
    perhaps: Option<BTreeMap<String, Held>>,
}

/// A change, as a request.
struct Change {
    method: &'static str,
    path: String,
    body: Vec<u8>,
    /// What every path holds after it.
    after: BTreeMap<String, Held>,
}

impl Writer {
    fn all(address: SocketAddr, random: &mut Random) -> Vec<Self> {
        let mut admin = Client::user(address, "admin", ADMIN_KEY);
        let user = admin.send("PUT", "/management/v1/users/crash", b"{}").expect("a user");
        let key = user.json()["api_key"].as_str().expect("a key").to_owned();
        let mut owner = Client::user(address, "crash", &key);
        let repo = owner.send("POST", "/repos/crash/repo", b"{}").expect("a repository");
        assert_eq!(repo.status, 201, "{}", repo.text());
        (0..WRITERS)
            .map(|number| {
                let name = format!("p{number}");
                let body = format!("{{\"name\":\"{name}\"}}");
                let made = owner.send("POST", "/packages/crash/repo", body.as_bytes());
                assert_eq!(made.expect("a package").status, 201);
                let paths = (0..PATHS).map(|path| (format!("{name}/{path}"), None)).collect();
                let random = Random::new(random.number());
                Self { name, key: key.clone(), random, known: paths, perhaps: None }
            })
            .collect()
    }

    /// Changes things until the server is gone.
    fn run(mut self, address: SocketAddr, acknowledged: &AtomicU64) -> Self {
        let mut client = Client::user(address, "crash", &self.key);
        loop {
            let change = self.next_change();
            self.perhaps = Some(change.after);
            match client.send(change.method, &change.path, &change.body) {
                Ok(reply) => {
                    let done = matches!(reply.status, 200 | 201);
                    assert!(done, "{} {}: {}", change.method, change.path, reply.text());
                    self.known = self.perhaps.take().expect("just set");
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => return self,
            }
        }
    }

    fn next_change(&mut self) -> Change {
        let place = usize::try_from(self.random.below(PATHS)).expect("a few");
        let (path, held) = self.known.iter().nth(place).expect("one of the paths");
        let (path, held) = (path.clone(), held.clone());
        let any_pending = self.known.values().flatten().any(|(_, published)| !published);
        match self.random.below(10) {
            0 if any_pending => self.publish(false),
            1 if any_pending => self.publish(true),
            2 | 3 if held.is_some() => self.delete(&path),
            _ => self.upload(&path),
        }
    }

    fn upload(&mut self, path: &str) -> Change {
        let publish = self.random.below(2) == 1;
        let size = usize::try_from(self.random.below(20_000)).expect("small");
        let body = self.random.bytes(size);
        let mut after = self.known.clone();
        after.insert(path.to_owned(), Some((sha256(&body), publish)));
        let name = &self.name;
        let flags = format!("override=1&publish={}", u8::from(publish));
        let path = format!("/content/crash/repo/{name}/1.0/{path}?{flags}");
        Change { method: "PUT", path, body, after }
    }

    fn delete(&self, path: &str) -> Change {
        let mut after = self.known.clone();
        after.insert(path.to_owned(), None);
        let path = format!("/content/crash/repo/{path}");
        Change { method: "DELETE", path, body: Vec::new(), after }
    }

    fn publish(&self, discard: bool) -> Change {
        let mut after = self.known.clone();
        for held in after.values_mut() {
            let pending = held.as_ref().is_some_and(|(_, published)| !published);
            match held {
                Some(_) if pending && discard => *held = None,
                Some((_, published)) => *published = true,
                None => {}
            }
        }
        let path = format!("/content/crash/repo/{}/1.0/publish", self.name);
        Change { method: "POST", path, body: format!("{{\"discard\":{discard}}}").into(), after }
    }

    /// Compares what the server holds with what was acknowledged.
    fn check(&mut self, address: SocketAddr, cycle: u64) {
        let held = self.held(address);
        let fits = held == self.known || Some(&held) == self.perhaps.as_ref();
        assert!(
            fits,
            "cycle {cycle}: {} holds\n{held:#?}\nacknowledged was\n{:#?}\nand perhaps\n{:#?}",
            self.name, self.known, self.perhaps
        );
        self.known = held;
        self.perhaps = None;
    }

    /// What is listed, each file downloaded and compared with what the list says of it.
    fn held(&self, address: SocketAddr) -> BTreeMap<String, Held> {
        let mut owner = Client::user(address, "crash", &self.key);
        let mut stranger = Client::anonymous(address);
        let mut held: BTreeMap<String, Held> =
            self.known.keys().map(|path| (path.clone(), None)).collect();
        let list = format!("/packages/crash/repo/{}/files?include_unpublished=1", self.name);
        let listed = owner.send("GET", &list, b"").expect("the server answers");
        assert_eq!(listed.status, 200, "{}", listed.text());
        for file in listed.json().as_array().expect("a list") {
            let path = file["path"].as_str().expect("a path").to_owned();
            let url = format!("/crash/repo/{path}");
            let got = owner.send("GET", &url, b"").expect("the server answers");
            assert_eq!(got.status, 200, "{path} is listed and cannot be had: {}", got.text());
            let sha256 = sha256(&got.body);
            assert_eq!(Some(sha256.as_str()), file["sha256"].as_str(), "{path} has other bytes");
            assert_eq!(Some(got.body.len() as u64), file["size"].as_u64(), "{path}");
            let public = stranger.send("HEAD", &url, b"").expect("the server answers").status;
            assert!(matches!(public, 200 | 401), "{path}: {public}");
            held.insert(path, Some((sha256, public == 200)));
        }
        held
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
