//! What no search may show or count: the unpublished, and what is being deleted.

use packhouse_core::access::Caller;
use packhouse_core::model::files::File;
use packhouse_core::publishing::{discard, publish};
use packhouse_core::search::{self, Texts, Wanted, Within};
use packhouse_core::uploads::Target;
use packhouse_core::{Listed, Result};

use crate::deletion::{EACH, What, world_with};
use crate::world::{FIRST, World, anonymous, published, replacing, repo, run, to, version};
use packhouse_conformance::faults::{Counted, How};

/// Paths one after another, and the total.
type Found = (String, Option<u64>);

/// All of these and no more.
fn all(paths: &[&str]) -> Found {
    (paths.join(" "), Some(paths.len() as u64))
}

fn joined<T>(listed: Result<Listed<T>>, path: impl Fn(&T) -> String) -> Found {
    let listed = listed.unwrap();
    let paths: Vec<String> = listed.items.iter().map(path).collect();
    (paths.join(" "), listed.total)
}

fn files(world: &World, caller: &Caller, wanted: &Wanted, within: &Within) -> Found {
    let found = run(search::files(&world.sound, caller, wanted, None, within, FIRST));
    joined(found, |file| file.location().to_string())
}

fn by_name(world: &World, caller: &Caller, pattern: &str) -> Found {
    files(world, caller, &Wanted::Name(pattern.to_owned()), &Within::default())
}

/// By its name, by both checksums: what is found of a file's bytes.
fn by_content(world: &World, caller: &Caller, file: &File) -> [Found; 2] {
    let digests = file.contents.digests.clone();
    [Wanted::Sha1(digests.sha1), Wanted::Sha256(digests.sha256)]
        .map(|wanted| files(world, caller, &wanted, &Within::default()))
}

#[test]
fn what_is_not_published_is_found_by_nobody() {
    let world = World::new();
    let anna = world.anna();
    let parent = "anna/repo/tool/1.0";
    let file = world.upload(&anna, to(parent, "draft.bin"), "draft").unwrap();
    let see = |caller: &Caller| {
        let [by_sha1, by_sha256] = by_content(&world, caller, &file);
        [by_name(&world, caller, "draft.bin"), by_sha1, by_sha256]
    };
    let callers = [&anna, &world.admin, anonymous()];
    for caller in callers {
        assert_eq!(see(caller), [(); 3].map(|()| all(&[])), "publishers neither");
    }
    assert_eq!(run(publish(&world.sound, &anna, &version(parent))).unwrap(), 1);
    for caller in callers {
        assert_eq!(see(caller), [(); 3].map(|()| all(&["anna/repo/draft.bin"])));
    }
}

#[test]
fn a_replacement_is_found_once_it_is_published_and_what_it_replaces_until_then() {
    let world = World::new();
    let anna = world.anna();
    let parent = "anna/repo/tool/1.0";
    let old = world.upload(&anna, published(parent, "a"), "old").unwrap();
    // The same bytes elsewhere, for their digests.
    let new = world.upload(&anna, to(parent, "draft"), "new").unwrap();
    run(discard(&world.sound, &anna, &version(parent))).unwrap();
    let place = |text: &'static str| {
        let target = Target { replace: true, ..to(parent, "a") };
        world.upload(&anna, target, text).unwrap();
    };
    let found = [(); 2].map(|()| all(&["anna/repo/a"]));
    let nothing = [(); 2].map(|()| all(&[]));
    place("new");
    for caller in [&anna, anonymous()] {
        assert_eq!(by_content(&world, caller, &old), found);
        assert_eq!(by_content(&world, caller, &new), nothing);
    }
    run(discard(&world.sound, &anna, &version(parent))).unwrap();
    assert_eq!(by_content(&world, anonymous(), &new), nothing);
    assert_eq!(by_content(&world, anonymous(), &old), found);
    place("new");
    run(publish(&world.sound, &anna, &version(parent))).unwrap();
    for caller in [&anna, anonymous()] {
        assert_eq!(by_content(&world, caller, &new), found);
        assert_eq!(by_content(&world, caller, &old), nothing);
    }
    world.upload(&anna, replacing(parent, "a"), "old").unwrap();
    assert_eq!(by_content(&world, anonymous(), &old), found);
}

/// What searches find of the world of deletions, by every way.
fn seen(world: &World, caller: &Caller, place: &Within) -> [Found; 5] {
    let (engine, texts) = (&world.sound, Texts { name: Some("*".to_owned()), desc: None });
    let kept = world.all::<File>().into_iter().find(|file| file.path.as_str() == "kept");
    let of_content = |kept: File| by_content(world, caller, &kept);
    let [by_sha1, by_sha256] = kept.map_or_else(|| [all(&[]), all(&[])], of_content);
    let repos = if caller.is_anonymous() {
        all(&[])
    } else {
        let found = run(search::repositories(engine, caller, &texts, FIRST));
        joined(found, |view| view.repo.path().to_string())
    };
    let packages = run(search::packages(engine, caller, &texts, place, FIRST));
    let packages =
        joined(packages, |view| format!("{}/{}", view.package.path().repo, view.package.name));
    let any = Wanted::Name("*".to_owned());
    [repos, packages, files(world, caller, &any, place), by_sha1, by_sha256]
}

#[test]
fn what_is_being_deleted_is_found_no_more_from_the_first_moment_on() {
    for what in EACH {
        // The first commit marks; after a further one some of it is gone.
        for commits in [1, 2] {
            let (world, _) = world_with(1_100);
            world.faults.fail(Counted::Commits, commits..usize::MAX, How::Unavailable);
            what.delete(&world).unwrap();
            world.faults.heal();
            assert!(world.all::<File>().len() > 50, "some of it is left");
            let kept = match what {
                What::Version => all(&["anna/repo/kept"]),
                What::Package | What::Repo | What::User => all(&[]),
            };
            let some = |there: bool, path| if there { all(&[path]) } else { all(&[]) };
            let repos = some(matches!(what, What::Version | What::Package), "anna/repo");
            let tool = some(what == What::Version, "anna/repo/tool");
            let of_anna = repo("anna/repo");
            let of_anna = Within { subject: Some(of_anna.subject), repo: Some(of_anna.repo) };
            for place in [Within::default(), of_anna] {
                for caller in [&world.admin, anonymous()] {
                    let repos = if caller.is_anonymous() { all(&[]) } else { repos.clone() };
                    let expected = [repos, tool.clone(), kept.clone(), kept.clone(), kept.clone()];
                    assert_eq!(seen(&world, caller, &place), expected, "{what:?} {place:?}");
                }
            }
        }
    }
}
