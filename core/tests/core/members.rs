//! Members who come and go at the same time.

use futures::future::join_all;
use packhouse_core::model::memberships::{Membership, Role};
use packhouse_core::model::subjects::{Subject, SubjectKind};
use packhouse_core::model::teams::Team;
use packhouse_core::names::TeamName;
use packhouse_core::organizations::OrganizationChange;
use packhouse_core::subjects::KnownAs;
use packhouse_core::teams::TeamChange;
use packhouse_core::{ErrorKind, members, organizations, teams, users};

use crate::world::{World, run, subject};

/// `guild`, which these users own, each made to meet the others between read and commit.
fn owned_by(owners: &[&str]) -> World {
    let world = World::new();
    for owner in owners {
        world.user(owner);
    }
    let (guild, change) = (subject("guild"), OrganizationChange::default());
    let (first, admin) = (subject(owners[0]), &world.admin);
    run(organizations::put(&world.sound, admin, &guild, Some(&first), &change)).unwrap();
    for owner in &owners[1..] {
        run(members::put(&world.sound, admin, &guild, &subject(owner), Role::Owner)).unwrap();
    }
    world.faults.step_aside();
    world
}

fn owners(world: &World) -> usize {
    let all: Vec<Membership> = world.all();
    all.iter().filter(|held| held.role == Some(Role::Owner)).count()
}

#[test]
fn of_owners_who_all_go_at_once_one_stays() {
    for way in 0..3 {
        let names = ["anna", "bert", "carl"];
        let world = owned_by(&names);
        let guild = subject("guild");
        let (engine, admin) = (&world.packhouse, &world.admin);
        let going = names.iter().map(|name| {
            let (name, guild) = (subject(name), &guild);
            async move {
                match way {
                    0 => members::put(engine, admin, guild, &name, Role::Member).await.map(drop),
                    1 => members::remove(engine, admin, guild, &name).await,
                    _ => users::delete(engine, admin, &name).await,
                }
            }
        });
        let went = run(join_all(going));
        let refused: Vec<_> = went.into_iter().filter_map(Result::err).collect();
        let kinds: Vec<_> = refused.iter().map(|error| error.kind().clone()).collect();
        assert_eq!((owners(&world), kinds), (1, vec![ErrorKind::Conflict]), "{way}");
    }
}

#[test]
fn who_is_deleted_while_joining_is_in_nothing() {
    // Each later than the one before, so that they meet at every step of the way.
    for delay in 0..12 {
        let world = owned_by(&["anna"]);
        world.user("bert");
        let (engine, admin) = (&world.packhouse, &world.admin);
        let (guild, bert) = (subject("guild"), subject("bert"));
        let of = KnownAs { name: subject("anna"), kind: SubjectKind::User };
        let (name, members) = (TeamName::parse("team").unwrap(), Some(vec![bert.clone()]));
        let change = TeamChange { members, ..TeamChange::default() };
        let deleted = async {
            for _ in 0..delay {
                users::show(engine, admin, &subject("anna")).await.unwrap();
            }
            users::delete(engine, admin, &bert).await
        };
        let (joined, made, deleted) = run(futures::future::join3(
            members::put(engine, admin, &guild, &bert, Role::Member),
            teams::create(engine, admin, &of, &name, &change),
            deleted,
        ));
        deleted.unwrap();
        let absent = |kind: &ErrorKind| matches!(kind, ErrorKind::NotFound(_));
        assert!(joined.is_ok() || joined.is_err_and(|it| absent(it.kind())));
        assert!(made.is_ok() || made.is_err_and(|it| *it.kind() == ErrorKind::Invalid));
        let subjects: Vec<Subject> = world.all();
        let there = |id| subjects.iter().any(|subject| subject.id == id);
        assert!(world.all::<Membership>().iter().all(|held| there(held.user)), "{delay}");
        let teams: Vec<Team> = world.all();
        assert!(teams.iter().all(|team| team.members.keys().all(|id| there(*id))), "{delay}");
    }
}

#[test]
fn who_is_removed_while_joining_a_team_is_not_in_it() {
    let world = owned_by(&["anna"]);
    world.user("bert");
    let (engine, admin) = (&world.packhouse, &world.admin);
    let (guild, bert) = (subject("guild"), subject("bert"));
    run(members::put(&world.sound, admin, &guild, &bert, Role::Member)).unwrap();
    let of = KnownAs { name: guild.clone(), kind: SubjectKind::Organization };
    let (name, members) = (TeamName::parse("team").unwrap(), Some(vec![bert.clone()]));
    let change = TeamChange { members, ..TeamChange::default() };
    let (made, removed) = run(futures::future::join(
        teams::create(engine, admin, &of, &name, &change),
        members::remove(engine, admin, &guild, &bert),
    ));
    removed.unwrap();
    assert!(made.is_ok() || made.is_err_and(|it| *it.kind() == ErrorKind::Invalid));
    assert!(world.all::<Team>().iter().all(|team| team.members.is_empty()));
    assert_eq!(world.all::<Membership>().len(), 1);
}
