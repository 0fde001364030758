//! The OpenPGP keys of a subject: set, show and remove.
//!
//! The public key is for everyone. The private key, if the subject gave it, is stored sealed and
//! shown to nobody.

use std::fmt;
use std::sync::Arc;

use super::subjects::KnownAs;
use crate::access::{Caller, Permit, Secret, SubjectPlace, act};
use crate::crypto;
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::gpg_keys::{GpgKeys, SealedPrivateKey};
use crate::model::subjects::Subject;
use crate::model::{Form, Stored};
use crate::openpgp::{KeyError, MAX_ARMOR, OpenPgp, PrivateKey, PublicKey};
use crate::work::{Work, decode};
use crate::{Error, Result, Timestamp};

/// The keys that a subject gives.
#[derive(Clone)]
pub struct NewGpgKeys {
    /// The public key, armoured.
    pub public_key: String,
    /// Its private key, armoured, for the server to sign with.
    pub private_key: Option<Secret>,
}

impl fmt::Debug for NewGpgKeys {
    /// Without the keys: by mistake a private one may stand where the public one belongs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { public_key, private_key } = self;
        f.debug_struct("NewGpgKeys")
            .field("public_key", &format_args!("{} bytes", public_key.len()))
            .field("private_key", private_key)
            .finish()
    }
}

/// What [`set`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetGpgKeys {
    /// The subject had no keys.
    Made(GpgKeys),
    /// The subject had others.
    Replaced(GpgKeys),
}

const PRIVATE_KEY: &str = "gpg-private-key";

/// Whether the caller may set the keys of a subject: asked before a body is read.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] also for a subject of the other kind;
/// [`crate::ErrorKind::Forbidden`] for those who do not administer it.
pub async fn check(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<()> {
    permit(packhouse, caller, of).await.map(drop)
}

async fn permit(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Permit<act::Administer, SubjectPlace>> {
    of.require(packhouse, caller).await?;
    packhouse.permit::<act::Administer, _>(caller, &of.name).await
}

/// Sets the keys of a subject, in the place of all that it had: a private key that is not given again
/// is gone.
///
/// # Errors
/// As [`check`]; [`crate::ErrorKind::Invalid`] for keys that are not fit to be published, or no pair.
pub async fn set(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    new: &NewGpgKeys,
) -> Result<SetGpgKeys> {
    check(packhouse, caller, of).await?;
    let (public, private) = &read(packhouse, new).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            let had = held(&work, subject).await?.is_some();
            let keys = GpgKeys {
                form: Form,
                subject: subject.name.clone(),
                subject_id: subject.id,
                public_key: public.armored.clone(),
                facts: public.facts.clone(),
                private_key: private.as_ref().map(|key| sealed(packhouse, subject, key)),
            };
            work.put(&permit, &keys);
            Ok(if had { SetGpgKeys::Replaced(keys) } else { SetGpgKeys::Made(keys) })
        })
        .await
}

async fn read(packhouse: &Packhouse, new: &NewGpgKeys) -> Result<(PublicKey, Option<PrivateKey>)> {
    check_length("public_key", new.public_key.as_bytes())?;
    if let Some(private) = &new.private_key {
        check_length("private_key", private.expose())?;
    }
    let (reader, now, new) = (Arc::clone(packhouse.openpgp()), packhouse.now(), new.clone());
    packhouse.read_key(move || read_both(&*reader, now, &new)).await?
}

fn check_length(field: &str, armored: &[u8]) -> Result<()> {
    if armored.len() > MAX_ARMOR {
        return Err(Error::invalid(format!(
            "{field} has more than {MAX_ARMOR} bytes: export it with --export-options export-minimal"
        )));
    }
    Ok(())
}

fn read_both(
    reader: &dyn OpenPgp,
    now: Timestamp,
    new: &NewGpgKeys,
) -> Result<(PublicKey, Option<PrivateKey>)> {
    let refused = |field| move |KeyError(why)| Error::invalid(format!("{field} {why}"));
    let public = reader.read_public(&new.public_key, now).map_err(refused("public_key"))?;
    let private = new.private_key.as_ref().map(|key| reader.read_private(key, &public));
    Ok((public, private.transpose().map_err(refused("private_key"))?))
}

/// Of this subject alone: in the record of another it cannot be read.
fn sealed(packhouse: &Packhouse, subject: &Subject, key: &PrivateKey) -> SealedPrivateKey {
    let (of, nonce) = (subject.id.to_string(), packhouse.random_bytes());
    let armored = key.armored.expose();
    let sealed = crypto::seal(packhouse.secret(), PRIVATE_KEY, of.as_bytes(), nonce, armored);
    SealedPrivateKey { sealed, protected: key.protected }
}

async fn held(work: &Work, subject: &Subject) -> Result<Option<GpgKeys>> {
    let keys = work.find::<GpgKeys>(GpgKeys::key_of(&subject.name)).await?;
    Ok(keys.filter(|keys| keys.subject_id == subject.id))
}

/// The keys of a subject, for those who administer it.
///
/// # Errors
/// As [`check`]; [`crate::ErrorKind::NotFound`] for a subject without keys.
pub async fn show(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<GpgKeys> {
    let permit = permit(packhouse, caller, of).await?;
    find(packhouse, &permit.place().subject).await
}

/// The public key of a subject, armoured, for everyone.
///
/// Implements the Bintray REST API, "Get GPG Public Key".
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] for a subject without keys;
/// [`crate::ErrorKind::Unauthenticated`] for anonymous callers where there is no such subject.
pub async fn show_public(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<String> {
    let subject = of.require(packhouse, caller).await?;
    Ok(find(packhouse, &subject).await?.public_key)
}

async fn find(packhouse: &Packhouse, subject: &Subject) -> Result<GpgKeys> {
    let record = packhouse.read_all(&[GpgKeys::key_of(&subject.name)]).await?.pop().flatten();
    let keys: Option<GpgKeys> = record.map(|record| decode(&record)).transpose()?;
    let keys = keys.filter(|keys| keys.subject_id == subject.id);
    keys.ok_or_else(|| Error::not_found(Noun::GpgKeys, &subject.name))
}

/// Removes the keys of a subject, the private one too.
///
/// # Errors
/// As [`show`].
pub async fn remove(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<()> {
    check(packhouse, caller, of).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            let keys = held(&work, subject).await?;
            let keys = keys.ok_or_else(|| Error::not_found(Noun::GpgKeys, &subject.name))?;
            work.delete(&permit, keys.key());
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SetClock;
    use crate::model::SubjectId;
    use crate::model::subjects::SubjectKind;
    use crate::names::SubjectName;
    use crate::usecases::users::{self, UserChange};
    use crate::{Limits, Ports};

    #[test]
    fn a_sealed_key_comes_back_for_its_own_subject_alone() {
        let packhouse = Packhouse::new(Ports::in_memory(&SetClock::new()), Limits::default());
        let work = Work::new(&packhouse);
        let name = SubjectName::parse("anna").unwrap();
        let change = UserChange::default();
        let anna = users::new_subject(&work, name, SubjectKind::User, &change);
        let other = Subject { id: SubjectId::from_bytes([9; 16]), ..anna.clone() };
        let key = PrivateKey { armored: Secret::new("the private key"), protected: true };
        let held = sealed(&packhouse, &anna, &key);
        assert!(held.protected && !format!("{held:?}").contains("the private key"));
        let opened = |subject: &Subject| {
            let of = subject.id.to_string();
            crypto::unseal(packhouse.secret(), PRIVATE_KEY, of.as_bytes(), &held.sealed)
        };
        assert_eq!(opened(&anna).as_deref(), Some(&b"the private key"[..]));
        assert_eq!(opened(&other), None);
        // A twin would tell that two subjects gave the same key.
        assert_ne!(sealed(&packhouse, &anna, &key).sealed, held.sealed);
    }
}
