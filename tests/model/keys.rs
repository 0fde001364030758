//! Access keys and entitlements: "Access Keys" and "Entitlements" of the Bintray documents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse, refuse_somehow};
use super::answer::{Expected, Told};
use super::command::Command;
use super::rules::{page, success, told};
use super::samples::{ELSEWHERE_NETWORK, password};
use super::state::{Entitlement, Key, Model};
use super::wire::in_days;
use super::world::{Place, Repo};

impl Model {
    pub(crate) fn on_keys(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        let (Command::CreateKey { of, .. }
        | Command::ShowKey(of, _)
        | Command::ListKeys(of)
        | Command::PatchKey { of, .. }
        | Command::DeleteKey(of, _)) = command
        else {
            unreachable!("{command:?} is about keys")
        };
        self.owns(by, of)?;
        let (now, id) = (self.now, self.next_id());
        let keys = &mut self.subject_mut(of).keys;
        match command {
            Command::ListKeys(_) => {
                let names: Vec<_> = keys.keys().collect();
                let told = Told::Page(names.len(), json!({"access_keys": names}));
                Ok(Expected { status: 200, told })
            }
            Command::CreateKey { key, password: number, days, black, .. } => {
                if keys.contains_key(key) {
                    return refuse(409, format!("AccessKey '{key}' already exists"));
                }
                let expiry = days.map(|days| in_days(now, days));
                keys.insert(key, Key { id, password: *number, expiry, black: *black });
                let username = format!("{key}@{of}");
                told(201, json!({"username": username, "password": password(*number)}))
            }
            Command::ShowKey(_, key) => match keys.get(key) {
                Some(kept) => told(200, key_json(of, key, kept)),
                None => not_found("AccessKey", key),
            },
            Command::PatchKey { key, password: number, days, .. } => {
                let Some(kept) = keys.get_mut(key) else { return not_found("AccessKey", key) };
                kept.password = number.unwrap_or(kept.password);
                kept.expiry = days.map(|days| in_days(now, days)).or(kept.expiry);
                let mut shown = json!({"username": format!("{key}@{of}")});
                if let Some(number) = number {
                    shown["password"] = json!(password(*number));
                }
                told(200, shown)
            }
            Command::DeleteKey(_, key) => {
                if keys.remove(key).is_none() {
                    return not_found("AccessKey", key);
                }
                for entitlements in self.every_entitlement(of) {
                    for entitlement in entitlements.values_mut() {
                        entitlement.keys.retain(|known| known != key);
                    }
                }
                success(200)
            }
            _ => unreachable!("{command:?} is about keys"),
        }
    }

    /// All places where a subject's entitlements are kept.
    fn every_entitlement(
        &mut self,
        of: &'static str,
    ) -> Vec<&mut BTreeMap<&'static str, Entitlement>> {
        let subject = self.subject_mut(of);
        let mut all: Vec<_> =
            subject.products.values_mut().map(|product| &mut product.entitlements).collect();
        for repo in subject.repos.values_mut() {
            all.push(&mut repo.entitlements);
            for package in repo.packages.values_mut() {
                all.push(&mut package.entitlements);
                all.extend(package.versions.values_mut().map(|of| &mut of.entitlements));
            }
        }
        all
    }

    fn entitlements_at(
        &mut self,
        place: Place,
    ) -> Option<&mut BTreeMap<&'static str, Entitlement>> {
        Some(match place {
            Place::Repo(repo) => &mut self.repo_mut(repo)?.entitlements,
            Place::Package(repo, package) => &mut self.package_mut(repo, package)?.entitlements,
            Place::Version(repo, package, version) => {
                &mut self.version_mut(repo, package, version)?.entitlements
            }
            Place::Product(of, product) => {
                &mut self.subject_mut(of).products.get_mut(product)?.entitlements
            }
            Place::File(..) => return None,
        })
    }

    /// Credentials, the administration of the subject, and what the entitlement is of; for products
    /// the other way around.
    fn entitlement_gates(&self, by: Caller, place: Place) -> Rule<&'static str> {
        Self::signed_in(by)?;
        let (Place::Repo(repo)
        | Place::Package(repo, _)
        | Place::Version(repo, ..)
        | Place::File(repo, _)) = place
        else {
            let Place::Product(of, product) = place else {
                unreachable!("{place:?} has a repository")
            };
            self.product_for(by, of, product)?;
            self.owns(by, of)?;
            return Ok(of);
        };
        self.owns(by, repo.0)?;
        self.gate(by, Need::Read, Target::repo(repo))?;
        match place {
            Place::Package(_, package) => drop(self.package_of(repo, package)?),
            Place::Version(_, package, version) => drop(self.version_of(repo, package, version)?),
            _ => {}
        }
        Ok(repo.0)
    }

    /// Keys that are named must be there.
    fn known_keys(&self, of: &str, names: &[&'static str]) -> Rule<()> {
        match names.iter().find(|name| !self.subject(of).keys.contains_key(**name)) {
            Some(name) => refuse(400, format!("Access key '{name}' does not exist")),
            None => Ok(()),
        }
    }

    pub(crate) fn on_entitlements(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreateEntitlement { of: place, id, write, keys, path } => {
                let of = self.entitlement_gates(by, *place)?;
                // Of what is wrong a name that is taken comes first.
                if self.entitlements_at(*place).is_some_and(|kept| kept.contains_key(id)) {
                    return refuse(409, format!("Entitlement '{id}' already exists"));
                }
                // Products are only read.
                if *write && matches!(place, Place::Product(..)) {
                    return refuse_somehow(400);
                }
                self.known_keys(of, keys)?;
                let made = Entitlement { id, write: *write, keys: distinct(keys), path: *path };
                let Some(kept) = self.entitlements_at(*place) else {
                    return not_found("Place", "");
                };
                let shown = entitlement_json(&made, false);
                kept.insert(id, made);
                told(201, shown)
            }
            Command::ListEntitlements(place) => {
                self.entitlement_gates(by, *place)?;
                let kept = self.entitlements_at(*place).map(|kept| kept.keys().copied().collect());
                let ids: Vec<&str> = kept.unwrap_or_default();
                page(ids.into_iter().map(|id| json!({"id": id})).collect())
            }
            Command::ShowEntitlement(place, id)
            | Command::PatchEntitlement { of: place, id, .. }
            | Command::DeleteEntitlement(place, id) => {
                let of = self.entitlement_gates(by, *place)?;
                self.on_entitlement(of, *place, id, command)
            }
            Command::SearchEntitlements { scope, key, deep } => {
                self.search_entitlements(by, *scope, key, *deep)
            }
            _ => unreachable!("{command:?} is about entitlements"),
        }
    }

    fn on_entitlement(
        &mut self,
        of: &'static str,
        place: Place,
        id: &'static str,
        command: &Command,
    ) -> Rule<Expected> {
        if let Command::PatchEntitlement { add, .. } = command {
            let there = self.entitlements_at(place).is_some_and(|kept| kept.contains_key(id));
            if there {
                self.known_keys(of, add)?;
            }
        }
        let kept = self.entitlements_at(place);
        let Some((kept, mut found)) = kept.and_then(|kept| {
            let found = kept.get(id)?.clone();
            Some((kept, found))
        }) else {
            return not_found("Entitlement", id);
        };
        match command {
            Command::PatchEntitlement { write, add, remove, .. } => {
                if *write == Some(true) && matches!(place, Place::Product(..)) {
                    return refuse_somehow(400);
                }
                found.write = write.unwrap_or(found.write);
                found.keys.extend(add);
                found.keys = distinct(&found.keys);
                found.keys.retain(|key| !remove.contains(key));
                kept.insert(id, found.clone());
                told(200, entitlement_json(&found, false))
            }
            Command::DeleteEntitlement(..) => {
                kept.remove(id);
                success(200)
            }
            _ => told(200, entitlement_json(&found, true)),
        }
    }

    fn search_entitlements(
        &mut self,
        by: Caller,
        scope: Place,
        key: &'static str,
        deep: bool,
    ) -> Rule<Expected> {
        Self::signed_in(by)?;
        let (Place::Repo(Repo(of, _))
        | Place::Package(Repo(of, _), _)
        | Place::Version(Repo(of, _), ..)
        | Place::File(Repo(of, _), _)
        | Place::Product(of, _)) = scope;
        let there = match scope {
            Place::Repo(repo) | Place::File(repo, _) => self.repo(repo).is_some(),
            Place::Package(repo, package) => self.package(repo, package).is_some(),
            Place::Version(repo, package, version) => {
                self.version(repo, package, version).is_some()
            }
            Place::Product(of, product) => self.subject(of).products.contains_key(product),
        };
        if !self.administers(by, of) || !there {
            return refuse(403, "Forbidden");
        }
        let mut places = vec![scope];
        if deep {
            places.extend(self.within(scope));
        }
        let mut found = Vec::new();
        for place in places {
            let kept = self.entitlements_at(place).map(|kept| kept.values().cloned().collect());
            let kept: Vec<Entitlement> = kept.unwrap_or_default();
            let with_key = kept.iter().filter(|of| of.keys.contains(&key));
            found.extend(with_key.map(|of| found_json(place, of)));
        }
        found.sort_by_key(order);
        page(found)
    }

    /// What lies within a scope.
    fn within(&self, scope: Place) -> Vec<Place> {
        let versions = |repo: Repo, package: &'static str| {
            let versions =
                self.package(repo, package).into_iter().flat_map(|of| of.versions.keys());
            versions.map(move |version| Place::Version(repo, package, version))
        };
        match scope {
            Place::Repo(repo) => {
                let packages = self.repo(repo).into_iter().flat_map(|of| of.packages.keys());
                let of = |package: &'static str| {
                    std::iter::once(Place::Package(repo, package)).chain(versions(repo, package))
                };
                packages.flat_map(|package| of(package).collect::<Vec<_>>()).collect()
            }
            Place::Package(repo, package) => versions(repo, package).collect(),
            Place::Product(of, product) => {
                let packages = self.subject(of).products.get(product).map(|of| of.packages.clone());
                let packages = packages.unwrap_or_default().into_iter();
                let of = |(repo, package, _): (&'static str, &'static str, u64)| {
                    let repo = Repo(of, repo);
                    let versions: Vec<_> = versions(repo, package).collect();
                    std::iter::once(Place::Package(repo, package)).chain(versions)
                };
                packages.flat_map(of).collect()
            }
            Place::Version(..) | Place::File(..) => Vec::new(),
        }
    }
}

fn distinct(names: &[&'static str]) -> Vec<&'static str> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(*name);
        }
    }
    once
}

/// In the order in which searches give entitlements.
fn order(found: &Value) -> String {
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    [text("repo"), text("product"), text("package"), text("version"), text("id")].join("\n")
}

fn key_json(of: &str, id: &str, key: &Key) -> Value {
    let black: &[&str] = if key.black { &[ELSEWHERE_NETWORK] } else { &[] };
    let mut shown = json!({
        "id": id, "username": format!("{id}@{of}"), "white_cidrs": [], "black_cidrs": black,
        "api_only": true,
    });
    if let Some(expiry) = key.expiry {
        shown["expiry"] = json!(expiry);
    }
    shown
}

fn entitlement_json(of: &Entitlement, with_both: bool) -> Value {
    let access = if of.write { "rw" } else { "r" };
    let mut shown = json!({"id": of.id, "access": access, "access_keys": of.keys, "tags": []});
    if let Some(path) = of.path {
        shown["path"] = json!(path);
    }
    if with_both {
        shown["download_keys"] = json!(of.keys);
    }
    shown
}

fn found_json(place: Place, of: &Entitlement) -> Value {
    let mut shown = entitlement_json(of, false);
    // What is found has tags only if there are any, as in the documents' samples.
    shown.as_object_mut().map(|shown| shown.remove("tags"));
    let (repo, package, version) = match place {
        Place::Repo(repo) | Place::File(repo, _) => (repo, None, None),
        Place::Package(repo, package) => (repo, Some(package), None),
        Place::Version(repo, package, version) => (repo, Some(package), Some(version)),
        Place::Product(_, product) => {
            shown["product"] = json!(product);
            return shown;
        }
    };
    shown["repo"] = json!(format!("/{}/{}", repo.0, repo.1));
    if let Some(package) = package {
        shown["package"] = json!(package);
    }
    if let Some(version) = version {
        shown["version"] = json!(version);
    }
    shown
}
