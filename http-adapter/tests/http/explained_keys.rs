//! Explanations about access keys, and about what is not there yet.

use serde_json::{Value, json};

use super::explain::{explained, file};
use crate::app::{ADMIN, App, OWNER, STRANGER};

const SEEN: &str = "app/1.0/app.bin";

/// Makes an access key of `acme`, with what is said of it.
async fn key(app: &App, mut body: Value, id: &str) {
    body["id"] = json!(id);
    let made = app.post("/users/acme/access_keys").by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    app.set_key(&format!("{id}@acme"), made.value()["password"].as_str().unwrap());
}

async fn entitle(app: &App, place: &str, mut body: Value) {
    body["id"] = json!("same");
    let made = app.post(&format!("{place}/entitlements")).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

fn refused(verdict: &str, status: u16, because: &str) -> Value {
    json!({
        "allowed": false, "verdict": verdict, "status": status, "grant": null, "because": because,
    })
}

#[tokio::test]
async fn which_keys_another_subject_has_is_not_told() {
    let app = App::furnished().await;
    key(&app, json!({}), "pathk").await;
    app.repo("stranger/own", json!({})).await;
    let resource = json!({"subject": STRANGER, "repo": "own"});
    let ask = async |by: &str, key: &str| {
        let body = json!({"caller": key, "action": "read", "resource": resource});
        app.post("/management/v1/explain").by(by).json(&body).await
    };
    for key in ["pathk@acme", "nokey@acme", "pathk@nobody"] {
        let name = key.split('@').next().unwrap();
        let told = ask(STRANGER, key).await;
        told.refuses(404, &format!("AccessKey '{name}' was not found"));
    }
    assert_eq!(ask(ADMIN, "pathk@acme").await.status, 200);
}

#[tokio::test]
async fn a_key_that_lets_nobody_in_is_explained_as_what_it_is() {
    let app = App::furnished().await;
    let soon = "2026-01-01T00:00:01.000Z";
    let at = packhouse_core::Timestamp::parse(soon).unwrap().as_millis();
    key(&app, json!({"expiry": at}), "short").await;
    key(&app, json!({"black_cidrs": ["192.0.2.0/24"]}), "blocked").await;
    let check = json!({"url": "https://crm.example/:username", "cache_for_secs": 60});
    key(&app, json!({"existence_check": check}), "checked").await;
    let keys = json!(["short", "blocked", "checked"]);
    entitle(&app, "/repos/acme/vault", json!({"access": "r", "access_keys": keys})).await;
    app.clock.advance(std::time::Duration::from_secs(2));
    let ask = async |key: &str, address: Option<&str>| {
        let mut body = json!({"caller": key, "action": "read", "resource": file("vault", SEEN)});
        if let Some(address) = address {
            body["address"] = json!(address);
        }
        let answer = app.post("/management/v1/explain").by(OWNER).json(&body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.value()
    };
    let expired = format!("the access key 'short@acme' expired on {soon}: give it another expiry");
    assert_eq!(ask("short@acme", None).await, refused("authenticate", 401, &expired));
    let blocked = "the access key 'blocked@acme' may not be used from 192.0.2.7: its white_cidrs and \
                   black_cidrs say from where";
    for address in ["192.0.2.7", "::ffff:192.0.2.7"] {
        let told = ask("blocked@acme", Some(address)).await;
        assert_eq!(told["because"], blocked.replace("192.0.2.7", address), "{told}");
        assert_eq!((&told["verdict"], &told["status"]), (&json!("authenticate"), &json!(401)));
    }
    // As a request of theirs would be answered.
    for (key, address) in [("short@acme", "198.51.100.1"), ("blocked@acme", "192.0.2.7")] {
        let got = app.get("/acme/vault/app/1.0/app.bin").by(key).from(address).await;
        assert_eq!(got.status, 401, "{got:?}");
    }
    let granted = |key: &str, more: &str| {
        json!({
            "allowed": true, "verdict": "allowed", "grant": "same",
            "because": format!(
                "the access key '{key}' was granted rights over the repository 'acme/vault'; the \
                 grant 'same' allows to read and download{more}"
            ),
        })
    };
    let elsewhere = ask("blocked@acme", Some("198.51.100.1")).await;
    assert_eq!(elsewhere, granted("blocked@acme", ""));
    let unknown = ask("blocked@acme", None).await;
    assert_eq!(unknown, granted("blocked@acme", "; if it is used from one of its networks"));
    let checked = ask("checked@acme", None).await;
    assert_eq!(checked, granted("checked@acme", "; if its existence check confirms it"));
}

/// Ids are unique within what an entitlement is of: the words are those of the one that decided.
#[tokio::test]
async fn of_grants_with_one_id_the_one_that_decided_is_told() {
    let app = App::furnished().await;
    key(&app, json!({}), "one").await;
    app.package("acme/vault", json!({"name": "rest"})).await;
    for place in ["/packages/acme/vault/rest", "/packages/acme/vault/app"] {
        entitle(&app, place, json!({"access": "r", "access_keys": ["one"]})).await;
    }
    let told = explained(&app, "one@acme", "download", file("vault", SEEN)).await;
    let because = "the access key 'one@acme' was granted rights over the package 'app' in the \
                   repository 'acme/vault'; the grant 'same' allows to read and download";
    assert_eq!(told["because"], because);
}

#[tokio::test]
async fn what_is_not_there_yet_can_be_asked_about() {
    let app = App::furnished().await;
    key(&app, json!({}), "one").await;
    let body = json!({"access": "rw", "access_keys": ["one"], "path": "in"});
    entitle(&app, "/repos/acme/vault", body).await;
    let of = |version: &str, path: &str| {
        json!({
            "subject": "acme", "repo": "vault", "package": "app", "version": version, "path": path,
        })
    };
    let because = "the access key 'one@acme' was granted rights over 'in' and all below it in the \
                   repository 'acme/vault'; the grant 'same' allows to upload; no file is there yet";
    for resource in [of("1.0", "in/x"), file("vault", "in/x")] {
        let told = explained(&app, "one@acme", "upload", resource).await;
        assert_eq!((&told["allowed"], &told["because"]), (&json!(true), &json!(because)));
    }
    for resource in [of("1.0", "out/x"), file("vault", "out/x")] {
        let told = explained(&app, "one@acme", "upload", resource).await;
        assert_eq!((&told["allowed"], &told["verdict"]), (&json!(false), &json!("hidden")));
    }
    let makes = "the version is not there, and a right to some paths alone makes none: it is made by \
                 who may write to the package";
    let told = explained(&app, "one@acme", "upload", of("9999", "in/x")).await;
    assert_eq!(told, refused("forbidden", 403, makes));
    let put = app.put("/content/acme/vault/app/9999/in/x").by("one@acme").body("x").await;
    assert_eq!(put.status, 403, "{put:?}");
    let told = explained(&app, OWNER, "upload", of("9999", "in/x")).await;
    assert_eq!(told["because"], "the user 'acme' owns it; no file is there yet");
    let told = explained(&app, OWNER, "upload", of("2.0", SEEN)).await;
    let other = "the user 'acme' owns it; but the file at this path is of the version '1.0' of the \
                 package 'app'";
    assert_eq!(told["because"], other);
    let told = explained(&app, OWNER, "upload", of("1.0", SEEN)).await;
    let there =
        "the user 'acme' owns it; a published file is there, which only an overwrite replaces";
    assert_eq!(told["because"], there);
    let bad = json!({"subject": "acme", "repo": "vault", "package": "app", "path": "x"});
    let body = json!({"action": "upload", "resource": bad});
    app.post("/management/v1/explain").by(OWNER).json(&body).await.refuses(
        400,
        "resource names a path and a package without a version: give it, or leave out the package",
    );
}

#[tokio::test]
async fn every_action_can_be_asked_about() {
    let app = App::furnished().await;
    for (action, verdict) in [
        ("manage", "allowed"),
        ("manage_members", "allowed"),
        ("scan", "allowed"),
        ("distribute", "allowed"),
        ("write", "allowed"),
        ("manage_resources", "forbidden"),
    ] {
        let told = explained(&app, OWNER, action, json!({"subject": "acme"})).await;
        assert_eq!(told["verdict"], verdict, "{action}: {told}");
        let told = explained(&app, STRANGER, action, json!({"subject": "acme"})).await;
        assert_eq!(told["verdict"], "forbidden", "{action}: {told}");
    }
}
