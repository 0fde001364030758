//! The page on which a EULA is accepted, and downloads before and after.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_http::{Options, PublicUrl};
use serde_json::json;

use super::eulas::eula;
use super::products::suite;
use crate::app::{Answer, App, OWNER, PUBLISHER, STRANGER, Setup, chunks};

const FILE: &str = "/acme/tools/app/1.0/app.bin";
const PAGE: &str = "/acme/product/suite/1.0/accept_eula";
const STYLE: &str = include_str!("../../src/downloads/agreement.css");

/// The token of a page's form.
pub(crate) fn token(page: &Answer) -> Option<String> {
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let (_, rest) = html.split_once("name=\"token\" value=\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// Accepts what a page shows.
pub(crate) async fn accept(app: &App, by: &str, page: &str) {
    let shown = app.get(page).by(by).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let form = format!("token={}", token(&shown).expect("there is a form"));
    let accepted = app.post(page).by(by).body(form).await;
    assert_eq!((accepted.status, token(&accepted)), (200, None), "{accepted:?}");
}

async fn with_terms(setup: Setup) -> App {
    let app = App::with(setup).await;
    app.furnish().await;
    suite(&app).await;
    eula(
        &app,
        json!({"name": "terms", "content": "Be <b>good</b> & kind.\n", "versions": ["1.0"]}),
    )
    .await;
    app.access_key(OWNER, "k").await;
    app
}

/// The page may have its own style and nothing else: the hash is that of what it holds.
async fn policy(app: &App) -> String {
    app.upload("acme/tools/app/3.0/style?publish=1&override=1", STYLE).await;
    let got = app.get("/acme/tools/style").by(OWNER).await;
    let hex = got.header("x-checksum-sha2").unwrap().to_owned();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let style = STANDARD.encode(bytes);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

fn html(user: &str, end: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>suite \
         1.0</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>suite 1.0</h1>\n<p>You are signed \
         in as <strong>{user}</strong>.</p>\n<h2>terms</h2>\n<pre>\nBe &lt;b&gt;good&lt;/b&gt; &amp; \
         kind.\n</pre>\n{end}</body>\n</html>\n"
    )
}

fn is_page(answer: &Answer, policy: &str, body: &str) {
    answer.has_head(
        200,
        &[
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "private, no-store"),
            ("vary", "Authorization"),
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ],
    );
    assert_eq!(String::from_utf8(answer.body.to_vec()).unwrap(), body);
}

const DONE: &str = "<p>You have accepted this. Downloads work now.</p>\n";

#[tokio::test]
async fn a_customer_is_led_to_the_eula_accepts_it_and_downloads() {
    let app = with_terms(Setup::default()).await;
    let ask = |target: &str| app.get(target).by("k@acme").header("host", "dl.example.org");
    let told = "To download the resource app/1.0/app.bin you need to accept its EULA at: \
                http://dl.example.org/acme/product/suite/1.0/accept_eula?username=k%40acme";
    ask(FILE).await.refuses_plainly(403, &format!("{told}\n"));
    let head = app.ask("HEAD", FILE).by("k@acme").header("host", "dl.example.org").await;
    assert_eq!((head.status, head.body.len()), (403, 0), "{head:?}");
    let part = ask(FILE).header("range", "bytes=0-0").await;
    part.refuses_plainly(403, &format!("{told}\n"));
    ask("/content/acme/tools/app/1.0/app.bin").await.refuses(403, told);
    ask("/maven/acme/tools/app/app/1.0/app.bin").await.refuses(403, told);
    ask("/content/acme/tools/app/$latest/app.bin?bt_package=app").await.refuses(403, told);
    app.get(FILE).await.refuses_plainly(401, "Unauthorized\n");
    for publisher in [OWNER, PUBLISHER] {
        assert_eq!(app.get(FILE).by(publisher).await.body, "one");
    }

    let page = format!("{PAGE}?username=k%40acme");
    app.get(&page).await.refuses_plainly(401, "Unauthorized\n");
    let policy = policy(&app).await;
    let shown = app.get(&page).by("k@acme").await;
    let token = token(&shown).unwrap();
    let form = format!(
        "<form method=\"post\">\n<input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <button type=\"submit\">I accept</button>\n</form>\n"
    );
    is_page(&shown, &policy, &html("k@acme", &form));
    let accepted = app.post(&page).by("k@acme").body(format!("token={token}")).await;
    is_page(&accepted, &policy, &html("k@acme", DONE));
    assert_eq!(ask(FILE).await.body, "one");
    is_page(&app.get(&page).by("k@acme").await, &policy, &html("k@acme", DONE));
    // Everyone accepts for oneself.
    assert_eq!(app.get(FILE).by(STRANGER).await.status, 403);
    accept(&app, STRANGER, PAGE).await;
    assert_eq!(app.get(FILE).by(STRANGER).await.body, "one");
}

/// Browsers send what they signed in with along with the forms of other sites' pages.
#[tokio::test]
async fn a_form_that_is_not_of_the_page_accepts_nothing() {
    let app = with_terms(Setup::default()).await;
    let foreign = token(&app.get(PAGE).by(STRANGER).await).unwrap();
    let changed = "What there is to accept has changed, or the form is not of this server: open the \
                   page again\n";
    for form in ["", "token=", "token=x", "accept=1", &format!("token={foreign}")] {
        let told = app.post(PAGE).by("k@acme").body(form.to_owned()).await;
        told.refuses_plainly(403, changed);
    }
    app.post(PAGE).by("k@acme").body("token=1&token=2").await.refuses_plainly(
        400,
        "conflicting_parameter: token is given twice with different values: give it once\n",
    );
    app.post(PAGE).body(format!("token={foreign}")).await.refuses_plainly(401, "Unauthorized\n");
    assert_eq!(app.get(FILE).by("k@acme").await.status, 403);
}

#[tokio::test]
async fn a_link_for_one_is_not_for_another() {
    let app = with_terms(Setup::default()).await;
    let page = format!("{PAGE}?username=k%40acme");
    let told = format!("You are signed in as {STRANGER}: sign in as k@acme to accept this\n");
    app.get(&page).by(STRANGER).await.refuses_plainly(403, &told);
    let token = token(&app.get(PAGE).by(STRANGER).await).unwrap();
    let form = format!("token={token}");
    app.post(&page).by(STRANGER).body(form).await.refuses_plainly(403, &told);
    assert_eq!(app.get(FILE).by(STRANGER).await.status, 403);
}

#[tokio::test]
async fn the_page_is_there_for_versions_with_a_eula_alone() {
    let app = with_terms(Setup::default()).await;
    for target in [
        "/acme/product/none/1.0/accept_eula",
        "/acme/product/suite/2.0/accept_eula",
        "/acme/product/suite/9.9/accept_eula",
        "/nobody/product/suite/1.0/accept_eula",
    ] {
        for method in ["GET", "POST"] {
            app.ask(method, target).by("k@acme").await.refuses_plainly(404, "Not Found\n");
        }
    }
    let told = app.put(PAGE).by(OWNER).await;
    assert_eq!((told.status, told.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(app.get(&format!("/api/v1{PAGE}")).by("k@acme").await.status, 200);
    assert_eq!(app.get(&format!("{PAGE}/")).by("k@acme").await.status, 200);
}

/// A repository may be called `product`. The page comes before a file of it at such a path.
#[tokio::test]
async fn a_repository_called_product_serves_all_but_such_paths() {
    let app = with_terms(Setup::default()).await;
    app.repo("acme/product", json!({})).await;
    app.package("acme/product", json!({"name": "p"})).await;
    for path in ["suite/1.0/accept_eula", "suite/1.0/other", "suite/1.0/accept_eula/more"] {
        app.upload(&format!("acme/product/p/1.0/{path}?publish=1"), "bytes").await;
    }
    let shown = app.get(PAGE).by("k@acme").await;
    assert_eq!(shown.header("content-type"), Some("text/html; charset=utf-8"));
    for path in ["suite/1.0/other", "suite/1.0/accept_eula/more"] {
        assert_eq!(app.get(&format!("/acme/product/{path}")).await.body, "bytes");
    }
    let file = app.get("/content/acme/product/suite/1.0/accept_eula").await;
    assert_eq!(file.body, "bytes");
}

#[tokio::test]
async fn the_address_begins_as_the_server_is_called_from_outside() {
    let public_url = PublicUrl::parse("https://dl.acme.org/").ok();
    let options = Options { public_url, ..Options::default() };
    let app = with_terms(Setup { options, ..Setup::default() }).await;
    app.upload("acme/tools/app/1.0%20%3Fx%2B/odd.bin?publish=1", "odd").await;
    eula(&app, json!({"name": "odd", "content": "x", "versions": ["1.0 ?x+"]})).await;
    let told = app.get("/acme/tools/odd.bin").by("k@acme").header("host", "evil.example").await;
    let address =
        "https://dl.acme.org/acme/product/suite/1.0%20%3Fx%2B/accept_eula?username=k%40acme";
    told.refuses_plainly(
        403,
        &format!("To download the resource odd.bin you need to accept its EULA at: {address}\n"),
    );
    accept(&app, "k@acme", address.strip_prefix("https://dl.acme.org").unwrap()).await;
    assert_eq!(app.get("/acme/tools/odd.bin").by("k@acme").await.body, "odd");
}

#[tokio::test]
async fn nothing_that_a_publisher_writes_is_markup() {
    let app = App::furnished().await;
    let evil = "\"'><script>alert(1)</script>";
    let product = json!({"name": "suite", "display_name": evil, "packages": ["tools/app"]});
    assert_eq!(app.post("/products/acme").by(OWNER).json(&product).await.status, 201);
    let named = evil.replace('/', "\u{2044}");
    for syntax in ["markdown", "asciidoc", "plain_text"] {
        let body = json!({
            "name": format!("{syntax}{named}"), "content": format!("</pre>{evil}"),
            "syntax": syntax, "versions": ["1.0"],
        });
        eula(&app, body).await;
        let page = app.get(PAGE).by(STRANGER).await;
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;/pre&gt;&quot;&#39;&gt;&lt;script&gt;"), "{html}");
        assert_eq!(html.matches("</pre>").count(), 1);
    }
}

/// Whether a form is right is said to those alone who have something to accept.
#[tokio::test]
async fn who_has_nothing_to_accept_is_refused_before_a_byte_is_read() {
    let app = with_terms(Setup::default()).await;
    let absent = PAGE.replace("1.0", "9.0");
    for (page, caller, status) in [(PAGE, "", 401), (&absent, "k@acme", 404)] {
        let parts = std::iter::from_fn(|| panic!("the body was read"));
        let refused = app.post(page).by(caller).stream(chunks(parts)).await;
        assert_eq!(refused.status, status, "{refused:?}");
    }
}
