//! "Packages": create, read, list, change and delete.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, PUBLISHER, READER, STRANGER};

/// The whole answer for a package that was made with nothing but a name, as publishers see it.
fn plain(name: &str) -> Value {
    json!({
        "name": name, "repo": "tools", "owner": "acme", "desc": null, "labels": [],
        "attribute_names": [], "licenses": [], "custom_licenses": [], "followers_count": 0,
        "created": NOW, "website_url": null, "issue_tracker_url": null, "github_repo": "",
        "github_release_notes_file": "", "public_download_numbers": false, "public_stats": true,
        "linked_to_repos": [], "versions": [], "latest_version": null, "updated": NOW,
        "rating_count": 0, "system_ids": [], "vcs_url": null, "maturity": "",
    })
}

/// The same as others see it.
fn for_strangers(mut package: Value) -> Value {
    let object = package.as_object_mut().unwrap();
    for key in
        ["github_repo", "github_release_notes_file", "public_download_numbers", "public_stats"]
    {
        object.remove(key).unwrap();
    }
    object.insert("permissions".to_owned(), json!([]));
    package
}

async fn app() -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.user(STRANGER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    app
}

#[tokio::test]
async fn a_package_is_made_and_shown_to_publishers_and_to_others() {
    let app = app().await;
    for (prefix, name) in [("", "a"), ("/api/v1", "b"), ("/", "c")] {
        let made = app.post(&format!("{prefix}/packages/acme/tools")).by(OWNER);
        made.json(&json!({"name": name})).await.is(201, &plain(name));
        let path = format!("{prefix}/packages/acme/tools/{name}");
        for caller in [OWNER, ADMIN] {
            app.get(&path).by(caller).await.is(200, &plain(name));
        }
        for caller in ["", STRANGER] {
            app.get(&path).by(caller).await.is(200, &for_strangers(plain(name)));
        }
    }
    let counted = app.get("/repos/acme/tools").await.value();
    assert_eq!(counted["package_count"], 3);
}

#[tokio::test]
async fn a_package_has_its_keys_in_the_services_order() {
    let app = app().await;
    let made = app.post("/packages/acme/tools").by(OWNER).json(&json!({"name": "a"})).await;
    let text = String::from_utf8(made.body.to_vec()).unwrap();
    let order = "name repo owner desc labels attribute_names licenses custom_licenses \
        followers_count created website_url issue_tracker_url github_repo \
        github_release_notes_file public_download_numbers public_stats linked_to_repos versions \
        latest_version updated rating_count system_ids vcs_url maturity";
    let places: Vec<_> =
        order.split(' ').map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn everything_that_is_said_of_a_package_comes_back_with_sorted_licenses() {
    let app = app().await;
    let body = json!({
        "name": "full", "desc": "This package", "labels": ["z", "a"],
        "licenses": ["MIT", "Apache-2.0", "MIT"], "custom_licenses": ["own", "mine", "own"],
        "website_url": "http://x.test", "issue_tracker_url": "http://x.test/issues",
        "vcs_url": "http://x.test/x.git", "github_repo": "x/y",
        "github_release_notes_file": "NOTES", "public_download_numbers": "true",
        "public_stats": false, "maturity": "Stable", "attributes": [{"name": "unknown"}],
    });
    let mut expected = plain("full");
    for key in [
        "desc",
        "labels",
        "website_url",
        "issue_tracker_url",
        "vcs_url",
        "github_repo",
        "github_release_notes_file",
        "maturity",
        "public_stats",
    ] {
        expected[key] = body[key].clone();
    }
    expected["licenses"] = json!(["Apache-2.0", "MIT"]);
    expected["custom_licenses"] = json!(["mine", "own"]);
    expected["public_download_numbers"] = json!(true);
    app.post("/packages/acme/tools").by(OWNER).json(&body).await.is(201, &expected);
    app.get("/packages/acme/tools/full").by(OWNER).await.is(200, &expected);
}

#[tokio::test]
async fn one_license_need_not_be_a_list_and_names_may_have_colons() {
    let app = app().await;
    let body = json!({"name": "Catch:bincrafters", "licenses": "BSL-1.0", "labels": "test"});
    let made = app.post("/packages/acme/tools").by(OWNER).json(&body).await;
    let mut expected = plain("Catch:bincrafters");
    expected["licenses"] = json!(["BSL-1.0"]);
    expected["labels"] = json!(["test"]);
    made.is(201, &expected);
    for spelling in ["Catch:bincrafters", "Catch%3Abincrafters", "%43atch%3abincrafters/"] {
        let path = format!("/packages/acme/tools/{spelling}");
        app.get(&path).by(OWNER).await.is(200, &expected);
    }
}

#[tokio::test]
async fn a_second_package_of_a_name_is_refused() {
    let app = app().await;
    app.package("acme/tools", json!({"name": "a"})).await;
    let again = app.post("/packages/acme/tools").by(OWNER).json(&json!({"name": "a"})).await;
    again.refuses(409, "Package 'a' already exists");
}

#[tokio::test]
async fn what_a_free_package_needs_is_asked_for_in_the_services_words() {
    let app = App::new().await;
    app.user("free", "oss").await;
    app.repo("free/oss", json!({})).await;
    let create = |body: Value| app.post("/packages/free/oss").by("free").json(&body);
    let mandatory = "Package for path 'free/oss' was invalid. Package license is mandatory";
    create(json!({"name": "a"})).await.refuses(400, mandatory);
    create(json!({"name": "a", "licenses": []})).await.refuses(400, mandatory);
    let vcs = "Please enter a valid VCS URL for your package.";
    create(json!({"name": "a", "licenses": ["MIT"]})).await.refuses(400, vcs);
    create(json!({"name": "a", "licenses": ["MIT"], "vcs_url": ""})).await.refuses(400, vcs);
    create(json!({"name": "a", "licenses": ["MIT"], "vcs_url": "x"})).await.refuses(400, vcs);
    let unknown = json!({"name": "a", "licenses": ["MIT", "Foo"], "vcs_url": "git:x"});
    create(unknown).await.refuses(400, "License 'Foo' does not exist");
    let whole = json!({"name": "a", "licenses": ["MIT"], "vcs_url": "https://x.test/x.git"});
    assert_eq!(create(whole).await.status, 201);
    let patch = |body: Value| app.patch("/packages/free/oss/a").by("free").json(&body);
    patch(json!({"licenses": []})).await.refuses(400, mandatory);
    patch(json!({"vcs_url": ""})).await.refuses(400, vcs);
    patch(json!({"desc": "x"})).await.is_success(200);
}

#[tokio::test]
async fn a_package_needs_a_name_that_keeps_the_rules_and_a_known_maturity() {
    let app = app().await;
    let create = |body: Value| app.post("/packages/acme/tools").by(OWNER).json(&body);
    let nameless = "The package has no name: give one as \"name\"";
    create(json!({})).await.refuses(400, nameless);
    create(json!({"name": null})).await.refuses(400, nameless);
    create(json!({"name": ""})).await.refuses(400, "the package name is empty");
    create(json!({"name": 5})).await.refuses_saying(400, "expected a string");
    let maturity =
        "Maturity 'Ripe' does not exist: use Official, Stable, Development, Experimental";
    create(json!({"name": "a", "maturity": "Ripe"})).await.refuses(400, maturity);
    let absent = app.post("/packages/acme/x").by(OWNER).json(&json!({"name": "a"})).await;
    absent.refuses(404, "Repo 'x' was not found");
}

#[tokio::test]
async fn a_patch_changes_what_it_says_and_nothing_else() {
    let app = app().await;
    let body = json!({"name": "a", "desc": "d", "labels": ["l"], "website_url": "http://w.test"});
    app.package("acme/tools", body).await;
    app.clock.advance(Duration::from_millis(1_500));
    let patch = json!({"name": "other", "vcs_url": "git:x", "maturity": "Official"});
    app.patch("/packages/acme/tools/a").by(OWNER).json(&patch).await.is_success(200);
    let mut expected = plain("a");
    expected["desc"] = json!("d");
    expected["labels"] = json!(["l"]);
    expected["website_url"] = json!("http://w.test");
    expected["vcs_url"] = json!("git:x");
    expected["maturity"] = json!("Official");
    expected["updated"] = json!("2026-01-01T00:00:01.500Z");
    app.get("/packages/acme/tools/a").by(OWNER).await.is(200, &expected);
    // The name in a body is no new name.
    let other = app.get("/packages/acme/tools/other").by(OWNER).await;
    other.refuses(404, "Package 'other' was not found");

    // Empty values are not null.
    let clear = json!({"desc": "", "labels": [], "website_url": "", "maturity": ""});
    app.patch("/packages/acme/tools/a").by(OWNER).json(&clear).await.is_success(200);
    let cleared = app.get("/packages/acme/tools/a").by(OWNER).await.value();
    let shown = |key: &str| cleared[key].clone();
    assert_eq!(
        [shown("desc"), shown("labels"), shown("website_url")],
        [json!(""), json!([]), json!("")]
    );
    let unknown = app.patch("/packages/acme/tools/a").by(OWNER).json(&json!({"licenses": ["X"]}));
    unknown.await.refuses(400, "License 'X' does not exist");
}

#[tokio::test]
async fn no_key_of_a_body_changes_what_is_not_the_callers() {
    let app = App::furnished().await;
    let before = app.get("/packages/acme/tools/app").by(OWNER).await.value();
    let body = json!({
        "repo": "vault", "owner": "stranger", "subject": "stranger", "created": "x", "id": 1,
        "updated": "x", "versions": ["9"], "latest_version": "9", "rating_count": 5,
        "followers_count": 5, "linked_to_repos": ["x/y"], "system_ids": ["x"], "permissions": [1],
        "form": 9,
    });
    app.patch("/packages/acme/tools/app").by(PUBLISHER).json(&body).await.is_success(200);
    app.get("/packages/acme/tools/app").by(OWNER).await.is(200, &before);
    let new = json!({"name": "new", "repo": "vault", "owner": "stranger"});
    let made = app.post("/packages/acme/tools").by(PUBLISHER).json(&new).await;
    made.is(201, &plain("new"));
}

#[tokio::test]
async fn versions_come_newest_first_and_the_latest_is_one_that_can_be_downloaded() {
    let app = app().await;
    app.package("acme/tools", json!({"name": "a"})).await;
    app.upload("acme/tools/a/1.0/a/1.bin?publish=1", "1").await;
    app.upload("acme/tools/a/0.9/a/0.bin?publish=1", "0").await;
    app.upload("acme/tools/a/2.0/a/2.bin", "2").await;
    let shown = app.get("/packages/acme/tools/a").await.value();
    assert_eq!(shown["versions"], json!(["2.0", "0.9", "1.0"]));
    assert_eq!(shown["latest_version"], "0.9");
}

#[tokio::test]
async fn packages_are_listed_by_name_and_by_the_start_of_a_name() {
    let app = app().await;
    for name in ["b", "a+x", "ab", "a"] {
        app.package("acme/tools", json!({"name": name})).await;
    }
    let list = |names: &[&str]| -> Value {
        names.iter().map(|name| json!({"name": name, "linked": false})).collect()
    };
    for path in [
        "/repos/acme/tools/packages",
        "/api/v1/repos/acme/tools/packages/",
        "/repos/acme/tools/packages?&start_name=",
    ] {
        app.get(path).await.is_page((4, 0, 3), &list(&["a", "a+x", "ab", "b"]));
    }
    let path = "/repos/acme/tools/packages?start_name=";
    app.get(&format!("{path}a")).await.is_page((3, 0, 2), &list(&["a", "a+x", "ab"]));
    app.get(&format!("{path}a%2B")).await.is_page((1, 0, 0), &list(&["a+x"]));
    app.get(&format!("{path}A")).await.is_page((0, 0, 0), &list(&[]));
    app.get(&format!("{path}%25")).await.is_page((0, 0, 0), &list(&[]));
    app.get(&format!("{path}*")).await.is_page((0, 0, 0), &list(&[]));
}

#[tokio::test]
async fn a_deleted_package_is_gone_with_its_versions_and_files() {
    let app = App::furnished().await;
    app.delete("/packages/acme/tools/app").by(PUBLISHER).await.is_success(200);
    let again = app.delete("/packages/acme/tools/app").by(PUBLISHER).await;
    again.refuses(404, "Package 'app' was not found");
    app.get("/packages/acme/tools/app").await.refuses(404, "Package 'app' was not found");
    let file = app.get("/acme/tools/app/1.0/app.bin").await;
    file.refuses_plainly(404, "Not Found\n");
    // Made anew it has none of the old versions, and their paths are free.
    let made = app.post("/packages/acme/tools").by(OWNER).json(&json!({"name": "app"})).await;
    made.is(201, &plain("app"));
    app.get("/packages/acme/tools/app").by(OWNER).await.is(200, &plain("app"));
    app.upload("acme/tools/app/3.0/app/1.0/app.bin?publish=1", "new").await;
}

#[tokio::test]
async fn a_reader_sees_a_private_package_and_changes_nothing() {
    let app = App::furnished().await;
    let shown = app.get("/packages/acme/vault/app").by(READER).await;
    assert_eq!((shown.status, &shown.value()["permissions"]), (200, &json!([])));
    let patched = app.patch("/packages/acme/vault/app").by(READER).json(&json!({"desc": "x"}));
    patched.await.refuses(403, "forbidden");
    app.delete("/packages/acme/vault/app").by(READER).await.refuses(403, "forbidden");
}

#[tokio::test]
async fn a_package_that_is_not_there_is_said_so() {
    let app = App::furnished().await;
    app.get("/packages/acme/tools/x").await.refuses(404, "Package 'x' was not found");
    app.get("/packages/acme/x/x").by(OWNER).await.refuses(404, "Repo 'x' was not found");
    let patched = app.patch("/packages/acme/tools/x").by(OWNER).await;
    patched.refuses(404, "Package 'x' was not found");
    let refused = app.patch("/packages/acme/tools/x").by(STRANGER).await;
    refused.refuses(403, "forbidden");
}

#[tokio::test]
async fn what_is_for_premium_accounts_is_refused_or_passed_over_for_others() {
    let app = App::new().await;
    for plan in ["oss", "premium", "enterprise"] {
        app.user(plan, plan).await;
        app.repo(&format!("{plan}/r"), json!({})).await;
        let shown = app.get(&format!("/repos/{plan}/r")).await.value();
        assert_eq!(shown["premium"], plan != "oss");
        let body = json!({
            "name": "p", "licenses": ["MIT"], "vcs_url": "https://x.test/x", "public_stats": false,
        });
        let path = format!("/packages/{plan}/r");
        let made = app.post(&path).by(plan).json(&body).await;
        assert_eq!((made.status, &made.value()["public_stats"]), (201, &json!(plan == "oss")));
        let path = format!("{path}/p");
        for said in [true, false] {
            let patch = json!({"public_stats": said});
            app.patch(&path).by(plan).json(&patch).await.is_success(200);
            let shown = app.get(&path).by(plan).await.value();
            assert_eq!(shown["public_stats"], plan == "oss" || said);
        }
        let own = app.patch(&path).by(plan).json(&json!({"custom_licenses": ["own"]})).await;
        if plan == "oss" {
            own.refuses(400, "This action is not allowed for none-premium subject oss");
        } else {
            own.is_success(200);
        }
        let github = app.patch(&path).by(plan).json(&json!({"github_repo": "nowhere"})).await;
        github.refuses(400, "No repository found under this GitHub path");
    }
}

#[tokio::test]
async fn an_empty_text_is_an_empty_list() {
    let app = app().await;
    let body = json!({"name": "a", "labels": "", "licenses": "", "custom_licenses": ""});
    app.post("/packages/acme/tools").by(OWNER).json(&body).await.is(201, &plain("a"));
}
