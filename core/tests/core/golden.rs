//! Files that people review: compared with what the code says now, and written anew when
//! `UPDATE_GOLDEN=1` is set.

use std::path::{Path, PathBuf};

/// Compares a text with a file under `core/tests`.
#[track_caller]
pub(crate) fn compare(name: &str, text: &str) {
    let path = path_of(name);
    if is_updating() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = held.lines().zip(text.lines()).find(|(held, now)| held != now);
    assert!(
        held == text,
        "{name} is not what the code says now (first difference: {differing:?}): review the \
         change and run the tests once with UPDATE_GOLDEN=1"
    );
}

/// Where a file under `core/tests` lies.
pub(crate) fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

#[allow(clippy::disallowed_methods, reason = "the engine reads no environment; its tests may")]
fn is_updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1")
}
