//! Lists of files, and the deletion of one.

use packhouse_core::model::files::File;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::{ErrorKind, Listed, Noun, Paging, files, packages, versions};

use crate::world::{
    FIRST, World, anonymous, file, forbidden, needs_credentials, package, published, refusal,
    refused, replacing, repo, run, to, version,
};

fn paths(listed: &Listed<File>) -> (Vec<&str>, Option<u64>, u64) {
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
    assert_eq!(paths(&page(0, 1_000)), (vec!["a/z", "b", "c"], Some(3), 0));
    assert_eq!(paths(&page(0, 2)), (vec!["a/z", "b"], Some(3), 0));
    assert_eq!(paths(&page(2, 2)), (vec!["c"], Some(3), 2));
    assert_eq!(paths(&page(3, 2)), (vec![], Some(3), 3));
    let paging = Paging::new(1, 1).without_total();
    let listed = files::of_package(&world.packhouse, anonymous(), &path, false, paging);
    assert_eq!(paths(&run(listed).unwrap()), (vec!["b"], None, 1));
    let of_version = |path: &str| {
        run(files::of_version(&world.packhouse, anonymous(), &version(path), false, FIRST))
    };
    assert_eq!(paths(&of_version("anna/repo/tool/1.0").unwrap()), (vec!["a/z", "c"], Some(2), 0));
    assert_eq!(paths(&of_version("anna/repo/tool/1.0.1").unwrap()), (vec!["b"], Some(1), 0));
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

#[test]
fn a_published_file_is_listed_in_the_downloads_and_taken_off() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let made = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    world.upload(&anna, to("anna/repo/tool/1.0", "b"), "b").unwrap();
    let list = |caller, path: &str, listed| {
        let location = file("anna/repo", path);
        run(files::list_in_downloads(&world.packhouse, caller, &location, listed))
    };
    let is_listed = || {
        let path = version("anna/repo/tool/1.0");
        let listed = run(files::of_version(&world.packhouse, &anna, &path, false, FIRST)).unwrap();
        listed.items[0].list_in_downloads
    };
    let before = world.dump();
    assert_eq!(refused(list(&bert, "a", true)), forbidden());
    assert_eq!(refused(list(anonymous(), "a", true)), needs_credentials());
    let told = refusal(ErrorKind::Invalid, "'b' is an unpublished file: publish it first");
    for listed in [true, false] {
        assert_eq!(refused(list(&anna, "b", listed)), told);
    }
    let absent = refusal(ErrorKind::NotFound(Noun::File), "File 'c' was not found");
    assert_eq!(refused(list(&anna, "c", true)), absent);
    list(&anna, "a", false).unwrap();
    assert_eq!(world.dump(), before, "it was not listed before");
    for listed in [true, true, false, true] {
        list(&anna, "a", listed).unwrap();
        assert_eq!(is_listed(), listed);
    }
    // It stays listed when its bytes are replaced.
    let replaced = world.upload(&anna, replacing("anna/repo/tool/1.0", "a"), "new").unwrap();
    assert_eq!(replaced.location(), made.location());
    assert!(is_listed());
    world.check();
}

/// Who may have a file by a right to it alone is told no more than the file.
#[test]
fn the_package_and_the_version_of_a_file_are_shown_to_those_who_may_have_both() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    world.repo(&anna, &repo("anna/vault"), true);
    world.package(&anna, &package("anna/vault/safe"));
    world.upload(&anna, published("anna/vault/safe/1.0", "a"), "a").unwrap();
    let location = file("anna/vault", "a");
    let of_file = |caller| {
        let package = run(packages::of_file(&world.packhouse, caller, &location));
        let version = run(versions::of_file(&world.packhouse, caller, &location));
        (package.map(|it| it.package.name), version.map(|it| it.version.name))
    };
    let hidden = refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'vault' was not found");
    let (one, other) = of_file(&bert);
    assert_eq!((refused(one), refused(other)), (hidden.clone(), hidden.clone()));
    let (one, other) = of_file(anonymous());
    assert_eq!((refused(one), refused(other)), (needs_credentials(), needs_credentials()));
    let (one, other) = of_file(&anna);
    assert_eq!((one.unwrap().as_str(), other.unwrap().as_str()), ("safe", "1.0"));
    let anchor = world.anchor(&repo("anna/vault"));
    let path = Scope::Path(location.path.clone());
    world.grant(&bert, anchor.clone(), &[Action::Read], path, None);
    assert_eq!(world.download(&bert, &location).unwrap(), "a");
    let (one, other) = of_file(&bert);
    assert_eq!((refused(one), refused(other)), (hidden.clone(), hidden.clone()));
    let safe = version("anna/vault/safe/1.0");
    let version = Scope::Version(safe.package.package, safe.version);
    world.grant(&bert, anchor, &[Action::Read], version, None);
    let (one, other) = of_file(&bert);
    assert_eq!((refused(one), other.unwrap().as_str()), (hidden, "1.0"));
}
