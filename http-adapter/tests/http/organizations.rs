//! Organizations, who is in them and as what.

use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, PUBLISHER, READER, STRANGER, basic};
use crate::signed_urls::{hmac_md5, run_jobs};

const GUILD: &str = "/management/v1/orgs/guild";

fn organization(name: &str, plan: &str) -> Value {
    json!({"name": name, "plan": plan, "full_name": null, "email": null, "created": NOW})
}

fn member(name: &str) -> String {
    format!("{GUILD}/members/{name}")
}

/// `guild`, with `acme` for its owner, `publisher` for its admin and `reader` for a member.
pub(crate) async fn guild() -> App {
    let app = App::furnished().await;
    app.organization("guild", OWNER).await;
    app.member("guild", PUBLISHER, "admin").await;
    app.member("guild", READER, "member").await;
    app
}

#[tokio::test]
async fn an_organization_is_made_with_an_owner_and_a_key_that_signs_nobody_in() {
    let app = App::furnished().await;
    let body = json!({
        "owner": "acme", "plan": "premium", "full_name": "The Guild", "email": "g@x.test", "id": 7,
    });
    let made = app.put(GUILD).by(ADMIN).json(&body).await;
    let key = made.value()["api_key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 40);
    let mut expected = organization("guild", "premium");
    expected["full_name"] = json!("The Guild");
    expected["email"] = json!("g@x.test");
    let mut with_key = expected.clone();
    with_key["api_key"] = json!(key);
    made.is(201, &with_key);
    app.get(GUILD).by(ADMIN).await.is(200, &expected);
    app.get(GUILD).by(OWNER).await.is(200, &expected);
    let signed_in = app.get(GUILD).header("authorization", &basic("guild", &key)).await;
    signed_in.refuses(401, "This resource requires authentication");
    let members = app.get(&format!("{GUILD}/members")).by(OWNER).await;
    members.is_page((1, 0, 0), &json!([{"name": "acme", "type": "owner"}]));

    // Said again it is changed, and the key is not shown.
    let again = app.put(GUILD).by(ADMIN).json(&json!({"owner": "acme", "email": ""})).await;
    expected["email"] = Value::Null;
    again.is(200, &expected);
    let other = app.put(GUILD).by(ADMIN).json(&json!({"owner": "reader"})).await;
    other.refuses(
        400,
        "'reader' is no owner of the organization 'guild': make it one among the members",
    );
}

#[tokio::test]
async fn a_new_key_of_an_organization_signs_its_calls_and_nobody_in() {
    let app = guild().await;
    app.outside.answers(Some(200));
    app.post("/repos/guild/open").by(OWNER).await;
    app.post("/packages/guild/open").by(OWNER).json(&json!({"name": "app"})).await;
    app.put("/content/guild/open/app/1.0/a?publish=1").by(OWNER).body("1").await.is_success(201);
    let renew = "/management/v1/orgs/guild/api_key";
    let mut seen = Vec::new();
    for caller in [OWNER, PUBLISHER, ADMIN] {
        let made = app.post(renew).by(caller).await;
        let key = made.value()["api_key"].as_str().unwrap().to_owned();
        made.is(201, &json!({"name": "guild", "api_key": key}));
        assert_eq!(key.len(), 40);
        let signed_in = app.get(GUILD).header("authorization", &basic("guild", &key)).await;
        signed_in.refuses(401, "This resource requires authentication");
        assert!(!seen.contains(&key));
        seen.push(key);
    }
    // What the organization is called with is signed with the last of them.
    let body = json!({"callback_id": "a", "callback_url": "https://example.org/"});
    let signed = app.post("/signed_url/guild/open/a").by(OWNER).json(&body).await;
    let url = signed.value()["url"].as_str().unwrap().to_owned();
    let (_, path) = url.split_once("/guild/").unwrap();
    assert_eq!(app.get(&format!("/guild/{path}")).await.body, "1");
    assert_eq!(run_jobs(&app).await, 0);
    let calls = app.outside.taken();
    let hmac = hmac_md5(seen.last().unwrap(), "guild/open/a");
    assert_eq!(calls[0].headers, [("X-Bintray-Callback-Hmac", hmac)]);
    for caller in [READER, STRANGER] {
        app.post(renew).by(caller).await.refuses(403, "forbidden");
    }
    let of_user = app.post("/management/v1/orgs/acme/api_key").by(OWNER).await;
    of_user.refuses(404, "Subject 'acme' was not found");
}

#[tokio::test]
async fn an_organization_without_an_owner_is_not_made() {
    let app = App::furnished().await;
    app.organization("other", OWNER).await;
    for (body, text) in [
        (json!({}), "An organization has an owner: give the name of a user as \"owner\""),
        (json!({"owner": "nobody"}), "owner: 'nobody' is no user"),
        (json!({"owner": "Acme"}), "owner: 'Acme' is no user"),
        (json!({"owner": "other"}), "owner: 'other' is no user"),
        (
            json!({"owner": "a b"}),
            "owner: the subject name 'a b' has ' ': use ASCII letters, digits, '.', '_' and '-'",
        ),
        (json!({"plan": "gold"}), "Plan 'gold' does not exist: use oss, premium or enterprise"),
    ] {
        app.put(GUILD).by(ADMIN).json(&body).await.refuses(400, text);
    }
    let absent = app.get(GUILD).by(ADMIN).await;
    absent.refuses(404, "Subject 'guild' was not found");
    let body = json!({"owner": "acme"});
    for (name, taken) in [("ACME", "acme"), ("acme", "acme"), ("Other", "other")] {
        let made = app.put(&format!("/management/v1/orgs/{name}")).by(ADMIN).json(&body).await;
        made.refuses(409, &format!("The name '{taken}' is taken"));
    }
    let user = app.put("/management/v1/users/other").by(ADMIN).await;
    user.refuses(409, "The name 'other' is taken");
}

#[tokio::test]
async fn organizations_are_the_platforms_and_changed_by_those_who_administer_them() {
    let app = guild().await;
    app.organization("Arts", STRANGER).await;
    let listed = app.get("/management/v1/orgs").by(ADMIN).await;
    let both = json!([organization("Arts", "enterprise"), organization("guild", "enterprise")]);
    listed.is_page((2, 0, 1), &both);
    let body = json!({"owner": "stranger", "plan": "oss"});
    for caller in [OWNER, PUBLISHER, READER, STRANGER] {
        app.get("/management/v1/orgs").by(caller).await.refuses(403, "forbidden");
        app.put(GUILD).by(caller).json(&body).await.refuses(403, "forbidden");
        app.put("/management/v1/orgs/fresh").by(caller).json(&body).await.refuses(403, "forbidden");
        app.delete(GUILD).by(caller).await.refuses(403, "forbidden");
        app.patch(GUILD).by(caller).json(&json!({"plan": "oss"})).await.refuses(403, "forbidden");
    }
    for (caller, name) in [(OWNER, "One"), (PUBLISHER, "Two"), (ADMIN, "Three")] {
        let mut expected = organization("guild", "enterprise");
        expected["full_name"] = json!(name);
        let patched = app.patch(GUILD).by(caller).json(&json!({"full_name": name})).await;
        patched.is(200, &expected);
        app.get(GUILD).by(caller).await.is(200, &expected);
    }
    for caller in [READER, STRANGER] {
        app.get(GUILD).by(caller).await.refuses(403, "forbidden");
        app.get(&format!("{GUILD}/members")).by(caller).await.refuses(403, "forbidden");
        // Before what is said is read.
        app.patch(GUILD).by(caller).body("no JSON").await.refuses(403, "forbidden");
        app.put(&member(STRANGER)).by(caller).body("no JSON").await.refuses(403, "forbidden");
        app.delete(&member(READER)).by(caller).await.refuses(403, "forbidden");
    }
    let user = app.get("/management/v1/orgs/acme").by(OWNER).await;
    user.refuses(404, "Subject 'acme' was not found");
    let user = app.get("/management/v1/users/guild").by(ADMIN).await;
    user.refuses(404, "Subject 'guild' was not found");
}

#[tokio::test]
async fn members_come_change_and_go() {
    let app = guild().await;
    let made = app.put(&member(STRANGER)).by(PUBLISHER).json(&json!({"type": "MEMBER"})).await;
    made.is(201, &json!({"name": "stranger", "type": "member"}));
    let raised = app.put(&member(STRANGER)).by(PUBLISHER).json(&json!({"type": "admin"})).await;
    raised.is(200, &json!({"name": "stranger", "type": "admin"}));
    let members = app.get(&format!("{GUILD}/members")).by(STRANGER).await;
    members.is_page(
        (4, 0, 3),
        &json!([
            {"name": "acme", "type": "owner"}, {"name": "publisher", "type": "admin"},
            {"name": "reader", "type": "member"}, {"name": "stranger", "type": "admin"},
        ]),
    );
    app.delete(&member(PUBLISHER)).by(STRANGER).await.is_success(200);
    app.get(GUILD).by(PUBLISHER).await.refuses(403, "forbidden");
    let gone = app.delete(&member(PUBLISHER)).by(STRANGER).await;
    gone.refuses(404, "'publisher' is no member of the organization 'guild'");
    for name in ["nobody", "guild", "Reader"] {
        let put = app.put(&member(name)).by(OWNER).json(&json!({"type": "member"})).await;
        put.refuses(404, &format!("Subject '{name}' was not found"));
        let gone = app.delete(&member(name)).by(OWNER).await;
        gone.refuses(404, &format!("'{name}' is no member of the organization 'guild'"));
    }
    for (body, name) in [(json!({"type": "king"}), "king"), (json!({}), "")] {
        let put = app.put(&member(STRANGER)).by(OWNER).json(&body).await;
        let text = format!("Type '{name}' does not exist: use owner, admin or member as \"type\"");
        put.refuses(400, &text);
    }
}

#[tokio::test]
async fn there_is_always_an_owner_and_owners_make_owners() {
    let app = guild().await;
    let owner = json!({"type": "owner"});
    let admin = json!({"type": "admin"});
    let only_owners = "Only owners of the organization 'guild' make and unmake owners";
    app.put(&member(READER)).by(PUBLISHER).json(&owner).await.refuses(403, only_owners);
    app.put(&member(PUBLISHER)).by(PUBLISHER).json(&owner).await.refuses(403, only_owners);
    app.put(&member(OWNER)).by(PUBLISHER).json(&admin).await.refuses(403, only_owners);
    app.delete(&member(OWNER)).by(PUBLISHER).await.refuses(403, only_owners);
    let last = "The organization 'guild' would be without an owner: make another member an owner \
                first";
    for caller in [OWNER, ADMIN] {
        app.put(&member(OWNER)).by(caller).json(&admin).await.refuses(409, last);
        app.delete(&member(OWNER)).by(caller).await.refuses(409, last);
    }
    // What it is already it may be said to be.
    app.put(&member(OWNER))
        .by(PUBLISHER)
        .json(&owner)
        .await
        .is(200, &json!({"name": "acme", "type": "owner"}));
    app.delete("/management/v1/users/acme").by(ADMIN).await.refuses(409, last);
    assert_eq!(app.get("/repos/acme/tools").by(OWNER).await.status, 200);

    app.put(&member(READER))
        .by(OWNER)
        .json(&owner)
        .await
        .is(200, &json!({"name": "reader", "type": "owner"}));
    app.delete(&member(OWNER)).by(READER).await.is_success(200);
    app.get(GUILD).by(OWNER).await.refuses(403, "forbidden");
    app.delete("/management/v1/users/acme").by(ADMIN).await.is_success(200);
    app.delete(&member(READER)).by(ADMIN).await.refuses(409, last);
}

#[tokio::test]
async fn owners_and_admins_are_as_an_owner_is_and_members_see_nothing_private() {
    let app = guild().await;
    for (caller, repo) in [(OWNER, "one"), (PUBLISHER, "two")] {
        let path = format!("/repos/guild/{repo}");
        let made = app.post(&path).by(caller).json(&json!({"private": true})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let package = app.post(&format!("/packages/guild/{repo}")).by(caller);
        assert_eq!(package.json(&json!({"name": "app"})).await.status, 201);
        let file = format!("/content/guild/{repo}/app/1.0/a.bin?publish=1");
        app.put(&file).by(caller).body("bytes").await.is_success(201);
        app.patch(&path).by(caller).json(&json!({"desc": "x"})).await.is_success(200);
        for other in [OWNER, PUBLISHER, ADMIN] {
            assert_eq!(app.get(&format!("/guild/{repo}/a.bin")).by(other).await.status, 200);
        }
        for other in [READER, STRANGER] {
            let text = format!("Repo '{repo}' was not found");
            app.get(&path).by(other).await.refuses(404, &text);
            app.delete(&path).by(other).await.refuses(404, &text);
            let file = app.get(&format!("/guild/{repo}/a.bin")).by(other).await;
            file.refuses_plainly(404, "Not Found\n");
            app.get("/repos/guild").by(other).await.is_page((0, 0, 0), &json!([]));
        }
    }
    for caller in [READER, STRANGER] {
        app.post("/repos/guild/three").by(caller).await.refuses(403, "forbidden");
    }
    app.delete("/repos/guild/one").by(PUBLISHER).await.is_success(200);
}

/// T048: what a member could do, one request later it cannot.
#[tokio::test]
async fn who_is_removed_may_nothing_with_the_next_request() {
    let app = guild().await;
    app.post("/repos/guild/vault").by(OWNER).json(&json!({"private": true})).await;
    let vault = "/repos/guild/vault";
    assert_eq!(app.get(vault).by(PUBLISHER).await.status, 200);
    app.put(&member(PUBLISHER)).by(OWNER).json(&json!({"type": "member"})).await;
    app.get(vault).by(PUBLISHER).await.refuses(404, "Repo 'vault' was not found");

    let team = json!({"name": "readers", "members": ["reader", "publisher"]});
    app.post("/orgs/guild/teams").by(OWNER).json(&team).await;
    let read = json!({"team": "readers", "permission": "read"});
    app.put(&format!("{vault}/permissions")).by(OWNER).json(&read).await.is_success(200);
    for caller in [READER, PUBLISHER] {
        assert_eq!(app.get(vault).by(caller).await.status, 200);
    }
    app.delete(&member(READER)).by(OWNER).await.is_success(200);
    app.get(vault).by(READER).await.refuses(404, "Repo 'vault' was not found");
    let left = app.get("/orgs/guild/teams/readers").by(OWNER).await;
    assert_eq!(left.value()["members"], json!(["publisher"]));
    // Who comes back is in no team.
    app.member("guild", READER, "member").await;
    app.get(vault).by(READER).await.refuses(404, "Repo 'vault' was not found");
    // A deleted user is in none either, nor is another of the name.
    app.delete("/management/v1/users/publisher").by(ADMIN).await.is_success(200);
    let left = app.get("/orgs/guild/teams/readers").by(OWNER).await;
    assert_eq!(left.value()["members"], json!([]));
    app.user(PUBLISHER, "oss").await;
    app.get(vault).by(PUBLISHER).await.refuses(404, "Repo 'vault' was not found");
    let members = app.get(&format!("{GUILD}/members")).by(OWNER).await;
    let both = json!([{"name": "acme", "type": "owner"}, {"name": "reader", "type": "member"}]);
    members.is_page((2, 0, 1), &both);
}

/// T062: another organization of the name inherits nobody and nothing.
#[tokio::test]
async fn a_deleted_organizations_name_made_anew_inherits_nothing() {
    let app = guild().await;
    app.post("/repos/guild/vault").by(OWNER).json(&json!({"private": true})).await;
    let team = json!({"name": "readers", "members": ["reader"], "allow_repo_creation": true});
    app.post("/orgs/guild/teams").by(OWNER).json(&team).await;
    let read = json!({"team": "readers", "permission": "admin"});
    app.put("/repos/guild/vault/permissions").by(OWNER).json(&read).await.is_success(200);
    app.put("/management/v1/users/reader/following/guild").by(READER).await.is_success(200);
    app.delete(GUILD).by(ADMIN).await.is_success(200);
    app.get(GUILD).by(ADMIN).await.refuses(404, "Subject 'guild' was not found");
    app.get("/repos/guild/vault").by(OWNER).await.refuses(404, "Repo 'vault' was not found");
    app.get("/users/reader").by(READER).await.value();

    app.organization("guild", STRANGER).await;
    app.post("/repos/guild/vault").by(STRANGER).json(&json!({"private": true})).await;
    for caller in [OWNER, PUBLISHER, READER] {
        app.get(GUILD).by(caller).await.refuses(403, "forbidden");
        app.get("/repos/guild/vault").by(caller).await.refuses(404, "Repo 'vault' was not found");
        app.post("/repos/guild/more").by(caller).await.refuses(403, "forbidden");
    }
    let team = app.post("/orgs/guild/teams").by(STRANGER).json(&json!({"name": "readers"})).await;
    assert_eq!(team.value()["permitted_repos"], json!({}));
    let members = app.get(&format!("{GUILD}/members")).by(STRANGER).await;
    members.is_page((1, 0, 0), &json!([{"name": "stranger", "type": "owner"}]));
    assert_eq!(app.get("/orgs/guild").by(READER).await.value()["followers_count"], 0);
}

/// T061: nobody in particular is nothing to an organization.
#[tokio::test]
async fn nobody_becomes_a_member_by_being_nobody() {
    let app = guild().await;
    for (method, path) in [
        ("GET", GUILD),
        ("PATCH", GUILD),
        ("GET", "/management/v1/orgs/guild/members"),
        ("PUT", "/management/v1/orgs/guild/members/reader"),
        ("DELETE", "/management/v1/orgs/guild/members/reader"),
        ("GET", "/orgs/guild"),
        ("GET", "/orgs/guild/teams"),
    ] {
        app.ask(method, path).await.needs_credentials();
        let empty = app.ask(method, path).header("authorization", &basic("", "")).await;
        empty.needs_credentials();
    }
    // The name is nobody's, and no user's to be.
    let anonymous = app.put(&member("anonymous")).by(OWNER).json(&json!({"type": "member"})).await;
    anonymous.refuses(400, "the subject name 'anonymous' is reserved: choose another");
}
