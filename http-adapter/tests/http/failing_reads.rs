//! Where the policy is asked for a fact, a store that fails is no answer: "try again", and never
//! "you may not".

use packhouse_core::model::grants::Action;
use serde_json::json;

use crate::app::{ADMIN, App, Ask, OWNER, PUBLISHER, READER, STRANGER};

/// Asks again and again, each time with another read of the store failing, until none does.
async fn is_never_refused(app: &App, what: &str, ask: impl Fn() -> Ask) {
    for reads in 0.. {
        app.watch.break_read_after(reads);
        let got = ask().await;
        if got.status < 300 {
            app.watch.break_read_after(1 << 40);
            assert!(reads > 1, "{what} reads something");
            return;
        }
        assert_eq!(got.status, 503, "{what} with read {reads} failing: {got:?}");
    }
}

#[tokio::test]
async fn a_signed_url_is_not_refused_for_a_read_that_fails() {
    let app = App::furnished().await;
    let signed = app.post("/signed_url/acme/vault/app/1.0/app.bin").by(PUBLISHER);
    let signed = signed.header("host", "packhouse.test").await.value();
    let signed = signed["url"].as_str().unwrap().strip_prefix("http://packhouse.test").unwrap();
    is_never_refused(&app, "a signed URL", || app.get(signed)).await;
    let led = app.get("/content/acme/vault/app/$latest/app.bin?bt_package=app").by(READER).await;
    let dynamic = led.header("location").unwrap();
    is_never_refused(&app, "a dynamic download", || app.get(dynamic)).await;
}

#[tokio::test]
async fn who_may_see_licenses_is_not_refused_for_a_read_that_fails() {
    let app = App::furnished().await;
    app.organization("corp", OWNER).await;
    let made = app.post("/repos/corp/closed").by(OWNER).json(&json!({"private": true})).await;
    assert_eq!(made.status, 201, "{made:?}");
    app.grant(STRANGER, "corp/closed", &[Action::Read, Action::Publish]).await;
    is_never_refused(&app, "one's own", || app.get("/users/acme/licenses").by(OWNER)).await;
    for caller in [OWNER, STRANGER] {
        is_never_refused(&app, caller, || app.get("/orgs/corp/licenses").by(caller)).await;
    }
}

#[tokio::test]
async fn who_may_change_something_is_not_refused_for_a_read_that_fails() {
    let app = App::furnished().await;
    let new = "/content/acme/tools/app/3.0/new.bin?publish=1";
    is_never_refused(&app, "a new version", || app.put(new).by(OWNER).body("new")).await;
    let days = json!({"version_update_max_days": 1});
    app.patch("/repos/acme/tools").by(OWNER).json(&days).await.is_success(200);
    app.clock.advance(std::time::Duration::from_secs(2 * 24 * 3600));
    for old in ["/packages/acme/tools/app/versions/1.0", "/packages/acme/tools/app"] {
        is_never_refused(&app, old, || app.delete(old).by(OWNER)).await;
    }
}

#[tokio::test]
async fn an_explanation_is_not_refused_for_a_read_that_fails() {
    let app = App::furnished().await;
    app.access_key(OWNER, "k").await;
    app.repo("stranger/own", json!({})).await;
    let resource = json!({"subject": STRANGER, "repo": "own"});
    let body = json!({"caller": "k@acme", "action": "read", "resource": resource});
    let ask = || app.post("/management/v1/explain").by(ADMIN).json(&body);
    is_never_refused(&app, "an explanation", ask).await;
}
