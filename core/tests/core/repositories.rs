//! Repositories.

use packhouse_core::model::Form;
use packhouse_core::model::grants::{Action, Anchor, Scope};
use packhouse_core::model::repositories::{Repository, RepositoryKind, RepositorySettings};
use packhouse_core::model::subjects::Plan;
use packhouse_core::ports::Clock;
use packhouse_core::repositories::{
    self, NewRepository, RepositoryPatch, RepositoryView, create, show, update,
};
use packhouse_core::{ErrorKind, Listed, Noun, Paging};

use crate::world::{
    FIRST, World, anonymous, forbidden, needs_credentials, package, refusal, refused, repo, run,
    subject,
};

fn hidden(name: &str) -> (ErrorKind, String) {
    let message = format!("Repo '{name}' was not found");
    refusal(ErrorKind::NotFound(Noun::Repository), &message)
}

#[test]
fn a_repository_is_shown_as_it_was_made() {
    let world = World::new();
    let anna = world.user_of("anna", Plan::Premium);
    let settings = RepositorySettings {
        desc: "things".into(),
        labels: vec!["z".into(), "a".into()],
        ..RepositorySettings::default()
    };
    let new = NewRepository { kind: RepositoryKind::Maven, private: true, settings };
    let path = repo("anna/Repo");
    let made = run(create(&world.packhouse, &anna, &path, &new)).unwrap();
    let expected = RepositoryView {
        repo: Repository {
            form: Form,
            id: made.repo.id,
            subject: subject("anna"),
            owner: anna.user_id().unwrap(),
            name: path.repo.clone(),
            kind: RepositoryKind::Maven,
            private: true,
            created: world.clock.now(),
            settings: new.settings.clone(),
            has_products: false,
            closing: std::collections::BTreeSet::new(),
            restrictions: Default::default(),
        },
        plan: Plan::Premium,
        package_count: 0,
    };
    assert_eq!(made, expected);
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    world.package(&anna, &package("anna/Repo/tool"));
    let expected = RepositoryView { package_count: 1, ..expected };
    assert_eq!(run(show(&world.packhouse, &world.admin, &path)).unwrap(), expected);
}

#[test]
fn a_repository_exists_in_every_spelling_and_is_found_in_its_own() {
    let world = World::new();
    let anna = world.user("anna");
    world.repo(&anna, &repo("anna/Repo"), false);
    let new = NewRepository::default();
    for name in ["anna/Repo", "anna/repo", "anna/REPO"] {
        let path = repo(name);
        let message = format!("Repo '{}' already exists", path.repo);
        let told = refused(run(create(&world.packhouse, &anna, &path, &new)));
        assert_eq!(told, refusal(ErrorKind::AlreadyExists, &message));
    }
    assert_eq!(refused(run(show(&world.packhouse, &anna, &repo("anna/repo")))), hidden("repo"));
    assert_eq!(refused(run(show(&world.packhouse, &anna, &repo("ANNA/Repo")))), hidden("Repo"));
}

#[test]
fn only_the_owner_and_admins_make_repositories() {
    let world = World::new();
    world.user("anna");
    let bert = world.user("bert");
    let new = NewRepository::default();
    let make = |caller, path| run(create(&world.packhouse, caller, &repo(path), &new));
    assert_eq!(refused(make(&bert, "anna/repo")), forbidden());
    assert_eq!(refused(make(anonymous(), "anna/repo")), needs_credentials());
    assert_eq!(refused(make(anonymous(), "nobody/repo")), needs_credentials());
    let absent = refusal(ErrorKind::NotFound(Noun::Subject), "Subject 'nobody' was not found");
    assert_eq!(refused(make(&bert, "nobody/repo")), absent);
    assert!(make(&world.admin, "anna/repo").is_ok());
}

#[test]
fn the_oss_plan_has_public_repositories_only() {
    let world = World::new();
    let anna = world.user_of("anna", Plan::Oss);
    let new = NewRepository { private: true, ..NewRepository::default() };
    assert_eq!(
        refused(run(create(&world.packhouse, &anna, &repo("anna/repo"), &new))),
        refusal(ErrorKind::Invalid, "This action is not allowed for none-premium subject anna")
    );
    world.repo(&anna, &repo("anna/repo"), false);
    let patch = RepositoryPatch::default();
    run(update(&world.packhouse, &anna, &repo("anna/repo"), Some(true), &patch)).unwrap();
    let shown = run(show(&world.packhouse, anonymous(), &repo("anna/repo"))).unwrap();
    assert!(!shown.repo.private, "left alone");
}

#[test]
fn signing_settings_that_contradict_each_other_are_refused() {
    let world = World::new();
    let anna = world.user("anna");
    let settings = RepositorySettings {
        gpg_use_owner_key: true,
        gpg_sign_files: true,
        ..RepositorySettings::default()
    };
    let told = refusal(
        ErrorKind::Invalid,
        "gpg_use_owner_key cannot be set together with gpg_sign_files or gpg_sign_metadata",
    );
    let new = NewRepository { settings, ..NewRepository::default() };
    assert_eq!(refused(run(create(&world.packhouse, &anna, &repo("anna/repo"), &new))), told);
    world.repo(&anna, &repo("anna/repo"), false);
    let owner_key = RepositoryPatch { gpg_use_owner_key: Some(true), ..RepositoryPatch::default() };
    run(update(&world.packhouse, &anna, &repo("anna/repo"), None, &owner_key)).unwrap();
    let files = RepositoryPatch { gpg_sign_files: Some(true), ..RepositoryPatch::default() };
    let again = run(update(&world.packhouse, &anna, &repo("anna/repo"), None, &files));
    assert_eq!(refused(again), told, "what was there before counts too");
}

#[test]
fn a_patch_changes_what_it_says_and_nothing_else() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    let path = repo("anna/repo");
    world.repo(&anna, &path, false);
    let before = run(show(&world.packhouse, &anna, &path)).unwrap();
    let patch = RepositoryPatch {
        desc: Some("new".into()),
        business_unit: Some(Some("unit".into())),
        ..RepositoryPatch::default()
    };
    assert_eq!(refused(run(update(&world.packhouse, &bert, &path, None, &patch))), forbidden());
    run(update(&world.packhouse, &anna, &path, None, &patch)).unwrap();
    let mut expected = before.clone();
    expected.repo.settings.desc = "new".into();
    expected.repo.settings.business_unit = Some("unit".into());
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    let clear = RepositoryPatch { business_unit: Some(None), ..RepositoryPatch::default() };
    run(update(&world.packhouse, &anna, &path, Some(true), &clear)).unwrap();
    expected.repo.settings.business_unit = None;
    expected.repo.private = true;
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap(), expected);
    assert_eq!(refused(run(show(&world.packhouse, &bert, &path))), hidden("repo"));
    assert_eq!(refused(run(show(&world.packhouse, anonymous(), &path))), needs_credentials());
    // What is not there is refused in the same words.
    let none = repo("anna/none");
    assert_eq!(refused(run(show(&world.packhouse, &bert, &none))), hidden("none"));
    assert_eq!(refused(run(show(&world.packhouse, anonymous(), &none))), needs_credentials());
}

fn listed(world: &World, caller: &packhouse_core::access::Caller) -> Listed<String> {
    let listed = run(repositories::list(&world.packhouse, caller, &subject("anna"), FIRST));
    listed.unwrap().map(|repo| repo.name.to_string())
}

fn list_of(names: &[&str]) -> Listed<String> {
    let items: Vec<_> = names.iter().map(ToString::to_string).collect();
    Listed { total: Some(items.len() as u64), items, start: 0 }
}

#[test]
fn everyone_lists_the_repositories_that_they_may_see() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    for (path, private) in [("anna/c", false), ("anna/b", true), ("anna/A", true)] {
        world.repo(&anna, &repo(path), private);
    }
    assert_eq!(listed(&world, anonymous()), list_of(&["c"]));
    assert_eq!(listed(&world, &bert), list_of(&["c"]));
    assert_eq!(listed(&world, &anna), list_of(&["A", "b", "c"]));
    assert_eq!(listed(&world, &world.admin), list_of(&["A", "b", "c"]));
    let page = Paging::new(1, 1);
    let second = run(repositories::list(&world.packhouse, &anna, &subject("anna"), page)).unwrap();
    let second = second.map(|repo| repo.name.to_string());
    assert_eq!(second, Listed { items: vec!["b".into()], total: Some(3), start: 1 });

    let anchor = world.anchor(&repo("anna/A"));
    world.grant(&bert, anchor.clone(), &[Action::Read], Scope::Anchor, None);
    assert_eq!(listed(&world, &bert), list_of(&["A", "c"]));
    world.grant(&bert, anchor.clone(), &[Action::Read], Scope::Anchor, Some(world.clock.now()));
    assert_eq!(listed(&world, &bert), list_of(&["c"]), "the grant has ended");
    world.grant(&bert, anchor, &[Action::Publish], Scope::Anchor, None);
    assert_eq!(listed(&world, &bert), list_of(&["c"]), "publishing is not reading");
}

#[test]
fn a_list_has_exactly_the_repositories_that_are_shown() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    world.repo(&anna, &repo("anna/open"), false);
    world.repo(&anna, &repo("anna/closed"), true);
    let anchor = Anchor::Subject(subject("anna"), anna.user_id().unwrap());
    for action in Action::ALL {
        world.grant(&bert, anchor.clone(), &[action], Scope::Anchor, None);
        let shown = run(show(&world.packhouse, &bert, &repo("anna/closed"))).is_ok();
        let named = listed(&world, &bert).items.contains(&"closed".to_owned());
        assert_eq!(named, shown, "granted {action:?} over the subject");
    }
}

#[test]
fn a_repository_made_anew_inherits_no_grant() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    let path = repo("anna/repo");
    world.repo(&anna, &path, true);
    let anchor = world.anchor(&path);
    world.grant(&bert, anchor, &Action::ALL, Scope::Anchor, None);
    assert!(run(show(&world.packhouse, &bert, &path)).is_ok());
    run(repositories::delete(&world.packhouse, &anna, &path)).unwrap();
    world.repo(&anna, &path, true);
    assert_eq!(refused(run(show(&world.packhouse, &bert, &path))), hidden("repo"));
    assert_eq!(listed(&world, &bert), list_of(&[]));
}

#[test]
fn a_repository_of_an_earlier_user_of_the_name_is_nobodys() {
    let world = World::new();
    let anna = world.anna();
    let repository = world.all::<Repository>().remove(0);
    let owner = packhouse_core::model::SubjectId::from_bytes([9; 16]);
    world.put(&Repository { owner, ..repository });
    for caller in [&anna, &world.admin] {
        let shown = run(show(&world.packhouse, caller, &repo("anna/repo")));
        assert_eq!(refused(shown), hidden("repo"));
    }
}

#[test]
fn a_deleted_repository_is_gone_and_its_name_free() {
    let world = World::new();
    let (anna, bert) = (world.anna(), world.user("bert"));
    let path = repo("anna/repo");
    let gone = |caller| refused(run(repositories::delete(&world.packhouse, caller, &path)));
    assert_eq!(gone(&bert), forbidden());
    assert_eq!(gone(anonymous()), needs_credentials());
    run(repositories::delete(&world.packhouse, &anna, &path)).unwrap();
    assert_eq!(gone(&anna), hidden("repo"));
    assert_eq!(listed(&world, &anna), list_of(&[]));
    world.repo(&anna, &path, false);
    assert_eq!(run(show(&world.packhouse, &anna, &path)).unwrap().package_count, 0);
}
