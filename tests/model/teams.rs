//! Teams and permissions: `docs/decisions/0007-organizations-and-teams.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse, refuse_somehow};
use super::answer::{Expected, Told};
use super::command::Command;
use super::rules::{page, success, told};
use super::state::{Model, Team};
use super::world::{GUILD, Repo};

impl Model {
    fn team_json(&self, of: &str, name: &str, team: &Team, with_owner: bool) -> Value {
        let repos = self.subject(of).repos.iter();
        let permitted: BTreeMap<&str, &str> =
            repos.filter_map(|(repo, kept)| Some((*repo, *kept.permissions.get(name)?))).collect();
        let mut shown = json!({
            "name": name, "members": team.members, "permitted_repos": permitted,
            "allow_repo_creation": team.creates,
        });
        if with_owner {
            shown["owner"] = json!(of);
        }
        shown
    }

    /// The members that are named, if they can be in a team.
    fn team_members(&self, of: &str, names: &[&'static str]) -> Rule<BTreeSet<&'static str>> {
        let members = &self.subject(of).members;
        let can = |name: &&&str| {
            self.registered.contains_key(**name) && (of != GUILD || members.contains_key(**name))
        };
        if names.iter().all(|name| can(&name)) {
            Ok(names.iter().copied().collect())
        } else {
            refuse_somehow(400)
        }
    }

    pub(crate) fn on_teams(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        Self::signed_in(by)?;
        match command {
            Command::CreateTeam { of, team, members, creates } => {
                self.owns(by, of)?;
                if self.subject(of).teams.contains_key(team) {
                    return refuse(409, format!("Team '{team}' already exists"));
                }
                let members = self.team_members(of, members)?;
                let made = Team { members, creates: *creates };
                self.subject_mut(of).teams.insert(team, made.clone());
                told(201, self.team_json(of, team, &made, true))
            }
            Command::ListTeams(of) => {
                self.owns(by, of)?;
                let names: Vec<_> = self.subject(of).teams.keys().collect();
                let told = Told::Page(names.len(), json!({"teams": names}));
                Ok(Expected { status: 200, told })
            }
            Command::ShowTeam(of, team)
            | Command::PatchTeam { of, team, .. }
            | Command::DeleteTeam(of, team) => self.on_team(by, of, team, command),
            _ => self.on_permissions(by, command),
        }
    }

    fn on_team(
        &mut self,
        by: Caller,
        of: &'static str,
        team: &'static str,
        command: &Command,
    ) -> Rule<Expected> {
        // To whoever does not administer the subject a team is not there.
        let known = self.subject(of).teams.get(team).filter(|_| self.administers(by, of)).cloned();
        let Some(mut known) = known else { return not_found("Team", team) };
        match command {
            Command::PatchTeam { members, creates, .. } => {
                if let Some(members) = members {
                    known.members = self.team_members(of, members)?;
                }
                known.creates = creates.unwrap_or(known.creates);
                self.subject_mut(of).teams.insert(team, known.clone());
                told(200, self.team_json(of, team, &known, true))
            }
            Command::DeleteTeam(..) => {
                let subject = self.subject_mut(of);
                subject.teams.remove(team);
                for repo in subject.repos.values_mut() {
                    repo.permissions.remove(team);
                }
                success(200)
            }
            _ => told(200, self.team_json(of, team, &known, false)),
        }
    }

    fn on_permissions(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        let (Command::SetPermission { repo, .. }
        | Command::ShowPermission(repo, _)
        | Command::ListPermissions(repo)
        | Command::DeletePermission(repo, _)) = command
        else {
            unreachable!("{command:?} is about permissions")
        };
        let Repo(of, name) = *repo;
        self.gate(by, Need::Own, Target::repo(*repo))?;
        let json = |team: &str, permission: &str| json!({"team": team, "permission": permission});
        let teams = self.subject(of).teams.clone();
        let Some(kept) = self.repo_mut(*repo) else { return not_found("Repo", name) };
        match command {
            Command::ListPermissions(_) => {
                page(kept.permissions.iter().map(|(team, of)| json(team, of)).collect())
            }
            Command::SetPermission { team, permission, .. } => {
                if !teams.contains_key(team) {
                    return not_found("Team", team);
                }
                kept.permissions.insert(team, permission);
                success(200)
            }
            Command::ShowPermission(_, team) | Command::DeletePermission(_, team) => {
                let permission = match kept.permissions.get(team) {
                    Some(permission) => *permission,
                    None if teams.contains_key(team) => {
                        let text = format!("Team '{team}' has no permission in the repo '{name}'");
                        return refuse(404, text);
                    }
                    None => return not_found("Team", team),
                };
                if matches!(command, Command::ShowPermission(..)) {
                    return told(200, json(team, permission));
                }
                kept.permissions.remove(team);
                success(200)
            }
            _ => unreachable!("{command:?} is about permissions"),
        }
    }
}
