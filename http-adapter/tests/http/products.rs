//! Products as clients see them.

use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, READER, STRANGER};

/// A product of `acme` with the package `app` of `tools`.
pub(crate) async fn suite(app: &App) {
    let body = json!({"name": "suite", "packages": ["tools/app"]});
    let made = app.post("/products/acme").by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

#[allow(clippy::needless_pass_by_value, reason = "short words for what is compared")]
fn shown(packages: Value, versions: Value) -> Value {
    json!({
        "name": "productName",
        "display_name": "The Product",
        "created": NOW,
        "desc": "description",
        "website_url": "http://great-prod.io",
        "vcs_url": "",
        "packages": packages,
        "versions": versions,
        "sign_url_expiry": 10,
    })
}

#[tokio::test]
async fn a_product_is_made_shown_changed_and_deleted_as_documented() {
    let app = App::furnished().await;
    for prefix in ["", "/api/v1", "/"] {
        let product = format!("{prefix}/products/acme/productName");
        let made = app
            .post(&format!("{prefix}/products/acme"))
            .by(OWNER)
            .json(&json!({
                "name": "productName",
                "display_name": "The Product",
                "desc": "description",
                "website_url": "http://great-prod.io",
                "vcs_url": "",
                "packages": ["vault/app", "tools/app"],
                "sign_url_expiry": 10,
            }))
            .await;
        let versions = json!(["2.0", "1.0"]);
        let body = shown(json!(["vault/app", "tools/app"]), versions.clone());
        made.is(201, &body);
        app.get(&product).by(OWNER).await.is(200, &body);
        app.get(&product)
            .by(STRANGER)
            .await
            .is(200, &shown(json!(["tools/app"]), versions.clone()));
        let listed = app.get(&format!("{prefix}/products/acme")).by(STRANGER).await;
        listed.is_page((1, 0, 0), &json!([{"name": "productName"}]));

        let patched = app.patch(&product).by(OWNER).json(&json!({"desc": "", "display_name": ""}));
        patched.await.is_success(200);
        let mut changed = body.clone();
        (changed["desc"], changed["display_name"]) = (json!(""), json!("productName"));
        app.get(&product).by(ADMIN).await.is(200, &changed);
        // A client sends all that it has, the name too.
        let all = json!({
            "name": "other", "packages": ["tools/app"], "desc": "new", "website_url": "w",
            "vcs_url": "v", "sign_url_expiry": "20",
        });
        app.patch(&product).by(OWNER).json(&all).await.is_success(200);
        let expected = json!({
            "name": "productName", "display_name": "productName", "created": NOW, "desc": "new",
            "website_url": "w", "vcs_url": "v", "packages": ["tools/app"], "versions": ["2.0", "1.0"],
            "sign_url_expiry": 20,
        });
        app.get(&product).by(OWNER).await.is(200, &expected);

        app.delete(&product).by(OWNER).await.is(200, &json!({"message": "deleted"}));
        app.get(&product).by(OWNER).await.refuses(404, "Product 'productName' was not found");
        let listed = app.get(&format!("{prefix}/products/acme")).by(OWNER).await;
        listed.is_page((0, 0, 0), &json!([]));
    }
}

#[tokio::test]
async fn a_product_that_little_is_said_of_has_empty_lists_and_texts() {
    let app = App::furnished().await;
    let made = app.post("/products//acme").by(OWNER).json(&json!({"name": "bare"})).await;
    let body = json!({
        "name": "bare", "display_name": "bare", "created": NOW, "desc": "", "website_url": "",
        "vcs_url": "", "packages": [], "versions": [],
    });
    made.is(201, &body);
    app.get("/products/acme/bare").by(OWNER).await.is(200, &body);
    app.get("/products/acme/bare").by(STRANGER).await.refuses(404, "Product 'bare' was not found");
    app.get("/products/acme/Bare").by(OWNER).await.refuses(404, "Product 'Bare' was not found");
    let again = app.post("/products/acme").by(OWNER).json(&json!({"name": "BARE"})).await;
    again.refuses(409, "Product 'BARE' already exists");
}

#[tokio::test]
async fn lists_are_given_a_page_at_a_time() {
    let app = App::furnished().await;
    for name in ["c", "a", "b"] {
        let made = app.post("/products/acme").by(OWNER).json(&json!({"name": name})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let page = app.get("/products/acme?start_pos=1").by(OWNER).await;
    page.is_page((3, 1, 2), &json!([{"name": "b"}, {"name": "c"}]));
    app.get("/products/acme?start_pos=9").by(OWNER).await.is_page((3, 3, 2), &json!([]));
    app.get("/products/acme").by(STRANGER).await.is_page((0, 0, 0), &json!([]));
}

/// Facts, 1.4: the product is looked for before rights, and rights before the body is read.
#[tokio::test]
async fn what_is_wrong_is_told_in_the_documented_order() {
    let app = App::furnished().await;
    suite(&app).await;
    for (method, target) in [
        ("POST", "/products/acme"),
        ("PATCH", "/products/acme/suite"),
        ("DELETE", "/products/acme/suite"),
    ] {
        for caller in [STRANGER, READER] {
            app.ask(method, target).by(caller).body("[").await.refuses(403, "forbidden");
        }
        app.ask(method, target).body("[").await.needs_credentials();
    }
    for caller in [STRANGER, OWNER] {
        let absent = app.patch("/products/acme/none").by(caller).body("[").await;
        absent.refuses(404, "Product 'none' was not found");
        let absent = app.delete("/products/acme/none").by(caller).await;
        absent.refuses(404, "Product 'none' was not found");
        for (method, target) in [("GET", "/products/none"), ("POST", "/products/none")] {
            let absent = app.ask(method, target).by(caller).body("[").await;
            absent.refuses(404, "Subject 'none' was not found");
        }
    }
    for (method, target, body, message) in [
        (
            "POST",
            "/products/acme",
            "[",
            "The body is no JSON object: send one, like {\"name\": \"value\"}",
        ),
        ("POST", "/products/acme", "{}", "The product has no name: give one as \"name\""),
        (
            "POST",
            "/products/acme",
            r#"{"name": "_all"}"#,
            "the product name '_all' starts with '_': start with an ASCII letter or a digit",
        ),
        (
            "POST",
            "/products/acme",
            r#"{"name": "x", "packages": ["app"]}"#,
            "packages: 'app' is no package: write repo/package",
        ),
        (
            "PATCH",
            "/products/acme/suite",
            r#"{"packages": ["tools/none"]}"#,
            "Package 'tools/none' was not found: name packages of this subject, as repo/package",
        ),
        (
            "PATCH",
            "/products/acme/suite",
            r#"{"packages": ["acme/tools/app"]}"#,
            "the package name 'tools/app' has '/': leave it out",
        ),
        (
            "PATCH",
            "/products/acme/suite",
            r#"{"name": "x", "other": 1}"#,
            "Nothing to update: give display_name, desc, website_url, vcs_url, packages or \
             sign_url_expiry",
        ),
        (
            "PATCH",
            "/products/acme/suite",
            r#"{"sign_url_expiry": -1}"#,
            "sign_url_expiry is -1: use a number from 0 on",
        ),
    ] {
        app.ask(method, target).by(OWNER).body(body.to_owned()).await.refuses(400, message);
    }
    app.get("/products/acme/suite").await.needs_credentials();
    app.get("/products/acme").await.needs_credentials();
}

#[tokio::test]
async fn the_plan_is_told_in_the_words_that_clients_know() {
    let app = App::furnished().await;
    for plan in ["oss", "premium"] {
        app.user(plan, plan).await;
        app.repo(&format!("{plan}/repo"), json!({})).await;
        let package = json!({"name": "tool", "licenses": ["MIT"], "vcs_url": "https://x/y"});
        app.package(&format!("{plan}/repo"), package).await;
    }
    let make = async |owner: &str, packages: Value| {
        let body = json!({"name": "suite", "packages": packages});
        app.post(&format!("/products/{owner}")).by(owner).json(&body).await
    };
    make("oss", json!(["repo/tool"]))
        .await
        .refuses(400, "Package repo/tool should be under premium repository for owning product.");
    let enterprise = "This resource is only available for Enterprise users";
    make("oss", json!([])).await.refuses(403, enterprise);
    make("premium", json!(["repo/tool"])).await.refuses(403, enterprise);
}

/// A product of which a stranger may read no package is, byte for byte, one that is not there.
#[tokio::test]
async fn a_hidden_product_is_as_one_that_is_not_there() {
    let app = App::furnished().await;
    let body = json!({"name": "secret", "packages": ["vault/app"]});
    assert_eq!(app.post("/products/acme").by(OWNER).json(&body).await.status, 201);
    let terms = json!({"name": "terms", "content": "...", "versions": ["1.0"]});
    let made = app.post("/products/acme/secret/eulas").by(OWNER).json(&terms).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (method, path) in [
        ("GET", "/products/acme/secret"),
        ("PATCH", "/products/acme/secret"),
        ("DELETE", "/products/acme/secret"),
        ("GET", "/products/acme/secret/eulas"),
        ("POST", "/products/acme/secret/eulas"),
        ("GET", "/products/acme/secret/eulas/terms"),
        ("PATCH", "/products/acme/secret/eulas/terms"),
        ("DELETE", "/products/acme/secret/eulas/terms"),
        ("GET", "/products/acme/secret/signed_eulas"),
        ("GET", "/acme/product/secret/1.0/accept_eula"),
        ("POST", "/acme/product/secret/1.0/accept_eula"),
    ] {
        for caller in ["", STRANGER] {
            let ask = |path: &str| app.ask(method, path).by(caller).body("{}");
            let (hidden, absent) = (ask(path).await, ask(&path.replace("secret", "absent")).await);
            let told = |answer: &crate::app::Answer| {
                String::from_utf8(answer.body.to_vec()).unwrap().replace("secret", "absent")
            };
            assert_eq!(
                (hidden.status, &hidden.headers),
                (absent.status, &absent.headers),
                "{hidden:?}"
            );
            assert_eq!(told(&hidden), told(&absent), "{hidden:?}");
            assert!([401, 404].contains(&hidden.status), "{hidden:?}");
        }
    }
    app.get("/products/acme").by(STRANGER).await.is_page((0, 0, 0), &json!([]));
    app.get("/products/acme/secret").by(READER).await.is(
        200,
        &json!({
            "name": "secret", "display_name": "secret", "created": NOW, "desc": "",
            "website_url": "", "vcs_url": "", "packages": ["vault/app"], "versions": ["2.0", "1.0"],
        }),
    );
}
