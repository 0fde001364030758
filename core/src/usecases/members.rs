//! Who is in an organization, and as what.
//!
//! What a user is to a subject is one record; what the subject's teams say of the user is changed in
//! the same commit, so that a decision after it knows nothing of what was. An organization always
//! has an owner.

use super::{subjects, teams, users};
use crate::access::policy::Rule;
use crate::access::{Caller, Changes, Permit, Platform, PlatformPlace, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::memberships::{Membership, Role};
use crate::model::subjects::{Subject, SubjectKind};
use crate::model::{Form, Stored, SubjectId};
use crate::names::SubjectName;
use crate::store::{Query, Start};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// What [`put`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutMember {
    /// The user is a member now.
    Joined,
    /// The user was one, perhaps as something else.
    Stayed,
}

/// The members of an organization, by name, for those who administer it.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<Vec<(SubjectName, Role)>> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    let permit = packhouse.permit::<act::Administer, _>(caller, name).await?;
    all_of(&Work::new(packhouse), &permit.place().subject).await
}

/// The members of an organization, by name.
pub(super) async fn all_of(
    work: &Work,
    organization: &Subject,
) -> Result<Vec<(SubjectName, Role)>> {
    let mut members = Vec::new();
    let mut query = Query::within(Membership::range_of(&organization.name));
    loop {
        let (page, next) = work.page::<Membership>(&query).await?;
        let page = page.into_iter().filter(|it| it.subject_id == organization.id);
        members.extend(page.filter_map(|it| Some((it.user_name, it.role?))));
        let Some(next) = next else { break };
        query = query.start(Start::After(next));
    }
    members.sort();
    Ok(members)
}

/// Whether the caller may change who is in an organization: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for those who do not administer it.
pub async fn check(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    packhouse.permit::<act::ManageMembers, _>(caller, name).await.map(drop)
}

/// Makes a user a member of an organization, or gives a member another role.
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`] where there is no such user; [`ErrorKind::Forbidden`] for an
/// admin who would make or unmake an owner; [`ErrorKind::Conflict`] for the last owner.
pub async fn put(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    user: &SubjectName,
    role: Role,
) -> Result<PutMember> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    packhouse
        .change::<act::ManageMembers, _, _, _, _>(caller, name, |permit, work| async move {
            let organization = &permit.place().subject;
            let user = users::require(&work, user).await?;
            let held = of_user(&work, organization, user.id).await?;
            let was = held.as_ref().and_then(|held| held.role);
            check_change(&work, &permit, user.id, was, Some(role)).await?;
            let Some(held) = held else {
                join(&work, &permit, organization, &user, role);
                return Ok(PutMember::Joined);
            };
            work.put(&permit, &Membership { role: Some(role), ..held });
            Ok(PutMember::Stayed)
        })
        .await
}

/// Takes a member out of an organization and out of its teams.
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`] where the user is no member; [`ErrorKind::Forbidden`] for an
/// admin who would remove an owner; [`ErrorKind::Conflict`] for the last owner.
pub async fn remove(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    user: &SubjectName,
) -> Result<()> {
    subjects::require_kind(packhouse, caller, name, SubjectKind::Organization).await?;
    packhouse
        .change::<act::ManageMembers, _, _, _, _>(caller, name, |permit, work| async move {
            let organization = &permit.place().subject;
            let no_member = || {
                let message = format!("'{user}' is no member of the organization '{name}'");
                Error::new(ErrorKind::NotFound(Noun::Subject), message)
            };
            let found = work.find::<Subject>(Subject::key_of(user)).await?;
            let found = found.filter(|found| found.name == *user).ok_or_else(no_member)?;
            let held = of_user(&work, organization, found.id).await?.ok_or_else(no_member)?;
            check_change(&work, &permit, found.id, held.role, None).await?;
            leave(&work, &permit, &held).await
        })
        .await
}

/// What a user is in an organization, if anything.
pub(super) async fn role_of(
    work: &Work,
    organization: &Subject,
    user: &SubjectName,
) -> Result<Option<Role>> {
    let found = work.find::<Subject>(Subject::key_of(user)).await?;
    let Some(found) = found.filter(|found| found.name == *user) else { return Ok(None) };
    let held = of_user(work, organization, found.id).await?;
    Ok(held.and_then(|held| held.role))
}

/// What a user is to a subject, if anything.
pub(super) async fn of_user(
    work: &Work,
    subject: &Subject,
    user: SubjectId,
) -> Result<Option<Membership>> {
    let held = work.find::<Membership>(Membership::key_of(&subject.name, user)).await?;
    Ok(held.filter(|held| held.subject_id == subject.id))
}

/// What a user is to a subject that it was nothing to. Its record is written anew with it: a
/// deletion at the same time, which did not see this, is run again.
pub(super) fn newcomer<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    subject: &Subject,
    user: &Subject,
) -> Membership {
    work.put(permit, user);
    Membership {
        form: Form,
        subject: subject.name.clone(),
        subject_id: subject.id,
        user: user.id,
        user_name: user.name.clone(),
        role: None,
        teams: std::collections::BTreeSet::new(),
    }
}

/// Makes a user a member of an organization.
pub(super) fn join<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    organization: &Subject,
    user: &Subject,
    role: Role,
) {
    let membership = newcomer(work, permit, organization, user);
    work.put(permit, &Membership { role: Some(role), ..membership });
}

async fn leave<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    membership: &Membership,
) -> Result<()> {
    teams::take_out(work, permit, membership).await?;
    work.delete(permit, membership.key());
    Ok(())
}

/// Takes a user who is being deleted out of everything that others own.
pub(super) async fn leave_all(
    work: &Work,
    permit: &Permit<act::ManageResources, PlatformPlace>,
    user: &Subject,
) -> Result<()> {
    let mut query = Query::within(Membership::range()).filter(Membership::is_of(user.id));
    loop {
        let (page, next) = work.page::<Membership>(&query).await?;
        for membership in page {
            let subject = work.find::<Subject>(Subject::key_of(&membership.subject)).await?;
            if subject.is_none_or(|subject| subject.id != membership.subject_id) {
                // The subject is being deleted itself.
                work.delete(permit, membership.key());
                continue;
            }
            if membership.role == Some(Role::Owner) {
                require_another_owner(work, &membership.subject, user.id).await?;
            }
            leave(work, permit, &membership).await?;
        }
        let Some(next) = next else { return Ok(()) };
        query = query.start(Start::After(next));
    }
}

/// Owners are made and unmade by owners and by the platform's admins, and never the last one.
async fn check_change(
    work: &Work,
    permit: &Permit<act::ManageMembers, SubjectPlace>,
    user: SubjectId,
    was: Option<Role>,
    is: Option<Role>,
) -> Result<()> {
    let owner = Some(Role::Owner);
    if was == is || (was != owner && is != owner) {
        return Ok(());
    }
    let organization = &permit.place().subject.name;
    if *permit.rule() != Rule::Role(Role::Owner) {
        let asked = work.permit::<act::ManageResources, _>(permit.caller(), &Platform).await;
        asked.map_err(|error| match error.kind() {
            ErrorKind::Forbidden => Error::new(
                ErrorKind::Forbidden,
                format!("Only owners of the organization '{organization}' make and unmake owners"),
            ),
            _ => error,
        })?;
    }
    if was == owner { require_another_owner(work, organization, user).await } else { Ok(()) }
}

/// Finds an owner besides the user, who stays one until the commit.
async fn require_another_owner(
    work: &Work,
    organization: &SubjectName,
    user: SubjectId,
) -> Result<()> {
    let owners = Query::within(Membership::range_of(organization)).filter(Membership::is_owners());
    let own = Membership::key_of(organization, user);
    // Of two there is one who is not the user.
    let owners = work.keys(&owners.limit(2)).await?;
    for key in owners.into_iter().filter(|key| *key != own) {
        let other = work.find_as_basis::<Membership>(key).await?;
        if other.is_some_and(|other| other.role == Some(Role::Owner)) {
            return Ok(());
        }
    }
    let message = format!(
        "The organization '{organization}' would be without an owner: make another member an \
         owner first"
    );
    Err(Error::new(ErrorKind::Conflict, message))
}
