//! Teams and what they may do in repositories.

use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER, STRANGER};
use crate::organizations::guild;

/// `guild` with the private repository `vault`, which holds a published and an unpublished file.
async fn vault() -> App {
    let app = guild().await;
    let made = app.post("/repos/guild/vault").by(OWNER).json(&json!({"private": true})).await;
    assert_eq!(made.status, 201, "{made:?}");
    app.post("/packages/guild/vault").by(OWNER).json(&json!({"name": "app"})).await;
    for (file, publish) in [("a.bin", "?publish=1"), ("b.bin", "")] {
        let path = format!("/content/guild/vault/app/1.0/{file}{publish}");
        app.put(&path).by(OWNER).body("bytes").await.is_success(201);
    }
    app
}

async fn team(app: &App, of: &str, body: &Value) {
    let made = app.post(&format!("/{of}/teams")).by(OWNER).json(body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

async fn permit(app: &App, repo: &str, team: &str, permission: &str) {
    let body = json!({"team": team, "permission": permission});
    let path = format!("/repos/{repo}/permissions");
    app.put(&path).by(OWNER).json(&body).await.is_success(200);
}

#[tokio::test]
async fn teams_of_organizations_and_of_users_are_made_shown_changed_and_deleted() {
    let app = vault().await;
    for (of, subject, members) in [
        ("orgs/guild", "guild", json!(["acme", "publisher", "reader"])),
        ("users/acme", "acme", json!(["admin", "stranger"])),
        ("api/v1/orgs/guild", "guild", json!(["reader"])),
    ] {
        let path = format!("/{of}/teams");
        app.get(&path).by(OWNER).await.is_page((0, 0, 0), &json!({"teams": []}));
        let mut backwards = members.as_array().unwrap().clone();
        backwards.reverse();
        let body = json!({
            "name": "team 1", "members": backwards, "allow_repo_creation": true,
            "business_unit": "unit", "permitted_repos": {"vault": "admin"}, "id": 1, "owner": "x",
        });
        let mut expected = json!({
            "name": "team 1", "owner": subject, "members": members, "permitted_repos": {},
            "allow_repo_creation": true, "business_unit": "unit",
        });
        app.post(&path).by(OWNER).json(&body).await.is(201, &expected);
        let taken = app.post(&path).by(OWNER).json(&body).await;
        taken.refuses(409, "Team 'team 1' already exists");
        let mut shown = expected.clone();
        shown.as_object_mut().unwrap().remove("owner");
        let one = format!("{path}/team%201");
        app.get(&one).by(OWNER).await.is(200, &shown);
        app.get(&one).by(ADMIN).await.is(200, &shown);
        app.get(&path).by(OWNER).await.is_page((1, 0, 0), &json!({"teams": ["team 1"]}));

        app.patch(&one)
            .by(OWNER)
            .json(&json!({"name": "x", "members": null}))
            .await
            .is(200, &expected);
        expected["members"] = json!([]);
        app.patch(&one).by(OWNER).json(&json!({"members": []})).await.is(200, &expected);
        // Without what it is for, the unit goes.
        expected["allow_repo_creation"] = json!(false);
        expected.as_object_mut().unwrap().remove("business_unit");
        let without = app.patch(&one).by(OWNER).json(&json!({"allow_repo_creation": "0"})).await;
        without.is(200, &expected);
        app.delete(&one).by(OWNER).await.is_success(200);
        app.delete(&one).by(OWNER).await.refuses(404, "Team 'team 1' was not found");
        app.get(&path).by(OWNER).await.is_page((0, 0, 0), &json!({"teams": []}));
    }
}

#[tokio::test]
async fn who_cannot_be_in_a_team_is_named() {
    let app = guild().await;
    let no_member = "members: 'stranger' is no member of the organization 'guild': add it first";
    for (of, name, text) in [
        ("orgs/guild", "stranger", no_member),
        ("orgs/guild", "nobody", "members: 'nobody' is no user"),
        ("orgs/guild", "Reader", "members: 'Reader' is no user"),
        ("orgs/guild", "no name", "members: 'no name' is no user"),
        ("users/acme", "guild", "members: 'guild' is no user"),
        ("users/acme", "nobody", "members: 'nobody' is no user"),
    ] {
        let body = json!({"name": "team", "members": ["reader", name]});
        let path = format!("/{of}/teams");
        app.post(&path).by(OWNER).json(&body).await.refuses(400, text);
        app.get(&path).by(OWNER).await.is_page((0, 0, 0), &json!({"teams": []}));
    }
    let nameless = app.post("/orgs/guild/teams").by(OWNER).await;
    nameless.refuses(400, "The team has no name: give one as \"name\"");
}

#[tokio::test]
async fn a_business_unit_is_for_teams_of_enterprise_subjects_that_make_repositories() {
    let app = guild().await;
    let body = json!({"name": "team", "business_unit": "unit"});
    let not_allowed = "business_unit is only for teams that may make repositories: set \
                       allow_repo_creation too, or leave it out";
    app.post("/orgs/guild/teams").by(OWNER).json(&body).await.refuses(400, not_allowed);
    let body = json!({"name": "team", "business_unit": "unit", "allow_repo_creation": true});
    app.patch("/management/v1/orgs/guild").by(ADMIN).json(&json!({"plan": "premium"})).await;
    app.post("/orgs/guild/teams")
        .by(OWNER)
        .json(&body)
        .await
        .refuses(400, "business_unit is only for subjects of the enterprise plan: leave it out");
    app.patch("/management/v1/orgs/guild").by(ADMIN).json(&json!({"plan": "enterprise"})).await;
    team(&app, "orgs/guild", &body).await;
    app.patch("/management/v1/orgs/guild").by(ADMIN).json(&json!({"plan": "premium"})).await;
    let shown = app.get("/orgs/guild/teams/team").by(OWNER).await;
    assert_eq!(shown.value().get("business_unit"), None, "kept and not in force");
}

/// PY: the texts for free subjects, and that of a team that is not there before them.
#[tokio::test]
async fn a_free_subject_has_no_teams_and_gives_no_permissions() {
    let app = App::furnished().await;
    app.user("free", "oss").await;
    app.repo("free/generic", json!({})).await;
    let text = "This action is not allowed for none-premium subject free";
    for (method, path) in [
        ("GET", "/users/free/teams"),
        ("POST", "/users/free/teams"),
        ("GET", "/repos/free/generic/permissions"),
        ("PUT", "/repos/free/generic/permissions"),
        ("GET", "/repos/free/generic/permissions/x"),
        ("DELETE", "/repos/free/generic/permissions/x"),
    ] {
        let asked = app.ask(method, path).by("free").json(&json!({"name": "x"})).await;
        asked.refuses(400, text);
    }
    for method in ["GET", "PATCH", "DELETE"] {
        let asked = app.ask(method, "/users/free/teams/x").by("free").await;
        asked.refuses(404, "Team 'x' was not found");
        let asked = app.ask(method, "/users/free/teams/x").by(STRANGER).await;
        asked.refuses(404, "Team 'x' was not found");
    }
}

/// PY: lists of others are 403, a team of others is not there. Whether it is there is not told.
#[tokio::test]
async fn teams_are_seen_by_those_who_administer_their_subject() {
    let app = vault().await;
    team(&app, "orgs/guild", &json!({"name": "readers", "members": ["reader"]})).await;
    team(&app, "users/acme", &json!({"name": "readers", "members": ["reader"]})).await;
    for of in ["orgs/guild", "users/acme"] {
        for caller in [READER, STRANGER] {
            app.get(&format!("/{of}/teams")).by(caller).await.refuses(403, "forbidden");
            let made = app.post(&format!("/{of}/teams")).by(caller).body("no JSON").await;
            made.refuses(403, "forbidden");
            for name in ["readers", "absent"] {
                for method in ["GET", "PATCH", "DELETE"] {
                    let asked = app.ask(method, &format!("/{of}/teams/{name}")).by(caller).await;
                    asked.refuses(404, &format!("Team '{name}' was not found"));
                }
            }
        }
    }
    assert_eq!(app.get("/orgs/guild/teams/readers").by(PUBLISHER).await.status, 200);
    for path in ["/orgs/acme/teams", "/orgs/acme/teams/readers"] {
        app.get(path).by(OWNER).await.refuses(404, "Subject 'acme' was not found");
    }
    for path in ["/users/guild/teams", "/users/guild/teams/readers"] {
        app.get(path).by(OWNER).await.refuses(404, "Subject 'guild' was not found");
    }
}

#[tokio::test]
async fn permissions_are_given_shown_changed_and_taken() {
    let app = vault().await;
    for (name, permission) in [("b", "publish"), ("a", "read"), ("c", "ADMIN")] {
        team(&app, "orgs/guild", &json!({"name": name})).await;
        permit(&app, "guild/vault", name, permission).await;
    }
    team(&app, "orgs/guild", &json!({"name": "d"})).await;
    let of = |team: &str, permission: &str| json!({"team": team, "permission": permission});
    let path = "/repos/guild/vault/permissions";
    let listed = app.get(path).by(OWNER).await;
    let all = json!([of("a", "read"), of("b", "publish"), of("c", "admin")]);
    listed.is_page((3, 0, 2), &all);
    app.get(&format!("/api/v1{path}/b")).by(PUBLISHER).await.is(200, &of("b", "publish"));
    permit(&app, "guild/vault", "b", "read").await;
    app.get(&format!("{path}/b")).by(OWNER).await.is(200, &of("b", "read"));
    let shown = app.get("/orgs/guild/teams/c").by(OWNER).await;
    assert_eq!(shown.value()["permitted_repos"], json!({"vault": "admin"}));
    app.delete(&format!("{path}/b")).by(OWNER).await.is_success(200);
    for method in ["GET", "DELETE"] {
        for name in ["b", "d"] {
            let none = app.ask(method, &format!("{path}/{name}")).by(OWNER).await;
            let text = format!("Team '{name}' has no permission in the repo 'vault'");
            none.refuses(404, &text);
        }
        let none = app.ask(method, &format!("{path}/x")).by(OWNER).await;
        none.refuses(404, "Team 'x' was not found");
    }
    let put = |body: Value| app.put(path).by(OWNER).json(&body);
    put(of("x", "read")).await.refuses(404, "Team 'x' was not found");
    put(json!({"permission": "read"}))
        .await
        .refuses(400, "The permission has no team: name one as \"team\"");
    for (body, name) in [(of("a", "write"), "write"), (json!({"team": "a"}), "")] {
        let text = format!("Permission '{name}' does not exist: use read, publish or admin");
        put(body).await.refuses(400, &text);
    }
    // A team of another subject is none here.
    team(&app, "users/acme", &json!({"name": "mine"})).await;
    put(of("mine", "read")).await.refuses(404, "Team 'mine' was not found");
}

#[tokio::test]
async fn each_permission_allows_what_its_word_says() {
    let app = vault().await;
    team(&app, "orgs/guild", &json!({"name": "team", "members": ["reader"]})).await;
    let statuses = async || {
        let file = app.get("/guild/vault/a.bin").by(READER).await.status;
        let unpublished = app.get("/guild/vault/b.bin").by(READER).await.status;
        let upload = app.put("/content/guild/vault/app/1.0/c.bin").by(READER).body("x").await;
        let package = app.patch("/packages/guild/vault/app").by(READER).await.status;
        let repo = app.patch("/repos/guild/vault").by(READER).await.status;
        let grant = app.get("/repos/guild/vault/permissions").by(READER).await.status;
        let keys = app.get("/orgs/guild/access_keys").by(READER).await.status;
        let make = app.post("/repos/guild/more").by(READER).await.status;
        let listed = app.get("/repos/guild").by(READER).await.value();
        let listed = listed.as_array().unwrap().len();
        ([file, unpublished, upload.status, package, repo, grant, keys, make], listed)
    };
    assert_eq!(statuses().await, ([404, 404, 404, 404, 404, 404, 403, 403], 0));
    permit(&app, "guild/vault", "team", "read").await;
    assert_eq!(statuses().await, ([200, 404, 403, 403, 403, 403, 403, 403], 1));
    permit(&app, "guild/vault", "team", "publish").await;
    assert_eq!(statuses().await, ([200, 200, 201, 200, 403, 403, 403, 403], 1));
    permit(&app, "guild/vault", "team", "admin").await;
    assert_eq!(statuses().await, ([200, 200, 201, 200, 200, 200, 403, 403], 1));
    // Whoever may grant rights grants and takes them.
    let itself = json!({"team": "team", "permission": "read"});
    let set = app.put("/repos/guild/vault/permissions").by(READER).json(&itself).await;
    set.is_success(200);
    assert_eq!(statuses().await, ([200, 404, 403, 403, 403, 403, 403, 403], 1));
    app.delete("/repos/guild/vault/permissions/team").by(OWNER).await.is_success(200);
    assert_eq!(statuses().await, ([404, 404, 404, 404, 404, 404, 403, 403], 0));
}

/// What is taken is taken with the next request, in whichever way.
#[tokio::test]
async fn every_way_out_of_a_team_is_one_at_once() {
    let app = vault().await;
    let body = json!({"members": ["reader", "publisher"]});
    for (method, path) in [
        ("PATCH", "/orgs/guild/teams/team"),
        ("DELETE", "/orgs/guild/teams/team"),
        ("DELETE", "/repos/guild/vault/permissions/team"),
        ("DELETE", "/management/v1/orgs/guild/members/reader"),
    ] {
        app.post("/orgs/guild/teams").by(OWNER).json(&json!({"name": "team"})).await;
        let set = app.patch("/orgs/guild/teams/team").by(OWNER).json(&body).await;
        assert_eq!(set.status, 200, "{set:?}");
        permit(&app, "guild/vault", "team", "read").await;
        assert_eq!(app.get("/repos/guild/vault").by(READER).await.status, 200);
        let taken = app.ask(method, path).by(OWNER).json(&json!({"members": ["publisher"]})).await;
        assert_eq!(taken.status, 200, "{taken:?}");
        let seen = app.get("/repos/guild/vault").by(READER).await;
        seen.refuses(404, "Repo 'vault' was not found");
    }
}

/// T062 of teams: another of the name may nothing of what the first might.
#[tokio::test]
async fn a_team_made_anew_inherits_nothing_and_neither_does_a_repository() {
    let app = vault().await;
    let body = json!({"name": "team", "members": ["reader"], "allow_repo_creation": true});
    team(&app, "orgs/guild", &body).await;
    permit(&app, "guild/vault", "team", "admin").await;
    app.delete("/orgs/guild/teams/team").by(OWNER).await.is_success(200);
    app.post("/repos/guild/more").by(READER).await.refuses(403, "forbidden");
    team(&app, "orgs/guild", &json!({"name": "team", "members": ["reader"]})).await;
    app.get("/repos/guild/vault").by(READER).await.refuses(404, "Repo 'vault' was not found");
    app.get("/repos/guild/vault/permissions").by(OWNER).await.is_page((0, 0, 0), &json!([]));

    permit(&app, "guild/vault", "team", "admin").await;
    app.delete("/repos/guild/vault").by(READER).await.is_success(200);
    app.post("/repos/guild/vault").by(OWNER).json(&json!({"private": true})).await;
    app.get("/repos/guild/vault").by(READER).await.refuses(404, "Repo 'vault' was not found");
    app.get("/repos/guild/vault/permissions").by(OWNER).await.is_page((0, 0, 0), &json!([]));
    let shown = app.get("/orgs/guild/teams/team").by(OWNER).await;
    assert_eq!(shown.value()["permitted_repos"], json!({}));
}

#[tokio::test]
async fn who_makes_a_repository_by_a_team_changes_it_with_the_team() {
    let app = vault().await;
    let makers = json!({
        "name": "makers", "members": ["reader"], "allow_repo_creation": true,
        "business_unit": "unit",
    });
    team(&app, "orgs/guild", &makers).await;
    let made = app.post("/repos/guild/new").by(READER).json(&json!({"private": true})).await;
    assert_eq!((made.status, &made.value()["business_unit"]), (201, &json!("unit")));
    let other = app.post("/repos/guild/own").by(READER).json(&json!({"business_unit": "x"})).await;
    assert_eq!((other.status, &other.value()["business_unit"]), (201, &json!("x")));
    app.patch("/repos/guild/new").by(READER).json(&json!({"desc": "x"})).await.is_success(200);
    let permissions = app.get("/repos/guild/new/permissions").by(READER).await;
    permissions.is_page((1, 0, 0), &json!([{"team": "makers", "permission": "admin"}]));
    let shown = app.get("/orgs/guild/teams/makers").by(OWNER).await;
    assert_eq!(shown.value()["permitted_repos"], json!({"new": "admin", "own": "admin"}));
    // What others made is not theirs, and what an owner makes is the owner's.
    app.patch("/repos/guild/vault").by(READER).await.refuses(404, "Repo 'vault' was not found");
    app.patch("/orgs/guild/teams/makers").by(OWNER).json(&json!({"members": ["acme"]})).await;
    let owners = app.post("/repos/guild/owners").by(OWNER).await;
    assert_eq!(owners.value().get("business_unit"), None);
    app.get("/repos/guild/owners/permissions").by(OWNER).await.is_page((0, 0, 0), &json!([]));
    app.post("/repos/guild/late").by(READER).await.refuses(403, "forbidden");
    app.get("/repos/guild/new").by(READER).await.refuses(404, "Repo 'new' was not found");
}
