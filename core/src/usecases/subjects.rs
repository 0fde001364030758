//! Users and organizations as others see them.

use md5::{Digest, Md5};

use super::{Listed, Paging, followers, members, search, teams, users};
use crate::access::{Caller, Sight, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::files::UsedBytes;
use crate::model::memberships::{Membership, Role};
use crate::model::repositories::Repository;
use crate::model::subjects::{Subject, SubjectKind};
use crate::model::{Stored, SubjectId};
use crate::names::{RepoName, SubjectName, TeamName};
use crate::store::{Filter, KeyRange, Query, Start};
use crate::work::{Work, decode};
use crate::{Error, ErrorKind, Result, hex};

/// A subject as the caller names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KnownAs {
    /// Its name.
    pub name: SubjectName,
    /// What it is said to be. One of the other kind is not found.
    pub kind: SubjectKind,
}

impl KnownAs {
    /// The subject, if it is of the kind that it is said to be.
    pub(super) async fn require(&self, packhouse: &Packhouse, caller: &Caller) -> Result<Subject> {
        require_kind(packhouse, caller, &self.name, self.kind).await
    }
}

/// A user as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserView {
    /// The user. The address to write to is there for those only who may have it.
    pub user: Subject,
    /// The repositories that the caller may see.
    pub repos: Vec<RepoName>,
    /// The organizations that it is a member of.
    pub organizations: Vec<SubjectName>,
    /// Where its picture is at Gravatar, for those who may have the address that this tells of.
    pub gravatar_id: Option<String>,
    /// How many follow it.
    pub followers: u64,
    /// The bytes that it stores, for those who administer it.
    pub bytes: Option<u64>,
}

/// An organization as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationView {
    /// The organization. The address to write to is there for those only who administer it.
    pub organization: Subject,
    /// The repositories that the caller may see.
    pub repos: Vec<RepoName>,
    /// How many follow it.
    pub followers: u64,
    /// Its members, by name.
    pub members: Vec<(SubjectName, Role)>,
    /// What only those see who administer it.
    pub inside: Option<Inside>,
}

/// What is seen of an organization from inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inside {
    /// Its teams, if its plan has any.
    pub teams: Option<Vec<TeamName>>,
    /// The bytes that it stores.
    pub bytes: u64,
}

/// A user, for everyone who is signed in.
///
/// Implements the Bintray REST API, "Get User".
///
/// # Errors
/// [`ErrorKind::Unauthenticated`]; [`ErrorKind::NotFound`] also for an organization.
pub async fn user(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<UserView> {
    require_somebody(caller)?;
    let user = require_kind(packhouse, caller, name, SubjectKind::User).await?;
    let mut view = user_view(packhouse, caller, user).await?;
    if is_oneself(packhouse, caller, name).await? {
        view.bytes = Some(bytes_of(packhouse, name).await?);
    }
    Ok(view)
}

/// An organization, for everyone who is signed in.
///
/// Implements the Bintray REST API, "Get Organization".
///
/// # Errors
/// [`ErrorKind::Unauthenticated`]; [`ErrorKind::NotFound`] also for a user.
pub async fn organization(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<OrganizationView> {
    require_somebody(caller)?;
    let mut organization = require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    let administers = packhouse.permit::<act::Administer, _>(caller, name).await;
    let inside = if allowed(administers)? {
        Some(inside(packhouse, &organization).await?)
    } else {
        organization.email = None;
        None
    };
    Ok(OrganizationView {
        repos: repos_of(packhouse, caller, name).await?,
        followers: followers::count(packhouse, name).await?,
        members: members::all_of(&Work::new(packhouse), &organization).await?,
        organization,
        inside,
    })
}

async fn inside(packhouse: &Packhouse, organization: &Subject) -> Result<Inside> {
    let teams = if organization.plan.is_premium() {
        let teams = teams::all_of(&Work::new(packhouse), organization).await?;
        Some(teams.into_iter().map(|team| team.name).collect())
    } else {
        None
    };
    Ok(Inside { teams, bytes: bytes_of(packhouse, &organization.name).await? })
}

/// The users whose names hold a text, in any case of ASCII letters, by name: for everyone who is
/// signed in. What they store is not said.
///
/// Implements the Bintray REST API, "User Search".
///
/// # Errors
/// [`ErrorKind::Unauthenticated`]; [`ErrorKind::Invalid`] without a text.
pub async fn search(
    packhouse: &Packhouse,
    caller: &Caller,
    name: Option<&str>,
    paging: Paging,
) -> Result<Listed<UserView>> {
    require_somebody(caller)?;
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(Error::invalid("Nothing to search for: give name"));
    };
    let named = Filter::Like(Subject::NAME_TEXT, search::pattern(&format!("*{name}*"))?);
    let users = Filter::Is(Subject::KIND_FIELD, SubjectKind::User.term());
    let query = Query::within(KeyRange::within(Subject::KIND, []));
    let query = query.filter(Filter::All(vec![users, named]));
    let found: Listed<Subject> = packhouse.list(query, paging).await?;
    found.complete(async |user| user_view(packhouse, caller, user).await.map(Some)).await
}

async fn user_view(packhouse: &Packhouse, caller: &Caller, mut user: Subject) -> Result<UserView> {
    if !is_oneself(packhouse, caller, &user.name).await? {
        user.email = None;
    }
    Ok(UserView {
        repos: repos_of(packhouse, caller, &user.name).await?,
        organizations: organizations_of(packhouse, user.id).await?,
        gravatar_id: user.email.as_deref().map(gravatar_id),
        followers: followers::count(packhouse, &user.name).await?,
        bytes: None,
        user,
    })
}

/// The MD5 of an address as Gravatar writes it.
fn gravatar_id(email: &str) -> String {
    hex::encode(&Md5::digest(email.trim().to_lowercase().as_bytes()))
}

/// Whether the caller is the user, or an admin of the platform.
async fn is_oneself(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<bool> {
    allowed(users::show(packhouse, caller, name).await)
}

fn allowed<T>(asked: Result<T>) -> Result<bool> {
    match asked {
        Ok(_) => Ok(true),
        Err(error) if *error.kind() == ErrorKind::Forbidden => Ok(false),
        Err(error) => Err(error),
    }
}

async fn repos_of(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<Vec<RepoName>> {
    let sight = Sight::of(packhouse, caller, Some(name)).await?;
    let query = Query::within(Repository::range_of(name)).filter(sight.repositories());
    let repos = all::<Repository>(packhouse, query).await?;
    Ok(repos.into_iter().map(|repo| repo.name).collect())
}

/// The organizations that a user is a member of, by name.
async fn organizations_of(packhouse: &Packhouse, user: SubjectId) -> Result<Vec<SubjectName>> {
    let query = Query::within(Membership::range()).filter(Membership::is_of(user));
    let mut held = all::<Membership>(packhouse, query).await?;
    held.retain(|held| held.role.is_some());
    let keys = held.iter().map(|held| Subject::key_of(&held.subject)).collect();
    let subjects: Vec<Option<Subject>> = Work::new(packhouse).find_all(keys).await?;
    // One that is being deleted is hidden before what is in it is gone.
    let there = held.into_iter().zip(subjects);
    let there = there.filter(|(held, subject)| {
        subject.as_ref().is_some_and(|subject| subject.id == held.subject_id)
    });
    Ok(there.map(|(held, _)| held.subject).collect())
}

/// The bytes that a subject stores, what waits to replace others among them.
async fn bytes_of(packhouse: &Packhouse, name: &SubjectName) -> Result<u64> {
    let mut query = Query::within(UsedBytes::range_of(name));
    let mut bytes = 0u64;
    loop {
        let mut page = packhouse.select(&query).await?;
        let next = page.next.take();
        for counter in page.into_records() {
            bytes = bytes.saturating_add(u64::try_from(counter.counter()).unwrap_or(0));
        }
        let Some(next) = next else { return Ok(bytes) };
        query = query.start(Start::After(next));
    }
}

/// Every record that a query selects.
async fn all<T: Stored>(packhouse: &Packhouse, mut query: Query) -> Result<Vec<T>> {
    let mut found = Vec::new();
    loop {
        let mut page = packhouse.select(&query).await?;
        let next = page.next.take();
        for record in page.into_records() {
            found.push(decode(&record)?);
        }
        let Some(next) = next else { return Ok(found) };
        query = query.start(Start::After(next));
    }
}

/// Refuses those who are nobody in particular.
pub(super) fn require_somebody(caller: &Caller) -> Result<()> {
    if caller.is_anonymous() { Err(Error::unauthenticated()) } else { Ok(()) }
}

/// The subject of this name, if it is of this kind.
pub(super) async fn require_kind(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    kind: SubjectKind,
) -> Result<Subject> {
    let permit = packhouse.permit::<act::Read, _>(caller, name).await?;
    let subject = &permit.place().subject;
    match () {
        () if subject.kind == kind => Ok(subject.clone()),
        // As for one that is not there.
        () if caller.is_anonymous() => Err(Error::unauthenticated()),
        () => Err(Error::not_found(Noun::Subject, name)),
    }
}

/// What is to be removed, if it is there: rights can be taken away after a change of plan, too. Where
/// nothing is, the plan has its say first, as it has everywhere else.
pub(super) fn removable<T>(found: Result<T>, plan: Result<()>) -> Result<T> {
    match found {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound(_)) => plan.and(Err(error)),
        found => found,
    }
}

/// What is listed: what is left of another plan, too. Where nothing is, the plan has its say, as it
/// has everywhere else.
pub(super) fn listable<T>(list: Vec<T>, plan: Result<()>) -> Result<Vec<T>> {
    if list.is_empty() {
        plan?;
    }
    Ok(list)
}

/// Refuses what is not for the oss plan.
pub(super) fn require_premium(subject: &Subject) -> Result<()> {
    if subject.plan.is_premium() {
        return Ok(());
    }
    let name = &subject.name;
    Err(Error::invalid(format!("This action is not allowed for none-premium subject {name}")))
}
