//! "Files": of a package and of a version, with and without unpublished ones.

use packhouse_core::model::files::File;
use packhouse_core::names::{FilePath, RepoPath};
use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, PUBLISHER, READER, STRANGER};

fn file(repo: &str, version: &str, path: &str, sha1: &str, sha256: &str) -> Value {
    json!({
        "name": path.rsplit('/').next(), "path": path, "package": "app", "version": version,
        "repo": repo, "owner": "acme", "created": NOW, "size": 3, "sha1": sha1, "sha256": sha256,
    })
}

fn published(repo: &str) -> Value {
    file(
        repo,
        "1.0",
        "app/1.0/app.bin",
        "fe05bcdcdc4928012781a5f1a2a77cbb5398e106",
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    )
}

fn unpublished(repo: &str) -> Value {
    file(
        repo,
        "2.0",
        "app/2.0/new.bin",
        "ad782ecdac770fc6eb9a62e44f90873fb97fb26b",
        "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
    )
}

#[tokio::test]
async fn published_files_are_listed_to_all_who_may_read() {
    let app = App::furnished().await;
    for query in ["", "?include_unpublished=0", "?include_unpublished=false", "?&x=y"] {
        for caller in ["", STRANGER, READER, PUBLISHER, OWNER, ADMIN] {
            for prefix in ["", "/api/v1", "/"] {
                let base = format!("{prefix}/packages/acme/tools/app");
                let package = app.get(&format!("{base}/files{query}")).by(caller).await;
                package.is_page((1, 0, 0), &json!([published("tools")]));
                let one = app.get(&format!("{base}/versions/1.0/files{query}")).by(caller).await;
                one.is_page((1, 0, 0), &json!([published("tools")]));
                let two = app.get(&format!("{base}/versions/2.0/files{query}")).by(caller).await;
                two.is_page((0, 0, 0), &json!([]));
            }
        }
    }
}

/// T079: a total that counted them would tell of them.
#[tokio::test]
async fn unpublished_files_are_listed_and_counted_for_publishers_only() {
    let app = App::furnished().await;
    for query in
        ["?include_unpublished=1", "?include_unpublished=true", "?include_unpublished=TRUE"]
    {
        for (caller, repo, sees) in [
            ("", "tools", false),
            (STRANGER, "tools", false),
            (READER, "tools", false),
            (READER, "vault", false),
            (PUBLISHER, "tools", true),
            (PUBLISHER, "vault", true),
            (OWNER, "vault", true),
            (ADMIN, "vault", true),
        ] {
            let base = format!("/packages/acme/{repo}/app");
            let package = app.get(&format!("{base}/files{query}")).by(caller).await;
            let two = app.get(&format!("{base}/versions/2.0/files{query}")).by(caller).await;
            if sees {
                package.is_page((2, 0, 1), &json!([published(repo), unpublished(repo)]));
                two.is_page((1, 0, 0), &json!([unpublished(repo)]));
            } else {
                package.is_page((1, 0, 0), &json!([published(repo)]));
                two.is_page((0, 0, 0), &json!([]));
            }
        }
    }
    let bad = app.get("/packages/acme/tools/app/files?include_unpublished=all").await;
    bad.refuses(400, "include_unpublished is 'all': use 0 or 1");
}

#[tokio::test]
async fn files_of_what_is_not_there_are_not_found() {
    let app = App::furnished().await;
    for (path, caller, text) in [
        ("/packages/acme/tools/x/files", "", "Package 'x' was not found"),
        ("/packages/acme/tools/app/versions/9/files", "", "Version '9' was not found"),
        ("/packages/acme/tools/x/versions/9/files", "", "Package 'x' was not found"),
        ("/packages/acme/x/app/files", STRANGER, "Repo 'x' was not found"),
        ("/packages/acme/vault/app/files", STRANGER, "Repo 'vault' was not found"),
        ("/packages/nobody/x/app/files", OWNER, "Repo 'x' was not found"),
    ] {
        app.get(path).by(caller).await.refuses(404, text);
    }
    app.get("/packages/acme/vault/app/files").await.needs_credentials();
    app.get("/packages/acme/x/app/files").await.needs_credentials();
}

#[tokio::test]
async fn a_file_is_put_on_the_download_list_and_taken_off() {
    let app = App::furnished().await;
    let path = "/file_metadata/acme/tools/app/1.0/app.bin";
    let listed = async || {
        let location = RepoPath::parse("acme", "tools").unwrap();
        let location = location.file(FilePath::parse("app/1.0/app.bin").unwrap());
        app.record::<File>(File::key_of(&location)).await.list_in_downloads
    };
    for (prefix, said, expected) in [
        ("", json!(true), true),
        ("/api/v1", json!("false"), false),
        ("/", json!("true"), true),
        ("", json!(1), true),
        ("", json!(false), false),
    ] {
        let put = app.put(&format!("{prefix}{path}")).by(PUBLISHER);
        put.json(&json!({"list_in_downloads": said, "unknown": 1})).await.is_success(200);
        assert_eq!(listed().await, expected, "{said}");
    }
    let before = app.watch.changes();
    let missing = "list_in_downloads is missing: give true or false";
    for body in ["", "{}", "{\"list_in_downloads\": null}", "{\"listed\": true}"] {
        app.put(path).by(PUBLISHER).body(body).await.refuses(400, missing);
    }
    let bad = app.put(path).by(PUBLISHER).json(&json!({"list_in_downloads": "perhaps"})).await;
    bad.refuses_saying(400, "'perhaps' is no switch: use true or false");
    let list = json!({"list_in_downloads": true});
    let put = |path: &str, caller: &str| {
        app.put(&format!("/file_metadata/acme/{path}")).by(caller).json(&list)
    };
    let absent = put("tools/absent", PUBLISHER).await;
    absent.refuses(404, "File 'absent' was not found");
    let unpublished = "'app/2.0/new.bin' is an unpublished file: publish it first";
    put("tools/app/2.0/new.bin", PUBLISHER).await.refuses(400, unpublished);
    put("tools/app/1.0/app.bin", STRANGER).await.refuses(403, "forbidden");
    put("vault/app/1.0/app.bin", READER).await.refuses(403, "forbidden");
    put("vault/app/1.0/app.bin", STRANGER).await.refuses(404, "Repo 'vault' was not found");
    put("tools/app/1.0/app.bin", "").await.needs_credentials();
    let slash = put("tools/app/1.0/app.bin/", PUBLISHER).await;
    slash.refuses(400, "the file path ends in a slash: name a file");
    // What follows a raw `;` is no part of a name, and no parameter here.
    let matrix = put("tools/app/1.0/app.bin;x=1", PUBLISHER).await;
    matrix.refuses_saying(400, "This resource takes no parameters after a ';'");
    assert_eq!(app.watch.changes(), before);
}

#[tokio::test]
async fn the_package_and_version_of_a_file_are_seen_by_those_who_may_have_it() {
    let app = App::furnished().await;
    for (path, callers) in [
        ("tools/app/1.0/app.bin", vec!["", STRANGER, READER, PUBLISHER, OWNER, ADMIN]),
        ("vault/app/1.0/app.bin", vec![READER, PUBLISHER, OWNER, ADMIN]),
        ("tools/app/2.0/new.bin", vec![PUBLISHER, OWNER, ADMIN]),
        ("vault/app/2.0/new.bin", vec![PUBLISHER, OWNER, ADMIN]),
    ] {
        let repo = path.split('/').next().unwrap();
        let version = path.split('/').nth(2).unwrap();
        for caller in ["", STRANGER, READER, PUBLISHER, OWNER, ADMIN] {
            let of_file = app.get(&format!("/file_package/acme/{path}")).by(caller).await;
            let version_of = app.get(&format!("/file_version/acme/{path}")).by(caller).await;
            if callers.contains(&caller) {
                let package = app.get(&format!("/packages/acme/{repo}/app")).by(caller).await;
                assert!(of_file.same_as(&package), "{of_file:?}");
                let version = format!("/packages/acme/{repo}/app/versions/{version}");
                let version = app.get(&version).by(caller).await;
                assert!(version_of.same_as(&version), "{version_of:?}");
                continue;
            }
            for answer in [of_file, version_of] {
                match caller {
                    "" => answer.needs_credentials(),
                    _ => assert_eq!(answer.status, 404, "{answer:?}"),
                }
            }
        }
    }
    let absent = app.get("/file_version/acme/tools/absent").await;
    absent.refuses(404, "File 'absent' was not found");
}
