//! OpenPGP keys, for `packhouse_core::openpgp`, read with rPGP.
//!
//! A key is refused where a careful client would not trust it, and what is refused says how to make
//! it better. Only public keys are given to rPGP: of a private key no more is looked at than to which
//! public key it belongs and whether a passphrase protects it.
//!
//! ```no_run
//! use packhouse_core::Timestamp;
//! use packhouse_core::openpgp::OpenPgp;
//! use packhouse_openpgp::Rpgp;
//!
//! let text = std::fs::read_to_string("public.key").unwrap();
//! let key = Rpgp.read_public(&text, Timestamp::parse("2026-01-31").unwrap())?;
//! println!("{}", key.facts.fingerprint);
//! # Ok::<(), packhouse_core::openpgp::KeyError>(())
//! ```

#[doc(hidden)]
pub mod armor;
mod certificate;
mod packets;
mod private;
mod public;
mod signatures;
mod strength;

use packhouse_core::Timestamp;
use packhouse_core::access::Secret;
use packhouse_core::openpgp::{KeyError, MAX_ARMOR, OpenPgp, PrivateKey, PublicKey};

/// Reads keys of OpenPGP version 4, which are those that `gpg`, `apt` and `dnf` read.
///
/// Taken are RSA keys of 2048 bits and more, Ed25519 as `gpg` makes it, and ECDSA with the curves of
/// NIST, with user ids that they signed with SHA-2 or SHA-3.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rpgp;

impl OpenPgp for Rpgp {
    fn read_public(&self, armored: &str, now: Timestamp) -> Result<PublicKey, KeyError> {
        check_length(armored.len())?;
        public::read(armored, now)
    }

    fn read_private(&self, armored: &Secret, public: &PublicKey) -> Result<PrivateKey, KeyError> {
        check_length(armored.expose().len())?;
        private::read(armored.expose(), public)
    }
}

fn check_length(bytes: usize) -> Result<(), KeyError> {
    if bytes > MAX_ARMOR {
        return refused(format!("has more than {MAX_ARMOR} bytes"));
    }
    Ok(())
}

/// A key is not taken.
fn refused<T>(why: impl Into<String>) -> Result<T, KeyError> {
    Err(KeyError(why.into()))
}

/// The bytes are no key that any program wrote.
fn damaged() -> KeyError {
    KeyError("is damaged: give the whole text that gpg wrote".to_owned())
}
