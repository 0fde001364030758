//! Private keys.

use packhouse_core::openpgp::MAX_ARMOR;

use packhouse_openpgp::armor::{Half, decode, encode};

use crate::{read, read_private, refused, text};

fn pair(public: &str, private: &str) -> Result<(bool, String), packhouse_core::openpgp::KeyError> {
    let public = read(&text(&format!("{public}.pub"))).unwrap();
    let key = read_private(&text(&format!("{private}.key")), &public)?;
    Ok((key.protected, String::from_utf8(key.armored.expose().to_vec()).unwrap()))
}

#[test]
fn a_private_key_is_taken_with_its_public_one() {
    for name in ["ed25519", "rsa2048", "rsa3072", "nistp256", "nistp384", "nistp521", "offline"] {
        assert_eq!(pair(name, name), Ok((false, text(&format!("{name}.key")))), "{name}");
    }
    assert_eq!(pair("protected", "protected"), Ok((true, text("protected.key"))));
    // The primary key is elsewhere, the subkey that signs is here.
    assert_eq!(pair("offline", "offline.subkeys"), Ok((false, text("offline.subkeys.key"))));
}

#[test]
fn one_that_cannot_sign_for_its_public_key_is_refused() {
    let other = "is the key of another public key than the one in public_key";
    assert_eq!(pair("ed25519", "protected"), Err(refused(other)));
    assert_eq!(pair("protected", "ed25519"), Err(refused(other)));
    let two = "holds more than one key: name one to gpg --armor --export-secret-keys";
    assert_eq!(pair("ed25519", "two-keys"), Err(refused(two)));
    // Of the primary key, which alone signs, only a stub is there.
    let public = read(&text("ed25519.pub")).unwrap();
    let silent = packhouse_core::openpgp::PublicKey { signers: Vec::new(), ..public.clone() };
    let none = "has no private part of a key that may sign: export it where that is kept";
    assert_eq!(read_private(&text("ed25519.key"), &silent).unwrap_err(), refused(none));
    let public = read(&text("offline.pub")).unwrap();
    let primary = vec![public.facts.fingerprint.clone()];
    let public = packhouse_core::openpgp::PublicKey { signers: primary, ..public };
    assert_eq!(read_private(&text("offline.subkeys.key"), &public).unwrap_err(), refused(none));
    read_private(&text("offline.key"), &public).unwrap();
}

/// The key in the clear could make itself another subkey that signs.
#[test]
fn a_passphrase_on_a_subkey_alone_protects_nothing() {
    let public = read(&text("offline.pub")).unwrap();
    let public_bytes = decode(&text("offline.pub"), Half::Public).unwrap();
    let mut bytes = decode(&text("offline.key"), Half::Private).unwrap();
    let subkey = public_bytes.windows(2).position(|header| header == [0xB8, 51]).unwrap() + 2;
    let subkey = &public_bytes[subkey..subkey + 51];
    let private_part = bytes.windows(51).position(|at| at == subkey).unwrap() + 51;
    assert_eq!(bytes[private_part], 0, "in the clear");
    bytes[private_part] = 254;
    assert!(!read_private(&encode(&bytes, Half::Private), &public).unwrap().protected);
}

#[test]
fn what_is_no_private_key_is_told_apart() {
    let public = read(&text("ed25519.pub")).unwrap();
    let none = "is no armoured key: give what gpg --armor --export-secret-keys writes";
    let mistaken = "holds a public key: give what gpg --armor --export-secret-keys writes";
    let disguised = text("ed25519.pub").replace("PUBLIC", "PRIVATE");
    for (given, why) in [
        (String::new(), none),
        (text("ed25519.pub"), mistaken),
        (disguised, mistaken),
        (text("ed25519.key") + &" ".repeat(MAX_ARMOR), "has more than 65536 bytes"),
    ] {
        assert_eq!(read_private(&given, &public).unwrap_err(), refused(why));
    }
}

#[test]
fn no_error_and_no_print_shows_any_of_it() {
    let (public, armored) = (read(&text("ed25519.pub")).unwrap(), text("ed25519.key"));
    let lines: Vec<_> = armored.lines().filter(|line| line.len() > 20).skip(1).collect();
    let shows = |said: &str| lines.iter().any(|line| said.contains(line));
    assert!(shows(&armored));
    let key = read_private(&armored, &public).unwrap();
    assert!(!shows(&format!("{key:?}")), "{key:?}");
    for cut in 0..armored.len() {
        if let Err(error) = read_private(&armored[..cut], &public) {
            assert!(!shows(&format!("{error:?} {error}")), "{error:?}");
        }
    }
}
