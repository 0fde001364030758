//! Which EULA a version has.

use std::time::Duration;

use packhouse_core::Timestamp;
use packhouse_core::eulas::{self, EulaPatch};
use packhouse_core::model::eulas::{Eula, Eulas};
use packhouse_core::model::{EulaId, Form, ProductId};
use packhouse_core::names::VersionName;
use proptest::prelude::*;

use crate::eulas::{at, change, eula, make_eula, pending, versions, world};
use crate::products::name;
use crate::world::{published, refused, run, subject};

#[test]
fn a_default_is_for_versions_that_are_made_from_then_on() {
    let (world, anna) = world();
    let bert = world.user("bert");
    let upload = |version: &str| {
        world.clock.advance(Duration::from_secs(1));
        let target = published(&format!("anna/repo/tool/{version}"), version);
        world.upload(&anna, target, "x").unwrap();
    };
    make_eula(&world, "Suite", "first", true, &[]);
    upload("3.0");
    world.clock.advance(Duration::from_secs(1));
    make_eula(&world, "Suite", "second", true, &[]);
    upload("4.0");
    let of = |version: &str| {
        let told = run(eulas::of_file(&world.sound, &anna, &at(version)));
        told.map(|view| view.eula.name.to_string()).ok()
    };
    let all = || ["1.0", "2.0", "3.0", "4.0"].map(of);
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(all(), [None, None, named("first"), named("second")]);
    world.download(&bert, &at("2.0")).unwrap();
    let told = refused(world.download(&bert, &at("3.0")));
    assert_eq!(told, pending("Suite", "3.0", "bert", "3.0"));

    let default = |default| EulaPatch { default: Some(default), ..EulaPatch::default() };
    change(&world, "second", &default(false));
    assert_eq!(all(), [None, None, named("first"), named("first")]);
    world.clock.advance(Duration::from_millis(1));
    change(&world, "second", &default(true));
    assert_eq!(of("4.0"), named("first"), "it is the default from now on, and not from then");
    change(&world, "first", &default(true));
    assert_eq!(of("3.0"), named("first"), "it was it all the time");
    let named_ones =
        EulaPatch { versions: Some(versions(&["1.0", "3.0"])), ..EulaPatch::default() };
    change(&world, "second", &named_ones);
    assert_eq!(all(), [named("second"), None, named("second"), named("first")]);
}

/// Which EULA a version has, told in another way: from the newest EULA to the oldest.
fn reference(eulas: &[Eula], version: &str, made: i64) -> Option<usize> {
    let newest_first = || (0..eulas.len()).rev();
    let names = |place: &usize| eulas[*place].versions.iter().any(|name| name.as_str() == version);
    if let Some(place) = newest_first().find(names) {
        return Some(place);
    }
    let mut best: Option<usize> = None;
    for place in 0..eulas.len() {
        let Some(since) = eulas[place].default_since else { continue };
        let too_late = since.as_millis() > made;
        let beaten = best.is_some_and(|best| eulas[best].default_since > Some(since));
        if !too_late && !beaten {
            best = Some(place);
        }
    }
    best
}

proptest! {
    #[test]
    fn the_eula_of_a_version_is_the_named_one_or_the_last_default_before_it(
        said in prop::collection::vec((prop::collection::vec(0usize..3, 0..3), prop::option::of(0i64..6)), 0..6),
        version in 0usize..3, made in 0i64..6,
    ) {
        let eulas: Vec<Eula> = said
            .into_iter()
            .enumerate()
            .map(|(place, (named, default))| Eula {
                id: EulaId::from_bytes([place as u8; 16]),
                name: eula(&format!("e{place}")),
                created: Timestamp::from_millis(place as i64),
                versions: named.iter().map(|n| VersionName::parse(&format!("v{n}")).unwrap()).collect(),
                default_since: default.map(Timestamp::from_millis),
            })
            .collect();
        let expected = reference(&eulas, &format!("v{version}"), made);
        let held = Eulas {
            form: Form,
            subject: subject("anna"),
            product_id: ProductId::from_bytes([1; 16]),
            product: name("Suite"),
            eulas: eulas.clone(),
        };
        let version = VersionName::parse(&format!("v{version}")).unwrap();
        let told = held.of_version(&version, Timestamp::from_millis(made));
        prop_assert_eq!(told, expected.map(|place| &eulas[place]));
    }
}
