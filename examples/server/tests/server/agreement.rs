//! What the server takes of a stream, every reader splits as it does: the views, and the parser
//! behind the check. The fuzz target `messages` asserts the same.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use packhouse_server::framing::{Messages, Refusal, Step};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::views::views;

const MAX_HEAD: usize = 64 << 10;

/// The sizes of the messages that the check takes of a stream that comes in pieces, and why it
/// refuses the next.
pub(crate) fn judged(stream: &[u8], piece: usize) -> (Vec<usize>, Option<Refusal>) {
    let mut messages = Messages::new(MAX_HEAD);
    let (mut sizes, mut size, mut held) = (Vec::new(), 0, Vec::new());
    for piece in stream.chunks(piece) {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            match messages.next(&held) {
                Step::Pass(count) => {
                    held.drain(..count);
                    size += count;
                    if messages.at_head() {
                        sizes.push(std::mem::take(&mut size));
                    }
                }
                Step::More => break,
                Step::Refuse(refusal) => return (sizes, Some(refusal)),
            }
        }
    }
    (sizes, None)
}

/// A stream that ends, and answers that go nowhere.
struct Script<'a>(&'a [u8]);

impl AsyncRead for Script<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.0.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The requests that the parser of the server reads, each with the size of its body; or its error.
fn parsed(stream: &[u8]) -> Result<Vec<usize>, String> {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&requests);
    let service = service_fn(move |request: Request<Incoming>| {
        let noted = Arc::clone(&noted);
        async move {
            let mut body = pin!(request.into_body());
            let mut size = 0;
            while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                size +=
                    frame.map_or(usize::MAX >> 1, |frame| frame.data_ref().map_or(0, Bytes::len));
            }
            noted.lock().unwrap().push(size);
            let mut answer = Response::new(String::new());
            // The views go on after what asks to close.
            answer.headers_mut().insert("connection", "keep-alive".parse().unwrap());
            Ok::<_, Infallible>(answer)
        }
    });
    let mut protocol = http1::Builder::new();
    protocol.header_read_timeout(None).max_buf_size(1 << 20).half_close(true);
    let mut serving = pin!(protocol.serve_connection(TokioIo::new(Script(stream)), service));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(ended) = serving.as_mut().poll(&mut cx) {
            ended.map_err(|error| error.to_string())?;
            break;
        }
    }
    let requests = requests.lock().unwrap();
    Ok(requests.clone())
}

/// Every reader splits what is taken of a stream as the check does. Gives the number of messages.
///
/// # Panics
/// Where one does not.
pub(crate) fn assert_agreed(stream: &[u8]) -> usize {
    let (sizes, _) = judged(stream, usize::MAX);
    let whole = &stream[..sizes.iter().sum()];
    for view in views() {
        assert_eq!(view.split(whole), sizes, "{}: {}", view.name, whole.escape_ascii());
    }
    // The parser stops after a request that closes the connection: each message has its own.
    let mut rest = whole;
    for size in &sizes {
        let (message, after) = rest.split_at(*size);
        rest = after;
        let requests =
            parsed(message).unwrap_or_else(|error| panic!("{error}: {}", message.escape_ascii()));
        assert_eq!(requests.len(), 1, "{}", message.escape_ascii());
        assert!(requests[0] <= *size, "a body breaks off: {}", message.escape_ascii());
    }
    sizes.len()
}
