//! What files are made of, and how their bytes are compared.

use sha2::{Digest, Sha256};

/// The SHA-256 of some bytes, in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tar of these files, each a path and its bytes.
///
/// # Panics
/// When a path cannot be in a tar.
#[must_use]
pub fn tar(files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, body) in files {
        let (path, body) = (path.as_ref(), body.as_ref());
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, body).expect("a path that a tar can have");
    }
    tar.into_inner().expect("written to memory")
}
