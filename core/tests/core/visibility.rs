//! Who may see and fetch which file: every kind of caller against every state of a file.

use packhouse_core::access::Caller;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::{ErrorKind, Noun, files};

use crate::world::{
    FIRST, World, anonymous, file, needs_credentials, package, published, refusal, refused, repo,
    run, to,
};

/// `anna/open` and `anna/closed`, each with a published and an unpublished file.
fn world() -> (World, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    for (name, private) in [("anna/open", false), ("anna/closed", true)] {
        world.repo(&anna, &repo(name), private);
        world.package(&anna, &package(&format!("{name}/tool")));
        let parent = format!("{name}/tool/1.0");
        world.upload(&anna, published(&parent, "out/seen"), "seen").unwrap();
        world.upload(&anna, to(&parent, "out/pending"), "pending").unwrap();
    }
    (world, anna)
}

fn no_file(path: &str) -> (ErrorKind, String) {
    refusal(ErrorKind::NotFound(Noun::File), &format!("File '{path}' was not found"))
}

fn no_repo(name: &str) -> (ErrorKind, String) {
    refusal(ErrorKind::NotFound(Noun::Repository), &format!("Repo '{name}' was not found"))
}

#[test]
fn everyone_downloads_what_they_may_and_learns_nothing_of_the_rest() {
    let (world, anna) = world();
    let bert = world.user("bert");
    let get = |caller, parent, path| world.download(caller, &file(parent, path));
    let (seen, pending, absent) = ("out/seen", "out/pending", "out/absent");

    for caller in [&anna, &world.admin] {
        for parent in ["anna/open", "anna/closed"] {
            assert_eq!(get(caller, parent, seen).unwrap(), "seen");
            assert_eq!(get(caller, parent, pending).unwrap(), "pending");
            assert_eq!(refused(get(caller, parent, absent)), no_file(absent));
        }
    }
    assert_eq!(get(&bert, "anna/open", seen).unwrap(), "seen");
    assert_eq!(refused(get(&bert, "anna/open", pending)), no_file(pending));
    assert_eq!(refused(get(&bert, "anna/open", absent)), no_file(absent));
    assert_eq!(get(anonymous(), "anna/open", seen).unwrap(), "seen");
    assert_eq!(refused(get(anonymous(), "anna/open", pending)), needs_credentials());
    assert_eq!(refused(get(anonymous(), "anna/open", absent)), no_file(absent));
    // A private repository and none at all are told apart by nobody.
    for path in [seen, pending, absent] {
        assert_eq!(refused(get(&bert, "anna/closed", path)), no_repo("closed"));
        assert_eq!(refused(get(&bert, "anna/none", path)), no_repo("none"));
        assert_eq!(refused(get(&bert, "none/closed", path)), no_repo("closed"));
        assert_eq!(refused(get(anonymous(), "anna/closed", path)), needs_credentials());
        assert_eq!(refused(get(anonymous(), "anna/none", path)), needs_credentials());
        assert_eq!(refused(get(anonymous(), "none/none", path)), needs_credentials());
    }
}

#[test]
fn a_grant_opens_a_private_repository_as_far_as_it_reaches() {
    let (world, _) = world();
    let bert = world.user("bert");
    let anchor = world.anchor(&repo("anna/closed"));
    let get = |path| world.download(&bert, &file("anna/closed", path));
    let grant = |actions: &[Action], scope| {
        world.grant(&bert, anchor.clone(), actions, scope, None);
    };
    let target = to("anna/closed/tool/1.0", "out/seen");
    for scope in [
        Scope::Anchor,
        Scope::Path(to("anna/closed/tool/1.0", "out").path),
        Scope::Path(target.path.clone()),
        Scope::Package(target.version.package.package.clone()),
        Scope::Version(target.version.package.package.clone(), target.version.version.clone()),
    ] {
        grant(&[Action::Read], scope.clone());
        assert_eq!(get("out/seen").unwrap(), "seen", "{scope:?}");
        assert!(get("out/pending").is_err(), "{scope:?}");
        if scope == Scope::Path(target.path.clone()) {
            grant(&[Action::Read, Action::Publish], scope);
            assert_eq!(refused(get("out/pending")), no_repo("closed"));
        } else {
            grant(&[Action::Read, Action::Publish], scope);
            assert_eq!(get("out/pending").unwrap(), "pending");
        }
    }
    grant(&[Action::Read], Scope::Path(to("anna/closed/tool/1.0", "ou").path));
    assert_eq!(refused(get("out/seen")), no_repo("closed"));
    grant(&[Action::Publish], Scope::Anchor);
    assert_eq!(refused(get("out/seen")), no_repo("closed"), "publishing is not reading");
}

#[test]
fn a_revoked_grant_is_refused_on_the_next_request() {
    let (world, _) = world();
    let bert = world.user("bert");
    let anchor = world.anchor(&repo("anna/closed"));
    world.grant(&bert, anchor.clone(), &[Action::Read], Scope::Anchor, None);
    let get = || world.download(&bert, &file("anna/closed", "out/seen"));
    assert!(get().is_ok());
    world.grant(&bert, anchor, &[], Scope::Anchor, None);
    assert_eq!(refused(get()), no_repo("closed"));
}

#[test]
fn unpublished_files_are_listed_for_publishers_who_ask() {
    let (world, anna) = world();
    let bert = world.user("bert");
    let path = package("anna/open/tool");
    let (one, both) = (vec!["out/seen"], vec!["out/pending", "out/seen"]);
    for (caller, ask, expected) in [
        (&anna, true, &both),
        (&anna, false, &one),
        (&world.admin, true, &both),
        (&bert, true, &one),
        (anonymous(), true, &one),
    ] {
        let of_package = files::of_package(&world.packhouse, caller, &path, ask, FIRST);
        let of_package = run(of_package).unwrap();
        let version = path.version(to("anna/open/tool/1.0", "x").version.version);
        let of_version = files::of_version(&world.packhouse, caller, &version, ask, FIRST);
        for listed in [of_package, run(of_version).unwrap()] {
            let names: Vec<&str> = listed.items.iter().map(|file| file.path.as_str()).collect();
            assert_eq!((&names, listed.total), (expected, Some(expected.len() as u64)));
        }
    }
}

#[test]
fn no_answer_to_a_stranger_holds_a_trace_of_what_is_unpublished() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    world.upload(&anna, published("anna/repo/tool/1.0", "seen"), "seen").unwrap();
    let before = world.seen_by(&bert, &crate::world::subject("anna"));
    world.upload(&anna, to("anna/repo/tool/1.0", "canary"), "canary").unwrap();
    assert_eq!(world.seen_by(&bert, &crate::world::subject("anna")), before);
    assert_eq!(world.seen_by(anonymous(), &crate::world::subject("anna")), before);
}
