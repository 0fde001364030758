//! Products: make, show, list, change and delete.
//!
//! A product and its packages name each other: the product has the list, and each package the
//! number of the product, which is what decides. Both change in one commit. A package that was made
//! anew under a name of the list has no such number, and is none of the product's.

mod gone;
mod members;
mod reached;
mod seen;

use super::deletion::still_going;
use super::patch::patch;
use super::{Listed, Paging, texts};
use crate::access::{Caller, Permit, SubjectPlace, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::products::{Product, ProductSettings, ProductTomb};
use crate::model::subjects::{Plan, Subject};
use crate::model::{Form, ProductId};
use crate::names::{PackageName, ProductName, RepoName, SubjectName, VersionName};
use crate::store::Query;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

pub(crate) use gone::{Forgetting, forget};
pub(super) use members::{leave, leave_repository};
pub(super) use reached::{Reached, reached};
pub(super) use seen::Seen;
use seen::Viewer;

patch! {
    /// What changes about a product.
    ProductPatch of ProductSettings {
        display_name: Option<String>,
        desc: Option<String>,
        website_url: Option<String>,
        vcs_url: Option<String>,
        sign_url_expiry: Option<u32>,
    }
}

/// A product as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProductView {
    /// The product.
    pub product: Product,
    /// Its packages that the caller sees.
    pub packages: Vec<(RepoName, PackageName)>,
    /// The names of their versions, the newest first.
    pub versions: Vec<VersionName>,
}

/// Whether the caller may change a product: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] also for a product that the caller may not see, and
/// [`ErrorKind::Forbidden`] for those who see it and do not administer its subject.
pub async fn check(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<()> {
    seen::find(packhouse, caller, subject, name).await?;
    check_new(packhouse, caller, subject).await
}

/// Whether the caller may make products of a subject: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`] where there is no such subject; [`ErrorKind::Forbidden`] for those who do
/// not administer it.
pub async fn check_new(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
) -> Result<()> {
    packhouse.permit::<act::Administer, _>(caller, subject).await.map(drop)
}

/// A product that the caller sees, with what else is seen of it.
pub(super) async fn find(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<Seen> {
    seen::find(packhouse, caller, subject, name).await
}

/// The product of a subject, within a change.
pub(super) async fn require(
    work: &Work,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<Product> {
    let product = work.find::<Product>(Product::key_of(subject, name)).await?;
    let product = product.filter(|product| product.name == *name);
    product.ok_or_else(|| Error::not_found(Noun::Product, name))
}

/// The products of a subject that the caller sees, by name.
///
/// Implements the Bintray REST API, "Get Products".
///
/// # Errors
/// [`ErrorKind::NotFound`] where there is no such subject.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    paging: Paging,
) -> Result<Listed<Product>> {
    let viewer = Viewer::of(packhouse, caller, subject).await?;
    let query = Query::within(Product::range_of(subject)).limit(Product::MAX);
    let items = viewer.seen(Work::new(packhouse).list(&query).await?).await?;
    let total = items.len() as u64;
    let start = usize::try_from(paging.start).unwrap_or(usize::MAX).min(items.len());
    let items = items.into_iter().skip(start).take(paging.limit.min(Paging::MAX)).collect();
    Ok(Listed { items, total: Some(total), start: paging.start })
}

/// Shows a product.
///
/// Implements the Bintray REST API, "Get Product".
///
/// # Errors
/// [`ErrorKind::NotFound`] also for a product that the caller may not see: one that neither belongs
/// to a subject that the caller administers nor has a package that the caller may read.
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<ProductView> {
    let Seen { product, packages } = find(packhouse, caller, subject, name).await?;
    let versions = seen::versions(packhouse, subject, &packages).await?;
    Ok(ProductView { product, packages, versions })
}

/// Makes a product of packages of the same subject.
///
/// Implements the Bintray REST API, "Create Product".
///
/// # Errors
/// As [`check_new`]; [`ErrorKind::AlreadyExists`] where the name is taken in any spelling;
/// [`ErrorKind::Conflict`] while one of this name is being deleted; [`ErrorKind::Invalid`] for
/// packages that are not there or not in a premium repository; [`ErrorKind::Forbidden`] for plans
/// other than enterprise.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
    settings: &ProductSettings,
    packages: &[(RepoName, PackageName)],
) -> Result<ProductView> {
    let product = packhouse
        .change::<act::Administer, _, _, _, _>(caller, subject, |permit, work| async move {
            let owner = &permit.place().subject;
            check_room(&work, owner, name).await?;
            let mut product = Product {
                form: Form,
                id: ProductId::from_bytes(work.random_bytes()),
                subject: owner.name.clone(),
                subject_id: owner.id,
                name: name.clone(),
                settings: checked(settings.clone())?,
                packages: Vec::new(),
                created: work.now(),
            };
            members::set(&work, &permit, &mut product, packages).await?;
            gate(owner)?;
            work.put(&permit, &product);
            Ok(product)
        })
        .await?;
    show(packhouse, caller, subject, &product.name).await
}

/// Whether the name is free, and one product more may be.
async fn check_room(work: &Work, owner: &Subject, name: &ProductName) -> Result<()> {
    if work.exists(Product::key_of(&owner.name, name)).await? {
        let message = format!("Product '{name}' already exists");
        return Err(Error::new(ErrorKind::AlreadyExists, message));
    }
    if work.exists(ProductTomb::key_of(&owner.name, name)).await? {
        return Err(still_going("product", name));
    }
    let query = Query::within(Product::range_of(&owner.name)).limit(Product::MAX);
    if work.keys(&query).await?.len() == Product::MAX {
        return Err(Error::invalid(format!(
            "Subject '{}' has {} products, which is the most: delete one",
            owner.name,
            Product::MAX
        )));
    }
    Ok(())
}

/// What is for the enterprise plan alone. What was made under it stays, and can be deleted.
fn gate(subject: &Subject) -> Result<()> {
    if subject.plan == Plan::Enterprise {
        return Ok(());
    }
    let message = "This resource is only available for Enterprise users";
    Err(Error::new(ErrorKind::Forbidden, message))
}

fn checked(mut settings: ProductSettings) -> Result<ProductSettings> {
    settings.display_name = settings.display_name.filter(|name| !name.is_empty());
    texts::check_long("desc", settings.desc.as_deref())?;
    for (field, text) in [
        ("display_name", &settings.display_name),
        ("website_url", &settings.website_url),
        ("vcs_url", &settings.vcs_url),
    ] {
        texts::check(field, text.as_deref())?;
    }
    Ok(settings)
}

/// Changes a product; `packages`, if given, are all that it has from then on.
///
/// Implements the Bintray REST API, "Update Product".
///
/// # Errors
/// As [`check`] and [`create`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
    patch: &ProductPatch,
    packages: Option<&[(RepoName, PackageName)]>,
) -> Result<()> {
    change(packhouse, caller, subject, name, |changing| async move {
        let Changing { permit, work, mut product } = changing;
        product.settings = checked(patch.clone().apply(product.settings))?;
        if let Some(packages) = packages {
            members::set(&work, &permit, &mut product, packages).await?;
        }
        gate(&permit.place().subject)?;
        work.put(&permit, &product);
        Ok(())
    })
    .await
}

/// A change of a product that the caller may make.
pub(super) struct Changing {
    pub(super) permit: Permit<act::Administer, SubjectPlace>,
    pub(super) work: Work,
    pub(super) product: Product,
}

/// Runs a change for those who may change the product.
pub(super) async fn change<T: Send, D: Future<Output = Result<T>> + Send>(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
    decide: impl Fn(Changing) -> D + Send + Sync,
) -> Result<T> {
    // Whether it is there comes first, and is for those who see it to know.
    seen::find(packhouse, caller, subject, name).await?;
    let decide = &decide;
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, subject, |permit, work| async move {
            let product = require(&work, subject, name).await?;
            decide(Changing { permit, work, product }).await
        })
        .await
}

/// Deletes a product with its EULAs and the entitlements on it. Nobody may anything by it from then
/// on; what is left of it is removed before this returns, or by a job if that fails or is
/// interrupted. Its packages stay.
///
/// Implements the Bintray REST API, "Delete Product".
///
/// # Errors
/// As [`check`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    name: &ProductName,
) -> Result<()> {
    let forgetting = change(packhouse, caller, subject, name, |changing| async move {
        let Changing { permit, work, product } = changing;
        gone::begin(&work, &permit, product).await
    })
    .await?;
    gone::carry_out(packhouse, &forgetting).await;
    Ok(())
}
