//! Access keys as credentials.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::authenticate::{MAX_SECRET_BYTES, decode_next};
use super::{Caller, Identity, Origin, Secret};
use crate::engine::Packhouse;
use crate::model::AccessKeyId;
use crate::model::access_keys::{AccessKey, user_name};
use crate::model::subjects::Subject;
use crate::names::{AccessKeyName, SubjectName};
use crate::networks::admits;
use crate::{Error, Result, Timestamp};

/// Takes a user's name apart, if it is that of an access key. No user's has an `@`.
pub(super) fn is_key(user: &str) -> bool {
    user.contains('@')
}

/// Who shows this name and this password, if both are right and the key is good here and now.
pub(super) async fn holder_of(
    packhouse: &Packhouse,
    user: &str,
    password: &Secret,
    origin: &Origin,
) -> Result<Option<Identity>> {
    if password.expose().len() > MAX_SECRET_BYTES {
        return Ok(None);
    }
    let Some((name, subject)) = parse(user) else { return Ok(None) };
    // A key that is not there costs the same work as one that is.
    let shown = Secret::new(password_hash(packhouse.secret(), &subject, &name, password));
    let (holder, key) = read(packhouse, &subject, &name).await?;
    let held = key.as_ref().map_or("", |key| key.hash.as_str());
    let fits = shown.is(held.as_bytes());
    let Some(key) = key.filter(|key| fits && belongs(key, holder.as_ref(), &subject)) else {
        return Ok(None);
    };
    if !is_good(&key, packhouse.now(), origin) {
        return Ok(None);
    }
    if let Some(check) = &key.existence_check
        && !packhouse.existence().asks(packhouse, &key, check, password).await?
    {
        return Ok(None);
    }
    let AccessKey { id, name, subject, .. } = key;
    Ok(Some(Identity::AccessKey { id, name, subject }))
}

/// Looks again at the key of a caller who was let in a while ago. Nobody is called for it.
///
/// # Errors
/// [`crate::ErrorKind::Unauthenticated`] for a key that is not good any more.
pub(crate) async fn check_again(packhouse: &Packhouse, caller: &Caller) -> Result<()> {
    let Identity::AccessKey { id, name, subject } = caller.identity() else { return Ok(()) };
    let (holder, key) = read(packhouse, subject, name).await?;
    let good = |key: &AccessKey| {
        key.id == *id
            && belongs(key, holder.as_ref(), subject)
            && is_good(key, packhouse.now(), caller.origin())
    };
    if key.is_some_and(|key| good(&key)) { Ok(()) } else { Err(Error::unauthenticated()) }
}

/// Whether a key is good still, wherever it is used from. Nobody is called for it.
pub(crate) async fn is_still_good(
    packhouse: &Packhouse,
    subject: &SubjectName,
    name: &AccessKeyName,
    id: AccessKeyId,
) -> Result<bool> {
    let (holder, key) = read(packhouse, subject, name).await?;
    let now = packhouse.now();
    Ok(key.is_some_and(|key| {
        key.id == id && belongs(&key, holder.as_ref(), subject) && is_in_force(&key, now)
    }))
}

fn parse(user: &str) -> Option<(AccessKeyName, SubjectName)> {
    let (name, subject) = user.split_once('@')?;
    Some((AccessKeyName::parse(name).ok()?, SubjectName::parse(subject).ok()?))
}

async fn read(
    packhouse: &Packhouse,
    subject: &SubjectName,
    name: &AccessKeyName,
) -> Result<(Option<Subject>, Option<AccessKey>)> {
    let keys = [Subject::key_of(subject), AccessKey::key_of(subject, name)];
    let mut records = packhouse.read_all(&keys).await?.into_iter();
    Ok((decode_next(&mut records)?, decode_next(&mut records)?))
}

/// Whether the key was given out by the subject of this very name, as it is now.
fn belongs(key: &AccessKey, holder: Option<&Subject>, subject: &SubjectName) -> bool {
    holder.is_some_and(|holder| holder.id == key.subject_id && holder.name == *subject)
}

fn is_good(key: &AccessKey, now: Timestamp, origin: &Origin) -> bool {
    is_in_force(key, now) && admits(&key.white, &key.black, origin.address)
}

fn is_in_force(key: &AccessKey, now: Timestamp) -> bool {
    !key.closing && !key.is_expired(now)
}

/// What is kept of a password. That of another key never looks the same.
pub(crate) fn password_hash(
    installation: &Secret,
    subject: &SubjectName,
    name: &AccessKeyName,
    password: &Secret,
) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(installation.expose())
        .expect("HMAC takes keys of any length");
    mac.update(b"access-key\0");
    // Neither name holds a zero.
    mac.update(user_name(subject, name).as_bytes());
    mac.update(b"\0");
    mac.update(password.expose());
    crate::hex::encode(&mac.finalize().into_bytes())
}
