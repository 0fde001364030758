//! Public keys: whether one is fit to be published, and what it says of itself.

use packhouse_core::Timestamp;
use packhouse_core::openpgp::{KeyError, KeyFacts, PublicKey};
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

use crate::armor::{self, Half};
use crate::certificate::{Certificate, Signed};
use crate::signatures::{Court, ending, instant, may_sign};
use crate::{refused, strength};

/// What a key signed of itself.
struct Said<'a> {
    /// Of the key alone.
    direct: Option<&'a Signature>,
    /// Of its user ids, the newest.
    newest: &'a Signature,
    user_ids: Vec<String>,
}

/// Reads a public key.
pub(crate) fn read(armored: &str, now: Timestamp) -> Result<PublicKey, KeyError> {
    let bytes = armor::decode(armored, Half::Public)?;
    let certificate = Certificate::read(&bytes)?;
    let key = &certificate.key;
    let algorithm = strength::algorithm(key.public_params());
    let algorithm = algorithm.map_err(|why| KeyError(format!("{why}: make a new key with gpg")))?;
    // Who made it is not asked, and not verified: who gives a key with one means it.
    if certificate.signed.has(SignatureType::KeyRevocation) {
        return refused("is revoked: give a key that is in force");
    }
    let court = Court::new(key, now);
    if court.is_early(Some(key.created_at())) {
        let made = instant(key.created_at());
        return refused(format!(
            "was made at {made}, which is in the future: set the clock, and make a new key"
        ));
    }
    let said = said(&certificate, &court)?;
    let expiry = |signature: &Signature| signature.key_expiration_time();
    let lasts = said.direct.and_then(expiry).or_else(|| expiry(said.newest));
    let expires = ending(Some(key.created_at()), lasts);
    if let Some(end) = expires.filter(|end| *end <= now) {
        return refused(format!(
            "expired at {end}: put it off with gpg --quick-set-expire, and export it again"
        ));
    }
    let signers = signers(&certificate, &court, &said)?;
    if signers.is_empty() {
        return refused(
            "may not sign now: add a subkey with gpg --quick-add-key, and export it again",
        );
    }
    let fingerprint = fingerprint(key);
    let facts = KeyFacts {
        key_id: fingerprint[fingerprint.len() - 16..].to_owned(),
        fingerprint,
        user_ids: said.user_ids,
        created: instant(key.created_at()),
        expires,
        algorithm,
    };
    Ok(PublicKey { armored: armor::encode(&bytes, Half::Public), facts, signers })
}

pub(crate) fn fingerprint(key: &dyn KeyDetails) -> String {
    format!("{:X}", key.fingerprint())
}

type KeyCourt<'a> = Court<'a, pgp::packet::PublicKey>;

/// What the key signed of itself, and of which user ids.
fn said<'a>(certificate: &'a Certificate<'_>, court: &KeyCourt<'_>) -> Result<Said<'a>, KeyError> {
    let key = &certificate.key;
    let of_key = &certificate.signed.signatures;
    let direct = court.newest(of_key, |signature| signature.verify_key(key).is_ok())?;
    let (mut newest, mut user_ids) = (None::<&Signature>, Vec::new());
    for (user_id, signed) in &certificate.user_ids {
        let verify = |signature: &Signature| {
            signature.typ() != Some(SignatureType::CertRevocation)
                && signature.verify_certification(key, Tag::UserId, user_id).is_ok()
        };
        let Some(binding) = court.newest(&signed.signatures, verify)? else { continue };
        if is_revoked_since(court, signed, binding) {
            continue;
        }
        user_ids.push(String::from_utf8_lossy(user_id.id()).into_owned());
        if newest.is_none_or(|newest| newest.created() < binding.created()) {
            newest = Some(binding);
        }
    }
    match newest {
        Some(newest) => Ok(Said { direct, newest, user_ids }),
        None if court.passed_over_weak_ones() => refused(
            "is signed by itself with MD5 or SHA-1 alone: sign it anew with gpg --cert-digest-algo \
             SHA512 --quick-set-expire",
        ),
        None => refused("has no user id that it signed: export it whole, with gpg"),
    }
}

/// Whether a user id was revoked after it was signed last. A revocation that cannot be read counts.
fn is_revoked_since(court: &KeyCourt<'_>, signed: &Signed, binding: &Signature) -> bool {
    let revoked = u8::from(SignatureType::CertRevocation);
    let all = signed.types.iter().filter(|kind| **kind == revoked).count();
    let mut read: Vec<_> = signed.signatures.iter().collect();
    read.retain(|signature| signature.typ() == Some(SignatureType::CertRevocation));
    let since = |signature: &&Signature| {
        court.is_own(signature) && signature.created() >= binding.created()
    };
    read.len() < all || read.iter().any(since)
}

/// The fingerprints of what may sign.
fn signers(
    certificate: &Certificate<'_>,
    court: &KeyCourt<'_>,
    said: &Said<'_>,
) -> Result<Vec<String>, KeyError> {
    let key = &certificate.key;
    let mut signers = Vec::new();
    // Without a word about it everything may. One that names who may revoke says nothing of it.
    let may = said.direct.and_then(may_sign).or_else(|| may_sign(said.newest));
    if may.unwrap_or(true) {
        signers.push(fingerprint(key));
    }
    for (subkey, signed) in &certificate.subkeys {
        let good = strength::algorithm(subkey.public_params()).is_ok();
        if !good || signed.has(SignatureType::SubkeyRevocation) {
            continue;
        }
        let verify = |signature: &Signature| signature.verify_subkey_binding(key, subkey).is_ok();
        let Some(binding) = court.newest(&signed.signatures, verify)? else { continue };
        let end = ending(Some(subkey.created_at()), binding.key_expiration_time());
        if !may_sign(binding).unwrap_or(true) || end.is_some_and(|end| end <= court.now) {
            continue;
        }
        // That the subkey agrees: else anybody could call another's subkey their own.
        let Some(back) = binding.embedded_signature() else { continue };
        if court.holds(back, || back.verify_primary_key_binding(subkey, key).is_ok())? {
            signers.push(fingerprint(subkey));
        }
    }
    Ok(signers)
}
