//! Exploding archives: all their files or none, each asked for like any upload.

use packhouse_core::access::Caller;
use packhouse_core::explodes::{self, Target};
use packhouse_core::model::files::File;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::names::FilePath;
use packhouse_core::{ErrorKind, Limits, Packhouse, Result, files};

use crate::archive::archive;
use crate::world::{
    FIRST, World, anonymous, file, forbidden, needs_credentials, published, refusal, refused,
    replacing, repo, run, to, version,
};

const VERSION: &str = "anna/repo/tool/1.0";

/// To a folder of version 1.0.
fn into(folder: &str) -> Target {
    let folder = Some(folder).filter(|folder| !folder.is_empty());
    Target::new(version(VERSION), folder.map(|folder| FilePath::parse(folder).unwrap()))
}

pub(crate) async fn explode(
    packhouse: &Packhouse,
    caller: &Caller,
    target: Target,
    bytes: String,
) -> Result<Vec<File>> {
    let mut explode = explodes::begin(packhouse, caller, target).await?;
    explode.write(bytes.into()).await?;
    explode.finish().await
}

impl World {
    fn explode(
        &self,
        caller: &Caller,
        target: Target,
        files: &[(&str, &str)],
    ) -> Result<Vec<File>> {
        run(explode(&self.packhouse, caller, target, archive(files)))
    }

    /// The paths of the version, as its owner sees them.
    fn paths(&self, caller: &Caller) -> Vec<String> {
        let version = version(VERSION);
        let listed = files::of_version(&self.sound, caller, &version, true, FIRST);
        run(listed).unwrap().items.iter().map(|file| file.path.to_string()).collect()
    }
}

const SITE: [(&str, &str); 3] = [("index.html", "hello"), ("css/a.css", "x"), ("css/b.css", "x")];

#[test]
fn the_files_of_an_archive_are_files_of_the_version() {
    let world = World::new();
    let anna = world.anna();
    let made = world.explode(&anna, into("docs/1.0"), &SITE).unwrap();
    let made: Vec<&str> = made.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(made, ["docs/1.0/index.html", "docs/1.0/css/a.css", "docs/1.0/css/b.css"]);
    let page = file("anna/repo", "docs/1.0/index.html");
    assert_eq!(refused(world.download(anonymous(), &page)), needs_credentials());
    assert_eq!(world.download(&anna, &page).unwrap(), "hello");
    // One blob for the page, and one for two files of one content: the archive itself is gone.
    assert_eq!(world.finished_blobs().len(), 2);
    world.check();
}

#[test]
fn with_publish_everyone_has_them_at_once() {
    let world = World::new();
    let anna = world.anna();
    let target = Target { publish: true, ..into("") };
    world.explode(&anna, target, &SITE).unwrap();
    assert_eq!(world.download(anonymous(), &file("anna/repo", "css/b.css")).unwrap(), "x");
    world.check();
}

/// A refused archive leaves no trace, however late it is refused.
#[test]
fn of_a_refused_archive_nothing_is_kept() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, published(VERSION, "docs/taken"), "old").unwrap();
    let other = published("anna/repo/tool/2.0", "docs/other");
    world.upload(&anna, other, "other").unwrap();
    let before = (world.dump(), world.finished_blobs());
    let many: Vec<String> = (0..40).map(|n| format!("f{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let with = |last: (&'static str, &'static str)| [&many[..], &[last]].concat();
    let cannot = |why: &str| format!("The archive cannot be exploded: {why}");
    let exists = "Unable to upload files: An artifact with the path";
    for (last, kind, message) in [
        (("!x", ""), ErrorKind::Unprocessable, cannot("entry '!x': it is hostile")),
        (
            ("a/../b", ""),
            ErrorKind::Unprocessable,
            cannot(
                "the file path 'docs/a/../b' has the segment '..': it would mean another folder; \
                 write the path without it",
            ),
        ),
        (
            ("taken", "new"),
            ErrorKind::AlreadyExists,
            format!("{exists} 'docs/taken' already exists"),
        ),
        (
            ("other", "new"),
            ErrorKind::AlreadyExists,
            format!("{exists} 'docs/other' already exists under another version"),
        ),
    ] {
        let refused = refused(world.explode(&anna, into("docs"), &with(last)));
        assert_eq!(refused, refusal(kind, &message));
        assert_eq!((world.dump(), world.finished_blobs()), before, "{last:?}");
    }
    world.explode(&anna, into("docs"), &many).unwrap();
    assert_eq!(world.paths(&anna).len(), 41, "without the last one they pass");
    world.check();
}

#[test]
fn what_is_no_archive_or_has_no_files_is_refused() {
    let world = World::new();
    let anna = world.anna();
    let before = (world.dump(), world.finished_blobs());
    for (bytes, why) in [("no archive", "it is no archive"), ("[]", "it has no files")] {
        let refused = refused(run(explode(&world.packhouse, &anna, into("x"), bytes.to_owned())));
        let message = format!("The archive cannot be exploded: {why}");
        assert_eq!(refused, refusal(ErrorKind::Unprocessable, &message));
        assert_eq!((world.dump(), world.finished_blobs()), before);
    }
}

#[test]
fn published_files_are_replaced_only_where_that_is_asked_for() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, published(VERSION, "css/a.css"), "old").unwrap();
    let target = Target { publish: true, replace: true, ..into("") };
    world.explode(&anna, target, &SITE).unwrap();
    assert_eq!(world.download(anonymous(), &file("anna/repo", "css/a.css")).unwrap(), "x");
    world.settle();
    assert_eq!(world.finished_blobs().len(), 2, "the old bytes are let go");
    // Without publishing, everyone keeps what is published.
    let target = Target { replace: true, ..into("") };
    world.explode(&anna, target, &[("css/a.css", "third")]).unwrap();
    assert_eq!(world.download(anonymous(), &file("anna/repo", "css/a.css")).unwrap(), "x");
    world.check();
}

/// The files of one archive may trade contents with what was there.
#[test]
fn contents_that_change_places_are_kept() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, published(VERSION, "a"), "one").unwrap();
    world.upload(&anna, published(VERSION, "b"), "two").unwrap();
    let target = Target { publish: true, replace: true, ..into("") };
    world.explode(&anna, target, &[("a", "two"), ("b", "one")]).unwrap();
    world.settle();
    assert_eq!(world.download(anonymous(), &file("anna/repo", "a")).unwrap(), "two");
    assert_eq!(world.download(anonymous(), &file("anna/repo", "b")).unwrap(), "one");
    world.check();
}

#[test]
fn limits_and_checksums_hold_for_the_archive() {
    let world =
        World::with(Limits { max_archive_entries: 2, max_file_bytes: 1000, ..Limits::default() });
    let anna = world.anna();
    let before = (world.dump(), world.finished_blobs());
    let too_many = refused(world.explode(&anna, into(""), &SITE));
    let message = "The archive cannot be exploded: it has too many entries";
    assert_eq!(too_many, refusal(ErrorKind::TooLarge, message));
    let large = [("a", "x".repeat(1000))];
    let large = refused(world.explode(&anna, into(""), &[(large[0].0, &large[0].1)]));
    let message = "The file is too large: at most 1000 bytes are allowed";
    assert_eq!(large, refusal(ErrorKind::TooLarge, message));
    let wrong = Target { sha256: Some("0".repeat(64)), ..into("") };
    let (kind, _) = refused(world.explode(&anna, wrong, &SITE[..1]));
    assert_eq!(kind, ErrorKind::ChecksumMismatch);
    let wrong = Target { size: Some(1), ..into("") };
    let (kind, _) = refused(world.explode(&anna, wrong, &SITE[..1]));
    assert_eq!(kind, ErrorKind::Invalid);
    assert_eq!((world.dump(), world.finished_blobs()), before);
}

/// T074: a right over a folder is no right over what an archive names elsewhere.
#[test]
fn each_file_of_an_archive_needs_its_own_permit() {
    let world = World::new();
    let anna = world.anna();
    let bert = world.user("bert");
    let docs = Scope::Path(FilePath::parse("docs").unwrap());
    let actions = [Action::Write, Action::Publish];
    world.grant(&bert, world.anchor(&repo("anna/repo")), &actions, docs, None);
    let new = refused(world.explode(&bert, into("docs/new"), &SITE));
    assert!(new.1.starts_with("Version '1.0' is not there: "), "{new:?}");
    world.upload(&anna, to(VERSION, "first"), "x").unwrap();
    let before = (world.dump(), world.finished_blobs());
    for folder in ["", "doc", "docsx"] {
        let refused = refused(world.explode(&bert, into(folder), &[("docs/x", "1")]));
        assert_eq!(refused, forbidden(), "{folder}");
    }
    let (kind, _) = refused(world.explode(&bert, into("docs"), &[("a", "1"), ("../x", "2")]));
    assert_eq!(kind, ErrorKind::Unprocessable);
    assert_eq!((world.dump(), world.finished_blobs()), before);
    world.explode(&bert, into("docs/new"), &SITE).unwrap();
    // What the grant does not say: to replace.
    world.upload(&anna, replacing(VERSION, "docs/new/index.html"), "hello").unwrap();
    let target = Target { publish: true, replace: true, ..into("docs/new") };
    assert_eq!(refused(world.explode(&bert, target, &SITE)), forbidden());
    world.check();
}

#[test]
fn nobody_sends_an_archive_in_vain() {
    let world = World::new();
    let anna = world.anna();
    let bert = world.user("bert");
    let begin =
        |caller: &Caller, target| refused(run(explodes::begin(&world.packhouse, caller, target)));
    assert_eq!(begin(anonymous(), into("")), needs_credentials());
    assert_eq!(begin(&bert, into("")), forbidden());
    let absent = Target::new(version("anna/repo/none/1.0"), None);
    let message = "Package 'none' was not found";
    let kind = ErrorKind::NotFound(packhouse_core::Noun::Package);
    assert_eq!(begin(&anna, absent), refusal(kind, message));
    let snapshot = Target::new(version("anna/repo/tool/1.0-SNAPSHOT"), None);
    assert_eq!(begin(&anna, snapshot).0, ErrorKind::Invalid);
}

#[test]
fn an_upload_that_is_given_up_leaves_nothing() {
    let world = World::new();
    let anna = world.anna();
    let before = (world.dump(), world.blob_count());
    run(async {
        let mut explode = explodes::begin(&world.packhouse, &anna, into("")).await.unwrap();
        explode.write("[".into()).await.unwrap();
    });
    assert_eq!((world.dump(), world.blob_count()), before);
    // What waits unpublished is replaced without being asked for, as by any upload.
    world.upload(&anna, to(VERSION, "index.html"), "old").unwrap();
    world.explode(&anna, into(""), &SITE).unwrap();
    assert_eq!(world.download(&anna, &file("anna/repo", "index.html")).unwrap(), "hello");
}
