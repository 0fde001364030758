//! Followers: users who want to hear of a subject. Each user says so for itself.

use super::{Listed, Paging, subjects, users};
use crate::access::policy::Rule;
use crate::access::{Caller, Permit, Platform, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::followers::Follower;
use crate::model::subjects::Subject;
use crate::model::{Form, Stored};
use crate::names::SubjectName;
use crate::store::Query;
use crate::work::Work;
use crate::{Error, Result};

/// The followers of a user or an organization, by name.
///
/// Implements the Bintray REST API, "Get User Followers".
///
/// # Errors
/// [`crate::ErrorKind::Unauthenticated`] for anonymous callers; [`crate::ErrorKind::NotFound`].
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    paging: Paging,
) -> Result<Listed<SubjectName>> {
    subjects::require_somebody(caller)?;
    packhouse.permit::<act::Read, _>(caller, subject).await?;
    let query = Query::within(Follower::range_of(subject)).filter(Follower::is_there());
    Ok(packhouse.list::<Follower>(query, paging).await?.map(|follower| follower.user))
}

/// How many follow a subject.
pub(super) async fn count(packhouse: &Packhouse, subject: &SubjectName) -> Result<u64> {
    let query = Query::within(Follower::range_of(subject)).filter(Follower::is_there());
    let page = packhouse.select(&query.keys().limit(0).with_total()).await?;
    Ok(page.total.unwrap_or_default())
}

/// Makes a user a follower of a subject. Who is one already stays one.
///
/// # Errors
/// [`crate::ErrorKind::Forbidden`] for everyone but the user and the platform's admins;
/// [`crate::ErrorKind::NotFound`]; [`crate::ErrorKind::Invalid`] for a user who would follow itself.
pub async fn follow(
    packhouse: &Packhouse,
    caller: &Caller,
    user: &SubjectName,
    subject: &SubjectName,
) -> Result<()> {
    users::show(packhouse, caller, user).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, user, |permit, work| async move {
            require_itself(&work, &permit).await?;
            let user = &permit.place().subject;
            let followed = work.find::<Subject>(Subject::key_of(subject)).await?;
            let followed = followed
                .filter(|followed| followed.name == *subject)
                .ok_or_else(|| Error::not_found(Noun::Subject, subject))?;
            if followed.id == user.id {
                return Err(Error::invalid("A user cannot follow itself: name another subject"));
            }
            let follower = Follower {
                form: Form,
                subject: followed.name,
                subject_id: followed.id,
                user: user.name.clone(),
                user_id: user.id,
                since: work.now(),
            };
            if !work.exists(follower.key()).await? {
                work.put(&permit, &follower);
            }
            Ok(())
        })
        .await
}

/// Makes a user a follower of a subject no more, if it is one.
///
/// # Errors
/// As [`follow`].
pub async fn unfollow(
    packhouse: &Packhouse,
    caller: &Caller,
    user: &SubjectName,
    subject: &SubjectName,
) -> Result<()> {
    users::show(packhouse, caller, user).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, user, |permit, work| async move {
            require_itself(&work, &permit).await?;
            let found = work.find::<Subject>(Subject::key_of(subject)).await?;
            if found.is_none_or(|found| found.name != *subject) {
                return Err(Error::not_found(Noun::Subject, subject));
            }
            let key = Follower::key_of(subject, user);
            if work.exists(key.clone()).await? {
                work.delete(&permit, key);
            }
            Ok(())
        })
        .await
}

/// Rights over what a user owns do not make one that user.
async fn require_itself(work: &Work, permit: &Permit<act::Administer, SubjectPlace>) -> Result<()> {
    if *permit.rule() == Rule::Owner {
        return Ok(());
    }
    work.permit::<act::ManageResources, _>(permit.caller(), &Platform).await.map(drop)
}
