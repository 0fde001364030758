//! The OpenPGP keys of users and organizations.

use packhouse_core::access::Secret;
use packhouse_core::gpg_keys::{self, NewGpgKeys, SetGpgKeys};
use packhouse_core::model::gpg_keys::GpgKeys;
use packhouse_core::model::subjects::SubjectKind;
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::route::of_both;
use crate::support::reply;

of_both! {
    /// What the keys say of themselves, for those who administer the subject.
    show => show_of_org, show_of_user;
    /// Gives a subject its keys (201), in the place of those that it had (200).
    put => put_of_org, put_of_user;
    /// Removes the keys of a subject.
    delete => delete_of_org, delete_of_user;
}

async fn show(call: Call, kind: SubjectKind) -> Answer {
    let keys = gpg_keys::show(&call.packhouse, &call.caller, &call.known_as(kind)?).await?;
    Ok(reply::ok(&View::from(keys)))
}

async fn put(mut call: Call, kind: SubjectKind) -> Answer {
    let of = call.known_as(kind)?;
    gpg_keys::check(&call.packhouse, &call.caller, &of).await?;
    let new = call.json::<Body>().await?.read()?;
    Ok(match gpg_keys::set(&call.packhouse, &call.caller, &of, &new).await? {
        SetGpgKeys::Made(keys) => reply::created(&View::from(keys)),
        SetGpgKeys::Replaced(keys) => reply::ok(&View::from(keys)),
    })
}

async fn delete(call: Call, kind: SubjectKind) -> Answer {
    gpg_keys::remove(&call.packhouse, &call.caller, &call.known_as(kind)?).await?;
    Ok(reply::success())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    public_key: Option<String>,
    private_key: Option<String>,
}

impl Body {
    fn read(self) -> Result<NewGpgKeys, Failure> {
        let public_key = self.public_key.ok_or_else(|| {
            Failure::bad_request("public_key is missing: give the armoured public key")
        })?;
        Ok(NewGpgKeys { public_key, private_key: self.private_key.map(Secret::new) })
    }
}

/// The keys of a subject as those see them who administer it. Of the private one that it is there.
#[derive(Serialize)]
struct View {
    fingerprint: String,
    key_id: String,
    user_ids: Vec<String>,
    created: String,
    expires: Option<String>,
    algorithm: String,
    private_key: bool,
    private_key_protected: bool,
    public_key: String,
}

impl From<GpgKeys> for View {
    fn from(keys: GpgKeys) -> Self {
        let facts = keys.facts;
        Self {
            fingerprint: facts.fingerprint,
            key_id: facts.key_id,
            user_ids: facts.user_ids,
            created: facts.created.to_string(),
            expires: facts.expires.map(|end| end.to_string()),
            algorithm: facts.algorithm,
            private_key: keys.private_key.is_some(),
            private_key_protected: keys.private_key.is_some_and(|key| key.protected),
            public_key: keys.public_key,
        }
    }
}
