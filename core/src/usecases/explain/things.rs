//! What is asked about, as those who administer it see it; and what the policy says of it to others.

use std::collections::BTreeSet;

use super::{Thing, Verdict};
use crate::access::policy::{Decision, Denial, Part, Rule};
use crate::access::{Ask, Caller, Reach, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::files::File;
use crate::model::grants::Action;
use crate::model::packages::Package;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::model::versions::Version;
use crate::names::{FileLocation, RepoPath, SubjectName, VersionPath};
use crate::work::Work;
use crate::{ErrorKind, Result, downloads};

/// What came of asking for someone.
pub(super) enum Outcome {
    /// It is allowed.
    Allowed(Rule),
    /// It is refused, with the reason if it is another than what the policy says.
    Refused(Verdict, Option<String>),
}

impl Outcome {
    fn of(answer: Result<Rule>) -> Result<Self> {
        let error = match answer {
            Ok(rule) => return Ok(Self::Allowed(rule)),
            Err(error) => error,
        };
        Ok(match error.kind() {
            ErrorKind::Unauthenticated => Self::Refused(Verdict::Authenticate, None),
            ErrorKind::Forbidden => Self::Refused(Verdict::Forbidden, None),
            ErrorKind::NotFound(_) => Self::Refused(Verdict::Hidden, None),
            ErrorKind::Restricted | ErrorKind::EulaNotAccepted(_) => {
                Self::Refused(Verdict::Forbidden, Some(error.message().to_owned()))
            }
            _ => return Err(error),
        })
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allowed(rule) => Self::Allowed(rule),
            Decision::Denied(Denial::Authenticate) => Self::Refused(Verdict::Authenticate, None),
            Decision::Denied(Denial::Forbidden) => Self::Refused(Verdict::Forbidden, None),
            Decision::Denied(Denial::Hidden) => Self::Refused(Verdict::Hidden, None),
        }
    }
}

impl Thing {
    pub(super) fn subject(&self) -> &SubjectName {
        match self {
            Self::Subject(subject) => subject,
            Self::Repository(repo) => &repo.subject,
            Self::Package(package) => &package.repo.subject,
            Self::Version(version) | Self::PathOf(version, _) => &version.repo().subject,
            Self::File(file) => &file.repo.subject,
        }
    }

    pub(super) fn repo(&self) -> Option<&RepoPath> {
        match self {
            Self::Subject(_) => None,
            Self::Repository(repo) => Some(repo),
            Self::Package(package) => Some(&package.repo),
            Self::Version(version) | Self::PathOf(version, _) => Some(version.repo()),
            Self::File(file) => Some(&file.repo),
        }
    }

    fn file(&self) -> Option<FileLocation> {
        match self {
            Self::File(file) => Some(file.clone()),
            Self::PathOf(version, path) => Some(version.repo().file(path.clone())),
            Self::Subject(_) | Self::Repository(_) | Self::Package(_) | Self::Version(_) => None,
        }
    }

    const fn version(&self) -> Option<&VersionPath> {
        match self {
            Self::Version(version) | Self::PathOf(version, _) => Some(version),
            _ => None,
        }
    }
}

/// What is there of a thing.
pub(super) struct Found<'a> {
    thing: &'a Thing,
    pub(super) subject: Subject,
    pub(super) repo: Option<Repository>,
    package: Option<Package>,
    /// Whether there is a version, where the thing is of one.
    has_version: bool,
    file: Option<File>,
}

impl<'a> Found<'a> {
    /// # Errors
    /// [`ErrorKind::NotFound`] for those who see everything: it is not there.
    pub(super) async fn of(
        packhouse: &Packhouse,
        caller: &Caller,
        thing: &'a Thing,
    ) -> Result<Self> {
        let subject = packhouse.permit::<act::Read, _>(caller, thing.subject()).await?;
        let subject = subject.place().subject.clone();
        let mut found =
            Self { thing, subject, repo: None, package: None, has_version: false, file: None };
        if let Some(repo) = thing.repo() {
            let permit = packhouse.permit::<act::Read, _>(caller, repo).await?;
            found.repo = Some(permit.place().repo.clone());
        }
        let of_package = match thing {
            Thing::Package(package) => Some(package),
            _ => thing.version().map(|version| &version.package),
        };
        if let Some(package) = of_package {
            let permit = packhouse.permit::<act::Read, _>(caller, package).await?;
            found.package = Some(permit.place().package.clone());
        }
        if let Some(version) = thing.version() {
            let work = Work::new(packhouse);
            found.has_version = work.exists(Version::key_of(version)).await?;
        }
        if let Some(location) = thing.file() {
            let file = packhouse.permit::<act::Annotate, _>(caller, &location).await;
            found.file = match file {
                Ok(permit) => Some(permit.place().file.clone()),
                Err(error) if *error.kind() == ErrorKind::NotFound(Noun::File) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(found)
    }

    /// What the policy says when someone asks.
    pub(super) async fn asked(
        &self,
        packhouse: &Packhouse,
        someone: &Caller,
        action: Action,
    ) -> Result<Outcome> {
        async fn of<K: Ask>(
            packhouse: &Packhouse,
            caller: &Caller,
            action: Action,
            names: &K,
        ) -> Result<Rule> {
            Work::new(packhouse).rule(caller, action, names).await
        }
        Outcome::of(match self.thing {
            Thing::Subject(subject) => of(packhouse, someone, action, subject).await,
            Thing::Repository(repo) => of(packhouse, someone, action, repo).await,
            Thing::Package(package) => of(packhouse, someone, action, package).await,
            Thing::Version(version) => of(packhouse, someone, action, version).await,
            Thing::File(_) | Thing::PathOf(..) => match &self.file {
                Some(file) if action == Action::Read => {
                    let permit = downloads::find(packhouse, someone, &file.location()).await;
                    permit.map(|permit| permit.rule().clone())
                }
                Some(file) => of(packhouse, someone, action, &file.location()).await,
                None => return self.asked_of_path(packhouse, someone, action).await,
            },
        })
    }

    /// The same of a path where no file is.
    async fn asked_of_path(
        &self,
        packhouse: &Packhouse,
        someone: &Caller,
        action: Action,
    ) -> Result<Outcome> {
        let reach = Reach::of(packhouse, someone, &self.subject.name).await?;
        let Some(repo) = self.repo.clone() else {
            return Ok(Outcome::Refused(Verdict::Hidden, None));
        };
        let repo = reach.within(repo);
        let version = self.thing.version();
        let part = Part {
            products: self.package.as_ref().map_or(BTreeSet::new(), |it| it.products.clone()),
            package: version.map(|version| version.package.package.clone()),
            version: version.map(|version| version.version.clone()),
            path: self.thing.file().map(|file| file.path),
        };
        let outcome = Outcome::from(repo.decide(action, &part));
        let makes = action == Action::Write && version.is_some() && !self.has_version;
        if let (Outcome::Allowed(_), true) = (&outcome, makes) {
            let whole = Part { path: None, ..part };
            if let Decision::Denied(_) = repo.decide(action, &whole) {
                let because = "the version is not there, and a right to some paths alone makes none: \
                               it is made by who may write to the package";
                return Ok(Outcome::Refused(Verdict::Forbidden, Some(because.to_owned())));
            }
        }
        Ok(outcome)
    }

    /// What else there is to say where it is allowed.
    pub(super) fn remark(&self, action: Action) -> Option<String> {
        let is_of = |file: &File| {
            self.thing.version().is_none_or(|version| file.version_path() == *version)
        };
        match &self.file {
            None if self.thing.file().is_some() => Some("; no file is there yet".to_owned()),
            Some(file) if !is_of(file) => Some(format!(
                "; but the file at this path is of the version '{}' of the package '{}'",
                file.version, file.package
            )),
            Some(file) if action == Action::Write && file.published.is_some() => {
                Some("; a published file is there, which only an overwrite replaces".to_owned())
            }
            _ => None,
        }
    }
}
