//! "Access Keys": whole answers, what signs in with one, and from where.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{ADMIN, Answer, App, OWNER, PUBLISHER, STRANGER, basic};

const GATE: &str = "This resource is only available for subjects with entitlement management.";

/// `acme` with a private repository, and the organization `guild`, which it owns.
async fn app() -> App {
    let app = App::furnished().await;
    app.organization("guild", OWNER).await;
    app
}

/// Makes a key as the owner of its subject, and gives its password.
async fn made(app: &App, path: &str, body: Value) -> String {
    let made = app.post(path).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.value()["password"].as_str().unwrap().to_owned()
}

async fn asks(app: &App, user: &str, password: &str, path: &str) -> Answer {
    app.get(path).header("authorization", &basic(user, password)).await
}

#[tokio::test]
async fn a_key_is_made_shown_changed_listed_and_deleted_as_in_the_document() {
    let app = app().await;
    for (holder, subject) in [("/orgs/guild", "guild"), ("/api/v1/users/acme", "acme")] {
        let (list, one) = (format!("{holder}/access_keys"), format!("{holder}/access_keys/key1"));
        let said = json!({
            "expiry": 7_956_915_742_000_i64,
            "existence_check": {
                "url": "http://callbacks.myci.org/username=:username,password=:password",
                "cache_for_secs": 60,
            },
            "white_cidrs": ["127.0.0.1/22", "193.5.0.1/92"],
            "black_cidrs": ["197.4.0.1/4", "137.0.6.1/78"],
        });
        let mut body = said.clone();
        body["id"] = json!("key1");
        body["api_only"] = json!(false);
        let made = app.post(&list).by(OWNER).json(&body).await;
        let password = made.value()["password"].as_str().unwrap().to_owned();
        assert!(password.len() == 40 && password.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let username = format!("key1@{subject}");
        made.is(201, &json!({"username": username, "password": password}));

        let mut shown = body.clone();
        shown["username"] = json!(username);
        app.get(&one).by(OWNER).await.is(200, &shown);
        app.post(&list)
            .by(OWNER)
            .json(&json!({"id": "key2", "password": "open sesame"}))
            .await
            .is(201, &json!({"username": format!("key2@{subject}"), "password": "open sesame"}));
        let names = json!({"access_keys": ["key1", "key2"]});
        app.get(&list).by(OWNER).await.is_page((2, 0, 1), &names);
        app.get(&list).by(ADMIN).await.is_page((2, 0, 1), &names);

        // The document's own patch says no password: there is none to be shown.
        app.patch(&one).by(OWNER).json(&said).await.is(200, &json!({"username": username}));
        app.get(&one).by(OWNER).await.is(200, &shown);
        let given = json!({"id": "other", "password": "a new password"});
        let changed = app.patch(&one).by(OWNER).json(&given).await;
        changed.is(200, &json!({"username": username, "password": "a new password"}));
        let renewed = app.patch(&one).by(OWNER).json(&json!({"password": ""})).await;
        assert_eq!(renewed.value()["password"].as_str().unwrap().len(), 40, "{renewed:?}");

        app.delete(&one).by(OWNER).await.is_success(200);
        app.delete(&one).by(OWNER).await.refuses(404, "AccessKey 'key1' was not found");
        app.get(&list).by(OWNER).await.is_page((1, 0, 0), &json!({"access_keys": ["key2"]}));
    }
}

#[tokio::test]
async fn a_plain_key_has_nothing_said_of_it() {
    let app = app().await;
    // As a client sends it that never heard of a check; and all that is left out.
    let body = json!({
        "id": "key1", "existence_check": {}, "white_cidrs": null, "api_only": null, "owner": "x",
        "expiry": null, "password": null,
    });
    made(&app, "/users/acme/access_keys", body).await;
    let shown = json!({
        "id": "key1", "username": "key1@acme", "white_cidrs": [], "black_cidrs": [],
        "api_only": true,
    });
    let one = "/users/acme/access_keys/key1";
    app.get(one).by(OWNER).await.is(200, &shown);
    let check = json!({"url": "https://example.org/", "cache_for_secs": "5"});
    let said = json!({
        "existence_check": check, "white_cidrs": "10.0.0.0/8", "api_only": "false",
        "expiry": "7956915742000",
    });
    app.patch(one).by(OWNER).json(&said).await.is(200, &json!({"username": "key1@acme"}));
    let described = json!({
        "id": "key1", "username": "key1@acme", "expiry": 7_956_915_742_000_i64,
        "existence_check": {"url": "https://example.org/", "cache_for_secs": 60},
        "white_cidrs": ["10.0.0.0/8"], "black_cidrs": [], "api_only": false,
    });
    app.get(one).by(OWNER).await.is(200, &described);
    app.patch(one).by(OWNER).json(&json!({})).await.is(200, &json!({"username": "key1@acme"}));
    app.get(one).by(OWNER).await.is(200, &described);
    let cleared = json!({
        "existence_check": {"url": ""}, "white_cidrs": [], "api_only": true, "expiry": "",
    });
    assert_eq!(app.patch(one).by(OWNER).json(&cleared).await.status, 200);
    app.get(one).by(OWNER).await.is(200, &shown);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said() {
    let app = app().await;
    let list = "/users/acme/access_keys";
    for (body, message) in [
        (json!({}), "The access key has no id: give one as \"id\""),
        (
            json!({"id": "a@b"}),
            "the access key id 'a@b' has '@': use ASCII letters, digits, '.', '_' and '-'",
        ),
        (
            json!({"id": "x", "expiry": 0}),
            "expiry is 0: give the milliseconds since 1970, up to the year 9999",
        ),
        (json!({"id": "x", "expiry": 1.5}), "expiry: 1.5 is no whole number"),
        (json!({"id": "x", "expiry": 1e300}), "expiry: 1e+300 is no whole number"),
        (json!({"id": "x", "expiry": "soon"}), "expiry: \"soon\" is no whole number"),
        (json!({"id": "x", "expiry": true}), "expiry: true is no whole number"),
        (
            json!({"id": "x", "existence_check": {"cache_for_secs": 60}}),
            "existence_check has no url: give one, or an empty object for no check",
        ),
        (
            json!({"id": "x", "existence_check": {"url": "http://10.0.0.7/x"}}),
            "existence_check.url cannot be called: http://10.0.0.7/x is not public",
        ),
        (
            json!({"id": "x", "existence_check": {"url": "http://:username:p@a/"}}),
            "existence_check.url is no address: give an http or https one, percent-encoded, like \
             https://example.org/exists?user=:username",
        ),
        (
            json!({"id": "x", "existence_check": {"url": "http://u:p@a/"}}),
            "existence_check.url cannot be called: http://u:p@a/ has a user",
        ),
        (
            json!({"id": "x", "white_cidrs": ["10.0.0.0/8", "all"]}),
            "white_cidrs: 'all' is no network: write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7",
        ),
        (
            json!({"id": "x", "white_cidrs": ["10.0.0.0/8"], "black_cidrs": ["10.0.0.0/8"]}),
            "'10.0.0.0/8' is in white_cidrs and in black_cidrs: leave it in one of them",
        ),
        (
            json!({"id": "x", "password": "short"}),
            "The password has 5 bytes: give 8 to 256, or none to have one made",
        ),
    ] {
        app.post(list).by(OWNER).json(&body).await.refuses(400, message);
    }
    app.get(list).by(OWNER).await.is_page((0, 0, 0), &json!({"access_keys": []}));
    made(&app, list, json!({"id": "key1"})).await;
    let again = app.post(list).by(OWNER).json(&json!({"id": "key1"})).await;
    again.refuses(409, "AccessKey 'key1' already exists");
}

#[tokio::test]
async fn the_right_is_asked_before_the_body_is_read() {
    let app = app().await;
    app.user("free", "oss").await;
    made(&app, "/users/acme/access_keys", json!({"id": "key1"})).await;
    for (method, path) in [
        ("POST", "/users/acme/access_keys"),
        ("PATCH", "/users/acme/access_keys/key1"),
        ("PATCH", "/users/acme/access_keys/absent"),
        ("POST", "/orgs/guild/access_keys"),
        ("DELETE", "/orgs/guild/access_keys/absent"),
        ("GET", "/orgs/guild/access_keys"),
    ] {
        for caller in [STRANGER, PUBLISHER] {
            let refused = app.ask(method, path).by(caller).body("no JSON").await;
            refused.refuses(403, "forbidden");
        }
        app.ask(method, path).body("no JSON").await.needs_credentials();
    }
    let absent = app.patch("/users/acme/access_keys/absent").by(OWNER).body("no JSON").await;
    absent.refuses(404, "AccessKey 'absent' was not found");
    for (method, path) in [("GET", ""), ("POST", ""), ("PATCH", "/x"), ("DELETE", "/x")] {
        let path = format!("/users/free/access_keys{path}");
        app.ask(method, &path).by("free").body("no JSON").await.refuses(403, GATE);
    }
    // An organization is no user, and a user none.
    for (path, name) in [("/users/guild/access_keys", "guild"), ("/orgs/acme/access_keys", "acme")]
    {
        for caller in [OWNER, ADMIN, STRANGER] {
            let refused = app.get(path).by(caller).await;
            refused.refuses(404, &format!("Subject '{name}' was not found"));
        }
    }
}

/// T044: one check for every way in.
#[tokio::test]
async fn a_key_is_good_from_its_networks_alone_wherever_it_is_shown() {
    let app = app().await;
    let body =
        json!({"id": "key1", "white_cidrs": ["10.0.0.0/8"], "black_cidrs": ["10.66.0.0/16"]});
    let password = made(&app, "/users/acme/access_keys", body).await;
    let auth = basic("key1@acme", &password);
    for (method, path) in [
        ("GET", "/acme/tools/app/1.0/app.bin"),
        ("HEAD", "/acme/tools/app/1.0/app.bin"),
        ("GET", "/repos/acme/tools"),
        ("GET", "/search/file?name=x"),
        ("PUT", "/content/acme/tools/app/1.0/x"),
        ("DELETE", "/content/acme/tools/app/1.0/app.bin"),
        ("GET", "/licenses/oss_licenses"),
        ("GET", "/openapi.json"),
    ] {
        let from = async |address: &str| {
            app.ask(method, path).from(address).header("authorization", &auth).await.status
        };
        assert_ne!(from("10.1.2.3").await, 401, "{method} {path}");
        assert_ne!(from("::ffff:10.1.2.3").await, 401, "{method} {path}");
        for outside in ["11.1.2.3", "10.66.0.1", "::ffff:10.66.0.1", "2001:db8::1"] {
            assert_eq!(from(outside).await, 401, "{method} {path} from {outside}");
        }
        // A host that does not tell who is connected: T097.
        let nowhere = app.ask(method, path).header("authorization", &auth).await.status;
        assert_eq!(nowhere, 401, "{method} {path} from nowhere");
    }
    let open = json!({"white_cidrs": [], "black_cidrs": []});
    app.patch("/users/acme/access_keys/key1").by(OWNER).json(&open).await;
    let ask = app.get("/repos/acme/tools").from("11.1.2.3").header("authorization", &auth);
    assert_eq!(ask.await.status, 200, "at once");
}

/// T043, T047: the next request is refused.
#[tokio::test]
async fn what_ends_a_key_ends_it_at_once() {
    let app = App::furnished().await;
    let (list, one) = ("/users/acme/access_keys", "/users/acme/access_keys/key1");
    let signs_in = async |password: &str| {
        let answer = asks(&app, "key1@acme", password, "/repos/acme/tools").await;
        if answer.status == 401 {
            answer.needs_credentials();
        }
        answer.status == 200
    };
    let old = made(&app, list, json!({"id": "key1"})).await;
    assert!(signs_in(&old).await);
    let renewed = app.patch(one).by(OWNER).json(&json!({"password": ""})).await;
    let new = renewed.value()["password"].as_str().unwrap().to_owned();
    assert!(!signs_in(&old).await && signs_in(&new).await);
    let now = 1_767_225_600_000_i64;
    app.patch(one).by(OWNER).json(&json!({"expiry": now + 1_000})).await;
    app.clock.advance(Duration::from_millis(999));
    assert!(signs_in(&new).await);
    app.clock.advance(Duration::from_millis(1));
    assert!(!signs_in(&new).await);
    app.patch(one).by(OWNER).json(&json!({"expiry": ""})).await;
    assert!(signs_in(&new).await);
    app.delete(one).by(OWNER).await.is_success(200);
    assert!(!signs_in(&new).await);
    let anew = made(&app, list, json!({"id": "key1"})).await;
    assert!(!signs_in(&new).await && signs_in(&anew).await);
    app.delete("/management/v1/users/acme").by(ADMIN).await.is_success(200);
    assert!(!signs_in(&anew).await);
    app.user(OWNER, "enterprise").await;
    assert!(!signs_in(&anew).await, "T062");
}

/// T037, T042: every way to be wrong is told in the same bytes.
#[tokio::test]
async fn a_refusal_tells_nothing_of_the_key() {
    let app = app().await;
    let password = made(&app, "/users/acme/access_keys", json!({"id": "key1"})).await;
    let expired = json!({"id": "key2", "expiry": 1_700_000_000_000_i64, "password": "open sesame"});
    made(&app, "/users/acme/access_keys", expired).await;
    app.user("key1", "enterprise").await;
    let first = asks(&app, "key9@acme", "x", "/repos/acme/vault").await;
    for (user, shown) in [
        ("key1@acme", "wrong"),
        ("key2@acme", "open sesame"),
        ("key1@nobody", password.as_str()),
        ("key1", password.as_str()),
        ("acme", password.as_str()),
        ("acme@key1", password.as_str()),
        ("key1@acme@acme", password.as_str()),
        ("key1@ACME", password.as_str()),
    ] {
        for path in ["/repos/acme/vault", "/repos/acme/tools", "/licenses/oss_licenses"] {
            let answer = asks(&app, user, shown, path).await;
            assert!(answer.same_as(&first), "{user}: {answer:?}");
        }
    }
    first.needs_credentials();
}

/// T036: the same work for a key that is there, and for none.
#[tokio::test]
async fn one_that_is_not_there_costs_the_same_reads() {
    let app = app().await;
    made(&app, "/users/acme/access_keys", json!({"id": "key1"})).await;
    let mut costs = Vec::new();
    for user in ["key1@acme", "key9@acme", "key1@nobody", "acme", "nobody"] {
        let before = app.watch.reads();
        asks(&app, user, "wrong password", "/repos/acme/vault").await.needs_credentials();
        costs.push(app.watch.reads() - before);
    }
    assert_eq!(costs, [1; 5]);
}

/// T039, T040: it is shown once, and nowhere else.
#[tokio::test]
async fn a_password_is_shown_once() {
    let app = app().await;
    let password = made(&app, "/users/acme/access_keys", json!({"id": "key1"})).await;
    for route in packhouse_http::routes().filter(|route| route.method.as_str() == "GET") {
        let target = crate::app::filled(route.path).replace("{subject}", "acme");
        let target = target.replace("{repo}", "tools").replace("spare", "key1");
        for caller in [OWNER, ADMIN] {
            let answer = app.get(&target).by(caller).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains(&password), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn an_existence_check_is_called_and_only_not_found_removes_the_key() {
    let app = app().await;
    let url = "http://callbacks.myci.org/username=:username,password=:password";
    let body = json!({"id": "key1", "existence_check": {"url": url, "cache_for_secs": 60}});
    let password = made(&app, "/users/acme/access_keys", body).await;
    let status = async || asks(&app, "key1@acme", &password, "/repos/acme/tools").await.status;
    assert_eq!(status().await, 401, "nobody is there");
    app.outside.answers(Some(500));
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(status().await, 401);
    assert_eq!(app.get("/users/acme/access_keys/key1").by(OWNER).await.status, 200);
    app.outside.taken();
    app.outside.answers(Some(200));
    app.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        assert_eq!(status().await, 200);
    }
    let calls = app.outside.taken();
    let called: Vec<&str> = calls.iter().map(|call| call.url.as_str()).collect();
    let filled = format!("http://callbacks.myci.org/username=key1%40acme,password={password}");
    assert_eq!(called, [filled]);
    app.outside.answers(Some(404));
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(status().await, 200, "what was said counts for a minute");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(status().await, 401);
    let gone = app.get("/users/acme/access_keys/key1").by(OWNER).await;
    gone.refuses(404, "AccessKey 'key1' was not found");
    app.get("/users/acme/access_keys")
        .by(OWNER)
        .await
        .is_page((0, 0, 0), &json!({"access_keys": []}));
}
