//! Lists of files, and the deletion of one.

use packhouse_core::model::files::File;
use packhouse_core::{ErrorKind, Listed, Noun, Paging, files};

use crate::world::{
    FIRST, World, anonymous, file, forbidden, needs_credentials, package, published, refusal,
    refused, run, to, version,
};

fn paths(listed: &Listed<File>) -> (Vec<&str>, u64, u64) {
    let paths = listed.items.iter().map(|file| file.path.as_str()).collect();
    (paths, listed.total, listed.start)
}

#[test]
fn files_are_listed_by_path_with_totals_of_all_pages() {
    let world = World::new();
    let anna = world.anna();
    world.package(&anna, &package("anna/repo/toolbox"));
    for (parent, path) in [
        ("anna/repo/tool/1.0", "c"),
        ("anna/repo/tool/1.0", "a/z"),
        ("anna/repo/tool/1.0.1", "b"),
        ("anna/repo/toolbox/1.0", "d"),
    ] {
        world.upload(&anna, published(parent, path), path.to_owned()).unwrap();
    }
    let path = package("anna/repo/tool");
    let page = |start, limit| {
        let paging = Paging::new(start, limit);
        run(files::of_package(&world.packhouse, anonymous(), &path, false, paging)).unwrap()
    };
    assert_eq!(paths(&page(0, 1_000)), (vec!["a/z", "b", "c"], 3, 0));
    assert_eq!(paths(&page(0, 2)), (vec!["a/z", "b"], 3, 0));
    assert_eq!(paths(&page(2, 2)), (vec!["c"], 3, 2));
    assert_eq!(paths(&page(3, 2)), (vec![], 3, 3));
    let of_version = |path: &str| {
        run(files::of_version(&world.packhouse, anonymous(), &version(path), false, FIRST))
    };
    assert_eq!(paths(&of_version("anna/repo/tool/1.0").unwrap()), (vec!["a/z", "c"], 2, 0));
    assert_eq!(paths(&of_version("anna/repo/tool/1.0.1").unwrap()), (vec!["b"], 1, 0));
    let absent = refusal(ErrorKind::NotFound(Noun::Version), "Version '2' was not found");
    assert_eq!(refused(of_version("anna/repo/tool/2")), absent);
    let absent = refusal(ErrorKind::NotFound(Noun::Package), "Package 'none' was not found");
    assert_eq!(refused(of_version("anna/repo/none/2")), absent);
}

#[test]
fn a_deleted_file_is_gone_and_its_path_free() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let kept = world.upload(&anna, published("anna/repo/tool/1.0", "a/b"), "kept").unwrap();
    let gone = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "gone").unwrap();
    let remove =
        |caller, path| run(files::delete(&world.packhouse, caller, &file("anna/repo", path)));
    assert_eq!(refused(remove(&bert, "a")), forbidden());
    assert_eq!(refused(remove(&bert, "none")), forbidden());
    assert_eq!(refused(remove(anonymous(), "a")), needs_credentials());
    assert_eq!(refused(remove(anonymous(), "none")), needs_credentials());
    remove(&anna, "a").unwrap();
    let absent = refusal(ErrorKind::NotFound(Noun::File), "File 'a' was not found");
    assert_eq!(refused(remove(&anna, "a")), absent);
    assert_eq!(refused(world.download(&anna, &gone.location())), absent);
    assert_eq!(world.download(anonymous(), &kept.location()).unwrap(), "kept");
    world.check();
    world.upload(&anna, published("anna/repo/tool/2.0", "a"), "anew").unwrap();
    assert_eq!(world.download(anonymous(), &gone.location()).unwrap(), "anew");
    world.settle();
    assert_eq!(world.blob_count(), 2);
}

#[test]
fn an_unpublished_file_is_deleted_by_those_who_may() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let pending = world.upload(&anna, to("anna/repo/tool/1.0", "a"), "a").unwrap();
    let remove = |caller| run(files::delete(&world.packhouse, caller, &pending.location()));
    assert_eq!(refused(remove(&bert)), forbidden());
    remove(&anna).unwrap();
    world.settle();
    assert_eq!(world.blob_count(), 0);
}
