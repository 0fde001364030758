//! Versions: make, show, change and delete.

use super::maven::Gone;
use super::patch::patch;
use super::windows::Window;
use super::{deletion, files, maven, packages, texts};
use crate::access::{Caller, Changes, PackagePlace, Permit, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::attributes::Attributes;
use crate::model::files::File;
use crate::model::jobs::Doomed;
use crate::model::packages::{Package, Updated};
use crate::model::repositories::{Closing, Repository};
use crate::model::versions::{Version, VersionSettings};
use crate::model::{Form, Stored};
use crate::names::{FileLocation, PackageName, PackagePath, VersionName, VersionPath};
use crate::store::{Change, Direction, Filter, Key, Order, Query, Record};
use crate::work::{Work, decode};
use crate::{Error, ErrorKind, Result, Timestamp};

patch! {
    /// What changes about a version.
    VersionPatch of VersionSettings {
        desc: Option<String>,
        released: Option<Timestamp>,
        vcs_tag: Option<String>,
        github_release_notes_file: Option<String>,
        github_use_tag_release_notes: bool,
    }
}

/// A version as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionView {
    /// The version.
    pub version: Version,
    /// Its package.
    pub package: Package,
    /// Whether it has a published file.
    pub published: bool,
    /// When anything of it last changed.
    pub updated: Timestamp,
    /// Whether the caller may publish it.
    pub publisher: bool,
}

/// The most versions of a package that are looked at to show it.
const MOST: usize = Query::MAX_LIMIT;

/// Whether the caller may make versions of a package: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_new(packhouse: &Packhouse, caller: &Caller, of: &PackagePath) -> Result<()> {
    packhouse.permit::<act::Write, _>(caller, of).await.map(drop)
}

/// Makes a version.
///
/// Implements the Bintray REST API, "Create Version".
///
/// # Errors
/// [`ErrorKind::AlreadyExists`]; [`ErrorKind::Invalid`] for the name of a snapshot.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &VersionPath,
    settings: &VersionSettings,
) -> Result<VersionView> {
    packhouse
        .change::<act::Write, _, _, _, _>(caller, &path.package, |permit, work| async move {
            if work.exists(Version::key_of(path)).await? {
                let message = format!("Version '{}' already exists", path.version);
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            check(settings)?;
            let version = make(&work, &permit, path, settings).await?;
            let (package, publisher) = (shown_package(permit.place()), permit.place().publisher);
            let updated = version.updated;
            Ok(VersionView { version, package, published: false, updated, publisher })
        })
        .await
}

fn check(settings: &VersionSettings) -> Result<()> {
    texts::check_long("desc", settings.desc.as_deref())?;
    texts::check("vcs_tag", settings.vcs_tag.as_deref())?;
    texts::check("github_release_notes_file", settings.github_release_notes_file.as_deref())
}

/// Plans a version that is not there.
pub(super) async fn make(
    work: &Work,
    permit: &Permit<act::Write, PackagePlace>,
    path: &VersionPath,
    settings: &VersionSettings,
) -> Result<Version> {
    refuse_snapshot(path)?;
    refuse_closing(&permit.place().repo, path)?;
    let ordinals = Version::ordinals_of(&path.package);
    let ordinal = work.counter(ordinals.clone()).await? + 1;
    let version = Version {
        form: Form,
        subject: path.repo().subject.clone(),
        repo: path.repo().repo.clone(),
        package: path.package.package.clone(),
        name: path.version.clone(),
        ordinal,
        created: work.now(),
        published: None,
        updated: work.now(),
        settings: settings.clone(),
        attributes: Attributes::default(),
    };
    work.put(permit, &version);
    work.change(permit, Change::Add(ordinals, 1));
    touch(work, permit, path, true);
    Ok(version)
}

/// Snapshots are not stored, so that none is ever there to upload to.
pub(super) fn refuse_snapshot(path: &VersionPath) -> Result<()> {
    if path.version.is_snapshot() {
        let message = format!("Version '{}' is a snapshot: snapshots are not stored", path.version);
        return Err(Error::invalid(message));
    }
    Ok(())
}

/// A version that is being deleted cannot be uploaded to before it is gone.
pub(super) fn refuse_closing(repo: &Repository, path: &VersionPath) -> Result<()> {
    if repo.is_version_closing(&path.package.package, &path.version) {
        return Err(deletion::still_going("version", &path.version));
    }
    Ok(())
}

/// Plans to remember when a version was first published. Later publications leave it alone, so that
/// many uploads at once do not meet here.
pub(super) fn note_publication<A: Changes>(
    work: &Work,
    permit: &Permit<A, PackagePlace>,
    version: &Version,
) {
    if version.published.is_none() {
        work.put(permit, &Version { published: Some(work.now()), ..version.clone() });
    }
}

/// Notes that something of a version changed, without getting into anyone's way; for publishers
/// alone if others cannot see what did.
pub(super) fn touch<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    path: &VersionPath,
    seen_by_everyone: bool,
) {
    let everyone = Some(Updated::ForEveryone).filter(|_| seen_by_everyone);
    for updated in everyone.into_iter().chain([Updated::ForPublishers]) {
        let package = updated.key_of(&path.package);
        let version = package.child(path.version.as_str());
        for key in [package, version] {
            work.change(permit, Change::Raise(key, work.now().as_millis()));
        }
    }
}

/// Shows a version.
///
/// Implements the Bintray REST API, "Get Version".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &VersionPath,
) -> Result<VersionView> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let touched = touched_key(permit.place(), path);
    let mut read = packhouse.read_all(&[Version::key_of(path), touched]).await?;
    let touched = read.pop().flatten();
    let version = read.pop().flatten().map(|record| decode::<Version>(&record)).transpose()?;
    let version = version.ok_or_else(|| Error::not_found(Noun::Version, &path.version))?;
    view_with(packhouse, permit.place(), version, touched).await
}

/// Shows the version that a file belongs to, to those who may have both.
///
/// Implements the Bintray REST API, "Get Version for File".
///
/// # Errors
/// As [`super::downloads::find`] and [`show`].
pub async fn of_file(
    packhouse: &Packhouse,
    caller: &Caller,
    location: &FileLocation,
) -> Result<VersionView> {
    let permit = packhouse.permit::<act::Read, _>(caller, location).await?;
    show(packhouse, caller, &permit.place().file.version_path()).await
}

/// Shows the newest version that has a published file.
///
/// Implements the Bintray REST API, "Get Version".
///
/// # Errors
/// [`ErrorKind::NotFound`] also where no version has one.
pub async fn show_latest(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &PackagePath,
) -> Result<VersionView> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let latest = latest_of(packhouse, &permit.place().repo, &path.package).await?;
    let latest = latest.ok_or_else(|| Error::not_found(Noun::Version, "_latest"))?;
    show(packhouse, caller, &path.version(latest)).await
}

/// Where it is kept when what the caller sees of a version last changed.
fn touched_key(place: &PackagePlace, path: &VersionPath) -> Key {
    let updated = Updated::shown_to(place.publisher).key_of(&path.package);
    updated.child(path.version.as_str())
}

/// A version as it is shown.
pub(super) async fn view(
    packhouse: &Packhouse,
    place: &PackagePlace,
    version: Version,
) -> Result<VersionView> {
    let touched = packhouse.read_all(&[touched_key(place, &version.path())]).await?.pop();
    view_with(packhouse, place, version, touched.flatten()).await
}

async fn view_with(
    packhouse: &Packhouse,
    place: &PackagePlace,
    mut version: Version,
    touched: Option<Record>,
) -> Result<VersionView> {
    let published = has_published(packhouse, &place.repo, &version).await?;
    let touched = Timestamp::from_millis(touched.map_or(0, |record| record.counter()));
    version.attributes = version.attributes.seen_by(place.publisher);
    let package = shown_package(place);
    Ok(VersionView {
        updated: version.updated.max(touched),
        version,
        package,
        published,
        publisher: place.publisher,
    })
}

/// The package as the caller sees it.
fn shown_package(place: &PackagePlace) -> Package {
    let attributes = place.package.attributes.clone().seen_by(place.publisher);
    Package { attributes, ..place.package.clone() }
}

async fn has_published(
    packhouse: &Packhouse,
    repo: &Repository,
    version: &Version,
) -> Result<bool> {
    let filter = Filter::All(vec![
        File::of_version(&version.package, &version.name),
        File::published_is(true),
    ]);
    let query = Query::within(File::range_of(&repo.path())).filter(filter).keys().limit(1);
    Ok(!packhouse.select(&query).await?.rows.is_empty())
}

/// The names of a package's versions, the newest first.
pub(super) async fn newest_first(
    packhouse: &Packhouse,
    path: &PackagePath,
) -> Result<Vec<VersionName>> {
    let order = Order::Term(Version::ORDINAL, Direction::Descending);
    let query = Query::within(Version::range_of(path)).order(order).keys().limit(MOST);
    let rows = packhouse.select(&query).await?.rows;
    rows.iter().map(|row| name_in(&row.key)).collect()
}

/// The name in the key of a version: subject, repository, package, name.
fn name_in(key: &Key) -> Result<VersionName> {
    let name = key.parts().pop().unwrap_or_default();
    VersionName::parse(&name).map_err(Error::corrupt)
}

/// The newest version of a package that has a published file.
pub(super) async fn latest_of(
    packhouse: &Packhouse,
    repo: &Repository,
    package: &PackageName,
) -> Result<Option<VersionName>> {
    let mut filter = vec![File::released(package)];
    filter.extend(files::of_closing_versions(repo, package));
    let order = Order::Term(File::RELEASE, Direction::Descending);
    let query = Query::within(File::range_of(&repo.path())).filter(Filter::All(filter));
    let page = packhouse.select(&query.order(order).limit(1)).await?;
    let newest = page.into_records().next().map(|record| decode::<File>(&record)).transpose()?;
    Ok(newest.map(|file| file.version))
}

/// Whether the caller may change a version: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_there(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<()> {
    let work = Work::new(packhouse);
    work.permit::<act::Annotate, _>(caller, path).await?;
    require(&work, path).await.map(drop)
}

/// Changes a version.
///
/// Implements the Bintray REST API, "Update Version".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &VersionPath,
    patch: &VersionPatch,
) -> Result<()> {
    packhouse
        .change::<act::Annotate, _, _, _, _>(caller, path, |permit, work| async move {
            let mut version = require(&work, path).await?;
            version.settings = patch.clone().apply(version.settings);
            check(&version.settings)?;
            version.updated = work.now();
            work.put(&permit, &version);
            touch(&work, &permit, path, true);
            Ok(())
        })
        .await
}

pub(super) async fn require(work: &Work, path: &VersionPath) -> Result<Version> {
    let version = work.find(Version::key_of(path)).await?;
    version.ok_or_else(|| Error::not_found(Noun::Version, &path.version))
}

/// Deletes a version with its files. It is gone at once for everyone; what is left is removed
/// before this returns, or by a job if that fails or is interrupted.
///
/// Implements the Bintray REST API, "Delete Version".
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for members once it was published longer ago
/// than the repository's `version_update_max_days`.
pub async fn delete(packhouse: &Packhouse, caller: &Caller, path: &VersionPath) -> Result<()> {
    let doomed = packhouse
        .change::<act::Delete, _, _, _, _>(caller, path, |permit, work| async move {
            let version = require(&work, path).await?;
            let window = Window::of(permit.place());
            window.check_members(&work, permit.caller(), &version).await?;
            work.delete(&permit, version.key());
            let name = Some(version.name.clone());
            let closing = Closing { package: version.package.clone(), version: name.clone() };
            let repo = &permit.place().repo;
            work.put(&permit, &packages::closed(repo.clone(), closing));
            let gone = Gone::Version(&path.version);
            maven::forget_system_ids(&work, &permit, repo, &path.package, gone).await?;
            let now = work.now().as_millis();
            for updated in Updated::ALL {
                work.change(&permit, Change::Raise(updated.key_of(&path.package), now));
            }
            let doomed = Doomed {
                subject: version.subject,
                repo: Some(version.repo),
                package: Some(version.package),
                version: name,
            };
            Ok(deletion::begin(&work, &permit, doomed))
        })
        .await?;
    deletion::carry_out(packhouse, &doomed).await;
    Ok(())
}
