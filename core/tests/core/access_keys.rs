//! Access keys: who signs in with one, until when and from where, and what a deletion leaves.

use std::net::IpAddr;
use std::time::Duration;

use packhouse_core::access::{Caller, Credentials, Identity, Origin, Secret, authenticate};
use packhouse_core::access_keys::{self, AccessKeyChange};
use packhouse_core::entitlements::{self, NewEntitlement};
use packhouse_core::model::access_keys::AccessKey;
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::model::grants::{GrantSet, Grantee};
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::model::subjects::{Plan, SubjectKind};
use packhouse_core::model::{Stored, SubjectId};
use packhouse_core::names::AccessKeyName;
use packhouse_core::subjects::KnownAs;
use packhouse_core::users::UserChange;
use packhouse_core::{ErrorKind, Packhouse, Result, downloads, files, users};

use crate::world::{
    World, anonymous, file, forbidden, needs_credentials, published, refusal, refused, repo, run,
    subject, to,
};
use packhouse_conformance::faults::{Counted, How};

/// A user who gives out access keys.
pub(crate) fn user(name: &str) -> KnownAs {
    KnownAs { name: subject(name), kind: SubjectKind::User }
}

pub(crate) fn key(name: &str) -> AccessKeyName {
    AccessKeyName::parse(name).unwrap()
}

/// Makes an access key, and gives its password.
pub(crate) fn made(world: &World, by: &Caller, name: &str, said: &AccessKeyChange) -> String {
    let owner = match by.identity() {
        Identity::User { name, .. } => name.to_string(),
        other => panic!("{other:?} is no user"),
    };
    let put = run(access_keys::create(&world.sound, by, &user(&owner), &key(name), said));
    String::from_utf8(put.unwrap().password.unwrap().expose().to_vec()).unwrap()
}

pub(crate) fn sign_in(packhouse: &Packhouse, user: &str, password: &str) -> Result<Caller> {
    run(authenticate(packhouse, &Credentials::basic(user, password), Origin::default()))
}

/// Makes an entitlement of a repository.
fn entitle(world: &World, by: &Caller, repo_of: &str, id: &str, keys: &[&str]) -> Entitlement {
    let new = NewEntitlement {
        name: Some(packhouse_core::names::EntitlementName::parse(id).unwrap()),
        access: Access::Read,
        access_keys: keys.iter().map(|name| key(name)).collect(),
        path: None,
        tags: Vec::new(),
    };
    let place = EntitlementPlace::Repository(repo(repo_of));
    run(entitlements::create(&world.sound, by, &place, &new)).unwrap()
}

/// `anna` with the private repository `anna/vault`, a published file in it, and `key1` that may
/// have it.
fn world_with_key() -> (World, Caller, Caller) {
    let world = World::new();
    let anna = world.user("anna");
    world.repo(&anna, &repo("anna/vault"), true);
    world.package(&anna, &crate::world::package("anna/vault/tool"));
    world.upload(&anna, published("anna/vault/tool/1.0", "f"), "f").unwrap();
    let password = made(&world, &anna, "key1", &AccessKeyChange::default());
    entitle(&world, &anna, "anna/vault", "e1", &["key1"]);
    let caller = sign_in(&world.sound, "key1@anna", &password).unwrap();
    (world, anna, caller)
}

#[test]
fn a_key_is_let_in_by_its_name_and_password_and_by_nothing_else() {
    let world = World::new();
    let anna = world.user("anna");
    let given =
        AccessKeyChange { password: Some(Secret::new("open sesame")), ..Default::default() };
    let password = made(&world, &anna, "key1", &AccessKeyChange::default());
    assert_eq!(password.len(), 40);
    assert!(password.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(made(&world, &anna, "key2", &given), "open sesame");
    assert_eq!(made(&world, &anna, "key3", &given), "open sesame");

    let caller = sign_in(&world.sound, "key1@anna", &password).unwrap();
    assert!(
        matches!(caller.identity(), Identity::AccessKey { name, subject, .. }
            if name.as_str() == "key1" && subject.as_str() == "anna"),
        "{caller:?}"
    );
    assert!(sign_in(&world.sound, "key2@anna", "open sesame").is_ok());
    // T037, T042: one refusal, whatever is wrong.
    let too_long = "x".repeat(257);
    for (user, shown) in [
        ("key1@anna", "open sesame"),
        ("key1@anna", ""),
        ("key1@anna", too_long.as_str()),
        ("key2@anna", password.as_str()),
        ("key1@Anna", password.as_str()),
        ("KEY1@anna", password.as_str()),
        ("key1@anna@anna", password.as_str()),
        ("@anna", password.as_str()),
        ("key1@", password.as_str()),
        ("@", password.as_str()),
        ("key1", password.as_str()),
        ("anna", password.as_str()),
        ("anna@key1", password.as_str()),
        ("key1@nobody", password.as_str()),
        ("key9@anna", password.as_str()),
        ("key1%40anna", password.as_str()),
    ] {
        assert_eq!(refused(sign_in(&world.sound, user, shown)), needs_credentials(), "{user}");
    }
    // T039: nothing of it is kept but a hash, which is another for each key.
    let dump = world.dump().join("\n");
    assert!(!dump.contains(&password) && !dump.contains("open sesame"));
    let hashes: Vec<String> = world.all::<AccessKey>().into_iter().map(|key| key.hash).collect();
    assert_ne!(hashes[1], hashes[2], "the same password of two keys");
}

#[test]
fn a_key_ends_at_its_instant() {
    let world = World::new();
    let anna = world.user("anna");
    let now = 1_767_225_600_000;
    let expiring = |at: i64| AccessKeyChange { expiry: Some(Some(at)), ..Default::default() };
    let password = made(&world, &anna, "key1", &expiring(now + 1_000));
    let signs_in = || sign_in(&world.sound, "key1@anna", &password).is_ok();
    world.clock.advance(Duration::from_millis(999));
    assert!(signs_in());
    world.clock.advance(Duration::from_millis(1));
    assert!(!signs_in(), "at the very instant");
    world.clock.advance(Duration::from_millis(1));
    assert!(!signs_in());
    let (anna_s, key1) = (user("anna"), key("key1"));
    let change = |said: &AccessKeyChange| {
        run(access_keys::update(&world.sound, &anna, &anna_s, &key1, said)).map(drop)
    };
    change(&AccessKeyChange { expiry: Some(None), ..Default::default() }).unwrap();
    assert!(signs_in(), "cleared");
    change(&expiring(now)).unwrap();
    assert!(!signs_in(), "one in the past is in force at once");
    for (at, message) in [
        (0, "expiry is 0: give the milliseconds since 1970, up to the year 9999"),
        (-1, "expiry is -1: give the milliseconds since 1970, up to the year 9999"),
        (
            i64::MAX,
            "expiry is 9223372036854775807: give the milliseconds since 1970, up to the year 9999",
        ),
        (
            1_767_225_600,
            "expiry is 1767225600, which is in the 1970s: give milliseconds and not seconds",
        ),
    ] {
        assert_eq!(refused(change(&expiring(at))), refusal(ErrorKind::Invalid, message));
    }
}

#[test]
fn a_key_is_good_from_its_networks_alone() {
    let world = World::new();
    let anna = world.user("anna");
    let texts = |all: &[&str]| Some(all.iter().map(ToString::to_string).collect());
    let white = texts(&["10.0.0.0/8", "2001:db8::/32"]);
    let said = AccessKeyChange { white, black: texts(&["10.66.0.0/16"]), ..Default::default() };
    let password = made(&world, &anna, "key1", &said);
    let from = |address: Option<&str>| {
        let address: Option<IpAddr> = address.map(|address| address.parse().unwrap());
        let origin = Origin { address, agent: None };
        let credentials = Credentials::basic("key1@anna", &password);
        run(authenticate(&world.sound, &credentials, origin))
    };
    for good in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1"] {
        assert!(from(Some(good)).is_ok(), "{good}");
    }
    assert_eq!(refused(from(None)), needs_credentials(), "from nowhere");
    for bad in ["11.0.0.1", "10.66.0.1", "::ffff:10.66.0.1", "::1"] {
        assert_eq!(refused(from(Some(bad))), needs_credentials(), "{bad}");
    }
    // In force on the next request, also for one that is running.
    let caller = from(Some("10.0.0.1")).unwrap();
    let open = AccessKeyChange { white: texts(&[]), black: texts(&[]), ..Default::default() };
    let anna_s = user("anna");
    run(access_keys::update(&world.sound, &anna, &anna_s, &key("key1"), &open)).unwrap();
    assert!(from(Some("11.0.0.1")).is_ok());
    assert!(from(None).is_ok(), "from nowhere, where it may come from everywhere");
    assert_eq!(caller.origin().address, Some("10.0.0.1".parse().unwrap()));
    let bad = AccessKeyChange { black: texts(&["10.0.0.0/x"]), ..Default::default() };
    let changed = run(access_keys::update(&world.sound, &anna, &anna_s, &key("key1"), &bad));
    let message = "black_cidrs: '10.0.0.0/x' is no network: write it like 10.0.0.0/8, \
                   2001:db8::/32 or 192.0.2.7";
    assert_eq!(refused(changed), refusal(ErrorKind::Invalid, message));
}

/// T093.
#[test]
fn a_network_is_white_or_black() {
    let world = World::new();
    let (anna, anna_s) = (world.user("anna"), user("anna"));
    let texts = |all: &[&str]| Some(all.iter().map(ToString::to_string).collect());
    let (white, black) = (texts(&["10.0.0.1/8", "::1"]), texts(&["::ffff:10.9.9.9/104"]));
    let said = AccessKeyChange { white, ..Default::default() };
    let both = AccessKeyChange { black: black.clone(), ..said.clone() };
    let message = "'10.0.0.1/8' is in white_cidrs and in black_cidrs: leave it in one of them";
    let made_so =
        run(access_keys::create(&world.sound, &anna, &anna_s, &key("key1"), &both)).map(drop);
    assert_eq!(refused(made_so), refusal(ErrorKind::Invalid, message));
    made(&world, &anna, "key1", &said);
    let change = |said| run(access_keys::update(&world.sound, &anna, &anna_s, &key("key1"), said));
    let blacker = AccessKeyChange { black, ..Default::default() };
    assert_eq!(refused(change(&blacker)), refusal(ErrorKind::Invalid, message));
    let narrower = AccessKeyChange { black: texts(&["10.9.0.0/16"]), ..Default::default() };
    assert!(change(&narrower).is_ok(), "a part of a white network may be black");
}

#[test]
fn passwords_have_a_length_and_no_control_characters() {
    let world = World::new();
    let anna = world.user("anna");
    let (anna_s, key1) = (user("anna"), key("key1"));
    let create = |password: &str| {
        let password = Some(Secret::new(password));
        let said = AccessKeyChange { password, ..Default::default() };
        run(access_keys::create(&world.sound, &anna, &anna_s, &key1, &said)).map(drop)
    };
    for (password, message) in [
        ("x".repeat(7), "The password has 7 bytes: give 8 to 256, or none to have one made"),
        ("x".repeat(257), "The password has 257 bytes: give 8 to 256, or none to have one made"),
        ("seven\u{7}bytes".into(), "The password has a control character: leave it out"),
    ] {
        assert_eq!(refused(create(&password)), refusal(ErrorKind::Invalid, message));
    }
    for (name, password) in [("a", "x".repeat(8)), ("b", "\u{44f}".repeat(128))] {
        let said =
            AccessKeyChange { password: Some(Secret::new(password.clone())), ..Default::default() };
        made(&world, &anna, name, &said);
        assert!(sign_in(&world.sound, &format!("{name}@anna"), &password).is_ok());
    }
}

#[test]
fn a_key_of_a_subject_that_is_gone_or_another_is_worthless() {
    let (world, _, caller) = world_with_key();
    let password = made(&world, &world.user("carl"), "key1", &AccessKeyChange::default());
    run(users::delete(&world.sound, &world.admin, &subject("anna"))).unwrap();
    assert!(world.all::<Entitlement>().is_empty());
    assert!(world.all::<AccessKey>().iter().all(|key| key.subject.as_str() == "carl"));
    assert!(grants_of(&world, &caller).is_empty());
    let anew =
        run(users::put(&world.sound, &world.admin, &subject("anna"), &UserChange::default()));
    anew.unwrap();
    let location = file("anna/vault", "f");
    assert!(run(downloads::find(&world.sound, &caller, &location)).is_err());
    // What is left of another subject, as after a restored backup.
    let mut stale: AccessKey = world.all::<AccessKey>().remove(0);
    stale.subject_id = SubjectId::from_bytes([9; 16]);
    assert!(sign_in(&world.sound, "key1@carl", &password).is_ok());
    world.put(&stale);
    assert_eq!(refused(sign_in(&world.sound, "key1@carl", &password)), needs_credentials());
}

fn grants_of(world: &World, caller: &Caller) -> Vec<GrantSet> {
    let Identity::AccessKey { id, .. } = caller.identity() else { panic!("{caller:?}") };
    let sets = world.all::<GrantSet>().into_iter();
    sets.filter(|set| set.grantee == Grantee::AccessKey(*id)).collect()
}

#[test]
fn a_deleted_key_has_no_right_left_and_leaves_nothing() {
    let (world, anna, caller) = world_with_key();
    let location = file("anna/vault", "f");
    assert!(world.download(&caller, &location).is_ok());
    entitle(&world, &anna, "anna/vault", "e2", &["key1"]);
    assert_eq!(grants_of(&world, &caller)[0].grants.len(), 2);
    run(access_keys::delete(&world.sound, &anna, &user("anna"), &key("key1"))).unwrap();
    assert!(world.download(&caller, &location).is_err(), "who was let in before");
    assert!(grants_of(&world, &caller).is_empty());
    assert!(world.all::<AccessKey>().is_empty());
    assert!(world.all::<Entitlement>().iter().all(|said| said.access_keys.is_empty()));
    let again = run(access_keys::delete(&world.sound, &anna, &user("anna"), &key("key1")));
    let gone = refusal(
        ErrorKind::NotFound(packhouse_core::Noun::AccessKey),
        "AccessKey 'key1' was not found",
    );
    assert_eq!(refused(again), gone);
    // Made anew, it inherits nothing.
    let password = made(&world, &anna, "key1", &AccessKeyChange::default());
    let anew = sign_in(&world.sound, "key1@anna", &password).unwrap();
    assert!(world.download(&anew, &location).is_err());
}

#[test]
fn a_deletion_that_breaks_off_is_in_force_and_is_finished_by_a_job() {
    for failing in 1..3 {
        let (world, anna, caller) = world_with_key();
        let more = (0..600).map(|number| entitlement_of(&world, &format!("more{number}")).put());
        world.change_all(more.collect());
        let password = made(&world, &anna, "other", &AccessKeyChange::default());
        world.faults.fail(Counted::Commits, failing..usize::MAX, How::Unavailable);
        run(access_keys::delete(&world.packhouse, &anna, &user("anna"), &key("key1"))).unwrap();
        world.faults.heal();
        assert!(world.download(&caller, &file("anna/vault", "f")).is_err());
        let listed = run(access_keys::list(&world.sound, &anna, &user("anna"))).unwrap();
        assert_eq!(listed, [key("other")]);
        let shown = run(access_keys::show(&world.sound, &anna, &user("anna"), &key("key1")));
        assert!(shown.is_err());
        // Its id is not free while an entitlement says it.
        let said = AccessKeyChange::default();
        let anew =
            run(access_keys::create(&world.sound, &anna, &user("anna"), &key("key1"), &said));
        let message = "The access key 'key1' is still being deleted; try again";
        assert_eq!(refused(anew.map(drop)), refusal(ErrorKind::Conflict, message));
        let place = EntitlementPlace::Repository(repo("anna/vault"));
        let new = NewEntitlement {
            name: None,
            access: Access::Read,
            access_keys: vec![key("key1")],
            path: None,
            tags: Vec::new(),
        };
        let listing = run(entitlements::create(&world.sound, &anna, &place, &new));
        let message = "Access key 'key1' does not exist";
        assert_eq!(refused(listing), refusal(ErrorKind::Invalid, message));
        world.settle();
        assert_eq!(world.all::<AccessKey>().len(), 1);
        assert!(world.all::<Entitlement>().iter().all(|said| said.access_keys.is_empty()));
        let waits = |job: &Job| matches!(job.task, Task::ForgetAccessKey(_));
        assert!(!world.all::<Job>().iter().any(waits));
        made(&world, &anna, "key1", &said);
        assert!(sign_in(&world.sound, "other@anna", &password).is_ok());
    }
}

/// What `e1` says, once more under another id.
fn entitlement_of(world: &World, id: &str) -> Entitlement {
    let said = world.all::<Entitlement>().remove(0);
    Entitlement { name: packhouse_core::names::EntitlementName::parse(id).unwrap(), ..said }
}

/// T056, and who may at all.
#[test]
fn keys_are_for_those_who_administer_their_subject() {
    let (world, anna, caller) = world_with_key();
    let bob = world.user("bob");
    let (holders, key1) = (user("anna"), key("key1"));
    let all = |by: &Caller| {
        let said = AccessKeyChange::default();
        let engine = &world.sound;
        [
            refused(run(access_keys::check(engine, by, &holders))),
            refused(run(access_keys::list(engine, by, &holders))),
            refused(run(access_keys::show(engine, by, &holders, &key1))),
            refused(run(access_keys::create(engine, by, &holders, &key("key2"), &said))),
            refused(run(access_keys::update(engine, by, &holders, &key1, &said))),
            refused(run(access_keys::delete(engine, by, &holders, &key1))),
        ]
    };
    for by in [&bob, &caller] {
        assert!(all(by).iter().all(|refusal| *refusal == forbidden()), "{by:?}");
    }
    assert!(all(anonymous()).iter().all(|refusal| *refusal == needs_credentials()));
    assert!(run(access_keys::list(&world.sound, &world.admin, &holders)).is_ok());
    // Under another subject there is no such key.
    let shown = run(access_keys::show(&world.sound, &bob, &user("bob"), &key1));
    assert!(matches!(refused(shown).0, ErrorKind::NotFound(_)));
    let organization = KnownAs { kind: SubjectKind::Organization, ..user("anna") };
    let listed = run(access_keys::list(&world.sound, &anna, &organization));
    let absent =
        refusal(ErrorKind::NotFound(packhouse_core::Noun::Subject), "Subject 'anna' was not found");
    assert_eq!(refused(listed), absent);
    let listed = run(access_keys::list(&world.sound, anonymous(), &organization));
    assert_eq!(refused(listed), needs_credentials());
    let free = world.user_of("free", Plan::Oss);
    let listed = run(access_keys::list(&world.sound, &free, &user("free")));
    let message = "This resource is only available for subjects with entitlement management.";
    assert_eq!(refused(listed), refusal(ErrorKind::Forbidden, message));
}

/// What a key may do ends with it, also while its request runs: T047.
#[test]
fn a_running_download_looks_at_the_key_again() {
    let (world, anna, caller) = world_with_key();
    let location = file("anna/vault", "f");
    let permit = run(downloads::find(&world.sound, &caller, &location)).unwrap();
    let checked = || run(downloads::check(&world.sound, &permit)).is_ok();
    assert!(checked());
    let (anna_s, key1) = (user("anna"), key("key1"));
    let change = |said: AccessKeyChange| {
        run(access_keys::update(&world.sound, &anna, &anna_s, &key1, &said)).unwrap();
    };
    let expiry = Some(Some(1_767_225_600_000));
    change(AccessKeyChange { expiry, ..Default::default() });
    assert!(!checked());
    change(AccessKeyChange { expiry: Some(None), ..Default::default() });
    assert!(checked());
    run(access_keys::delete(&world.sound, &anna, &anna_s, &key1)).unwrap();
    assert!(!checked());
}

#[test]
fn reading_is_all_that_an_r_key_may() {
    let (world, anna, caller) = world_with_key();
    world.upload(&anna, to("anna/vault/tool/2.0", "hidden"), "x").unwrap();
    let hidden = file("anna/vault", "hidden");
    assert!(matches!(refused(world.download(&caller, &hidden)).0, ErrorKind::NotFound(_)));
    let written = world.upload(&caller, published("anna/vault/tool/1.0", "g"), "g");
    assert_eq!(refused(written), forbidden());
    let deleted = run(files::delete(&world.sound, &caller, &file("anna/vault", "f")));
    assert_eq!(refused(deleted), forbidden());
}
