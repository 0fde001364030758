//! Paths of folders: who sees what there, the index page in place of a listing, and the spellings
//! that lead to the right one.

use serde_json::json;

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, READER, STRANGER};
use crate::listings::{is_listing, publish, scraped};

#[track_caller]
fn leads_to(answer: &Answer, location: &str) {
    answer.has_head(
        302,
        &[
            ("cache-control", "private, no-store"),
            ("location", location),
            ("vary", "Authorization"),
        ],
    );
    assert_eq!(answer.body, "");
}

#[tokio::test]
async fn who_sees_which_folder() {
    let app = App::furnished().await;
    app.repo("acme/bare", json!({})).await;
    app.repo("acme/cell", json!({"private": true})).await;
    let (published, unpublished) = ("app/1.0/", "app/2.0/");
    for (caller, repo, path, status) in [
        ("", "tools", "", 200),
        ("", "tools", published, 200),
        ("", "tools", unpublished, 404),
        ("", "tools", "absent/", 404),
        ("", "tools", "app/1.0/app.bin/", 404),
        ("", "tools", "app//1.0/", 404),
        ("", "tools", "app/1.0//", 404),
        ("", "bare", "", 200),
        ("", "bare", "x/", 404),
        ("", "vault", "", 401),
        ("", "vault", published, 401),
        ("", "vault", "absent/", 401),
        ("", "cell", "", 401),
        ("", "absent", "", 401),
        ("", "absent", "x/", 401),
        (STRANGER, "tools", "", 200),
        (STRANGER, "tools", unpublished, 404),
        (STRANGER, "vault", "", 404),
        (STRANGER, "vault", published, 404),
        (STRANGER, "cell", "", 404),
        (STRANGER, "absent", "", 404),
        (READER, "vault", "", 200),
        (READER, "vault", published, 200),
        (READER, "vault", unpublished, 404),
        (PUBLISHER, "vault", published, 200),
        (PUBLISHER, "vault", unpublished, 404),
        (OWNER, "cell", "", 200),
        (ADMIN, "vault", published, 200),
    ] {
        for method in ["GET", "HEAD"] {
            let got = app.ask(method, &format!("/acme/{repo}/{path}")).by(caller).await;
            match (status, method) {
                (200, "GET") if caller.is_empty() => is_listing(&got, "no-cache"),
                (200, "GET") => is_listing(&got, "private, no-store"),
                (401, "GET") => got.refuses_plainly(401, "Unauthorized\n"),
                (404, "GET") => got.refuses_plainly(404, "Not Found\n"),
                _ => assert_eq!((got.status, got.body.len()), (status, 0), "{caller}: {got:?}"),
            }
        }
    }
    for (caller, shows) in
        [("", false), (STRANGER, false), (READER, false), (PUBLISHER, true), (OWNER, true)]
    {
        let listed = app.get("/acme/tools/app/?include_unpublished=1").by(caller).await;
        assert_eq!(scraped(&listed).contains(&"2.0/".to_owned()), shows, "{caller}");
        let folder = app.get("/acme/tools/app/2.0/?include_unpublished=1").by(caller).await;
        assert_eq!(folder.status, if shows { 200 } else { 404 }, "{caller}");
    }
    let empty = app.get("/acme/bare/").await;
    assert!(String::from_utf8_lossy(&empty.body).contains("There is nothing here."));
    assert_eq!(scraped(&empty), [] as [&str; 0]);
}

#[tokio::test]
async fn what_is_deleted_is_in_no_listing() {
    let app = App::furnished().await;
    publish(&app, "gone/x").await;
    assert_eq!(scraped(&app.get("/acme/tools/").await), ["app/", "gone/"]);
    app.delete("/packages/acme/tools/app/versions/1.0").by(OWNER).await.is_success(200);
    assert_eq!(scraped(&app.get("/acme/tools/").await), [] as [&str; 0]);
    app.get("/acme/tools/gone/").await.refuses_plainly(404, "Not Found\n");
    app.get("/acme/tools/gone").await.refuses_plainly(404, "Not Found\n");
}

#[tokio::test]
async fn a_folder_without_its_slash_leads_to_the_one_with_it() {
    let app = App::furnished().await;
    publish(&app, "a: b/100%/x").await;
    for (target, location) in [
        ("/acme/tools", "tools/"),
        ("/api/v1/acme/tools", "tools/"),
        ("/acme/tools/app", "app/"),
        ("/acme/tools/a%3A%20b", "a%3A%20b/"),
        ("/acme/tools/a:%20b/100%25", "100%25/"),
        ("/acme/tools?list=1&x=y", "tools/?list=1"),
        ("/acme/tools/app?include_unpublished=1&list=1", "app/?list=1&include_unpublished=1"),
    ] {
        for (method, caller) in [("GET", ""), ("HEAD", ""), ("GET", OWNER)] {
            leads_to(&app.ask(method, target).by(caller).await, location);
        }
    }
    // Only for those who find something there.
    for (caller, target, status) in [
        ("", "/acme/tools/app/2.0", 404),
        ("", "/acme/tools/absent", 404),
        ("", "/acme/tools/ap", 404),
        ("", "/acme/vault", 401),
        ("", "/acme/vault/app", 401),
        ("", "/acme/absent", 401),
        (STRANGER, "/acme/vault", 404),
        (STRANGER, "/acme/vault/app", 404),
        (STRANGER, "/acme/tools/app/2.0?include_unpublished=1", 404),
        (PUBLISHER, "/acme/tools/app/2.0", 404),
    ] {
        let got = app.get(target).by(caller).await;
        got.refuses_plainly(status, if status == 401 { "Unauthorized\n" } else { "Not Found\n" });
    }
    let target = "/acme/tools/app/2.0?include_unpublished=1";
    leads_to(&app.get(target).by(PUBLISHER).await, "2.0/?include_unpublished=1");
    publish(&app, "app").await;
    assert_eq!(app.get("/acme/tools/app").await.body, "app", "a file of this name comes first");
}

/// For those who follow the links of a listing as they stand: `curl`, `wget -r`, no script.
#[tokio::test]
async fn a_link_with_its_colon_leads_to_the_one_without() {
    let app = App::furnished().await;
    for (target, location) in [
        ("/acme/tools/:app", "app"),
        ("/acme/tools/%3Aapp", "app"),
        ("/acme/tools/:app/", "../app/"),
        ("/acme/tools/app/1.0/:app.bin", "app.bin"),
        ("/acme/tools/app/1.0/:app.bin?list=1&x=2", "app.bin?list=1"),
        ("/api/v1/acme/tools/app/:1.0/", "../1.0/"),
        ("/acme/tools/::x", "%3Ax"),
        ("/acme/tools/:...", "..."),
        ("/acme/tools/:%20%22%3Cé", "%20%22%3C%C3%A9"),
        ("/acme/tools/:http%3A", "http%3A"),
        ("/acme/tools/:absent", "absent"),
        ("/acme/tools/absent/:absent/", "../absent/"),
        ("/acme/tools/app/2.0/:new.bin", "new.bin"),
        ("/acme/vault/:app", "app"),
        ("/acme/vault/:absent/", "../absent/"),
        ("/acme/absent/:x", "x"),
    ] {
        // The same for all, whatever is there and whoever may see it.
        for caller in ["", STRANGER, READER, OWNER] {
            leads_to(&app.get(target).by(caller).await, location);
            leads_to(&app.ask("HEAD", target).by(caller).await, location);
        }
    }
    for nowhere in ["/acme/tools/:", "/acme/tools/:.", "/acme/tools/:..", "/acme/tools/:../"] {
        app.get(nowhere).await.refuses_plainly(404, "Not Found\n");
    }
    assert_eq!(app.post("/acme/tools/:x").by(OWNER).await.status, 405);
    publish(&app, ":app").await;
    publish(&app, ":f/:app").await;
    app.upload("acme/tools/app/2.0/%3Anew", "unpublished").await;
    assert_eq!(app.get("/acme/tools/:app").await.body, ":app", "a file of this name comes first");
    assert_eq!(app.get("/acme/tools/%3Af/:app").await.body, ":f/:app");
    is_listing(&app.get("/acme/tools/:f/").await, "no-cache");
    leads_to(&app.get("/acme/tools/:f").await, "%3Af/");
    // An unpublished one is there for those who see it only.
    leads_to(&app.get("/acme/tools/:new").await, "new");
    assert_eq!(app.get("/acme/tools/:new").by(OWNER).await.body, "unpublished");
    let other = app.get("/acme/tools/:old").by(STRANGER).await;
    assert_eq!((other.status, other.header("location")), (302, Some("old")));
}

#[tokio::test]
async fn an_index_page_stands_for_its_folder() {
    let app = App::furnished().await;
    let page = "<html><link rel=stylesheet href=style.css>";
    for target in ["index.html", "docs/index.html", "docs/style.css"] {
        app.upload(&format!("acme/tools/app/1.0/{target}?publish=1"), page).await;
        app.upload(&format!("acme/vault/app/1.0/{target}?publish=1"), page).await;
    }
    app.upload("acme/tools/app/1.0/draft/index.html", page).await;
    app.upload("acme/tools/app/1.0/draft/x?publish=1", "x").await;
    for folder in ["/acme/tools/", "/acme/tools/docs/", "/acme/tools/docs/?include_unpublished=1"] {
        let got = app.get(folder).await;
        let same = app.get(&format!("{}index.html", folder.split('?').next().unwrap())).await;
        assert_eq!((got.status, &got.headers, &got.body), (200, &same.headers, &same.body));
        assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(got.header("cache-control"), Some("no-cache"));
        assert!(got.header("content-security-policy").unwrap().starts_with("sandbox; "));
        let listed = app.get(&format!("{}?list=1", folder.split('?').next().unwrap())).await;
        is_listing(&listed, "no-cache");
        assert!(scraped(&listed).contains(&"index.html".to_owned()));
        let etag = got.header("etag").unwrap();
        assert_eq!(app.get(folder).header("if-none-match", etag).await.status, 304);
        assert_eq!(app.get(folder).header("range", "bytes=0-1").await.body, "<h");
    }
    let private = app.get("/acme/vault/docs/").by(READER).await;
    assert_eq!((private.status, private.header("cache-control")), (200, Some("private, no-store")));
    app.get("/acme/vault/docs/").await.refuses_plainly(401, "Unauthorized\n");
    app.get("/acme/vault/docs/").by(STRANGER).await.refuses_plainly(404, "Not Found\n");
    // One that is not published is a file among others, for its publishers too.
    for caller in ["", STRANGER, PUBLISHER, OWNER] {
        assert_eq!(scraped(&app.get("/acme/tools/draft/").by(caller).await), ["x"], "{caller}");
    }
    let draft = app.get("/acme/tools/draft/?include_unpublished=1").by(OWNER).await;
    assert_eq!(scraped(&draft), ["index.html", "x"]);
}
