//! The port that reads OpenPGP keys.
//!
//! Core knows no format of keys: what a key says of itself, and whether it is fit to be published,
//! is the reader's to find out.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;
use crate::access::Secret;

/// The longest armoured key, in bytes. A key that many have certified is longer: `gpg` exports it
/// without that.
pub const MAX_ARMOR: usize = 64 * 1024;

/// Reads OpenPGP keys in their armoured form. It is asked on a thread that may compute for long, and
/// must bound how long that is: the text is anybody's.
pub trait OpenPgp: fmt::Debug + Send + Sync {
    /// Reads a public key that files are to be verified with from now on.
    ///
    /// # Errors
    /// [`KeyError`] for what is not one whole public key, for one with private parts, and for one that
    /// a careful client would not trust at this instant: it is revoked or expired, too weak, not
    /// signed by itself, or may not sign.
    fn read_public(&self, armored: &str, now: Timestamp) -> Result<PublicKey, KeyError>;

    /// Reads the private key of a public one that was read.
    ///
    /// # Errors
    /// [`KeyError`] for what is not one whole private key, for that of another public key, and for one
    /// without the private part of any of [`PublicKey::signers`].
    fn read_private(&self, armored: &Secret, public: &PublicKey) -> Result<PrivateKey, KeyError>;
}

/// A public key that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    /// The key and nothing else, armoured.
    pub armored: String,
    /// What it says of itself.
    pub facts: KeyFacts,
    /// The fingerprints of those of its keys, itself or subkeys, that may sign now.
    pub signers: Vec<String>,
}

/// What a key says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyFacts {
    /// In upper-case hexadecimal.
    pub fingerprint: String,
    /// The last 16 digits of the fingerprint.
    pub key_id: String,
    /// Whose key it is: those of its user ids that it signed and did not revoke, in its own order.
    pub user_ids: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; never if `None`.
    pub expires: Option<Timestamp>,
    /// Its algorithm, as `gpg` calls it: `rsa3072`, `ed25519`, `nistp256`.
    pub algorithm: String,
}

/// A private key that was read.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    /// The key and nothing else, armoured.
    pub armored: Secret,
    /// Whether a passphrase protects every part of it that is there.
    pub protected: bool,
}

/// Why a key is not taken. It follows the name of the field that held the key, and says what to
/// change. It never holds any of the key.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub struct KeyError(pub String);

/// Reads no keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOpenPgp;

impl OpenPgp for NoOpenPgp {
    fn read_public(&self, _armored: &str, _now: Timestamp) -> Result<PublicKey, KeyError> {
        Err(nothing_is_read())
    }

    fn read_private(&self, _armored: &Secret, _public: &PublicKey) -> Result<PrivateKey, KeyError> {
        Err(nothing_is_read())
    }
}

fn nothing_is_read() -> KeyError {
    KeyError("cannot be read: this installation has no reader of OpenPGP keys".to_owned())
}
