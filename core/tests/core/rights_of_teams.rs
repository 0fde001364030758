//! What members, teams and permissions let everyone do, after any sequence of changes: compared
//! with an evaluator that knows lists of facts and nothing of grants.

use std::collections::{BTreeMap, BTreeSet};

use packhouse_core::access::Caller;
use packhouse_core::model::memberships::{Membership, Role};
use packhouse_core::model::packages::PackageSettings;
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::model::teams::{Permission, Team};
use packhouse_core::names::{SubjectName, TeamName};
use packhouse_core::organizations::OrganizationChange;
use packhouse_core::repositories::{NewRepository, RepositoryPatch};
use packhouse_core::subjects::KnownAs;
use packhouse_core::teams::TeamChange;
use packhouse_core::{
    ErrorKind, Result, members, organizations, packages, permissions, repositories, teams, users,
};
use proptest::prelude::*;

use crate::world::{FIRST, World, package, repo, run, subject};

const USERS: [&str; 4] = ["ann", "ben", "cat", "dan"];
/// An organization, and a user with teams of its own.
const OWNERS: [&str; 2] = ["org", "solo"];
const TEAMS: [&str; 3] = ["red", "green", "blue"];
const REPOS: [&str; 2] = ["one", "two"];

#[derive(Clone, Debug)]
enum Step {
    SetMember(usize, Role),
    RemoveMember(usize),
    PutTeam(usize, usize, Vec<usize>, bool),
    DeleteTeam(usize, usize),
    Permit(usize, usize, usize, Permission),
    Unpermit(usize, usize, usize),
    MakeRepo(usize, usize, bool),
    DeleteRepo(usize, usize),
    /// Deletes it and makes another of its name.
    MakeRepoAnew(usize, usize),
    DeleteUser(usize),
    MakeUser(usize),
    MakeOrganizationAnew(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let (user, owner, team, repo) = (0usize..4, 0usize..2, 0usize..3, 0usize..2);
    let role = prop::sample::select(Role::ALL.to_vec());
    let permission = prop::sample::select(Permission::ALL.to_vec());
    let some = prop::collection::vec(0usize..4, 0..4);
    prop_oneof![
        4 => (user.clone(), role).prop_map(|(user, role)| Step::SetMember(user, role)),
        2 => user.clone().prop_map(Step::RemoveMember),
        5 => (owner.clone(), team.clone(), some, any::<bool>())
            .prop_map(|(owner, team, users, makes)| Step::PutTeam(owner, team, users, makes)),
        1 => (owner.clone(), team.clone()).prop_map(|(owner, team)| Step::DeleteTeam(owner, team)),
        5 => (owner.clone(), team.clone(), repo.clone(), permission)
            .prop_map(|(owner, team, repo, it)| Step::Permit(owner, team, repo, it)),
        1 => (owner.clone(), team, repo.clone())
            .prop_map(|(owner, team, repo)| Step::Unpermit(owner, team, repo)),
        4 => (owner.clone(), repo.clone(), any::<bool>())
            .prop_map(|(owner, repo, private)| Step::MakeRepo(owner, repo, private)),
        1 => (owner.clone(), repo.clone()).prop_map(|(owner, repo)| Step::DeleteRepo(owner, repo)),
        2 => (owner, repo).prop_map(|(owner, repo)| Step::MakeRepoAnew(owner, repo)),
        1 => user.clone().prop_map(Step::DeleteUser),
        1 => user.clone().prop_map(Step::MakeUser),
        1 => user.prop_map(Step::MakeOrganizationAnew),
    ]
}

/// The facts, as lists.
#[derive(Default)]
struct Facts {
    users: BTreeSet<usize>,
    roles: BTreeMap<usize, Role>,
    /// Who is in which team.
    places: BTreeSet<(usize, usize, usize)>,
    /// The teams, and whether they make repositories.
    teams: BTreeMap<(usize, usize), bool>,
    /// The repositories, and whether they are private.
    repos: BTreeMap<(usize, usize), bool>,
    permissions: BTreeMap<(usize, usize, usize), Permission>,
}

impl Facts {
    fn is_only_owner(&self, user: usize) -> bool {
        let owners: Vec<_> = self.roles.iter().filter(|(_, role)| **role == Role::Owner).collect();
        owners.len() == 1 && *owners[0].0 == user
    }

    fn governs(&self, user: usize, owner: usize) -> bool {
        owner == 0 && matches!(self.roles.get(&user), Some(Role::Admin | Role::Owner))
    }

    fn makes_repos(&self, user: usize, owner: usize) -> bool {
        let by_team = self.teams.iter().any(|((of, team), makes)| {
            *of == owner && *makes && self.places.contains(&(owner, *team, user))
        });
        self.governs(user, owner) || by_team
    }

    /// The most that a user may do in a repository.
    fn most(&self, user: usize, owner: usize, repo: usize) -> Option<Permission> {
        if self.governs(user, owner) {
            return Some(Permission::Admin);
        }
        (0..TEAMS.len())
            .filter(|team| self.places.contains(&(owner, *team, user)))
            .filter_map(|team| self.permissions.get(&(owner, team, repo)).copied())
            .max()
    }

    /// Whether the step is possible, and what it makes of the facts.
    fn take(&mut self, step: &Step) -> bool {
        match step {
            Step::SetMember(user, role) => {
                let possible = self.users.contains(user)
                    && (*role == Role::Owner || !self.is_only_owner(*user));
                if possible {
                    self.roles.insert(*user, *role);
                }
                possible
            }
            Step::RemoveMember(user) => {
                let possible = self.roles.contains_key(user) && !self.is_only_owner(*user);
                if possible {
                    self.roles.remove(user);
                    self.places.retain(|(owner, _, member)| *owner != 0 || member != user);
                }
                possible
            }
            Step::PutTeam(owner, team, users, makes) => {
                let fits = |user: &usize| {
                    if *owner == 0 {
                        self.roles.contains_key(user)
                    } else {
                        self.users.contains(user)
                    }
                };
                let possible = users.iter().all(fits);
                if possible {
                    self.places.retain(|(of, it, _)| (of, it) != (owner, team));
                    self.places.extend(users.iter().map(|user| (*owner, *team, *user)));
                    self.teams.insert((*owner, *team), *makes);
                }
                possible
            }
            Step::DeleteTeam(owner, team) => {
                self.places.retain(|(of, it, _)| (of, it) != (owner, team));
                self.permissions.retain(|(of, it, _), _| (of, it) != (owner, team));
                self.teams.remove(&(*owner, *team)).is_some()
            }
            Step::Permit(owner, team, repo, permission) => {
                let possible = self.teams.contains_key(&(*owner, *team))
                    && self.repos.contains_key(&(*owner, *repo));
                if possible {
                    self.permissions.insert((*owner, *team, *repo), *permission);
                }
                possible
            }
            Step::Unpermit(owner, team, repo) => {
                self.permissions.remove(&(*owner, *team, *repo)).is_some()
            }
            Step::MakeRepo(owner, repo, private) => {
                let possible = !self.repos.contains_key(&(*owner, *repo));
                if possible {
                    self.repos.insert((*owner, *repo), *private);
                }
                possible
            }
            Step::DeleteRepo(owner, repo) => {
                self.permissions.retain(|(of, _, it), _| (of, it) != (owner, repo));
                self.repos.remove(&(*owner, *repo)).is_some()
            }
            Step::MakeRepoAnew(owner, repo) => {
                self.permissions.retain(|(of, _, it), _| (of, it) != (owner, repo));
                self.repos.contains_key(&(*owner, *repo))
            }
            Step::DeleteUser(user) => {
                let possible = self.users.contains(user) && !self.is_only_owner(*user);
                if possible {
                    self.users.remove(user);
                    self.roles.remove(user);
                    self.places.retain(|(_, _, member)| member != user);
                }
                possible
            }
            Step::MakeUser(user) => self.users.insert(*user),
            Step::MakeOrganizationAnew(user) => {
                let possible = self.users.contains(user);
                if possible {
                    self.roles = BTreeMap::from([(*user, Role::Owner)]);
                    self.places.retain(|(owner, ..)| *owner != 0);
                    self.teams.retain(|(owner, _), _| *owner != 0);
                    self.repos.retain(|(owner, _), _| *owner != 0);
                    self.permissions.retain(|(owner, ..), _| *owner != 0);
                }
                possible
            }
        }
    }
}

/// The installation under test, and who is signed in.
struct Played {
    world: World,
    callers: BTreeMap<usize, Caller>,
    /// Users who were deleted since they signed in.
    gone: Vec<Caller>,
}

fn team_name(team: usize) -> TeamName {
    TeamName::parse(TEAMS[team]).unwrap()
}

fn of(owner: usize) -> KnownAs {
    let kind = [SubjectKind::Organization, SubjectKind::User][owner];
    KnownAs { name: subject(OWNERS[owner]), kind }
}

fn path(owner: usize, name: &str) -> packhouse_core::names::RepoPath {
    repo(&format!("{}/{name}", OWNERS[owner]))
}

impl Played {
    fn new() -> (Self, Facts) {
        let world = World::new();
        let callers = (0..USERS.len()).map(|user| (user, world.user(USERS[user]))).collect();
        world.user("solo");
        let played = Self { world, callers, gone: Vec::new() };
        let mut facts = Facts { users: (0..USERS.len()).collect(), ..Facts::default() };
        played.make_organization(0).unwrap();
        facts.roles.insert(0, Role::Owner);
        played.make_repo(1, "anchor", false).unwrap();
        (played, facts)
    }

    fn make_organization(&self, owner: usize) -> Result<()> {
        let (engine, admin) = (&self.world.packhouse, &self.world.admin);
        let owner = subject(USERS[owner]);
        let change = OrganizationChange::default();
        run(organizations::put(engine, admin, &subject("org"), Some(&owner), &change))?;
        self.make_repo(0, "anchor", false)
    }

    fn make_repo(&self, owner: usize, name: &str, private: bool) -> Result<()> {
        let (engine, admin) = (&self.world.packhouse, &self.world.admin);
        let new = NewRepository { private, ..NewRepository::default() };
        run(repositories::create(engine, admin, &path(owner, name), &new))?;
        let package = package(&format!("{}/{name}/p", OWNERS[owner]));
        run(packages::create(engine, admin, &package, &PackageSettings::default())).map(drop)
    }

    fn take(&mut self, step: &Step, there: bool, facts: &Facts) -> Result<()> {
        let (engine, admin) = (&self.world.packhouse, &self.world.admin);
        let user = |user: &usize| subject(USERS[*user]);
        match step {
            Step::SetMember(it, role) => {
                run(members::put(engine, admin, &subject("org"), &user(it), *role)).map(drop)
            }
            Step::RemoveMember(it) => {
                run(members::remove(engine, admin, &subject("org"), &user(it)))
            }
            Step::PutTeam(owner, team, users, makes) => {
                let members: Vec<SubjectName> = users.iter().map(user).collect();
                let change = TeamChange {
                    members: Some(members),
                    allow_repo_creation: Some(*makes),
                    business_unit: None,
                };
                let (of, name) = (of(*owner), team_name(*team));
                if there {
                    run(teams::update(engine, admin, &of, &name, &change)).map(drop)
                } else {
                    run(teams::create(engine, admin, &of, &name, &change)).map(drop)
                }
            }
            Step::DeleteTeam(owner, team) => {
                run(teams::delete(engine, admin, &of(*owner), &team_name(*team)))
            }
            Step::Permit(owner, team, repo, permission) => {
                let path = path(*owner, REPOS[*repo]);
                run(permissions::set(engine, admin, &path, &team_name(*team), *permission))
            }
            Step::Unpermit(owner, team, repo) => {
                let path = path(*owner, REPOS[*repo]);
                run(permissions::remove(engine, admin, &path, &team_name(*team)))
            }
            Step::MakeRepo(owner, repo, private) => self.make_repo(*owner, REPOS[*repo], *private),
            Step::DeleteRepo(owner, repo) => {
                run(repositories::delete(engine, admin, &path(*owner, REPOS[*repo])))
            }
            Step::MakeRepoAnew(owner, repo) => {
                let private = facts.repos.get(&(*owner, *repo)).copied().unwrap_or_default();
                let path = path(*owner, REPOS[*repo]);
                run(repositories::delete(engine, admin, &path))?;
                self.make_repo(*owner, REPOS[*repo], private)
            }
            Step::DeleteUser(it) => {
                run(users::delete(engine, admin, &user(it)))?;
                self.gone.extend(self.callers.remove(it));
                Ok(())
            }
            Step::MakeUser(it) => {
                if self.callers.contains_key(it) {
                    // Made already: it stays as it is.
                    return Err(packhouse_core::Error::new(ErrorKind::Conflict, "there"));
                }
                self.callers.insert(*it, self.world.user(USERS[*it]));
                Ok(())
            }
            Step::MakeOrganizationAnew(it) => {
                if !self.callers.contains_key(it) {
                    return Err(packhouse_core::Error::new(ErrorKind::Invalid, "no owner"));
                }
                run(organizations::delete(engine, admin, &subject("org")))?;
                self.make_organization(*it)
            }
        }
    }

    /// What a caller may do, as the use cases answer.
    fn rights(&self, caller: &Caller, facts: &Facts) -> Vec<String> {
        let engine = &self.world.packhouse;
        let mut rights = Vec::new();
        for (owner, name) in OWNERS.iter().enumerate() {
            let new = NewRepository::default();
            let made = run(repositories::create(engine, caller, &path(owner, "anchor"), &new));
            if refused_as(made.map(drop), &ErrorKind::AlreadyExists) {
                rights.push(format!("{owner} makes repos"));
            }
            if refused_as(
                run(teams::list(engine, caller, &of(owner))).map(drop),
                &ErrorKind::Internal,
            ) {
                rights.push(format!("{owner} governs"));
            }
            let listed = run(repositories::list(engine, caller, &subject(name), FIRST));
            let listed = listed.unwrap().items;
            rights.extend(listed.iter().map(|repo| format!("{owner} lists {}", repo.name)));
            for (of, repo) in facts.repos.keys().filter(|(of, _)| *of == owner) {
                let (name, at) = (REPOS[*repo], path(*of, REPOS[*repo]));
                if run(repositories::show(engine, caller, &at)).is_ok() {
                    rights.push(format!("{owner} reads {name}"));
                }
                let p = package(&format!("{}/{name}/p", OWNERS[owner]));
                let made = run(packages::create(engine, caller, &p, &PackageSettings::default()));
                if refused_as(made.map(drop), &ErrorKind::AlreadyExists) {
                    rights.push(format!("{owner} publishes in {name}"));
                }
                let nonsense = RepositoryPatch {
                    gpg_use_owner_key: Some(true),
                    gpg_sign_files: Some(true),
                    ..RepositoryPatch::default()
                };
                let updated = run(repositories::update(engine, caller, &at, None, &nonsense));
                if refused_as(updated, &ErrorKind::Invalid) {
                    rights.push(format!("{owner} administers {name}"));
                }
                if run(permissions::list(engine, caller, &at)).is_ok() {
                    rights.push(format!("{owner} permits in {name}"));
                }
            }
        }
        rights.sort();
        rights
    }
}

/// Whether what the caller may do was refused for another reason than a right: that the thing is
/// there, or that what is said is nonsense. Done is allowed too.
fn refused_as(result: Result<()>, kind: &ErrorKind) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => error.kind() == kind,
    }
}

fn expected(facts: &Facts, user: Option<usize>) -> Vec<String> {
    let mut rights = Vec::new();
    for owner in 0..OWNERS.len() {
        rights.push(format!("{owner} lists anchor"));
        if user.is_some_and(|user| facts.makes_repos(user, owner)) {
            rights.push(format!("{owner} makes repos"));
        }
        if user.is_some_and(|user| facts.governs(user, owner)) {
            rights.push(format!("{owner} governs"));
        }
        for ((of, repo), private) in facts.repos.iter().filter(|((of, _), _)| *of == owner) {
            let name = REPOS[*repo];
            let most = user.and_then(|user| facts.most(user, *of, *repo));
            if !private || most.is_some() {
                rights.push(format!("{owner} lists {name}"));
                rights.push(format!("{owner} reads {name}"));
            }
            if most >= Some(Permission::Publish) {
                rights.push(format!("{owner} publishes in {name}"));
            }
            if most == Some(Permission::Admin) {
                rights.push(format!("{owner} administers {name}"));
                rights.push(format!("{owner} permits in {name}"));
            }
        }
    }
    rights.sort();
    rights
}

/// What every sequence begins with, so that there is something to take away.
fn furniture() -> Vec<Step> {
    let mut steps = vec![Step::SetMember(1, Role::Member), Step::SetMember(2, Role::Admin)];
    for owner in 0..OWNERS.len() {
        steps.extend([
            Step::MakeRepo(owner, 0, true),
            Step::MakeRepo(owner, 1, false),
            Step::PutTeam(owner, 0, vec![1], false),
            Step::PutTeam(owner, 1, vec![1, 2], true),
            Step::Permit(owner, 0, 0, Permission::Publish),
            Step::Permit(owner, 1, 1, Permission::Admin),
        ]);
    }
    steps
}

fn play(steps: &[Step]) {
    let (mut played, mut facts) = Played::new();
    for step in &furniture() {
        assert!(facts.take(step));
        played.take(step, false, &facts).unwrap();
    }
    for (place, step) in steps.iter().enumerate() {
        let there = matches!(
            step,
            Step::PutTeam(owner, team, ..) if facts.teams.contains_key(&(*owner, *team))
        );
        let possible = facts.take(step);
        let taken = played.take(step, there, &facts);
        assert_eq!(taken.is_ok(), possible, "{place}: {step:?} gave {taken:?}");
        check_teams(&played.world);
        for (user, caller) in &played.callers {
            let rights = played.rights(caller, &facts);
            let expected = expected(&facts, Some(*user));
            assert_eq!(rights, expected, "{} after {place}: {step:?}", USERS[*user]);
        }
        for caller in &played.gone {
            assert_eq!(played.rights(caller, &facts), expected(&facts, None), "{caller:?}");
        }
    }
    played.world.check();
}

/// A team and what its members are to its subject say the same, and nobody is in a team of an
/// organization without belonging to it.
fn check_teams(world: &World) {
    let held = world.all::<Membership>();
    let by_members: BTreeSet<_> = held
        .iter()
        .flat_map(|it| it.teams.iter().map(|team| (it.subject_id, *team, it.user)))
        .collect();
    let all = world.all::<Team>();
    let by_teams: BTreeSet<_> = all
        .iter()
        .flat_map(|team| team.members.keys().map(|user| (team.subject_id, team.id, *user)))
        .collect();
    assert_eq!(by_members, by_teams);
    for it in held {
        let in_organization = it.subject.as_str() == OWNERS[0];
        let says = it.role.is_some() || (!in_organization && !it.teams.is_empty());
        assert!(says, "{it:?}");
    }
}

/// How many sequences: the longer run sets it.
#[allow(clippy::disallowed_methods, reason = "the engine reads no environment; its tests may")]
fn cases() -> u32 {
    std::env::var("PACKHOUSE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn rights_are_what_the_facts_say_after_every_step(
        steps in prop::collection::vec(any_step(), 1..20),
    ) {
        play(&steps);
    }
}
