//! Users, organizations, followers, members and licenses:
//! `docs/decisions/0007-organizations-and-teams.md`.

use serde_json::{Value, json};

use super::access::{Caller, Rule, forbidden, not_found, refuse, refuse_somehow};
use super::answer::Expected;
use super::command::Command;
use super::rules::{page, success, told};
use super::state::Model;
use super::world::{GUEST, GUILD, OWNER, Repo, iso};

impl Model {
    /// The sum of what a subject's files hold, with what waits to replace them.
    fn quota(&self, of: &str) -> usize {
        let files = self.subject(of).repos.values().flat_map(|repo| repo.files.values());
        let size = |at: usize| super::world::CONTENTS[at].len();
        files.map(|file| size(file.content) + file.waiting.map_or(0, |(at, _)| size(at))).sum()
    }

    fn followers(&self, of: &str) -> Vec<&'static str> {
        self.follows.iter().filter(|(_, whom)| *whom == of).map(|(who, _)| *who).collect()
    }

    fn user_json(&self, by: Caller, name: &'static str, in_search: bool) -> Value {
        let repos = if name == OWNER { self.visible_repos(by, OWNER) } else { Vec::new() };
        let member = self.subject(GUILD).members.contains_key(name);
        let organizations: &[&str] = if member { &[GUILD] } else { &[] };
        let mut shown = json!({
            "name": name, "full_name": "", "gravatar_id": "", "repos": repos,
            "organizations": organizations, "followers_count": self.followers(name).len(),
            "registered": iso(self.registered[name]),
        });
        if !in_search && (by == Caller::User(name) || by == Caller::Admin) {
            let quota = if name == OWNER { self.quota(OWNER) } else { 0 };
            shown["quota_used_bytes"] = json!(quota);
        }
        shown
    }

    fn organization_json(&self, by: Caller) -> Value {
        let administers = self.administers(by, GUILD);
        let guild = self.subject(GUILD);
        let member = |(name, kind): (&&str, &&str)| {
            if administers { json!({"name": name, "type": kind}) } else { json!({"name": name}) }
        };
        let owner = guild.members.iter().find(|(_, kind)| **kind == "owner").map(|(name, _)| *name);
        let mut shown = json!({
            "name": GUILD, "repos": self.visible_repos(by, GUILD),
            "followers_count": self.followers(GUILD).len(),
            "registered": iso(self.registered[GUILD]), "owner": owner, "full_name": "",
            "members": guild.members.iter().map(member).collect::<Value>(),
        });
        if administers {
            shown["teams"] = guild.teams.keys().copied().collect();
            shown["quota_used_bytes"] = json!(self.quota(GUILD));
        }
        shown
    }

    pub(crate) fn on_subjects(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        Self::signed_in(by)?;
        match command {
            Command::PutUser | Command::ShowGuest | Command::DeleteUser => {
                self.on_guest(by, command)
            }
            Command::ShowUser(name) => {
                if !self.registered.contains_key(name) || *name == GUILD {
                    return not_found("Subject", name);
                }
                told(200, self.user_json(by, name, false))
            }
            Command::ShowOrg => told(200, self.organization_json(by)),
            Command::SearchUsers(text) => {
                let names = self.registered.keys().copied();
                let users = names.filter(|name| *name != GUILD && name.contains(text));
                page(users.map(|name| self.user_json(by, name, true)).collect())
            }
            Command::Follow(user, whom) | Command::Unfollow(user, whom) => {
                if by != Caller::User(user) && by != Caller::Admin {
                    return forbidden();
                }
                if !self.registered.contains_key(whom) {
                    return not_found("Subject", whom);
                }
                if matches!(command, Command::Unfollow(..)) {
                    self.follows.remove(&(*user, *whom));
                } else if user == whom {
                    return refuse(400, "A user cannot follow itself: name another subject");
                } else {
                    self.follows.insert((*user, *whom));
                }
                success(200)
            }
            Command::Followers(of) => {
                if !self.registered.contains_key(of) {
                    return not_found("Subject", of);
                }
                page(self.followers(of).into_iter().map(|name| json!({"name": name})).collect())
            }
            Command::PutMember(..) | Command::DeleteMember(_) | Command::ListMembers => {
                self.on_members(by, command)
            }
            _ => self.on_licenses(by, command),
        }
    }

    fn on_guest(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        if by != Caller::Admin {
            return forbidden();
        }
        let made = self.registered.get(GUEST).copied();
        let shown = |at: i64| {
            json!({
                "name": GUEST, "plan": "enterprise", "full_name": null, "email": null,
                "created": iso(at),
            })
        };
        match (command, made) {
            (Command::PutUser, None) => {
                let now = self.now;
                self.registered.insert(GUEST, now);
                let mut shown = shown(now);
                shown["api_key"] = json!("a key");
                told(201, shown)
            }
            (Command::PutUser | Command::ShowGuest, Some(at)) => told(200, shown(at)),
            (Command::DeleteUser, Some(_)) => {
                self.registered.remove(GUEST);
                self.follows.retain(|(who, whom)| *who != GUEST && *whom != GUEST);
                success(200)
            }
            _ => not_found("Subject", GUEST),
        }
    }

    fn on_members(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        self.owns(by, GUILD)?;
        let guild = self.subject(GUILD);
        let own = |by: Caller| match by {
            Caller::User(user) => guild.members.get(user) == Some(&"owner"),
            _ => by == Caller::Admin,
        };
        let owners = guild.members.values().filter(|kind| **kind == "owner").count();
        let was = |user: &str| guild.members.get(user).copied();
        let last = |user: &str| owners == 1 && was(user) == Some("owner");
        match command {
            Command::ListMembers => {
                let members = guild.members.iter();
                page(members.map(|(name, kind)| json!({"name": name, "type": kind})).collect())
            }
            Command::PutMember(user, kind) => {
                if !self.registered.contains_key(user) {
                    return refuse_somehow(404);
                }
                let of_owners = was(user) == Some("owner") || *kind == "owner";
                if of_owners && was(user) != Some(kind) && !own(by) {
                    return refuse_somehow(403);
                }
                if last(user) && *kind != "owner" {
                    return refuse_somehow(409);
                }
                let status = if was(user).is_some() { 200 } else { 201 };
                self.subject_mut(GUILD).members.insert(user, kind);
                told(status, json!({"name": user, "type": kind}))
            }
            Command::DeleteMember(user) => {
                if was(user).is_none() {
                    return refuse_somehow(404);
                }
                if was(user) == Some("owner") && !own(by) {
                    return refuse_somehow(403);
                }
                if last(user) {
                    return refuse_somehow(409);
                }
                let guild = self.subject_mut(GUILD);
                guild.members.remove(user);
                // Who leaves an organization leaves its teams.
                for team in guild.teams.values_mut() {
                    team.members.remove(user);
                }
                success(200)
            }
            _ => unreachable!("{command:?} is about members"),
        }
    }

    fn on_licenses(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        let (Command::CreateLicense(of) | Command::ListLicenses(of) | Command::DeleteLicense(of)) =
            command
        else {
            unreachable!("{command:?} is about licenses")
        };
        let own = json!({"name": "own", "description": "ours", "url": "http://x.test/"});
        if matches!(command, Command::ListLicenses(_)) {
            // Of an organization, for who may publish in one of its repositories too.
            let publishes = *of == GUILD && self.publishes_somewhere(by, of);
            if !publishes && !self.administers(by, of) {
                return forbidden();
            }
            return page(if self.subject(of).licensed { vec![own] } else { Vec::new() });
        }
        self.owns(by, of)?;
        let subject = self.subject_mut(of);
        match (command, subject.licensed) {
            (Command::CreateLicense(_), false) => {
                subject.licensed = true;
                told(201, own)
            }
            (Command::CreateLicense(_), true) => refuse_somehow(409),
            (_, true) => {
                subject.licensed = false;
                success(200)
            }
            (_, false) => not_found("License", "own"),
        }
    }

    /// Whether someone may publish in one of the repositories as a whole.
    fn publishes_somewhere(&self, by: Caller, of: &'static str) -> bool {
        use super::access::{Need, Target};
        let mut repos = self.subject(of).repos.keys();
        repos.any(|repo| self.may(by, Need::Publish, Target::repo(Repo(of, repo))))
    }
}
