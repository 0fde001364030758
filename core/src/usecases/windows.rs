//! For how long after its publication something may still be changed.
//!
//! Subjects of the oss plan: files of a version may be added, replaced and deleted for as long as
//! [`crate::Limits::oss_change_window`] says. Others: members may upload to, change files of and
//! delete a version for the days that its repository's `version_update_max_days` says; who
//! administers the repository may at any time. What waits to replace something that is published is
//! published within the same windows.

use std::time::Duration;

use super::given::is_given;
use crate::access::{Caller, PackagePlace, act};
use crate::model::files::File;
use crate::model::repositories::Repository;
use crate::model::subjects::Plan;
use crate::model::versions::Version;
use crate::work::Work;
use crate::{Error, ErrorKind, Result, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The windows of a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    plan: Plan,
    repo: &'a Repository,
}

impl<'a> Window<'a> {
    pub(super) fn of(place: &'a PackagePlace) -> Self {
        Self { plan: place.subject.plan, repo: &place.repo }
    }

    pub(super) const fn new(plan: Plan, repo: &'a Repository) -> Self {
        Self { plan, repo }
    }

    /// Whether a version still takes uploads and deletions of files.
    pub(super) async fn check_version(
        self,
        work: &Work,
        caller: &Caller,
        version: &Version,
    ) -> Result<()> {
        let Some(published) = version.published else { return Ok(()) };
        if let Some(window) = self.for_everyone(work) {
            check(work, "Version", &version.name, published, window)?;
        }
        self.check_members(work, caller, version).await
    }

    /// Whether a version may still be deleted.
    pub(super) async fn check_members(
        self,
        work: &Work,
        caller: &Caller,
        version: &Version,
    ) -> Result<()> {
        let (Some(published), Some(window)) = (version.published, self.for_members()) else {
            return Ok(());
        };
        let checked = check(work, "Version", &version.name, published, window);
        if checked.is_err() && self.administers(work, caller).await? {
            return Ok(());
        }
        checked
    }

    /// The instant before which a publication is too long ago for this caller, if there is one.
    pub(super) async fn start_for_members(
        self,
        work: &Work,
        caller: &Caller,
    ) -> Result<Option<Timestamp>> {
        let Some(window) = self.for_members() else { return Ok(None) };
        let start = work.now().before(window);
        Ok(if self.administers(work, caller).await? { None } else { Some(start) })
    }

    /// Whether a published file may still be replaced or deleted.
    pub(super) fn check_file(self, work: &Work, file: &File) -> Result<()> {
        match (file.published, self.for_everyone(work)) {
            (Some(published), Some(window)) => check(work, "File", &file.path, published, window),
            _ => Ok(()),
        }
    }

    fn for_everyone(self, work: &Work) -> Option<Duration> {
        work.limits().oss_change_window.filter(|_| self.plan == Plan::Oss)
    }

    fn for_members(self) -> Option<Duration> {
        let days = self.repo.settings.version_update_max_days?;
        (self.plan == Plan::Enterprise).then(|| DAY * days)
    }

    async fn administers(self, work: &Work, caller: &Caller) -> Result<bool> {
        is_given(work.permit::<act::Administer, _>(caller, &self.repo.path()).await)
    }
}

/// What is said of something that was published before its window.
pub(super) fn too_late(noun: &str, name: impl std::fmt::Display, window: Duration) -> Error {
    let days = window.as_secs() / DAY.as_secs();
    let message = format!(
        "{noun} '{name}' was published more than {days} days ago and can no longer be changed"
    );
    Error::new(ErrorKind::Forbidden, message)
}

fn check(
    work: &Work,
    noun: &str,
    name: impl std::fmt::Display,
    published: Timestamp,
    window: Duration,
) -> Result<()> {
    if work.now().since(published) > window { Err(too_late(noun, name, window)) } else { Ok(()) }
}
