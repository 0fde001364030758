//! Attributes in process: the typed query, and what of them is told to whom.

use packhouse_core::access::Caller;
use packhouse_core::attributes::{
    Described, delete, list, merge, search_files, search_package_names, search_packages,
    search_versions, set,
};
use packhouse_core::model::attributes::{
    Attribute, AttributeQuery, AttributeValues, Attributes, GivenValue, Mixed, Number,
};
use packhouse_core::names::AttributeName;
use packhouse_core::{ErrorKind, Paging, packages, versions};

use crate::world::{FIRST, World, anonymous, package, published, refused, repo, run, version};

fn name(text: &str) -> AttributeName {
    AttributeName::parse(text).unwrap()
}

fn attributes(list: &[(&str, GivenValue)]) -> Attributes {
    let attribute = |(of, given): &(&str, GivenValue)| Attribute {
        name: name(of),
        values: AttributeValues::of(None, std::slice::from_ref(given), Mixed::Refused).unwrap(),
    };
    Attributes::new(list.iter().map(attribute).collect()).unwrap()
}

fn text(value: &str) -> GivenValue {
    GivenValue::String(value.to_owned())
}

fn number(value: i64) -> GivenValue {
    GivenValue::Number(Number::from(value))
}

/// A package, a version and a file of it.
fn places() -> [Described; 3] {
    let uploaded = published("anna/repo/tool/1.0", "x/abc.txt");
    let location = repo("anna/repo").file(uploaded.path.clone());
    [package("anna/repo/tool").into(), version("anna/repo/tool/1.0").into(), location.into()]
}

fn furnished() -> (World, Caller) {
    let world = World::new();
    let anna = world.anna();
    world.upload(&anna, published("anna/repo/tool/1.0", "x/abc.txt"), "abc").unwrap();
    (world, anna)
}

#[test]
fn attributes_are_set_merged_and_deleted() {
    let (world, anna) = furnished();
    let packhouse = &world.packhouse;
    for of in &places() {
        let first = attributes(&[("os", text("linux")), ("size", number(5))]);
        assert_eq!(run(set(packhouse, &anna, of, &first)).unwrap(), first);
        let more = attributes(&[("size", number(6)), ("new", text("x"))]);
        let merged = attributes(&[("os", text("linux")), ("size", number(6)), ("new", text("x"))]);
        assert_eq!(run(merge(packhouse, &anna, of, &more)).unwrap(), merged);
        assert_eq!(run(list(packhouse, anonymous(), of, &[])).unwrap(), merged);
        run(delete(packhouse, &anna, of, &[name("new"), name("absent")])).unwrap();
        let left = attributes(&[("os", text("linux")), ("size", number(6))]);
        assert_eq!(run(list(packhouse, &anna, of, &[])).unwrap(), left);
        let one = run(list(packhouse, &anna, of, &[name("size")])).unwrap();
        assert_eq!(one, attributes(&[("size", number(6))]));
        run(delete(packhouse, &anna, of, &[])).unwrap();
        assert_eq!(run(list(packhouse, &anna, of, &[])).unwrap(), Attributes::default());
    }
    world.check();
}

#[test]
fn strangers_change_nothing() {
    let (world, _) = furnished();
    let eve = world.user("eve");
    let some = attributes(&[("os", text("linux"))]);
    for of in &places() {
        let forbidden = |result: Result<Attributes, _>| refused(result).0;
        assert_eq!(forbidden(run(set(&world.packhouse, &eve, of, &some))), ErrorKind::Forbidden);
        assert_eq!(forbidden(run(merge(&world.packhouse, &eve, of, &some))), ErrorKind::Forbidden);
        assert!(run(delete(&world.packhouse, &eve, of, &[])).is_err());
        assert_eq!(run(list(&world.packhouse, &eve, of, &[])).unwrap(), Attributes::default());
    }
}

#[test]
fn a_typed_query_needs_no_json() {
    let (world, anna) = furnished();
    let packhouse = &world.packhouse;
    let said = attributes(&[("os", text("linux")), ("stability", number(85)), ("_s", text("x"))]);
    for of in &places() {
        run(set(packhouse, &anna, of, &said)).unwrap();
    }
    let query = AttributeQuery::new().any_of("os", ["linux", "darwin"]).unwrap();
    let query = query.between("stability", 80..).unwrap();
    let shown = attributes(&[("os", text("linux")), ("stability", number(85))]);
    let (repo, path) = (repo("anna/repo"), package("anna/repo/tool"));
    let found = run(search_packages(packhouse, anonymous(), &repo, &query, FIRST)).unwrap();
    let one = run(packages::show(packhouse, anonymous(), &path)).unwrap();
    assert_eq!(one.package.attributes, shown);
    assert_eq!((found.items, found.total), (vec![one], Some(1)));
    let names = run(search_package_names(packhouse, anonymous(), &repo, &query, FIRST)).unwrap();
    assert!(names.names.iter().eq([path.package.as_str()]) && names.total == Some(1));
    let names = FIRST.without_total();
    let names = run(search_package_names(packhouse, anonymous(), &repo, &query, names)).unwrap();
    assert!(names.names.iter().eq([path.package.as_str()]) && names.total.is_none());
    let found = run(search_versions(packhouse, anonymous(), &path, &query, FIRST)).unwrap();
    let of = version("anna/repo/tool/1.0");
    let one = run(versions::show(packhouse, anonymous(), &of)).unwrap();
    assert_eq!((&one.version.attributes, &one.package.attributes), (&shown, &shown));
    assert_eq!((found.items, found.total), (vec![one], Some(1)));
    let found = run(search_files(packhouse, anonymous(), &repo, &query, FIRST)).unwrap();
    assert_eq!((found.items.len(), found.total), (1, Some(1)));
    let secret = AttributeQuery::new().any_of("_s", ["x"]).unwrap();
    for (caller, total) in [(&anna, Some(1)), (anonymous(), Some(0))] {
        let paging = Paging::new(0, 0);
        let totals = [
            run(search_packages(packhouse, caller, &repo, &secret, paging)).unwrap().total,
            run(search_package_names(packhouse, caller, &repo, &secret, paging)).unwrap().total,
            run(search_versions(packhouse, caller, &path, &secret, paging)).unwrap().total,
            run(search_files(packhouse, caller, &repo, &secret, paging)).unwrap().total,
        ];
        assert_eq!(totals, [total; 4]);
    }
}
