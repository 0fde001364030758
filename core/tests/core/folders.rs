//! What lies in a folder: who sees what, in which order, page by page, and at what cost.

use std::collections::BTreeSet;

use packhouse_core::access::Caller;
use packhouse_core::folders::{self, Entry, EntryKind, Folder};
use packhouse_core::model::Stored;
use packhouse_core::model::files::File;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::repositories::{Closing, Repository};
use packhouse_core::names::{FilePath, PackageName, VersionName};
use packhouse_core::{ErrorKind, Noun, Result};

use crate::world::{
    World, anonymous, needs_credentials, package, published, refusal, refused, repo, run, to,
};
use packhouse_conformance::faults::{Counted, How};

const VERSION: &str = "anna/repo/tool/1.0";

/// A page of `anna/repo` as a caller sees it.
fn page(
    world: &World,
    caller: &Caller,
    folder: &str,
    unpublished: bool,
    (after, limit): (Option<&str>, usize),
) -> Result<Folder> {
    let folder = (!folder.is_empty()).then(|| FilePath::parse(folder).unwrap());
    let repo = repo("anna/repo");
    run(folders::list(&world.packhouse, caller, &repo, folder.as_ref(), unpublished, after, limit))
}

fn names(folder: &Folder) -> Vec<&str> {
    folder.entries.iter().map(|entry| entry.name.as_str()).collect()
}

/// The names in a folder as strangers see them, all pages of so many.
fn all(world: &World, folder: &str, limit: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let listed = page(world, anonymous(), folder, false, (after.as_deref(), limit)).unwrap();
        assert!(listed.entries.len() <= limit);
        found.extend(listed.entries.into_iter().map(|entry| entry.name));
        match listed.next {
            Some(next) => {
                assert!(after.as_ref() < Some(&next), "{next} comes again");
                after = Some(next);
            }
            None => return found,
        }
    }
}

/// Writes files at these paths past the engine, like one that was uploaded.
fn plant(world: &World, like: &File, paths: impl IntoIterator<Item = String>) {
    let change =
        |path: String| File { path: FilePath::parse(&path).unwrap(), ..like.clone() }.put();
    let changes: Vec<_> = paths.into_iter().map(change).collect();
    for changes in changes.chunks(1_000) {
        world.change_all(changes.to_vec());
    }
}

/// How often the store was asked.
fn asked(world: &World, work: impl FnOnce()) -> usize {
    world.faults.fail(Counted::Every, 0..0, How::Unavailable);
    work();
    world.faults.calls()
}

#[test]
fn a_folder_has_its_files_and_folders_in_the_order_of_their_bytes() {
    let world = World::new();
    let anna = world.anna();
    let paths = ["b/x", "a", "a/1/2", "a/0", "a-b", "a0", "B", "é/ü", "a/1/3", "a.", ":x"];
    for path in paths {
        world.upload(&anna, published(VERSION, path), path.to_owned()).unwrap();
    }
    let root = page(&world, anonymous(), "", false, (None, 100)).unwrap();
    assert_eq!(names(&root), [":x", "B", "a", "a-b", "a.", "a/", "a0", "b/", "é/"]);
    assert_eq!((root.next, root.public), (None, true));
    let modified = world.upload(&anna, published(VERSION, "a/z"), "zz").unwrap().contents.created;
    let folder = page(&world, &anna, "a", false, (None, 100)).unwrap();
    let file = |size| EntryKind::File { size, modified, published: true };
    let expected = [("0", file(3)), ("1/", EntryKind::Folder), ("z", file(2))];
    let expected: Vec<_> =
        expected.map(|(name, kind)| Entry { name: name.to_owned(), kind }).into();
    assert_eq!(folder, Folder { entries: expected, next: None, public: false });
    for absent in ["z", "a/0", "a/2", "b/x"] {
        let listed = page(&world, anonymous(), absent, false, (None, 100));
        let message = format!("File '{absent}' was not found");
        assert_eq!(refused(listed), refusal(ErrorKind::NotFound(Noun::File), &message));
    }
}

#[test]
fn each_sees_what_can_be_downloaded() {
    let world = World::new();
    let (anna, bert, carl) = (world.anna(), world.user("bert"), world.user("carl"));
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&carl, anchor, &[Action::Read, Action::Publish], Scope::Anchor, None);
    world.upload(&anna, published(VERSION, "a/seen"), "1").unwrap();
    world.upload(&anna, to(VERSION, "a/hidden"), "2").unwrap();
    world.upload(&anna, to(VERSION, "b/hidden"), "3").unwrap();
    world.upload(&anna, to(VERSION, "hidden"), "4").unwrap();
    for (caller, asks, expected) in [
        (anonymous(), true, &["a/"][..]),
        (&bert, true, &["a/"]),
        (&carl, false, &["a/"]),
        (&anna, false, &["a/"]),
        (&carl, true, &["a/", "b/", "hidden"]),
        (&anna, true, &["a/", "b/", "hidden"]),
    ] {
        let listed = page(&world, caller, "", asks, (None, 100)).unwrap();
        assert_eq!((names(&listed), listed.public), (expected.to_vec(), caller.is_anonymous()));
    }
    let a = page(&world, &carl, "a", true, (None, 100)).unwrap();
    let is_published =
        |entry: &Entry| matches!(entry.kind, EntryKind::File { published, .. } if published);
    let told: Vec<_> =
        a.entries.iter().map(|entry| (entry.name.as_str(), is_published(entry))).collect();
    assert_eq!(told, [("hidden", false), ("seen", true)]);
    let absent = refusal(ErrorKind::NotFound(Noun::File), "File 'b' was not found");
    assert_eq!(refused(page(&world, &bert, "b", true, (None, 100))), absent);
    assert_eq!(refused(page(&world, anonymous(), "b", true, (None, 100))), absent);
}

#[test]
fn a_private_repository_is_listed_for_those_who_may_read_it() {
    let world = World::new();
    let (anna, bert, carl) = (world.user("anna"), world.user("bert"), world.user("carl"));
    world.repo(&anna, &repo("anna/repo"), true);
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&carl, anchor, &[Action::Read], Scope::Anchor, None);
    let empty = Folder { entries: Vec::new(), next: None, public: false };
    for caller in [&anna, &carl, &world.admin] {
        assert_eq!(page(&world, caller, "", false, (None, 100)).unwrap(), empty);
    }
    let absent = refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'repo' was not found");
    assert_eq!(refused(page(&world, &bert, "", false, (None, 100))), absent);
    assert_eq!(refused(page(&world, anonymous(), "", false, (None, 100))), needs_credentials());
    assert_eq!(refused(page(&world, anonymous(), "x", false, (None, 100))), needs_credentials());
}

#[test]
fn what_is_being_deleted_is_gone_at_once() {
    let world = World::new();
    let anna = world.anna();
    world.package(&anna, &package("anna/repo/other"));
    world.upload(&anna, published(VERSION, "one/f"), "1").unwrap();
    world.upload(&anna, published("anna/repo/tool/2.0", "two/f"), "2").unwrap();
    world.upload(&anna, published("anna/repo/other/1.0", "other/f"), "3").unwrap();
    let mut record: Repository = {
        let shown =
            run(packhouse_core::repositories::show(&world.sound, &anna, &repo("anna/repo")));
        shown.unwrap().repo
    };
    let closing = |package: &str, version: Option<&str>| Closing {
        package: PackageName::parse(package).unwrap(),
        version: version.map(|version| VersionName::parse(version).unwrap()),
    };
    record.closing = BTreeSet::from([closing("other", None), closing("tool", Some("2.0"))]);
    world.put(&record);
    for asks in [false, true] {
        let listed = page(&world, &anna, "", asks, (None, 100)).unwrap();
        assert_eq!(names(&listed), ["one/"]);
        for gone in ["two", "other"] {
            assert!(page(&world, &anna, gone, asks, (None, 100)).is_err(), "{gone}");
        }
    }
    let many = (0..1_001).map(|n| closing(&format!("p{n}"), None));
    record.closing = many.collect();
    world.put(&record);
    let (kind, _) = refused(page(&world, &anna, "", false, (None, 100)));
    assert_eq!(kind, ErrorKind::Unavailable, "and no folder that is half there");
}

#[test]
fn pages_of_any_size_give_the_same_as_one() {
    let world = World::new();
    let anna = world.anna();
    let like = world.upload(&anna, published(VERSION, "x"), "x").unwrap();
    let max = char::MAX.to_string();
    let mut paths: BTreeSet<String> = BTreeSet::from(["x".to_owned()]);
    // Names that surround a slash, and the greatest that there may be, below folders and beside.
    for folder in ["", "a/", "a/b/", "a0/", "a./"] {
        for name in ["a", "a.", "a0", "a!", "b", "~", &max, &max.repeat(63), &format!("a{max}")] {
            paths.insert(format!("{folder}{name}"));
            paths.insert(format!("{folder}{name}/{max}"));
            paths.insert(format!("{folder}{name}/{}", max.repeat(63)));
            paths.insert(format!("{folder}{name}/a/b/c"));
        }
    }
    plant(&world, &like, paths.iter().cloned());
    for folder in ["", "a", "a/b", "a0", "a/a", "a/b/a"] {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = paths.iter().filter_map(|path| path.strip_prefix(&prefix));
        let expected: BTreeSet<String> = below
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => format!("{name}/"),
                None => rest.to_owned(),
            })
            .collect();
        let expected: Vec<_> = expected.into_iter().collect();
        for limit in [1, 2, 3, 7, 1_000] {
            assert_eq!(all(&world, folder, limit), expected, "{folder} by {limit}");
        }
    }
}

#[test]
fn a_page_begins_after_a_name_that_need_not_be_there() {
    let world = World::new();
    let anna = world.anna();
    for path in ["d/a", "d/b/1", "d/c"] {
        world.upload(&anna, published(VERSION, path), path.to_owned()).unwrap();
    }
    for (after, expected) in [
        ("a", &["b/", "c"][..]),
        ("a/", &["b/", "c"]),
        ("a0", &["b/", "c"]),
        ("b", &["b/", "c"]),
        ("b/", &["c"]),
        ("A", &["a", "b/", "c"]),
    ] {
        let listed = page(&world, anonymous(), "d", false, (Some(after), 10)).unwrap();
        assert_eq!(names(&listed), expected, "{after}");
    }
    assert!(page(&world, anonymous(), "d", false, (Some("c"), 10)).is_err());
    let long = "x".repeat(256);
    for bad in ["", "/", "a/b", "..", "a//", long.as_str(), "a\0"] {
        let message = "after is no name: give the last one of the page before";
        let told = refused(page(&world, anonymous(), "d", false, (Some(bad), 10)));
        assert_eq!(told, refusal(ErrorKind::Invalid, message), "{bad:?}");
    }
}

/// T254: what is not shown costs nothing.
#[test]
fn a_listing_reads_about_as_much_as_it_gives() {
    let world = World::new();
    let anna = world.anna();
    let like = world.upload(&anna, published(VERSION, "deep/x"), "x").unwrap();
    plant(&world, &like, (0..10_000).map(|n| format!("deep/{}/{n}", n % 7)));
    plant(&world, &like, ["a", "e", "f", "z"].map(str::to_owned));
    let hidden = File { published: None, ..like.clone() };
    plant(&world, &hidden, (0..10_000).map(|n| format!("hidden/{n}")));
    plant(&world, &hidden, (0..5_000).map(|n| format!("deep/{n}")));
    let listed = |folder: &str| page(&world, anonymous(), folder, false, (None, 1_000)).unwrap();
    let root = asked(&world, || {
        assert_eq!(names(&listed("")), ["a", "deep/", "e", "f", "z"]);
    });
    assert!(root <= 4, "{root}");
    let deep = asked(&world, || assert_eq!(listed("deep").entries.len(), 8));
    assert!(deep <= 11 && world.faults.rows() <= 200, "{deep}, {} rows", world.faults.rows());
    let absent = asked(&world, || {
        page(&world, anonymous(), "hidden", false, (None, 1_000)).unwrap_err();
    });
    assert!(absent <= 2, "{absent}");
}

#[test]
fn a_page_has_a_thousand_entries_at_the_most_and_few_reads() {
    let world = World::new();
    let anna = world.anna();
    let like = world.upload(&anna, published(VERSION, "x"), "x").unwrap();
    plant(&world, &like, (0..1_100).map(|n| format!("flat/{n:04}")));
    let flat = asked(&world, || {
        let listed = page(&world, anonymous(), "flat", false, (None, 1_000_000)).unwrap();
        assert_eq!((listed.entries.len(), listed.next.as_deref()), (1_000, Some("0999")));
    });
    assert!(flat <= 12, "{flat}");
    assert_eq!(all(&world, "flat", 1_000).len(), 1_100);
    plant(&world, &like, (0..1_200).map(|n| format!("wide/{:04}/{}", n / 5, n % 5)));
    let wide = asked(&world, || {
        let listed = page(&world, anonymous(), "wide", false, (None, 200)).unwrap();
        assert_eq!((listed.entries.len(), listed.next.as_deref()), (200, Some("0199/")));
    });
    assert!(wide <= 203, "{wide}");
}
