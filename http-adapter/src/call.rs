//! One request, as handlers see it: the engine, the caller, and what was asked, parsed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, StatusCode};
use packhouse_core::access::Caller;
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::names::{
    FileLocation, FilePath, PackageName, PackagePath, ProductName, RepoPath, SubjectName,
    VersionName, VersionPath,
};
use packhouse_core::subjects::KnownAs;
use packhouse_core::{Packhouse, Paging};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::route::Params;
use crate::support::query::Query;
use crate::{Options, support};

/// What a handler gives.
pub(crate) type Answer = Result<Response, Failure>;

/// One request.
pub(crate) struct Call {
    pub(crate) packhouse: Packhouse,
    pub(crate) options: Arc<Options>,
    pub(crate) caller: Caller,
    /// Whether only the head of the answer is wanted.
    pub(crate) head: bool,
    pub(crate) params: Params,
    pub(crate) query: Query,
    /// The parameters after `;` of the last segment.
    pub(crate) matrix: Query,
    /// Whether a slash follows the last segment.
    pub(crate) trailing_slash: bool,
    /// Whether the part of the path that `{*name}` took had an empty segment.
    pub(crate) doubled_tail: bool,
    pub(crate) headers: HeaderMap,
    /// Behind a lock that is never waited for, so that threads may share the rest.
    pub(crate) body: Mutex<Body>,
}

impl Call {
    pub(crate) fn subject(&self) -> Result<SubjectName, Failure> {
        Ok(SubjectName::parse(self.params.get("subject"))?)
    }

    /// The subject, of the kind that the route says.
    pub(crate) fn known_as(&self, kind: SubjectKind) -> Result<KnownAs, Failure> {
        Ok(KnownAs { name: self.subject()?, kind })
    }

    pub(crate) fn repo(&self) -> Result<RepoPath, Failure> {
        Ok(RepoPath::parse(self.params.get("subject"), self.params.get("repo"))?)
    }

    pub(crate) fn package(&self) -> Result<PackagePath, Failure> {
        Ok(self.repo()?.package(PackageName::parse(self.params.get("package"))?))
    }

    pub(crate) fn version(&self) -> Result<VersionPath, Failure> {
        Ok(self.package()?.version(VersionName::parse(self.params.get("version"))?))
    }

    pub(crate) fn product(&self) -> Result<ProductName, Failure> {
        Ok(ProductName::parse(self.params.get("product"))?)
    }

    /// The file that `{*path}` names.
    pub(crate) fn file(&self) -> Result<FileLocation, Failure> {
        self.check_tail()?;
        Ok(self.repo()?.file(FilePath::parse(self.params.get("path"))?))
    }

    /// Refuses slashes that a route of the API may have in excess, but no path of a file.
    pub(crate) fn check_tail(&self) -> Result<(), Failure> {
        self.check_tail_is_single()?;
        if self.trailing_slash {
            return Err(Failure::bad_request("the file path ends in a slash: name a file"));
        }
        Ok(())
    }

    /// Refuses doubled slashes in the path of a file or a folder.
    pub(crate) fn check_tail_is_single(&self) -> Result<(), Failure> {
        if self.doubled_tail {
            let message = "the file path has an empty segment: write single slashes";
            return Err(Failure::bad_request(message));
        }
        Ok(())
    }

    /// The page that `start_pos` asks for, of this many at the most.
    pub(crate) fn paging(&self, limit: usize) -> Result<Paging, Failure> {
        let start = self.query.get("start_pos")?.filter(|start| !start.is_empty());
        let start = start.map_or(Ok(0), str::parse::<u64>).map_err(|_| {
            Failure::bad_request("start_pos is not a number: give the position from 0 on")
        })?;
        Ok(Paging::new(start, limit))
    }

    /// A header that is text and given once.
    pub(crate) fn header(&self, name: &HeaderName) -> Result<Option<&str>, Failure> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.any(|other| other != value) {
            let message = format!(
                "conflicting_parameter: {name} is given twice with different values: give it once"
            );
            return Err(Failure::bad_request(message));
        }
        let text = std::str::from_utf8(value.as_bytes());
        text.map(Some).map_err(|_| Failure::bad_request(format!("{name} is not UTF-8 text")))
    }

    /// The announced size of the body.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The body as chunks.
    pub(crate) fn take_body(&mut self) -> BodyDataStream {
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(body).into_data_stream()
    }

    /// The body as a JSON object, whatever its type is said to be. An empty body is an empty
    /// object.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let bytes = self.small_body().await?;
        let text = if bytes.iter().all(u8::is_ascii_whitespace) { &b"{}"[..] } else { &bytes };
        support::json::parse(text).map_err(Failure::bad_request)
    }

    /// The whole body, if it is no larger than JSON may be.
    pub(crate) async fn small_body(&mut self) -> Result<Bytes, Failure> {
        let most = self.options.max_json_bytes;
        let mut chunks = self.take_body();
        let mut whole = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            whole.extend_from_slice(&chunk.map_err(|error| broken_body(&error))?);
            if whole.len() > most {
                let message = format!("The body is too large: at most {most} bytes are allowed");
                return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
        }
        Ok(whole.freeze())
    }

    pub(crate) fn max_publish_wait(&self) -> Duration {
        Duration::from_secs(self.options.max_publish_wait_secs)
    }
}

/// The client went away, broke the framing, or was too slow: most will not read the answer.
pub(crate) fn broken_body(error: &axum::Error) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
        if error.downcast_ref().is_some_and(timed_out) {
            let message = "The body came too slowly: send it again";
            return Failure::new(StatusCode::REQUEST_TIMEOUT, message);
        }
        // The listener says so where it reads the framing itself.
        let malformed = |error: &&std::io::Error| error.kind() == std::io::ErrorKind::InvalidData;
        if let Some(error) = error.downcast_ref().filter(malformed) {
            return Failure::bad_request(error.to_string());
        }
        cause = error.source();
    }
    Failure::bad_request("The body ended before it was complete: send it again")
}
