//! Signed URLs after what their signers could do was taken away: T104.

use packhouse_core::model::grants::Action;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, Ask, OWNER, PUBLISHER, READER, Setup};

const FILE: &str = "acme/vault/app/1.0/app.bin";
const KEY: &str = "key1@acme";

async fn signed_by(app: &App, signer: &str, file: &str, body: Value) -> String {
    let asked =
        app.post(&format!("/signed_url/{file}")).by(signer).header("host", "packhouse.test");
    let answer = asked.json(&body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let url = answer.value()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("http://packhouse.test").unwrap().to_owned()
}

/// Asks for something that must be done.
async fn done(ask: Ask) {
    let answer = ask.await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

/// With an access key that may write to the vault.
async fn with_a_key() -> App {
    let app = App::furnished().await;
    app.access_key(OWNER, "key1").await;
    entitle(&app).await;
    app
}

async fn entitle(app: &App) {
    let body = json!({"id": "e1", "access": "rw", "access_keys": ["key1"]});
    done(app.post("/repos/acme/vault/entitlements").by(OWNER).json(&body)).await;
}

#[tokio::test]
async fn a_url_that_a_key_signed_ends_with_the_key_and_with_its_right() {
    for (method, path, body) in [
        ("DELETE", "/users/acme/access_keys/key1", Value::Null),
        ("PATCH", "/users/acme/access_keys/key1", json!({"expiry": 1_767_225_600_001_i64})),
        ("DELETE", "/repos/acme/vault/entitlements/e1", Value::Null),
        ("PATCH", "/repos/acme/vault/entitlements/e1", json!({"access": "r"})),
        ("PATCH", "/repos/acme/vault/entitlements/e1", json!({"access_keys": []})),
    ] {
        let app = with_a_key().await;
        let url = signed_by(&app, KEY, FILE, json!({})).await;
        let owners = signed_by(&app, OWNER, FILE, json!({})).await;
        assert_eq!(app.get(&url).await.status, 200);
        let mut taken = app.ask(method, path).by(OWNER);
        if !body.is_null() {
            taken = taken.json(&body);
        }
        done(taken).await;
        app.clock.advance(std::time::Duration::from_millis(1));
        let got = app.get(&url).await;
        assert_eq!((got.status, got.body.as_ref()), (403, &b"Forbidden\n"[..]), "{method} {path}");
        assert_eq!(app.ask("HEAD", &url).await.status, 403, "{method} {path}");
        assert_eq!(app.get(&owners).await.status, 200, "what another signed holds");
        // Another key of the name is another signer.
        app.delete("/users/acme/access_keys/key1").by(OWNER).await;
        app.delete("/repos/acme/vault/entitlements/e1").by(OWNER).await;
        app.access_key(OWNER, "key1").await;
        entitle(&app).await;
        assert_eq!(app.get(&url).await.status, 403, "{method} {path}, and made anew");
    }
}

#[tokio::test]
async fn the_networks_of_a_key_are_those_of_its_holder_and_not_of_whoever_has_the_url() {
    let app = with_a_key().await;
    let white = json!({"white_cidrs": ["10.0.0.0/8"]});
    done(app.patch("/users/acme/access_keys/key1").by(OWNER).json(&white)).await;
    let asked = app.post(&format!("/signed_url/{FILE}")).by(KEY).from("10.0.0.1");
    let answer = asked.header("host", "packhouse.test").await;
    let url = answer.value()["url"].as_str().unwrap().to_owned();
    let url = url.strip_prefix("http://packhouse.test").unwrap();
    assert_eq!(app.get(url).from("192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn a_url_that_a_user_signed_ends_with_the_user_and_with_the_permission() {
    let app = App::furnished().await;
    let url = signed_by(&app, PUBLISHER, FILE, json!({})).await;
    assert_eq!(app.get(&url).await.status, 200);
    app.grant(PUBLISHER, "acme/vault", &[Action::Read]).await;
    assert_eq!(app.get(&url).await.status, 403, "reading alone signs nothing");
    app.grant(PUBLISHER, "acme/vault", &[Action::Read, Action::Publish]).await;
    assert_eq!(app.get(&url).await.status, 200, "as it is now");
    done(app.delete(&format!("/management/v1/users/{PUBLISHER}")).by(ADMIN)).await;
    assert_eq!(app.get(&url).await.status, 403);
    app.user(PUBLISHER, "enterprise").await;
    app.grant(PUBLISHER, "acme/vault", &[Action::Read, Action::Publish]).await;
    assert_eq!(app.get(&url).await.status, 403, "another of the name is another");
}

#[tokio::test]
async fn a_url_that_a_member_signed_ends_with_the_membership() {
    let app = App::furnished().await;
    let guild = json!({"owner": OWNER, "plan": "enterprise"});
    done(app.put("/management/v1/orgs/guild").by(ADMIN).json(&guild)).await;
    app.member("guild", PUBLISHER, "admin").await;
    let store = json!({"private": true});
    done(app.post("/repos/guild/store").by(OWNER).json(&store)).await;
    done(app.post("/packages/guild/store").by(OWNER).json(&json!({"name": "p"}))).await;
    let put = app.put("/content/guild/store/p/1/f?publish=1").by(OWNER).body("f");
    done(put).await;
    let url = signed_by(&app, PUBLISHER, "guild/store/f", json!({})).await;
    assert_eq!(app.get(&url).await.status, 200);
    let member = format!("/management/v1/orgs/guild/members/{PUBLISHER}");
    done(app.delete(&member).by(OWNER)).await;
    assert_eq!(app.get(&url).await.status, 403);
}

#[tokio::test]
async fn a_dynamic_download_ends_with_the_right_to_download() {
    let app = App::furnished().await;
    let led = app.get("/content/acme/vault/app/$latest/app.bin?bt_package=app").by(READER).await;
    let url = led.header("location").unwrap().to_owned();
    assert_eq!(app.get(&url).await.status, 200);
    app.grant(READER, "acme/vault", &[]).await;
    assert_eq!(app.get(&url).await.status, 403);
    // Nobody's right can be taken, but what was open to all may be closed.
    let led = app.get("/content/acme/tools/app/$latest/app.bin?bt_package=app").await;
    let url = led.header("location").unwrap().to_owned();
    assert_eq!(app.get(&url).await.status, 200);
    let private = json!({"private": true});
    done(app.patch("/repos/acme/tools").by(OWNER).json(&private)).await;
    assert_eq!(app.get(&url).await.status, 403);
}

/// What everyone may download needs no right: that its signer is there is asked all the same.
#[tokio::test]
async fn a_dynamic_download_ends_with_its_signer() {
    let app = App::furnished().await;
    let path = "/content/acme/tools/app/$latest/app.bin?bt_package=app";
    let url = |led: crate::app::Answer| led.header("location").unwrap().to_owned();
    let (theirs, nobodys) = (url(app.get(path).by(READER).await), url(app.get(path).await));
    assert_eq!(app.get(&theirs).await.status, 200);
    done(app.delete(&format!("/management/v1/users/{READER}")).by(ADMIN)).await;
    assert_eq!(app.get(&theirs).await.status, 403);
    app.user(READER, "enterprise").await;
    assert_eq!(app.get(&theirs).await.status, 403, "another of the name is another");
    assert_eq!(app.get(&nobodys).await.status, 200, "what nobody in particular signed holds");
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_found() {
    let app = with_a_key().await;
    let urls = [KEY, PUBLISHER].map(|signer| signed_by(&app, signer, FILE, json!({})));
    let urls = futures::future::join_all(urls).await;
    done(app.delete(&format!("/content/{FILE}")).by(OWNER)).await;
    for url in urls {
        assert_eq!(app.get(&url).await.status, 404);
    }
}

#[tokio::test]
async fn the_operator_says_for_how_long_a_url_may_hold() {
    let limits = packhouse_core::Limits {
        max_signed_url: Some(std::time::Duration::from_secs(3600)),
        ..Default::default()
    };
    let app = App::with(Setup { limits, ..Default::default() }).await;
    app.furnish().await;
    for body in [json!({"valid_for_secs": 3601}), json!({"expiry": 1_767_229_200_001_i64})] {
        let asked = app.post(&format!("/signed_url/{FILE}")).by(OWNER).json(&body);
        asked.await.refuses(
            400,
            "the expiry is too far away: URLs of this server hold for 3600 seconds at the most",
        );
    }
    for body in [json!({}), json!({"valid_for_secs": 3600})] {
        let url = signed_by(&app, OWNER, FILE, body).await;
        assert!(url.contains("expiry=1767229200000&"), "{url}");
    }
}
