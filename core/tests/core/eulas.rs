//! EULAs: who must accept one before a download, and what an acceptance is of.

use std::time::Duration;

use packhouse_core::access::{Caller, Identity};
use packhouse_core::access_keys::AccessKeyChange;
use packhouse_core::eulas::{self, EulaPatch, NewEula};
use packhouse_core::model::eulas::{EulaSyntax, EulaText, Eulas, SignedEula};
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::names::{EulaName, FileLocation, ProductName, VersionName};
use packhouse_core::signed_urls::{self, NewSignedUrl};
use packhouse_core::{ErrorKind, Noun, PendingEula, Result, downloads, products};

use crate::access_keys::{made, sign_in};
use crate::products::{make, name};
use crate::world::{
    World, anonymous, file, needs_credentials, package, published, refusal, refused, repo, run,
    subject, to,
};

pub(crate) fn eula(name: &str) -> EulaName {
    EulaName::parse(name).unwrap()
}

pub(crate) fn versions(names: &[&str]) -> Vec<VersionName> {
    names.iter().map(|name| VersionName::parse(name).unwrap()).collect()
}

/// Makes a EULA of a product of `anna`.
pub(crate) fn make_eula(
    world: &World,
    of: &str,
    named: &str,
    default: bool,
    for_versions: &[&str],
) {
    let new = NewEula {
        name: eula(named),
        syntax: EulaSyntax::Markdown,
        content: format!("The text of {named}"),
        default,
        versions: versions(for_versions),
    };
    run(eulas::create(&world.sound, &world.admin, &subject("anna"), &name(of), &new)).unwrap();
}

pub(crate) fn change(world: &World, named: &str, patch: &EulaPatch) {
    let (anna, suite) = (subject("anna"), name("Suite"));
    run(eulas::update(&world.sound, &world.admin, &anna, &suite, &eula(named), patch)).unwrap();
}

/// Lets a caller accept what there is to accept for a version.
pub(crate) fn accept(world: &World, by: &Caller, of: &str, version: &str) -> Result<()> {
    let (anna, of, version) = (subject("anna"), name(of), VersionName::parse(version).unwrap());
    let shown = run(eulas::to_accept(&world.sound, by, &anna, &of, &version))?;
    let token = shown.token.clone();
    let accepted = run(eulas::accept(&world.sound, by, &anna, &of, &version, &token))?;
    assert_eq!(accepted, eulas::Agreement { accepted: true, ..shown });
    Ok(())
}

/// What a download before the acceptance is told.
pub(crate) fn pending(of: &str, version: &str, user: &str, path: &str) -> (ErrorKind, String) {
    let pending = PendingEula {
        subject: subject("anna"),
        product: ProductName::parse(of).unwrap(),
        version: VersionName::parse(version).unwrap(),
        user: user.to_owned(),
    };
    let message = format!("To download the resource {path} you need to accept its EULA");
    (ErrorKind::EulaNotAccepted(Box::new(pending)), message)
}

/// `anna` with `tool` 1.0 and 2.0 in the product `Suite`.
pub(crate) fn world() -> (World, Caller) {
    let world = World::new();
    let anna = world.anna();
    for version in ["1.0", "2.0"] {
        let target = published(&format!("anna/repo/tool/{version}"), version);
        world.upload(&anna, target, "0123456789").unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    (world, anna)
}

pub(crate) fn at(version: &str) -> FileLocation {
    file("anna/repo", version)
}

/// The holder of an access key of `anna`.
pub(crate) fn customer(world: &World, anna: &Caller, key: &str) -> Caller {
    let password = made(world, anna, key, &AccessKeyChange::default());
    sign_in(&world.sound, &format!("{key}@anna"), &password).unwrap()
}

#[test]
fn nobody_who_did_not_accept_downloads_but_publishers_and_who_has_a_url_of_theirs() {
    let (world, anna) = world();
    let (bert, publisher) = (world.user("bert"), world.user("publisher"));
    let reader = customer(&world, &anna, "k");
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&publisher, anchor, &[Action::Publish], Scope::Anchor, None);
    let url = NewSignedUrl::default();
    let signed = run(signed_urls::create(&world.sound, &anna, &at("1.0"), &url)).unwrap();
    for caller in [anonymous(), &bert, &reader, &publisher, &anna] {
        world.download(caller, &at("1.0")).unwrap();
    }
    make_eula(&world, "Suite", "terms", false, &["1.0"]);
    assert_eq!(refused(world.download(anonymous(), &at("1.0"))), needs_credentials());
    let told = refused(world.download(&bert, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "bert", "1.0"));
    let told = refused(world.download(&reader, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "k@anna", "1.0"));
    for caller in [&publisher, &anna, &world.admin] {
        world.download(caller, &at("1.0")).unwrap();
    }
    let shown = run(signed_urls::check_shown(&world.sound, &signed, anna.origin().clone()));
    world.download(&shown.unwrap().caller, &at("1.0")).unwrap();
    for caller in [anonymous(), &bert, &reader] {
        world.download(caller, &at("2.0")).unwrap();
    }
    accept(&world, &reader, "Suite", "1.0").unwrap();
    world.download(&reader, &at("1.0")).unwrap();
    let told = refused(world.download(&bert, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "bert", "1.0"), "another accepted, not he");
    accept(&world, &bert, "Suite", "1.0").unwrap();
    accept(&world, &bert, "Suite", "1.0").unwrap();
    world.download(&bert, &at("1.0")).unwrap();
    assert_eq!(world.all::<SignedEula>().len(), 2, "once more is no harm, and no other record");
}

#[test]
fn an_acceptance_is_of_one_person_version_and_eula() {
    let (world, anna) = world();
    make_eula(&world, "Suite", "terms", false, &["1.0", "2.0"]);
    let first = customer(&world, &anna, "k");
    accept(&world, &first, "Suite", "1.0").unwrap();
    let told = refused(world.download(&first, &at("2.0")));
    assert_eq!(told, pending("Suite", "2.0", "k@anna", "2.0"), "another version");

    let (name_of_anna, suite, terms) = (subject("anna"), name("Suite"), eula("terms"));
    run(eulas::delete(&world.sound, &anna, &name_of_anna, &suite, &terms)).unwrap();
    world.download(&first, &at("2.0")).unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0"]);
    let told = refused(world.download(&first, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "k@anna", "1.0"), "another EULA of the name");
    accept(&world, &first, "Suite", "1.0").unwrap();
    change(
        &world,
        "terms",
        &EulaPatch { content: Some("Mended".to_owned()), ..EulaPatch::default() },
    );
    world.download(&first, &at("1.0")).unwrap();

    let holder = crate::access_keys::user("anna");
    let key = crate::access_keys::key("k");
    run(packhouse_core::access_keys::delete(&world.sound, &anna, &holder, &key)).unwrap();
    let second = customer(&world, &anna, "k");
    let told = refused(world.download(&second, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "k@anna", "1.0"), "another key of the id");
}

#[test]
fn a_package_in_several_products_has_the_eulas_of_all() {
    let (world, anna) = world();
    make(&world, &anna, "more", &["repo/tool"]).unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0"]);
    make_eula(&world, "more", "other terms", false, &["1.0"]);
    let bert = world.user("bert");
    let told = refused(world.download(&bert, &at("1.0")));
    assert_eq!(told, pending("Suite", "1.0", "bert", "1.0"));
    accept(&world, &bert, "Suite", "1.0").unwrap();
    let told = refused(world.download(&bert, &at("1.0")));
    assert_eq!(told, pending("more", "1.0", "bert", "1.0"));
    accept(&world, &bert, "more", "1.0").unwrap();
    world.download(&bert, &at("1.0")).unwrap();
    // Of several, the first by name is told.
    let told = run(eulas::of_file(&world.sound, &anna, &at("1.0"))).unwrap();
    assert_eq!(told.eula.name, eula("terms"));
}

#[test]
fn a_version_that_only_some_packages_have_under_other_eulas_shows_all_of_them() {
    let (world, anna) = world();
    world.package(&anna, &package("anna/repo/late"));
    let of = crate::products::members(&["repo/tool", "repo/late"]);
    let patch = products::ProductPatch::default();
    let (name_of_anna, suite) = (subject("anna"), name("Suite"));
    run(products::update(&world.sound, &anna, &name_of_anna, &suite, &patch, Some(&of))).unwrap();
    make_eula(&world, "Suite", "first", true, &[]);
    world.clock.advance(Duration::from_secs(1));
    world.upload(&anna, published("anna/repo/tool/3.0", "tool"), "x").unwrap();
    world.clock.advance(Duration::from_secs(1));
    make_eula(&world, "Suite", "second", true, &[]);
    world.upload(&anna, published("anna/repo/late/3.0", "late"), "x").unwrap();
    let bert = world.user("bert");
    let three = VersionName::parse("3.0").unwrap();
    let shown =
        || run(eulas::to_accept(&world.sound, &bert, &name_of_anna, &suite, &three)).unwrap();
    let names: Vec<_> = shown().eulas.iter().map(|it| it.eula.name.to_string()).collect();
    assert_eq!(names, ["first", "second"]);
    let before = shown().token;
    accept(&world, &bert, "Suite", "3.0").unwrap();
    for path in ["tool", "late"] {
        world.download(&bert, &file("anna/repo", path)).unwrap();
    }
    // What is accepted is what was shown.
    make_eula(&world, "Suite", "third", false, &["3.0"]);
    let told = run(eulas::accept(&world.sound, &bert, &name_of_anna, &suite, &three, &before));
    assert_eq!(refused(told), wrong_form());
}

fn wrong_form() -> (ErrorKind, String) {
    let message = "What there is to accept has changed, or the form is not of this server: open \
                   the page again";
    refusal(ErrorKind::Forbidden, message)
}

#[test]
fn a_form_is_good_for_who_was_shown_it_and_what_it_showed() {
    let (world, anna) = world();
    make(&world, &anna, "more", &["repo/tool"]).unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0", "2.0"]);
    make_eula(&world, "more", "terms", false, &["1.0"]);
    let (bert, other) = (world.user("bert"), customer(&world, &anna, "k"));
    let token = |by: &Caller, of: &str, version: &str| {
        let version = VersionName::parse(version).unwrap();
        run(eulas::to_accept(&world.sound, by, &subject("anna"), &name(of), &version))
            .unwrap()
            .token
    };
    let right = token(&bert, "Suite", "1.0");
    let foreign = [
        token(&other, "Suite", "1.0"),
        token(&anna, "Suite", "1.0"),
        token(&bert, "Suite", "2.0"),
        token(&bert, "more", "1.0"),
        String::new(),
        right[1..].to_owned(),
        format!("{right}0"),
        right.to_uppercase(),
    ];
    let one = VersionName::parse("1.0").unwrap();
    let accept = |token: &str| {
        run(eulas::accept(&world.sound, &bert, &subject("anna"), &name("Suite"), &one, token))
    };
    for token in foreign {
        assert_eq!(refused(accept(&token)), wrong_form(), "{token}");
    }
    assert_eq!(world.all::<SignedEula>(), []);
    accept(&right).unwrap();
    let signed = world.all::<SignedEula>();
    let Identity::User { id, .. } = bert.identity() else { panic!("a user") };
    assert_eq!(signed[0].signer, packhouse_core::model::eulas::Signer::User(*id));
    assert_eq!((signed.len(), signed[0].user.as_str()), (1, "bert"));
}

#[test]
fn what_there_is_to_accept_is_shown_to_who_sees_the_version() {
    let (world, anna) = world();
    world.repo(&anna, &repo("anna/vault"), true);
    world.package(&anna, &package("anna/vault/safe"));
    world.upload(&anna, published("anna/vault/safe/9.0", "x"), "x").unwrap();
    let of = crate::products::members(&["repo/tool", "vault/safe"]);
    let patch = products::ProductPatch::default();
    let (name_of_anna, suite) = (subject("anna"), name("Suite"));
    run(products::update(&world.sound, &anna, &name_of_anna, &suite, &patch, Some(&of))).unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0", "9.0", "future"]);
    let bert = world.user("bert");
    let absent = |noun: Noun, word: &str, what: &str| {
        refusal(ErrorKind::NotFound(noun), &format!("{word} '{what}' was not found"))
    };
    for hidden in ["9.0", "future"] {
        let told = refused(accept(&world, &bert, "Suite", hidden));
        assert_eq!(told, absent(Noun::Version, "Version", hidden));
    }
    let told = refused(accept(&world, &bert, "Suite", "2.0"));
    assert_eq!(told, absent(Noun::Eula, "Eula", "2.0"));
    let told = refused(accept(&world, &bert, "none", "1.0"));
    assert_eq!(told, absent(Noun::Product, "Product", "none"));
    assert_eq!(refused(accept(&world, anonymous(), "Suite", "1.0")), needs_credentials());
    accept(&world, &anna, "Suite", "9.0").unwrap();
    accept(&world, &bert, "Suite", "1.0").unwrap();
}

#[test]
fn a_running_download_ends_when_there_is_something_new_to_accept() {
    let (world, anna) = world();
    let bert = world.user("bert");
    let recheck = Duration::from_secs(5);
    let ended = crate::downloads::stream(&world, &bert, &at("1.0"), recheck, || {
        make_eula(&world, "Suite", "terms", false, &["1.0"]);
    });
    assert_eq!(ended, (0, true));
    accept(&world, &bert, "Suite", "1.0").unwrap();
    for caller in [&bert, &anna] {
        let ended = crate::downloads::stream(&world, caller, &at("1.0"), recheck, || ());
        assert_eq!(ended, (7, false));
    }
}

#[test]
fn an_unpublished_file_is_hidden_before_anything_is_said_of_a_eula() {
    let (world, anna) = world();
    world.upload(&anna, to("anna/repo/tool/1.0", "new"), "x").unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0"]);
    let bert = world.user("bert");
    let told = refused(world.download(&bert, &file("anna/repo", "new")));
    assert_eq!(told, refusal(ErrorKind::NotFound(Noun::File), "File 'new' was not found"));
    world.download(&anna, &file("anna/repo", "new")).unwrap();
}

#[test]
fn a_download_without_products_costs_no_read_more() {
    use packhouse_conformance::faults::{Counted, How};
    let (world, anna) = world();
    make_eula(&world, "Suite", "terms", true, &["1.0"]);
    let bert = world.user("bert");
    accept(&world, &bert, "Suite", "1.0").unwrap();
    world.repo(&anna, &repo("anna/plain"), false);
    world.package(&anna, &package("anna/plain/p"));
    let plain = world.upload(&anna, published("anna/plain/p/1.0", "a"), "a").unwrap();
    // Package; EULAs; version; acceptance.
    for (caller, location, reads) in [
        (&bert, &plain.location(), 1),
        (&anna, &at("1.0"), 2),
        (&bert, &at("2.0"), 4),
        (&bert, &at("1.0"), 5),
    ] {
        world.faults.fail(Counted::Every, 0..0, How::Unavailable);
        run(downloads::find(&world.packhouse, caller, location)).unwrap();
        assert_eq!(world.faults.calls(), reads, "{location:?}");
    }
}

#[test]
fn a_deleted_product_leaves_nothing_of_its_eulas() {
    let (world, anna) = world();
    make_eula(&world, "Suite", "terms", true, &["1.0"]);
    let bert = world.user("bert");
    accept(&world, &bert, "Suite", "1.0").unwrap();
    run(products::delete(&world.sound, &anna, &subject("anna"), &name("Suite"))).unwrap();
    world.download(anonymous(), &at("1.0")).unwrap();
    assert_eq!(world.all::<Eulas>(), []);
    assert_eq!(world.all::<EulaText>(), []);
    assert_eq!(world.all::<SignedEula>(), []);
    make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    world.download(anonymous(), &at("1.0")).unwrap();
}
