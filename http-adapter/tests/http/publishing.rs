//! "Publish/Discard Uploaded Content", at once and waiting.

use std::time::Duration;

use packhouse_http::Options;
use serde_json::{Value, json};

use crate::app::{App, OWNER, PUBLISHER, READER, STRANGER, Setup};

const PUBLISH: &str = "/content/acme/tools/p/1/publish";

/// `acme/tools` with so many unpublished files in version 1 of `p`.
async fn app(files: usize) -> App {
    let options = Options { max_publish_wait_secs: 30, ..Options::default() };
    let app = App::with(Setup { options, ..Setup::default() }).await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/tools", json!({})).await;
    app.package("acme/tools", json!({"name": "p"})).await;
    app.post("/packages/acme/tools/p/versions").by(OWNER).json(&json!({"name": "1"})).await;
    for n in 0..files {
        app.upload(&format!("acme/tools/p/1/f{n}"), format!("bytes {n}")).await;
    }
    app
}

impl App {
    async fn counts(&self) -> (usize, usize) {
        let path = "/packages/acme/tools/p/versions/1/files";
        let all = self.get(&format!("{path}?include_unpublished=1")).by(OWNER).await.value();
        let public = self.get(path).await.value();
        (all.as_array().unwrap().len(), public.as_array().unwrap().len())
    }

    /// What is published comes to this sooner or later.
    async fn comes_to(&self, counts: (usize, usize)) {
        let come = async {
            while self.counts().await != counts {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), come).await.expect("it goes on");
    }
}

#[tokio::test]
async fn every_body_that_clients_send_publishes() {
    let app = app(1).await;
    for (place, body) in [
        "",
        " \r\n",
        "{}",
        "{\"publish_wait_for_secs\": -1}",
        "{\"publish_wait_for_secs\": 0}",
        "{\"publish_wait_for_secs\": \"2\"}",
        "{\"discard\": false, \"publish_wait_for_secs\": null}",
        "{\"discard\": \"false\", \"passphrase\": \"x\", \"subject\": null}",
    ]
    .into_iter()
    .enumerate()
    {
        app.upload(&format!("acme/tools/p/1/more{place}"), "x").await;
        let (prefix, pending) = match place {
            0 => ("", 2),
            1 => ("/api/v1", 1),
            _ => ("/", 1),
        };
        let published = app.post(&format!("{prefix}{PUBLISH}")).by(OWNER).body(body).await;
        published.is(200, &json!({"files": pending}));
    }
    assert_eq!(app.counts().await, (9, 9));
}

#[tokio::test]
async fn nothing_pending_is_zero_files() {
    let app = app(2).await;
    app.post(PUBLISH).by(OWNER).await.is(200, &json!({"files": 2}));
    let before = app.watch.changes();
    for body in [json!({}), json!({"discard": true}), json!({"publish_wait_for_secs": -1})] {
        app.post(PUBLISH).by(OWNER).json(&body).await.is(200, &json!({"files": 0}));
    }
    assert_eq!((app.counts().await, app.watch.changes()), ((2, 2), before));
}

#[tokio::test]
async fn discarding_deletes_what_is_unpublished_and_nothing_else() {
    for discard in [json!(true), json!("true"), json!(1), json!("True")] {
        let app = app(2).await;
        app.upload("acme/tools/p/1/kept?publish=1", "kept").await;
        let body = json!({"discard": discard, "publish_wait_for_secs": -1});
        app.post(PUBLISH).by(OWNER).json(&body).await.is(200, &json!({"files": 2}));
        assert_eq!(app.counts().await, (1, 1));
        let got = app.get("/acme/tools/f0").await;
        got.refuses_plainly(404, "Not Found\n");
        app.post(PUBLISH).by(OWNER).await.is(200, &json!({"files": 0}));
    }
}

#[tokio::test]
async fn one_version_is_published_and_not_the_next() {
    let app = app(1).await;
    app.upload("acme/tools/p/2/g", "x").await;
    app.post(PUBLISH).by(OWNER).await.is(200, &json!({"files": 1}));
    assert_eq!(app.get("/acme/tools/f0").await.status, 200);
    app.get("/acme/tools/g").await.refuses_plainly(401, "Unauthorized\n");
}

#[tokio::test]
async fn a_publication_that_runs_out_of_time_goes_on() {
    let app = app(2).await;
    app.watch.slow_commits(Duration::from_millis(2_500));
    let body = json!({"publish_wait_for_secs": 1});
    let timed_out = app.post(PUBLISH).by(OWNER).json(&body).await;
    timed_out.refuses(408, "Publishing did not finish in time: it goes on");
    assert_eq!(app.counts().await, (2, 0));
    app.comes_to((2, 2)).await;
}

#[tokio::test]
async fn with_enough_time_the_answer_comes_when_it_is_done() {
    let app = app(0).await;
    app.watch.slow_commits(Duration::from_millis(30));
    for (place, secs) in [json!(-1), json!(9_999), json!(0), json!(20)].into_iter().enumerate() {
        app.upload(&format!("acme/tools/p/1/f{place}"), "x").await;
        let body = json!({"publish_wait_for_secs": secs});
        app.post(PUBLISH).by(OWNER).json(&body).await.is(200, &json!({"files": 1}));
        assert_eq!(app.counts().await, (place + 1, place + 1), "{secs}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_a_publication() {
    let app = app(2).await;
    app.watch.slow_commits(Duration::from_millis(300));
    let before = app.watch.changes();
    let request = std::pin::pin!(async { app.post(PUBLISH).by(OWNER).await });
    let begun = std::pin::pin!(async {
        while app.watch.changes() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let first = futures::future::select(request, begun).await;
    assert!(matches!(first, futures::future::Either::Right(_)), "it left before the answer");
    drop(first);
    assert_eq!(app.counts().await, (2, 0));
    app.comes_to((2, 2)).await;
}

#[tokio::test]
async fn a_wait_that_means_nothing_is_refused() {
    let app = app(1).await;
    let publish = |body: Value| app.post(PUBLISH).by(OWNER).json(&body);
    let text = "publish_wait_for_secs is -2: give seconds, 0 or -1";
    publish(json!({"publish_wait_for_secs": -2})).await.refuses(400, text);
    for bad in [json!("soon"), json!(1.5), json!([1]), json!(1e300)] {
        let refused = publish(json!({"publish_wait_for_secs": bad})).await;
        refused.refuses_saying(400, "is no whole number");
    }
    let refused = publish(json!({"discard": "perhaps"})).await;
    refused.refuses_saying(400, "'perhaps' is no switch: use true or false");
    assert_eq!(app.counts().await, (1, 0));
}

#[tokio::test]
async fn only_publishers_publish() {
    let app = App::furnished().await;
    for repo in ["tools", "vault"] {
        let path = format!("/content/acme/{repo}/app/2.0/publish");
        app.post(&path).await.needs_credentials();
        app.post(&path).by(READER).await.refuses(403, "forbidden");
        let stranger = app.post(&path).by(STRANGER).await;
        match repo {
            "tools" => stranger.refuses(403, "forbidden"),
            _ => stranger.refuses(404, "Repo 'vault' was not found"),
        }
        app.post(&path).by(PUBLISHER).await.is(200, &json!({"files": 1}));
        let absent = app.post(&format!("/content/acme/{repo}/app/9/publish")).by(PUBLISHER).await;
        absent.refuses(404, "Version '9' was not found");
        let absent = app.post(&format!("/content/acme/{repo}/x/9/publish")).by(PUBLISHER).await;
        absent.refuses(404, "Package 'x' was not found");
    }
}
