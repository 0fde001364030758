//! What a caller sees of products: all of them, who administers the subject; else those that have a
//! package that the caller may read, and of those such packages alone.

use std::collections::{BTreeSet, HashMap};

use super::members::path_of;
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::packages::Package;
use crate::model::products::Product;
use crate::model::versions::Version;
use crate::names::{PackageName, PackagePath, ProductName, RepoName, SubjectName, VersionName};
use crate::store::{Direction, Order, Query};
use crate::usecases::given::is_given;
use crate::work::{Work, decode};
use crate::{Error, Result, Timestamp};

type Member = (RepoName, PackageName);

/// How many packages are read at once to find one that is seen.
const AT_ONCE: usize = 50;
/// The most names of versions that are shown.
const MOST_VERSIONS: usize = 1_000;
/// About the most versions that are read for them, and the fewest of each package.
const MOST_READ: usize = 10_000;
const FEWEST_READ: usize = 10;

/// A product that the caller sees.
pub(in crate::usecases) struct Seen<'a> {
    pub(in crate::usecases) product: Product,
    pub(in crate::usecases) viewer: Viewer<'a>,
}

/// Finds a product that the caller sees.
pub(super) async fn find<'a>(
    packhouse: &'a Packhouse,
    caller: &'a Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<Seen<'a>> {
    let mut viewer = Viewer::of(packhouse, caller, subject).await?;
    let product = Work::new(packhouse).find::<Product>(Product::key_of(subject, name)).await?;
    let product = product.filter(|product| product.name == *name);
    let absent = || Error::not_found(Noun::Product, name);
    let product = product.ok_or_else(absent)?;
    if viewer.sees(&product).await? { Ok(Seen { product, viewer }) } else { Err(absent()) }
}

/// A caller before the products of a subject.
pub(in crate::usecases) struct Viewer<'a> {
    packhouse: &'a Packhouse,
    caller: &'a Caller,
    subject: SubjectName,
    administers: bool,
    /// Which repositories the caller may read.
    repos: HashMap<RepoName, bool>,
}

impl<'a> Viewer<'a> {
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] where there is no such subject.
    pub(in crate::usecases) async fn of(
        packhouse: &'a Packhouse,
        caller: &'a Caller,
        subject: &SubjectName,
    ) -> Result<Self> {
        packhouse.permit::<act::Read, _>(caller, subject).await?;
        let administers = is_given(packhouse.permit::<act::Administer, _>(caller, subject).await)?;
        let (subject, repos) = (subject.clone(), HashMap::new());
        Ok(Self { packhouse, caller, subject, administers, repos })
    }

    pub(super) const fn administers(&self) -> bool {
        self.administers
    }

    /// Whether the caller sees the product at all.
    pub(super) async fn sees(&mut self, product: &Product) -> Result<bool> {
        if self.administers {
            return Ok(true);
        }
        for members in product.packages.chunks(AT_ONCE) {
            for member in self.there(product, members).await? {
                if self.reads(&member).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The packages of a product that are there and that the caller may read.
    pub(in crate::usecases) async fn packages(&mut self, product: &Product) -> Result<Vec<Member>> {
        let mut seen = Vec::new();
        for member in self.there(product, &product.packages).await? {
            if self.reads(&member).await? {
                seen.push(member);
            }
        }
        Ok(seen)
    }

    /// Those of the list that are there and belong to the product.
    async fn there(&self, product: &Product, members: &[Member]) -> Result<Vec<Member>> {
        let keys = members.iter().map(|member| Package::key_of(&path_of(&self.subject, member)));
        let keys: Vec<_> = keys.collect();
        let mut there = Vec::new();
        for (member, record) in members.iter().zip(self.packhouse.read_all(&keys).await?) {
            let package = record.map(|record| decode::<Package>(&record)).transpose()?;
            if package.is_some_and(|package| package.products.contains(&product.id)) {
                there.push(member.clone());
            }
        }
        Ok(there)
    }

    async fn reads(&mut self, member: &Member) -> Result<bool> {
        let path = path_of(&self.subject, member);
        let whole = match self.repos.get(&member.0) {
            Some(known) => *known,
            None => {
                let permit = self.packhouse.permit::<act::Read, _>(self.caller, &path.repo).await;
                let whole = is_given(permit)?;
                self.repos.insert(member.0.clone(), whole);
                whole
            }
        };
        // Who may not read the repository may read a package of it.
        Ok(whole || is_given(self.packhouse.permit::<act::Read, _>(self.caller, &path).await)?)
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
