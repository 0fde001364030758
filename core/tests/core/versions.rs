//! Versions.

use std::time::Duration;

use packhouse_core::model::Form;
use packhouse_core::model::attributes::Attributes;
use packhouse_core::model::versions::{Version, VersionSettings};
use packhouse_core::ports::Clock;
use packhouse_core::versions::{
    self, VersionPatch, VersionView, create, show, show_latest, update,
};
use packhouse_core::{ErrorKind, Noun, packages};

use crate::world::{
    World, anonymous, forbidden, needs_credentials, package, published, refusal, refused, run,
    subject, to, version,
};

fn absent(name: &str) -> (ErrorKind, String) {
    refusal(ErrorKind::NotFound(Noun::Version), &format!("Version '{name}' was not found"))
}

#[test]
fn a_version_is_shown_as_it_was_made() {
    let world = World::new();
    let anna = world.anna();
    let path = version("anna/repo/tool/1.0");
    let settings = VersionSettings { vcs_tag: Some("v1.0".into()), ..VersionSettings::default() };
    let made = run(create(&world.packhouse, &anna, &path, &settings)).unwrap();
    let now = world.clock.now();
    let expected = VersionView {
        version: Version {
            form: Form,
            subject: subject("anna"),
            repo: path.repo().repo.clone(),
            package: path.package.package.clone(),
            name: path.version.clone(),
            ordinal: 1,
            created: now,
            published: None,
            updated: now,
            settings: settings.clone(),
            attributes: Attributes::default(),
        },
        package: run(packages::show(&world.packhouse, &anna, &path.package)).unwrap().package,
        published: false,
        updated: now,
        publisher: true,
    };
    assert_eq!(made, expected);
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    let stranger = VersionView { publisher: false, ..expected };
    assert_eq!(run(show(&world.packhouse, anonymous(), &path)).unwrap(), stranger);
    assert_eq!(
        refused(run(create(&world.packhouse, &anna, &path, &settings))),
        refusal(ErrorKind::AlreadyExists, "Version '1.0' already exists")
    );
}

#[test]
fn places_are_given_in_order_and_never_again() {
    let world = World::new();
    let anna = world.anna();
    let make = |name: &str| {
        let path = version(&format!("anna/repo/tool/{name}"));
        let made = run(create(&world.packhouse, &anna, &path, &VersionSettings::default()));
        made.unwrap().version.ordinal
    };
    assert_eq!((make("2.0"), make("1.0"), make("3.0")), (1, 2, 3));
    run(versions::delete(&world.packhouse, &anna, &version("anna/repo/tool/3.0"))).unwrap();
    assert_eq!(make("3.0"), 4);
    world.upload(&anna, to("anna/repo/tool/4.0", "x"), "x").unwrap();
    assert_eq!(make("5.0"), 6);
}

#[test]
fn the_latest_version_is_the_newest_with_a_published_file() {
    let world = World::new();
    let anna = world.anna();
    let path = package("anna/repo/tool");
    let latest = |caller| run(show_latest(&world.packhouse, caller, &path));
    assert_eq!(refused(latest(&anna)), absent("_latest"));
    world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    world.upload(&anna, published("anna/repo/tool/2.0", "b"), "b").unwrap();
    world.upload(&anna, to("anna/repo/tool/3.0", "c"), "c").unwrap();
    for caller in [&anna, anonymous()] {
        let shown = latest(caller).unwrap();
        assert_eq!((shown.version.name.as_str(), shown.published), ("2.0", true));
    }
    run(versions::delete(&world.packhouse, &anna, &version("anna/repo/tool/2.0"))).unwrap();
    assert_eq!(latest(&anna).unwrap().version.name.as_str(), "1.0");
    world.upload(&anna, published("anna/repo/tool/3.0", "d"), "d").unwrap();
    assert_eq!(latest(&anna).unwrap().version.name.as_str(), "3.0");
}

#[test]
fn snapshots_are_refused() {
    let world = World::new();
    let anna = world.anna();
    let path = version("anna/repo/tool/1.0-SNAPSHOT");
    let told = refusal(
        ErrorKind::Invalid,
        "Version '1.0-SNAPSHOT' is a snapshot: snapshots are not stored",
    );
    let before = world.dump();
    let made = run(create(&world.packhouse, &anna, &path, &VersionSettings::default()));
    assert_eq!(refused(made), told);
    let uploaded = world.upload(&anna, to("anna/repo/tool/1.0-SNAPSHOT", "a"), "a");
    assert_eq!(refused(uploaded), told);
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
}

#[test]
fn a_patch_changes_what_it_says_and_when() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let path = version("anna/repo/tool/1.0");
    world.upload(&anna, to("anna/repo/tool/1.0", "a"), "a").unwrap();
    let before = run(show(&world.packhouse, &anna, &path)).unwrap();
    world.clock.advance(Duration::from_secs(5));
    let released = Some(Some(world.clock.now()));
    let patch = VersionPatch { released, ..VersionPatch::default() };
    assert_eq!(refused(run(update(&world.packhouse, &bert, &path, &patch))), forbidden());
    let told = refused(run(update(&world.packhouse, anonymous(), &path, &patch)));
    assert_eq!(told, needs_credentials());
    run(update(&world.packhouse, &anna, &path, &patch)).unwrap();
    let mut expected = before;
    expected.version.settings.released = Some(world.clock.now());
    expected.version.updated = world.clock.now();
    expected.updated = world.clock.now();
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    let missing = version("anna/repo/tool/9");
    assert_eq!(refused(run(update(&world.packhouse, &anna, &missing, &patch))), absent("9"));
}

#[test]
fn a_version_needs_its_package() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let make = |caller, path| {
        let settings = VersionSettings::default();
        refused(run(create(&world.packhouse, caller, &version(path), &settings)))
    };
    let no_package = refusal(ErrorKind::NotFound(Noun::Package), "Package 'none' was not found");
    assert_eq!(make(&anna, "anna/repo/none/1.0"), no_package);
    assert_eq!(make(&bert, "anna/repo/tool/1.0"), forbidden());
    assert_eq!(make(&bert, "anna/repo/none/1.0"), forbidden());
    assert_eq!(make(anonymous(), "anna/repo/tool/1.0"), needs_credentials());
    let no_repo = refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'none' was not found");
    assert_eq!(make(&bert, "anna/none/tool/1.0"), no_repo);
}

#[test]
fn a_deleted_version_is_gone_with_its_files_and_no_others() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    world.upload(&anna, published("anna/repo/tool/1.0", "a"), "same").unwrap();
    let kept = world.upload(&anna, published("anna/repo/tool/1.0.1", "b"), "same").unwrap();
    let path = version("anna/repo/tool/1.0");
    let remove = |caller| run(versions::delete(&world.packhouse, caller, &path));
    assert_eq!(refused(remove(&bert)), forbidden());
    assert_eq!(refused(remove(anonymous())), needs_credentials());
    remove(&anna).unwrap();
    assert_eq!(refused(remove(&anna)), absent("1.0"));
    assert_eq!(refused(run(show(&world.packhouse, &anna, &path))), absent("1.0"));
    world.settle();
    assert_eq!(world.download(anonymous(), &kept.location()).unwrap(), "same");
    assert_eq!(world.blob_count(), 1);
    world.check();
}
