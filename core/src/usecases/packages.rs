//! Packages: make, show, list, change and delete.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::patch::patch;
use super::windows::Window;
use super::{Listed, Paging, deletion, products, texts, versions};
use crate::access::{Caller, PackagePlace, act};
use crate::engine::Packhouse;
use crate::model::attributes::Attributes;
use crate::model::jobs::Doomed;
use crate::model::packages::{Package, PackageSettings, Updated};
use crate::model::repositories::{Closing, Repository};
use crate::model::subjects::Plan;
use crate::model::versions::Version;
use crate::model::{Form, Stored, licenses};
use crate::names::{FileLocation, PackageName, PackagePath, RepoPath, VersionName};
use crate::store::{Filter, Query, TermValue};
use crate::work::Work;
use crate::{Error, ErrorKind, Result, Timestamp};

patch! {
    /// What changes about a package.
    PackagePatch of PackageSettings {
        desc: Option<String>,
        labels: Vec<String>,
        licenses: Vec<String>,
        custom_licenses: Vec<String>,
        website_url: Option<String>,
        issue_tracker_url: Option<String>,
        vcs_url: Option<String>,
        github_repo: String,
        github_release_notes_file: String,
        public_download_numbers: bool,
        public_stats: Option<bool>,
        maturity: String,
    }
}

/// A package as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackageView {
    /// The package.
    pub package: Package,
    /// The names of its versions, the newest first.
    pub versions: Vec<VersionName>,
    /// The newest version that has a published file.
    pub latest_version: Option<VersionName>,
    /// When anything of it last changed.
    pub updated: Timestamp,
    /// Whether the caller may publish it.
    pub publisher: bool,
}

/// What `maturity` may be.
const MATURITIES: [&str; 5] = ["", "Official", "Stable", "Development", "Experimental"];

/// Whether the caller may make packages in a repository: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_new(packhouse: &Packhouse, caller: &Caller, repo: &RepoPath) -> Result<()> {
    packhouse.permit::<act::Write, _>(caller, repo).await.map(drop)
}

/// Makes a package.
///
/// Implements the Bintray REST API, "Create Package".
///
/// # Errors
/// [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for an unknown license or maturity, and in
/// repositories of the oss plan for a package without licenses or without `vcs_url`.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
    settings: &PackageSettings,
) -> Result<PackageView> {
    packhouse
        .change::<act::Write, _, _, _, _>(caller, &path.repo, |permit, work| async move {
            let place = permit.place();
            if work.exists(Package::key_of(path)).await? {
                let message = format!("Package '{}' already exists", path.package);
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            if place.repo.is_package_closing(&path.package) {
                return Err(deletion::still_going("package", &path.package));
            }
            let settings = checked(fitting(settings.clone(), place.subject.plan))?;
            check_oss(&settings, path, place.subject.plan, |_| true)?;
            let package = Package {
                form: Form,
                subject: path.repo.subject.clone(),
                repo: path.repo.repo.clone(),
                name: path.package.clone(),
                created: work.now(),
                updated: work.now(),
                settings,
                attributes: Attributes::default(),
                products: BTreeSet::new(),
                system_ids: BTreeSet::new(),
            };
            work.put(&permit, &package);
            let (updated, publisher) = (work.now(), place.publisher);
            let (versions, latest_version) = (Vec::new(), None);
            Ok(PackageView { package, versions, latest_version, updated, publisher })
        })
        .await
}

/// What is kept of what is said: to hide statistics is for premium plans. Others' scripts send it
/// too, and it is passed over.
fn fitting(settings: PackageSettings, plan: Plan) -> PackageSettings {
    let public_stats = settings.public_stats.filter(|_| plan.is_premium());
    PackageSettings { public_stats, ..settings }
}

/// The rules of what is said about a package; licenses come out sorted and without doubles.
fn checked(mut settings: PackageSettings) -> Result<PackageSettings> {
    for names in [&mut settings.licenses, &mut settings.custom_licenses] {
        names.sort();
        names.dedup();
    }
    check_texts(&settings)?;
    if let Some(unknown) = settings.licenses.iter().find(|name| !licenses::is_known(name)) {
        return Err(Error::invalid(format!("License '{unknown}' does not exist")));
    }
    if !is_github_path(&settings.github_repo) {
        return Err(Error::invalid("No repository found under this GitHub path"));
    }
    if !MATURITIES.contains(&settings.maturity.as_str()) {
        let maturity = &settings.maturity;
        let known = MATURITIES[1..].join(", ");
        return Err(Error::invalid(format!("Maturity '{maturity}' does not exist: use {known}")));
    }
    Ok(settings)
}

/// Whether it is nothing, or `owner/name` as GitHub has them. Nobody asks GitHub.
fn is_github_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = |name: &str| !name.is_empty() && name.chars().all(plain);
    let parts = path.split_once('/');
    path.is_empty() || parts.is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

fn check_texts(settings: &PackageSettings) -> Result<()> {
    texts::check_long("desc", settings.desc.as_deref())?;
    texts::check_all("labels", &settings.labels)?;
    texts::check_all("licenses", &settings.licenses)?;
    texts::check_all("custom_licenses", &settings.custom_licenses)?;
    for (field, text) in [
        ("website_url", settings.website_url.as_deref()),
        ("issue_tracker_url", settings.issue_tracker_url.as_deref()),
        ("vcs_url", settings.vcs_url.as_deref()),
        ("github_repo", Some(settings.github_repo.as_str())),
        ("github_release_notes_file", Some(settings.github_release_notes_file.as_str())),
    ] {
        texts::check(field, text)?;
    }
    Ok(())
}

/// What repositories of the oss plan ask of a package, as far as it is said anew: a package that
/// was made under another plan can still be changed.
fn check_oss(
    settings: &PackageSettings,
    path: &PackagePath,
    plan: Plan,
    said: impl Fn(Said) -> bool,
) -> Result<()> {
    if plan.is_premium() {
        return Ok(());
    }
    if said(Said::CustomLicenses) && !settings.custom_licenses.is_empty() {
        let subject = &path.repo.subject;
        let message = format!("This action is not allowed for none-premium subject {subject}");
        return Err(Error::invalid(message));
    }
    if said(Said::Licenses) && settings.licenses.is_empty() {
        return Err(Error::invalid(format!(
            "Package for path '{}' was invalid. Package license is mandatory",
            path.repo
        )));
    }
    if said(Said::VcsUrl) && settings.vcs_url.as_ref().is_none_or(|url| !url.contains(':')) {
        return Err(Error::invalid("Please enter a valid VCS URL for your package."));
    }
    Ok(())
}

/// What the oss plan asks for or leaves to others.
enum Said {
    CustomLicenses,
    Licenses,
    VcsUrl,
}

/// Shows a package.
///
/// Implements the Bintray REST API, "Get Package".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
) -> Result<PackageView> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let PackagePlace { repo, package, publisher, .. } = permit.place().clone();
    view(packhouse, &repo, package, publisher).await
}

/// A package as it is shown to a publisher or to others.
pub(super) async fn view(
    packhouse: &Packhouse,
    repo: &Repository,
    mut package: Package,
    publisher: bool,
) -> Result<PackageView> {
    let path = package.path();
    let versions = versions::newest_first(packhouse, &path).await?;
    let latest_version = versions::latest_of(packhouse, repo, &path.package).await?;
    let updated = Updated::shown_to(publisher).key_of(&path);
    let touched = packhouse.read_all(&[updated]).await?.pop().flatten();
    let touched = touched.map_or(0, |record| record.counter());
    package.attributes = package.attributes.seen_by(publisher);
    Ok(PackageView {
        updated: package.updated.max(Timestamp::from_millis(touched)),
        package,
        versions,
        latest_version,
        publisher,
    })
}

/// Shows the package that a file belongs to, to those who may have both.
///
/// Implements the Bintray REST API, "Get Package for File".
///
/// # Errors
/// As [`super::downloads::find`] and [`show`].
pub async fn of_file(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<PackageView> {
    let permit = packhouse.permit::<act::Read, _>(caller, location).await?;
    show(packhouse, caller, &permit.place().file.version_path().package).await
}

/// The packages of a repository, by name; only those whose names start with `prefix`, if given.
///
/// Implements the Bintray REST API, "Get Packages".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    prefix: Option<&str>,
    paging: Paging,
) -> Result<Listed<PackageName>> {
    packhouse.permit::<act::Read, _>(caller, repo).await?;
    let query = Query::within(Package::range_of(repo));
    let query = match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => query.filter(starts_with(prefix)),
        None => query,
    };
    let listed: Listed<Package> = packhouse.list(query, paging).await?;
    Ok(listed.map(|package| package.name))
}

fn starts_with(prefix: &str) -> Filter {
    let low = TermValue::text(prefix);
    // No text holds this byte, so that all that continue the prefix lie below.
    let high = TermValue::from_bytes(&[low.as_bytes(), &[0xff]].concat());
    Filter::Between(Package::NAME, Bound::Included(low), Bound::Excluded(high))
}

/// Whether the caller may change a package: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_there(packhouse: &Packhouse, caller: &Caller, path: &PackagePath) -> Result<()> {
    packhouse.permit::<act::Annotate, _>(caller, path).await.map(drop)
}

/// Changes a package.
///
/// Implements the Bintray REST API, "Update Package".
///
/// # Errors
/// As [`create`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
    patch: &PackagePatch,
) -> Result<()> {
    packhouse
        .change::<act::Annotate, _, _, _, _>(caller, path, |permit, work| async move {
            let PackagePlace { subject, mut package, .. } = permit.place().clone();
            let public_stats = patch.public_stats.filter(|_| subject.plan.is_premium());
            let settings = PackagePatch { public_stats, ..patch.clone() }.apply(package.settings);
            package.settings = checked(settings)?;
            check_oss(&package.settings, path, subject.plan, |what| match what {
                Said::CustomLicenses => patch.custom_licenses.is_some(),
                Said::Licenses => patch.licenses.is_some(),
                Said::VcsUrl => patch.vcs_url.is_some(),
            })?;
            package.updated = work.now();
            // Read beside the permit and not its basis: written, it is expected unchanged.
            work.put(&permit, &package);
            Ok(())
        })
        .await
}

/// Deletes a package with its versions and files. It is gone at once for everyone; what is left is
/// removed before this returns, or by a job if that fails or is interrupted.
///
/// Implements the Bintray REST API, "Delete Package".
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for members once one of its versions was
/// published longer ago than the repository's `version_update_max_days`.
pub async fn delete(packhouse: &Packhouse, caller: &Caller, path: &PackagePath) -> Result<()> {
    let doomed = packhouse
        .change::<act::Delete, _, _, _, _>(caller, path, |permit, work| async move {
            let PackagePlace { repo, package, .. } = permit.place().clone();
            check_window(&work, permit.caller(), permit.place(), path).await?;
            products::leave(&work, &permit, &package).await?;
            work.delete(&permit, package.key());
            let closing = Closing { package: package.name.clone(), version: None };
            work.put(&permit, &closed(repo, closing));
            let doomed = Doomed {
                subject: path.repo.subject.clone(),
                repo: Some(path.repo.repo.clone()),
                package: Some(package.name),
                version: None,
            };
            Ok(deletion::begin(&work, &permit, doomed))
        })
        .await?;
    deletion::carry_out(packhouse, &doomed).await;
    Ok(())
}

/// Whether none of its versions was published too long ago for the caller to delete it.
async fn check_window(
    work: &Work,
    caller: &Caller,
    place: &PackagePlace,
    path: &PackagePath,
) -> Result<()> {
    let window = Window::of(place);
    let Some(start) = window.start_for_members(work, caller).await? else { return Ok(()) };
    let before = Bound::Excluded(TermValue::instant(start));
    let filter = Filter::Between(Version::PUBLISHED, Bound::Unbounded, before);
    let query = Query::within(Version::range_of(path)).filter(filter).limit(1);
    match work.list::<Version>(&query).await?.first() {
        Some(version) => window.check_members(work, caller, version).await,
        None => Ok(()),
    }
}

/// The repository with something marked as being deleted.
pub(super) fn closed(mut repo: Repository, closing: Closing) -> Repository {
    repo.closing.insert(closing);
    repo
}
