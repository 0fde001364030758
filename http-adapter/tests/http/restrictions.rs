//! Restrictions of downloads: how they are said, and that no route that gives bytes goes around
//! them.

use packhouse_http::{Method, routes};
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, STRANGER};

const GEO: &str = "/repos/acme/tools/geo_restrictions";
const IP: &str = "/repos/acme/tools/ip_restrictions";
/// Addresses in the United States and in Canada, as the tests' locator has them.
const US: &str = "192.0.2.1";
const CA: &str = "198.51.100.1";

#[tokio::test]
async fn countries_are_set_and_cleared_as_documented() {
    let app = App::furnished().await;
    for prefix in ["", "/api/v1"] {
        let geo = format!("{prefix}{GEO}");
        let none = json!({"white_list": [], "black_list": []});
        app.get(&geo).by(OWNER).await.is(200, &none);
        let done = json!({
            "message": "The Geo Restrictions for repo path acme/tools were updated successfully",
        });
        let white = json!({"white_list": ["US", "CA"], "black_list": []});
        app.put(&geo).by(OWNER).json(&white).await.is(200, &done);
        app.get(&geo).by(ADMIN).await.is(200, &white);
        // One list alone replaces both.
        app.put(&geo).by(OWNER).json(&json!({"black_list": ["fr", "FR"]})).await.is(200, &done);
        app.get(&geo).by(OWNER).await.is(200, &json!({"white_list": [], "black_list": ["FR"]}));
        app.delete(&geo).by(OWNER).await.is(200, &none);
        app.get(&geo).by(OWNER).await.is(200, &none);
    }
    let both = json!({"white_list": ["US"], "black_list": ["CA"]});
    app.put(GEO)
        .by(OWNER)
        .json(&both)
        .await
        .refuses(400, "The update can be done on one list only.");
    let nothing = "Nothing to update: give white_list or black_list";
    app.put(GEO).by(OWNER).json(&json!({})).await.refuses(400, nothing);
    app.put(GEO).by(OWNER).json(&json!({"white_list": ["USA"]})).await.refuses(
        400,
        "white_list: 'USA' is no country code: use two letters of ISO 3166, such as US",
    );
    app.put(GEO)
        .by(OWNER)
        .json(&json!({"white_list": [1]}))
        .await
        .refuses(400, "white_list[0]: a list of texts is wanted, like [\"a\", \"b\"]");
}

#[tokio::test]
async fn networks_are_set_changed_and_cleared_as_documented() {
    let app = App::furnished().await;
    let lists = |white: Value, black: Value| json!({"white_cidrs": white, "black_cidrs": black});
    for prefix in ["", "/api/v1"] {
        let ip = format!("{prefix}{IP}");
        let none = json!({"white_cidrs": [], "black_cidrs": [], "hasWritePermission": null});
        app.get(&ip).by(OWNER).await.is(200, &none);
        // The documents print a list in a list, and clients send a flat one.
        for white in
            [json!([["10.0.0.1/32", "10.0.0.7/32"]]), json!(["10.0.0.1/32", "10.0.0.7/32"])]
        {
            let put = app.put(&ip).by(OWNER).json(&lists(white, json!([]))).await;
            put.is(200, &lists(json!(["10.0.0.1/32", "10.0.0.7/32"]), json!([])));
        }
        let white = json!(["10.0.0.9/32", "10.0.0.6/24"]);
        let black = json!(["10.100.0.9/16", "11.0.0.1"]);
        let put = app.put(&ip).by(OWNER).json(&lists(white.clone(), black.clone())).await;
        put.is(200, &lists(white.clone(), black.clone()));
        let patched = app
            .patch(&ip)
            .by(OWNER)
            .json(&json!({
                "add": {"white_cidrs": ["10.0.0.1/32", "10.0.0.7/32"], "black_cidrs": []},
                "remove": {
                    "white_cidrs": ["10.0.0.9/32", "10.0.0.6/24"], "black_cidrs": ["10.100.0.9/16"],
                },
            }))
            .await;
        let held = lists(json!(["10.0.0.1/32", "10.0.0.7/32"]), json!(["11.0.0.1"]));
        patched.is(200, &held);
        let mut shown = held.clone();
        shown["hasWritePermission"] = Value::Null;
        app.get(&ip).by(OWNER).await.is(200, &shown);
        let added = app.patch(&ip).by(OWNER).json(&json!({"add": {"white_cidrs": ["::1"]}})).await;
        added.is(200, &lists(json!(["10.0.0.1/32", "10.0.0.7/32", "::1"]), json!(["11.0.0.1"])));
        let gone = json!({"message": "Successfully deleted restriction for repo /acme/tools"});
        app.delete(&ip).by(OWNER).await.is(200, &gone);
        app.get(&ip).by(OWNER).await.is(200, &none);
    }
    let twice = lists(json!(["10.0.0.0/8"]), json!(["10.0.0.0/8"]));
    app.put(IP)
        .by(OWNER)
        .json(&twice)
        .await
        .refuses(400, "'10.0.0.0/8' is in white_cidrs and in black_cidrs: leave it in one of them");
    app.put(IP).by(OWNER).json(&lists(json!(["10.0.0.0/x"]), json!([]))).await.refuses(
        400,
        "white_cidrs: '10.0.0.0/x' is no network: write it like 10.0.0.0/8, 2001:db8::/32 or \
         192.0.2.7",
    );
    let nothing = "Nothing to update: give white_cidrs or black_cidrs";
    app.put(IP).by(OWNER).json(&json!({})).await.refuses(400, nothing);
    app.patch(IP).by(OWNER).json(&json!({})).await.refuses(
        400,
        "Nothing to update: give add or remove, each with white_cidrs or black_cidrs",
    );
}

#[tokio::test]
async fn rights_and_plans_come_before_the_body() {
    let app = App::furnished().await;
    app.user("free", "oss").await;
    app.repo("free/repo", json!({})).await;
    for (method, target) in [
        ("GET", GEO),
        ("PUT", GEO),
        ("DELETE", GEO),
        ("GET", IP),
        ("PUT", IP),
        ("PATCH", IP),
        ("DELETE", IP),
    ] {
        for caller in [STRANGER, PUBLISHER] {
            app.ask(method, target).by(caller).body("?").await.refuses(403, "forbidden");
        }
        let hidden = target.replace("tools", "vault");
        let told = app.ask(method, &hidden).by(STRANGER).body("?").await;
        told.refuses(404, "Repo 'vault' was not found");
        let free = app.ask(method, &target.replace("acme/tools", "free/repo")).by("free").body("?");
        let free = free.await;
        match (target, method) {
            (GEO, _) => free.refuses(
                403,
                "Account Plan is not suitable for repo geo restriction. Your current plan does not \
                 support geo restrictions.",
            ),
            (_, "GET") => free.is(
                200,
                &json!({"white_cidrs": [], "black_cidrs": [], "hasWritePermission": null}),
            ),
            _ => free.refuses(403, "Your repo commercial type does not support IP restrictions."),
        }
    }
}

/// T094: every route that gives bytes, however they are asked for, and by everyone.
#[tokio::test]
async fn no_bytes_go_to_a_wrong_place() {
    let app = App::furnished().await;
    for repo in ["tools", "vault"] {
        let page = format!("acme/{repo}/app/1.0/app/1.0/index.html?publish=1");
        app.upload(&page, "<p>page</p>").await;
        let signing = format!("/signed_url/acme/{repo}/app/1.0/app.bin");
        let signed = app.post(&signing).by(OWNER).header("host", "h").await;
        let encrypted = app.post(&format!("{signing}?encrypt=true")).by(OWNER).header("host", "h");
        let encrypted = encrypted.await;
        let path = |answer: &crate::app::Answer| {
            answer.value()["url"].as_str().unwrap().strip_prefix("http://h").unwrap().to_owned()
        };
        let of_repo = |path: &str| path.replace("tools", repo);
        let targets = [
            ("", path(&signed)),
            ("", path(&encrypted)),
            (OWNER, of_repo("/acme/tools/app/1.0/app.bin")),
            (ADMIN, of_repo("/acme/tools/app/1.0/app.bin")),
            (OWNER, of_repo("/acme/tools/app/2.0/new.bin")),
            (OWNER, of_repo("/api/v1/acme/tools/app/1.0/app.bin")),
            (OWNER, of_repo("/content/acme/tools/app/1.0/app.bin")),
            (OWNER, of_repo("/content/acme/tools/app/$latest/app.bin?bt_package=app")),
            (OWNER, of_repo("/maven/acme/tools/app/app/1.0/app.bin")),
            (OWNER, of_repo("/acme/tools/app/1.0/")),
            (OWNER, of_repo("/acme/tools/app/1.0/?list=1")),
            (OWNER, of_repo("/acme/tools/")),
            (OWNER, of_repo("/acme/tools")),
            (OWNER, of_repo("/acme/tools/app/1.0")),
        ];
        for (set, what, clear) in [
            ("geo_restrictions", json!({"white_list": ["US"]}), json!({"white_list": []})),
            ("geo_restrictions", json!({"black_list": ["CA"]}), json!({"black_list": []})),
            (
                "ip_restrictions",
                json!({"white_cidrs": ["192.0.2.0/24"]}),
                json!({"white_cidrs": []}),
            ),
            (
                "ip_restrictions",
                json!({"black_cidrs": ["198.51.100.1"]}),
                json!({"white_cidrs": []}),
            ),
        ] {
            let address = format!("/repos/acme/{repo}/{set}");
            assert_eq!(app.put(&address).by(OWNER).json(&what).await.status, 200);
            let word = if set == "geo_restrictions" { "country" } else { "network" };
            let message =
                format!("The repository 'acme/{repo}' allows no downloads from your {word}");
            for (caller, target) in &targets {
                for method in ["GET", "HEAD"] {
                    for range in [None, Some("bytes=0-0"), Some("bytes=0-0,2-2")] {
                        let ask = |from: &str| {
                            let ask = app.ask(method, target).by(caller).from(from);
                            match range {
                                Some(range) => ask.header("range", range),
                                None => ask,
                            }
                        };
                        let refused = ask(CA).await;
                        assert_eq!(refused.status, 403, "{refused:?}");
                        let body = String::from_utf8(refused.body.to_vec()).unwrap();
                        assert!(method == "HEAD" || body.contains(&message), "{refused:?}");
                        // To derive the key of an encrypted one takes its time.
                        if *target != path(&encrypted) || (method == "HEAD" && range.is_none()) {
                            let given = ask(US).await;
                            assert!(given.status < 400, "{given:?}");
                        }
                    }
                }
                let nowhere = app.get(target).by(caller).await;
                assert_eq!(nowhere.status, 403, "no address: {nowhere:?}");
            }
            app.get(&format!("/acme/{repo}/app/1.0/app.bin"))
                .by(OWNER)
                .from(CA)
                .await
                .refuses_plainly(403, &format!("{message}\n"));
            assert_eq!(app.put(&address).by(OWNER).json(&clear).await.status, 200);
        }
    }
}

/// The rest of the table is metadata: it answers from everywhere.
#[tokio::test]
async fn metadata_goes_everywhere() {
    let app = App::furnished().await;
    let white = json!({"white_cidrs": ["192.0.2.0/24"]});
    assert_eq!(app.put(IP).by(OWNER).json(&white).await.status, 200);
    let gives_bytes = |operation: &str| {
        operation.starts_with("downloads.")
            || ["content.get", "content.get_maven"].contains(&operation)
    };
    let mut asked = 0;
    for route in
        routes().filter(|route| route.method == Method::Get && route.path.contains("{repo}"))
    {
        let target = route
            .path
            .replace("{subject}", "acme")
            .replace("{repo}", "tools")
            .replace("{package}", "app")
            .replace("{version}", "1.0")
            .replace("{*path}", "app/1.0/app.bin")
            .replace("{*folder}", "app/1.0");
        if target.contains('{') {
            continue;
        }
        let (here, there) =
            (app.get(&target).by(OWNER).from(US).await, app.get(&target).by(OWNER).from(CA).await);
        assert!(here.status != 403, "{here:?}");
        assert_eq!(there.status == 403, gives_bytes(route.operation), "{there:?}");
        asked += 1;
    }
    assert!(asked > 15, "{asked}");
    let upload =
        app.put("/content/acme/tools/app/1.0/new.bin").by(OWNER).from(CA).body("new").await;
    assert_eq!(upload.status, 201, "{upload:?}");
}

#[tokio::test]
async fn what_is_restricted_is_not_kept_by_caches_that_others_ask() {
    let app = App::furnished().await;
    let kept = async |target: &str| {
        let answer = app.get(target).from(US).await;
        answer.header("cache-control").unwrap().to_owned()
    };
    for target in ["/acme/tools/app/1.0/app.bin", "/acme/tools/app/1.0/"] {
        assert_eq!(kept(target).await, "no-cache");
    }
    let white = json!({"white_list": ["US"]});
    assert_eq!(app.put(GEO).by(OWNER).json(&white).await.status, 200);
    for target in ["/acme/tools/app/1.0/app.bin", "/acme/tools/app/1.0/"] {
        assert_eq!(kept(target).await, "private, no-store");
    }
}
