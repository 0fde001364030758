//! Packhouse against its peers in one run: downloads beside nginx, durable uploads beside Debian's
//! docker-registry.
//!
//! ```text
//! apt-get install nginx-light docker-registry wrk
//! cargo build --release -p packhouse-server
//! cargo run --release -p packhouse-benches --bin against_peers
//! ```
//!
//! Every server listens on 127.0.0.1 and is loaded in turn within each round, so that a noisy
//! neighbour hits all alike. Client and servers share the machine's cores: compare the ratios.
//! `ROUNDS` (3) and `SECONDS` (4) set how long it takes. What is not installed is left out.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use packhouse_tests::server::ADMIN_KEY;
use sha2::{Digest, Sha256};

/// A server that was started here, ended with this value.
struct Peer {
    process: Child,
    address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx ends its workers on TERM only; a process that is gone already is as well.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn main() -> io::Result<()> {
    let rounds = setting("ROUNDS", 3);
    let work = tempfile::tempdir()?;
    let packhouse = start_packhouse(work.path())?;
    let key = prepare(packhouse.address)?;
    downloads(work.path(), &packhouse, rounds)?;
    uploads(work.path(), &packhouse, &key, rounds)
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}

// --- Starting -----------------------------------------------------------------------------------

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn start(mut command: Command, address: SocketAddr) -> io::Result<Peer> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let peer = Peer { process: command.spawn()?, address };
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(peer);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "a server did not come up"))
}

fn start_packhouse(work: &Path) -> io::Result<Peer> {
    let address = free_address()?;
    let here = std::env::current_exe()?;
    let mut command = Command::new(here.with_file_name("packhouse-server"));
    command
        .args(["serve", "--log-level", "warn", "--listen", &address.to_string(), "--data"])
        .arg(work.join("packhouse"))
        .env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY);
    start(command, address)
}

fn start_nginx(work: &Path) -> io::Result<Peer> {
    let address = free_address()?;
    let folder = work.join("nginx");
    fs::create_dir_all(folder.join("logs"))?;
    for (name, size) in FILES {
        fs::write(folder.join(name), content(size))?;
    }
    let root = folder.display();
    let config = format!(
        "worker_processes 2; pid {root}/pid; error_log {root}/logs/error.log; user root;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush off; keepalive_requests 100000000;\n\
         default_type application/octet-stream;\n\
         server {{ listen {address}; root {root}; }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), config)?;
    let mut command = Command::new("nginx");
    command.args(["-g", "daemon off;", "-c"]).arg(folder.join("nginx.conf"));
    start(command, address)
}

fn start_registry(work: &Path) -> io::Result<Peer> {
    let address = free_address()?;
    let folder = work.join("registry");
    fs::create_dir_all(&folder)?;
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}, cache: {{blobdescriptor: inmemory}}}}\n\
         http: {{addr: '{address}'}}\n",
        folder.join("data").display()
    );
    let file = folder.join("config.yml");
    fs::write(&file, config)?;
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(file);
    start(command, address)
}

const FILES: [(&str, usize); 2] = [("1k", 1 << 10), ("64k", 64 << 10)];

fn content(size: usize) -> Vec<u8> {
    Random::new(size as u64).bytes(size)
}

/// A user with a public repository and the files to download; gives the user's key.
fn prepare(address: SocketAddr) -> io::Result<String> {
    let mut admin = Client::user(address, "admin", ADMIN_KEY);
    let user = admin.send("PUT", "/management/v1/users/bench", b"{}")?;
    let key = user.json()["api_key"].as_str().unwrap_or_default().to_owned();
    let mut owner = Client::user(address, "bench", &key);
    owner.send("POST", "/repos/bench/repo", b"{}")?;
    owner.send("POST", "/packages/bench/repo", b"{\"name\":\"p\"}")?;
    for (name, size) in FILES {
        let path = format!("/content/bench/repo/p/1/{name}?publish=1");
        let reply = owner.send("PUT", &path, &content(size))?;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    Ok(key)
}

// --- Downloads ----------------------------------------------------------------------------------

fn downloads(work: &Path, packhouse: &Peer, rounds: usize) -> io::Result<()> {
    let nginx = match start_nginx(work) {
        Ok(nginx) => nginx,
        Err(error) => {
            say(&format!("downloads left out: nginx: {error}"));
            return Ok(());
        }
    };
    for (name, connections) in [("64k", 64), ("64k", 1), ("1k", 64)] {
        let ours = format!("http://{}/bench/repo/{name}", packhouse.address);
        let theirs = format!("http://{}/{name}", nginx.address);
        let (mut our_rates, mut their_rates, mut p99) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            their_rates.push(wrk(&theirs, connections)?.0);
            let (rate, slowest) = wrk(&ours, connections)?;
            our_rates.push(rate);
            p99.push(slowest);
        }
        let (ours, theirs) = (median(our_rates), median(their_rates));
        say(&format!(
            "download {name}, {connections} connections: packhouse {ours:.0}/s (p99 {:.2} ms), nginx {theirs:.0}/s, ratio {:.2}",
            median(p99),
            ours / theirs
        ));
    }
    Ok(())
}

/// Requests a second, and the 99th percentile in milliseconds.
fn wrk(url: &str, connections: usize) -> io::Result<(f64, f64)> {
    let seconds = setting("SECONDS", 4);
    let threads = connections.min(2);
    let output = Command::new("wrk")
        .args([format!("-t{threads}"), format!("-c{connections}"), format!("-d{seconds}s")])
        .args(["--latency", url])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let field = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or_default().to_owned()
    };
    let rate = field("Requests/sec:").parse().unwrap_or(0.0);
    Ok((rate, milliseconds(&field("99%"))))
}

fn milliseconds(text: &str) -> f64 {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.unwrap_or(f64::NAN)
}

// --- Uploads ------------------------------------------------------------------------------------

/// One durable upload of a file by a client; the number tells files apart.
type Put = fn(&mut Client, usize, &[u8]) -> io::Result<bool>;

fn uploads(work: &Path, packhouse: &Peer, key: &str, rounds: usize) -> io::Result<()> {
    let registry = match start_registry(work) {
        Ok(registry) => Some(registry),
        Err(error) => {
            say(&format!("docker-registry left out: {error}"));
            None
        }
    };
    let ours = Client::user(packhouse.address, "bench", key);
    for connections in [1, 8, 32] {
        let (mut our_rates, mut their_rates, mut disk) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            disk.push(synced_files(&work.join("disk"), connections, round)?);
            our_rates.push(load(&ours, put_file, connections, round)?);
            if let Some(registry) = &registry {
                let theirs = Client::anonymous(registry.address);
                their_rates.push(load(&theirs, put_blob, connections, round)?);
            }
        }
        let (ours, theirs, disk) = (median(our_rates), median(their_rates), median(disk));
        say(&format!(
            "durable upload of 1 to 10 KiB, {connections} connections: packhouse {ours:.0}/s, \
             docker-registry {theirs:.0}/s, ratio {:.2}; files synced with their folder {disk:.0}/s, ratio {:.2}",
            ours / theirs,
            ours / disk
        ));
    }
    Ok(())
}

fn put_file(client: &mut Client, number: usize, body: &[u8]) -> io::Result<bool> {
    let path = format!("/content/bench/repo/p/1/up/{number}");
    Ok(client.send("PUT", &path, body)?.status == 201)
}

/// The registry takes a blob in two requests.
fn put_blob(client: &mut Client, _number: usize, body: &[u8]) -> io::Result<bool> {
    let begun = client.send("POST", "/v2/bench/blobs/uploads/", b"")?;
    let place = begun.header("location").unwrap_or_default();
    let place = place.splitn(4, '/').nth(3).unwrap_or_default();
    let joint = if place.contains('?') { '&' } else { '?' };
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = format!("/{place}{joint}digest=sha256:{digest}");
    Ok(client.send("PUT", &path, body)?.status == 201)
}

/// Uploads a second, of files that are all different.
fn load(client: &Client, put: Put, connections: usize, round: usize) -> io::Result<f64> {
    let count = 150 * connections.min(8);
    let next = Arc::new(AtomicUsize::new(0));
    let seed = round * 1_000_000 + connections * 10_000;
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new((0..count).map(|i| body(seed + i)).collect());
    let begin = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (mut client, next, bodies) = (client.again(), next.clone(), bodies.clone());
            thread::spawn(move || -> io::Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(body) = bodies.get(number) else { return Ok(()) };
                    assert!(put(&mut client, seed + number, body)?, "an upload failed");
                }
            })
        })
        .collect();
    for client in clients {
        client.join().map_err(|_| io::Error::other("a client panicked"))??;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

fn body(number: usize) -> Vec<u8> {
    let mut random = Random::new(number as u64);
    let size = 1024 + usize::try_from(random.below(9 * 1024)).unwrap_or(0);
    random.bytes(size)
}

/// What the disk allows: files a second that are written, synced, renamed, and their folder synced.
fn synced_files(folder: &Path, connections: usize, round: usize) -> io::Result<f64> {
    fs::create_dir_all(folder)?;
    let count = 150 * connections.min(8);
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let writers: Vec<_> = (0..connections)
        .map(|_| {
            let (next, folder) = (next.clone(), folder.to_path_buf());
            thread::spawn(move || -> io::Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok(());
                    }
                    synced_file(&folder, &folder.join(format!("{round}-{connections}-{number}")))?;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().map_err(|_| io::Error::other("a writer panicked"))??;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

fn synced_file(folder: &Path, name: &PathBuf) -> io::Result<()> {
    let staged = name.with_extension("part");
    fs::write(&staged, [7; 5_000])?;
    fs::File::open(&staged)?.sync_all()?;
    fs::rename(&staged, name)?;
    fs::File::open(folder)?.sync_all()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
