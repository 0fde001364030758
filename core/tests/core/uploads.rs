//! Uploads of files to versions.

use bytes::Bytes;
use packhouse_core::blobs::BlobStore as _;
use packhouse_core::model::Form;
use packhouse_core::model::attributes::Attributes;
use packhouse_core::model::blobs::{Blob, BlobReference, Content};
use packhouse_core::model::files::{Contents, Digests, File};
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::versions::{Version, VersionSettings};
use packhouse_core::ports::Clock;
use packhouse_core::uploads::{self, Target};
use packhouse_core::{ErrorKind, Limits, Noun, versions};

use crate::world::{
    World, anonymous, file, forbidden, needs_credentials, package, published, refusal, refused,
    replacing, repo, run, subject, to, version,
};

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn exists(path: &str, addition: &str) -> (ErrorKind, String) {
    let message = format!(
        "Unable to upload files: An artifact with the path '{path}' already exists{addition}"
    );
    refusal(ErrorKind::AlreadyExists, &message)
}

#[test]
fn an_upload_makes_a_file_of_a_new_version() {
    let world = World::new();
    let anna = world.anna();
    let target = published("anna/repo/tool/1.0", "x/abc.txt");
    let uploaded = world.upload(&anna, target.clone(), "abc").unwrap();
    let now = world.clock.now();
    let expected = File {
        form: Form,
        subject: subject("anna"),
        repo: repo("anna/repo").repo,
        path: target.path,
        package: target.version.package.package.clone(),
        version: target.version.version.clone(),
        ordinal: 1,
        contents: Contents {
            size: 3,
            digests: Digests {
                sha1: "a9993e364706816aba3e25717850c26c9cd0d89d".into(),
                sha256: ABC_SHA256.into(),
                md5: "900150983cd24fb0d6963f7d28e17f72".into(),
            },
            blob: uploaded.contents.blob,
            uploader: anna.user_id().unwrap(),
            created: now,
            debian: None,
            box_provider: None,
        },
        published: Some(now),
        list_in_downloads: false,
        attributes: Attributes::default(),
        replacement: None,
    };
    assert_eq!(uploaded, expected);
    let shown = run(versions::show(&world.packhouse, &anna, &target.version)).unwrap();
    assert_eq!((shown.version.ordinal, shown.published, shown.updated), (1, true, now));
    assert_eq!(world.download(anonymous(), &expected.location()).unwrap(), "abc");
    world.check();
}

#[test]
fn an_upload_makes_no_package() {
    let world = World::new();
    let anna = world.anna();
    let before = world.dump();
    let told = refused(world.upload(&anna, to("anna/repo/none/1.0", "a"), "a"));
    assert_eq!(told, refusal(ErrorKind::NotFound(Noun::Package), "Package 'none' was not found"));
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
}

#[test]
fn only_those_who_may_write_upload() {
    let world = World::new();
    let (_, bert) = (world.anna(), world.user("bert"));
    let before = world.dump();
    let begin = |caller, target| refused(run(uploads::begin(&world.packhouse, caller, target)));
    assert_eq!(begin(&bert, to("anna/repo/tool/1.0", "a")), forbidden());
    assert_eq!(begin(anonymous(), to("anna/repo/tool/1.0", "a")), needs_credentials());
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
}

#[test]
fn who_may_write_and_not_publish_uploads_unpublished_files() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&bert, anchor, &[Action::Write], Scope::Anchor, None);
    let publishing = published("anna/repo/tool/1.0", "a");
    assert_eq!(refused(world.upload(&bert, publishing, "a")), forbidden());
    let uploaded = world.upload(&bert, to("anna/repo/tool/1.0", "a"), "a").unwrap();
    assert_eq!((uploaded.published, uploaded.contents.uploader), (None, bert.user_id().unwrap()));
    let hidden = refusal(ErrorKind::NotFound(Noun::File), "File 'a' was not found");
    assert_eq!(refused(world.download(&bert, &uploaded.location())), hidden);
    assert_eq!(world.download(&anna, &uploaded.location()).unwrap(), "a");
}

#[test]
fn a_narrow_grant_uploads_within_its_scope_only() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    world.package(&anna, &package("anna/repo/other"));
    let anchor = world.anchor(&repo("anna/repo"));
    let begin = |target: Target| run(uploads::begin(&world.packhouse, &bert, target)).is_ok();
    for made in ["anna/repo/tool/1.0", "anna/repo/other/1.0"] {
        run(versions::create(&world.sound, &anna, &version(made), &VersionSettings::default()))
            .unwrap();
    }
    let folder = Scope::Path(to("anna/repo/tool/1.0", "in/here").path);
    world.grant(&bert, anchor.clone(), &[Action::Write], folder, None);
    assert!(begin(to("anna/repo/tool/1.0", "in/here/a")));
    assert!(begin(to("anna/repo/other/1.0", "in/here")));
    assert!(!begin(to("anna/repo/tool/1.0", "in/hereafter")));
    // T074: a new version is of the package, and not of the folder.
    assert!(!begin(to("anna/repo/tool/2.0", "in/here/a")));
    let one = version("anna/repo/tool/1.0");
    let one = Scope::Version(one.package.package, one.version);
    world.grant(&bert, anchor, &[Action::Write], one, None);
    assert!(begin(to("anna/repo/tool/1.0", "a")));
    assert!(!begin(to("anna/repo/tool/1.0.1", "a")));
    assert!(!begin(to("anna/repo/other/1.0", "a")));
}

#[test]
fn a_published_file_is_replaced_only_when_that_is_asked_for() {
    let world = World::new();
    let anna = world.anna();
    let first = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "old").unwrap();
    let told = refused(world.upload(&anna, published("anna/repo/tool/1.0", "a"), "new"));
    assert_eq!(told, exists("a", ""));
    assert_eq!(world.download(anonymous(), &first.location()).unwrap(), "old");
    assert_eq!(world.blob_count(), 1);
    let second = world.upload(&anna, replacing("anna/repo/tool/1.0", "a"), "new").unwrap();
    assert_eq!(world.download(anonymous(), &second.location()).unwrap(), "new");
    world.check();
    world.settle();
    assert_eq!(world.finished_blobs(), [second.contents.blob], "the old bytes are let go");
}

#[test]
fn replacing_a_published_file_needs_the_right_to_overwrite() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let anchor = world.anchor(&repo("anna/repo"));
    let all_but = |without| Action::ALL.into_iter().filter(move |action| *action != without);
    let actions: Vec<Action> = all_but(Action::Overwrite).collect();
    world.grant(&bert, anchor.clone(), &actions, Scope::Anchor, None);
    let old = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "old").unwrap();
    let before = world.dump();
    let target = replacing("anna/repo/tool/1.0", "a");
    // Before a byte is sent, and again when it is committed.
    assert_eq!(refused(run(uploads::begin(&world.packhouse, &bert, target.clone()))), forbidden());
    assert_eq!((world.dump(), world.finished_blobs()), (before, vec![old.contents.blob]));
    world.upload(&bert, to("anna/repo/tool/1.0", "b"), "b").unwrap();
    world.upload(&bert, to("anna/repo/tool/1.0", "b"), "c").unwrap();
    world.grant(
        &bert,
        anchor,
        &[Action::Overwrite, Action::Write, Action::Publish],
        Scope::Anchor,
        None,
    );
    assert!(world.upload(&bert, target, "new").is_ok());
}

#[test]
fn a_file_that_is_published_while_another_is_uploaded_to_its_path_is_kept() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&bert, anchor, &[Action::Write, Action::Publish], Scope::Anchor, None);
    for (replace, told) in [(false, exists("a", "")), (true, forbidden())] {
        let parent = "anna/repo/tool/1.0";
        let _ =
            run(packhouse_core::files::delete(&world.packhouse, &anna, &file("anna/repo", "a")));
        let target = Target { replace, ..published(parent, "a") };
        let late = run(async {
            let mut upload = uploads::begin(&world.packhouse, &bert, target).await?;
            upload.write(Bytes::from_static(b"late")).await?;
            let early = published(parent, "a");
            uploads::put(&world.packhouse, &anna, early, "early".into()).await?;
            upload.finish().await
        });
        assert_eq!(refused(late), told);
        assert_eq!(world.download(anonymous(), &file("anna/repo", "a")).unwrap(), "early");
        world.settle();
        assert_eq!(world.blob_count(), 1, "the late bytes are gone");
    }
}

#[test]
fn an_unpublished_file_may_be_uploaded_again() {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, to("anna/repo/tool/1.0", "a"), "one").unwrap();
    let two = world.upload(&anna, to("anna/repo/tool/1.0", "a"), "two").unwrap();
    assert_eq!(world.download(&anna, &two.location()).unwrap(), "two");
    let three = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "three").unwrap();
    assert_eq!(world.download(anonymous(), &three.location()).unwrap(), "three");
    world.settle();
    assert_eq!(world.finished_blobs(), [three.contents.blob]);
}

#[test]
fn a_path_belongs_to_one_version() {
    let world = World::new();
    let anna = world.anna();
    world.package(&anna, &package("anna/repo/other"));
    world.upload(&anna, to("anna/repo/tool/1.0", "a"), "a").unwrap();
    let before = world.dump();
    for parent in ["anna/repo/tool/2.0", "anna/repo/other/1.0"] {
        let told = refused(world.upload(&anna, replacing(parent, "a"), "b"));
        assert_eq!(told, exists("a", " under another version"));
    }
    assert_eq!((world.dump(), world.blob_count()), (before, 1), "no version was made");
}

#[test]
fn bytes_that_are_not_those_announced_leave_nothing() {
    let world = World::new();
    let anna = world.anna();
    let before = world.dump();
    let parent = "anna/repo/tool/1.0";
    let wrong = Target { sha256: Some("0".repeat(64)), ..published(parent, "a") };
    let message = format!(
        "Checksum mismatch: the SHA-256 of the received bytes is {ABC_SHA256}, not {}",
        "0".repeat(64)
    );
    let told = refused(world.upload(&anna, wrong, "abc"));
    assert_eq!(told, refusal(ErrorKind::ChecksumMismatch, &message));
    for size in [2, 4] {
        let wrong = Target { size: Some(size), ..published(parent, "a") };
        assert_eq!(refused(world.upload(&anna, wrong, "abc")).0, ErrorKind::Invalid);
    }
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
    let sha256 = Some(ABC_SHA256.to_ascii_uppercase());
    let right = Target { sha256, size: Some(3), ..published(parent, "a") };
    assert!(world.upload(&anna, right, "abc").is_ok());
}

#[test]
fn a_file_over_the_limit_is_refused_as_soon_as_that_is_known() {
    let world = World::with(Limits { max_file_bytes: 10, ..Limits::default() });
    let anna = world.anna();
    let before = world.dump();
    let told = refusal(ErrorKind::TooLarge, "The file is too large: at most 10 bytes are allowed");
    let announced = Target { size: Some(11), ..to("anna/repo/tool/1.0", "a") };
    assert_eq!(refused(run(uploads::begin(&world.packhouse, &anna, announced))), told);
    let unannounced = run(async {
        let target = to("anna/repo/tool/1.0", "a");
        let mut upload = uploads::begin(&world.packhouse, &anna, target).await?;
        upload.write(Bytes::from_static(b"0123456789")).await?;
        upload.write(Bytes::from_static(b"x")).await
    });
    assert_eq!(refused(unannounced), told);
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
    assert!(world.upload(&anna, to("anna/repo/tool/1.0", "a"), "0123456789").is_ok());
}

#[test]
fn a_dropped_upload_leaves_nothing() {
    let world = World::new();
    let anna = world.anna();
    let before = world.dump();
    run(async {
        let target = to("anna/repo/tool/1.0", "a");
        let mut upload = uploads::begin(&world.packhouse, &anna, target).await.unwrap();
        upload.write(Bytes::from_static(b"half")).await.unwrap();
    });
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
}

#[test]
fn large_and_empty_files_have_their_digests() {
    let world = World::new();
    let anna = world.anna();
    let empty = world.upload(&anna, published("anna/repo/tool/1.0", "empty"), "").unwrap();
    assert_eq!(
        (empty.contents.size, empty.contents.digests.md5.as_str()),
        (0, "d41d8cd98f00b204e9800998ecf8427e")
    );
    // Over the size from which hashing goes to blocking jobs, in uneven pieces.
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let stored = run(async {
        let target = published("anna/repo/tool/1.0", "large");
        let mut upload = uploads::begin(&world.packhouse, &anna, target).await.unwrap();
        for piece in large.chunks(70_001) {
            upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        upload.finish().await.unwrap()
    });
    assert_eq!(world.download(anonymous(), &stored.location()).unwrap(), large);
    assert_eq!(world.download(anonymous(), &empty.location()).unwrap(), "");
    let once = world.upload(&anna, published("anna/repo/tool/1.0", "once"), large).unwrap();
    assert_eq!(once.contents.digests, stored.contents.digests);
    world.check();
}

#[test]
fn files_of_one_content_share_one_blob() {
    let world = World::new();
    let anna = world.anna();
    let one = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "same").unwrap();
    let two = world.upload(&anna, published("anna/repo/tool/2.0", "b"), "same").unwrap();
    assert_eq!(
        (one.contents.blob, world.finished_blobs()),
        (two.contents.blob, vec![one.contents.blob])
    );
    assert_eq!(world.all::<Blob>().len(), 1);
    assert_eq!(world.all::<Content>().len(), 1);
    assert_eq!(world.records(BlobReference::KIND).len(), 2);
    run(packhouse_core::files::delete(&world.packhouse, &anna, &one.location())).unwrap();
    world.settle();
    assert_eq!(world.download(anonymous(), &two.location()).unwrap(), "same");
    world.check();
}

#[test]
fn the_same_content_again_changes_no_reference() {
    let world = World::new();
    let anna = world.anna();
    let one = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "same").unwrap();
    let two = world.upload(&anna, replacing("anna/repo/tool/1.0", "a"), "same").unwrap();
    assert_eq!(one, two);
    assert_eq!(world.run_jobs(), [], "nothing lost its last reference");
    world.check();
}

#[test]
fn a_full_disk_is_told_and_keeps_nothing() {
    use packhouse_conformance::faults::{Counted, How};
    let world = World::new();
    let anna = world.anna();
    let before = world.dump();
    let full = refusal(ErrorKind::Full, "The server has no space left; try again later");
    world.faults.fail(Counted::Every, 0..usize::MAX, How::Full);
    assert_eq!(refused(world.upload(&anna, to("anna/repo/tool/1.0", "a"), "a")), full);
    world.faults.heal();
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
    assert_eq!(world.all::<Version>(), []);
}

#[test]
fn content_whose_blob_was_lost_is_sound_again_when_it_is_uploaded_again() {
    let world = World::new();
    let anna = world.anna();
    let lost = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "abc").unwrap();
    run(world.blobs.remove(&lost.contents.blob)).unwrap();
    let again = world.upload(&anna, published("anna/repo/tool/1.0", "b"), "abc").unwrap();
    assert_ne!(again.contents.blob, lost.contents.blob);
    assert_eq!(world.download(anonymous(), &again.location()).unwrap(), "abc");
    let third = world.upload(&anna, published("anna/repo/tool/1.0", "c"), "abc").unwrap();
    assert_eq!(third.contents.blob, again.contents.blob, "the sound one is shared from now on");
}

#[test]
fn many_small_chunks_are_one_file() {
    let world = World::new();
    let anna = world.anna();
    let target = published("anna/repo/tool/1.0", "a");
    let file = run(async {
        let mut upload = uploads::begin(&world.packhouse, &anna, target).await?;
        for number in 0..200_000_u32 {
            upload.write(Bytes::copy_from_slice(&number.to_le_bytes()[..1])).await?;
        }
        upload.finish().await
    });
    let expected: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let file = file.unwrap();
    assert_eq!(file.contents.size, 200_000);
    assert_eq!(world.bytes_of(&file).unwrap(), expected);
}
