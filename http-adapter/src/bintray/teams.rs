//! Bintray REST API, "Teams".

use std::collections::BTreeMap;

use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::names::{SubjectName, TeamName};
use packhouse_core::teams::{self, TeamChange, TeamView};
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::route::of_both;
use crate::support::json;
use crate::support::reply;

of_both! {
    /// "Get Teams".
    list => list_of_org, list_of_user;
    /// "Get Team".
    show => show_of_org, show_of_user;
    /// "Create Team".
    create => create_of_org, create_of_user;
    /// "Update Team".
    update => update_of_org, update_of_user;
    /// "Delete Team".
    delete => delete_of_org, delete_of_user;
}

async fn list(call: Call, kind: SubjectKind) -> Answer {
    let names = teams::list(&call.packhouse, &call.caller, &call.known_as(kind)?).await?;
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Ok(reply::whole_named("teams", names))
}

async fn show(call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    let view = teams::show(&call.packhouse, &call.caller, &of, &name).await?;
    Ok(reply::ok(&Team::new(view, false)))
}

async fn create(mut call: Call, kind: SubjectKind) -> Answer {
    let of = call.known_as(kind)?;
    teams::check(&call.packhouse, &call.caller, &of).await?;
    let body: Body = call.json().await?;
    let Some(name) = &body.name else {
        return Err(Failure::bad_request("The team has no name: give one as \"name\""));
    };
    let (name, change) = (TeamName::parse(name)?, body.change()?);
    let view = teams::create(&call.packhouse, &call.caller, &of, &name, &change).await?;
    Ok(reply::created(&Team::new(view, true)))
}

async fn update(mut call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    // Whether the team is there comes before what is said of it.
    teams::show(&call.packhouse, &call.caller, &of, &name).await?;
    let change = call.json::<Body>().await?.change()?;
    let view = teams::update(&call.packhouse, &call.caller, &of, &name, &change).await?;
    Ok(reply::ok(&Team::new(view, true)))
}

async fn delete(call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    teams::delete(&call.packhouse, &call.caller, &of, &name).await?;
    Ok(reply::success())
}

/// The team that the path names.
pub(super) fn name(call: &Call) -> Result<TeamName, Failure> {
    Ok(TeamName::parse(call.params.get("team"))?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    members: Option<Vec<String>>,
    #[serde(deserialize_with = "json::switch")]
    allow_repo_creation: Option<bool>,
    business_unit: Option<String>,
}

impl Body {
    fn change(self) -> Result<TeamChange, Failure> {
        let member = |name: &String| {
            SubjectName::parse(name)
                .map_err(|_| Failure::bad_request(format!("members: '{name}' is no user")))
        };
        let members = self.members.map(|names| names.iter().map(member).collect());
        Ok(TeamChange {
            members: members.transpose()?,
            allow_repo_creation: self.allow_repo_creation,
            business_unit: self.business_unit,
        })
    }
}

#[derive(Serialize)]
struct Team {
    name: String,
    /// In the answers to those who make or change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    members: Vec<String>,
    permitted_repos: BTreeMap<String, &'static str>,
    allow_repo_creation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_unit: Option<String>,
}

impl Team {
    fn new(view: TeamView, with_owner: bool) -> Self {
        let team = view.team;
        let mut members: Vec<String> = team.members.values().map(ToString::to_string).collect();
        members.sort();
        let permitted = view.permissions.iter();
        Self {
            name: team.name.to_string(),
            owner: with_owner.then(|| team.subject.to_string()),
            members,
            permitted_repos: permitted
                .map(|(repo, may)| (repo.to_string(), may.as_str()))
                .collect(),
            allow_repo_creation: team.allow_repo_creation,
            business_unit: team.business_unit,
        }
    }
}
