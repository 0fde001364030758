//! T007: hundreds of spellings of each route's path, and none that decides more than the path
//! itself.

use packhouse_http::{Method, Route, routes};

use crate::app::{Answer, App, OWNER, STRANGER, filled};

/// A path of the route, to things that a stranger may not see.
fn target(route: &Route) -> String {
    filled(route.path)
        .replace("{subject}", "acme")
        .replace("{repo}", "vault")
        .replace("{package}", "app")
        .replace("{version}", "1.0")
        .replace("{*path}", "app/1.0/app.bin")
        .replace("{*folder}", "app/1.0")
        // Without the slash it leads to the one with it.
        + if route.operation == "downloads.list_root" { "/" } else { "" }
}

/// What a search cannot do without: every spelling would be refused alike.
fn query(route: &Route) -> &'static str {
    match route.operation {
        "search.repositories" | "search.packages" | "search.files" => "?name=app*",
        "search.maven" => "?q=*",
        _ => "",
    }
}

/// What may follow a segment.
const AFTER: [&str; 59] = [
    ";",
    ";x",
    ";x=1",
    ";jsessionid=1",
    ";/",
    ";x/",
    "/;",
    "/..",
    "/../",
    "/.",
    "/./",
    "//",
    "/%2e",
    "/%2e%2e",
    "/%2e%2e/",
    "/..;",
    "/..;/",
    "/..;x=1/",
    "%2f",
    "%2F",
    "%252f",
    "%5c",
    "\\",
    "%00",
    "%00.json",
    "%0a",
    "%0d%0a",
    "%09",
    "%20",
    "+",
    ".",
    "..",
    ".json",
    ".html",
    "~",
    "%3b",
    "%3bx",
    "%3f",
    "%23",
    "?",
    "??",
    "?x=1",
    "?/",
    "#",
    "%",
    "%zz",
    "%c0%af",
    "%e0%80%af",
    "%ef%bc%8f",
    "%e2%80%8b",
    "$",
    "!",
    "&",
    "=",
    ":",
    "@",
    ",",
    "*",
    "'",
];

/// What may precede it.
const BEFORE: [&str; 17] = [
    "./", "../", "%2e/", "%2e%2e/", "..;/", ";/", ";x/", "//", "x/../", "x/..;/", "%2f", "%5c",
    "\\", "%20", "%00", "*", "~",
];

/// What may precede a whole path.
const PREFIXES: [&str; 31] = [
    "/",
    "//",
    "/.",
    "/./",
    "/..",
    "/%2e",
    "/%2e%2e",
    "/;x",
    "/;",
    "/%2f",
    "/%5c",
    "/\\",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/API/V1",
    "/api/v1/..",
    "/api/v2",
    "/api/v1/api/v1",
    "/management/v1",
    "/management/v1/..",
    "/acme",
    "/acme/vault",
    "/acme/vault/..",
    "/openapi.json",
    "/openapi.json/..",
    "/x/..",
    "/%00",
    "/%20",
    "http://host",
    "//host",
];

/// Other spellings of one segment.
fn spellings(segment: &str) -> Vec<String> {
    let encoded = |upper: bool| -> String {
        let hex = |byte| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        segment.bytes().map(hex).collect()
    };
    let first = format!("%{:02x}{}", segment.as_bytes()[0], &segment[1..]);
    let mut spellings = vec![
        segment.to_uppercase(),
        encoded(true),
        encoded(false),
        first.clone(),
        first.replace('%', "%25"),
    ];
    spellings.extend(AFTER.map(|more| format!("{segment}{more}")));
    spellings.extend(BEFORE.map(|more| format!("{more}{segment}")));
    spellings
}

/// Other spellings of a path.
fn mutations(path: &str) -> Vec<String> {
    let slash = if path.ends_with('/') { "/" } else { "" };
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    let mut mutations = Vec::new();
    for (place, segment) in segments.iter().enumerate() {
        // Where the path ends earlier, it is another's and not a spelling of this one.
        let ends_here = |spelling: &String| spelling.contains(['?', '#']);
        let is_last = place + 1 == segments.len() && slash.is_empty();
        for spelling in spellings(segment).into_iter().filter(|it| is_last || !ends_here(it)) {
            let mut other = segments.clone();
            other[place] = &spelling;
            mutations.push(format!("/{}{slash}", other.join("/")));
        }
    }
    mutations.extend(PREFIXES.map(|prefix| format!("{prefix}{path}")));
    mutations.extend(combined(path).into_iter().skip(path.len() % EVERY).step_by(EVERY));
    mutations.retain(|mutated| mutated != path);
    mutations.sort();
    mutations.dedup();
    mutations
}

/// Of the combined spellings of a path, every so-manieth is tried; of each path others.
const EVERY: usize = 4;

/// Two changes at once: what one reader strips, another may then take for something else.
fn combined(path: &str) -> Vec<String> {
    let (folders, last) = path.rsplit_once('/').unwrap();
    let around = AFTER
        .iter()
        .flat_map(|after| BEFORE.map(|before| format!("{folders}/{before}{last}{after}")));
    let whole =
        PREFIXES.iter().flat_map(|prefix| AFTER.map(|after| format!("{prefix}{path}{after}")));
    around.chain(whole).collect()
}

/// Whether the answer to another spelling gives no more than the one to the path itself.
fn is_no_gain(canonical: &Answer, other: Option<&Answer>) -> bool {
    // What is no target of a request never gets here.
    let Some(other) = other else { return true };
    match other.status {
        400 | 404 | 405 | 414 => true,
        401 | 403 if canonical.status < 300 => true,
        status if status == canonical.status && status >= 400 => true,
        status => {
            let same = other.operation == canonical.operation && other.body == canonical.body;
            status == canonical.status && same
        }
    }
}

async fn check(caller: &str, of_interest: impl Fn(&Route) -> bool) -> usize {
    let app = App::furnished().await;
    crate::gpg_keys::give(&app, "users/acme").await;
    // To be asked whether it is ready makes a probe, which holds for a while.
    assert_eq!(app.get("/management/v1/ready").await.status, 200);
    let before = app.watch.changes();
    let mut asked = 0;
    for route in routes().filter(|route| of_interest(route)) {
        let (method, path) = (route.method.as_str(), target(route));
        let body = || match route.method {
            Method::Get => "",
            _ if route.operation.starts_with("attributes.search_") => "[{\"name\": \"x\"}]",
            _ => "{\"name\": \"x\"}",
        };
        let canonical = format!("{path}{}", query(route));
        let canonical = app.ask(method, &canonical).by(caller).body(body()).await;
        let mutations = mutations(&path);
        assert!(mutations.len() >= 500, "{route:?}: {}", mutations.len());
        for mut mutated in mutations {
            if !mutated.contains(['?', '#']) {
                mutated.push_str(query(route));
            }
            // The same noun of another dialect is another thing, which an owner may have.
            let moved = mutated.starts_with("/management/") && !path.starts_with("/management/");
            if moved && caller == OWNER {
                continue;
            }
            let other = app.ask(method, &mutated).by(caller).body(body()).try_send().await;
            assert!(is_no_gain(&canonical, other.as_ref()), "{other:?}\nbut {canonical:?}");
            asked += 1;
        }
    }
    assert_eq!(app.watch.changes(), before, "nothing was changed by '{caller}'");
    asked
}

#[tokio::test]
async fn no_spelling_gives_the_anonymous_more() {
    assert!(check("", |_| true).await > 20_000);
}

/// For a stranger `acme/vault` is not there, and the users are the platform's.
#[tokio::test]
async fn no_spelling_gives_a_stranger_more() {
    assert!(check(STRANGER, |_| true).await > 20_000);
}

#[tokio::test]
async fn no_spelling_gives_an_owner_another_thing() {
    assert!(check(OWNER, |route| route.method == Method::Get).await > 10_000);
}

/// The test of the test: an answer that gives more is seen.
#[tokio::test]
async fn a_gain_is_seen() {
    let app = App::furnished().await;
    let refused = app.get("/repos/acme/vault").by(STRANGER).await;
    let public = app.get("/repos/acme/tools").by(STRANGER).await;
    let private = app.get("/repos/acme/vault").by(OWNER).await;
    assert!(!is_no_gain(&refused, Some(&public)));
    assert!(!is_no_gain(&private, Some(&public)), "another thing");
    let needs = app.get("/repos/acme/vault").await;
    let forbidden = app.patch("/repos/acme/tools").by(STRANGER).await;
    assert!(!is_no_gain(&needs, Some(&forbidden)), "it tells that there is such a thing");
}
