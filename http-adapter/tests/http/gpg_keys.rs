//! The OpenPGP keys of users and organizations, and who sets and sees them.

use packhouse_core::model::gpg_keys::GpgKeys;
use packhouse_core::names::SubjectName;
use serde_json::{Value, json};

use crate::app::{ADMIN, App, OWNER, PUBLISHER, READER, STRANGER};
use crate::organizations::guild;

const USER: &str = "/management/v1/users/acme/keys/gpg";
const ORGANIZATION: &str = "/management/v1/orgs/guild/keys/gpg";

/// The text of a key that `gpg` made.
pub(crate) fn key(name: &str) -> String {
    let path = format!("{}/../openpgp/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// Gives a subject, `users/acme` say, a public key.
pub(crate) async fn give(app: &App, of: &str) {
    let path = format!("/management/v1/{of}/keys/gpg");
    let put = app.put(&path).by(ADMIN).json(&json!({"public_key": key("ed25519.pub")})).await;
    assert_eq!(put.status, 201, "{put:?}");
}

/// What is shown of the key `protected`.
fn guarded(private: bool) -> Value {
    json!({
        "fingerprint": fingerprint("protected"), "key_id": &fingerprint("protected")[24..],
        "user_ids": ["Guarded <g@example.com>"], "created": "2025-06-01T00:00:00.000Z",
        "expires": "2035-05-30T00:00:00.000Z", "algorithm": "ed25519", "private_key": private,
        "private_key_protected": private, "public_key": key("protected.pub"),
    })
}

fn fingerprint(name: &str) -> String {
    use packhouse_core::openpgp::OpenPgp;
    let now = packhouse_core::Timestamp::parse("2026-01-01").unwrap();
    let read = packhouse_openpgp::Rpgp.read_public(&key(&format!("{name}.pub")), now);
    read.unwrap().facts.fingerprint
}

#[tokio::test]
async fn keys_are_set_shown_replaced_and_removed() {
    let app = guild().await;
    for (path, public) in [
        (USER, "/users/acme/keys/gpg/public.key"),
        (ORGANIZATION, "/api/v1/orgs/guild/keys/gpg/public.key"),
    ] {
        let name = path.split('/').nth(4).unwrap();
        let absent = format!("GPG key '{name}' was not found");
        app.get(path).by(OWNER).await.refuses(404, &absent);
        app.delete(path).by(OWNER).await.refuses(404, &absent);
        app.get(public).await.refuses(404, &absent);

        let pair = json!({
            "public_key": key("protected.pub"), "private_key": key("protected.key"), "name": "x",
        });
        app.put(path).by(OWNER).json(&pair).await.is(201, &guarded(true));
        for caller in [OWNER, ADMIN] {
            app.get(path).by(caller).await.is(200, &guarded(true));
        }
        let head = [
            ("content-type", "application/pgp-keys"),
            ("cache-control", "private, no-store"),
            ("x-content-type-options", "nosniff"),
        ];
        for caller in ["", STRANGER, OWNER] {
            let shown = app.get(public).by(caller).await;
            shown.has_head(200, &head);
            assert_eq!(shown.body, key("protected.pub").as_bytes());
            let headed = app.ask("HEAD", public).by(caller).await;
            assert_eq!((headed.status, headed.body.len()), (200, 0), "{headed:?}");
        }

        // The private key goes where it is not given again, and with another.
        let public_alone = json!({"public_key": key("protected.pub"), "private_key": null});
        app.put(path).by(ADMIN).json(&public_alone).await.is(200, &guarded(false));
        let plain = json!({"public_key": key("rsa3072.pub"), "private_key": key("rsa3072.key")});
        let put = app.put(path).by(OWNER).json(&plain).await;
        let said = ["algorithm", "private_key", "private_key_protected", "expires"];
        let said = said.map(|field| put.value()[field].clone());
        assert_eq!(said, [json!("rsa3072"), json!(true), json!(false), Value::Null]);

        app.delete(path).by(OWNER).await.is_success(200);
        app.get(public).await.refuses(404, &absent);
    }
}

#[tokio::test]
async fn only_who_administers_a_subject_sets_and_removes_its_keys() {
    let app = guild().await;
    give(&app, "users/acme").await;
    give(&app, "orgs/guild").await;
    let pair = json!({"public_key": key("protected.pub")});
    // The publisher is an admin of the organization.
    for (path, others) in
        [(USER, &[STRANGER, READER, PUBLISHER][..]), (ORGANIZATION, &[STRANGER, READER])]
    {
        for method in ["GET", "PUT", "DELETE"] {
            app.ask(method, path).json(&pair).await.needs_credentials();
            for caller in others {
                let asked = app.ask(method, path).by(caller);
                asked.json(&pair).await.refuses(403, "forbidden");
            }
        }
    }
    assert_eq!(app.put(ORGANIZATION).by(PUBLISHER).json(&pair).await.status, 200);
    // Each is the address of one kind.
    for (path, name) in [
        ("/management/v1/orgs/acme/keys/gpg", "acme"),
        ("/management/v1/users/guild/keys/gpg", "guild"),
        ("/users/guild/keys/gpg/public.key", "guild"),
        ("/users/nobody/keys/gpg/public.key", "nobody"),
    ] {
        let absent = format!("Subject '{name}' was not found");
        app.get(path).by(OWNER).await.refuses(404, &absent);
        app.get(path).await.needs_credentials();
    }
}

#[tokio::test]
async fn keys_that_are_not_fit_change_nothing_and_the_field_is_named() {
    let app = guild().await;
    give(&app, "users/acme").await;
    let (before, good) = (app.watch.changes(), key("ed25519.pub"));
    let long = format!("{good}{}", " ".repeat(65_536));
    let too_long = "has more than 65536 bytes: export it with --export-options export-minimal";
    for (body, message) in [
        (json!({}), "public_key is missing: give the armoured public key".to_owned()),
        (
            json!({"private_key": key("ed25519.key")}),
            "public_key is missing: give the armoured public key".to_owned(),
        ),
        (
            json!({"public_key": key("revoked.pub")}),
            "public_key is revoked: give a key that is in force".to_owned(),
        ),
        (
            json!({"public_key": key("rsa1024.pub")}),
            "public_key is an RSA key of 1024 bits, which is too weak: make a new key with gpg"
                .to_owned(),
        ),
        (
            json!({"public_key": key("ed25519.key")}),
            "public_key holds a private key, which nobody else may have: give it as private_key, \
             and here what gpg --armor --export writes"
                .to_owned(),
        ),
        (
            json!({"public_key": good, "private_key": good}),
            "private_key holds a public key: give what gpg --armor --export-secret-keys writes"
                .to_owned(),
        ),
        (
            json!({"public_key": good, "private_key": key("protected.key")}),
            "private_key is the key of another public key than the one in public_key".to_owned(),
        ),
        (json!({"public_key": long}), format!("public_key {too_long}")),
        (json!({"public_key": good, "private_key": long}), format!("private_key {too_long}")),
    ] {
        app.put(USER).by(OWNER).json(&body).await.refuses(400, &message);
    }
    assert_eq!(app.watch.changes(), before);
    // A key that ends is refused from its end on, and shown where it was taken before.
    let ends = json!({"public_key": key("ends-in-2026.pub")});
    assert_eq!(app.put(USER).by(OWNER).json(&ends).await.status, 200);
    app.clock.advance(std::time::Duration::from_secs(365 * 24 * 3600));
    let expired = "public_key expired at 2026-06-01T00:00:00.000Z: put it off with gpg \
                   --quick-set-expire, and export it again";
    app.put(USER).by(OWNER).json(&ends).await.refuses(400, expired);
    let shown = app.get(USER).by(OWNER).await;
    assert_eq!(shown.value()["expires"], "2026-06-01T00:00:00.000Z");
}

/// T252: neither an answer nor the store shows any of a private key, and no error does.
#[tokio::test]
async fn a_private_key_is_seen_nowhere_again() {
    let app = guild().await;
    let (public, private) = (key("rsa3072.pub"), key("rsa3072.key"));
    let lines: Vec<_> = private.lines().skip(12).filter(|line| line.len() == 64).collect();
    assert!(lines.len() > 10);
    let unseen = |said: &str| {
        let shown = lines.iter().find(|line| said.contains(**line));
        assert!(shown.is_none(), "{said}");
    };
    let put = app.put(USER).by(OWNER).json(&json!({"public_key": public, "private_key": private}));
    unseen(&format!("{:?}", put.await));
    unseen(&format!("{:?}", app.get(USER).by(OWNER).await));
    let name = SubjectName::parse("acme").unwrap();
    let record: GpgKeys = app.record(GpgKeys::key_of(&name)).await;
    unseen(&serde_json::to_string(&record).unwrap());
    unseen(&format!("{record:?}"));
    assert!(record.private_key.unwrap().sealed.len() > private.len());
    for body in [
        json!({"public_key": public, "private_key": [private]}),
        json!({"public_key": public, "private_key": {"armored": private}}),
        json!({"public_key": private}),
        json!({"public_key": [private]}),
        json!({"public_key": key("ed25519.pub"), "private_key": private}),
        json!({"public_key": public, "private_key": private.replace('=', "")}),
    ] {
        let refused = app.put(USER).by(OWNER).json(&body).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        unseen(&format!("{refused:?}"));
    }
    let cut = format!("{{\"public_key\": {}, \"private_key\": \"{}", json!(public), lines.concat());
    let refused = app.put(USER).by(OWNER).body(cut).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    unseen(&format!("{refused:?}"));
}
