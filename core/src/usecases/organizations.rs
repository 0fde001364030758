//! Organizations: make, show, list, change and delete.
//!
//! The platform's admins make and delete them and say what they pay for; their owners and admins
//! change what is said about them. Who is in them is in [`super::members`].

use super::users::{self, UserChange};
use super::{Listed, Paging, deletion, members, subjects};
use crate::access::{Caller, Platform, Secret, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::Stored;
use crate::model::memberships::Role;
use crate::model::repositories::Tomb;
use crate::model::subjects::{Plan, Subject, SubjectKind};
use crate::names::SubjectName;
use crate::store::{Filter, KeyRange, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// What is said about an organization; what is `None` is left alone, or as it is by default in a
/// new one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrganizationChange {
    /// What it pays for: for the platform's admins.
    pub plan: Option<Plan>,
    /// The name to show; empty clears it.
    pub full_name: Option<String>,
    /// Where to write to; empty clears it.
    pub email: Option<String>,
}

/// An organization after [`put`].
#[derive(Clone, Debug)]
pub struct PutOrganization {
    /// The organization.
    pub organization: Subject,
    /// The API key of one that was made: shown this once. It signs nobody in.
    pub api_key: Option<Secret>,
}

impl OrganizationChange {
    fn common(&self) -> UserChange {
        let Self { plan, full_name, email } = self.clone();
        UserChange { plan, full_name, email }
    }
}

/// Makes an organization with its first owner, or changes the one of this name.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins; [`ErrorKind::Invalid`] for a new
/// one without an owner who is a user, and for an owner of one that is there who is none;
/// [`ErrorKind::Conflict`] where another spelling of the name is taken, or a subject of this name is
/// still being deleted.
pub async fn put(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    owner: Option<&SubjectName>,
    change: &OrganizationChange,
) -> Result<PutOrganization> {
    let change = &change.common();
    packhouse
        .change::<act::ManageResources, _, _, _, _>(caller, &Platform, |permit, work| async move {
            users::check(change)?;
            if work.exists(Tomb::key_of_subject(name)).await? {
                return Err(deletion::still_going("subject", name));
            }
            match work.find::<Subject>(Subject::key_of(name)).await? {
                Some(held) if held.name != *name || held.kind != SubjectKind::Organization => {
                    let message = format!("The name '{}' is taken", held.name);
                    Err(Error::new(ErrorKind::Conflict, message))
                }
                Some(held) => {
                    check_owner(&work, &held, owner).await?;
                    let organization = users::changed(held, change);
                    work.put(&permit, &organization);
                    Ok(PutOrganization { organization, api_key: None })
                }
                None => {
                    let owner = first_owner(&work, owner).await?;
                    let kind = SubjectKind::Organization;
                    let organization = users::new_subject(&work, name.clone(), kind, change);
                    work.put(&permit, &organization);
                    members::join(&work, &permit, &organization, &owner, Role::Owner);
                    let key = users::put_key(packhouse, &permit, &work, &organization, None);
                    Ok(PutOrganization { organization, api_key: Some(key) })
                }
            }
        })
        .await
}

async fn first_owner(work: &Work, owner: Option<&SubjectName>) -> Result<Subject> {
    let Some(name) = owner else {
        return Err(Error::invalid(
            "An organization has an owner: give the name of a user as \"owner\"",
        ));
    };
    let no_user = || Error::invalid(format!("owner: '{name}' is no user"));
    let found = work.find::<Subject>(Subject::key_of(name)).await?;
    found.filter(|found| found.name == *name && found.kind == SubjectKind::User).ok_or_else(no_user)
}

/// Owners of an organization that is there are made among its members.
async fn check_owner(
    work: &Work,
    organization: &Subject,
    owner: Option<&SubjectName>,
) -> Result<()> {
    let Some(name) = owner else { return Ok(()) };
    if members::role_of(work, organization, name).await? == Some(Role::Owner) {
        return Ok(());
    }
    let message = format!(
        "'{name}' is no owner of the organization '{}': make it one among the members",
        organization.name
    );
    Err(Error::invalid(message))
}

/// Whether the caller may change an organization: asked before a body is read.
///
/// # Errors
/// As [`show`].
pub async fn check(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    show(packhouse, caller, name).await.map(drop)
}

/// Changes an organization.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for those who do not administer it, and for a
/// plan from others than the platform's admins.
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    change: &OrganizationChange,
) -> Result<Subject> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, name, |permit, work| async move {
            if change.plan.is_some() {
                work.permit::<act::ManageResources, _>(caller, &Platform).await?;
            }
            let change = change.common();
            users::check(&change)?;
            let organization = users::changed(permit.place().subject.clone(), &change);
            work.put(&permit, &organization);
            Ok(organization)
        })
        .await
}

/// An organization's record, for those who administer it.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for everyone else.
pub async fn show(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<Subject> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    let permit = packhouse.permit::<act::Administer, _>(caller, name).await?;
    Ok(permit.place().subject.clone())
}

/// All organizations, by name.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    paging: Paging,
) -> Result<Listed<Subject>> {
    packhouse.permit::<act::ManageResources, _>(caller, &Platform).await?;
    let organizations = Filter::Is(Subject::KIND_FIELD, SubjectKind::Organization.term());
    let query = Query::within(KeyRange::within(Subject::KIND, [])).filter(organizations);
    packhouse.list(query, paging).await
}

/// Gives an organization a new API key: what is signed with the old one is worthless. It signs nobody
/// in.
///
/// # Errors
/// As [`show`].
pub async fn renew_key(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<Secret> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, name, |permit, work| async move {
            let organization = &permit.place().subject;
            Ok(users::put_key(packhouse, &permit, &work, organization, None))
        })
        .await
}

/// Whether the caller may make organizations: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins.
pub async fn check_new(packhouse: &Packhouse, caller: &Caller) -> Result<()> {
    users::check_new(packhouse, caller).await
}

/// Deletes an organization and everything that it owns. It is gone at once for everyone; what is
/// left is removed before this returns, or by a job if that fails or is interrupted.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for everyone but the platform's admins.
pub async fn delete(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    let doomed = packhouse
        .change::<act::ManageResources, _, _, _, _>(caller, &Platform, |permit, work| async move {
            let found = work.find::<Subject>(Subject::key_of(name)).await?;
            let organization = found
                .filter(|it| it.name == *name && it.kind == SubjectKind::Organization)
                .ok_or_else(|| Error::not_found(Noun::Subject, name))?;
            Ok(users::hide(&work, &permit, &organization))
        })
        .await?;
    deletion::carry_out(packhouse, &doomed).await;
    Ok(())
}
