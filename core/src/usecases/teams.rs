//! Teams of users and of organizations: make, show, list, change and delete.
//!
//! A team and what its members are to the subject say the same, and are changed in one commit. That
//! its members may make repositories is a grant over the subject; a team that made one has the
//! `admin` permission in it, which is how its members change it.

use std::collections::{BTreeMap, BTreeSet};

use super::subjects::{self, KnownAs};
use super::{members, permissions, texts};
use crate::access::policy::Rule;
use crate::access::{Caller, Changes, Permit, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use crate::model::memberships::Membership;
use crate::model::subjects::{Plan, Subject, SubjectKind};
use crate::model::teams::{Permission, Team};
use crate::model::{Form, Stored, SubjectId, TeamId};
use crate::names::{RepoName, SubjectName, TeamName};
use crate::store::{Change, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// The most teams of a subject: what a member may do is read of each that it is in.
const MOST: usize = 200;
/// The most members of a team.
const MOST_MEMBERS: usize = 2_000;

/// What is said about a team; what is `None` is left alone, or as it is by default in a new one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TeamChange {
    /// Its members: users, and for an organization's team members of it.
    pub members: Option<Vec<SubjectName>>,
    /// Whether members may make repositories.
    pub allow_repo_creation: Option<bool>,
    /// The business unit of repositories that members make; empty clears it.
    pub business_unit: Option<String>,
}

/// A team as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamView {
    /// The team.
    pub team: Team,
    /// What it may do in repositories of its subject.
    pub permissions: BTreeMap<RepoName, Permission>,
}

/// The teams of a subject, by name, for those who administer it.
///
/// Implements the Bintray REST API, "Get Teams".
///
/// # Errors
/// As [`check`], of the plan only where there is none.
pub async fn list(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<Vec<TeamName>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<act::ManageMembers, _>(caller, &of.name).await?;
    let subject = &permit.place().subject;
    let teams = all_of(&Work::new(packhouse), subject).await?;
    let names = teams.into_iter().map(|team| team.name).collect();
    subjects::listable(names, subjects::require_premium(subject))
}

/// Whether the caller may make teams of a subject: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] also for a subject of the other kind; [`ErrorKind::Forbidden`] for those
/// who do not administer it; [`ErrorKind::Invalid`] for a subject of the oss plan.
pub async fn check(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<()> {
    permit(packhouse, caller, of).await.map(drop)
}

async fn permit(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Permit<act::ManageMembers, SubjectPlace>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<act::ManageMembers, _>(caller, &of.name).await?;
    subjects::require_premium(&permit.place().subject)?;
    Ok(permit)
}

/// A team, for those who administer its subject. To everyone else it is not there.
///
/// Implements the Bintray REST API, "Get Team".
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Invalid`] for a subject of the oss plan.
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &TeamName,
) -> Result<TeamView> {
    of.require(packhouse, caller).await?;
    let work = Work::new(packhouse);
    let permit = work.permit::<act::ManageMembers, _>(caller, &of.name).await;
    let permit = permit.map_err(|error| hidden(error, name))?;
    let subject = &permit.place().subject;
    let team = require(&work, subject, name).await?;
    subjects::require_premium(subject)?;
    view(&work, subject, team).await
}

/// Makes a team.
///
/// Implements the Bintray REST API, "Create Team".
///
/// # Errors
/// As [`check`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for members who are none, and for
/// a business unit of a team that has none.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &TeamName,
    change: &TeamChange,
) -> Result<TeamView> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::ManageMembers, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            subjects::require_premium(subject)?;
            if work.exists(Team::key_of(&subject.name, name)).await? {
                let message = format!("Team '{name}' already exists");
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            let held = Query::within(Team::range_of(&subject.name)).limit(MOST).keys();
            if work.keys(&held).await?.len() >= MOST {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("There are {MOST} teams, and no more are possible: delete one first"),
                ));
            }
            let team = new_team(&work, subject, name);
            let team = apply(&work, &permit, team, change).await?;
            Ok(TeamView { team, permissions: BTreeMap::new() })
        })
        .await
}

/// Changes a team.
///
/// Implements the Bintray REST API, "Update Team".
///
/// # Errors
/// As [`show`] and [`create`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &TeamName,
    change: &TeamChange,
) -> Result<TeamView> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::ManageMembers, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            let team = require(&work, subject, name).await?;
            subjects::require_premium(subject)?;
            let team = apply(&work, &permit, team, change).await?;
            view(&work, subject, team).await
        })
        .await
        .map_err(|error| hidden(error, name))
}

/// Deletes a team with everything that was granted to it, whatever the plan.
///
/// Implements the Bintray REST API, "Delete Team".
///
/// # Errors
/// [`ErrorKind::NotFound`] also for those who do not administer the subject.
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &TeamName,
) -> Result<()> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::ManageMembers, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            let mut team = require(&work, subject, name).await?;
            set_members(&work, &permit, &mut team, &[]).await?;
            work.change(&permit, removal_of_grants(team.id));
            work.delete(&permit, team.key());
            Ok(())
        })
        .await
        .map_err(|error| hidden(error, name))
}

/// What a team's name is to those who may not know of it.
fn hidden(error: Error, name: &TeamName) -> Error {
    match error.kind() {
        ErrorKind::Forbidden => Error::not_found(Noun::Team, name),
        _ => error,
    }
}

/// The change that removes everything that was granted to a team.
pub(super) fn removal_of_grants(team: TeamId) -> Change {
    Change::DeleteWithin(GrantSet::range_of(Grantee::Team(team)))
}

/// The team of this name.
pub(super) async fn require(work: &Work, subject: &Subject, name: &TeamName) -> Result<Team> {
    let found = work.find::<Team>(Team::key_of(&subject.name, name)).await?;
    found
        .filter(|team| team.subject_id == subject.id)
        .ok_or_else(|| Error::not_found(Noun::Team, name))
}

/// The teams of a subject, by name.
pub(super) async fn all_of(work: &Work, subject: &Subject) -> Result<Vec<Team>> {
    let teams = work.list::<Team>(&Query::within(Team::range_of(&subject.name))).await?;
    Ok(teams.into_iter().filter(|team| team.subject_id == subject.id).collect())
}

async fn view(work: &Work, subject: &Subject, mut team: Team) -> Result<TeamView> {
    // Said under another plan, it is kept and not in force.
    team.business_unit = team.business_unit.filter(|_| subject.plan == Plan::Enterprise);
    let permissions = permissions::of_team(work, &team).await?;
    Ok(TeamView { team, permissions })
}

fn new_team(work: &Work, subject: &Subject, name: &TeamName) -> Team {
    Team {
        form: Form,
        id: TeamId::from_bytes(work.random_bytes()),
        subject: subject.name.clone(),
        subject_id: subject.id,
        name: name.clone(),
        members: BTreeMap::new(),
        allow_repo_creation: false,
        business_unit: None,
        created: work.now(),
    }
}

/// Plans what is said about a team.
async fn apply(
    work: &Work,
    permit: &Permit<act::ManageMembers, SubjectPlace>,
    mut team: Team,
    change: &TeamChange,
) -> Result<Team> {
    let subject = &permit.place().subject;
    if let Some(allow) = change.allow_repo_creation {
        team.allow_repo_creation = allow;
        // Without it there is nothing that the unit would be of.
        team.business_unit = team.business_unit.filter(|_| allow);
    }
    if let Some(unit) = &change.business_unit {
        team.business_unit = business_unit(subject, &team, unit)?;
    }
    if let Some(names) = &change.members {
        let users = members_of(work, subject, names).await?;
        set_members(work, permit, &mut team, &users).await?;
    }
    set_creation(work, permit, &team);
    work.put(permit, &team);
    Ok(team)
}

fn business_unit(subject: &Subject, team: &Team, unit: &str) -> Result<Option<String>> {
    if unit.is_empty() {
        return Ok(None);
    }
    texts::check("business_unit", Some(unit))?;
    if subject.plan != Plan::Enterprise {
        let message = "business_unit is only for subjects of the enterprise plan: leave it out";
        return Err(Error::invalid(message));
    }
    if !team.allow_repo_creation {
        let message = "business_unit is only for teams that may make repositories: set \
                       allow_repo_creation too, or leave it out";
        return Err(Error::invalid(message));
    }
    Ok(Some(unit.to_owned()))
}

/// The users of these names, if they may be in a team of the subject.
async fn members_of(work: &Work, subject: &Subject, names: &[SubjectName]) -> Result<Vec<Subject>> {
    let names: BTreeSet<&SubjectName> = names.iter().collect();
    if names.len() > MOST_MEMBERS {
        let message = format!("members has over {MOST_MEMBERS} names: make several teams");
        return Err(Error::invalid(message));
    }
    let keys = names.iter().map(|name| Subject::key_of(name)).collect();
    let found: Vec<Option<Subject>> = work.find_all(keys).await?;
    let mut users = Vec::with_capacity(names.len());
    for (name, found) in names.into_iter().zip(found) {
        let user = found.filter(|it| it.name == *name && it.kind == SubjectKind::User);
        users.push(user.ok_or_else(|| Error::invalid(format!("members: '{name}' is no user")))?);
    }
    if subject.kind == SubjectKind::Organization {
        let keys = users.iter().map(|user| Membership::key_of(&subject.name, user.id)).collect();
        let held: Vec<Option<Membership>> = work.find_all(keys).await?;
        let is_member = |held: &Membership| held.subject_id == subject.id && held.role.is_some();
        for (user, held) in users.iter().zip(held) {
            if !held.is_some_and(|held| is_member(&held)) {
                return Err(Error::invalid(format!(
                    "members: '{}' is no member of the organization '{}': add it first",
                    user.name, subject.name
                )));
            }
        }
    }
    Ok(users)
}

/// Plans that a team has these members: its own list, and what each is to the subject.
async fn set_members(
    work: &Work,
    permit: &Permit<act::ManageMembers, SubjectPlace>,
    team: &mut Team,
    users: &[Subject],
) -> Result<()> {
    let subject = &permit.place().subject;
    let wanted: BTreeMap<SubjectId, SubjectName> =
        users.iter().map(|user| (user.id, user.name.clone())).collect();
    for user in users.iter().filter(|user| !team.members.contains_key(&user.id)) {
        let held = members::of_user(work, subject, user.id).await?;
        let mut held = held.unwrap_or_else(|| members::newcomer(work, permit, subject, user));
        held.teams.insert(team.id);
        work.put(permit, &held);
    }
    for user in team.members.keys().filter(|user| !wanted.contains_key(user)) {
        let Some(mut held) = members::of_user(work, subject, *user).await? else { continue };
        held.teams.remove(&team.id);
        if held.role.is_none() && held.teams.is_empty() {
            work.delete(permit, held.key());
        } else {
            work.put(permit, &held);
        }
    }
    team.members = wanted;
    Ok(())
}

/// Plans the grant of making repositories, or its removal.
fn set_creation<A: Changes, P>(work: &Work, permit: &Permit<A, P>, team: &Team) {
    let grantee = Grantee::Team(team.id);
    if !team.allow_repo_creation {
        work.delete(permit, GrantSet::key_on_subject(grantee, &team.subject));
        return;
    }
    let grant = Grant {
        id: format!("team:{}:create_repo", team.name),
        actions: vec![Action::CreateRepo],
        scope: Scope::Anchor,
        not_after: None,
    };
    let anchor = Anchor::Subject(team.subject.clone(), team.subject_id);
    work.put(permit, &GrantSet { form: Form, grantee, anchor, grants: vec![grant] });
}

/// Plans that a user who is no member any more is in none of the subject's teams.
pub(super) async fn take_out<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    membership: &Membership,
) -> Result<()> {
    if membership.teams.is_empty() {
        return Ok(());
    }
    let teams = work.list::<Team>(&Query::within(Team::range_of(&membership.subject))).await?;
    for mut team in teams.into_iter().filter(|team| membership.teams.contains(&team.id)) {
        team.members.remove(&membership.user);
        work.put(permit, &team);
    }
    Ok(())
}

/// The team by which the caller may make a repository, if it is by none of its own rights: the first
/// of them by name.
pub(super) async fn maker_of_repo(
    work: &Work,
    permit: &Permit<act::CreateRepo, SubjectPlace>,
) -> Result<Option<Team>> {
    let (Rule::Grant(_), Some(user)) = (permit.rule(), permit.caller().user_id()) else {
        return Ok(None);
    };
    let subject = &permit.place().subject;
    let Some(held) = members::of_user(work, subject, user).await? else { return Ok(None) };
    if held.teams.is_empty() {
        return Ok(None);
    }
    let teams = all_of(work, subject).await?;
    let makes = |team: &Team| team.allow_repo_creation && held.teams.contains(&team.id);
    Ok(teams.into_iter().find(makes))
}
