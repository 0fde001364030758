//! Licenses of a subject's own, and the well-known ones.

use packhouse_core::model::grants::Action;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER, STRANGER, basic};

#[tokio::test]
async fn licenses_are_made_shown_changed_and_deleted_as_documented() {
    let app = App::furnished().await;
    for prefix in ["", "/api/v1"] {
        let all = format!("{prefix}/users/acme/licenses");
        app.get(&all).by(OWNER).await.is_page((0, 0, 0), &json!([]));
        let one =
            json!({"name": "license1", "description": "license-1", "url": "https://licenses.com"});
        app.post(&all).by(OWNER).json(&json!([one])).await.is(201, &one);
        let other = json!({"name": "a b", "description": "", "url": ""});
        app.post(&all).by(OWNER).json(&json!({"name": "a b"})).await.is(201, &other);
        app.get(&all).by(OWNER).await.is_page((2, 0, 1), &json!([other, one]));

        let patch = json!([{"description": "new", "url": "https://other.com"}]);
        let changed = json!({"name": "license1", "description": "new", "url": "https://other.com"});
        app.patch(&format!("{all}/license1")).by(OWNER).json(&patch).await.is(200, &changed);
        let patch = json!({"name": "ignored", "url": ""});
        let changed = json!({"name": "license1", "description": "new", "url": ""});
        app.patch(&format!("{all}/license1")).by(OWNER).json(&patch).await.is(200, &changed);

        let both = json!([{"name": "x", "description": "1", "url": "2"}, {"name": "y", "description": "", "url": ""}]);
        app.post(&all).by(OWNER).json(&both).await.is(201, &both);
        for name in ["license1", "a%20b", "x", "y"] {
            app.delete(&format!("{all}/{name}")).by(OWNER).await.is_success(200);
        }
        let gone = app.delete(&format!("{all}/x")).by(OWNER).await;
        gone.refuses(404, "License 'x' was not found");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_after_the_rights() {
    let app = App::furnished().await;
    let all = "/users/acme/licenses";
    app.post(all)
        .by(OWNER)
        .json(&json!({"name": "x"}))
        .await
        .is(201, &json!({"name": "x", "description": "", "url": ""}));
    for (method, target) in [
        ("GET", all),
        ("POST", all),
        ("PATCH", "/users/acme/licenses/x"),
        ("PATCH", "/users/acme/licenses/none"),
        ("DELETE", "/users/acme/licenses/x"),
    ] {
        for caller in [STRANGER, READER, PUBLISHER] {
            app.ask(method, target).by(caller).body("?").await.refuses(403, "forbidden");
        }
        app.ask(method, target).body("?").await.needs_credentials();
        // It is no organization.
        let org = target.replace("/users/", "/orgs/");
        let told = app.ask(method, &org).by(OWNER).body("?").await;
        told.refuses(404, "Subject 'acme' was not found");
        let nobody = target.replace("acme", "nobody");
        let told = app.ask(method, &nobody).by(OWNER).body("?").await;
        told.refuses(404, "Subject 'nobody' was not found");
    }
    let told = app.patch("/users/acme/licenses/none").by(OWNER).body("?").await;
    told.refuses(404, "License 'none' was not found");
    let both = json!([{"name": "new"}, {"name": "x"}]);
    app.post(all).by(OWNER).json(&both).await.refuses(409, "License 'x' already exists");
    let twice = json!([{"name": "new"}, {"name": "new"}]);
    app.post(all).by(OWNER).json(&twice).await.refuses(409, "License 'new' already exists");
    app.get(all)
        .by(ADMIN)
        .await
        .is_page((1, 0, 0), &json!([{"name": "x", "description": "", "url": ""}]));
    for (body, message) in [
        (json!([]), "There is no license in the list: give one, like [{\"name\": \"name\"}]"),
        (json!({}), "The license has no name: give one as \"name\""),
        (json!([{"url": "x"}]), "The license has no name: give one as \"name\""),
        (json!({"name": "a/b"}), "the license name 'a/b' has '/': leave it out"),
    ] {
        app.post(all).by(OWNER).json(&body).await.refuses(400, message);
    }
    for body in [json!([]), json!([{}, {}])] {
        let told = app.patch("/users/acme/licenses/x").by(OWNER).json(&body).await;
        told.refuses(400, "One license is changed at a time: give what changes about it once");
    }
}

#[tokio::test]
async fn licenses_are_for_premium_subjects() {
    let app = App::furnished().await;
    app.user("free", "oss").await;
    let refused = "This action is not allowed for none-premium subject free";
    for (method, target) in [
        ("GET", "/users/free/licenses"),
        ("POST", "/users/free/licenses"),
        ("PATCH", "/users/free/licenses/x"),
        ("DELETE", "/users/free/licenses/x"),
    ] {
        app.ask(method, target).by("free").json(&json!({"name": "x"})).await.refuses(400, refused);
        app.ask(method, target).by(STRANGER).await.refuses(403, "forbidden");
    }
}

#[tokio::test]
async fn licenses_of_an_organization_are_for_who_may_publish_somewhere_in_it() {
    let app = App::furnished().await;
    app.organization("corp", OWNER).await;
    for (repo, private) in [("open", false), ("closed", true)] {
        let made = app.post(&format!("/repos/corp/{repo}")).by(OWNER);
        assert_eq!(made.json(&json!({"private": private})).await.status, 201);
    }
    let all = "/orgs/corp/licenses";
    let one = json!({"name": "x", "description": "", "url": ""});
    app.post(all).by(OWNER).json(&json!([{"name": "x"}])).await.is(201, &one);
    app.get(all).by(STRANGER).await.refuses(403, "forbidden");
    app.grant(STRANGER, "corp/closed", &[Action::Read]).await;
    app.get(all).by(STRANGER).await.refuses(403, "forbidden");
    app.grant(STRANGER, "corp/closed", &[Action::Read, Action::Publish]).await;
    for caller in [STRANGER, OWNER, ADMIN] {
        app.get(all).by(caller).await.is_page((1, 0, 0), &json!([one]));
    }
    app.post(all).by(STRANGER).json(&json!({"name": "y"})).await.refuses(403, "forbidden");
    app.get("/users/corp/licenses").by(OWNER).await.refuses(404, "Subject 'corp' was not found");
}

/// Names are compared by clients as a set; two entries are known whole.
#[tokio::test]
async fn the_well_known_licenses_are_for_everybody_with_right_credentials_or_none() {
    let app = App::furnished().await;
    let (none, wrong) = (app.get("/licenses/oss_licenses").await, basic(OWNER, "wrong"));
    let listed: Vec<Value> = none.value().as_array().unwrap().clone();
    assert_eq!(listed.len(), 121);
    none.is_page((121, 0, 120), &json!(listed));
    for known in [
        json!({"name": "Copyfree", "longname": "Copyfree", "url": "http://copyfree.org/"}),
        json!({
            "name": "Apache-1.0",
            "longname": "The Apache Software License, Version 1.0",
            "url": "http://apache.org/licenses/LICENSE-1.0",
        }),
        json!({"name": "Xnet", "longname": "Xnet", "url": ""}),
    ] {
        assert!(listed.contains(&known), "{known}");
    }
    for license in &listed {
        let keys: Vec<_> = license.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["longname", "name", "url"], "{license}");
    }
    let signed_in = app.get("/api/v1/licenses/oss_licenses").by(STRANGER).await;
    assert!(signed_in.same_as(&none));
    let refused = app.get("/licenses/oss_licenses").header("authorization", &wrong).await;
    refused.needs_credentials();
}
