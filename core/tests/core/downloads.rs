//! Downloads: ranges, and the permit of a long stream.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::StreamExt;
use packhouse_core::access::Caller;
use packhouse_core::blobs::{BlobBody, BlobStore as _, ByteRange};
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::subjects::Plan;
use packhouse_core::names::FileLocation;
use packhouse_core::repositories::{self, RepositoryPatch};
use packhouse_core::{ErrorKind, downloads, files, users};

use crate::world::{
    World, anonymous, file, published, refusal, refused, replacing, repo, run, subject,
};
use packhouse_conformance::faults::{Counted, How};

#[test]
fn any_range_within_a_file_is_given_and_no_other() {
    let world = World::new();
    let anna = world.anna();
    let whole = b"0123456789";
    let stored = world.upload(&anna, published("anna/repo/tool/1.0", "a"), &whole[..]).unwrap();
    let permit = run(downloads::find(&world.packhouse, anonymous(), &stored.location())).unwrap();
    assert_eq!(permit.place().file, stored);
    for chunk in [None, Some(3)] {
        if let Some(chunk) = chunk {
            world.faults.stream_in(chunk);
        }
        for start in 0..=11_u64 {
            for end in (0..=11_u64).map(Some).chain([None]) {
                let range = ByteRange { start, end };
                let opened = run(downloads::open(&world.packhouse, &permit, range));
                let last = end.unwrap_or(10);
                if start > last || last > 10 {
                    let message = "The range does not lie within the file";
                    assert_eq!(refused(opened), refusal(ErrorKind::Invalid, message));
                    continue;
                }
                let opened = opened.unwrap();
                assert_eq!(opened.length, last - start);
                let bytes = run(opened.into_bytes()).unwrap();
                assert_eq!(bytes, whole[start as usize..last as usize]);
            }
        }
    }
}

#[test]
fn a_download_asks_the_store_once() {
    let world = World::new();
    let anna = world.anna();
    let stored = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    for caller in [anonymous(), &anna, &world.admin] {
        world.faults.fail(Counted::Every, 0..0, How::Unavailable);
        run(downloads::find(&world.packhouse, caller, &stored.location())).unwrap();
        assert_eq!(world.faults.calls(), 1);
    }
}

#[test]
fn bytes_that_cannot_be_opened_are_no_secret_and_no_panic() {
    let world = World::new();
    let anna = world.anna();
    let stored = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    run(packhouse_core::blobs::BlobStore::remove(&world.blobs, &stored.contents.blob)).unwrap();
    let told = refused(world.download(&anna, &stored.location()));
    let message = "The server cannot do this now; try again";
    assert_eq!(told, refusal(ErrorKind::Unavailable, message));
}

/// Opens a file of ten chunks, takes three, lets `meanwhile` happen and the recheck come due, and
/// counts the chunks that still come and whether the stream ends in an error.
pub(crate) fn stream(
    world: &World,
    caller: &Caller,
    location: &FileLocation,
    wait: Duration,
    meanwhile: impl FnOnce(),
) -> (usize, bool) {
    world.faults.stream_in(1);
    let opened = run(async {
        let permit = downloads::find(&world.packhouse, caller, location).await?;
        downloads::open(&world.packhouse, &permit, ByteRange::ALL).await
    });
    let BlobBody::Stream(mut chunks) = opened.unwrap().body else { panic!("not a stream") };
    let next = |chunks: &mut futures::stream::BoxStream<'static, _>| run(chunks.next());
    for expected in [b"0", b"1", b"2"] {
        let chunk: Result<Bytes, _> = next(&mut chunks).unwrap();
        assert_eq!(chunk.unwrap(), expected[..]);
    }
    world.clock.advance(wait);
    meanwhile();
    let mut more = 0;
    loop {
        match next(&mut chunks) {
            Some(Ok(_)) => more += 1,
            Some(Err(_)) => {
                assert!(next(&mut chunks).is_none(), "nothing comes after the error");
                return (more, true);
            }
            None => return (more, false),
        }
    }
}

const RECHECK: Duration = Duration::from_secs(5);

fn ten_chunks() -> (World, Caller, FileLocation) {
    let world = World::new();
    let anna = world.anna();
    let target = published("anna/repo/tool/1.0", "a");
    let stored = world.upload(&anna, target, "0123456789").unwrap();
    (world, anna, stored.location())
}

pub(crate) fn make_private(world: &World, private: bool) {
    let patch = RepositoryPatch::default();
    let path = repo("anna/repo");
    run(repositories::update(&world.sound, &world.admin, &path, Some(private), &patch)).unwrap();
}

#[test]
fn a_stream_ends_soon_after_its_repository_turns_private() {
    let (world, anna, location) = ten_chunks();
    let bert = world.user("bert");
    for caller in [anonymous(), &bert] {
        let ended = stream(&world, caller, &location, RECHECK, || make_private(&world, true));
        assert_eq!(ended, (0, true));
        make_private(&world, false);
    }
    let before_it_is_due = RECHECK.checked_sub(Duration::from_millis(1)).unwrap();
    let went_on = stream(&world, &bert, &location, before_it_is_due, || make_private(&world, true));
    assert_eq!(went_on, (7, false), "asked no more often than every few seconds");
    let owner = stream(&world, &anna, &location, RECHECK, || ());
    assert_eq!(owner, (7, false), "the owner may still read it");
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_a_permit() {
    let (world, _, location) = ten_chunks();
    let ended = stream(&world, anonymous(), &location, Duration::ZERO, || {
        world.clock.set_back(Duration::from_secs(3600));
        make_private(&world, true);
    });
    assert_eq!(ended, (0, true));
}

#[test]
fn a_stream_ends_when_what_allowed_it_ends() {
    let (world, _, location) = ten_chunks();
    make_private(&world, true);
    let bert = world.user_of("bert", Plan::Oss);
    let anchor = world.anchor(&repo("anna/repo"));
    let grant = || world.grant(&bert, anchor.clone(), &[Action::Read], Scope::Anchor, None);
    grant();
    let went_on = stream(&world, &bert, &location, RECHECK, || ());
    assert_eq!(went_on, (7, false));
    let revoked = stream(&world, &bert, &location, RECHECK, || {
        world.grant(&bert, anchor.clone(), &[], Scope::Anchor, None);
    });
    assert_eq!(revoked, (0, true), "the grant is gone");
    grant();
    let deleted = stream(&world, &bert, &location, RECHECK, || {
        run(users::delete(&world.sound, &world.admin, &subject("bert"))).unwrap();
    });
    assert_eq!(deleted, (0, true), "the user is gone");
}

#[test]
fn a_stream_goes_on_to_its_end_though_its_file_is_deleted_or_replaced() {
    let (world, anna, location) = ten_chunks();
    let replaced = stream(&world, anonymous(), &location, RECHECK, || {
        world.upload(&anna, replacing("anna/repo/tool/1.0", "a"), "other").unwrap();
        world.settle();
    });
    assert_eq!(replaced, (7, false));
    let location = file("anna/repo", "b");
    world.upload(&anna, published("anna/repo/tool/1.0", "b"), "0123456789").unwrap();
    let deleted = stream(&world, anonymous(), &location, RECHECK, || {
        run(files::delete(&world.sound, &anna, &location)).unwrap();
        world.settle();
    });
    assert_eq!(deleted, (7, false));
}

#[test]
fn a_stream_goes_on_while_the_store_cannot_answer() {
    let (world, _, location) = ten_chunks();
    let went_on = stream(&world, anonymous(), &location, RECHECK, || {
        world.faults.fail(Counted::Records, 0..usize::MAX, How::Unavailable);
    });
    assert_eq!(went_on, (7, false));
}

#[test]
fn other_bytes_than_the_files_never_end_as_a_whole_answer() {
    for chunk in [None, Some(1), Some(3)] {
        let world = World::new();
        let anna = world.anna();
        let stored = world.upload(&anna, published("anna/repo/tool/1.0", "a"), "abc").unwrap();
        run(async {
            world.blobs.remove(&stored.contents.blob).await?;
            let mut rotten = world.blobs.create(&stored.contents.blob).await?;
            rotten.write(Bytes::from_static(b"abd")).await?;
            rotten.finish().await
        })
        .unwrap();
        if let Some(chunk) = chunk {
            world.faults.stream_in(chunk);
        }
        let permit =
            run(downloads::find(&world.packhouse, anonymous(), &stored.location())).unwrap();
        let read = run(async {
            let reader = downloads::open(&world.packhouse, &permit, ByteRange::ALL).await?;
            reader.into_bytes().await.map_err(packhouse_core::Error::from)
        });
        assert_eq!(*read.unwrap_err().kind(), ErrorKind::Unavailable, "{chunk:?}");
    }
}
