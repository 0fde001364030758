//! What is signed, sealed and encrypted, each with a key of its own that follows from the
//! installation's secret. No key of these is stored.

mod openssl;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Sha256, Sha512};

use crate::access::Secret;

pub(crate) use openssl::Encryption;

/// The key of a purpose. Purposes do not begin with one another.
fn derived(installation: &Secret, purpose: &str, of: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(installation.expose())
        .expect("HMAC takes keys of any length");
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(of);
    mac.finalize().into_bytes().into()
}

/// Fields as one text that no other fields have: each with its length before it.
fn injective(fields: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::new();
    for field in fields {
        framed.extend((field.len() as u64).to_be_bytes());
        framed.extend(*field);
    }
    framed
}

/// HMAC-SHA-512 of some fields, under the key of a purpose and of whom it is for: 64 bytes.
pub(crate) fn signature(
    installation: &Secret,
    purpose: &str,
    of: &[u8],
    fields: &[&[u8]],
) -> Secret {
    let mut mac = Hmac::<Sha512>::new_from_slice(&derived(installation, purpose, of))
        .expect("HMAC takes keys of any length");
    mac.update(&injective(fields));
    Secret::new(mac.finalize().into_bytes().to_vec())
}

/// HMAC-MD5, for the one header that is documented with it.
pub(crate) fn hmac_md5(key: &Secret, text: &str) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Bytes that only this installation can read, and nobody can change or take for those of another
/// `of`, as URL-safe text (XChaCha20-Poly1305). The nonce is random.
pub(crate) fn seal(
    installation: &Secret,
    purpose: &str,
    of: &[u8],
    nonce: [u8; 24],
    bytes: &[u8],
) -> String {
    let cipher = XChaCha20Poly1305::new(&derived(installation, purpose, of).into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), bytes);
    let sealed = sealed.expect("what is sealed is far shorter than the cipher can take");
    URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
}

/// What was sealed for this purpose, of this; `None` for anything else.
pub(crate) fn unseal(
    installation: &Secret,
    purpose: &str,
    of: &[u8],
    text: &str,
) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
    let cipher = XChaCha20Poly1305::new(&derived(installation, purpose, of).into());
    cipher.decrypt(&XNonce::from(*nonce), sealed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    #[test]
    fn fields_are_not_taken_for_others() {
        let of = |fields: &[&[u8]]| signature(&secret(1), "a", b"x", fields).expose().to_vec();
        assert_eq!(of(&[b"ab", b"c"]).len(), 64);
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab", b""]), of(&[b"ab"]));
        assert_ne!(of(&[b"a"]), signature(&secret(2), "a", b"x", &[b"a"]).expose());
        assert_ne!(of(&[b"a"]), signature(&secret(1), "b", b"x", &[b"a"]).expose());
        assert_ne!(of(&[b"a"]), signature(&secret(1), "a", b"y", &[b"a"]).expose());
    }

    #[test]
    fn what_is_sealed_comes_back_whole_or_not_at_all() {
        let sealed = seal(&secret(1), "a", b"x", [9; 24], b"text");
        assert_eq!(unseal(&secret(1), "a", b"x", &sealed).unwrap(), b"text");
        assert_eq!(unseal(&secret(1), "b", b"x", &sealed), None);
        assert_eq!(unseal(&secret(1), "a", b"y", &sealed), None);
        assert_eq!(unseal(&secret(2), "a", b"x", &sealed), None);
        assert_eq!(unseal(&secret(1), "a", b"x", ""), None);
        for place in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(unseal(&secret(1), "a", b"x", &other), None, "byte {place}");
        }
    }
}
