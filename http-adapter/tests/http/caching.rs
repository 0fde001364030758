//! What may be kept by whom (T156, T157): the headers of every answer to everybody.

use packhouse_http::routes;
use serde_json::json;

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, READER, STRANGER, filled};

const CALLERS: [&str; 6] = ["", STRANGER, READER, PUBLISHER, OWNER, ADMIN];

fn targets() -> Vec<(&'static str, String)> {
    let mut targets = Vec::new();
    for route in routes() {
        for (subject, repo) in [("acme", "tools"), ("acme", "vault"), ("nobody", "absent")] {
            for path in ["app/1.0/app.bin", "app/2.0/new.bin", "absent"] {
                let target = filled(route.path)
                    .replace("{subject}", subject)
                    .replace("{repo}", repo)
                    .replace("{package}", "app")
                    .replace("{version}", "1.0")
                    .replace("{*path}", path)
                    .replace("{*folder}", path.trim_end_matches("/app.bin"));
                targets.push((route.method.as_str(), target));
            }
        }
    }
    targets.sort();
    targets.dedup();
    targets
}

#[tokio::test]
async fn nothing_that_identity_influenced_is_kept_by_others() {
    let app = App::furnished().await;
    let mut kept = 0;
    for (method, target) in targets() {
        for caller in CALLERS {
            // Nothing is changed: what would be is asked for with a body that is none.
            if method == "DELETE" {
                continue;
            }
            let answer = app.ask(method, &target).by(caller).body("[").await;
            let cache = answer.header("cache-control");
            let expected = match answer.status {
                400.. => "no-store",
                200 if serves(&answer) && caller.is_empty() => "no-cache",
                _ => "private, no-store",
            };
            assert_eq!(cache, Some(expected), "{caller}: {answer:?}");
            if expected == "no-cache" {
                assert_eq!(answer.header("vary"), Some("Authorization"), "{answer:?}");
                kept += 1;
            }
        }
    }
    assert!(kept > 0);
}

/// Whether it is the answer of a route that serves files.
fn serves(answer: &Answer) -> bool {
    answer.operation.starts_with("downloads.")
        || ["content.get", "content.get_maven"].contains(&answer.operation)
}

#[tokio::test]
async fn errors_of_paths_and_methods_are_not_kept() {
    let app = App::furnished().await;
    for (method, target, status) in [
        ("GET", "/a/%2e%2e/b".to_owned(), 400),
        ("GET", format!("/{}", "a/".repeat(3000)), 414),
        ("GET", "/nothing".to_owned(), 404),
        ("DELETE", "/openapi.json".to_owned(), 405),
        ("GET", "/repos/acme?start_pos=%ff".to_owned(), 400),
    ] {
        let answer = app.ask(method, &target).await;
        assert_eq!((answer.status, answer.header("cache-control")), (status, Some("no-store")));
    }
}

/// Headers that others have believed.
const STRAY: [(&str, &str); 29] = [
    ("accept", "text/html"),
    ("accept-encoding", "gzip, br"),
    ("accept-language", "de"),
    ("cookie", "session=1; user=admin"),
    ("forwarded", "for=127.0.0.1;host=evil.test;proto=http"),
    ("host", "evil.test"),
    ("origin", "http://evil.test"),
    ("referer", "http://evil.test"),
    ("user-agent", "Mozilla/5.0"),
    ("via", "1.1 evil.test"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-user", "admin"),
    ("x-http-method", "DELETE"),
    ("x-http-method-override", "DELETE"),
    ("x-method-override", "DELETE"),
    ("x-original-url", "/repos/acme/vault"),
    ("x-real-ip", "127.0.0.1"),
    ("x-remote-user", "admin"),
    ("x-rewrite-url", "/repos/acme/vault"),
    ("x-bintray-package", "app"),
    ("x-bintray-version", "2.0"),
    ("x-bintray-publish", "1"),
    ("x-checksum-sha2", "0"),
    ("transfer-encoding", "identity"),
    ("upgrade", "h2c"),
    ("expect", "100-continue"),
];

/// T157: what no cache keys by changes nothing.
#[tokio::test]
async fn no_stray_header_changes_an_answer() {
    let app = App::furnished().await;
    app.repo("acme/labels", json!({"labels": ["a"]})).await;
    let targets = [
        "/acme/tools/app/1.0/app.bin",
        "/repos/acme/labels",
        "/openapi.json",
        "/acme/tools/absent",
    ];
    for target in targets {
        let plain = app.get(target).await;
        for (name, value) in STRAY {
            let other = app.get(target).header(name, value).await;
            assert!(other.same_as(&plain), "{name}: {other:?}");
        }
    }
}

/// T024: another origin's page reads nothing.
#[tokio::test]
async fn no_other_origin_is_let_in() {
    let app = App::furnished().await;
    for target in ["/repos/acme/tools", "/acme/tools/app/1.0/app.bin"] {
        let got = app.get(target).by(OWNER).header("origin", "http://evil.test").await;
        assert!(!got.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{got:?}");
        let preflight = app.ask("OPTIONS", target).header("origin", "http://evil.test");
        assert_eq!(preflight.header("access-control-request-method", "PUT").await.status, 405);
    }
}
