//! Which algorithms are good enough.

use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, PublicParams, RsaPublicParams};

/// The fewest bits of an RSA key.
const RSA_BITS: u16 = 2048;

/// What `gpg` calls an algorithm that keys may sign with; why not, for another.
pub(crate) fn algorithm(params: &PublicParams) -> Result<String, String> {
    match params {
        PublicParams::RSA(rsa) => match bits(rsa) {
            few @ ..RSA_BITS => Err(format!("is an RSA key of {few} bits, which is too weak")),
            bits => Ok(format!("rsa{bits}")),
        },
        PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) => {
            Ok("ed25519".to_owned())
        }
        PublicParams::ECDSA(EcdsaPublicParams::P256 { .. }) => Ok("nistp256".to_owned()),
        PublicParams::ECDSA(EcdsaPublicParams::P384 { .. }) => Ok("nistp384".to_owned()),
        PublicParams::ECDSA(EcdsaPublicParams::P521 { .. }) => Ok("nistp521".to_owned()),
        _ => Err("is of an algorithm that few clients read".to_owned()),
    }
}

/// The length of the modulus, which a key begins with.
fn bits(rsa: &RsaPublicParams) -> u16 {
    let written = rsa.to_bytes().unwrap_or_default();
    written.first_chunk().map_or(0, |length| u16::from_be_bytes(*length))
}

/// Whether nobody can make two texts with one such hash.
pub(crate) const fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha224
            | HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}
