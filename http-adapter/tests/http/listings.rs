//! Listings of folders: what a scraper and a person find in them, and what they cost.
#![allow(clippy::disallowed_types, reason = "an installation is built upon the ports")]

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packhouse_core::model::Stored;
use packhouse_core::model::files::File;
use packhouse_core::names::FilePath;
use packhouse_core::store::{Batch, BatchId};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::app::{Answer, App, OWNER, STRANGER};

const STYLE: &str = include_str!("../../src/downloads/listing.css");
const SCRIPT: &str = include_str!("../../src/downloads/listing.js");

fn encoded(text: &str) -> String {
    let segment = |segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string();
    text.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Publishes a file whose content is its path.
pub(crate) async fn publish(app: &App, path: &str) {
    app.upload(&format!("acme/tools/app/1.0/{}?publish=1", encoded(path)), path.to_owned()).await;
}

/// The `href`s that known scrapers take: those of anchors that call `navi`, without the colon.
pub(crate) fn scraped(answer: &Answer) -> Vec<String> {
    let html = std::str::from_utf8(&answer.body).unwrap();
    html.split("<a onclick=\"navi(event)\" href=\":")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// The texts of those anchors, as a browser shows them.
fn shown(answer: &Answer) -> Vec<String> {
    let html = std::str::from_utf8(&answer.body).unwrap();
    let anchors = html.split("<a onclick=\"navi(event)\"").skip(1);
    let text = |rest: &str| {
        let text = rest.split_once('>').unwrap().1.split("</a>").next().unwrap().to_owned();
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        text.replace("&#39;", "'").replace("&amp;", "&")
    };
    anchors.map(text).collect()
}

/// The head of a listing.
#[track_caller]
pub(crate) fn is_listing(answer: &Answer, cache: &str) {
    let policy = answer.header("content-security-policy").unwrap().to_owned();
    answer.has_head(
        200,
        &[
            ("cache-control", cache),
            ("content-security-policy", &policy),
            ("content-type", "text/html; charset=utf-8"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("vary", "Authorization"),
            ("x-content-type-options", "nosniff"),
        ],
    );
}

#[tokio::test]
async fn a_listing_has_names_sizes_dates_and_the_way_up() {
    let app = App::furnished().await;
    publish(&app, "d/a & b.txt").await;
    publish(&app, "d/e/f").await;
    app.upload("acme/tools/app/1.0/d/hidden", vec![0; 1_536]).await;
    let page = |rows: &str, query: &str| {
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>acme/tools/d/</title>\n<style>{STYLE}</style>\n<script>{SCRIPT}</script>\n\
             </head>\n<body>\n<h1>acme/<a href=\"../{query}\">tools</a>/\
             <a href=\"./{query}\">d</a>/</h1>\n<table>\n\
             <tr><th>Name</th><th>Size</th><th>Date (UTC)</th></tr>\n{rows}</table>\n\
             </body>\n</html>\n"
        )
    };
    let time = "<time datetime=\"2026-01-01T00:00:00.000Z\">2026-01-01 00:00</time>";
    let rows = format!(
        "<tr><td><a onclick=\"navi(event)\" href=\":a%20%26%20b.txt\" rel=\"nofollow\">\
         a &amp; b.txt</a></td><td title=\"11 bytes\">11 B</td><td>{time}</td></tr>\n\
         <tr><td><a onclick=\"navi(event)\" href=\":e/\" rel=\"nofollow\">e/</a></td><td></td>\
         <td></td></tr>\n"
    );
    for caller in ["", STRANGER, OWNER] {
        let cache = if caller.is_empty() { "no-cache" } else { "private, no-store" };
        for prefix in ["", "/api/v1"] {
            let got = app.get(&format!("{prefix}/acme/tools/d/")).by(caller).await;
            is_listing(&got, cache);
            assert_eq!(got.body, page(&rows, ""));
            assert_eq!(got.operation, "downloads.list");
        }
        let head = app.ask("HEAD", "/acme/tools/d/").by(caller).await;
        let length = page(&rows, "").len().to_string();
        assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
        assert_eq!(head.body, "");
    }
    let hidden = format!(
        "<tr><td><a onclick=\"navi(event)\" href=\":hidden\" rel=\"nofollow\">hidden</a> \
         <small>unpublished</small></td><td title=\"1536 bytes\">1.5 KiB</td><td>{time}</td>\
         </tr>\n"
    );
    let got = app.get("/acme/tools/d/?include_unpublished=1").by(OWNER).await;
    assert_eq!(got.body, page(&format!("{rows}{hidden}"), "?include_unpublished=1"));
}

/// The page may run its own script and nothing else: the hashes are those of what it holds.
#[tokio::test]
async fn the_policy_of_a_listing_lets_its_own_script_run_and_no_other() {
    let app = App::furnished().await;
    let mut hashes = Vec::new();
    for text in [SCRIPT, "navi(event)", STYLE] {
        app.upload("acme/tools/app/1.0/hashed?publish=1&override=1", text).await;
        let got = app.get("/acme/tools/hashed").await;
        let hex = got.header("x-checksum-sha2").unwrap().to_owned();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        hashes.push(format!("'sha256-{}'", STANDARD.encode(bytes)));
    }
    let [script, handler, style] = hashes.try_into().unwrap();
    let expected = format!(
        "default-src 'none'; script-src {script} 'unsafe-hashes' {handler}; style-src {style}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let got = app.get("/acme/tools/").await;
    assert_eq!(got.header("content-security-policy"), Some(expected.as_str()));
    assert!(!SCRIPT.contains('<') && !STYLE.contains('<') && !SCRIPT.contains("innerHTML"));
}

/// What B2C and its like do: walk all folders from the anchors alone, and fetch every file.
#[tokio::test]
async fn a_scraper_finds_every_published_file_and_nothing_else() {
    let app = App::furnished().await;
    let mut expected: BTreeSet<String> = [
        "a/b/c.txt",
        "a/b/c/d",
        "a-b/x",
        "a",
        "q/<script>alert(1)</script>.txt",
        "q/\"onmouseover=\"alert(1)",
        "q/it's & so <b>on</b>",
        "q/&lt;not&gt;",
        "q/100%41?x=1#y;z=2",
        "q/:colon",
        "q/::two/:x",
        "q/ünï/日本/📦.zip",
        "q/javascript:alert(1)",
        "q/+ +",
        "q/...",
    ]
    .map(str::to_owned)
    .into();
    for path in &expected {
        publish(&app, path).await;
    }
    app.upload("acme/tools/app/1.0/a/hidden", "x").await;
    app.upload("acme/tools/app/1.0/hidden/x", "x").await;
    expected.insert("app/1.0/app.bin".to_owned());
    let (mut found, mut folders) = (BTreeSet::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        let page = app.get(&format!("/acme/tools/{folder}")).await;
        is_listing(&page, "no-cache");
        let hrefs = scraped(&page);
        let decoded: Vec<_> =
            hrefs.iter().map(|href| percent_decode_str(href).decode_utf8().unwrap()).collect();
        assert_eq!(shown(&page), decoded);
        for href in hrefs {
            let path = format!("{folder}{href}");
            if href.ends_with('/') {
                folders.push(path);
                continue;
            }
            let got = app.get(&format!("/acme/tools/{path}")).await;
            let path = percent_decode_str(&path).decode_utf8().unwrap().into_owned();
            if path != "app/1.0/app.bin" {
                assert_eq!(got.body, path.as_bytes(), "{got:?}");
            }
            found.insert(path);
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn no_name_is_markup() {
    let app = App::furnished().await;
    let evil = "x\"'><img src=x onerror=alert(1)>&<";
    publish(&app, &format!("{evil}/{evil}")).await;
    for folder in [String::new(), format!("{}/", encoded(evil))] {
        let got = app.get(&format!("/acme/tools/{folder}")).await;
        let html = String::from_utf8_lossy(&got.body);
        assert!(!html.contains("<img") && !html.contains("x\"'"), "{html}");
        let tags: BTreeSet<&str> = html
            .split('<')
            .skip(1)
            .map(|rest| rest.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap())
            .collect();
        let known = [
            "!DOCTYPE", "a", "body", "h1", "head", "html", "meta", "script", "style", "table",
            "td", "th", "time", "title", "tr",
        ];
        assert!(tags.iter().all(|tag| known.contains(tag)), "{tags:?}");
    }
    // Nor is one that is not there, or what else is asked for.
    for target in ["/acme/tools/%3Cb%3E/", "/acme/tools/?after=%3Cb%3E/x", "/acme/tools/?list=%3Cb"]
    {
        let got = app.get(target).await;
        assert!((400..500).contains(&got.status), "{got:?}");
        assert_eq!(got.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

/// Publishes many files past the engine, like one that was uploaded.
async fn plant(app: &App, paths: impl Iterator<Item = String>) {
    let like = packhouse_core::names::RepoPath::parse("acme", "tools").unwrap();
    let like = File::key_of(&like.file(FilePath::parse("app/1.0/app.bin").unwrap()));
    let like = app.backends.store.read(&[like]).await.unwrap().remove(0).unwrap();
    let like: File = serde_json::from_str(&like.body).unwrap();
    let change =
        |path: String| File { path: FilePath::parse(&path).unwrap(), ..like.clone() }.put();
    let changes: Vec<_> = paths.map(change).collect();
    for (number, changes) in changes.chunks(1_000).enumerate() {
        let id = BatchId([u8::try_from(number).unwrap() + 1; 16]);
        let batch = Batch { id, expectations: Vec::new(), changes: changes.to_vec() };
        app.backends.store.commit(&batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_listing_has_a_next_page_that_no_scraper_takes_for_a_file() {
    let app = App::furnished().await;
    plant(&app, (0..2_100).map(|n| format!("many/f {n:04}&"))).await;
    plant(&app, (0..1_000).map(|n| format!("just/{n}"))).await;
    let (mut found, mut query) = (Vec::new(), "?list=1".to_owned());
    for pages in 1.. {
        let got = app.get(&format!("/acme/tools/many/{query}")).await;
        is_listing(&got, "no-cache");
        let names = scraped(&got);
        assert!(names.len() <= 1_000);
        found.extend(names);
        let html = String::from_utf8_lossy(&got.body).into_owned();
        let Some((_, next)) = html.split_once("<a class=\"next\" href=\"") else {
            assert_eq!(pages, 3);
            break;
        };
        query = next.split('"').next().unwrap().replace("&amp;", "&");
        assert!(query.starts_with("?list=1&after=f%20"), "{query}");
    }
    let expected: Vec<_> = (0..2_100).map(|n| format!("f%20{n:04}%26")).collect();
    assert_eq!(found, expected);
    let just = app.get("/acme/tools/just/").await;
    assert!(!String::from_utf8_lossy(&just.body).contains("class=\"next\""));
    app.get("/acme/tools/many/?after=z").await.refuses_plainly(404, "Not Found\n");
    let bad = app.get("/acme/tools/many/?after=a/b").await;
    bad.refuses_plainly(400, "after is no name: give the last one of the page before\n");
}

/// T254: what lies deeper, and what is not shown, costs nothing.
#[tokio::test]
async fn a_listing_asks_the_store_a_few_times_only() {
    let app = App::furnished().await;
    plant(&app, (0..5_000).map(|n| format!("deep/{n}/x/y"))).await;
    let reads = async |target: &str| {
        let before = app.watch.reads();
        let got = app.get(target).await;
        (got.status, app.watch.reads() - before)
    };
    for (target, status, most) in [
        ("/acme/tools/", 200, 6),
        ("/acme/tools/deep", 302, 3),
        ("/acme/tools/absent", 404, 3),
        ("/acme/tools/absent/", 404, 3),
        ("/acme/tools/:absent", 302, 3),
        ("/acme/vault/", 401, 2),
    ] {
        let (got, count) = reads(target).await;
        assert!(got == status && count <= most, "{target}: {got}, {count} reads");
    }
}

/// Whichever read of the store fails: nothing is said to be absent, or to be elsewhere.
#[tokio::test]
async fn what_cannot_be_read_is_not_said_to_be_absent() {
    let app = App::furnished().await;
    for target in
        ["/acme/tools/", "/acme/tools", "/acme/tools/app/", "/acme/tools/app", "/acme/tools/:x"]
    {
        let (before, sound) = (app.watch.reads(), app.get(target).await);
        for reads in 0..app.watch.reads() - before {
            app.watch.break_read_after(reads);
            let got = app.get(target).await;
            assert_eq!((got.status, got.header("location")), (503, None), "{reads}: {got:?}");
        }
        assert!(app.get(target).await.same_as(&sound), "{target}");
    }
    // Nor is a file whose bytes are lost.
    publish(&app, ":lost").await;
    app.backends.lose_all_bytes().await;
    assert_eq!(app.get("/acme/tools/:lost").await.status, 503);
}
