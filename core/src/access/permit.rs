//! Permits: the proof that a caller may do something to something.
//!
//! A use case starts by turning names into a permit, which carries what was loaded on the way.
//! The fields are private, so that a permit cannot be forged, and the action is part of the type,
//! so that it cannot be used for another.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::marker::PhantomData;

use async_trait::async_trait;

use super::Caller;
use super::policy::{self, Decision, Denial, Part, Resource, Rule, Standing, Visibility};
use crate::error::Noun;
use crate::model::files::File;
use crate::model::grants::Action;
use crate::model::packages::Package;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::model::{ProductId, Stored};
use crate::names::{
    FileLocation, FilePath, PackagePath, RepoPath, SubjectName, VersionName, VersionPath,
};
use crate::store::Key;
use crate::work::Work;
use crate::{Error, Result};

mod sealed {
    pub trait Sealed {}
}

/// An action as a type.
pub trait Act: sealed::Sealed + Debug + Send + Sync + 'static {
    /// The action.
    const ACTION: Action;
}

/// An action that changes something: every one but reading.
pub trait Changes: Act {}

/// The actions as types.
pub mod act {
    use super::{Act, Action, Changes, sealed};

    macro_rules! act {
        ($($(#[$doc:meta])* $name:ident)*) => {$(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl sealed::Sealed for $name {}
            impl Act for $name {
                const ACTION: Action = Action::$name;
            }
        )*};
    }

    act! {
        /// See it, and download what is published.
        Read
    }

    macro_rules! changing {
        ($($(#[$doc:meta])* $name:ident)*) => {
            act! { $($(#[$doc])* $name)* }
            $(impl Changes for $name {})*
        };
    }

    changing! {
        /// Change what is said about it.
        Annotate
        /// Add to it.
        Write
        /// Delete from it.
        Delete
        /// Publish and discard.
        Publish
        /// Change its nature.
        Administer
        /// Replace what is published.
        Overwrite
        /// Sign it.
        Sign
        /// Grant rights over it.
        Manage
        /// Make a repository in it.
        CreateRepo
        /// Add and remove members.
        ManageMembers
        /// Make, change and delete subjects.
        ManageResources
    }
}

/// The proof that `caller` may do `A` to the place `P`.
#[derive(Clone, Debug)]
pub struct Permit<A: Act, P> {
    caller: Caller,
    place: P,
    rule: Rule,
    act: PhantomData<A>,
}

impl<A: Act, P> Permit<A, P> {
    /// Who it was given to.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What it is for, as it was when it was given.
    #[must_use]
    pub const fn place(&self) -> &P {
        &self.place
    }

    /// What allowed it.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// The platform.
#[derive(Clone, Copy, Debug)]
pub struct PlatformPlace;

/// A subject.
#[derive(Clone, Debug)]
pub struct SubjectPlace {
    /// The subject.
    pub subject: Subject,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct RepoPlace {
    /// Its owner.
    pub subject: Subject,
    /// The repository.
    pub repo: Repository,
    /// Whether the caller may publish in it.
    pub publisher: bool,
}

/// A package.
#[derive(Clone, Debug)]
pub struct PackagePlace {
    /// The owner of its repository.
    pub subject: Subject,
    /// Its repository.
    pub repo: Repository,
    /// The package.
    pub package: Package,
    /// Whether the caller may publish it.
    pub publisher: bool,
}

/// A file.
#[derive(Clone, Debug)]
pub struct FilePlace {
    /// The owner of its repository.
    pub subject: Subject,
    /// Its repository.
    pub repo: Repository,
    /// The file.
    pub file: File,
    /// The products that its package belongs to.
    pub products: BTreeSet<ProductId>,
    /// Whether the caller may publish it.
    pub publisher: bool,
}

/// Names that lead to a place, and what the policy needs to know of it.
#[async_trait]
pub(crate) trait Ask: Send + Sync {
    type Place: Debug + Clone + Send + Sync + 'static;

    /// Reads what is there, once, and asks the policy.
    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<Self::Place>>;
}

/// What was loaded, and what allowed it.
pub(crate) struct Loaded<P> {
    place: P,
    rule: Rule,
}

/// A caller with the action that it wants.
pub(crate) struct Asker<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) action: Action,
}

impl Work {
    /// A permit, or why not. What it rests on is expected unchanged when the work is committed.
    pub(crate) async fn permit<A: Act, K: Ask>(
        &self,
        caller: &Caller,
        names: &K,
    ) -> Result<Permit<A, K::Place>> {
        let asker = Asker { caller, action: A::ACTION };
        let Loaded { place, rule } = names.ask(self, &asker).await?;
        Ok(Permit { caller: caller.clone(), place, rule, act: PhantomData })
    }
}

impl Work {
    /// What allows a caller to do something, or why not, without a permit.
    pub(crate) async fn rule<K: Ask>(
        &self,
        caller: &Caller,
        action: Action,
        names: &K,
    ) -> Result<Rule> {
        Ok(names.ask(self, &Asker { caller, action }).await?.rule)
    }
}

impl Asker<'_> {
    /// Asks the policy. `hidden` is what is said to those who may not know.
    fn decide(
        &self,
        work: &Work,
        resource: &Resource,
        standing: &Standing,
        hidden: impl FnOnce() -> Error,
    ) -> Result<Rule> {
        let identity = self.caller.identity();
        match policy::decide(identity, self.action, resource, standing, work.now()) {
            Decision::Allowed(rule) => Ok(rule),
            Decision::Denied(Denial::Authenticate) => Err(Error::unauthenticated()),
            Decision::Denied(Denial::Forbidden) => Err(Error::forbidden()),
            Decision::Denied(Denial::Hidden) => Err(hidden()),
        }
    }

    /// What is said of a thing that is not there, or that the caller may not know of.
    fn absent(&self, noun: Noun, name: impl std::fmt::Display) -> Error {
        if self.caller.is_anonymous() {
            Error::unauthenticated()
        } else {
            Error::not_found(noun, name)
        }
    }
}

/// The platform itself, for making and listing subjects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Platform;

#[async_trait]
impl Ask for Platform {
    type Place = PlatformPlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<PlatformPlace>> {
        let read = work.rest_on(&asker.standing_keys(None, None)).await?;
        let standing = asker.standing(work, read, None, None, None).await?;
        let resource =
            Resource { owner: None, visibility: Visibility::Public, part: Part::default() };
        let rule = asker.decide(work, &resource, &standing, Error::forbidden)?;
        Ok(Loaded { place: PlatformPlace, rule })
    }
}

#[async_trait]
impl Ask for SubjectName {
    type Place = SubjectPlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<SubjectPlace>> {
        let mut keys = vec![Subject::key_of(self)];
        keys.extend(asker.standing_keys(Some(self), None));
        let mut read = work.rest_on(&keys).await?;
        let subject = read.take::<Subject>()?.filter(|subject| subject.name == *self);
        let subject = subject.ok_or_else(|| asker.absent(Noun::Subject, self))?;
        let standing = asker.standing(work, read, Some(&subject), None, None).await?;
        let visibility = Visibility::Public;
        let resource = Resource { owner: Some(subject.id), visibility, part: Part::default() };
        let rule =
            asker.decide(work, &resource, &standing, || asker.absent(Noun::Subject, self))?;
        Ok(Loaded { place: SubjectPlace { subject }, rule })
    }
}

/// A repository with what was read beside it.
struct RepoRead<T> {
    subject: Subject,
    repo: Repository,
    standing: Standing,
    beside: Option<T>,
}

/// Reads a repository, its owner, the caller's grants and one record beside them, all at once.
/// Grants on other paths than the one that it is about, if it is about one, are left out.
async fn read_repo<T: Stored>(
    work: &Work,
    asker: &Asker<'_>,
    path: &RepoPath,
    beside: Option<Key>,
    about: Option<&FilePath>,
) -> Result<RepoRead<T>> {
    let mut keys = vec![Subject::key_of(&path.subject), Repository::key_of(path)];
    let has_beside = beside.is_some();
    keys.extend(asker.standing_keys(Some(&path.subject), Some(path)));
    let mut read = work.rest_on_and_read(&keys, beside).await?;
    let beside = if has_beside { read.take_last()? } else { None };
    let subject = read.take::<Subject>()?.filter(|subject| subject.name == path.subject);
    let repo = read.take::<Repository>()?.filter(|repo| repo.name == path.repo);
    let found = subject.zip(repo).filter(|(subject, repo)| repo.owner == subject.id);
    let (subject, repo) = found.ok_or_else(|| asker.absent(Noun::Repository, &path.repo))?;
    let standing = asker.standing(work, read, Some(&subject), Some(&repo), about).await?;
    Ok(RepoRead { subject, repo, standing, beside })
}

impl<T> RepoRead<T> {
    fn resource(&self, part: Part) -> Resource {
        let visibility = if self.repo.private { Visibility::Private } else { Visibility::Public };
        Resource { owner: Some(self.repo.owner), visibility, part }
    }

    fn decide(&self, work: &Work, asker: &Asker<'_>, part: Part) -> Result<Rule> {
        let name = &self.repo.name;
        let hidden = || asker.absent(Noun::Repository, name);
        asker.decide(work, &self.resource(part), &self.standing, hidden)
    }

    fn is_publisher(&self, work: &Work, asker: &Asker<'_>, part: Part) -> bool {
        let asker = Asker { caller: asker.caller, action: Action::Publish };
        self.decide(work, &asker, part).is_ok()
    }
}

#[async_trait]
impl Ask for RepoPath {
    type Place = RepoPlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<RepoPlace>> {
        let read = read_repo::<Package>(work, asker, self, None, None).await?;
        let rule = read.decide(work, asker, Part::default())?;
        let publisher = read.is_publisher(work, asker, Part::default());
        Ok(Loaded { place: RepoPlace { subject: read.subject, repo: read.repo, publisher }, rule })
    }
}

#[async_trait]
impl Ask for PackagePath {
    type Place = PackagePlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<PackagePlace>> {
        Within::package(self).ask(work, asker).await
    }
}

#[async_trait]
impl Ask for VersionPath {
    type Place = PackagePlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<PackagePlace>> {
        let version = Some(&self.version);
        Within { version, ..Within::package(&self.package) }.ask(work, asker).await
    }
}

/// A part of a package, whether or not it is there yet, and what else must be allowed to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within<'a> {
    pub(crate) package: &'a PackagePath,
    pub(crate) version: Option<&'a VersionName>,
    /// Its files; every one of them must be allowed. The whole where there is none.
    pub(crate) paths: &'a [FilePath],
    pub(crate) also: Option<Action>,
}

impl<'a> Within<'a> {
    fn package(package: &'a PackagePath) -> Self {
        Self { package, version: None, paths: &[], also: None }
    }
}

#[async_trait]
impl Ask for Within<'_> {
    type Place = PackagePlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<PackagePlace>> {
        let key = Package::key_of(self.package);
        let read = read_repo::<Package>(work, asker, &self.package.repo, Some(key), None).await?;
        let products = read.beside.as_ref().map(|package| package.products.clone());
        let products = products.unwrap_or_default();
        let part = |path: Option<&FilePath>| Part {
            products: products.clone(),
            package: Some(self.package.package.clone()),
            version: self.version.cloned(),
            path: path.cloned(),
        };
        let decide = |path: Option<&FilePath>| -> Result<Rule> {
            let rule = read.decide(work, asker, part(path))?;
            if let Some(action) = self.also {
                read.decide(work, &Asker { caller: asker.caller, action }, part(path))?;
            }
            Ok(rule)
        };
        let rule = decide(self.paths.first())?;
        for path in self.paths.iter().skip(1) {
            decide(Some(path))?;
        }
        let publisher = read.is_publisher(work, asker, part(self.paths.first()));
        let name = &self.package.package;
        let package = read.beside.ok_or_else(|| Error::not_found(Noun::Package, name))?;
        let RepoRead { subject, repo, .. } = read;
        Ok(Loaded { place: PackagePlace { subject, repo, package, publisher }, rule })
    }
}

#[async_trait]
impl Ask for FileLocation {
    type Place = FilePlace;

    async fn ask(&self, work: &Work, asker: &Asker<'_>) -> Result<Loaded<FilePlace>> {
        let (key, about) = (Some(File::key_of(self)), Some(&self.path));
        let read = read_repo::<File>(work, asker, &self.repo, key, about).await?;
        let file = read.beside.as_ref();
        let products = products_of(work, &read.repo, file).await?;
        let part = Part {
            products: products.clone(),
            package: file.map(|file| file.package.clone()),
            version: file.map(|file| file.version.clone()),
            path: Some(self.path.clone()),
        };
        let rule = read.decide(work, asker, part.clone())?;
        let publisher = read.is_publisher(work, asker, part.clone());
        let not_found = || Error::not_found(Noun::File, &self.path);
        let file = file
            .filter(|file| !read.repo.is_version_closing(&file.package, &file.version))
            .cloned()
            .ok_or_else(not_found)?;
        let rule = if file.published.is_some() {
            rule
        } else {
            let owner = Some(read.repo.owner);
            let resource = Resource { owner, visibility: Visibility::Unpublished, part };
            asker.decide(work, &resource, &read.standing, not_found)?
        };
        let RepoRead { subject, repo, .. } = read;
        let place = FilePlace { subject, repo, file, products, publisher };
        Ok(Loaded { place, rule })
    }
}

/// The products that a file belongs to. Only in repositories that have any is another record read.
async fn products_of(
    work: &Work,
    repo: &Repository,
    file: Option<&File>,
) -> Result<BTreeSet<ProductId>> {
    let Some(file) = file.filter(|_| repo.has_products) else { return Ok(BTreeSet::new()) };
    let key = Package::key_of(&file.version_path().package);
    let package = work.find_as_basis::<Package>(key).await?;
    Ok(package.map(|package| package.products).unwrap_or_default())
}
