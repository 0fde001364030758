//! Uploads with `explode=1`: archives whose files become files of the version.

use serde_json::json;

use crate::app::{Answer, App, OWNER, PUBLISHER, READER, STRANGER};

/// A tar of these paths and texts.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // Past the builder's own checks: hostile names are wanted too.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn site() -> Vec<u8> {
    tar(&[("./index.html", "<p>hello"), ("css/a.css", "a"), ("css/b.css", "a")])
}

impl App {
    async fn paths_of(&self, version: &str) -> Vec<String> {
        let url =
            format!("/packages/acme/tools/app/versions/{version}/files?include_unpublished=1");
        let listed = self.get(&url).by(OWNER).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        let files = listed.value();
        let files = files.as_array().unwrap().iter();
        files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    }
}

#[track_caller]
fn says(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, answer.value()), (status, json!({"message": message})));
}

/// Every place of the switch, every form of the path, and where the files go.
#[tokio::test]
async fn an_archive_goes_into_a_folder_or_beside_its_own_name() {
    let app = App::furnished().await;
    let named = |path: &str| format!("/content/acme/tools/{path};bt_package=app;bt_version=v");
    for (number, (target, header, folder)) in [
        ("/content/acme/tools/app/v/docs/;explode=1".to_owned(), None, "docs/"),
        ("/content/acme/tools/app/v/docs/1.0;explode=true".to_owned(), None, "docs/1.0/"),
        ("/content/acme/tools/app/v/docs/site.tar?explode=1".to_owned(), None, "docs/"),
        ("/content/acme/tools/app/v/site.TAR?explode=1".to_owned(), None, ""),
        ("/content/acme/tools/app/v/site.zip/?explode=1".to_owned(), None, "site.zip/"),
        ("/content/acme/tools/app/v/?explode=1".to_owned(), None, ""),
        ("/content/acme/tools/app/v?explode=1".to_owned(), None, ""),
        (named("a/b.tar.gz") + ";explode=1", None, "a/"),
        (named("a/b"), Some("1"), "a/b/"),
        (named("a.tar"), Some("true"), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let target = target.replace("/v", &format!("/v{number}"));
        let target = target.replace("bt_version=v", &format!("bt_version=v{number}"));
        let mut put = app.put(&target).by(OWNER).body(site());
        if let Some(header) = header {
            put = put.header("x-bintray-explode", header);
        }
        says(&put.await, 201, "success");
        let version = format!("v{number}");
        let expected =
            ["css/a.css", "css/b.css", "index.html"].map(|file| format!("{folder}{file}"));
        assert_eq!(app.paths_of(&version).await, expected, "{target}");
        // The same paths are wanted again by the next.
        let gone = app.delete(&format!("/packages/acme/tools/app/versions/{version}")).by(OWNER);
        assert_eq!(gone.await.status, 200);
    }
    // Off is off.
    let put = app.put("/content/acme/tools/app/v/site.tar?explode=0").by(OWNER).body(site());
    says(&put.await, 201, "success");
    assert_eq!(app.paths_of("v").await, ["site.tar"]);
    let other = app.put("/content/acme/tools/app/v/site.tar?explode=0;explode=1").by(OWNER);
    assert_eq!(other.body(site()).await.status, 400);
}

#[tokio::test]
async fn the_files_are_published_with_the_upload_and_served_with_their_types() {
    let app = App::furnished().await;
    let put = app.put("/content/acme/tools/app/3.0/docs/;explode=1;publish=1").by(OWNER);
    says(&put.body(site()).await, 201, "success");
    let page = app.get("/acme/tools/docs/index.html").await;
    assert_eq!((page.status, &page.body[..]), (200, &b"<p>hello"[..]));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let css = app.get("/acme/tools/docs/css/b.css").await;
    assert_eq!((css.status, &css.body[..]), (200, &b"a"[..]));
}

/// Each hostile archive is refused with its entry named, and nothing of it is kept.
#[tokio::test]
async fn a_refused_archive_names_its_entry_and_leaves_nothing() {
    let app = App::furnished().await;
    let before = (app.watch.changes().0, app.backends.all_blobs().await.len());
    for (files, entry) in [
        (vec![("a", "1"), ("../x", "2")], "entry '../x'"),
        (vec![("a", "1"), ("/etc/passwd", "2")], "entry '/etc/passwd'"),
        (vec![("a", "1"), ("b\\c", "2")], "entry 'b\\"),
        (vec![("a", "1"), ("C:/x", "2")], "entry 'C:/x'"),
        (vec![("a", "1"), ("a", "2")], "entry 'a'"),
        (vec![("a", "1"), ("A", "2")], "entry 'A'"),
        (vec![("a", "1"), ("a/b", "2")], "entry 'a/b'"),
        (vec![("a", "1"), ("x\u{202e}y", "2")], "x"),
    ] {
        let put = app.put("/content/acme/tools/app/3.0/docs/;explode=1").by(OWNER);
        let put = put.body(tar(&files)).await;
        assert_eq!(put.status, 422, "{put:?}");
        let message = put.value()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("The archive cannot be exploded: "), "{message}");
        assert!(message.contains(entry), "{message}");
    }
    let put = app.put("/content/acme/tools/app/3.0/docs/;explode=1").by(OWNER).body("text");
    says(
        &put.await,
        422,
        "The archive cannot be exploded: this is no archive of a known format: zip, tar, tar.gz, \
         tar.bz2 and tar.xz are known",
    );
    let after = (app.watch.changes().0, app.backends.all_blobs().await.len());
    assert_eq!(after, before, "nothing was committed, and no blob is left");
}

/// T074, over HTTP: as any upload, and before the body is read.
#[tokio::test]
async fn an_explode_is_asked_for_like_an_upload() {
    let app = App::furnished().await;
    for (caller, repo, status) in [
        ("", "tools", 401),
        (STRANGER, "tools", 403),
        (STRANGER, "vault", 404),
        (READER, "vault", 403),
        (PUBLISHER, "vault", 201),
        (OWNER, "vault", 201),
    ] {
        let target = format!("/content/acme/{repo}/app/3.0/docs/?explode=1");
        let put = app.put(&target).by(caller).body(site()).await;
        assert_eq!(put.status, status, "{caller}: {put:?}");
    }
    // What is published stays, for all or for none.
    let put = app.put("/content/acme/tools/app/1.0/?explode=1").by(OWNER);
    let put = put.body(tar(&[("new", "x"), ("app/1.0/app.bin", "y")])).await;
    says(
        &put,
        409,
        "Unable to upload files: An artifact with the path 'app/1.0/app.bin' already exists",
    );
    assert_eq!(app.get("/acme/tools/new").by(OWNER).await.status, 404);
    let put = app.put("/content/acme/tools/app/1.0/?explode=1&override=1&publish=1").by(OWNER);
    let put = put.body(tar(&[("new", "x"), ("app/1.0/app.bin", "y")])).await;
    says(&put, 201, "success");
    assert_eq!(&app.get("/acme/tools/app/1.0/app.bin").await.body[..], b"y");
}

#[tokio::test]
async fn the_checksum_of_an_exploded_upload_is_the_archives() {
    let app = App::furnished().await;
    let put = app.put("/content/acme/tools/app/3.0/docs/?explode=1").by(OWNER).body(site());
    let put = put.header("x-checksum-sha2", &"0".repeat(64)).await;
    assert_eq!(put.status, 409, "{put:?}");
    assert!(put.value()["message"].as_str().unwrap().starts_with("Checksum mismatch"), "{put:?}");
    assert_eq!(app.get("/packages/acme/tools/app/versions/3.0").by(OWNER).await.status, 404);
}
