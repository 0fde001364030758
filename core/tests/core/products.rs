//! Products: both sides of their list of packages, who sees them, and what a deletion leaves.

use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use packhouse_core::access::Caller;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::packages::Package;
use packhouse_core::model::products::{Product, ProductSettings};
use packhouse_core::model::repositories::Repository;
use packhouse_core::model::subjects::Plan;
use packhouse_core::names::{PackageName, ProductName, RepoName};
use packhouse_core::products::{self, ProductPatch};
use packhouse_core::{ErrorKind, Noun, Result, packages, repositories, users};

use crate::world::{
    FIRST, World, anonymous, forbidden, needs_credentials, package, published, refusal, refused,
    repo, run, subject,
};

pub(crate) fn name(name: &str) -> ProductName {
    ProductName::parse(name).unwrap()
}

/// `repo/package`, each.
pub(crate) fn members(paths: &[&str]) -> Vec<(RepoName, PackageName)> {
    let member = |path: &&str| {
        let (repo, package) = path.split_once('/').unwrap();
        (RepoName::parse(repo).unwrap(), PackageName::parse(package).unwrap())
    };
    paths.iter().map(member).collect()
}

/// Makes a product of `anna`.
pub(crate) fn make(world: &World, by: &Caller, product: &str, of: &[&str]) -> Result<Product> {
    let settings = ProductSettings::default();
    let (anna, product) = (subject("anna"), name(product));
    let made = run(products::create(&world.sound, by, &anna, &product, &settings, &members(of)));
    made.map(|view| view.product)
}

pub(crate) fn put(world: &World, by: &Caller, product: &str, of: &[&str]) -> Result<()> {
    let (patch, of) = (ProductPatch::default(), members(of));
    let (anna, product) = (subject("anna"), name(product));
    run(products::update(&world.sound, by, &anna, &product, &patch, Some(&of)))
}

pub(crate) fn delete(world: &World, by: &Caller, product: &str) -> Result<()> {
    run(products::delete(&world.packhouse, by, &subject("anna"), &name(product)))
}

/// Each package with the number of products that it knows of.
fn marks(world: &World) -> Vec<(String, usize)> {
    let packages: Vec<Package> = world.all();
    packages.iter().map(|it| (format!("{}/{}", it.repo, it.name), it.products.len())).collect()
}

fn marked(of: &[(&str, usize)]) -> Vec<(String, usize)> {
    of.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
}

/// The packages that a caller sees of a product.
pub(crate) fn seen(world: &World, by: &Caller, product: &str) -> Result<Vec<String>> {
    let shown = run(products::show(&world.sound, by, &subject("anna"), &name(product)))?;
    Ok(shown.packages.iter().map(|(repo, package)| format!("{repo}/{package}")).collect())
}

pub(crate) fn listed(world: &World, by: &Caller) -> Vec<String> {
    let listed = run(products::list(&world.sound, by, &subject("anna"), FIRST)).unwrap();
    assert_eq!(listed.total, Some(listed.items.len() as u64));
    listed.items.iter().map(|product| product.name.to_string()).collect()
}

/// `anna` with the public `repo/tool` and the private `vault/safe`.
pub(crate) fn world() -> (World, Caller) {
    let world = World::new();
    let anna = world.anna();
    world.repo(&anna, &repo("anna/vault"), true);
    world.package(&anna, &package("anna/vault/safe"));
    (world, anna)
}

#[test]
fn a_product_and_its_packages_name_each_other_at_every_moment() {
    let (world, anna) = world();
    let in_products = |path: &str| world.read::<Repository>(Repository::key_of(&repo(path)));
    assert!(!in_products("anna/repo").has_products);
    make(&world, &anna, "Suite", &["repo/tool", "repo/tool"]).unwrap();
    assert!(in_products("anna/repo").has_products && !in_products("anna/vault").has_products);
    assert_eq!(marks(&world), marked(&[("repo/tool", 1), ("vault/safe", 0)]));
    assert_eq!(seen(&world, &anna, "Suite").unwrap(), ["repo/tool"]);

    put(&world, &anna, "Suite", &["vault/safe", "repo/tool"]).unwrap();
    assert!(in_products("anna/vault").has_products);
    assert_eq!(marks(&world), marked(&[("repo/tool", 1), ("vault/safe", 1)]));
    assert_eq!(seen(&world, &anna, "Suite").unwrap(), ["vault/safe", "repo/tool"], "as given");

    make(&world, &anna, "other", &["repo/tool"]).unwrap();
    put(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    assert_eq!(marks(&world), marked(&[("repo/tool", 1), ("vault/safe", 1)]));
    delete(&world, &anna, "other").unwrap();
    delete(&world, &anna, "Suite").unwrap();
    assert_eq!(marks(&world), marked(&[("repo/tool", 0), ("vault/safe", 0)]));
    assert_eq!(world.all::<Product>(), []);
}

#[test]
fn what_cannot_be_in_a_product_is_said_and_changes_nothing() {
    let (world, anna) = world();
    let bert = world.user("bert");
    world.repo(&bert, &repo("bert/repo"), false);
    world.package(&bert, &package("bert/repo/his"));
    make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    let before = world.dump();
    let absent = |path: &str| {
        let message = format!(
            "Package '{path}' was not found: name packages of this subject, as repo/package"
        );
        (ErrorKind::Invalid, message)
    };
    for path in ["repo/his", "repo/none", "none/tool", "Repo/tool"] {
        assert_eq!(refused(put(&world, &anna, "Suite", &["repo/tool", path])), absent(path));
        assert_eq!(refused(make(&world, &anna, "new", &["repo/tool", path])), absent(path));
    }
    let many: Vec<String> = (0..=Product::MAX_PACKAGES).map(|n| format!("repo/p{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let message = "packages has 1001 entries: at most 1000 are kept, so make a second product";
    let too_many = refusal(ErrorKind::Invalid, message);
    assert_eq!(refused(put(&world, &anna, "Suite", &many)), too_many);
    let exists = refusal(ErrorKind::AlreadyExists, "Product 'SUITE' already exists");
    assert_eq!(refused(make(&world, &anna, "SUITE", &[])), exists);
    // T082: who administers another subject makes no product of this one.
    assert_eq!(refused(make(&world, &bert, "mine", &["repo/tool"])), forbidden());
    assert_eq!(refused(put(&world, &bert, "Suite", &[])), forbidden());
    assert_eq!(refused(delete(&world, &bert, "Suite")), forbidden());
    assert_eq!(refused(make(&world, anonymous(), "mine", &[])), needs_credentials());
    assert_eq!(world.dump(), before);
}

#[test]
fn who_may_administer_one_repository_makes_no_product_of_it() {
    let (world, _) = world();
    let bert = world.user("bert");
    let anchor = world.anchor(&repo("anna/repo"));
    world.grant(&bert, anchor, &Action::ALL, Scope::Anchor, None);
    assert_eq!(refused(make(&world, &bert, "mine", &["repo/tool"])), forbidden());
}

#[test]
fn products_are_for_the_enterprise_plan_and_of_premium_repositories() {
    for (plan, of, expected) in [
        (
            Plan::Oss,
            &["repo/tool"][..],
            refusal(
                ErrorKind::Invalid,
                "Package repo/tool should be under premium repository for owning product.",
            ),
        ),
        (Plan::Oss, &[], enterprise()),
        (Plan::Premium, &["repo/tool"], enterprise()),
    ] {
        let world = World::new();
        let anna = world.anna();
        make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
        let change = users::UserChange { plan: Some(plan), ..users::UserChange::default() };
        run(users::update(&world.sound, &world.admin, &subject("anna"), &change)).unwrap();
        assert_eq!(refused(make(&world, &anna, "new", of)), expected, "{plan:?}");
        assert_eq!(refused(put(&world, &anna, "Suite", of)), expected, "{plan:?}");
        // What there was can be seen, and deleted.
        assert_eq!(seen(&world, &anna, "Suite").unwrap(), ["repo/tool"]);
        delete(&world, &anna, "Suite").unwrap();
    }
}

fn enterprise() -> (ErrorKind, String) {
    refusal(ErrorKind::Forbidden, "This resource is only available for Enterprise users")
}

#[test]
fn a_product_is_seen_by_its_admins_and_by_those_who_may_read_a_package_of_it() {
    let (world, anna) = world();
    let bert = world.user("bert");
    for (product, of) in [
        ("empty", &[][..]),
        ("open", &["repo/tool"]),
        ("mixed", &["vault/safe", "repo/tool"]),
        ("secret", &["vault/safe"]),
    ] {
        make(&world, &anna, product, of).unwrap();
    }
    let absent = |product: &str| {
        let kind = ErrorKind::NotFound(Noun::Product);
        refusal(kind, &format!("Product '{product}' was not found"))
    };
    for admin in [&anna, &world.admin] {
        assert_eq!(listed(&world, admin), ["empty", "mixed", "open", "secret"]);
        assert_eq!(seen(&world, admin, "mixed").unwrap(), ["vault/safe", "repo/tool"]);
    }
    assert_eq!(listed(&world, &bert), ["mixed", "open"]);
    assert_eq!(seen(&world, &bert, "mixed").unwrap(), ["repo/tool"], "without what is hidden");
    for hidden in ["empty", "secret", "none"] {
        assert_eq!(refused(seen(&world, &bert, hidden)), absent(hidden));
        // The name of a product that is there is not told apart from one that is not.
        assert_eq!(refused(put(&world, &bert, hidden, &[])), absent(hidden));
        assert_eq!(refused(delete(&world, &bert, hidden)), absent(hidden));
    }
    let anchor = world.anchor(&repo("anna/vault"));
    let safe = Scope::Package(PackageName::parse("safe").unwrap());
    world.grant(&bert, anchor, &[Action::Read], safe, None);
    assert_eq!(listed(&world, &bert), ["mixed", "open", "secret"]);
    assert_eq!(seen(&world, &bert, "mixed").unwrap(), ["vault/safe", "repo/tool"]);
}

#[test]
fn a_package_that_goes_leaves_its_products_and_one_made_anew_is_none_of_theirs() {
    let (world, anna) = world();
    for product in ["one", "two"] {
        make(&world, &anna, product, &["repo/tool", "vault/safe"]).unwrap();
    }
    let packages_of = |product: &str| {
        let key = Product::key_of(&subject("anna"), &name(product));
        world.read::<Product>(key).packages
    };
    run(packages::delete(&world.sound, &anna, &package("anna/repo/tool"))).unwrap();
    assert_eq!(packages_of("one"), members(&["vault/safe"]));
    assert_eq!(packages_of("two"), members(&["vault/safe"]));
    world.package(&anna, &package("anna/repo/tool"));
    assert_eq!(seen(&world, &anna, "one").unwrap(), ["vault/safe"]);

    run(repositories::delete(&world.sound, &anna, &repo("anna/vault"))).unwrap();
    assert_eq!(packages_of("one"), []);
    world.repo(&anna, &repo("anna/vault"), true);
    world.package(&anna, &package("anna/vault/safe"));
    assert_eq!(seen(&world, &anna, "two").unwrap(), Vec::<String>::new());
    assert_eq!(marks(&world), marked(&[("repo/tool", 0), ("vault/safe", 0)]));
    put(&world, &anna, "two", &["vault/safe"]).unwrap();
    assert_eq!(marks(&world), marked(&[("repo/tool", 0), ("vault/safe", 1)]));
}

#[test]
fn a_product_that_names_a_package_made_anew_past_it_does_not_have_it() {
    let (world, anna) = world();
    let product = make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    let tool = world.read::<Package>(Package::key_of(&package("anna/repo/tool")));
    world.put(&Package { products: [].into(), ..tool });
    assert_eq!(seen(&world, &anna, "Suite").unwrap(), Vec::<String>::new());
    let bert = world.user("bert");
    assert_eq!(listed(&world, &bert), Vec::<String>::new());
    // Said again, it is meant.
    put(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    let tool = world.read::<Package>(Package::key_of(&package("anna/repo/tool")));
    assert_eq!(tool.products, [product.id].into());
}

#[test]
fn the_versions_are_those_of_the_packages_that_are_seen_the_newest_first() {
    let (world, anna) = world();
    let upload = |to: &str, path: &str| {
        world.clock.advance(Duration::from_secs(1));
        world.upload(&anna, published(to, path), "x").unwrap();
    };
    upload("anna/repo/tool/1.0", "a");
    upload("anna/vault/safe/2.0", "b");
    upload("anna/repo/tool/3.0", "c");
    upload("anna/vault/safe/1.0", "d");
    make(&world, &anna, "Suite", &["repo/tool", "vault/safe"]).unwrap();
    let versions = |by: &Caller| {
        let shown = run(products::show(&world.sound, by, &subject("anna"), &name("Suite")));
        shown.unwrap().versions.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(versions(&anna), ["1.0", "3.0", "2.0"], "1.0 of the one is newer than 3.0");
    assert_eq!(versions(&world.user("bert")), ["3.0", "1.0"]);
}

/// What must hold of products and packages at every moment at which no use case runs.
fn check(world: &World) {
    let (products, packages) = (world.all::<Product>(), world.all::<Package>());
    let mut said = Vec::new();
    for product in &products {
        for (repo, package) in &product.packages {
            said.push((repo.clone(), package.clone(), product.id));
        }
    }
    let mut marked = Vec::new();
    for package in &packages {
        for id in &package.products {
            marked.push((package.repo.clone(), package.name.clone(), *id));
        }
    }
    said.sort();
    marked.sort();
    assert_eq!(said, marked);
    let repos: Vec<Repository> = world.all();
    for (name, ..) in &marked {
        assert!(repos.iter().any(|repo| repo.name == *name && repo.has_products), "{name}");
    }
}

#[test]
fn both_sides_of_the_list_agree_whatever_meets() {
    let (world, anna) = world();
    let names: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    for name in &names {
        world.package(&anna, &package(&format!("anna/repo/{name}")));
    }
    for product in ["one", "two", "three"] {
        make(&world, &anna, product, &["repo/p0", "repo/p1", "vault/safe"]).unwrap();
    }
    world.faults.step_aside();
    let (engine, anna, owner) = (&world.packhouse, &anna, &subject("anna"));
    let patch = &ProductPatch::default();
    let mut changes: Vec<BoxFuture<'_, Result<()>>> = Vec::new();
    for number in 0..12 {
        let of: Vec<String> =
            (0..6).filter(|it| (it + number) % 3 != 0).map(|it| format!("repo/p{it}")).collect();
        let product = name(["one", "two", "three"][number % 3]);
        changes.push(Box::pin(async move {
            let of: Vec<&str> = of.iter().map(String::as_str).collect();
            products::update(engine, anna, owner, &product, patch, Some(&members(&of))).await
        }));
    }
    for gone in ["p1", "p2"] {
        changes.push(Box::pin(async move {
            packages::delete(engine, anna, &package(&format!("anna/repo/{gone}"))).await
        }));
    }
    changes.push(Box::pin(
        async move { repositories::delete(engine, anna, &repo("anna/vault")).await },
    ));
    changes
        .push(Box::pin(async move { products::delete(engine, anna, owner, &name("three")).await }));
    for told in run(join_all(changes)) {
        if let Err(error) = told {
            let expected = matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Invalid | ErrorKind::NotFound(Noun::Product)
            );
            assert!(expected, "{error:?}");
        }
    }
    check(&world);
    world.settle();
    check(&world);
    assert!(!world.all::<Product>().is_empty());
}
