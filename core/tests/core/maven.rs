//! Uploads in Maven's layout: the version in the path, checksums beside their files, indexes.

use bytes::Bytes;
use packhouse_core::access::Caller;
use packhouse_core::maven::{self, Place, place};
use packhouse_core::model::files::File;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::repositories::RepositoryKind;
use packhouse_core::names::FilePath;
use packhouse_core::repositories::NewRepository;
use packhouse_core::uploads::Target;
use packhouse_core::{ErrorKind, Result, explodes, repositories};

use crate::archive::archive;
use crate::world::{
    World, anonymous, file, forbidden, needs_credentials, package, published, refusal, refused,
    replacing, repo, run, to, version,
};

const JAR: &str = "org/x/1.0/x-1.0.jar";
const ABC_MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
const ABC_SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

/// `anna/mvn` of this kind with the package `tool`.
fn world_of(kind: RepositoryKind) -> (World, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    let new = NewRepository { kind, ..NewRepository::default() };
    run(repositories::create(&world.sound, &anna, &repo("anna/mvn"), &new)).unwrap();
    world.package(&anna, &package("anna/mvn/tool"));
    (world, anna)
}

fn contradicts(sidecar: &str, sum: &str, of: &str) -> (ErrorKind, String) {
    let message =
        format!("Checksum mismatch: '{sidecar}' does not hold the {sum} of the uploaded '{of}'");
    refusal(ErrorKind::ChecksumMismatch, &message)
}

#[test]
fn the_place_of_a_file_is_in_its_path() {
    let tool = package("anna/mvn/tool");
    let of = |text: &str| place(&tool, &path(text));
    assert_eq!(of(JAR).unwrap(), Place::Version(version("anna/mvn/tool/1.0")));
    assert_eq!(of("org/x/maven-metadata.xml.sha1").unwrap(), Place::Index);
    let told = "Provided artifact path does not comply with Maven's convention";
    assert_eq!(refused(of("pom.xml")), refusal(ErrorKind::Invalid, told));
}

#[test]
fn an_index_is_admitted_for_those_who_may_upload() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let bert = world.user("bert");
    let index = path("org/x/maven-metadata.xml");
    let ask = |caller: &Caller, of: &str, publish| {
        run(maven::admit_index(&world.packhouse, caller, &package(of), &index, publish))
    };
    let before = world.dump();
    ask(&anna, "anna/mvn/tool", true).unwrap();
    assert_eq!(refused(ask(anonymous(), "anna/mvn/tool", false)), needs_credentials());
    assert_eq!(refused(ask(&bert, "anna/mvn/tool", false)), forbidden());
    let absent = refused(ask(&anna, "anna/mvn/none", false)).1;
    assert_eq!(absent, "Package 'none' was not found");
    assert_eq!(world.dump(), before);
    let anchor = world.anchor(&repo("anna/mvn"));
    world.grant(&bert, anchor.clone(), &[Action::Write], Scope::Anchor, None);
    ask(&bert, "anna/mvn/tool", false).unwrap();
    assert_eq!(refused(ask(&bert, "anna/mvn/tool", true)), forbidden());
    world.grant(&bert, anchor, &[Action::Write], Scope::Path(path("com")), None);
    assert_eq!(refused(ask(&bert, "anna/mvn/tool", false)), forbidden());
}

fn sidecars(world: &World, anna: &Caller) -> impl Fn(&str, &str) -> Result<File> {
    move |path: &str, text: &str| {
        let target = to("anna/mvn/tool/1.0", path);
        world.upload(anna, target, Bytes::copy_from_slice(text.as_bytes()))
    }
}

#[test]
fn a_checksum_that_contradicts_its_file_is_refused() {
    for kind in [RepositoryKind::Maven, RepositoryKind::Generic] {
        let (world, anna) = world_of(kind);
        let put = sidecars(&world, &anna);
        put(JAR, "abc").unwrap();
        let before = world.dump();
        for (ending, sum, right) in [
            ("md5", "MD5", ABC_MD5),
            ("sha1", "SHA-1", ABC_SHA1),
            ("sha256", "SHA-256", ABC_SHA256),
        ] {
            let sidecar = format!("{JAR}.{ending}");
            let wrong =
                format!("{}{}", if right.starts_with('0') { '1' } else { '0' }, &right[1..]);
            let padded = format!("{}{right}", " ".repeat(1024));
            for text in ["", "nothing", &wrong, &right[1..], &padded] {
                assert_eq!(refused(put(&sidecar, text)), contradicts(&sidecar, sum, JAR), "{text}");
            }
        }
        assert_eq!((world.dump(), world.blob_count()), (before, 1), "nothing of them is kept");
        for (ending, right) in [("md5", ABC_MD5), ("sha1", ABC_SHA1), ("sha256", ABC_SHA256)] {
            put(&format!("{JAR}.{ending}"), &format!("{right}  x-1.0.jar\n")).unwrap();
        }
        // SHA-512 is not known of files, and a signature is no checksum.
        put(&format!("{JAR}.sha512"), "nothing").unwrap();
        put(&format!("{JAR}.asc"), "nothing").unwrap();
        world.check();
    }
}

#[test]
fn a_checksum_of_nothing_or_of_another_versions_file_is_taken() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let put = sidecars(&world, &anna);
    put("org/x/1.0/none-1.0.jar.sha1", "nothing").unwrap();
    world.upload(&anna, to("anna/mvn/tool/2.0", "other"), "abc").unwrap();
    put("other.sha1", "nothing").unwrap();
    put("mine", "abc").unwrap();
    assert_eq!(refused(put("mine.sha1", "no")), contradicts("mine.sha1", "SHA-1", "mine"));
    // Elsewhere than in Maven repositories only Maven's layout is known to mean it.
    let (world, anna) = world_of(RepositoryKind::Generic);
    let put = sidecars(&world, &anna);
    put("mine", "abc").unwrap();
    put("mine.sha1", "nothing").unwrap();
}

#[test]
fn a_checksum_may_be_of_what_waits_to_be_published() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let sidecar = format!("{JAR}.sha1");
    world.upload(&anna, published("anna/mvn/tool/1.0", JAR), "old").unwrap();
    world.upload(&anna, Target { replace: true, ..to("anna/mvn/tool/1.0", JAR) }, "abc").unwrap();
    let put =
        |text: &'static str| world.upload(&anna, replacing("anna/mvn/tool/1.0", &sidecar), text);
    assert_eq!(
        refused(put("0000000000000000000000000000000000000000")).0,
        ErrorKind::ChecksumMismatch
    );
    put(ABC_SHA1).unwrap();
    // Of "old", which is published.
    put("c00dbbc9dadfbe1e232e93a729dd4752fade0abf").unwrap();
    // The file itself may be replaced while its old checksum is there.
    world.upload(&anna, replacing("anna/mvn/tool/1.0", JAR), "newer").unwrap();
    assert_eq!(world.download(&anna, &file("anna/mvn", JAR)).unwrap(), "newer");
    world.check();
}

#[test]
fn an_exploded_archive_with_a_wrong_checksum_is_refused_as_a_whole() {
    let (world, anna) = world_of(RepositoryKind::Maven);
    let sidecar = format!("{JAR}.sha1");
    let explode = |sum: &str| {
        let target = explodes::Target::new(version("anna/mvn/tool/1.0"), None);
        // The checksum may come before its file.
        let text = archive(&[(sidecar.as_str(), sum), (JAR, "abc")]);
        run(async {
            let mut explode = explodes::begin(&world.packhouse, &anna, target).await?;
            explode.write(text.into()).await?;
            explode.finish().await
        })
    };
    let before = world.dump();
    assert_eq!(refused(explode(ABC_SHA256)), contradicts(&sidecar, "SHA-1", JAR));
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
    assert_eq!(explode(ABC_SHA1).unwrap().len(), 2);
    world.check();
}
