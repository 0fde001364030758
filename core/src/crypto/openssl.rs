//! Encryption that `openssl enc -aes-256-cbc -pbkdf2` reads: `Salted__`, a salt of 8 bytes, and
//! AES-256-CBC with PKCS#7 padding under a key derived with PBKDF2 (HMAC-SHA-256).
//!
//! That command has no mode that notices changes: who needs that compares a checksum.

use aes::Aes256;
use bytes::{Bytes, BytesMut};
use cbc::Encryptor;
use cbc::cipher::{Block, BlockModeEncrypt, KeyIvInit};
use futures::stream::{self, BoxStream, StreamExt};
use sha2::Sha256;

use crate::access::Secret;
use crate::blobs::{BlobBody, BlobError, BlobReader};

const BLOCK: usize = 16;
const MAGIC: &[u8; 8] = b"Salted__";

/// A stream of bytes on its way to be encrypted.
pub(crate) struct Encryption {
    cipher: Encryptor<Aes256>,
    head: Bytes,
    /// What does not fill a block yet.
    rest: BytesMut,
}

impl Encryption {
    /// How often the key is hashed, as the command must be told.
    pub(crate) const ITERATIONS: u32 = 100_000;

    /// Derives the key, which takes tens of milliseconds.
    pub(crate) fn new(secret: &Secret, salt: [u8; 8]) -> Self {
        let mut derived = [0; 48];
        pbkdf2::pbkdf2_hmac::<Sha256>(secret.expose(), &salt, Self::ITERATIONS, &mut derived);
        let (key, iv) = derived.split_at(32);
        let cipher = Encryptor::<Aes256>::new_from_slices(key, iv);
        Self {
            cipher: cipher.expect("a key of 32 bytes and a start of 16"),
            head: [&MAGIC[..], &salt].concat().into(),
            rest: BytesMut::new(),
        }
    }

    /// How long what comes out is for so many bytes.
    pub(crate) const fn length_of(plain: u64) -> u64 {
        (plain / BLOCK as u64 + 2) * BLOCK as u64
    }

    /// Encrypts all that a reader gives.
    pub(crate) fn apply(mut self, reader: BlobReader) -> BlobReader {
        let length = Self::length_of(reader.length);
        let head = stream::iter([Ok(std::mem::take(&mut self.head))]);
        let body = stream::unfold(Some((self, reader.into_stream())), |state| async {
            let (mut encryption, mut plain) = state?;
            match plain.next().await {
                Some(Ok(chunk)) => {
                    let chunk = encryption.update(&chunk);
                    Some((Ok(chunk), Some((encryption, plain))))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => Some((Ok(encryption.finish()), None)),
            }
        });
        let body: BoxStream<'static, Result<Bytes, BlobError>> = head.chain(body).boxed();
        BlobReader { length, body: BlobBody::Stream(body) }
    }

    fn update(&mut self, plain: &[u8]) -> Bytes {
        self.rest.extend_from_slice(plain);
        let whole = self.rest.len() / BLOCK * BLOCK;
        let mut out = self.rest.split_to(whole);
        let (blocks, _) = out.as_chunks_mut::<BLOCK>();
        for block in blocks {
            let plain = Block::<Encryptor<Aes256>>::from(*block);
            let mut encrypted = plain;
            self.cipher.encrypt_block(&mut encrypted);
            *block = encrypted.into();
        }
        out.freeze()
    }

    /// The last block, which is never without padding.
    fn finish(mut self) -> Bytes {
        let padding = BLOCK - self.rest.len() % BLOCK;
        self.update(&vec![padding as u8; padding])
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use futures::executor::block_on;

    fn encrypted(plain: &[u8], chunk: usize) -> Vec<u8> {
        let chunks: Vec<_> = plain.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        let body = BlobBody::Stream(stream::iter(chunks).boxed());
        let reader = BlobReader { length: plain.len() as u64, body };
        let encryption = Encryption::new(&Secret::new("s3cret"), *b"saltsalt");
        let reader = encryption.apply(reader);
        let length = reader.length;
        let bytes = block_on(reader.into_bytes()).unwrap();
        assert_eq!(bytes.len() as u64, length);
        bytes.to_vec()
    }

    #[test]
    fn chunks_make_no_difference() {
        let plain: Vec<u8> = (0..1000).map(|n| (n % 251) as u8).collect();
        for length in [0, 1, 15, 16, 17, 31, 32, 1000] {
            let whole = encrypted(&plain[..length], 4096);
            for chunk in [1, 7, 16, 33] {
                assert_eq!(encrypted(&plain[..length], chunk), whole, "{length} by {chunk}");
            }
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the pipe is written while it is read")]
    fn the_documented_command_decrypts() {
        let plain: Vec<u8> = (0..100_003).map(|n| (n % 251) as u8).collect();
        let command = Command::new("openssl")
            .args(["enc", "-d", "-aes-256-cbc", "-pbkdf2", "-iter", "100000", "-md", "sha256"])
            .args(["-pass", "pass:s3cret"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut openssl) = command else {
            eprintln!("SKIPPED: there is no openssl");
            return;
        };
        let encrypted = encrypted(&plain, 5000);
        let mut stdin = openssl.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&encrypted).unwrap());
        let output = openssl.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, plain);
    }
}
