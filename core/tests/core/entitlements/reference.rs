//! The reference that the engine is compared with.

use std::collections::{BTreeMap, BTreeSet};

/// What a key wants: a file, to change one that is there, or to upload one to a new version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Wish {
    Read,
    Write,
    Make,
}

/// A version that is not there.
pub(super) const NEW: &str = "9999";

/// The reference: entitlements as plain facts, and what they open by walking over all of them.
/// Shares nothing with the engine.
#[derive(Clone, Default)]
pub(super) struct Reference {
    pub(super) said: BTreeMap<usize, Said>,
    /// Which packages, as `/repo/package`, belong to which product.
    pub(super) products: BTreeSet<(String, String)>,
}

#[derive(Clone)]
pub(super) struct Said {
    pub(super) place: String,
    pub(super) path: Option<String>,
    pub(super) write: bool,
    pub(super) keys: BTreeSet<usize>,
}

impl Reference {
    pub(super) fn allows(&self, key: usize, wish: Wish, file: (&str, &str, &str, &str)) -> bool {
        let (repo, package, _, path) = file;
        self.said.values().filter(|said| said.keys.contains(&key)).any(|said| match wish {
            Wish::Read => self.covers(said, file),
            Wish::Write => said.write && self.covers(said, file),
            // Who may write to a folder alone makes no version.
            Wish::Make => {
                let new = (repo, package, NEW, path);
                said.write && said.path.is_none() && self.covers(said, new)
            }
        })
    }

    fn covers(
        &self,
        said: &Said,
        (repo, package, version, path): (&str, &str, &str, &str),
    ) -> bool {
        if !said.place.starts_with('/') {
            let package = format!("/{repo}/{package}");
            return self.products.contains(&(said.place.clone(), package));
        }
        let names = [repo, package, version];
        let place: Vec<&str> = said.place.split('/').skip(1).collect();
        let folder: Vec<&str> = said.path.iter().flat_map(|path| path.split('/')).collect();
        let path: Vec<&str> = path.split('/').collect();
        place.iter().zip(names).all(|(wanted, name)| *wanted == name)
            && folder.len() <= path.len()
            && folder.iter().zip(path).all(|(wanted, name)| *wanted == name)
    }

    /// What is at or below a version or a package that is deleted goes with it.
    pub(super) fn forget(&mut self, gone: &str) {
        let below = format!("{gone}/");
        self.said.retain(|_, said| said.place != gone && !said.place.starts_with(&below));
    }
}
