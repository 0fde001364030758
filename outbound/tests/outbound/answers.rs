//! What comes back: every answer is a status or an error, in bounded time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use packhouse_core::outbound::Outbound;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::support::{
    AMPLE, Listener, SHORT, assert_timed_out, assert_unreachable, client, get, read_head, soon,
};

#[tokio::test]
async fn any_status_is_an_answer() {
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\nuntil the end", 500),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a chunk", 200),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ntoo short", 200),
        ("HTTP/1.0 200 OK\r\n\r\n", 200),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", 201),
    ] {
        let listener = Listener::answering(answer).await;
        let answered = client().call(&get(listener.url("/"), AMPLE)).await;
        assert_eq!(answered.unwrap_or_else(|error| panic!("{answer}: {error}")).status, status);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let witness = Listener::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let to = witness.url("/internal");
        let answer =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let listener = Listener::answering(answer).await;
        let answered = client().call(&get(listener.url("/"), AMPLE)).await.unwrap();
        assert_eq!(answered.status, status);
    }
    assert_eq!(witness.connected(), 0);
}

#[tokio::test]
async fn what_is_not_http_is_no_answer_and_is_not_repeated() {
    for (answer, reason) in [
        ("SECRET internal banner\r\n\r\n", "not HTTP/1.1"),
        ("SSH-2.0-SECRET\r\n", "not HTTP/1.1"),
        ("HTTP/1.1 9999 SECRET\r\n\r\n", "not HTTP/1.1"),
        ("HTTP/1.1 200 OK\r\nSECRET\r\n\r\n", "not HTTP/1.1"),
        ("HTTP/1.1 200 OK\r\ncontent-length: SECRET\r\n\r\n", "not HTTP/1.1"),
        ("\u{16}\u{3}\u{1}SECRET\r\n\r\n", "not HTTP/1.1"),
        ("HTTP/1.1 200 OK\r\nx: SECR", "ended before"),
        ("", "ended before"),
    ] {
        let listener = Listener::answering(answer).await;
        let error = client().call(&get(listener.url("/"), AMPLE)).await.unwrap_err();
        assert_unreachable(&error, reason);
        assert!(!error.reason.contains("SECR"), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_or_reset_is_unreachable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let error = client().call(&get(url, AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "refused");

    let listener = Listener::start(|mut stream| async move {
        read_head(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let error = client().call(&get(listener.url("/"), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "ended before");
}

/// Calls a listener that takes its time, and gives the error; the deadline must have ended it.
async fn held_up<F, B>(behaviour: B) -> packhouse_core::outbound::OutboundError
where
    B: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = Listener::start(behaviour).await;
    soon(client().call(&get(listener.url("/"), SHORT))).await.unwrap_err()
}

#[tokio::test]
async fn a_receiver_that_never_accepts_is_left_at_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = soon(client().call(&get(url, SHORT))).await.unwrap_err();
    assert_timed_out(&error, "waiting for its answer");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_receiver_that_takes_no_connection_is_left_at_the_deadline() {
    let full = crate::support::Full::start().await;
    let url = format!("http://{}/", full.address);
    let error = soon(client().call(&get(url, SHORT))).await.unwrap_err();
    assert_timed_out(&error, "connecting");
}

#[tokio::test]
async fn a_silent_receiver_is_left_at_the_deadline() {
    let error = held_up(|stream| async move {
        sleep(AMPLE).await;
        drop(stream);
    });
    assert_timed_out(&error.await, "waiting for its answer");
}

#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_is_left_at_the_deadline() {
    let error = held_up(|mut stream| async move {
        for byte in b"HTTP/1.1 200 OK\r\nx: ".iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert_timed_out(&error.await, "waiting for its answer");
}

#[tokio::test]
async fn answers_before_the_answer_do_not_move_the_deadline() {
    let error = held_up(|mut stream| async move {
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    });
    assert_timed_out(&error.await, "waiting for its answer");
}

#[tokio::test]
async fn a_head_without_end_is_no_answer() {
    for (begin, line) in [
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n"),
        ("HTTP/1.1 200 OK\r\nx: ", "xxxxxxxxxxxxxxxx"),
        ("HTTP/1.1 200 ", "OK OK OK OK OK OK "),
        ("", "HTTPHTTPHTTP"),
    ] {
        let listener = Listener::start(move |mut stream| async move {
            let _ = stream.write_all(begin.as_bytes()).await;
            while stream.write_all(line.as_bytes()).await.is_ok() {}
        })
        .await;
        let error = client().call(&get(listener.url("/"), AMPLE)).await.unwrap_err();
        assert_unreachable(&error, if begin.is_empty() { "not HTTP" } else { "too long" });
    }
}

#[tokio::test]
async fn a_head_may_be_16_kib_and_no_more() {
    let head = |filler: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "x".repeat(filler))
    };
    let listener = Listener::answering(head(15 * 1024)).await;
    assert_eq!(client().call(&get(listener.url("/"), AMPLE)).await.unwrap().status, 200);
    let listener = Listener::answering(head(64 * 1024)).await;
    let error = client().call(&get(listener.url("/"), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "too long");
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let listener = Listener::answering(many).await;
    let error = client().call(&get(listener.url("/"), AMPLE)).await.unwrap_err();
    assert_unreachable(&error, "too long");
}

#[tokio::test]
async fn a_body_without_end_is_left_after_its_first_bytes() {
    let sent = Arc::new(AtomicUsize::new(0));
    let (ended, mut end) = mpsc::unbounded_channel();
    let counter = Arc::clone(&sent);
    let listener = Listener::start(move |mut stream| {
        let (counter, ended) = (Arc::clone(&counter), ended.clone());
        async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let block = vec![b'x'; 16 * 1024];
            while let Ok(written) = stream.write(&block).await {
                counter.fetch_add(written, Ordering::SeqCst);
            }
            ended.send(()).unwrap();
        }
    })
    .await;
    let answer = client().call(&get(listener.url("/"), AMPLE)).await.unwrap();
    assert_eq!(answer.status, 200);
    timeout(AMPLE, end.recv()).await.expect("the connection is closed");
    // What both kernels hold besides what is read.
    assert!(sent.load(Ordering::SeqCst) < 16 << 20, "{sent:?}");
}

#[tokio::test]
async fn a_body_that_does_not_come_holds_up_nobody() {
    let listener = Listener::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
        sleep(AMPLE).await;
    })
    .await;
    let answer = soon(client().call(&get(listener.url("/"), AMPLE))).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_answer_before_the_deadline_counts_though_its_body_is_missing() {
    // The body would be waited for a little longer than this.
    let deadline = Duration::from_millis(240);
    let listener = Listener::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
        sleep(AMPLE).await;
    })
    .await;
    assert_eq!(client().call(&get(listener.url("/"), deadline)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_short_body_is_taken_so_that_its_sender_sees_no_reset() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let listener = Listener::start(move |mut stream| {
        let told = told.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n").await.unwrap();
            let mut written = true;
            for part in [b"not ", b"done"] {
                sleep(Duration::from_millis(50)).await;
                written &= stream.write_all(part).await.is_ok();
            }
            let ended = stream.read_to_end(&mut Vec::new()).await.is_ok();
            told.send(written && ended).unwrap();
        }
    })
    .await;
    client().call(&get(listener.url("/"), AMPLE)).await.unwrap();
    assert!(heard.recv().await.unwrap());
}
