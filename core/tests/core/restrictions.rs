//! Restrictions of downloads: which countries and networks are let in, and that no path of bytes
//! goes around them.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::model::grants::Action;
use packhouse_core::model::subjects::Plan;
use packhouse_core::names::FileLocation;
use packhouse_core::restrictions::{self, NetworksPatch, Restricted};
use packhouse_core::signed_urls::{self, NewSignedUrl};
use packhouse_core::{ErrorKind, Result, downloads, folders, packages, users, versions};

use crate::atlas::{CA, NOWHERE, US};
use crate::world::{
    World, file, forbidden, needs_credentials, package, published, refusal, refused, repo, run,
    subject, version,
};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn set_countries(world: &World, by: &Caller, white: &[&str], black: &[&str]) -> Result<()> {
    let path = repo("anna/repo");
    run(restrictions::set_countries(&world.sound, by, &path, &texts(white), &texts(black)))
}

fn set_networks(world: &World, by: &Caller, white: &[&str], black: &[&str]) -> Result<()> {
    let (path, white, black) = (repo("anna/repo"), texts(white), texts(black));
    run(restrictions::set_networks(&world.sound, by, &path, &white, &black)).map(drop)
}

/// `anna` with a published file.
fn world() -> (World, Caller, FileLocation) {
    let world = World::new();
    let anna = world.anna();
    let stored = world.upload(&anna, published("anna/repo/tool/1.0", "d/a"), "0123456789").unwrap();
    (world, anna, stored.location())
}

/// Whether an anonymous download from an address is let in.
fn admitted(world: &World, location: &FileLocation, address: Option<&str>) -> bool {
    match world.download(&world.from(address, None), location) {
        Ok(bytes) => bytes == "0123456789",
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Restricted, "{error:?}");
            false
        }
    }
}

#[test]
fn countries_are_let_in_by_a_white_list_or_kept_out_by_a_black_one() {
    let (world, anna, location) = world();
    let mapped = "::ffff:192.0.2.1";
    // For each: from the US, the same spelt as IPv6, Canada, nowhere that is known, no address.
    for (white, black, expected) in [
        (&[][..], &[][..], [true, true, true, true, true]),
        (&["US"], &[], [true, true, false, false, false]),
        (&["us", "CA", "US"], &[], [true, true, true, false, false]),
        (&["FR"], &[], [false, false, false, false, false]),
        (&[], &["US"], [false, false, true, false, false]),
        (&[], &["fr"], [true, true, true, false, false]),
    ] {
        set_countries(&world, &anna, white, black).unwrap();
        let addresses = [Some(US), Some(mapped), Some(CA), Some(NOWHERE), None];
        let told = addresses.map(|address| admitted(&world, &location, address));
        assert_eq!(told, expected, "white {white:?}, black {black:?}");
    }
}

#[test]
fn networks_are_let_in_by_a_white_list_and_kept_out_by_a_black_one_that_wins() {
    let (world, anna, location) = world();
    let mapped = "::ffff:192.0.2.1";
    for (white, black, expected) in [
        (&[][..], &[][..], [true, true, true, true]),
        (&["192.0.2.0/24"], &[], [true, true, false, false]),
        (&[], &["192.0.2.1/32"], [false, false, true, false]),
        (&["192.0.2.0/24"], &["192.0.2.1"], [false, false, false, false]),
        (&["0.0.0.0/0"], &["192.0.2.0/25"], [false, false, true, false]),
    ] {
        set_networks(&world, &anna, white, black).unwrap();
        let addresses = [Some(US), Some(mapped), Some(CA), None];
        let told = addresses.map(|address| admitted(&world, &location, address));
        assert_eq!(told, expected, "white {white:?}, black {black:?}");
    }
}

#[test]
fn both_must_let_one_in() {
    let (world, anna, location) = world();
    set_countries(&world, &anna, &["US"], &[]).unwrap();
    set_networks(&world, &anna, &["192.0.2.1", "198.51.100.0/24"], &[]).unwrap();
    let told = [US, "192.0.2.2", CA, NOWHERE].map(|from| admitted(&world, &location, Some(from)));
    assert_eq!(told, [true, false, false, false]);
    let clear = |what| {
        run(restrictions::clear(&world.sound, &anna, &repo("anna/repo"), what)).unwrap();
    };
    clear(Restricted::Networks);
    let told = [US, "192.0.2.2", CA, NOWHERE].map(|from| admitted(&world, &location, Some(from)));
    assert_eq!(told, [true, true, false, false]);
    clear(Restricted::Countries);
    assert!(admitted(&world, &location, None));
}

/// T094: for every caller, and on every path of bytes. What is said about the files is not kept.
#[test]
fn nobody_gets_bytes_from_a_wrong_place_and_everybody_metadata() {
    let (world, anna, location) = world();
    let (network, country) = (
        "The repository 'anna/repo' allows no downloads from your network",
        "The repository 'anna/repo' allows no downloads from your country",
    );
    let key = |user: &str| {
        let key = run(users::renew_key(&world.sound, &world.admin, &subject(user))).unwrap();
        String::from_utf8(key.expose().to_vec()).unwrap()
    };
    let (anna_key, admin_key) = (key("anna"), key("admin"));
    let signed =
        run(signed_urls::create(&world.sound, &anna, &location, &NewSignedUrl::default())).unwrap();
    for message in [network, country] {
        if message == network {
            set_networks(&world, &anna, &["192.0.2.0/24"], &[]).unwrap();
        } else {
            set_networks(&world, &anna, &[], &[]).unwrap();
            set_countries(&world, &anna, &["US"], &[]).unwrap();
        }
        for (from, expected) in [(CA, Some(message)), (US, None)] {
            let from = Some(from);
            let shown = signed_urls::check_shown(
                &world.sound,
                &signed,
                world.from(from, None).origin().clone(),
            );
            let callers = [
                world.from(from, None),
                world.from(from, Some(("anna", &anna_key))),
                world.from(from, Some(("admin", &admin_key))),
                run(shown).unwrap().caller,
            ];
            for caller in &callers {
                let check = |told: Result<()>| match expected {
                    Some(message) => {
                        assert_eq!(refused(told), refusal(ErrorKind::Restricted, message));
                    }
                    None => told.unwrap(),
                };
                check(world.download(caller, &location).map(drop));
                check(run(downloads::find(&world.sound, caller, &location)).map(drop));
                let (path, folder) = (repo("anna/repo"), file("anna/repo", "d").path);
                for folder in [None, Some(&folder)] {
                    let listed = folders::list(&world.sound, caller, &path, folder, false, None, 9);
                    check(run(listed).map(drop));
                }
                let (tool, one) = (package("anna/repo/tool"), version("anna/repo/tool/1.0"));
                run(packages::show(&world.sound, caller, &tool)).unwrap();
                run(versions::show(&world.sound, caller, &one)).unwrap();
                run(packages::of_file(&world.sound, caller, &location)).unwrap();
            }
        }
    }
}

#[test]
fn a_stranger_learns_nothing_of_a_private_repository_by_its_restrictions() {
    let (world, anna, location) = world();
    set_networks(&world, &anna, &["192.0.2.0/24"], &[]).unwrap();
    crate::downloads::make_private(&world, true);
    let bert = world.user_key("bert", Plan::Oss);
    for address in [US, CA] {
        let told = world.download(&world.from(Some(address), Some(("bert", &bert))), &location);
        assert_eq!(refused(told).1, "Repo 'repo' was not found");
        let told = world.download(&world.from(Some(address), None), &location);
        assert_eq!(refused(told), needs_credentials());
    }
}

#[test]
fn a_running_download_ends_soon_after_its_place_is_kept_out() {
    let (world, anna, location) = world();
    let from_canada = world.from(Some(CA), None);
    let recheck = Duration::from_secs(5);
    let ended = crate::downloads::stream(&world, &from_canada, &location, recheck, || {
        set_countries(&world, &anna, &[], &["FR"]).unwrap();
    });
    assert_eq!(ended, (7, false));
    let ended = crate::downloads::stream(&world, &from_canada, &location, recheck, || {
        set_countries(&world, &anna, &[], &["CA"]).unwrap();
    });
    assert_eq!(ended, (0, true));
}

#[test]
fn what_restricts_nothing_is_said() {
    let (world, anna, _) = world();
    let invalid = |message: &str| refusal(ErrorKind::Invalid, message);
    assert_eq!(
        refused(set_countries(&world, &anna, &["US"], &["CA"])),
        invalid("The update can be done on one list only.")
    );
    for (code, shown) in [("USA", "USA"), ("U", "U"), ("", ""), ("U1", "U1"), ("é", "é")] {
        let message = format!(
            "black_list: '{shown}' is no country code: use two letters of ISO 3166, such as US"
        );
        assert_eq!(refused(set_countries(&world, &anna, &[], &[code])), invalid(&message));
    }
    for (white, black) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/8", "10.9.9.9/8"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ] {
        let message =
            format!("'{white}' is in white_cidrs and in black_cidrs: leave it in one of them");
        let told = refused(set_networks(&world, &anna, &[white], &[black]));
        assert_eq!(told, invalid(&message));
    }
    set_networks(&world, &anna, &["10.0.0.0/8"], &["10.0.0.0/16", "11.0.0.0/8"]).unwrap();
}

#[test]
fn networks_are_added_and_removed_however_they_are_spelt() {
    let (world, anna, _) = world();
    set_networks(&world, &anna, &["10.0.0.1/32", "10.1.0.0/16"], &["10.0.0.9"]).unwrap();
    let change = |patch: NetworksPatch| {
        let path = repo("anna/repo");
        let held = run(restrictions::change_networks(&world.sound, &anna, &path, &patch))?;
        let shown = |list: &[packhouse_core::networks::Network]| {
            list.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        Ok((shown(&held.white_networks), shown(&held.black_networks)))
    };
    let held = change(NetworksPatch {
        add_white: texts(&["10.0.0.1", "10.0.0.7/32", "10.0.0.9"]),
        remove_white: texts(&["10.1.2.3/16", "10.77.0.0/16"]),
        remove_black: texts(&["10.0.0.9/32"]),
        ..NetworksPatch::default()
    });
    let expected = (texts(&["10.0.0.1/32", "10.0.0.7/32", "10.0.0.9"]), texts(&[]));
    assert_eq!(held.unwrap(), expected);
    let twice =
        change(NetworksPatch { add_black: texts(&["10.0.0.7"]), ..NetworksPatch::default() });
    let message = "'10.0.0.7/32' is in white_cidrs and in black_cidrs: leave it in one of them";
    assert_eq!(refused::<(Vec<String>, Vec<String>)>(twice), refusal(ErrorKind::Invalid, message));
    let many: Vec<String> = (0..1_000).map(|n| format!("10.2.{}.{}", n / 256, n % 256)).collect();
    let many = change(NetworksPatch { add_white: many, ..NetworksPatch::default() });
    let message = "white_cidrs has 1003 entries: at most 1000 are kept";
    assert_eq!(refused(many), refusal(ErrorKind::Invalid, message));
}

#[test]
fn restrictions_are_for_who_administers_the_repository_under_a_plan_that_has_them() {
    let (countries, networks) = (
        "Account Plan is not suitable for repo geo restriction. Your current plan does not support \
         geo restrictions.",
        "Your repo commercial type does not support IP restrictions.",
    );
    for (plan, offers_countries, offers_networks) in
        [(Plan::Oss, false, false), (Plan::Premium, false, true), (Plan::Enterprise, true, true)]
    {
        let (world, anna, _) = world();
        let publisher = world.user("bert");
        let anchor = world.anchor(&repo("anna/repo"));
        let scope = packhouse_core::model::grants::Scope::Anchor;
        world.grant(&publisher, anchor, &[Action::Read, Action::Publish], scope, None);
        let change = users::UserChange { plan: Some(plan), ..users::UserChange::default() };
        run(users::update(&world.sound, &world.admin, &subject("anna"), &change)).unwrap();
        let check = |told: Result<()>, offered: bool, message: &str| match offered {
            true => told.unwrap(),
            false => assert_eq!(refused(told), refusal(ErrorKind::Forbidden, message)),
        };
        let path = repo("anna/repo");
        let show =
            |by: &Caller, what| run(restrictions::show(&world.sound, by, &path, what)).map(drop);
        let clear = |by: &Caller, what| run(restrictions::clear(&world.sound, by, &path, what));
        assert_eq!(refused(set_countries(&world, &publisher, &["US"], &[])), forbidden());
        assert_eq!(refused(set_networks(&world, &publisher, &["10.0.0.1"], &[])), forbidden());
        for what in [Restricted::Countries, Restricted::Networks] {
            assert_eq!(refused(show(&publisher, what)), forbidden());
            assert_eq!(refused(clear(&publisher, what)), forbidden());
        }
        check(clear(&anna, Restricted::Countries), offers_countries, countries);
        check(clear(&anna, Restricted::Networks), offers_networks, networks);
        check(set_countries(&world, &anna, &["US"], &[]), offers_countries, countries);
        check(set_networks(&world, &anna, &["192.0.2.0/24"], &[]), offers_networks, networks);
        check(show(&anna, Restricted::Countries), offers_countries, countries);
        show(&anna, Restricted::Networks).unwrap();
        // What was set stays in force after a change of plan, and can be taken away.
        let change = users::UserChange { plan: Some(Plan::Oss), ..users::UserChange::default() };
        run(users::update(&world.sound, &world.admin, &subject("anna"), &change)).unwrap();
        let let_in = admitted(&world, &file("anna/repo", "d/a"), Some(CA));
        assert_eq!(let_in, plan == Plan::Oss);
        if offers_countries {
            clear(&anna, Restricted::Countries).unwrap();
        }
        if offers_networks {
            clear(&anna, Restricted::Networks).unwrap();
        }
        assert!(admitted(&world, &file("anna/repo", "d/a"), Some(CA)));
        check(clear(&anna, Restricted::Networks), false, networks);
    }
}
