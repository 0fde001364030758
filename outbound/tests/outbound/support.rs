//! Listeners that behave as told, resolvers that answer as told, and requests.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use packhouse_core::outbound::{OutboundError, OutboundErrorKind, OutboundMethod, OutboundRequest};
use packhouse_outbound::{AllowedNetworks, CallLimits, HttpOutbound, Resolve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything takes that is not held up on purpose.
pub(crate) const AMPLE: Duration = Duration::from_secs(20);
/// For calls that are held up on purpose.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A listener on a loopback address that counts who connects.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    connected: Arc<AtomicUsize>,
}

impl Listener {
    /// Each connection is given to `behaviour`, at once.
    pub(crate) async fn start<F, B>(behaviour: B) -> Self
    where
        B: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connected = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connected);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(behaviour(stream));
            }
        });
        Self { address, connected }
    }

    /// Answers every request with these bytes, and closes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                read_head(&mut stream).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
                // Till the other side has closed, so that nothing is reset.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }
}

/// A listener that never accepts, and whose queue is full: connections to it wait.
#[cfg(target_os = "linux")]
pub(crate) struct Full {
    pub(crate) address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

#[cfg(target_os = "linux")]
impl Full {
    pub(crate) async fn start() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        Self { address, _listener: listener, _queued: queued }
    }
}

/// The head of a request, as far as it comes.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// A client that may call one loopback address, which the listeners are on.
pub(crate) fn client() -> HttpOutbound {
    client_to(&["127.0.0.1"])
}

pub(crate) fn client_to(allowed: &[&str]) -> HttpOutbound {
    let allowed = AllowedNetworks::parse(allowed.iter().copied()).unwrap();
    HttpOutbound::new(allowed, CallLimits::default())
}

/// A client that may call what everyone may.
pub(crate) fn strict() -> HttpOutbound {
    HttpOutbound::new(AllowedNetworks::none(), CallLimits::default())
}

/// A call that something else than its listener must end.
pub(crate) async fn soon<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(AMPLE / 4, call).await.expect("it is not held up")
}

pub(crate) fn get(url: impl Into<String>, deadline: Duration) -> OutboundRequest {
    let (method, url) = (OutboundMethod::Get, url.into());
    OutboundRequest { method, url, headers: Vec::new(), json: None, deadline }
}

pub(crate) fn assert_refused(error: &OutboundError) {
    assert_eq!(error.kind, OutboundErrorKind::Refused, "{error}");
}

pub(crate) fn assert_unreachable(error: &OutboundError, reason: &str) {
    assert_eq!(error.kind, OutboundErrorKind::Unreachable, "{error}");
    assert!(error.reason.contains(reason), "{error}");
}

pub(crate) fn assert_timed_out(error: &OutboundError, doing: &str) {
    assert_eq!(error.kind, OutboundErrorKind::TimedOut, "{error}");
    assert!(error.reason.contains(doing), "{error}");
}

/// Answers each lookup with the next list, and the last one for ever.
#[derive(Debug)]
pub(crate) struct Answers {
    lists: Mutex<VecDeque<Vec<IpAddr>>>,
    lookups: AtomicUsize,
}

impl Answers {
    pub(crate) fn of(lists: &[&[&str]]) -> Arc<Self> {
        let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let lists = Mutex::new(lists.iter().map(parsed).collect());
        Arc::new(Self { lists, lookups: AtomicUsize::new(0) })
    }

    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolve for Answers {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut lists = self.lists.lock().unwrap();
        if lists.len() > 1 {
            return Ok(lists.pop_front().unwrap());
        }
        lists.front().cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
