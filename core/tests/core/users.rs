//! Users and their keys.

use packhouse_core::access::{Credentials, Identity, Origin, Secret, authenticate};
use packhouse_core::model::Form;
use packhouse_core::model::grants::{Action, Anchor, GrantSet, Scope};
use packhouse_core::model::subjects::{ApiKey, Plan, Subject, SubjectKind};
use packhouse_core::ports::Clock;
use packhouse_core::users::{self, SetUp, UserChange};
use packhouse_core::{ErrorKind, Limits, Listed, Noun, Paging};

use crate::world::{
    ADMIN_KEY, FIRST, World, anonymous, forbidden, needs_credentials, refusal, refused, repo, run,
    sign_in, subject,
};

#[test]
fn an_installation_is_set_up_once() {
    let world = World::new();
    let same = Secret::new(ADMIN_KEY);
    let before = world.dump();
    for key in [None, Some(&same)] {
        let again = run(users::set_up(&world.packhouse, key)).unwrap();
        assert!(matches!(again, SetUp::Stood), "{again:?}");
    }
    assert_eq!(world.dump(), before);
    assert!(sign_in(&world.packhouse, "admin", ADMIN_KEY).is_ok());
}

#[test]
fn another_key_that_the_operator_gives_replaces_the_admins() {
    let world = World::new();
    let other = Secret::new("another key for the admin");
    let again = run(users::set_up(&world.packhouse, Some(&other))).unwrap();
    assert!(matches!(again, SetUp::Replaced), "{again:?}");
    assert!(sign_in(&world.packhouse, "admin", "another key for the admin").is_ok());
    assert_eq!(refused(sign_in(&world.packhouse, "admin", ADMIN_KEY)), needs_credentials());
}

#[test]
fn a_short_or_endless_admin_key_is_refused() {
    let world = World::new();
    for length in [0, 19, 257] {
        let key = Secret::new("x".repeat(length));
        let kind = refused(run(users::set_up(&world.packhouse, Some(&key)))).0;
        assert_eq!(kind, ErrorKind::Invalid, "{length}");
    }
}

#[test]
fn a_user_is_made_once_and_changed_after_that() {
    let world = World::new();
    let (name, now) = (subject("Anna"), world.clock.now());
    let change = UserChange {
        plan: Some(Plan::Premium),
        full_name: Some("Anna A.".into()),
        email: Some("a@example.com".into()),
    };
    let made = run(users::put(&world.packhouse, &world.admin, &name, &change)).unwrap();
    let expected = Subject {
        form: Form,
        id: made.user.id,
        name: name.clone(),
        kind: SubjectKind::User,
        plan: Plan::Premium,
        full_name: Some("Anna A.".into()),
        email: Some("a@example.com".into()),
        created: now,
    };
    assert_eq!(made.user, expected);
    let key = String::from_utf8(made.api_key.unwrap().expose().to_vec()).unwrap();
    assert_eq!(key.len(), 40);

    world.clock.advance(std::time::Duration::from_secs(1));
    let change = UserChange { email: Some(String::new()), ..UserChange::default() };
    let again = run(users::put(&world.packhouse, &world.admin, &name, &change)).unwrap();
    let expected = Subject { email: None, ..expected };
    assert_eq!(again.user, expected);
    assert!(again.api_key.is_none(), "the key is shown once");
    let anna = sign_in(&world.packhouse, "Anna", &key).unwrap();
    assert_eq!(anna.identity(), &Identity::User { id: expected.id, name: name.clone() });

    let change = UserChange { full_name: Some("Anna".into()), ..UserChange::default() };
    let updated = run(users::update(&world.packhouse, &world.admin, &name, &change)).unwrap();
    let expected = Subject { full_name: Some("Anna".into()), ..expected };
    assert_eq!(updated, expected);
    assert_eq!(run(users::show(&world.packhouse, &anna, &name)).unwrap(), expected);
    assert_eq!(run(users::show(&world.packhouse, &world.admin, &name)).unwrap(), expected);
}

#[test]
fn a_name_is_taken_in_every_spelling() {
    let world = World::new();
    world.user("anna");
    let change = UserChange::default();
    assert_eq!(
        refused(run(users::put(&world.packhouse, &world.admin, &subject("ANNA"), &change))),
        refusal(ErrorKind::Conflict, "The name 'anna' is taken")
    );
    let absent = refusal(ErrorKind::NotFound(Noun::Subject), "Subject 'ANNA' was not found");
    let name = subject("ANNA");
    assert_eq!(refused(run(users::show(&world.packhouse, &world.admin, &name))), absent);
    assert_eq!(refused(run(users::update(&world.packhouse, &world.admin, &name, &change))), absent);
    assert_eq!(refused(run(users::delete(&world.packhouse, &world.admin, &name))), absent);
    assert_eq!(refused(run(users::renew_key(&world.packhouse, &world.admin, &name))), absent);
}

#[test]
fn only_admins_touch_users() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    let (name, change) = (subject("bert"), UserChange::default());
    let before = world.dump();
    for (caller, expected) in [(&anna, forbidden()), (anonymous(), needs_credentials())] {
        let engine = &world.packhouse;
        assert_eq!(refused(run(users::put(engine, caller, &name, &change))), expected);
        assert_eq!(refused(run(users::put(engine, caller, &subject("new"), &change))), expected);
        assert_eq!(refused(run(users::update(engine, caller, &name, &change))), expected);
        assert_eq!(refused(run(users::show(engine, caller, &name))), expected);
        assert_eq!(refused(run(users::list(engine, caller, FIRST))), expected);
        assert_eq!(refused(run(users::delete(engine, caller, &name))), expected);
        assert_eq!(refused(run(users::renew_key(engine, caller, &name))), expected);
    }
    // A user may not raise its own plan either.
    let raised = UserChange { plan: Some(Plan::Enterprise), ..change };
    assert_eq!(refused(run(users::update(&world.packhouse, &bert, &name, &raised))), forbidden());
    assert_eq!(world.dump(), before);
}

#[test]
fn users_are_listed_by_name_a_page_at_a_time() {
    let world = World::new();
    for name in ["carl", "Anna", "bert"] {
        world.user(name);
    }
    let page = |start, limit| {
        let listed = run(users::list(&world.packhouse, &world.admin, Paging::new(start, limit)));
        listed.unwrap().map(|user| user.name.to_string())
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let all = names(&["admin", "Anna", "bert", "carl"]);
    assert_eq!(page(0, 1000), Listed { items: all, total: Some(4), start: 0 });
    assert_eq!(page(1, 2), Listed { items: names(&["Anna", "bert"]), total: Some(4), start: 1 });
    assert_eq!(page(9, 2), Listed { items: names(&[]), total: Some(4), start: 9 });
    assert_eq!(page(0, 0), Listed { items: names(&[]), total: Some(4), start: 0 });
}

#[test]
fn a_page_larger_than_allowed_is_cut_and_never_refused() {
    let world = World::new();
    let paging = Paging::new(0, usize::MAX);
    assert_eq!(run(users::list(&world.packhouse, &world.admin, paging)).unwrap().total, Some(1));
}

#[test]
fn wrong_credentials_are_refused_alike() {
    let world = World::new();
    let key = world.user_key("anna", Plan::Enterprise);
    let endless = "x".repeat(257);
    let longer = format!("{key}x");
    for (user, secret) in [
        ("anna", "wrong"),
        ("anna", ""),
        ("anna", longer.as_str()),
        ("anna", &key[1..]),
        ("anna", endless.as_str()),
        ("ANNA", key.as_str()),
        ("bert", key.as_str()),
        ("admin", key.as_str()),
        ("", key.as_str()),
        ("no name at all", key.as_str()),
        ("api", key.as_str()),
        ("anna\0", key.as_str()),
    ] {
        let told = refused(sign_in(&world.packhouse, user, secret));
        assert_eq!(told, needs_credentials(), "{user:?} {secret:?}");
    }
    assert!(sign_in(&world.packhouse, "anna", &key).is_ok());
}

#[test]
fn empty_credentials_are_nobodys() {
    let world = World::new();
    let origin = Origin { agent: Some("curl".into()), ..Origin::default() };
    for credentials in [Credentials::Anonymous, Credentials::basic("", "")] {
        let caller = run(authenticate(&world.packhouse, &credentials, origin.clone())).unwrap();
        assert!(caller.is_anonymous());
        assert_eq!((caller.user_id(), caller.origin()), (None, &origin));
    }
}

#[test]
fn neither_the_store_nor_a_debug_print_shows_a_key() {
    let world = World::new();
    let key = world.user_key("anna", Plan::Enterprise);
    let held = format!("{:?} {:?}", world.store, world.packhouse);
    assert!(!held.contains(&key) && !held.contains(ADMIN_KEY));
    assert!(!format!("{:?}", Credentials::basic("anna", &key)).contains(&key));
}

#[test]
fn a_new_key_makes_the_old_one_worthless() {
    let world = World::new();
    let old = world.user_key("anna", Plan::Enterprise);
    let anna = sign_in(&world.packhouse, "anna", &old).unwrap();
    let by_anna = run(users::renew_key(&world.packhouse, &anna, &subject("anna"))).unwrap();
    let by_anna = String::from_utf8(by_anna.expose().to_vec()).unwrap();
    assert_eq!(refused(sign_in(&world.packhouse, "anna", &old)), needs_credentials());
    assert!(sign_in(&world.packhouse, "anna", &by_anna).is_ok());

    let by_admin = run(users::renew_key(&world.packhouse, &world.admin, &subject("anna"))).unwrap();
    assert_eq!(refused(sign_in(&world.packhouse, "anna", &by_anna)), needs_credentials());
    let by_admin = String::from_utf8(by_admin.expose().to_vec()).unwrap();
    assert!(sign_in(&world.packhouse, "anna", &by_admin).is_ok());
    assert_eq!(world.all::<ApiKey>().len(), 2);
}

#[test]
fn rights_over_what_a_user_owns_give_nobody_its_key() {
    let world = World::new();
    let (anna, bert) = (world.user("anna"), world.user("bert"));
    let anchor = Anchor::Subject(subject("anna"), anna.user_id().unwrap());
    world.grant(&bert, anchor, &Action::ALL, Scope::Anchor, None);
    let before = world.dump();
    let renewed = run(users::renew_key(&world.packhouse, &bert, &subject("anna")));
    assert_eq!(refused(renewed), forbidden());
    assert_eq!(world.dump(), before);
}

#[test]
fn with_another_installation_secret_every_key_is_wrong() {
    let world = World::new();
    let other = World::with(Limits::default());
    let record = world.all::<ApiKey>().remove(0);
    let held = other.all::<ApiKey>().remove(0);
    // The same secret gives the same hash; that is what makes the next line mean something.
    assert_eq!(record.hash, held.hash);
    other.put(&ApiKey { hash: "0".repeat(64), ..held });
    assert_eq!(refused(sign_in(&other.packhouse, "admin", ADMIN_KEY)), needs_credentials());
}

#[test]
fn a_key_of_an_earlier_user_of_the_name_fits_nobody() {
    let world = World::new();
    let key = world.user_key("anna", Plan::Enterprise);
    let held = world.all::<ApiKey>().into_iter().find(|key| key.subject == subject("anna"));
    let earlier = packhouse_core::model::SubjectId::from_bytes([9; 16]);
    world.put(&ApiKey { subject_id: earlier, ..held.unwrap() });
    assert_eq!(refused(sign_in(&world.packhouse, "anna", &key)), needs_credentials());
}

#[test]
fn nobody_deletes_themselves() {
    let world = World::new();
    let before = world.dump();
    assert_eq!(
        refused(run(users::delete(&world.packhouse, &world.admin, &subject("admin")))),
        refusal(ErrorKind::Conflict, "You cannot delete yourself; ask another admin")
    );
    assert_eq!(world.dump(), before);
}

#[test]
fn a_deleted_users_name_made_anew_inherits_nothing() {
    let world = World::new();
    let host = world.user("host");
    world.repo(&host, &repo("host/secret"), true);
    let old_key = world.user_key("anna", Plan::Enterprise);
    let old = sign_in(&world.packhouse, "anna", &old_key).unwrap();
    world.repo(&old, &repo("anna/mine"), true);
    let anchor = world.anchor(&repo("host/secret"));
    world.grant(&old, anchor, &[Action::Read], Scope::Anchor, None);
    let secret = repo("host/secret");
    let show = |caller| run(packhouse_core::repositories::show(&world.packhouse, caller, &secret));
    assert!(show(&old).is_ok());

    run(users::delete(&world.packhouse, &world.admin, &subject("anna"))).unwrap();
    assert_eq!(refused(sign_in(&world.packhouse, "anna", &old_key)), needs_credentials());
    let hidden = refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'secret' was not found");
    assert_eq!(refused(show(&old)), hidden, "a caller that signed in before");
    let absent = refusal(ErrorKind::NotFound(Noun::Subject), "Subject 'anna' was not found");
    let listed = packhouse_core::repositories::list;
    let (name, engine) = (subject("anna"), &world.packhouse);
    assert_eq!(refused(run(listed(engine, &world.admin, &name, FIRST))), absent);

    let new = world.user("anna");
    assert_eq!(refused(sign_in(&world.packhouse, "anna", &old_key)), needs_credentials());
    assert_eq!(refused(show(&new)), hidden);
    assert_eq!(run(listed(engine, &new, &name, FIRST)).unwrap().total, Some(0));
    // The old caller is not the new user.
    assert_eq!(refused(run(users::show(engine, &old, &name))), forbidden());
    assert_eq!(refused(run(users::renew_key(engine, &old, &name))), forbidden());
    let made = packhouse_core::repositories::create;
    let fresh = packhouse_core::repositories::NewRepository::default();
    assert_eq!(refused(run(made(engine, &old, &repo("anna/mine"), &fresh))), forbidden());
    assert_eq!(world.all::<GrantSet>().len(), 1, "the admin's");
}
