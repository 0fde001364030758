//! Any text is refused with a reason or a key that is read as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packhouse_core::Timestamp;
use packhouse_core::access::Secret;
use packhouse_core::openpgp::{KeyError, OpenPgp, PublicKey};
use packhouse_openpgp::Rpgp;
use packhouse_openpgp::armor::{Half, encode};

fn read(armored: &str) -> Result<PublicKey, KeyError> {
    Rpgp.read_public(armored, Timestamp::from_millis(1_767_225_600_000))
}

fn check(armored: &str) -> Option<PublicKey> {
    match read(armored) {
        Ok(key) => {
            assert!(!key.signers.is_empty() && !key.facts.user_ids.is_empty());
            assert_eq!(read(&key.armored).as_ref(), Ok(&key));
            Some(key)
        }
        Err(KeyError(why)) => {
            assert!(!why.is_empty() && why.chars().count() < 300, "{why}");
            None
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
    // The length of a public key, that key, and the private one.
    let (public, private) = match bytes.split_first_chunk() {
        Some((length, keys)) => {
            keys.split_at(keys.len().min(usize::from(u16::from_be_bytes(*length))))
        }
        None => (bytes, bytes),
    };
    if let Some(key) = check(&encode(public, Half::Public)) {
        let private = Secret::new(encode(private, Half::Private));
        if let Err(KeyError(why)) = Rpgp.read_private(&private, &key) {
            assert!(!why.is_empty() && why.chars().count() < 300, "{why}");
        }
    }
});
