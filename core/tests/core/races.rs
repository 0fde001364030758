//! Many callers at once, made to meet between their reads and their commits.

use bytes::Bytes;
use futures::future::join_all;
use packhouse_core::model::versions::{Version, VersionSettings};
use packhouse_core::publishing::{discard, publish};
use packhouse_core::repositories::NewRepository;
use packhouse_core::uploads::put;
use packhouse_core::{ErrorKind, files, packages, repositories, versions};

use crate::world::{
    World, anonymous, file, package, published, replacing, repo, run, subject, to, version,
};

fn meeting() -> (World, packhouse_core::access::Caller) {
    let world = World::new();
    let anna = world.anna();
    world.faults.step_aside();
    (world, anna)
}

#[test]
fn first_uploads_to_one_new_version_all_succeed() {
    let (world, anna) = meeting();
    let uploads = (0..64).map(|number| {
        let target = published("anna/repo/tool/1.0", &format!("file-{number}"));
        put(&world.packhouse, &anna, target, format!("bytes {number}").into())
    });
    for uploaded in run(join_all(uploads)) {
        uploaded.unwrap();
    }
    assert_eq!(world.all::<Version>().len(), 1);
    let shown = run(versions::show(&world.sound, &anna, &version("anna/repo/tool/1.0"))).unwrap();
    assert_eq!(shown.version.ordinal, 1);
    for number in 0..64 {
        let location = file("anna/repo", &format!("file-{number}"));
        assert_eq!(world.download(anonymous(), &location).unwrap(), format!("bytes {number}"));
    }
    world.check();
}

#[test]
fn first_uploads_to_many_new_versions_all_succeed() {
    let (world, anna) = meeting();
    let uploads = (0..32).map(|number| {
        let target = published(&format!("anna/repo/tool/1.{number}"), &format!("file-{number}"));
        put(&world.packhouse, &anna, target, "same".into())
    });
    for uploaded in run(join_all(uploads)) {
        uploaded.unwrap();
    }
    let mut places: Vec<i64> = world.all::<Version>().iter().map(|v| v.ordinal).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=32).collect::<Vec<_>>());
    assert_eq!(world.blob_count(), 1);
    world.check();
}

#[test]
fn of_many_writers_of_one_path_one_wins_whole() {
    let (world, anna) = meeting();
    let bytes = |number: usize| Bytes::from(format!("{number}-").repeat(number + 1));
    let uploads = (0..32).map(|number| {
        put(&world.packhouse, &anna, replacing("anna/repo/tool/1.0", "a"), bytes(number))
    });
    for uploaded in run(join_all(uploads)) {
        uploaded.unwrap();
    }
    let last = world.download(anonymous(), &file("anna/repo", "a")).unwrap();
    assert!((0..32).any(|number| bytes(number) == last), "{last:?}");
    world.check();
    world.settle();
    assert_eq!(world.blob_count(), 1, "the others were let go");
}

#[test]
fn without_replacing_exactly_one_writer_of_a_path_succeeds() {
    let (world, anna) = meeting();
    let uploads = (0..32).map(|number| {
        let target = published("anna/repo/tool/1.0", "a");
        put(&world.packhouse, &anna, target, format!("{number}").into())
    });
    let (won, lost): (Vec<_>, Vec<_>) = run(join_all(uploads)).into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|lost| *lost.as_ref().unwrap_err().kind() == ErrorKind::AlreadyExists));
    assert_eq!(world.blob_count(), 1);
    world.check();
}

#[test]
fn uploads_of_one_content_share_a_blob_though_they_meet() {
    let (world, anna) = meeting();
    let uploads = (0..32).map(|number| {
        let target = published("anna/repo/tool/1.0", &format!("file-{number}"));
        put(&world.packhouse, &anna, target, "the same".into())
    });
    for uploaded in run(join_all(uploads)) {
        uploaded.unwrap();
    }
    assert_eq!(world.blob_count(), 1);
    world.check();
}

#[test]
fn one_of_many_makes_each_thing_and_the_others_learn_that_it_exists() {
    let (world, anna) = meeting();
    let engine = &world.packhouse;
    let count = |kinds: Vec<Result<(), ErrorKind>>| {
        let made = kinds.iter().filter(|made| made.is_ok()).count();
        let told = kinds.iter().filter(|k| **k == Err(ErrorKind::AlreadyExists)).count();
        assert_eq!((made, told), (1, 15));
    };
    let told = |error: packhouse_core::Error| error.kind().clone();
    let new = NewRepository::default();
    let made = (0..16).map(|number| {
        let path = repo(if number % 2 == 0 { "anna/new" } else { "anna/NEW" });
        let (anna, new) = (&anna, &new);
        async move { repositories::create(engine, anna, &path, new).await.map(|_| ()) }
    });
    count(run(join_all(made)).into_iter().map(|made| made.map_err(told)).collect());
    let (path, settings) =
        (package("anna/repo/new"), packhouse_core::model::packages::PackageSettings::default());
    let made = (0..16).map(|_| packages::create(engine, &anna, &path, &settings));
    count(run(join_all(made)).into_iter().map(|made| made.map(|_| ()).map_err(told)).collect());
    let (path, settings) = (version("anna/repo/new/1"), VersionSettings::default());
    let made = (0..16).map(|_| versions::create(engine, &anna, &path, &settings));
    count(run(join_all(made)).into_iter().map(|made| made.map(|_| ()).map_err(told)).collect());
    world.check();
}

#[test]
fn publishing_and_discarding_at_once_leaves_each_file_to_one_of_them() {
    let (world, anna) = meeting();
    let path = version("anna/repo/tool/1.0");
    for number in 0..20 {
        let name = format!("file-{number}");
        world.upload(&anna, to("anna/repo/tool/1.0", &name), name.clone()).unwrap();
    }
    let engine = &world.packhouse;
    let published = join_all((0..4).map(|_| publish(engine, &anna, &path)));
    let discarded = join_all((0..4).map(|_| discard(engine, &anna, &path)));
    let (published, discarded) = run(futures::future::join(published, discarded));
    let sum =
        |counts: Vec<packhouse_core::Result<u64>>| counts.into_iter().map(Result::unwrap).sum();
    let (published, discarded): (u64, u64) = (sum(published), sum(discarded));
    assert_eq!(published + discarded, 20);
    let left = world.all::<packhouse_core::model::files::File>();
    assert_eq!(left.len() as u64, published);
    assert!(left.iter().all(|file| file.published.is_some()));
    world.check();
}

#[test]
fn changes_of_one_package_are_never_lost() {
    let (world, anna) = meeting();
    let path = package("anna/repo/tool");
    let one = packages::PackagePatch { maturity: Some("Stable".into()), ..Default::default() };
    let two = packages::PackagePatch { desc: Some(Some("new".into())), ..Default::default() };
    let three = packages::PackagePatch { labels: Some(vec!["x".into()]), ..Default::default() };
    let patches = [&one, &two, &three];
    let changes = patches.map(|patch| packages::update(&world.packhouse, &anna, &path, patch));
    for changed in run(join_all(changes)) {
        changed.unwrap();
    }
    let settings = run(packages::show(&world.sound, &anna, &path)).unwrap().package.settings;
    assert_eq!((settings.maturity.as_str(), settings.desc.as_deref()), ("Stable", Some("new")));
    assert_eq!(settings.labels, ["x"]);
}

#[test]
fn uploads_that_meet_a_deletion_are_whole_or_refused() {
    for what in ["file", "version", "package", "repo", "user"] {
        let (world, anna) = meeting();
        let engine = &world.packhouse;
        let shared = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "shared").unwrap();
        let uploads = join_all((0..16).map(|number| {
            let target = published("anna/repo/tool/1.0", &format!("file-{number}"));
            put(engine, &anna, target, "shared".into())
        }));
        let deletion = async {
            match what {
                "file" => files::delete(engine, &anna, &shared.location()).await,
                "version" => versions::delete(engine, &anna, &version("anna/repo/tool/1.0")).await,
                "package" => packages::delete(engine, &anna, &package("anna/repo/tool")).await,
                "repo" => repositories::delete(engine, &anna, &repo("anna/repo")).await,
                _ => packhouse_core::users::delete(engine, &world.admin, &subject("anna")).await,
            }
        };
        let (uploaded, deleted) = run(futures::future::join(uploads, deletion));
        deleted.unwrap();
        world.check();
        world.settle();
        world.check();
        let files = world.all::<packhouse_core::model::files::File>().len();
        let won = uploaded.iter().filter(|uploaded| uploaded.is_ok()).count();
        assert!(files <= won, "{what}: {files} files of {won} uploads");
        assert_eq!(world.blob_count(), usize::from(files > 0), "{what}");
    }
}

#[test]
fn a_turn_of_the_runner_is_taken_by_one_of_many() {
    let (world, anna) = meeting();
    let uploaded = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    run(files::delete(&world.packhouse, &anna, &uploaded.location())).unwrap();
    let runners: Vec<_> = (0..8).map(|_| world.runner()).collect();
    let steps = run(join_all(runners.iter().map(packhouse_core::jobs::Runner::step)));
    let done =
        |step: &packhouse_core::jobs::Step| matches!(step, packhouse_core::jobs::Step::Done(_));
    assert_eq!(steps.into_iter().map(Result::unwrap).filter(done).count(), 1);
    world.check();
}
