//! Bintray REST API, "Access Keys".

use packhouse_core::access::Secret;
use packhouse_core::access_keys::{self, AccessKeyChange, GivenCheck, PutKey};
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::names::AccessKeyName;
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::route::of_both;
use crate::support::json;
use crate::support::reply;

of_both! {
    /// "Get Access Keys".
    list => list_of_org, list_of_user;
    /// "Get Access Key".
    show => show_of_org, show_of_user;
    /// "Create Access Key".
    create => create_of_org, create_of_user;
    /// "Update Access Key".
    update => update_of_org, update_of_user;
    /// "Delete Access Key".
    delete => delete_of_org, delete_of_user;
}

async fn list(call: Call, kind: SubjectKind) -> Answer {
    let names = access_keys::list(&call.packhouse, &call.caller, &call.known_as(kind)?).await?;
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Ok(reply::whole_named("access_keys", names))
}

async fn show(call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    let key = access_keys::show(&call.packhouse, &call.caller, &of, &name).await?;
    Ok(reply::ok(&AccessKey::from(key)))
}

async fn create(mut call: Call, kind: SubjectKind) -> Answer {
    let of = call.known_as(kind)?;
    access_keys::check(&call.packhouse, &call.caller, &of).await?;
    let body: Body = call.json().await?;
    let Some(id) = &body.id else {
        return Err(Failure::bad_request("The access key has no id: give one as \"id\""));
    };
    let (name, change) = (AccessKeyName::parse(id)?, body.change()?);
    let put = access_keys::create(&call.packhouse, &call.caller, &of, &name, &change).await?;
    Ok(reply::created(&Credentials::of(&put)))
}

async fn update(mut call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    // Whether the key is there comes before what is said of it.
    access_keys::show(&call.packhouse, &call.caller, &of, &name).await?;
    let body: Body = call.json().await?;
    let change = body.change()?;
    let put = access_keys::update(&call.packhouse, &call.caller, &of, &name, &change).await?;
    Ok(reply::ok(&Credentials::of(&put)))
}

async fn delete(call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    access_keys::delete(&call.packhouse, &call.caller, &of, &name).await?;
    Ok(reply::success())
}

fn name(call: &Call) -> Result<AccessKeyName, Failure> {
    Ok(AccessKeyName::parse(call.params.get("access_key_id"))?)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    id: Option<String>,
    password: Option<String>,
    #[serde(deserialize_with = "json::clearable_integer")]
    expiry: Option<Option<i64>>,
    existence_check: Option<CheckBody>,
    #[serde(deserialize_with = "json::texts")]
    white_cidrs: Option<Vec<String>>,
    #[serde(deserialize_with = "json::texts")]
    black_cidrs: Option<Vec<String>>,
    #[serde(deserialize_with = "json::switch")]
    api_only: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CheckBody {
    url: Option<String>,
    #[serde(deserialize_with = "json::integer")]
    cache_for_secs: Option<i64>,
}

impl Body {
    fn change(self) -> Result<AccessKeyChange, Failure> {
        Ok(AccessKeyChange {
            password: self.password.map(Secret::new),
            expiry: self.expiry,
            existence_check: self.existence_check.map(CheckBody::given).transpose()?,
            white: self.white_cidrs,
            black: self.black_cidrs,
            api_only: self.api_only,
        })
    }
}

impl CheckBody {
    /// An empty object, as clients send it unasked, is no check.
    fn given(self) -> Result<Option<GivenCheck>, Failure> {
        match (self.url.filter(|url| !url.is_empty()), self.cache_for_secs) {
            (Some(url), cache_for_secs) => Ok(Some(GivenCheck { url, cache_for_secs })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Failure::bad_request(
                "existence_check has no url: give one, or an empty object for no check",
            )),
        }
    }
}

/// What its holder signs in with.
#[derive(Serialize)]
struct Credentials {
    username: String,
    /// Known only when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Credentials {
    fn of(put: &PutKey) -> Self {
        let text = |password: &Secret| String::from_utf8_lossy(password.expose()).into_owned();
        Self { username: put.key.user_name(), password: put.password.as_ref().map(text) }
    }
}

/// In the order of the document.
#[derive(Serialize)]
struct AccessKey {
    id: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    existence_check: Option<Check>,
    white_cidrs: Vec<String>,
    black_cidrs: Vec<String>,
    api_only: bool,
}

#[derive(Serialize)]
struct Check {
    url: String,
    cache_for_secs: u32,
}

impl From<packhouse_core::model::access_keys::AccessKey> for AccessKey {
    fn from(key: packhouse_core::model::access_keys::AccessKey) -> Self {
        let check = key.existence_check.as_ref();
        Self {
            id: key.name.to_string(),
            username: key.user_name(),
            expiry: key.expiry.map(packhouse_core::Timestamp::as_millis),
            existence_check: check.map(|check| Check {
                url: check.url.clone(),
                cache_for_secs: check.cache_for_secs,
            }),
            white_cidrs: key.white.iter().map(ToString::to_string).collect(),
            black_cidrs: key.black.iter().map(ToString::to_string).collect(),
            api_only: key.api_only,
        }
    }
}
