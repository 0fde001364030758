//! After a change to a smaller plan: what was given can still be taken away.

use serde_json::json;

use crate::app::{ADMIN, App, OWNER, PUBLISHER};

/// What the owner gave while the plan allowed it, in an order in which it can be taken away, and
/// what is said where no such thing is.
const GIVEN: [(&str, u16, &str); 8] = [
    ("/packages/acme/vault/app/versions/1.0/entitlements/e1", 403, ENTITLEMENTS),
    ("/packages/acme/vault/app/entitlements/e1", 403, ENTITLEMENTS),
    ("/repos/acme/vault/entitlements/e1", 403, ENTITLEMENTS),
    ("/products/acme/suite/entitlements/e1", 403, ENTITLEMENTS),
    ("/users/acme/access_keys/k", 403, ENTITLEMENTS),
    ("/users/acme/licenses/mine", 400, TEAMS),
    ("/repos/acme/vault/permissions/crew", 400, TEAMS),
    // Whether a team is there comes before the plan.
    ("/users/acme/teams/crew", 404, "Team 'crew' was not found"),
];
const ENTITLEMENTS: &str =
    "This resource is only available for subjects with entitlement management.";
const TEAMS: &str = "This action is not allowed for none-premium subject acme";

/// An installation in which the owner gave all of it and then has the plan `oss`.
async fn downgraded() -> App {
    let app = App::furnished().await;
    app.product("acme", "suite").await;
    app.access_key("acme", "k").await;
    for (target, body) in [
        ("/users/acme/teams", json!({"name": "crew", "members": ["stranger"]})),
        ("/users/acme/licenses", json!({"name": "mine"})),
        (
            "/repos/acme/vault/entitlements",
            json!({"id": "e1", "access": "r", "access_keys": ["k"]}),
        ),
        ("/products/acme/suite/entitlements", json!({"id": "e1", "access": "r"})),
        ("/packages/acme/vault/app/entitlements", json!({"id": "e1", "access": "r"})),
        ("/packages/acme/vault/app/versions/1.0/entitlements", json!({"id": "e1", "access": "r"})),
    ] {
        let made = app.post(target).by(OWNER).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let read = json!({"team": "crew", "permission": "read"});
    app.put("/repos/acme/vault/permissions").by(OWNER).json(&read).await.is_success(200);
    for (target, body) in [
        ("geo_restrictions", json!({"black_list": ["DE"]})),
        ("ip_restrictions", json!({"black_cidrs": ["10.0.0.0/8"]})),
    ] {
        let set = app.put(&format!("/repos/acme/vault/{target}")).by(OWNER).json(&body).await;
        assert_eq!(set.status, 200, "{set:?}");
    }
    let oss = app.patch("/management/v1/users/acme").by(ADMIN).json(&json!({"plan": "oss"})).await;
    assert_eq!(oss.status, 200, "{oss:?}");
    app
}

#[tokio::test]
async fn what_was_given_is_taken_away_under_any_plan_and_the_plan_speaks_of_what_is_not_there() {
    let app = downgraded().await;
    let mut kept = Vec::new();
    for (target, status, message) in GIVEN {
        let gone = app.delete(target).by(OWNER).await;
        if gone.status == 200 {
            gone.is_success(200);
            app.delete(target).by(OWNER).await.refuses(status, message);
        } else {
            kept.push(gone);
        }
    }
    assert!(kept.is_empty(), "{kept:?}");
    for target in ["geo_restrictions", "ip_restrictions"] {
        let target = format!("/repos/acme/vault/{target}");
        assert_eq!(app.delete(&target).by(OWNER).await.status, 200);
        assert_eq!(app.delete(&target).by(OWNER).await.status, 403);
    }
    app.delete("/products/acme/suite").by(OWNER).await.is(200, &json!({"message": "deleted"}));
}

/// What the owner finds in each list, of which the plan speaks once it is empty.
const LISTED: [(&str, &str); 8] = [
    ("/packages/acme/vault/app/versions/1.0/entitlements", r#"[{"id": "e1"}]"#),
    ("/packages/acme/vault/app/entitlements", r#"[{"id": "e1"}]"#),
    ("/repos/acme/vault/entitlements", r#"[{"id": "e1"}]"#),
    ("/products/acme/suite/entitlements", r#"[{"id": "e1"}]"#),
    ("/users/acme/access_keys", r#"{"access_keys": ["k"]}"#),
    ("/users/acme/licenses", r#"[{"name": "mine", "description": "", "url": ""}]"#),
    ("/repos/acme/vault/permissions", r#"[{"team": "crew", "permission": "read"}]"#),
    ("/users/acme/teams", r#"{"teams": ["crew"]}"#),
];

#[tokio::test]
async fn what_is_left_is_listed_under_any_plan_and_the_plan_speaks_of_empty_lists() {
    let app = downgraded().await;
    for ((list, left), (target, status, message)) in LISTED.into_iter().zip(GIVEN) {
        let listed = app.get(list).by(OWNER).await;
        let left: serde_json::Value = serde_json::from_str(left).unwrap();
        assert_eq!((listed.status, listed.value()), (200, left), "{list}");
        // A product that has nothing for a caller is not there.
        let status_of_others = if list.contains("/products/") { 404 } else { 403 };
        assert_eq!(app.get(list).by(PUBLISHER).await.status, status_of_others, "{list}");
        app.delete(target).by(OWNER).await.is_success(200);
        let (status, message) = if status == 404 { (400, TEAMS) } else { (status, message) };
        app.get(list).by(OWNER).await.refuses(status, message);
    }
}

#[tokio::test]
async fn a_key_and_a_team_lose_what_they_had_with_what_gave_it_to_them() {
    const FILE: &str = "/acme/vault/app/1.0/app.bin";
    for (caller, given) in [
        ("k@acme", "/repos/acme/vault/entitlements/e1"),
        ("k@acme", "/users/acme/access_keys/k"),
        ("stranger", "/repos/acme/vault/permissions/crew"),
        ("stranger", "/users/acme/teams/crew"),
    ] {
        let app = downgraded().await;
        // An address of no known country may be in one of the black ones.
        app.delete("/repos/acme/vault/geo_restrictions").by(OWNER).await;
        let status = app.get(FILE).by(caller).from("192.0.2.1").await.status;
        assert_eq!(status, 200, "{caller} before {given} is gone");
        app.delete(given).by(OWNER).await.is_success(200);
        let after = app.get(FILE).by(caller).from("192.0.2.1").await;
        assert!([401, 404].contains(&after.status), "{given}: {after:?}");
    }
}
