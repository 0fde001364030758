//! Bintray REST API, "EULAs" of products.

use std::collections::BTreeMap;

use packhouse_core::eulas::{self, EulaPatch, EulaView, NewEula, SignedFilter};
use packhouse_core::model::eulas::{EulaSyntax, SignedEula};
use packhouse_core::names::{EulaName, ProductName, VersionName};
use packhouse_core::{Listed, Timestamp, products};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// The documented size of a page.
const PAGE: usize = 50;

/// "Get Product EULAs": without their texts.
pub(super) async fn list(call: Call) -> Answer {
    let (subject, product) = (call.subject()?, call.product()?);
    let listed = eulas::list(&call.packhouse, &call.caller, &subject, &product).await?;
    let listed = listed.iter().map(|eula| {
        json!({
            "name": eula.name.as_str(),
            "created": eula.created.to_string(),
            "versions": texts(&eula.versions),
        })
    });
    Ok(reply::whole(listed.collect::<Vec<_>>()))
}

fn texts(versions: &[VersionName]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

fn name(call: &Call) -> Result<EulaName, Failure> {
    Ok(EulaName::parse(call.params.get("eula"))?)
}

/// "Get Product EULA".
pub(super) async fn show(call: Call) -> Answer {
    let (subject, product, name) = (call.subject()?, call.product()?, name(&call)?);
    let view = eulas::show(&call.packhouse, &call.caller, &subject, &product, &name).await?;
    Ok(reply::ok(&Eula::from(view)))
}

/// "Get EULA for File".
pub(super) async fn of_file(call: Call) -> Answer {
    let view = eulas::of_file(&call.packhouse, &call.caller, &call.file()?).await?;
    Ok(reply::ok(&Eula::from(view)))
}

/// "Create Product EULA".
pub(super) async fn create(mut call: Call) -> Answer {
    let (subject, product) = (call.subject()?, call.product()?);
    products::check(&call.packhouse, &call.caller, &subject, &product).await?;
    let body: Body = call.json().await?;
    let Some(name) = &body.name else {
        return Err(Failure::bad_request("The EULA has no name: give one as \"name\""));
    };
    let name = EulaName::parse(name)?;
    let EulaPatch { syntax, content, default, versions } = body.read()?;
    let new = NewEula {
        name,
        syntax: syntax.unwrap_or_default(),
        content: content.unwrap_or_default(),
        default: default.unwrap_or(false),
        versions: versions.unwrap_or_default(),
    };
    let view = eulas::create(&call.packhouse, &call.caller, &subject, &product, &new).await?;
    Ok(reply::created(&Eula::from(view)))
}

/// "Update Product EULA".
pub(super) async fn update(mut call: Call) -> Answer {
    let (subject, product, name) = (call.subject()?, call.product()?, name(&call)?);
    eulas::show(&call.packhouse, &call.caller, &subject, &product, &name).await?;
    let body: Body = call.json().await?;
    let patch = body.read()?;
    if patch == EulaPatch::default() {
        let message = "Nothing to update: give syntax, content, default or versions";
        return Err(Failure::bad_request(message));
    }
    eulas::update(&call.packhouse, &call.caller, &subject, &product, &name, &patch).await?;
    Ok(reply::success())
}

/// "Delete Product EULA".
pub(super) async fn delete(call: Call) -> Answer {
    let (subject, product, name) = (call.subject()?, call.product()?, name(&call)?);
    eulas::delete(&call.packhouse, &call.caller, &subject, &product, &name).await?;
    Ok(reply::ok(&json!({"message": "deleted"})))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    syntax: Option<String>,
    content: Option<String>,
    #[serde(deserialize_with = "json::switch")]
    default: Option<bool>,
    #[serde(deserialize_with = "json::texts")]
    versions: Option<Vec<String>>,
}

impl Body {
    fn read(self) -> Result<EulaPatch, Failure> {
        let versions = self.versions.map(|versions| {
            versions.iter().map(|name| VersionName::parse(name)).collect::<Result<Vec<_>, _>>()
        });
        Ok(EulaPatch {
            syntax: self
                .syntax
                .as_deref()
                .filter(|name| !name.is_empty())
                .map(syntax)
                .transpose()?,
            content: self.content,
            default: self.default,
            versions: versions.transpose()?,
        })
    }
}

fn syntax(name: &str) -> Result<EulaSyntax, Failure> {
    let known = EulaSyntax::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        let (name, known) = (name.escape_debug(), EulaSyntax::ALL.map(EulaSyntax::as_str));
        let known = known.join(", ");
        Failure::bad_request(format!("Syntax '{name}' does not exist: use {known}"))
    })
}

#[derive(Serialize)]
struct Eula {
    name: String,
    created: String,
    versions: Vec<String>,
    syntax: String,
    content: String,
    default: bool,
}

impl From<EulaView> for Eula {
    fn from(view: EulaView) -> Self {
        let EulaView { eula, text } = view;
        Self {
            name: eula.name.to_string(),
            created: eula.created.to_string(),
            versions: texts(&eula.versions),
            // Other texts' syntax came back in capitals, whatever was sent.
            syntax: text.syntax.as_str().to_ascii_uppercase(),
            content: text.content,
            default: eula.default_since.is_some(),
        }
    }
}

/// "Get Signed EULAs" of a product.
pub(super) async fn signed(call: Call) -> Answer {
    let product = call.product()?;
    signed_of(&call, Some(&product)).await
}

/// "Get Signed EULAs" of all products of a subject.
pub(super) async fn all_signed(call: Call) -> Answer {
    signed_of(&call, None).await
}

async fn signed_of(call: &Call, product: Option<&ProductName>) -> Answer {
    let (subject, paging) = (call.subject()?, call.paging(PAGE)?);
    let given = |name| call.query.get(name).map(|value| value.filter(|value| !value.is_empty()));
    // What the rights are comes before what is wrong with the dates.
    match product {
        Some(product) => {
            products::check(&call.packhouse, &call.caller, &subject, product).await?;
        }
        None => products::check_new(&call.packhouse, &call.caller, &subject).await?,
    }
    let filter = SignedFilter {
        from: given("from")?.map(|text| date("from", text)).transpose()?,
        to: given("to")?.map(|text| date("to", text)).transpose()?,
        user: given("username")?.map(str::to_owned),
        eula: given("eula_name")?.map(EulaName::parse).transpose()?,
    };
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let listed = eulas::signed(packhouse, caller, &subject, product, &filter, paging).await?;
    Ok(reply::page_as(&by_product(product, &listed), &listed))
}

fn date(name: &str, text: &str) -> Result<Timestamp, Failure> {
    // The plus of an offset is a space, unless it was encoded.
    let mended = || text.rfind(' ').map(|at| format!("{}+{}", &text[..at], &text[at + 1..]));
    let date = Timestamp::parse(text).or_else(|| Timestamp::parse(&mended()?));
    date.ok_or_else(|| {
        let text: String = text.chars().take(100).collect();
        let text = text.escape_debug();
        Failure::bad_request(format!(
            "{name} is '{text}', which is no date: use the form 2026-01-31T12:00:00.000Z"
        ))
    })
}

fn by_product(
    product: Option<&ProductName>,
    listed: &Listed<SignedEula>,
) -> BTreeMap<String, Vec<Signed>> {
    let named = product.map(|product| (product.to_string(), Vec::new()));
    let mut products: BTreeMap<String, Vec<Signed>> = named.into_iter().collect();
    for signed in &listed.items {
        products.entry(signed.product.to_string()).or_default().push(Signed::from(signed));
    }
    products
}

#[derive(Serialize)]
struct Signed {
    date_signed: String,
    username: String,
    product_version_name: String,
    eula_name: String,
}

impl From<&SignedEula> for Signed {
    fn from(signed: &SignedEula) -> Self {
        Self {
            date_signed: signed.signed.to_string(),
            username: signed.user.clone(),
            product_version_name: signed.version.to_string(),
            eula_name: signed.eula.to_string(),
        }
    }
}
