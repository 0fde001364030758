//! `GET /openapi.json`, the specification's rows, and the names that routes need.

use packhouse_core::names::SubjectName;
use packhouse_http::routes;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER};

/// The rows of the specification that are mounted so far.
const SPEC: &str = include_str!("../spec/bintray.tsv");

/// Method and path of each row, and the path with values in it.
fn rows() -> Vec<(String, String, String)> {
    let mut lines = SPEC.lines();
    assert_eq!(lines.next(), Some("method\tpath\tgroup\tform"));
    lines
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let (method, path) = (columns.next().unwrap(), columns.next().unwrap());
            let target = [
                "subject",
                "repo",
                "package",
                "version",
                "org",
                "user",
                "organization",
                "team",
                "product",
                "eula",
                "custom_license_name",
                "access_key_id",
                "entitlement_id",
            ]
            .iter()
            .fold(path.clone(), |path, name| path.replace(&format!("{{{name}}}"), "x1"))
            .replace("{*path}", "a/b/c");
            (method, path, target)
        })
        .collect()
}

/// The operation that answers a row, in both places where the API is.
async fn operations(app: &App, method: &str, target: &str) -> [&'static str; 2] {
    let here = app.ask(method, target).await.operation;
    [here, app.ask(method, &format!("/api/v1{target}")).await.operation]
}

#[tokio::test]
async fn every_row_of_the_specification_has_a_route() {
    let app = App::new().await;
    let mut answered = std::collections::BTreeSet::new();
    for (method, path, target) in rows() {
        let [one, other] = operations(&app, &method, &target).await;
        let known = one != "none" && !one.starts_with("downloads.") && one == other;
        assert!(known, "{method} {path} is answered by {one} and {other}");
        answered.insert(one);
    }
    // And the other way round: a route of the API is a row, or what a client asks for besides.
    for route in routes().filter(|route| !is_our_own(route.path)) {
        let alias = ["versions.update_by_post", "content.get_maven"].contains(&route.operation);
        assert!(answered.contains(route.operation) != alias, "{route:?} is no row");
    }
    // The test of the test.
    let [none, _] = operations(&app, "GET", "/stream/x1").await;
    assert_eq!(none, "none", "take a row that is not mounted yet");
}

/// Whether it is not under `/api/v1` as well.
fn is_one_of_a_kind(path: &str) -> bool {
    ["/management/", "/openapi.json"].iter().any(|start| path.starts_with(start))
}

fn is_our_own(path: &str) -> bool {
    ["/management/", "/openapi.json", "/{subject}/"].iter().any(|start| path.starts_with(start))
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_document_in_the_table() {
    let app = App::new().await;
    let answer = app.get("/openapi.json").await;
    let document = answer.value();
    answer.is(200, &document);
    assert_eq!(document["openapi"], "3.1.0");
    let mut told = 0;
    for route in routes() {
        let path = route.path.replace("{*", "{");
        let item = &document["paths"][&path];
        let operation = &item[route.method.as_str().to_ascii_lowercase()];
        assert_eq!(operation["operationId"], route.operation, "{route:?}");
        let parameters = operation["parameters"].as_array().unwrap();
        let named: Vec<_> =
            parameters.iter().map(|it| format!("{{{}}}", it["name"].as_str().unwrap())).collect();
        assert_eq!(path.matches('{').count(), named.len());
        assert!(named.iter().all(|name| path.contains(name)), "{route:?}");
        let twice = json!([{"url": "/"}, {"url": "/api/v1"}]);
        let once = json!([{"url": "/"}]);
        assert_eq!(item["servers"], if is_one_of_a_kind(route.path) { once } else { twice });
        told += 1;
    }
    let methods = ["get", "put", "post", "patch", "delete"];
    let count = |item: &Value| methods.iter().filter(|method| item.get(**method).is_some()).count();
    let counted: usize = document["paths"].as_object().unwrap().values().map(count).sum();
    assert_eq!(counted, told, "nothing else is in it");
}

#[tokio::test]
async fn operations_have_names_of_their_own() {
    let mut names: Vec<_> = routes().map(|route| route.operation).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| name.split('.').count() == 2), "{names:?}");
}

/// T019: no name of a subject hides a route, and none of a route a subject.
#[tokio::test]
async fn no_subject_has_the_name_of_a_route() {
    let app = App::new().await;
    let mut first: Vec<_> = routes().filter_map(|route| route.path.split('/').nth(1)).collect();
    first.push("api");
    first.retain(|segment| !segment.starts_with('{'));
    first.sort_unstable();
    first.dedup();
    let expected = [
        "api",
        "content",
        "file_eula",
        "file_metadata",
        "file_package",
        "file_version",
        "files",
        "licenses",
        "management",
        "maven",
        "openapi.json",
        "orgs",
        "packages",
        "products",
        "repos",
        "search",
        "signed_url",
        "subjects",
        "users",
    ];
    assert_eq!(first, expected);
    for name in first {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            assert!(SubjectName::parse(&spelling).is_err(), "{spelling}");
            let path = format!("/management/v1/users/{spelling}");
            let refused = app.put(&path).by(ADMIN).await;
            refused.refuses(
                400,
                &format!("the subject name '{spelling}' is reserved: choose another"),
            );
        }
    }
}

/// Below a reserved name there are no downloads: what a dialect does not have is not there, in
/// the words of the API.
#[tokio::test]
async fn what_is_not_mounted_is_not_there() {
    let app = App::furnished().await;
    let text = "There is no such resource: see /openapi.json for all";
    for path in [
        "/",
        "//",
        "/nothing",
        "/acme",
        "/api",
        "/api/v1",
        "/search/file/x",
        "/orgs/acme/teams/team/x",
        "/packages/acme/tools/app/readme",
        "/REPOS/acme/x",
        "/v2/acme/tools/manifests/1",
        "/repos/acme/tools/packages/x",
        "/metrics",
        "/favicon.ico",
        "/api/v1/openapi.json",
        "/api/v1/management/v1/health",
        "/api/v1/api/v1/repos/acme",
        "/management/v2/users",
        "/access/api/v1/system/ping",
    ] {
        for caller in ["", OWNER] {
            for method in ["GET", "PUT", "DELETE"] {
                let refused = app.ask(method, path).by(caller).body("{}").await;
                refused.refuses(404, text);
                assert_eq!(refused.operation, "none");
            }
        }
    }
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let app = App::new().await;
    for (method, path, allow) in [
        ("DELETE", "/openapi.json", "GET, HEAD"),
        ("PUT", "/repos/acme/tools", "DELETE, GET, HEAD, PATCH, POST"),
        ("PATCH", "/content/acme/tools/x", "DELETE, GET, HEAD, PUT"),
        ("HEAD", "/signed_url/acme/tools/x", "POST"),
        ("OPTIONS", "/api/v1/repos/acme", "GET, HEAD"),
        ("TRACE", "/packages/acme/tools", "POST"),
        ("BREW", "/management/v1/users/x", "DELETE, GET, HEAD, PATCH, PUT"),
    ] {
        let refused = app.ask(method, path).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow)), "{refused:?}");
        if method != "HEAD" {
            let text = format!("This resource has the methods {allow}");
            assert_eq!(refused.value(), json!({"message": text}));
        }
    }
}
