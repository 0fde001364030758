//! "Repository Search", "Package Search", "Maven Package Search", "File Search by Name" and "by
//! Checksum", with the document's own examples.

use serde_json::{Value, json};

use crate::app::{ADMIN, Answer, App, NOW, OWNER, PUBLISHER, READER, STRANGER, basic};

/// The names of what was found, and the headers of the page.
fn found(answer: &Answer) -> (Vec<String>, [String; 3]) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let value = answer.value();
    let items = value.as_array().unwrap_or_else(|| panic!("{value}"));
    let path = |of: &Value| {
        let text = |key: &str| of[key].as_str().unwrap().to_owned();
        match of.get("repo") {
            Some(_) => format!("{}/{}/{}", text("owner"), text("repo"), text("name")),
            None => format!("{}/{}", text("owner"), text("name")),
        }
    };
    let range = ["total", "startpos", "endpos"]
        .map(|name| answer.header(&format!("x-rangelimit-{name}")).unwrap().to_owned());
    (items.iter().map(path).collect(), range)
}

fn page(names: &[&str], total: u64, start: u64, end: u64) -> (Vec<String>, [String; 3]) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    (names, [total, start, end].map(|number| number.to_string()))
}

const CALLERS: [&str; 6] = ["", STRANGER, READER, PUBLISHER, OWNER, ADMIN];

fn sees_private(caller: &str) -> bool {
    [READER, PUBLISHER, OWNER, ADMIN].contains(&caller)
}

#[tokio::test]
async fn repositories_are_found_by_name_and_description_as_they_are_shown() {
    let app = App::furnished().await;
    app.user("jfrog", "premium").await;
    app.repo("jfrog/jfrog-jars", json!({"type": "maven", "desc": "All the JARs"})).await;
    app.repo("jfrog/debs", json!({"desc": "no jars", "private": true})).await;
    for prefix in ["", "/api/v1", "/"] {
        for query in ["name=jars", "desc=the+jar", "name=JFROG&desc=all", "name=jars&desc=&&"] {
            let answer = app.get(&format!("{prefix}/search/repos?{query}")).by(STRANGER).await;
            assert_eq!(found(&answer), page(&["jfrog/jfrog-jars"], 1, 0, 0), "{query}");
            let shown = app.get("/repos/jfrog/jfrog-jars").by(STRANGER).await.value();
            assert_eq!(answer.value(), json!([shown]));
        }
    }
    let mine = app.get("/search/repos?desc=jars").by("jfrog").await;
    assert_eq!(found(&mine), page(&["jfrog/debs", "jfrog/jfrog-jars"], 2, 0, 1));
    let theirs = app.get("/search/repos?desc=jars").by(STRANGER).await;
    assert_eq!(found(&theirs), page(&["jfrog/jfrog-jars"], 1, 0, 0));
    let none = app.get("/search/repos?name=nothing").by(STRANGER).await;
    assert_eq!(found(&none), page(&[], 0, 0, 0));
    app.get("/search/repos?name=jars").await.needs_credentials();
    for query in ["", "?name=", "?name=&desc="] {
        let answer = app.get(&format!("/search/repos{query}")).by(STRANGER).await;
        answer.refuses(400, "Nothing to search for: give at least one of name, desc");
    }
}

#[tokio::test]
async fn packages_are_found_by_anyone_as_they_are_shown_to_them() {
    let app = App::furnished().await;
    let attributes = json!([{"name": "os", "values": ["linux"]}]);
    let set = app.post("/packages/acme/tools/app/attributes").by(OWNER).json(&attributes).await;
    assert_eq!(set.status, 200);
    for caller in CALLERS {
        let answer = app.get("/search/packages?name=AP").by(caller).await;
        let expected = if sees_private(caller) {
            page(&["acme/tools/app", "acme/vault/app"], 2, 0, 1)
        } else {
            page(&["acme/tools/app"], 1, 0, 0)
        };
        assert_eq!(found(&answer), expected, "{caller}");
        let shown = app.get("/packages/acme/tools/app").by(caller).await.value();
        assert_eq!(answer.value()[0], shown, "{caller}");
        let with_values = app.get("/search/packages?name=app&attribute_values=1").by(caller).await;
        let shown = app.get("/packages/acme/tools/app?attribute_values=1").by(caller).await.value();
        assert_eq!(with_values.value()[0], shown, "{caller}");
    }
    for (query, names) in [
        ("subject=acme", &["acme/tools/app"][..]),
        ("subject=ACME&repo=tools", &["acme/tools/app"]),
        ("repo=tools", &["acme/tools/app"]),
        ("organization=acme&name=app", &["acme/tools/app"]),
        ("?&name=app&", &["acme/tools/app"]),
        ("repo=vault", &[]),
        ("subject=nobody", &[]),
        ("subject=acme&name=nothing", &[]),
        ("desc=nothing", &[]),
    ] {
        let answer = app.get(&format!("/search/packages?{query}")).await;
        let end = (names.len() as u64).saturating_sub(1);
        assert_eq!(found(&answer), page(names, names.len() as u64, 0, end), "{query}");
    }
    let nothing = app.get("/search/packages").await;
    let message = "Nothing to search for: give at least one of name, desc, subject, repo";
    nothing.refuses(400, message);
    let message = "the subject name 'a b' has ' ': use ASCII letters, digits, '.', '_' and '-'";
    app.get("/search/packages?subject=a+b").await.refuses(400, message);
    app.get("/search/packages?name=a&name=b").await.refuses_saying(400, "name is given twice");
}

#[tokio::test]
async fn a_page_has_fifty_packages() {
    let app = App::furnished().await;
    for n in 0..53 {
        app.package("acme/tools", json!({"name": format!("lib-{n:02}")})).await;
    }
    let first = found(&app.get("/search/packages?name=lib-").await);
    assert_eq!((first.0.len(), &first.1), (50, &["53", "0", "49"].map(str::to_owned)));
    let rest = app.get("/search/packages?name=lib-&start_pos=50").await;
    let names = ["acme/tools/lib-50", "acme/tools/lib-51", "acme/tools/lib-52"];
    assert_eq!(found(&rest), page(&names, 53, 50, 52));
}

/// The document's examples: `g=com.jfrog.bintray.gradle&a=*bintray*` and `q=*bintray*`.
#[tokio::test]
async fn maven_packages_are_found_by_their_coordinates() {
    let app = App::furnished().await;
    app.user("jfrog", "enterprise").await;
    for (repo, private) in [("jfrog-jars", false), ("secret-jars", true)] {
        app.repo(&format!("jfrog/{repo}"), json!({"type": "maven", "private": private})).await;
        let package = json!({"name": "plugin", "desc": "This package...."});
        app.package(&format!("jfrog/{repo}"), package).await;
        for version in ["1.0", "2.0"] {
            let name = "gradle-bintray-plugin";
            let path = format!("com/jfrog/bintray/gradle/{name}/{version}/{name}-{version}.jar");
            let target = format!("/maven/jfrog/{repo}/plugin/{path};publish=1");
            let put = app.put(&target).by("jfrog").body(format!("{repo} {version}")).await;
            assert_eq!(put.status, 201, "{put:?}");
        }
    }
    let expected = json!([{
        "name": "plugin",
        "repo": "jfrog-jars",
        "owner": "jfrog",
        "desc": "This package....",
        "system_ids": ["com.jfrog.bintray.gradle:gradle-bintray-plugin"],
        "versions": ["2.0", "1.0"],
        "latest_version": "2.0",
    }]);
    for query in [
        "g=com.jfrog.bintray.gradle&a=*bintray*&subject=jfrog&repo=jfrog-jars",
        "q=*bintray*&subject=jfrog&repo=jfrog-jars",
        "q=gradle-bintray-plugin",
        "a=gradle-*",
        "g=com.jfrog.*",
        "g=&a=gradle-*&q=",
    ] {
        let answer = app.get(&format!("/search/packages/maven?{query}")).await;
        assert_eq!((answer.status, answer.value()), (200, expected.clone()), "{query}");
        assert_eq!(found(&answer).1, ["1", "0", "0"].map(str::to_owned));
    }
    let shown = app.get("/packages/jfrog/jfrog-jars/plugin").await.value();
    assert_eq!(shown["system_ids"], expected[0]["system_ids"]);
    let mine = app.get("/search/packages/maven?q=*bintray*").by("jfrog").await;
    let both = ["jfrog/jfrog-jars/plugin", "jfrog/secret-jars/plugin"];
    assert_eq!(found(&mine), page(&both, 2, 0, 1));
    // A test of a client: nothing there is an empty array.
    let none = app.get("/search/packages/maven?g=org.none&a=none").await;
    assert_eq!((none.status, none.value()), (200, json!([])));
    assert_eq!(found(&none), page(&[], 0, 0, 0));
    let nothing = app.get("/search/packages/maven?subject=jfrog").await;
    nothing
        .refuses(400, "Nothing to search for: give g (group), a (artifact) or both, or q (either)");
    let both = app.get("/search/packages/maven?q=a&g=b").await;
    both.refuses(400, "q cannot be given together with g and a: it stands for either of them");
}

#[tokio::test]
async fn files_are_found_by_name_and_checksum_as_the_files_of_a_package_are_shown() {
    let app = App::furnished().await;
    let name = "nutcracker-1.1-sources.jar";
    let path = format!("org/jfrog/powerutils/nutcracker/1.1/{name}");
    for repo in ["tools", "vault"] {
        app.upload(&format!("acme/{repo}/app/1.1/{path}?publish=1"), "nuts").await;
        app.upload(&format!("acme/{repo}/app/1.2/not/{name}"), "hidden").await;
    }
    let sha1 = "7bd3c7b6d5b5cf8ae6eb1ab1d9bb5a4dc9c79aa7";
    let of = |repo: &str, value: &Value| {
        json!({
            "name": name, "path": path, "package": "app", "version": "1.1", "repo": repo,
            "owner": "acme", "created": NOW, "size": 4, "sha1": value["sha1"],
            "sha256": value["sha256"],
        })
    };
    let listed = app.get("/packages/acme/tools/app/versions/1.1/files").await.value();
    let (sum1, sum256) =
        (listed[0]["sha1"].as_str().unwrap(), listed[0]["sha256"].as_str().unwrap());
    assert_ne!(sum1, sha1);
    for caller in CALLERS {
        for query in [
            format!("name={name}"),
            "name=nut*er-1.?-sources.jar".to_owned(),
            "name=NUTCRACKER*".to_owned(),
            format!("sha1={sum1}"),
            format!("sha={}", sum1.to_uppercase()),
            format!("sha256={sum256}"),
            format!("name={name}&sha1=&sha256="),
        ] {
            let answer = app.get(&format!("/search/file?{query}")).by(caller).await;
            let mut expected = vec![of("tools", &listed[0])];
            if sees_private(caller) {
                expected.push(of("vault", &listed[0]));
            }
            assert_eq!(answer.value(), Value::from(expected.clone()), "{caller}: {query}");
            let total = expected.len().to_string();
            assert_eq!(found(&answer).1, [total, "0".into(), (expected.len() - 1).to_string()]);
        }
    }
    // Artifactory sends an empty user and needs the total (facts, 1.2 and 2.9).
    let empty =
        app.get(&format!("/search/file/?name={name}")).header("authorization", &basic("", ""));
    assert_eq!(found(&empty.await).1[0], "1");
    let wrong = app.get(&format!("/search/file?name={name}"));
    wrong.header("authorization", &basic(OWNER, "wrong")).await.needs_credentials();
    let here =
        app.get(&format!("/search/file?name={name}&subject=acme&repo=vault")).by(OWNER).await;
    assert_eq!(found(&here).0, [format!("acme/vault/{name}")]);
    let none = app.get(&format!("/search/file?sha1={sha1}")).await;
    assert_eq!(found(&none), page(&[], 0, 0, 0));
}

#[tokio::test]
async fn files_are_found_from_a_day_or_an_instant_on() {
    let app = App::furnished().await;
    for (since, expected) in [
        ("2026-01-01", 1),
        ("2025-12-31", 1),
        ("2026-01-02", 0),
        ("2026-01-01T00:00:00.000Z", 1),
        ("2026-01-01T00:00:00.001Z", 0),
        ("2026-01-01T01:00:00.000%2B0100", 1),
        // Not encoded, the plus sign comes as a space.
        ("2026-01-01T01:00:00.000+0100", 1),
        ("2026-01-01T00:59:00.000-0100", 0),
        ("", 1),
    ] {
        let answer = app.get(&format!("/search/file?name=app.bin&created_after={since}")).await;
        assert_eq!(found(&answer).0.len(), expected, "{since}");
    }
    let answer = app.get("/search/file?name=app.bin&created_after=yesterday").await;
    answer.refuses(
        400,
        "created_after is 'yesterday': give a date as 2026-01-31 or 2026-01-31T23:59:59.000Z",
    );
    for query in ["", "?subject=acme", "?name=a&sha1=b"] {
        let answer = app.get(&format!("/search/file{query}")).await;
        let message = "Nothing to search for, or too much: give one of name, sha1, sha256";
        answer.refuses(400, message);
    }
    let answer = app.get("/search/file?sha1=12").await;
    answer.refuses(400, "what is given is no SHA-1: it has 40 hexadecimal digits");
}
