//! EULAs of products: make, show, list, change and delete.
//!
//! Which EULA is a version's: [`Eulas::of_version`]. That it was accepted, and what happens to
//! downloads before, is in `acceptance`; the reports of who accepted what are in `signed`.

mod acceptance;
mod signed;

use super::products::{self, Changing, Seen};
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::eulas::{Eula, EulaSyntax, EulaText, Eulas};
use crate::model::products::Product;
use crate::model::{EulaId, Form, Stored};
use crate::names::{EulaName, FileLocation, ProductName, SubjectName, VersionName};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, Timestamp};

pub(super) use acceptance::check_accepted;
pub use acceptance::{Agreement, accept, to_accept};
pub use signed::{SignedFilter, signed};

/// What is said about a EULA that is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEula {
    /// Its name.
    pub name: EulaName,
    /// What its text is written in.
    pub syntax: EulaSyntax,
    /// Its text.
    pub content: String,
    /// Whether it is for all new versions.
    pub default: bool,
    /// The versions that it is for besides. They need not be there yet.
    pub versions: Vec<VersionName>,
}

/// What changes about a EULA.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EulaPatch {
    /// What its text is written in.
    pub syntax: Option<EulaSyntax>,
    /// Its text. Who accepted another keeps what that allows: make a new EULA to ask again.
    pub content: Option<String>,
    /// Whether it is for all versions that are made from now on.
    pub default: Option<bool>,
    /// The versions that it is for besides.
    pub versions: Option<Vec<VersionName>>,
}

/// A EULA as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EulaView {
    /// The EULA.
    pub eula: Eula,
    /// Its text.
    pub text: EulaText,
}

/// The EULAs of a product, in the order in which they were made.
///
/// Implements the Bintray REST API, "Get Product EULAs".
///
/// # Errors
/// As [`products::show`].
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
) -> Result<Vec<Eula>> {
    let Seen { product, .. } = products::find(packhouse, caller, subject, product).await?;
    Ok(eulas_of(&Work::new(packhouse), &product).await?.eulas)
}

/// The EULAs of a product, which has none if they were never made.
async fn eulas_of(work: &Work, product: &Product) -> Result<Eulas> {
    let held = work.find::<Eulas>(Eulas::key_of(&product.subject, product.id)).await?;
    Ok(held.unwrap_or_else(|| Eulas {
        form: Form,
        subject: product.subject.clone(),
        product_id: product.id,
        product: product.name.clone(),
        eulas: Vec::new(),
    }))
}

async fn text_of(work: &Work, eulas: &Eulas, eula: &Eula) -> Result<EulaText> {
    let key = EulaText::key_of(&eulas.subject, eulas.product_id, eula.id);
    let text = work.find::<EulaText>(key).await?;
    text.ok_or_else(|| Error::not_found(Noun::Eula, &eula.name))
}

/// Shows a EULA, to those who administer the subject.
///
/// Implements the Bintray REST API, "Get Product EULA".
///
/// # Errors
/// As [`products::check`]; then [`ErrorKind::NotFound`].
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    name: &EulaName,
) -> Result<EulaView> {
    let Seen { product, .. } = products::find(packhouse, caller, subject, product).await?;
    packhouse.permit::<act::Administer, _>(caller, subject).await?;
    let work = Work::new(packhouse);
    let eulas = eulas_of(&work, &product).await?;
    let eula = require(&eulas, name)?.clone();
    let text = text_of(&work, &eulas, &eula).await?;
    Ok(EulaView { eula, text })
}

fn require<'a>(eulas: &'a Eulas, name: &EulaName) -> Result<&'a Eula> {
    eulas.named(name).ok_or_else(|| Error::not_found(Noun::Eula, name))
}

/// Shows the EULA of the version that a file belongs to, to those who administer the subject. Of a
/// package in several products, that of the first by name that has one.
///
/// Implements the Bintray REST API, "Get EULA for File".
///
/// # Errors
/// As [`crate::downloads::find`]; [`ErrorKind::Forbidden`]; [`ErrorKind::NotFound`] where it has
/// none.
pub async fn of_file(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<EulaView> {
    let permit = packhouse.permit::<act::Read, _>(caller, location).await?;
    packhouse.permit::<act::Administer, _>(caller, &location.repo.subject).await?;
    let work = Work::new(packhouse);
    let before = acceptance::before(&work, permit.place()).await?;
    let first = before.into_iter().min_by(|one, other| one.0.product.cmp(&other.0.product));
    let none = || Error::not_found(Noun::Eula, &location.path);
    let (eulas, eula) = first.ok_or_else(none)?;
    let text = text_of(&work, &eulas, &eula).await?;
    Ok(EulaView { eula, text })
}

/// Makes a EULA.
///
/// Implements the Bintray REST API, "Create Product EULA".
///
/// # Errors
/// As [`products::check`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for one without a
/// text, or for more than may be.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    new: &NewEula,
) -> Result<EulaView> {
    products::change(packhouse, caller, subject, product, |changing| async move {
        let Changing { permit, work, product } = changing;
        let mut eulas = eulas_of(&work, &product).await?;
        if eulas.named(&new.name).is_some() {
            let message = format!("Eula '{}' already exists", new.name);
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        let eula = Eula {
            id: EulaId::from_bytes(work.random_bytes()),
            name: new.name.clone(),
            created: work.now(),
            versions: without_doubles(&new.versions),
            default_since: new.default.then(|| work.now()),
        };
        let text = EulaText {
            form: Form,
            subject: product.subject.clone(),
            product_id: product.id,
            id: eula.id,
            syntax: new.syntax,
            content: new.content.clone(),
        };
        eulas.eulas.push(eula.clone());
        check(&eulas, &text)?;
        work.put(&permit, &eulas);
        work.put(&permit, &text);
        Ok(EulaView { eula, text })
    })
    .await
}

fn without_doubles(versions: &[VersionName]) -> Vec<VersionName> {
    let mut kept = Vec::<VersionName>::new();
    let mut seen = std::collections::BTreeSet::new();
    kept.extend(versions.iter().filter(|version| seen.insert(*version)).cloned());
    kept
}

fn check(eulas: &Eulas, text: &EulaText) -> Result<()> {
    let (count, versions) = (eulas.eulas.len(), eulas.versions().len());
    let bytes = text.content.len();
    if count > Eulas::MAX {
        let most = Eulas::MAX;
        return Err(Error::invalid(format!("A product has at most {most} EULAs: delete one")));
    }
    if versions > Eulas::MAX_VERSIONS {
        let most = Eulas::MAX_VERSIONS;
        return Err(Error::invalid(format!(
            "The EULAs of the product name {versions} versions: at most {most} are kept, so make \
             one the default"
        )));
    }
    if text.content.trim().is_empty() {
        return Err(Error::invalid("The EULA has no text: give it as \"content\""));
    }
    if bytes > EulaText::MAX_BYTES {
        let most = EulaText::MAX_BYTES;
        return Err(Error::invalid(format!("content has {bytes} bytes: at most {most} are kept")));
    }
    Ok(())
}

/// Changes a EULA.
///
/// Implements the Bintray REST API, "Update Product EULA".
///
/// # Errors
/// As [`create`]; [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    name: &EulaName,
    patch: &EulaPatch,
) -> Result<()> {
    products::change(packhouse, caller, subject, product, |changing| async move {
        let Changing { permit, work, product } = changing;
        let mut eulas = eulas_of(&work, &product).await?;
        let mut text = text_of(&work, &eulas, require(&eulas, name)?).await?;
        for eula in eulas.eulas.iter_mut().filter(|eula| eula.name == *name) {
            apply(eula, patch, work.now());
        }
        text.syntax = patch.syntax.unwrap_or(text.syntax);
        text.content = patch.content.clone().unwrap_or(text.content);
        check(&eulas, &text)?;
        work.put(&permit, &eulas);
        work.put(&permit, &text);
        Ok(())
    })
    .await
}

fn apply(eula: &mut Eula, patch: &EulaPatch, now: Timestamp) {
    if let Some(versions) = &patch.versions {
        eula.versions = without_doubles(versions);
    }
    eula.default_since = match patch.default {
        // One that is it already stays it for the versions that were made meanwhile.
        Some(true) => eula.default_since.or(Some(now)),
        Some(false) => None,
        None => eula.default_since,
    };
}

/// Deletes a EULA. Its versions have the one that they would have without it, if any. That it was
/// accepted is still told.
///
/// Implements the Bintray REST API, "Delete Product EULA".
///
/// # Errors
/// As [`products::check`]; [`ErrorKind::NotFound`].
pub async fn delete(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    name: &EulaName,
) -> Result<()> {
    products::change(packhouse, caller, subject, product, |changing| async move {
        let Changing { permit, work, product } = changing;
        let mut eulas = eulas_of(&work, &product).await?;
        let id = require(&eulas, name)?.id;
        eulas.eulas.retain(|eula| eula.id != id);
        work.delete(&permit, EulaText::key_of(&product.subject, product.id, id));
        if eulas.eulas.is_empty() {
            work.delete(&permit, eulas.key());
        } else {
            work.put(&permit, &eulas);
        }
        Ok(())
    })
    .await
}
