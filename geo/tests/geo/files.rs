//! Files that are missing, damaged, of something else, or exchanged.

use std::fs;

use packhouse_geo::{DatabaseError, DatabaseLocator};

use crate::writer::{Value, Writer};
use crate::{Place, country, in_country};

#[test]
fn a_missing_file_is_named() {
    let place = Place::new();
    let error = DatabaseLocator::open(&place.path).unwrap_err();
    assert!(matches!(error, DatabaseError::Read { .. }), "{error:?}");
    assert!(error.to_string().contains("countries.mmdb"), "{error}");
    fs::create_dir(&place.path).unwrap();
    assert!(matches!(DatabaseLocator::open(&place.path), Err(DatabaseError::Read { .. })));
}

#[test]
fn a_file_of_another_format_is_named() {
    let zeros = vec![0; 1 << 16];
    for bytes in [&b""[..], b"a text", b"\x1f\x8b\x08\x00compressed", &zeros] {
        let place = Place::with(bytes);
        let error = DatabaseLocator::open(&place.path).unwrap_err();
        assert!(matches!(error, DatabaseError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("countries.mmdb"), "{error}");
    }
}

#[test]
fn a_database_of_something_else_is_refused_by_its_type() {
    let number = Value::Map(vec![("autonomous_system_organization", Value::text("Example"))]);
    let writer = Writer::new("Test-ASN").with("192.0.2.0/24", &number);
    let place = Place::with(&writer.bytes());
    let error = DatabaseLocator::open(&place.path).unwrap_err();
    assert!(matches!(error, DatabaseError::NoCountries { .. }), "{error:?}");
    assert!(error.to_string().contains("Test-ASN"), "{error}");
}

#[test]
fn a_file_that_ends_early_is_damaged_wherever_it_ends() {
    let whole = in_country("DE").bytes();
    for length in 0..whole.len() {
        let place = Place::with(&whole[..length]);
        let error = DatabaseLocator::open(&place.path).unwrap_err();
        assert!(matches!(error, DatabaseError::Damaged { .. }), "{length}: {error:?}");
    }
}

#[test]
fn damage_is_found_behind_records_that_are_whole() {
    let codes = ["DE", "FR", "JP", "BR"];
    let writer =
        codes.iter().enumerate().fold(Writer::new("Test-Country"), |writer, (at, code)| {
            writer.with(&format!("192.0.{at}.0/24"), &crate::record(&[("country", code)]))
        });
    let mut bytes = writer.bytes();
    let marker = b"\xab\xcd\xefMaxMind.com";
    let end = bytes.windows(marker.len()).position(|window| window == marker).unwrap();
    bytes[end - 12..end].fill(0xff);
    let place = Place::with(&bytes);
    let error = DatabaseLocator::open(&place.path).unwrap_err();
    assert!(matches!(error, DatabaseError::Damaged { .. }), "{error:?}");
}

#[test]
fn no_changed_byte_makes_a_lookup_panic() {
    let record = crate::record(&[("country", "DE")]);
    let whole = Writer::of_ipv4("Test-Country").with("192.0.2.0/24", &record).bytes();
    let place = Place::new();
    for at in 0..whole.len() {
        for change in [0x01, 0x20, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            fs::write(&place.path, &bytes).unwrap();
            if let Ok(locator) = DatabaseLocator::open(&place.path) {
                for address in ["192.0.2.1", "255.255.255.255", "2001:db8::1", "::"] {
                    country(&locator, address);
                }
            }
        }
    }
}

#[test]
fn a_file_that_was_exchanged_is_read_again_and_one_that_was_not_is_not() {
    let place = Place::new();
    place.replace(&in_country("DE").bytes(), 30);
    let locator = DatabaseLocator::open(&place.path).unwrap();
    assert!(!locator.reload().unwrap());
    // Of the same length: the time alone tells.
    place.replace(&in_country("FR").bytes(), 20);
    assert_eq!(country(&locator, "192.0.2.1").as_deref(), Some("DE"));
    assert!(locator.reload().unwrap());
    assert_eq!(country(&locator, "192.0.2.1").as_deref(), Some("FR"));
    assert!(!locator.reload().unwrap());
}

#[test]
fn the_database_in_use_stays_where_the_new_one_is_of_no_use() {
    let place = Place::new();
    place.replace(&in_country("DE").bytes(), 60);
    let locator = DatabaseLocator::open(&place.path).unwrap();
    for (age, bytes) in [(50, &b"damaged"[..]), (40, b"")] {
        place.replace(bytes, age);
        // It is told each time, until there is a good one.
        for _ in 0..2 {
            let error = locator.reload().unwrap_err();
            assert!(matches!(error, DatabaseError::Damaged { .. }), "{error:?}");
        }
        assert_eq!(country(&locator, "192.0.2.1").as_deref(), Some("DE"));
    }
    fs::remove_file(&place.path).unwrap();
    assert!(matches!(locator.reload(), Err(DatabaseError::Read { .. })));
    assert_eq!(country(&locator, "192.0.2.1").as_deref(), Some("DE"));
    place.replace(&in_country("FR").bytes(), 10);
    assert!(locator.reload().unwrap());
    assert_eq!(country(&locator, "192.0.2.1").as_deref(), Some("FR"));
}
