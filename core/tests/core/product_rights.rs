//! What a product opens, and what its deletion leaves.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::access_keys::AccessKeyChange;
use packhouse_core::entitlements::{self, NewEntitlement};
use packhouse_core::model::entitlements::{Access, Entitlement, EntitlementPlace};
use packhouse_core::model::jobs::{Job, Task};
use packhouse_core::model::products::ProductTomb;
use packhouse_core::{ErrorKind, Noun, users};

use crate::access_keys::{key, made, sign_in};
use crate::products::{delete, listed, make, name, put, seen, world};
use crate::world::{World, file, published, refusal, refused, run, subject};
use packhouse_conformance::faults::{Counted, How};

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
