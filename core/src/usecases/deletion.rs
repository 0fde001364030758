//! Large deletions: what is deleted is hidden in one commit, then removed piece by piece.
//!
//! The request that began a deletion goes on to finish it; when it is interrupted or anything
//! fails, a job does, and the request is a success all the same: the first commit decided it. Until
//! the last of it is gone a mark keeps the name from being used again, so that nothing new inherits
//! what is left.

use std::fmt;

use super::{entitlements, files, permissions, teams};
use crate::access::{Changes, Permit};
use crate::engine::Packhouse;
use crate::jobs::{self, Janitor};
use crate::model::Stored;
use crate::model::access_keys::AccessKey;
use crate::model::entitlements::Entitlement;
use crate::model::eulas::{EulaText, Eulas, SignedEula};
use crate::model::files::{File, UsedBytes};
use crate::model::followers::Follower;
use crate::model::gpg_keys::GpgKeys;
use crate::model::grants::{GrantSet, Grantee};
use crate::model::jobs::{Doomed, Job, Task};
use crate::model::licenses::CustomLicense;
use crate::model::memberships::Membership;
use crate::model::packages::{Package, Updated};
use crate::model::products::{Product, ProductTomb};
use crate::model::repositories::{Closing, Repository, Tomb};
use crate::model::teams::Team;
use crate::model::url_keys::UrlKey;
use crate::model::versions::Version;
use crate::names::{RepoPath, SubjectName};
use crate::store::{Change, Filter, KeyRange, Kind, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// How many files are removed in one commit.
const BATCH: usize = 1_000;

/// A deletion that was begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Deletion {
    pub(crate) job: String,
    pub(crate) doomed: Doomed,
}

/// What is said of a name that cannot be used yet.
pub(super) fn still_going(noun: &str, name: impl fmt::Display) -> Error {
    let message = format!("The {noun} '{name}' is still being deleted; try again");
    Error::new(ErrorKind::Conflict, message)
}

/// Plans the job that finishes a deletion if its request does not.
pub(super) fn begin<A: Changes, P>(work: &Work, permit: &Permit<A, P>, doomed: Doomed) -> Deletion {
    let task = Task::FinishDeletion(doomed.clone());
    let job = jobs::left_to_request(work, task);
    work.put(permit, &job);
    Deletion { job: job.id, doomed }
}

/// Finishes a deletion in the request that began it, or leaves it to its job.
pub(super) async fn carry_out(packhouse: &Packhouse, deletion: &Deletion) {
    jobs::work_off(packhouse, &deletion.job, finish(packhouse, deletion)).await;
}

/// Removes what is left of a deletion, and its job. Safe to repeat.
pub(crate) async fn finish(packhouse: &Packhouse, deletion: &Deletion) -> Result<()> {
    jobs::piece_by_piece(packhouse, |permit, work| async move {
        remove_some(&work, &permit, deletion).await
    })
    .await
}

/// Plans the removal of some of it; true if that is the last.
async fn remove_some(work: &Work, permit: &Janitor, deletion: &Deletion) -> Result<bool> {
    let doomed = &deletion.doomed;
    if !is_marked(work, doomed).await? {
        work.delete(permit, Job::key_of(&deletion.job));
        return Ok(true);
    }
    let Some(repo) = next_repo(work, doomed).await? else {
        if !remove_keys(work, permit, &doomed.subject).await? {
            return Ok(false);
        }
        if !remove_beside(work, permit, &doomed.subject).await? {
            return Ok(false);
        }
        work.delete(permit, Tomb::key_of_subject(&doomed.subject));
        work.delete(permit, Job::key_of(&deletion.job));
        return Ok(true);
    };
    let query = Query::within(File::range_of(&repo)).filter(files_of(doomed)).limit(BATCH);
    let files: Vec<File> = work.list(&query).await?;
    let blobs: Vec<_> = files.iter().flat_map(|file| files::remove(work, permit, file)).collect();
    if !blobs.is_empty() {
        jobs::condemn(work, permit, blobs);
    }
    let left = remove_frame(work, permit, doomed, &repo, BATCH - files.len()).await?;
    let range = range_of(Entitlement::KIND, doomed, &repo);
    if left == 0 || !entitlements::remove_within(work, permit, range, left).await? {
        return Ok(false);
    }
    remove_mark(work, permit, doomed, &repo).await?;
    // Of a whole subject this was one repository; the next turn sees whether there are more.
    if doomed.repo.is_some() {
        work.delete(permit, Job::key_of(&deletion.job));
    }
    Ok(doomed.repo.is_some())
}

/// Whether the mark that began the deletion still stands. Another run may have finished, or the
/// deletion of what is around it, and the name may be in use again: then nothing is to be removed.
async fn is_marked(work: &Work, doomed: &Doomed) -> Result<bool> {
    let subject = doomed.subject.clone();
    let Some(repo) = doomed.repo.clone() else {
        return work.exists(Tomb::key_of_subject(&subject)).await;
    };
    let path = RepoPath { subject, repo };
    let Some(package) = doomed.package.clone() else {
        return work.exists(Tomb::key_of_repo(&path)).await;
    };
    let closing = Closing { package, version: doomed.version.clone() };
    let repo = work.find_as_basis::<Repository>(Repository::key_of(&path)).await?;
    Ok(repo.is_some_and(|repo| repo.closing.contains(&closing)))
}

/// The repository to remove from: the one that is named, or the next of a whole subject.
async fn next_repo(work: &Work, doomed: &Doomed) -> Result<Option<RepoPath>> {
    let subject = doomed.subject.clone();
    if let Some(repo) = doomed.repo.clone() {
        return Ok(Some(RepoPath { subject, repo }));
    }
    let repos = Query::within(Repository::range_of(&subject)).limit(1);
    Ok(work.list::<Repository>(&repos).await?.first().map(Repository::path))
}

fn files_of(doomed: &Doomed) -> Filter {
    match (&doomed.package, &doomed.version) {
        (Some(package), Some(version)) => File::of_version(package, version),
        (Some(package), None) => File::of_package(package),
        _ => Filter::everything(),
    }
}

/// Plans the removal of what held the files together, at most so many records of it: packages,
/// versions, maxima and counters. Gives how many more there could have been.
async fn remove_frame(
    work: &Work,
    permit: &Janitor,
    doomed: &Doomed,
    repo: &RepoPath,
    most: usize,
) -> Result<usize> {
    let mut left = most;
    let [everyone, publishers] = Updated::ALL.map(Updated::kind);
    // Without a file left, the bytes of a repository that is deleted are none; those of one that
    // stays lie outside of the range.
    let counters = [UsedBytes::KIND, Version::ORDINALS, everyone, publishers];
    for kind in [Package::KIND, Version::KIND].into_iter().chain(counters) {
        let range = range_of(kind, doomed, repo);
        for key in work.keys(&Query::within(range).limit(left)).await? {
            work.delete(permit, key);
            left -= 1;
        }
    }
    Ok(left)
}

/// Where the records of a kind lie that go with it.
fn range_of(kind: Kind, doomed: &Doomed, repo: &RepoPath) -> KeyRange {
    let mut within = vec![repo.subject.folded(), repo.repo.folded()];
    within.extend(doomed.package.iter().map(ToString::to_string));
    within.extend(doomed.version.iter().map(ToString::to_string));
    KeyRange::within(kind, within.iter().map(String::as_str))
}

/// Plans the removal of the access keys of a subject with all that was granted to them, and of what
/// is left of its entitlements; true if none is left then.
async fn remove_keys(work: &Work, permit: &Janitor, subject: &SubjectName) -> Result<bool> {
    let keys = Query::within(AccessKey::range_of(subject)).limit(BATCH);
    let (keys, more_keys) = work.page::<AccessKey>(&keys).await?;
    for key in keys {
        let grants = GrantSet::range_of(Grantee::AccessKey(key.id));
        work.change(permit, Change::DeleteWithin(grants));
        work.delete(permit, key.key());
    }
    let said = Query::within(Entitlement::range_of_subject(subject)).limit(BATCH);
    let said = work.keys(&said).await?;
    let more_said = said.len() == BATCH;
    for key in said {
        work.delete(permit, key);
    }
    Ok(more_keys.is_none() && !more_said)
}

/// Plans the removal of what a subject has beside its repositories and keys; true if none is left
/// then.
async fn remove_beside(work: &Work, permit: &Janitor, subject: &SubjectName) -> Result<bool> {
    let mut left = BATCH;
    for kind in [
        Product::KIND,
        ProductTomb::KIND,
        Eulas::KIND,
        EulaText::KIND,
        SignedEula::KIND,
        CustomLicense::KIND,
        Membership::KIND,
        Follower::KIND,
        UrlKey::KIND,
        GpgKeys::KIND,
    ] {
        let range = KeyRange::within(kind, [subject.folded().as_str()]);
        for key in work.keys(&Query::within(range).limit(left)).await? {
            work.delete(permit, key);
            left -= 1;
        }
    }
    let followed = Query::within(Follower::range()).filter(Follower::is_of(subject));
    for key in work.keys(&followed.limit(left)).await? {
        work.delete(permit, key);
        left -= 1;
    }
    let held = Query::within(Team::range_of(subject)).limit(left);
    for team in work.list::<Team>(&held).await? {
        work.change(permit, teams::removal_of_grants(team.id));
        work.delete(permit, team.key());
        left -= 1;
    }
    Ok(left > 0)
}

/// Plans the removal of the mark, and of the repository if it is the repository that goes.
async fn remove_mark(
    work: &Work,
    permit: &Janitor,
    doomed: &Doomed,
    repo: &RepoPath,
) -> Result<()> {
    let Some(package) = doomed.package.clone() else {
        permissions::forget_repo(work, permit, repo).await?;
        work.delete(permit, Repository::key_of(repo));
        work.delete(permit, Tomb::key_of_repo(repo));
        return Ok(());
    };
    if let Some(mut marked) = work.find::<Repository>(Repository::key_of(repo)).await? {
        let closing = Closing { package, version: doomed.version.clone() };
        marked.closing.remove(&closing);
        work.put(permit, &marked);
    }
    Ok(())
}
