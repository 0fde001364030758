//! What a caller may not know of is, byte for byte, what is not there (T037, T065, T079).

use serde_json::json;

use crate::app::{Answer, App, READER, STRANGER, filled};

/// The parts of an answer, with one name in place of two.
fn told(answer: &Answer, hidden: &str, absent: &str) -> (u16, Vec<(String, String)>, String) {
    let body = String::from_utf8(answer.body.to_vec()).unwrap().replace(hidden, absent);
    let mut headers = answer.headers.clone();
    // It follows from the names, which differ.
    headers.retain(|(name, _)| name != "content-length");
    (answer.status, headers, body)
}

async fn same(app: &App, caller: &str, method: &str, (hidden, absent): (&str, &str)) {
    let name = |path: &str| if path.contains("vault") { "vault" } else { "never" };
    let body = "{\"name\": \"x\", \"list_in_downloads\": true}";
    let ask = |path: &str| app.ask(method, path).by(caller).body(body);
    let (one, other) = (ask(hidden).await, ask(absent).await);
    assert!(one.status >= 400, "{caller}: {one:?}");
    assert_eq!(
        told(&one, name(hidden), name(absent)),
        told(&other, name(absent), name(absent)),
        "{caller}: {one:?}"
    );
}

#[tokio::test]
async fn a_private_repository_is_as_one_that_is_not_there() {
    let app = App::furnished().await;
    for (method, path) in [
        ("GET", "/repos/acme/vault"),
        ("HEAD", "/repos/acme/vault"),
        ("PATCH", "/repos/acme/vault"),
        ("DELETE", "/repos/acme/vault"),
        ("GET", "/repos/acme/vault/packages"),
        ("GET", "/repos/acme/vault/packages?start_pos=1"),
        ("POST", "/packages/acme/vault"),
        ("GET", "/packages/acme/vault/app"),
        ("GET", "/packages/acme/vault/absent"),
        ("PATCH", "/packages/acme/vault/app"),
        ("DELETE", "/packages/acme/vault/app"),
        ("GET", "/packages/acme/vault/app/files"),
        ("GET", "/packages/acme/vault/app/versions/1.0"),
        ("GET", "/packages/acme/vault/app/versions/9.9"),
        ("GET", "/packages/acme/vault/app/versions/_latest"),
        ("GET", "/packages/acme/vault/app/versions/1.0/files"),
        ("POST", "/packages/acme/vault/app/versions"),
        ("PATCH", "/packages/acme/vault/app/versions/1.0"),
        ("DELETE", "/packages/acme/vault/app/versions/1.0"),
        ("POST", "/content/acme/vault/app/1.0/publish"),
        ("PUT", "/content/acme/vault/app/1.0/app/1.0/app.bin"),
        ("PUT", "/content/acme/vault/app/1.0/x?override=1&publish=1"),
        ("DELETE", "/content/acme/vault/app/1.0/app.bin"),
        ("PUT", "/maven/acme/vault/app/org/x/1.0/x-1.0.jar"),
        ("PUT", "/maven/acme/vault/app/org/x/maven-metadata.xml"),
        ("GET", "/maven/acme/vault/app/app/1.0/app.bin"),
        ("GET", "/maven/acme/vault/app/absent"),
        ("GET", "/file_package/acme/vault/app/1.0/app.bin"),
        ("GET", "/file_version/acme/vault/app/1.0/app.bin"),
        ("GET", "/file_version/acme/vault/app/2.0/new.bin"),
        ("PUT", "/file_metadata/acme/vault/app/1.0/app.bin"),
        ("GET", "/acme/vault/app/1.0/app.bin"),
        ("HEAD", "/acme/vault/app/1.0/app.bin"),
        ("GET", "/acme/vault/app/2.0/new.bin"),
        ("GET", "/acme/vault/absent"),
        ("GET", "/acme/vault"),
        ("GET", "/acme/vault/"),
        ("HEAD", "/acme/vault/"),
        ("GET", "/acme/vault/?list=1&include_unpublished=1"),
        ("GET", "/acme/vault/app"),
        ("GET", "/acme/vault/app/"),
        ("HEAD", "/acme/vault/app/1.0/"),
        ("GET", "/acme/vault/app/2.0/?include_unpublished=1"),
        ("GET", "/acme/vault/absent/"),
    ] {
        for caller in ["", STRANGER] {
            same(&app, caller, method, (path, &path.replace("vault", "never"))).await;
        }
    }
}

#[tokio::test]
async fn an_unpublished_file_is_as_one_that_is_not_there() {
    let app = App::furnished().await;
    for (caller, repo) in [(STRANGER, "tools"), (READER, "tools"), (READER, "vault")] {
        let hidden = format!("/acme/{repo}/app/2.0/new.bin");
        let absent = format!("/acme/{repo}/app/2.0/not.bin");
        for method in ["GET", "HEAD"] {
            for (name, value) in [("x-none", ""), ("range", "bytes=0-0"), ("if-none-match", "*")] {
                let ask = |path: &str| app.ask(method, path).by(caller).header(name, value);
                let (one, other) = (ask(&hidden).await, ask(&absent).await);
                assert!(one.same_as(&other) && one.status == 404, "{one:?} {other:?}");
            }
        }
        for (method, prefix) in [
            ("DELETE", "/content"),
            ("GET", "/file_package"),
            ("GET", "/file_version"),
            ("GET", "/api/v1/file_version"),
            ("PUT", "/file_metadata"),
        ] {
            let ask = |path: &str| app.ask(method, &format!("{prefix}{path}")).by(caller);
            let ask = |path: &str| ask(path).body("{\"list_in_downloads\": true}");
            let (one, other) = (ask(&hidden).await, ask(&absent).await);
            assert_eq!(
                told(&one, "new.bin", "not.bin"),
                told(&other, "not.bin", "not.bin"),
                "{caller}: {one:?}"
            );
        }
    }
}

/// T065: an unpublished file's name and digests are nowhere to be read.
#[tokio::test]
async fn nothing_of_an_unpublished_file_is_told_anywhere() {
    let app = App::furnished().await;
    let tells = ["new.bin", "3fc4ccfe745870e2", "ad782ecdac770fc6", "b8a9f715dbb64fd5"];
    for route in packhouse_http::routes().filter(|route| route.method.as_str() == "GET") {
        for (repo, version) in [("tools", "2.0"), ("tools", "1.0"), ("vault", "2.0")] {
            for query in [
                "",
                "?include_unpublished=1",
                "?start_name=new&start_pos=0",
                "?name=new*&subject=acme",
                "?sha1=ad782ecdac770fc6eb9a62e44f90873fb97fb26b",
            ] {
                let target = filled(route.path)
                    .replace("{subject}", "acme")
                    .replace("{repo}", repo)
                    .replace("{package}", "app")
                    .replace("{version}", version)
                    .replace("{*path}", "app/2.0/new.bin")
                    .replace("{*folder}", "app/2.0");
                for caller in ["", STRANGER, READER] {
                    let got = app.get(&format!("{target}{query}")).by(caller).await;
                    let text = format!("{:?} {}", got.headers, String::from_utf8_lossy(&got.body));
                    // The name that was asked for may be said again.
                    let text = text.replace("File 'app/2.0/new.bin' was not found", "");
                    let told = tells.iter().find(|told| text.contains(*told));
                    assert!(told.is_none(), "{caller}: {got:?}");
                }
            }
        }
    }
}

/// T079: what others do not see does not change what they see.
#[tokio::test]
async fn what_is_hidden_changes_no_total_and_no_tag() {
    let app = App::furnished().await;
    let targets = [
        "/repos/acme",
        "/repos/acme/tools",
        "/repos/acme/tools/packages",
        "/packages/acme/tools/app/files?include_unpublished=1",
        "/packages/acme/tools/app/versions/2.0/files",
        "/packages/acme/tools/app/versions/_latest",
        "/acme/tools/app/1.0/app.bin",
        "/acme/tools/",
        "/acme/tools/app/?include_unpublished=1",
        "/acme/tools/app/1.0/",
        "/acme/tools/app/2.0/",
        "/acme/tools/app/2.0",
        "/search/packages?subject=acme",
        "/search/packages/maven?q=*",
        "/search/file?name=*.bin",
        "/search/file?sha1=99d72c7fc3e2e145870beab37c0b70e343ea9c3b",
    ];
    let see = async |caller: &str| {
        let mut seen = Vec::new();
        for target in targets {
            let Answer { status, headers, body, .. } = app.get(target).by(caller).await;
            seen.push((status, headers, body));
        }
        seen
    };
    let before = (see("").await, see(STRANGER).await);
    app.repo("acme/secret", json!({"private": true})).await;
    app.package("acme/secret", json!({"name": "s"})).await;
    app.upload("acme/tools/app/2.0/another.bin", "hidden").await;
    app.upload("acme/tools/app/1.0/more.bin", "hidden").await;
    assert_eq!((see("").await, see(STRANGER).await), before);
}
