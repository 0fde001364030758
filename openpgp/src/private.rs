//! Private keys: of which public key one is, and whether a passphrase protects it.
//!
//! The private part of a packet stands after the same bytes that the packet of its public key has.
//! Nothing else of it is looked at: it is not decrypted, and given to nobody.

use packhouse_core::access::Secret;
use packhouse_core::openpgp::{KeyError, PrivateKey, PublicKey};
use pgp::types::KeyDetails;

use crate::armor::{self, Half};
use crate::certificate::Certificate;
use crate::packets::{self, Packet};
use crate::public::fingerprint;
use crate::{damaged, refused};

/// What stands after the public part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Plain,
    Protected,
    /// The key is elsewhere: on a card, or kept offline.
    Elsewhere,
}

/// Reads the private key of a public one.
pub(crate) fn read(armored: &[u8], public: &PublicKey) -> Result<PrivateKey, KeyError> {
    let text = std::str::from_utf8(armored).map_err(|_| damaged())?;
    let bytes = armor::decode(text, Half::Private)?;
    let private = private_packets(&bytes)?;
    let public_bytes = armor::decode(&public.armored, Half::Public)?;
    let certificate = Certificate::read(&public_bytes)?;
    if !private[0].body.starts_with(certificate.bodies[0]) {
        return refused("is the key of another public key than the one in public_key");
    }
    let subkeys = certificate.subkeys.iter().map(|(subkey, _)| subkey as &dyn KeyDetails);
    let fingerprints = std::iter::once(&certificate.key as &dyn KeyDetails).chain(subkeys);
    let known: Vec<_> = certificate.bodies.iter().zip(fingerprints.map(fingerprint)).collect();
    let (mut signs, mut protected) = (false, true);
    for packet in &private {
        let Some((body, of)) = known.iter().find(|(body, _)| packet.body.starts_with(body)) else {
            return refused("has a subkey that public_key has not: export both again");
        };
        let part = part(&packet.body[body.len()..])?;
        signs |= part != Part::Elsewhere && public.signers.contains(of);
        // One in the clear that may not sign could make another that may.
        protected &= part != Part::Plain;
    }
    if !signs {
        return refused("has no private part of a key that may sign: export it where that is kept");
    }
    Ok(PrivateKey { armored: Secret::new(armor::encode(&bytes, Half::Private)), protected })
}

/// The packets with private parts: a key and its subkeys.
fn private_packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, KeyError> {
    let packets = packets::split(bytes)?;
    let is_known = |packet: &Packet<'_>| packet.is_private() || packet.is_beside_a_key();
    if packets.iter().any(Packet::is_public) {
        return Half::Private.mistaken();
    }
    if !packets.iter().all(is_known) {
        return Err(damaged());
    }
    let keys = packets.iter().filter(|packet| packet.tag == packets::PRIVATE_KEY).count();
    match packets.first().map(|packet| packet.tag) {
        Some(packets::PRIVATE_KEY) if keys == 1 => {}
        Some(packets::PRIVATE_KEY) => {
            return refused(
                "holds more than one key: name one to gpg --armor --export-secret-keys",
            );
        }
        _ => return refused(format!("holds no private key: {}", Half::Private.wanted())),
    }
    Ok(packets.into_iter().filter(Packet::is_private).collect())
}

/// What stands after the public part. RFC 9580, section 5.5.3.
fn part(bytes: &[u8]) -> Result<Part, KeyError> {
    let (usage, rest) = bytes.split_first().ok_or_else(damaged)?;
    match usage {
        0 => {
            let (numbers, checksum) = rest.split_last_chunk().ok_or_else(damaged)?;
            let sum = numbers.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
            if numbers.is_empty() || sum != u16::from_be_bytes(*checksum) {
                return Err(damaged());
            }
            Ok(Part::Plain)
        }
        // The cipher, then how the passphrase is made its key: in gpg's own way, that there is none.
        254 | 255 if rest.get(1) == Some(&101) => Ok(Part::Elsewhere),
        253..=255 if rest.len() > 20 => Ok(Part::Protected),
        253..=255 => Err(damaged()),
        _ => refused("is protected in an obsolete way: export it again with a current gpg"),
    }
}
