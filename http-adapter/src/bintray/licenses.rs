//! Bintray REST API, "Licenses": those of a subject's own, and the well-known ones.

use packhouse_core::licenses::{self, LicensePatch};
use packhouse_core::model::licenses::{CustomLicense, LicenseSettings, known};
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::names::LicenseName;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::route::of_both;
use crate::support::json;
use crate::support::reply;

of_both! {
    /// "Get Custom Licenses".
    list => list_of_org, list_of_user;
    /// "Create Custom Licenses".
    create => create_of_org, create_of_user;
    /// "Update Custom License".
    update => update_of_org, update_of_user;
    /// "Delete Custom License".
    delete => delete_of_org, delete_of_user;
}

async fn list(call: Call, kind: SubjectKind) -> Answer {
    let licenses = licenses::list(&call.packhouse, &call.caller, &call.known_as(kind)?).await?;
    Ok(reply::whole(licenses.into_iter().map(License::from).collect::<Vec<_>>()))
}

async fn create(mut call: Call, kind: SubjectKind) -> Answer {
    let of = call.known_as(kind)?;
    licenses::check(&call.packhouse, &call.caller, &of).await?;
    let new =
        bodies(&mut call).await?.into_iter().map(Body::read).collect::<Result<Vec<_>, _>>()?;
    if new.is_empty() {
        let message = "There is no license in the list: give one, like [{\"name\": \"name\"}]";
        return Err(Failure::bad_request(message));
    }
    let made = licenses::create(&call.packhouse, &call.caller, &of, &new).await?;
    let mut made: Vec<License> = made.into_iter().map(License::from).collect();
    // One license is answered as one, whether or not it came as a list.
    Ok(match made.len() {
        1 => reply::created(&made.remove(0)),
        _ => reply::created(&made),
    })
}

async fn update(mut call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    licenses::check_there(&call.packhouse, &call.caller, &of, &name).await?;
    let mut said = bodies(&mut call).await?;
    let (Some(body), true) = (said.pop(), said.is_empty()) else {
        let message = "One license is changed at a time: give what changes about it once";
        return Err(Failure::bad_request(message));
    };
    let patch = LicensePatch { description: body.description, url: body.url };
    let changed = licenses::update(&call.packhouse, &call.caller, &of, &name, &patch).await?;
    Ok(reply::ok(&License::from(changed)))
}

async fn delete(call: Call, kind: SubjectKind) -> Answer {
    let (of, name) = (call.known_as(kind)?, name(&call)?);
    licenses::delete(&call.packhouse, &call.caller, &of, &name).await?;
    Ok(reply::success())
}

/// "Get OSS Licenses".
pub(super) async fn oss(_call: Call) -> Answer {
    let shown = known().map(
        |license| json!({"name": license.name, "longname": license.long_name, "url": license.url}),
    );
    Ok(reply::whole(shown.collect::<Vec<_>>()))
}

fn name(call: &Call) -> Result<LicenseName, Failure> {
    Ok(LicenseName::parse(call.params.get("custom_license_name"))?)
}

/// The documents send a list, and clients one object.
async fn bodies(call: &mut Call) -> Result<Vec<Body>, Failure> {
    let bytes = call.small_body().await?;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return serde_json::from_slice(&bytes).map_err(|error| {
            Failure::bad_request(format!("The body cannot be read as JSON: {error}"))
        });
    }
    json::parse(&bytes).map(|body| vec![body]).map_err(Failure::bad_request)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    description: Option<String>,
    url: Option<String>,
}

impl Body {
    fn read(self) -> Result<(LicenseName, LicenseSettings), Failure> {
        let Some(name) = &self.name else {
            return Err(Failure::bad_request("The license has no name: give one as \"name\""));
        };
        let (description, url) = (self.description, self.url);
        let settings = LicenseSettings {
            description: description.unwrap_or_default(),
            url: url.unwrap_or_default(),
        };
        Ok((LicenseName::parse(name)?, settings))
    }
}

#[derive(Serialize)]
struct License {
    name: String,
    description: String,
    url: String,
}

impl From<CustomLicense> for License {
    fn from(license: CustomLicense) -> Self {
        let LicenseSettings { description, url } = license.settings;
        Self { name: license.name.to_string(), description, url }
    }
}
