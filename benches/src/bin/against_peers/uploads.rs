//! Durable uploads beside docker-registry and beside a floor that does the same without HTTP.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use packhouse_benches::{Peer, median, say};
use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use sha2::{Digest, Sha256};

use crate::floor::Floor;
use crate::peers::{content, start_registry};

pub(crate) fn compare(work: &Path, packhouse: &Peer, key: &str, rounds: usize) -> io::Result<()> {
    let registry = match start_registry(work) {
        Ok(registry) => Some(registry),
        Err(error) => {
            say(&format!("docker-registry left out: {error}"));
            None
        }
    };
    let floor = Floor::start(&work.join("floor"))?;
    let ours = || Client::user(packhouse.address, "bench", key);
    for connections in [1, 8, 32] {
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..rounds {
            rates[0].push(load(
                || (),
                |(), number, body| floor.put(number, &body.bytes),
                connections,
                round,
            )?);
            rates[1].push(load(ours, put_file, connections, round)?);
            if let Some(registry) = &registry {
                let theirs = || Client::anonymous(registry.address);
                rates[2].push(load(theirs, put_blob, connections, round)?);
            }
        }
        let [floor, ours, registry] = rates.map(median);
        say(&format!(
            "durable upload of 1 to 10 KiB, {connections} connections: packhouse {ours:.0}/s, \
             docker-registry {registry:.0}/s, ratio {:.2}; the floor {floor:.0}/s, ratio {:.2}",
            ours / registry,
            ours / floor
        ));
    }
    let Some(registry) = registry else { return Ok(()) };
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut body = content(256 << 20);
        body[..8].copy_from_slice(&round.to_le_bytes());
        let body = Body::new(body);
        their_times.push(timed(|| put_blob(&mut Client::anonymous(registry.address), 0, &body))?);
        our_times.push(timed(|| put_file(&mut ours(), 1_000_000_000 + round, &body))?);
    }
    let (ours, theirs) = (median(our_times), median(their_times));
    say(&format!(
        "durable upload of 256 MiB, 1 connection: packhouse {:.0} MiB/s, docker-registry {:.0} MiB/s, ratio {:.2}",
        256.0 / ours,
        256.0 / theirs,
        theirs / ours
    ));
    Ok(())
}

/// How many seconds an upload takes.
fn timed(put: impl FnOnce() -> io::Result<bool>) -> io::Result<f64> {
    let begin = Instant::now();
    assert!(put()?, "an upload failed");
    Ok(begin.elapsed().as_secs_f64())
}

/// What is uploaded. The registry's clients say its digest, which is no part of what is measured.
struct Body {
    bytes: Vec<u8>,
    digest: String,
}

impl Body {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, digest }
    }
}

fn put_file(client: &mut Client, number: usize, body: &Body) -> io::Result<bool> {
    let path = format!("/content/bench/repo/p/1/up/{number}");
    Ok(client.send("PUT", &path, &body.bytes)?.status == 201)
}

/// The registry takes a blob in two requests.
fn put_blob(client: &mut Client, _number: usize, body: &Body) -> io::Result<bool> {
    let begun = client.send("POST", "/v2/bench/blobs/uploads/", b"")?;
    let place = begun.header("location").unwrap_or_default();
    let place = place.splitn(4, '/').nth(3).unwrap_or_default();
    let joint = if place.contains('?') { '&' } else { '?' };
    let path = format!("/{place}{joint}digest=sha256:{}", body.digest);
    Ok(client.send("PUT", &path, &body.bytes)?.status == 201)
}

/// Uploads a second, of files that are all different, by so many clients at once.
fn load<C>(
    client: impl Fn() -> C + Sync,
    put: impl Fn(&mut C, usize, &Body) -> io::Result<bool> + Sync,
    connections: usize,
    round: usize,
) -> io::Result<f64> {
    let count = 150 * connections.min(8);
    let next = AtomicUsize::new(0);
    let seed = round * 1_000_000 + connections * 10_000;
    let bodies: Vec<Body> = (0..count).map(|i| body(seed + i)).collect();
    let upload = || -> io::Result<()> {
        let mut client = client();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(body) = bodies.get(number) else { return Ok(()) };
            assert!(put(&mut client, seed + number, body)?, "an upload failed");
        }
    };
    let begin = Instant::now();
    thread::scope(|scope| {
        let running: Vec<_> = (0..connections).map(|_| scope.spawn(upload)).collect();
        running.into_iter().try_for_each(|run| run.join().expect("a client does not panic"))
    })?;
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

fn body(number: usize) -> Body {
    let mut random = Random::new(number as u64);
    let size = 1024 + usize::try_from(random.below(9 * 1024)).unwrap_or(0);
    Body::new(random.bytes(size))
}
