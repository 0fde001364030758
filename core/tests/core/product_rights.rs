//! What a product opens, and what its deletion leaves.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::access_keys::AccessKeyChange;
use packhouse_core::entitlements::{self, NewEntitlement};
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::model::grants::{Anchor, GrantSet, Grantee};
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::model::products::ProductTomb;
use packhouse_core::model::{Form, RepositoryId, Stored};
use packhouse_core::{ErrorKind, Noun, products, users};

use crate::access_keys::{key, made, sign_in};
use crate::products::{delete, listed, make, name, put, seen, world};
use crate::world::{FIRST, World, file, published, refusal, refused, repo, run, subject};
use packhouse_conformance::faults::{Counted, How};

/// Grants that were never cleaned up, or made to be many, do not make a request as long as they are.
#[test]
fn of_too_many_grants_some_count_and_the_others_cost_nothing() {
    let (world, anna) = world();
    make(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    let bert = world.user("bert");
    let mut made = 0;
    let mut reads_with = |sets: u16| {
        let more = (made..sets).map(|number| set_of(&bert, number).put());
        world.change_all(more.collect());
        made = sets;
        world.faults.fail(Counted::Records, 0..0, How::Unavailable);
        let of = subject("anna");
        let seen = run(products::list(&world.packhouse, &bert, &of, FIRST)).unwrap();
        assert_eq!(seen.items, []);
        world.faults.calls()
    };
    let (few, many, most) = (reads_with(1), reads_with(10_500), reads_with(12_500));
    // Ten pages of a thousand in place of one, and no more; what else is read is read once.
    assert_eq!((few, many, most), (6, 15, 15));
}

/// What someone may read in a repository that is not there any more.
fn set_of(who: &Caller, number: u16) -> GrantSet {
    let repo = repo(&format!("anna/gone{number}"));
    let id = RepositoryId::from_bytes([number.to_be_bytes(); 8].concat().try_into().unwrap());
    GrantSet {
        form: Form,
        grantee: Grantee::User(who.user_id().unwrap()),
        anchor: Anchor::Repository(repo.subject, repo.repo, id),
        grants: Vec::new(),
    }
}

/// Makes an access key with an entitlement on a product, and gives its holder.
fn customer(world: &World, anna: &Caller, of: &str) -> Caller {
    let password = made(world, anna, "k", &AccessKeyChange::default());
    let new = NewEntitlement {
        name: None,
        access: Access::Read,
        access_keys: vec![key("k")],
        path: None,
        tags: Vec::new(),
    };
    let place = EntitlementPlace::Product(subject("anna"), name(of));
    run(entitlements::create(&world.sound, anna, &place, &new)).unwrap();
    sign_in(&world.sound, "k@anna", &password).unwrap()
}

/// T072: what a product opens ends with what it has, and with it.
#[test]
fn an_entitlement_on_a_product_is_for_what_it_has_now() {
    let (world, anna) = world();
    let location = file("anna/vault", "a");
    world.upload(&anna, published("anna/vault/safe/1.0", "a"), "x").unwrap();
    make(&world, &anna, "Suite", &[]).unwrap();
    let customer = customer(&world, &anna, "Suite");
    let hidden = refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'vault' was not found");
    assert_eq!(refused(world.download(&customer, &location)), hidden);
    put(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    assert_eq!(world.download(&customer, &location).unwrap(), "x");
    assert_eq!(seen(&world, &customer, "Suite").unwrap(), ["vault/safe"]);
    put(&world, &anna, "Suite", &[]).unwrap();
    assert_eq!(refused(world.download(&customer, &location)), hidden);
    put(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    delete(&world, &anna, "Suite").unwrap();
    assert_eq!(refused(world.download(&customer, &location)), hidden);
    assert_eq!(world.all::<Entitlement>(), []);
    make(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    assert_eq!(refused(world.download(&customer, &location)), hidden, "another of the name");
}

#[test]
fn a_deletion_that_is_interrupted_takes_its_rights_at_once_and_is_finished_by_a_job() {
    for failing in 1..3 {
        let (world, anna) = world();
        let location = file("anna/vault", "a");
        world.upload(&anna, published("anna/vault/safe/1.0", "a"), "x").unwrap();
        let product = make(&world, &anna, "Suite", &["vault/safe"]).unwrap();
        let customer = customer(&world, &anna, "Suite");
        assert_eq!(world.download(&customer, &location).unwrap(), "x");
        world.faults.fail(Counted::Commits, failing..usize::MAX, How::Unavailable);
        delete(&world, &anna, "Suite").unwrap();
        world.faults.heal();
        if failing == 1 {
            let hidden =
                refusal(ErrorKind::NotFound(Noun::Repository), "Repo 'vault' was not found");
            assert_eq!(refused(world.download(&customer, &location)), hidden);
            let message = "The product 'suite' is still being deleted; try again";
            let going = refusal(ErrorKind::Conflict, message);
            assert_eq!(refused(make(&world, &anna, "suite", &[])), going);
            assert_eq!(listed(&world, &anna), Vec::<String>::new());
            world.clock.advance(Duration::from_secs(61));
            let tasks = world.run_jobs();
            let id = product.id;
            let forgot = |task: &Task| matches!(task, Task::ForgetProduct(it) if it.id == id);
            assert!(tasks.iter().any(forgot), "{tasks:?}");
        }
        assert_eq!(world.all::<Entitlement>(), []);
        assert_eq!(world.all::<ProductTomb>(), []);
        let jobs: Vec<Job> = world.all();
        assert!(!jobs.iter().any(|job| matches!(job.task, Task::ForgetProduct(_))), "{jobs:?}");
        make(&world, &anna, "suite", &["vault/safe"]).unwrap();
    }
}

#[test]
fn the_products_of_a_deleted_user_go_with_everything_that_was_said_of_them() {
    let (world, anna) = world();
    make(&world, &anna, "Suite", &["vault/safe"]).unwrap();
    customer(&world, &anna, "Suite");
    run(users::delete(&world.sound, &world.admin, &subject("anna"))).unwrap();
    world.settle();
    let left: Vec<String> = world.keys().into_iter().filter(|key| key.contains("anna")).collect();
    assert_eq!(left, Vec::<String>::new());
}
