//! Why someone may do something, or may not, in words.

use packhouse_core::model::grants::Action;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER, STRANGER};

pub(crate) async fn explained(app: &App, caller: &str, action: &str, resource: Value) -> Value {
    let body = json!({"caller": caller, "action": action, "resource": resource});
    let answer = app.post("/management/v1/explain").by(OWNER).json(&body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.value()
}

pub(crate) fn file(repo: &str, path: &str) -> Value {
    json!({"subject": "acme", "repo": repo, "path": path})
}

const SEEN: &str = "app/1.0/app.bin";
const UNSEEN: &str = "app/2.0/new.bin";

#[tokio::test]
async fn the_answer_of_the_policy_comes_with_its_reason() {
    let app = App::furnished().await;
    let refused = |verdict: &str, status: u16, because: &str| {
        json!({
            "allowed": false, "verdict": verdict, "status": status, "grant": null,
            "because": because,
        })
    };
    let allowed = |grant: Value, because: &str| json!({"allowed": true, "verdict": "allowed", "grant": grant, "because": because});
    for (caller, action, resource, expected) in [
        (
            "",
            "download",
            file("tools", SEEN),
            allowed(json!(null), "it is public: everyone may read it"),
        ),
        (
            "anonymous",
            "upload",
            file("tools", SEEN),
            refused(
                "authenticate",
                401,
                "who has not signed in must sign in: the thing is not public, or what is asked changes it",
            ),
        ),
        (
            STRANGER,
            "download",
            file("vault", SEEN),
            refused(
                "hidden",
                404,
                "the user 'stranger' has no right to read it: no role and no grant in force reaches it",
            ),
        ),
        (
            STRANGER,
            "publish",
            json!({"subject": "acme", "repo": "tools"}),
            refused(
                "forbidden",
                403,
                "the user 'stranger' sees it; no role and no grant in force allows to publish",
            ),
        ),
        (OWNER, "delete", file("vault", UNSEEN), allowed(json!(null), "the user 'acme' owns it")),
        (
            READER,
            "download",
            file("vault", SEEN),
            allowed(
                json!("of reader"),
                "the user 'reader' was granted rights over the repository 'acme/vault'; the grant \
                 'of reader' allows to read and download",
            ),
        ),
        (
            READER,
            "download",
            file("vault", UNSEEN),
            refused(
                "hidden",
                404,
                "the user 'reader' has no right to read it: no role and no grant in force reaches it",
            ),
        ),
        (
            PUBLISHER,
            "PUBLISH",
            json!({"subject": "acme", "repo": "vault", "package": "app", "version": "1.0"}),
            allowed(
                json!("of publisher"),
                "the user 'publisher' was granted rights over the repository 'acme/vault'; the \
                 grant 'of publisher' allows to publish",
            ),
        ),
    ] {
        let answer = explained(&app, caller, action, resource.clone()).await;
        assert_eq!(answer, expected, "{caller} {action} {resource}");
    }
    app.grant_on_subject(READER, "acme", &[Action::CreateRepo]).await;
    let answer = explained(&app, READER, "create_repo", json!({"subject": "acme"})).await;
    let because = "the user 'reader' was granted rights over everything of 'acme'; the grant 'of \
                   reader' allows to make repositories";
    assert_eq!(answer, allowed(json!("of reader"), because));
}

#[tokio::test]
async fn the_access_key_of_a_customer_is_explained_by_its_entitlement() {
    let app = App::furnished().await;
    let made = app.post("/users/acme/access_keys").by(OWNER).json(&json!({"id": "one"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let body = json!({"access": "r", "access_keys": ["one"], "path": "app/1.0"});
    let made = app.post("/repos/acme/vault/entitlements").by(OWNER).json(&body).await;
    let id = made.value()["id"].as_str().unwrap().to_owned();
    let answer = explained(&app, "one@acme", "download", file("vault", SEEN)).await;
    assert_eq!((&answer["allowed"], &answer["grant"]), (&json!(true), &json!(id)));
    let because = format!(
        "the access key 'one@acme' was granted rights over 'app/1.0' and all below it in the \
         repository 'acme/vault'; the grant '{id}' allows to read and download"
    );
    assert_eq!(answer["because"], because);
    let answer = explained(&app, "one@acme", "upload", file("vault", SEEN)).await;
    assert_eq!(answer["verdict"], "forbidden");
    let answer =
        explained(&app, "one@acme", "download", json!({"subject": "acme", "repo": "vault"})).await;
    assert_eq!(answer["verdict"], "hidden");
}

#[tokio::test]
async fn only_who_administers_the_owner_asks_and_only_of_what_is_there() {
    let app = App::furnished().await;
    let ask = |caller: &str, body: Value| app.post("/management/v1/explain").by(caller).json(&body);
    let body = json!({"caller": READER, "action": "download", "resource": file("vault", SEEN)});
    for (caller, status) in
        [("", 401), (STRANGER, 403), (READER, 403), (PUBLISHER, 403), (OWNER, 200), (ADMIN, 200)]
    {
        assert_eq!(ask(caller, body.clone()).await.status, status, "{caller}");
    }
    for (body, status, words) in [
        (
            json!({"action": "read", "resource": {"subject": "acme", "repo": "vault", "package": "no"}}),
            404,
            "Package 'no'",
        ),
        (json!({"action": "download", "resource": file("none", "none")}), 404, "Repo 'none'"),
        (
            json!({"caller": "nobody", "action": "download", "resource": file("vault", SEEN)}),
            404,
            "Subject 'nobody'",
        ),
        (
            json!({"caller": "none@acme", "action": "download", "resource": file("vault", SEEN)}),
            404,
            "'none'",
        ),
        (json!({"resource": file("vault", SEEN)}), 400, "action is missing"),
        (json!({"action": "eat", "resource": file("vault", SEEN)}), 400, "use read, download"),
        (json!({"action": "read"}), 400, "resource is missing"),
        (json!({"action": "read", "resource": {"repo": "vault"}}), 400, "names no subject"),
        (
            json!({"action": "read", "resource": {"subject": "acme", "path": "a"}}),
            400,
            "names no repo",
        ),
        (
            json!({"action": "read", "address": "here", "resource": file("vault", SEEN)}),
            400,
            "no IP address",
        ),
    ] {
        let answer = ask(OWNER, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.message().contains(words), "{body}: {answer:?}");
    }
}
