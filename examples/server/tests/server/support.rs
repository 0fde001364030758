//! A server in this process over a small router, and a client that speaks raw HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::{HeaderMap, Request, StatusCode};
use packhouse_server::limits::Limits;
use packhouse_server::listener::{ServeOptions, serve};
use packhouse_server::metrics::Metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No wait in these tests is longer, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The size of the answer of `/large`: far more than sockets buffer.
pub(crate) const LARGE: usize = 64 << 20;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Metrics,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) running: JoinHandle<()>,
}

pub(crate) async fn start(limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new();
    let (stop, stopped) = oneshot::channel();
    let options = ServeOptions { limits, metrics: metrics.clone(), log_requests: true };
    let running = tokio::spawn(async move {
        serve(listener, router(), options, async {
            let _ = stopped.await;
        })
        .await;
    });
    Server { address, metrics, stop: Some(stop), running }
}

impl Server {
    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// Asks on a connection of its own, as a client without any trouble would.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let mut client = self.connect().await;
        client.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
        client.answer().await
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub(crate) async fn stopped(self) {
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }
}

fn router() -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/whoami", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/headers", get(async |headers: HeaderMap| format!("{headers:?}")))
        .route("/slow", get(slow))
        .route("/panic", get(async || -> &'static str { panic!("on purpose") }))
        .route("/broken", get(broken))
        .route("/parts", get(parts))
        .route("/large", get(large))
        .route("/read", post(read))
        .route("/refuse", post(async || (StatusCode::UNAUTHORIZED, "no")))
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(700)).await;
    "finished"
}

async fn broken() -> Body {
    let parts = stream::iter(0..2).map(|part| {
        assert_eq!(part, 0, "on purpose");
        Ok::<_, std::io::Error>(Bytes::from_static(b"first"))
    });
    Body::from_stream(parts)
}

async fn parts() -> Body {
    let parts = stream::iter(0..2).then(|part| async move {
        tokio::task::yield_now().await;
        Ok::<_, std::io::Error>(Bytes::from(format!("part {part} ")))
    });
    Body::from_stream(parts)
}

async fn large() -> Body {
    let chunk = Bytes::from(vec![b'x'; 1 << 16]);
    Body::from_stream(
        stream::iter(0..LARGE >> 16).map(move |_| Ok::<_, std::io::Error>(chunk.clone())),
    )
}

/// Answers with the size of the body, or with why it could not be read.
async fn read(request: Request<Body>) -> (StatusCode, String) {
    match axum::body::to_bytes(request.into_body(), usize::MAX).await {
        Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
        Err(error) => {
            let mut causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
            let late = causes.any(|cause| {
                cause
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
            });
            let status = if late { StatusCode::REQUEST_TIMEOUT } else { StatusCode::BAD_REQUEST };
            (status, error.to_string())
        }
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().unwrap();
    }

    /// Reads one answer; its body must have a length or come in chunks.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.until(b"\r\n\r\n").await;
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = match length {
            Some(length) => self.exactly(length.parse().unwrap()).await,
            None => self.chunks().await,
        };
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n").await).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            body.extend(self.exactly(size).await);
            self.exactly(2).await;
            if size == 0 {
                return body;
            }
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark) {
                return self.read.drain(..at + mark.len()).collect();
            }
            assert!(self.more().await > 0, "the answer ended early: {:?}", self.read);
        }
    }

    async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.more().await > 0, "the body ended early");
        }
        self.read.drain(..count).collect()
    }

    async fn more(&mut self) -> usize {
        timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.expect("no answer").unwrap()
    }

    /// Waits until the server closes the connection; gives what came before.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        loop {
            let more = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
            // A reset is an end, too.
            if !matches!(more.expect("the connection stays open"), Ok(1..)) {
                return std::mem::take(&mut self.read);
            }
        }
    }
}
