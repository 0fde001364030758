//! What is kept of entitlements, for how long, and what cannot be.

use std::collections::BTreeSet;

use packhouse_core::access::Identity;
use packhouse_core::entitlements::{self, NewEntitlement};
use packhouse_core::model::Stored;
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::model::grants::{GrantSet, Grantee};
use packhouse_core::names::{EntitlementName, FilePath};
use packhouse_core::{ErrorKind, packages, repositories, versions};

use super::reference::Wish;
use super::{Bench, KEYS, name_of, place};
use crate::access_keys::key;
use crate::world::{refusal, refused, repo, run};

fn said(keys: &[&str], access: Access) -> NewEntitlement {
    NewEntitlement {
        name: None,
        access,
        access_keys: keys.iter().map(|name| key(name)).collect(),
        path: None,
        tags: Vec::new(),
    }
}

/// T075, T062, T076: what is made anew under a name is another, and nothing is left of the first.
#[test]
fn what_is_made_anew_inherits_nothing() {
    for gone in ["/vault/tool/1.0", "/vault/tool", "/vault"] {
        let bench = Bench::new();
        let (engine, anna) = (&bench.world.sound, &bench.anna);
        let new = said(&KEYS, Access::ReadWrite);
        run(entitlements::create(engine, anna, &place(gone), &new)).unwrap();
        let open = bench.allowed();
        assert!(open.contains(&(0, 0, Wish::Write)));
        match place(gone) {
            EntitlementPlace::Version(path) => run(versions::delete(engine, anna, &path)).unwrap(),
            EntitlementPlace::Package(path) => run(packages::delete(engine, anna, &path)).unwrap(),
            EntitlementPlace::Repository(path) => {
                run(repositories::delete(engine, anna, &path)).unwrap();
                bench.world.repo(anna, &path, true);
            }
            EntitlementPlace::Product(..) => unreachable!(),
        }
        assert!(bench.world.all::<Entitlement>().is_empty(), "{gone}");
        let of_key = |set: &GrantSet| matches!(set.grantee, Grantee::AccessKey(_));
        assert!(!bench.world.all::<GrantSet>().iter().any(of_key), "{gone}");
        bench.fill(gone);
        assert_eq!(bench.allowed(), BTreeSet::new(), "{gone}");
    }
}

#[test]
fn many_entitlements_go_with_their_repository() {
    let bench = Bench::new();
    let (engine, anna) = (&bench.world.sound, &bench.anna);
    for number in 0..30 {
        let name = EntitlementName::parse(&format!("e{number}")).unwrap();
        let new = NewEntitlement { name: Some(name), ..said(&KEYS, Access::Read) };
        for at in ["/vault", "/vault/tool", "/vault/tool/1.0"] {
            run(entitlements::create(engine, anna, &place(at), &new)).unwrap();
        }
    }
    let model = bench.world.all::<Entitlement>().remove(0);
    let more = (0..2_500).map(|number| {
        let name = EntitlementName::parse(&format!("m{number}")).unwrap();
        Entitlement { name, ..model.clone() }.put()
    });
    bench.world.change_all(more.collect());
    run(entitlements::create(engine, anna, &place("/cellar"), &said(&["key1"], Access::Read)))
        .unwrap();
    run(repositories::delete(engine, anna, &repo("anna/vault"))).unwrap();
    assert_eq!(bench.world.all::<Entitlement>().len(), 1);
    let of_key = |set: &GrantSet| matches!(set.grantee, Grantee::AccessKey(_));
    assert_eq!(bench.world.all::<GrantSet>().into_iter().filter(of_key).count(), 1);
}

#[test]
fn what_cannot_be_kept_is_said() {
    let bench = Bench::new();
    let (engine, anna) = (&bench.world.sound, &bench.anna);
    let create = |at: &str, new: &NewEntitlement| {
        run(entitlements::create(engine, anna, &place(at), new)).map(drop)
    };
    let invalid = |message: &str| refusal(ErrorKind::Invalid, message);
    let unknown = said(&["key1", "key9"], Access::Read);
    assert_eq!(refused(create("/vault", &unknown)), invalid("Access key 'key9' does not exist"));
    let write = said(&["key1"], Access::ReadWrite);
    let message = "Entitlements of a product allow to download: give access as 'r'";
    assert_eq!(refused(create("suite", &write)), invalid(message));
    let path = Some(FilePath::parse("a").unwrap());
    let with_path = NewEntitlement { path, ..said(&[], Access::Read) };
    let message = "path is for entitlements of a repository: leave it out";
    for at in ["/vault/tool", "/vault/tool/1.0", "suite"] {
        assert_eq!(refused(create(at, &with_path)), invalid(message), "{at}");
    }
    let named = NewEntitlement { name: Some(name_of(0)), ..said(&[], Access::Read) };
    create("/vault", &named).unwrap();
    let exists = refusal(ErrorKind::AlreadyExists, "Entitlement 'slot0' already exists");
    assert_eq!(refused(create("/vault", &named)), exists);
    // Of another place it is another.
    create("/vault/tool", &named).unwrap();
    let other = place("/vault/tool/1.0");
    let removed = run(entitlements::delete(engine, anna, &other, &name_of(0)));
    assert!(matches!(refused(removed).0, ErrorKind::NotFound(_)), "T056");
    let many: Vec<String> = (0..1_001).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let message =
        "access_keys has 1001 entries: at most 1000 are kept, so make a second entitlement";
    assert_eq!(refused(create("/vault", &said(&many, Access::Read))), invalid(message));
}

/// A decision reads every grant of a key in a repository: there is a most.
#[test]
fn a_key_has_no_more_grants_in_a_repository_than_a_decision_may_read() {
    let bench = Bench::new();
    let (engine, anna) = (&bench.world.sound, &bench.anna);
    let create = || {
        run(entitlements::create(engine, anna, &place("/vault"), &said(&["key1"], Access::Read)))
    };
    create().unwrap();
    let caller = bench.callers.borrow()[0].clone();
    let Identity::AccessKey { id, .. } = caller.identity() else { unreachable!() };
    let mut set: GrantSet =
        bench.world.read(GrantSet::key_on_repo(Grantee::AccessKey(*id), &repo("anna/vault")));
    set.grants = vec![set.grants.remove(0); 999];
    bench.world.put(&set);
    create().unwrap();
    let message = "Access key 'key1' has 1000 entitlements here, which is the most: take wider ones, \
                   or another key";
    assert_eq!(refused(create()), refusal(ErrorKind::Invalid, message));
}
