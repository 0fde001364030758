//! "Upload Content" in its three forms, and "Delete Content".

use bytes::Bytes;
use packhouse_core::Limits;
use serde_json::json;

use crate::app::{App, OWNER, PUBLISHER, READER, STRANGER, Setup, chunks};

const SHA_ONE: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const SHA_TWO: &str = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

/// `acme/tools` with the package `p` and nothing in it.
async fn app() -> App {
    app_with(Setup::default()).await
}

async fn app_with(setup: Setup) -> App {
    let app = App::with(setup).await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    app.package("acme/tools", json!({"name": "p"})).await;
    app
}

impl App {
    /// The paths of `p`, and whether everyone sees them.
    async fn paths(&self) -> Vec<(String, bool)> {
        let names = |answer: crate::app::Answer| -> Vec<String> {
            let value = answer.value();
            let files = value.as_array().unwrap().iter();
            files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
        };
        let path = "/packages/acme/tools/p/files";
        let all = names(self.get(&format!("{path}?include_unpublished=1")).by(OWNER).await);
        let public = names(self.get(path).await);
        all.into_iter().map(|path| (public.contains(&path), path)).map(|(p, f)| (f, p)).collect()
    }

    async fn bytes_of(&self, path: &str) -> Bytes {
        let got = self.get(&format!("/acme/tools/{path}")).by(OWNER).await;
        assert_eq!(got.status, 200, "{got:?}");
        got.body
    }
}

#[tokio::test]
async fn three_forms_say_the_same() {
    let app = app().await;
    for prefix in ["", "/api/v1", "/"] {
        let base = format!("{prefix}/content/acme/tools");
        let n = prefix.len();
        let by_path = app.put(&format!("{base}/p/1/a/{n}.bin?publish=1")).by(OWNER);
        by_path.body("path").await.is_success(201);
        let by_headers = app
            .put(&format!("{base}/b/{n}.bin"))
            .by(OWNER)
            .header("X-Bintray-Package", "p")
            .header("X-Bintray-Version", "1")
            .header("X-Bintray-Publish", "1");
        by_headers.body("headers").await.is_success(201);
        let by_matrix =
            app.put(&format!("{base}/c/{n}.bin;bt_package=p;bt_version=1;publish=1")).by(OWNER);
        by_matrix.body("matrix").await.is_success(201);
    }
    let expected: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .flat_map(|form| [0, 1, 7].map(|n| (format!("{form}/{n}.bin"), true)))
        .collect();
    assert_eq!(app.paths().await, expected);
    assert_eq!(app.bytes_of("a/0.bin").await, "path");
    assert_eq!(app.bytes_of("b/0.bin").await, "headers");
    assert_eq!(app.bytes_of("c/0.bin").await, "matrix");
}

#[tokio::test]
async fn a_version_is_made_and_a_package_is_not() {
    let app = app().await;
    app.put("/content/acme/tools/p/7/f").by(OWNER).body("x").await.is_success(201);
    let version = app.get("/packages/acme/tools/p/versions/7").by(OWNER).await;
    assert_eq!((version.status, &version.value()["published"]), (200, &json!(false)));
    let before = app.watch.changes();
    let put = |path: &str| app.put(&format!("/content/{path}")).by(OWNER).body("x");
    put("acme/tools/q/1/f").await.refuses(404, "Package 'q' was not found");
    put("acme/x/p/1/f").await.refuses(404, "Repo 'x' was not found");
    put("nobody/x/p/1/f").await.refuses(404, "Repo 'x' was not found");
    assert_eq!(app.watch.changes(), before, "nothing was even begun");
    let snapshot = put("acme/tools/p/1-SNAPSHOT/g").await;
    snapshot.refuses(400, "Version '1-SNAPSHOT' is a snapshot: snapshots are not stored");
}

#[tokio::test]
async fn a_path_without_package_version_or_file_says_what_is_wanted() {
    let app = app().await;
    for path in ["/f", "/p/f", "/p/1/", "/f;bt_package=;bt_version="] {
        let put = app.put(&format!("/content/acme/tools{path}")).by(OWNER).body("x").await;
        put.refuses_saying(400, "The path lacks a package, a version or a file");
    }
    let half = app.put("/content/acme/tools/p/1/f").by(OWNER).header("x-bintray-package", "p");
    half.body("x")
        .await
        .refuses(400, "The version is missing: give X-Bintray-Version, or ;bt_version=");
    let half = app.put("/content/acme/tools/p/1/f;bt_version=1").by(OWNER);
    half.body("x")
        .await
        .refuses(400, "The package is missing: give X-Bintray-Package, or ;bt_package=");
    for (path, text) in [
        ("p/1/a//f", "the file path has an empty segment: write single slashes"),
        ("p/1//f", "the file path has an empty segment: write single slashes"),
        ("p//1/f", "the file path has an empty segment: write single slashes"),
        ("p/1/f/", "the file path ends in a slash: name a file"),
    ] {
        let put = app.put(&format!("/content/acme/tools/{path}")).by(OWNER).body("x").await;
        put.refuses(400, text);
    }
    assert_eq!(app.paths().await, []);
}

#[tokio::test]
async fn switches_are_words_or_digits_wherever_they_stand() {
    let app = app().await;
    for (place, (query, header, seen)) in [
        ("", "", false),
        ("?publish=1", "", true),
        ("?publish=true", "", true),
        ("?publish=TRUE", "", true),
        ("?&publish=1", "", true),
        ("?publish=0", "", false),
        ("?publish=false", "", false),
        (";publish=1", "", true),
        (";publish=0", "", false),
        (";publish=true;", "", true),
        (";;publish=1?override=0", "", true),
        ("", "1", true),
        ("", "true", true),
        ("", "0", false),
        ("", " ", false),
        ("?publish=1", "1", true),
        (";publish=1?publish=true", "True", true),
        (";publish=0?publish=false", "0", false),
        ("?publish=1&explode=0&override=0", "", true),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("f{place:02}");
        let put = app.put(&format!("/content/acme/tools/p/1/{file}{query}")).by(OWNER);
        let put = if header.is_empty() { put } else { put.header("x-bintray-publish", header) };
        put.body("x").await.is_success(201);
        let seen_now = app.get(&format!("/acme/tools/{file}")).await.status == 200;
        assert_eq!(seen_now, seen, "{query} {header}");
    }
    let bad = app.put("/content/acme/tools/p/1/f?publish=yes").by(OWNER).body("x").await;
    bad.refuses(400, "publish is 'yes': use 0 or 1");
}

/// T009: every pair of places, equal and different, for each parameter.
#[tokio::test]
async fn parameters_that_conflict_are_refused_and_nothing_is_stored() {
    let app = app().await;
    let mut number = 0;
    for name in ["publish", "override"] {
        for places in ["qm", "qh", "mh", "qmh", "qq", "mm", "hh"] {
            for (first, second) in [("1", "0"), ("0", "1"), ("1", "1"), ("0", "0")] {
                number += 1;
                let (mut query, mut matrix, mut headers) = (vec![], String::new(), vec![]);
                for (at, place) in places.char_indices() {
                    let value = if at == 0 { first } else { second };
                    match place {
                        'q' => query.push(format!("{name}={value}")),
                        'm' => matrix += &format!(";{name}={value}"),
                        _ => headers.push(value),
                    }
                }
                let path = format!("/content/acme/tools/p/1/f{number}{matrix}?{}", query.join("&"));
                let before = app.watch.changes();
                let put = headers.iter().fold(app.put(&path).by(OWNER), |put, value| {
                    put.header(&format!("x-bintray-{name}"), value)
                });
                let put = put.body("x").await;
                if first == second {
                    put.is_success(201);
                } else {
                    put.refuses_saying(400, "conflicting_parameter: ");
                    put.refuses_saying(400, "give it once");
                    assert_eq!(app.watch.changes(), before, "{path}");
                }
            }
        }
    }
    assert_eq!(number, 56);
}

#[tokio::test]
async fn package_and_version_must_be_the_same_wherever_they_stand() {
    let app = app().await;
    let put = |matrix: &str, header: &str| {
        let put = app.put(&format!("/content/acme/tools/f{matrix}")).by(OWNER);
        put.header("x-bintray-package", "p").header("x-bintray-version", header).body("x")
    };
    let before = app.watch.changes();
    let both = ";bt_package=p;bt_version=1";
    let conflict = "conflicting_parameter: bt_version is given as '1' and as '2': give it once";
    put(both, "2").await.refuses(400, conflict);
    put(";bt_package=q", "1").await.refuses_saying(400, "conflicting_parameter: bt_package");
    put(";bt_version=1;bt_version=2", "1").await.refuses_saying(400, "conflicting_parameter");
    assert_eq!(app.watch.changes(), before);
    put(both, "1").await.is_success(201);
    // Where both are named, the whole path is the file's.
    let named = app.put("/content/acme/tools/p/1/g").by(OWNER).header("x-bintray-package", "p");
    named.header("x-bintray-version", "1").body("x").await.is_success(201);
    let expected = ["f", "p/1/g"].map(|path| (path.to_owned(), false));
    assert_eq!(app.paths().await, expected);
    // A query names neither.
    let put = app.put("/content/acme/tools/h?bt_package=p&bt_version=1").by(OWNER).body("x").await;
    put.refuses_saying(400, "The path lacks");
}

#[tokio::test]
async fn a_right_checksum_is_stored_and_a_wrong_one_is_not() {
    let app = app().await;
    let put = |sha: &str| {
        app.put("/content/acme/tools/p/1/f").by(OWNER).header("x-checksum-sha2", sha).body("one")
    };
    put(SHA_TWO).await.refuses(
        409,
        &format!(
            "Checksum mismatch: the SHA-256 of the received bytes is {SHA_ONE}, not {SHA_TWO}"
        ),
    );
    assert_eq!((app.paths().await, app.backends.all_blobs().await), (vec![], vec![]));
    let version = app.get("/packages/acme/tools/p/versions/1").by(OWNER).await;
    version.refuses(404, "Version '1' was not found");
    let before = app.watch.changes();
    for malformed in
        ["", "x", &SHA_ONE[1..], &format!("{SHA_ONE}0"), &format!("g{}", &SHA_ONE[1..])]
    {
        let text = "X-Checksum-Sha2 is no SHA-256: give its 64 hexadecimal digits";
        put(malformed).await.refuses(400, text);
    }
    let twice = put(SHA_ONE).header("x-checksum-sha2", SHA_TWO).await;
    twice.refuses_saying(400, "conflicting_parameter: x-checksum-sha2");
    assert_eq!(app.watch.changes(), before, "a bad digest is refused before a byte is read");
    put(&SHA_ONE.to_uppercase()).await.is_success(201);
    assert_eq!(app.bytes_of("f").await, "one");
}

#[tokio::test]
async fn bodies_are_chunked_or_empty_and_of_any_type() {
    let app = app().await;
    let put = |file: &str| app.put(&format!("/content/acme/tools/p/1/{file}")).by(OWNER);
    put("empty").body("").await.is_success(201);
    put("none").await.is_success(201);
    put("empty-chunks").stream(chunks([])).await.is_success(201);
    let parts = ["on", "", "e"].map(|part| Ok(Bytes::from(part)));
    put("chunked").stream(chunks(parts)).await.is_success(201);
    for (place, kind) in [
        "*/*",
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
    ]
    .into_iter()
    .enumerate()
    {
        let typed = put(&format!("typed{place}")).header("content-type", kind).body("one");
        typed.await.is_success(201);
        assert_eq!(app.bytes_of(&format!("typed{place}")).await, "one");
    }
    for file in ["empty", "none", "empty-chunks"] {
        assert_eq!(app.bytes_of(file).await, "");
    }
    assert_eq!(app.bytes_of("chunked").await, "one");
}

#[tokio::test]
async fn what_electron_builder_always_sends_is_ignored_in_a_generic_repository() {
    let app = app().await;
    let put = app.put("/content/acme/tools/p/1/x.deb").by(OWNER);
    let put = put.header("X-Bintray-Debian-Architecture", "amd64").header("X-Bintray-Publish", "1");
    put.header("X-Bintray-Override", "1").body("deb").await.is_success(201);
    let put = app.put("/content/acme/tools/p/1/y.deb;deb_distribution=a;deb_component=b").by(OWNER);
    put.header("X-GPG-PASSPHRASE", "secret").body("deb").await.is_success(201);
    assert_eq!(app.paths().await, [("x.deb".into(), true), ("y.deb".into(), false)]);
}

#[tokio::test]
async fn a_published_path_needs_override_and_an_unpublished_one_does_not() {
    let app = app().await;
    let put = |query: &str, body: &'static str| {
        app.put(&format!("/content/acme/tools/p/1/a/f{query}")).by(OWNER).body(body)
    };
    let exists = "Unable to upload files: An artifact with the path 'a/f' already exists";
    put("", "one").await.is_success(201);
    put("", "two").await.is_success(201);
    put("?publish=1", "one").await.is_success(201);
    for query in ["", "?publish=1", "?override=0"] {
        put(query, "two").await.refuses(409, exists);
        // Also with the same bytes: clients take 409 for "already there".
        put(query, "one").await.refuses(409, exists);
    }
    assert_eq!(app.bytes_of("a/f").await, "one");
    for query in ["?override=1&publish=1", ";override=1;publish=1", "?publish=1&override=true"] {
        put(query, "two").await.is_success(201);
    }
    assert_eq!(app.bytes_of("a/f").await, "two");
    // Without publish the new bytes wait: what everyone sees changes by publication alone.
    put("?override=1", "one").await.is_success(201);
    assert_eq!(app.paths().await, [("a/f".into(), true)]);
    assert_eq!(app.get("/acme/tools/a/f").await.body, "two");
    let discard = app.post("/content/acme/tools/p/1/publish").by(OWNER);
    discard.json(&json!({"discard": true})).await.is(200, &json!({"files": 1}));
    assert_eq!(app.get("/acme/tools/a/f").await.body, "two");
    put("?override=1", "one").await.is_success(201);
    let published = app.post("/content/acme/tools/p/1/publish").by(OWNER).await;
    published.is(200, &json!({"files": 1}));
    assert_eq!(app.get("/acme/tools/a/f").await.body, "one");
}

#[tokio::test]
async fn a_refused_override_reads_no_byte() {
    let app = app().await;
    app.upload("acme/tools/p/1/f?publish=1", "one").await;
    let before = app.watch.changes();
    let parts = std::iter::from_fn(|| panic!("the body was read"));
    let put = app.put("/content/acme/tools/p/1/f").by(OWNER).stream(chunks(parts)).await;
    assert_eq!((put.status, app.watch.changes()), (409, before));
}

#[tokio::test]
async fn a_path_is_of_one_version() {
    let app = app().await;
    app.package("acme/tools", json!({"name": "q"})).await;
    app.upload("acme/tools/p/1/f", "one").await;
    let exists = "Unable to upload files: An artifact with the path 'f' already exists under \
                  another version";
    for target in ["p/2/f", "q/1/f", "p/2/f?override=1&publish=1"] {
        let put = app.put(&format!("/content/acme/tools/{target}")).by(OWNER).body("two").await;
        put.refuses(409, exists);
    }
    let version = app.get("/packages/acme/tools/p/versions/2").by(OWNER).await;
    version.refuses(404, "Version '2' was not found");
    assert_eq!(app.bytes_of("f").await, "one");
}

#[tokio::test]
async fn many_first_uploads_to_one_new_version_all_succeed() {
    let app = app().await;
    let puts = (0..24).map(|n| {
        let put = app.put(&format!("/content/acme/tools/p/new/f{n:02}?publish=1")).by(OWNER);
        tokio::spawn(async move { put.body(format!("bytes {n}")).await.status })
    });
    for put in futures::future::join_all(puts).await {
        assert_eq!(put.unwrap(), 201);
    }
    assert_eq!(app.paths().await.len(), 24);
    let package = app.get("/packages/acme/tools/p").await.value();
    assert_eq!(package["versions"], json!(["new"]));
}

/// T113: without override one wins; with it the last does, and nobody sees a mixture.
#[tokio::test]
async fn two_writers_of_one_path_do_not_mix() {
    let app = app().await;
    for (query, wins) in [("publish=1", 1), ("publish=1&override=1", 16)] {
        let puts = (0..16).map(|n| {
            let put = app.put(&format!("/content/acme/tools/p/1/one?{query}")).by(OWNER);
            tokio::spawn(async move { put.body(format!("{n}").repeat(1000)).await.status })
        });
        let mut statuses: Vec<u16> =
            futures::future::join_all(puts).await.into_iter().map(Result::unwrap).collect();
        statuses.sort_unstable();
        let expected = [vec![201; wins], vec![409; 16 - wins]].concat();
        assert_eq!(statuses, expected, "{query}");
        let got = String::from_utf8(app.bytes_of("one").await.to_vec()).unwrap();
        let written = (0..16).map(|n| format!("{n}").repeat(1000)).any(|bytes| bytes == got);
        assert!(written, "a mixture");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_at_the_byte_and_nothing_is_stored() {
    let limits = Limits { max_file_bytes: 10, ..Limits::default() };
    let app = app_with(Setup { limits, ..Setup::default() }).await;
    let text = "The file is too large: at most 10 bytes are allowed";
    let put = || app.put("/content/acme/tools/p/1/f?publish=1").by(OWNER);
    let before = app.watch.changes();
    put().body("0123456789a").await.refuses(413, text);
    assert_eq!(app.watch.changes(), before, "the announced size is enough");
    let mut sent = 0;
    let parts = std::iter::from_fn(move || {
        sent += 1;
        assert!(sent < 5, "the rest of the body was read");
        Some(Ok(Bytes::from_static(b"0123")))
    });
    put().stream(chunks(parts)).await.refuses(413, text);
    // The announced length is no promise.
    let liar = put().header("content-length", "3").stream(chunks([Ok(Bytes::from(vec![0; 11]))]));
    liar.await.refuses(413, text);
    assert_eq!((app.paths().await, app.backends.all_blobs().await), (vec![], vec![]));
    put().body("0123456789").await.is_success(201);
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let app = app().await;
    app.upload("acme/tools/p/1/f?publish=1", "one").await;
    let blobs = app.backends.all_blobs().await;
    let put = |target: &str| app.put(&format!("/content/acme/tools/{target}")).by(OWNER);
    let broken = || chunks([Ok(Bytes::from_static(b"tw")), Err(())]);
    let text = "The body ended before it was complete: send it again";
    put("p/2/g?publish=1").stream(broken()).await.refuses(400, text);
    put("p/1/f?publish=1&override=1").stream(broken()).await.refuses(400, text);
    let short = put("p/2/g").header("content-length", "9").stream(chunks([Ok("two".into())]));
    short.await.refuses(400, "The body ended before the announced number of bytes");
    assert_eq!(app.paths().await, [("f".into(), true)]);
    assert_eq!((app.bytes_of("f").await, app.backends.all_blobs().await), ("one".into(), blobs));
    let version = app.get("/packages/acme/tools/p/versions/2").by(OWNER).await;
    version.refuses(404, "Version '2' was not found");
}

/// T114: the answer was lost and the client sends again.
#[tokio::test]
async fn the_same_bytes_twice_are_one_file_and_one_blob() {
    let app = app().await;
    for _ in 0..3 {
        app.upload("acme/tools/p/1/f", "one").await;
        app.upload("acme/tools/p/1/g?publish=1&override=1", "one").await;
    }
    assert_eq!(app.paths().await, [("f".into(), false), ("g".into(), true)]);
    assert_eq!(app.backends.all_blobs().await.len(), 1);
}

/// T115: to replace what is published needs its own right, whatever the switch says.
#[tokio::test]
async fn overriding_is_a_right_of_its_own() {
    use packhouse_core::model::grants::Action;
    let app = App::furnished().await;
    app.grant(STRANGER, "acme/tools", &[Action::Write, Action::Publish]).await;
    let put = |query: &str| {
        let path = format!("/content/acme/tools/app/1.0/app/1.0/app.bin{query}");
        app.put(&path).by(STRANGER).body("evil")
    };
    put("?override=1&publish=1").await.refuses(403, "forbidden");
    put("").await.refuses_saying(409, "already exists");
    assert_eq!(app.get("/acme/tools/app/1.0/app.bin").await.body, "one");
    // To publish with the upload is one too.
    app.grant(STRANGER, "acme/tools", &[Action::Write]).await;
    let put = |query: &str| {
        let path = format!("/content/acme/tools/app/1.0/app/1.0/x.bin{query}");
        app.put(&path).by(STRANGER).body("evil")
    };
    put("?publish=1").await.refuses(403, "forbidden");
    put("").await.is_success(201);
}

#[tokio::test]
async fn who_may_not_is_refused_before_a_byte_is_read() {
    let app = App::furnished().await;
    let before = app.watch.changes();
    for (caller, repo, status) in [
        ("", "tools", 401),
        ("", "vault", 401),
        (STRANGER, "tools", 403),
        (STRANGER, "vault", 404),
        (READER, "tools", 403),
        (READER, "vault", 403),
    ] {
        let parts = std::iter::from_fn(|| panic!("the body was read"));
        let put = app.put(&format!("/content/acme/{repo}/app/1.0/x")).by(caller);
        let put = put.stream(chunks(parts)).await;
        assert_eq!((put.status, app.watch.changes()), (status, before), "{put:?}");
    }
    let put = app.put("/content/acme/vault/app/1.0/x").by(PUBLISHER).body("x").await;
    put.is_success(201);
}

#[tokio::test]
async fn a_file_is_deleted_published_or_not() {
    let app = App::furnished().await;
    for prefix in ["", "/api/v1"] {
        let (path, other) = match prefix {
            "" => ("app/1.0/app.bin", "1.0"),
            _ => ("app/2.0/new.bin", "2.0"),
        };
        let target = format!("{prefix}/content/acme/tools/{path}");
        app.delete(&target).by(STRANGER).await.refuses(403, "forbidden");
        app.delete(&target).await.needs_credentials();
        app.delete(&target).by(PUBLISHER).await.is_success(200);
        let again = app.delete(&target).by(PUBLISHER).await;
        again.refuses(404, &format!("File '{path}' was not found"));
        let got = app.get(&format!("/acme/tools/{path}")).by(OWNER).await;
        got.refuses_plainly(404, "Not Found\n");
        // The version stays.
        let version = app.get(&format!("/packages/acme/tools/app/versions/{other}")).await;
        assert_eq!((version.status, &version.value()["published"]), (200, &json!(false)));
    }
    // The path is free again.
    app.upload("acme/tools/app/3.0/app/1.0/app.bin", "again").await;
}

#[tokio::test]
async fn override_is_taken_wherever_it_stands() {
    let app = app().await;
    for (place, (parameters, header, replaced)) in [
        ("?override=1", "", true),
        ("?override=true", "", true),
        (";override=1", "", true),
        (";override=TRUE", "", true),
        ("", "1", true),
        ("", "true", true),
        (";override=1?override=true", "1", true),
        ("", "", false),
        ("?override=", "", false),
        ("?override=0", "", false),
        (";override=false", "", false),
        ("", "0", false),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("p/1/f{place}");
        app.upload(&format!("acme/tools/{path}?publish=1"), "old").await;
        let put = app.put(&format!("/content/acme/tools/{path}{parameters}")).by(OWNER);
        let put = put.header("x-bintray-publish", "1").body("new");
        let put = if header.is_empty() { put } else { put.header("x-bintray-override", header) };
        let status = put.await.status;
        assert_eq!(status, if replaced { 201 } else { 409 }, "{parameters} {header}");
        let expected = if replaced { "new" } else { "old" };
        assert_eq!(app.bytes_of(&format!("f{place}")).await, expected);
    }
    let bad = app.put("/content/acme/tools/p/1/f0").by(OWNER).header("x-bintray-override", "yes");
    bad.body("x").await.refuses(400, "override is 'yes': use 0 or 1");
}
