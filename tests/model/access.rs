//! Who may do what: the table of `docs/status-codes.md`, "Who may know of what".

use std::collections::BTreeMap;

use super::answer::{Expected, Told};
use super::engine::Credentials;
use super::samples::{self, ELSEWHERE};
use super::state::{Entitlement, Flaw, Model, Package, Product};
use super::world::{OWNER, Repo, Who};

/// Who was recognized.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    Nobody,
    Admin,
    User(&'static str),
    Key(&'static str, &'static str),
}

/// What is needed in a repository.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Need {
    Read,
    Publish,
    Own,
}

/// What a right is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) repo: Repo,
    pub(crate) package: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn repo(repo: Repo) -> Self {
        Self { repo, package: None, version: None, path: None }
    }

    pub(crate) fn package(repo: Repo, package: &'a str) -> Self {
        Self { package: Some(package), ..Self::repo(repo) }
    }

    pub(crate) fn version(repo: Repo, package: &'a str, version: &'a str) -> Self {
        Self { version: Some(version), ..Self::package(repo, package) }
    }
}

pub(crate) type Rule<T> = Result<T, Expected>;

pub(crate) fn refuse<T>(status: u16, message: impl Into<String>) -> Rule<T> {
    Err(Expected { status, told: Told::Message(message.into()) })
}

/// A refusal in words that the documents leave open.
pub(crate) fn refuse_somehow<T>(status: u16) -> Rule<T> {
    Err(Expected { status, told: Told::Refusal })
}

pub(crate) fn unauthorized<T>() -> Rule<T> {
    refuse(401, "This resource requires authentication")
}

pub(crate) fn forbidden<T>() -> Rule<T> {
    refuse(403, "forbidden")
}

pub(crate) fn not_found<T>(noun: &str, name: &str) -> Rule<T> {
    refuse(404, format!("{noun} '{name}' was not found"))
}

impl Model {
    /// What is sent to be recognized as someone.
    pub(crate) fn credentials(&self, who: Who) -> Credentials {
        match who {
            Who::Nobody => Credentials::None,
            Who::Wrong => Credentials::Wrong,
            Who::Admin => Credentials::User("admin".to_owned()),
            Who::User(name) => Credentials::User(name.to_owned()),
            Who::Key(of, key) => {
                let password = self.subject(of).keys.get(key).map_or(0, |key| key.password);
                Credentials::Password(format!("{key}@{of}"), samples::password(password))
            }
        }
    }

    /// Recognizes a caller: wrong credentials are 401 everywhere.
    pub(crate) fn caller(&self, who: Who, address: &str) -> Rule<Caller> {
        match who {
            Who::Nobody => Ok(Caller::Nobody),
            Who::Wrong => unauthorized(),
            Who::Admin => Ok(Caller::Admin),
            Who::User(name) => Ok(Caller::User(name)),
            Who::Key(of, name) => match self.subject(of).keys.get(name) {
                Some(key) if key.expiry.is_some_and(|expiry| expiry <= self.now) => unauthorized(),
                Some(key) if key.black && address == ELSEWHERE => unauthorized(),
                Some(_) => Ok(Caller::Key(of, name)),
                None => unauthorized(),
            },
        }
    }

    /// Whether someone administers a subject.
    pub(crate) fn administers(&self, caller: Caller, subject: &str) -> bool {
        match caller {
            Caller::Admin => true,
            Caller::User(user) if subject == OWNER => user == OWNER,
            Caller::User(user) => {
                matches!(self.subject(subject).members.get(user), Some(&("owner" | "admin")))
            }
            _ => false,
        }
    }

    /// The right that a user has in a whole repository.
    fn level(&self, user: &str, Repo(of, name): Repo) -> Option<Need> {
        let subject = self.subject(of);
        let teams = subject.teams.iter().filter(|(_, team)| team.members.contains(user));
        let repo = subject.repos.get(name)?;
        let given = teams.filter_map(|(team, _)| repo.permissions.get(team));
        given
            .map(|permission| match *permission {
                "admin" => Need::Own,
                "publish" => Need::Publish,
                _ => Need::Read,
            })
            .max()
    }

    /// Whether someone has a right by name, whatever is public.
    pub(crate) fn may(&self, caller: Caller, need: Need, target: Target<'_>) -> bool {
        match caller {
            Caller::Nobody => false,
            Caller::Admin => true,
            Caller::User(user) => {
                self.administers(caller, target.repo.0)
                    || self.level(user, target.repo).is_some_and(|level| level >= need)
            }
            Caller::Key(of, key) => {
                need < Need::Own
                    && of == target.repo.0
                    && self.entitled(of, key, need == Need::Publish, target)
            }
        }
    }

    fn entitled(&self, of: &str, key: &str, write: bool, target: Target<'_>) -> bool {
        let Some(repo) = self.repo(target.repo) else { return false };
        let holds = |e: &&Entitlement| e.keys.contains(&key) && (e.write || !write);
        let by_repo =
            repo.entitlements.values().filter(holds).any(|e| match (e.path, target.path) {
                (None, _) => true,
                (Some(within), Some(path)) => {
                    path == within
                        || path.strip_prefix(within).is_some_and(|rest| rest.starts_with('/'))
                }
                (Some(_), None) => false,
            });
        let Some(name) = target.package else { return by_repo };
        let Some(package) = repo.packages.get(name) else { return by_repo };
        let by_package = package.entitlements.values().any(|e| holds(&e));
        let version = target.version.and_then(|name| package.versions.get(name));
        let by_version = version.is_some_and(|of| of.entitlements.values().any(|e| holds(&e)));
        let in_product = |(repo, name, id): &(&str, &str, u64)| {
            (*repo, *name, *id) == (target.repo.1, target.package.unwrap_or(""), package.id)
        };
        let mut products = self.subject(of).products.values();
        let by_product = products.any(|product| {
            product.packages.iter().any(in_product)
                && product.entitlements.values().any(|e| holds(&e))
        });
        by_repo || by_package || by_version || by_product
    }

    /// Whether a key holds an entitlement of the repository, or of anything in it.
    pub(crate) fn is_entitled_within(&self, of: &str, key: &str, at: Repo) -> bool {
        let Some(repo) = self.repo(at).filter(|_| of == at.0) else { return false };
        let holds = |all: &BTreeMap<_, Entitlement>| all.values().any(|e| e.keys.contains(&key));
        let in_package = |package: &Package| {
            holds(&package.entitlements)
                || package.versions.values().any(|version| holds(&version.entitlements))
        };
        let lists = |product: &Product| {
            product.packages.iter().any(|(repo, name, id)| {
                *repo == at.1 && self.package(at, name).is_some_and(|package| package.id == *id)
            })
        };
        holds(&repo.entitlements)
            || repo.packages.values().any(in_package)
            || self.subject(of).products.values().any(|it| holds(&it.entitlements) && lists(it))
    }

    /// Whether what is published of it may be read.
    pub(crate) fn sees(&self, caller: Caller, target: Target<'_>) -> bool {
        let Some(repo) = self.repo(target.repo) else { return false };
        !repo.private
            || self.flaw == Some(Flaw::HidesNothing)
            || self.may(caller, Need::Read, target)
    }

    /// The gate of a repository and what is in it.
    pub(crate) fn gate(&self, caller: Caller, need: Need, target: Target<'_>) -> Rule<()> {
        let sees = self.sees(caller, target);
        match caller {
            Caller::Nobody if need > Need::Read || !sees => unauthorized(),
            _ if !sees => not_found("Repo", target.repo.1),
            _ if need > Need::Read && !self.may(caller, need, target) => forbidden(),
            _ => Ok(()),
        }
    }

    /// The gate of a subject's administration.
    pub(crate) fn owns(&self, caller: Caller, subject: &str) -> Rule<()> {
        match caller {
            Caller::Nobody => unauthorized(),
            _ if self.administers(caller, subject) => Ok(()),
            _ => forbidden(),
        }
    }

    /// Somebody must have signed in.
    pub(crate) fn signed_in(caller: Caller) -> Rule<()> {
        if caller == Caller::Nobody { unauthorized() } else { Ok(()) }
    }
}
