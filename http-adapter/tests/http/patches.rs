//! PATCH, field by field: what changes it, what clears it, and what leaves it alone.

use serde_json::{Value, json};

use crate::app::{App, OWNER};

/// A field of a body: what is first said, what then, and what clears it; each as it is shown.
/// `null` where the key is then not shown.
struct Field {
    name: &'static str,
    first: Value,
    then: (Value, Value),
    clear: (Value, Value),
}

fn text(name: &'static str) -> Field {
    let then = (json!("b/b"), json!("b/b"));
    Field { name, first: json!("a/a"), then, clear: (json!(""), json!("")) }
}

/// A text that is not shown where it is empty.
fn hidden_text(name: &'static str) -> Field {
    Field { clear: (json!(""), Value::Null), ..text(name) }
}

fn list(name: &'static str, first: &str, then: &str) -> Field {
    let then = (json!([then]), json!([then]));
    Field { name, first: json!([first]), then, clear: (json!([]), json!([])) }
}

/// A switch; the first form is lenient, and nothing but the other value clears it.
fn switch(name: &'static str, first: bool) -> Field {
    let then = (json!((!first).to_string()), json!(!first));
    Field { name, first: json!(first), then, clear: (json!(i32::from(first)), json!(first)) }
}

fn with(object: &Value, key: &str, value: &Value) -> Value {
    let mut object = object.clone();
    let map = object.as_object_mut().unwrap();
    match value {
        Value::Null => map.remove(key),
        value => map.insert(key.to_owned(), value.clone()),
    };
    object
}

/// Patches each field of a thing that was made with the first values.
async fn check(app: &App, path: &str, fields: &[Field]) {
    let show = async || {
        let shown = app.get(path).by(OWNER).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        // It says when, which is another test's.
        with(&shown.value(), "updated", &Value::Null)
    };
    let patch = async |body: Value| {
        app.patch(path).by(OWNER).json(&body).await.is_success(200);
        show().await
    };
    let mut expected = show().await;
    for Field { name, first, .. } in fields {
        assert_eq!(expected[name], *first, "{path} {name}");
    }
    for Field { name, then, clear, .. } in fields {
        for body in [json!({}), json!({*name: null}), json!({"name": "x", "unknown": {*name: 1}})] {
            assert_eq!(patch(body).await, expected, "{path} {name}");
        }
        for (said, shown) in [then, clear, then] {
            expected = with(&expected, name, shown);
            assert_eq!(patch(json!({*name: said})).await, expected, "{path} {name}");
        }
    }
    // All at once, and an empty body says nothing.
    let all = fields.iter().fold(json!({}), |all, field| with(&all, field.name, &field.clear.0));
    let cleared = fields.iter().fold(expected, |all, it| with(&all, it.name, &it.clear.1));
    assert_eq!(patch(all).await, cleared);
    app.patch(path).by(OWNER).body("").await.is_success(200);
    assert_eq!(show().await, cleared);
}

fn body(fields: &[Field]) -> Value {
    fields.iter().fold(json!({}), |body, field| with(&body, field.name, &field.first))
}

async fn app() -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    app
}

#[tokio::test]
async fn a_repository_is_patched_field_by_field() {
    let app = app().await;
    let common = || {
        vec![
            text("desc"),
            list("labels", "b", "a"),
            hidden_text("business_unit"),
            switch("gpg_sign_metadata", true),
            switch("gpg_sign_files", true),
            switch("gpg_use_owner_key", false),
            switch("private", false),
            Field {
                name: "version_update_max_days",
                first: json!(60),
                then: (json!("7"), json!(7)),
                clear: (json!(""), Value::Null),
            },
        ]
    };
    let debian = vec![
        hidden_text("default_debian_architecture"),
        hidden_text("default_debian_distribution"),
        Field { clear: (json!(""), json!("main")), ..text("default_debian_component") },
    ];
    let rpm = vec![
        Field {
            name: "yum_metadata_depth",
            first: json!(3),
            then: (json!("2"), json!(2)),
            clear: (json!(""), json!(0)),
        },
        hidden_text("yum_groups_file"),
    ];
    for (kind, own) in [("debian", debian), ("rpm", rpm), ("maven", Vec::new())] {
        // The owner's key excludes the others: it is patched where they are not set.
        let (mut fields, key) = (common(), "gpg_use_owner_key");
        fields.retain(|field| field.name != key);
        fields.extend(own);
        let path = format!("/repos/acme/{kind}");
        let made =
            app.post(&path).by(OWNER).json(&with(&body(&fields), "type", &json!(kind))).await;
        assert_eq!((made.status, &made.value()["type"]), (201, &json!(kind)), "{made:?}");
        check(&app, &path, &fields).await;
    }
    app.repo("acme/own-key", json!({"gpg_use_owner_key": true})).await;
    check(&app, "/repos/acme/own-key", &[switch("gpg_use_owner_key", true)]).await;
}

#[tokio::test]
async fn a_package_is_patched_field_by_field() {
    let app = app().await;
    let fields = [
        text("desc"),
        list("labels", "b", "a"),
        list("licenses", "MIT", "Apache-2.0"),
        list("custom_licenses", "own", "other"),
        text("website_url"),
        text("issue_tracker_url"),
        text("vcs_url"),
        text("github_repo"),
        text("github_release_notes_file"),
        switch("public_download_numbers", true),
        switch("public_stats", false),
        Field {
            name: "maturity",
            first: json!("Official"),
            then: (json!("Experimental"), json!("Experimental")),
            clear: (json!(""), json!("")),
        },
    ];
    let made = app.post("/packages/acme/tools").by(OWNER);
    let made = made.json(&with(&body(&fields), "name", &json!("p"))).await;
    assert_eq!(made.status, 201, "{made:?}");
    check(&app, "/packages/acme/tools/p", &fields).await;
}

#[tokio::test]
async fn a_version_is_patched_field_by_field() {
    let app = app().await;
    app.package("acme/tools", json!({"name": "p"})).await;
    let fields = [
        text("desc"),
        text("vcs_tag"),
        text("github_release_notes_file"),
        switch("github_use_tag_release_notes", true),
        Field {
            name: "released",
            first: json!("2015-01-04T00:00:00.000Z"),
            then: (json!("2016-02-03"), json!("2016-02-03T00:00:00.000Z")),
            clear: (json!(""), json!("")),
        },
    ];
    let made = app.post("/packages/acme/tools/p/versions").by(OWNER);
    let made = made.json(&with(&body(&fields), "name", &json!("1"))).await;
    assert_eq!(made.status, 201, "{made:?}");
    check(&app, "/packages/acme/tools/p/versions/1", &fields).await;
}

/// T081.
#[tokio::test]
async fn what_is_not_for_clients_to_say_is_not_heard() {
    let app = app().await;
    app.user("other", "enterprise").await;
    app.package("acme/tools", json!({"name": "p"})).await;
    app.upload("acme/tools/p/1/f?publish=1", "f").await;
    let said = json!({
        "owner": "other", "subject": "other", "repo": "other", "package": "other", "name": "other",
        "id": "0", "subject_id": "0", "created": "2000-01-01T00:00:00.000Z", "published": false,
        "version": "9", "versions": ["9"], "latest_version": "9", "package_count": 9,
        "products": ["0"], "has_products": true, "closing": true, "restrictions": {},
        "restricted": true, "premium": false, "plan": "oss", "form": 9, "linked": true,
        "rating_count": 9, "ordinal": 9, "type": "docker",
    });
    for path in ["/repos/acme/tools", "/packages/acme/tools/p", "/packages/acme/tools/p/versions/1"]
    {
        let show = async || {
            let shown = app.get(path).by(OWNER).await;
            assert_eq!(shown.status, 200, "{shown:?}");
            with(&shown.value(), "updated", &Value::Null)
        };
        let before = show().await;
        app.patch(path).by(OWNER).json(&said).await.is_success(200);
        assert_eq!(show().await, before, "{path}");
    }
    let mut made = with(&said, "name", &json!("q"));
    made = with(&made, "type", &Value::Null);
    let made = app.post("/packages/acme/tools").by(OWNER).json(&made).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = app.get("/packages/acme/tools/q").by(OWNER).await.value();
    assert_eq!((&shown["owner"], &shown["repo"]), (&json!("acme"), &json!("tools")));
    assert_eq!(app.get("/packages/other/tools/q").by(OWNER).await.status, 404);
}
