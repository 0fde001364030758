//! Versions: "Versions" of the Bintray documents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse};
use super::answer::Expected;
use super::attributes::names;
use super::command::Command;
use super::rules::{success, told};
use super::state::{Model, Updated, Version};
use super::world::{Repo, iso};

impl Model {
    /// The version, if it and its package are there.
    pub(crate) fn version_of(&self, repo: Repo, package: &str, name: &str) -> Rule<&Version> {
        self.package_of(repo, package)?;
        self.version(repo, package, name).map_or_else(|| not_found("Version", name), Ok)
    }

    /// Whether a version has a published file.
    pub(crate) fn is_published(&self, repo: Repo, package: &str, version: &str) -> bool {
        let files = self.repo(repo).into_iter().flat_map(|repo| repo.files.values());
        files
            .filter(|file| file.published)
            .any(|file| (file.package, file.version) == (package, version))
    }

    pub(crate) fn version_json(&self, by: Caller, repo: Repo, package: &str, name: &str) -> Value {
        let Some(version) = self.version(repo, package, name) else { return Value::Null };
        let labelled = self.package(repo, package).is_some_and(|package| package.labels);
        let labels: &[&str] = if labelled { &["x", "a"] } else { &[] };
        let publisher = self.may(by, Need::Publish, Target::version(repo, package, name));
        let mut shown = json!({
            "name": name, "desc": version.desc, "package": package, "repo": repo.1,
            "owner": repo.0, "labels": labels,
            "published": self.is_published(repo, package, name),
            "attribute_names": names(&version.attributes, publisher),
            "created": iso(version.created), "updated": iso(version.updated.shown(publisher)),
            "released": "", "ordinal": version.ordinal, "rating_count": 0,
        });
        if publisher {
            shown["github_release_notes_file"] = Value::Null;
            shown["github_use_tag_release_notes"] = json!(false);
            shown["vcs_tag"] = json!(version.tag);
        }
        shown
    }

    /// Makes a version, and gives its package the time.
    pub(crate) fn make_version(&mut self, repo: Repo, package: &str, name: &'static str) {
        let now = self.now;
        let Some(of) = self.package_mut(repo, package) else { return };
        of.last_ordinal += 1;
        let version = Version {
            desc: None,
            tag: None,
            created: now,
            updated: Updated::at(now),
            ordinal: of.last_ordinal,
            attributes: Vec::new(),
            entitlements: BTreeMap::new(),
        };
        of.versions.insert(name, version);
        of.updated.see(now);
    }

    /// Says that a version, and so its package, changed.
    pub(crate) fn touch(&mut self, repo: Repo, package: &str, version: &str, hidden: bool) {
        let now = self.now;
        let change =
            |updated: &mut Updated| if hidden { updated.hide(now) } else { updated.see(now) };
        if let Some(of) = self.version_mut(repo, package, version) {
            change(&mut of.updated);
        }
        if let Some(of) = self.package_mut(repo, package) {
            change(&mut of.updated);
        }
    }

    pub(crate) fn on_versions(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreateVersion { repo, package, version, desc } => {
                self.gate(by, Need::Publish, Target::package(*repo, package))?;
                self.package_of(*repo, package)?;
                if self.version(*repo, package, version).is_some() {
                    return refuse(409, format!("Version '{version}' already exists"));
                }
                self.make_version(*repo, package, version);
                if let Some(made) = self.version_mut(*repo, package, version) {
                    made.desc = *desc;
                }
                told(201, self.version_json(by, *repo, package, version))
            }
            Command::ShowVersion { repo, package, version } => {
                self.gate(by, Need::Read, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                told(200, self.version_json(by, *repo, package, version))
            }
            Command::LatestVersion(repo, package) => {
                let latest = self.latest(*repo, package);
                let target = latest.map_or_else(
                    || Target::package(*repo, package),
                    |version| Target::version(*repo, package, version),
                );
                self.gate(by, Need::Read, target)?;
                self.package_of(*repo, package)?;
                let Some(latest) = latest else { return not_found("Version", "_latest") };
                told(200, self.version_json(by, *repo, package, latest))
            }
            Command::PatchVersion { repo, package, version, desc, tag } => {
                self.gate(by, Need::Publish, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                if let Some(changed) = self.version_mut(*repo, package, version) {
                    changed.desc = Some(desc);
                    changed.tag = tag.or(changed.tag);
                }
                self.touch(*repo, package, version, false);
                success(200)
            }
            Command::DeleteVersion(repo, package, version) => {
                self.gate(by, Need::Publish, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                if let Some(of) = self.repo_mut(*repo) {
                    of.files.retain(|_, file| (file.package, file.version) != (package, version));
                }
                let now = self.now;
                if let Some(of) = self.package_mut(*repo, package) {
                    of.versions.remove(version);
                    of.updated.see(now);
                }
                success(200)
            }
            Command::FileVersion(repo, path) => {
                let file = self.file_for(by, *repo, path)?;
                let (package, version) = (file.package, file.version);
                self.gate(by, Need::Read, Target::version(*repo, package, version))?;
                told(200, self.version_json(by, *repo, package, version))
            }
            _ => unreachable!("{command:?} is about versions"),
        }
    }
}
