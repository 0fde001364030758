//! The witness of a crash: writers that remember what was acknowledged, and compare it with what the
//! server holds afterwards.
//!
//! Every acknowledged effect must be there, what was not acknowledged may be there or not, and no
//! file may be listed that cannot be downloaded with its checksum.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use packhouse_tests::client::{Client, Reply};
use packhouse_tests::content::{sha256, tar};
use packhouse_tests::random::Random;
use packhouse_tests::server::ADMIN_KEY;

const WRITERS: usize = 4;
const PATHS: u64 = 6;

/// What the writers and whoever ends their writing know of each other.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Whether the disk is being taken away. With the power of a machine its answers end too: those
    /// that come from now on promise nothing.
    pub(crate) is_cut: AtomicBool,
    /// How many changes were acknowledged.
    pub(crate) acknowledged: AtomicU64,
}

/// What one path holds: the SHA-256 of what is published, and of what waits to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Held {
    published: Option<String>,
    waiting: Option<String>,
}

impl Held {
    /// Takes what was uploaded.
    fn take(&mut self, body: &[u8], publish: bool) {
        let sha256 = Some(sha256(body));
        if publish {
            *self = Self { published: sha256, waiting: None };
        } else {
            self.waiting = sha256.filter(|new| self.published.as_ref() != Some(new));
        }
    }

    /// What can be seen of it: its SHA-256, and whether it is published. What waits to replace
    /// something published cannot be seen.
    pub(crate) fn seen(&self) -> Option<(String, bool)> {
        let published = self.published.clone().map(|sha256| (sha256, true));
        published.or_else(|| self.waiting.clone().map(|sha256| (sha256, false)))
    }
}

/// What every path of a writer holds.
pub(crate) type State = BTreeMap<String, Held>;

/// A change of some path, or of all.
pub(crate) enum Change {
    Upload {
        path: String,
        body: Vec<u8>,
        publish: bool,
    },
    /// All of the files of an archive, or none.
    Explode {
        files: Vec<(String, Vec<u8>)>,
        publish: bool,
    },
    Delete(String),
    Publish,
    Discard,
}

impl Change {
    /// What every path holds after it.
    fn apply(&self, before: &State) -> State {
        let mut after = before.clone();
        match self {
            Self::Upload { path, body, publish } => {
                after.entry(path.clone()).or_default().take(body, *publish);
            }
            Self::Explode { files, publish } => {
                for (path, body) in files {
                    after.entry(path.clone()).or_default().take(body, *publish);
                }
            }
            Self::Delete(path) => {
                after.insert(path.clone(), Held::default());
            }
            Self::Publish => after.values_mut().for_each(|held| {
                if held.waiting.is_some() {
                    held.published = held.waiting.take();
                }
            }),
            Self::Discard => after.values_mut().for_each(|held| held.waiting = None),
        }
        after
    }
}

/// What a change was answered with.
pub(crate) enum Told {
    Done,
    Refused(Reply),
    /// Nothing came back, and why.
    Nothing(std::io::Error),
}

/// Writes to one version that nobody else writes to, and knows what must be in it.
pub(crate) struct Writer {
    name: String,
    key: String,
    pub(crate) random: Random,
    /// What may be held: one state, and more only where a change was cut off and what it did
    /// cannot be seen.
    pub(crate) possible: Vec<State>,
}

impl Writer {
    /// Makes a user with a repository, and a writer for each of some packages.
    pub(crate) fn all(address: SocketAddr, random: &mut Random) -> Vec<Self> {
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
                let made = owner
                    .send("POST", &format!("/packages/crash/repo/{name}/versions"), VERSION)
                    .expect("a version");
                assert_eq!(made.status, 201, "{}", made.text());
                let paths = (0..PATHS).map(|path| (format!("{name}/{path}"), Held::default()));
                let possible = vec![paths.collect()];
                Self { name, key: key.clone(), random: Random::new(random.number()), possible }
            })
            .collect()
    }

    /// Has all of them write, each in a thread of its own.
    pub(crate) fn run_all(
        writers: Vec<Self>,
        address: SocketAddr,
        run: &Arc<Run>,
    ) -> Vec<JoinHandle<Self>> {
        let start = |writer: Self| {
            let run = run.clone();
            thread::spawn(move || writer.run(address, &run))
        };
        writers.into_iter().map(start).collect()
    }

    /// Waits until each of them is done. What one says in a panic is said again.
    pub(crate) fn join_all(running: Vec<JoinHandle<Self>>) -> Vec<Self> {
        let ended = |run: JoinHandle<Self>| run.join().unwrap_or_else(|said| resume_unwind(said));
        running.into_iter().map(ended).collect()
    }

    /// Changes things until the server, or its disk, is gone.
    fn run(mut self, address: SocketAddr, run: &Run) -> Self {
        let mut client = Client::user(address, "crash", &self.key);
        loop {
            let change = self.next_change();
            let after: Vec<State> = self.possible.iter().map(|state| change.apply(state)).collect();
            let reply = match self.send(&mut client, &change) {
                Ok(reply) if !run.is_cut.load(Ordering::SeqCst) => reply,
                // It may have happened, or not.
                _ => {
                    self.possible.extend(after);
                    return self;
                }
            };
            answered(&format!("a change of {}", self.name), &reply, &[200, 201]);
            self.possible = after;
            run.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A client with the rights of the writer.
    pub(crate) fn client(&self, address: SocketAddr) -> Client {
        Client::user(address, "crash", &self.key)
    }

    /// Makes a change of a server that may refuse it, and notes what may be held after it.
    pub(crate) fn change(&mut self, client: &mut Client, change: &Change) -> Told {
        let after: Vec<State> = self.possible.iter().map(|state| change.apply(state)).collect();
        let sent = self.send(client, change);
        match &sent {
            Ok(reply) if matches!(reply.status, 200 | 201) => self.possible = after,
            Ok(reply) if reply.status != 503 => {}
            // It may have happened all the same: what was not possible until now is.
            _ => {
                for state in after {
                    if !self.possible.contains(&state) {
                        self.possible.push(state);
                    }
                }
            }
        }
        match sent {
            Ok(reply) if matches!(reply.status, 200 | 201) => Told::Done,
            Ok(reply) => Told::Refused(reply),
            Err(error) => Told::Nothing(error),
        }
    }

    fn next_change(&mut self) -> Change {
        let place = usize::try_from(self.random.below(PATHS)).expect("a few");
        let state = &self.possible[0];
        let (path, held) = state.iter().nth(place).expect("one of the paths");
        let (path, is_held) = (path.clone(), held.seen().is_some());
        let is_pending = state.values().any(|held| held.waiting.is_some());
        match self.random.below(10) {
            0 if is_pending => Change::Publish,
            1 if is_pending => Change::Discard,
            2 | 3 if is_held => Change::Delete(path),
            4 => self.next_explode(),
            _ => {
                let size = usize::try_from(self.random.below(20_000)).expect("small");
                let (publish, body) = (self.random.below(2) == 1, self.random.bytes(size));
                Change::Upload { path, body, publish }
            }
        }
    }

    /// Some of the paths, with new bytes.
    fn next_explode(&mut self) -> Change {
        let paths: Vec<String> = self.possible[0].keys().cloned().collect();
        let (some, publish) = (self.random.below(1 << PATHS), self.random.below(2) == 1);
        // At least one.
        let chosen = (0..PATHS).zip(paths).filter(|(bit, _)| (some | 1) >> bit & 1 == 1);
        let mut files = Vec::new();
        for (_, path) in chosen {
            let size = usize::try_from(self.random.below(20_000)).expect("small");
            files.push((path, self.random.bytes(size)));
        }
        Change::Explode { files, publish }
    }

    fn send(&self, client: &mut Client, change: &Change) -> std::io::Result<Reply> {
        let name = &self.name;
        let publish = format!("/content/crash/repo/{name}/1.0/publish");
        match change {
            Change::Upload { path, body, publish } => {
                let flags = format!("override=1&publish={}", u8::from(*publish));
                client.send("PUT", &format!("/content/crash/repo/{name}/1.0/{path}?{flags}"), body)
            }
            Change::Explode { files, publish } => {
                let flags = format!("explode=1&override=1&publish={}", u8::from(*publish));
                client.send("PUT", &format!("/content/crash/repo/{name}/1.0/?{flags}"), &tar(files))
            }
            Change::Delete(path) => {
                client.send("DELETE", &format!("/content/crash/repo/{path}"), b"")
            }
            Change::Publish => client.send("POST", &publish, b"{}"),
            Change::Discard => client.send("POST", &publish, b"{\"discard\":true}"),
        }
    }

    /// Compares what the server holds with what was acknowledged.
    pub(crate) fn check(&mut self, address: SocketAddr, cycle: u64) {
        self.compare(address, cycle);
        self.possible.dedup();
        if self.possible.len() > 1 {
            // What waits shows when it is published.
            let mut owner = self.client(address);
            let sent = self.send(&mut owner, &Change::Publish).expect("the server answers");
            answered(&format!("the publication of {}", self.name), &sent, &[200]);
            self.possible.iter_mut().for_each(|state| *state = Change::Publish.apply(state));
            self.compare(address, cycle);
            self.possible.truncate(1);
        }
    }

    /// Keeps the states that look as what the server holds; there must be one.
    fn compare(&mut self, address: SocketAddr, cycle: u64) {
        let seen = self.seen(address);
        let looks = |state: &State| -> Seen {
            state.iter().filter_map(|(path, held)| Some((path.clone(), held.seen()?))).collect()
        };
        let before = self.possible.clone();
        self.possible.retain(|state| looks(state) == seen);
        assert!(
            !self.possible.is_empty(),
            "cycle {cycle}: {} holds\n{seen:#?}\nand may hold\n{before:#?}",
            self.name
        );
    }

    /// What is listed, each file downloaded and compared with what the list says of it.
    fn seen(&self, address: SocketAddr) -> Seen {
        let mut owner = Client::user(address, "crash", &self.key);
        let mut stranger = Client::anonymous(address);
        let mut seen = Seen::new();
        let list = format!("/packages/crash/repo/{}/files?include_unpublished=1", self.name);
        let listed = owner.send("GET", &list, b"").expect("the server answers");
        answered(&format!("the list of {}", self.name), &listed, &[200]);
        for file in listed.json().as_array().expect("a list") {
            let path = file["path"].as_str().expect("a path").to_owned();
            let url = format!("/crash/repo/{path}");
            let got = owner.send("GET", &url, b"").expect("the server answers");
            assert_eq!(got.status, 200, "{path} is listed and cannot be had: {}", got.text());
            let sha256 = sha256(&got.body);
            assert_eq!(Some(sha256.as_str()), file["sha256"].as_str(), "{path} has other bytes");
            assert_eq!(Some(got.body.len() as u64), file["size"].as_u64(), "{path}");
            let public = stranger.send("HEAD", &url, b"").expect("the server answers");
            answered(&format!("a stranger who asks for {path}"), &public, &[200, 401]);
            seen.insert(path, (sha256, public.status == 200));
        }
        seen
    }
}

/// Where what was acknowledged is there, only these are answers.
fn answered(what: &str, reply: &Reply, statuses: &[u16]) {
    let (status, text) = (reply.status, reply.text());
    assert!(statuses.contains(&status), "{what} must not be answered {status}: {text}");
}

/// What can be seen of each path that holds something.
type Seen = BTreeMap<String, (String, bool)>;

const VERSION: &[u8] = b"{\"name\":\"1.0\"}";
