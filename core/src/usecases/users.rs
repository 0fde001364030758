//! Users and their API keys.
//!
//! The platform's admins make, change, list and delete users; a user reads its own record and
//! makes itself a new key.

use super::deletion::{self, Deletion};
use super::{Listed, Paging, members, texts};
use crate::access::policy::Rule;
use crate::access::{
    Caller, Identity, Permit, Platform, PlatformPlace, Secret, SystemCaller, act, api_key_hash,
};
use crate::crypto;
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::jobs;
use crate::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use crate::model::jobs::Doomed;
use crate::model::repositories::Tomb;
use crate::model::subjects::{ApiKey, Plan, Subject, SubjectKind};
use crate::model::{Form, SubjectId};
use crate::names::SubjectName;
use crate::store::{Filter, KeyRange, Query};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, hex, model::Stored};

/// What is said about a user; what is `None` is left alone, or as it is by default in a new one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserChange {
    /// What the user pays for.
    pub plan: Option<Plan>,
    /// The name to show; empty clears it.
    pub full_name: Option<String>,
    /// Where to write to; empty clears it.
    pub email: Option<String>,
}

/// A user after [`put`].
#[derive(Clone, Debug)]
pub struct PutUser {
    /// The user.
    pub user: Subject,
    /// The API key of a user that was made: shown this once.
    pub api_key: Option<Secret>,
}

/// The name of the first user, who may do everything.
pub const ADMIN: &str = "admin";

/// What [`set_up`] did.
#[derive(Clone, Debug)]
pub enum SetUp {
    /// It made the admin, with this key: the one given, or a random one that is shown this once.
    Made(Secret),
    /// The admin stood, and no other key was given.
    Stood,
    /// The admin stood, and the key that was given replaced another.
    Replaced,
}

impl SetUp {
    /// The key of an admin that was made.
    #[must_use]
    pub fn made(self) -> Option<Secret> {
        match self {
            Self::Made(key) => Some(key),
            Self::Stood | Self::Replaced => None,
        }
    }
}

/// Makes the first user, `admin`, with every right over the platform, unless it is there. A key
/// that is given becomes the admin's in any case: whoever runs the platform can always get in.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a key that has not 20 to 256 bytes.
pub async fn set_up(packhouse: &Packhouse, key: Option<&Secret>) -> Result<SetUp> {
    if key.is_some_and(|key| !(20..=256).contains(&key.expose().len())) {
        return Err(Error::invalid("the admin's key must have 20 to 256 characters"));
    }
    let caller = Caller::system(SystemCaller::Setup);
    let name = SubjectName::parse(ADMIN)?;
    packhouse
        .change::<act::ManageResources, _, _, _, _>(&caller, &Platform, |permit, work| {
            let (name, key) = (name.clone(), key.cloned());
            async move {
                if let Some(admin) = work.find::<Subject>(Subject::key_of(&name)).await? {
                    return recover(packhouse, &permit, &work, &admin, key).await;
                }
                let admin = new_subject(&work, name, SubjectKind::User, &UserChange::default());
                work.put(&permit, &admin);
                work.put(&permit, &everything(admin.id));
                Ok(SetUp::Made(put_key(packhouse, &permit, &work, &admin, key)))
            }
        })
        .await
}

/// Gives the admin the key that the operator gave, if it has another.
async fn recover(
    packhouse: &Packhouse,
    permit: &Permit<act::ManageResources, PlatformPlace>,
    work: &Work,
    admin: &Subject,
    key: Option<Secret>,
) -> Result<SetUp> {
    let Some(key) = key else { return Ok(SetUp::Stood) };
    let hash = api_key_hash(packhouse.secret(), &key);
    let held = work.find::<ApiKey>(ApiKey::key_of(&admin.name)).await?;
    if held.is_some_and(|held| held.hash == hash && held.subject_id == admin.id) {
        return Ok(SetUp::Stood);
    }
    put_key(packhouse, permit, work, admin, Some(key));
    Ok(SetUp::Replaced)
}

/// The grant of every right over the platform.
fn everything(user: SubjectId) -> GrantSet {
    let grant = Grant {
        id: "platform-admin".to_owned(),
        actions: Action::ALL.to_vec(),
        scope: Scope::Anchor,
        not_after: None,
    };
    let grantee = Grantee::User(user);
    GrantSet { form: Form, grantee, anchor: Anchor::Platform, grants: vec![grant] }
}

pub(super) fn new_subject(
    work: &Work,
    name: SubjectName,
    kind: SubjectKind,
    change: &UserChange,
) -> Subject {
    let subject = Subject {
        form: Form,
        id: SubjectId::from_bytes(work.random_bytes()),
        name,
        kind,
        plan: Plan::default(),
        full_name: None,
        email: None,
        created: work.now(),
    };
    changed(subject, change)
}

pub(super) fn check(change: &UserChange) -> Result<()> {
    texts::check("full_name", change.full_name.as_deref())?;
    texts::check("email", change.email.as_deref())
}

pub(super) fn changed(mut subject: Subject, change: &UserChange) -> Subject {
    let cleared = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    subject.plan = change.plan.unwrap_or(subject.plan);
    subject.full_name = change.full_name.as_ref().map_or(subject.full_name, cleared);
    subject.email = change.email.as_ref().map_or(subject.email, cleared);
    subject
}

/// Gives a subject a new API key, the one that is given or a random one. That of an organization
/// signs nobody in; documented calls are signed with it.
pub(super) fn put_key<A: crate::access::Changes, P>(
    packhouse: &Packhouse,
    permit: &Permit<A, P>,
    work: &Work,
    subject: &Subject,
    key: Option<Secret>,
) -> Secret {
    let random = || Secret::new(hex::encode(&packhouse.random_bytes::<20>()));
    let key = key.unwrap_or_else(random);
    let api_key = ApiKey {
        form: Form,
        subject: subject.name.clone(),
        subject_id: subject.id,
        hash: api_key_hash(packhouse.secret(), &key),
        sealed: Some(crypto::seal(
            packhouse.secret(),
            jobs::API_KEY,
            b"",
            packhouse.random_bytes(),
            key.expose(),
        )),
        created: work.now(),
    };
    work.put(permit, &api_key);
    key
}

/// Whether the caller may make users: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins.
pub async fn check_new(packhouse: &Packhouse, caller: &Caller) -> Result<()> {
    packhouse.permit::<act::ManageResources, _>(caller, &Platform).await.map(drop)
}

/// Whether the caller may change a user: asked before a body is read.
///
/// # Errors
/// As [`update`].
pub async fn check_there(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    check_new(packhouse, caller).await?;
    require(&Work::new(packhouse), name).await.map(drop)
}

/// Makes a user, or changes the one of this name.
///
/// # Errors
/// [`ErrorKind::Conflict`] where another spelling of the name is taken, or a user of this name is
/// still being deleted.
pub async fn put(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    change: &UserChange,
) -> Result<PutUser> {
    packhouse
        .change::<act::ManageResources, _, _, _, _>(caller, &Platform, |permit, work| async move {
            check(change)?;
            if work.exists(Tomb::key_of_subject(name)).await? {
                return Err(deletion::still_going("subject", name));
            }
            match work.find::<Subject>(Subject::key_of(name)).await? {
                Some(user) if user.name != *name || user.kind != SubjectKind::User => {
                    let message = format!("The name '{}' is taken", user.name);
                    Err(Error::new(ErrorKind::Conflict, message))
                }
                Some(user) => {
                    let user = changed(user, change);
                    work.put(&permit, &user);
                    Ok(PutUser { user, api_key: None })
                }
                None => {
                    let user = new_subject(&work, name.clone(), SubjectKind::User, change);
                    work.put(&permit, &user);
                    let api_key = put_key(packhouse, &permit, &work, &user, None);
                    Ok(PutUser { user, api_key: Some(api_key) })
                }
            }
        })
        .await
}

/// Changes a user.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins; [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
    change: &UserChange,
) -> Result<Subject> {
    packhouse
        .change::<act::ManageResources, _, _, _, _>(caller, &Platform, |permit, work| async move {
            check(change)?;
            let user = require(&work, name).await?;
            let user = changed(user, change);
            work.put(&permit, &user);
            Ok(user)
        })
        .await
}

/// The user of this name.
pub(super) async fn require(work: &Work, name: &SubjectName) -> Result<Subject> {
    work.find::<Subject>(Subject::key_of(name))
        .await?
        .filter(|user| user.name == *name && user.kind == SubjectKind::User)
        .ok_or_else(|| Error::not_found(Noun::Subject, name))
}

/// A user's record, for the platform's admins and for the user.
///
/// # Errors
/// [`ErrorKind::NotFound`] for the admins, [`ErrorKind::Forbidden`] for everyone else.
pub async fn show(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<Subject> {
    let work = Work::new(packhouse);
    if let Identity::User { id, name: own } = caller.identity()
        && own == name
    {
        // By the number too: the name may be another's by now.
        let user = require(&work, name).await?;
        if user.id == *id {
            return Ok(user);
        }
    }
    work.permit::<act::ManageResources, _>(caller, &Platform).await?;
    require(&work, name).await
}

/// All users, by name.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the platform's admins.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    paging: Paging,
) -> Result<Listed<Subject>> {
    packhouse.permit::<act::ManageResources, _>(caller, &Platform).await?;
    let users = Filter::Is(Subject::KIND_FIELD, SubjectKind::User.term());
    let query = Query::within(KeyRange::within(Subject::KIND, [])).filter(users);
    packhouse.list(query, paging).await
}

/// Gives a user a new API key and makes the old one worthless.
///
/// # Errors
/// [`ErrorKind::Forbidden`] for everyone but the user and the platform's admins.
pub async fn renew_key(
    packhouse: &Packhouse,
    caller: &Caller,
    name: &SubjectName,
) -> Result<Secret> {
    // Rights over what a user owns do not make one that user. Asked before the user is looked
    // for, so that the answer does not tell whether there is one.
    let own = matches!(caller.identity(), Identity::User { name: own, .. } if own == name);
    if !own {
        packhouse.permit::<act::ManageResources, _>(caller, &Platform).await?;
    }
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, name, |permit, work| async move {
            if *permit.rule() != Rule::Owner {
                work.permit::<act::ManageResources, _>(caller, &Platform).await?;
            }
            let user = require(&work, name).await?;
            Ok(put_key(packhouse, &permit, &work, &user, None))
        })
        .await
}

/// Deletes a user and everything that the user owns. The user is gone at once for everyone, with
/// its memberships and its places in teams; what is left is removed before this returns, or by a
/// job if that fails or is interrupted.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Conflict`] for a user who would delete itself, and for the
/// only owner of an organization.
pub async fn delete(packhouse: &Packhouse, caller: &Caller, name: &SubjectName) -> Result<()> {
    let doomed = packhouse
        .change::<act::ManageResources, _, _, _, _>(caller, &Platform, |permit, work| async move {
            if matches!(caller.identity(), Identity::User { name: own, .. } if own == name) {
                let message = "You cannot delete yourself; ask another admin";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            let user = require(&work, name).await?;
            members::leave_all(&work, &permit, &user).await?;
            let grants = GrantSet::range_of(Grantee::User(user.id));
            work.change(&permit, crate::store::Change::DeleteWithin(grants));
            Ok(hide(&work, &permit, &user))
        })
        .await?;
    deletion::carry_out(packhouse, &doomed).await;
    Ok(())
}

/// Hides a subject from everyone, and plans the removal of everything of it.
pub(super) fn hide(
    work: &Work,
    permit: &Permit<act::ManageResources, PlatformPlace>,
    subject: &Subject,
) -> Deletion {
    let name = &subject.name;
    work.delete(permit, subject.key());
    work.delete(permit, ApiKey::key_of(name));
    work.put(permit, &Tomb { form: Form, subject: name.clone(), repo: None });
    let doomed = Doomed { subject: name.clone(), repo: None, package: None, version: None };
    deletion::begin(work, permit, doomed)
}

impl Packhouse {
    /// One page of the records that a query selects.
    pub(crate) async fn list<T: Stored>(&self, query: Query, paging: Paging) -> Result<Listed<T>> {
        let page = self.select(&paging.of(query, Paging::MAX)).await?;
        let total = page.total;
        let items: Result<Vec<T>> =
            page.into_records().map(|record| crate::work::decode(&record)).collect();
        Ok(Listed { items: items?, total, start: paging.start })
    }
}
