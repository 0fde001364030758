//! Where packages belong in a Debian repository: what an upload says, and what the repository does.

use packhouse_core::model::debian::{DebianCoordinates, GivenCoordinates};
use packhouse_core::model::files::File;
use packhouse_core::model::repositories::{RepositoryKind, RepositorySettings};
use packhouse_core::repositories::{NewRepository, RepositoryPatch};
use packhouse_core::uploads::Target;
use packhouse_core::{ErrorKind, publishing, repositories};

use crate::world::{World, package, refusal, refused, repo, run, to, version};
use packhouse_core::access::Caller;

/// `anna/deb` with the package `tool`, and these coordinates of its own.
fn world_with(settings: RepositorySettings) -> (World, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    let new = NewRepository { kind: RepositoryKind::Debian, settings, ..NewRepository::default() };
    run(repositories::create(&world.sound, &anna, &repo("anna/deb"), &new)).unwrap();
    world.package(&anna, &package("anna/deb/tool"));
    (world, anna)
}

fn given(distributions: &str, components: &str, architectures: &str) -> GivenCoordinates {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    GivenCoordinates {
        distributions: some(distributions),
        components: some(components),
        architectures: some(architectures),
    }
}

fn coordinates(
    distributions: &[&str],
    components: &[&str],
    architectures: &[&str],
) -> DebianCoordinates {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    DebianCoordinates {
        distributions: owned(distributions),
        components: owned(components),
        architectures: owned(architectures),
    }
}

fn deb(path: &str, debian: GivenCoordinates) -> Target {
    Target { debian, ..to("anna/deb/tool/1.0", path) }
}

#[test]
fn a_package_is_kept_with_what_was_said_and_with_the_repositorys_own() {
    let settings = RepositorySettings {
        default_debian_distribution: Some("jessie, stretch".into()),
        default_debian_architecture: Some("amd64".into()),
        ..RepositorySettings::default()
    };
    let (world, anna) = world_with(settings);
    for (path, said, kept) in [
        ("a.deb", given("", "", ""), coordinates(&["jessie", "stretch"], &["main"], &["amd64"])),
        ("b.deb", given("sid", "", ""), coordinates(&["sid"], &["main"], &["amd64"])),
        (
            "pool/c.udeb",
            given("wheezy", "main,contrib", "i386, amd64,i386"),
            coordinates(&["wheezy"], &["main", "contrib"], &["i386", "amd64"]),
        ),
    ] {
        let file = world.upload(&anna, deb(path, said), path.to_owned()).unwrap();
        assert_eq!(file.contents.debian, Some(kept), "{path}");
    }
    // Other files have none, whatever is said of them.
    let file = world.upload(&anna, deb("a.dsc", given("sid", "x", "y")), "dsc").unwrap();
    assert_eq!(file.contents.debian, None);
    world.check();
}

#[test]
fn without_any_the_upload_is_refused_before_a_byte() {
    let (world, anna) = world_with(RepositorySettings::default());
    let told = refusal(
        ErrorKind::Invalid,
        "Unable to upload files: Debian distribution, component and architecture must be specified.",
    );
    let before = world.dump();
    for said in
        [given("", "", ""), given("sid", "", ""), given("", "main", "amd64"), given(",", "", "a")]
    {
        let begun =
            run(packhouse_core::uploads::begin(&world.packhouse, &anna, deb("a.deb", said)));
        assert_eq!(refused(begun), told);
    }
    assert_eq!((world.dump(), world.blob_count()), (before, 0));
    // The component is "main" by itself.
    let file = world.upload(&anna, deb("a.deb", given("sid", "", "all")), "deb").unwrap();
    assert_eq!(file.contents.debian, Some(coordinates(&["sid"], &["main"], &["all"])));
}

#[test]
fn new_coordinates_of_a_published_package_wait_like_new_bytes() {
    let (world, anna) = world_with(RepositorySettings::default());
    let said = |place: &str| given(place, "main", "amd64");
    let first = Target { publish: true, ..deb("a.deb", said("jessie")) };
    let first = world.upload(&anna, first, "same").unwrap();
    let later = |place: &str| Target { replace: true, ..deb("a.deb", said(place)) };
    // The same bytes for another distribution.
    let waiting = world.upload(&anna, later("sid"), "same").unwrap();
    assert_eq!(waiting.contents, first.contents);
    let place = |file: &File| {
        let replacement = file.replacement.as_ref().and_then(|it| it.debian.clone());
        (
            file.contents.debian.clone().unwrap().distributions,
            replacement.map(|it| it.distributions),
        )
    };
    assert_eq!(place(&waiting), (vec!["jessie".into()], Some(vec!["sid".into()])));
    let path = version("anna/deb/tool/1.0");
    assert_eq!(run(publishing::discard(&world.packhouse, &anna, &path)).unwrap(), 1);
    world.upload(&anna, later("sid"), "same").unwrap();
    assert_eq!(run(publishing::publish(&world.packhouse, &anna, &path)).unwrap(), 1);
    world.check();
    // Nothing waits where nothing changes.
    let same = world.upload(&anna, later("sid"), "same").unwrap();
    assert_eq!(place(&same), (vec!["sid".into()], None));
    assert_eq!(run(publishing::publish(&world.packhouse, &anna, &path)).unwrap(), 0);
    let other = world.upload(&anna, later("sid"), "other").unwrap();
    assert_eq!(place(&other), (vec!["sid".into()], Some(vec!["sid".into()])));
    world.check();
    world.settle();
    assert_eq!(world.download(&anna, &first.location()).unwrap(), "same");
}

#[test]
fn a_repositorys_own_coordinates_could_stand_in_an_index() {
    let (world, anna) = world_with(RepositorySettings::default());
    let bad = Some("a\nb".to_owned());
    for patch in [
        RepositoryPatch { default_debian_distribution: Some(bad.clone()), ..Default::default() },
        RepositoryPatch { default_debian_component: Some(bad.clone()), ..Default::default() },
        RepositoryPatch { default_debian_architecture: Some(bad.clone()), ..Default::default() },
    ] {
        let before = world.dump();
        let outcome =
            run(repositories::update(&world.sound, &anna, &repo("anna/deb"), None, &patch));
        let (kind, message) = refused(outcome);
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(message.contains("'a\\nb' cannot be used"), "{message}");
        assert_eq!(world.dump(), before);
    }
}

/// Another kind of repository keeps none of it, and neither does a repository of another kind keep
/// a depth.
#[test]
fn each_kind_has_its_own_settings_and_no_others() {
    let world = World::new();
    let anna = world.user("anna");
    let full = RepositorySettings {
        default_debian_architecture: Some("amd64".into()),
        default_debian_distribution: Some("sid".into()),
        default_debian_component: Some("contrib".into()),
        yum_metadata_depth: Some(3),
        yum_groups_file: Some("groups.xml".into()),
        ..RepositorySettings::default()
    };
    let patch = RepositoryPatch {
        default_debian_architecture: Some(Some("i386".into())),
        default_debian_distribution: Some(None),
        default_debian_component: Some(None),
        yum_metadata_depth: Some(None),
        yum_groups_file: Some(Some("other.xml".into())),
        ..RepositoryPatch::default()
    };
    for kind in RepositoryKind::ALL {
        let path = repo(&format!("anna/{}", kind.as_str()));
        let new = NewRepository { kind, settings: full.clone(), ..NewRepository::default() };
        let made = run(repositories::create(&world.sound, &anna, &path, &new)).unwrap();
        let show = || run(repositories::show(&world.sound, &anna, &path)).unwrap().repo.settings;
        let nothing = RepositorySettings::default();
        let (debian, rpm) = (kind == RepositoryKind::Debian, kind == RepositoryKind::Rpm);
        let of_debian =
            RepositorySettings { yum_metadata_depth: None, yum_groups_file: None, ..full.clone() };
        let of_rpm = RepositorySettings {
            yum_metadata_depth: Some(3),
            yum_groups_file: Some("groups.xml".into()),
            ..nothing.clone()
        };
        let expected = match (debian, rpm) {
            (true, _) => of_debian,
            (_, true) => of_rpm,
            _ => nothing.clone(),
        };
        assert_eq!((&made.repo.settings, show()), (&expected, expected.clone()), "{kind:?}");
        run(repositories::update(&world.sound, &anna, &path, None, &patch)).unwrap();
        let expected = RepositorySettings {
            default_debian_architecture: debian.then(|| "i386".into()),
            default_debian_component: debian.then(|| "main".into()),
            yum_metadata_depth: rpm.then_some(0),
            yum_groups_file: rpm.then(|| "other.xml".into()),
            ..nothing
        };
        assert_eq!(show(), expected, "{kind:?}");
    }
}

/// What an older program wrote is shown by the same rules.
#[test]
fn what_was_kept_for_no_kind_is_not_shown() {
    let world = World::new();
    let anna = world.anna();
    let mut shown = run(repositories::show(&world.sound, &anna, &repo("anna/repo"))).unwrap().repo;
    shown.settings.yum_metadata_depth = Some(3);
    shown.settings.default_debian_component = Some("main".into());
    world.put(&shown);
    let shown = run(repositories::show(&world.sound, &anna, &repo("anna/repo"))).unwrap().repo;
    assert_eq!(shown.settings, RepositorySettings::default());
}
