//! From credentials to a caller.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Caller, Identity, Origin, Secret, keys};
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::subjects::{ApiKey, Subject, SubjectKind};
use crate::names::SubjectName;
use crate::{Error, Result};

/// What a client shows of itself.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user's name and the user's API key, or `id@subject` and the password of an access key.
    Basic {
        /// The name.
        user: String,
        /// The secret.
        secret: Secret,
    },
}

impl Credentials {
    /// A name and an API key or a password.
    #[must_use]
    pub fn basic(user: &str, secret: &str) -> Self {
        Self::Basic { user: user.to_owned(), secret: Secret::new(secret) }
    }
}

/// No key and no password is longer; what is, is refused before it is hashed.
pub(crate) const MAX_SECRET_BYTES: usize = 256;

/// Checks credentials. Empty ones, as some clients send them, are nobody's.
///
/// # Errors
/// [`crate::ErrorKind::Unauthenticated`] for wrong credentials, whatever is wrong with them and
/// whether or not there is such a user or access key; also for an access key that has ended, that
/// may not be used from where the caller is, or whose existence check is not passed.
pub async fn authenticate(
    packhouse: &Packhouse,
    credentials: &Credentials,
    origin: Origin,
) -> Result<Caller> {
    match credentials {
        Credentials::Anonymous => Ok(Caller::new(Identity::Anonymous, origin)),
        Credentials::Basic { user, secret } if user.is_empty() && secret.is("".as_bytes()) => {
            Ok(Caller::new(Identity::Anonymous, origin))
        }
        Credentials::Basic { user, secret } => {
            let identity = if keys::is_key(user) {
                keys::holder_of(packhouse, user, secret, &origin).await?
            } else {
                user_of(packhouse, user, secret).await?
            };
            Ok(Caller::new(identity.ok_or_else(Error::unauthenticated)?, origin))
        }
    }
}

async fn user_of(packhouse: &Packhouse, user: &str, secret: &Secret) -> Result<Option<Identity>> {
    if secret.expose().len() > MAX_SECRET_BYTES {
        return Ok(None);
    }
    // A user who is not there costs the same work as one who is.
    let shown = Secret::new(api_key_hash(packhouse.secret(), secret));
    let Ok(name) = SubjectName::parse(user) else { return Ok(None) };
    let keys = [Subject::key_of(&name), ApiKey::key_of(&name)];
    let mut records = packhouse.read_all(&keys).await?.into_iter();
    let subject: Option<Subject> = decode_next(&mut records)?;
    let api_key: Option<ApiKey> = decode_next(&mut records)?;
    let held = api_key.as_ref().map_or("", |key| key.hash.as_str());
    let fits = shown.is(held.as_bytes());
    Ok(subject.zip(api_key).and_then(|(subject, key)| {
        let whole = fits
            && subject.kind == SubjectKind::User
            && subject.name == name
            && key.subject_id == subject.id;
        whole.then_some(Identity::User { id: subject.id, name: subject.name })
    }))
}

pub(super) fn decode_next<T: Stored>(
    records: &mut impl Iterator<Item = Option<crate::store::Record>>,
) -> Result<Option<T>> {
    records.next().flatten().map(|record| crate::work::decode_kept(&record)).transpose()
}

/// What is kept of an API key.
pub(crate) fn api_key_hash(installation: &Secret, key: &Secret) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(installation.expose())
        .expect("HMAC takes keys of any length");
    mac.update(b"api-key\0");
    mac.update(key.expose());
    crate::hex::encode(&mac.finalize().into_bytes())
}
