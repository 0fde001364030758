//! Answering with a file: whole, in part, or not again. For every dialect that serves files.
//!
//! Who may have it is core's to say, and where a path leads is the dialect's.

use std::ops::Range;

use axum::BoxError;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED, RANGE,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use packhouse_core::access::policy::Rule;
use packhouse_core::access::{FilePlace, Permit, Secret, act};
use packhouse_core::blobs::{BlobBody, BlobReader, ByteRange};
use packhouse_core::jobs::Queued;
use packhouse_core::model::files::File;
use packhouse_core::names::FileLocation;
use packhouse_core::signed_urls::{self, SignedUrl};
use packhouse_core::{ErrorKind, Packhouse, downloads};

use super::address;
use super::content_type::{self, Shown};
use super::disposition;
use super::multipart::Multipart;
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::conditional::{Condition, Validators, evaluate, if_range_holds};
use crate::support::ranges::{self, RangeAnswer};

const SHA1: HeaderName = HeaderName::from_static("x-checksum-sha1");
const SHA256: HeaderName = HeaderName::from_static("x-checksum-sha2");
const MD5: HeaderName = HeaderName::from_static("x-checksum-md5");

/// For what everyone may have: it may be kept, and is asked for again before use, since it may be
/// replaced, or turn private.
pub(crate) const FOR_ALL: &str = "no-cache";
/// For what is the caller's alone.
pub(crate) const FOR_ONE: &str = "private, no-store";

/// For pages, such as those of an exploded site: they show text, pictures and styles of this
/// server; no script, form or frame of theirs works, and their origin is none.
const PAGE_POLICY: &str = "sandbox; default-src 'none'; img-src 'self' data:; \
                           style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
                           media-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";
/// For everything else: what a browser itself needs to show a picture or a film.
const FILE_POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; \
                           style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The proof that a caller may have a file.
pub(crate) type FilePermit = Permit<act::Read, FilePlace>;

/// A file, for those who may have it: found, with its conditions, ranges, headers and body.
pub(crate) async fn file(call: &Call, location: &FileLocation) -> Answer {
    let permit = find(call, location).await?;
    found(call, &permit).await
}

/// Finds a file, for those who may have it. Who must accept a EULA first is told where.
pub(crate) async fn find(call: &Call, location: &FileLocation) -> Result<FilePermit, Failure> {
    let error = match downloads::find(&call.packhouse, &call.caller, location).await {
        Ok(permit) => return Ok(permit),
        Err(error) => error,
    };
    let mut failure = Failure::from_core(&error);
    if let ErrorKind::EulaNotAccepted(eula) = error.kind() {
        let address = address::of_eula(call, eula)?;
        failure.message = format!("{} at: {address}", error.message());
    }
    Err(failure)
}

/// The file of a signed URL, for whoever shows it.
pub(crate) async fn signed(mut call: Call, url: &SignedUrl) -> Answer {
    let origin = call.caller.origin().clone();
    let shown = signed_urls::check_shown(&call.packhouse, url, origin).await?;
    call.caller = shown.caller;
    let permit = downloads::find(&call.packhouse, &call.caller, &url.location).await?;
    let Served { mut response, begins } = match &shown.secret {
        // No range is asked for of an encrypted file.
        Some(secret) => Served { response: encrypted(&call, &permit, secret).await?, begins: true },
        None => serve(&call, &permit).await?,
    };
    // Who follows a link of a served page does not take the signature along.
    set(response.headers_mut(), REFERRER_POLICY, "no-referrer");
    if let Some(callback) = shown.callback.filter(|_| begins && !call.head) {
        let queued = signed_urls::note_use(&call.packhouse, &permit, &callback).await?;
        tell_of(queued, &permit);
    }
    Ok(response)
}

/// Once when a subject has no more room for calls; each use causes one, and whose receiver does
/// not answer must not fill the log.
fn tell_of(queued: Option<Queued>, permit: &FilePermit) {
    let subject = &permit.place().subject.name;
    match queued {
        Some(Queued::Last) => {
            tracing::warn!(%subject, "too many calls wait: the uses that follow are not told");
        }
        Some(Queued::Dropped) => tracing::debug!(%subject, "a use of a signed URL is not told"),
        Some(Queued::Put) | None => {}
    }
}

/// A whole file, encrypted anew: without what is said of its plain bytes.
async fn encrypted(call: &Call, permit: &FilePermit, secret: &Secret) -> Answer {
    let contents = &permit.place().file.contents;
    let mut headers = HeaderMap::new();
    let name = permit.place().file.path.name();
    set(&mut headers, CONTENT_TYPE, "application/octet-stream");
    set(&mut headers, CONTENT_DISPOSITION, &disposition::of(name, Shown::Never));
    set(&mut headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut headers, CACHE_CONTROL, FOR_ONE);
    let length = signed_urls::encrypted_length(contents.size);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if call.head {
        look(&call.packhouse, permit).await?;
        return Ok(respond(StatusCode::OK, headers, Body::empty()));
    }
    let reader = signed_urls::open_encrypted(&call.packhouse, permit, secret).await?;
    let body = Body::from_stream(reader.into_stream().inspect_err(broke_off));
    Ok(respond(StatusCode::OK, headers, body))
}

/// A file that was found.
pub(crate) async fn found(call: &Call, permit: &FilePermit) -> Answer {
    serve(call, permit).await.map(|served| served.response)
}

/// An answer, and what is in it of the file.
struct Served {
    response: Response,
    /// Whether it has the first byte of the file, or is all of an empty one. That is judged by what
    /// is served: a range that is asked for may be ignored, for many reasons.
    begins: bool,
}

impl Served {
    /// An answer without a byte of the file.
    const fn nothing(response: Response) -> Self {
        Self { response, begins: false }
    }
}

async fn serve(call: &Call, permit: &FilePermit) -> Result<Served, Failure> {
    let file = &permit.place().file;
    let etag = format!("\"{}\"", file.contents.digests.sha256);
    // A replacement is uploaded before it is published, and seen from then on.
    let created = file.contents.created;
    let modified = file.published.map_or(created, |published| published.max(created));
    let modified = u64::try_from(modified.as_millis() / 1000).unwrap_or(0);
    let validators = Validators { etag: &etag, modified };
    let mut headers = common(permit, &etag, modified);
    match evaluate(&call.headers, validators) {
        Condition::PreconditionFailed => {
            return Ok(Served::nothing(empty(StatusCode::PRECONDITION_FAILED, headers)));
        }
        Condition::NotModified => return Ok(Served::nothing(not_modified(headers))),
        Condition::Proceed => {}
    }
    describe(&mut headers, file);
    let size = file.contents.size;
    let (begins, response) = match range(call, validators, size) {
        RangeAnswer::Unsatisfiable => (false, unsatisfiable(headers, size)),
        RangeAnswer::One { start, end } => {
            set(&mut headers, CONTENT_RANGE, &format!("bytes {start}-{}/{size}", end - 1));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(end - start));
            let body = body(call, permit, start..end).await?;
            (start == 0, respond(StatusCode::PARTIAL_CONTENT, headers, body))
        }
        RangeAnswer::Many(parts) => {
            let begins = parts.iter().any(|part| part.start == 0);
            (begins, several(call, permit, headers, &parts).await?)
        }
        RangeAnswer::Whole => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            let body = body(call, permit, 0..size).await?;
            (true, respond(StatusCode::OK, headers, body))
        }
    };
    Ok(Served { response, begins })
}

fn range(call: &Call, validators: Validators<'_>, size: u64) -> RangeAnswer {
    let header = call.headers.get(RANGE).and_then(|value| value.to_str().ok());
    match header.filter(|_| if_range_holds(&call.headers, validators)) {
        Some(header) => ranges::answer(header, size),
        None => RangeAnswer::Whole,
    }
}

/// What every answer about the file has, 304 too.
fn common(permit: &FilePermit, etag: &str, modified: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, ETAG, etag);
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(modified);
    set(&mut headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    let open = *permit.rule() == Rule::Public && permit.place().repo.restrictions.is_empty();
    let public = open && permit.caller().is_anonymous();
    set(&mut headers, CACHE_CONTROL, if public { FOR_ALL } else { FOR_ONE });
    set(&mut headers, VARY, "Authorization");
    headers
}

/// What the bytes are. Served files must not act on the server's origin (T151).
fn describe(headers: &mut HeaderMap, file: &File) {
    let name = file.path.name();
    let kind = content_type::of(name);
    set(headers, CONTENT_TYPE, kind.name);
    set(headers, CONTENT_DISPOSITION, &disposition::of(name, kind.shown));
    set(headers, ACCEPT_RANGES, "bytes");
    set(headers, SHA1, &file.contents.digests.sha1);
    set(headers, SHA256, &file.contents.digests.sha256);
    set(headers, MD5, &file.contents.digests.md5);
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    let is_page = kind.shown == Shown::AsPage;
    set(headers, CONTENT_SECURITY_POLICY, if is_page { PAGE_POLICY } else { FILE_POLICY });
    if is_page {
        // Where a page of a private repository leads learns nothing of its path.
        set(headers, REFERRER_POLICY, "no-referrer");
    }
}

/// The bytes of a range; none if only the head is wanted, which is answered as the bytes would be.
async fn body(call: &Call, permit: &FilePermit, range: Range<u64>) -> Result<Body, Failure> {
    if call.head {
        return look(&call.packhouse, permit).await.map(|()| Body::empty());
    }
    let reader = open(&call.packhouse, permit, range).await?;
    Ok(match reader.body {
        BlobBody::Bytes(bytes) => Body::from(bytes),
        BlobBody::Stream(stream) => Body::from_stream(stream.inspect_err(broke_off)),
    })
}

/// For the head a look at the end will do: whether the bytes are there, and all of them.
async fn look(packhouse: &Packhouse, permit: &FilePermit) -> Result<(), Failure> {
    let size = permit.place().file.contents.size;
    open(packhouse, permit, size..size).await.map(|_| ())
}

/// Opens exactly the bytes of a range.
async fn open(
    packhouse: &Packhouse,
    permit: &FilePermit,
    range: Range<u64>,
) -> Result<BlobReader, Failure> {
    let contents = &permit.place().file.contents;
    // Up to the end whatever it is: a blob that is longer than its file is found out.
    let end = (range.end < contents.size).then_some(range.end);
    let wanted = ByteRange { start: range.start, end };
    let reader = downloads::open(packhouse, permit, wanted).await?;
    if reader.length != range.end - range.start {
        tracing::error!(blob = %contents.blob, "a blob is not as long as its file");
        let message = "The server cannot do this now; try again";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    Ok(reader)
}

fn broke_off(error: &impl std::fmt::Display) {
    tracing::error!(%error, "a download broke off");
}

/// Several ranges, as `multipart/byteranges` (RFC 9110, 15.3.7.2). The boundary is the hash of the
/// whole file, which no part of the file contains: a file that does would be a fixed point of
/// SHA-256. So it is the same for `HEAD` and for each time that a range is asked for again.
async fn several(
    call: &Call,
    permit: &FilePermit,
    mut headers: HeaderMap,
    parts: &[Range<u64>],
) -> Answer {
    let file = &permit.place().file;
    let kind = content_type::of(file.path.name()).name;
    let frame = Multipart::new(&file.contents.digests.sha256, kind, parts, file.contents.size);
    set(&mut headers, CONTENT_TYPE, &frame.content_type());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(frame.length()));
    let body = if call.head {
        look(&call.packhouse, permit).await?;
        Body::empty()
    } else {
        let first = open(&call.packhouse, permit, parts[0].clone()).await?;
        Body::from_stream(framed(call.packhouse.clone(), permit.clone(), &frame, first))
    };
    Ok(respond(StatusCode::PARTIAL_CONTENT, headers, body))
}

type Chunks = BoxStream<'static, Result<Bytes, BoxError>>;

/// The parts in their frame, one after another. All but the first are opened when their turn comes,
/// by those who still may; one that fails breaks the answer off before its announced end.
fn framed(
    packhouse: Packhouse,
    permit: FilePermit,
    frame: &Multipart,
    first: BlobReader,
) -> Chunks {
    let mut first = Some(first);
    let end = Bytes::from(frame.end().to_owned());
    let parts = stream::iter(frame.heads().to_vec()).then(move |(head, range)| {
        let (packhouse, permit, opened) = (packhouse.clone(), permit.clone(), first.take());
        async move {
            let reader = match opened {
                Some(reader) => reader,
                None => {
                    downloads::check(&packhouse, &permit).await?;
                    open(&packhouse, &permit, range).await.map_err(|failure| failure.message)?
                }
            };
            let head = stream::iter([Ok(Bytes::from(head))]);
            Ok::<_, BoxError>(head.chain(chunks(reader)))
        }
    });
    let whole = parts.try_flatten().chain(stream::iter([Ok(end)]));
    let until_failure = whole.scan(false, |failed, chunk| {
        let item = (!*failed).then_some(chunk);
        *failed = matches!(item, Some(Err(_)) | None);
        futures::future::ready(item)
    });
    until_failure.inspect_err(broke_off).boxed()
}

fn chunks(reader: BlobReader) -> Chunks {
    match reader.body {
        BlobBody::Bytes(bytes) => stream::iter([Ok(bytes)]).boxed(),
        BlobBody::Stream(stream) => stream.err_into().boxed(),
    }
}

fn unsatisfiable(mut headers: HeaderMap, size: u64) -> Response {
    set(&mut headers, CONTENT_RANGE, &format!("bytes */{size}"));
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_DISPOSITION);
    empty(StatusCode::RANGE_NOT_SATISFIABLE, headers)
}

/// A body of no stated length: a length of 0 would be said of the file (RFC 9110, 8.6), and caches
/// would believe it.
fn not_modified(headers: HeaderMap) -> Response {
    let nothing = stream::empty::<Result<Bytes, std::convert::Infallible>>();
    respond(StatusCode::NOT_MODIFIED, headers, Body::from_stream(nothing))
}

fn empty(status: StatusCode, mut headers: HeaderMap) -> Response {
    if status.is_client_error() {
        set(&mut headers, CACHE_CONTROL, "no-store");
    }
    respond(status, headers, Body::empty())
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("made of digits, ASCII names and dates");
    headers.insert(name, value);
}
