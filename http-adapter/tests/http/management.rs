//! The management dialect: users, their keys, and the server's own state.

use packhouse_core::model::grants::Action;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, NOW, OWNER, PUBLISHER, READER, STRANGER, basic};

fn user(name: &str, plan: &str) -> Value {
    json!({"name": name, "plan": plan, "full_name": null, "email": null, "created": NOW})
}

const BORIS: &str = "/management/v1/users/boris";

#[tokio::test]
async fn a_user_is_made_with_a_key_that_is_shown_once() {
    let app = App::new().await;
    let body = json!({"plan": "premium", "full_name": "Boris B.", "email": "b@x.test", "id": 7});
    let made = app.put(BORIS).by(ADMIN).json(&body).await;
    let key = made.value()["api_key"].as_str().unwrap().to_owned();
    assert!(key.len() >= 40 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key}");
    let mut expected = user("boris", "premium");
    expected["full_name"] = json!("Boris B.");
    expected["email"] = json!("b@x.test");
    let mut with_key = expected.clone();
    with_key["api_key"] = json!(key);
    made.is(201, &with_key);

    app.get(BORIS).by(ADMIN).await.is(200, &expected);
    app.put(BORIS).by(ADMIN).json(&json!({})).await.is(200, &expected);
    app.put(BORIS).by(ADMIN).json(&json!({"full_name": ""})).await.is(200, &{
        expected["full_name"] = Value::Null;
        expected.clone()
    });
    // The key still is what it was.
    let own = app.get(BORIS).header("authorization", &basic("boris", &key)).await;
    own.is(200, &expected);
    let other = app.user("carla", "oss").await;
    assert_ne!(key, other);
}

#[tokio::test]
async fn a_user_without_a_word_is_an_enterprise_one() {
    let app = App::new().await;
    for (name, body, plan) in [
        ("a", "", "enterprise"),
        ("b", "{}", "enterprise"),
        ("c", "{\"plan\": null, \"email\": null}", "enterprise"),
        ("d", "{\"plan\": \"OSS\"}", "oss"),
    ] {
        let made = app.put(&format!("/management/v1/users/{name}")).by(ADMIN).body(body).await;
        assert_eq!((made.status, &made.value()["plan"]), (201, &json!(plan)));
    }
    let refused = app.put(BORIS).by(ADMIN).json(&json!({"plan": "gold"})).await;
    refused.refuses(400, "Plan 'gold' does not exist: use oss, premium or enterprise");
    app.get(BORIS).by(ADMIN).await.refuses(404, "Subject 'boris' was not found");
}

#[tokio::test]
async fn names_are_plain_and_taken_in_any_spelling() {
    let app = App::new().await;
    app.user("boris", "oss").await;
    let taken = app.put("/management/v1/users/Boris").by(ADMIN).await;
    taken.refuses(409, "The name 'boris' is taken");
    for (name, text) in [
        ("repos", "the subject name 'repos' is reserved: choose another"),
        ("V2", "the subject name 'V2' is reserved: choose another"),
        ("a%20b", "the subject name 'a b' has ' ': use ASCII letters, digits, '.', '_' and '-'"),
        ("%C3%A9", "the subject name 'é' has 'é': use ASCII letters, digits, '.', '_' and '-'"),
        ("%E2%84%AA", "the subject name 'K' has 'K': use ASCII letters, digits, '.', '_' and '-'"),
        (".x", "the subject name '.x' starts with '.': start with an ASCII letter or a digit"),
    ] {
        let refused = app.put(&format!("/management/v1/users/{name}")).by(ADMIN).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        if name != "%E2%84%AA" {
            refused.refuses(400, text);
        }
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_says() {
    let app = App::new().await;
    app.user("boris", "oss").await;
    let patched = app.patch(BORIS).by(ADMIN).json(&json!({"plan": "premium", "name": "x"})).await;
    patched.is(200, &user("boris", "premium"));
    app.get(BORIS).by(ADMIN).await.is(200, &user("boris", "premium"));
    let absent = app.patch("/management/v1/users/x").by(ADMIN).await;
    absent.refuses(404, "Subject 'x' was not found");
}

#[tokio::test]
async fn users_are_listed_by_name_without_keys() {
    let app = App::new().await;
    for name in ["zoe", "Anna", "boris"] {
        app.user(name, "oss").await;
    }
    let listed = app.get("/management/v1/users").by(ADMIN).await;
    let all = [("admin", "enterprise"), ("Anna", "oss"), ("boris", "oss"), ("zoe", "oss")];
    listed.is_page((4, 0, 3), &all.map(|(name, plan)| user(name, plan)).into_iter().collect());
    let rest = app.get("/management/v1/users?start_pos=3").by(ADMIN).await;
    rest.is_page((4, 3, 3), &json!([user("zoe", "oss")]));
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_everything() {
    let app = App::furnished().await;
    let owner = "/management/v1/users/acme";
    app.delete(owner).by(ADMIN).await.is_success(200);
    app.delete(owner).by(ADMIN).await.refuses(404, "Subject 'acme' was not found");
    app.get("/repos/acme").by(ADMIN).await.refuses(404, "Subject 'acme' was not found");
    let file = app.get("/acme/tools/app/1.0/app.bin").by(ADMIN).await;
    file.refuses_plainly(404, "Not Found\n");
    app.user(OWNER, "enterprise").await;
    app.get("/repos/acme").by(OWNER).await.is_page((0, 0, 0), &json!([]));
    let oneself = app.delete("/management/v1/users/admin").by(ADMIN).await;
    oneself.refuses(409, "You cannot delete yourself; ask another admin");
}

#[tokio::test]
async fn a_key_is_renewed_by_its_user_and_by_an_admin() {
    let app = App::furnished().await;
    let renew = |name: &str| format!("/management/v1/users/{name}/api_key");
    for caller in [STRANGER, ADMIN] {
        let made = app.post(&renew(STRANGER)).by(caller).await;
        let key = made.value()["api_key"].as_str().unwrap().to_owned();
        made.is(201, &json!({"name": "stranger", "api_key": key}));
        assert_ne!(key, app.key(STRANGER));
        app.set_key(STRANGER, &key);
    }
    for caller in [PUBLISHER, READER, OWNER] {
        app.post(&renew(STRANGER)).by(caller).await.refuses(403, "forbidden");
    }
    app.post(&renew(STRANGER)).await.needs_credentials();
    let absent = app.post(&renew("nobody")).by(ADMIN).await;
    absent.refuses(404, "Subject 'nobody' was not found");
    // The answer to others does not tell whether there is such a user.
    app.post(&renew("nobody")).by(STRANGER).await.refuses(403, "forbidden");
}

/// Whoever may do everything with what a user owns is not that user.
#[tokio::test]
async fn every_right_over_a_users_things_is_none_over_the_key() {
    let app = App::furnished().await;
    app.grant_on_subject(READER, OWNER, &Action::ALL).await;
    let renewed = app.post("/management/v1/users/acme/api_key").by(READER).await;
    renewed.refuses(403, "forbidden");
    app.post("/repos/acme/more").by(READER).await.value();
    assert_eq!(app.get("/repos/acme/more").by(READER).await.status, 200);
}

/// Who may not ask about users gets one answer, whether or not there is such a user.
#[tokio::test]
async fn users_are_the_platforms_and_each_its_own() {
    let app = App::furnished().await;
    for name in ["acme", "nobody", "admin"] {
        let path = format!("/management/v1/users/{name}");
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            app.ask(method, &path).by(STRANGER).await.refuses(403, "forbidden");
            app.ask(method, &path).await.needs_credentials();
        }
    }
    app.get("/management/v1/users").by(STRANGER).await.refuses(403, "forbidden");
    let own = app.get("/management/v1/users/stranger").by(STRANGER).await;
    own.is(200, &user(STRANGER, "enterprise"));
    let raised = json!({"plan": "enterprise"});
    let patched = app.patch("/management/v1/users/stranger").by(STRANGER).json(&raised).await;
    patched.refuses(403, "forbidden");
}

#[tokio::test]
async fn the_server_says_whether_it_lives_and_can_work() {
    let app = App::new().await;
    let (health, ready) = ("/management/v1/health", "/management/v1/ready");
    app.get(health).await.is(200, &json!({"status": "up"}));
    app.get(ready).await.is(200, &json!({"status": "ready"}));
    assert_eq!(app.ask("HEAD", ready).await.status, 200);
    app.watch.break_store(true);
    app.get(health).await.is(200, &json!({"status": "up"}));
    // A good answer holds for two seconds.
    app.get(ready).await.is(200, &json!({"status": "ready"}));
    app.clock.advance(std::time::Duration::from_secs(3));
    let not_ready = app.get(ready).await;
    assert_eq!((not_ready.status, not_ready.header("retry-after")), (503, Some("1")));
    assert_eq!(not_ready.value(), json!({"message": "The server is not ready"}));
    app.watch.break_store(false);
    // A bad one does as well.
    assert_eq!(app.get(ready).await.status, 503);
    app.clock.advance(std::time::Duration::from_secs(3));
    app.get(ready).await.is(200, &json!({"status": "ready"}));
    assert_eq!(app.backends.all_blobs().await, [], "the probe takes its bytes back");
}

#[tokio::test]
async fn a_store_that_fails_tells_the_caller_nothing_of_itself() {
    let app = App::furnished().await;
    app.watch.break_store(true);
    for ask in [
        app.get("/repos/acme/tools"),
        app.get("/repos/acme").by(OWNER),
        app.get("/acme/tools/app/1.0/app.bin"),
        app.put("/content/acme/tools/app/1.0/x").by(OWNER).body("x"),
        app.post("/repos/acme/new").by(OWNER),
    ] {
        let failed = ask.await;
        let text = String::from_utf8_lossy(&failed.body).into_owned();
        assert_eq!((failed.status, failed.header("retry-after")), (503, Some("1")), "{failed:?}");
        assert_eq!(failed.header("cache-control"), Some("no-store"));
        assert!(text.contains("The server cannot do this now; try again"), "{text}");
        assert!(!text.contains("SECRET-CANARY"), "{text}");
    }
}
