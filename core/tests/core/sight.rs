//! What lists and searches give is what the policy lets each caller read.

use std::collections::BTreeMap;
use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use packhouse_core::model::memberships::{Membership, Role};
use packhouse_core::model::{Form, SubjectId, TeamId};
use packhouse_core::names::{
    FileLocation, FilePath, PackageName, RepoPath, SubjectName, VersionName,
};
use packhouse_core::ports::Clock;
use packhouse_core::search::{self, Texts, Wanted, Within};
use packhouse_core::{Listed, Timestamp, downloads, packages, repositories, users};
use proptest::prelude::*;

use crate::world::{FIRST, World, anonymous, file, package, published, repo, run, subject, to};

const REPOS: [&str; 5] = ["anna/one", "anna/two", "bert/one", "bert/two", "bert/three"];
const USERS: [&str; 3] = ["anna", "bert", "carl"];

/// What becomes of a repository after grants over it were given.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Kept,
    Gone,
    Anew { private: bool },
}

/// What a grant is anchored to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Platform,
    Subject(usize),
    /// One who had the name of a subject before.
    Forerunner(usize),
    Repo(usize),
}

/// What a user is to `anna` or `bert`.
#[derive(Clone, Copy, Debug)]
struct Belongs {
    user: usize,
    to: usize,
    role: Option<Role>,
    in_team: bool,
    /// To one who had the name before; nothing that is there was granted to a team of theirs.
    stale: bool,
}

#[derive(Clone, Debug)]
struct Given {
    /// A user; from there on the team of `anna` and that of `bert`.
    to: usize,
    at: Place,
    read: bool,
    narrow: Option<Narrow>,
    ends: Ends,
}

#[derive(Clone, Copy, Debug)]
enum Narrow {
    Package,
    Version,
    Path,
}

#[derive(Clone, Copy, Debug)]
enum Ends {
    Never,
    Before,
    Now,
    Later,
}

#[derive(Clone, Debug)]
struct Plan {
    repos: Vec<(bool, Fate)>,
    grants: Vec<Given>,
    belongs: Vec<Belongs>,
    bert_anew: bool,
}

fn plans(narrow: bool) -> impl Strategy<Value = Plan> {
    let fate = prop_oneof![
        3 => Just(Fate::Kept),
        1 => Just(Fate::Gone),
        2 => any::<bool>().prop_map(|private| Fate::Anew { private }),
    ];
    let repo = (prop::bool::weighted(0.7), fate);
    let place = prop_oneof![
        1 => Just(Place::Platform),
        3 => (0..2_usize).prop_map(Place::Subject),
        1 => (0..2_usize).prop_map(Place::Forerunner),
        6 => (0..REPOS.len()).prop_map(Place::Repo),
    ];
    let scope = prop_oneof![Just(Narrow::Package), Just(Narrow::Version), Just(Narrow::Path)];
    let scope = prop::option::of(scope).prop_map(move |scope| scope.filter(|_| narrow));
    let ends = prop_oneof![
        3 => Just(Ends::Never), 1 => Just(Ends::Before), 1 => Just(Ends::Now), 1 => Just(Ends::Later),
    ];
    let grant = (0..USERS.len() + 2, place, prop::bool::weighted(0.8), scope, ends)
        .prop_map(|(to, at, read, narrow, ends)| Given { to, at, read, narrow, ends });
    let role = prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)];
    let role = prop::option::of(role);
    let belongs = (0..USERS.len(), 0..2_usize, role, any::<bool>(), prop::bool::weighted(0.2));
    let belongs = belongs.prop_map(|(user, to, role, in_team, stale)| Belongs {
        user,
        to,
        role,
        in_team: in_team && !stale,
        stale,
    });
    let belongs = prop::collection::vec(belongs, 0..4);
    let repos = prop::collection::vec(repo, REPOS.len());
    (repos, prop::collection::vec(grant, 0..8), belongs, prop::bool::weighted(0.2)).prop_map(
        |(repos, mut grants, mut belongs, bert_anew)| {
            // Grants over a subject and over its forerunner are one record, of either.
            let all = grants.clone();
            grants.retain(|given: &Given| match given.at {
                Place::Forerunner(user) => {
                    !all.iter().any(|it| it.to == given.to && it.at == Place::Subject(user))
                }
                _ => true,
            });
            // The only owner of something is not deleted.
            belongs.retain(|it: &Belongs| !(bert_anew && it.role == Some(Role::Owner)));
            Plan { repos, grants, belongs, bert_anew }
        },
    )
}

/// The world of a plan, and everyone who may ask in it.
fn made(plan: &Plan) -> (World, Vec<(&'static str, Caller)>) {
    let world = World::new();
    let mut callers: Vec<_> = USERS.map(|user| (user, world.user(user))).into();
    for (path, (private, _)) in REPOS.iter().zip(&plan.repos) {
        furnish(&world, path, *private);
    }
    give(&world, &callers, &plan.grants);
    for Belongs { user, to, role, in_team, stale } in plan.belongs.iter().copied() {
        let id = |user: usize| callers[user].1.user_id().unwrap();
        world.put(&Membership {
            form: Form,
            subject: subject(USERS[to]),
            subject_id: if stale { SubjectId::from_bytes([9; 16]) } else { id(to) },
            user: id(user),
            user_name: subject(USERS[user]),
            role,
            teams: in_team.then(|| team(to)).into_iter().collect(),
        });
    }
    for (path, (_, fate)) in REPOS.iter().zip(&plan.repos) {
        if !matches!(fate, Fate::Kept) {
            run(repositories::delete(&world.sound, &world.admin, &repo(path))).unwrap();
        }
        if let Fate::Anew { private } = fate {
            furnish(&world, path, *private);
        }
    }
    if plan.bert_anew {
        run(users::delete(&world.sound, &world.admin, &subject("bert"))).unwrap();
        callers[1].0 = "bert of before";
        callers.push(("bert", world.user("bert")));
        furnish(&world, "bert/one", true);
    }
    callers.push(("the admin", world.admin.clone()));
    callers.push(("anonymous", anonymous().clone()));
    (world, callers)
}

/// A repository with a package, a published file in it and one that is not.
fn furnish(world: &World, path: &str, private: bool) {
    world.repo(&world.admin, &repo(path), private);
    world.package(&world.admin, &package(&format!("{path}/tool")));
    let parent = format!("{path}/tool/1.0");
    world.upload(&world.admin, published(&parent, "x/tool.bin"), "same").unwrap();
    world.upload(&world.admin, to(&parent, "x/draft.bin"), "same").unwrap();
}

fn team(of: usize) -> TeamId {
    TeamId::from_bytes([[1; 16], [2; 16]][of])
}

fn give(world: &World, callers: &[(&str, Caller)], grants: &[Given]) {
    let mut sets: BTreeMap<(usize, Place), Vec<Grant>> = BTreeMap::new();
    for given in grants {
        let id = format!("{given:?}");
        sets.entry((given.to, given.at)).or_default().push(Grant {
            id,
            actions: if given.read { Action::ALL.to_vec() } else { vec![Action::Publish] },
            scope: scope_of(given.narrow),
            not_after: end_of(given.ends, world.clock.now()),
        });
    }
    for ((to, at), grants) in sets {
        let id = |user: usize| callers[user].1.user_id().unwrap();
        let anchor = match at {
            Place::Platform => Anchor::Platform,
            Place::Subject(user) => Anchor::Subject(subject(USERS[user]), id(user)),
            Place::Forerunner(user) => {
                Anchor::Subject(subject(USERS[user]), SubjectId::from_bytes([9; 16]))
            }
            Place::Repo(place) => world.anchor(&repo(REPOS[place])),
        };
        let grantee = match to.checked_sub(USERS.len()) {
            None => Grantee::User(id(to)),
            Some(of) => Grantee::Team(team(of)),
        };
        world.put(&GrantSet { form: Form, grantee, anchor, grants });
    }
}

fn scope_of(narrow: Option<Narrow>) -> Scope {
    let tool = PackageName::parse("tool").unwrap();
    match narrow {
        None => Scope::Anchor,
        Some(Narrow::Package) => Scope::Package(tool),
        Some(Narrow::Version) => Scope::Version(tool, VersionName::parse("1.0").unwrap()),
        Some(Narrow::Path) => Scope::Path(FilePath::parse("x").unwrap()),
    }
}

fn end_of(ends: Ends, now: Timestamp) -> Option<Timestamp> {
    match ends {
        Ends::Never => None,
        Ends::Before => Some(now.before(Duration::from_secs(1))),
        Ends::Now => Some(now),
        Ends::Later => Some(now.after(Duration::from_millis(1))),
    }
}

/// The repositories with what is in them that a caller finds, by what is searched for.
fn found(world: &World, caller: &Caller, within: &Within) -> [Vec<String>; 3] {
    let engine = &world.packhouse;
    let texts = Texts { name: Some("tool".into()), desc: None };
    let packages = run(search::packages(engine, caller, &texts, within, FIRST)).unwrap();
    let packages = whole(&packages.map(|view| view.package.path().repo));
    let file = Wanted::Name("*.bin".into());
    let files = run(search::files(engine, caller, &file, None, within, FIRST)).unwrap();
    let files = whole(&files.map(|file| file.location().repo));
    [repos_found(world, caller, within), packages, files]
}

fn repos_found(world: &World, caller: &Caller, within: &Within) -> Vec<String> {
    let engine = &world.packhouse;
    let is_wanted = |path: &String| match &within.repo {
        Some(repo) => path.ends_with(&format!("/{repo}")),
        None => true,
    };
    let listed = |subject: &SubjectName| {
        let listed = run(repositories::list(engine, caller, subject, FIRST)).unwrap();
        whole(&listed.map(|repo| repo.path()))
    };
    let found = match &within.subject {
        Some(subject) => listed(subject),
        None if caller.is_anonymous() => {
            let of = |user: &&str| listed(&subject(user));
            USERS.iter().flat_map(of).collect()
        }
        None => {
            let texts = Texts { name: Some("*".into()), desc: None };
            let found = run(search::repositories(engine, caller, &texts, FIRST)).unwrap();
            whole(&found.map(|view| view.repo.path()))
        }
    };
    found.into_iter().filter(is_wanted).collect()
}

#[track_caller]
fn whole(listed: &Listed<RepoPath>) -> Vec<String> {
    assert_eq!(listed.total, Some(listed.items.len() as u64), "{listed:?}");
    listed.items.iter().map(ToString::to_string).collect()
}

/// The same as the policy says it, of each thing alone.
fn permitted(world: &World, caller: &Caller) -> [Vec<String>; 3] {
    let engine = &world.sound;
    let bin: fn(&str) -> FileLocation = |path| file(path, "x/tool.bin");
    let of = |may: &dyn Fn(&str) -> bool| -> Vec<String> {
        let mut paths = REPOS.to_vec();
        paths.retain(|path| may(path));
        paths.sort_unstable();
        paths.iter().map(ToString::to_string).collect()
    };
    [
        of(&|path| run(repositories::show(engine, caller, &repo(path))).is_ok()),
        of(&|path| run(packages::show(engine, caller, &package(&format!("{path}/tool")))).is_ok()),
        of(&|path| run(downloads::find(engine, caller, &bin(path))).is_ok()),
    ]
}

/// What is found in a part is what is found in the whole, without the rest.
fn check_parts(
    world: &World,
    caller: &Caller,
    all: &[Vec<String>; 3],
) -> Result<(), TestCaseError> {
    for owner in [None, Some("anna"), Some("bert")] {
        for name in [None, Some("one"), Some("three")] {
            let within = Within {
                subject: owner.map(subject),
                repo: name.map(|name| repo(&format!("anna/{name}")).repo),
            };
            let is_within = |path: &&String| {
                let (subject, repo) = path.split_once('/').unwrap();
                owner.is_none_or(|owner| owner == subject) && name.is_none_or(|name| name == repo)
            };
            let expected =
                all.each_ref().map(|all| all.iter().filter(is_within).cloned().collect::<Vec<_>>());
            prop_assert_eq!(found(world, caller, &within), expected, "{:?}", within);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn everyone_finds_what_they_may_read_and_no_more(plan in plans(false)) {
        let (world, callers) = made(&plan);
        for (name, caller) in &callers {
            let found = found(&world, caller, &Within::default());
            prop_assert_eq!(&found, &permitted(&world, caller), "by {}", name);
            check_parts(&world, caller, &found)?;
        }
    }

    #[test]
    fn a_grant_on_a_part_of_its_anchor_opens_no_search(plan in plans(true)) {
        let (world, callers) = made(&plan);
        // What the same grants without the narrow ones would open, and nothing else.
        let mut wide = plan.clone();
        wide.grants.retain(|given| given.narrow.is_none());
        let (other, others) = made(&wide);
        for ((name, caller), (_, without)) in callers.iter().zip(&others) {
            let found = found(&world, caller, &Within::default());
            prop_assert_eq!(&found, &permitted(&other, without), "by {}", name);
            for (found, permitted) in found.iter().zip(&permitted(&world, caller)) {
                prop_assert!(found.iter().all(|path| permitted.contains(path)), "by {}", name);
            }
        }
    }
}

/// The test of the test: plans have those who see something private, and those who do not.
#[test]
fn the_worlds_tell_callers_apart() {
    let grant = |at| Given { to: 2, at, read: true, narrow: None, ends: Ends::Never };
    let plan = Plan {
        repos: vec![(true, Fate::Kept); REPOS.len()],
        grants: vec![grant(Place::Repo(1)), grant(Place::Subject(1))],
        belongs: vec![Belongs {
            user: 1,
            to: 0,
            role: Some(Role::Admin),
            in_team: false,
            stale: false,
        }],
        bert_anew: false,
    };
    let (world, callers) = made(&plan);
    let seen = |name: &str| {
        let caller = callers.iter().find(|(known, _)| *known == name).unwrap();
        found(&world, &caller.1, &Within::default())[2].join(" ")
    };
    assert_eq!(seen("anna"), "anna/one anna/two");
    assert_eq!(seen("bert"), "anna/one anna/two bert/one bert/three bert/two");
    assert_eq!(seen("carl"), "anna/two bert/one bert/three bert/two");
    assert_eq!(seen("the admin"), "anna/one anna/two bert/one bert/three bert/two");
    assert_eq!(seen("anonymous"), "");
}
