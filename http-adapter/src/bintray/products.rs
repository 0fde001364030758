//! Bintray REST API, "Products".

use packhouse_core::Paging;
use packhouse_core::model::products::ProductSettings;
use packhouse_core::names::{PackageName, ProductName, RepoName};
use packhouse_core::products::{self, ProductPatch, ProductView};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::json;
use crate::support::reply;

/// "Get Products": names alone.
pub(super) async fn list(call: Call) -> Answer {
    let (subject, paging) = (call.subject()?, call.paging(Paging::MAX)?);
    let listed = products::list(&call.packhouse, &call.caller, &subject, paging).await?;
    Ok(reply::page(&listed.map(|product| json!({"name": product.name.as_str()}))))
}

/// "Get Product".
pub(super) async fn show(call: Call) -> Answer {
    let (subject, name) = (call.subject()?, call.product()?);
    let view = products::show(&call.packhouse, &call.caller, &subject, &name).await?;
    Ok(reply::ok(&Product::from(view)))
}

/// "Create Product".
pub(super) async fn create(mut call: Call) -> Answer {
    let subject = call.subject()?;
    products::check_new(&call.packhouse, &call.caller, &subject).await?;
    let body: Body = call.json().await?;
    let Some(name) = &body.name else {
        return Err(Failure::bad_request("The product has no name: give one as \"name\""));
    };
    let name = ProductName::parse(name)?;
    let (patch, packages) = body.read()?;
    let settings = patch.apply(ProductSettings::default());
    let packages = packages.unwrap_or_default();
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let view = products::create(packhouse, caller, &subject, &name, &settings, &packages).await?;
    Ok(reply::created(&Product::from(view)))
}

/// "Update Product".
pub(super) async fn update(mut call: Call) -> Answer {
    let (subject, name) = (call.subject()?, call.product()?);
    products::check(&call.packhouse, &call.caller, &subject, &name).await?;
    let body: Body = call.json().await?;
    let (patch, packages) = body.read()?;
    if patch == ProductPatch::default() && packages.is_none() {
        let message = "Nothing to update: give display_name, desc, website_url, vcs_url, packages \
                       or sign_url_expiry";
        return Err(Failure::bad_request(message));
    }
    let (packhouse, caller, packages) = (&call.packhouse, &call.caller, packages.as_deref());
    products::update(packhouse, caller, &subject, &name, &patch, packages).await?;
    Ok(reply::success())
}

/// "Delete Product".
pub(super) async fn delete(call: Call) -> Answer {
    let (subject, name) = (call.subject()?, call.product()?);
    products::delete(&call.packhouse, &call.caller, &subject, &name).await?;
    Ok(reply::ok(&json!({"message": "deleted"})))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    name: Option<String>,
    display_name: Option<String>,
    desc: Option<String>,
    website_url: Option<String>,
    vcs_url: Option<String>,
    #[serde(deserialize_with = "json::texts")]
    packages: Option<Vec<String>>,
    #[serde(deserialize_with = "json::clearable_integer")]
    sign_url_expiry: Option<Option<i64>>,
}

type Member = (RepoName, PackageName);

impl Body {
    fn read(self) -> Result<(ProductPatch, Option<Vec<Member>>), Failure> {
        let text = |value: Option<String>| value.map(|text| Some(text).filter(|t| !t.is_empty()));
        let expiry = |number: i64| {
            u32::try_from(number).map_err(|_| {
                let message = format!("sign_url_expiry is {number}: use a number from 0 on");
                Failure::bad_request(message)
            })
        };
        let patch = ProductPatch {
            display_name: text(self.display_name),
            desc: text(self.desc),
            website_url: text(self.website_url),
            vcs_url: text(self.vcs_url),
            sign_url_expiry: self
                .sign_url_expiry
                .map(|said| said.map(expiry).transpose())
                .transpose()?,
        };
        let packages = self.packages.map(|packages| packages.iter().map(|it| member(it)).collect());
        Ok((patch, packages.transpose()?))
    }
}

/// Reads `repo/package`.
fn member(text: &str) -> Result<Member, Failure> {
    let Some((repo, package)) = text.split_once('/') else {
        let text: String = text.chars().take(100).collect();
        let text = text.escape_debug();
        let message = format!("packages: '{text}' is no package: write repo/package");
        return Err(Failure::bad_request(message));
    };
    Ok((RepoName::parse(repo)?, PackageName::parse(package)?))
}

#[derive(Serialize)]
struct Product {
    name: String,
    display_name: String,
    created: String,
    desc: String,
    website_url: String,
    vcs_url: String,
    packages: Vec<String>,
    versions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_url_expiry: Option<u32>,
}

impl From<ProductView> for Product {
    fn from(view: ProductView) -> Self {
        let ProductView { product, packages, versions } = view;
        let path = |(repo, package): &Member| format!("{repo}/{package}");
        Self {
            name: product.name.to_string(),
            display_name: product.display_name().to_owned(),
            created: product.created.to_string(),
            packages: packages.iter().map(path).collect(),
            versions: versions.iter().map(ToString::to_string).collect(),
            sign_url_expiry: product.settings.sign_url_expiry,
            desc: product.settings.desc.unwrap_or_default(),
            website_url: product.settings.website_url.unwrap_or_default(),
            vcs_url: product.settings.vcs_url.unwrap_or_default(),
        }
    }
}
