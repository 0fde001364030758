//! "Entitlements": whole answers, every form of a change, what each opens, and the search.

use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, STRANGER};

const GATE: &str = "This resource is only available for subjects with entitlement management.";
const ID: &str = "7f8d57b16c1046e38062ea3db91838ff77758eca";

/// What entitlements are of.
const PLACES: [&str; 4] = [
    "/products/acme/suite",
    "/repos/acme/vault",
    "/packages/acme/vault/app",
    "/packages/acme/vault/app/versions/1.0",
];

/// `acme` with a product and three access keys, which are signed in by `.by("key1@acme")`.
pub(crate) async fn app() -> App {
    let app = App::furnished().await;
    app.product("acme", "suite").await;
    for key in ["key1", "key2", "key3"] {
        app.access_key("acme", key).await;
    }
    app
}

pub(crate) async fn entitled(app: &App, place: &str, body: Value) -> Value {
    let made = app.post(&format!("{place}/entitlements")).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.value()
}

async fn is_allowed(app: &App, key: &str, path: &str) -> bool {
    let answer = app.get(&format!("/acme/{path}")).by(&format!("{key}@acme")).await;
    assert!(matches!(answer.status, 200 | 404), "{answer:?}");
    answer.status == 200
}

#[tokio::test]
async fn an_entitlement_is_made_shown_listed_changed_and_deleted_as_in_the_document() {
    let app = app().await;
    for place in PLACES {
        let of_repo = place == "/repos/acme/vault";
        let access = if place.starts_with("/products") { "r" } else { "rw" };
        let list = format!("/api/v1{place}/entitlements");
        let mut body = json!({
            "id": ID, "access": access, "access_keys": ["key1", "key2"], "tags": ["tag1", "tag2"],
        });
        if of_repo {
            body["path"] = json!("a/b/c");
        }
        app.post(&list).by(OWNER).json(&body).await.is(201, &body);
        let one = format!("{place}/entitlements/{ID}");
        let mut shown = body.clone();
        shown["download_keys"] = json!(["key1", "key2"]);
        app.get(&one).by(OWNER).await.is(200, &shown);
        app.get(&one).by(ADMIN).await.is(200, &shown);
        app.get(&list).by(OWNER).await.is_page((1, 0, 0), &json!([{"id": ID}]));

        app.patch(&one).by(OWNER).json(&json!({"access": "r"})).await;
        let patch =
            json!({"access": access, "access_keys": ["key1", "key2"], "tags": ["tag1", "tag2"]});
        app.patch(&one).by(OWNER).json(&patch).await.is(200, &body);
        app.delete(&one).by(OWNER).await.is_success(200);
        let gone = format!("Entitlement '{ID}' was not found");
        app.get(&one).by(OWNER).await.refuses(404, &gone);
        app.delete(&one).by(OWNER).await.refuses(404, &gone);
        app.get(&list).by(OWNER).await.is_page((0, 0, 0), &json!([]));

        // An id is made where none is given.
        let made = entitled(&app, place, json!({"access": "r"})).await;
        let id = made["id"].as_str().unwrap();
        assert!(id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
        let expected = json!({"id": id, "access": "r", "access_keys": [], "tags": []});
        assert_eq!(made, expected);
        let again = app.post(&list).by(OWNER).json(&json!({"id": id, "access": "r"})).await;
        again.refuses(409, &format!("Entitlement '{id}' already exists"));
    }
}

#[tokio::test]
async fn lists_are_replaced_added_to_and_removed_from() {
    let app = app().await;
    let (place, one) = ("/repos/acme/vault", "/repos/acme/vault/entitlements/e1");
    let body = json!({"id": "e1", "access": "r", "access_keys": ["key1"], "tags": ["a"]});
    entitled(&app, place, body).await;
    for (patch, keys, tags) in [
        (json!({}), json!(["key1"]), json!(["a"])),
        (json!({"access_keys": ["key2", "key2"]}), json!(["key2"]), json!(["a"])),
        (json!({"access_keys_add": ["key1", "key2"]}), json!(["key2", "key1"]), json!(["a"])),
        (json!({"access_keys_remove": ["key2", "key9"]}), json!(["key1"]), json!(["a"])),
        (json!({"tags_add": ["b", "a", "c"]}), json!(["key1"]), json!(["a", "b", "c"])),
        (json!({"tags_remove": ["b", "x"]}), json!(["key1"]), json!(["a", "c"])),
        (json!({"tags": ["z"], "tags_add": ["y"]}), json!(["key1"]), json!(["z", "y"])),
        (
            json!({"access_keys": ["key1", "key2"], "access_keys_add": ["key3"],
                "access_keys_remove": ["key1"], "tags": []}),
            json!(["key2", "key3"]),
            json!([]),
        ),
        // What a client of the other name sends; and one that sends a text for a list.
        (json!({"download_keys": ["key1"]}), json!(["key1"]), json!([])),
        (json!({"download_keys_add": "key2"}), json!(["key1", "key2"]), json!([])),
        (json!({"download_keys_remove": ["key1"]}), json!(["key2"]), json!([])),
        (json!({"download_keys": ["key1"], "access_keys": ["key1"]}), json!(["key1"]), json!([])),
        (json!({"access_keys": null, "tags": null, "owner": "x"}), json!(["key1"]), json!([])),
        (json!({"access_keys": []}), json!([]), json!([])),
    ] {
        let expected = json!({"id": "e1", "access": "r", "access_keys": keys, "tags": tags});
        app.patch(one).by(OWNER).json(&patch).await.is(200, &expected);
        for key in ["key1", "key2", "key3"] {
            let listed = keys.as_array().unwrap().contains(&json!(key));
            let allowed = is_allowed(&app, key, "vault/app/1.0/app.bin").await;
            assert_eq!(allowed, listed, "{key} after {patch}");
        }
    }
    let both = json!({"download_keys": ["key1"], "access_keys": ["key2"]});
    app.patch(one).by(OWNER).json(&both).await.refuses(
        400,
        "conflicting_parameter: access_keys and download_keys are the same list: give one of them",
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_entitlement_is_said() {
    let app = app().await;
    for (place, body, message) in [
        (1, json!({}), "The entitlement has no access: give \"access\" as \"r\" or \"rw\""),
        (1, json!({"access": "w"}), "access is 'w': give it as 'r' or 'rw'"),
        (
            0,
            json!({"access": "rw"}),
            "Entitlements of a product allow to download: give access as 'r'",
        ),
        (
            1,
            json!({"access": "r", "access_keys": ["nobody"]}),
            "Access key 'nobody' does not exist",
        ),
        (1, json!({"access": "r", "access_keys": "rw"}), "Access key 'rw' does not exist"),
        (
            1,
            json!({"access": "r", "path": ""}),
            "path is empty: leave it out for the whole repository",
        ),
        (
            1,
            json!({"access": "r", "path": "/a"}),
            "the file path '/a' has the segment '': write single slashes, and none at the ends",
        ),
        (
            1,
            json!({"access": "r", "path": "a//b"}),
            "the file path 'a//b' has the segment '': write single slashes, and none at the ends",
        ),
        (
            1,
            json!({"access": "r", "path": "a/../b"}),
            "the file path 'a/../b' has the segment '..': it would mean another folder; write the \
             path without it",
        ),
        (
            2,
            json!({"access": "r", "path": "a"}),
            "path is for entitlements of a repository: leave it out",
        ),
        (
            1,
            json!({"access": "r", "id": "a/b"}),
            "the entitlement id 'a/b' has '/': use ASCII letters, digits, '.', '_' and '-'",
        ),
    ] {
        let refused =
            app.post(&format!("{}/entitlements", PLACES[place])).by(OWNER).json(&body).await;
        refused.refuses(400, message);
    }
    entitled(&app, PLACES[1], json!({"id": "e1", "access": "r", "path": "a/b/"})).await;
    let one = "/repos/acme/vault/entitlements/e1";
    let same = app.patch(one).by(OWNER).json(&json!({"path": "a/b", "id": "x"})).await;
    same.is(200, &json!({"id": "e1", "path": "a/b", "access": "r", "access_keys": [], "tags": []}));
    let moved = app.patch(one).by(OWNER).json(&json!({"path": "a"})).await;
    moved.refuses(400, "path cannot be changed: make another entitlement and delete this one");
}

/// The order in which things are checked, as clients' tests pin it down.
#[tokio::test]
async fn a_product_is_looked_for_first_and_a_body_is_read_last() {
    let app = app().await;
    app.user("free", "oss").await;
    app.repo("free/tools", json!({})).await;
    let body = r#"{"access": "rw", "access_keys": "#;
    for caller in [OWNER, STRANGER] {
        let absent = app.post("/products/acme/absent/entitlements").by(caller).body(body).await;
        absent.refuses(404, "Product 'absent' was not found");
        let absent = app.get("/products/nobody/suite/entitlements").by(caller).await;
        absent.refuses(404, "Subject 'nobody' was not found");
    }
    let absent = "Product 'suite' was not found";
    refuses_all(&app, PLACES[0], body, (404, absent)).await;
    app.set_packages("acme", "suite", &["tools/app"]).await;
    for place in PLACES.into_iter().chain(["/repos/acme/tools", "/repos/acme/absent"]) {
        refuses_all(&app, place, body, (403, "forbidden")).await;
    }
    for (path, message) in [
        ("/repos/acme/absent/entitlements", "Repo 'absent' was not found"),
        ("/packages/acme/vault/absent/entitlements", "Package 'absent' was not found"),
        ("/packages/acme/vault/app/versions/9/entitlements", "Version '9' was not found"),
        ("/packages/acme/vault/no/versions/1.0/entitlements", "Package 'no' was not found"),
        ("/repos/nobody/vault/entitlements", "Subject 'nobody' was not found"),
    ] {
        app.post(path).by(OWNER).body(body).await.refuses(404, message);
        app.get(path).by(OWNER).await.refuses(404, message);
    }
    app.post("/repos/free/tools/entitlements").by("free").body(body).await.refuses(403, GATE);
    app.get("/repos/free/tools/entitlements").by("free").await.refuses(403, GATE);
}

/// Whatever is asked about the entitlements of a place by those who do not administer its subject.
async fn refuses_all(app: &App, place: &str, body: &'static str, refusal: (u16, &str)) {
    for (method, tail) in
        [("GET", ""), ("POST", ""), ("GET", "/x"), ("PATCH", "/x"), ("DELETE", "/x")]
    {
        let path = format!("{place}/entitlements{tail}");
        for caller in [STRANGER, PUBLISHER, "key1@acme"] {
            app.ask(method, &path).by(caller).body(body).await.refuses(refusal.0, refusal.1);
        }
        app.ask(method, &path).body(body).await.needs_credentials();
    }
}

/// T056: an id is looked for where it is said to be.
#[tokio::test]
async fn an_entitlement_of_another_place_is_not_found() {
    let app = app().await;
    for (index, place) in PLACES.into_iter().enumerate() {
        entitled(&app, place, json!({"id": format!("e{index}"), "access": "r"})).await;
    }
    for (index, place) in PLACES.into_iter().enumerate() {
        for other in (0..PLACES.len()).filter(|other| *other != index) {
            let one = format!("{place}/entitlements/e{other}");
            let message = format!("Entitlement 'e{other}' was not found");
            for method in ["GET", "PATCH", "DELETE"] {
                app.ask(method, &one).by(OWNER).body("{}").await.refuses(404, &message);
            }
        }
    }
}

/// T072: what each scope opens, and nothing beside it.
#[tokio::test]
async fn each_scope_opens_its_own() {
    for (place, more, opened) in [
        ("/repos/acme/vault", json!({}), [true, true, true, true, true]),
        ("/repos/acme/vault", json!({"path": "a/b"}), [false, false, false, true, false]),
        ("/repos/acme/vault", json!({"path": "a/b/c.bin"}), [false, false, false, true, false]),
        ("/repos/acme/vault", json!({"path": "a/b/c"}), [false; 5]),
        ("/packages/acme/vault/app", json!({}), [true, true, false, true, false]),
        ("/packages/acme/vault/app/versions/1.0", json!({}), [true, false, false, true, false]),
        ("/packages/acme/vault/app/versions/3.0", json!({}), [false, true, false, false, false]),
        ("/products/acme/suite", json!({}), [false, false, true, false, true]),
        ("/repos/acme/tools", json!({}), [false; 5]),
    ] {
        let app = app().await;
        app.package("acme/vault", json!({"name": "apps"})).await;
        for file in
            ["app/3.0/three.bin", "apps/1.0/s.bin", "app/1.0/a/b/c.bin", "apps/1.0/a/bc.bin"]
        {
            let published = format!("acme/vault/{file}?publish=1");
            app.upload(&published, "x").await;
        }
        app.set_packages("acme", "suite", &["vault/apps"]).await;
        let mut body = more.clone();
        body["access"] = json!("r");
        body["access_keys"] = json!(["key1"]);
        let id = entitled(&app, place, body).await["id"].as_str().unwrap().to_owned();
        let files = ["app/1.0/app.bin", "three.bin", "s.bin", "a/b/c.bin", "a/bc.bin"];
        for (file, expected) in files.into_iter().zip(opened) {
            let path = format!("vault/{file}");
            assert_eq!(is_allowed(&app, "key1", &path).await, expected, "{file} by {place} {more}");
            assert!(!is_allowed(&app, "key2", &path).await);
        }
        // A list of the repository is for those who may read all of it.
        let whole = place == "/repos/acme/vault" && more == json!({});
        let listed = app.get("/repos/acme/vault/packages").by("key1@acme").await;
        assert_eq!(listed.status, if whole { 200 } else { 404 }, "{listed:?}");
        app.delete(&format!("{place}/entitlements/{id}")).by(OWNER).await.is_success(200);
        for file in files {
            assert!(!is_allowed(&app, "key1", &format!("vault/{file}")).await, "{file}");
        }
    }
}

/// A product's entitlement follows what belongs to the product: T072.
#[tokio::test]
async fn a_product_opens_what_belongs_to_it_now() {
    let app = app().await;
    entitled(&app, "/products/acme/suite", json!({"access": "r", "access_keys": ["key1"]})).await;
    let file = "vault/app/1.0/app.bin";
    assert!(!is_allowed(&app, "key1", file).await);
    app.set_packages("acme", "suite", &["vault/app"]).await;
    assert!(is_allowed(&app, "key1", file).await);
    app.set_packages("acme", "suite", &[]).await;
    assert!(!is_allowed(&app, "key1", file).await);
}

/// What is asked with a key, in the scope of `app` or beside it.
async fn statuses(app: &App, key: &str, inside: bool) -> Vec<(String, u16)> {
    let (package, version) = if inside { ("app", "1.0") } else { ("rest", "1.0") };
    let zip = {
        let mut zip = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        zip.append_data(&mut header, "exploded", &b"x"[..]).unwrap();
        zip.into_inner().unwrap()
    };
    let at = format!("/acme/vault/{package}");
    let file = format!("{package}/1.0/{package}.bin");
    let mut statuses = Vec::new();
    for (method, path, body) in [
        ("PUT", format!("/content{at}/{version}/{package}/new-{key}?publish=1"), b"x".to_vec()),
        ("PUT", format!("/content{at}/{version}/{file}?override=1&publish=1"), b"y".to_vec()),
        ("PUT", format!("/content{at}/{version}/x-{key}/?explode=1"), zip),
        ("PUT", format!("/maven{at}/org/{package}/{key}/1/{key}-1.jar;publish=1"), b"x".to_vec()),
        ("POST", format!("/content{at}/{version}/publish"), Vec::new()),
        ("PATCH", format!("/packages{at}"), b"{\"desc\": \"x\"}".to_vec()),
        ("PATCH", format!("/packages{at}/versions/{version}"), b"{\"desc\": \"x\"}".to_vec()),
        (
            "POST",
            format!("/packages{at}/versions"),
            format!("{{\"name\": \"{key}\"}}").into_bytes(),
        ),
        (
            "POST",
            format!("/packages{at}/attributes"),
            b"[{\"name\": \"n\", \"values\": [\"v\"]}]".to_vec(),
        ),
        (
            "POST",
            format!("/packages{at}/versions/{version}/attributes"),
            b"[{\"name\": \"n\", \"values\": [\"v\"]}]".to_vec(),
        ),
        (
            "POST",
            format!("/files/acme/vault/{file}/attributes"),
            b"[{\"name\": \"n\", \"values\": [\"v\"]}]".to_vec(),
        ),
        (
            "PUT",
            format!("/file_metadata/acme/vault/{file}"),
            b"{\"list_in_downloads\": true}".to_vec(),
        ),
        ("DELETE", format!("/content/acme/vault/{file}"), Vec::new()),
        ("DELETE", format!("/packages{at}/versions/{version}"), Vec::new()),
    ] {
        let answer = app.ask(method, &path).by(&format!("{key}@acme")).body(body).await;
        statuses.push((format!("{method} {path}: {answer:?}"), answer.status));
    }
    statuses
}

/// T073, T074: reading is no writing, and writing ends where the scope does.
#[tokio::test]
async fn a_key_writes_within_an_rw_scope_and_nowhere_else() {
    for (place, also_path) in
        [("/packages/acme/vault/app", false), ("/packages/acme/vault/app/versions/1.0", true)]
    {
        let app = app().await;
        app.package("acme/vault", json!({"name": "rest"})).await;
        app.upload("acme/vault/rest/1.0/rest/1.0/rest.bin?publish=1", "r").await;
        entitled(&app, place, json!({"access": "r", "access_keys": ["key1"]})).await;
        entitled(&app, place, json!({"access": "rw", "access_keys": ["key2"]})).await;
        for (key, inside) in [("key1", true), ("key1", false), ("key2", false), ("key3", true)] {
            let before = app.watch.changes();
            for (asked, status) in statuses(&app, key, inside).await {
                assert!(matches!(status, 403 | 404), "{key} in {inside}: {asked}");
            }
            assert_eq!(app.watch.changes(), before, "{key}");
        }
        for (asked, status) in statuses(&app, "key2", true).await {
            // What is of the package is beyond one of its versions.
            let of_package = asked.contains("PATCH /packages/acme/vault/app:")
                || asked.contains("/app/versions:")
                || asked.contains("/packages/acme/vault/app/attributes:")
                || asked.contains("/maven/");
            if also_path && of_package {
                assert!(matches!(status, 403 | 404), "{asked}");
            } else {
                assert!(matches!(status, 200 | 201), "{asked}");
            }
        }
    }
}

/// T074: a path that an archive, a parameter or a layout leads out of the scope is refused, and
/// with it the whole request.
#[tokio::test]
async fn nothing_leads_out_of_the_path_that_may_be_written() {
    let app = app().await;
    let body = json!({"access": "rw", "access_keys": ["key1"], "path": "org/ours"});
    entitled(&app, "/repos/acme/vault", body).await;
    let archive = |names: &[&str]| {
        let mut tar = tar::Builder::new(Vec::new());
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let put =
        async |path: &str, body: Vec<u8>| app.put(path).by("key1@acme").body(body).await.status;
    let version = "/content/acme/vault/app/1.0";
    assert_eq!(put(&format!("{version}/org/ours/x"), b"x".to_vec()).await, 201);
    assert_eq!(
        put("/content/acme/vault/org/ours/m;bt_package=app;bt_version=1.0", b"x".to_vec()).await,
        201
    );
    let maven = app.post("/packages/acme/vault/app/versions").by(OWNER).json(&json!({"name": "1"}));
    assert_eq!(maven.await.status, 201);
    assert_eq!(put("/maven/acme/vault/app/org/ours/1/ours-1.jar", b"x".to_vec()).await, 201);
    let inside = archive(&["a", "b/c"]);
    assert_eq!(put(&format!("{version}/org/ours/?explode=1"), inside).await, 201);
    let mixed = archive(&["ours/d", "theirs/e"]);
    let before = app.watch.changes().0;
    for (path, body) in [
        (format!("{version}/org/oursx"), b"x".to_vec()),
        (format!("{version}/org/theirs/x"), b"x".to_vec()),
        (format!("{version}/ORG/OURS/x"), b"x".to_vec()),
        ("/content/acme/vault/org/other;bt_package=app;bt_version=1.0".into(), b"x".to_vec()),
        ("/maven/acme/vault/app/org/other/1/other-1.jar".into(), b"x".to_vec()),
        (format!("{version}/org/?explode=1"), mixed),
        (format!("{version}/org/ours/../x"), b"x".to_vec()),
        (format!("{version}/org/ours%2f..%2fx"), b"x".to_vec()),
    ] {
        let status = put(&path, body).await;
        assert!(matches!(status, 400 | 403 | 404), "{path}: {status}");
    }
    assert_eq!(app.watch.changes().0, before, "nothing was committed");
    for path in ["org/ours/d", "org/theirs/e"] {
        let absent = app.get(&format!("/acme/vault/{path}")).by(OWNER).await;
        assert_eq!(absent.status, 404, "{absent:?}");
    }
    let deleted = app.delete("/content/acme/vault/app/1.0/app.bin").by("key1@acme").await;
    assert!(matches!(deleted.status, 403 | 404), "{deleted:?}");
    let deleted = app.delete("/content/acme/vault/org/ours/x").by("key1@acme").await;
    deleted.is_success(200);
}

/// T065, and who sees what is not published: those who may publish it.
#[tokio::test]
async fn an_unpublished_file_is_hidden_from_a_key_that_reads() {
    let app = app().await;
    entitled(&app, "/repos/acme/vault", json!({"access": "r", "access_keys": ["key1"]})).await;
    entitled(&app, "/repos/acme/vault", json!({"access": "rw", "access_keys": ["key2"]})).await;
    let body = json!({"access": "rw", "access_keys": ["key3"], "path": "app/2.0"});
    entitled(&app, "/repos/acme/vault", body).await;
    let file = "vault/app/2.0/new.bin";
    assert!(!is_allowed(&app, "key1", file).await);
    assert!(is_allowed(&app, "key2", file).await);
    assert!(is_allowed(&app, "key3", file).await);
    let listed = async |key: &str| {
        let list = "/packages/acme/vault/app/files?include_unpublished=1";
        app.get(list).by(&format!("{key}@acme")).await.value().as_array().unwrap().len()
    };
    assert_eq!((listed("key1").await, listed("key2").await), (1, 2));
}

/// T047, T077: taken away is refused on the next request.
#[tokio::test]
async fn what_is_taken_away_is_refused_at_once() {
    let app = app().await;
    let file = "vault/app/1.0/app.bin";
    let one = "/repos/acme/vault/entitlements/e1";
    let keys = ["key1", "key2"];
    entitled(&app, PLACES[1], json!({"id": "e1", "access": "rw", "access_keys": keys})).await;
    let writes = async |key: &str| {
        let listed = json!({"list_in_downloads": true});
        let put = app.put(&format!("/file_metadata/acme/{file}")).by(&format!("{key}@acme"));
        put.json(&listed).await.status == 200
    };
    assert!(writes("key1").await);
    app.patch(one).by(OWNER).json(&json!({"access": "r"})).await;
    assert!(!writes("key1").await && is_allowed(&app, "key1", file).await);
    app.patch(one).by(OWNER).json(&json!({"access": "rw"})).await;
    assert!(writes("key1").await);
    app.patch(one).by(OWNER).json(&json!({"access_keys_remove": ["key1"]})).await;
    assert!(!is_allowed(&app, "key1", file).await && is_allowed(&app, "key2", file).await);
    app.delete("/users/acme/access_keys/key2").by(OWNER).await.is_success(200);
    app.get(one).by(OWNER).await.is(
        200,
        &json!({"id": "e1", "access": "rw", "access_keys": [], "download_keys": [], "tags": []}),
    );
    app.access_key("acme", "key2").await;
    assert!(!is_allowed(&app, "key2", file).await, "made anew, it inherits nothing");
}

#[tokio::test]
async fn entitlements_are_searched_by_key_and_by_tag() {
    let app = app().await;
    app.set_packages("acme", "suite", &["vault/app"]).await;
    let body = json!({
        "id": "entitlement-id", "access": "r", "access_keys": ["key1"],
        "path": "com/jfrog/bintray/0.1.0",
    });
    entitled(&app, "/repos/acme/tools", body).await;
    let example = json!([{
        "id": "entitlement-id", "repo": "/acme/tools", "path": "com/jfrog/bintray/0.1.0",
        "access": "r", "access_keys": ["key1"],
    }]);
    let search = async |query: &str| {
        app.get(&format!("/api/v1/search/entitlements?{query}")).by(OWNER).await
    };
    search("access_key=key1&scope=acme/tools").await.is_page((1, 0, 0), &example);
    search("access_key=key1&scope=acme%2Ftools&deep=0").await.is_page((1, 0, 0), &example);
    app.patch("/repos/acme/tools/entitlements/entitlement-id")
        .by(OWNER)
        .json(&json!({"tags": ["tag1"]}))
        .await;
    let mut tagged = example.clone();
    tagged[0]["tags"] = json!(["tag1"]);
    search("tag=tag1&scope=acme/tools").await.is_page((1, 0, 0), &tagged);

    for (index, place) in PLACES.into_iter().enumerate() {
        let body = json!({"id": format!("e{index}"), "access": "r", "access_keys": ["key2"], "tags": ["t"]});
        entitled(&app, place, body).await;
    }
    let found = |index: usize| {
        let mut found = json!({
            "id": format!("e{index}"), "access": "r", "access_keys": ["key2"], "tags": ["t"],
        });
        match index {
            0 => found["product"] = json!("suite"),
            _ => found["repo"] = json!("/acme/vault"),
        }
        if index > 1 {
            found["package"] = json!("app");
        }
        if index > 2 {
            found["version"] = json!("1.0");
        }
        found
    };
    for (query, expected) in [
        ("scope=acme", &[][..]),
        ("scope=acme&deep=true", &[0, 1, 2, 3]),
        ("scope=acme/vault", &[1]),
        ("scope=acme/vault&deep=1", &[1, 2, 3]),
        ("scope=acme/vault/app", &[2]),
        ("scope=acme/vault/app&deep=1", &[2, 3]),
        ("scope=acme/vault/app/1.0", &[3]),
        ("scope=/acme/vault/app/1.0&deep=1", &[3]),
        ("scope=acme/vault/app/2.0&deep=1", &[]),
        ("scope=acme/tools&deep=1", &[]),
        ("scope=acme&product=suite", &[0]),
        ("scope=acme&product=suite&deep=1", &[0, 2, 3]),
        ("scope=acme/vault&product=suite&deep=1", &[2, 3]),
        ("scope=acme/vault&product=suite", &[]),
        ("scope=acme/tools&product=suite&deep=1", &[]),
        ("scope=acme/vault/app&product=suite", &[2]),
        ("scope=acme/vault/app/1.0&product=suite", &[3]),
    ] {
        for by in ["access_key=key2", "tag=t", "tag=t&access_key=key2"] {
            let answer = search(&format!("{by}&{query}")).await;
            let mut items: Vec<Value> = answer.value().as_array().unwrap().clone();
            items.sort_by_key(|item| item["id"].as_str().unwrap().to_owned());
            let expected: Vec<Value> = expected.iter().map(|index| found(*index)).collect();
            assert_eq!(items, expected, "{query} {answer:?}");
        }
        let none = search(&format!("tag=other&{query}")).await;
        none.is_page((0, 0, 0), &json!([]));
        let none = search(&format!("tag=t&access_key=key1&{query}")).await;
        none.is_page((0, 0, 0), &json!([]));
    }
    search("scope=acme").await.refuses(400, "Nothing to search for: give access_key or tag");
    let message = "There is no scope: give one, like scope=subject/repo";
    search("tag=t").await.refuses(400, message);
}

#[tokio::test]
async fn a_scope_that_is_not_there_or_not_the_callers_is_forbidden() {
    let app = app().await;
    app.user("free", "oss").await;
    for scope in [
        "nobody",
        "nobody/x",
        "acme/absent",
        "acme/vault/absent",
        "acme/vault/app/9",
        "acme/va%00ult",
        "acme/vault/app/1.0/more",
        "acme//app",
        "%20",
        "ACME",
    ] {
        for caller in [OWNER, STRANGER] {
            let path = format!("/search/entitlements?access_key=key1&scope={scope}&deep=1");
            app.get(&path).by(caller).await.refuses(403, "Forbidden");
        }
    }
    for caller in [STRANGER, PUBLISHER, "key1@acme"] {
        for scope in ["acme", "acme/vault", "acme/tools", "acme&product=suite", "acme&product=x"] {
            let path = format!("/search/entitlements?access_key=key1&scope={scope}");
            app.get(&path).by(caller).await.refuses(403, "Forbidden");
            app.get(&path).await.needs_credentials();
        }
    }
    let absent = "/search/entitlements?tag=t&scope=acme&product=absent";
    app.get(absent).by(OWNER).await.refuses(403, "Forbidden");
    app.get("/search/entitlements?tag=t&scope=free").by("free").await.refuses(403, GATE);
}

/// What is deleted takes its entitlements along, and what is made anew has none: T075, T076.
#[tokio::test]
async fn entitlements_go_with_what_they_are_of() {
    let app = app().await;
    for (place, made) in [
        ("/packages/acme/vault/app/versions/1.0", "/packages/acme/vault/app/versions"),
        ("/packages/acme/vault/app", "/packages/acme/vault"),
        ("/repos/acme/vault", "/repos/acme/vault"),
    ] {
        entitled(&app, place, json!({"id": "e1", "access": "rw", "access_keys": ["key1"]})).await;
        app.delete(place).by(OWNER).await.is_success(200);
        let name = place.rsplit('/').next().unwrap();
        let body = json!({"name": name, "private": true});
        assert_eq!(app.post(made).by(OWNER).json(&body).await.status, 201);
        let list = format!("{place}/entitlements");
        app.get(&list).by(OWNER).await.is_page((0, 0, 0), &json!([]));
        if !place.contains("versions") {
            let target = "acme/vault/app/1.0/app/1.0/app.bin?publish=1";
            if place.starts_with("/repos") {
                app.package("acme/vault", json!({"name": "app"})).await;
            }
            app.upload(target, "x").await;
        } else {
            app.upload("acme/vault/app/1.0/app/1.0/app.bin?publish=1", "x").await;
        }
        assert!(!is_allowed(&app, "key1", "vault/app/1.0/app.bin").await, "{place}");
        let search =
            app.get("/search/entitlements?access_key=key1&scope=acme&deep=1").by(OWNER).await;
        search.is_page((0, 0, 0), &json!([]));
    }
}
