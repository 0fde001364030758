//! "Files": of a package and of a version, with and without unpublished ones.

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
