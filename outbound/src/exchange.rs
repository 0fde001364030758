//! One request and the head of its answer, over a connection that is there.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use packhouse_core::outbound::{OutboundError, OutboundMethod, OutboundRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use crate::errors::{no_answer, refused};
use crate::target::Target;

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How much of a body is read, and for how long. A receiver that writes a short one has then
/// written it: closing earlier would look to it as if the caller had given up.
const DRAINED: u64 = 64 * 1024;
const DRAINING: Duration = Duration::from_millis(250);

/// The names that are set here, or that say how a message is framed.
const OWN: [&str; 10] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The request as it is sent.
pub(crate) fn prepare(
    request: &OutboundRequest,
    target: &Target,
) -> Result<Request<Full<Bytes>>, OutboundError> {
    let method = match request.method {
        OutboundMethod::Get => Method::GET,
        OutboundMethod::Head => Method::HEAD,
        OutboundMethod::Post => Method::POST,
        OutboundMethod::Put => Method::PUT,
    };
    let body = Full::new(request.json.clone().unwrap_or_default());
    let mut prepared = Request::builder()
        .method(method)
        .uri(&target.path)
        .body(body)
        .map_err(|_| refused("the path of the URL cannot be sent"))?;
    let headers = prepared.headers_mut();
    given(&request.headers, headers)?;
    let authority = HeaderValue::from_str(&target.authority)
        .map_err(|_| refused("the host of the URL cannot be sent"))?;
    headers.insert(HOST, authority);
    headers.insert(USER_AGENT, HeaderValue::from_static("Packhouse"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if request.json.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(prepared)
}

fn given(given: &[(&'static str, String)], to: &mut HeaderMap) -> Result<(), OutboundError> {
    for (name, value) in given {
        let wrong = || refused(format!("the header {name} cannot be sent"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        if OWN.contains(&key.as_str()) {
            return Err(wrong());
        }
        to.append(key, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    Ok(())
}

/// Sends a request and gives the status of its answer.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<u16, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| no_answer(&error))?;
    let asking = async move {
        let answer = sender.send_request(request).await.map_err(|error| no_answer(&error))?;
        let status = answer.status().as_u16();
        let end = deadline.min(Instant::now() + DRAINING);
        let _ = timeout_at(end, drain(answer.into_body())).await;
        Ok(status)
    };
    let (mut asking, connection) = (pin!(asking), pin!(connection));
    tokio::select! {
        biased;
        answered = asking.as_mut() => answered,
        // What the connection has to say of its end, it has said to those who wait for an answer.
        _ = connection => asking.await,
    }
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while read < DRAINED && !body.is_end_stream() {
        let Some(Ok(frame)) = body.frame().await else { return };
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
