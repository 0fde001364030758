//! Bintray REST API, "Users" and "Organizations".

use packhouse_core::names::SubjectName;
use packhouse_core::subjects::{self, OrganizationView, UserView};
use packhouse_core::{followers, model::memberships::Role};
use serde::Serialize;

use crate::call::{Answer, Call};
use crate::support::reply;

/// The documented size of a page.
const PAGE: usize = 50;

/// "Get User".
pub(super) async fn user(call: Call) -> Answer {
    let view = subjects::user(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::ok(&User::from(view)))
}

/// "Get Organization".
pub(super) async fn organization(call: Call) -> Answer {
    let view = subjects::organization(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::ok(&Organization::from(view)))
}

/// "Get User Followers".
pub(super) async fn followers(call: Call) -> Answer {
    let (subject, paging) = (call.subject()?, call.paging(PAGE)?);
    let listed = followers::list(&call.packhouse, &call.caller, &subject, paging).await?;
    Ok(reply::page(&listed.map(|name| Named { name: name.to_string() })))
}

/// "User Search".
pub(super) async fn search(call: Call) -> Answer {
    let (name, paging) = (call.query.get("name")?, call.paging(PAGE)?);
    let found = subjects::search(&call.packhouse, &call.caller, name, paging).await?;
    Ok(reply::page(&found.map(User::from)))
}

#[derive(Serialize)]
struct Named {
    name: String,
}

/// In the order of the document. Clients want texts, also where there is none.
#[derive(Serialize)]
struct User {
    name: String,
    full_name: String,
    gravatar_id: String,
    repos: Vec<String>,
    organizations: Vec<String>,
    followers_count: u64,
    registered: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_used_bytes: Option<u64>,
}

impl From<UserView> for User {
    fn from(view: UserView) -> Self {
        Self {
            name: view.user.name.to_string(),
            full_name: view.user.full_name.unwrap_or_default(),
            gravatar_id: view.gravatar_id.unwrap_or_default(),
            repos: texts(&view.repos),
            organizations: texts(&view.organizations),
            followers_count: view.followers,
            registered: view.user.created.to_string(),
            quota_used_bytes: view.bytes,
        }
    }
}

/// In the order of the document.
#[derive(Serialize)]
struct Organization {
    name: String,
    repos: Vec<String>,
    followers_count: u64,
    registered: String,
    owner: String,
    full_name: String,
    members: Vec<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_used_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
}

impl From<OrganizationView> for Organization {
    fn from(view: OrganizationView) -> Self {
        let is_inside = view.inside.is_some();
        let owner = view.members.iter().find(|(_, role)| *role == Role::Owner);
        let member = |(name, role): &(SubjectName, Role)| Member {
            name: name.to_string(),
            r#type: is_inside.then_some(role.as_str()),
        };
        let inside = view.inside.as_ref();
        Self {
            name: view.organization.name.to_string(),
            repos: texts(&view.repos),
            followers_count: view.followers,
            registered: view.organization.created.to_string(),
            owner: owner.map(|(name, _)| name.to_string()).unwrap_or_default(),
            members: view.members.iter().map(member).collect(),
            teams: inside.and_then(|inside| inside.teams.as_deref()).map(texts),
            quota_used_bytes: inside.map(|inside| inside.bytes),
            full_name: view.organization.full_name.unwrap_or_default(),
        }
    }
}

fn texts(names: &[impl ToString]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
