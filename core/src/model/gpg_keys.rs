//! The OpenPGP keys that a subject's files are signed with.

use serde::{Deserialize, Serialize};

use super::{Form, Stored, SubjectId};
use crate::names::SubjectName;
use crate::openpgp::KeyFacts;
use crate::store::{Key, Kind};

/// The key pair of a subject, or its public half.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GpgKeys {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// The public key, armoured.
    pub public_key: String,
    /// What the public key says of itself.
    pub facts: KeyFacts,
    /// The private key, if the subject gave it.
    pub private_key: Option<SealedPrivateKey>,
}

/// A private key, which nobody reads without the installation's secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SealedPrivateKey {
    /// The armoured key, sealed.
    pub sealed: String,
    /// Whether one needs a passphrase to sign with it.
    pub protected: bool,
}

impl GpgKeys {
    /// Where the keys of a subject lie.
    #[must_use]
    pub fn key_of(subject: &SubjectName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for GpgKeys {
    const KIND: Kind = Kind::new("gpg_keys");

    fn key(&self) -> Key {
        Self::key_of(&self.subject)
    }
}
