//! Bintray REST API, "Attributes", "File Attributes" and the searches by them.

use packhouse_core::attributes::{self, Described};
use packhouse_core::model::attributes::{
    Attribute, AttributeValues, Attributes, Date, Mixed, Number,
};
use packhouse_core::names::{AttributeName, FileLocation, FilePath};
use serde::Serialize;
use serde::ser::{Error, SerializeMap, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::files::File;
use super::packages::Package;
use super::versions::Version;
use super::{clauses, given};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

/// The documented size of a page.
const PAGE: usize = 50;

/// "Get Attributes" of a package.
pub(super) async fn of_package(call: Call) -> Answer {
    list(&call, call.package()?.into()).await
}

/// "Get Attributes" of a version.
pub(super) async fn of_version(call: Call) -> Answer {
    list(&call, call.version()?.into()).await
}

/// "Get File Attributes".
pub(super) async fn of_file(call: Call) -> Answer {
    list(&call, file(&call)?.into()).await
}

/// "Set Attributes" of a package.
pub(super) async fn set_of_package(call: Call) -> Answer {
    let of = call.package()?.into();
    set(call, of).await
}

/// "Set Attributes" of a version.
pub(super) async fn set_of_version(call: Call) -> Answer {
    let of = call.version()?.into();
    set(call, of).await
}

/// "Set File Attributes".
pub(super) async fn set_of_file(call: Call) -> Answer {
    let of = file(&call)?.into();
    set(call, of).await
}

/// "Update Attributes" of a package.
pub(super) async fn merge_of_package(call: Call) -> Answer {
    let of = call.package()?.into();
    merge(call, of).await
}

/// "Update Attributes" of a version.
pub(super) async fn merge_of_version(call: Call) -> Answer {
    let of = call.version()?.into();
    merge(call, of).await
}

/// "Update File Attributes".
pub(super) async fn merge_of_file(call: Call) -> Answer {
    let of = file(&call)?.into();
    merge(call, of).await
}

/// "Delete Attributes" of a package.
pub(super) async fn delete_of_package(call: Call) -> Answer {
    delete(&call, call.package()?.into()).await?;
    Ok(reply::success())
}

/// "Delete Attributes" of a version.
pub(super) async fn delete_of_version(call: Call) -> Answer {
    delete(&call, call.version()?.into()).await?;
    Ok(reply::success())
}

/// "Delete File Attributes". A test of a client compares the message.
pub(super) async fn delete_of_file(call: Call) -> Answer {
    let location = file(&call)?;
    let path = location.path.clone();
    delete(&call, location.into()).await?;
    let message =
        format!("Attributes were deleted successfully from the following file path: {path}");
    Ok(reply::ok(&json!({"message": message})))
}

/// The file before the last segment. What is asked for is that segment, so that a slash may follow.
fn file(call: &Call) -> Result<FileLocation, Failure> {
    call.check_tail_is_single()?;
    Ok(call.repo()?.file(FilePath::parse(call.params.get("path"))?))
}

async fn list(call: &Call, of: Described) -> Answer {
    let names = names(call)?;
    let attributes = attributes::list(&call.packhouse, &call.caller, &of, &names).await?;
    Ok(render(&of, &attributes))
}

async fn set(mut call: Call, of: Described) -> Answer {
    attributes::check(&call.packhouse, &call.caller, &of).await?;
    let attributes = body(&mut call, Mixed::Refused).await?;
    let attributes = attributes::set(&call.packhouse, &call.caller, &of, &attributes).await?;
    Ok(render(&of, &attributes))
}

async fn merge(mut call: Call, of: Described) -> Answer {
    attributes::check(&call.packhouse, &call.caller, &of).await?;
    // What the document says of files, and shows of packages and versions.
    let mixed = match of {
        Described::File(_) => Mixed::Refused,
        Described::Package(_) | Described::Version(_) => Mixed::String,
    };
    let attributes = body(&mut call, mixed).await?;
    let attributes = attributes::merge(&call.packhouse, &call.caller, &of, &attributes).await?;
    Ok(render(&of, &attributes))
}

async fn delete(call: &Call, of: Described) -> Result<(), Failure> {
    Ok(attributes::delete(&call.packhouse, &call.caller, &of, &names(call)?).await?)
}

/// "Attribute Search" for packages.
pub(super) async fn search_packages(mut call: Call) -> Answer {
    let (repo, paging, with_values) = (call.repo()?, call.paging(PAGE)?, with_values(&call)?);
    attributes::check_search(&call.packhouse, &call.caller, &repo, None).await?;
    let query = clauses::parse(&call.small_body().await?).map_err(Failure::bad_request)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = attributes::search_packages(packhouse, caller, &repo, &query, paging).await?;
    Ok(reply::page(&found.map(|view| Package::of(view, with_values))))
}

/// "Attribute Search" for versions.
pub(super) async fn search_versions(mut call: Call) -> Answer {
    let (path, paging, with_values) = (call.package()?, call.paging(PAGE)?, with_values(&call)?);
    attributes::check_search(&call.packhouse, &call.caller, &path.repo, Some(&path)).await?;
    let query = clauses::parse(&call.small_body().await?).map_err(Failure::bad_request)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = attributes::search_versions(packhouse, caller, &path, &query, paging).await?;
    Ok(reply::page(&found.map(|view| Version::of(view, with_values))))
}

/// "File Search by Attributes".
pub(super) async fn search_files(mut call: Call) -> Answer {
    let (repo, paging) = (call.repo()?, call.paging(PAGE)?);
    attributes::check_search(&call.packhouse, &call.caller, &repo, None).await?;
    let query = clauses::parse(&call.small_body().await?).map_err(Failure::bad_request)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let found = attributes::search_files(packhouse, caller, &repo, &query, paging).await?;
    Ok(reply::page(&found.map(File::from)))
}

async fn body(call: &mut Call, mixed: Mixed) -> Result<Attributes, Failure> {
    given::parse(&call.small_body().await?, mixed).map_err(Failure::bad_request)
}

/// The names that `names=a,b` asks for; none where it is empty, which means all.
fn names(call: &Call) -> Result<Vec<AttributeName>, Failure> {
    let names = call.query.get("names")?.unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(AttributeName::parse).collect::<Result<_, _>>()?)
}

/// Whether packages and versions are to show their attributes with the values.
pub(super) fn with_values(call: &Call) -> Result<bool, Failure> {
    Ok(call.query.switch("attribute_values")?.unwrap_or(false))
}

/// A list of attributes. The type of a file's is in capitals: a test of a client compares it.
fn render(of: &Described, attributes: &Attributes) -> axum::response::Response {
    let of_file = matches!(of, Described::File(_));
    let list: Vec<Shown<'_>> = attributes.iter().map(|of| Shown::new(of, of_file)).collect();
    reply::ok(&list)
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
    values: Values<'a>,
}

impl<'a> Shown<'a> {
    fn new(attribute: &'a Attribute, in_capitals: bool) -> Self {
        let kind = attribute.values.kind().as_str();
        let kind = if in_capitals { kind.to_ascii_uppercase() } else { kind.to_owned() };
        Self { name: attribute.name.as_str(), kind, values: Values(&attribute.values) }
    }
}

/// What an object says of its attributes: their names, or the values by name.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    AttributeNames(Vec<String>),
    Attributes(ByName),
}

impl Said {
    pub(super) fn of(attributes: Attributes, with_values: bool) -> Self {
        if with_values {
            return Self::Attributes(ByName(attributes));
        }
        Self::AttributeNames(attributes.iter().map(|of| of.name.to_string()).collect())
    }
}

/// Attributes as one object.
pub(super) struct ByName(Attributes);

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for attribute in self.0.iter() {
            map.serialize_entry(attribute.name.as_str(), &Values(&attribute.values))?;
        }
        map.end()
    }
}

/// Values as JSON, numbers in the spelling that they were given in.
struct Values<'a>(&'a AttributeValues);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AttributeValues::String(values) | AttributeValues::Version(values) => {
                to.collect_seq(values)
            }
            AttributeValues::Boolean(values) => to.collect_seq(values),
            AttributeValues::Date(values) => to.collect_seq(values.iter().map(Date::as_str)),
            AttributeValues::Number(values) => {
                let spelled = values.iter().map(spelled);
                let spelled = spelled.collect::<Result<Vec<_>, _>>().map_err(S::Error::custom)?;
                to.collect_seq(spelled)
            }
        }
    }
}

fn spelled(number: &Number) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(number.as_str().to_owned())
}
