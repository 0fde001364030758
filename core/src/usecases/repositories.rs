//! Repositories: make, show, list, change and delete.

use super::patch::patch;
use super::{Listed, Paging, deletion, permissions, products, teams, texts};
use crate::access::{Caller, RepoPlace, Sight, act};
use crate::engine::Packhouse;
use crate::model::debian::DebianCoordinates;
use crate::model::jobs::Doomed;
use crate::model::packages::Package;
use crate::model::repositories::{
    Repository, RepositoryKind, RepositorySettings, Restrictions, Tomb,
};
use crate::model::subjects::{Plan, Subject};
use crate::model::teams::Permission;
use crate::model::{Form, RepositoryId, Stored};
use crate::names::{RepoPath, SubjectName};
use crate::store::Query;
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// A repository to be made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewRepository {
    /// What kind of packages it serves.
    pub kind: RepositoryKind,
    /// Seen by those only who may read it; not for subjects of the oss plan.
    pub private: bool,
    /// What is said about it.
    pub settings: RepositorySettings,
}

patch! {
    /// What changes about a repository. `private` is left alone for subjects of the oss plan.
    RepositoryPatch of RepositorySettings {
        desc: String,
        labels: Vec<String>,
        business_unit: Option<String>,
        gpg_sign_metadata: bool,
        gpg_sign_files: bool,
        gpg_use_owner_key: bool,
        version_update_max_days: Option<u32>,
        default_debian_architecture: Option<String>,
        default_debian_distribution: Option<String>,
        default_debian_component: Option<String>,
        yum_metadata_depth: Option<u32>,
        yum_groups_file: Option<String>,
    }
}

/// A repository as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepositoryView {
    /// The repository.
    pub repo: Repository,
    /// What its owner pays for.
    pub plan: Plan,
    /// How many packages it has.
    pub package_count: u64,
}

/// Whether the caller may make repositories of a subject: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_new(packhouse: &Packhouse, caller: &Caller, of: &SubjectName) -> Result<()> {
    packhouse.permit::<act::CreateRepo, _>(caller, of).await.map(drop)
}

/// Makes a repository. The caller must own the subject, or be in a team that may make repositories:
/// that team has the `admin` permission in it then, and gives it its business unit.
///
/// Implements the Bintray REST API, "Create Repository".
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where the name is taken in any spelling; [`ErrorKind::Conflict`]
/// while one of this name is being deleted; [`ErrorKind::Invalid`] for a private one of a subject
/// of the oss plan.
pub async fn create(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    new: &NewRepository,
) -> Result<RepositoryView> {
    packhouse
        .change::<act::CreateRepo, _, _, _, _>(caller, &path.subject, |permit, work| async move {
            let subject = &permit.place().subject;
            let new = &fitting(subject, new);
            check(subject, new)?;
            if work.exists(Repository::key_of(path)).await? {
                let message = format!("Repo '{}' already exists", path.repo);
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            if work.exists(Tomb::key_of_repo(path)).await? {
                return Err(deletion::still_going("repo", &path.repo));
            }
            let mut repo = new_repository(&work, subject, path, new);
            if let Some(team) = teams::maker_of_repo(&work, &permit).await? {
                // Its members change what they made.
                permissions::give(&work, &permit, &team, &repo, Permission::Admin);
                let unit = team.business_unit.filter(|_| subject.plan == Plan::Enterprise);
                repo.settings.business_unit = repo.settings.business_unit.or(unit);
            }
            work.put(&permit, &repo);
            Ok(RepositoryView { repo, plan: subject.plan, package_count: 0 })
        })
        .await
}

/// What is kept of what is said: days for members are for the enterprise plan, and each kind has
/// settings of its own. The rest is passed over, as clients send it without being asked.
fn fitting(subject: &Subject, new: &NewRepository) -> NewRepository {
    let mut settings = new.settings.clone().of_kind(new.kind);
    settings.version_update_max_days =
        settings.version_update_max_days.filter(|_| subject.plan == Plan::Enterprise);
    NewRepository { settings, ..new.clone() }
}

fn check(subject: &Subject, new: &NewRepository) -> Result<()> {
    if new.private && !subject.plan.is_premium() {
        let message =
            format!("This action is not allowed for none-premium subject {}", subject.name);
        return Err(Error::invalid(message));
    }
    check_settings(&new.settings)
}

fn check_settings(settings: &RepositorySettings) -> Result<()> {
    texts::check_long("desc", Some(&settings.desc))?;
    texts::check_all("labels", &settings.labels)?;
    DebianCoordinates::check_defaults(settings)?;
    for (field, text) in [
        ("business_unit", &settings.business_unit),
        ("default_debian_architecture", &settings.default_debian_architecture),
        ("default_debian_distribution", &settings.default_debian_distribution),
        ("default_debian_component", &settings.default_debian_component),
        ("yum_groups_file", &settings.yum_groups_file),
    ] {
        texts::check(field, text.as_deref())?;
    }
    let with_service_key = settings.gpg_sign_files || settings.gpg_sign_metadata;
    if settings.gpg_use_owner_key && with_service_key {
        return Err(Error::invalid(
            "gpg_use_owner_key cannot be set together with gpg_sign_files or gpg_sign_metadata",
        ));
    }
    Ok(())
}

fn new_repository(
    work: &Work,
    subject: &Subject,
    path: &RepoPath,
    new: &NewRepository,
) -> Repository {
    Repository {
        form: Form,
        id: RepositoryId::from_bytes(work.random_bytes()),
        subject: subject.name.clone(),
        owner: subject.id,
        name: path.repo.clone(),
        kind: new.kind,
        private: new.private,
        created: work.now(),
        settings: new.settings.clone(),
        has_products: false,
        restrictions: Restrictions::default(),
        closing: std::collections::BTreeSet::new(),
    }
}

/// Shows a repository.
///
/// Implements the Bintray REST API, "Get Repository".
///
/// # Errors
/// [`ErrorKind::NotFound`] also for one that the caller may not see.
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
) -> Result<RepositoryView> {
    let permit = packhouse.permit::<act::Read, _>(caller, path).await?;
    let RepoPlace { subject, mut repo, .. } = permit.place().clone();
    repo.settings = repo.settings.of_kind(repo.kind);
    // Said under another plan, it is kept and not in force.
    repo.settings.version_update_max_days =
        repo.settings.version_update_max_days.filter(|_| subject.plan == Plan::Enterprise);
    let packages = Query::within(Package::range_of(path)).keys().limit(0).with_total();
    let package_count = packhouse.select(&packages).await?.total.unwrap_or_default();
    Ok(RepositoryView { repo, plan: subject.plan, package_count })
}

/// The repositories of a subject that the caller may see, by name.
///
/// Implements the Bintray REST API, "Get Repositories".
///
/// # Errors
/// [`ErrorKind::NotFound`] where there is no such subject.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    paging: Paging,
) -> Result<Listed<Repository>> {
    packhouse.permit::<act::Read, _>(caller, subject).await?;
    let sight = Sight::of(packhouse, caller, Some(subject)).await?;
    let query = Query::within(Repository::range_of(subject)).filter(sight.repositories());
    packhouse.list(query, paging).await
}

/// Whether the caller may change a repository: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`].
pub async fn check_there(packhouse: &Packhouse, caller: &Caller, path: &RepoPath) -> Result<()> {
    packhouse.permit::<act::Administer, _>(caller, path).await.map(drop)
}

/// Changes a repository.
///
/// Implements the Bintray REST API, "Update Repository".
///
/// # Errors
/// [`ErrorKind::Invalid`] for settings that contradict each other.
pub async fn update(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    private: Option<bool>,
    patch: &RepositoryPatch,
) -> Result<()> {
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, path, |permit, work| async move {
            let RepoPlace { subject, mut repo, .. } = permit.place().clone();
            let days = patch.version_update_max_days.filter(|_| subject.plan == Plan::Enterprise);
            let patch = RepositoryPatch { version_update_max_days: days, ..patch.clone() };
            repo.settings = patch.apply(repo.settings).of_kind(repo.kind);
            check_settings(&repo.settings)?;
            // A private one of a subject that went over to the oss plan can be opened, not made.
            repo.private = match private {
                Some(true) if !subject.plan.is_premium() => repo.private,
                said => said.unwrap_or(repo.private),
            };
            work.put(&permit, &repo);
            Ok(())
        })
        .await
}

/// Deletes a repository with everything in it. It is gone at once for everyone; what is left is
/// removed before this returns, or by a job if that fails or is interrupted.
///
/// Implements the Bintray REST API, "Delete Repository".
///
/// # Errors
/// [`ErrorKind::NotFound`].
pub async fn delete(packhouse: &Packhouse, caller: &Caller, path: &RepoPath) -> Result<()> {
    let doomed = packhouse
        .change::<act::Administer, _, _, _, _>(caller, path, |permit, work| async move {
            let repo = &permit.place().repo;
            let (subject, name) = (repo.subject.clone(), Some(repo.name.clone()));
            products::leave_repository(&work, &permit, repo).await?;
            work.delete(&permit, repo.key());
            work.put(&permit, &Tomb { form: Form, subject: subject.clone(), repo: name.clone() });
            let doomed = Doomed { subject, repo: name, package: None, version: None };
            Ok(deletion::begin(&work, &permit, doomed))
        })
        .await?;
    deletion::carry_out(packhouse, &doomed).await;
    Ok(())
}
