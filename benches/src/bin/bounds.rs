//! What a server takes: memory when idle, under large files and under many at once; processor time
//! for a download and an upload as its store grows; and how long it takes to start.
//!
//! ```text
//! cargo build --release -p packhouse-server
//! cargo run --release -p packhouse-benches --bin bounds
//! ```
//!
//! Growth compares a store of `FILES` (10,000) and a tenth as many packages with one of ten times
//! both. The files are small, and their bytes of a hundred kinds, so that what grows are the records. The start is
//! after a kill, over the larger store; `FILES=100000` makes that one million files. Memory needs
//! some 5 GiB of disk.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_benches::{Peer, median, say, setting};
use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use packhouse_tests::server::ADMIN_KEY;

const MIB: u64 = 1 << 20;
/// How many files an archive carries that fills the store.
const BATCH: usize = 500;
/// How many downloads, and how many uploads, the processor time of one is taken from.
const SAMPLES: usize = 4000;

fn main() -> io::Result<()> {
    let work = tempfile::tempdir()?;
    memory(&work.path().join("memory"))?;
    growth(&work.path().join("growth"))
}

/// A user with a repository; gives the user's key.
fn prepare(address: SocketAddr) -> io::Result<String> {
    let mut admin = Client::user(address, "admin", ADMIN_KEY);
    let user = admin.send("PUT", "/management/v1/users/bench", b"{}")?.json();
    let key = user["api_key"].as_str().unwrap_or_default().to_owned();
    let mut owner = Client::user(address, "bench", &key);
    expect(&mut owner, "POST", "/repos/bench/repo", b"{}")?;
    expect(&mut owner, "POST", "/packages/bench/repo", b"{\"name\":\"large\"}")?;
    Ok(key)
}

fn expect(client: &mut Client, method: &str, path: &str, body: &[u8]) -> io::Result<()> {
    let reply = client.send(method, path, body)?;
    assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.text());
    Ok(())
}

// --- Memory -------------------------------------------------------------------------------------

fn memory(data: &Path) -> io::Result<()> {
    let server = Peer::packhouse(data)?;
    let key = prepare(server.address)?;
    thread::sleep(Duration::from_secs(2));
    let idle = server.memory()?;
    say(&format!("idle: {idle:.1} MiB"));
    let large = setting("LARGE_MIB", 2048) as u64 * MIB;
    let megabytes = large / MIB;
    let many = |number| format!("many/{number}");
    added(&server, &format!("upload of {megabytes} MiB"), 1, |_| {
        send_file(server.address, &key, "large", large)
    })?;
    added(&server, &format!("download of {megabytes} MiB"), 1, |_| {
        receive_file(server.address, "large", large)
    })?;
    added(&server, "uploads of 4 MiB at once", 500, |number| {
        send_file(server.address, &key, &many(number), 4 * MIB)
    })?;
    added(&server, "downloads of 4 MiB at once", 500, |number| {
        receive_file(server.address, &many(number), 4 * MIB)
    })
}

/// Says how much memory it adds when something is done so many times at once.
fn added(
    server: &Peer,
    what: &str,
    count: usize,
    one: impl Fn(usize) -> io::Result<()> + Sync,
) -> io::Result<()> {
    // What was done before is given back by then.
    thread::sleep(Duration::from_secs(3));
    let before = server.memory()?;
    server.begin_peak()?;
    at_once(count, one)?;
    let more = server.peak()? - before;
    say(&format!(
        "{count} x {what}: {before:.1} MiB before, {more:.1} MiB more at the most, {:.2} MiB each",
        more / count as f64
    ));
    Ok(())
}

/// Does something so many times, all at once.
fn at_once(count: usize, one: impl Fn(usize) -> io::Result<()> + Sync) -> io::Result<()> {
    thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().try_for_each(|run| run.join().expect("a client does not panic"))
    })
}

/// Uploads a file of so many bytes, none of which is in the client's memory for long.
fn send_file(address: SocketAddr, key: &str, name: &str, size: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let login = STANDARD.encode(format!("bench:{key}"));
    write!(
        stream,
        "PUT /content/bench/repo/large/1/{name}?publish=1 HTTP/1.1\r\nHost: bench\r\n\
         Authorization: Basic {login}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    )?;
    let mut chunk = Random::new(1).bytes(64 << 10);
    // Contents that are equal would be kept once.
    chunk[..name.len().min(64)].copy_from_slice(&name.as_bytes()[..name.len().min(64)]);
    for _ in 0..size / chunk.len() as u64 {
        stream.write_all(&chunk)?;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    Ok(())
}

/// Downloads a file of so many bytes.
fn receive_file(address: SocketAddr, name: &str, size: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /bench/repo/{name} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let (mut chunk, mut head, mut received) = (vec![0; 256 << 10], Vec::new(), 0);
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            assert_eq!(received, size, "{name}");
            return Ok(());
        }
        received += count as u64;
        if !head.ends_with(b"\r\n\r\n") {
            let end = chunk[..count].windows(4).position(|window| window == b"\r\n\r\n");
            let end = end.expect("the head comes in one piece") + 4;
            head.extend_from_slice(&chunk[..end]);
            assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
            received -= end as u64;
        }
    }
}

// --- Growth -------------------------------------------------------------------------------------

fn growth(data: &Path) -> io::Result<()> {
    let files = setting("FILES", 10_000).next_multiple_of(BATCH);
    let mut server = Peer::packhouse(data)?;
    let key = prepare(server.address)?;
    let mut costs = Vec::new();
    let (mut filled, mut uploaded) = (0, 0);
    for count in [files, files * 10] {
        let begin = Instant::now();
        fill(server.address, &key, filled, count)?;
        filled = count;
        // What was filled is on the disk, and the caches are as after a start.
        // The system's cache of the disk stays warm.
        server.kill()?;
        let started = Instant::now();
        server = Peer::packhouse(data)?;
        let ready = until_ready(server.address)?;
        say(&format!(
            "{count} files: filled in {:.0} s, {:.0} bytes of disk each, ready {:.2} s after the start, {:.1} MiB of memory",
            (started - begin).as_secs_f64(),
            size_of(data)? as f64 / count as f64,
            (ready - started).as_secs_f64(),
            server.memory()?
        ));
        let (mut downloads, mut uploads) = (Vec::new(), Vec::new());
        for round in 0..3 {
            downloads.push(download_cost(&server, count, round)?);
            uploads.push(upload_cost(&server, &key, uploaded)?);
            uploaded += SAMPLES;
        }
        let (download, upload) = (median(downloads), median(uploads));
        say(&format!("  {download:.0} us of processor time a download, {upload:.0} us an upload"));
        say(&format!("  {:.1} MiB of memory after them", server.memory()?));
        costs.push((download, upload));
    }
    let (small, large) = (costs[0], costs[1]);
    say(&format!(
        "ten times the files: {:.2} times a download, {:.2} times an upload",
        large.0 / small.0,
        large.1 / small.1
    ));
    Ok(())
}

/// Fills the store up to so many files, from some on.
fn fill(address: SocketAddr, key: &str, from: usize, to: usize) -> io::Result<()> {
    let next = AtomicUsize::new(from / BATCH);
    at_once(4, |_| {
        let mut owner = Client::user(address, "bench", key);
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch * BATCH >= to {
                return Ok(());
            }
            // The files of an archive go to the first of its packages.
            let archive = archive(batch);
            let body = format!("{{\"name\":\"{}\"}}", package(batch * BATCH));
            expect(&mut owner, "POST", "/packages/bench/repo", body.as_bytes())?;
            for other in 1..BATCH / 10 {
                let body = format!("{{\"name\":\"{}\"}}", package(batch * BATCH + other * 10));
                expect(&mut owner, "POST", "/packages/bench/repo", body.as_bytes())?;
            }
            let path =
                format!("/content/bench/repo/{}/1/?explode=1&publish=1", package(batch * BATCH));
            expect(&mut owner, "PUT", &path, &archive)?;
        }
    })
}

fn package(file: usize) -> String {
    format!("p{}", file / 10)
}

fn path_of(file: usize) -> String {
    format!("files/{}/{}/f{file}.bin", file % 97, file / BATCH)
}

fn archive(batch: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in batch * BATCH..(batch + 1) * BATCH {
        let body = format!("content {}", file % 100);
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path_of(file), body.as_bytes()).expect("written to memory");
    }
    tar.into_inner().expect("written to memory")
}

/// When the server says that it is ready.
fn until_ready(address: SocketAddr) -> io::Result<Instant> {
    let mut anyone = Client::anonymous(address);
    while anyone.send("GET", "/management/v1/ready", b"")?.status != 200 {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(Instant::now())
}

/// The disk that a folder takes, in bytes.
fn size_of(folder: &Path) -> io::Result<u64> {
    let output = std::process::Command::new("du").args(["-s", "-B1"]).arg(folder).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .next()
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| io::Error::other(text))
}

/// Microseconds of processor time for a download of some file of all.
fn download_cost(server: &Peer, files: usize, round: u64) -> io::Result<f64> {
    let before = server.processor_time()?;
    at_once(8, |client| {
        let mut anyone = Client::anonymous(server.address);
        let mut random = Random::new(round * 8 + client as u64);
        for _ in 0..SAMPLES / 8 {
            let file = usize::try_from(random.below(files as u64)).unwrap_or(0);
            expect(&mut anyone, "GET", &format!("/bench/repo/{}", path_of(file)), b"")?;
        }
        Ok(())
    })?;
    Ok((server.processor_time()? - before) * 1e6 / SAMPLES as f64)
}

/// Microseconds of processor time for an upload of a new small file.
fn upload_cost(server: &Peer, key: &str, from: usize) -> io::Result<f64> {
    let before = server.processor_time()?;
    at_once(8, |client| {
        let mut owner = Client::user(server.address, "bench", key);
        for number in 0..SAMPLES / 8 {
            let name = from + client * SAMPLES / 8 + number;
            let body = format!("something new {name}");
            let path = format!("/content/bench/repo/large/1/new/{}/{name}?publish=1", name % 50);
            expect(&mut owner, "PUT", &path, body.as_bytes())?;
        }
        Ok(())
    })?;
    Ok((server.processor_time()? - before) * 1e6 / SAMPLES as f64)
}
