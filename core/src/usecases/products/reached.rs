//! The versions of a product that a caller may download something of: all that it may read, and
//! those with a published file in a folder that it may read. Wider than what is seen in lists: who
//! may read one folder must be able to accept what comes before its files.

use std::collections::{BTreeSet, HashMap};

use super::members::path_of;
use super::seen::{self, Member};
use crate::access::policy::Part;
use crate::access::{Caller, InRepo, Reach};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::files::File;
use crate::model::packages::Package;
use crate::model::products::Product;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::model::versions::Version;
use crate::names::{ProductName, RepoName, RepoPath, SubjectName, VersionName};
use crate::store::{Cursor, Filter, Key, Query, Start};
use crate::work::{Read, Work, decode};
use crate::{Error, Result};

/// How many packages are looked at at once.
const AT_ONCE: usize = 500;
/// The most folders that are searched for a file of a version, over all packages of a product.
const MOST_FOLDERS: usize = 2_000;

/// A product with its versions of one name, at least one, each of another package.
pub(in crate::usecases) struct Reached {
    pub(in crate::usecases) product: Product,
    pub(in crate::usecases) versions: Vec<Version>,
}

/// Finds the versions of this name that the caller may download something of.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] where there is none: of the version for those who see the
/// product, else of the product.
pub(in crate::usecases) async fn reached(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
    version: &VersionName,
) -> Result<Reached> {
    let reach = Reach::of(packhouse, caller, subject).await?;
    let product = Work::new(packhouse).find::<Product>(Product::key_of(subject, name)).await?;
    let product = product.filter(|product| product.name == *name);
    let product = product.ok_or_else(|| Error::not_found(Noun::Product, name))?;
    let versions = Search::new(packhouse, &reach, &product).await?.versions(version).await?;
    if versions.is_empty() {
        seen::find(packhouse, caller, subject, name).await?;
        return Err(Error::not_found(Noun::Version, version));
    }
    Ok(Reached { product, versions })
}

/// What the caller may read in the repositories that products have packages of.
pub(super) async fn repositories<'a>(
    packhouse: &Packhouse,
    reach: &'a Reach,
    products: impl IntoIterator<Item = &Product>,
) -> Result<HashMap<RepoName, InRepo<'a>>> {
    let members = products.into_iter().flat_map(|product| &product.packages);
    let names: BTreeSet<&RepoName> = members.map(|(repo, _)| repo).collect();
    let Subject { id, name: subject, .. } = reach.subject();
    let key = |repo: &&RepoName| {
        Repository::key_of(&RepoPath { subject: subject.clone(), repo: (*repo).clone() })
    };
    let keys: Vec<Key> = names.iter().map(key).collect();
    let found = Work::new(packhouse).find_all::<Repository>(keys).await?;
    let is = |name: &RepoName, repo: &Repository| repo.name == *name && repo.owner == *id;
    let repos = names.into_iter().zip(found).filter_map(|(name, repo)| {
        let repo = repo.filter(|repo| is(name, repo))?;
        Some((name.clone(), reach.within(repo)))
    });
    Ok(repos.collect())
}

struct Search<'a> {
    packhouse: &'a Packhouse,
    product: &'a Product,
    repos: HashMap<RepoName, InRepo<'a>>,
    /// How many folders may still be searched.
    folders: usize,
}

impl<'a> Search<'a> {
    async fn new(packhouse: &'a Packhouse, reach: &'a Reach, product: &'a Product) -> Result<Self> {
        let repos = repositories(packhouse, reach, [product]).await?;
        Ok(Self { packhouse, product, repos, folders: MOST_FOLDERS })
    }

    async fn versions(&mut self, name: &VersionName) -> Result<Vec<Version>> {
        let (product, mut reached) = (self.product, Vec::new());
        let may_open = |(repo, _): &&Member| self.repos.get(repo).is_some_and(InRepo::opens_some);
        let members: Vec<&Member> = product.packages.iter().filter(may_open).collect();
        for members in members.chunks(AT_ONCE) {
            let paths = members.iter().map(|member| path_of(&product.subject, member));
            let keys = paths.flat_map(|path| {
                [Package::key_of(&path), Version::key_of(&path.version(name.clone()))]
            });
            let records = self.packhouse.read_all(&keys.collect::<Vec<_>>()).await?;
            for pair in records.chunks(2) {
                let mut read = Read::of(pair.to_vec());
                let package = read.take::<Package>()?;
                let package = package.filter(|package| package.products.contains(&product.id));
                if let (Some(package), Some(version)) = (package, read.take::<Version>()?)
                    && self.reaches(&package, &version).await?
                {
                    reached.push(version);
                }
            }
        }
        Ok(reached)
    }

    async fn reaches(&mut self, package: &Package, version: &Version) -> Result<bool> {
        let Some(repo) = self.repos.get(&package.repo) else { return Ok(false) };
        let part = Part {
            products: package.products.clone(),
            package: Some(package.name.clone()),
            version: Some(version.name.clone()),
            path: None,
        };
        if repo.reads(&part) {
            return Ok(true);
        }
        let path = RepoPath { subject: package.subject.clone(), repo: package.repo.clone() };
        let keys = repo.paths.iter().map(|folder| File::place_of(&path, folder.as_str()));
        let mut found = self.packhouse.read_all(&keys.collect::<Vec<_>>()).await?;
        for folder in &repo.paths {
            if self.folders == 0 {
                break;
            }
            self.folders -= 1;
            let published = File::published_is(true);
            let of_version = File::of_version(&package.name, &version.name);
            let filter = Filter::All(vec![of_version, published]);
            // No file has this path, and everything in the folder comes after it.
            let key = File::place_of(&path, &format!("{folder}/"));
            let start = Start::After(Cursor { value: None, key });
            let query = Query::within(File::range_of(&path)).filter(filter).start(start).limit(1);
            let first = self.packhouse.select(&query).await?;
            found.extend(first.into_records().map(Some));
        }
        for record in found.into_iter().flatten() {
            let file: File = decode(&record)?;
            let is_of = file.package == package.name && file.version == version.name;
            let part = Part { path: Some(file.path), ..part.clone() };
            if is_of && file.published.is_some() && repo.reads(&part) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
