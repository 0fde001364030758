//! What should be of organizations, teams and permissions: lists of facts that know no grants.

use std::collections::{BTreeMap, BTreeSet};

use super::{ANNA, GUILD, PUBLIC};

/// What should be, as the documents say it.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub(super) roles: BTreeMap<usize, usize>,
    pub(super) teams: BTreeMap<(usize, usize), (BTreeSet<usize>, bool)>,
    pub(super) permissions: BTreeMap<(usize, usize, usize), usize>,
    pub(super) made: BTreeSet<usize>,
}

impl Expected {
    pub(super) fn owners(&self) -> usize {
        self.roles.values().filter(|role| **role == 2).count()
    }

    pub(super) fn is_only_owner(&self, user: usize) -> bool {
        self.roles.get(&user) == Some(&2) && self.owners() == 1
    }

    pub(super) fn has(&self, of: usize, repo: usize) -> bool {
        repo < 2 || self.made.contains(&of)
    }

    pub(super) fn administers(&self, of: usize, user: usize) -> bool {
        if of == GUILD { self.roles.get(&user).is_some_and(|role| *role > 0) } else { user == ANNA }
    }

    /// 0 for nothing, then reading, publishing, and administering.
    pub(super) fn level(&self, of: usize, repo: usize, user: usize) -> usize {
        if !self.has(of, repo) {
            return 0;
        }
        if self.administers(of, user) {
            return 3;
        }
        let least = Self::least(repo);
        let by_teams = self.permissions.iter().filter(|((held, team, at), _)| {
            let (members, _) = &self.teams[&(*held, *team)];
            *held == of && *at == repo && members.contains(&user)
        });
        by_teams.map(|(_, permission)| permission + 1).fold(least, usize::max)
    }

    /// What everyone may do.
    pub(super) fn least(repo: usize) -> usize {
        usize::from(repo == PUBLIC)
    }

    /// The first team by which a user makes repositories.
    pub(super) fn maker(&self, of: usize, user: usize) -> Option<usize> {
        let mut teams = self.teams.iter().filter(|((held, _), _)| *held == of);
        teams.find(|(_, (members, create))| *create && members.contains(&user)).map(|(at, _)| at.1)
    }

    pub(super) fn may_be_in(&self, of: usize, members: &BTreeSet<usize>) -> bool {
        of != GUILD || members.iter().all(|user| self.roles.contains_key(user))
    }

    pub(super) fn leave(&mut self, user: usize, of: impl Fn(usize) -> bool) {
        for ((held, _), (members, _)) in &mut self.teams {
            if of(*held) {
                members.remove(&user);
            }
        }
    }

    pub(super) fn drop_team(&mut self, of: usize, team: usize) {
        self.teams.remove(&(of, team));
        self.permissions.retain(|(held, which, _), _| (*held, *which) != (of, team));
    }
}
