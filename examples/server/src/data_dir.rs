//! The directory of everything that the server keeps: its layout, its lock and its secret.
//!
//! ```text
//! DIR/packhouse.db   the records (SQLite)
//! DIR/blobs/         the bytes
//! DIR/secret.key     32 random bytes in hexadecimal; made once
//! DIR/LOCK           locked by the running server
//! ```
//!
//! It must not open the database or the bytes: their backends do.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

const DATABASE: &str = "packhouse.db";
const BLOBS: &str = "blobs";
const SECRET: &str = "secret.key";
const SECRET_BEING_MADE: &str = "secret.key.new";
const LOCK: &str = "LOCK";
const SECRET_BYTES: usize = 32;

/// The secret of an installation, of which its signing keys are made. Its debug form does not
/// show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// The bytes themselves.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An open data directory. No other process can open it while this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    secret: Secret,
    _lock: File,
}

/// The data directory cannot be used. Each message says what to change.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// A file operation failed.
    #[error(
        "cannot {action} {}: {source} (--data must name a directory that the server may read and \
         write, or make)",
        path.display()
    )]
    Io {
        /// What was tried, as in "cannot … the file".
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process has the directory open.
    #[error("another server is using {}: stop it, or give this one another --data", .0.display())]
    InUse(PathBuf),
    /// The database stands without the secret that it was used with.
    #[error(
        "{} is missing, but {DATABASE} beside it was made with it: put the file back from a \
         backup (a new secret would end every session and signed link, so none is made)",
        .0.display()
    )]
    SecretMissing(PathBuf),
    /// Others than the owner may read or write the secret.
    #[error("{} can be read by others (mode {mode:o}): run chmod 600 on it", path.display())]
    SecretOpen {
        /// The file of the secret.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file of the secret does not hold one.
    #[error(
        "{} must hold 64 hexadecimal digits that are not all the same: put the file back from a \
         backup, or, if the data is new, delete the whole directory",
        .0.display()
    )]
    SecretMalformed(PathBuf),
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Io { action, path, source }
}

impl DataDir {
    /// Opens the directory and takes its lock; makes the directory and its secret where they do
    /// not stand yet. `fill_random` gives the bytes of a new secret.
    ///
    /// # Errors
    ///
    /// Where another process has it, where the secret is missing beside a database or is not to be
    /// trusted, and where the file system refuses.
    pub fn open(path: &Path, fill_random: impl FnOnce(&mut [u8])) -> Result<Self, DataDirError> {
        make_private_dir(path)?;
        let lock = take_lock(path)?;
        make_private_dir(&path.join(BLOBS))?;
        let secret = read_or_make_secret(path, fill_random)?;
        Ok(Self { path: path.to_owned(), secret, _lock: lock })
    }

    /// The file of the records.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The folder of the bytes; it stands.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.path.join(BLOBS)
    }

    /// The secret of this installation.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }
}

fn make_private_dir(path: &Path) -> Result<(), DataDirError> {
    if !path.is_dir() {
        let new: Vec<&Path> = path.ancestors().take_while(|part| !part.is_dir()).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make", path))?;
        // Each new name is in its parent: unless that is synced, a power cut takes all below.
        return new.iter().filter_map(|part| part.parent()).try_for_each(sync_dir);
    }
    let mode = fs::metadata(path).map_err(failed("look at", path))?.mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others can look into this directory: chmod 700 it");
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File, DataDirError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
    }
}

fn read_or_make_secret(
    dir: &Path,
    fill_random: impl FnOnce(&mut [u8]),
) -> Result<Secret, DataDirError> {
    let path = dir.join(SECRET);
    match fs::metadata(&path) {
        Ok(metadata) => read_secret(&path, metadata.mode() & 0o777),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let database = dir.join(DATABASE);
            if database.try_exists().map_err(failed("look at", &database))? {
                return Err(DataDirError::SecretMissing(path));
            }
            make_secret(dir, fill_random)
        }
        Err(error) => Err(failed("look at", &path)(error)),
    }
}

fn read_secret(path: &Path, mode: u32) -> Result<Secret, DataDirError> {
    if mode & 0o077 != 0 {
        return Err(DataDirError::SecretOpen { path: path.to_owned(), mode });
    }
    let text = fs::read(path).map_err(failed("read", path))?;
    parse_secret(text.trim_ascii_end())
        .ok_or_else(|| DataDirError::SecretMalformed(path.to_owned()))
}

fn parse_secret(digits: &[u8]) -> Option<Secret> {
    let mut bytes = [0; SECRET_BYTES];
    if digits.len() != 2 * SECRET_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    let all_the_same = bytes.iter().all(|byte| *byte == bytes[0]);
    (!all_the_same).then_some(Secret(bytes))
}

/// Writes the file beside its place, makes it durable, and only then names it: a crash leaves
/// either the whole secret or none.
fn make_secret(dir: &Path, fill_random: impl FnOnce(&mut [u8])) -> Result<Secret, DataDirError> {
    let mut bytes = [0; SECRET_BYTES];
    fill_random(&mut bytes);
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    let secret = parse_secret(text.trim_ascii_end().as_bytes())
        .ok_or_else(|| DataDirError::SecretMalformed(dir.join(SECRET)))?;
    let (new, path) = (dir.join(SECRET_BEING_MADE), dir.join(SECRET));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &new)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .map_err(failed("make", &new))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed("write", &new))?;
    fs::rename(&new, &path).map_err(failed("make", &path))?;
    sync_dir(dir)?;
    Ok(secret)
}

fn sync_dir(path: &Path) -> Result<(), DataDirError> {
    // The parent of a relative name of one part is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|dir| dir.sync_all()).map_err(failed("sync", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn random(buffer: &mut [u8]) {
        getrandom::fill(buffer).unwrap();
    }

    fn refuse_to_make(_: &mut [u8]) {
        panic!("a secret was made anew");
    }

    fn write_secret(dir: &Path, text: &[u8], mode: u32) {
        let path = dir.join(SECRET);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_first_start_makes_a_private_directory_with_a_secret_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = DataDir::open(&path, random).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join(SECRET)).unwrap().mode() & 0o777, 0o600);
        assert!(first.blobs().is_dir());
        let secret = first.secret().clone();
        drop(first);
        assert_eq!(*DataDir::open(&path, refuse_to_make).unwrap().secret(), secret);
        assert!(!path.join(SECRET_BEING_MADE).exists());
    }

    #[test]
    fn two_installations_share_no_secret() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = DataDir::open(one.path(), random).unwrap();
        let two = DataDir::open(two.path(), random).unwrap();
        assert_ne!(one.secret(), two.secret());
        assert_eq!(format!("{:?}", one.secret()), "Secret(…)");
    }

    #[test]
    fn an_untrustworthy_secret_is_refused() {
        let good = "0123456789abcdef".repeat(4);
        let zero = "00".repeat(32);
        let cases: [(&[u8], u32, &str); 7] = [
            (b"", 0o600, "must hold 64 hexadecimal digits"),
            (b"0123", 0o600, "must hold 64 hexadecimal digits"),
            (zero.as_bytes(), 0o600, "not all the same"),
            (&[0; 64], 0o600, "must hold 64 hexadecimal digits"),
            (&[b'z'; 64], 0o600, "must hold 64 hexadecimal digits"),
            (good.as_bytes(), 0o640, "chmod 600"),
            (good.as_bytes(), 0o604, "chmod 600"),
        ];
        for (text, mode, says) in cases {
            let folder = tempfile::tempdir().unwrap();
            write_secret(folder.path(), text, mode);
            let error = DataDir::open(folder.path(), refuse_to_make).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(error.contains(SECRET), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        write_secret(folder.path(), good.as_bytes(), 0o400);
        DataDir::open(folder.path(), refuse_to_make).unwrap();
    }

    #[test]
    fn a_generator_that_gives_zeros_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = DataDir::open(folder.path(), |buffer| buffer.fill(0)).unwrap_err();
        assert!(matches!(error, DataDirError::SecretMalformed(_)), "{error}");
        assert!(!folder.path().join(SECRET).exists());
    }

    #[test]
    fn a_missing_secret_beside_a_database_is_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(DATABASE), b"").unwrap();
        let error = DataDir::open(folder.path(), refuse_to_make).unwrap_err();
        assert!(matches!(error, DataDirError::SecretMissing(_)), "{error}");
    }

    #[test]
    fn a_crash_before_the_secret_was_named_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SECRET_BEING_MADE), b"half").unwrap();
        DataDir::open(folder.path(), random).unwrap();
    }

    #[test]
    fn a_second_opener_is_told_who_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path(), random).unwrap();
        let error = DataDir::open(folder.path(), random).unwrap_err().to_string();
        assert!(error.starts_with("another server is using"), "{error}");
        drop(first);
        DataDir::open(folder.path(), random).unwrap();
    }
}
