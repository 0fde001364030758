//! Users and organizations as others see them, and who follows them.

use serde_json::json;

use crate::app::{ADMIN, NOW, OWNER, PUBLISHER, READER, STRANGER};
use crate::organizations::guild;

#[tokio::test]
async fn a_user_is_seen_with_what_the_viewer_may_see() {
    let app = guild().await;
    let change = json!({"full_name": "Acme A.", "email": " A@Acme.test "});
    app.patch("/management/v1/users/acme").by(ADMIN).json(&change).await;
    let seen = json!({
        "name": "acme", "full_name": "Acme A.", "gravatar_id": "", "repos": ["tools"],
        "organizations": ["guild"], "followers_count": 0, "registered": NOW,
    });
    for path in ["/users/acme", "/api/v1/users/acme"] {
        app.get(path).by(STRANGER).await.is(200, &seen);
    }
    let mut all = seen.clone();
    all["repos"] = json!(["tools", "vault"]);
    app.get("/users/acme").by(READER).await.is(200, &all);
    // Twice two files of three bytes.
    all["quota_used_bytes"] = json!(12);
    // Of `a@acme.test`.
    all["gravatar_id"] = json!("fa40e4684a225b40c097cb67f0fd7185");
    for caller in [OWNER, ADMIN] {
        app.get("/users/acme").by(caller).await.is(200, &all);
    }
    let plain = json!({
        "name": "stranger", "full_name": "", "gravatar_id": "", "repos": [], "organizations": [],
        "followers_count": 0, "registered": NOW,
    });
    app.get("/users/stranger").by(OWNER).await.is(200, &plain);
    for name in ["nobody", "guild", "Acme"] {
        let absent = app.get(&format!("/users/{name}")).by(OWNER).await;
        absent.refuses(404, &format!("Subject '{name}' was not found"));
    }
}

#[tokio::test]
async fn an_organization_is_seen_with_what_the_viewer_may_see() {
    let app = guild().await;
    app.post("/repos/guild/open").by(OWNER).await;
    app.post("/repos/guild/closed").by(OWNER).json(&json!({"private": true})).await;
    app.post("/packages/guild/closed").by(OWNER).json(&json!({"name": "app"})).await;
    app.put("/content/guild/closed/app/1.0/a").by(OWNER).body("12345").await.is_success(201);
    app.post("/orgs/guild/teams").by(OWNER).json(&json!({"name": "team"})).await;
    let change = json!({"full_name": "The Guild", "email": "g@x.test"});
    app.patch("/management/v1/orgs/guild").by(OWNER).json(&change).await;
    let mut seen = json!({
        "name": "guild", "repos": ["open"], "followers_count": 0, "registered": NOW,
        "owner": "acme", "full_name": "The Guild",
        "members": [{"name": "acme"}, {"name": "publisher"}, {"name": "reader"}],
    });
    for caller in [STRANGER, READER] {
        app.get("/orgs/guild").by(caller).await.is(200, &seen);
    }
    seen["repos"] = json!(["closed", "open"]);
    seen["members"] = json!([
        {"name": "acme", "type": "owner"}, {"name": "publisher", "type": "admin"},
        {"name": "reader", "type": "member"},
    ]);
    seen["teams"] = json!(["team"]);
    seen["quota_used_bytes"] = json!(5);
    for caller in [OWNER, PUBLISHER, ADMIN] {
        app.get("/orgs/guild").by(caller).await.is(200, &seen);
    }
    app.patch("/management/v1/orgs/guild").by(ADMIN).json(&json!({"plan": "oss"})).await;
    seen.as_object_mut().unwrap().remove("teams");
    app.get("/orgs/guild").by(OWNER).await.is(200, &seen);
    for name in ["nobody", "acme", "Guild"] {
        let absent = app.get(&format!("/orgs/{name}")).by(OWNER).await;
        absent.refuses(404, &format!("Subject '{name}' was not found"));
    }
}

#[tokio::test]
async fn followers_are_those_who_said_so() {
    let app = guild().await;
    let follow = |user: &str, subject: &str| {
        let path = format!("/management/v1/users/{user}/following/{subject}");
        app.put(&path).by(user)
    };
    for (user, subject) in
        [(STRANGER, "acme"), (READER, "acme"), (READER, "acme"), (READER, "guild")]
    {
        follow(user, subject).await.is_success(200);
    }
    let both = json!([{"name": "reader"}, {"name": "stranger"}]);
    for path in ["/users/acme/followers", "/api/v1/users/acme/followers?startPosition=1"] {
        app.get(path).by(PUBLISHER).await.is_page((2, 0, 1), &both);
    }
    let rest = app.get("/users/acme/followers?start_pos=1").by(PUBLISHER).await;
    rest.is_page((2, 1, 1), &json!([{"name": "stranger"}]));
    let guilds = app.get("/users/guild/followers").by(PUBLISHER).await;
    guilds.is_page((1, 0, 0), &json!([{"name": "reader"}]));
    assert_eq!(app.get("/users/acme").by(STRANGER).await.value()["followers_count"], 2);
    assert_eq!(app.get("/orgs/guild").by(STRANGER).await.value()["followers_count"], 1);

    let unfollow = "/management/v1/users/stranger/following/acme";
    for _ in 0..2 {
        app.delete(unfollow).by(STRANGER).await.is_success(200);
    }
    app.delete("/management/v1/users/reader").by(ADMIN).await.is_success(200);
    app.user(READER, "oss").await;
    for name in ["acme", "guild"] {
        let none = app.get(&format!("/users/{name}/followers")).by(STRANGER).await;
        none.is_page((0, 0, 0), &json!([]));
    }
    let absent = app.get("/users/nobody/followers").by(STRANGER).await;
    absent.refuses(404, "Subject 'nobody' was not found");
    follow(STRANGER, "nobody").await.refuses(404, "Subject 'nobody' was not found");
    let itself = follow(STRANGER, STRANGER).await;
    itself.refuses(400, "A user cannot follow itself: name another subject");
    // Each says so for itself.
    let path = "/management/v1/users/stranger/following/acme";
    for caller in [OWNER, PUBLISHER] {
        app.put(path).by(caller).await.refuses(403, "forbidden");
        app.delete(path).by(caller).await.refuses(403, "forbidden");
    }
    app.put(path).by(ADMIN).await.is_success(200);
}

#[tokio::test]
async fn users_are_found_by_a_part_of_their_names() {
    let app = guild().await;
    let found = app.get("/search/users?name=ER").by(STRANGER).await;
    let names: Vec<_> =
        found.value().as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["publisher", "reader", "stranger"]);
    let user = json!({
        "name": "acme", "full_name": "", "gravatar_id": "", "repos": ["tools"],
        "organizations": ["guild"], "followers_count": 0, "registered": NOW,
    });
    let found = app.get("/api/v1/search/users?name=acm").by(STRANGER).await;
    found.is_page((1, 0, 0), &json!([user]));
    let rest = app.get("/search/users?name=er&start_pos=2").by(STRANGER).await;
    assert_eq!(rest.value()[0]["name"], "stranger");
    // Organizations are none, and no e-mail is looked through or shown.
    app.get("/search/users?name=guild").by(STRANGER).await.is_page((0, 0, 0), &json!([]));
    app.get("/search/users?name=%40").by(ADMIN).await.is_page((0, 0, 0), &json!([]));
    for path in ["/search/users", "/search/users?name="] {
        app.get(path).by(STRANGER).await.refuses(400, "Nothing to search for: give name");
    }
}

/// Whoever has an e-mail has it for oneself and for the platform's admins.
#[tokio::test]
async fn an_address_is_shown_to_nobody_else() {
    let app = guild().await;
    let email = json!({"email": "canary@x.test"});
    for name in ["users/acme", "users/reader", "orgs/guild"] {
        app.patch(&format!("/management/v1/{name}")).by(ADMIN).json(&email).await;
    }
    for path in ["/users/acme", "/orgs/guild", "/search/users?name=a", "/users/acme/followers"] {
        for caller in [STRANGER, PUBLISHER, OWNER, ADMIN] {
            let shown = app.get(path).by(caller).await;
            assert!(!shown.value().to_string().contains("canary"), "{shown:?}");
        }
    }
    for caller in [STRANGER, PUBLISHER, READER] {
        for path in ["/users/acme", "/search/users?name=acme"] {
            let shown = app.get(path).by(caller).await.value();
            let shown = shown.as_array().map_or(shown.clone(), |all| all[0].clone());
            assert_eq!(shown["gravatar_id"], "", "it tells of the address");
        }
    }
}
