//! Keys made by `gpg` (`tests/keys/make.sh`), whole, damaged and mistaken for others.

#![allow(clippy::unwrap_used)]

#[path = "openpgp/hostile.rs"]
mod hostile;
#[path = "openpgp/private.rs"]
mod private;
#[path = "openpgp/public.rs"]
mod public;

use packhouse_core::Timestamp;
use packhouse_core::access::Secret;
use packhouse_core::openpgp::{KeyError, OpenPgp, PrivateKey, PublicKey};
use packhouse_openpgp::Rpgp;

/// The text of a key.
fn text(name: &str) -> String {
    let path = format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn at(date: &str) -> Timestamp {
    Timestamp::parse(date).unwrap()
}

fn read(armored: &str) -> Result<PublicKey, KeyError> {
    Rpgp.read_public(armored, at("2026-01-01"))
}

fn read_private(armored: &str, public: &PublicKey) -> Result<PrivateKey, KeyError> {
    Rpgp.read_private(&Secret::new(armored), public)
}

fn refused(why: &str) -> KeyError {
    KeyError(why.to_owned())
}
