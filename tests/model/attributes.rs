//! Attributes and the searches by them: `docs/decisions/0005-attributes.md`.

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target};
use super::answer::Expected;
use super::command::Command;
use super::downloads::file_json;
use super::rules::{page, success, told};
use super::samples::{ATTRIBUTES, CLAUSES};
use super::state::{Attribute, Model};
use super::world::{Place, Repo};

fn shown(attributes: &[Attribute], publisher: bool) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(move |attribute| publisher || !attribute.name.starts_with('_'))
}

/// The names that someone sees.
pub(crate) fn names(attributes: &[Attribute], publisher: bool) -> Value {
    shown(attributes, publisher).map(|attribute| attribute.name).collect()
}

/// The values by name.
pub(crate) fn values(attributes: &[Attribute], publisher: bool) -> Value {
    let pair = |of: &Attribute| (of.name.to_owned(), Value::Array(of.values.clone()));
    Value::Object(shown(attributes, publisher).map(pair).collect())
}

/// An attribute as it is kept.
fn kept(at: usize) -> Attribute {
    let (name, kind, values) = ATTRIBUTES[at];
    let values: Value = serde_json::from_str(values).expect("a sample is JSON");
    let values = values.as_array().cloned().unwrap_or_default();
    let kind = kind.unwrap_or(match values.first() {
        Some(Value::Number(_)) => "number",
        Some(Value::Bool(_)) => "boolean",
        _ => "string",
    });
    Attribute { name, kind, values }
}

/// Whether an attribute is what a clause asks for. Every sample of a clause is judged here by hand.
fn matches(of: &Attribute, clause: usize) -> bool {
    let (name, asked) = CLAUSES[clause];
    let numbers = || of.values.iter().filter_map(Value::as_i64);
    if of.name != name || of.values.is_empty() {
        return false;
    }
    match (name, asked) {
        ("level", "\"[1,3]\"") => numbers().any(|number| (1..=3).contains(&number)),
        ("level", "\"[,3[\"") => numbers().any(|number| number < 3),
        // The one sample lies within.
        ("when" | "rel", _) => true,
        _ => {
            let listed: Vec<Value> = serde_json::from_str(asked).expect("a sample is a list");
            match &of.values[..] {
                [one] => listed.contains(one),
                several => listed.iter().all(|value| several.contains(value)),
            }
        }
    }
}

impl Model {
    /// What attributes are of: the right to read or to change them, and that it is there.
    fn attributes_at(&self, by: Caller, need: Need, place: Place) -> Rule<(&[Attribute], bool)> {
        let target = match place {
            Place::Package(repo, package) => Target::package(repo, package),
            Place::Version(repo, package, version) => Target::version(repo, package, version),
            Place::File(repo, path) => self.file_target(repo, path),
            Place::Repo(_) | Place::Product(..) => unreachable!("they have no attributes"),
        };
        let publisher = self.may(by, Need::Publish, target);
        let found = match place {
            Place::File(repo, path) if need == Need::Read => {
                &self.file_for(by, repo, path)?.attributes
            }
            Place::File(repo, path) => &self.file_to_change(by, repo, path)?.attributes,
            Place::Package(repo, package) => {
                self.gate(by, need, target)?;
                &self.package_of(repo, package)?.attributes
            }
            Place::Version(repo, package, version) => {
                self.gate(by, need, target)?;
                &self.version_of(repo, package, version)?.attributes
            }
            Place::Repo(_) | Place::Product(..) => unreachable!("they have no attributes"),
        };
        Ok((found, publisher))
    }

    fn attributes_mut(&mut self, place: Place) -> Option<&mut Vec<Attribute>> {
        match place {
            Place::Package(repo, package) => Some(&mut self.package_mut(repo, package)?.attributes),
            Place::Version(repo, package, version) => {
                Some(&mut self.version_mut(repo, package, version)?.attributes)
            }
            Place::File(repo, path) => {
                Some(&mut self.repo_mut(repo)?.files.get_mut(path)?.attributes)
            }
            Place::Repo(_) | Place::Product(..) => None,
        }
    }

    pub(crate) fn on_attributes(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::GetAttributes(place, only) => {
                let (found, publisher) = self.attributes_at(by, Need::Read, *place)?;
                let wanted = |of: &&Attribute| only.is_none_or(|only| only == of.name);
                let of_file = matches!(place, Place::File(..));
                told(
                    200,
                    shown(found, publisher).filter(wanted).map(|of| json_of(of, of_file)).collect(),
                )
            }
            Command::SetAttributes(place, which) | Command::MergeAttributes(place, which) => {
                let (found, _) = self.attributes_at(by, Need::Publish, *place)?;
                let merges = matches!(command, Command::MergeAttributes(..));
                let mut result = if merges { found.to_vec() } else { Vec::new() };
                let before = found.to_vec();
                for attribute in which.iter().map(|at| kept(*at)) {
                    match result.iter_mut().find(|known| known.name == attribute.name) {
                        Some(known) => *known = attribute,
                        None => result.push(attribute),
                    }
                }
                self.change_attributes(*place, &before, result.clone());
                let of_file = matches!(place, Place::File(..));
                told(200, result.iter().map(|of| json_of(of, of_file)).collect())
            }
            Command::DeleteAttributes(place, only) => {
                let before = self.attributes_at(by, Need::Publish, *place)?.0.to_vec();
                let mut left = before.clone();
                left.retain(|of| only.is_some_and(|only| only != of.name));
                self.change_attributes(*place, &before, left);
                match place {
                    Place::File(_, path) => {
                        let text =
                            "Attributes were deleted successfully from the following file path";
                        told(200, json!({"message": format!("{text}: {path}")}))
                    }
                    _ => success(200),
                }
            }
            _ => self.on_clauses(by, command),
        }
    }

    /// Keeps attributes. What only publishers see of the change, strangers do not see by the time.
    fn change_attributes(&mut self, place: Place, before: &[Attribute], after: Vec<Attribute>) {
        let seen = |of: &[Attribute]| shown(of, false).cloned().collect::<Vec<_>>();
        if before == after {
            return;
        }
        let hidden = seen(before) == seen(&after);
        if let Some(attributes) = self.attributes_mut(place) {
            *attributes = after;
        }
        let now = self.now;
        match place {
            Place::Package(repo, package) => {
                if let Some(of) = self.package_mut(repo, package) {
                    if hidden { of.updated.hide(now) } else { of.updated.see(now) }
                }
            }
            Place::Version(repo, package, version) => self.touch(repo, package, version, hidden),
            Place::File(repo, path) => {
                if let Some(file) = self.file(repo, path) {
                    let (package, version) = (file.package, file.version);
                    let hidden = hidden || !file.published;
                    self.touch(repo, package, version, hidden);
                }
            }
            Place::Repo(_) | Place::Product(..) => {}
        }
    }

    fn on_clauses(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        let satisfies = |attributes: &[Attribute], publisher: bool, which: &[usize]| {
            let found =
                |clause: &usize| shown(attributes, publisher).any(|of| matches(of, *clause));
            which.iter().all(found)
        };
        match command {
            Command::SearchPackagesBy(repo, which) => {
                self.gate(by, Need::Read, Target::repo(*repo))?;
                let packages = self.repo(*repo).into_iter().flat_map(|repo| repo.packages.iter());
                let found = packages.filter(|(name, package)| {
                    let publisher = self.may(by, Need::Publish, Target::package(*repo, name));
                    satisfies(&package.attributes, publisher, which)
                });
                page(found.map(|(name, _)| self.package_json(by, *repo, name, false)).collect())
            }
            Command::SearchVersionsBy(repo, package, which) => {
                self.gate(by, Need::Read, Target::package(*repo, package))?;
                let of = self.package_of(*repo, package)?;
                let found = Self::version_names(of).into_iter().filter(|name| {
                    let publisher =
                        self.may(by, Need::Publish, Target::version(*repo, package, name));
                    satisfies(&of.versions[name].attributes, publisher, which)
                });
                page(found.map(|name| self.version_json(by, *repo, package, name)).collect())
            }
            Command::SearchFilesBy(repo, which) => self.search_files_by(by, *repo, which),
            _ => unreachable!("{command:?} is a search by attributes"),
        }
    }

    /// Files are found by any of the clauses.
    fn search_files_by(&self, by: Caller, repo: Repo, which: &[usize]) -> Rule<Expected> {
        self.gate(by, Need::Read, Target::repo(repo))?;
        let found = self.visible_files(by, repo, false).into_iter().filter(|(path, file)| {
            let publisher = self.may(by, Need::Publish, self.file_target(repo, path));
            let any =
                |clause: &usize| shown(&file.attributes, publisher).any(|of| matches(of, *clause));
            which.iter().any(any)
        });
        page(found.map(|(path, file)| file_json(repo, path, file)).collect())
    }
}

fn json_of(of: &Attribute, of_file: bool) -> Value {
    let kind = if of_file { of.kind.to_ascii_uppercase() } else { of.kind.to_owned() };
    json!({"name": of.name, "type": kind, "values": of.values})
}
