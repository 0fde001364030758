//! Every route, every caller, every state: the status that its gates say, and the one that came.
//!
//! Generated from the route table. What a gate means is said here once more, in a few lines that
//! share nothing with the engine. A route without gates or without cases fails.

use packhouse_core::model::grants::Action;
use packhouse_http::{Gate, Method, Right, Route, routes};
use serde_json::json;

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, READER, STRANGER, basic};

/// Where everyone asks from.
pub(crate) const ADDRESS: &str = "198.51.100.7";
/// Shows a key that is nobody's.
pub(crate) const WRONG_KEY: &str = "wrong key";
/// The holders of access keys of `acme` that may read its repositories, and write to them.
const READING_KEY: &str = "reading@acme";
const WRITING_KEY: &str = "writing@acme";
/// The holder of one that may do nothing here.
const OTHER_KEY: &str = "other@acme";
pub(crate) const CALLERS: [&str; 10] =
    ["", WRONG_KEY, STRANGER, READER, PUBLISHER, OWNER, ADMIN, READING_KEY, WRITING_KEY, OTHER_KEY];
/// Who sees what is not published.
pub(crate) const PUBLISHERS: [&str; 4] = [PUBLISHER, OWNER, ADMIN, WRITING_KEY];
/// Who sees what is private.
pub(crate) const READERS: [&str; 6] = [READER, PUBLISHER, OWNER, ADMIN, READING_KEY, WRITING_KEY];

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Public,
    Private,
    /// A file that is not published, in the public or the private repository.
    Unpublished {
        private: bool,
    },
    NoSubject,
    NoRepository,
    NoPackage {
        private: bool,
    },
    NoVersion {
        private: bool,
    },
    NoFile {
        private: bool,
    },
    /// A product of packages of the private repository alone.
    HiddenProduct,
    NoProduct,
    NoEula,
    NoLicense,
    NoTeam,
    NoAccessKey,
    NoEntitlement,
}

use State::{
    HiddenProduct, NoAccessKey, NoEntitlement, NoEula, NoFile, NoLicense, NoPackage, NoProduct,
    NoRepository, NoSubject, NoTeam, NoVersion, Private, Public, Unpublished,
};

pub(crate) const STATES: [State; 19] = [
    Public,
    Private,
    Unpublished { private: false },
    Unpublished { private: true },
    NoSubject,
    NoRepository,
    NoPackage { private: false },
    NoPackage { private: true },
    NoVersion { private: false },
    NoVersion { private: true },
    NoFile { private: false },
    NoFile { private: true },
    HiddenProduct,
    NoProduct,
    NoEula,
    NoLicense,
    NoTeam,
    NoAccessKey,
    NoEntitlement,
];

impl State {
    fn is_private(self) -> bool {
        match self {
            Private => true,
            Unpublished { private }
            | NoPackage { private }
            | NoVersion { private }
            | NoFile { private } => private,
            Public | NoSubject | NoRepository | HiddenProduct | NoProduct | NoEula | NoLicense
            | NoTeam | NoAccessKey | NoEntitlement => false,
        }
    }

    /// Whether the path of a route can lead to this.
    pub(crate) fn is_of(self, route: &Route) -> bool {
        let has = |parameter: &str| route.path.contains(&format!("{{{parameter}}}"));
        let upload = is_upload(route);
        match self {
            Public => true,
            NoSubject => has("subject"),
            Private | NoRepository => has("repo") && route.operation != "repositories.create",
            NoPackage { .. } => has("package") || upload,
            NoVersion { .. } => has("version") || route.operation == "versions.show_latest",
            Unpublished { .. } | NoFile { .. } => (has("*path") || has("*folder")) && !upload,
            HiddenProduct | NoProduct => has("product"),
            NoEula => has("eula"),
            NoLicense => has("custom_license_name"),
            NoTeam => has("team"),
            NoAccessKey => has("access_key_id"),
            NoEntitlement => has("entitlement_id"),
        }
    }
}

fn is_upload(route: &Route) -> bool {
    ["content.upload", "content.upload_maven"].contains(&route.operation)
}

/// What the gates of a route say: the status, and the noun that a 404 names.
pub(crate) type Expected = (u16, Option<&'static str>);

pub(crate) fn expected(route: &Route, gates: &[Gate], caller: &str, state: State) -> Expected {
    if caller == WRONG_KEY {
        return (401, None);
    }
    let refused = gates.iter().find_map(|gate| refusal(*gate, caller, state));
    // Who may list it in the downloads is told that it is not published.
    let unlisted = route.operation == "files.list_in_downloads";
    let passed = match state {
        Unpublished { .. } if unlisted => 400,
        _ => success(route),
    };
    refused.unwrap_or((passed, None))
}

/// What a gate answers, if it does not let the caller through.
pub(crate) fn refusal(gate: Gate, caller: &str, state: State) -> Option<Expected> {
    let anonymous = caller.is_empty();
    let reads = |right| right == Right::Read;
    let hidden = |noun| if anonymous { (401, None) } else { (404, Some(noun)) };
    match gate {
        Gate::Credentials => anonymous.then_some((401, None)),
        Gate::Platform => (caller != ADMIN).then_some((403, None)),
        Gate::Oneself => {
            let itself = caller == OWNER && state != NoSubject;
            (caller != ADMIN && !itself).then_some((403, None))
        }
        Gate::Subject(right) => match state {
            NoSubject => Some(hidden("Subject")),
            // Somewhere in it.
            _ if right == Right::Publish && caller == PUBLISHER => None,
            _ => (!reads(right) && ![OWNER, ADMIN].contains(&caller)).then_some((403, None)),
        },
        Gate::Repository(right) => {
            let known = READERS.contains(&caller);
            let absent = matches!(state, NoSubject | NoRepository);
            let may = match right {
                Right::Read => true,
                Right::Publish => PUBLISHERS.contains(&caller),
                Right::Own => [OWNER, ADMIN].contains(&caller),
            };
            match () {
                () if absent || (state.is_private() && !known) => Some(hidden("Repo")),
                () => (!may).then_some((403, None)),
            }
        }
        Gate::Package => matches!(state, NoPackage { .. }).then_some((404, Some("Package"))),
        Gate::Version => {
            let absent = matches!(state, NoPackage { .. } | NoVersion { .. });
            absent.then_some((404, Some("Version")))
        }
        // A folder is there for those who asked to see something in it.
        Gate::Folder => match state {
            NoFile { .. } | Unpublished { .. } => Some((404, Some("File"))),
            _ => None,
        },
        Gate::File => match state {
            NoFile { .. } => Some((404, Some("File"))),
            Unpublished { .. } if anonymous => Some((401, None)),
            Unpublished { .. } if !PUBLISHERS.contains(&caller) => Some((404, Some("File"))),
            _ => None,
        },
        Gate::Product => match state {
            NoSubject => Some(hidden("Subject")),
            NoProduct => Some((404, Some("Product"))),
            // Who reads none of its packages is not told that it is there.
            HiddenProduct if !READERS.contains(&caller) => Some((404, Some("Product"))),
            _ => None,
        },
        Gate::Eula => (state == NoEula).then_some((404, Some("Eula"))),
        Gate::License => (state == NoLicense).then_some((404, Some("License"))),
        // To those who do not administer its subject none is there.
        Gate::Team => {
            (state == NoTeam || ![OWNER, ADMIN].contains(&caller)).then_some((404, Some("Team")))
        }
        Gate::AccessKey => (state == NoAccessKey).then_some((404, Some("AccessKey"))),
        Gate::Entitlement => (state == NoEntitlement).then_some((404, Some("Entitlement"))),
        Gate::Scope => (![OWNER, ADMIN].contains(&caller)).then_some((403, None)),
    }
}

fn success(route: &Route) -> u16 {
    match route.operation {
        "content.upload"
        | "content.upload_maven"
        | "repositories.create"
        | "packages.create"
        | "versions.create"
        | "users.put"
        | "users.renew_key"
        | "access_keys.create_of_org"
        | "access_keys.create_of_user"
        | "entitlements.create_of_product"
        | "entitlements.create_of_repo"
        | "entitlements.create_of_package"
        | "entitlements.create_of_version"
        | "products.create"
        | "eulas.create"
        | "licenses.create_of_org"
        | "licenses.create_of_user"
        | "teams.create_of_org"
        | "teams.create_of_user"
        | "orgs.put"
        | "signed_urls.renew_key" => 201,
        _ => 200,
    }
}

/// The target of a route in a state.
pub(crate) fn target(route: &Route, state: State) -> String {
    let pick = |absent: bool, there: &str| if absent { "absent" } else { there }.to_owned();
    let repo = if state.is_private() { "vault" } else { "tools" };
    let package = pick(matches!(state, NoPackage { .. }), "app");
    let version = pick(matches!(state, NoVersion { .. }), "1.0");
    let path = match (route.operation, state) {
        ("content.upload", _) => format!("{package}/1.0/fresh.bin"),
        ("content.upload_maven", _) => "org/acme/fresh/1.0/fresh-1.0.jar".to_owned(),
        (_, NoFile { .. }) => "app/1.0/absent.bin".to_owned(),
        ("eulas.of_file", Unpublished { .. }) => "licensed/2.0/new.bin".to_owned(),
        ("eulas.of_file", _) => "licensed/1.0/licensed.bin".to_owned(),
        (_, Unpublished { .. }) => "app/2.0/new.bin".to_owned(),
        _ => "app/1.0/app.bin".to_owned(),
    };
    let folder = match state {
        NoFile { .. } => "app/absent",
        Unpublished { .. } => "app/2.0",
        _ => "app/1.0",
    };
    let (subject, repo) = match route.operation {
        "orgs.put" => ("fresh".to_owned(), repo.to_owned()),
        // An organization that the owner owns.
        _ if route.path.contains("/orgs/{subject}") => {
            (pick(state == NoSubject, "guild"), repo.to_owned())
        }
        "users.put" => ("fresh".to_owned(), repo.to_owned()),
        "repositories.create" => (pick(state == NoSubject, OWNER), "fresh".to_owned()),
        _ => (pick(state == NoSubject, OWNER), pick(state == NoRepository, repo)),
    };
    let package = match (route.operation, state) {
        // A package whose versions have no published file.
        ("versions.show_latest", NoVersion { .. }) => "bare".to_owned(),
        _ => package,
    };
    let product = match state {
        NoProduct => "absent",
        HiddenProduct => "secret",
        _ => "suite",
    };
    route
        .path
        .replace("{subject}", &subject)
        .replace("{repo}", &repo)
        .replace("{package}", &package)
        .replace("{version}", &version)
        .replace("{*path}", &path)
        .replace("{*folder}", folder)
        .replace("{product}", product)
        .replace("{eula}", &pick(state == NoEula, "terms"))
        .replace("{custom_license_name}", &pick(state == NoLicense, "mine"))
        .replace("{team}", &pick(state == NoTeam, "crew"))
        .replace("{user}", READER)
        .replace("{followed}", STRANGER)
        .replace("{access_key_id}", &pick(state == NoAccessKey, "spare"))
        .replace("{entitlement_id}", &pick(state == NoEntitlement, "e1"))
        + match route.operation {
            "downloads.list_root" => "/",
            "search.repositories" | "search.packages" | "search.files" | "subjects.search" => {
                "?name=a"
            }
            "search.maven" => "?q=a",
            "entitlements.search" => "?scope=acme/tools&access_key=spare",
            _ => "",
        }
}

pub(crate) fn body(route: &Route) -> String {
    match route.operation {
        _ if is_upload(route) => "bytes".to_owned(),
        "explain.explain" => json!({"action": "read", "resource": {"subject": OWNER}}).to_string(),
        "files.list_in_downloads" => json!({"list_in_downloads": true}).to_string(),
        "packages.create" | "versions.create" => json!({"name": "fresh"}).to_string(),
        "access_keys.create_of_org" | "access_keys.create_of_user" => {
            json!({"id": "fresh"}).to_string()
        }
        "eulas.create" => json!({"name": "fresh", "content": "text"}).to_string(),
        "eulas.update" => json!({"content": "text"}).to_string(),
        "products.update" => json!({"desc": "text"}).to_string(),
        "restrictions.set_countries" => json!({"white_list": []}).to_string(),
        "restrictions.set_networks" => json!({"white_cidrs": []}).to_string(),
        "restrictions.change_networks" => json!({"add": {}}).to_string(),
        "products.create" | "licenses.create_of_org" | "licenses.create_of_user" => {
            json!({"name": "fresh"}).to_string()
        }
        "teams.create_of_org" | "teams.create_of_user" => json!({"name": "fresh"}).to_string(),
        "permissions.set" => json!({"team": "crew", "permission": "read"}).to_string(),
        "orgs.put" => json!({"owner": OWNER}).to_string(),
        "orgs.put_member" => json!({"type": "member"}).to_string(),
        operation if operation.starts_with("entitlements.create_") => {
            json!({"access": "r"}).to_string()
        }
        operation if operation.starts_with("attributes.search_") => {
            json!([{"name": "value"}]).to_string()
        }
        operation if operation.starts_with("attributes.") => {
            json!([{"name": "name", "values": ["value"]}]).to_string()
        }
        _ if route.method == Method::Get => String::new(),
        _ => "{}".to_owned(),
    }
}

/// What came of one route, one caller and one state.
struct Case {
    route: &'static Route,
    caller: &'static str,
    state: State,
    answer: Answer,
}

pub(crate) async fn furnished() -> App {
    let app = App::furnished().await;
    for repo in ["tools", "vault"] {
        app.package(&format!("acme/{repo}"), json!({"name": "bare"})).await;
    }
    app.organization("guild", OWNER).await;
    // Its last owner could not be deleted.
    app.member("guild", ADMIN, "owner").await;
    app.member("guild", READER, "member").await;
    for of in ["orgs/guild", "users/acme"] {
        let made = app.post(&format!("/{of}/teams")).by(OWNER).json(&json!({"name": "crew"})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    for repo in ["acme/tools", "acme/vault"] {
        let read = json!({"team": "crew", "permission": "read"});
        let path = format!("/repos/{repo}/permissions");
        app.put(&path).by(OWNER).json(&read).await.is_success(200);
    }
    app.product("acme", "suite").await;
    for key in ["reading", "writing", "other", "spare"] {
        app.access_key("acme", key).await;
    }
    let spare = app.post("/orgs/guild/access_keys").by(OWNER).json(&json!({"id": "spare"})).await;
    assert_eq!(spare.status, 201, "{spare:?}");
    for repo in ["repos/acme/tools", "repos/acme/vault"] {
        entitle(&app, repo, "e1", json!({"access": "r", "access_keys": ["reading"]})).await;
        entitle(&app, repo, "e2", json!({"access": "rw", "access_keys": ["writing"]})).await;
        let app_of = format!("packages/{}/app", repo.trim_start_matches("repos/"));
        for of in [app_of.clone(), format!("{app_of}/versions/1.0")] {
            entitle(&app, &of, "e1", json!({"access": "r"})).await;
        }
    }
    app.product("acme", "secret").await;
    for product in ["suite", "secret"] {
        entitle(&app, &format!("products/acme/{product}"), "e1", json!({"access": "r"})).await;
    }
    license(&app).await;
    app
}

/// Makes the package `licensed` of the product `suite`, with a EULA that is no other package's, and
/// licenses; the publisher may publish in a repository of the organization.
async fn license(app: &App) {
    for repo in ["tools", "vault"] {
        app.package(&format!("acme/{repo}"), json!({"name": "licensed"})).await;
        let at = format!("acme/{repo}/licensed");
        app.upload(&format!("{at}/1.0/licensed/1.0/licensed.bin?publish=1"), "one").await;
        app.upload(&format!("{at}/2.0/licensed/2.0/new.bin"), "two").await;
    }
    let terms = json!({"name": "terms", "content": "text", "versions": ["1.0", "2.0"]});
    for (target, body) in [
        ("/products/acme/suite/eulas", terms.clone()),
        ("/products/acme/secret/eulas", terms),
        ("/users/acme/licenses", json!({"name": "mine"})),
        ("/orgs/guild/licenses", json!({"name": "mine"})),
        ("/repos/guild/library", json!({})),
    ] {
        let made = app.post(target).by(OWNER).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    app.set_packages("acme", "suite", &["tools/licensed", "vault/licensed"]).await;
    app.set_packages("acme", "secret", &["vault/licensed"]).await;
    app.grant(PUBLISHER, "guild/library", &[Action::Read, Action::Publish]).await;
}

async fn entitle(app: &App, of: &str, id: &str, mut body: serde_json::Value) {
    body["id"] = json!(id);
    let made = app.post(&format!("/{of}/entitlements")).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

pub(crate) async fn ask(app: &App, method: &str, case: (&Route, &str, State)) -> Answer {
    let (route, caller, state) = case;
    let target = target(route, state);
    let body = match route.operation {
        "downloads.accept_eula" => form(app, &target, caller).await,
        _ => body(route),
    };
    let ask = app.ask(method, &target).body(body).from(ADDRESS);
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

/// Where what came is not what the gates say, and what has no cases.
fn violations(cases: &[Case], gates_of: impl Fn(&Route) -> Vec<Gate>) -> Vec<String> {
    let mut violations = Vec::new();
    for case in cases {
        let gates = gates_of(case.route);
        let (status, noun) = expected(case.route, &gates, case.caller, case.state);
        let message = serde_json::from_slice::<serde_json::Value>(&case.answer.body)
            .ok()
            .and_then(|body| Some(body.get("message")?.as_str()?.to_owned()));
        let told = match (&message, noun) {
            (Some(message), Some(noun)) => message.starts_with(&format!("{noun} '")),
            // The download host says no more than the reason.
            _ => true,
        };
        if case.answer.status != status || case.answer.operation != case.route.operation || !told {
            let Case { route, caller, state, answer } = case;
            let place = format!("{route:?} by '{caller}' in {state:?}");
            violations.push(format!("{place}: expected {status} {noun:?}, got {answer:?}"));
        }
    }
    violations.extend(routes().filter_map(|route| lacking(cases, route, &gates_of(route))));
    violations
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

#[tokio::test]
async fn every_route_keeps_its_gates_for_every_caller_in_every_state() {
    let cases = all_cases().await;
    assert!(cases.len() > 900, "{} cases", cases.len());
    let violations = violations(&cases, |route| route.gates.to_vec());
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    check_the_check(&cases);
}

/// The test of the test: with one gate taken out, moved or weakened, it fails.
fn check_the_check(cases: &[Case]) {
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
