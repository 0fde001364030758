//! What tests of Bintray's clients asserted of the live service, one statement a test: of
//! repositories, packages, versions and files. The comment of each names the client; whole answers
//! are compared in the modules of the nouns.

use serde_json::{Value, json};

use crate::app::{NOW, OWNER, STRANGER};
use crate::facts::app;

const SUCCESS: &str = "{\"message\":\"success\"}";

/// PY.
#[tokio::test]
async fn a_colon_in_a_name_is_raw_or_encoded_and_comes_back_decoded() {
    let app = app().await;
    app.package("acme/tools", json!({"name": "Catch:bincrafters"})).await;
    app.upload("acme/tools/Catch%3Abincrafters/1.0:a/x:y.bin?publish=1", "x").await;
    for spelling in ["Catch:bincrafters", "Catch%3Abincrafters", "Catch%3abincrafters"] {
        let package = app.get(&format!("/packages/acme/tools/{spelling}")).await.value();
        assert_eq!(package["name"], "Catch:bincrafters");
        let version = app.get(&format!("/packages/acme/tools/{spelling}/versions/1.0%3Aa")).await;
        assert_eq!(version.value()["package"], "Catch:bincrafters");
        let files = app.get(&format!("/packages/acme/tools/{spelling}/files")).await.value();
        assert_eq!(files[0]["path"], "x:y.bin");
    }
}

/// PY: mutations without a resource, and uploads, compared as whole bodies.
#[tokio::test]
async fn mutations_without_a_resource_answer_exactly_success() {
    let app = app().await;
    app.upload("acme/tools/app/1.0/a?publish=1", "a").await;
    let list = json!({"list_in_downloads": "true"});
    for (ask, status) in [
        (app.put("/content/acme/tools/app/1.0/x?publish=0&override=0&explode=0"), 201),
        (app.patch("/repos/acme/tools"), 200),
        (app.patch("/packages/acme/tools/app"), 200),
        (app.patch("/packages/acme/tools/app/versions/1.0"), 200),
        (app.put("/file_metadata/acme/tools/a").json(&list), 200),
        (app.delete("/content/acme/tools/a"), 200),
        (app.delete("/packages/acme/tools/app/versions/1.0"), 200),
        (app.delete("/packages/acme/tools/app"), 200),
        (app.delete("/repos/acme/tools"), 200),
    ] {
        let answer = ask.by(OWNER).await;
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (status, SUCCESS.as_bytes()),
            "{answer:?}"
        );
    }
}

/// PY, RUBY.
#[tokio::test]
async fn what_is_not_found_is_named_with_its_noun() {
    let app = app().await;
    for (path, text) in [
        ("/repos/nobody", "Subject 'nobody' was not found"),
        ("/repos/acme/unknown", "Repo 'unknown' was not found"),
        ("/repos/acme/unknown/packages", "Repo 'unknown' was not found"),
        ("/packages/acme/unknown/x", "Repo 'unknown' was not found"),
        ("/packages/acme/tools/unknown", "Package 'unknown' was not found"),
        ("/packages/acme/tools/unknown/versions/1", "Package 'unknown' was not found"),
        ("/packages/acme/tools/app/versions/unknown", "Version 'unknown' was not found"),
        ("/packages/acme/tools/app/versions/unknown/files", "Version 'unknown' was not found"),
    ] {
        app.get(path).by(OWNER).await.refuses(404, text);
    }
}

/// PY: of the calls around licences.
#[tokio::test]
async fn own_licenses_are_not_allowed_for_a_free_user() {
    let app = app().await;
    let text = "This action is not allowed for none-premium subject free";
    let body = json!({
        "name": "x", "licenses": ["MIT"], "vcs_url": "https://x.test/x", "custom_licenses": ["own"],
    });
    app.post("/packages/free/generic").by("free").json(&body).await.refuses(400, text);
    let patch = app.patch("/packages/free/generic/test-package").by("free");
    patch.json(&json!({"custom_licenses": ["own"]})).await.refuses(400, text);
    // To say that there are none is what scripts do.
    let patch = app.patch("/packages/free/generic/test-package").by("free");
    patch.json(&json!({"custom_licenses": []})).await.is_success(200);
}

/// PY: `2019-07-01T20:51:42.879Z`.
#[tokio::test]
async fn dates_go_out_with_three_digits_of_a_second_and_z() {
    let app = app().await;
    app.clock.advance(std::time::Duration::from_millis(7));
    app.upload("acme/tools/app/3.0/x?publish=1", "x").await;
    let repo = app.get("/repos/acme/tools").await.value();
    let package = app.get("/packages/acme/tools/app").await.value();
    let version = app.get("/packages/acme/tools/app/versions/3.0").await.value();
    let files = app.get("/packages/acme/tools/app/versions/3.0/files").await.value();
    let late = json!("2026-01-01T00:00:00.007Z");
    assert_eq!((&repo["created"], &package["created"]), (&json!(NOW), &json!(NOW)));
    for date in
        [&package["updated"], &version["created"], &version["updated"], &files[0]["created"]]
    {
        assert_eq!(*date, late);
    }
}

/// RUBY.
#[tokio::test]
async fn a_date_without_a_time_comes_back_as_midnight_in_utc() {
    let app = app().await;
    let made = app.post("/packages/acme/tools/app/versions").by(OWNER);
    let made = made.json(&json!({"name": "d", "released": "2014-02-01"})).await;
    assert_eq!((made.status, &made.value()["released"]), (201, &json!("2014-02-01T00:00:00.000Z")));
}

/// RS: absent or empty before it is set; it compares them in order.
#[tokio::test]
async fn labels_of_a_repository_are_empty_at_first_and_keep_their_order() {
    let app = app().await;
    let made = app.post("/repos/acme/labels").by(OWNER).json(&json!({"name": "labels"})).await;
    assert_eq!(made.value()["labels"], json!([]));
    let patch = app.patch("/repos/acme/labels").by(OWNER);
    patch.json(&json!({"labels": ["z", "a", "m"]})).await.is_success(200);
    assert_eq!(app.get("/repos/acme/labels").await.value()["labels"], json!(["z", "a", "m"]));
}

/// PY.
#[tokio::test]
async fn a_free_user_may_name_a_business_unit_that_is_not_there() {
    let app = app().await;
    let body = json!({"name": "unit", "business_unit": "foobar", "type": "generic"});
    let made = app.post("/repos/free/unit").by("free").json(&body).await;
    assert_eq!((made.status, &made.value()["business_unit"]), (201, &json!("foobar")));
    assert_eq!(made.value()["created"], NOW);
}

/// JAVA.
#[tokio::test]
async fn private_and_premium_in_a_patch_of_a_free_subject_are_passed_over() {
    let app = app().await;
    let patch = app.patch("/repos/free/generic").by("free");
    patch.json(&json!({"name": "other", "private": true, "premium": true})).await.is_success(200);
    let shown = app.get("/repos/free/generic").by("free").await.value();
    assert_eq!((&shown["private"], &shown["premium"]), (&json!(false), &json!(false)));
    assert_eq!(shown["name"], "generic", "nor is it renamed");
    assert_eq!(app.get("/free/generic/x").await.status, 404, "it is public still");
}

/// PY: `name` and `repo`.
#[tokio::test]
async fn the_package_of_a_file_is_the_whole_package() {
    let app = app().await;
    app.upload("free/generic/test-package/0.1/dir/a.json?publish=1", "a").await;
    for caller in ["", STRANGER, "free"] {
        for prefix in ["", "/api/v1", "/"] {
            let package = app.get(&format!("{prefix}/packages/free/generic/test-package"));
            let of_file = app.get(&format!("{prefix}/file_package/free/generic/dir/a.json"));
            let (package, of_file) = (package.by(caller).await, of_file.by(caller).await);
            assert!(of_file.same_as(&package), "{of_file:?}");
            let value = of_file.value();
            assert_eq!(
                (&value["name"], &value["repo"]),
                (&json!("test-package"), &json!("generic"))
            );
        }
    }
}

/// The documents: as [`the_package_of_a_file_is_the_whole_package`].
#[tokio::test]
async fn the_version_of_a_file_is_the_whole_version() {
    let app = app().await;
    app.upload("free/generic/test-package/0.1/dir/a.json?publish=1", "a").await;
    for caller in ["", STRANGER, "free"] {
        let version = app.get("/packages/free/generic/test-package/versions/0.1").by(caller).await;
        let of_file = app.get("/api/v1/file_version/free/generic/dir/a.json").by(caller).await;
        assert!(of_file.same_as(&version), "{of_file:?}");
        assert_eq!(of_file.value()["name"], "0.1");
    }
}

/// JAVA.
#[tokio::test]
async fn labels_of_a_version_are_those_of_its_package() {
    let app = app().await;
    let made = app.post("/packages/free/generic/test-package/versions").by("free");
    let made = made.json(&json!({"name": "1", "labels": ["x"]})).await;
    assert_eq!(made.value()["labels"], json!(["b", "a"]));
    let patch = app.patch("/packages/free/generic/test-package").by("free");
    patch.json(&json!({"labels": ["c"]})).await.is_success(200);
    let shown = app.get("/packages/free/generic/test-package/versions/1").await.value();
    assert_eq!(shown["labels"], json!(["c"]));
}

/// PY: the whole dictionary, `sha256` among it.
#[tokio::test]
async fn a_listed_file_has_exactly_these_keys() {
    let app = app().await;
    let expected = json!([{
        "name": "app.bin", "path": "app/1.0/app.bin", "package": "app", "version": "1.0",
        "repo": "tools", "owner": "acme", "created": NOW, "size": 3,
        "sha1": "fe05bcdcdc4928012781a5f1a2a77cbb5398e106",
        "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    }]);
    for list in ["files", "versions/1.0/files"] {
        let listed =
            app.get(&format!("/packages/acme/tools/app/{list}?include_unpublished=0")).await;
        assert_eq!(listed.value(), expected);
    }
}

/// PY sends the text "true".
#[tokio::test]
async fn a_published_file_is_put_on_the_download_list() {
    let app = app().await;
    for listed in [json!("true"), json!(true), json!("false"), json!(false)] {
        let put = app.put("/file_metadata/acme/tools/app/1.0/app.bin").by(OWNER);
        put.json(&json!({"list_in_downloads": listed})).await.is_success(200);
    }
}

/// RS looks for these words; DPL and CLI ask again for every status from 400 on.
#[tokio::test]
async fn an_unpublished_file_is_not_put_on_the_download_list() {
    let app = app().await;
    let put = app.put("/file_metadata/acme/tools/app/2.0/new.bin").by(OWNER);
    let refused = put.json(&json!({"list_in_downloads": true})).await;
    refused.refuses_saying(400, "unpublished file");
}

/// BINTRY, GRADLE, DPL, CLI: their whole runs, in short.
#[tokio::test]
async fn a_script_asks_with_head_makes_what_is_missing_and_is_told_what_is_there() {
    let app = app().await;
    let head = async |path: &str| app.ask("HEAD", path).by(OWNER).await.status;
    assert_eq!(head("/repos/acme/new").await, 404);
    assert_eq!(app.post("/repos/acme/new").by(OWNER).await.status, 201);
    assert_eq!(head("/repos/acme/new").await, 200);
    let again = app.post("/repos/acme/new").by(OWNER).await;
    again.refuses(409, "Repo 'new' already exists");
    assert_eq!(head("/packages/acme/new/p").await, 404);
    let package = json!({"name": "p", "attributes": [{"name": "a", "values": [1]}]});
    assert_eq!(app.post("/packages/acme/new").by(OWNER).json(&package).await.status, 201);
    assert_eq!(head("/packages/acme/new/p").await, 200);
    assert_eq!(head("/packages/acme/new/p/versions/1").await, 404);
    let version = json!({"name": "1", "attributes": [], "released": "2015-01-04"});
    let made = app.post("/packages/acme/new/p/versions").by(OWNER).json(&version).await;
    assert_eq!(made.status, 201);
    assert_eq!(head("/packages/acme/new/p/versions/1").await, 200);
    let put = app.put("/content/acme/new/p/1/a/b.bin;override=1;publish=0").by(OWNER).body("x");
    put.await.is_success(201);
    let publish = app.post("/content/acme/new/p/1/publish").by(OWNER);
    publish.header("content-type", "application/json").await.is(200, &json!({"files": 1}));
    assert_eq!(head("/acme/new/a/b.bin").await, 200);
}

/// JAVA, NODE, PERL, BINTRY: routes of the API with slashes to spare, in both places.
#[tokio::test]
async fn doubled_and_trailing_slashes_do_not_matter_on_routes_of_the_api() {
    let app = app().await;
    for path in [
        "/repos/acme",
        "/repos/acme/tools",
        "/repos/acme/tools/packages",
        "/packages/acme/tools/app",
        "/packages/acme/tools/app/files",
        "/packages/acme/tools/app/versions/1.0",
        "/packages/acme/tools/app/versions/_latest",
        "/packages/acme/tools/app/versions/1.0/files",
    ] {
        let plain = app.get(path).by(OWNER).await;
        assert_eq!(plain.status, 200);
        for spelling in [
            format!("/{path}"),
            format!("{path}/"),
            path.replace('/', "//"),
            format!("/api/v1{path}"),
            format!("/api/v1/{path}/"),
            format!("//api/v1{path}//"),
            format!("{path}?"),
            format!("{path}/?&x=1"),
        ] {
            let other = app.get(&spelling).by(OWNER).await;
            assert!(other.same_as(&plain), "{other:?}");
        }
    }
    let put = app.put("//content//acme/tools/app/1.0/slashes").by(OWNER).body("x").await;
    put.is_success(201);
    let list = json!({"list_in_downloads": true});
    let put = app.put("//file_metadata/acme/tools/app/1.0/app.bin").by(OWNER).json(&list).await;
    put.is_success(200);
    let values: Vec<Value> =
        vec![app.get("//file_package//acme/tools/app/1.0/app.bin").await.value()];
    assert_eq!(values[0]["name"], "app");
}
