//! What an access key costs: processor time of the server for one download with a key, beside an
//! anonymous download of the same file, in one run.
//!
//! ```text
//! apt-get install wrk
//! cargo build --release -p packhouse-server
//! cargo run --release -p packhouse-benches --bin access_keys
//! ```
//!
//! The subject has 10,000 entitlements over 100 keys; the one that downloads has 100 of them, all
//! in the repository of the file, each for a folder of its own. The repository is public while
//! nobody in particular downloads, and private while the key and the owner do: each decision is
//! made anew. `ROUNDS` (5) and `SECONDS` (4) set how long it takes.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_benches::{Peer, median, say, setting};
use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use packhouse_tests::server::ADMIN_KEY;
use serde_json::json;

const KEYS: usize = 100;
const ENTITLEMENTS: usize = 10_000;
const CONNECTIONS: usize = 64;
const FILE: &str = "/bench/repo/d/50/file.bin";

fn main() -> io::Result<()> {
    let work = tempfile::tempdir()?;
    let server = Peer::packhouse(work.path())?;
    let mut bench = Bench::prepare(server)?;
    let (mut anonymous, mut with_key, mut as_owner) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setting("ROUNDS", 5) {
        bench.set_private(false)?;
        anonymous.push(bench.cost(None)?);
        bench.set_private(true)?;
        with_key.push(bench.cost(Some(&bench.key.clone()))?);
        as_owner.push(bench.cost(Some(&bench.owner_login.clone()))?);
    }
    let (anonymous, with_key) = (median(anonymous), median(with_key));
    let as_owner = median(as_owner);
    say(&format!("anonymous: {anonymous:.1} us of processor time a download"));
    say(&format!("the owner: {as_owner:.1} us, ratio {:.2}", as_owner / anonymous));
    say(&format!(
        "an access key with 100 of 10,000 entitlements: {with_key:.1} us, ratio {:.2}",
        with_key / anonymous
    ));
    Ok(())
}

struct Bench {
    server: Peer,
    owner: Client,
    /// Name and password of the owner, and of the key that downloads.
    owner_login: String,
    key: String,
}

impl Bench {
    fn prepare(server: Peer) -> io::Result<Self> {
        let address = server.address;
        let mut admin = Client::user(address, "admin", ADMIN_KEY);
        let user = admin.send("PUT", "/management/v1/users/bench", b"{}")?.json();
        let api_key = user["api_key"].as_str().unwrap_or_default().to_owned();
        let mut owner = Client::user(address, "bench", &api_key);
        send(&mut owner, "POST", "/repos/bench/repo", "{}")?;
        send(&mut owner, "POST", "/packages/bench/repo", "{\"name\":\"p\"}")?;
        let path =
            format!("/content/bench/repo/p/1{}?publish=1", FILE.trim_start_matches("/bench/repo"));
        let put = owner.send("PUT", &path, &Random::new(1).bytes(64 << 10))?;
        assert_eq!(put.status, 201, "{}", put.text());
        let mut password = String::new();
        for number in 0..KEYS {
            let body = json!({"id": format!("key{number}")}).to_string();
            let made = send(&mut owner, "POST", "/users/bench/access_keys", &body)?;
            if number == 0 {
                password = made["password"].as_str().unwrap_or_default().to_owned();
            }
        }
        entitle(&owner)?;
        let key = format!("key0@bench:{password}");
        Ok(Self { server, owner, owner_login: format!("bench:{api_key}"), key })
    }

    fn set_private(&mut self, private: bool) -> io::Result<()> {
        let body = json!({"private": private}).to_string();
        send(&mut self.owner, "PATCH", "/repos/bench/repo", &body).map(drop)
    }

    /// Microseconds of the server's processor time for one download.
    fn cost(&self, login: Option<&str>) -> io::Result<f64> {
        let before = self.server.processor_time()?;
        let requests = load(self.server.address, login)?;
        Ok((self.server.processor_time()? - before) * 1e6 / requests)
    }
}

fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<serde_json::Value> {
    let reply = client.send(method, path, body.as_bytes())?;
    assert!(reply.status < 300, "{method} {path}: {}", reply.text());
    Ok(reply.json())
}

/// Makes the entitlements, over some connections.
fn entitle(owner: &Client) -> io::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let (mut owner, next) = (owner.again(), next.clone());
            thread::spawn(move || -> io::Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= ENTITLEMENTS {
                        return Ok(());
                    }
                    let (key, folder) = (number % KEYS, number / KEYS);
                    let body = json!({
                        "access": "r", "access_keys": [format!("key{key}")],
                        "path": format!("d/{folder}"), "tags": [format!("customer{key}")],
                    });
                    let path = "/repos/bench/repo/entitlements";
                    send(&mut owner, "POST", path, &body.to_string())?;
                }
            })
        })
        .collect();
    for maker in makers {
        maker.join().map_err(|_| io::Error::other("a client panicked"))??;
    }
    Ok(())
}

/// How many downloads were answered.
fn load(address: SocketAddr, login: Option<&str>) -> io::Result<f64> {
    let seconds = setting("SECONDS", 4);
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1".to_owned(), format!("-c{CONNECTIONS}"), format!("-d{seconds}s")]);
    if let Some(login) = login {
        wrk.args(["-H", &format!("Authorization: Basic {}", STANDARD.encode(login))]);
    }
    let output = wrk.arg(format!("http://{address}{FILE}")).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let requests =
        text.split(" requests in").next().and_then(|text| text.split_whitespace().last());
    requests
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| io::Error::other(format!("wrk said: {text}")))
}
