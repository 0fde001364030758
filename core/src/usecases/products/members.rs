//! The packages of a product: both sides of the list, changed together.

use std::collections::BTreeSet;

use crate::access::{Changes, Permit, SubjectPlace};
use crate::model::packages::Package;
use crate::model::products::Product;
use crate::model::repositories::Repository;
use crate::names::{PackageName, PackagePath, RepoName, RepoPath, SubjectName};
use crate::store::{Key, Query};
use crate::work::Work;
use crate::{Error, Result};

/// A package of the product's subject.
type Member = (RepoName, PackageName);

/// The path of a package of a product.
pub(super) fn path_of(subject: &SubjectName, (repo, package): &Member) -> PackagePath {
    RepoPath { subject: subject.clone(), repo: repo.clone() }.package(package.clone())
}

fn keys_of(subject: &SubjectName, members: &[Member]) -> Vec<Key> {
    members.iter().map(|member| Package::key_of(&path_of(subject, member))).collect()
}

/// Plans that these are the packages of a product. What it had besides belongs to it no more.
pub(super) async fn set<A: Changes>(
    work: &Work,
    permit: &Permit<A, SubjectPlace>,
    product: &mut Product,
    members: &[Member],
) -> Result<()> {
    let mut given = BTreeSet::new();
    let members: Vec<Member> =
        members.iter().filter(|member| given.insert(*member)).cloned().collect();
    if members.len() > Product::MAX_PACKAGES {
        return Err(Error::invalid(format!(
            "packages has {} entries: at most {} are kept, so make a second product",
            members.len(),
            Product::MAX_PACKAGES
        )));
    }
    let repos = repositories(work, permit, &members).await?;
    let found = work.find_all::<Package>(keys_of(&product.subject, &members)).await?;
    let mut packages = Vec::with_capacity(members.len());
    for (member, package) in members.iter().zip(found) {
        packages.push(package.ok_or_else(|| absent(member))?);
    }
    check_premium(permit, members.first())?;
    for package in packages {
        join(work, permit, product, package)?;
    }
    for repo in repos.into_iter().filter(|repo| !repo.has_products) {
        // Never taken back: that one look more is needed is no harm, and the next product may be
        // being made just now.
        work.put(permit, &Repository { has_products: true, ..repo });
    }
    let left: Vec<Member> =
        product.packages.iter().filter(|member| !given.contains(member)).cloned().collect();
    unmark(work, permit, product, &left).await?;
    product.packages = members;
    Ok(())
}

/// The repositories of the packages, which must not change before the commit: one that is being
/// deleted takes no package into a product.
async fn repositories<A: Changes>(
    work: &Work,
    permit: &Permit<A, SubjectPlace>,
    members: &[Member],
) -> Result<Vec<Repository>> {
    let subject = &permit.place().subject;
    let mut first_of = Vec::<&Member>::new();
    for member in members {
        if !first_of.iter().any(|(repo, _)| *repo == member.0) {
            first_of.push(member);
        }
    }
    let key = |member: &&Member| Repository::key_of(&path_of(&subject.name, member).repo);
    let found = work.find_all_as_basis::<Repository>(first_of.iter().map(key).collect()).await?;
    let mut repos = Vec::with_capacity(found.len());
    for (member, repo) in first_of.into_iter().zip(found) {
        let repo = repo.filter(|repo| repo.name == member.0 && repo.owner == subject.id);
        repos.push(repo.ok_or_else(|| absent(member))?);
    }
    Ok(repos)
}

fn absent((repo, package): &Member) -> Error {
    Error::invalid(format!(
        "Package '{repo}/{package}' was not found: name packages of this subject, as repo/package"
    ))
}

fn check_premium<A: Changes>(
    permit: &Permit<A, SubjectPlace>,
    member: Option<&Member>,
) -> Result<()> {
    match member {
        Some((repo, package)) if !permit.place().subject.plan.is_premium() => {
            Err(Error::invalid(format!(
                "Package {repo}/{package} should be under premium repository for owning product."
            )))
        }
        _ => Ok(()),
    }
}

/// Plans that a package belongs to a product.
fn join<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    product: &Product,
    mut package: Package,
) -> Result<()> {
    if !package.products.insert(product.id) {
        return Ok(());
    }
    let most = Product::MAX_OF_PACKAGE;
    if package.products.len() > most {
        let Package { repo, name, .. } = &package;
        let message = format!("Package '{repo}/{name}' is in {most} products, which is the most");
        return Err(Error::invalid(message));
    }
    work.put(permit, &package);
    Ok(())
}

/// Plans that packages belong to a product no more, those of them that are there and do.
pub(super) async fn unmark<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    product: &Product,
    members: &[Member],
) -> Result<()> {
    let found = work.find_all::<Package>(keys_of(&product.subject, members)).await?;
    for mut package in found.into_iter().flatten() {
        if package.products.remove(&product.id) {
            work.put(permit, &package);
        }
    }
    Ok(())
}

/// Plans that a package that is being deleted is on no product's list.
pub(in crate::usecases) async fn leave<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    package: &Package,
) -> Result<()> {
    if package.products.is_empty() {
        return Ok(());
    }
    let query = Query::within(Product::range_of(&package.subject));
    let query = query.filter(Product::is_any_of(&package.products));
    drop_members(work, permit, &query, |(repo, name)| {
        package.repo == *repo && package.name == *name
    })
    .await
}

/// Plans that the packages of a repository that is being deleted are on no product's list.
pub(in crate::usecases) async fn leave_repository<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    repository: &Repository,
) -> Result<()> {
    if !repository.has_products {
        return Ok(());
    }
    let query = Query::within(Product::range_of(&repository.subject));
    let query = query.filter(Product::has_packages_of(&repository.name));
    drop_members(work, permit, &query, |(repo, _)| repository.name == *repo).await
}

async fn drop_members<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    query: &Query,
    goes: impl Fn(&Member) -> bool,
) -> Result<()> {
    let products: Vec<Product> = work.list(query).await?;
    for mut product in products {
        product.packages.retain(|member| !goes(member));
        work.put(permit, &product);
    }
    Ok(())
}
