//! Publishing and discarding.

use std::time::Duration;

use packhouse_core::ports::Clock;
use packhouse_core::publishing::{discard, publish};
use packhouse_core::{ErrorKind, Noun, versions};

use crate::world::{
    World, anonymous, file, forbidden, needs_credentials, published, refusal, refused, run, to,
    version,
};

const VERSION: &str = "anna/repo/tool/1.0";

fn no_version(name: &str) -> (ErrorKind, String) {
    refusal(ErrorKind::NotFound(Noun::Version), &format!("Version '{name}' was not found"))
}

#[test]
fn publishing_makes_every_pending_file_seen_at_one_instant() {
    let world = World::new();
    let anna = world.anna();
    for path in ["a", "b", "c"] {
        world.upload(&anna, to(VERSION, path), path).unwrap();
    }
    let seen = world.upload(&anna, published(VERSION, "d"), "d").unwrap();
    let other = world.upload(&anna, to("anna/repo/tool/2.0", "e"), "e").unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 3);
    for path in ["a", "b", "c"] {
        assert_eq!(world.download(anonymous(), &file("anna/repo", path)).unwrap(), path);
    }
    let instants: Vec<_> = world
        .all()
        .into_iter()
        .map(|file: packhouse_core::model::files::File| file.published)
        .collect();
    let now = Some(world.clock.now());
    assert_eq!(instants, [now, now, now, seen.published, None], "others are left alone");
    assert_eq!(refused(world.download(anonymous(), &other.location())), needs_credentials());
    let shown = run(versions::show(&world.packhouse, &anna, &version(VERSION))).unwrap();
    assert_eq!((shown.published, shown.updated), (true, world.clock.now()));
    world.check();
}

#[test]
fn publishing_twice_changes_nothing() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, to(VERSION, "a"), "a").unwrap();
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 1);
    let before = world.dump();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 0);
    assert_eq!(run(discard(&world.packhouse, &anna, &version(VERSION))).unwrap(), 0);
    assert_eq!(world.dump(), before);
}

#[test]
fn discarding_removes_what_is_pending_and_keeps_what_is_published() {
    let world = World::new();
    let anna = world.anna();
    let kept = world.upload(&anna, published(VERSION, "kept"), "kept").unwrap();
    world.upload(&anna, to(VERSION, "a"), "a").unwrap();
    world.upload(&anna, to(VERSION, "b"), "kept").unwrap();
    assert_eq!(run(discard(&world.packhouse, &anna, &version(VERSION))).unwrap(), 2);
    let gone = refusal(ErrorKind::NotFound(Noun::File), "File 'a' was not found");
    assert_eq!(refused(world.download(&anna, &file("anna/repo", "a"))), gone);
    world.check();
    world.settle();
    assert_eq!(world.finished_blobs(), [kept.contents.blob]);
    assert_eq!(world.download(anonymous(), &kept.location()).unwrap(), "kept");
}

#[test]
fn only_publishers_publish() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    world.upload(&anna, to(VERSION, "a"), "a").unwrap();
    let before = world.dump();
    for (caller, told) in [(&bert, forbidden()), (anonymous(), needs_credentials())] {
        assert_eq!(refused(run(publish(&world.packhouse, caller, &version(VERSION)))), told);
        assert_eq!(refused(run(discard(&world.packhouse, caller, &version(VERSION)))), told);
    }
    let none = version("anna/repo/tool/none");
    assert_eq!(refused(run(publish(&world.packhouse, &anna, &none))), no_version("none"));
    assert_eq!(refused(run(discard(&world.packhouse, &anna, &none))), no_version("none"));
    assert_eq!(world.dump(), before);
}

#[test]
fn more_files_than_one_commit_takes_are_published_none_at_all() {
    let world = World::new();
    let anna = world.anna();
    let one = world.upload(&anna, to(VERSION, "0"), "x").unwrap();
    let most = packhouse_core::publishing::MOST_AT_ONCE;
    let changes = (1..=most).map(|number| {
        let path = to(VERSION, &number.to_string()).path;
        let file = packhouse_core::model::files::File { path, ..one.clone() };
        packhouse_core::model::Stored::put(&file)
    });
    world.change_all(changes.collect());
    let told = refused(run(publish(&world.packhouse, &anna, &version(VERSION))));
    let message = "More than 30000 files are unpublished, which is the most at once: \
                   publish some with their upload (publish=1), or delete some";
    assert_eq!(told, refusal(ErrorKind::TooLarge, message));
    run(packhouse_core::files::delete(&world.packhouse, &anna, &one.location())).unwrap();
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 30_000);
}

#[test]
fn what_is_published_stays_until_its_replacement_is_published() {
    let world = World::new();
    let anna = world.anna();
    let old = world.upload(&anna, published(VERSION, "a"), "old").unwrap();
    let replace = |bytes| {
        world
            .upload(
                &anna,
                packhouse_core::uploads::Target { replace: true, ..to(VERSION, "a") },
                bytes,
            )
            .unwrap();
        world.check();
    };
    let seen = |caller| world.download(caller, &old.location()).unwrap();
    replace("new");
    assert_eq!((seen(anonymous()), seen(&anna)), ("old".into(), "old".into()));
    assert_eq!(run(discard(&world.packhouse, &anna, &version(VERSION))).unwrap(), 1);
    assert_eq!(seen(anonymous()), "old", "discarding the replacement leaves the release");
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 0);
    replace("newer");
    replace("newest");
    assert_eq!(run(publish(&world.packhouse, &anna, &version(VERSION))).unwrap(), 1);
    assert_eq!(seen(anonymous()), "newest");
    world.settle();
    assert_eq!(world.blob_count(), 1, "what was replaced or discarded is collected");
    replace("newest");
    assert_eq!(run(discard(&world.packhouse, &anna, &version(VERSION))).unwrap(), 0, "the same");
    world.check();
}
