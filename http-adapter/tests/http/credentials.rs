//! Who is asking: Basic, nothing, and what is neither.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::app::{ADMIN, ADMIN_KEY, App, OWNER, STRANGER, basic};

/// Every kind of resource, those among them that everyone may read.
const RESOURCES: [&str; 15] = [
    "/openapi.json",
    "/management/v1/health",
    "/management/v1/users",
    "/repos/acme",
    "/repos/acme/tools",
    "/api/v1/repos/acme/tools/packages",
    "/packages/acme/tools/app/files",
    "/packages/acme/tools/app/versions/1.0/files",
    "/repos/acme/absent",
    "/file_package/acme/tools/app/1.0/app.bin",
    "/file_version/acme/tools/app/1.0/app.bin",
    "/maven/acme/tools/app/app/1.0/app.bin",
    "/search/packages?name=app",
    "/search/packages/maven?q=*",
    "/search/file?name=*",
];

#[tokio::test]
async fn wrong_credentials_are_refused_even_where_nobody_needs_any() {
    let app = App::furnished().await;
    let right = app.key(OWNER);
    let long = "x".repeat(100_000);
    let upper = right.to_uppercase();
    for value in [
        basic(OWNER, "wrong"),
        basic(OWNER, ""),
        basic(OWNER, &format!("{right} ")),
        basic(OWNER, &upper),
        basic(OWNER, &long),
        basic("", &right),
        basic("", "x"),
        basic("ACME", &right),
        basic(STRANGER, &right),
        basic("nobody", &right),
        basic("a/b\u{0}", &right),
        basic("repos", &right),
        format!("Basic {}", STANDARD.encode("no colon")),
        format!("Basic {}", STANDARD.encode(b"acme:\xff\xfe")),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        format!("Bearer {right}"),
        right.clone(),
        String::new(),
    ] {
        for path in RESOURCES {
            let refused = app.get(path).header("authorization", &value).await;
            refused.needs_credentials();
        }
        let file = app.get("/acme/tools/app/1.0/app.bin").header("authorization", &value).await;
        file.refuses_plainly(401, "Unauthorized\n");
        let put =
            app.put("/content/acme/tools/app/1.0/x?publish=1").header("authorization", &value);
        put.body("x").await.needs_credentials();
    }
}

/// A client's public searches send exactly this.
#[tokio::test]
async fn an_empty_user_with_an_empty_password_is_nobody() {
    let app = App::furnished().await;
    let nobody = basic("", "");
    for path in RESOURCES {
        let without = app.get(path).await;
        let empty = app.get(path).header("authorization", &nobody).await;
        assert!(empty.same_as(&without), "{empty:?}");
    }
    let file = app.get("/acme/tools/app/1.0/app.bin").header("authorization", &nobody).await;
    assert_eq!((file.status, file.header("cache-control")), (200, Some("no-cache")));
    let put = app.put("/content/acme/tools/app/1.0/x").header("authorization", &nobody).body("x");
    put.await.needs_credentials();
}

#[tokio::test]
async fn the_scheme_has_no_case_and_space_around_it_does_not_matter() {
    let app = App::furnished().await;
    let encoded = STANDARD.encode(format!("{OWNER}:{}", app.key(OWNER)));
    for value in [format!("basic {encoded}"), format!("BASIC  {encoded} ")] {
        let got = app.get("/repos/acme/vault").header("authorization", &value).await;
        assert_eq!(got.status, 200, "{value}");
    }
}

#[tokio::test]
async fn two_authorizations_are_one_too_many() {
    let app = App::furnished().await;
    for second in [basic(OWNER, &app.key(OWNER)), basic(STRANGER, &app.key(STRANGER))] {
        let got = app.get("/repos/acme/vault").by(OWNER).header("authorization", &second).await;
        got.refuses(400, "Authorization is given twice: give it once");
    }
}

#[tokio::test]
async fn credentials_in_a_query_are_nothing() {
    let app = App::furnished().await;
    let key = app.key(OWNER);
    for query in
        [format!("user=acme&key={key}"), format!("access_token={key}"), format!("apikey={key}")]
    {
        app.get(&format!("/repos/acme/vault?{query}")).await.needs_credentials();
    }
}

#[tokio::test]
async fn a_new_key_is_right_at_once_and_the_old_one_wrong() {
    let app = App::furnished().await;
    let renew = "/management/v1/users/acme/api_key";
    let made = app.post(renew).by(OWNER).await;
    let key = made.value()["api_key"].as_str().unwrap().to_owned();
    app.get("/repos/acme/vault").by(OWNER).await.needs_credentials();
    app.set_key(OWNER, &key);
    assert_eq!(app.get("/repos/acme/vault").by(OWNER).await.status, 200);
}

#[tokio::test]
async fn a_deleted_user_signs_in_no_more() {
    let app = App::furnished().await;
    app.delete("/management/v1/users/stranger").by(ADMIN).await.is_success(200);
    app.get("/repos/acme/tools").by(STRANGER).await.needs_credentials();
    // One who takes the name has another key.
    let old = app.key(STRANGER);
    app.user(STRANGER, "oss").await;
    let got = app.get("/repos/acme/tools").header("authorization", &basic(STRANGER, &old)).await;
    got.needs_credentials();
    let got = app.get("/repos/acme/tools").header("authorization", &basic(ADMIN, ADMIN_KEY)).await;
    assert_eq!(got.status, 200);
}

/// The first gate is asked before anything of the request is read.
#[tokio::test]
async fn nobody_in_particular_learns_nothing_of_the_rules_of_bodies() {
    let app = App::furnished().await;
    for (method, path) in [
        ("POST", "/repos/acme/new"),
        ("PATCH", "/repos/acme/tools"),
        ("POST", "/packages/acme/tools"),
        ("PATCH", "/packages/acme/tools/app"),
        ("POST", "/packages/acme/tools/app/versions"),
        ("POST", "/content/acme/tools/app/1.0/publish"),
        ("PUT", "/management/v1/users/x"),
        ("PUT", "/content/acme/tools/app/1.0/x;publish=1?publish=0"),
        ("PUT", "/content/-/-/x"),
        ("DELETE", "/content/acme/tools/x/"),
    ] {
        app.ask(method, path).body("no JSON").await.needs_credentials();
    }
    let publish =
        app.post("/content/acme/tools/app/2.0/publish").json(&json!({"discard": 7})).await;
    publish.needs_credentials();
}

/// T058: a browser sends the credentials that it keeps with another site's form too.
#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let app = App::furnished().await;
    let ask = |method: &str, target: &str, site: &str| {
        app.ask(method, target).by(ADMIN).header("sec-fetch-site", site).body("{}")
    };
    let told = "A page of another site asked for this: ask from this server's own pages, or without \
                a browser";
    for route in packhouse_http::routes() {
        let method = route.method.as_str();
        let target = crate::coverage::target(route, crate::coverage::State::Public);
        for site in ["cross-site", "same-site", "x"] {
            let before = app.watch.changes();
            let answer = ask(method, &target, site).await;
            if method == "GET" {
                assert_ne!(answer.status, 403, "{answer:?}");
            } else {
                assert_eq!(answer.status, 403, "{answer:?}");
                assert_eq!(app.watch.changes(), before, "{answer:?}");
            }
        }
    }
    ask("POST", "/repos/acme/fresh", "cross-site").await.refuses(403, told);
    for site in ["same-origin", "none"] {
        assert_eq!(ask("PATCH", "/repos/acme/tools", site).await.status, 200);
    }
}
