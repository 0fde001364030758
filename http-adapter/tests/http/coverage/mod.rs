//! Every route, every caller, every state: the status that its gates say, and the one that came.
//!
//! Generated from the route table. A route without gates or without cases fails.

mod bodies;
mod callers;
mod check;
mod furniture;
mod gates;
mod requests;
mod states;

use packhouse_http::{Gate, Method, Right, Route, routes};

use crate::app::{ADMIN, Answer, App, OWNER, basic};
use callers::{OTHER_KEY, READING_KEY, WRITING_KEY};

pub(crate) use callers::{ADDRESS, CALLERS, PUBLISHERS, READERS, WRONG_KEY};
pub(crate) use furniture::furnished;
pub(crate) use gates::{expected, refusal};
pub(crate) use requests::{body, target};
pub(crate) use states::{STATES, State};

/// What came of one route, one caller and one state.
struct Case {
    route: &'static Route,
    caller: &'static str,
    state: State,
    answer: Answer,
}

pub(crate) async fn ask(app: &App, method: &str, case: (&Route, &str, State)) -> Answer {
    let (route, caller, state) = case;
    let body = match route.operation {
        "downloads.accept_eula" => form(app, &target(route, state), caller).await,
        _ => body(route),
    };
    ask_with(app, method, case, body).await
}

async fn ask_with(
    app: &App,
    method: &str,
    (route, caller, state): (&Route, &str, State),
    body: String,
) -> Answer {
    let ask = app.ask(method, &target(route, state)).body(body).from(ADDRESS);
    match caller {
        WRONG_KEY => ask.header("authorization", &basic(OWNER, "wrong")).await,
        caller => ask.by(caller).await,
    }
}

/// The form of the page on which a caller accepts a EULA, if the caller is shown one.
async fn form(app: &App, target: &str, caller: &str) -> String {
    let user = if caller == WRONG_KEY { "" } else { caller };
    let token = crate::agreement::token(&app.get(target).by(user).await);
    format!("token={}", token.unwrap_or_default())
}

/// Asks everything. What was refused must have changed nothing; what was not is asked of an
/// installation that nobody changed before.
async fn all_cases() -> Vec<Case> {
    let mut app = furnished().await;
    let mut cases = Vec::new();
    for route in routes() {
        for caller in CALLERS {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let before = app.watch.changes();
                let answer = ask(&app, route.method.as_str(), (route, caller, state)).await;
                let changed = app.watch.changes() != before;
                assert!(answer.status < 400 || !changed, "{answer:?} changed something");
                if route.method == Method::Get {
                    same_head(&app, (route, caller, state), &answer).await;
                }
                cases.push(Case { route, caller, state, answer });
                if changed {
                    app = furnished().await;
                }
            }
        }
    }
    cases
}

/// T023: HEAD has the status and the headers of GET, and no body.
async fn same_head(app: &App, case: (&Route, &str, State), get: &Answer) {
    let head = ask(app, "HEAD", case).await;
    let mut headers = get.headers.clone();
    if get.header("content-length").is_none() {
        headers.push(("content-length".to_owned(), get.body.len().to_string()));
        headers.sort();
    }
    assert_eq!((head.status, &head.headers), (get.status, &headers), "{get:?}");
    assert_eq!((head.body.len(), head.operation), (0, get.operation), "{head:?}");
}

#[tokio::test]
async fn every_route_keeps_its_gates_for_every_caller_in_every_state() {
    let cases = all_cases().await;
    assert!(cases.len() > 900, "{} cases", cases.len());
    let violations = check::violations(&cases, |route| route.gates.to_vec());
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    check::check_the_check(&cases);
}

/// The test of the test, with access keys for callers: each route is answered once as if it asked
/// nothing of who calls, and each key that should have been refused is noticed.
#[tokio::test]
async fn a_route_that_asks_nothing_of_an_access_key_is_noticed() {
    let mut app = furnished().await;
    for route in routes() {
        let status = |caller, state| expected(route, route.gates, caller, state).0;
        for key in [READING_KEY, WRITING_KEY, OTHER_KEY] {
            let tells = |state: &State| {
                state.is_of(route) && status(key, *state) >= 400 && status(ADMIN, *state) < 400
            };
            let Some(state) = STATES.into_iter().find(tells) else {
                let may = key == WRITING_KEY && route.gates.iter().all(is_for_publishers);
                assert!(may || check::is_for_everyone(route), "{key} at {route:?}");
                continue;
            };
            let before = app.watch.changes();
            let answer = ask(&app, route.method.as_str(), (route, ADMIN, state)).await;
            if app.watch.changes() != before {
                app = furnished().await;
            }
            let case = Case { route, caller: key, state, answer };
            assert!(check::mismatch(&case, route.gates).is_some(), "{key} at {route:?}");
        }
    }
}

/// Whether a gate lets through who may publish in a repository.
fn is_for_publishers(gate: &Gate) -> bool {
    match gate {
        Gate::Subject(right) => *right == Right::Read,
        Gate::Repository(right) => *right != Right::Own,
        Gate::Platform | Gate::Oneself | Gate::Team | Gate::Scope => false,
        _ => true,
    }
}
