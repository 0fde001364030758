//! Users.

use packhouse_core::access::Secret;
use packhouse_core::model::subjects::{Plan, Subject};
use packhouse_core::names::SubjectName;
use packhouse_core::users::{self, PutUser, UserChange};
use packhouse_core::{Paging, followers};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// All users.
pub(super) async fn list(call: Call) -> Answer {
    let paging = call.paging(Paging::MAX)?;
    let listed = users::list(&call.packhouse, &call.caller, paging).await?;
    Ok(reply::page(&listed.map(|user| Described::new(user, None))))
}

/// One user.
pub(super) async fn show(call: Call) -> Answer {
    let user = users::show(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::ok(&Described::new(user, None)))
}

/// Makes a user (201, with the API key, shown this once) or changes one (200).
pub(super) async fn put(mut call: Call) -> Answer {
    let name = call.subject()?;
    users::check_new(&call.packhouse, &call.caller).await?;
    let change = call.json::<Body>().await?.change()?;
    let put = users::put(&call.packhouse, &call.caller, &name, &change).await?;
    let PutUser { user, api_key } = put;
    Ok(match api_key {
        Some(key) => reply::created(&Described::new(user, Some(&key))),
        None => reply::ok(&Described::new(user, None)),
    })
}

/// Changes a user.
pub(super) async fn update(mut call: Call) -> Answer {
    let name = call.subject()?;
    users::check_there(&call.packhouse, &call.caller, &name).await?;
    let change = call.json::<Body>().await?.change()?;
    let user = users::update(&call.packhouse, &call.caller, &name, &change).await?;
    Ok(reply::ok(&Described::new(user, None)))
}

/// Deletes a user with everything that the user owns.
pub(super) async fn delete(call: Call) -> Answer {
    users::delete(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::success())
}

/// A new API key; the old one is worthless from now on.
pub(super) async fn renew_key(call: Call) -> Answer {
    let name = call.subject()?;
    let key = users::renew_key(&call.packhouse, &call.caller, &name).await?;
    Ok(reply::created(&renewed(&name, &key)))
}

/// A subject with its new key, shown this once.
pub(super) fn renewed(name: &SubjectName, key: &Secret) -> Value {
    json!({"name": name.as_str(), "api_key": text(key)})
}

/// Makes the user a follower of a subject.
pub(super) async fn follow(call: Call) -> Answer {
    let (user, followed) = (call.subject()?, followed(&call)?);
    followers::follow(&call.packhouse, &call.caller, &user, &followed).await?;
    Ok(reply::success())
}

/// Makes the user a follower of a subject no more.
pub(super) async fn unfollow(call: Call) -> Answer {
    let (user, followed) = (call.subject()?, followed(&call)?);
    followers::unfollow(&call.packhouse, &call.caller, &user, &followed).await?;
    Ok(reply::success())
}

fn followed(call: &Call) -> Result<SubjectName, Failure> {
    Ok(SubjectName::parse(call.params.get("followed"))?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    plan: Option<String>,
    full_name: Option<String>,
    email: Option<String>,
}

impl Body {
    fn change(self) -> Result<UserChange, Failure> {
        let plan = self.plan.as_deref().map(plan).transpose()?;
        Ok(UserChange { plan, full_name: self.full_name, email: self.email })
    }
}

const PLANS: [(Plan, &str); 3] =
    [(Plan::Oss, "oss"), (Plan::Premium, "premium"), (Plan::Enterprise, "enterprise")];

/// The plan of this name.
pub(super) fn plan(name: &str) -> Result<Plan, Failure> {
    let known = PLANS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    known.map(|(plan, _)| *plan).ok_or_else(|| {
        let message = format!("Plan '{name}' does not exist: use oss, premium or enterprise");
        Failure::bad_request(message)
    })
}

/// A user or an organization, as those see it who administer it.
#[derive(Serialize)]
pub(super) struct Described {
    name: String,
    plan: &'static str,
    full_name: Option<String>,
    email: Option<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
}

impl Described {
    pub(super) fn new(subject: Subject, api_key: Option<&Secret>) -> Self {
        let plan = PLANS.iter().find(|(plan, _)| *plan == subject.plan);
        Self {
            name: subject.name.to_string(),
            plan: plan.map_or("", |(_, name)| name),
            full_name: subject.full_name,
            email: subject.email,
            created: subject.created.to_string(),
            api_key: api_key.map(text),
        }
    }
}

fn text(key: &Secret) -> String {
    String::from_utf8_lossy(key.expose()).into_owned()
}
