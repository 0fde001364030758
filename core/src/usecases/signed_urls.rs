//! Signed URLs: addresses that let whoever has them download one file for a time.
//!
//! A URL carries all that it allows, under a signature with its subject's key; nothing is stored.
//! A new key makes every URL of a subject worthless. Who signed it, and what a publisher wants to
//! be told when it is used, travels in it, sealed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub use super::callbacks::{Callback, note_use};
use super::signers::{Needs, Signer};
use crate::access::{Caller, FilePlace, Origin, Permit, Secret, SignedGrant, act};
use crate::blobs::{BlobReader, ByteRange};
use crate::crypto::{self, Encryption};
use crate::engine::Packhouse;
use crate::model::grants::{Action, Grant, Scope};
use crate::model::repositories::Repository;
use crate::model::subjects::{Plan, Subject};
use crate::model::url_keys::UrlKey;
use crate::model::{Form, RepositoryId, SubjectId};
use crate::names::{FileLocation, FilePath, SubjectName};
use crate::work::decode;
use crate::{Error, ErrorKind, Result, Timestamp, downloads, hex};

/// What a URL is to allow, and what its use causes.
#[derive(Clone, Debug, Default)]
pub struct NewSignedUrl {
    /// When it ends; in a day if `None`.
    pub end: Option<End>,
    /// What to call when it is used.
    pub callback: Option<Callback>,
    /// Encrypt what is downloaded.
    pub encrypt: bool,
    /// What to encrypt it with; made at random if `None`.
    pub secret: Option<Secret>,
}

/// When a URL ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At this instant.
    At(Timestamp),
    /// So long after it was signed.
    After(Duration),
}

/// What makes an address a signed one: its parameters.
#[derive(Clone, Debug)]
pub struct SignedUrl {
    /// The file.
    pub location: FileLocation,
    /// When it ends, in milliseconds since 1970: the parameter `expiry`.
    pub expiry: String,
    /// The parameter `id`: what is sealed in the address.
    pub id: String,
    /// The parameter `signature`.
    pub signature: String,
    /// What a download is encrypted with, if it is: shown this once.
    pub secret: Option<Secret>,
}

/// A signed URL that was shown and holds.
#[derive(Debug)]
pub struct Shown {
    /// Whoever showed it.
    pub caller: Caller,
    /// What the download is to be encrypted with.
    pub secret: Option<Secret>,
    /// Whom to tell of its use.
    pub callback: Option<Callback>,
}

/// What the sealed part of a URL holds.
#[derive(Serialize, Deserialize)]
struct Inside {
    signer: Signer,
    callback: Option<Callback>,
    secret: Option<String>,
}

/// For how long a URL holds if nothing is said.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// For how long one does that stands for a dynamic download.
const DYNAMIC: Duration = Duration::from_secs(15);
const SIGNING: &str = "signed-url";
const SEALING: &str = "signed-url-inside";

/// Whether the caller may sign URLs of a file: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] also for repositories of the oss plan.
pub async fn check_new(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<()> {
    let permit = packhouse.permit::<act::Publish, _>(caller, location).await?;
    check_plan(permit.place())
}

/// Signs a URL of a file. The caller must be able to publish the file.
///
/// Implements the Bintray REST API, "URL Signing".
///
/// # Errors
/// [`ErrorKind::Forbidden`] also for repositories of the oss plan; [`ErrorKind::Invalid`] for an
/// end that has passed or is too far away, and for a callback that cannot be made.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
    new: &NewSignedUrl,
) -> Result<SignedUrl> {
    let permit = packhouse.permit::<act::Publish, _>(caller, location).await?;
    check_plan(permit.place())?;
    check(packhouse, new)?;
    let most = packhouse.limits().max_signed_url;
    let unsaid = || End::After(most.map_or(A_DAY, |most| most.min(A_DAY)));
    let end = match new.end.unwrap_or_else(unsaid) {
        End::At(end) => end,
        End::After(time) => packhouse.now().after(time),
    };
    check_end(packhouse, end)?;
    let random = || Secret::new(hex::encode(&packhouse.random_bytes::<20>()));
    let secret = new.encrypt.then(|| new.secret.clone().unwrap_or_else(random));
    let signer = Signer::new(caller, Needs::Publish);
    let inside = Inside { signer, callback: new.callback.clone(), secret: None };
    sign(packhouse, permit.place(), end, inside, secret).await
}

fn check_end(packhouse: &Packhouse, end: Timestamp) -> Result<()> {
    let now = packhouse.now();
    if end <= now {
        return Err(Error::invalid("the expiry has passed: give a time to come"));
    }
    match packhouse.limits().max_signed_url {
        Some(most) if end > now.after(most) => Err(Error::invalid(format!(
            "the expiry is too far away: URLs of this server hold for {} seconds at the most",
            most.as_secs()
        ))),
        _ => Ok(()),
    }
}

/// Signs a URL of a file that the caller may download, which holds for 15 seconds.
///
/// # Errors
/// As [`downloads::find`]; [`ErrorKind::Forbidden`] for repositories of the oss plan.
pub async fn create_dynamic(
    packhouse: &Packhouse,
    permit: &Permit<act::Read, FilePlace>,
) -> Result<SignedUrl> {
    check_plan(permit.place())?;
    let signer = Signer::new(permit.caller(), Needs::Read);
    let inside = Inside { signer, callback: None, secret: None };
    sign(packhouse, permit.place(), packhouse.now().after(DYNAMIC), inside, None).await
}

fn check_plan(place: &FilePlace) -> Result<()> {
    if place.subject.plan == Plan::Oss {
        let path = place.repo.path();
        let message = format!("Repository '/{path}' must be premium");
        return Err(Error::new(ErrorKind::Forbidden, message));
    }
    Ok(())
}

fn check(packhouse: &Packhouse, new: &NewSignedUrl) -> Result<()> {
    if let Some(callback) = &new.callback {
        callback.check(packhouse)?;
    }
    if let Some(secret) = &new.secret {
        let visible = secret.expose().iter().all(u8::is_ascii_graphic);
        if !visible || !(1..=256).contains(&secret.expose().len()) {
            return Err(Error::invalid(
                "the secret must have 1 to 256 ASCII characters without spaces",
            ));
        }
    }
    Ok(())
}

async fn sign(
    packhouse: &Packhouse,
    place: &FilePlace,
    expiry: Timestamp,
    inside: Inside,
    secret: Option<Secret>,
) -> Result<SignedUrl> {
    let text = secret.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into());
    let inside = serde_json::to_vec(&Inside { secret: text, ..inside }).expect("plain texts");
    let id = crypto::seal(packhouse.secret(), SEALING, b"", packhouse.random_bytes(), &inside);
    let expiry = expiry.as_millis().to_string();
    let FilePlace { subject, repo, file, .. } = place;
    let generation = generation(packhouse, subject).await?;
    let claim = Claim { repository: repo.id, path: &file.path, expiry: &expiry, id: &id };
    let signature = STANDARD.encode(claim.signature(packhouse, subject.id, &generation).expose());
    Ok(SignedUrl { location: file.location(), expiry, id, signature, secret })
}

/// What a signature is of.
struct Claim<'a> {
    repository: RepositoryId,
    path: &'a FilePath,
    expiry: &'a str,
    id: &'a str,
}

impl Claim<'_> {
    fn signature(&self, packhouse: &Packhouse, subject: SubjectId, generation: &str) -> Secret {
        let of = format!("{subject}{generation}");
        let repository = self.repository.to_string();
        let fields = [&repository, self.path.as_str(), self.expiry, self.id].map(str::as_bytes);
        crypto::signature(packhouse.secret(), SIGNING, of.as_bytes(), &fields)
    }
}

async fn generation(packhouse: &Packhouse, subject: &Subject) -> Result<String> {
    let record = packhouse.read_all(&[UrlKey::key_of(&subject.name)]).await?.pop().flatten();
    let key: Option<UrlKey> = record.map(|record| decode(&record)).transpose()?;
    let key = key.filter(|key| key.subject_id == subject.id);
    Ok(key.map(|key| key.generation).unwrap_or_default())
}

/// Checks a signed URL that a client shows, and that whoever signed it may still do so.
///
/// # Errors
/// [`ErrorKind::Forbidden`], with the same words whatever is wrong with it.
pub async fn check_shown(
    packhouse: &Packhouse,
    shown: &SignedUrl,
    origin: Origin,
) -> Result<Shown> {
    let SignedUrl { location, expiry, id, signature, .. } = shown;
    let keys = [Subject::key_of(&location.repo.subject), Repository::key_of(&location.repo)];
    let mut records = packhouse.read_all(&keys).await?.into_iter().flatten();
    let (Some(subject), Some(repo)) = (records.next(), records.next()) else {
        return Err(refused());
    };
    let (subject, repo): (Subject, Repository) = (decode(&subject)?, decode(&repo)?);
    let generation = generation(packhouse, &subject).await?;
    let claim = Claim { repository: repo.id, path: &location.path, expiry, id };
    let expected = claim.signature(packhouse, subject.id, &generation);
    let given = STANDARD.decode(signature).unwrap_or_default();
    let end = expiry.parse().ok().map(Timestamp::from_millis);
    let in_time = end.is_some_and(|end| packhouse.now() < end);
    if !expected.is(&given) || !in_time || repo.owner != subject.id {
        return Err(refused());
    }
    let Inside { signer, callback, secret } = inside(packhouse, id).ok_or_else(refused)?;
    if !signer.may_still(packhouse, location).await? {
        return Err(refused());
    }
    let grant = Grant {
        id: "signed-url".to_owned(),
        actions: vec![Action::Read],
        scope: Scope::Path(location.path.clone()),
        // A download that began in time goes on to its end.
        not_after: None,
    };
    let callback_id = callback.as_ref().map(|callback| callback.id.clone());
    let signed = SignedGrant { repository: repo.id, grant, callback_id };
    let caller = Caller::of_signed_url(signed, origin);
    Ok(Shown { caller, secret: secret.map(Secret::new), callback })
}

fn inside(packhouse: &Packhouse, id: &str) -> Option<Inside> {
    serde_json::from_slice(&crypto::unseal(packhouse.secret(), SEALING, b"", id)?).ok()
}

fn refused() -> Error {
    Error::new(ErrorKind::Forbidden, "The signature of this URL does not hold, or it has expired")
}

/// Opens a whole file, encrypted. The documentation has the command that decrypts it.
///
/// # Errors
/// As [`downloads::open`]; [`ErrorKind::Unavailable`] where too many are begun at once.
pub async fn open_encrypted(
    packhouse: &Packhouse,
    permit: &Permit<act::Read, FilePlace>,
    secret: &Secret,
) -> Result<BlobReader> {
    let (secret, salt) = (secret.clone(), packhouse.random_bytes());
    let encryption = packhouse.compute(move || Encryption::new(&secret, salt)).await?;
    let reader = downloads::open(packhouse, permit, ByteRange { start: 0, end: None }).await?;
    Ok(encryption.apply(reader))
}

/// How long an encrypted file is.
#[must_use]
pub const fn encrypted_length(size: u64) -> u64 {
    Encryption::length_of(size)
}

/// Gives a subject a new key: every URL that it signed is worthless from now on.
///
/// Implements the Bintray REST API, "Regenerate Subject URL signing key".
///
/// # Errors
/// [`ErrorKind::Invalid`] for subjects of the oss plan.
pub async fn renew_key(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, name, |permit, work| async move {
            let subject = &permit.place().subject;
            if subject.plan == Plan::Oss {
                return Err(Error::invalid(format!(
                    "This action is not allowed for none-premium subject {}",
                    subject.name
                )));
            }
            let key = UrlKey {
                form: Form,
                subject: subject.name.clone(),
                subject_id: subject.id,
                generation: hex::encode(&work.random_bytes()),
                created: work.now(),
            };
            work.put(&permit, &key);
            Ok(())
        })
        .await
}
