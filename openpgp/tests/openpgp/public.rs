//! Public keys.

use packhouse_core::openpgp::MAX_ARMOR;

use crate::{at, read, refused, text};
use packhouse_core::openpgp::OpenPgp;
use packhouse_openpgp::Rpgp;
use packhouse_openpgp::armor::{Half, decode, encode};

/// What `gpg` itself says of a key.
fn colons(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/keys/{name}.pub", env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let shown = std::process::Command::new("gpg")
        .args(["--batch", "--with-colons", "--with-fingerprint", "--with-fingerprint"])
        .args(["--show-keys", &path])
        .env("GNUPGHOME", home.path())
        .output()
        .unwrap();
    let lines = String::from_utf8(shown.stdout).unwrap();
    lines.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

#[test]
fn a_key_says_what_gpg_says_of_it() {
    for name in [
        "ed25519",
        "rsa2048",
        "rsa3072",
        "nistp256",
        "nistp384",
        "nistp521",
        "protected",
        "offline",
    ] {
        let key = read(&text(&format!("{name}.pub"))).unwrap();
        let said = colons(name);
        let field = |record: &str, field: usize| {
            let found = said.iter().filter(|fields| fields[0] == record);
            found.map(|fields| fields[field].clone()).collect::<Vec<_>>()
        };
        let seconds = |text: &String| text.parse::<i64>().ok().map(|seconds| seconds * 1_000);
        assert_eq!(key.facts.fingerprint, field("fpr", 9)[0], "{name}");
        assert_eq!(key.facts.key_id, field("pub", 4)[0], "{name}");
        assert_eq!(key.facts.user_ids, field("uid", 9), "{name}");
        let created = Some(key.facts.created.as_millis());
        assert_eq!(created, seconds(&field("pub", 5)[0]), "{name}");
        let expires = key.facts.expires.map(packhouse_core::Timestamp::as_millis);
        assert_eq!(expires, seconds(&field("pub", 6)[0]), "{name}");
        let algorithm = match name {
            "protected" | "offline" => "ed25519",
            other => other,
        };
        assert_eq!(key.facts.algorithm, algorithm);
        let signer = if name == "offline" { 1 } else { 0 };
        assert_eq!(key.signers, [field("fpr", 9)[signer].clone()], "{name}");
    }
}

#[test]
fn a_user_id_that_was_revoked_is_not_told() {
    let key = read(&text("two-users.pub")).unwrap();
    assert_eq!(key.facts.user_ids, ["New <new@example.com>"]);
}

#[test]
fn what_a_careful_client_would_not_trust_is_refused() {
    let weak_hash = "is signed by itself with MD5 or SHA-1 alone: sign it anew with gpg \
                     --cert-digest-algo SHA512 --quick-set-expire";
    let silent = "may not sign now: add a subkey with gpg --quick-add-key, and export it again";
    for (name, why) in [
        ("revoked", "is revoked: give a key that is in force"),
        ("rsa1024", "is an RSA key of 1024 bits, which is too weak: make a new key with gpg"),
        ("dsa", "is a DSA key, which is too weak: make a new key with gpg"),
        ("secp256k1", "is of an algorithm that few clients read: make a new key with gpg"),
        ("sha1", weak_hash),
        ("md5", weak_hash),
        ("encrypts-only", silent),
        ("may-be-revoked", silent),
        ("subkey-expired", silent),
        ("subkey-revoked", silent),
        ("two-keys", "holds more than one key: name one to gpg --armor --export"),
    ] {
        assert_eq!(read(&text(&format!("{name}.pub"))), Err(refused(why)), "{name}");
    }
    // What was mended is taken, and a subkey while it was in force.
    assert_eq!(read(&text("sha1-then-sha512.pub")).unwrap().facts.algorithm, "ed25519");
    let key = Rpgp.read_public(&text("subkey-expired.pub"), at("2025-06-02")).unwrap();
    assert_eq!(key.signers.len(), 1);
}

#[test]
fn a_key_is_refused_from_the_instant_of_its_end_on() {
    let armored = text("ends-in-2026.pub");
    let end = at("2026-06-01");
    let key = read(&armored).unwrap();
    assert_eq!(key.facts.expires, Some(end));
    let before = end.before(std::time::Duration::from_millis(1));
    assert_eq!(Rpgp.read_public(&armored, before).unwrap(), key);
    let why = "expired at 2026-06-01T00:00:00.000Z: put it off with gpg --quick-set-expire, and \
               export it again";
    assert_eq!(Rpgp.read_public(&armored, end), Err(refused(why)));
}

/// A day is left to clocks that differ.
#[test]
fn what_was_made_in_the_future_is_not_there_yet() {
    let why = "was made at 2025-06-01T00:00:00.000Z, which is in the future: set the clock, and make \
               a new key";
    let armored = text("ed25519.pub");
    assert_eq!(Rpgp.read_public(&armored, at("2025-05-30")), Err(refused(why)));
    assert!(Rpgp.read_public(&armored, at("2025-05-31")).is_ok());
    // What it signed itself with, it made later still.
    let armored = text("sha1-then-sha512.pub");
    let none = "has no user id that it signed: export it whole, with gpg";
    assert_eq!(Rpgp.read_public(&armored, at("2025-06-02")), Err(refused(none)));
}

#[test]
fn subkeys_that_take_long_to_read_are_not_read() {
    let bytes = decode(&text("ed25519.pub"), Half::Public).unwrap();
    let with = |packet: &[u8], count: usize| {
        read(&encode(&[&bytes[..], &packet.repeat(count)].concat(), Half::Public))
    };
    let dsa = "has a DSA subkey, which is too weak: export it without that";
    assert_eq!(with(&[0xCE, 6, 4, 0, 0, 0, 0, 17], 1), Err(refused(dsa)));
    let many = "has too many subkeys: export it without those that are no longer used";
    assert_eq!(with(&[0xCE, 6, 4, 0, 0, 0, 0, 18], 100), Err(refused(many)));
}

#[test]
fn only_the_key_itself_is_kept_of_what_was_given() {
    let given = text("ed25519.pub");
    let key = read(&given).unwrap();
    assert_eq!(key.armored, given, "gpg writes it in the same form");
    let more = given.replacen("-----\n\n", "-----\nComment: <b>mine</b>\n\n", 1);
    let more = format!("Here it is:\n\n{more}\nYours\n").replace('\n', "  \r\n");
    assert_eq!(read(&more).unwrap(), key);
    // Nor is the checksum needed.
    let lines = given.lines().filter(|line| !line.starts_with('='));
    assert_eq!(read(&lines.collect::<Vec<_>>().join("\n")).unwrap(), key);
}

#[test]
fn what_is_no_public_key_is_told_apart() {
    let private = "holds a private key, which nobody else may have: give it as private_key, and \
                   here what gpg --armor --export writes";
    let none = "is no armoured key: give what gpg --armor --export writes";
    let damaged = "is damaged: give the whole text that gpg wrote";
    let good = text("ed25519.pub");
    let disguised = text("ed25519.key").replace("PRIVATE", "PUBLIC");
    let message = good.replace("PUBLIC KEY BLOCK", "MESSAGE");
    let bytes = String::from_utf8_lossy(
        &std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/binary.pub")).unwrap(),
    )
    .into_owned();
    let sum = good.lines().find(|line| line.starts_with('=')).unwrap();
    let wrong_sum = good.replace(sum, "=AAAA");
    for (given, why) in [
        ("", none),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x@y", none),
        (bytes.as_str(), none),
        (message.as_str(), none),
        (text("ed25519.key").as_str(), private),
        (disguised.as_str(), private),
        (format!("{good}{good}").as_str(), "holds more than one block: give one key"),
        (good.replace('\n', " ").as_str(), none),
        (wrong_sum.as_str(), damaged),
        (good.replacen("-----END PGP PUBLIC", "-----END PGP PRIVATE", 1).as_str(), damaged),
        (good.replacen("-----\n\n", "-----\nno header\n\n", 1).as_str(), damaged),
    ] {
        assert_eq!(read(given), Err(refused(why)), "{given}");
    }
}

#[test]
fn a_text_is_as_long_as_may_be_and_no_longer() {
    let good = text("ed25519.pub");
    let longest = good.clone() + &" ".repeat(MAX_ARMOR - good.len());
    assert_eq!(read(&longest), read(&good));
    assert_eq!(read(&(longest + " ")), Err(refused("has more than 65536 bytes")));
}
