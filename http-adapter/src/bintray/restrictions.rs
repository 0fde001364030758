//! Bintray REST API, "Geo Restrictions" and "IP Restrictions" of repositories.

use packhouse_core::model::repositories::Restrictions;
use packhouse_core::restrictions::{self, NetworksPatch, Restricted};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

use Restricted::{Countries, Networks};

/// "Get Geo Restrictions".
pub(super) async fn countries(call: Call) -> Answer {
    let held = restrictions::show(&call.packhouse, &call.caller, &call.repo()?, Countries).await?;
    Ok(reply::ok(&json!({
        "white_list": texts(&held.white_countries),
        "black_list": texts(&held.black_countries),
    })))
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// "Update Geo Restrictions".
pub(super) async fn set_countries(mut call: Call) -> Answer {
    let path = call.repo()?;
    restrictions::check(&call.packhouse, &call.caller, &path, Countries).await?;
    let body: CountriesBody = call.json().await?;
    if body.white_list.is_none() && body.black_list.is_none() {
        let message = "Nothing to update: give white_list or black_list";
        return Err(Failure::bad_request(message));
    }
    let (white, black) = (body.white_list.unwrap_or_default(), body.black_list.unwrap_or_default());
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    restrictions::set_countries(packhouse, caller, &path, &white, &black).await?;
    let message = format!("The Geo Restrictions for repo path {path} were updated successfully");
    Ok(reply::ok(&json!({"message": message})))
}

/// "Delete Geo Restrictions".
pub(super) async fn clear_countries(call: Call) -> Answer {
    restrictions::clear(&call.packhouse, &call.caller, &call.repo()?, Countries).await?;
    Ok(reply::ok(&json!({"white_list": [], "black_list": []})))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CountriesBody {
    #[serde(deserialize_with = "flat")]
    white_list: Option<Vec<String>>,
    #[serde(deserialize_with = "flat")]
    black_list: Option<Vec<String>>,
}

/// "Get IP Restrictions". Clients compare all three keys.
pub(super) async fn networks(call: Call) -> Answer {
    let held = restrictions::show(&call.packhouse, &call.caller, &call.repo()?, Networks).await?;
    let mut body = shown(&held);
    body["hasWritePermission"] = Value::Null;
    Ok(reply::ok(&body))
}

fn shown(held: &Restrictions) -> Value {
    json!({
        "white_cidrs": texts(&held.white_networks),
        "black_cidrs": texts(&held.black_networks),
    })
}

/// "Set IP Restrictions".
pub(super) async fn set_networks(mut call: Call) -> Answer {
    let path = call.repo()?;
    restrictions::check(&call.packhouse, &call.caller, &path, Networks).await?;
    let NetworksBody { white_cidrs, black_cidrs } = call.json().await?;
    if white_cidrs.is_none() && black_cidrs.is_none() {
        let message = "Nothing to update: give white_cidrs or black_cidrs";
        return Err(Failure::bad_request(message));
    }
    let (white, black) = (white_cidrs.unwrap_or_default(), black_cidrs.unwrap_or_default());
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let held = restrictions::set_networks(packhouse, caller, &path, &white, &black).await?;
    Ok(reply::ok(&shown(&held)))
}

/// "Update IP Restrictions".
pub(super) async fn change_networks(mut call: Call) -> Answer {
    let path = call.repo()?;
    restrictions::check(&call.packhouse, &call.caller, &path, Networks).await?;
    let body: NetworksPatchBody = call.json().await?;
    let NetworksPatchBody { add: Some(add), remove: Some(remove) } = body.filled() else {
        let message = "Nothing to update: give add or remove, each with white_cidrs or black_cidrs";
        return Err(Failure::bad_request(message));
    };
    let patch = NetworksPatch {
        add_white: add.white_cidrs.unwrap_or_default(),
        add_black: add.black_cidrs.unwrap_or_default(),
        remove_white: remove.white_cidrs.unwrap_or_default(),
        remove_black: remove.black_cidrs.unwrap_or_default(),
    };
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let held = restrictions::change_networks(packhouse, caller, &path, &patch).await?;
    Ok(reply::ok(&shown(&held)))
}

/// "Delete IP Restrictions".
pub(super) async fn clear_networks(call: Call) -> Answer {
    let path = call.repo()?;
    restrictions::clear(&call.packhouse, &call.caller, &path, Networks).await?;
    let message = format!("Successfully deleted restriction for repo /{path}");
    Ok(reply::ok(&json!({"message": message})))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NetworksBody {
    #[serde(deserialize_with = "flat")]
    white_cidrs: Option<Vec<String>>,
    #[serde(deserialize_with = "flat")]
    black_cidrs: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NetworksPatchBody {
    add: Option<NetworksBody>,
    remove: Option<NetworksBody>,
}

impl NetworksPatchBody {
    /// With both, if either was given.
    fn filled(self) -> Self {
        if self.add.is_none() && self.remove.is_none() {
            return self;
        }
        let (add, remove) = (self.add.unwrap_or_default(), self.remove.unwrap_or_default());
        Self { add: Some(add), remove: Some(remove) }
    }
}

/// A list of texts, or, as the documents print it, a list in a list.
fn flat<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        One(String),
        Many(Vec<String>),
    }
    let list = Option::<Vec<Entry>>::deserialize(from);
    let list =
        list.map_err(|_| D::Error::custom("a list of texts is wanted, like [\"a\", \"b\"]"))?;
    let flat = |list: Vec<Entry>| {
        let texts = list.into_iter().map(|entry| match entry {
            Entry::One(text) => vec![text],
            Entry::Many(texts) => texts,
        });
        texts.flatten().collect()
    };
    Ok(list.map(flat))
}
