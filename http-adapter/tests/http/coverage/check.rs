//! The comparison, and the test of the test.

use packhouse_http::{Gate, Right, Route, routes};

use super::Case;
use super::callers::CALLERS;
use super::gates::expected;

/// Where what came is not what the gates say, and what has no cases.
pub(super) fn violations(cases: &[Case], gates_of: impl Fn(&Route) -> Vec<Gate>) -> Vec<String> {
    let wrong = |case: &Case| mismatch(case, &gates_of(case.route));
    let mut violations: Vec<String> = cases.iter().filter_map(wrong).collect();
    violations.extend(routes().filter_map(|route| lacking(cases, route, &gates_of(route))));
    violations
}

/// Where what came of one case is not what the gates say.
pub(super) fn mismatch(case: &Case, gates: &[Gate]) -> Option<String> {
    let Case { route, caller, state, answer } = case;
    let (status, noun) = expected(route, gates, caller, *state);
    let message = serde_json::from_slice::<serde_json::Value>(&answer.body)
        .ok()
        .and_then(|body| Some(body.get("message")?.as_str()?.to_owned()));
    let told = match (&message, noun) {
        (Some(message), Some(noun)) => message.starts_with(&format!("{noun} '")),
        // The download host says no more than the reason.
        _ => true,
    };
    if answer.status == status && answer.operation == route.operation && told {
        return None;
    }
    let place = format!("{route:?} by '{caller}' in {state:?}");
    Some(format!("{place}: expected {status} {noun:?}, got {answer:?}"))
}

/// What a route lacks, if anything: gates, or a case of success and of refusal.
fn lacking(cases: &[Case], route: &Route, gates: &[Gate]) -> Option<String> {
    let open = [
        "openapi.show",
        "health.live",
        "health.ready",
        "search.packages",
        "search.maven",
        "search.files",
        "licenses.oss",
    ];
    let open = open.contains(&route.operation);
    let of_route = || cases.iter().filter(|case| case.route.operation == route.operation);
    let succeeds = of_route().any(|case| case.answer.status < 300);
    let refuses = of_route().any(|case| case.answer.status >= 400);
    let callers = CALLERS.iter().all(|caller| of_route().any(|case| case.caller == *caller));
    match () {
        () if gates.is_empty() != open => Some(format!("{route:?} has no gates")),
        () if !(succeeds && refuses && callers) => Some(format!("{route:?} lacks cases")),
        () => None,
    }
}

/// The test of the test: with one gate taken out, moved or weakened, it fails.
pub(super) fn check_the_check(cases: &[Case]) {
    for route in routes() {
        for place in 0..route.gates.len() {
            let without = doctored(cases, route, |gates| {
                gates.remove(place);
            });
            assert!(without > 0, "{route:?} may lose {:?} unnoticed", route.gates[place]);
            let other = match route.gates[place] {
                Gate::Repository(Right::Read) => Gate::Repository(Right::Publish),
                Gate::Repository(Right::Publish) => Gate::Repository(Right::Own),
                Gate::Repository(Right::Own) => Gate::Repository(Right::Publish),
                Gate::Subject(Right::Own) => Gate::Subject(Right::Read),
                Gate::Subject(Right::Read) => Gate::Subject(Right::Own),
                _ => continue,
            };
            let changed = doctored(cases, route, |gates| gates[place] = other);
            assert!(changed > 0 || is_subsumed(route, other), "{route:?} may have {other:?}");
        }
    }
    let last = cases[cases.len() - 1].route;
    assert!(lacking(&[], last, last.gates).is_some(), "a route without cases");
    assert!(lacking(cases, last, &[]).is_some(), "a route without gates");
}

/// An admin's or an owner's gate before it lets nobody through whom the right would stop.
fn is_subsumed(route: &Route, other: Gate) -> bool {
    let has = |gates: &[Gate]| route.gates.iter().any(|gate| gates.contains(gate));
    match other {
        Gate::Subject(_) => has(&[Gate::Platform, Gate::Oneself]),
        Gate::Repository(_) => has(&[Gate::Subject(Right::Own)]),
        _ => false,
    }
}

fn doctored(cases: &[Case], doctor: &Route, change: impl Fn(&mut Vec<Gate>)) -> usize {
    let gates_of = |route: &Route| {
        let mut gates = route.gates.to_vec();
        if route.operation == doctor.operation {
            change(&mut gates);
        }
        gates
    };
    violations(cases, gates_of).len()
}

/// Whether the gates of a route let everyone through who signed in, where what is asked for is there
/// and public.
pub(super) fn is_for_everyone(route: &Route) -> bool {
    route.gates.iter().all(|gate| match gate {
        Gate::Repository(right) | Gate::Subject(right) => *right == Right::Read,
        Gate::Platform | Gate::Oneself | Gate::Team | Gate::Scope => false,
        _ => true,
    })
}
