//! Every route over an organization's things, asked by those whom roles and teams make what they
//! are: each is answered as the caller of the big matrix whom the role stands for.

use packhouse_http::{Gate, Right, Route, routes};
use serde_json::json;

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER, STRANGER};
use crate::coverage::{State, body, expected, refusal, target};

/// Who asks, and as whom it should be answered.
const EQUIVALENTS: [(&str, &str); 7] = [
    ("founder", OWNER),
    ("steward", OWNER),
    ("plain", STRANGER),
    ("of_readers", READER),
    ("of_publishers", PUBLISHER),
    ("of_two_teams", PUBLISHER),
    (ADMIN, ADMIN),
];

const STATES: [State; 8] = [
    State::Public,
    State::Private,
    State::Unpublished { private: false },
    State::Unpublished { private: true },
    State::NoRepository,
    State::NoPackage { private: true },
    State::NoVersion { private: true },
    State::NoFile { private: true },
];

/// `guild` with the repositories of `acme`, and in it everyone who asks.
async fn furnished() -> App {
    let app = App::new().await;
    for (user, _) in EQUIVALENTS.iter().filter(|(user, _)| *user != ADMIN) {
        app.user(user, "enterprise").await;
    }
    app.organization("guild", "founder").await;
    app.member("guild", "steward", "admin").await;
    for user in ["plain", "of_readers", "of_publishers", "of_two_teams"] {
        app.member("guild", user, "member").await;
    }
    for (team, members) in [
        ("readers", json!(["of_readers", "of_two_teams"])),
        ("publishers", json!(["of_publishers", "of_two_teams"])),
    ] {
        let body = json!({"name": team, "members": members});
        assert_eq!(app.post("/orgs/guild/teams").by("steward").json(&body).await.status, 201);
    }
    for (repo, private) in [("tools", false), ("vault", true)] {
        let body = json!({"private": private});
        let made = app.post(&format!("/repos/guild/{repo}")).by("steward").json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
        for (team, permission) in [("readers", "read"), ("publishers", "publish")] {
            let body = json!({"team": team, "permission": permission});
            let path = format!("/repos/guild/{repo}/permissions");
            app.put(&path).by("steward").json(&body).await.is_success(200);
        }
        for package in ["app", "bare"] {
            let path = format!("/packages/guild/{repo}");
            let made = app.post(&path).by("founder").json(&json!({"name": package})).await;
            assert_eq!(made.status, 201, "{made:?}");
        }
        for file in ["app/1.0/app/1.0/app.bin?publish=1", "app/2.0/app/2.0/new.bin"] {
            let path = format!("/content/guild/{repo}/{file}");
            app.put(&path).by("founder").body("one").await.is_success(201);
        }
    }
    app
}

/// The routes over repositories and what is in them, and those over what a subject has. Others have
/// records of their own, which the big matrix makes.
fn is_of_interest(route: &Route) -> bool {
    let on_repo = route.gates.iter().any(|gate| matches!(gate, Gate::Repository(_)));
    let on_subject = route.gates.contains(&Gate::Subject(Right::Own));
    let kept = |gate: &Gate| {
        matches!(
            gate,
            Gate::Credentials
                | Gate::Repository(_)
                | Gate::Subject(_)
                | Gate::Package
                | Gate::Version
                | Gate::File
                | Gate::Folder
        )
    };
    let of_users = route.path.starts_with("/users/") || route.path.contains("/management/");
    let others = ["eulas.", "entitlements.", "products.", "permissions.set"];
    (on_repo || on_subject)
        && route.gates.iter().all(kept)
        && !of_users
        && !others.iter().any(|start| route.operation.starts_with(start))
}

#[tokio::test]
async fn roles_and_teams_are_answered_as_those_they_stand_for() {
    let mut app = furnished().await;
    let (mut asked, mut violations) = (0, Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for route in routes().filter(|route| is_of_interest(route)) {
        for (caller, equivalent) in EQUIVALENTS {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let before = app.watch.changes();
                let path = target(route, state).replace(OWNER, "guild");
                let ask = app.ask(route.method.as_str(), &path).by(caller).body(body(route));
                let answer = ask.await;
                let (status, noun) = expected(route, route.gates, equivalent, state);
                if answer.status != status {
                    violations.push(format!(
                        "{route:?} by {caller} in {state:?}: expected {status} {noun:?}, got \
                         {answer:?}"
                    ));
                }
                asked += 1;
                seen.insert((caller, answer.status));
                if app.watch.changes() != before {
                    app = furnished().await;
                }
            }
        }
    }
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    assert!(asked > 1_000, "{asked}");
    // The test of the test: each of them may something and something not.
    for (caller, _) in EQUIVALENTS.iter().filter(|(caller, _)| *caller != ADMIN) {
        assert!(seen.contains(&(*caller, 200)) && seen.contains(&(*caller, 404)), "{caller}");
    }
    let private = State::Private;
    for (one, other) in [(OWNER, PUBLISHER), (PUBLISHER, READER), (READER, STRANGER)] {
        let tells = |right| {
            let gate = Gate::Repository(right);
            refusal(gate, one, private) != refusal(gate, other, private)
        };
        assert!([Right::Read, Right::Publish, Right::Own].into_iter().any(tells), "{one}");
    }
}

/// What an owner saw by the role is gone with it; what a team may is left, and listed as to any other
/// member.
#[tokio::test]
async fn who_was_an_owner_finds_in_lists_what_is_left() {
    let app = furnished().await;
    let becomes = async |role: &str| {
        let path = "/management/v1/orgs/guild/members/of_readers";
        let put = app.put(path).by(ADMIN).json(&json!({"type": role})).await;
        assert_eq!(put.status, 200, "{put:?}");
    };
    becomes("owner").await;
    let made = app.post("/repos/guild/closed").by("of_readers").json(&json!({"private": true}));
    assert_eq!(made.await.status, 201);
    let all = ["closed", "tools", "vault"];
    for (role, left) in [("owner", &all[..]), ("member", &all[1..])] {
        becomes(role).await;
        let repos = app.get("/repos/guild").by("of_readers").await.value();
        let repos: Vec<&str> =
            repos.as_array().unwrap().iter().map(|repo| repo["name"].as_str().unwrap()).collect();
        assert_eq!(repos, left, "{role}");
        let packages = app.get("/repos/guild/vault/packages").by("of_readers").await;
        assert_eq!(packages.value().as_array().unwrap().len(), 2, "{role}: {packages:?}");
        for (path, as_owner, as_member) in [
            ("/packages/guild/vault/app/files", 200, 200),
            ("/repos/guild/closed", 200, 404),
            ("/orgs/guild/teams", 200, 403),
            ("/orgs/guild/access_keys", 200, 403),
        ] {
            let expected = if role == "owner" { as_owner } else { as_member };
            assert_eq!(app.get(path).by("of_readers").await.status, expected, "{path} by {role}");
        }
    }
}
