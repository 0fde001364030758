//! "URL Signing", downloads by signed URLs, encrypted ones, their callbacks, and dynamic downloads.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_core::jobs::{Runner, Step};
use packhouse_core::outbound::OutboundMethod;
use serde_json::{Value, json};

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, READER, STRANGER};

const FILE: &str = "acme/vault/app/1.0/app.bin";
const REFUSED: &str = "Forbidden\n";

trait Told {
    fn told(&self) -> (u16, String);
}

impl Told for Answer {
    fn told(&self) -> (u16, String) {
        (self.status, self.message())
    }
}

async fn sign(app: &App, query: &str, body: Value) -> Answer {
    app.post(&format!("/signed_url/{FILE}{query}")).by(OWNER).json(&body).await
}

/// The path and the parameters of a URL that was signed.
fn target(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let value = answer.value();
    let url = value["url"].as_str().unwrap();
    url.strip_prefix("http://packhouse.test").unwrap_or_else(|| panic!("{url}")).to_owned()
}

async fn signed(app: &App, body: Value) -> String {
    let url = app.post(&format!("/signed_url/{FILE}")).by(OWNER).header("host", "packhouse.test");
    target(&url.json(&body).await)
}

fn later(app: &App, seconds: u64) {
    app.clock.advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn whoever_has_a_signed_url_downloads_that_file_until_it_expires() {
    let app = App::furnished().await;
    for (body, seconds) in [
        (json!({}), 24 * 3600),
        (json!({"valid_for_secs": 30}), 30),
        (json!({"valid_for_secs": "30"}), 30),
        (json!({"expiry": 1_767_312_000_000_i64}), 24 * 3600),
    ] {
        let app = App::furnished().await;
        let target = signed(&app, body).await;
        later(&app, seconds - 1);
        let got = app.get(&target).await;
        assert_eq!((got.status, &got.body[..]), (200, &b"one"[..]), "{got:?}");
        assert_eq!(got.header("cache-control").unwrap(), "private, no-store");
        assert_eq!(got.header("referrer-policy").unwrap(), "no-referrer");
        let head = app.ask("HEAD", &target).await;
        assert_eq!(
            (head.status, head.header("content-length").unwrap(), head.body.len()),
            (200, "3", 0)
        );
        let part = app.get(&target).header("range", "bytes=1-").await;
        assert_eq!((part.status, &part.body[..]), (206, &b"ne"[..]));
        later(&app, 1);
        let got = app.get(&target).await;
        assert_eq!((got.status, &got.body[..]), (403, REFUSED.as_bytes()));
    }
    // The body and its type may be missing altogether.
    let bare = app.post(&format!("/signed_url/{FILE}?encrypt=false")).by(OWNER).await;
    assert_eq!(bare.status, 200, "{bare:?}");
    assert!(bare.header("x-bintray-secret").is_none());
}

#[tokio::test]
async fn the_address_has_the_documented_form_and_64_bytes_of_signature() {
    let app = App::furnished().await;
    let form = |target: &str| {
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(path, "/acme/vault/app/1.0/app.bin");
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    let pairs = form(&signed(&app, json!({"valid_for_secs": 30})).await);
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["expiry", "id", "signature"]);
    assert_eq!(pairs[0].1, "1767225630000");
    let signature = pairs[2].1.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    assert_eq!(STANDARD.decode(signature).unwrap().len(), 64);

    let pairs = form(&signed(&app, json!({"callback_id": "malcolm"})).await);
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["expiry", "id", "signature"]);
    assert!(!pairs[1].1.contains("malcolm"));
}

/// T099, T105.
#[tokio::test]
async fn a_url_that_was_changed_in_any_way_is_refused() {
    let app = App::furnished().await;
    let target = signed(&app, json!({"callback_id": "malcolm", "valid_for_secs": 600})).await;
    assert_eq!(app.get(&target).await.status, 200);
    let (path, query) = target.split_once('?').unwrap();
    for at in 0..query.len() {
        let mut other = query.as_bytes().to_vec();
        other[at] = if other[at] == b'1' { b'2' } else { b'1' };
        let other = String::from_utf8(other).unwrap();
        let got = app.get(&format!("{path}?{other}")).await;
        assert!(matches!(got.status, 400 | 401 | 403), "{other}: {got:?}");
    }
    let pairs: Vec<&str> = query.split('&').collect();
    for left in 0..pairs.len() {
        let mut fewer = pairs.clone();
        fewer.remove(left);
        let got = app.get(&format!("{path}?{}", fewer.join("&"))).await;
        assert!(matches!(got.status, 401 | 403), "without {}: {got:?}", pairs[left]);
        let twice = format!("{path}?{query}&{}", pairs[left]);
        assert_eq!(app.get(&twice).await.status, 400, "{twice}");
    }
    // T101: signatures that are none.
    let (before, signature) = query.split_once("signature=").unwrap();
    for other in ["", "A", "=", "%00", "%FF", "!!!!", &signature[..44], &signature.repeat(2)] {
        let got = app.get(&format!("{path}?{before}signature={other}")).await;
        assert!(matches!(got.status, 400 | 403), "{other}: {got:?}");
    }
    // The same order of parameters is not asked for, the same meaning is.
    let turned: Vec<&str> = pairs.iter().rev().copied().collect();
    assert_eq!(app.get(&format!("{path}?{}", turned.join("&"))).await.status, 200);
    let expiry = query.replace("expiry=", "expiry=0");
    assert_eq!(app.get(&format!("{path}?{expiry}")).await.status, 403);
    // It is good for one file and for reading.
    for other in [
        "/acme/vault/app/1.0/other.bin",
        "/acme/vault/app/2.0/new.bin",
        "/acme/tools/app/1.0/app.bin",
    ] {
        assert_eq!(app.get(&format!("{other}?{query}")).await.status, 403, "{other}");
    }
    for route in ["/packages/acme/vault/app", "/file_package/acme/vault/app/1.0/app.bin"] {
        assert_eq!(app.get(&format!("{route}?{query}")).await.status, 401, "{route}");
    }
    assert_eq!(app.delete(&format!("/content/{FILE}?{query}")).await.status, 401);
}

#[tokio::test]
async fn who_may_publish_a_file_may_sign_its_url_and_nobody_else() {
    let app = App::furnished().await;
    for (caller, status) in
        [("", 401), (STRANGER, 404), (READER, 403), (PUBLISHER, 200), (OWNER, 200), (ADMIN, 200)]
    {
        let got = app.post(&format!("/signed_url/{FILE}")).by(caller).await;
        assert_eq!(got.status, status, "{caller}: {got:?}");
    }
    let none = app.post("/signed_url/acme/vault/app/none").by(OWNER).await;
    assert_eq!(none.told(), (404, "File 'app/none' was not found".to_owned()));

    app.user("poor", "oss").await;
    app.repo("poor/free", json!({})).await;
    let package = json!({"name": "p", "licenses": ["MIT"], "vcs_url": "https://example.org/p.git"});
    app.package("poor/free", package).await;
    app.upload("poor/free/p/1/f?publish=1", "f").await;
    let got = app.post("/signed_url/poor/free/f").by("poor").await;
    assert_eq!(got.told(), (403, "Repository '/poor/free' must be premium".to_owned()));
    let got = app.post("/subjects/poor/keypair").by("poor").await;
    let message = "This action is not allowed for none-premium subject poor";
    assert_eq!(got.told(), (400, message.to_owned()));
}

#[tokio::test]
async fn what_is_not_published_is_not_served_by_a_signed_url() {
    let app = App::furnished().await;
    let url = app.post("/signed_url/acme/vault/app/2.0/new.bin").by(OWNER);
    let url = target(&url.header("host", "packhouse.test").await);
    assert_eq!(app.get(&url).await.status, 404);
    let published = app.post("/content/acme/vault/app/2.0/publish").by(OWNER).await;
    assert_eq!(published.status, 200);
    assert_eq!(app.get(&url).await.status, 200);
}

#[tokio::test]
async fn a_new_key_pair_makes_every_url_of_the_subject_worthless() {
    let app = App::furnished().await;
    let old = signed(&app, json!({})).await;
    for (caller, status) in [("", 401), (STRANGER, 403), (PUBLISHER, 403)] {
        let got = app.post("/subjects/acme/keypair").by(caller).await;
        assert_eq!(got.status, status, "{caller}");
    }
    assert_eq!(app.get(&old).await.status, 200);
    let made = app.post("/subjects/acme/keypair").by(OWNER).await;
    assert_eq!((made.status, made.value()), (201, json!({"message": "success"})));
    assert_eq!(app.get(&old).await.status, 403);
    let new = signed(&app, json!({})).await;
    assert_eq!(app.get(&new).await.status, 200);
}

#[tokio::test]
async fn a_repository_or_a_subject_made_anew_does_not_honour_old_urls() {
    let app = App::furnished().await;
    let old = signed(&app, json!({})).await;
    assert_eq!(app.delete("/repos/acme/vault").by(OWNER).await.status, 200);
    assert_eq!(app.get(&old).await.status, 403);
    app.repo("acme/vault", json!({"private": true})).await;
    app.package("acme/vault", json!({"name": "app"})).await;
    app.upload("acme/vault/app/1.0/app/1.0/app.bin?publish=1", "another").await;
    assert_eq!(app.get(&old).await.status, 403);
}

#[tokio::test]
async fn bad_wishes_are_refused_with_what_to_change() {
    let app = App::furnished().await;
    for (body, words) in [
        (json!({"expiry": 1, "valid_for_secs": 1}), "exclude each other"),
        (json!({"expiry": 1_767_225_600_000_i64}), "the expiry has passed"),
        (json!({"expiry": -5}), "the expiry has passed"),
        (json!({"expiry": "soon"}), "no whole number"),
        (json!({"valid_for_secs": 0}), "no positive number"),
        (json!({"valid_for_secs": -1}), "no positive number"),
        (json!({"callback_url": "https://example.org/"}), "need a callback_id"),
        (json!({"callback_id": "a", "callback_url": "ftp://example.org/"}), "no address of http"),
        (
            json!({"callback_id": "a b", "callback_url": "https://10.0.0.7/%callback_id"}),
            "callback_url cannot be called: https://10.0.0.7/a%20b is not public",
        ),
        (json!({"callback_id": "a\r\nX: y"}), "control character"),
        (json!({"callback_id": "a", "callback_method": "DELETE"}), "use GET, POST, PUT or HEAD"),
        (json!({"callback_id": "a", "callback_email": "a@example.org"}), "sends no mail"),
        (json!("text"), "no JSON object"),
    ] {
        let (status, message) = sign(&app, "", body.clone()).await.told();
        assert_eq!(status, 400, "{body}: {message}");
        assert!(message.contains(words), "{body}: {message}");
    }
    let (status, message) = sign(&app, "?encrypt=1", json!({"secret": "a b"})).await.told();
    assert_eq!((status, message.contains("without spaces")), (400, true), "{message}");
    assert_eq!(sign(&app, "?encrypt=maybe", json!({})).await.status, 400);
}

#[tokio::test]
async fn an_encrypted_download_is_what_the_documented_command_reads() {
    let app = App::furnished().await;
    for (body, given) in [(json!({"secret": "s3cret"}), Some("s3cret")), (json!({}), None)] {
        let answer = app
            .post(&format!("/signed_url/{FILE}?encrypt=true"))
            .by(OWNER)
            .header("host", "packhouse.test")
            .json(&body)
            .await;
        let (target, secret) =
            (target(&answer), answer.header("x-bintray-secret").unwrap().to_owned());
        match given {
            Some(given) => assert_eq!(secret, given),
            None => assert_eq!(secret.len(), 40),
        }
        assert!(!target.contains(&secret));
        let got = app.get(&target).await;
        assert_eq!((got.status, got.body.len()), (200, 32));
        assert_eq!(got.header("content-length").unwrap(), "32");
        assert_eq!(got.header("content-type").unwrap(), "application/octet-stream");
        assert_eq!(&got.body[..8], b"Salted__");
        for name in ["etag", "x-checksum-sha2", "x-checksum-sha1", "x-checksum-md5"] {
            assert!(got.header(name).is_none(), "{name} tells of the plain bytes");
        }
        let head = app.ask("HEAD", &target).await;
        assert_eq!((head.status, head.header("content-length").unwrap()), (200, "32"));
        match decrypted(&got.body, &secret) {
            Some(plain) => assert_eq!(plain, b"one"),
            None => println!("SKIPPED: there is no openssl"),
        }
    }
}

/// What the command of the documentation makes of it; `None` where there is no openssl.
fn decrypted(bytes: &[u8], secret: &str) -> Option<Vec<u8>> {
    let command = Command::new("openssl")
        .args(["enc", "-d", "-aes-256-cbc", "-pbkdf2", "-iter", "100000", "-md", "sha256"])
        .args(["-pass", &format!("pass:{secret}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut openssl) = command else {
        return None;
    };
    openssl.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = openssl.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}

/// Runs what is due.
pub(crate) async fn run_jobs(app: &App) -> usize {
    let runner = Runner::new(&app.packhouse);
    let mut failed = 0;
    loop {
        match runner.step().await.unwrap() {
            Step::Idle => return failed,
            Step::Done(_) => {}
            Step::Failed(..) => failed += 1,
            Step::Stalled(error) => panic!("{error:?}"),
        }
    }
}

/// Facts, 1.10: body, header and token of the call.
#[tokio::test]
async fn the_use_of_a_url_is_told_to_the_callback() {
    let app = App::furnished().await;
    app.outside.answers(Some(200));
    for (method, expected) in [
        (None, OutboundMethod::Post),
        (Some("GET"), OutboundMethod::Get),
        (Some("put"), OutboundMethod::Put),
        (Some("HEAD"), OutboundMethod::Head),
    ] {
        let mut body = json!({
            "callback_id": "mal colm", "callback_url": "https://example.org/?of=%callback_id",
        });
        if let Some(method) = method {
            body["callback_method"] = json!(method);
        }
        let target = signed(&app, body).await;
        assert_eq!(app.ask("HEAD", &target).await.status, 200);
        assert_eq!(app.get(&target).header("range", "bytes=1-").await.status, 206);
        assert_eq!(run_jobs(&app).await, 0);
        assert!(app.outside.taken().is_empty(), "neither a head nor a later part is a use");
        assert_eq!(app.get(&target).await.status, 200);
        assert_eq!(run_jobs(&app).await, 0);
        let calls = app.outside.taken();
        let [call] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(
            (call.method, call.url.as_str()),
            (expected, "https://example.org/?of=mal%20colm")
        );
        let body: Option<Value> =
            call.json.as_ref().map(|json| serde_json::from_slice(json).unwrap());
        let told = json!({
            "subject": "acme", "repo": "vault", "package": "app", "version": "1.0",
            "file_path": "app/1.0/app.bin", "callback_id": "mal colm", "ip_address": null,
        });
        let has_body = matches!(expected, OutboundMethod::Post | OutboundMethod::Put);
        assert_eq!(body, has_body.then_some(told));
        let [(name, value)] = &call.headers[..] else { panic!("{call:?}") };
        let expected = hmac_md5(&app.key(OWNER), "acme/vault/app/1.0/app.bin");
        assert_eq!((*name, value), ("X-Bintray-Callback-Hmac", &expected));
    }
}

/// What counts is what is served, and not what the request's `Range` looks like. `app.bin` has the
/// bytes `one`.
#[tokio::test]
async fn whoever_is_served_the_first_byte_is_told_of_however_it_was_asked_for() {
    let app = App::furnished().await;
    app.outside.answers(Some(200));
    let body = json!({"callback_id": "x", "callback_url": "https://example.org/"});
    let target = signed(&app, body.clone()).await;
    let failing = [("if-range", "\"another\"")];
    for (range, more, status, calls) in [
        ("bytes=0-", &[][..], 206, 1),
        ("items=0-", &[], 200, 1),
        ("bytes=5-,x", &[], 200, 1),
        ("bytes=2-1", &[], 200, 1),
        ("bytes=2-,0-0", &[], 206, 1),
        ("bytes=1-,0-0", &[], 206, 1),
        ("bytes=-3", &[], 206, 1),
        ("bytes=-9", &[], 206, 1),
        (" BYTES = 0-1", &[], 206, 1),
        ("bytes=1-", &failing, 200, 1),
        ("bytes=1-", &[], 206, 0),
        ("bytes=1-1,2-", &[], 206, 0),
        ("bytes=-1", &[], 206, 0),
        ("bytes=3-", &[], 416, 0),
    ] {
        let mut request = app.get(&target).header("range", range);
        for (name, value) in more {
            request = request.header(name, value);
        }
        assert_eq!(request.await.status, status, "{range}");
        assert_eq!(run_jobs(&app).await, 0);
        assert_eq!(app.outside.taken().len(), calls, "{range}");
    }
    let encrypted = app.post(&format!("/signed_url/{FILE}?encrypt=true")).by(OWNER);
    let encrypted = encrypted.header("host", "packhouse.test").json(&body).await;
    let encrypted = self::target(&encrypted);
    for range in ["bytes=1-", "bytes=99-"] {
        let got = app.get(&encrypted).header("range", range).await;
        assert_eq!((got.status, got.body.len()), (200, 32), "{range}");
        run_jobs(&app).await;
        assert_eq!(app.outside.taken().len(), 1, "{range}");
    }
    assert_eq!(app.ask("HEAD", &encrypted).await.status, 200);
    run_jobs(&app).await;
    assert!(app.outside.taken().is_empty());
}

/// HMAC-MD5 (RFC 2104), by hand.
pub(crate) fn hmac_md5(key: &str, text: &str) -> String {
    use md5::{Digest, Md5};
    assert!(key.len() <= 64);
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key.bytes()).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Md5::new().chain_update(pad(0x36)).chain_update(text).finalize();
    STANDARD.encode(Md5::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

#[tokio::test]
async fn a_callback_that_fails_is_tried_again_and_the_download_goes_on() {
    let app = App::furnished().await;
    let body = json!({"callback_id": "x", "callback_url": "https://example.org/"});
    let target = signed(&app, body).await;
    assert_eq!(app.get(&target).await.status, 200);
    assert_eq!(run_jobs(&app).await, 1);
    app.outside.answers(Some(503));
    later(&app, 60);
    assert_eq!(run_jobs(&app).await, 1);
    app.outside.answers(Some(404));
    later(&app, 60);
    assert_eq!(run_jobs(&app).await, 0);
    assert_eq!(app.outside.taken().len(), 3);
    later(&app, 24 * 3600);
    run_jobs(&app).await;
    assert!(app.outside.taken().is_empty(), "what was answered is not called again");
}

#[tokio::test]
async fn a_dynamic_download_leads_to_the_latest_version_for_15_seconds() {
    let app = App::furnished().await;
    let path = "/content/acme/vault/app/$latest/app-$latest.bin";
    app.upload("acme/vault/app/1.0/app/1.0/app-1.0.bin?publish=1", "the old").await;
    let to = |answer: &Answer| {
        assert_eq!(answer.status, 302, "{answer:?}");
        answer.header("location").unwrap().to_owned()
    };
    let first = app.get(&format!("{path}?bt_package=app")).by(READER).await;
    let first = to(&first);
    assert!(first.starts_with("/acme/vault/app/1.0/app-1.0.bin?expiry=1767225615000&id="));
    app.upload("acme/vault/app/3.0/app/3.0/app-3.0.bin?publish=1", "the new").await;
    let by_matrix = app.get(&format!("{path};bt_package=app")).by(READER).await;
    let by_header = app.get(path).header("x-bintray-package", "app").by(READER).await;
    for answer in [by_matrix, by_header] {
        assert_eq!(app.get(&to(&answer)).await.body, "the new");
    }
    assert_eq!(app.get(&first).await.body, "the old");
    later(&app, 15);
    assert_eq!(app.get(&first).await.status, 403);

    for (caller, status) in [("", 401), (STRANGER, 404)] {
        let got = app.get(&format!("{path}?bt_package=app")).by(caller).await;
        assert_eq!(got.status, status, "{caller}: {got:?}");
    }
    let (status, message) = app.get(path).by(READER).await.told();
    assert_eq!((status, message.contains("bt_package")), (400, true), "{message}");
    let none = app.get(&format!("{path}?bt_package=none")).by(READER).await;
    assert_eq!(none.told(), (404, "Package 'none' was not found".to_owned()));
    // Without the token it is the file itself.
    let plain = app.get("/content/acme/vault/app/1.0/app.bin").by(READER).await;
    assert_eq!((plain.status, &plain.body[..]), (200, &b"one"[..]));
    assert_eq!(app.get("/content/acme/vault/app/1.0/app.bin").await.status, 401);
}

#[tokio::test]
async fn the_public_address_of_the_server_stands_before_what_is_signed() {
    let setup = crate::app::Setup {
        options: packhouse_http::Options {
            public_url: packhouse_http::PublicUrl::parse("https://dl.example.org/").ok(),
            ..Default::default()
        },
        ..Default::default()
    };
    let app = App::with(setup).await;
    app.furnish().await;
    let answer = sign(&app, "", json!({})).await;
    let url = answer.value()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://dl.example.org/acme/vault/app/1.0/app.bin?expiry="), "{url}");
}
