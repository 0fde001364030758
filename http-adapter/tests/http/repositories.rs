//! "Repositories": create, read, list, change and delete.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, PUBLISHER, READER, STRANGER};

/// The whole answer for a repository that was made with nothing but a name.
fn plain(name: &str) -> Value {
    json!({
        "name": name, "owner": "acme", "type": "generic", "private": false, "premium": true,
        "desc": "", "labels": [], "created": NOW, "package_count": 0,
        "gpg_sign_metadata": false, "gpg_sign_files": false, "gpg_use_owner_key": false,
    })
}

async fn app() -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.user(STRANGER, "enterprise").await;
    app
}

#[tokio::test]
async fn a_repository_is_made_with_its_defaults_and_shown_the_same() {
    let app = app().await;
    for (prefix, name, body) in [
        ("", "none", ""),
        ("", "empty", "{}"),
        ("/api/v1", "named", "{\"name\": \"other\"}"),
        ("/", "nulls", "{\"type\": null, \"desc\": null, \"labels\": null, \"private\": null}"),
    ] {
        let path = format!("{prefix}/repos/acme/{name}");
        app.post(&path).by(OWNER).body(body).await.is(201, &plain(name));
        app.get(&path).by(OWNER).await.is(200, &plain(name));
        app.get(&path).await.is(200, &plain(name));
    }
}

#[tokio::test]
async fn everything_that_is_said_of_a_repository_comes_back() {
    let app = app().await;
    let body = json!({
        "name": "deb", "type": "Deb", "private": true, "premium": false, "desc": "Ours",
        "labels": ["z", "a"], "business_unit": "unit-1", "gpg_sign_metadata": "true",
        "gpg_sign_files": 1, "gpg_use_owner_key": "0", "version_update_max_days": "60",
        "default_debian_architecture": "amd64", "default_debian_distribution": "jessie",
    });
    let expected = json!({
        "name": "deb", "owner": "acme", "type": "debian", "private": true, "premium": true,
        "desc": "Ours", "labels": ["z", "a"], "created": NOW, "package_count": 0,
        "business_unit": "unit-1", "gpg_sign_metadata": true, "gpg_sign_files": true,
        "gpg_use_owner_key": false, "version_update_max_days": 60,
        "default_debian_architecture": "amd64", "default_debian_distribution": "jessie",
        "default_debian_component": "main",
    });
    app.post("/repos/acme/deb").by(OWNER).json(&body).await.is(201, &expected);
    app.get("/repos/acme/deb").by(OWNER).await.is(200, &expected);
}

#[tokio::test]
async fn every_type_can_be_made_and_no_other() {
    let app = app().await;
    for kind in
        ["maven", "debian", "conan", "rpm", "docker", "npm", "opkg", "nuget", "vagrant", "generic"]
    {
        let path = format!("/repos/acme/{kind}");
        let mut expected = plain(kind);
        expected["type"] = json!(kind);
        match kind {
            "debian" => expected["default_debian_component"] = json!("main"),
            "rpm" => expected["yum_metadata_depth"] = json!(0),
            _ => {}
        }
        let made = app.post(&path).by(OWNER).json(&json!({"type": kind.to_uppercase()})).await;
        made.is(201, &expected);
        app.get(&path).await.is(200, &expected);
        // What other kinds have is passed over.
        let others = match kind {
            "debian" => json!({"yum_metadata_depth": 3, "yum_groups_file": "x"}),
            "rpm" => json!({"default_debian_component": "x", "default_debian_distribution": "y"}),
            _ => json!({"default_debian_architecture": "x", "yum_metadata_depth": 3}),
        };
        app.patch(&path).by(OWNER).json(&others).await.is_success(200);
        app.get(&path).await.is(200, &expected);
        let (path, mut body) = (format!("{path}-2"), others);
        body["type"] = json!(kind);
        expected["name"] = json!(format!("{kind}-2"));
        app.post(&path).by(OWNER).json(&body).await.is(201, &expected);
    }
    app.post("/repos/acme/x").by(OWNER).json(&json!({"type": "tarball"})).await.refuses(
        400,
        "Repository type 'tarball' does not exist: use maven, debian, conan, rpm, docker, npm, \
         opkg, nuget, vagrant, generic",
    );
}

#[tokio::test]
async fn a_name_is_taken_in_any_spelling_and_found_in_one() {
    let app = app().await;
    app.repo("acme/Tools", json!({})).await;
    for name in ["Tools", "tools", "TOOLS"] {
        let again = app.post(&format!("/repos/acme/{name}")).by(OWNER).await;
        again.refuses(409, &format!("Repo '{name}' already exists"));
    }
    app.get("/repos/acme/tools").by(OWNER).await.refuses(404, "Repo 'tools' was not found");
    app.get("/repos/ACME/Tools").by(OWNER).await.refuses(404, "Repo 'Tools' was not found");
    app.get("/repos/acme/tools").await.needs_credentials();
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_said_so_in_the_words_that_clients_know() {
    let app = app().await;
    for caller in [OWNER, STRANGER, ADMIN] {
        app.get("/repos/acme/x").by(caller).await.refuses(404, "Repo 'x' was not found");
        app.get("/repos/nobody/x").by(caller).await.refuses(404, "Repo 'x' was not found");
        app.get("/repos/nobody").by(caller).await.refuses(404, "Subject 'nobody' was not found");
    }
    app.delete("/repos/acme/x").by(OWNER).await.refuses(404, "Repo 'x' was not found");
    app.patch("/repos/acme/x").by(OWNER).await.refuses(404, "Repo 'x' was not found");
    let made = app.post("/repos/nobody/x").by(STRANGER).await;
    made.refuses(404, "Subject 'nobody' was not found");
}

#[tokio::test]
async fn a_patch_changes_what_it_says_and_nothing_else() {
    let app = app().await;
    app.repo("acme/tools", json!({"desc": "old", "labels": ["a"], "type": "maven"})).await;
    let patch = json!({"desc": "new", "gpg_sign_files": true, "nonsense": {"deep": [1]}});
    app.clock.advance(Duration::from_secs(5));
    app.patch("/repos/acme/tools").by(OWNER).json(&patch).await.is_success(200);
    let mut expected = plain("tools");
    expected["type"] = json!("maven");
    expected["desc"] = json!("new");
    expected["labels"] = json!(["a"]);
    expected["gpg_sign_files"] = json!(true);
    app.get("/repos/acme/tools").await.is(200, &expected);

    let clear = json!({"desc": "", "labels": [], "business_unit": ""});
    app.patch("/api/v1/repos/acme/tools").by(OWNER).json(&clear).await.is_success(200);
    expected["desc"] = json!("");
    expected["labels"] = json!([]);
    app.get("/repos/acme/tools").await.is(200, &expected);

    app.patch("/repos/acme/tools").by(OWNER).await.is_success(200);
    app.get("/repos/acme/tools").await.is(200, &expected);
}

#[tokio::test]
async fn no_key_of_a_body_changes_what_is_not_the_callers() {
    let app = App::furnished().await;
    let before = app.get("/repos/acme/tools").by(OWNER).await.value();
    let body = json!({
        "name": "taken", "owner": "stranger", "subject": "stranger", "id": "0", "created": "x",
        "package_count": 99, "premium": false, "type": "maven", "kind": "maven", "form": 9,
        "closing": [],
    });
    app.patch("/repos/acme/tools").by(OWNER).json(&body).await.is_success(200);
    app.get("/repos/acme/tools").by(OWNER).await.is(200, &before);
    app.get("/repos/acme/taken").by(OWNER).await.refuses(404, "Repo 'taken' was not found");
    // Who may publish may not open a private repository.
    for caller in [PUBLISHER, READER] {
        let opened = app.patch("/repos/acme/vault").by(caller).json(&json!({"private": false}));
        opened.await.refuses(403, "forbidden");
    }
    app.get("/repos/acme/vault").await.needs_credentials();
}

#[tokio::test]
async fn a_free_subject_has_no_private_repository() {
    let app = App::new().await;
    app.user("free", "oss").await;
    let refused = app.post("/repos/free/x").by("free").json(&json!({"private": true})).await;
    refused.refuses(400, "This action is not allowed for none-premium subject free");
    let unit = json!({"business_unit": "foobar", "premium": true});
    let made = app.post("/repos/free/x").by("free").json(&unit).await;
    let mut expected = plain("x");
    expected["owner"] = json!("free");
    expected["premium"] = json!(false);
    expected["business_unit"] = json!("foobar");
    made.is(201, &expected);
    let patch = json!({"private": true, "premium": true});
    app.patch("/repos/free/x").by("free").json(&patch).await.is_success(200);
    app.get("/repos/free/x").by("free").await.is(200, &expected);
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let app = app().await;
    let both = json!({"gpg_use_owner_key": true, "gpg_sign_files": true});
    let text = "gpg_use_owner_key cannot be set together with gpg_sign_files or gpg_sign_metadata";
    app.post("/repos/acme/x").by(OWNER).json(&both).await.refuses(400, text);
    app.repo("acme/x", json!({"gpg_use_owner_key": true})).await;
    let patch = json!({"gpg_sign_metadata": true});
    app.patch("/repos/acme/x").by(OWNER).json(&patch).await.refuses(400, text);
    let negative = json!({"yum_metadata_depth": -1});
    let refused = app.patch("/repos/acme/x").by(OWNER).json(&negative).await;
    refused.refuses(400, "yum_metadata_depth is -1: use a number from 0 to 4294967295");
}

#[tokio::test]
async fn a_list_has_name_and_owner_of_what_the_caller_may_see() {
    let app = App::furnished().await;
    let entry = |name: &str| json!({"name": name, "owner": "acme"});
    let all = json!([entry("tools"), entry("vault")]);
    for caller in [OWNER, ADMIN, PUBLISHER, READER] {
        app.get("/repos/acme").by(caller).await.is_page((2, 0, 1), &all);
    }
    for caller in ["", STRANGER] {
        for path in ["/repos/acme", "/repos/acme/", "//repos//acme", "/api/v1/repos/acme"] {
            app.get(path).by(caller).await.is_page((1, 0, 0), &json!([entry("tools")]));
        }
    }
}

#[tokio::test]
async fn a_repository_turns_private_at_once() {
    let app = App::furnished().await;
    let file = "/acme/tools/app/1.0/app.bin";
    assert_eq!(app.get(file).await.status, 200);
    let private = json!({"private": true});
    app.patch("/repos/acme/tools").by(OWNER).json(&private).await.is_success(200);
    app.get(file).await.refuses_plainly(401, "Unauthorized\n");
    app.get(file).by(STRANGER).await.refuses_plainly(404, "Not Found\n");
    app.get("/repos/acme").by(STRANGER).await.is_page((0, 0, 0), &json!([]));
}

#[tokio::test]
async fn a_deleted_repository_is_gone_with_everything_in_it() {
    let app = App::furnished().await;
    app.delete("/repos/acme/tools").by(OWNER).await.is_success(200);
    app.delete("/repos/acme/tools").by(OWNER).await.refuses(404, "Repo 'tools' was not found");
    let package = app.get("/packages/acme/tools/app").by(OWNER).await;
    package.refuses(404, "Repo 'tools' was not found");
    let file = app.get("/acme/tools/app/1.0/app.bin").by(OWNER).await;
    file.refuses_plainly(404, "Not Found\n");

    app.post("/repos/acme/tools").by(OWNER).await.is(201, &plain("tools"));
    let none = app.get("/repos/acme/tools/packages").by(OWNER).await;
    none.is_page((0, 0, 0), &json!([]));
    // Grants over the old one are not of the new one.
    app.delete("/repos/acme/tools").by(PUBLISHER).await.refuses(403, "forbidden");
    let body = json!({"name": "app"});
    let made = app.post("/packages/acme/tools").by(PUBLISHER).json(&body).await;
    made.refuses(403, "forbidden");
}

#[tokio::test]
async fn head_answers_whether_a_repository_is_there() {
    let app = App::furnished().await;
    for (path, caller, status) in [
        ("/repos/acme/tools", OWNER, 200),
        ("/repos/acme/tools", "", 200),
        ("/repos/acme/absent", OWNER, 404),
        ("/repos/acme/vault", STRANGER, 404),
        ("/repos/acme/vault", "", 401),
    ] {
        let head = app.ask("HEAD", path).by(caller).await;
        assert_eq!((head.status, head.body.as_ref()), (status, &b""[..]), "{head:?}");
    }
}
