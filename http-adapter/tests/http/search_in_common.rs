//! What every search has in common: its pages, who may ask, and what it refuses.

use serde_json::json;

use crate::app::{App, OWNER, basic};

const ONE_SHA1: &str = "fe05bcdcdc4928012781a5f1a2a77cbb5398e106";
const ONE_SHA256: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const SEARCHES: [&str; 4] = [
    "/search/packages?name=app",
    "/search/packages/maven?q=*",
    "/search/file?name=*.bin",
    "/search/file?sha1=fe05bcdcdc4928012781a5f1a2a77cbb5398e106",
];

#[tokio::test]
async fn results_page_by_fifty() {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/tools", json!({"type": "maven"})).await;
    let mut names = Vec::new();
    for n in 0..51 {
        let name = format!("p{n:03}");
        app.package("acme/tools", json!({"name": name})).await;
        let path = format!("org/{name}/1.0/{name}-1.0.jar");
        app.upload(&format!("acme/tools/{name}/1.0/{path}?publish=1"), "one").await;
        app.repo(&format!("acme/{name}"), json!({})).await;
        names.push(name);
    }
    for (query, key) in [
        ("repos?name=p", "name"),
        ("packages?name=p", "name"),
        ("packages?subject=acme&repo=tools", "name"),
        ("packages/maven?g=org", "name"),
        ("file?name=p*.jar", "package"),
        (&format!("file?sha1={ONE_SHA1}"), "package"),
    ] {
        for (start, page) in [
            ("", (51, 0, 49)),
            ("&start_pos=", (51, 0, 49)),
            ("&start_pos=50", (51, 50, 50)),
            ("&start_pos=51", (51, 51, 50)),
            ("&start_pos=9999", (51, 51, 50)),
        ] {
            let found = app.get(&format!("/search/{query}{start}")).by(OWNER).await;
            let (_, from, to) = page;
            let shown: Vec<_> =
                found.value().as_array().unwrap().iter().map(|item| item[key].clone()).collect();
            let expected = names.iter().skip(from as usize).take((to + 1 - from) as usize);
            assert_eq!(shown, expected.map(|name| json!(name)).collect::<Vec<_>>(), "{found:?}");
            found.is_page(page, &found.value());
        }
        let refused = app.get(&format!("/search/{query}&start_pos=x")).by(OWNER).await;
        refused.refuses(400, "start_pos is not a number: give the position from 0 on");
    }
}

#[tokio::test]
async fn only_the_search_for_repositories_needs_credentials() {
    let app = App::furnished().await;
    for target in ["/search/repos", "/search/repos?name=tools", "/api/v1/search/repos?desc=x"] {
        app.get(target).await.needs_credentials();
        // One client's searches for what is public name nobody.
        app.get(target).header("authorization", &basic("", "")).await.needs_credentials();
    }
    for target in SEARCHES {
        let without = app.get(target).await;
        assert_eq!(without.status, 200, "{without:?}");
        let empty = app.get(target).header("authorization", &basic("", "")).await;
        assert!(empty.same_as(&without), "{empty:?}");
        app.get(target).header("authorization", &basic(OWNER, "wrong")).await.needs_credentials();
    }
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_in_words_that_help() {
    let app = App::furnished().await;
    let nothing = "Nothing to search for: give at least one of name, desc";
    let for_maven = "Nothing to search for: give g (group), a (artifact) or both, or q (either)";
    let together = "q cannot be given together with g and a: it stands for either of them";
    let for_files = "Nothing to search for, or too much: give one of name, sha1, sha256";
    let long = "the text to look for is over 1024 bytes";
    let text = "x".repeat(1_025);
    for (query, message) in [
        ("repos", nothing.to_owned()),
        ("repos?name=&desc=", nothing.to_owned()),
        ("repos?subject=acme", nothing.to_owned()),
        ("packages", format!("{nothing}, subject, repo")),
        ("packages?name=&repo=", format!("{nothing}, subject, repo")),
        (&format!("packages?name={text}"), long.to_owned()),
        ("packages/maven", for_maven.to_owned()),
        ("packages/maven?g=&a=&q=&subject=acme", for_maven.to_owned()),
        ("packages/maven?q=x&g=y", together.to_owned()),
        ("packages/maven?q=x&a=y", together.to_owned()),
        (&format!("packages/maven?q={text}"), long.to_owned()),
        ("file", for_files.to_owned()),
        ("file?name=&sha1=&sha=&sha256=&subject=acme", for_files.to_owned()),
        (&format!("file?name=x&sha1={ONE_SHA1}"), for_files.to_owned()),
        (&format!("file?sha1={ONE_SHA1}&sha256={ONE_SHA256}"), for_files.to_owned()),
        ("file?sha1=abc", "what is given is no SHA-1: it has 40 hexadecimal digits".to_owned()),
        (
            &format!("file?sha256={ONE_SHA1}"),
            "what is given is no SHA-256: it has 64 hexadecimal digits".to_owned(),
        ),
        (&format!("file?name={text}"), long.to_owned()),
    ] {
        app.get(&format!("/search/{query}")).by(OWNER).await.refuses(400, &message);
    }
    for query in ["subject=a%2Fb", "organization=a%2Fb", "repo=a%2Fb"] {
        let refused = app.get(&format!("/search/file?name=x&{query}")).await;
        refused.refuses_saying(400, "name 'a/b'");
    }
    let twice = app.get("/search/file?name=a&name=b").await;
    twice.refuses_saying(400, "conflicting_parameter: name");
}
