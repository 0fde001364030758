//! What tests of Bintray's clients asserted of the live service, one statement a test: of content,
//! downloads and credentials. The comment of each names the client; whole answers are compared in
//! the modules of the nouns.

use serde_json::json;

use crate::app::{App, OWNER, PUBLISHER, READER, STRANGER, basic, chunks};

/// `free/generic` of a free user, with the package `test-package`, beside the furnished ones.
pub(crate) async fn app() -> App {
    let app = App::furnished().await;
    app.user("free", "oss").await;
    app.repo("free/generic", json!({"desc": "A repository"})).await;
    let package = json!({
        "name": "test-package", "licenses": ["Apache-2.0"], "labels": ["b", "a"],
        "vcs_url": "https://github.com/free/test-package.git",
    });
    app.package("free/generic", package).await;
    app
}

/// PY: file lists of packages and versions with a bad key.
#[tokio::test]
async fn wrong_credentials_are_401_even_on_what_anonymous_callers_may_read() {
    let app = app().await;
    for path in [
        "/packages/acme/tools/app/files",
        "/packages/acme/tools/app/versions/1.0/files",
        "/packages/acme/tools/app",
        "/repos/acme/tools/packages",
        "/file_package/acme/tools/app/1.0/app.bin",
    ] {
        assert_eq!(app.get(path).await.status, 200);
        let wrong = app.get(path).header("authorization", &basic("uilianries", "foobar")).await;
        wrong.refuses(401, "This resource requires authentication");
    }
}

/// PY, SBT.
#[tokio::test]
async fn missing_credentials_are_told_the_same_as_wrong_ones() {
    let app = app().await;
    let missing = app.put("/content/acme/tools/app/1.0/x").body("x").await;
    let wrong = app.put("/content/acme/tools/app/1.0/x").body("x");
    let wrong = wrong.header("authorization", &basic(OWNER, "wrong")).await;
    assert!(missing.same_as(&wrong), "{missing:?} {wrong:?}");
    missing.refuses(401, "This resource requires authentication");
}

/// PY: every test of a missing right.
#[tokio::test]
async fn a_missing_right_is_403_and_not_401() {
    let app = app().await;
    for (method, path) in [
        ("PUT", "/content/acme/tools/app/1.0/x"),
        ("PUT", "/maven/acme/tools/app/org/x/1.0/x-1.0.jar"),
        ("PUT", "/file_metadata/acme/tools/app/1.0/app.bin"),
        ("POST", "/content/acme/tools/app/1.0/publish"),
        ("DELETE", "/content/acme/tools/app/1.0/app.bin"),
        ("DELETE", "/repos/acme/tools"),
        ("PATCH", "/packages/acme/tools/app"),
    ] {
        let ask = app.ask(method, path).by(STRANGER).body("{\"list_in_downloads\":true}").await;
        ask.refuses(403, "forbidden");
    }
}

/// PY: the upload of `pom.xml` to the root of a generic repository.
#[tokio::test]
async fn a_path_outside_mavens_layout_is_400_even_in_a_generic_repository() {
    let app = app().await;
    let put = app.put("/maven/free/generic/test-package/pom.xml?publish=1").by("free").body("<x/>");
    put.await.refuses(400, "Provided artifact path does not comply with Maven's convention");
}

/// PY: credentials come before everything else.
#[tokio::test]
async fn credentials_are_asked_for_before_anything_is_looked_up() {
    let app = app().await;
    for (method, path) in [
        ("PUT", "/content/nobody/x/y/1/z"),
        ("PUT", "/maven/acme/tools/app/pom.xml"),
        ("PUT", "/file_metadata/acme/tools/absent"),
        ("PATCH", "/packages/acme/tools/absent"),
        ("DELETE", "/repos/nobody/x"),
    ] {
        app.ask(method, path).body("no JSON").await.needs_credentials();
    }
}

/// JAVA: the author has it, others do not.
#[tokio::test]
async fn an_unpublished_file_is_for_its_publishers_and_401_for_anonymous_callers() {
    let app = app().await;
    let path = "/acme/tools/app/2.0/new.bin";
    for caller in [OWNER, PUBLISHER] {
        let got = app.get(path).by(caller).await;
        assert_eq!((got.status, got.body.as_ref()), (200, &b"two"[..]));
    }
    app.get(path).await.refuses_plainly(401, "Unauthorized\n");
    app.post("/content/acme/tools/app/2.0/publish").by(OWNER).await.is(200, &json!({"files": 1}));
    assert_eq!(app.get(path).await.status, 200);
}

/// JAVA: 401 or 404.
#[tokio::test]
async fn after_a_discard_anonymous_callers_have_nothing() {
    let app = app().await;
    let discard = app.post("/content/acme/tools/app/2.0/publish").by(OWNER);
    discard.json(&json!({"discard": true})).await.is(200, &json!({"files": 1}));
    assert!([401, 404].contains(&app.get("/acme/tools/app/2.0/new.bin").await.status));
    assert_eq!(app.get("/acme/tools/app/2.0/new.bin").by(OWNER).await.status, 404);
}

/// PY: the body of the download host is the reason and not the envelope.
#[tokio::test]
async fn wrong_credentials_on_a_public_file_are_401_with_the_reason() {
    let app = app().await;
    let file = app.get("/acme/tools/app/1.0/app.bin");
    let wrong = file.header("authorization", &basic("uilianries", "foobar")).await;
    wrong.refuses_plainly(401, "Unauthorized\n");
}

/// JAVA.
#[tokio::test]
async fn the_host_of_the_api_serves_files_too() {
    let app = app().await;
    let got = app.get("/acme/vault/app/1.0/app.bin").by(READER).await;
    assert_eq!((got.status, got.body.as_ref()), (200, &b"one"[..]));
}

/// JAVA.
#[tokio::test]
async fn a_vagrant_box_answers_head_under_its_upload_path() {
    let app = app().await;
    app.repo("acme/boxes", json!({"type": "vagrant"})).await;
    app.package("acme/boxes", json!({"name": "box"})).await;
    let put = "/content/acme/boxes/box/1.0/a/b.box?box_provider=virtualbox&publish=1";
    app.put(put).by(OWNER).body("box").await.is_success(201);
    let head = app.ask("HEAD", "/acme/boxes/a/b.box").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("3")));
}

/// PY: `debian_upload` in a generic repository.
#[tokio::test]
async fn a_debian_upload_to_a_generic_repository_is_201() {
    let app = app().await;
    let put = "/content/free/generic/test-package/0.1/pool/x_0.1.deb;deb_distribution=wheezy;\
               deb_component=main;deb_architecture=i386,amd64?publish=1&override=1";
    app.put(put).by("free").body("deb").await.is_success(201);
}

/// PY: chunked, as its HTTP library sends an empty file.
#[tokio::test]
async fn an_empty_body_is_a_file_of_no_bytes() {
    let app = app().await;
    for (path, body) in [("sized", None), ("chunked", Some(chunks([])))] {
        let put = app.put(&format!("/content/acme/tools/app/1.0/{path}?publish=1")).by(OWNER);
        match body {
            Some(body) => put.stream(body).await.is_success(201),
            None => put.body("").await.is_success(201),
        }
        let got = app.get(&format!("/acme/tools/{path}")).await;
        assert_eq!((got.status, got.header("content-length")), (200, Some("0")));
    }
}

/// CLI.
#[tokio::test]
async fn an_upload_makes_its_version_but_neither_package_nor_repository() {
    let app = app().await;
    let put = |path: &str| app.put(&format!("/content/acme/{path}")).by(OWNER).body("x");
    put("tools/app/9.9/x").await.is_success(201);
    assert_eq!(app.get("/packages/acme/tools/app/versions/9.9").await.status, 200);
    put("tools/none/9.9/y").await.refuses(404, "Package 'none' was not found");
    put("none/app/9.9/y").await.refuses(404, "Repo 'none' was not found");
}

/// PY: the same file with `publish=1&override=1`, again and again.
#[tokio::test]
async fn the_same_file_may_be_uploaded_again_with_override() {
    let app = app().await;
    for bytes in ["same", "same", "other", "same"] {
        let put =
            app.put("/content/free/generic/test-package/0.1/packages.json?publish=1&override=1");
        put.by("free").body(bytes).await.is_success(201);
        assert_eq!(app.get("/free/generic/packages.json").await.body, bytes);
    }
}

/// PY: it expects "test", though later versions without files are there.
#[tokio::test]
async fn the_latest_version_is_the_last_with_published_files() {
    let app = app().await;
    let base = "/packages/free/generic/test-package/versions";
    let put = "/content/free/generic/test-package/test/x.json?publish=1&override=1";
    app.put(put).by("free").body("x").await.is_success(201);
    assert_eq!(app.get(&format!("{base}/_latest")).await.value()["name"], "test");
    app.post(base).by("free").json(&json!({"name": "later"})).await;
    app.upload("free/generic/test-package/unpublished/y.json", "y").await;
    let latest = app.get(&format!("{base}/_latest")).await.value();
    assert_eq!((&latest["name"], &latest["published"]), (&json!("test"), &json!(true)));
    let package = app.get("/packages/free/generic/test-package").await.value();
    assert_eq!(package["latest_version"], "test");
}

/// NODE: its test wants 39.
#[tokio::test]
async fn publishing_gives_the_number_of_files() {
    let app = app().await;
    for number in 0..39 {
        app.upload(&format!("acme/tools/app/39/{number}"), "x").await;
    }
    let publish = app.post("/api/v1/content/acme/tools/app/39/publish").by(OWNER);
    publish.await.is(200, &json!({"files": 39}));
}

/// PY: for publish and for discard, also with both keys at once.
#[tokio::test]
async fn nothing_pending_is_zero_files_and_still_200() {
    let app = app().await;
    for body in [
        json!({}),
        json!({"discard": true}),
        json!({"discard": "true", "publish_wait_for_secs": -1}),
        json!({"publish_wait_for_secs": -1, "subject": null, "passphrase": "x"}),
    ] {
        let publish = app.post("/content/acme/tools/app/1.0/publish").by(OWNER).json(&body);
        publish.await.is(200, &json!({"files": 0}));
    }
}

/// PY.
#[tokio::test]
async fn a_deleted_file_is_gone_and_a_missing_one_is_404() {
    let app = app().await;
    app.delete("/content/acme/tools/app/1.0/app.bin").by(OWNER).await.is_success(200);
    let again = app.delete("/content/acme/tools/app/1.0/app.bin").by(OWNER).await;
    again.refuses(404, "File 'app/1.0/app.bin' was not found");
}

/// NODE: the service kept such bodies as they came.
#[tokio::test]
async fn a_multipart_body_is_kept_as_it_is() {
    let app = app().await;
    let body =
        "--x\r\nContent-Disposition: form-data; name=\"package[message]\"\r\n\r\nhi\r\n--x--\r\n";
    let put = app.put("/content/acme/tools/app/1.0/m?publish=1").by(OWNER).body(body);
    put.header("content-type", "multipart/form-data; boundary=x").await.is_success(201);
    assert_eq!(app.get("/acme/tools/m").await.body, body);
}

/// PERL, NODE, CLI, DPL: signing details wherever they put them. They are nowhere to be seen again.
#[tokio::test]
async fn signing_details_are_taken_and_never_told() {
    let app = app().await;
    let secret = "pass-phrase-canary";
    let put = app.put(&format!("/content/acme/tools/app/5/x?passphrase={secret}")).by(OWNER);
    let put = put.header("X-GPG-PASSPHRASE", secret).body("x").await;
    put.is_success(201);
    let bodies = [
        json!({"passphrase": secret, "private_key": secret, "subject": null}),
        json!({"discard": false, "passphrase": secret, "subject": "other"}),
        json!({"discard": "perhaps", "passphrase": secret}),
    ];
    for body in bodies {
        let path = format!("/content/acme/tools/app/5/publish?passphrase={secret}");
        let publish =
            app.post(&path).by(OWNER).header("X-GPG-PASSPHRASE", secret).json(&body).await;
        let text = format!("{:?} {}", publish.headers, String::from_utf8_lossy(&publish.body));
        assert!(!text.contains(secret), "{text}");
        assert_eq!(publish.status, if body["discard"] == "perhaps" { 400 } else { 200 });
    }
    for path in ["/packages/acme/tools/app", "/packages/acme/tools/app/versions/5"] {
        let shown = app.get(path).by(OWNER).await;
        assert!(!String::from_utf8_lossy(&shown.body).contains(secret));
    }
    // Also a body that is no JSON is not said again.
    let form = app.post("/content/acme/tools/app/5/publish").by(OWNER);
    let form = form.body(format!("passphrase={secret}")).await;
    assert!(form.status == 400 && !form.message().contains(secret), "{form:?}");
}

/// Ivy and sbt answer this challenge and no other; OkHttp and Java's client answer any.
#[tokio::test]
async fn every_401_names_the_realm() {
    let app = app().await;
    for path in
        ["/repos/acme/vault", "/acme/vault/x", "/maven/acme/vault/app/x", "/repos/acme/none"]
    {
        let refused = app.get(path).await;
        let challenge = refused.header("www-authenticate");
        assert_eq!((refused.status, challenge), (401, Some("Basic realm=\"Bintray API Realm\"")));
    }
}
