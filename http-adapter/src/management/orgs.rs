//! Organizations and their members.

use packhouse_core::Paging;
use packhouse_core::members::{self, PutMember};
use packhouse_core::model::memberships::Role;
use packhouse_core::names::SubjectName;
use packhouse_core::organizations::{self, OrganizationChange};
use serde::{Deserialize, Serialize};

use super::users::{Described, plan, renewed};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// All organizations.
pub(super) async fn list(call: Call) -> Answer {
    let paging = call.paging(Paging::MAX)?;
    let listed = organizations::list(&call.packhouse, &call.caller, paging).await?;
    Ok(reply::page(&listed.map(|organization| Described::new(organization, None))))
}

/// One organization, for those who administer it.
pub(super) async fn show(call: Call) -> Answer {
    let shown = organizations::show(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::ok(&Described::new(shown, None)))
}

/// Makes an organization (201, with its API key, shown this once) or changes one (200).
pub(super) async fn put(mut call: Call) -> Answer {
    let name = call.subject()?;
    organizations::check_new(&call.packhouse, &call.caller).await?;
    let body: Body = call.json().await?;
    let (owner, change) = (body.owner()?, body.change()?);
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let put = organizations::put(packhouse, caller, &name, owner.as_ref(), &change).await?;
    Ok(match put.api_key {
        Some(key) => reply::created(&Described::new(put.organization, Some(&key))),
        None => reply::ok(&Described::new(put.organization, None)),
    })
}

/// Changes an organization.
pub(super) async fn update(mut call: Call) -> Answer {
    let name = call.subject()?;
    organizations::check(&call.packhouse, &call.caller, &name).await?;
    let change = call.json::<Body>().await?.change()?;
    let changed = organizations::update(&call.packhouse, &call.caller, &name, &change).await?;
    Ok(reply::ok(&Described::new(changed, None)))
}

/// A new API key; what is signed with the old one is worthless from now on.
pub(super) async fn renew_key(call: Call) -> Answer {
    let name = call.subject()?;
    let key = organizations::renew_key(&call.packhouse, &call.caller, &name).await?;
    Ok(reply::created(&renewed(&name, &key)))
}

/// Deletes an organization with everything that it owns.
pub(super) async fn delete(call: Call) -> Answer {
    organizations::delete(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::success())
}

/// The members of an organization.
pub(super) async fn members(call: Call) -> Answer {
    let listed = members::list(&call.packhouse, &call.caller, &call.subject()?).await?;
    let member = |(name, role): &(SubjectName, Role)| Member::new(name, *role);
    Ok(reply::whole(listed.iter().map(member).collect()))
}

/// Makes a user a member (201), or a member something else (200).
pub(super) async fn put_member(mut call: Call) -> Answer {
    let name = call.subject()?;
    members::check(&call.packhouse, &call.caller, &name).await?;
    let user = user(&call)?;
    let role = call.json::<MemberBody>().await?.role()?;
    let put = members::put(&call.packhouse, &call.caller, &name, &user, role).await?;
    let member = Member::new(&user, role);
    Ok(match put {
        PutMember::Joined => reply::created(&member),
        PutMember::Stayed => reply::ok(&member),
    })
}

/// Takes a member out of an organization and of its teams.
pub(super) async fn delete_member(call: Call) -> Answer {
    let name = call.subject()?;
    members::check(&call.packhouse, &call.caller, &name).await?;
    members::remove(&call.packhouse, &call.caller, &name, &user(&call)?).await?;
    Ok(reply::success())
}

fn user(call: &Call) -> Result<SubjectName, Failure> {
    Ok(SubjectName::parse(call.params.get("user"))?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    owner: Option<String>,
    plan: Option<String>,
    full_name: Option<String>,
    email: Option<String>,
}

impl Body {
    fn owner(&self) -> Result<Option<SubjectName>, Failure> {
        let given = self.owner.as_deref().map(SubjectName::parse);
        given.transpose().map_err(|error| Failure::bad_request(format!("owner: {error}")))
    }

    fn change(self) -> Result<OrganizationChange, Failure> {
        let plan = self.plan.as_deref().map(plan).transpose()?;
        Ok(OrganizationChange { plan, full_name: self.full_name, email: self.email })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MemberBody {
    r#type: Option<String>,
}

impl MemberBody {
    fn role(&self) -> Result<Role, Failure> {
        let name = self.r#type.as_deref().unwrap_or_default();
        let mut known = Role::ALL.into_iter();
        known.find(|known| known.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Failure::bad_request(format!(
                "Type '{name}' does not exist: use owner, admin or member as \"type\""
            ))
        })
    }
}

#[derive(Serialize)]
struct Member {
    name: String,
    r#type: &'static str,
}

impl Member {
    fn new(name: &SubjectName, role: Role) -> Self {
        Self { name: name.to_string(), r#type: role.as_str() }
    }
}
