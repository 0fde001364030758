//! What teams may do in a repository: a grant each.

use std::collections::BTreeMap;

use super::{subjects, teams};
use crate::access::{Caller, Changes, Permit, RepoPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::Form;
use crate::model::grants::{Anchor, Grant, GrantSet, Grantee, Scope};
use crate::model::repositories::Repository;
use crate::model::teams::{Permission, Team};
use crate::names::{RepoName, RepoPath, TeamName};
use crate::store::Query;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// What each team may do in a repository, by the teams' names.
///
/// Implements the Bintray REST API, "Get Permissions".
///
/// # Errors
/// As [`check`], of the plan only where there is none.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
) -> Result<Vec<(TeamName, Permission)>> {
    let work = Work::new(packhouse);
    let permit = work.permit::<act::Manage, _>(caller, path).await?;
    let place = permit.place();
    let teams = teams::all_of(&work, &place.subject).await?;
    let keys = teams.iter().map(|team| key_of(team, path)).collect();
    let sets: Vec<Option<GrantSet>> = work.find_all(keys).await?;
    let said = teams.into_iter().zip(sets);
    let said = said.filter_map(|(team, set)| Some((team.name, said_in(&set?, &place.repo)?)));
    subjects::listable(said.collect(), subjects::require_premium(&place.subject))
}

/// Whether the caller may give permissions in a repository: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for those who may not grant rights over it;
/// [`ErrorKind::Invalid`] for a subject of the oss plan.
pub async fn check(packhouse: &Packhouse, caller: &Caller, path: &RepoPath) -> Result<()> {
    let permit = packhouse.permit::<act::Manage, _>(caller, path).await?;
    subjects::require_premium(&permit.place().subject)
}

/// What a team may do in a repository.
///
/// Implements the Bintray REST API, "Get Permission of a Team".
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`] for a team that is not there, or that may do nothing.
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    team: &TeamName,
) -> Result<Permission> {
    let work = Work::new(packhouse);
    let permit = work.permit::<act::Manage, _>(caller, path).await?;
    let place = permit.place();
    subjects::require_premium(&place.subject)?;
    held(&work, place, team).await.map(|(_, permission)| permission)
}

/// A team, and what it may do in a repository.
async fn held(work: &Work, place: &RepoPlace, name: &TeamName) -> Result<(Team, Permission)> {
    let path = place.repo.path();
    let team = teams::require(work, &place.subject, name).await?;
    let set = work.find::<GrantSet>(key_of(&team, &path)).await?;
    let permission = set.and_then(|set| said_in(&set, &place.repo));
    let permission = permission.ok_or_else(|| none(name, &path))?;
    Ok((team, permission))
}

/// Gives a team a permission in a repository, in place of the one that it had.
///
/// Implements the Bintray REST API, "Set Permission".
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`] for a team that is not there.
pub async fn set(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    team: &TeamName,
    permission: Permission,
) -> Result<()> {
    packhouse
        .change::<act::Manage, _, _, _, _>(caller, path, |permit, work| async move {
            let place = permit.place();
            subjects::require_premium(&place.subject)?;
            let team = teams::require(&work, &place.subject, team).await?;
            give(&work, &permit, &team, &place.repo, permission);
            Ok(())
        })
        .await
}

/// Takes a team's permission in a repository away, whatever the plan.
///
/// Implements the Bintray REST API, "Delete Permission".
///
/// # Errors
/// As [`show`]; [`ErrorKind::Invalid`] for a subject of the oss plan only where there is none.
pub async fn remove(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    team: &TeamName,
) -> Result<()> {
    packhouse
        .change::<act::Manage, _, _, _, _>(caller, path, |permit, work| async move {
            let place = permit.place();
            let premium = subjects::require_premium(&place.subject);
            let held = held(&work, place, team).await;
            let (found, _) = subjects::removable(held, premium)?;
            work.delete(&permit, key_of(&found, path));
            Ok(())
        })
        .await
}

/// Plans the grant of a permission.
pub(super) fn give<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    team: &Team,
    repo: &Repository,
    permission: Permission,
) {
    let grant = Grant {
        id: format!("team:{}:{}", team.name, permission.as_str()),
        actions: permission.actions().to_vec(),
        scope: Scope::Anchor,
        not_after: None,
    };
    let anchor = Anchor::Repository(repo.subject.clone(), repo.name.clone(), repo.id);
    let grantee = Grantee::Team(team.id);
    work.put(permit, &GrantSet { form: Form, grantee, anchor, grants: vec![grant] });
}

/// Plans that no team has a permission in a repository that is gone.
pub(super) async fn forget_repo<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    path: &RepoPath,
) -> Result<()> {
    for team in work.list::<Team>(&Query::within(Team::range_of(&path.subject))).await? {
        work.delete(permit, key_of(&team, path));
    }
    Ok(())
}

/// What a team may do in the repositories of its subject.
pub(super) async fn of_team(work: &Work, team: &Team) -> Result<BTreeMap<RepoName, Permission>> {
    let range = GrantSet::range_on_subject(Grantee::Team(team.id), &team.subject);
    let sets: Vec<GrantSet> = work.list(&Query::within(range)).await?;
    let of_repos = sets.into_iter().filter_map(|set| match &set.anchor {
        Anchor::Repository(subject, repo, _) => {
            Some((RepoPath { subject: subject.clone(), repo: repo.clone() }, set))
        }
        Anchor::Platform | Anchor::Subject(..) => None,
    });
    let of_repos: Vec<(RepoPath, GrantSet)> = of_repos.collect();
    let keys = of_repos.iter().map(|(path, _)| Repository::key_of(path)).collect();
    let repos: Vec<Option<Repository>> = work.find_all(keys).await?;
    let said = of_repos.into_iter().zip(repos);
    Ok(said
        .filter_map(|((_, set), repo)| {
            let repo = repo?;
            let permission = said_in(&set, &repo)?;
            Some((repo.name, permission))
        })
        .collect())
}

fn key_of(team: &Team, path: &RepoPath) -> crate::store::Key {
    GrantSet::key_on_repo(Grantee::Team(team.id), path)
}

/// The permission that a set stands for, if it is still of this repository.
fn said_in(set: &GrantSet, repo: &Repository) -> Option<Permission> {
    let of_this = matches!(&set.anchor, Anchor::Repository(_, _, id) if *id == repo.id);
    let mut grants = set.grants.iter().filter(|_| of_this);
    grants.find_map(|grant| Permission::of(&grant.actions))
}

fn none(team: &TeamName, path: &RepoPath) -> Error {
    let message = format!("Team '{team}' has no permission in the repo '{}'", path.repo);
    Error::new(ErrorKind::NotFound(Noun::Team), message)
}
