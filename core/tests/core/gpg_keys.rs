//! The OpenPGP keys of subjects, read by a reader that takes plain words for keys.

use packhouse_core::access::{Caller, Secret};
use packhouse_core::gpg_keys::{self, NewGpgKeys, SetGpgKeys};
use packhouse_core::memory::SetClock;
use packhouse_core::model::gpg_keys::GpgKeys;
use packhouse_core::model::grants::{Action, Anchor, Scope};
use packhouse_core::model::memberships::Role;
use packhouse_core::model::subjects::SubjectKind;
use packhouse_core::openpgp::{KeyError, KeyFacts, MAX_ARMOR, OpenPgp, PrivateKey, PublicKey};
use packhouse_core::organizations::OrganizationChange;
use packhouse_core::subjects::KnownAs;
use packhouse_core::users::ADMIN;
use packhouse_core::{
    ErrorKind, Limits, Noun, Packhouse, Ports, Result, Timestamp, members, organizations, users,
};

use crate::world::{
    ADMIN_KEY, World, anonymous, forbidden, needs_credentials, refusal, refused, run, sign_in,
    subject,
};

/// `key x` is the public key of `private x`. What begins with `bad` is refused.
#[derive(Debug)]
pub(crate) struct PlainKeys;

impl OpenPgp for PlainKeys {
    fn read_public(&self, armored: &str, now: Timestamp) -> Result<PublicKey, KeyError> {
        // It is given nothing longer.
        assert!(armored.len() <= MAX_ARMOR);
        let Some(name) = armored.strip_prefix("key ") else {
            return Err(KeyError("is bad: give a better one".to_owned()));
        };
        let facts = KeyFacts {
            fingerprint: name.to_owned(),
            key_id: name.to_owned(),
            user_ids: Vec::new(),
            created: now,
            expires: None,
            algorithm: "plain".to_owned(),
        };
        Ok(PublicKey { armored: armored.to_owned(), facts, signers: vec![name.to_owned()] })
    }

    fn read_private(&self, armored: &Secret, public: &PublicKey) -> Result<PrivateKey, KeyError> {
        assert!(armored.expose().len() <= MAX_ARMOR);
        if armored.is(format!("private {}", public.signers[0]).as_bytes()) {
            return Ok(PrivateKey { armored: armored.clone(), protected: false });
        }
        Err(KeyError("is another's".to_owned()))
    }
}

fn user(name: &str) -> KnownAs {
    KnownAs { name: subject(name), kind: SubjectKind::User }
}

fn guild() -> KnownAs {
    KnownAs { name: subject("guild"), kind: SubjectKind::Organization }
}

fn public(name: &str) -> NewGpgKeys {
    NewGpgKeys { public_key: format!("key {name}"), private_key: None }
}

fn pair(name: &str) -> NewGpgKeys {
    let private_key = Some(Secret::new(format!("private {name}")));
    NewGpgKeys { private_key, ..public(name) }
}

fn set(world: &World, caller: &Caller, of: &KnownAs, new: &NewGpgKeys) -> Result<SetGpgKeys> {
    run(gpg_keys::set(&world.packhouse, caller, of, new))
}

fn absent(name: &str) -> (ErrorKind, String) {
    let message = format!("GPG key '{name}' was not found");
    refusal(ErrorKind::NotFound(Noun::GpgKeys), &message)
}

#[test]
fn who_administers_a_subject_sets_its_keys_and_everyone_sees_the_public_one() {
    let world = World::new();
    let [anna, boss, member, stranger] =
        ["anna", "boss", "member", "stranger"].map(|name| world.user(name));
    let (name, change) = (subject("guild"), OrganizationChange::default());
    let owner = subject("anna");
    run(organizations::put(&world.sound, &world.admin, &name, Some(&owner), &change)).unwrap();
    for (who, role) in [("boss", Role::Admin), ("member", Role::Member)] {
        run(members::put(&world.sound, &anna, &name, &subject(who), role)).unwrap();
    }
    // Whoever may publish everything of a subject does not administer it.
    let anchor = Anchor::Subject(subject("anna"), anna.user_id().unwrap());
    world.grant(&stranger, anchor, &[Action::Read, Action::Publish], Scope::Anchor, None);
    let engine = &world.packhouse;
    for (of, may, may_not) in [
        (user("anna"), vec![&anna, &world.admin], vec![&boss, &stranger]),
        (guild(), vec![&anna, &boss, &world.admin], vec![&member, &stranger]),
    ] {
        for caller in &may_not {
            assert_eq!(refused(set(&world, caller, &of, &pair("a"))), forbidden());
            assert_eq!(refused(run(gpg_keys::check(engine, caller, &of))), forbidden());
            assert_eq!(refused(run(gpg_keys::show(engine, caller, &of))), forbidden());
            assert_eq!(refused(run(gpg_keys::remove(engine, caller, &of))), forbidden());
        }
        assert_eq!(refused(set(&world, anonymous(), &of, &pair("a"))), needs_credentials());
        for caller in &may {
            assert_eq!(refused(run(gpg_keys::show(engine, caller, &of))), absent(of.name.as_str()));
            assert!(matches!(set(&world, caller, &of, &pair("a")), Ok(SetGpgKeys::Made(_))));
            let set = set(&world, caller, &of, &public("b"));
            let Ok(SetGpgKeys::Replaced(keys)) = set else { panic!("{set:?}") };
            assert_eq!((keys.facts.fingerprint.as_str(), &keys.private_key), ("b", &None));
            assert_eq!(run(gpg_keys::show(engine, caller, &of)).unwrap(), keys);
            for viewer in [anonymous(), &stranger] {
                let shown = run(gpg_keys::show_public(engine, viewer, &of)).unwrap();
                assert_eq!(shown, "key b");
            }
            run(gpg_keys::remove(engine, caller, &of)).unwrap();
            assert_eq!(
                refused(run(gpg_keys::remove(engine, caller, &of))),
                absent(of.name.as_str())
            );
        }
    }
}

#[test]
fn a_private_key_is_not_to_be_found_in_the_store() {
    let world = World::new();
    let anna = world.user("anna");
    let secret = "the very secret";
    let held = set(&world, &anna, &user("anna"), &pair(secret));
    let Ok(SetGpgKeys::Made(keys)) = held else { panic!("{held:?}") };
    assert!(!keys.private_key.as_ref().unwrap().protected);
    let private = format!("private {secret}");
    let seen = format!("{:?} {:?} {keys:?} {:?}", world.store, world.packhouse, pair(secret));
    assert!(!seen.contains(&private));
    let stored: GpgKeys = world.read(GpgKeys::key_of(&subject("anna")));
    assert_eq!(stored, keys);
    assert!(!serde_json::to_string(&stored).unwrap().contains(&private));
}

#[test]
fn what_the_reader_refuses_is_not_stored_and_the_field_is_named() {
    let world = World::new();
    let anna = world.user("anna");
    let of = user("anna");
    set(&world, &anna, &of, &pair("a")).unwrap();
    let kept = run(gpg_keys::show(&world.packhouse, &anna, &of)).unwrap();
    let invalid = |message: &str| refusal(ErrorKind::Invalid, message);
    let long = "x".repeat(MAX_ARMOR + 1);
    let too_long = "has more than 65536 bytes: export it with --export-options export-minimal";
    for (new, message) in [
        (
            NewGpgKeys { public_key: "bad".to_owned(), private_key: None },
            "public_key is bad: give a better one".to_owned(),
        ),
        (
            NewGpgKeys { private_key: pair("b").private_key, ..public("a") },
            "private_key is another's".to_owned(),
        ),
        (
            NewGpgKeys { public_key: long.clone(), private_key: None },
            format!("public_key {too_long}"),
        ),
        (
            NewGpgKeys { private_key: Some(Secret::new(long)), ..public("a") },
            format!("private_key {too_long}"),
        ),
    ] {
        assert_eq!(refused(set(&world, &anna, &of, &new)), invalid(&message));
    }
    assert_eq!(run(gpg_keys::show(&world.packhouse, &anna, &of)).unwrap(), kept);
}

#[test]
fn an_installation_without_a_reader_says_so() {
    let engine = Packhouse::new(Ports::in_memory(&SetClock::new()), Limits::default());
    run(users::set_up(&engine, Some(&Secret::new(ADMIN_KEY)))).unwrap();
    let admin = sign_in(&engine, ADMIN, ADMIN_KEY).unwrap();
    let unread = "public_key cannot be read: this installation has no reader of OpenPGP keys";
    let set = run(gpg_keys::set(&engine, &admin, &user(ADMIN), &pair("a")));
    assert_eq!(refused(set), refusal(ErrorKind::Invalid, unread));
}

#[test]
fn keys_go_with_their_subject_and_are_never_those_of_its_namesake() {
    let world = World::new();
    let (anna, of) = (world.user("anna"), user("anna"));
    set(&world, &anna, &of, &pair("a")).unwrap();
    let old: GpgKeys = world.read(GpgKeys::key_of(&subject("anna")));
    run(users::delete(&world.packhouse, &world.admin, &subject("anna"))).unwrap();
    assert_eq!(world.all::<GpgKeys>(), []);

    // As if a deletion had left them.
    let new = world.user("anna");
    world.put(&old);
    let engine = &world.packhouse;
    assert_eq!(refused(run(gpg_keys::show(engine, &new, &of))), absent("anna"));
    assert_eq!(refused(run(gpg_keys::show_public(engine, &new, &of))), absent("anna"));
    assert_eq!(refused(run(gpg_keys::remove(engine, &new, &of))), absent("anna"));
    assert!(matches!(set(&world, &new, &of, &public("b")), Ok(SetGpgKeys::Made(_))));
    assert_eq!(refused(set(&world, &anna, &of, &pair("a"))), forbidden());
}
