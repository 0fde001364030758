//! Acceptance: what must be accepted for a version, that it was, and what a download is told that
//! comes before.

use super::{EulaView, eulas_of, text_of};
use crate::access::{Caller, FilePlace, Identity, Permit, Platform, Secret, SystemCaller, act};
use crate::engine::Packhouse;
use crate::error::{Noun, PendingEula};
use crate::model::access_keys::user_name;
use crate::model::eulas::{Eula, Eulas, SignedEula, Signer};
use crate::model::products::Product;
use crate::model::versions::Version;
use crate::model::{Form, Stored};
use crate::names::{ProductName, SubjectName, VersionName};
use crate::usecases::products::{self, Reached};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, crypto, hex};

/// What a person agrees to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// The product.
    pub product: Product,
    /// The version.
    pub version: VersionName,
    /// The EULAs of the version: more than one only where packages of the product that have it
    /// were made under different ones.
    pub eulas: Vec<EulaView>,
    /// The name that the caller signed in with.
    pub user: String,
    /// Whether the caller accepted all of them.
    pub accepted: bool,
    /// What the form must bring back. Only pages of this server, shown to this caller, have it.
    pub token: String,
}

const FORM: &str = "eula-form";

/// The EULAs of a file's version, with the products by which they are its.
pub(super) async fn before(work: &Work, place: &FilePlace) -> Result<Vec<(Eulas, Eula)>> {
    let file = &place.file;
    let products = place.products.iter();
    let keys = products.map(|product| Eulas::key_of(&file.subject, *product)).collect();
    let of_products: Vec<Eulas> =
        work.find_all::<Eulas>(keys).await?.into_iter().flatten().collect();
    if of_products.is_empty() {
        return Ok(Vec::new());
    }
    let version = work.find::<Version>(Version::key_of(&file.version_path())).await?;
    // One that is being deleted has what a new one would have.
    let made = version.map_or(work.now(), |version| version.created);
    let eula = |eulas: Eulas| {
        let eula = eulas.of_version(&file.version, made).cloned()?;
        Some((eulas, eula))
    };
    Ok(of_products.into_iter().filter_map(eula).collect())
}

/// Whether nothing must be accepted before a file may be downloaded. Publishers need not, nor
/// whoever holds a URL that one of them signed.
///
/// # Errors
/// [`ErrorKind::EulaNotAccepted`]; [`ErrorKind::Unauthenticated`] for anonymous callers.
pub(in crate::usecases) async fn check_accepted(
    packhouse: &Packhouse,
    permit: &Permit<act::Read, FilePlace>,
) -> Result<()> {
    let place = permit.place();
    if place.products.is_empty() || place.publisher {
        return Ok(());
    }
    if matches!(permit.caller().identity(), Identity::SignedUrl(_) | Identity::System(_)) {
        return Ok(());
    }
    let work = Work::new(packhouse);
    let mut before = before(&work, place).await?;
    if before.is_empty() {
        return Ok(());
    }
    let (signer, user) = signer_of(permit.caller())?;
    before.sort_by(|(one, _), (other, _)| one.product.cmp(&other.product));
    let version = &place.file.version;
    let keys = before.iter().map(|(eulas, eula)| {
        SignedEula::key_of(&eulas.subject, eulas.product_id, signer, version, eula.id)
    });
    let signed = packhouse.read_all(&keys.collect::<Vec<_>>()).await?;
    let pending = before.iter().zip(signed).find(|(_, signed)| signed.is_none());
    let Some(((Eulas { subject, product, .. }, _), _)) = pending else { return Ok(()) };
    let path = &place.file.path;
    let pending = PendingEula {
        subject: subject.clone(),
        product: product.clone(),
        version: version.clone(),
        user,
    };
    let message = format!("To download the resource {path} you need to accept its EULA");
    Err(Error::new(ErrorKind::EulaNotAccepted(Box::new(pending)), message))
}

/// Who can accept something, with the name that was signed in with.
fn signer_of(caller: &Caller) -> Result<(Signer, String)> {
    match caller.identity() {
        Identity::User { id, name } => Ok((Signer::User(*id), name.to_string())),
        Identity::AccessKey { id, name, subject } => {
            Ok((Signer::AccessKey(*id), user_name(subject, name)))
        }
        Identity::Anonymous => Err(Error::unauthenticated()),
        Identity::SignedUrl(_) | Identity::System(_) => Err(Error::forbidden()),
    }
}

/// What the caller must accept to download something of a version of a product: also who may read
/// no more of it than the version, or a folder with files of it.
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for anonymous callers; [`ErrorKind::NotFound`] for a version that
/// the caller may download nothing of, and for one without a EULA.
pub async fn to_accept(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    version: &VersionName,
) -> Result<Agreement> {
    let (signer, user) = signer_of(caller)?;
    let Reached { product, versions } =
        products::reached(packhouse, caller, subject, product, version).await?;
    let work = Work::new(packhouse);
    let of_product = eulas_of(&work, &product).await?;
    let mut of_version: Vec<&Eula> = Vec::new();
    for made in versions.iter().map(|version| version.created) {
        let eula = of_product.of_version(version, made);
        of_version.extend(eula.filter(|eula| !of_version.contains(eula)));
    }
    if of_version.is_empty() {
        return Err(Error::not_found(Noun::Eula, version));
    }
    let signed = of_version
        .iter()
        .map(|eula| SignedEula::key_of(&product.subject, product.id, signer, version, eula.id));
    let signed = packhouse.read_all(&signed.collect::<Vec<_>>()).await?;
    let accepted = signed.iter().all(Option::is_some);
    let token = token(packhouse, &product, signer, version, &of_version);
    let mut eulas = Vec::with_capacity(of_version.len());
    for eula in of_version {
        let text = text_of(&work, &of_product, eula).await?;
        eulas.push(EulaView { eula: eula.clone(), text });
    }
    Ok(Agreement { product, version: version.clone(), eulas, user, accepted, token })
}

/// What proves that a form is of a page that was shown to the caller: browsers send the credentials
/// with the forms of other sites' pages too.
fn token(
    packhouse: &Packhouse,
    product: &Product,
    signer: Signer,
    version: &VersionName,
    eulas: &[&Eula],
) -> String {
    let (product, signer) = (product.id.to_string(), signer.as_text());
    let eulas: Vec<String> = eulas.iter().map(|eula| eula.id.to_string()).collect();
    let mut fields = vec![signer.as_bytes(), version.as_str().as_bytes()];
    fields.extend(eulas.iter().map(String::as_bytes));
    let mac = crypto::signature(packhouse.secret(), FORM, product.as_bytes(), &fields);
    hex::encode(&mac.expose()[..32])
}

/// Notes that the caller accepted what the page showed that the token is of. Once more is no harm.
///
/// # Errors
/// As [`to_accept`]; [`ErrorKind::Forbidden`] for a token that is not of what there is to accept
/// now.
pub async fn accept(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: &ProductName,
    version: &VersionName,
    token: &str,
) -> Result<Agreement> {
    let agreement = to_accept(packhouse, caller, subject, product, version).await?;
    if !Secret::new(agreement.token.clone()).is(token.as_bytes()) {
        let message = "What there is to accept has changed, or the form is not of this server: open \
                       the page again";
        return Err(Error::new(ErrorKind::Forbidden, message));
    }
    let (signer, user) = signer_of(caller)?;
    let notary = Caller::system(SystemCaller::Notary);
    let (agreed, user) = (&agreement, &user);
    packhouse
        .change::<act::Annotate, _, _, _, _>(&notary, &Platform, |permit, work| async move {
            let product = &agreed.product;
            // What is deleted meanwhile is not accepted any more.
            let there = work.find_as_basis::<Eulas>(Eulas::key_of(subject, product.id)).await?;
            let there = there.map_or(Vec::new(), |there| there.eulas);
            for EulaView { eula, .. } in &agreed.eulas {
                if !there.iter().any(|there| there.id == eula.id) {
                    return Err(Error::not_found(Noun::Eula, &eula.name));
                }
                let signed = SignedEula {
                    form: Form,
                    subject: product.subject.clone(),
                    product_id: product.id,
                    product: product.name.clone(),
                    signer,
                    user: user.clone(),
                    version: agreed.version.clone(),
                    eula_id: eula.id,
                    eula: eula.name.clone(),
                    signed: work.now(),
                };
                if !work.exists(signed.key()).await? {
                    work.put(&permit, &signed);
                }
            }
            Ok(())
        })
        .await?;
    Ok(Agreement { accepted: true, ..agreement })
}
