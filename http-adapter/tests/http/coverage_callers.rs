//! The matrix with more callers and states: teams, roles, keys that let nobody in, signed URLs,
//! restricted repositories and pending EULAs; and the matrix of an engine that lacks a check.
//!
//! Each of these callers may what one of the matrix may, who stands in for it: what the gates say
//! is said once.

use packhouse_core::model::grants::Action;
use packhouse_http::{Method, Route, routes};
use serde_json::json;

use crate::app::{ADMIN, Answer, App, Doctor, OWNER, READER, STRANGER};
use crate::coverage::{
    ADDRESS, CALLERS, PUBLISHERS, READERS, STATES, State, WRONG_KEY, ask, expected, furnished,
    target,
};

/// In a team that may read both repositories of `acme`.
const TEAM_READER: &str = "crewman";
/// An admin, an owner and a plain member of the organization `guild`.
const ORG_ADMIN: &str = "boss";
const ORG_OWNER: &str = "founder";
const ORG_MEMBER: &str = "fellow";
/// The holders of keys that may read everything, if they let anybody in.
const EXPIRED: &str = "expired@acme";
const BLOCKED: &str = "blocked@acme";
const MORE: [&str; 6] = [TEAM_READER, ORG_ADMIN, ORG_OWNER, ORG_MEMBER, EXPIRED, BLOCKED];

/// Who of the matrix may the same.
fn stand_in(route: &Route, caller: &str) -> &'static str {
    match caller {
        TEAM_READER => READER,
        EXPIRED | BLOCKED => WRONG_KEY,
        // Asked about the organization, or about others' things.
        ORG_ADMIN | ORG_OWNER if route.path.contains("/orgs/{subject}") => OWNER,
        _ => STRANGER,
    }
}

async fn world() -> App {
    let app = furnished().await;
    for user in [TEAM_READER, ORG_ADMIN, ORG_OWNER, ORG_MEMBER] {
        app.user(user, "enterprise").await;
    }
    for (user, kind) in [(ORG_ADMIN, "admin"), (ORG_OWNER, "owner"), (ORG_MEMBER, "member")] {
        app.member("guild", user, kind).await;
        app.member("keyless-guild", user, kind).await;
    }
    let members = json!({"members": [TEAM_READER]});
    let joined = app.patch("/users/acme/teams/crew").by(OWNER).json(&members).await;
    assert_eq!(joined.status, 200, "{joined:?}");
    for (id, said) in [
        ("expired", json!({"id": "expired", "expiry": 1_767_225_600_001_i64})),
        ("blocked", json!({"id": "blocked", "white_cidrs": ["192.0.2.0/24"]})),
    ] {
        let made = app.post("/users/acme/access_keys").by(OWNER).json(&said).await;
        assert_eq!(made.status, 201, "{made:?}");
        app.set_key(&format!("{id}@acme"), made.value()["password"].as_str().unwrap());
        let body = json!({"access": "rw", "access_keys": [id]});
        for repo in ["tools", "vault"] {
            let of = format!("/repos/acme/{repo}/entitlements");
            assert_eq!(app.post(&of).by(OWNER).json(&body).await.status, 201);
        }
    }
    app.clock.advance(std::time::Duration::from_millis(2));
    app
}

fn told(route: &Route, caller: &str, state: State, answer: &Answer, status: u16) -> Option<String> {
    let place = format!("{route:?} by '{caller}' in {state:?}");
    (answer.status != status).then(|| format!("{place}: expected {status}, got {answer:?}"))
}

fn none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

#[tokio::test]
async fn teams_roles_and_dead_keys_keep_the_gates_of_every_route() {
    let (mut app, mut violations, mut cases) = (world().await, Vec::new(), 0);
    for route in routes() {
        for caller in MORE {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let before = app.watch.changes();
                let answer = ask(&app, route.method.as_str(), (route, caller, state)).await;
                let (status, _) = expected(route, route.gates, stand_in(route, caller), state);
                violations.extend(told(route, caller, state, &answer, status));
                cases += 1;
                if app.watch.changes() != before {
                    assert!(answer.status < 400, "{answer:?} changed something");
                    app = world().await;
                }
            }
        }
    }
    assert!(cases > 900, "{cases} cases");
    none(&violations);
}

/// A signed URL opens its file; beside it, it is nothing.
#[tokio::test]
async fn a_signed_url_is_good_for_its_file_and_for_nothing_else() {
    let (app, mut violations) = (world().await, Vec::new());
    let file = "/acme/vault/app/1.0/app.bin";
    let made = app.post(&format!("/signed_url{file}")).by(OWNER).json(&json!({})).await;
    assert_eq!(made.status, 200, "{made:?}");
    let url = made.value()["url"].as_str().unwrap().to_owned();
    let (_, query) = url.split_once('?').unwrap();
    for route in routes().filter(|route| route.method == Method::Get) {
        for state in STATES.into_iter().filter(|state| state.is_of(route)) {
            let target = target(route, state);
            let joint = if target.contains('?') { '&' } else { '?' };
            let answer = app.get(&format!("{target}{joint}{query}")).await;
            let (status, _) = expected(route, route.gates, "", state);
            let right = if target == file {
                answer.status == 200 && answer.body == "one"
            } else {
                // That the signature is of another file may be told first.
                answer.status == status || matches!(answer.status, 401 | 403)
            };
            if !right {
                violations.push(format!("{route:?} in {state:?}: {answer:?}"));
            }
        }
    }
    none(&violations);
}

/// Which routes give bytes, or the names of files, on the download host and beside it.
const DOWNLOADS: [&str; 5] =
    ["content.get", "content.get_maven", "downloads.get", "downloads.list", "downloads.list_root"];

#[tokio::test]
async fn a_restricted_repository_gives_nothing_to_anybody_and_all_else_as_before() {
    let (app, mut violations, mut refused) = (world().await, Vec::new(), 0);
    for repo in ["tools", "vault"] {
        let body = json!({"white_cidrs": ["192.0.2.0/24"], "black_cidrs": []});
        let path = format!("/repos/acme/{repo}/ip_restrictions");
        assert_eq!(app.put(&path).by(OWNER).json(&body).await.status, 200);
    }
    for route in routes().filter(|route| route.method == Method::Get) {
        for caller in CALLERS {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let answer = ask(&app, "GET", (route, caller, state)).await;
                let (status, _) = expected(route, route.gates, caller, state);
                let gives = DOWNLOADS.contains(&route.operation);
                let status = if gives && status == 200 { 403 } else { status };
                // Who may know of the repository is told so before what is not there in it.
                let nothing = gives
                    && answer.status == 403
                    && (is_public(state) || READERS.contains(&caller));
                refused += usize::from(status == 403 && gives);
                if !nothing {
                    violations.extend(told(route, caller, state, &answer, status));
                }
            }
        }
    }
    assert!(refused > 20, "{refused}");
    none(&violations);
}

/// Whether the path is of the public repository.
fn is_public(state: State) -> bool {
    let file =
        matches!(state, State::Unpublished { private: false } | State::NoFile { private: false });
    file || state == State::Public
}

#[tokio::test]
async fn a_file_whose_eula_is_pending_is_refused_to_all_but_publishers() {
    let app = world().await;
    for (repo, readers) in [("tools", true), ("vault", false)] {
        for caller in CALLERS.into_iter().chain(MORE).filter(|caller| *caller != WRONG_KEY) {
            let may_read = readers
                || PUBLISHERS.contains(&caller)
                || [READER, TEAM_READER, "reading@acme"].contains(&caller);
            let status = match caller {
                "" | EXPIRED | BLOCKED => 401,
                caller if PUBLISHERS.contains(&caller) => 200,
                _ if may_read => 403,
                _ => 404,
            };
            for at in ["", "/content", "/api/v1"] {
                let file = format!("{at}/acme/{repo}/licensed/1.0/licensed.bin");
                let answer = app.get(&file).by(caller).from(ADDRESS).await;
                assert_eq!(answer.status, status, "{file} by '{caller}': {answer:?}");
            }
        }
    }
}

/// The test of the test: an engine that does not look at one of the things that decide gives other
/// answers than the gates say.
#[tokio::test]
async fn an_engine_that_lacks_a_check_fails_the_matrix() {
    let lacks: [(&str, Doctor); 6] = [
        ("that a repository is private", |kind, body| {
            if kind == "repository" {
                body["private"] = json!(false);
            }
        }),
        ("what a member is", |kind, body| {
            if kind == "membership" {
                body["role"] = json!("owner");
            }
        }),
        ("what a grant allows", |kind, body| {
            if kind == "grants" {
                for grant in body["grants"].as_array_mut().unwrap() {
                    grant["actions"] = json!(Action::ALL);
                }
            }
        }),
        ("that grants were made at all", |kind, body| {
            if kind == "grants" {
                body["grants"] = json!([]);
            }
        }),
        ("that a file is not published", |kind, body| {
            if kind == "file" && body["published"].is_null() {
                body["published"] = json!(1_767_225_600_000_i64);
            }
        }),
        ("that a key has an end", |kind, body| {
            if kind == "access_key" {
                body.as_object_mut().unwrap().remove("expiry");
            }
        }),
    ];
    let app = world().await;
    assert_eq!(some_violations(&app).await, Vec::<String>::new());
    for (what, doctor) in lacks {
        app.watch.doctor(doctor);
        assert_ne!(some_violations(&app).await, Vec::<String>::new(), "{what}");
    }
}

/// What goes wrong on the routes that show a repository, a file, or what was granted in it.
async fn some_violations(app: &App) -> Vec<String> {
    let mut violations = Vec::new();
    let shows = ["repositories.show", "downloads.get", "permissions.list", "licenses.list_of_org"];
    for route in routes().filter(|route| shows.contains(&route.operation)) {
        for caller in ["", STRANGER, READER, OWNER, ADMIN, "reading@acme", TEAM_READER, EXPIRED] {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let answer = ask(app, "GET", (route, caller, state)).await;
                let stand_in =
                    if MORE.contains(&caller) { stand_in(route, caller) } else { caller };
                let (status, _) = expected(route, route.gates, stand_in, state);
                violations.extend(told(route, caller, state, &answer, status));
            }
        }
    }
    violations
}
