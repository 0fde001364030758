//! The three headers of every list, wherever a page lies.

use packhouse_core::Paging;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, STRANGER};

async fn with_packages(count: usize) -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    for n in 0..count {
        app.package("acme/tools", json!({"name": format!("p{n:03}")})).await;
    }
    app
}

fn packages(range: std::ops::Range<usize>) -> Value {
    range.map(|n| json!({"name": format!("p{n:03}"), "linked": false})).collect()
}

#[tokio::test]
async fn packages_page_by_fifty() {
    let app = with_packages(120).await;
    for (start, page, items) in [
        ("", (120, 0, 49), 0..50),
        ("?start_pos=", (120, 0, 49), 0..50),
        ("?start_pos=0", (120, 0, 49), 0..50),
        ("?start_pos=50", (120, 50, 99), 50..100),
        ("?start_pos=100", (120, 100, 119), 100..120),
        ("?start_pos=119&x=y", (120, 119, 119), 119..120),
        // Beyond the end a page lies just after the last: no client loops for ever.
        ("?start_pos=120", (120, 120, 119), 0..0),
        ("?start_pos=5000", (120, 120, 119), 0..0),
        ("?start_pos=18446744073709551615", (120, 120, 119), 0..0),
        ("?start_name=p11", (10, 0, 9), 110..120),
        ("?start_name=p11&start_pos=8", (10, 8, 9), 118..120),
    ] {
        for caller in ["", OWNER] {
            let listed = app.get(&format!("/repos/acme/tools/packages{start}")).by(caller).await;
            listed.is_page(page, &packages(items.clone()));
        }
    }
}

#[tokio::test]
async fn a_client_that_follows_the_headers_sees_everything_once() {
    let app = with_packages(101).await;
    let (mut start, mut seen) = (0, Vec::new());
    loop {
        let page = app.get(&format!("/repos/acme/tools/packages?start_pos={start}")).await;
        let number = |name: &str| page.header(name).unwrap().parse::<u64>().unwrap();
        seen.extend(page.value().as_array().unwrap().clone());
        if number("x-rangelimit-endpos") == number("x-rangelimit-total") - 1 {
            break;
        }
        start = number("x-rangelimit-endpos") + 1;
    }
    assert_eq!(Value::from(seen), packages(0..101));
}

#[tokio::test]
async fn a_position_that_is_no_number_is_refused() {
    let app = App::furnished().await;
    for path in [
        "/repos/acme/tools/packages",
        "/repos/acme",
        "/packages/acme/tools/app/files",
        "/packages/acme/tools/app/versions/1.0/files",
        "/management/v1/users",
    ] {
        for bad in ["-1", "x", "1.5", "1e3", "%201", "18446744073709551616", "٣"] {
            let refused = app.get(&format!("{path}?start_pos={bad}")).by(ADMIN).await;
            refused.refuses(400, "start_pos is not a number: give the position from 0 on");
        }
        let twice = app.get(&format!("{path}?start_pos=1&start_pos=2")).by(ADMIN).await;
        twice.refuses_saying(400, "conflicting_parameter: start_pos");
    }
}

#[tokio::test]
async fn every_list_has_all_three_headers_empty_or_not() {
    let app = App::furnished().await;
    app.repo("acme/empty", json!({})).await;
    app.package("acme/empty", json!({"name": "app"})).await;
    let body = json!({"name": "1"});
    app.post("/packages/acme/empty/app/versions").by(OWNER).json(&body).await;
    app.repo("acme/bare", json!({})).await;
    for path in [
        "/repos/stranger",
        "/repos/acme/bare/packages",
        "/packages/acme/empty/app/files",
        "/packages/acme/empty/app/versions/1/files",
    ] {
        for start in ["", "?start_pos=7"] {
            app.get(&format!("{path}{start}")).await.is_page((0, 0, 0), &json!([]));
        }
    }
    let users = app.get("/management/v1/users?start_pos=9").by(ADMIN).await;
    users.is_page((5, 5, 4), &json!([]));
    let repos = app.get("/repos/acme?start_pos=1").by(STRANGER).await;
    repos.is_page(
        (3, 1, 2),
        &json!([
            {"name": "empty", "owner": "acme"},
            {"name": "tools", "owner": "acme"},
        ]),
    );
    let files = app.get("/packages/acme/tools/app/files?include_unpublished=1&start_pos=1");
    let files = files.by(OWNER).await;
    assert_eq!(files.header("x-rangelimit-startpos"), Some("1"));
    assert_eq!(files.value()[0]["path"], "app/2.0/new.bin");
}

#[tokio::test]
async fn lists_of_files_and_repositories_are_whole_up_to_a_thousand() {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    for n in 0..=Paging::MAX {
        app.repo(&format!("acme/r{n:04}"), json!({})).await;
    }
    let listed = app.get("/repos/acme").await;
    assert_eq!(listed.value().as_array().unwrap().len(), Paging::MAX);
    assert_eq!(listed.header("x-rangelimit-total"), Some("1001"));
    assert_eq!(listed.header("x-rangelimit-endpos"), Some("999"));
    let rest = app.get("/repos/acme?start_pos=1000").await;
    rest.is_page((1001, 1000, 1000), &json!([{"name": "r1000", "owner": "acme"}]));
}
