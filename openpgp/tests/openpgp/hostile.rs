//! Keys that were cut, changed or made to take long.

use std::time::{Duration, Instant};

use packhouse_openpgp::armor::{Half, decode, encode};

use crate::{read, read_private, refused, text};

const GOOD: [&str; 5] = ["ed25519", "rsa2048", "nistp256", "offline", "protected"];

#[test]
fn of_a_key_that_was_cut_nothing_is_taken() {
    for name in GOOD {
        let armored = text(&format!("{name}.pub"));
        let end = armored.trim_end().len();
        for cut in 0..end {
            assert!(read(&armored[..cut]).is_err(), "{name} cut at {cut}");
        }
        let bytes = decode(&armored, Half::Public).unwrap();
        let whole = read(&armored).unwrap();
        for cut in 0..bytes.len() {
            // What is left where subkeys are cut off may be a key.
            if let Ok(key) = read(&encode(&bytes[..cut], Half::Public)) {
                assert_eq!(key.facts.fingerprint, whole.facts.fingerprint, "{name} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_changed_byte_gives_no_other_key() {
    for name in GOOD {
        let armored = text(&format!("{name}.pub"));
        let (bytes, whole) = (decode(&armored, Half::Public).unwrap(), read(&armored).unwrap());
        for place in 0..bytes.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut other = bytes.clone();
                other[place] ^= change;
                // What is not signed may change; what is signed is what is told.
                if let Ok(key) = read(&encode(&other, Half::Public)) {
                    assert_eq!(key.facts, whole.facts, "{name} at {place}");
                }
            }
        }
    }
}

#[test]
fn a_changed_private_key_breaks_nothing() {
    for name in GOOD {
        let public = read(&text(&format!("{name}.pub"))).unwrap();
        let bytes = decode(&text(&format!("{name}.key")), Half::Private).unwrap();
        let mut taken = 0;
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 0x5A;
            taken += usize::from(read_private(&encode(&other, Half::Private), &public).is_ok());
            let _ = read_private(&encode(&bytes[..place], Half::Private), &public);
        }
        // Signatures and encrypted parts are not looked at.
        assert!(taken < bytes.len(), "{name}");
    }
}

/// An unprotected private part has a sum: most that changes it is noticed.
#[test]
fn an_unprotected_part_that_changed_is_refused() {
    let public = read(&text("rsa2048.pub")).unwrap();
    let mut bytes = decode(&text("rsa2048.key"), Half::Private).unwrap();
    bytes[600] ^= 1;
    let changed = read_private(&encode(&bytes, Half::Private), &public).unwrap_err();
    assert_eq!(changed, refused("is damaged: give the whole text that gpg wrote"));
}

#[test]
fn what_stands_beside_the_key_does_not_make_reading_long() {
    let bytes = decode(&text("rsa3072.pub"), Half::Public).unwrap();
    // The last packet is the signature of the user id: its header has two octets of length.
    let user_id = bytes.windows(2).position(|at| at == [0xB4, 23]).unwrap();
    let signature = &bytes[user_id + 25..];
    let mut many = bytes.clone();
    while many.len() + signature.len() < 48_000 {
        many.extend_from_slice(signature);
    }
    let begin = Instant::now();
    assert!(read(&encode(&many, Half::Public)).is_ok(), "the newest holds: no other is looked at");
    // None of these holds, and each must be verified to see it.
    let mut broken = signature.to_vec();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let mut many = bytes[..user_id + 25].to_vec();
    while many.len() + broken.len() < 48_000 {
        many.extend_from_slice(&broken);
    }
    let why = "has too many signatures: export it with --export-options export-minimal";
    assert_eq!(read(&encode(&many, Half::Public)), Err(refused(why)));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// The subkey signs for the key only where both say that it belongs to the key, and nothing says that
/// it does no more.
#[test]
fn a_subkey_without_both_signatures_or_with_a_revocation_does_not_count() {
    let bytes = decode(&text("offline.pub"), Half::Public).unwrap();
    assert_eq!(read(&encode(&bytes, Half::Public)).unwrap().signers.len(), 1);
    let mut unbound = bytes.clone();
    *unbound.last_mut().unwrap() ^= 1;
    // What the subkey signed stands in what the key signed, where that does not cover it.
    let mut unwilling = bytes.clone();
    let back = bytes.windows(3).position(|at| at == [32, 4, 0x19]).unwrap();
    unwilling[back + 100] ^= 1;
    // A revocation that nobody can read.
    let revoked = [&bytes[..], &[0xC2, 4, 4, 0x28, 99, 99]].concat();
    let why = "may not sign now: add a subkey with gpg --quick-add-key, and export it again";
    for changed in [unbound, unwilling, revoked] {
        assert_eq!(read(&encode(&changed, Half::Public)), Err(refused(why)));
    }
}
