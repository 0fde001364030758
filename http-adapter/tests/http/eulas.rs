//! EULAs of products, and the reports of who accepted them.

use std::time::Duration;

use serde_json::{Value, json};

use super::agreement::accept;
use super::products::suite;
use crate::app::{App, NOW, OWNER, READER, STRANGER};

const EULAS: &str = "/products/acme/suite/eulas";

pub(crate) async fn eula(app: &App, body: Value) {
    let made = app.post(EULAS).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

#[tokio::test]
async fn a_eula_is_made_shown_changed_and_deleted_as_documented() {
    let app = App::furnished().await;
    suite(&app).await;
    for prefix in ["", "/api/v1"] {
        let (eulas, one) = (format!("{prefix}{EULAS}"), format!("{prefix}{EULAS}/EULA%20name"));
        let made = app
            .post(&eulas)
            .by(OWNER)
            .json(&json!({
                "name": "EULA name", "syntax": "markdown", "content": "...", "default": false,
                "versions": ["1.0", "1.1"],
            }))
            .await;
        let shown = json!({
            "name": "EULA name", "created": NOW, "versions": ["1.0", "1.1"], "syntax": "MARKDOWN",
            "content": "...", "default": false,
        });
        made.is(201, &shown);
        app.get(&one).by(OWNER).await.is(200, &shown);
        let item = json!({"name": "EULA name", "created": NOW, "versions": ["1.0", "1.1"]});
        for caller in [OWNER, READER, STRANGER] {
            app.get(&eulas).by(caller).await.is_page((1, 0, 0), &json!([item]));
        }
        let patch =
            json!({"syntax": "Plain_Text", "content": "new", "default": "true", "versions": []});
        app.patch(&one).by(OWNER).json(&patch).await.is_success(200);
        let changed = json!({
            "name": "EULA name", "created": NOW, "versions": [], "syntax": "PLAIN_TEXT",
            "content": "new", "default": true,
        });
        app.get(&one).by(OWNER).await.is(200, &changed);
        app.delete(&one).by(OWNER).await.is(200, &json!({"message": "deleted"}));
        app.get(&one).by(OWNER).await.refuses(404, "Eula 'EULA name' was not found");
        app.get(&eulas).by(OWNER).await.is_page((0, 0, 0), &json!([]));
    }
}

/// Facts, 1.4: product, right, EULA, body.
#[tokio::test]
async fn what_is_wrong_is_told_in_the_documented_order() {
    let app = App::furnished().await;
    suite(&app).await;
    eula(&app, json!({"name": "terms", "content": "..."})).await;
    // A client that mixes up its arguments.
    let mixed = json!({"name": "x", "syntax": "foobar", "default": ["1.0"]});
    for caller in [STRANGER, OWNER] {
        for (method, target) in [
            ("GET", "/products/acme/none/eulas"),
            ("GET", "/products/acme/none/eulas/terms"),
            ("POST", "/products/acme/none/eulas"),
            ("PATCH", "/products/acme/none/eulas/terms"),
            ("DELETE", "/products/acme/none/eulas/terms"),
            ("GET", "/products/acme/none/signed_eulas"),
        ] {
            let told = app.ask(method, target).by(caller).json(&mixed).await;
            told.refuses(404, "Product 'none' was not found");
        }
    }
    for eula in ["terms", "none"] {
        for method in ["GET", "PATCH", "DELETE"] {
            let told = app.ask(method, &format!("{EULAS}/{eula}")).by(STRANGER).json(&mixed).await;
            told.refuses(403, "forbidden");
        }
    }
    app.post(EULAS).by(STRANGER).json(&mixed).await.refuses(403, "forbidden");
    app.get("/products/acme/suite/signed_eulas?from=x")
        .by(STRANGER)
        .await
        .refuses(403, "forbidden");
    app.get("/products/acme/_all/signed_eulas?from=x").by(STRANGER).await.refuses(403, "forbidden");
    for method in ["GET", "PATCH", "DELETE"] {
        let told = app.ask(method, &format!("{EULAS}/none")).by(OWNER).json(&mixed).await;
        told.refuses(404, "Eula 'none' was not found");
    }
    let again = json!({"name": "terms", "content": "..."});
    app.post(EULAS).by(OWNER).json(&again).await.refuses(409, "Eula 'terms' already exists");
    for (body, message) in [
        (json!({"content": "x"}), "The EULA has no name: give one as \"name\""),
        (json!({"name": "x"}), "The EULA has no text: give it as \"content\""),
        (
            json!({"name": "x", "content": "x", "syntax": "foobar"}),
            "Syntax 'foobar' does not exist: use markdown, asciidoc, plain_text",
        ),
        (
            json!({"name": "x", "content": "x", "versions": ["a/b"]}),
            "the version name 'a/b' has '/': leave it out",
        ),
    ] {
        app.post(EULAS).by(OWNER).json(&body).await.refuses(400, message);
    }
    let told = app.post(EULAS).by(OWNER).json(&mixed).await;
    assert_eq!(told.status, 400, "{told:?}");
    let nothing = app.patch(&format!("{EULAS}/terms")).by(OWNER).json(&json!({"name": "x"})).await;
    nothing.refuses(400, "Nothing to update: give syntax, content, default or versions");
    for date in ["from", "to"] {
        let told =
            app.get(&format!("/products/acme/_all/signed_eulas?{date}=soon")).by(OWNER).await;
        let message =
            format!("{date} is 'soon', which is no date: use the form 2026-01-31T12:00:00.000Z");
        told.refuses(400, &message);
    }
}

#[tokio::test]
async fn the_eula_of_a_file_is_shown_to_admins() {
    let app = App::furnished().await;
    suite(&app).await;
    let (one, two) =
        ("/file_eula/acme/tools/app/1.0/app.bin", "/file_eula/acme/tools/app/2.0/new.bin");
    app.get(one).by(OWNER).await.refuses(404, "Eula 'app/1.0/app.bin' was not found");
    eula(
        &app,
        json!({"name": "terms", "content": "...", "syntax": "ASCIIDOC", "versions": ["1.0"]}),
    )
    .await;
    let shown = json!({
        "name": "terms", "created": NOW, "versions": ["1.0"], "syntax": "ASCIIDOC",
        "content": "...", "default": false,
    });
    app.get(one).by(OWNER).await.is(200, &shown);
    app.get(&format!("/api/v1{one}")).by(OWNER).await.is(200, &shown);
    app.get(two).by(OWNER).await.refuses(404, "Eula 'app/2.0/new.bin' was not found");
    app.get(one).by(STRANGER).await.refuses(403, "forbidden");
    app.get(two).by(STRANGER).await.refuses(404, "File 'app/2.0/new.bin' was not found");
    app.get(one).await.needs_credentials();
}

fn signed(at: &str, user: &str, version: &str, eula: &str) -> Value {
    json!({
        "date_signed": at, "username": user, "product_version_name": version, "eula_name": eula,
    })
}

#[tokio::test]
async fn who_accepted_is_reported_by_product_the_latest_first() {
    let app = App::furnished().await;
    suite(&app).await;
    let more = json!({"name": "More", "packages": ["tools/app"]});
    assert_eq!(app.post("/products/acme").by(OWNER).json(&more).await.status, 201);
    eula(&app, json!({"name": "terms", "content": "...", "versions": ["1.0", "2.0"]})).await;
    let other = json!({"name": "other", "content": "...", "versions": ["1.0"]});
    assert_eq!(app.post("/products/acme/More/eulas").by(OWNER).json(&other).await.status, 201);
    app.access_key(OWNER, "k").await;
    for (by, product, version) in
        [(STRANGER, "suite", "1.0"), ("k@acme", "suite", "2.0"), ("k@acme", "More", "1.0")]
    {
        app.clock.advance(Duration::from_secs(60));
        accept(&app, by, &format!("/acme/product/{product}/{version}/accept_eula")).await;
    }
    let first = signed("2026-01-01T00:01:00.000Z", STRANGER, "1.0", "terms");
    let second = signed("2026-01-01T00:02:00.000Z", "k@acme", "2.0", "terms");
    let third = signed("2026-01-01T00:03:00.000Z", "k@acme", "1.0", "other");
    for (target, range, body) in [
        ("suite/signed_eulas", (2, 0, 1), json!({"suite": [second, first]})),
        ("suite/signed_eulas?start_pos=1", (2, 1, 1), json!({"suite": [first]})),
        ("suite/signed_eulas?username=nobody", (0, 0, 0), json!({"suite": []})),
        ("_all/signed_eulas", (3, 0, 2), json!({"More": [third], "suite": [second, first]})),
        (
            "_all/signed_eulas?username=k%40acme&eula_name=terms",
            (1, 0, 0),
            json!({"suite": [second]}),
        ),
        (
            "_all/signed_eulas?from=2026-01-01T00:02:00.000Z&to=2026-01-01T00:02:59.999%2B0000",
            (1, 0, 0),
            json!({"suite": [second]}),
        ),
        ("_all/signed_eulas?to=2026-01-01T01:01:00.000+0100", (1, 0, 0), json!({"suite": [first]})),
        ("_all/signed_eulas?from=2026-01-02", (0, 0, 0), json!({})),
    ] {
        for prefix in ["", "/api/v1"] {
            let told = app.get(&format!("{prefix}/products/acme/{target}")).by(OWNER).await;
            told.is_page(range, &body);
        }
    }
    app.get("/products/acme/_all/signed_eulas").by("k@acme").await.refuses(403, "forbidden");
    app.get("/products/acme/suite/signed_eulas").by("k@acme").await.refuses(403, "forbidden");
}
