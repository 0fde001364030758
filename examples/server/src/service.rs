//! One request from its head to the end of its answer: its id, its line in the log, and a 500
//! where its handler panics.
//!
//! It must not know what any request is about.

use std::any::Any;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use packhouse_http::Operation;
use tower::Service;

use crate::body::TimedBody;
use crate::connections::Progress;
use crate::framing::Refusal;
use crate::limits::Limits;
use crate::metrics::Metrics;

/// Carries the id of a request: to the router (whatever the client sent is replaced), to the
/// client, and to the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer path is cut in the log: a client chooses it.
const LOGGED_PATH: usize = 1024;

const PANICKED: &str = r#"{"message":"internal error; the server's log has it by X-Request-Id"}"#;

/// What all requests of one listener share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Arc<Limits>,
    pub(crate) metrics: Metrics,
    pub(crate) log_requests: bool,
    pub(crate) request_ids: RequestIds,
}

/// Gives ids that differ within the process, and almost surely between starts.
#[derive(Debug)]
pub(crate) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn from(start: u64) -> Self {
        Self { next: AtomicU64::new(start) }
    }

    /// A counter, spread by an odd factor: a bijection, so no two are equal.
    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        HeaderValue::from_maybe_shared(Bytes::from(id)).expect("hexadecimal digits are valid")
    }
}

/// Serves the requests of one connection.
pub(crate) struct RequestService {
    pub(crate) router: Router,
    pub(crate) peer: SocketAddr,
    pub(crate) progress: Arc<Progress>,
    pub(crate) shared: Arc<Shared>,
}

impl hyper::service::Service<Request<Incoming>> for RequestService {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.progress.request_begins();
        let record = Record::begin(self, &request);
        if let Some(refusal) = record.refusal {
            return std::future::ready(Ok(record.answer(refused(refusal)))).boxed();
        }
        let mut request = request.map(|body| {
            TimedBody::new(body, Arc::clone(&self.progress), Arc::clone(&self.shared.limits))
        });
        request.headers_mut().insert(REQUEST_ID, record.id.clone());
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let mut router = self.router.clone();
        let answering = AssertUnwindSafe(async move { router.call(request).await }).catch_unwind();
        async move {
            let answer = match answering.await {
                Ok(Ok(answer)) => answer,
                Err(panic) => record.panicked(panic.as_ref()),
            };
            Ok(record.answer(answer))
        }
        .boxed()
    }
}

/// What the log and the metrics will say about a request. They are told when it is dropped, so
/// that a request is told about however it ends.
struct Record {
    id: HeaderValue,
    method: Method,
    uri: Uri,
    peer: SocketAddr,
    begun: Instant,
    /// Why the message was refused; the method and address then are not its own.
    refusal: Option<Refusal>,
    /// What was asked, as the adapter names it.
    operation: &'static str,
    status: Option<StatusCode>,
    sent: u64,
    whole: bool,
    progress: Arc<Progress>,
    shared: Arc<Shared>,
}

impl Record {
    fn begin(service: &RequestService, request: &Request<Incoming>) -> Self {
        Self {
            id: service.shared.request_ids.next(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer: service.peer,
            begun: Instant::now(),
            refusal: service.progress.refusal(),
            operation: "none",
            status: None,
            sent: 0,
            whole: false,
            progress: Arc::clone(&service.progress),
            shared: Arc::clone(&service.shared),
        }
    }

    /// The panic hook has logged the panic itself; this ties it to its request.
    fn panicked(&self, panic: &(dyn Any + Send)) -> Response<AxumBody> {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(
            target: "packhouse::panic",
            id = self.id.to_str().unwrap_or_default(),
            "a handler panicked: {}", text.unwrap_or("(not a text)"),
        );
        self.shared.metrics.panics.inc();
        let mut answer = Response::new(AxumBody::from(PANICKED));
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    fn answer(mut self, mut answer: Response<AxumBody>) -> Response<AnswerBody> {
        answer.headers_mut().insert(REQUEST_ID, self.id.clone());
        if self.progress.is_last() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.status = Some(answer.status());
        if let Some(Operation(operation)) = answer.extensions().get() {
            self.operation = operation;
        }
        let no_body = self.method == Method::HEAD
            || answer.status() == StatusCode::NOT_MODIFIED
            || answer.body().is_end_stream();
        self.whole = no_body;
        answer.map(|body| AnswerBody { expected: body.size_hint().exact(), body, record: self })
    }

    fn log(&self) {
        let took = self.begun.elapsed();
        let (method, path) = match self.refusal {
            // Whatever stands there may be in the wrong place: a secret, too.
            Some(_) => ("", ""),
            None => (self.method.as_str(), self.uri.path()),
        };
        let end = path.floor_char_boundary(LOGGED_PATH);
        tracing::info!(
            target: "packhouse::access",
            id = self.id.to_str().unwrap_or_default(),
            peer = %self.peer,
            method,
            operation = self.operation,
            path = &path[..end],
            status = self.status.map_or(0, |status| status.as_u16()),
            bytes = self.sent,
            whole = self.whole,
            refused = self.refusal.map(Refusal::reason),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        );
    }
}

/// The answer to a message that is refused for its form, as the adapter answers what it refuses.
fn refused(refusal: Refusal) -> Response<AxumBody> {
    let body = format!(r#"{{"message":"{}"}}"#, refusal.message());
    let mut answer = Response::new(AxumBody::from(body));
    *answer.status_mut() = refusal.status();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

impl Drop for Record {
    fn drop(&mut self) {
        self.progress.request_ends();
        self.shared.metrics.count_request(self.operation, self.status, self.begun.elapsed());
        if self.shared.log_requests {
            self.log();
        }
    }
}

/// The body of an answer. The request ends when it is dropped.
pub(crate) struct AnswerBody {
    body: AxumBody,
    expected: Option<u64>,
    record: Record,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx));
        let frame = match std::panic::catch_unwind(body) {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                // The answer has begun: its only true end is a broken connection.
                let _ = self.record.panicked(panic.as_ref());
                Some(Err(axum::Error::new("the answer's stream panicked")))
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                self.record.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                // Hyper asks no more of a body whose length it knows and has.
                self.record.whole = Some(self.record.sent) == self.expected;
            }
            Some(Err(_)) => {}
            None => self.record.whole = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn request_ids_differ_and_have_sixteen_digits() {
        let ids = RequestIds::from(u64::MAX - 500);
        let made: HashSet<HeaderValue> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 1000);
        assert!(made.iter().all(|id| id.len() == 16));
    }
}
