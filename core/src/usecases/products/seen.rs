//! What a caller sees of products: all of them, who administers the subject; else those that have a
//! package that the caller may read, and of those such packages alone.
//!
//! The caller's grants are read once, and packages only where the caller may read some of their
//! repository, a thousand at a time: the work does not grow with what is hidden.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::members::path_of;
use super::reached::repositories;
use crate::access::policy::Part;
use crate::access::{Caller, InRepo, Reach};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::packages::Package;
use crate::model::products::Product;
use crate::model::versions::Version;
use crate::names::{PackageName, PackagePath, ProductName, RepoName, SubjectName, VersionName};
use crate::store::{Direction, Order, Query};
use crate::work::{Work, decode};
use crate::{Error, Result, Timestamp};

pub(super) type Member = (RepoName, PackageName);

/// How many packages are read at once.
const AT_ONCE: usize = 1_000;
/// The most names of versions that are shown.
const MOST_VERSIONS: usize = 1_000;
/// About the most versions that are read for them, and the fewest of each package.
const MOST_READ: usize = 10_000;
const FEWEST_READ: usize = 10;

/// A product that the caller sees, with those of its packages that it may read.
pub(in crate::usecases) struct Seen {
    pub(in crate::usecases) product: Product,
    pub(in crate::usecases) packages: Vec<Member>,
}

/// Finds a product that the caller sees.
pub(super) async fn find(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<Seen> {
    let viewer = Viewer::of(packhouse, caller, subject).await?;
    let key = Product::key_of(subject, name);
    let product = Work::new(packhouse).find::<Product>(key.clone()).await?;
    let product = product.filter(|product| product.name == *name);
    if product.as_ref().is_none_or(|product| product.packages.is_empty()) {
        // In the place of the repositories: that there is none takes as long as that it is hidden.
        packhouse.read_all(&[key]).await?;
    }
    let seen = match product {
        Some(product) => viewer.find(product).await?,
        None => None,
    };
    seen.ok_or_else(|| Error::not_found(Noun::Product, name))
}

/// A caller before the products of a subject.
pub(super) struct Viewer<'a> {
    packhouse: &'a Packhouse,
    reach: Reach,
    /// The packages of the products that the caller was granted to read.
    granted: HashSet<Member>,
}

impl<'a> Viewer<'a> {
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] where there is no such subject.
    pub(super) async fn of(
        packhouse: &'a Packhouse,
        caller: &Caller,
        subject: &SubjectName,
    ) -> Result<Self> {
        let reach = Reach::of(packhouse, caller, subject).await?;
        let ids: BTreeSet<_> = reach.products().into_iter().take(Product::MAX).collect();
        let mut granted = HashSet::new();
        if !ids.is_empty() {
            let query = Query::within(Product::range_of(subject)).filter(Product::is_any_of(&ids));
            let products: Vec<Product> = Work::new(packhouse).list(&query).await?;
            granted.extend(products.into_iter().flat_map(|product| product.packages));
        }
        Ok(Self { packhouse, reach, granted })
    }

    pub(super) fn administers(&self) -> bool {
        self.reach.administers()
    }

    /// The product, if the caller sees it.
    async fn find(&self, product: Product) -> Result<Option<Seen>> {
        let packages = self.packages(&product).await?;
        let seen = self.administers() || !packages.is_empty();
        Ok(seen.then_some(Seen { product, packages }))
    }

    /// The packages of a product that are there and that the caller may read.
    async fn packages(&self, product: &Product) -> Result<Vec<Member>> {
        let repos = repositories(self.packhouse, &self.reach, [product]).await?;
        let may_read = |member: &&Member| self.may_read(&repos, member);
        let members: Vec<&Member> = product.packages.iter().filter(may_read).collect();
        let mut seen = Vec::new();
        for members in members.chunks(AT_ONCE) {
            let asked: Vec<_> = members.iter().map(|member| (product, *member)).collect();
            let read = self.read(&repos, &asked).await?;
            let members = members.iter().zip(read).filter(|(_, read)| *read);
            seen.extend(members.map(|(member, _)| (*member).clone()));
        }
        Ok(seen)
    }

    /// The products of the list that the caller sees. A product is seen by the first of its
    /// packages that is, so that many are decided with the first packages of each.
    pub(super) async fn seen(&self, products: Vec<Product>) -> Result<Vec<Product>> {
        if self.administers() {
            return Ok(products);
        }
        let repos = repositories(self.packhouse, &self.reach, &products).await?;
        let may_read = |member: &&Member| self.may_read(&repos, member);
        let mut left: Vec<_> =
            products.iter().map(|it| (it, it.packages.iter().filter(may_read))).collect();
        let mut seen = HashSet::new();
        while !left.is_empty() {
            let each = (AT_ONCE / left.len()).max(1);
            let mut asked = Vec::new();
            for (product, members) in &mut left {
                asked.extend(members.by_ref().take(each).map(|member| (*product, member)));
            }
            for some in asked.chunks(AT_ONCE) {
                let read = self.read(&repos, some).await?;
                let found = some.iter().zip(read).filter(|(_, read)| *read);
                seen.extend(found.map(|((product, _), _)| product.id));
            }
            let more: HashSet<_> = asked.iter().map(|(product, _)| product.id).collect();
            left.retain(|(product, _)| more.contains(&product.id) && !seen.contains(&product.id));
        }
        Ok(products.into_iter().filter(|product| seen.contains(&product.id)).collect())
    }

    /// Whether the package is worth a look: it may be gone, or another of the name.
    fn may_read(&self, repos: &HashMap<RepoName, InRepo<'_>>, member: &Member) -> bool {
        let Some(repo) = repos.get(&member.0) else { return false };
        repo.whole || repo.packages.contains(&member.1) || self.granted.contains(member)
    }

    /// Which of these packages of products are there, belong to them and may be read.
    async fn read(
        &self,
        repos: &HashMap<RepoName, InRepo<'_>>,
        asked: &[(&Product, &Member)],
    ) -> Result<Vec<bool>> {
        let subject = &self.reach.subject().name;
        let keys = asked.iter().map(|(_, member)| Package::key_of(&path_of(subject, member)));
        let records = self.packhouse.read_all(&keys.collect::<Vec<_>>()).await?;
        let mut read = Vec::with_capacity(asked.len());
        for ((product, (repo, name)), record) in asked.iter().zip(records) {
            let package = record.map(|record| decode::<Package>(&record)).transpose()?;
            let package = package.filter(|package| package.products.contains(&product.id));
            read.push(package.zip(repos.get(repo)).is_some_and(|(package, repo)| {
                let (products, package) = (package.products, Some(name.clone()));
                repo.reads(&Part { products, package, version: None, path: None })
            }));
        }
        Ok(read)
    }
}

/// The names of the versions of some packages, the newest first. Of very many the newest of each
/// package.
pub(super) async fn versions(
    packhouse: &Packhouse,
    subject: &SubjectName,
    packages: &[Member],
) -> Result<Vec<VersionName>> {
    let of_each = (MOST_READ / packages.len().max(1)).clamp(FEWEST_READ, MOST_VERSIONS);
    let mut made = HashMap::<VersionName, (Timestamp, i64)>::new();
    for member in packages {
        for version in newest(packhouse, &path_of(subject, member), of_each).await? {
            let at = (version.created, version.ordinal);
            let latest = made.entry(version.name).or_insert(at);
            *latest = at.max(*latest);
        }
    }
    let sorted: BTreeSet<_> = made.into_iter().map(|(name, at)| (at, name)).collect();
    Ok(sorted.into_iter().rev().take(MOST_VERSIONS).map(|(_, name)| name).collect())
}

async fn newest(packhouse: &Packhouse, path: &PackagePath, most: usize) -> Result<Vec<Version>> {
    let order = Order::Term(Version::ORDINAL, Direction::Descending);
    let query = Query::within(Version::range_of(path)).order(order).limit(most);
    packhouse.select(&query).await?.into_records().map(|record| decode(&record)).collect()
}
