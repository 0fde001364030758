//! EULAs of customers whose entitlement is narrower than a package: what they may download they can
//! accept, and nothing else is told to them.

use serde_json::json;

use super::agreement::accept;
use super::eulas::eula;
use crate::app::{App, OWNER, STRANGER};

const PAGE: &str = "/acme/product/suite/1.0/accept_eula";
const FILE: &str = "/acme/vault/linux/app.bin";

/// The private package `vault/app` in the product `suite`, whose versions 1.0 and 2.0 have a EULA.
async fn app() -> App {
    let app = App::furnished().await;
    app.product("acme", "suite").await;
    app.set_packages("acme", "suite", &["vault/app"]).await;
    app.upload("acme/vault/app/1.0/linux/app.bin?publish=1", "one").await;
    app.upload("acme/vault/app/1.0/linux-more/app.bin?publish=1", "one").await;
    app.upload("acme/vault/app/1.0/waiting/app.bin", "one").await;
    app.upload("acme/vault/app/2.0/two/app.bin?publish=1", "two").await;
    eula(&app, json!({"name": "terms", "content": "Be good.", "versions": ["1.0", "2.0"]})).await;
    app
}

async fn customer(app: &App, key: &str, place: &str, path: Option<&str>) -> String {
    app.access_key(OWNER, key).await;
    let mut body = json!({"access": "r", "access_keys": [key]});
    if let Some(path) = path {
        body["path"] = json!(path);
    }
    let made = app.post(&format!("{place}/entitlements")).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("{key}@acme")
}

#[tokio::test]
async fn who_may_download_a_file_can_accept_what_comes_before_it() {
    let app = app().await;
    for (key, place, path) in [
        ("folder", "/repos/acme/vault", Some("linux")),
        ("file", "/repos/acme/vault", Some("linux/app.bin")),
        ("version", "/packages/acme/vault/app/versions/1.0", None),
        ("package", "/packages/acme/vault/app", None),
        ("product", "/products/acme/suite", None),
        ("repo", "/repos/acme/vault", None),
    ] {
        let by = customer(&app, key, place, path).await;
        let told = app.get(FILE).by(&by).header("host", "dl.example.org").await;
        let page = format!("{PAGE}?username={key}%40acme");
        told.refuses_plainly(
            403,
            &format!(
                "To download the resource linux/app.bin you need to accept its EULA at: \
                 http://dl.example.org{page}\n"
            ),
        );
        accept(&app, &by, &page).await;
        assert_eq!(app.get(FILE).by(&by).await.body, "one");
    }
}

#[tokio::test]
async fn who_may_download_nothing_of_a_version_is_told_nothing_of_its_eula() {
    let app = app().await;
    app.access_key(OWNER, "none").await;
    let mut callers = vec![STRANGER.to_owned(), "none@acme".to_owned()];
    for (key, path) in [
        // Another folder, one that begins alike, one of a file that waits, one of another version.
        ("other", "absent"),
        ("alike", "linu"),
        ("longer", "linux/app.bin/more"),
        ("waiting", "waiting"),
        ("two", "two"),
    ] {
        callers.push(customer(&app, key, "/repos/acme/vault", Some(path)).await);
    }
    callers.push(customer(&app, "v2", "/packages/acme/vault/app/versions/2.0", None).await);
    for by in &callers {
        let absent = app.get("/acme/product/nosuite/1.0/accept_eula").by(by).await;
        for method in ["GET", "POST"] {
            let told = app.ask(method, PAGE).by(by).body("token=x").await;
            told.refuses_plainly(404, "Not Found\n");
            assert!(told.same_as(&absent) || method == "POST", "{told:?} is not {absent:?}");
        }
    }
    for by in ["two@acme", "v2@acme"] {
        accept(&app, by, "/acme/product/suite/2.0/accept_eula").await;
    }
    // What is accepted by one is of use to the key that it is for, and to no product's list.
    app.get("/products/acme/suite")
        .by("v2@acme")
        .await
        .refuses(404, "Product 'suite' was not found");
}
