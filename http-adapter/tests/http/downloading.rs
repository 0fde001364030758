//! Downloads: whole, in part, conditional, and refused.

use std::time::Duration;

use serde_json::json;

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, READER, STRANGER, basic};

const FILE: &str = "/acme/tools/d/digits.txt";
const SHA1: &str = "87acec17cd9dcd20a716cc2cf67417b71c8a7016";
const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
const MD5: &str = "781e5e245d69b566979b86e28d23f2c7";
const ETAG: &str = "\"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\"";
const MODIFIED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const BEFORE: &str = "Wed, 31 Dec 2025 23:59:59 GMT";
const AFTER: &str = "Thu, 01 Jan 2026 00:00:01 GMT";

/// What every file is served under but pages.
pub(crate) const FILE_POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; \
                           style-src 'unsafe-inline'; frame-ancestors 'none'";

/// `acme/tools` with the published file `d/digits.txt`.
async fn app() -> App {
    let app = App::furnished().await;
    app.upload("acme/tools/app/1.0/d/digits.txt?publish=1", "0123456789").await;
    app
}

/// The headers of an answer with bytes, for callers of a kind.
fn describes(answer: &Answer, status: u16, length: &str, cache: &str, more: &[(&str, &str)]) {
    let mut headers = vec![
        ("accept-ranges", "bytes"),
        ("cache-control", cache),
        ("content-length", length),
        ("content-disposition", "inline; filename=\"digits.txt\"; filename*=UTF-8''digits.txt"),
        ("content-security-policy", FILE_POLICY),
        ("content-type", "text/plain; charset=utf-8"),
        ("etag", ETAG),
        ("last-modified", MODIFIED),
        ("vary", "Authorization"),
        ("x-checksum-md5", MD5),
        ("x-checksum-sha1", SHA1),
        ("x-checksum-sha2", SHA256),
        ("x-content-type-options", "nosniff"),
    ];
    headers.extend(more);
    answer.has_head(status, &headers);
}

/// Facts, 1.9 (CLI, BREW): the CLI compares `X-Checksum-Sha1`, Homebrew `X-Checksum-Sha2`.
#[tokio::test]
async fn a_file_comes_with_its_checksums_and_its_head_alone_without_bytes() {
    let app = app().await;
    for (caller, cache) in
        [("", "no-cache"), (STRANGER, "private, no-store"), (OWNER, "private, no-store")]
    {
        let got = app.get(FILE).by(caller).await;
        describes(&got, 200, "10", cache, &[]);
        assert_eq!(got.body, "0123456789");
        let head = app.ask("HEAD", FILE).by(caller).await;
        describes(&head, 200, "10", cache, &[]);
        assert_eq!(head.body, "");
    }
    let got = app.get(&format!("{FILE}?include_unpublished=1&x")).await;
    describes(&got, 200, "10", "no-cache", &[]);
}

#[tokio::test]
async fn a_range_is_answered_with_its_bytes() {
    let app = app().await;
    for (range, bytes, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=4-", "456789", "bytes 4-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
        ("bytes=9-9", "9", "bytes 9-9/10"),
        ("bytes=0-18446744073709551615", "0123456789", "bytes 0-9/10"),
        ("bytes=2-4,3-6", "23456", "bytes 2-6/10"),
        ("bytes=1-1,50-60", "1", "bytes 1-1/10"),
    ] {
        let length = bytes.len().to_string();
        let got = app.get(FILE).header("range", range).await;
        describes(&got, 206, &length, "no-cache", &[("content-range", content_range)]);
        assert_eq!(got.body, bytes, "{range}");
    }
}

#[tokio::test]
async fn a_range_that_means_nothing_or_too_much_is_the_whole() {
    let app = app().await;
    for range in [
        "bytes=3-1",
        "bytes=",
        "bytes=a-b",
        "lines=0-1",
        "bytes 0-1",
        "bytes=0-,0-,0-",
        "bytes=0-1;2-3",
        "bytes=-",
        "0-1",
    ] {
        let got = app.get(FILE).header("range", range).await;
        describes(&got, 200, "10", "no-cache", &[]);
        assert_eq!(got.body, "0123456789", "{range}");
    }
}

#[tokio::test]
async fn a_range_without_a_byte_cannot_be_answered() {
    let app = app().await;
    for range in ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999-"] {
        let got = app.get(FILE).header("range", range).await;
        got.has_head(
            416,
            &[
                ("accept-ranges", "bytes"),
                ("cache-control", "no-store"),
                ("content-range", "bytes */10"),
                ("content-security-policy", FILE_POLICY),
                ("etag", ETAG),
                ("last-modified", MODIFIED),
                ("vary", "Authorization"),
                ("x-checksum-md5", MD5),
                ("x-checksum-sha1", SHA1),
                ("x-checksum-sha2", SHA256),
                ("x-content-type-options", "nosniff"),
            ],
        );
        assert_eq!(got.body, "", "{range}");
    }
    app.upload("acme/tools/app/1.0/empty?publish=1", "").await;
    let got = app.get("/acme/tools/empty").header("range", "bytes=0-0").await;
    assert_eq!((got.status, got.header("content-range")), (416, Some("bytes */0")));
    let got = app.get("/acme/tools/empty").await;
    assert_eq!((got.status, got.header("content-length"), got.body.len()), (200, Some("0"), 0));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let app = app().await;
    let weak = format!("W/{ETAG}");
    let listed = format!("\"x\", {ETAG}");
    for method in ["GET", "HEAD"] {
        for (name, value) in [
            ("if-none-match", ETAG),
            ("if-none-match", weak.as_str()),
            ("if-none-match", listed.as_str()),
            ("if-none-match", "*"),
            ("if-modified-since", MODIFIED),
            ("if-modified-since", AFTER),
        ] {
            let got = app.ask(method, FILE).header(name, value).header("range", "bytes=0-1").await;
            got.has_head(
                304,
                &[
                    ("cache-control", "no-cache"),
                    ("etag", ETAG),
                    ("last-modified", MODIFIED),
                    ("vary", "Authorization"),
                ],
            );
            assert_eq!(got.body, "");
        }
    }
    for (name, value) in [
        ("if-none-match", "\"x\""),
        ("if-modified-since", BEFORE),
        ("if-modified-since", "no date"),
    ] {
        describes(&app.get(FILE).header(name, value).await, 200, "10", "no-cache", &[]);
    }
    let both = app.get(FILE).header("if-none-match", "\"x\"").header("if-modified-since", AFTER);
    describes(&both.await, 200, "10", "no-cache", &[]);
}

#[tokio::test]
async fn a_precondition_that_fails_says_so() {
    let app = app().await;
    for (name, value) in
        [("if-match", "\"x\""), ("if-match", "W/\"x\""), ("if-unmodified-since", BEFORE)]
    {
        let got = app.get(FILE).header(name, value).await;
        got.has_head(
            412,
            &[
                ("cache-control", "no-store"),
                ("etag", ETAG),
                ("last-modified", MODIFIED),
                ("vary", "Authorization"),
            ],
        );
        assert_eq!(got.body, "");
    }
    for (name, value) in [("if-match", ETAG), ("if-match", "*"), ("if-unmodified-since", MODIFIED)]
    {
        describes(&app.get(FILE).header(name, value).await, 200, "10", "no-cache", &[]);
    }
}

#[tokio::test]
async fn a_range_goes_with_the_representation_it_was_meant_for() {
    let app = app().await;
    for (condition, holds) in
        [(ETAG, true), (MODIFIED, true), ("\"x\"", false), (BEFORE, false), ("W/\"84d8\"", false)]
    {
        let got = app.get(FILE).header("range", "bytes=2-3").header("if-range", condition).await;
        let expected = if holds { (206, "23") } else { (200, "0123456789") };
        assert_eq!((got.status, std::str::from_utf8(&got.body).unwrap()), expected, "{condition}");
    }
}

#[tokio::test]
async fn an_override_changes_the_tag_and_the_date() {
    let app = app().await;
    app.clock.advance(Duration::from_secs(60));
    app.upload("acme/tools/app/1.0/d/digits.txt?publish=1&override=1", "new").await;
    let got = app.get(FILE).header("if-none-match", ETAG).await;
    assert_eq!((got.status, got.body.as_ref()), (200, &b"new"[..]));
    assert_eq!(got.header("last-modified"), Some("Thu, 01 Jan 2026 00:01:00 GMT"));
    let resumed = app.get(FILE).header("range", "bytes=1-").header("if-range", ETAG).await;
    assert_eq!((resumed.status, resumed.body.as_ref()), (200, &b"new"[..]), "no mixture");
}

#[tokio::test]
async fn who_may_have_which_file() {
    let app = app().await;
    let (published, unpublished, absent) = ("app/1.0/app.bin", "app/2.0/new.bin", "app/1.0/x");
    for (caller, repo, path, status) in [
        ("", "tools", published, 200),
        ("", "tools", unpublished, 401),
        ("", "tools", absent, 404),
        ("", "vault", published, 401),
        ("", "vault", unpublished, 401),
        ("", "vault", absent, 401),
        ("", "absent", published, 401),
        (STRANGER, "tools", published, 200),
        (STRANGER, "tools", unpublished, 404),
        (STRANGER, "tools", absent, 404),
        (STRANGER, "vault", published, 404),
        (STRANGER, "vault", unpublished, 404),
        (STRANGER, "absent", published, 404),
        (READER, "vault", published, 200),
        (READER, "vault", unpublished, 404),
        (READER, "vault", absent, 404),
        (PUBLISHER, "vault", published, 200),
        (PUBLISHER, "vault", unpublished, 200),
        (OWNER, "tools", unpublished, 200),
        (OWNER, "vault", unpublished, 200),
        (OWNER, "vault", absent, 404),
        (ADMIN, "vault", unpublished, 200),
    ] {
        let target = format!("/acme/{repo}/{path}");
        // What the client says it has changes nothing about who may know (T150).
        for ask in [app.get(&target), app.get(&target).header("if-none-match", "*")] {
            let got = ask.by(caller).await;
            match status {
                200 => assert!(matches!(got.status, 200 | 304), "{got:?}"),
                401 => got.refuses_plainly(401, "Unauthorized\n"),
                _ => got.refuses_plainly(404, "Not Found\n"),
            }
        }
        let head = app.ask("HEAD", &target).by(caller).await;
        assert_eq!((head.status, head.body.len()), (status, 0));
    }
}

/// Facts, 1.9 (JAVA): 401 and not 404 for what is not published, to those who sent no credentials.
#[tokio::test]
async fn a_publication_shows_a_file_and_a_discard_takes_it_away() {
    let app = App::furnished().await;
    let file = "/acme/tools/app/2.0/new.bin";
    app.get(file).await.refuses_plainly(401, "Unauthorized\n");
    app.post("/content/acme/tools/app/2.0/publish").by(OWNER).await.is(200, &json!({"files": 1}));
    assert_eq!(app.get(file).await.body, "two");
    app.upload("acme/tools/app/2.0/z", "z").await;
    let discard = json!({"discard": true});
    app.post("/content/acme/tools/app/2.0/publish").by(OWNER).json(&discard).await;
    app.get("/acme/tools/z").await.refuses_plainly(404, "Not Found\n");
    app.get("/acme/tools/z").by(OWNER).await.refuses_plainly(404, "Not Found\n");
}

/// T149: never an empty 200.
#[tokio::test]
async fn lost_bytes_are_an_alarm_and_no_empty_file() {
    let app = app().await;
    app.backends.lose_all_bytes().await;
    let got = app.get(FILE).await;
    got.has_head(
        503,
        &[
            ("cache-control", "no-store"),
            ("content-type", "text/plain; charset=utf-8"),
            ("retry-after", "1"),
        ],
    );
    assert_eq!(got.body, "The server cannot do this now; try again\n");
}

#[tokio::test]
async fn a_download_reads_the_records_twice_at_most() {
    let app = app().await;
    for (caller, most) in [("", 1), (OWNER, 2)] {
        let before = app.watch.reads();
        assert_eq!(app.get(FILE).by(caller).await.status, 200);
        assert!(app.watch.reads() - before <= most, "{caller}");
    }
}

/// Facts, 1.9 (PY): wrong credentials are refused even where none are needed.
#[tokio::test]
async fn wrong_credentials_are_refused_for_a_public_file_too() {
    let app = app().await;
    for (user, secret) in [(OWNER, "wrong"), ("nobody", "x"), (OWNER, "")] {
        for target in [FILE, "/acme/tools/", "/acme/tools", "/acme/tools/:x"] {
            let asked = app.get(target).header("authorization", &basic(user, secret));
            asked.await.refuses_plainly(401, "Unauthorized\n");
        }
    }
}

/// Facts, 1.9 (JAVA): the API's host answers downloads as well, wherever the API is.
#[tokio::test]
async fn the_api_host_answers_downloads_too() {
    let app = app().await;
    for (caller, file) in
        [("", FILE), (OWNER, FILE), (OWNER, "/acme/vault/app/2.0/new.bin"), ("", "/acme/vault/x")]
    {
        let (here, there) = (app.get(file), app.get(&format!("/api/v1{file}")));
        let (here, there) = (here.by(caller).await, there.by(caller).await);
        assert!(here.same_as(&there) && here.operation == there.operation, "{there:?}");
    }
    for reserved in ["/api/v1/packages/x/y", "/api/v1/api/v1/acme/tools/x", "/api/v1/v2/acme/x"] {
        let answer = app.get(reserved).by(OWNER).await;
        assert!(!answer.operation.starts_with("downloads."), "{answer:?}");
    }
}

/// Facts, 1.9 (CLI): one GET that follows no redirect, then ranges of it, each of them a 206;
/// `include_unpublished=1` is always appended.
#[tokio::test]
async fn a_parallel_download_gets_its_slices() {
    let app = app().await;
    let target = format!("{FILE}?include_unpublished=1");
    assert_eq!(app.get(&target).await.status, 200);
    let mut whole = Vec::new();
    for range in ["bytes=0-3", "bytes=4-7", "bytes=8-9"] {
        let part = app.get(&target).header("range", range).await;
        assert_eq!(part.status, 206);
        whole.extend(part.body);
    }
    assert_eq!(whole, b"0123456789");
    let unset = app.get(&format!("{FILE}?include_unpublished=$x&list=?")).await;
    assert_eq!((unset.status, unset.body.as_ref()), (200, &b"0123456789"[..]));
}

/// Facts, 1.9 (JAVA): a Vagrant box is there under the path that it was uploaded to.
#[tokio::test]
async fn a_vagrant_box_answers_head_under_its_path() {
    let app = app().await;
    app.repo("acme/boxes", json!({"type": "vagrant"})).await;
    app.package("acme/boxes", json!({"name": "app"})).await;
    let target = "acme/boxes/app/1.0/app-1.0.box;box_provider=virtualbox;publish=1";
    app.upload(target, "box").await;
    let head = app.ask("HEAD", "/acme/boxes/app-1.0.box").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("3")));
}

#[tokio::test]
async fn only_get_and_head_are_methods_of_a_file() {
    let app = app().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let refused = app.ask(method, FILE).by(OWNER).await;
        refused.has_head(
            405,
            &[
                ("allow", "GET, HEAD"),
                ("cache-control", "no-store"),
                ("content-type", "text/plain; charset=utf-8"),
            ],
        );
        assert_eq!(refused.body, "This resource has the methods GET, HEAD\n");
    }
    let tricked = app.get(FILE).by(OWNER).header("x-http-method-override", "DELETE").await;
    assert_eq!((tricked.status, app.get(FILE).await.status), (200, 200));
}

/// What a client fetched between the upload of a replacement and its publication is older than it.
#[tokio::test]
async fn a_replacement_is_as_new_as_its_publication() {
    let app = App::furnished().await;
    let file = "/acme/tools/app/1.0/app.bin";
    app.clock.advance(Duration::from_secs(60));
    app.upload("acme/tools/app/1.0/app/1.0/app.bin?override=1", "new").await;
    app.clock.advance(Duration::from_secs(60));
    let fetched = "Thu, 01 Jan 2026 00:02:00 GMT";
    assert_eq!(&app.get(file).await.body[..], b"one");
    app.clock.advance(Duration::from_secs(60));
    let publish = app.post("/content/acme/tools/app/1.0/publish").by(OWNER).await;
    assert_eq!(publish.status, 200, "{publish:?}");
    let again = app.get(file).header("if-modified-since", fetched).await;
    assert_eq!((again.status, &again.body[..]), (200, &b"new"[..]), "{again:?}");
}
