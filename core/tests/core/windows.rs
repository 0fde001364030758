//! For how long after its publication something may still be changed: by plan, caller and deed, at
//! the border and just beyond it.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::model::grants::{Action, Scope};
use packhouse_core::model::repositories::RepositorySettings;
use packhouse_core::model::subjects::Plan;
use packhouse_core::repositories::{NewRepository, RepositoryPatch};
use packhouse_core::uploads::Target;
use packhouse_core::users::UserChange;
use packhouse_core::{
    ErrorKind, Limits, Result, files, packages, publishing, repositories, users, versions,
};

use crate::world::{
    World, file, package, published, refusal, refused, replacing, repo, run, subject, to, version,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MOMENT: Duration = Duration::from_millis(1);

/// What can be done to something that is published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Upload,
    UploadAndPublish,
    Override,
    OverrideLater,
    DeleteFile,
    DeleteVersion,
    DeletePackage,
}

const DEEDS: [Deed; 7] = [
    Deed::Upload,
    Deed::UploadAndPublish,
    Deed::Override,
    Deed::OverrideLater,
    Deed::DeleteFile,
    Deed::DeleteVersion,
    Deed::DeletePackage,
];

fn does(world: &World, caller: &Caller, deed: Deed) -> Result<()> {
    let upload = |target: Target| world.upload(caller, target, "new").map(drop);
    match deed {
        Deed::Upload => upload(to("anna/repo/tool/1.0", "b")),
        Deed::UploadAndPublish => upload(published("anna/repo/tool/1.0", "b")),
        Deed::Override => upload(replacing("anna/repo/tool/1.0", "a")),
        Deed::OverrideLater => upload(Target { replace: true, ..to("anna/repo/tool/1.0", "a") }),
        Deed::DeleteFile => run(files::delete(&world.packhouse, caller, &file("anna/repo", "a"))),
        Deed::DeleteVersion => {
            run(versions::delete(&world.packhouse, caller, &version("anna/repo/tool/1.0")))
        }
        Deed::DeletePackage => {
            run(packages::delete(&world.packhouse, caller, &package("anna/repo/tool")))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Owner,
    Member,
    PlatformAdmin,
}

/// Everything that publishing is made of, and no administration.
const PUBLISHES: [Action; 6] = [
    Action::Read,
    Action::Annotate,
    Action::Write,
    Action::Overwrite,
    Action::Delete,
    Action::Publish,
];

/// An owner of this plan with a repository that lets members change versions for so many days,
/// and `a` in version 1.0 of `tool`, published now; and someone who asks.
fn world_of(plan: Plan, days: Option<u32>, who: Who) -> (World, Caller) {
    let world = World::new();
    let anna = world.user_of("anna", plan);
    let settings = RepositorySettings { version_update_max_days: days, ..Default::default() };
    let new = NewRepository { settings, ..NewRepository::default() };
    run(repositories::create(&world.sound, &anna, &repo("anna/repo"), &new)).unwrap();
    let settings = packhouse_core::model::packages::PackageSettings {
        licenses: vec!["MIT".into()],
        vcs_url: Some("https://example.com/tool.git".into()),
        ..Default::default()
    };
    run(packages::create(&world.sound, &anna, &package("anna/repo/tool"), &settings)).unwrap();
    world.upload(&anna, published("anna/repo/tool/1.0", "a"), "old").unwrap();
    let caller = match who {
        Who::Owner => anna,
        Who::PlatformAdmin => world.admin.clone(),
        Who::Member => {
            let bert = world.user("bert");
            let anchor = world.anchor(&repo("anna/repo"));
            world.grant(&bert, anchor, &PUBLISHES, Scope::Anchor, None);
            bert
        }
    };
    (world, caller)
}

fn too_late(what: &str, days: u32) -> (ErrorKind, String) {
    let message =
        format!("{what} was published more than {days} days ago and can no longer be changed");
    refusal(ErrorKind::Forbidden, &message)
}

/// What is said beyond the border of a repository with 60 days for members; `None` where there is
/// no border.
fn told(plan: Plan, who: Who, deed: Deed) -> Option<(ErrorKind, String)> {
    let version = "Version '1.0'";
    match (plan, who) {
        (Plan::Oss, _) => match deed {
            Deed::DeleteFile => Some(too_late("File 'a'", 365)),
            // The documents say it of content alone.
            Deed::DeleteVersion | Deed::DeletePackage => None,
            _ => Some(too_late(version, 365)),
        },
        (Plan::Enterprise, Who::Member) => Some(too_late(version, 60)),
        (Plan::Premium, _) | (Plan::Enterprise, _) => None,
    }
}

#[test]
fn every_deed_has_its_border_by_plan_and_caller() {
    for plan in [Plan::Oss, Plan::Premium, Plan::Enterprise] {
        for who in [Who::Owner, Who::Member, Who::PlatformAdmin] {
            for deed in DEEDS {
                let border = if plan == Plan::Oss { 365 } else { 60 } * DAY;
                let (world, caller) = world_of(plan, Some(60), who);
                world.clock.advance(border + MOMENT);
                let before = world.dump();
                match told(plan, who, deed) {
                    Some(told) => {
                        assert_eq!(refused(does(&world, &caller, deed)), told, "{plan:?} {who:?}");
                        assert_eq!(world.dump(), before, "{plan:?} {who:?} {deed:?}");
                        assert_eq!(world.blob_count(), 1);
                    }
                    None => does(&world, &caller, deed).unwrap(),
                }
                // The border itself is within.
                let (world, caller) = world_of(plan, Some(60), who);
                world.clock.advance(border);
                does(&world, &caller, deed).unwrap();
                world.check();
            }
        }
    }
}

/// Who has a right to one package of a private repository does not see the repository.
#[test]
fn who_may_change_one_package_alone_has_the_same_border() {
    for scope in [Scope::Package(package("anna/repo/tool").package), Scope::Anchor] {
        for deed in [Deed::DeletePackage, Deed::DeleteVersion, Deed::DeleteFile] {
            let within = |beyond: Duration| {
                let world = World::new();
                let anna = world.user_of("anna", Plan::Enterprise);
                let settings =
                    RepositorySettings { version_update_max_days: Some(60), ..Default::default() };
                let new = NewRepository { settings, private: true, ..NewRepository::default() };
                run(repositories::create(&world.sound, &anna, &repo("anna/repo"), &new)).unwrap();
                world.package(&anna, &package("anna/repo/tool"));
                world.upload(&anna, published("anna/repo/tool/1.0", "a"), "old").unwrap();
                let (bert, anchor) = (world.user("bert"), world.anchor(&repo("anna/repo")));
                world.grant(&bert, anchor, &PUBLISHES, scope.clone(), None);
                world.clock.advance(60 * DAY + beyond);
                does(&world, &bert, deed)
            };
            within(Duration::ZERO).unwrap_or_else(|told| panic!("{scope:?} {deed:?}: {told:?}"));
            assert_eq!(refused(within(MOMENT)), too_late("Version '1.0'", 60), "{deed:?}");
        }
    }
}

#[test]
fn without_days_members_may_for_ever() {
    for deed in DEEDS {
        let (world, bert) = world_of(Plan::Enterprise, None, Who::Member);
        world.clock.advance(10_000 * DAY);
        does(&world, &bert, deed).unwrap();
    }
}

#[test]
fn no_days_at_all_end_at_once() {
    for deed in DEEDS {
        let (world, bert) = world_of(Plan::Enterprise, Some(0), Who::Member);
        world.clock.advance(MOMENT);
        assert_eq!(refused(does(&world, &bert, deed)), too_late("Version '1.0'", 0));
    }
}

#[test]
fn what_was_never_published_has_no_border() {
    let (world, bert) = world_of(Plan::Enterprise, Some(1), Who::Member);
    world.upload(&bert, to("anna/repo/tool/2.0", "c"), "c").unwrap();
    world.clock.advance(100 * DAY);
    world.upload(&bert, to("anna/repo/tool/2.0", "c"), "d").unwrap();
    let path = version("anna/repo/tool/2.0");
    assert_eq!(run(publishing::publish(&world.packhouse, &bert, &path)).unwrap(), 1);
    // The first publication counts, and later ones do not start it anew.
    world.clock.advance(DAY);
    world.upload(&bert, published("anna/repo/tool/2.0", "e"), "e").unwrap();
    world.clock.advance(MOMENT);
    let late = refused(world.upload(&bert, to("anna/repo/tool/2.0", "f"), "f"));
    assert_eq!(late, too_late("Version '2.0'", 1));
}

#[test]
fn a_file_that_was_added_later_can_be_deleted_longer() {
    let (world, anna) = world_of(Plan::Oss, None, Who::Owner);
    world.clock.advance(300 * DAY);
    world.upload(&anna, published("anna/repo/tool/1.0", "b"), "b").unwrap();
    world.upload(&anna, to("anna/repo/tool/1.0", "c"), "c").unwrap();
    world.clock.advance(100 * DAY);
    let delete = |path| run(files::delete(&world.packhouse, &anna, &file("anna/repo", path)));
    assert_eq!(refused(delete("a")), too_late("File 'a'", 365));
    delete("b").unwrap();
    // An unpublished one at any time.
    world.clock.advance(1_000 * DAY);
    delete("c").unwrap();
    world.check();
}

#[test]
fn a_replacement_that_waited_too_long_is_not_published_but_can_be_discarded() {
    for (plan, who, days, told) in [
        (Plan::Oss, Who::Owner, 365, too_late("File 'a'", 365)),
        (Plan::Enterprise, Who::Member, 60, too_late("Version '1.0'", 60)),
    ] {
        let (world, caller) = world_of(plan, Some(60), who);
        let later = Target { replace: true, ..to("anna/repo/tool/1.0", "a") };
        world.upload(&caller, later, "new").unwrap();
        world.upload(&caller, to("anna/repo/tool/1.0", "b"), "b").unwrap();
        world.clock.advance(days * DAY + MOMENT);
        let path = version("anna/repo/tool/1.0");
        let publish = || run(publishing::publish(&world.packhouse, &caller, &path));
        assert_eq!(refused(publish()), told);
        assert_eq!(world.download(&caller, &file("anna/repo", "a")).unwrap(), "old");
        assert_eq!(run(publishing::discard(&world.packhouse, &caller, &path)).unwrap(), 2);
        assert_eq!(publish().unwrap(), 0);
        world.check();
    }
    // What replaces nothing is published whenever.
    let (world, anna) = world_of(Plan::Oss, None, Who::Owner);
    world.upload(&anna, to("anna/repo/tool/1.0", "b"), "b").unwrap();
    world.clock.advance(400 * DAY);
    let path = version("anna/repo/tool/1.0");
    assert_eq!(run(publishing::publish(&world.packhouse, &anna, &path)).unwrap(), 1);
}

#[test]
fn an_operator_may_set_the_window_of_the_oss_plan_or_take_it_away() {
    for (window, told) in [(Some(2 * DAY), Some(too_late("Version '1.0'", 2))), (None, None)] {
        let world = World::with(Limits { oss_change_window: window, ..Limits::default() });
        let anna = world.user_of("anna", Plan::Oss);
        world.repo(&anna, &repo("anna/repo"), false);
        let settings = packhouse_core::model::packages::PackageSettings {
            licenses: vec!["MIT".into()],
            vcs_url: Some("https://example.com/tool.git".into()),
            ..Default::default()
        };
        run(packages::create(&world.sound, &anna, &package("anna/repo/tool"), &settings)).unwrap();
        world.upload(&anna, published("anna/repo/tool/1.0", "a"), "old").unwrap();
        world.clock.advance(2 * DAY + MOMENT);
        let outcome = does(&world, &anna, Deed::Override);
        assert_eq!(
            outcome.map_err(|error| (error.kind().clone(), error.message().into())).err(),
            told
        );
    }
}

/// Days that were said under another plan are kept and not in force.
#[test]
fn days_are_in_force_under_the_enterprise_plan_alone() {
    let (world, bert) = world_of(Plan::Enterprise, Some(1), Who::Member);
    let show = |caller: &Caller| {
        let shown = run(repositories::show(&world.sound, caller, &repo("anna/repo"))).unwrap();
        shown.repo.settings.version_update_max_days
    };
    let plan = |plan| {
        let change = UserChange { plan: Some(plan), ..UserChange::default() };
        run(users::put(&world.sound, &world.admin, &subject("anna"), &change)).unwrap();
    };
    world.clock.advance(2 * DAY);
    assert_eq!(show(&bert), Some(1));
    assert_eq!(refused(does(&world, &bert, Deed::Upload)), too_late("Version '1.0'", 1));
    plan(Plan::Premium);
    assert_eq!(show(&bert), None);
    does(&world, &bert, Deed::Upload).unwrap();
    // Nor can they be said.
    let patch = RepositoryPatch { version_update_max_days: Some(Some(9)), ..Default::default() };
    run(repositories::update(&world.sound, &world.admin, &repo("anna/repo"), None, &patch))
        .unwrap();
    plan(Plan::Enterprise);
    assert_eq!(show(&bert), Some(1));
    run(repositories::update(&world.sound, &world.admin, &repo("anna/repo"), None, &patch))
        .unwrap();
    assert_eq!(show(&bert), Some(9));
    let clear = RepositoryPatch { version_update_max_days: Some(None), ..Default::default() };
    run(repositories::update(&world.sound, &world.admin, &repo("anna/repo"), None, &clear))
        .unwrap();
    assert_eq!(show(&bert), None);
}

/// Of versions that an older program made nobody noted the publication: their files tell.
#[test]
fn without_a_noted_publication_each_file_has_its_own() {
    let (world, anna) = world_of(Plan::Oss, None, Who::Owner);
    let path = version("anna/repo/tool/1.0");
    let mut version = run(versions::show(&world.sound, &anna, &path)).unwrap().version;
    version.published = None;
    world.put(&version);
    world.clock.advance(365 * DAY + MOMENT);
    for deed in [Deed::Override, Deed::OverrideLater, Deed::DeleteFile] {
        assert_eq!(refused(does(&world, &anna, deed)), too_late("File 'a'", 365), "{deed:?}");
    }
    does(&world, &anna, Deed::Upload).unwrap();
}
