//! What the model remembers: plain maps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::samples::Sums;
use super::world::{GUILD, OWNER, Repo, SUBJECTS};

type Name = &'static str;

/// What is kept of the whole world.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The time, in milliseconds since 1970.
    pub(crate) now: i64,
    /// When each subject was made.
    pub(crate) registered: BTreeMap<Name, i64>,
    pub(crate) subjects: BTreeMap<Name, Subject>,
    /// Who follows whom.
    pub(crate) follows: BTreeSet<(Name, Name)>,
    pub(crate) signed: BTreeMap<usize, SignedUrl>,
    /// A number for each thing, so that one that is made anew is another.
    pub(crate) last_id: u64,
    /// A rule that the model has wrong on purpose.
    pub(crate) flaw: Option<Flaw>,
}

/// Mistakes that are planted to see that they are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flaw {
    /// Published bytes are replaced without being asked to.
    OverwritesFreely,
    /// A private repository is everyone's.
    HidesNothing,
    /// A discarded file stays.
    KeepsDiscarded,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) repos: BTreeMap<Name, Repository>,
    /// Members of the organization, and as what.
    pub(crate) members: BTreeMap<Name, Name>,
    pub(crate) teams: BTreeMap<Name, Team>,
    pub(crate) keys: BTreeMap<Name, Key>,
    pub(crate) products: BTreeMap<Name, Product>,
    /// How often the key pair was made.
    pub(crate) pairs: u32,
    pub(crate) licensed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) members: BTreeSet<Name>,
    pub(crate) creates: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: u64,
    pub(crate) password: u8,
    pub(crate) expiry: Option<i64>,
    /// Whether it is refused elsewhere.
    pub(crate) black: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Entitlement {
    pub(crate) id: Name,
    pub(crate) write: bool,
    pub(crate) keys: Vec<Name>,
    pub(crate) path: Option<Name>,
}

#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) private: bool,
    pub(crate) desc: Name,
    pub(crate) created: i64,
    pub(crate) packages: BTreeMap<Name, Package>,
    pub(crate) files: BTreeMap<String, File>,
    /// What teams may do.
    pub(crate) permissions: BTreeMap<Name, Name>,
    pub(crate) entitlements: BTreeMap<Name, Entitlement>,
    /// The network that is let in.
    pub(crate) white: Option<Name>,
}

/// When something last changed, for strangers and for publishers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Updated {
    pub(crate) seen: i64,
    pub(crate) hidden: i64,
}

impl Updated {
    pub(crate) fn at(now: i64) -> Self {
        Self { seen: now, hidden: now }
    }

    /// A change that everyone may know of.
    pub(crate) fn see(&mut self, now: i64) {
        *self = Self::at(now);
    }

    /// A change that only publishers may know of.
    pub(crate) fn hide(&mut self, now: i64) {
        self.hidden = now;
    }

    pub(crate) fn shown(self, publisher: bool) -> i64 {
        if publisher { self.hidden.max(self.seen) } else { self.seen }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) id: u64,
    pub(crate) desc: Name,
    pub(crate) labels: bool,
    pub(crate) licensed: bool,
    pub(crate) created: i64,
    pub(crate) updated: Updated,
    pub(crate) last_ordinal: i64,
    pub(crate) versions: BTreeMap<Name, Version>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) entitlements: BTreeMap<Name, Entitlement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) desc: Option<Name>,
    pub(crate) tag: Option<Name>,
    pub(crate) created: i64,
    pub(crate) updated: Updated,
    pub(crate) ordinal: i64,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) entitlements: BTreeMap<Name, Entitlement>,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) package: Name,
    pub(crate) version: Name,
    pub(crate) content: usize,
    pub(crate) created: i64,
    pub(crate) published: bool,
    /// What waits to replace the bytes, and since when.
    pub(crate) waiting: Option<(usize, i64)>,
    pub(crate) attributes: Vec<Attribute>,
    /// Whether it is in the list of downloads.
    pub(crate) listed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    pub(crate) kind: Name,
    pub(crate) values: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) desc: Name,
    pub(crate) created: i64,
    /// In the order given: repository, package, and the number that the package had.
    pub(crate) packages: Vec<(Name, Name, u64)>,
    pub(crate) eulas: BTreeMap<Name, Eula>,
    pub(crate) entitlements: BTreeMap<Name, Entitlement>,
    pub(crate) signed: Vec<Signed>,
}

#[derive(Clone, Debug)]
pub(crate) struct Eula {
    pub(crate) id: u64,
    pub(crate) content: Name,
    pub(crate) created: i64,
    /// When it became the default, if it is.
    pub(crate) default_since: Option<i64>,
    pub(crate) versions: Vec<Name>,
}

/// Who accepted what.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) at: i64,
    pub(crate) signer: u64,
    pub(crate) username: String,
    pub(crate) version: Name,
    pub(crate) eula: u64,
    pub(crate) eula_name: Name,
}

#[derive(Clone, Debug)]
pub(crate) struct SignedUrl {
    pub(crate) repo: Repo,
    pub(crate) repo_id: u64,
    pub(crate) path: Name,
    pub(crate) expiry: i64,
    pub(crate) pairs: u32,
    pub(crate) signer: super::access::Caller,
    pub(crate) signer_id: u64,
}

impl Model {
    /// The world that every sequence begins with, each subject made at its instant.
    pub(crate) fn new(registered: BTreeMap<Name, i64>, now: i64) -> Self {
        let mut subjects: BTreeMap<_, _> =
            SUBJECTS.into_iter().map(|name| (name, Subject::default())).collect();
        if let Some(guild) = subjects.get_mut(GUILD) {
            guild.members.insert(OWNER, "owner");
        }
        let (follows, signed) = (BTreeSet::new(), BTreeMap::new());
        Self { now, registered, subjects, follows, signed, last_id: 100, flaw: None }
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn subject(&self, name: &str) -> &Subject {
        &self.subjects[name]
    }

    pub(crate) fn subject_mut(&mut self, name: &str) -> &mut Subject {
        self.subjects.get_mut(name).expect("a subject of the world")
    }

    pub(crate) fn repo(&self, Repo(of, name): Repo) -> Option<&Repository> {
        self.subject(of).repos.get(name)
    }

    pub(crate) fn repo_mut(&mut self, Repo(of, name): Repo) -> Option<&mut Repository> {
        self.subject_mut(of).repos.get_mut(name)
    }

    pub(crate) fn package(&self, repo: Repo, name: &str) -> Option<&Package> {
        self.repo(repo)?.packages.get(name)
    }

    pub(crate) fn package_mut(&mut self, repo: Repo, name: &str) -> Option<&mut Package> {
        self.repo_mut(repo)?.packages.get_mut(name)
    }

    pub(crate) fn version(&self, repo: Repo, package: &str, name: &str) -> Option<&Version> {
        self.package(repo, package)?.versions.get(name)
    }

    pub(crate) fn version_mut(
        &mut self,
        repo: Repo,
        package: &str,
        name: &str,
    ) -> Option<&mut Version> {
        self.package_mut(repo, package)?.versions.get_mut(name)
    }

    pub(crate) fn file(&self, repo: Repo, path: &str) -> Option<&File> {
        self.repo(repo)?.files.get(path)
    }
}

impl File {
    /// What it holds.
    pub(crate) fn bytes(&self) -> &'static str {
        super::world::CONTENTS[self.content]
    }

    pub(crate) fn sums(&self) -> Sums {
        super::samples::sums(self.bytes().as_bytes())
    }
}
