//! Names and file paths as they travel: encodings, refused characters, lengths, round trips.

use serde_json::json;

use crate::app::{ADMIN, App, OWNER};

/// Uploads under an encoded path and gives the path as it is listed, `None` where it is refused.
async fn round_trip(app: &App, encoded: &str) -> Option<String> {
    let put = app.put(&format!("/content/acme/tools/app/3.0/{encoded}?publish=1")).by(OWNER);
    let put = put.body(encoded.to_owned()).try_send().await?;
    if put.status != 201 {
        assert_eq!((put.status, put.header("content-type")), (400, Some("application/json")));
        assert!(!put.message().is_empty());
        return None;
    }
    let got = app.get(&format!("/acme/tools/{encoded}")).await;
    assert_eq!((got.status, got.body.as_ref()), (200, encoded.as_bytes()), "{encoded}");
    let files = app.get("/packages/acme/tools/app/versions/3.0/files").await.value();
    assert_eq!(files.as_array().unwrap().len(), 1, "{encoded}");
    let path = files[0]["path"].as_str().unwrap().to_owned();
    app.delete(&format!("/content/acme/tools/{encoded}")).by(OWNER).await.is_success(200);
    app.get(&format!("/acme/tools/{encoded}")).await.refuses_plainly(404, "Not Found\n");
    Some(path)
}

/// T003, T010: a path is decoded once, and what is data stays data.
#[tokio::test]
async fn a_path_is_decoded_once_and_comes_back() {
    let app = App::furnished().await;
    for (encoded, path) in [
        ("%252e%252e/x", "%2e%2e/x"),
        ("%252e%252e%252fx", "%2e%2e%2fx"),
        ("%25", "%"),
        ("%2525", "%25"),
        ("a%3Bb", "a;b"),
        ("a%3Bpublish=0", "a;publish=0"),
        ("a%3Bbt_package=q%3Bbt_version=9", "a;bt_package=q;bt_version=9"),
        ("dir%3Bx/a", "dir;x/a"),
        ("a%20b/c%20d.bin", "a b/c d.bin"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("%3Fx%3D1%23y", "?x=1#y"),
        ("a:b", "a:b"),
        ("a%3ab", "a:b"),
        ("a&b=c", "a&b=c"),
        ("%E2%82%AC/%F0%9F%98%80", "€/😀"),
        ("...", "..."),
        (".hidden/..x", ".hidden/..x"),
        ("%22%3Cscript%3E'", "\"<script>'"),
        ("CON/aux.txt", "CON/aux.txt"),
        ("%7Euser/~x", "~user/~x"),
        ("libstdc++-7.1_$x@y,z(1)!.so", "libstdc++-7.1_$x@y,z(1)!.so"),
    ] {
        assert_eq!(round_trip(&app, encoded).await.as_deref(), Some(path), "{encoded}");
    }
}

/// Paths that two readers could take for two files.
const AMBIGUOUS: [&str; 45] = [
    "../x",
    "./x",
    "a/../x",
    "a/./x",
    "a/..",
    "%2e%2e/x",
    "%2E./x",
    ".%2e/x",
    "%2e/x",
    "a%2fb",
    "a%2Fb",
    "%2f",
    "..%2fx",
    "a%5cb",
    "..%5cx",
    "a//b",
    "/x",
    "a/",
    "a;x/b",
    "..;/x",
    "%00",
    "a%00",
    "a%0ab",
    "a%0d",
    "a%09",
    "a%7f",
    "a%c2%80",
    "a%c2%9f",
    "%e2%80%a8",
    "%e2%80%a9",
    "a%c0%ae",
    "%ff",
    "%e0%80%af",
    "%ed%a0%80",
    "%",
    "%2",
    "%zz",
    "e%cc%81",
    "a%e2%80%ae",
    "a%e2%80%8b",
    "%ef%bb%bfa",
    "a%20",
    "%20a",
    "a%c2%a0",
    "%c2%ada",
];

/// T001 to T006, T008, T011 to T013.
#[tokio::test]
async fn a_path_with_two_readings_is_refused() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for encoded in AMBIGUOUS {
        assert_eq!(round_trip(&app, encoded).await, None, "{encoded}");
        // Read, it is refused or not there, and no store is asked for its bytes.
        let got = app.get(&format!("/acme/tools/{encoded}")).by(OWNER).try_send().await;
        assert!(got.is_none_or(|got| [400, 404].contains(&got.status)), "{encoded}");
    }
    assert_eq!(app.watch.changes(), before);
}

/// T011: over every code point that could be a control character.
#[tokio::test]
async fn no_control_character_is_in_any_name() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for c in (0..0xa0).filter_map(char::from_u32).filter(|c| c.is_control()) {
        let encoded: String = c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/content/acme/tools/app/1.0/a{encoded}b"),
            format!("/content/acme/tools/app/1{encoded}0/x"),
            format!("/content/acme/tools/a{encoded}p/1.0/x"),
        ] {
            assert_eq!(app.put(&path).by(OWNER).body("x").await.status, 400, "{path}");
        }
        let name = format!("a{c}b");
        for path in ["/packages/acme/tools", "/packages/acme/tools/app/versions"] {
            let made = app.post(path).by(OWNER).json(&json!({"name": name})).await;
            assert_eq!(made.status, 400, "{c:?}");
        }
        for (header, other) in [("package", "version"), ("version", "package")] {
            let value = name.as_bytes();
            if http::HeaderValue::from_bytes(value).is_err() {
                continue;
            }
            let put = app.put("/content/acme/tools/x").by(OWNER);
            let put = put.raw_header(&format!("x-bintray-{header}"), value);
            let put = put.header(&format!("x-bintray-{other}"), "app").body("x").await;
            assert_eq!(put.status, 400, "{c:?}");
        }
    }
    assert_eq!(app.watch.changes(), before);
}

/// T013, T014: nothing that looks like another name.
#[tokio::test]
async fn names_in_bodies_keep_the_rules_of_names_in_paths() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for name in [
        ".",
        "..",
        "a/b",
        "a\\b",
        " a",
        "a ",
        "e\u{301}",
        "a\u{202e}b",
        "a\u{200b}",
        "\u{feff}a",
        "a\u{2028}",
        "\u{e0041}",
        "\u{fffd}",
    ] {
        for path in ["/packages/acme/tools", "/packages/acme/tools/app/versions"] {
            let made = app.post(path).by(OWNER).json(&json!({"name": name})).await;
            assert_eq!(made.status, 400, "{name:?}");
        }
    }
    for (name, bytes) in [("x".repeat(129), 129), ("é".repeat(65), 130)] {
        let made = app.post("/packages/acme/tools").by(OWNER).json(&json!({"name": name})).await;
        made.refuses_saying(400, &format!("has {bytes} bytes: at most 128 are allowed"));
    }
    assert_eq!(app.watch.changes(), before);
    for name in ["é", "пакет", "a b", "100%", "a;b", "Catch:x", "@scope", "..a"] {
        app.package("acme/tools", json!({"name": name})).await;
    }
}

#[tokio::test]
async fn a_header_that_names_a_package_is_text_and_is_not_decoded() {
    let app = App::furnished().await;
    app.package("acme/tools", json!({"name": "пакет %41"})).await;
    let put = |package: &[u8]| {
        let put =
            app.put("/content/acme/tools/h").by(OWNER).raw_header("x-bintray-package", package);
        put.header("x-bintray-version", "1").body("x")
    };
    put("пакет %41".as_bytes()).await.is_success(201);
    put(b"\xff\xfe").await.refuses(400, "x-bintray-package is not UTF-8 text");
    put("пакет A".as_bytes()).await.refuses(404, "Package 'пакет A' was not found");
}

/// T017.
#[tokio::test]
async fn what_is_too_long_or_too_deep_is_refused() {
    let app = App::furnished().await;
    let put =
        |path: String| app.put(&format!("/content/acme/tools/app/1.0/{path}")).by(OWNER).body("x");
    let before = app.watch.changes();
    put("a/".repeat(2100) + "b").await.refuses_saying(414, "at most 4096 are accepted");
    put("a".repeat(256)).await.refuses_saying(400, "at most 255 are accepted");
    put("a/".repeat(64) + "b").await.refuses_saying(400, "64 segments");
    put(format!("{}/", "a".repeat(200)).repeat(3) + &"b".repeat(200))
        .await
        .refuses_saying(400, "803 bytes: at most 768 are allowed");
    assert_eq!(app.watch.changes(), before);
    put(format!("{}/", "a".repeat(255)).repeat(2) + &"b".repeat(255)).await.is_success(201);
    put("a/".repeat(58) + "b").await.is_success(201);
    let long = app.get(&format!("/acme/tools/{}", "a".repeat(5000))).await;
    assert_eq!(long.status, 414);
}

/// T154, T155: what a name holds is data, in headers and in bodies.
#[tokio::test]
async fn a_name_in_an_answer_is_data() {
    let app = App::furnished().await;
    let evil = "%3Cscript%3Ealert(1)%3C%2Fscript%3E".replace("%2F", "");
    for path in [
        format!("/packages/acme/tools/{evil}"),
        format!("/packages/acme/tools/app/versions/{evil}"),
        format!("/repos/acme/{evil}"),
        format!("/repos/{evil}"),
    ] {
        let refused = app.get(&path).by(OWNER).await;
        assert_eq!(refused.header("content-type"), Some("application/json"), "{refused:?}");
        assert!([400, 404].contains(&refused.status));
        refused.value();
    }
    let refused = app.get(&format!("/acme/tools/{evil}")).by(OWNER).await;
    refused.refuses_plainly(404, "Not Found\n");
    for name in ["%22;x.bin", "%22%20filename=evil.exe", "a'b", "%0d%0aSet-Cookie:x=1"] {
        let put = app.put(&format!("/content/acme/tools/app/1.0/{name}?publish=1")).by(OWNER);
        let status = put.body("x").await.status;
        let got = app.get(&format!("/acme/tools/{name}")).await;
        assert!(got.header("set-cookie").is_none() && [201, 400].contains(&status), "{got:?}");
    }
    let refused = app.put(&format!("/management/v1/users/{evil}")).by(ADMIN).await;
    refused.refuses_saying(400, "has '<'");
}

/// T008, T010: what follows a raw `;` is refused where it means nothing, so that no other file
/// than the one that was named is sent or deleted.
#[tokio::test]
async fn parameters_after_a_semicolon_are_those_of_uploads() {
    let app = App::furnished().await;
    app.upload("acme/tools/app/1.0/a?publish=1", "a").await;
    app.upload("acme/tools/app/1.0/a%3Bb?publish=1", "a;b").await;
    let text = "This resource takes no parameters after a ';': write a ';' that is part of a name \
                as %3B";
    app.delete("/content/acme/tools/a;b").by(OWNER).await.refuses(400, text);
    app.get("/acme/tools/a;b").await.refuses_plainly(400, &format!("{text}\n"));
    for path in ["/repos/acme;x=1", "/repos/acme/tools;x", "/openapi.json;x"] {
        app.get(path).await.refuses(400, text);
    }
    assert_eq!(app.get("/acme/tools/a%3Bb").await.body, "a;b");
    app.delete("/content/acme/tools/a%3Bb").by(OWNER).await.is_success(200);
    assert_eq!(app.get("/acme/tools/a").await.body, "a");
}

#[tokio::test]
async fn doubled_and_trailing_slashes_pass_on_routes_of_the_api() {
    let app = App::furnished().await;
    for (canonical, spellings) in [
        ("/repos/acme/tools", ["//repos/acme/tools", "/repos//acme/tools/", "/repos/acme/tools//"]),
        (
            "/packages/acme/tools/app/files",
            [
                "/packages//acme/tools/app/files",
                "/packages/acme/tools/app/files/",
                "//api//v1//packages/acme/tools/app//files//",
            ],
        ),
    ] {
        let expected = app.get(canonical).await;
        for spelling in spellings {
            let got = app.get(spelling).await;
            assert!(got.same_as(&expected), "{got:?}");
        }
    }
    // Paths of files have one spelling.
    for spelling in ["/acme/tools//app/1.0/app.bin", "/acme/tools/app/1.0/app.bin/"] {
        app.get(spelling).await.refuses_plainly(404, "Not Found\n");
    }
    let deleted = app.delete("/content/acme/tools/app//1.0/app.bin").by(OWNER).await;
    deleted.refuses(400, "the file path has an empty segment: write single slashes");
}
