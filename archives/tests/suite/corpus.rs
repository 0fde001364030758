//! The corpus: made once for all tests by the Python program beside this.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

/// Archives with what other readers make of them; see `corpus/__main__.py`.
pub(crate) struct Corpus {
    folder: PathBuf,
    /// Removed in the end, unless the folder was given.
    _temporary: Option<TempDir>,
    pub(crate) lines: Vec<Value>,
}

impl Corpus {
    /// The bytes of an archive.
    pub(crate) fn bytes(&self, line: &Value) -> Vec<u8> {
        let name = line["file"].as_str().expect("a file's name");
        std::fs::read(self.folder.join(name)).expect("the corpus holds the file")
    }
}

/// The corpus, unless Python or a reader is missing, which is said, and fails a release.
pub(crate) fn corpus() -> Option<&'static Corpus> {
    static CORPUS: LazyLock<Result<Corpus, String>> = LazyLock::new(make);
    match &*CORPUS {
        Ok(corpus) => Some(corpus),
        Err(why) => {
            println!("SKIPPED: {why}");
            assert!(std::env::var_os("RELEASE_STRICT").is_none(), "the corpus is wanted: {why}");
            None
        }
    }
}

/// A folder that is kept for other runs and other tests; see `corpus/__main__.py`.
const FOLDER: &str = "PACKHOUSE_ARCHIVE_CORPUS";

fn make() -> Result<Corpus, String> {
    let given = std::env::var_os(FOLDER).map(PathBuf::from);
    let temporary = given.is_none().then(|| TempDir::new().expect("a temporary folder"));
    let folder = given.or(temporary.as_ref().map(|folder| folder.path().to_owned()));
    let folder = folder.expect("one of them");
    if !folder.join("verdicts.jsonl").exists() {
        write(&folder)?;
    }
    let verdicts = File::open(folder.join("verdicts.jsonl")).expect("verdicts were written");
    let lines = BufReader::new(verdicts).lines().map(|line| {
        serde_json::from_str(&line.expect("a line can be read")).expect("a line is JSON")
    });
    Ok(Corpus { lines: lines.collect(), folder, _temporary: temporary })
}

fn write(folder: &Path) -> Result<(), String> {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let count = std::env::var("PACKHOUSE_ARCHIVES").unwrap_or_else(|_| "2000".to_owned());
    let seed = std::env::var("PACKHOUSE_ARCHIVES_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(program)
        .arg(folder)
        .args([count, seed])
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    match output.status.code() {
        Some(0) => Ok(()),
        Some(3) => Err(said.into_owned()),
        _ => panic!("{}", String::from_utf8_lossy(&output.stderr)),
    }
}
