//! "Maven Upload", and the address as Maven itself uses it.

use bytes::Bytes;
use serde_json::json;

use crate::app::{App, OWNER, PUBLISHER, READER, STRANGER, chunks};

const CONVENTION: &str = "Provided artifact path does not comply with Maven's convention";
const JAR: &str = "org/acme/lib/1.0/lib-1.0.jar";
const ONE_SHA1: &str = "fe05bcdcdc4928012781a5f1a2a77cbb5398e106";
const ONE_MD5: &str = "f97c5d29941bfb1b2fdab0874906ab82";
const ONE_SHA256: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";

/// `acme/mvn` of Maven's kind with the package `lib`, beside the furnished repositories.
async fn app() -> App {
    let app = App::furnished().await;
    app.repo("acme/mvn", json!({"type": "maven"})).await;
    app.package("acme/mvn", json!({"name": "lib"})).await;
    app
}

#[tokio::test]
async fn the_version_is_in_the_path_and_the_switches_wherever_clients_put_them() {
    let app = app().await;
    for (place, (before, after, header, seen)) in [
        ("", "", "", false),
        ("", ";publish=1;override=0", "", true),
        ("", "?publish=1", "", true),
        ("", "?publish=1&override=0&explode=0", "", true),
        ("", "", "1", true),
        ("", ";publish=true?publish=1", "true", true),
        ("/;publish=1", "", "", true),
        ("/;publish=1;override=1", "", "", true),
        ("/;publish=0", "?publish=0", "0", false),
    ]
    .into_iter()
    .enumerate()
    {
        let (version, prefix) = (format!("1.{place}"), ["", "/api/v1", "/"][place % 3]);
        let path = format!("org/acme/lib/{version}/lib-{version}.jar");
        let put = app.put(&format!("{prefix}/maven/acme/mvn/lib{before}/{path}{after}")).by(OWNER);
        let put = if header.is_empty() { put } else { put.header("x-bintray-publish", header) };
        put.body("one").await.is_success(201);
        let status = app.get(&format!("/acme/mvn/{path}")).await.status;
        assert_eq!(status == 200, seen, "{before} {after} {header}");
        let shown = app.get(&format!("/packages/acme/mvn/lib/versions/{version}")).await.value();
        assert_eq!((&shown["name"], &shown["published"]), (&json!(version), &json!(seen)));
    }
}

#[tokio::test]
async fn a_path_outside_the_layout_is_refused_before_a_byte() {
    let app = app().await;
    let before = app.watch.changes();
    for path in ["pom.xml", "org/acme/lib/1.0/other-1.0.jar", "lib/1.0/lib-1.0.jar", "x"] {
        for repo in ["mvn/lib", "tools/app"] {
            let unread = chunks(std::iter::from_fn(|| panic!("the body was read")));
            let put = app.put(&format!("/maven/acme/{repo}/{path}?publish=1")).by(OWNER);
            put.stream(unread).await.refuses(400, CONVENTION);
        }
    }
    for (path, text) in [
        (
            "org/acme/lib//1.0/lib-1.0.jar",
            "the file path has an empty segment: write single slashes",
        ),
        ("org/acme/lib/1.0/lib-1.0.jar/", "the file path ends in a slash: name a file"),
    ] {
        let put = app.put(&format!("/maven/acme/mvn/lib/{path}")).by(OWNER).body("x").await;
        put.refuses(400, text);
    }
    let explode = app.put(&format!("/maven/acme/mvn/lib/{JAR}?explode=1")).by(OWNER).body("x");
    explode.await.refuses(400, "A Maven upload is one file: explode archives under /content");
    let snapshot = "org/acme/lib/1.0-SNAPSHOT";
    for name in ["lib-1.0-SNAPSHOT.jar", "lib-1.0-20260101.101010-1.pom", "maven-metadata.xml"] {
        let put = app.put(&format!("/maven/acme/mvn/lib/{snapshot}/{name}")).by(OWNER).body("x");
        put.await.refuses(400, "Version '1.0-SNAPSHOT' is a snapshot: snapshots are not stored");
    }
    assert_eq!(app.watch.changes(), before);
}

#[tokio::test]
async fn a_package_is_not_made_and_a_published_file_needs_override() {
    let app = app().await;
    let put = |package: &str, query: &str, body: &'static str| {
        app.put(&format!("/maven/acme/mvn/{package}/{JAR}{query}")).by(OWNER).body(body)
    };
    put("none", "", "one").await.refuses(404, "Package 'none' was not found");
    put("lib", "?publish=1", "one").await.is_success(201);
    let exists =
        format!("Unable to upload files: An artifact with the path '{JAR}' already exists");
    put("lib", "?publish=1", "two").await.refuses(409, &exists);
    put("lib", ";publish=1;override=0", "two").await.refuses(409, &exists);
    put("lib", ";publish=1;override=1", "two").await.is_success(201);
    assert_eq!(app.get(&format!("/acme/mvn/{JAR}")).await.body, "two");
    let sum = put("lib", "?override=1", "one").header("x-checksum-sha2", &"0".repeat(64)).await;
    sum.refuses_saying(409, "Checksum mismatch");
    let put = put("lib", "?override=1", "one").header("x-checksum-sha2", ONE_SHA256).await;
    put.is_success(201);
}

#[tokio::test]
async fn who_may_upload_is_the_same_as_under_content() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for path in [JAR, "org/acme/lib/maven-metadata.xml"] {
        for (caller, repo, status) in [
            ("", "tools", 401),
            ("", "vault", 401),
            (STRANGER, "tools", 403),
            (STRANGER, "vault", 404),
            (READER, "tools", 403),
            (READER, "vault", 403),
        ] {
            let unread = chunks(std::iter::from_fn(|| panic!("the body was read")));
            let put = app.put(&format!("/maven/acme/{repo}/app/{path}")).by(caller);
            assert_eq!(put.stream(unread).await.status, status, "{caller} {repo} {path}");
        }
    }
    assert_eq!(app.watch.changes(), before);
    for repo in ["tools", "vault"] {
        let put = app.put(&format!("/maven/acme/{repo}/app/{JAR}")).by(PUBLISHER).body("x").await;
        put.is_success(201);
    }
}

#[tokio::test]
async fn an_index_is_answered_and_not_kept() {
    let app = app().await;
    let before = app.watch.changes();
    for level in ["org/acme/lib", "org/acme"] {
        for ending in ["", ".sha1", ".md5", ".sha256", ".sha512", ".asc", ".asc.md5"] {
            let path = format!("{level}/maven-metadata.xml{ending}");
            let url = format!("/maven/acme/mvn/lib/{path}");
            let put = app.put(&format!("{url};publish=1")).by(OWNER).body("<metadata/>").await;
            let warn = format!("'{path}' is not kept: the server makes the indexes");
            put.is(201, &json!({"message": "success", "warn": warn}));
            let got = app.get(&url).by(OWNER).await;
            got.refuses(404, &format!("File '{path}' was not found"));
        }
    }
    let url = "/maven/acme/mvn/lib/org/maven-metadata.xml";
    let large = app.put(url).by(OWNER).body(vec![b' '; (1 << 20) + 1]).await;
    large.refuses(413, "The body is too large: at most 1048576 bytes are allowed");
    let broken = app.put(url).by(OWNER).stream(chunks([Ok(Bytes::from("<")), Err(())])).await;
    broken.refuses(400, "The body ended before it was complete: send it again");
    let absent = app.put("/maven/acme/mvn/none/org/maven-metadata.xml").by(OWNER).await;
    absent.refuses(404, "Package 'none' was not found");
    for (path, text) in [
        ("org//maven-metadata.xml", "the file path has an empty segment: write single slashes"),
        ("org/maven-metadata.xml/", "the file path ends in a slash: name a file"),
    ] {
        let put = app.put(&format!("/maven/acme/mvn/lib/{path}")).by(OWNER).await;
        put.refuses(400, text);
    }
    let bad = app.put(&format!("{url}?publish=x")).by(OWNER).await;
    bad.refuses(400, "publish is 'x': use 0 or 1");
    assert_eq!(app.watch.changes(), before, "nothing was even begun");
    // Under /content it is a file like any other.
    let put = app.put("/content/acme/mvn/lib/1.0/org/maven-metadata.xml").by(OWNER).body("x").await;
    put.is_success(201);
}

/// T141.
#[tokio::test]
async fn a_checksum_that_contradicts_its_file_is_refused() {
    let app = app().await;
    for (base, package) in
        [("/maven/acme/mvn/lib", "mvn/lib"), ("/content/acme/tools/app/1.0", "tools/app")]
    {
        let put = |path: &str, body: &str| {
            app.put(&format!("{base}/{path}")).by(OWNER).body(body.to_owned())
        };
        put(JAR, "one").await.is_success(201);
        for (ending, name, right) in [
            ("sha1", "SHA-1", ONE_SHA1),
            ("md5", "MD5", ONE_MD5),
            ("sha256", "SHA-256", ONE_SHA256),
        ] {
            let path = format!("{JAR}.{ending}");
            let text = format!(
                "Checksum mismatch: '{path}' does not hold the {name} of the uploaded '{JAR}'"
            );
            let wrong = right.replace(['0', '1', '2'], "3");
            put(&path, &wrong).await.refuses(409, &text);
            put(&path, "").await.refuses(409, &text);
            put(&path, &format!("{} *lib-1.0.jar\n", right.to_uppercase())).await.is_success(201);
        }
        put(&format!("{JAR}.sha512"), "unknown").await.is_success(201);
        let files = format!("/packages/acme/{package}/versions/1.0/files?include_unpublished=1");
        let files = app.get(&files).by(OWNER).await.value();
        let of_jar = files.as_array().unwrap().iter();
        let of_jar = of_jar.filter(|file| file["path"].as_str().unwrap().starts_with(JAR));
        assert_eq!(of_jar.count(), 5);
    }
}

/// What `mvn deploy` does, request by request, as far as Maven's resolver is known to.
#[tokio::test]
async fn a_deployment_goes_through_from_the_first_question_to_the_last_index() {
    let app = app().await;
    let base = "/maven/acme/mvn/lib/;publish=1";
    let ask = |method: &str, path: &str| app.ask(method, &format!("{base}/{path}")).by(OWNER);
    let metadata = "org/acme/lib/maven-metadata.xml";
    assert_eq!(ask("GET", metadata).await.status, 404);
    let pom = "org/acme/lib/1.0/lib-1.0.pom";
    for path in [JAR, pom] {
        assert_eq!(ask("PUT", path).body("one").await.status, 201);
        for (ending, sum) in [("sha1", ONE_SHA1), ("md5", ONE_MD5)] {
            assert_eq!(ask("PUT", &format!("{path}.{ending}")).body(sum).await.status, 201);
        }
    }
    for ending in ["", ".sha1", ".md5"] {
        let put = ask("PUT", &format!("{metadata}{ending}")).body("<metadata/>").await;
        assert_eq!(put.status, 201, "{put:?}");
    }
    for path in [JAR, pom] {
        for caller in ["", OWNER] {
            let got = app.get(&format!("/maven/acme/mvn/lib/{path}")).by(caller).await;
            assert_eq!((got.status, got.body.as_ref()), (200, &b"one"[..]));
        }
        let sum = app.get(&format!("/acme/mvn/{path}.sha1")).await;
        assert_eq!(sum.body, ONE_SHA1);
    }
}

#[tokio::test]
async fn a_file_is_served_at_mavens_address_as_at_the_download_hosts() {
    let app = App::furnished().await;
    for (repo, path) in [("tools", "app/1.0/app.bin"), ("vault", "app/1.0/app.bin")] {
        for package in ["app", "other", "Catch%3Ax"] {
            for caller in ["", STRANGER, READER, PUBLISHER] {
                for method in ["GET", "HEAD"] {
                    let here = format!("/maven/acme/{repo}/{package}/{path}");
                    let here = app.ask(method, &here).by(caller).await;
                    let there = app.ask(method, &format!("/acme/{repo}/{path}")).by(caller).await;
                    assert_eq!(here.status, there.status, "{here:?}");
                    assert!(here.status != 200 || here.same_as(&there), "{here:?} {there:?}");
                }
            }
        }
    }
    let part = app.get("/maven/acme/tools/app/app/1.0/app.bin").header("range", "bytes=1-1").await;
    assert_eq!((part.status, part.body.as_ref()), (206, &b"n"[..]));
    let unpublished = "/maven/acme/tools/app/app/2.0/new.bin";
    app.get(unpublished).await.needs_credentials();
    let hidden = app.get(unpublished).by(STRANGER).await;
    hidden.refuses(404, "File 'app/2.0/new.bin' was not found");
    assert_eq!(app.get(unpublished).by(PUBLISHER).await.body, "two");
}
