//! Packages.

use std::collections::BTreeSet;

use packhouse_core::model::Form;
use packhouse_core::model::attributes::Attributes;
use packhouse_core::model::packages::{Package, PackageSettings};
use packhouse_core::model::subjects::Plan;
use packhouse_core::names::VersionName;
use packhouse_core::packages::{self, PackagePatch, PackageView, create, show, update};
use packhouse_core::ports::Clock;
use packhouse_core::users::UserChange;
use packhouse_core::{ErrorKind, Listed, Noun, Paging, users};
use std::time::Duration;

use crate::world::{
    FIRST, World, anonymous, forbidden, needs_credentials, package, published, refusal, refused,
    repo, run, subject, to,
};

fn oss_settings() -> PackageSettings {
    PackageSettings {
        licenses: vec!["MIT".into()],
        vcs_url: Some("https://example.com/tool.git".into()),
        ..PackageSettings::default()
    }
}

fn absent(name: &str) -> (ErrorKind, String) {
    refusal(ErrorKind::NotFound(Noun::Package), &format!("Package '{name}' was not found"))
}

#[test]
fn a_package_is_shown_as_it_was_made() {
    let world = World::new();
    let anna = world.user("anna");
    world.repo(&anna, &repo("anna/repo"), false);
    let settings = PackageSettings {
        licenses: vec!["MIT".into(), "Apache-2.0".into(), "MIT".into()],
        labels: vec!["z".into(), "a".into()],
        maturity: "Stable".into(),
        ..PackageSettings::default()
    };
    let path = package("anna/repo/Catch:tool");
    let made = run(create(&world.packhouse, &anna, &path, &settings)).unwrap();
    let now = world.clock.now();
    let licenses = vec!["Apache-2.0".to_owned(), "MIT".to_owned()];
    let expected = PackageView {
        package: Package {
            form: Form,
            subject: subject("anna"),
            repo: path.repo.repo.clone(),
            name: path.package.clone(),
            created: now,
            updated: now,
            settings: PackageSettings { licenses, ..settings.clone() },
            attributes: Attributes::default(),
            products: BTreeSet::new(),
            system_ids: BTreeSet::new(),
        },
        versions: Vec::new(),
        latest_version: None,
        updated: now,
        publisher: true,
    };
    assert_eq!(made, expected);
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    let stranger = PackageView { publisher: false, ..expected };
    assert_eq!(run(show(&world.packhouse, anonymous(), &path)).unwrap(), stranger);
    assert_eq!(
        refused(run(create(&world.packhouse, &anna, &path, &settings))),
        refusal(ErrorKind::AlreadyExists, "Package 'Catch:tool' already exists")
    );
    let other = package("anna/repo/catch:tool");
    assert!(run(create(&world.packhouse, &anna, &other, &settings)).is_ok(), "case tells apart");
}

#[test]
fn a_package_of_the_oss_plan_says_its_license_and_its_source() {
    let world = World::new();
    let anna = world.user_of("anna", Plan::Oss);
    world.repo(&anna, &repo("anna/repo"), false);
    let path = package("anna/repo/tool");
    let license = refusal(
        ErrorKind::Invalid,
        "Package for path 'anna/repo' was invalid. Package license is mandatory",
    );
    let source = refusal(ErrorKind::Invalid, "Please enter a valid VCS URL for your package.");
    let make = |settings: &PackageSettings| run(create(&world.packhouse, &anna, &path, settings));
    let settings = PackageSettings { licenses: Vec::new(), ..oss_settings() };
    assert_eq!(refused(make(&settings)), license);
    assert_eq!(refused(make(&PackageSettings { vcs_url: None, ..oss_settings() })), source);
    let nonsense = PackageSettings { vcs_url: Some("nonsense".into()), ..oss_settings() };
    assert_eq!(refused(make(&nonsense)), source);
    assert!(make(&oss_settings()).is_ok());
    let change = |patch: &PackagePatch| run(update(&world.packhouse, &anna, &path, patch));
    let patch = PackagePatch { licenses: Some(Vec::new()), ..PackagePatch::default() };
    assert_eq!(refused(change(&patch)), license);
    let patch = PackagePatch { vcs_url: Some(None), ..PackagePatch::default() };
    assert_eq!(refused(change(&patch)), source);
    let shown = run(show(&world.packhouse, &anna, &path)).unwrap();
    assert_eq!(shown.package.settings, oss_settings());
}

#[test]
fn unknown_licenses_and_maturities_are_refused() {
    let world = World::new();
    let anna = world.anna();
    let make = |settings: PackageSettings| {
        refused(run(create(&world.packhouse, &anna, &package("anna/repo/new"), &settings)))
    };
    let licenses = vec!["MIT".into(), "mit".into()];
    assert_eq!(
        make(PackageSettings { licenses, ..PackageSettings::default() }),
        refusal(ErrorKind::Invalid, "License 'mit' does not exist")
    );
    assert_eq!(
        make(PackageSettings { maturity: "stable".into(), ..PackageSettings::default() }),
        refusal(
            ErrorKind::Invalid,
            "Maturity 'stable' does not exist: use Official, Stable, Development, Experimental"
        )
    );
}

#[test]
fn packages_are_listed_by_name_and_by_the_start_of_a_name() {
    let world = World::new();
    let anna = world.user("anna");
    world.repo(&anna, &repo("anna/repo"), false);
    world.repo(&anna, &repo("anna/repo2"), false);
    let last = format!("tool{}", char::MAX);
    let names = ["b", "tool", "tool-extra", "Tool", "to", &last];
    for name in names {
        world.package(&anna, &package(&format!("anna/repo/{name}")));
    }
    world.package(&anna, &package("anna/repo2/tool-elsewhere"));
    let list = |prefix: Option<&str>, paging| {
        let path = repo("anna/repo");
        let listed = run(packages::list(&world.packhouse, anonymous(), &path, prefix, paging));
        listed.unwrap().map(|name| name.to_string())
    };
    let of = |names: &[&str]| {
        let items: Vec<String> = names.iter().map(ToString::to_string).collect();
        Listed { total: Some(items.len() as u64), items, start: 0 }
    };
    let all = of(&["Tool", "b", "to", "tool", "tool-extra", &last]);
    assert_eq!(list(None, FIRST), all);
    assert_eq!(list(Some(""), FIRST), all);
    assert_eq!(list(Some("tool"), FIRST), of(&["tool", "tool-extra", &last]));
    assert_eq!(list(Some("tool-extra-long"), FIRST), of(&[]));
    assert_eq!(list(Some(&"x".repeat(2_000)), FIRST), of(&[]));
    let second = Listed { items: vec!["tool-extra".to_owned()], total: Some(3), start: 1 };
    assert_eq!(list(Some("tool"), Paging::new(1, 1)), second);
}

#[test]
fn a_patch_changes_what_it_says_and_when() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let path = package("anna/repo/tool");
    let before = run(show(&world.packhouse, &anna, &path)).unwrap();
    world.clock.advance(Duration::from_secs(5));
    let patch = PackagePatch { desc: Some(Some("new".into())), ..PackagePatch::default() };
    assert_eq!(refused(run(update(&world.packhouse, &bert, &path, &patch))), forbidden());
    let told = refused(run(update(&world.packhouse, anonymous(), &path, &patch)));
    assert_eq!(told, needs_credentials());
    run(update(&world.packhouse, &anna, &path, &patch)).unwrap();
    let mut expected = before;
    expected.package.settings.desc = Some("new".into());
    expected.package.updated = world.clock.now();
    expected.updated = world.clock.now();
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    let missing = package("anna/repo/none");
    assert_eq!(refused(run(update(&world.packhouse, &anna, &missing, &patch))), absent("none"));
}

#[test]
fn a_package_shows_its_versions_newest_first_and_the_latest_with_a_published_file() {
    let world = World::new();
    let anna = world.anna();
    let path = package("anna/repo/tool");
    world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    world.upload(&anna, to("anna/repo/tool/0.9", "b"), "b").unwrap();
    world.clock.advance(Duration::from_secs(5));
    world.upload(&anna, published("anna/repo/tool/1.0", "c"), "c").unwrap();
    let shown = run(show(&world.packhouse, anonymous(), &path)).unwrap();
    let names: Vec<&str> = shown.versions.iter().map(VersionName::as_str).collect();
    assert_eq!(names, ["0.9", "1.0"], "in the order they were made, not of their names");
    assert_eq!(shown.latest_version.unwrap().as_str(), "1.0");
    assert_eq!(shown.updated, world.clock.now(), "an upload touches the package");
}

#[test]
fn a_deleted_package_is_gone_with_all_it_had() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let path = package("anna/repo/tool");
    world.upload(&anna, published("anna/repo/tool/1.0", "a"), "a").unwrap();
    let remove = |caller| run(packages::delete(&world.packhouse, caller, &path));
    assert_eq!(refused(remove(&bert)), forbidden());
    assert_eq!(refused(remove(anonymous())), needs_credentials());
    remove(&anna).unwrap();
    assert_eq!(refused(remove(&anna)), absent("tool"));
    assert_eq!(refused(run(show(&world.packhouse, &anna, &path))), absent("tool"));
    world.package(&anna, &path);
    let shown = run(show(&world.packhouse, &anna, &path)).unwrap();
    assert_eq!((shown.versions, shown.latest_version), (Vec::new(), None));
    let version = world.upload(&anna, to("anna/repo/tool/1.0", "a"), "a").unwrap();
    assert_eq!(version.published, None);
    world.check();
}

#[test]
fn own_licenses_and_hidden_statistics_are_for_those_who_pay() {
    let world = World::new();
    let anna = world.user_of("anna", Plan::Oss);
    world.repo(&anna, &repo("anna/repo"), false);
    let path = package("anna/repo/tool");
    let own = PackageSettings { custom_licenses: vec!["mine".into()], ..oss_settings() };
    let told =
        refusal(ErrorKind::Invalid, "This action is not allowed for none-premium subject anna");
    let make = |settings: &PackageSettings| run(create(&world.packhouse, &anna, &path, settings));
    assert_eq!(refused(make(&own)), told);
    let hidden = PackageSettings { public_stats: Some(false), ..oss_settings() };
    assert_eq!(make(&hidden).unwrap().package.settings, oss_settings());
    let change = |patch: &PackagePatch| run(update(&world.packhouse, &anna, &path, patch));
    let custom_licenses = Some(vec!["mine".to_owned()]);
    assert_eq!(refused(change(&PackagePatch { custom_licenses, ..Default::default() })), told);
    let public_stats = Some(Some(false));
    change(&PackagePatch { public_stats, ..Default::default() }).unwrap();
    let shown = || run(show(&world.packhouse, &anna, &path)).unwrap().package.settings;
    assert_eq!(shown(), oss_settings());
    // What was said under a plan that allows it stays, and can be taken back.
    let plan = |plan| {
        let change = UserChange { plan: Some(plan), ..UserChange::default() };
        run(users::put(&world.sound, &world.admin, &subject("anna"), &change)).unwrap();
    };
    plan(Plan::Premium);
    let custom_licenses = Some(vec!["mine".to_owned()]);
    let public_stats = Some(Some(false));
    change(&PackagePatch { custom_licenses, public_stats, ..Default::default() }).unwrap();
    let kept = PackageSettings { public_stats: Some(false), ..own };
    assert_eq!(shown(), kept);
    plan(Plan::Oss);
    change(&PackagePatch { desc: Some(Some("d".into())), ..Default::default() }).unwrap();
    assert_eq!(shown(), PackageSettings { desc: Some("d".into()), ..kept.clone() });
    let custom_licenses = Some(Vec::new());
    change(&PackagePatch { custom_licenses, ..Default::default() }).unwrap();
    assert_eq!(shown().custom_licenses, Vec::<String>::new());
}

#[test]
fn a_github_path_is_an_owner_and_a_name() {
    let world = World::new();
    let anna = world.anna();
    let change = |github_repo: &str| {
        let patch = PackagePatch { github_repo: Some(github_repo.into()), ..Default::default() };
        run(update(&world.packhouse, &anna, &package("anna/repo/tool"), &patch))
    };
    let told = refusal(ErrorKind::Invalid, "No repository found under this GitHub path");
    for bad in ["x", "x/", "/x", "x/y/z", "https://github.com/x/y", "x /y", "x/y?", "x\n/y"] {
        assert_eq!(refused(change(bad)), told, "{bad}");
    }
    for good in ["x/y", "bintray/gradle-bintray-plugin", "a.b_c/d-1.0", ""] {
        change(good).unwrap();
    }
}
