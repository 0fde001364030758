//! "Versions": create, read, change and delete, and `_latest`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, NOW, OWNER, PUBLISHER, STRANGER};

/// The whole answer for a version that was made with nothing but a name, as publishers see it.
fn plain(name: &str, ordinal: i64) -> Value {
    json!({
        "name": name, "desc": null, "package": "app", "repo": "tools", "owner": "acme",
        "labels": [], "published": false, "attribute_names": [], "created": NOW, "updated": NOW,
        "released": "", "ordinal": ordinal, "github_release_notes_file": null,
        "github_use_tag_release_notes": false, "vcs_tag": null, "rating_count": 0,
    })
}

fn for_strangers(mut version: Value) -> Value {
    for key in ["github_release_notes_file", "github_use_tag_release_notes", "vcs_tag"] {
        version.as_object_mut().unwrap().remove(key).unwrap();
    }
    version
}

const VERSIONS: &str = "/packages/acme/tools/app/versions";

async fn app() -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.user(STRANGER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    app.package("acme/tools", json!({"name": "app"})).await;
    app
}

#[tokio::test]
async fn a_version_is_made_and_shown_to_publishers_and_to_others() {
    let app = app().await;
    for (place, prefix) in ["", "/api/v1", "//"].into_iter().enumerate() {
        let (name, ordinal) = (format!("1.{place}"), i64::try_from(place).unwrap() + 1);
        let made = app.post(&format!("{prefix}{VERSIONS}")).by(OWNER);
        made.json(&json!({"name": name})).await.is(201, &plain(&name, ordinal));
        let path = format!("{prefix}{VERSIONS}/{name}");
        app.get(&path).by(OWNER).await.is(200, &plain(&name, ordinal));
        for caller in ["", STRANGER] {
            app.get(&path).by(caller).await.is(200, &for_strangers(plain(&name, ordinal)));
        }
    }
}

#[tokio::test]
async fn everything_that_is_said_of_a_version_comes_back() {
    let app = app().await;
    app.patch("/packages/acme/tools/app").by(OWNER).json(&json!({"labels": ["b", "a"]})).await;
    let body = json!({
        "name": "2.0", "desc": "This version", "released": "2015-01-07T18:00:00.000-06:00",
        "vcs_tag": "v2.0", "github_release_notes_file": "RELEASE.txt",
        "github_use_tag_release_notes": "true", "attributes": [], "release_notes": "x",
        "releades": "x", "labels": ["ignored"], "published": true, "ordinal": 99,
    });
    let mut expected = plain("2.0", 1);
    for key in ["desc", "vcs_tag", "github_release_notes_file"] {
        expected[key] = body[key].clone();
    }
    expected["released"] = json!("2015-01-08T00:00:00.000Z");
    expected["github_use_tag_release_notes"] = json!(true);
    // A version has the labels of its package.
    expected["labels"] = json!(["b", "a"]);
    app.post(VERSIONS).by(OWNER).json(&body).await.is(201, &expected);
    app.get(&format!("{VERSIONS}/2.0")).by(OWNER).await.is(200, &expected);
}

#[tokio::test]
async fn dates_come_in_every_form_and_go_out_in_one() {
    let app = app().await;
    for (place, (given, shown)) in [
        ("2014-02-01", "2014-02-01T00:00:00.000Z"),
        ("2015-01-08T00:00:00.000Z", "2015-01-08T00:00:00.000Z"),
        ("2011-07-14T19:43:37+0100", "2011-07-14T18:43:37.000Z"),
        ("2016-05-05T10:11:12", "2016-05-05T10:11:12.000Z"),
        ("", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"name": format!("d{place}"), "released": given});
        let made = app.post(VERSIONS).by(OWNER).json(&body).await;
        assert_eq!((made.status, &made.value()["released"]), (201, &json!(shown)), "{given}");
    }
    let body = json!({"name": "bad", "released": "yesterday"});
    let refused = app.post(VERSIONS).by(OWNER).json(&body).await;
    refused.refuses_saying(400, "'yesterday' is no date: use the form 2026-01-31T12:00:00.000Z");
}

#[tokio::test]
async fn a_name_is_needed_once_and_is_none_that_is_reserved() {
    let app = app().await;
    let create = |body: Value| app.post(VERSIONS).by(OWNER).json(&body);
    create(json!({})).await.refuses(400, "The version has no name: give one as \"name\"");
    assert_eq!(create(json!({"name": "1"})).await.status, 201);
    create(json!({"name": "1"})).await.refuses(409, "Version '1' already exists");
    let reserved = "the version name '_latest' is reserved: choose another";
    create(json!({"name": "_latest"})).await.refuses(400, reserved);
    let snapshot = "Version '1-SNAPSHOT' is a snapshot: snapshots are not stored";
    create(json!({"name": "1-SNAPSHOT"})).await.refuses(400, snapshot);
    let absent = app.post("/packages/acme/tools/x/versions").by(OWNER).json(&json!({"name": "1"}));
    absent.await.refuses(404, "Package 'x' was not found");
    for ask in
        [app.patch(&format!("{VERSIONS}/_latest")), app.delete(&format!("{VERSIONS}/_latest"))]
    {
        ask.by(OWNER).await.refuses(400, reserved);
    }
}

#[tokio::test]
async fn a_patch_or_its_old_form_changes_what_it_says_and_nothing_else() {
    let app = app().await;
    let path = format!("{VERSIONS}/1.0");
    app.post(VERSIONS).by(OWNER).json(&json!({"name": "1.0", "desc": "d", "vcs_tag": "t"})).await;
    app.clock.advance(Duration::from_secs(1));
    let patch = json!({"name": "9", "released": "2015-01-04", "description": "no such key"});
    app.patch(&path).by(OWNER).json(&patch).await.is_success(200);
    let mut expected = plain("1.0", 1);
    expected["desc"] = json!("d");
    expected["vcs_tag"] = json!("t");
    expected["released"] = json!("2015-01-04T00:00:00.000Z");
    expected["updated"] = json!("2026-01-01T00:00:01.000Z");
    app.get(&path).by(OWNER).await.is(200, &expected);
    app.get(&format!("{VERSIONS}/9")).by(OWNER).await.refuses(404, "Version '9' was not found");

    app.post(&path).by(OWNER).json(&json!({"desc": "", "released": ""})).await.is_success(200);
    expected["desc"] = json!("");
    expected["released"] = json!("");
    app.get(&path).by(OWNER).await.is(200, &expected);
    let package = app.get("/packages/acme/tools/app").await.value();
    assert_eq!(package["updated"], "2026-01-01T00:00:01.000Z", "a package is as new as its parts");
}

#[tokio::test]
async fn no_key_of_a_body_changes_what_is_not_the_callers() {
    let app = App::furnished().await;
    let path = format!("{VERSIONS}/2.0");
    let before = app.get(&path).by(OWNER).await.value();
    let body = json!({
        "package": "other", "repo": "vault", "owner": "stranger", "published": true, "ordinal": 9,
        "created": "x", "updated": "x", "labels": ["x"], "rating_count": 9, "form": 9,
    });
    app.patch(&path).by(PUBLISHER).json(&body).await.is_success(200);
    app.get(&path).by(OWNER).await.is(200, &before);
    assert_eq!(before["published"], false);
}

#[tokio::test]
async fn the_latest_version_is_the_newest_with_a_published_file() {
    let app = app().await;
    let latest = format!("{VERSIONS}/_latest");
    app.get(&latest).await.refuses(404, "Version '_latest' was not found");
    app.upload("acme/tools/app/test/a.bin?publish=1", "a").await;
    app.upload("acme/tools/app/newer/b.bin", "b").await;
    app.post(VERSIONS).by(OWNER).json(&json!({"name": "newest"})).await;
    let mut expected = plain("test", 1);
    expected["published"] = json!(true);
    for path in [latest.clone(), format!("/api/v1{latest}"), format!("{latest}/")] {
        app.get(&path).by(OWNER).await.is(200, &expected);
        app.get(&path).await.is(200, &for_strangers(expected.clone()));
    }
    app.post("/content/acme/tools/app/newer/publish").by(OWNER).await.is(200, &json!({"files": 1}));
    assert_eq!(app.get(&latest).await.value()["name"], "newer");
    app.delete("/content/acme/tools/b.bin").by(OWNER).await.is_success(200);
    assert_eq!(app.get(&latest).await.value()["name"], "test");
}

#[tokio::test]
async fn a_deleted_version_is_gone_with_its_files_and_its_place_is_not_given_again() {
    let app = App::furnished().await;
    app.delete(&format!("{VERSIONS}/1.0")).by(PUBLISHER).await.is_success(200);
    let again = app.delete(&format!("{VERSIONS}/1.0")).by(PUBLISHER).await;
    again.refuses(404, "Version '1.0' was not found");
    app.get(&format!("{VERSIONS}/1.0")).await.refuses(404, "Version '1.0' was not found");
    let file = app.get("/acme/tools/app/1.0/app.bin").by(OWNER).await;
    file.refuses_plainly(404, "Not Found\n");
    let made = app.post(VERSIONS).by(OWNER).json(&json!({"name": "1.0"})).await;
    made.is(201, &plain("1.0", 3));
    let files = app.get(&format!("{VERSIONS}/1.0/files?include_unpublished=1")).by(OWNER).await;
    files.is_page((0, 0, 0), &json!([]));
}
