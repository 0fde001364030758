//! What who may write to a path alone cannot do.

use serde_json::json;

use super::entitlements::{app, entitled};
use crate::app::OWNER;

/// T074: a version is made, and published for the first time, by who may write to more than paths.
#[tokio::test]
async fn who_may_write_to_a_path_makes_no_version_of_a_package() {
    let app = app().await;
    let body = json!({"access": "rw", "access_keys": ["key1"], "path": "in"});
    entitled(&app, "/repos/acme/vault", body).await;
    let latest = async || {
        let shown = app.get("/packages/acme/vault/app").by(OWNER).await.value();
        (shown["latest_version"].clone(), shown["versions"].clone())
    };
    let before = (latest().await, app.watch.changes().0);
    let put = async |target: &str| app.put(target).by("key1@acme").body("x").await;
    let absent = "Version '9999' is not there: who may write to some paths alone adds to versions \
                  that are; have it made by who may write to the package";
    for target in [
        "/content/acme/vault/app/9999/in/x?publish=1",
        "/content/acme/vault/app/9999/in/x",
        "/content/acme/vault/app/9999/in/?explode=1",
        "/content/acme/vault/in/x;bt_package=app;bt_version=9999;publish=1",
    ] {
        put(target).await.refuses(403, absent);
    }
    let waits = "Version '2.0' is not published: who may write to some paths alone adds to what is; \
                 have it published, or leave out publish";
    put("/content/acme/vault/app/2.0/in/x?publish=1").await.refuses(403, waits);
    assert_eq!((latest().await, app.watch.changes().0), before);
    assert_eq!(put("/content/acme/vault/app/2.0/in/x").await.status, 201);
    assert_eq!(put("/content/acme/vault/app/1.0/in/y?publish=1").await.status, 201);
    assert_eq!(latest().await, before.0);
    // A right to the version is enough for both, also of one that is not there yet.
    let body = json!({"access": "rw", "access_keys": ["key2"]});
    entitled(&app, "/packages/acme/vault/app/versions/2.0", body.clone()).await;
    entitled(&app, "/packages/acme/vault/app", json!({"access": "rw", "access_keys": ["key3"]}))
        .await;
    for (key, version) in [("key2", "2.0"), ("key3", "9999")] {
        let target = format!("/content/acme/vault/app/{version}/{version}.bin?publish=1");
        let made = app.put(&target).by(&format!("{key}@acme")).body("x").await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    assert_eq!(put("/content/acme/vault/app/9999/in/z?publish=1").await.status, 201);
}
