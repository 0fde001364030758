//! Checksum files beside their files: `x.jar.sha1` holds the SHA-1 of `x.jar`.
//!
//! One that contradicts its file is refused, so that a client that verifies never meets it. Only
//! the checksum file is: who replaces a file sends the file first, and its old checksum is wrong
//! until the new one comes.

use std::collections::HashMap;

use super::naming::Named;
use crate::blobs::ByteRange;
use crate::engine::Packhouse;
use crate::model::files::{Digests, File};
use crate::model::repositories::{Repository, RepositoryKind};
use crate::names::{FilePath, MavenPath, VersionPath};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// The most bytes that a checksum file can have.
const MOST: u64 = 1 << 10;

/// The checksums that are known of every file. SHA-512 is not: to check it, the whole file would
/// have to be read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sum {
    Md5,
    Sha1,
    Sha256,
}

impl Sum {
    const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    const fn ending(self) -> &'static str {
        match self {
            Self::Md5 => ".md5",
            Self::Sha1 => ".sha1",
            Self::Sha256 => ".sha256",
        }
    }

    fn of(self, digests: &Digests) -> &str {
        match self {
            Self::Md5 => &digests.md5,
            Self::Sha1 => &digests.sha1,
            Self::Sha256 => &digests.sha256,
        }
    }
}

/// Whether no checksum file among these contradicts the file that it is of, if that is in the same
/// version. Asked in Maven repositories, and of paths in Maven's layout anywhere.
pub(super) async fn check(
    packhouse: &Packhouse,
    work: &Work,
    repo: &Repository,
    version: &VersionPath,
    named: &[Named],
) -> Result<()> {
    let checked: Vec<(&Named, FilePath, Sum)> = named
        .iter()
        .filter_map(|sidecar| {
            let (path, sum) = checked_file(repo, &sidecar.path)?;
            Some((sidecar, path, sum))
        })
        .collect();
    if checked.is_empty() {
        return Ok(());
    }
    let paths = checked.iter().map(|(_, path, _)| path);
    let known = digests_of(work, version, named, paths).await?;
    for (sidecar, path, sum) in checked {
        let Some(digests) = known.get(&path) else { continue };
        let text = text(packhouse, sidecar).await?;
        if !digests.iter().any(|digests| says(&text, sum.of(digests))) {
            return Err(contradicts(&sidecar.path, &path, sum));
        }
    }
    Ok(())
}

/// The file that a checksum file is of.
fn checked_file(repo: &Repository, path: &FilePath) -> Option<(FilePath, Sum)> {
    let sum = Sum::ALL.into_iter().find(|sum| path.as_str().ends_with(sum.ending()))?;
    if repo.kind != RepositoryKind::Maven && MavenPath::of(path).is_none() {
        return None;
    }
    let file = path.as_str().strip_suffix(sum.ending())?;
    Some((FilePath::parse(file).ok()?, sum))
}

/// What a file hashes to: the one that comes with the checksum, or the one that is there, with
/// what waits to replace it.
async fn digests_of(
    work: &Work,
    version: &VersionPath,
    named: &[Named],
    paths: impl Iterator<Item = &FilePath>,
) -> Result<HashMap<FilePath, Vec<Digests>>> {
    let beside: HashMap<&FilePath, &Named> =
        named.iter().map(|named| (&named.path, named)).collect();
    let (mut known, mut keys) = (HashMap::new(), Vec::new());
    for path in paths {
        match beside.get(path) {
            Some(named) => {
                known.insert(path.clone(), vec![named.bytes.digests.clone()]);
            }
            None => keys.push(File::key_of(&version.repo().file(path.clone()))),
        }
    }
    let there: Vec<Option<File>> = work.find_all(keys).await?;
    for file in there.into_iter().flatten().filter(|file| file.version_path() == *version) {
        let waiting = file.replacement.map(|replacement| replacement.digests);
        known.insert(file.path, waiting.into_iter().chain([file.contents.digests]).collect());
    }
    Ok(known)
}

/// The text of a checksum file; nothing where it is too large for one.
async fn text(packhouse: &Packhouse, sidecar: &Named) -> Result<String> {
    if sidecar.bytes.size > MOST {
        return Ok(String::new());
    }
    let reader = packhouse.blobs().open(&sidecar.bytes.id, ByteRange::ALL).await?;
    Ok(String::from_utf8_lossy(&reader.into_bytes().await?).into_owned())
}

/// Whether this is the checksum in the text: alone, or with the name of its file before or after.
fn says(text: &str, digest: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
    let is_digest =
        |word: &&str| word.len() == digest.len() && word.bytes().all(|b| b.is_ascii_hexdigit());
    words.find(is_digest).is_some_and(|word| word.eq_ignore_ascii_case(digest))
}

fn contradicts(sidecar: &FilePath, file: &FilePath, sum: Sum) -> Error {
    let name = match sum {
        Sum::Md5 => "MD5",
        Sum::Sha1 => "SHA-1",
        Sum::Sha256 => "SHA-256",
    };
    let message =
        format!("Checksum mismatch: '{sidecar}' does not hold the {name} of the uploaded '{file}'");
    Error::new(ErrorKind::ChecksumMismatch, message)
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn the_first_word_that_could_be_a_digest_is_the_digest() {
        let digest = "900150983cd24fb0d6963f7d28e17f72";
        let other = "900150983cd24fb0d6963f7d28e17f73";
        for text in [
            digest.to_owned(),
            format!("{}\r\n", digest.to_uppercase()),
            format!("{digest}  x.jar\n"),
            format!("{digest} *x.jar"),
            format!("MD5(x.jar)= {digest}"),
            format!("MD5 (x.jar) = {digest}\n"),
            format!("x.jar: {digest}"),
            format!("\n {digest} {other}"),
        ] {
            assert!(says(&text, digest), "{text}");
        }
        for text in [
            String::new(),
            "x".to_owned(),
            other.to_owned(),
            digest[1..].to_owned(),
            format!("{digest}0"),
            format!("{other} {digest}"),
            format!("x{}", &digest[1..]),
        ] {
            assert!(!says(&text, digest), "{text}");
        }
    }
}
