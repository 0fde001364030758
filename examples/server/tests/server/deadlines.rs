//! Clients that are slow, at each point where one can be.

use std::time::{Duration, Instant};

use packhouse_server::limits::Limits;
use packhouse_server::size::ByteSize;
use tokio::time::sleep;

use crate::support::{PATIENCE, start};

const SHORT: Duration = Duration::from_millis(400);

/// What a deadline may be late, on a machine that does other things.
const LATE: Duration = Duration::from_secs(8);

fn in_time(begun: Instant, deadline: Duration) {
    let took = begun.elapsed();
    assert!(took >= deadline.mul_f64(0.9), "cut after {took:?}, before {deadline:?}");
    assert!(took < deadline + LATE, "cut only after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dribbled_head_is_cut_while_others_are_served() {
    let server = start(Limits { header_deadline: SHORT, ..Limits::default() }).await;
    let mut dribblers = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        dribblers.push(tokio::spawn(async move {
            let begun = Instant::now();
            client.send(b"GET /hello HTTP/1.1\r\nx: ").await;
            let (mut read, mut write) = client.stream.into_split();
            let dribble = async {
                loop {
                    sleep(Duration::from_millis(50)).await;
                    if tokio::io::AsyncWriteExt::write_all(&mut write, b"y").await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            };
            let mut nothing = [0; 1];
            tokio::select! {
                () = dribble => {}
                read = tokio::io::AsyncReadExt::read(&mut read, &mut nothing) => {
                    assert!(!matches!(read, Ok(1..)), "a half head was answered");
                }
            }
            in_time(begun, SHORT);
        }));
    }
    for _ in 0..10 {
        assert_eq!(server.get("/hello").await.body, "hello");
    }
    for dribbler in dribblers {
        tokio::time::timeout(PATIENCE, dribbler).await.unwrap().unwrap();
    }
    assert!(server.metrics.render().contains("connections_cut_total{cause=\"header\"} 50"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_cut_sooner_than_one_between_requests() {
    let limits =
        Limits { first_byte_deadline: SHORT, keep_alive_deadline: SHORT * 3, ..Limits::default() };
    let server = start(limits).await;
    let begun = Instant::now();
    assert_eq!(server.connect().await.closed().await, b"");
    in_time(begun, SHORT);

    let mut client = server.connect().await;
    client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    sleep(SHORT * 2).await;
    client.send(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    let begun = Instant::now();
    assert_eq!(client.closed().await, b"");
    in_time(begun, SHORT * 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_begins_while_a_request_runs_has_its_deadline_from_the_answer_on() {
    let limits = Limits {
        header_deadline: SHORT,
        keep_alive_deadline: Duration::from_secs(60),
        ..Limits::default()
    };
    let server = start(limits).await;
    let mut client = server.connect().await;
    client.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /hello HTT").await;
    assert_eq!(client.answer().await.body, "finished");
    let begun = Instant::now();
    assert_eq!(client.closed().await, b"");
    in_time(begun, SHORT);
    assert!(server.metrics.render().contains("connections_cut_total{cause=\"header\"} 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_request_is_under_none_of_these_deadlines() {
    let limits = Limits {
        first_byte_deadline: Duration::from_millis(100),
        header_deadline: Duration::from_millis(100),
        keep_alive_deadline: Duration::from_millis(100),
        write_stall_deadline: Duration::from_millis(100),
        body_stall_deadline: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = start(limits).await;
    assert_eq!(server.get("/slow").await.body, "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_body_is_told_408_and_closed() {
    let server = start(Limits { body_stall_deadline: SHORT, ..Limits::default() }).await;
    let mut client = server.connect().await;
    client.send(b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nten bytes.").await;
    let begun = Instant::now();
    let answer = client.answer().await;
    in_time(begun, SHORT);
    assert_eq!(answer.status, 408, "{answer:?}");
    client.closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trickled_body_is_cut_by_its_rate_and_a_steady_one_is_not() {
    let limits = Limits {
        body_stall_deadline: Duration::from_secs(10),
        body_grace: SHORT,
        body_min_rate: ByteSize::from_bytes(1000),
        ..Limits::default()
    };
    let server = start(limits).await;
    let head = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 8000\r\n\r\n";
    let mut steady = server.connect().await;
    let mut trickle = server.connect().await;
    steady.send(head).await;
    trickle.send(head).await;
    let begun = Instant::now();
    // Two seconds for eight thousand bytes, five times the grace: four times the least rate.
    for _ in 0..8 {
        steady.send(&[b'x'; 1000]).await;
        let _ = trickle.stream.try_write(b"x");
        sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(steady.answer().await.body, "8000");
    assert_eq!(trickle.answer().await.status, 408);
    assert!(begun.elapsed() < Duration::from_secs(2) + LATE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_is_cut() {
    let server = start(Limits { write_stall_deadline: SHORT, ..Limits::default() }).await;
    let mut client = server.connect().await;
    client.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let begun = Instant::now();
    while !server.metrics.render().contains("connections_cut_total{cause=\"write stall\"} 1") {
        assert!(begun.elapsed() < SHORT + LATE, "not cut: {}", server.metrics.render());
        sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() >= SHORT.mul_f64(0.9));
    assert!(server.metrics.render().contains("packhouse_connections_open 0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trickling_reader_is_cut_by_its_rate_and_a_steady_one_is_not() {
    let limits = Limits {
        answer_grace: Duration::from_secs(1),
        answer_min_rate: ByteSize::from_kib(2 << 10),
        ..Limits::default()
    };
    let server = start(limits).await;
    let mut steady = server.connect().await;
    let mut trickle = server.connect().await;
    steady.send(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    trickle.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // Many bytes in every second, so that no write stalls; but few for the least rate.
    let trickling = tokio::spawn(async move {
        let mut space = vec![0; 16 << 10];
        while let Ok(1..) = tokio::io::AsyncReadExt::read(&mut trickle.stream, &mut space).await {
            sleep(Duration::from_millis(50)).await;
        }
    });
    // Three times the grace and more, at ten times the least rate.
    let mut space = vec![0; 1 << 20];
    let (mut taken, mut due) = (0, 1 << 20);
    loop {
        let read = tokio::io::AsyncReadExt::read(&mut steady.stream, &mut space).await.unwrap();
        taken += read;
        if read == 0 {
            break;
        }
        if taken > due {
            due += 1 << 20;
            sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(taken > crate::support::LARGE, "{taken}");
    let begun = Instant::now();
    while !server.metrics.render().contains("connections_cut_total{cause=\"write rate\"} 1") {
        assert!(begun.elapsed() < LATE, "not cut: {}", server.metrics.render());
        sleep(Duration::from_millis(20)).await;
    }
    trickling.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_that_takes_something_is_served_to_the_end() {
    let limits = Limits {
        write_stall_deadline: SHORT * 2,
        keep_alive_deadline: SHORT * 2,
        ..Limits::default()
    };
    let server = start(limits).await;
    let mut client = server.connect().await;
    client.send(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut taken = 0;
    let mut space = vec![0; 4 << 20];
    let mut pauses = 0;
    loop {
        let read = tokio::io::AsyncReadExt::read(&mut client.stream, &mut space).await.unwrap();
        taken += read;
        if read == 0 {
            break;
        }
        if taken / (8 << 20) > pauses {
            pauses += 1;
            sleep(SHORT / 2).await;
        }
    }
    assert!(taken > crate::support::LARGE, "{taken}");
}
