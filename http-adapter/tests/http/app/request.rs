//! One request, built word by word and sent when it is awaited.

use std::collections::HashMap;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri};
use serde_json::Value;
use tower::ServiceExt;

use super::Answer;

/// A request that is being built.
pub(crate) struct Ask {
    router: Router,
    keys: HashMap<String, String>,
    method: Method,
    target: String,
    headers: Vec<(String, HeaderValue)>,
    body: Body,
    address: Option<SocketAddr>,
}

/// The value of `Authorization`.
pub(crate) fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

/// A body of these chunks, of no announced length; it breaks off at an error.
pub(crate) fn chunks(
    chunks: impl IntoIterator<Item = Result<Bytes, ()>, IntoIter: Send + 'static>,
) -> Body {
    let chunks = chunks.into_iter().map(|chunk| chunk.map_err(|()| io::Error::other("gone")));
    Body::from_stream(futures::stream::iter(chunks))
}

impl Ask {
    pub(super) fn new(
        router: Router,
        keys: HashMap<String, String>,
        method: &str,
        target: &str,
    ) -> Self {
        let method = method.parse().unwrap();
        let (headers, body) = (Vec::new(), Body::empty());
        Self { router, keys, method, target: target.to_owned(), headers, body, address: None }
    }

    /// From this address.
    pub(crate) fn from(self, address: &str) -> Self {
        let address = SocketAddr::new(address.parse().unwrap(), 50_000);
        Self { address: Some(address), ..self }
    }

    /// With the right key of this user; of nobody if it is empty.
    pub(crate) fn by(self, user: &str) -> Self {
        if user.is_empty() {
            return self;
        }
        let key = self.keys.get(user).unwrap_or_else(|| panic!("no user {user}")).clone();
        self.header("authorization", &basic(user, &key))
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.raw_header(name, value.as_bytes())
    }

    pub(crate) fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), HeaderValue::from_bytes(value).unwrap()));
        self
    }

    /// With a JSON body, and no word about its type: clients differ.
    pub(crate) fn json(self, value: &Value) -> Self {
        self.body(value.to_string())
    }

    /// With a body of an announced length.
    pub(crate) fn body(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len().to_string();
        let sized = self.header("content-length", &length);
        Self { body: Body::from(bytes), ..sized }
    }

    /// With any body.
    pub(crate) fn stream(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Sends it; `None` where the target is none that a request could have.
    pub(crate) async fn try_send(self) -> Option<Answer> {
        let context = format!("{} {}", self.method, self.target);
        Some(Answer::read(context, self.try_open().await?).await)
    }

    /// Sends it, and leaves the body of the answer to be read.
    pub(crate) async fn open(self) -> Response {
        self.try_open().await.expect("it is a target")
    }

    async fn try_open(self) -> Option<Response> {
        let uri: Uri = self.target.parse().ok()?;
        let mut request = Request::builder().method(self.method.clone()).uri(uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body).unwrap();
        if let Some(address) = self.address {
            request.extensions_mut().insert(ConnectInfo(address));
        }
        Some(self.router.oneshot(request).await.unwrap())
    }
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let target = self.target.clone();
            self.try_send().await.unwrap_or_else(|| panic!("{target} is no target"))
        })
    }
}
