//! Panics, full houses, half-closed clients, shutdown: what must not take the server down.

use std::time::{Duration, Instant};

use packhouse_server::limits::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{PATIENCE, start};

const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_answers_500_and_the_next_request_is_fine() {
    let server = start(Limits::default()).await;
    let answer = server.get("/panic").await;
    assert_eq!(answer.status, 500);
    assert!(answer.head.contains("\r\nx-request-id: "), "{answer:?}");
    assert!(!answer.body.contains("on purpose"), "{answer:?}");
    assert_eq!(server.get("/hello").await.status, 200);
    assert!(server.metrics.render().contains("packhouse_handler_panics_total 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_within_an_answer_breaks_it_off_visibly() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(b"GET /broken HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let all = client.closed().await;
    assert!(!all.ends_with(b"0\r\n\r\n"), "a broken answer looks whole");
    assert_eq!(server.get("/hello").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_sees_the_peer_and_an_id_that_no_client_chooses() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(b"GET /whoami HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.answer().await.body, client.stream.local_addr().unwrap().to_string());
    client.send(b"GET /headers HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n").await;
    let answer = client.answer().await;
    assert!(!answer.body.contains("mine"), "{answer:?}");
    let id = answer.head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
    assert!(answer.body.contains(id), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_answer_does_not_wait_for_the_clients_acknowledgement() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let begun = Instant::now();
    for _ in 0..20 {
        client.send(b"GET /parts HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.answer().await.body, "part 0 part 1 ");
    }
    let each = begun.elapsed() / 20;
    assert!(each < Duration::from_millis(20), "{each:?} each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_ends_its_side_still_gets_its_answer() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.answer().await.body, "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_goes_on_sending() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 90000000\r\n\r\n").await;
    let part = vec![b'x'; 1 << 20];
    // Sent whole, however soon the answer is there: more than the sockets buffer.
    for _ in 0..32 {
        client.send(&part).await;
    }
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (401, "no"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_house_makes_room_for_a_new_client() {
    let server = start(Limits { max_connections: 4, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect().await;
        client.send(HELLO).await;
        assert_eq!(client.answer().await.status, 200);
        idle.push(client);
    }
    assert_eq!(server.get("/hello").await.status, 200);
    // The one that had been idle longest has left, and no other.
    idle[0].closed().await;
    idle[3].send(HELLO).await;
    assert_eq!(idle[3].answer().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_full_of_running_requests_lets_the_next_wait() {
    let server = start(Limits { max_connections: 2, ..Limits::default() }).await;
    let begun = Instant::now();
    let (one, two, three) =
        tokio::join!(server.get("/slow"), server.get("/slow"), server.get("/slow"));
    assert_eq!([one.status, two.status, three.status], [200; 3]);
    assert!(begun.elapsed() >= Duration::from_millis(1300), "three ran at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_large_gets_431() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\nx: ").await;
    client.send(&[b'y'; 70_000]).await;
    client.send(b"\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 431);
    assert_eq!(server.get("/hello").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_finishes_a_running_request_and_refuses_new_connections() {
    let mut server = start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.send(HELLO).await;
    idle.answer().await;
    let silent = server.connect().await;
    let mut running = server.connect().await;
    running.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(200)).await;
    server.stop();
    idle.closed().await;
    assert!(TcpStream::connect(server.address).await.is_err(), "a new connection was accepted");
    assert_eq!(running.answer().await.body, "finished");
    running.closed().await;
    server.stopped().await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_breaks_off_what_outlasts_the_drain() {
    let drain_deadline = Duration::from_millis(300);
    let mut server = start(Limits { drain_deadline, ..Limits::default() }).await;
    let mut stuck = server.connect().await;
    stuck.send(b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n").await;
    sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    server.stop();
    timeout(PATIENCE, stuck.closed()).await.unwrap();
    server.stopped().await;
    assert!(begun.elapsed() >= drain_deadline);
}
