//! What a caller is to a subject and to a repository: which records say so, and what they say
//! together. Read as points, in two rounds at the most.

use std::collections::BTreeSet;

use super::permit::Asker;
use super::policy::Standing;
use super::{Caller, Identity};
use crate::engine::Packhouse;
use crate::model::TeamId;
use crate::model::grants::{Action, Anchor, Grant, GrantSet, Grantee};
use crate::model::memberships::Membership;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::names::{FilePath, RepoPath, SubjectName};
use crate::store::Key;
use crate::work::{Read, Work};
use crate::{Error, Result};

impl Asker<'_> {
    /// The keys of what says what the caller is to the platform, a subject and a repository, as far
    /// as named. What is read of them goes to [`Asker::standing`].
    pub(super) fn standing_keys(
        &self,
        subject: Option<&SubjectName>,
        repo: Option<&RepoPath>,
    ) -> Vec<Key> {
        let identity = self.caller.identity();
        let grantee = match identity {
            Identity::User { id, .. } => Grantee::User(*id),
            Identity::AccessKey { id, .. } => Grantee::AccessKey(*id),
            Identity::Anonymous | Identity::SignedUrl(_) | Identity::System(_) => {
                return Vec::new();
            }
        };
        let mut keys = Vec::new();
        // Nothing over the platform is ever granted to an access key.
        if matches!(grantee, Grantee::User(_) | Grantee::Team(_)) {
            keys.push(GrantSet::key_on_platform(grantee));
        }
        keys.extend(subject.map(|subject| GrantSet::key_on_subject(grantee, subject)));
        keys.extend(repo.map(|repo| GrantSet::key_on_repo(grantee, repo)));
        // The last one: it is of another kind.
        keys.extend(membership_key(identity, subject));
        keys
    }

    /// What the caller is. `read` is what was read of [`Asker::standing_keys`] and no more. What is
    /// granted on other paths than the one that it is about, if it is about one, is left out.
    pub(super) async fn standing(
        &self,
        work: &Work,
        mut read: Read,
        subject: Option<&Subject>,
        repo: Option<&Repository>,
        about: Option<&FilePath>,
    ) -> Result<Standing> {
        let identity = self.caller.identity();
        if let Identity::SignedUrl(signed) = identity {
            let is_for = repo.is_some_and(|repo| repo.id == signed.repository);
            let grants = is_for.then(|| signed.grant.clone()).into_iter().collect();
            return Ok(Standing { role: None, grants });
        }
        let membership = match membership_key(identity, subject.map(|subject| &subject.name)) {
            Some(_) => read.take_last::<Membership>()?,
            None => None,
        };
        let mut standing = Standing { role: None, grants: grants_on(read, subject, repo, about)? };
        let is_of = |membership: &Membership| {
            subject.is_some_and(|subject| subject.id == membership.subject_id)
        };
        if let (Some(membership), Some(subject)) = (membership.filter(is_of), subject) {
            standing.role = membership.role;
            let path = repo.map(Repository::path);
            let keys = team_keys(membership.teams, &subject.name, path.as_ref());
            let read = work.rest_on(&keys).await?;
            standing.grants.extend(grants_on(read, Some(subject), repo, about)?);
        }
        Ok(standing)
    }
}

fn membership_key(identity: &Identity, subject: Option<&SubjectName>) -> Option<Key> {
    match identity {
        Identity::User { id, .. } => subject.map(|subject| Membership::key_of(subject, *id)),
        _ => None,
    }
}

fn team_keys(teams: BTreeSet<TeamId>, subject: &SubjectName, repo: Option<&RepoPath>) -> Vec<Key> {
    let keys = teams.into_iter().map(Grantee::Team).flat_map(|team| {
        let on_repo = repo.map(|repo| GrantSet::key_on_repo(team, repo));
        [Some(GrantSet::key_on_subject(team, subject)), on_repo]
    });
    keys.flatten().collect()
}

/// A grant with whom it was given to and where, for explanations.
pub(crate) struct Granted {
    pub(crate) grantee: Grantee,
    pub(crate) anchor: Anchor,
    pub(crate) grant: Grant,
}

/// The grants that a caller's standing may rest on, the policy's to judge.
pub(crate) async fn granted(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    repo: Option<&RepoPath>,
) -> Result<Vec<Granted>> {
    let (asker, work) = (Asker { caller, action: Action::Read }, Work::new(packhouse));
    let mut read = work.rest_on(&asker.standing_keys(Some(subject), repo)).await?;
    let membership = match membership_key(caller.identity(), Some(subject)) {
        Some(_) => read.take_last::<Membership>()?,
        None => None,
    };
    let mut sets = read.take_all::<GrantSet>()?;
    if let Some(membership) = membership {
        let keys = team_keys(membership.teams, subject, repo);
        sets.extend(work.rest_on(&keys).await?.take_all::<GrantSet>()?);
    }
    let all = sets.into_iter().flat_map(|GrantSet { grantee, anchor, grants, .. }| {
        grants.into_iter().map(move |grant| Granted { grantee, anchor: anchor.clone(), grant })
    });
    Ok(all.collect())
}

/// The grants among the sets that were read whose anchors are still the same things.
fn grants_on(
    mut read: Read,
    subject: Option<&Subject>,
    repo: Option<&Repository>,
    about: Option<&FilePath>,
) -> Result<Vec<Grant>> {
    let anchored = |set: &GrantSet| match &set.anchor {
        Anchor::Platform => true,
        Anchor::Subject(_, id) => subject.is_some_and(|subject| subject.id == *id),
        Anchor::Repository(_, _, id) => repo.is_some_and(|repo| repo.id == *id),
    };
    let mut grants = Vec::new();
    for record in read.take_records() {
        let set = record.decoded::<GrantSet>().map_err(Error::corrupt)?;
        if anchored(&set) {
            grants.extend(set.grants.iter().filter(|grant| grant.is_about(about)).cloned());
        }
    }
    Ok(grants)
}
