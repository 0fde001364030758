//! JSON bodies: what is forgiven and what is not.

use axum::body::Body;
use bytes::Bytes;
use serde_json::json;

use crate::app::{Answer, App, OWNER, chunks};

/// Every route that reads a JSON body.
const ROUTES: [(&str, &str); 10] = [
    ("POST", "/repos/acme/new"),
    ("PATCH", "/repos/acme/tools"),
    ("POST", "/packages/acme/tools"),
    ("PATCH", "/packages/acme/tools/app"),
    ("POST", "/packages/acme/tools/app/versions"),
    ("PATCH", "/packages/acme/tools/app/versions/1.0"),
    ("POST", "/packages/acme/tools/app/versions/1.0"),
    ("POST", "/content/acme/tools/app/1.0/publish"),
    ("PUT", "/management/v1/users/new"),
    ("PUT", "/file_metadata/acme/tools/app/1.0/app.bin"),
];

async fn send(app: &App, (method, path): (&str, &str), body: impl Into<Bytes>) -> Answer {
    let caller = if path.starts_with("/management") { crate::app::ADMIN } else { OWNER };
    app.ask(method, path).by(caller).body(body).await
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_and_changes_nothing() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for route in ROUTES {
        for body in
            ["[]", "[{\"name\": \"x\"}]", "null", "1", "\"x\"", "name=x", "<x/>", "\u{feff}{}"]
        {
            let refused = send(&app, route, body).await;
            let text = "The body is no JSON object: send one, like {\"name\": \"value\"}";
            refused.refuses(400, text);
        }
        for body in [
            &b"{"[..],
            b"{\"name\"",
            b"{\"name\": \"x\"} x",
            b"{\"name\": \"x\",}",
            b"{\"desc\": \"\xff\"}",
            b"{name: 1}",
            b"{\"x\": 1}{}",
            b"{\"x\": 01}",
            b"{\"a\": \"\x01\"}",
        ] {
            let refused = send(&app, route, body.to_vec()).await;
            refused.refuses_saying(400, "The body cannot be read as JSON: ");
        }
    }
    assert_eq!(app.watch.changes(), before);
}

/// T012: a lone surrogate is no text, and never a replacement character.
#[tokio::test]
async fn text_that_is_none_is_refused() {
    let app = App::furnished().await;
    for name in ["\\ud800", "a\\udc00b", "\\ud800\\ud800"] {
        let body = format!("{{\"name\": \"{name}\", \"desc\": \"{name}\"}}");
        for path in ["/packages/acme/tools", "/packages/acme/tools/app/versions"] {
            let refused = app.post(path).by(OWNER).body(body.clone()).await;
            refused.refuses_saying(400, "The body cannot be read as JSON: ");
        }
    }
    let whole = app.post("/packages/acme/tools").by(OWNER).body("{\"name\": \"\\ud83d\\ude00\"}");
    assert_eq!(whole.await.value()["name"], "😀");
}

#[tokio::test]
async fn a_key_that_is_given_twice_is_refused() {
    let app = App::furnished().await;
    for (route, key, value) in [
        (ROUTES[2], "name", "\"x\""),
        (ROUTES[3], "desc", "\"x\""),
        (ROUTES[7], "discard", "false"),
        (ROUTES[1], "private", "false"),
        (ROUTES[8], "plan", "\"oss\""),
    ] {
        let body = format!("{{\"{key}\": {value}, \"{key}\": {value}}}");
        let refused = send(&app, route, body).await;
        refused.refuses_saying(400, &format!("duplicate field `{key}`"));
    }
    // Of what nobody reads there may be two.
    let patch = "{\"other\": 1, \"other\": 2}";
    send(&app, ROUTES[1], patch).await.is_success(200);
}

#[tokio::test]
async fn nesting_has_a_bottom() {
    let app = App::furnished().await;
    for depth in [200, 200_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for key in ["labels", "private", "unknown"] {
                let answer = send(&app, ROUTES[1], format!("{{\"{key}\": {deep}}}")).await;
                assert!([200, 400, 413].contains(&answer.status), "{key} {depth}: {answer:?}");
                assert!(key == "unknown" || answer.status != 200, "{key} {depth}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_too_large() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    let text = "The body is too large: at most 1048576 bytes are allowed";
    for route in ROUTES {
        let large = format!("{{\"desc\": \"{}\"}}", "x".repeat(2 << 20));
        send(&app, route, large).await.refuses(413, text);
        let spaces = " ".repeat((1 << 20) + 1);
        send(&app, route, spaces).await.refuses(413, text);
    }
    let mut sent = 0;
    let endless = std::iter::from_fn(move || {
        sent += 1;
        assert!(sent < 40, "the rest of the body was read");
        Some(Ok(Bytes::from(vec![b' '; 64 << 10])))
    });
    let refused = app.patch("/repos/acme/tools").by(OWNER).stream(chunks(endless)).await;
    refused.refuses(413, text);
    assert_eq!(app.watch.changes(), before);
    let fits = format!("{}{{}}", " ".repeat((1 << 20) - 2));
    send(&app, ROUTES[1], fits).await.is_success(200);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for (method, path) in ROUTES {
        let caller = if path.starts_with("/management") { crate::app::ADMIN } else { OWNER };
        let broken = chunks([Ok(Bytes::from_static(b"{\"name\": \"x\"")), Err(())]);
        let refused = app.ask(method, path).by(caller).stream(broken).await;
        refused.refuses(400, "The body ended before it was complete: send it again");
    }
    assert_eq!(app.watch.changes(), before);
}

/// The server ends a body that comes too slowly with this error.
#[tokio::test]
async fn a_body_that_comes_too_slowly_is_told_so() {
    let app = App::furnished().await;
    let before = app.backends.all_blobs().await.len();
    for (method, path) in [ROUTES[1], ("PUT", "/content/acme/tools/app/1.0/slow?publish=1")] {
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        let parts = futures::stream::iter([Ok(Bytes::from_static(b"{")), Err(late)]);
        let slow = app.ask(method, path).by(OWNER).stream(Body::from_stream(parts)).await;
        slow.refuses(408, "The body came too slowly: send it again");
    }
    assert_eq!(app.backends.all_blobs().await.len(), before);
}

#[tokio::test]
async fn a_body_is_json_whatever_it_is_said_to_be() {
    let app = App::furnished().await;
    for kind in [
        "application/json",
        "application/json; charset=UTF-8",
        "application/x-www-form-urlencoded",
        "text/plain",
        "nonsense",
    ] {
        let patch = app.patch("/repos/acme/tools").by(OWNER).header("content-type", kind);
        patch.json(&json!({"desc": kind})).await.is_success(200);
        assert_eq!(app.get("/repos/acme/tools").await.value()["desc"], kind);
    }
    let parts = ["{\"de", "sc\": ", "\"in chunks\"}"].map(|part| Ok(Bytes::from(part)));
    let chunked = app.patch("/repos/acme/tools").by(OWNER).stream(chunks(parts)).await;
    chunked.is_success(200);
    assert_eq!(app.get("/repos/acme/tools").await.value()["desc"], "in chunks");
}

#[tokio::test]
async fn a_value_of_another_kind_is_refused_with_what_is_wanted() {
    let app = App::furnished().await;
    for (body, text) in [
        (json!({"desc": 1}), "expected a string"),
        (json!({"labels": [1]}), "a list of texts is wanted, like [\"a\", \"b\"]"),
        (json!({"labels": {"a": 1}}), "a list of texts is wanted"),
        (json!({"private": "perhaps"}), "'perhaps' is no switch: use true or false"),
        (json!({"private": 2}), "2 is no switch: use true or false"),
        (json!({"private": []}), "[] is no switch: use true or false"),
        (json!({"yum_metadata_depth": "deep"}), "\"deep\" is no whole number"),
        (json!({"yum_metadata_depth": 1.5}), "1.5 is no whole number"),
    ] {
        let refused = app.patch("/repos/acme/tools").by(OWNER).json(&body).await;
        refused.refuses_saying(400, text);
    }
}
