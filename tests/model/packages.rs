//! Packages: "Packages" of the Bintray documents, and the searches for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse};
use super::answer::Expected;
use super::attributes::{names, values};
use super::command::Command;
use super::rules::{page, success, told};
use super::state::{Model, Package, Updated};
use super::world::{MAVEN_PATH, Repo, iso, repo_type};

impl Model {
    /// The package, if it is there.
    pub(crate) fn package_of(&self, repo: Repo, name: &str) -> Rule<&Package> {
        self.package(repo, name).map_or_else(|| not_found("Package", name), Ok)
    }

    /// The names of its versions, the newest first.
    pub(crate) fn version_names(package: &Package) -> Vec<&'static str> {
        let mut versions: Vec<_> = package.versions.iter().collect();
        versions.sort_by_key(|(_, version)| -version.ordinal);
        versions.into_iter().map(|(name, _)| *name).collect()
    }

    /// The newest version that has a published file.
    pub(crate) fn latest(&self, repo: Repo, name: &str) -> Option<&'static str> {
        let files = &self.repo(repo)?.files;
        let published = |version: &&str| {
            let mut files = files.values();
            files.any(|file| (file.package, file.version) == (name, *version) && file.published)
        };
        Self::version_names(self.package(repo, name)?).into_iter().find(published)
    }

    pub(crate) fn package_json(
        &self,
        by: Caller,
        repo: Repo,
        name: &str,
        with_values: bool,
    ) -> Value {
        let Some(package) = self.package(repo, name) else { return Value::Null };
        let publisher = self.may(by, Need::Publish, Target::package(repo, name));
        let labels: &[&str] = if package.labels { &["x", "a"] } else { &[] };
        let licenses: &[&str] = if package.licensed { &["Apache-2.0", "MIT"] } else { &[] };
        let mut shown = json!({
            "name": name, "repo": repo.1, "owner": repo.0, "desc": package.desc, "labels": labels,
            "licenses": licenses, "custom_licenses": [], "followers_count": 0,
            "created": iso(package.created), "website_url": null, "issue_tracker_url": null,
            "linked_to_repos": [], "versions": Self::version_names(package),
            "latest_version": self.latest(repo, name),
            "updated": iso(package.updated.shown(publisher)), "rating_count": 0,
            "system_ids": self.system_ids(repo, name), "vcs_url": null, "maturity": "",
        });
        let (key, attributes) = if with_values {
            ("attributes", values(&package.attributes, publisher))
        } else {
            ("attribute_names", names(&package.attributes, publisher))
        };
        shown[key] = attributes;
        if publisher {
            for (key, value) in [
                ("github_repo", json!("")),
                ("github_release_notes_file", json!("")),
                ("public_download_numbers", json!(false)),
                ("public_stats", json!(true)),
            ] {
                shown[key] = value;
            }
        } else {
            shown["permissions"] = json!([]);
        }
        shown
    }

    /// The Maven coordinates of a package: those of its published files in Maven's layout, in a
    /// repository of Maven.
    fn system_ids(&self, repo: Repo, name: &str) -> Vec<&'static str> {
        if repo_type(repo) != "maven" {
            return Vec::new();
        }
        let Some(repo) = self.repo(repo) else { return Vec::new() };
        let maven = repo
            .files
            .iter()
            .any(|(path, file)| path == MAVEN_PATH && file.package == name && file.published);
        if maven { vec!["org.x:app"] } else { Vec::new() }
    }

    pub(crate) fn on_packages(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreatePackage { repo, package, desc, licensed } => {
                self.create_package(by, *repo, package, desc, *licensed)
            }
            Command::ShowPackage { repo, package, values } => {
                self.gate(by, Need::Read, Target::package(*repo, package))?;
                self.package_of(*repo, package)?;
                told(200, self.package_json(by, *repo, package, *values))
            }
            Command::ListPackages { repo, prefix } => {
                self.gate(by, Need::Read, Target::repo(*repo))?;
                let names = self.repo(*repo).into_iter().flat_map(|repo| repo.packages.keys());
                let names = names.filter(|name| name.starts_with(prefix.unwrap_or("")));
                page(names.map(|name| json!({"name": name, "linked": false})).collect())
            }
            Command::PatchPackage { repo, package, desc, labels } => {
                self.gate(by, Need::Publish, Target::package(*repo, package))?;
                self.package_of(*repo, package)?;
                let now = self.now;
                if let Some(changed) = self.package_mut(*repo, package) {
                    changed.desc = desc.unwrap_or(changed.desc);
                    changed.labels |= labels;
                    changed.updated.see(now);
                }
                success(200)
            }
            Command::DeletePackage(repo, package) => {
                self.gate(by, Need::Publish, Target::package(*repo, package))?;
                self.package_of(*repo, package)?;
                if let Some(of) = self.repo_mut(*repo) {
                    of.packages.remove(package);
                    of.files.retain(|_, file| file.package != *package);
                }
                self.forget_packages(repo.0);
                success(200)
            }
            Command::FilePackage(repo, path) => {
                let package = self.file_for(by, *repo, path)?.package;
                // It is asked for the package too: nothing is told that its own address would not.
                self.gate(by, Need::Read, Target::package(*repo, package))?;
                told(200, self.package_json(by, *repo, package, false))
            }
            Command::SearchPackages { of, name } => self.search_packages(by, of, *name),
            Command::SearchMaven(of) => self.search_maven(by, of),
            _ => unreachable!("{command:?} is about packages"),
        }
    }

    fn create_package(
        &mut self,
        by: Caller,
        repo: Repo,
        name: &'static str,
        desc: &'static str,
        licensed: bool,
    ) -> Rule<Expected> {
        self.gate(by, Need::Publish, Target::repo(repo))?;
        if self.package(repo, name).is_some() {
            return refuse(409, format!("Package '{name}' already exists"));
        }
        let (id, now) = (self.next_id(), self.now);
        let package = Package {
            id,
            desc,
            labels: false,
            licensed,
            created: now,
            updated: Updated::at(now),
            last_ordinal: 0,
            versions: BTreeMap::new(),
            attributes: Vec::new(),
            entitlements: BTreeMap::new(),
        };
        if let Some(of) = self.repo_mut(repo) {
            of.packages.insert(name, package);
        }
        told(201, self.package_json(by, repo, name, false))
    }

    /// Every package that a search finds for someone: it looks in repositories that are public or
    /// that the caller may read as a whole.
    fn visible_packages(&self, by: Caller, of: &'static str) -> Vec<(Repo, &'static str)> {
        let repos = self.subject(of).repos.iter();
        let all = repos.flat_map(|(repo, kept)| {
            kept.packages.keys().map(move |package| (Repo(of, repo), *package))
        });
        all.filter(|(repo, _)| self.sees(by, Target::repo(*repo))).collect()
    }

    fn search_packages(&self, by: Caller, of: &'static str, name: Option<&str>) -> Rule<Expected> {
        let mut found = self.visible_packages(by, of);
        found.retain(|(_, package)| name.is_none_or(|name| package.contains(name)));
        found.sort_by_key(|(repo, package)| (*repo, *package));
        page(found.iter().map(|(repo, of)| self.package_json(by, *repo, of, false)).collect())
    }

    fn search_maven(&self, by: Caller, of: &'static str) -> Rule<Expected> {
        let mut found = self.visible_packages(by, of);
        found.retain(|(repo, package)| !self.system_ids(*repo, package).is_empty());
        let shown = |(repo, name): &(Repo, &'static str)| {
            let whole = self.package_json(by, *repo, name, false);
            let keys =
                ["name", "repo", "owner", "desc", "system_ids", "versions", "latest_version"];
            keys.into_iter().map(|key| (key.to_owned(), whole[key].clone())).collect::<Value>()
        };
        page(found.iter().map(shown).collect())
    }
}
