//! Several ranges in one request: `multipart/byteranges` (RFC 9110, 14.6 and 15.3.7.2), read by a
//! parser that shares nothing with the writer.
#![allow(clippy::disallowed_types, reason = "an installation is built upon the ports")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::BodyExt;
use packhouse_core::blobs::{
    BlobBody, BlobError, BlobErrorKind, BlobId, BlobInfo, BlobReader, BlobStore, BlobWriter,
    ByteRange, Suspended,
};
use proptest::prelude::*;
use serde_json::json;

use crate::app::{Answer, App, Backends, OWNER, READER, SetClock, Setup};

const FILE: &str = "/acme/tools/d/digits.txt";
const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
const ETAG: &str = "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"";

/// Blobs that come in small chunks, are counted as they are opened, and cannot be opened from
/// some time on.
#[derive(Clone, Debug)]
struct Chunked {
    inner: Arc<dyn BlobStore>,
    chunk: usize,
    opened: Arc<AtomicUsize>,
    fail_from: Arc<AtomicUsize>,
    /// So many bytes are missing at the end of every blob.
    missing: Arc<AtomicUsize>,
}

#[async_trait]
impl BlobStore for Chunked {
    async fn create(&self, id: &BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.create(id).await
    }

    async fn resume(&self, id: &BlobId, at: &Suspended) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.resume(id, at).await
    }

    async fn open(&self, id: &BlobId, range: ByteRange) -> Result<BlobReader, BlobError> {
        if self.opened.fetch_add(1, Ordering::SeqCst) >= self.fail_from.load(Ordering::SeqCst) {
            return Err(BlobErrorKind::Unavailable.because("SECRET-CANARY"));
        }
        let reader = self.inner.open(id, range).await?;
        let (length, missing) = (reader.length, self.missing.load(Ordering::SeqCst));
        let mut bytes = reader.into_bytes().await?;
        bytes.truncate(bytes.len().saturating_sub(missing));
        let length = length.saturating_sub(u64::try_from(missing).unwrap());
        let chunks: Vec<_> =
            bytes.chunks(self.chunk).map(|part| Ok(bytes.slice_ref(part))).collect();
        Ok(BlobReader { length, body: BlobBody::Stream(stream::iter(chunks).boxed()) })
    }

    async fn remove(&self, id: &BlobId) -> Result<(), BlobError> {
        self.inner.remove(id).await
    }

    fn list(&self) -> BoxStream<'_, Result<BlobInfo, BlobError>> {
        self.inner.list()
    }

    async fn direct_url(&self, id: &BlobId, life: Duration) -> Result<Option<String>, BlobError> {
        self.inner.direct_url(id, life).await
    }
}

/// A furnished installation with the published file, over blobs that come in chunks.
async fn chunked(chunk: usize) -> (App, Chunked) {
    let clock = SetClock::new();
    let Backends { store, blobs } = Backends::in_memory(&clock);
    let fail_from = Arc::new(AtomicUsize::new(usize::MAX));
    let blobs =
        Chunked { inner: blobs, chunk, opened: Arc::default(), fail_from, missing: Arc::default() };
    let backends = Backends { store, blobs: Arc::new(blobs.clone()) };
    let app = App::over(backends, clock, Setup::default()).await;
    app.furnish().await;
    app.upload("acme/tools/app/1.0/d/digits.txt?publish=1", "0123456789").await;
    (app, blobs)
}

/// A part as it was read: its type, its range and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Part {
    kind: String,
    range: (usize, usize, usize),
    bytes: Vec<u8>,
}

/// Reads a body line by line, as a reader does that knows nothing of lengths.
fn parse(answer: &Answer) -> Vec<Part> {
    let kind = answer.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let padded = [b"\r\n", answer.body.as_ref()].concat();
    let mut places: Vec<usize> = Vec::new();
    for at in 0..padded.len() {
        if padded[at..].starts_with(delimiter.as_bytes()) {
            places.push(at);
        }
    }
    let pieces = places.windows(2).map(|pair| &padded[pair[0] + delimiter.len()..pair[1]]);
    let parts = pieces.map(read_part).collect();
    assert_eq!(places[0], 0, "nothing comes before the first part");
    assert_eq!(&padded[places[places.len() - 1] + delimiter.len()..], b"--\r\n");
    parts
}

fn read_part(piece: &[u8]) -> Part {
    let piece = piece.strip_prefix(b"\r\n").expect("a line ends after the delimiter");
    let end = piece.windows(4).position(|four| four == b"\r\n\r\n").expect("the head ends");
    let head = std::str::from_utf8(&piece[..end]).unwrap();
    let field = |name: &str| {
        let line = head.split("\r\n").find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].to_owned()
    };
    assert_eq!(head.split("\r\n").count(), 2, "{head}");
    let range = field("Content-Range: bytes ");
    let (range, size) = range.split_once('/').unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let number = |text: &str| text.parse::<usize>().unwrap();
    Part {
        kind: field("Content-Type: "),
        range: (number(first), number(last), number(size)),
        bytes: piece[end + 4..].to_vec(),
    }
}

#[tokio::test]
async fn several_ranges_come_as_parts_with_an_exact_length() {
    let (app, _) = chunked(3).await;
    let asked = app.get(FILE).header("range", "bytes=-1,0-4,6-6").await;
    let part = |range: &str, bytes: &str| {
        format!(
            "--{SHA256}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Range: bytes {range}/10\r\n\r\n{bytes}\r\n"
        )
    };
    let expected =
        format!("{}{}{}--{SHA256}--\r\n", part("0-4", "01234"), part("6-6", "6"), part("9-9", "9"));
    let kind = format!("multipart/byteranges; boundary={SHA256}");
    let headers = [
        ("accept-ranges", "bytes"),
        ("cache-control", "no-cache"),
        ("content-disposition", "inline; filename=\"digits.txt\"; filename*=UTF-8''digits.txt"),
        ("content-length", &expected.len().to_string()),
        ("content-security-policy", crate::downloading::FILE_POLICY),
        ("content-type", &kind),
        ("etag", ETAG),
        ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("vary", "Authorization"),
        ("x-checksum-md5", "781e5e245d69b566979b86e28d23f2c7"),
        ("x-checksum-sha1", "87acec17cd9dcd20a716cc2cf67417b71c8a7016"),
        ("x-checksum-sha2", SHA256),
        ("x-content-type-options", "nosniff"),
    ];
    asked.has_head(206, &headers);
    assert_eq!(asked.body, expected);
    let head = app.ask("HEAD", FILE).header("range", "bytes=-1,0-4,6-6").await;
    head.has_head(206, &headers);
    assert_eq!(head.body, "");
}

#[tokio::test]
async fn conditions_come_before_several_ranges() {
    let (app, _) = chunked(100).await;
    let several = || app.get(FILE).header("range", "bytes=0-1,5-6");
    for (name, value, status) in [
        ("if-none-match", ETAG, 304),
        ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT", 304),
        ("if-match", "\"x\"", 412),
        ("if-range", ETAG, 206),
        ("if-range", "Thu, 01 Jan 2026 00:00:00 GMT", 206),
        ("if-range", "\"x\"", 200),
        ("if-range", "Wed, 31 Dec 2025 23:59:59 GMT", 200),
    ] {
        let got = several().header(name, value).await;
        assert_eq!(got.status, status, "{got:?}");
        match status {
            200 => assert_eq!(got.body, "0123456789"),
            206 => assert_eq!(parse(&got).len(), 2),
            _ => assert_eq!(got.body, ""),
        }
    }
    let nothing = app.get(FILE).header("range", "bytes=10-11,50-").await;
    assert_eq!((nothing.status, nothing.header("content-range")), (416, Some("bytes */10")));
}

/// T146: what is asked for again and again is not sent again and again.
#[tokio::test]
async fn many_ranges_are_joined_or_the_whole() {
    let (app, blobs) = chunked(100).await;
    let digits = |n: usize| (0..n).map(|i| format!("{i}-{i}")).collect::<Vec<_>>().join(",");
    for (range, status) in [
        (format!("bytes={}", digits(10)), 206),
        ("bytes=0-,0-,0-".to_owned(), 200),
        (format!("bytes={}", "0-9,".repeat(500)), 200),
        (format!("bytes={}", "0-0,".repeat(5_000)), 200),
    ] {
        let opened = blobs.opened.load(Ordering::SeqCst);
        let got = app.get(FILE).header("range", &range).await;
        assert_eq!((got.status, got.body.as_ref()), (status, &b"0123456789"[..]));
        assert_eq!(blobs.opened.load(Ordering::SeqCst), opened + 1);
    }
}

#[tokio::test]
async fn parts_of_what_is_not_for_all_are_kept_by_nobody() {
    let (app, _) = chunked(100).await;
    app.upload("acme/vault/app/1.0/d/digits.txt?publish=1", "0123456789").await;
    for (caller, repo) in [(OWNER, "tools"), (READER, "vault")] {
        for (range, status, cache) in
            [("bytes=0-1,5-6", 206, "private, no-store"), ("bytes=99-,98-", 416, "no-store")]
        {
            let target = format!("/acme/{repo}/d/digits.txt");
            let got = app.get(&target).by(caller).header("range", range).await;
            assert_eq!((got.status, got.header("cache-control")), (status, Some(cache)));
            assert_eq!(got.header("vary"), Some("Authorization"));
        }
    }
    let refused = app.get("/acme/vault/d/digits.txt").header("range", "bytes=0-1,5-6").await;
    refused.refuses_plainly(401, "Unauthorized\n");
}

/// T147, T149: each part is opened when its turn comes, and the first one before the answer.
#[tokio::test]
async fn a_part_that_cannot_be_read_breaks_the_answer_off() {
    let (app, blobs) = chunked(1).await;
    let several = || app.get(FILE).header("range", "bytes=0-1,4-5,8-9");
    for parts in 0..3 {
        blobs.opened.store(0, Ordering::SeqCst);
        blobs.fail_from.store(parts, Ordering::SeqCst);
        let response = several().open().await;
        assert_eq!(blobs.opened.load(Ordering::SeqCst), 1, "no more than the first part yet");
        if parts == 0 {
            assert_eq!(response.status(), 503);
            continue;
        }
        assert_eq!(response.status(), 206);
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let (mut read, mut failed) = (Vec::new(), None);
        let mut body = response.into_body().into_data_stream();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => read.extend(chunk),
                Err(error) => failed = Some(error.to_string()),
            }
        }
        let failed = failed.expect("it says that it broke off");
        assert!(read.len() < length && !failed.contains("SECRET"), "{failed}");
        assert!(!String::from_utf8_lossy(&read).ends_with("--\r\n"), "no end is claimed");
    }
}

#[tokio::test]
async fn a_head_is_answered_as_its_parts_would_be() {
    let (app, blobs) = chunked(1).await;
    blobs.fail_from.store(0, Ordering::SeqCst);
    for range in ["bytes=0-1,4-5", "bytes=0-1", "lines=1"] {
        for method in ["HEAD", "GET"] {
            let got = app.ask(method, FILE).header("range", range).await;
            assert_eq!((got.status, got.header("content-disposition")), (503, None), "{got:?}");
        }
    }
}

/// T149: a blob that is not as long as its file is no file.
#[tokio::test]
async fn a_blob_that_is_cut_short_is_no_answer() {
    let (app, blobs) = chunked(4).await;
    blobs.missing.store(1, Ordering::SeqCst);
    for range in ["bytes=0-1,4-5", "bytes=0-1", "bytes=-2", "lines=1"] {
        assert_eq!(app.get(FILE).header("range", range).await.status, 503, "{range}");
    }
}

/// What the permit rested on ends while an answer is read: so does the answer.
#[tokio::test]
async fn a_part_is_not_opened_for_those_who_may_no_more() {
    let (app, blobs) = chunked(1).await;
    let response = app.get(FILE).header("range", "bytes=0-1,4-5").open().await;
    let private = app.patch("/repos/acme/tools").by(OWNER).json(&json!({"private": true})).await;
    assert_eq!(private.status, 200);
    blobs.opened.store(0, Ordering::SeqCst);
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(blobs.opened.load(Ordering::SeqCst), 0);
    // One whose file was replaced meanwhile goes on to its end, with the bytes it began with.
    app.patch("/repos/acme/tools").by(OWNER).json(&json!({"private": false})).await;
    let response = app.get(FILE).header("range", "bytes=0-1,4-5").open().await;
    app.upload("acme/tools/app/1.0/d/digits.txt?publish=1&override=1", "abcdefghij").await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("\r\n\r\n01\r\n") && body.contains("\r\n\r\n45\r\n"), "{body}");
}

/// Bytes that look like the frame around them, among others.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n--".to_vec()),
        Just(b"--\r\n".to_vec()),
        Just(b"Content-Range: bytes 0-1/2\r\n\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..30),
    ];
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

fn ranges() -> impl Strategy<Value = Vec<(u8, u8)>> {
    let range = (0..180_u8, 0..20_u8).prop_map(|(first, more)| (first, first + more));
    proptest::collection::vec(range, 2..10)
}

#[test]
fn parts_read_back_are_slices_of_the_file() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (app, _) = runtime.block_on(chunked(7));
    let several = std::cell::Cell::new(0);
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() };
    proptest!(config, |(bytes in contents(), ranges in ranges())| {
        runtime.block_on(async {
            let target = "acme/tools/app/1.0/random.bin?publish=1&override=1";
            app.upload(target, Bytes::from(bytes.clone())).await;
            let spec: Vec<_> = ranges
                .iter()
                .map(|(first, last)| format!("{first}-{last}"))
                .collect();
            let header = format!("bytes={}", spec.join(","));
            let ask = |method: &str| app.ask(method, "/acme/tools/random.bin").header("range", &header);
            let got = ask("GET").await;
            let head = ask("HEAD").await;
            assert_eq!((head.status, head.body.len()), (got.status, 0));
            let length = got.body.len().to_string();
            let announced = (head.header("content-length"), got.header("content-length"));
            assert_eq!(announced.0, Some(length.as_str()));
            assert_eq!(announced.1.unwrap_or(&length), length.as_str());
            if got.header("content-range").is_some() || got.status != 206 {
                return;
            }
            several.set(several.get() + 1);
            assert!(got.body.len() <= 2 * bytes.len() + 8 * 250);
            let parts = parse(&got);
            assert!((2..=8).contains(&parts.len()));
            let mut covered = vec![false; bytes.len()];
            for Part { kind, range: (first, last, size), bytes: part } in parts {
                assert_eq!((kind.as_str(), size), ("application/octet-stream", bytes.len()));
                assert_eq!(part, &bytes[first..=last]);
                covered[first..=last].fill(true);
            }
            for (at, covered) in covered.into_iter().enumerate() {
                let asked = ranges
                    .iter()
                    .any(|(first, last)| (usize::from(*first)..=usize::from(*last)).contains(&at));
                assert_eq!(covered, asked, "byte {at} of {header}");
            }
        });
    });
    assert!(several.get() > 50, "{} answers had several parts", several.get());
}
