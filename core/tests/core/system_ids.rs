//! The Maven coordinates that packages are found by: noted when something is published, forgotten
//! with the last file of it.

use std::future::Future;

use packhouse_core::access::Caller;
use packhouse_core::model::packages::Package;
use packhouse_core::model::repositories::RepositoryKind;
use packhouse_core::names::{FilePath, MavenPath, SystemId};
use packhouse_core::publishing::publish;
use packhouse_core::repositories::NewRepository;
use packhouse_core::search::{self, Coordinates, MavenPackage, Within};
use packhouse_core::{ErrorKind, Listed, explodes, files, packages, repositories, versions};

use crate::archive::archive;
use crate::world::{
    FIRST, World, anonymous, file, package, published, refusal, refused, repo, run, to, version,
};
use packhouse_conformance::faults::{Counted, How};

const ONE: &str = "anna/mvn/tool/1.0";
const TWO: &str = "anna/mvn/tool/2.0";
const JAR: &str = "org/acme/tool/1.0/tool-1.0.jar";

/// `anna/mvn` of this kind with the package `tool`.
fn world_of(kind: RepositoryKind) -> (World, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    let new = NewRepository { kind, ..NewRepository::default() };
    run(repositories::create(&world.sound, &anna, &repo("anna/mvn"), &new)).unwrap();
    world.package(&anna, &package("anna/mvn/tool"));
    (world, anna)
}

fn put(world: &World, caller: &Caller, parent: &str, path: &str) {
    world.upload(caller, published(parent, path), format!("bytes of {path}")).unwrap();
}

fn delete(world: &World, path: &str) {
    run(files::delete(&world.sound, &world.admin, &file("anna/mvn", path))).unwrap();
}

fn words(ids: &[SystemId]) -> String {
    ids.iter().map(SystemId::as_str).collect::<Vec<_>>().join(" ")
}

/// The coordinates that a package is shown with.
#[track_caller]
fn shown(world: &World) -> String {
    let shown = run(packages::show(&world.sound, anonymous(), &package("anna/mvn/tool"))).unwrap();
    let ids: Vec<SystemId> = shown.package.system_ids.into_iter().collect();
    let found = found(world, &Coordinates::Any("*".into()));
    assert_eq!(found, words(&ids), "it is found by what it is shown with");
    words(&ids)
}

/// The coordinates of `anna/mvn/tool` that are found, which is all that is found.
#[track_caller]
fn found(world: &World, coordinates: &Coordinates) -> String {
    let everywhere = Within::default();
    let found = search::maven(&world.sound, anonymous(), coordinates, &everywhere, FIRST);
    let Listed { items, total, .. } = run(found).unwrap();
    assert_eq!(total, Some(items.len() as u64));
    let matched: Vec<String> = items
        .iter()
        .map(|MavenPackage { package, matched }| {
            assert_eq!(package.package.path(), crate::world::package("anna/mvn/tool"));
            words(matched)
        })
        .collect();
    matched.join(", ")
}

#[test]
fn coordinates_are_noted_when_something_is_published() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    world.upload(&anna, to(ONE, JAR), "jar").unwrap();
    assert_eq!(shown(&world), "", "not before");
    run(publish(&world.sound, &anna, &version(ONE))).unwrap();
    assert_eq!(shown(&world), "org.acme:tool");
    put(&world, &anna, ONE, "org/acme/other/1.0/other-1.0.pom");
    assert_eq!(shown(&world), "org.acme:other org.acme:tool");
    let target = explodes::Target::new(version(TWO), None);
    let target = explodes::Target { publish: true, ..target };
    let text = archive(&[("com/x/1.0/x-1.0.jar", "a"), ("com/x/y/1.0/y-1.0.jar", "b")]);
    run(async {
        let mut explode = explodes::begin(&world.packhouse, &anna, target).await?;
        explode.write(text.into()).await?;
        explode.finish().await
    })
    .unwrap();
    assert_eq!(shown(&world), "com.x:y com:x org.acme:other org.acme:tool");
    let before = world.all::<Package>();
    put(&world, &anna, TWO, "org/acme/tool/2.0/tool-2.0.jar");
    assert_eq!(world.all::<Package>(), before);
}

#[test]
fn what_is_not_in_mavens_layout_has_no_coordinates() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    for path in [
        "readme",
        "tool/1.0/tool-1.0.jar",
        "org/acme/tool/1.0/tool-2.0.jar",
        "org/acme/tool/maven-metadata.xml",
        "org.acme/tool/1.0/tool-1.0.jar",
        "org/ac.me/tool/1.0/tool-1.0.jar",
        "org/ac:me/tool/1.0/tool-1.0.jar",
        "org/acme/to:ol/1.0/to:ol-1.0.jar",
    ] {
        put(&world, &anna, ONE, path);
        assert_eq!(shown(&world), "", "{path}");
    }
    put(&world, &anna, ONE, "org/acme/to.ol/1.0/to.ol-1.0.jar");
    assert_eq!(shown(&world), "org.acme:to.ol", "an artifact may have dots");
    delete(&world, "org/acme/to.ol/1.0/to.ol-1.0.jar");
    assert_eq!(shown(&world), "");
}

#[test]
fn coordinates_are_forgotten_with_the_last_file_of_them() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let sidecar = format!("{JAR}.asc");
    for path in [JAR, &sidecar, "org/acme/other/1.0/other-1.0.jar"] {
        put(&world, &anna, ONE, path);
    }
    put(&world, &anna, TWO, "org/acme/tool/2.0/tool-2.0.jar");
    let both = "org.acme:other org.acme:tool";
    for (path, left) in [
        (JAR, both),
        (&sidecar, both),
        ("org/acme/tool/2.0/tool-2.0.jar", "org.acme:other"),
        ("org/acme/other/1.0/other-1.0.jar", ""),
    ] {
        delete(&world, path);
        assert_eq!(shown(&world), left, "after {path}");
    }
}

#[test]
fn a_file_that_waits_keeps_no_coordinates() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    put(&world, &anna, ONE, JAR);
    world.upload(&anna, to(TWO, "org/acme/tool/2.0/tool-2.0.jar"), "jar").unwrap();
    delete(&world, JAR);
    assert_eq!(shown(&world), "");
    run(publish(&world.sound, &anna, &version(TWO))).unwrap();
    assert_eq!(shown(&world), "org.acme:tool");
}

#[test]
fn artifacts_of_a_deeper_group_keep_no_coordinates_of_the_folder_above() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    put(&world, &anna, ONE, JAR);
    // All of these lie in the folder of `org.acme:tool` and are of other artifacts, or of none.
    for number in 0..5 {
        let path = format!("org/acme/tool/a{number}/1.0/a{number}-1.0.jar");
        put(&world, &anna, ONE, &path);
    }
    put(&world, &anna, ONE, "org/acme/tool/1.0/notes.txt");
    assert_eq!(found(&world, &Coordinates::Group("org.acme".into())), "org.acme:tool");
    delete(&world, JAR);
    assert_eq!(found(&world, &Coordinates::Group("org.acme".into())), "");
    assert_eq!(found(&world, &Coordinates::Artifact("a3".into())), "org.acme.tool:a3");
    // And one that is found behind all those keeps them.
    put(&world, &anna, ONE, JAR);
    put(&world, &anna, TWO, "org/acme/tool/z/tool-z.jar");
    delete(&world, JAR);
    assert_eq!(found(&world, &Coordinates::Group("org.acme".into())), "org.acme:tool");
}

#[test]
fn coordinates_of_a_version_are_gone_as_soon_as_its_deletion_begins() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    put(&world, &anna, ONE, JAR);
    put(&world, &anna, TWO, "org/acme/tool/2.0/tool-2.0.jar");
    // Both lie half deleted at last: neither may count for the other.
    for (parent, left) in [(ONE, "org.acme:tool"), (TWO, "")] {
        world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
        run(versions::delete(&world.packhouse, &anna, &version(parent))).unwrap();
        world.faults.heal();
        assert_eq!(shown(&world), left, "{parent}");
    }
    world.settle();
    assert_eq!(shown(&world), "");
}

#[test]
fn the_last_file_besides_those_of_a_half_deleted_version_takes_its_coordinates_along() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    put(&world, &anna, ONE, JAR);
    put(&world, &anna, TWO, "org/acme/tool/2.0/tool-2.0.jar");
    world.faults.fail(Counted::Commits, 1..usize::MAX, How::Unavailable);
    run(versions::delete(&world.packhouse, &anna, &version(ONE))).unwrap();
    world.faults.heal();
    delete(&world, "org/acme/tool/2.0/tool-2.0.jar");
    assert_eq!(shown(&world), "");
}

#[test]
fn what_is_published_of_a_version_while_it_is_deleted_goes_with_it() {
    let mut meetings = 0;
    for steps in 0..12 {
        let (world, anna) = world_of(RepositoryKind::Maven);
        put(&world, &anna, TWO, "org/acme/kept/2.0/kept-2.0.jar");
        // Published before, so that the publication does not change the version.
        put(&world, &anna, ONE, "readme");
        world.upload(&anna, to(ONE, JAR), "jar").unwrap();
        world.faults.step_aside();
        let version = version(ONE);
        let mut deletion = Box::pin(versions::delete(&world.packhouse, &anna, &version));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..steps {
            assert!(deletion.as_mut().poll(&mut context).is_pending());
        }
        // Somewhere between its first read and its last commit.
        meetings += usize::from(run(publish(&world.sound, &anna, &version)).is_ok());
        run(deletion).unwrap();
        assert_eq!(shown(&world), "org.acme:kept", "after {steps} steps");
        world.check();
    }
    assert!((3..12).contains(&meetings), "{meetings} publications came before the deletion");
}

#[test]
fn no_wildcard_reaches_across_the_colon() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    for path in [JAR, "com/acme/tool-api/1.0/tool-api-1.0.jar"] {
        put(&world, &anna, ONE, path);
    }
    let (api, tool) = ("com.acme:tool-api", "org.acme:tool");
    let both = format!("{api} {tool}");
    let any = |text: &str| Coordinates::Any(text.into());
    let group = |text: &str| Coordinates::Group(text.into());
    let artifact = |text: &str| Coordinates::Artifact(text.into());
    let both_of = |group: &str, artifact: &str| Coordinates::Both(group.into(), artifact.into());
    for (coordinates, expected) in [
        (group("org.acme"), tool),
        (group("ORG.*"), tool),
        (group("*.acme"), &both),
        (group("org"), ""),
        (group("org*tool"), ""),
        (group("org.acme:tool"), ""),
        (group("org.acme:*"), ""),
        (artifact("tool"), tool),
        (artifact("tool*"), &both),
        (artifact("t??l"), tool),
        (artifact("acme?tool"), ""),
        (artifact("org.acme:tool"), ""),
        (both_of("org.acme", "tool"), tool),
        (both_of("*", "*api"), api),
        (both_of("*acme", "tool?api"), api),
        (both_of("com.acme", "tool"), ""),
        (any("tool"), tool),
        (any("com.acme"), api),
        (any("*AP*"), api),
        (any("*acme*"), &both),
        (any("com*api"), ""),
        (any("org.acme?tool"), ""),
        (any("org.acme:tool"), tool),
        (any("*:tool*"), &both),
        (any("a:b:c"), ""),
        (any("me:tool"), ""),
    ] {
        assert_eq!(found(&world, &coordinates), expected, "{coordinates:?}");
    }
    let long = Coordinates::Both("x".repeat(1_000), "y".repeat(30));
    let everywhere = Within::default();
    let told = search::maven(&world.sound, &anna, &long, &everywhere, FIRST);
    let message = "the text to look for is over 1024 bytes";
    assert_eq!(refused(run(told)), refusal(ErrorKind::Invalid, message));
}

#[test]
fn a_package_is_found_by_so_many_coordinates_and_takes_more_files_all_the_same() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let path = |number: usize| format!("org/a{number}/1.0/a{number}-1.0.jar");
    let id = |number: usize| match MavenPath::of(&FilePath::parse(&path(number)).unwrap()) {
        Some(MavenPath::Artifact { system_id, .. }) => system_id.unwrap(),
        other => panic!("{other:?}"),
    };
    let most = Package::MAX_SYSTEM_IDS;
    let package = world.all::<Package>().remove(0);
    let system_ids = (1..most).map(id).collect();
    world.put(&Package { system_ids, ..package });
    let has = |number: usize| {
        let artifact = Coordinates::Artifact(format!("a{number}"));
        found(&world, &artifact) == id(number).as_str()
    };
    put(&world, &anna, ONE, &path(most));
    put(&world, &anna, ONE, &path(most + 1));
    put(&world, &anna, ONE, &path(1));
    assert_eq!((has(1), has(most), has(most + 1)), (true, true, false));
    assert_eq!(world.all::<Package>().remove(0).system_ids.len(), most);
    delete(&world, &path(most));
    delete(&world, &path(most + 1));
    put(&world, &anna, TWO, &path(most + 2));
    assert_eq!((has(1), has(most), has(most + 2)), (true, false, true), "there is room again");
}
