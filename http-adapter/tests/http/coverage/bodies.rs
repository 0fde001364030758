//! The right is asked before the body is read: whoever is refused hears the same, whatever they send.

use packhouse_http::{Method, routes};

use super::callers::CALLERS;
use super::states::STATES;
use super::{Case, ask_with, check, expected, furnished};
use crate::app::ADMIN;

/// What no route takes for a body.
const NONSENSE: &str = "{\"nonsense\": [";
/// What names in its body what the right is asked over.
const SAYS_IN_ITS_BODY: &str = "explain.explain";
/// What takes no body, or any bytes.
const TAKES_ANYTHING: [&str; 6] = [
    "content.upload",
    "content.upload_maven",
    "orgs.renew_key",
    "signed_urls.renew_key",
    "users.follow",
    "users.renew_key",
];

#[tokio::test]
async fn who_is_refused_is_refused_before_the_body_is_read() {
    let app = furnished().await;
    let (before, mut asked) = (app.watch.changes(), 0);
    let mut told_otherwise = Vec::new();
    for route in routes().filter(|route| route.method != Method::Get) {
        for caller in CALLERS {
            for state in STATES.into_iter().filter(|state| state.is_of(route)) {
                let (status, _) = expected(route, route.gates, caller, state);
                let told_later = route.operation == SAYS_IN_ITS_BODY && status != 401;
                if !matches!(status, 401 | 403 | 404) || told_later {
                    continue;
                }
                let asking = (route, caller, state);
                let answer = ask_with(&app, route.method.as_str(), asking, NONSENSE.into()).await;
                let case = Case { route, caller, state, answer };
                told_otherwise.extend(check::mismatch(&case, route.gates));
                asked += 1;
            }
        }
    }
    let count = told_otherwise.len();
    assert!(count == 0, "{count} violations:\n{}", told_otherwise.join("\n"));
    assert_eq!(app.watch.changes(), before);
    assert!(asked > 1_000, "{asked}");
}

/// The test of the test: nonsense is refused by every route that reads a body.
#[tokio::test]
async fn nonsense_is_a_bad_request_of_those_who_may() {
    let mut app = furnished().await;
    let mut taken = Vec::new();
    for route in routes().filter(|route| ![Method::Get, Method::Delete].contains(&route.method)) {
        let before = app.watch.changes();
        let asking = (route, ADMIN, super::State::Public);
        let answer = ask_with(&app, route.method.as_str(), asking, NONSENSE.into()).await;
        match answer.status {
            // A form that is not of the server is refused as such.
            400 | 403 => assert_eq!(app.watch.changes(), before, "{answer:?}"),
            200..300 => taken.push(route.operation),
            _ => panic!("{answer:?}"),
        }
        if app.watch.changes() != before {
            app = furnished().await;
        }
    }
    taken.sort_unstable();
    assert_eq!(taken, TAKES_ANYTHING);
}
