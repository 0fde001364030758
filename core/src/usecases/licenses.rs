//! Licenses of a subject's own: make, show, change and delete.

use super::given::is_given;
use super::patch::patch;
use super::subjects::{KnownAs, listable, removable, require_premium};
use super::texts;
use crate::access::{Act, Caller, Identity, Permit, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::grants::{Anchor, GrantSet, Grantee};
use crate::model::licenses::{CustomLicense, LicenseSettings};
use crate::model::memberships::Membership;
use crate::model::subjects::SubjectKind;
use crate::model::{Form, Stored};
use crate::names::{LicenseName, RepoPath, SubjectName};
use crate::store::{Query, Start};
use crate::work::{Work, decode};
use crate::{Error, ErrorKind, Result};

patch! {
    /// What changes about a license.
    LicensePatch of LicenseSettings {
        description: String,
        url: String,
    }
}

/// Whether the caller may change the licenses of a subject: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] also for a subject of the other kind; [`ErrorKind::Forbidden`] for those
/// who do not administer it; [`ErrorKind::Invalid`] for a subject of the oss plan.
pub async fn check(packhouse: &Packhouse, caller: &Caller, of: &KnownAs) -> Result<()> {
    permit::<act::Administer>(packhouse, caller, of).await.map(drop)
}

async fn permit<A: Act>(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Permit<A, SubjectPlace>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<A, _>(caller, &of.name).await?;
    require_premium(&permit.place().subject)?;
    Ok(permit)
}

/// Whether the caller may change a license: asked before a body is read.
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`].
pub async fn check_there(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &LicenseName,
) -> Result<()> {
    check(packhouse, caller, of).await?;
    require(&Work::new(packhouse), of, name).await.map(drop)
}

/// The licenses of a subject, by name. Those of an organization are for everyone who may publish in
/// one of its repositories; those of a user for the user.
///
/// Implements the Bintray REST API, "Get Custom Licenses".
///
/// # Errors
/// As [`check`], of the plan only where there is none.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
) -> Result<Vec<CustomLicense>> {
    of.require(packhouse, caller).await?;
    let permit = packhouse.permit::<act::Read, _>(caller, &of.name).await?;
    let may = match of.kind {
        SubjectKind::User => may_administer(packhouse, caller, &of.name).await?,
        SubjectKind::Organization => publishes_somewhere(packhouse, caller, &of.name).await?,
    };
    if !may {
        return Err(if caller.is_anonymous() {
            Error::unauthenticated()
        } else {
            Error::forbidden()
        });
    }
    let licenses = Query::within(CustomLicense::range_of(&of.name));
    let licenses = Work::new(packhouse).list(&licenses).await?;
    listable(licenses, require_premium(&permit.place().subject))
}

async fn may_administer(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<bool> {
    is_given(packhouse.permit::<act::Administer, _>(caller, name).await)
}

/// Whether the caller may publish in a repository of a subject. Looks where rights were given to
/// the caller; the policy says of each place whether they do.
async fn publishes_somewhere(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<bool> {
    if is_given(packhouse.permit::<act::Publish, _>(caller, name).await)? {
        return Ok(true);
    }
    for grantee in grantees(packhouse, caller, name).await? {
        let mut query = Query::within(GrantSet::range_on_subject(grantee, name)).limit(1_000);
        loop {
            let mut page = packhouse.select(&query).await?;
            let next = page.next.take();
            for record in page.into_records() {
                let Anchor::Repository(subject, repo, _) = decode::<GrantSet>(&record)?.anchor
                else {
                    continue;
                };
                let path = RepoPath { subject, repo };
                if is_given(packhouse.permit::<act::Publish, _>(caller, &path).await)? {
                    return Ok(true);
                }
            }
            let Some(next) = next else { break };
            query = query.start(Start::After(next));
        }
    }
    Ok(false)
}

/// Whom rights over a subject's repositories were given to that the caller has.
async fn grantees(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<Vec<Grantee>> {
    Ok(match caller.identity() {
        Identity::User { id, .. } => {
            let record =
                packhouse.read_all(&[Membership::key_of(name, *id)]).await?.pop().flatten();
            let membership = record.map(|record| decode::<Membership>(&record)).transpose()?;
            let teams = membership.map(|membership| membership.teams).unwrap_or_default();
            let teams = teams.into_iter().map(Grantee::Team);
            std::iter::once(Grantee::User(*id)).chain(teams).collect()
        }
        Identity::AccessKey { id, .. } => vec![Grantee::AccessKey(*id)],
        Identity::Anonymous | Identity::SignedUrl(_) | Identity::System(_) => Vec::new(),
    })
}

/// Makes licenses: all of them, or none.
///
/// Implements the Bintray REST API, "Create Custom Licenses".
///
/// # Errors
/// As [`check`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for more than may be.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    new: &[(LicenseName, LicenseSettings)],
) -> Result<Vec<CustomLicense>> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let subject = &permit.place().subject;
            require_premium(subject)?;
            let held = work.keys(&Query::within(CustomLicense::range_of(&of.name))).await?;
            if held.len() + new.len() > CustomLicense::MAX {
                let most = CustomLicense::MAX;
                return Err(Error::invalid(format!("A subject has at most {most} licenses")));
            }
            let mut made = Vec::<CustomLicense>::new();
            for (name, settings) in new {
                let twice = made.iter().any(|made| made.name == *name);
                if twice || work.exists(CustomLicense::key_of(&of.name, name)).await? {
                    let message = format!("License '{name}' already exists");
                    return Err(Error::new(ErrorKind::AlreadyExists, message));
                }
                let license = CustomLicense {
                    form: Form,
                    subject: subject.name.clone(),
                    name: name.clone(),
                    settings: checked(settings.clone())?,
                    created: work.now(),
                };
                work.put(&permit, &license);
                made.push(license);
            }
            Ok(made)
        })
        .await
}

fn checked(settings: LicenseSettings) -> Result<LicenseSettings> {
    texts::check_long("description", Some(&settings.description))?;
    texts::check("url", Some(&settings.url))?;
    Ok(settings)
}

/// Changes a license.
///
/// Implements the Bintray REST API, "Update Custom License".
///
/// # Errors
/// As [`check`]; [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &LicenseName,
    patch: &LicensePatch,
) -> Result<CustomLicense> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, &of.name, |permit, work| async move {
            require_premium(&permit.place().subject)?;
            let mut license = require(&work, of, name).await?;
            license.settings = checked(patch.clone().apply(license.settings))?;
            work.put(&permit, &license);
            Ok(license)
        })
        .await
}

async fn require(work: &Work, of: &KnownAs, name: &LicenseName) -> Result<CustomLicense> {
    let license = work.find::<CustomLicense>(CustomLicense::key_of(&of.name, name)).await?;
    license.ok_or_else(|| Error::not_found(Noun::License, name))
}

/// Deletes a license, whatever the plan. Packages that name it keep the name.
///
/// Implements the Bintray REST API, "Delete Custom License".
///
/// # Errors
/// As [`check`], of the plan only where there is no such license; [`ErrorKind::NotFound`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    of: &KnownAs,
    name: &LicenseName,
) -> Result<()> {
    of.require(packhouse, caller).await?;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, &of.name, |permit, work| async move {
            let premium = require_premium(&permit.place().subject);
            let license = removable(require(&work, of, name).await, premium)?;
            work.delete(&permit, license.key());
            Ok(())
        })
        .await
}
