//! Organizations, teams and permissions: random sequences of changes, and after each of them a
//! separately written evaluator says the same as the engine of who may what.

mod expected;

use std::collections::{BTreeMap, BTreeSet};

use packhouse_core::access::Caller;
use packhouse_core::model::grants::{Action, GrantSet, Grantee};
use packhouse_core::model::memberships::{Membership, Role};
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::model::teams::{Permission, Team};
use packhouse_core::names::TeamName;
use packhouse_core::organizations::OrganizationChange;
use packhouse_core::repositories::NewRepository;
use packhouse_core::subjects::KnownAs;
use packhouse_core::teams::TeamChange;
use packhouse_core::{
    ErrorKind, Result, members, organizations, packages, permissions, repositories, teams, users,
};
use proptest::collection::{btree_set, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{FIRST, World, package, repo, run, subject};

use expected::Expected;

/// The organization, and the user who has teams. The user is in teams too.
const SUBJECTS: [&str; 2] = ["guild", "anna"];
const GUILD: usize = 0;
const ANNA: usize = 0;
const USERS: [&str; 4] = ["anna", "bert", "carl", "dora"];
const TEAMS: [&str; 2] = ["blue", "red"];
/// The second is public, and the last one is there if somebody made it.
const REPOS: [&str; 3] = ["one", "two", "made"];
const PUBLIC: usize = 1;
const ROLES: [Role; 3] = Role::ALL;

/// One change of a world.
#[derive(Clone, Debug)]
enum Step {
    Role { user: usize, role: Option<usize> },
    MakeTeam { of: usize, team: usize, members: BTreeSet<usize>, create: bool },
    ChangeTeam { of: usize, team: usize, members: Option<BTreeSet<usize>>, create: Option<bool> },
    DropTeam { of: usize, team: usize },
    Permit { of: usize, team: usize, repo: usize, permission: Option<usize> },
    Make { of: usize, user: usize },
    RemakeRepo { of: usize, repo: usize },
    RemakeUser { user: usize },
    RemakeGuild { owner: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let users = || btree_set(0..USERS.len(), 0..=3);
    let (of, team) = (|| 0..SUBJECTS.len(), || 0..TEAMS.len());
    prop_oneof![
        8 => (0..USERS.len(), weighted(0.7, 0..ROLES.len())).prop_map(|(user, role)| Step::Role { user, role }),
        5 => (of(), team(), users(), any::<bool>())
            .prop_map(|(of, team, members, create)| Step::MakeTeam { of, team, members, create }),
        5 => (of(), team(), weighted(0.7, users()), weighted(0.5, any::<bool>()))
            .prop_map(|(of, team, members, create)| Step::ChangeTeam { of, team, members, create }),
        2 => (of(), team()).prop_map(|(of, team)| Step::DropTeam { of, team }),
        8 => (of(), team(), 0..REPOS.len(), weighted(0.8, 0..3usize))
            .prop_map(|(of, team, repo, permission)| Step::Permit { of, team, repo, permission }),
        5 => (of(), 0..USERS.len()).prop_map(|(of, user)| Step::Make { of, user }),
        2 => (of(), 0..REPOS.len()).prop_map(|(of, repo)| Step::RemakeRepo { of, repo }),
        2 => (1..USERS.len()).prop_map(|user| Step::RemakeUser { user }),
        1 => (0..USERS.len()).prop_map(|owner| Step::RemakeGuild { owner }),
    ]
}

/// The engine with what should be of it.
struct Play {
    world: World,
    callers: Vec<Caller>,
    /// Users who were deleted since they signed in.
    gone: Vec<Caller>,
    expected: Expected,
}

fn known_as(of: usize) -> KnownAs {
    let kind = if of == GUILD { SubjectKind::Organization } else { SubjectKind::User };
    KnownAs { name: subject(SUBJECTS[of]), kind }
}

fn team_name(team: usize) -> TeamName {
    TeamName::parse(TEAMS[team]).unwrap()
}

fn names(users: &BTreeSet<usize>) -> Vec<packhouse_core::names::SubjectName> {
    users.iter().map(|user| subject(USERS[*user])).collect()
}

fn path(of: usize, at: usize) -> packhouse_core::names::RepoPath {
    repo(&format!("{}/{}", SUBJECTS[of], REPOS[at]))
}

/// What came is what should have come: done, or refused in this way.
#[track_caller]
fn came<T: std::fmt::Debug>(result: Result<T>, refusal: Option<ErrorKind>) -> bool {
    match (result, refusal) {
        (Ok(_), None) => true,
        (Err(error), Some(kind)) if *error.kind() == kind => false,
        (result, refusal) => panic!("{result:?} instead of {refusal:?}"),
    }
}

impl Play {
    fn new() -> Self {
        let world = World::new();
        let callers = USERS.iter().map(|user| world.user(user)).collect();
        let mut play = Self { world, callers, gone: Vec::new(), expected: Expected::default() };
        play.make_guild(1);
        for at in 0..2 {
            play.world.repo(&play.callers[ANNA], &path(1, at), at != PUBLIC);
        }
        play
    }

    fn make_guild(&mut self, owner: usize) {
        let (name, owner_name) = (subject("guild"), subject(USERS[owner]));
        let change = OrganizationChange::default();
        let (engine, admin) = (&self.world.packhouse, &self.world.admin);
        run(organizations::put(engine, admin, &name, Some(&owner_name), &change)).unwrap();
        for at in 0..2 {
            self.world.repo(&self.callers[owner], &path(GUILD, at), at != PUBLIC);
        }
        let held = &mut self.expected;
        held.roles = BTreeMap::from([(owner, 2)]);
        held.teams.retain(|(of, _), _| *of != GUILD);
        held.permissions.retain(|(of, _, _), _| *of != GUILD);
        held.made.remove(&GUILD);
    }

    fn take(&mut self, step: &Step) {
        let (engine, admin) = (&self.world.packhouse, &self.world.admin);
        let held = &mut self.expected;
        let if_not = |holds: bool, kind: ErrorKind| (!holds).then_some(kind);
        let no_team = ErrorKind::NotFound(packhouse_core::Noun::Team);
        let guild = subject("guild");
        match step {
            Step::Role { user, role } => {
                let name = subject(USERS[*user]);
                let stays = held.is_only_owner(*user) && *role != Some(2);
                if let Some(role) = role {
                    let put = run(members::put(engine, admin, &guild, &name, ROLES[*role]));
                    if came(put, if_not(!stays, ErrorKind::Conflict)) {
                        held.roles.insert(*user, *role);
                    }
                    return;
                }
                let refusal = match held.roles.contains_key(user) {
                    true => if_not(!stays, ErrorKind::Conflict),
                    false => Some(ErrorKind::NotFound(packhouse_core::Noun::Subject)),
                };
                if came(run(members::remove(engine, admin, &guild, &name)), refusal) {
                    held.roles.remove(user);
                    held.leave(*user, |of| of == GUILD);
                }
            }
            Step::MakeTeam { of, team, members, create } => {
                let change = TeamChange {
                    members: Some(names(members)),
                    allow_repo_creation: Some(*create),
                    business_unit: None,
                };
                let refusal = if held.teams.contains_key(&(*of, *team)) {
                    Some(ErrorKind::AlreadyExists)
                } else {
                    if_not(held.may_be_in(*of, members), ErrorKind::Invalid)
                };
                let name = team_name(*team);
                let made = run(teams::create(engine, admin, &known_as(*of), &name, &change));
                if came(made, refusal) {
                    held.teams.insert((*of, *team), (members.clone(), *create));
                }
            }
            Step::ChangeTeam { of, team, members, create } => {
                let change = TeamChange {
                    members: members.as_ref().map(names),
                    allow_repo_creation: *create,
                    business_unit: None,
                };
                let fits = members.as_ref().is_none_or(|members| held.may_be_in(*of, members));
                let refusal = match held.teams.contains_key(&(*of, *team)) {
                    true => if_not(fits, ErrorKind::Invalid),
                    false => Some(no_team),
                };
                let name = team_name(*team);
                let changed = run(teams::update(engine, admin, &known_as(*of), &name, &change));
                if came(changed, refusal) {
                    let team = held.teams.get_mut(&(*of, *team)).unwrap();
                    team.0 = members.clone().unwrap_or(team.0.clone());
                    team.1 = create.unwrap_or(team.1);
                }
            }
            Step::DropTeam { of, team } => {
                let refusal = if_not(held.teams.contains_key(&(*of, *team)), no_team);
                let name = team_name(*team);
                if came(run(teams::delete(engine, admin, &known_as(*of), &name)), refusal) {
                    held.drop_team(*of, *team);
                }
            }
            Step::Permit { of, team, repo, permission } => {
                let there = held.teams.contains_key(&(*of, *team));
                let (place, name) = (path(*of, *repo), team_name(*team));
                let no_repo = ErrorKind::NotFound(packhouse_core::Noun::Repository);
                let no_repo = if_not(held.has(*of, *repo), no_repo);
                let at = (*of, *team, *repo);
                if let Some(permission) = permission {
                    let given = Permission::ALL[*permission];
                    let set = run(permissions::set(engine, admin, &place, &name, given));
                    if came(set, no_repo.or(if_not(there, no_team))) {
                        held.permissions.insert(at, *permission);
                    }
                } else {
                    let refusal = if_not(held.permissions.contains_key(&at), no_team);
                    let taken = run(permissions::remove(engine, admin, &place, &name));
                    if came(taken, no_repo.or(refusal)) {
                        held.permissions.remove(&at);
                    }
                }
            }
            Step::Make { of, user } => {
                let (own, maker) = (held.administers(*of, *user), held.maker(*of, *user));
                let may = own || maker.is_some();
                let refusal = match may {
                    true => if_not(!held.made.contains(of), ErrorKind::AlreadyExists),
                    false => Some(ErrorKind::Forbidden),
                };
                let new = NewRepository { private: true, ..NewRepository::default() };
                let (caller, place) = (&self.callers[*user], path(*of, 2));
                if came(run(repositories::create(engine, caller, &place, &new)), refusal) {
                    held.made.insert(*of);
                    if let Some(team) = maker.filter(|_| !own) {
                        held.permissions.insert((*of, team, 2), 2);
                    }
                }
            }
            Step::RemakeRepo { of, repo } => {
                if !held.has(*of, *repo) {
                    return;
                }
                run(repositories::delete(engine, admin, &path(*of, *repo))).unwrap();
                held.permissions.retain(|(held, _, at), _| (*held, *at) != (*of, *repo));
                if *repo < 2 {
                    let new = NewRepository { private: *repo != PUBLIC, ..Default::default() };
                    run(repositories::create(engine, admin, &path(*of, *repo), &new)).unwrap();
                } else {
                    held.made.remove(of);
                }
            }
            Step::RemakeUser { user } => {
                let refusal = if_not(!held.is_only_owner(*user), ErrorKind::Conflict);
                let name = subject(USERS[*user]);
                if came(run(users::delete(engine, admin, &name)), refusal) {
                    held.roles.remove(user);
                    held.leave(*user, |_| true);
                    let anew = self.world.user(USERS[*user]);
                    self.gone.push(std::mem::replace(&mut self.callers[*user], anew));
                }
            }
            Step::RemakeGuild { owner } => {
                run(organizations::delete(engine, admin, &guild)).unwrap();
                self.make_guild(*owner);
            }
        }
    }

    /// The engine says of everybody and everything what should be.
    fn check(&self) {
        for (user, caller) in self.callers.iter().enumerate() {
            for of in 0..SUBJECTS.len() {
                let level = |at| self.expected.level(of, at, user);
                self.check_levels(of, caller, &(0..REPOS.len()).map(level).collect::<Vec<_>>());
            }
        }
        // Who signed in before has what everyone has, also where another has the name by now.
        for caller in &self.gone {
            for of in 0..SUBJECTS.len() {
                let least: Vec<usize> = (0..REPOS.len()).map(Expected::least).collect();
                self.check_levels(of, caller, &least);
            }
        }
        self.check_records();
    }

    fn check_levels(&self, of: usize, caller: &Caller, levels: &[usize]) {
        let (engine, name) = (&self.world.packhouse, SUBJECTS[of]);
        let seen: Vec<usize> = (0..REPOS.len()).map(|at| self.level(of, at, caller)).collect();
        let who = format!("{:?} in {name}: {:?}", caller.identity(), self.expected);
        assert_eq!(seen, levels, "{who}");
        let listed = run(repositories::list(engine, caller, &subject(name), FIRST)).unwrap();
        let listed: BTreeSet<String> =
            listed.items.iter().map(|repo| repo.name.to_string()).collect();
        let seen = levels.iter().enumerate().filter(|(_, level)| **level > 0);
        let expected: BTreeSet<String> = seen.map(|(at, _)| REPOS[at].to_owned()).collect();
        assert_eq!(listed, expected, "{who}");
    }

    fn level(&self, of: usize, at: usize, caller: &Caller) -> usize {
        let (engine, place) = (&self.world.packhouse, path(of, at));
        let reads = run(repositories::show(engine, caller, &place)).is_ok();
        // Refused for what is said, and so after the right to say it.
        let endless = PackageSettings { desc: Some("x".repeat(40_000)), ..Default::default() };
        let of_place = package(&format!("{place}/tool"));
        let told = run(packages::create(engine, caller, &of_place, &endless)).unwrap_err();
        let publishes = *told.kind() == ErrorKind::Invalid;
        let administers = run(permissions::list(engine, caller, &place)).is_ok();
        assert!(reads || !publishes, "{told:?}");
        assert!(publishes || !administers, "{told:?}");
        [reads, publishes, administers].iter().filter(|may| **may).count()
    }

    /// What is stored twice says the same, and nothing is left of what is gone.
    fn check_records(&self) {
        let mut of_teams = BTreeSet::new();
        let teams: Vec<Team> = self.world.all();
        for team in &teams {
            for (user, name) in &team.members {
                of_teams.insert((team.subject_id, *user, name.clone(), team.id));
            }
        }
        let memberships: Vec<Membership> = self.world.all();
        let mut of_members = BTreeSet::new();
        for held in &memberships {
            for team in &held.teams {
                of_members.insert((held.subject_id, held.user, held.user_name.clone(), *team));
            }
            assert!(held.role.is_some() || !held.teams.is_empty(), "{held:?} is nothing");
            assert_eq!(held.role.is_some(), held.subject.as_str() == "guild", "{held:?}");
        }
        assert_eq!(of_teams, of_members);
        let owners = memberships.iter().filter(|held| held.role == Some(Role::Owner)).count();
        assert_eq!((owners > 0, owners), (true, self.expected.owners()));
        let known: BTreeSet<_> = teams.iter().map(|team| team.id).collect();
        for set in self.world.all::<GrantSet>() {
            let Grantee::Team(team) = set.grantee else { continue };
            assert!(known.contains(&team), "{set:?} is of a team that is gone");
            let makes = set.grants.iter().any(|grant| grant.actions.contains(&Action::CreateRepo));
            let team = teams.iter().find(|held| held.id == team).unwrap();
            assert!(!makes || team.allow_repo_creation, "{set:?} and {team:?}");
        }
    }
}

/// The longer run: `PACKHOUSE_WORLDS=20000`.
#[test]
#[allow(clippy::disallowed_methods, reason = "the engine reads no environment; its tests may")]
fn who_may_what_is_what_a_second_evaluator_says_after_every_change() {
    let worlds = std::env::var("PACKHOUSE_WORLDS").ok().map_or(40, |text| text.parse().unwrap());
    let config = Config { cases: worlds, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&vec(step(), 1..25), |steps| {
        let mut play = Play::new();
        for step in &steps {
            play.take(step);
            play.check();
        }
        Ok(())
    });
    ran.unwrap();
}
