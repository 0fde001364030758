//! A crowd of clients that send a byte now and then, in heads and in bodies, or read nothing,
//! against the program, while others are served.
//!
//! `PACKHOUSE_DRIBBLERS` says how many, 1,000 without it. 10,000 need twice as many open files
//! (`ulimit -n 25000`) in the test and in the program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::corpus::Words;
use crate::program::{PATIENCE, Program};
use crate::raw_client::{Client, free_address, prepared};

/// What one open connection may take of memory besides the bytes of its head: the figure of
/// `docs/decisions/0008-raw-http.md`.
const EACH: usize = 48 << 10;
/// What the program takes for those who are served meanwhile.
const REST: usize = 64 << 20;

/// The same of a connection whose client takes none of a large answer.
const READER: usize = 1280 << 10;
/// More than the kernel buffers for one reader.
const LARGE: usize = 16 << 20;

/// How many bytes of a head a dribbler sends at once.
const HEAD: usize = 2000;

/// What a deadline may be late with so many on a machine that does other things.
fn late(crowd: usize) -> Duration {
    Duration::from_secs(10 + crowd as u64 / 500)
}

fn dribblers() -> usize {
    std::env::var("PACKHOUSE_DRIBBLERS").map_or(1000, |count| count.parse().unwrap())
}

/// The begin of a request that will not end.
fn beginning(number: usize, words: &Words) -> Vec<u8> {
    let head = match number % 3 {
        0 => format!(
            "PUT /content/alice/tools/p/1/{number}.bin HTTP/1.1\r\nHost: a\r\n\
             Authorization: Basic {}\r\nContent-Length: 1000000\r\n\r\n",
            words.alice
        ),
        1 => format!(
            "POST /repos/alice/r{number} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {}\r\n\
             Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
            words.alice
        ),
        _ => format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(HEAD)),
    };
    head.into_bytes()
}

/// Sends a byte a second until the server ends the connection. Gives how long that took.
async fn dribble(address: SocketAddr, beginning: Vec<u8>, open: Arc<AtomicUsize>) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    open.fetch_add(1, Ordering::Relaxed);
    let mut sent = stream.write_all(&beginning).await;
    let mut space = [0; 512];
    while sent.is_ok() {
        match timeout(Duration::from_secs(1), stream.read(&mut space)).await {
            // It is told why (408), or just cut.
            Ok(_) => break,
            Err(_) => sent = stream.write_all(b"1").await,
        }
    }
    begun.elapsed()
}

/// Asks on a connection of its own, and says how long it took.
async fn served(address: SocketAddr, request: &[u8]) -> (u16, Duration) {
    let begun = Instant::now();
    let ask = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
    };
    let status = timeout(PATIENCE, ask).await.expect("nobody is served");
    (status, begun.elapsed())
}

fn memory(program: &Program) -> usize {
    let path = format!("/proc/{}/status", program.child.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn metrics(operator: SocketAddr) -> String {
    let mut client = Client::of(operator);
    client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    client.answer(false).unwrap().body
}

/// The times of those who are served: 200 or 201 each.
struct Others {
    took: Vec<Duration>,
    most_memory: usize,
}

/// Serves others until the condition holds: a small answer, an upload, a download, in turn.
async fn serve_others(program: &Program, words: &Words, mut until: impl FnMut() -> bool) -> Others {
    let small = b"GET /management/v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let common = format!(
        "Host: a\r\nAuthorization: Basic {}\r\nConnection: close\r\nContent-Length: 5",
        words.alice
    );
    let upload = format!(
        "PUT /content/alice/tools/p/1/x;publish=1;override=1 HTTP/1.1\r\n{common}\r\n\r\nhello"
    );
    let download = format!("GET /alice/tools/x HTTP/1.1\r\n{common}\r\n\r\nhello");
    let mut others = Others { took: Vec::new(), most_memory: 0 };
    while !until() {
        for request in [&small[..], upload.as_bytes(), download.as_bytes()] {
            let (status, took) = served(program.address, request).await;
            assert!(matches!(status, 200 | 201), "{status}");
            others.took.push(took);
        }
        others.most_memory = others.most_memory.max(memory(program));
        sleep(Duration::from_millis(20)).await;
    }
    others.took.sort_unstable();
    others
}

impl Others {
    fn part(&self, part: f64) -> Duration {
        self.took[(self.took.len() as f64 * part) as usize]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_dribblers_is_cut_in_time_while_others_are_served_in_bounded_memory() {
    let crowd = dribblers();
    // All must be there before the first is cut.
    let deadline = Duration::from_secs(5 + crowd as u64 / 500);
    let seconds = deadline.as_secs().to_string();
    let places = (crowd + 100).to_string();
    let operator = free_address();
    let settings = [
        ("PACKHOUSE_MAX_CONNECTIONS", places.as_str()),
        ("PACKHOUSE_HEADER_DEADLINE_SECS", &seconds),
        ("PACKHOUSE_BODY_GRACE_SECS", &seconds),
    ];
    let (program, words) = prepared(operator, &settings);
    serve_others(&program, &words, || true).await;
    let before = memory(&program);
    let open = Arc::new(AtomicUsize::new(0));
    let mut crowded = Vec::new();
    for number in 0..crowd {
        let beginning = beginning(number, &words);
        crowded.push(tokio::spawn(dribble(program.address, beginning, Arc::clone(&open))));
        // As fast as the kernel takes them: what does not fit its queue tries again after seconds.
        if number % 50 == 49 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    let mut most_open = 0;
    let others = serve_others(&program, &words, || {
        let metrics = metrics(operator);
        let now = metrics.lines().find_map(|line| line.strip_prefix("packhouse_connections_open "));
        most_open = most_open.max(now.unwrap().parse().unwrap());
        crowded.iter().all(tokio::task::JoinHandle::is_finished)
    })
    .await;
    let mut latest = Duration::ZERO;
    for dribbler in crowded {
        let took = dribbler.await.unwrap();
        assert!(took >= deadline.mul_f64(0.9), "cut after {took:?}, before {deadline:?}");
        latest = latest.max(took);
    }
    let grown = others.most_memory.saturating_sub(before);
    println!(
        "{crowd} dribblers, {most_open} at once, the last cut after {latest:?} of {deadline:?}; \
         {} others served, half within {:?}, 99 of 100 within {:?}, all within {:?}; \
         memory grew by {} MiB, {} KiB each",
        others.took.len(),
        others.part(0.5),
        others.part(0.99),
        others.took.last().unwrap(),
        grown >> 20,
        (grown / crowd) >> 10,
    );
    assert!(most_open >= crowd, "{most_open} at once");
    assert!(latest < deadline + late(crowd), "the last was cut after {latest:?}");
    assert!(others.part(0.99) < Duration::from_secs(1), "{:?}", others.part(0.99));
    assert!(grown < REST + crowd * (EACH + 2 * HEAD), "memory grew by {grown}");
    let metrics = metrics(operator);
    let heads = crowd / 3;
    let line = format!("packhouse_connections_cut_total{{cause=\"header\"}} {heads}");
    assert!(metrics.contains(&line), "no {line} in {metrics}");
}

/// They hold memory for what was read ahead of them, and no connection of the database: there are
/// fewer of those than readers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_reads_nothing_is_cut_in_time_while_others_are_served_in_bounded_memory() {
    let crowd = dribblers() / 10;
    let deadline = Duration::from_secs(5 + crowd as u64 / 500);
    let seconds = deadline.as_secs().to_string();
    let operator = free_address();
    let places = (crowd + 100).to_string();
    let settings = [
        ("PACKHOUSE_MAX_CONNECTIONS", places.as_str()),
        ("PACKHOUSE_WRITE_STALL_DEADLINE_SECS", &seconds),
    ];
    let (program, words) = prepared(operator, &settings);
    let mut upload = format!(
        "PUT /content/alice/tools/p/1/large;publish=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Authorization: Basic {}\r\nContent-Length: {LARGE}\r\n\r\n",
        words.alice
    )
    .into_bytes();
    upload.resize(upload.len() + LARGE, b'x');
    assert_eq!(served(program.address, &upload).await.0, 201);
    serve_others(&program, &words, || true).await;
    let before = memory(&program);
    let mut crowded = Vec::new();
    let begun = Instant::now();
    for _ in 0..crowd {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(program.address).await.unwrap();
        stream.write_all(b"GET /alice/tools/large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        crowded.push(stream);
    }
    let line = format!("packhouse_connections_cut_total{{cause=\"write stall\"}} {crowd}\n");
    let others = serve_others(&program, &words, || {
        let metrics = metrics(operator);
        assert!(begun.elapsed() < deadline + late(crowd), "not all are cut: {metrics}");
        metrics.contains(&line)
    })
    .await;
    let grown = others.most_memory.saturating_sub(before);
    println!(
        "{crowd} readers that read nothing; {} others served, 99 of 100 within {:?}; memory grew \
         by {} MiB, {} KiB each",
        others.took.len(),
        others.part(0.99),
        grown >> 20,
        (grown / crowd) >> 10,
    );
    assert!(begun.elapsed() > deadline.mul_f64(0.9), "cut after {:?}", begun.elapsed());
    assert!(others.part(0.99) < Duration::from_secs(1), "{:?}", others.part(0.99));
    assert!(grown < REST + crowd * READER, "memory grew by {grown}");
}

/// Heads that dribble hold no place against a client that asks: with all places taken, the one
/// that has waited longest goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_dribblers_than_places_do_not_keep_others_out() {
    let (program, words) = prepared(free_address(), &[("PACKHOUSE_MAX_CONNECTIONS", "100")]);
    let open = Arc::new(AtomicUsize::new(0));
    let mut crowded = Vec::new();
    for _ in 0..300 {
        let (address, open) = (program.address, Arc::clone(&open));
        let beginning = beginning(2, &words);
        crowded.push(tokio::spawn(async move {
            loop {
                dribble(address, beginning.clone(), Arc::clone(&open)).await;
            }
        }));
    }
    let begun = Instant::now();
    let others = serve_others(&program, &words, || begun.elapsed() > Duration::from_secs(5)).await;
    crowded.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(open.load(Ordering::Relaxed) > 300, "no dribbler had to leave");
    // New connections queue in the kernel, dribblers among them: each gets its turn.
    assert!(others.part(0.9) < Duration::from_secs(4), "{:?}", others.part(0.9));
}
