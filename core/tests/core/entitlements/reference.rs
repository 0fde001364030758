//! The reference that the engine is compared with.

use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) fn allows(&self, key: usize, write: bool, file: (&str, &str, &str, &str)) -> bool {
        self.said.values().any(|said| {
            said.keys.contains(&key) && (said.write || !write) && self.covers(said, file)
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
