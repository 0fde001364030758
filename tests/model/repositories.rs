//! Repositories: "Repositories" of the Bintray documents and `docs/restrictions.md`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse, unauthorized};
use super::answer::{Expected, Told};
use super::command::Command;
use super::rules::{page, success, told};
use super::state::{Model, Repository};
use super::world::{Repo, iso, repo_type};

impl Model {
    pub(crate) fn repo_json(&self, Repo(of, name): Repo, repo: &Repository) -> Value {
        json!({
            "name": name, "owner": of, "type": repo_type(Repo(of, name)), "private": repo.private, "premium": true,
            "desc": repo.desc, "labels": ["b", "a"], "created": iso(repo.created),
            "package_count": repo.packages.len(), "gpg_sign_metadata": false,
            "gpg_sign_files": false, "gpg_use_owner_key": false,
        })
    }

    /// The repositories of a subject that someone sees.
    pub(crate) fn visible_repos(&self, caller: Caller, of: &'static str) -> Vec<&'static str> {
        let names = self.subject(of).repos.keys().copied();
        names.filter(|name| self.sees(caller, Target::repo(Repo(of, name)))).collect()
    }

    pub(crate) fn on_repositories(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::CreateRepo { repo, private, desc } => {
                self.create_repo(by, *repo, *private, desc)
            }
            Command::ShowRepo(repo) | Command::HeadRepo(repo) => {
                self.gate(by, Need::Read, Target::repo(*repo))?;
                let Some(shown) = self.repo(*repo) else { return not_found("Repo", repo.1) };
                match command {
                    Command::HeadRepo(_) => Ok(Expected { status: 200, told: Told::Empty }),
                    _ => told(200, self.repo_json(*repo, shown)),
                }
            }
            Command::ListRepos(of) => {
                let item = |name| json!({"name": name, "owner": of});
                page(self.visible_repos(by, of).into_iter().map(item).collect())
            }
            Command::PatchRepo { repo, private, desc } => {
                self.gate(by, Need::Own, Target::repo(*repo))?;
                if let Some(changed) = self.repo_mut(*repo) {
                    changed.private = private.unwrap_or(changed.private);
                    changed.desc = desc.unwrap_or(changed.desc);
                }
                success(200)
            }
            Command::DeleteRepo(repo) => {
                self.gate(by, Need::Own, Target::repo(*repo))?;
                self.subject_mut(repo.0).repos.remove(repo.1);
                self.forget_packages(repo.0);
                success(200)
            }
            Command::SearchRepos(text) => self.search_repos(by, text),
            _ => self.on_networks(by, command),
        }
    }

    /// Who makes one: who administers the subject, and the members of teams that may. Such a team
    /// has the `admin` permission in it: the first by name of those that the maker is in.
    fn create_repo(
        &mut self,
        by: Caller,
        Repo(of, name): Repo,
        private: bool,
        desc: &'static str,
    ) -> Rule<Expected> {
        let mut permissions = BTreeMap::new();
        if !self.administers(by, of) {
            let Caller::User(user) = by else {
                return if by == Caller::Nobody {
                    unauthorized()
                } else {
                    refuse(403, "forbidden")
                };
            };
            let mut teams = self.subject(of).teams.iter();
            match teams.find(|(_, team)| team.creates && team.members.contains(user)) {
                Some((team, _)) => permissions.insert(*team, "admin"),
                None => return refuse(403, "forbidden"),
            };
        }
        if self.subject(of).repos.contains_key(name) {
            return refuse(409, format!("Repo '{name}' already exists"));
        }
        let (id, created) = (self.next_id(), self.now);
        let repo = Repository {
            id,
            private,
            desc,
            created,
            packages: BTreeMap::new(),
            files: BTreeMap::new(),
            permissions,
            entitlements: BTreeMap::new(),
            white: None,
        };
        let shown = self.repo_json(Repo(of, name), &repo);
        self.subject_mut(of).repos.insert(name, repo);
        told(201, shown)
    }

    fn search_repos(&self, by: Caller, text: &str) -> Rule<Expected> {
        Self::signed_in(by)?;
        let mut found = Vec::new();
        for of in super::world::SUBJECTS {
            for name in self.visible_repos(by, of) {
                let repo = &self.subject(of).repos[name];
                if repo.desc.contains(text) {
                    found.push((of, name, self.repo_json(Repo(of, name), repo)));
                }
            }
        }
        found.sort_by_key(|(of, name, _)| (*of, *name));
        page(found.into_iter().map(|(_, _, json)| json).collect())
    }

    fn on_networks(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        let (Command::SetNetworks { repo, .. }
        | Command::ShowNetworks(repo)
        | Command::ClearNetworks(repo)) = command
        else {
            unreachable!("{command:?} is about networks")
        };
        self.gate(by, Need::Own, Target::repo(*repo))?;
        let Some(of) = self.repo_mut(*repo) else { return not_found("Repo", repo.1) };
        let lists = |white: Option<&str>| {
            let white: Vec<_> = white.into_iter().collect();
            json!({"white_cidrs": white, "black_cidrs": []})
        };
        match command {
            Command::SetNetworks { white, .. } => {
                of.white = Some(white);
                told(200, lists(of.white))
            }
            Command::ShowNetworks(_) => {
                let mut shown = lists(of.white);
                shown["hasWritePermission"] = Value::Null;
                told(200, shown)
            }
            _ => {
                of.white = None;
                let Repo(of, name) = repo;
                let text = format!("Successfully deleted restriction for repo /{of}/{name}");
                told(200, json!({"message": text}))
            }
        }
    }

    /// Takes packages that are gone out of the subject's products.
    pub(crate) fn forget_packages(&mut self, of: &'static str) {
        let subject = self.subject_mut(of);
        let repos = &subject.repos;
        for product in subject.products.values_mut() {
            product.packages.retain(|(repo, name, id)| {
                let package = repos.get(repo).and_then(|repo| repo.packages.get(name));
                package.is_some_and(|package| package.id == *id)
            });
        }
    }
}
