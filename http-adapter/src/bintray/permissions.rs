//! Bintray REST API, "Permissions": what teams may do in a repository.

use packhouse_core::model::teams::Permission;
use packhouse_core::names::TeamName;
use packhouse_core::permissions;
use serde::{Deserialize, Serialize};

use super::teams::name;
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// "Get Permissions".
pub(super) async fn list(call: Call) -> Answer {
    let said = permissions::list(&call.packhouse, &call.caller, &call.repo()?).await?;
    let said: Vec<Said> = said.into_iter().map(|(team, may)| Said::new(&team, may)).collect();
    Ok(reply::whole(said))
}

/// "Get Permission of a Team".
pub(super) async fn show(call: Call) -> Answer {
    let path = call.repo()?;
    permissions::check(&call.packhouse, &call.caller, &path).await?;
    let team = name(&call)?;
    let may = permissions::show(&call.packhouse, &call.caller, &path, &team).await?;
    Ok(reply::ok(&Said::new(&team, may)))
}

/// "Set Permission".
pub(super) async fn set(mut call: Call) -> Answer {
    let path = call.repo()?;
    permissions::check(&call.packhouse, &call.caller, &path).await?;
    let body: Body = call.json().await?;
    let Some(team) = &body.team else {
        return Err(Failure::bad_request("The permission has no team: name one as \"team\""));
    };
    let (team, may) = (TeamName::parse(team)?, body.permission()?);
    permissions::set(&call.packhouse, &call.caller, &path, &team, may).await?;
    Ok(reply::success())
}

/// "Delete Permission".
pub(super) async fn delete(call: Call) -> Answer {
    permissions::remove(&call.packhouse, &call.caller, &call.repo()?, &name(&call)?).await?;
    Ok(reply::success())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    team: Option<String>,
    permission: Option<String>,
}

impl Body {
    fn permission(&self) -> Result<Permission, Failure> {
        let name = self.permission.as_deref().unwrap_or_default();
        let mut known = Permission::ALL.into_iter();
        known.find(|known| known.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let message = format!("Permission '{name}' does not exist: use read, publish or admin");
            Failure::bad_request(message)
        })
    }
}

#[derive(Serialize)]
struct Said {
    team: String,
    permission: &'static str,
}

impl Said {
    fn new(team: &TeamName, may: Permission) -> Self {
        Self { team: team.to_string(), permission: may.as_str() }
    }
}
