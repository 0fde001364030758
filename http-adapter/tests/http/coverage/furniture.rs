//! The installation that is asked.

use packhouse_core::model::grants::Action;
use serde_json::json;

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER};

pub(crate) async fn furnished() -> App {
    let app = App::furnished().await;
    for repo in ["tools", "vault"] {
        app.package(&format!("acme/{repo}"), json!({"name": "bare"})).await;
    }
    app.organization("guild", OWNER).await;
    // Its last owner could not be deleted.
    app.member("guild", ADMIN, "owner").await;
    app.member("guild", READER, "member").await;
    for of in ["orgs/guild", "users/acme"] {
        let made = app.post(&format!("/{of}/teams")).by(OWNER).json(&json!({"name": "crew"})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    for repo in ["acme/tools", "acme/vault"] {
        let read = json!({"team": "crew", "permission": "read"});
        let path = format!("/repos/{repo}/permissions");
        app.put(&path).by(OWNER).json(&read).await.is_success(200);
    }
    app.product("acme", "suite").await;
    for key in ["reading", "writing", "other", "spare"] {
        app.access_key("acme", key).await;
    }
    let spare = app.post("/orgs/guild/access_keys").by(OWNER).json(&json!({"id": "spare"})).await;
    assert_eq!(spare.status, 201, "{spare:?}");
    for repo in ["repos/acme/tools", "repos/acme/vault"] {
        entitle(&app, repo, "e1", json!({"access": "r", "access_keys": ["reading"]})).await;
        entitle(&app, repo, "e2", json!({"access": "rw", "access_keys": ["writing"]})).await;
        let app_of = format!("packages/{}/app", repo.trim_start_matches("repos/"));
        for of in [app_of.clone(), format!("{app_of}/versions/1.0")] {
            entitle(&app, &of, "e1", json!({"access": "r"})).await;
        }
    }
    app.product("acme", "secret").await;
    for product in ["suite", "secret"] {
        entitle(&app, &format!("products/acme/{product}"), "e1", json!({"access": "r"})).await;
    }
    license(&app).await;
    gpg_keys(&app).await;
    app
}

/// Makes the package `licensed` of the product `suite`, with a EULA that is no other package's, and
/// licenses; the publisher may publish in a repository of the organization.
async fn license(app: &App) {
    for repo in ["tools", "vault"] {
        app.package(&format!("acme/{repo}"), json!({"name": "licensed"})).await;
        let at = format!("acme/{repo}/licensed");
        app.upload(&format!("{at}/1.0/licensed/1.0/licensed.bin?publish=1"), "one").await;
        app.upload(&format!("{at}/2.0/licensed/2.0/new.bin"), "two").await;
    }
    let terms = json!({"name": "terms", "content": "text", "versions": ["1.0", "2.0"]});
    for (target, body) in [
        ("/products/acme/suite/eulas", terms.clone()),
        ("/products/acme/secret/eulas", terms),
        ("/users/acme/licenses", json!({"name": "mine"})),
        ("/orgs/guild/licenses", json!({"name": "mine"})),
        ("/repos/guild/library", json!({})),
    ] {
        let made = app.post(target).by(OWNER).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    app.set_packages("acme", "suite", &["tools/licensed", "vault/licensed"]).await;
    app.set_packages("acme", "secret", &["vault/licensed"]).await;
    app.grant(PUBLISHER, "guild/library", &[Action::Read, Action::Publish]).await;
}

/// Gives `acme` and `guild` keys, and makes two subjects without any that the owner administers.
async fn gpg_keys(app: &App) {
    crate::gpg_keys::give(app, "users/acme").await;
    crate::gpg_keys::give(app, "orgs/guild").await;
    app.organization("keyless-guild", OWNER).await;
    app.member("keyless-guild", ADMIN, "owner").await;
    app.user("keyless", "enterprise").await;
    app.grant_on_subject(OWNER, "keyless", &[Action::Read, Action::Administer]).await;
}

async fn entitle(app: &App, of: &str, id: &str, mut body: serde_json::Value) {
    body["id"] = json!(id);
    let made = app.post(&format!("/{of}/entitlements")).by(OWNER).json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
}
