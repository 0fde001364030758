//! Access keys: make, show, list, change and delete.
//!
//! Deleting one takes its rights at once, with everything that was granted to it; the entitlements
//! that name it are cleared of it piece by piece, by the request or by a job. Its id is not free
//! before that.

mod gone;

use super::deletion::still_going;
use super::subjects::{KnownAs, listable, removable};
use crate::access::{
    Caller, MAX_SECRET_BYTES, Permit, Secret, SubjectPlace, act, check_address, password_hash,
};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::access_keys::{AccessKey, ExistenceCheck};
use crate::model::subjects::{Plan, Subject};
use crate::model::{AccessKeyId, Form};
use crate::names::{AccessKeyName, SubjectName};
use crate::networks::Network;
use crate::store::{Key, Query, Start};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, Timestamp, hex};

pub(crate) use gone::{Forgetting, forget, remove_gone};
use gone::{carry_out, close};

/// What is said about an access key; what is `None` is left alone, or as it is by default in a new
/// one.
#[derive(Clone, Debug, Default)]
pub struct AccessKeyChange {
    /// The password, of 8 to 256 bytes; a random one if it is empty. A new key without one gets a
    /// random one.
    pub password: Option<Secret>,
    /// When it ends, in milliseconds since 1970; never, if it is cleared.
    pub expiry: Option<Option<i64>>,
    /// Who is asked for its holder; nobody, if it is cleared.
    pub existence_check: Option<Option<GivenCheck>>,
    /// The networks that it may be used from.
    pub white: Option<Vec<String>>,
    /// The networks that it may not be used from.
    pub black: Option<Vec<String>>,
    /// Whether it is for the API alone.
    pub api_only: Option<bool>,
}

/// An existence check as it is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GivenCheck {
    /// The address.
    pub url: String,
    /// For how long an answer counts, in seconds: a minute at the least.
    pub cache_for_secs: Option<i64>,
}

/// An access key after it was made or changed.
#[derive(Clone, Debug)]
pub struct PutKey {
    /// The key.
    pub key: AccessKey,
    /// Its password, if it has a new one: shown this once.
    pub password: Option<Secret>,
}

/// The shortest password that may be given.
const MIN_PASSWORD_BYTES: usize = 8;
/// Milliseconds before this were meant as seconds: it is in March 1973.
const FIRST_EXPIRY: i64 = 100_000_000_000;
/// The end of the year 9999.
const LAST_EXPIRY: i64 = 253_402_300_799_999;
/// The longest address of an existence check.
const MAX_URL_BYTES: usize = 2 << 10;

/// Whether the caller may see and change the access keys of a subject: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] also for a subject of the other kind; [`ErrorKind::Forbidden`] for those
/// who do not administer it, and for a subject of the oss plan.
pub async fn check(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<()> {
    permit(packhouse, caller, of).await.map(drop)
}

async fn permit(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Permit<act::Administer, SubjectPlace>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<act::Administer, _>(caller, &of.name).await?;
    gate(&permit.place().subject)?;
    Ok(permit)
}

/// Runs a change for those who administer the subject, if its plan has access keys.
async fn change<T: Send, D: Future<Output = Result<T>> + Send>(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    decide: impl Fn(Permit<act::Administer, SubjectPlace>, Work) -> D + Send + Sync,
) -> Result<T> {
    let decide = &decide;
    change_any(packhouse, caller, of, |permit, work| async move {
        gate(&permit.place().subject)?;
        decide(permit, work).await
    })
    .await
}

/// Runs a change for those who administer the subject, whatever its plan.
async fn change_any<T: Send, D: Future<Output = Result<T>> + Send>(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    decide: impl Fn(Permit<act::Administer, SubjectPlace>, Work) -> D + Send + Sync,
) -> Result<T> {
    of.require(packhouse, caller).await?;
    packhouse.change::<act::Administer, _, _, _, _>(caller, &of.name, decide).await
}

/// What is for subjects with entitlement management alone.
pub(super) fn gate(subject: &Subject) -> Result<()> {
    if subject.plan == Plan::Oss {
        let message = "This resource is only available for subjects with entitlement management.";
        return Err(Error::new(ErrorKind::Forbidden, message));
    }
    Ok(())
}

/// The ids of the access keys of a subject, in order.
///
/// Implements the Bintray REST API, "Get Access Keys".
///
/// # Errors
/// As [`check`], of the plan only where there is none.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Vec<AccessKeyName>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<act::Administer, _>(caller, &of.name).await?;
    let range = AccessKey::range_of(&of.name);
    let mut query = Query::within(range).filter(AccessKey::is_there()).keys();
    let mut names = Vec::new();
    loop {
        let page = packhouse.select(&query).await?;
        for row in &page.rows {
            names.push(name_in(&row.key)?);
        }
        match page.next {
            Some(cursor) => query = query.start(Start::After(cursor)),
            None => return listable(names, gate(&permit.place().subject)),
        }
    }
}

/// The name in the key of an access key: subject, name.
fn name_in(key: &Key) -> Result<AccessKeyName> {
    let name = key.parts().pop().unwrap_or_default();
    AccessKeyName::parse(&name).map_err(Error::corrupt)
}

/// Shows an access key.
///
/// Implements the Bintray REST API, "Get Access Key".
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`].
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &AccessKeyName,
) -> Result<AccessKey> {
    permit(packhouse, caller, of).await?;
    require(&Work::new(packhouse), &of.name, name).await
}

async fn require(work: &Work, subject: &SubjectName, name: &AccessKeyName) -> Result<AccessKey> {
    let key = work.find::<AccessKey>(AccessKey::key_of(subject, name)).await?;
    key.filter(|key| !key.closing).ok_or_else(|| Error::not_found(Noun::AccessKey, name))
}

/// Makes an access key.
///
/// Implements the Bintray REST API, "Create Access Key".
///
/// # Errors
/// As [`check`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Conflict`] while one of this id is being
/// deleted; [`ErrorKind::Invalid`] says what is wrong with what was said.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &AccessKeyName,
    said: &AccessKeyChange,
) -> Result<PutKey> {
    change(packhouse, caller, of, |permit, work| async move {
        let subject = &permit.place().subject;
        match work.find::<AccessKey>(AccessKey::key_of(&subject.name, name)).await? {
            Some(key) if key.closing => return Err(still_going("access key", name)),
            Some(_) => {
                let message = format!("AccessKey '{name}' already exists");
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            None => {}
        }
        let key = AccessKey {
            form: Form,
            id: AccessKeyId::from_bytes(work.random_bytes()),
            subject: subject.name.clone(),
            subject_id: subject.id,
            name: name.clone(),
            hash: String::new(),
            created: work.now(),
            expiry: None,
            existence_check: None,
            white: Vec::new(),
            black: Vec::new(),
            api_only: true,
            closing: false,
        };
        let password = said.password.clone().or_else(|| Some(Secret::new("")));
        let put = changed(packhouse, key, &AccessKeyChange { password, ..said.clone() })?;
        work.put(&permit, &put.key);
        Ok(put)
    })
    .await
}

/// Changes an access key.
///
/// Implements the Bintray REST API, "Update Access Key".
///
/// # Errors
/// As [`create`]; [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &AccessKeyName,
    said: &AccessKeyChange,
) -> Result<PutKey> {
    change(packhouse, caller, of, |permit, work| async move {
        let key = require(&work, &permit.place().subject.name, name).await?;
        let put = changed(packhouse, key, said)?;
        work.put(&permit, &put.key);
        Ok(put)
    })
    .await
}

fn changed(packhouse: &Packhouse, mut key: AccessKey, said: &AccessKeyChange) -> Result<PutKey> {
    if let Some(expiry) = said.expiry {
        key.expiry = expiry.map(checked_expiry).transpose()?;
    }
    if let Some(check) = &said.existence_check {
        key.existence_check = check.as_ref().map(checked_check).transpose()?;
        if let Some(check) = &key.existence_check {
            check_address(packhouse, &check.url, &key.user_name())?;
        }
    }
    if let Some(white) = &said.white {
        key.white = Network::parse_all("white_cidrs", white)?;
    }
    if let Some(black) = &said.black {
        key.black = Network::parse_all("black_cidrs", black)?;
    }
    Network::check_apart(&key.white, &key.black)?;
    key.api_only = said.api_only.unwrap_or(key.api_only);
    let password = match &said.password {
        Some(given) if given.expose().is_empty() => {
            Some(Secret::new(hex::encode(&packhouse.random_bytes::<20>())))
        }
        Some(given) => Some(checked_password(given)?),
        None => None,
    };
    if let Some(password) = &password {
        key.hash = password_hash(packhouse.secret(), &key.subject, &key.name, password);
    }
    Ok(PutKey { key, password })
}

fn checked_password(given: &Secret) -> Result<Secret> {
    let bytes = given.expose();
    if !(MIN_PASSWORD_BYTES..=MAX_SECRET_BYTES).contains(&bytes.len()) {
        return Err(Error::invalid(format!(
            "The password has {} bytes: give {MIN_PASSWORD_BYTES} to {MAX_SECRET_BYTES}, or none to \
             have one made",
            bytes.len()
        )));
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(Error::invalid("The password has a control character: leave it out"));
    }
    Ok(given.clone())
}

fn checked_expiry(millis: i64) -> Result<Timestamp> {
    match millis {
        ..=0 | LAST_EXPIRY.. => Err(Error::invalid(format!(
            "expiry is {millis}: give the milliseconds since 1970, up to the year 9999"
        ))),
        ..FIRST_EXPIRY => Err(Error::invalid(format!(
            "expiry is {millis}, which is in the 1970s: give milliseconds and not seconds"
        ))),
        _ => Ok(Timestamp::from_millis(millis)),
    }
}

fn checked_check(given: &GivenCheck) -> Result<ExistenceCheck> {
    let url = &given.url;
    let bytes = url.len();
    if bytes > MAX_URL_BYTES {
        return Err(Error::invalid(format!(
            "existence_check.url has {bytes} bytes: at most {MAX_URL_BYTES} are kept"
        )));
    }
    let rest = url.split_once("://").filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    let has_host = rest.is_some_and(|(_, rest)| {
        rest.chars().next().is_some_and(|first| !matches!(first, '/' | '?' | '#' | ':'))
    });
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !has_host || !plain {
        return Err(Error::invalid(
            "existence_check.url is no address: give an http or https one, percent-encoded, like \
             https://example.org/exists?user=:username",
        ));
    }
    let least = ExistenceCheck::MIN_SECS;
    let cache_for_secs = match given.cache_for_secs {
        None => least,
        Some(secs) => u32::try_from(secs).map(|secs| secs.max(least)).map_err(|_| {
            Error::invalid(format!(
                "existence_check.cache_for_secs is {secs}: give seconds from {least} on"
            ))
        })?,
    };
    Ok(ExistenceCheck { url: url.clone(), cache_for_secs })
}

/// Deletes an access key, whatever the plan. It is worthless at once, and loses what was granted to
/// it; the entitlements that name it are cleared of it before this returns, or by a job if it is
/// interrupted.
///
/// Implements the Bintray REST API, "Delete Access Key".
///
/// # Errors
/// As [`check`], of the plan only where there is no such key; [`ErrorKind::NotFound`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &AccessKeyName,
) -> Result<()> {
    let forgetting = change_any(packhouse, caller, of, |permit, work| async move {
        let subject = &permit.place().subject;
        let found = require(&work, &subject.name, name).await;
        let key = removable(found, gate(subject))?;
        Ok(close(&work, &permit, key))
    })
    .await?;
    carry_out(packhouse, &forgetting).await;
    Ok(())
}
