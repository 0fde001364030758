//! What is said of changes that come too long after a publication. Every deed of every caller under
//! every plan is core's test; here are the texts and statuses.

use std::time::Duration;

use serde_json::json;

use crate::app::{ADMIN, App, OWNER, PUBLISHER};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn content_of_a_free_subject_can_be_changed_for_365_days() {
    let app = App::new().await;
    app.user("free", "oss").await;
    app.repo("free/oss", json!({})).await;
    let package = json!({"name": "p", "licenses": ["MIT"], "vcs_url": "https://x.test/x.git"});
    app.package("free/oss", package).await;
    for file in ["a", "b", "c"] {
        app.upload(&format!("free/oss/p/1/{file}?publish=1"), "old").await;
    }
    let put = |path: &str| app.put(&format!("/content/free/oss/p/1/{path}")).body("new");
    app.clock.advance(365 * DAY);
    put("d?publish=1").by("free").await.is_success(201);
    put("a?publish=1&override=1").by("free").await.is_success(201);
    app.delete("/content/free/oss/b").by("free").await.is_success(200);
    app.clock.advance(MOMENT);
    let late = "Version '1' was published more than 365 days ago and can no longer be changed";
    for caller in ["free", ADMIN] {
        for path in ["e", "e?publish=1", "c?publish=1&override=1", "c;override=1"] {
            put(path).by(caller).await.refuses(403, late);
        }
        let late = "File 'c' was published more than 365 days ago and can no longer be changed";
        app.delete("/content/free/oss/c").by(caller).await.refuses(403, late);
    }
    // A newer publication of the file counts for its deletion, and the version itself can go.
    app.delete("/content/free/oss/a").by("free").await.is_success(200);
    app.delete("/packages/free/oss/p/versions/1").by("free").await.is_success(200);
    put("e?publish=1").by("free").await.is_success(201);
}

#[tokio::test]
async fn members_may_change_a_version_for_the_days_of_its_repository() {
    let app = App::furnished().await;
    let days = json!({"version_update_max_days": 60});
    app.patch("/repos/acme/tools").by(OWNER).json(&days).await.is_success(200);
    assert_eq!(app.get("/repos/acme/tools").await.value()["version_update_max_days"], 60);
    app.clock.advance(60 * DAY + MOMENT);
    let late = "Version '1.0' was published more than 60 days ago and can no longer be changed";
    let put = |caller: &str| app.put("/content/acme/tools/app/1.0/late").by(caller).body("x");
    put(PUBLISHER).await.refuses(403, late);
    let over = app.put("/content/acme/tools/app/1.0/app/1.0/app.bin?override=1").by(PUBLISHER);
    over.body("x").await.refuses(403, late);
    for path in [
        "/content/acme/tools/app/1.0/app.bin",
        "/packages/acme/tools/app/versions/1.0",
        "/packages/acme/tools/app",
    ] {
        app.delete(path).by(PUBLISHER).await.refuses(403, late);
    }
    // Other versions and what is said of this one are the member's as before.
    app.put("/content/acme/tools/app/2.0/other").by(PUBLISHER).body("x").await.is_success(201);
    let patch = app.patch("/packages/acme/tools/app/versions/1.0").by(PUBLISHER);
    patch.json(&json!({"desc": "x"})).await.is_success(200);
    put(OWNER).await.is_success(201);
    app.delete("/content/acme/tools/late").by(ADMIN).await.is_success(200);
    app.delete("/packages/acme/tools/app").by(OWNER).await.is_success(200);
}

/// "only for Enterprise Account": to others it is neither kept nor shown.
#[tokio::test]
async fn days_for_members_are_the_enterprise_plans() {
    let app = App::new().await;
    for plan in ["oss", "premium", "enterprise"] {
        app.user(plan, plan).await;
        let made = app.post(&format!("/repos/{plan}/r")).by(plan);
        let made = made.json(&json!({"version_update_max_days": 7})).await;
        let seven = json!(7);
        let expected = (plan == "enterprise").then_some(&seven);
        let shown = made.value();
        assert_eq!((made.status, shown.get("version_update_max_days")), (201, expected));
        let patch = app.patch(&format!("/repos/{plan}/r")).by(plan);
        patch.json(&json!({"version_update_max_days": "7"})).await.is_success(200);
        let shown = app.get(&format!("/repos/{plan}/r")).by(plan).await.value();
        assert_eq!(shown.get("version_update_max_days"), expected);
        let clear = app.patch(&format!("/repos/{plan}/r")).by(plan);
        clear.json(&json!({"version_update_max_days": ""})).await.is_success(200);
        let shown = app.get(&format!("/repos/{plan}/r")).by(plan).await.value();
        assert_eq!(shown.get("version_update_max_days"), None);
    }
}
