//! What is told of an address.

use packhouse_geo::DatabaseLocator;

use crate::writer::{Value, Writer};
use crate::{Place, country, record};

fn located(writer: &Writer) -> (Place, DatabaseLocator) {
    let place = Place::with(&writer.bytes());
    let locator = DatabaseLocator::open(&place.path).unwrap();
    (place, locator)
}

#[test]
fn addresses_of_both_versions_have_the_country_of_their_network() {
    let (_place, locator) = located(
        &Writer::new("Test-Country")
            .with("192.0.2.0/24", &record(&[("country", "DE")]))
            .with("198.51.100.128/25", &record(&[("country", "FR")]))
            .with("203.0.113.7/32", &record(&[("country", "JP")]))
            .with("2001:db8::/32", &record(&[("country", "BR")]))
            .with("2001:db9::1/128", &record(&[("country", "KE")])),
    );
    for (address, expected) in [
        ("192.0.2.0", Some("DE")),
        ("192.0.2.255", Some("DE")),
        ("192.0.3.0", None),
        ("198.51.100.127", None),
        ("198.51.100.128", Some("FR")),
        ("203.0.113.7", Some("JP")),
        ("203.0.113.8", None),
        ("2001:db8::", Some("BR")),
        ("2001:db8:ffff::1", Some("BR")),
        ("2001:db9::1", Some("KE")),
        ("2001:db9::2", None),
        ("::1", None),
        ("127.0.0.1", None),
    ] {
        assert_eq!(country(&locator, address).as_deref(), expected, "{address}");
    }
}

#[test]
fn an_ipv4_address_within_ipv6_is_the_ipv4_address() {
    let networks = [("192.0.2.0/24", "DE")];
    for writer in [Writer::new("Test-Country"), Writer::of_ipv4("Test-Country")] {
        let writer = networks.iter().fold(writer, |writer, (network, code)| {
            writer.with(network, &record(&[("country", code)]))
        });
        let (_place, locator) = located(&writer);
        assert_eq!(country(&locator, "::ffff:192.0.2.9").as_deref(), Some("DE"));
        assert_eq!(country(&locator, "192.0.2.9").as_deref(), Some("DE"));
        assert_eq!(country(&locator, "2001:db8::1"), None);
    }
}

#[test]
fn the_country_goes_before_the_one_of_registration() {
    let number = Value::Map(vec![("country", Value::Map(vec![("iso_code", Value::List(vec![]))]))]);
    let (_place, locator) = located(
        &Writer::new("Test-City")
            .with("192.0.2.0/26", &record(&[("registered_country", "US"), ("country", "DE")]))
            .with("192.0.2.64/26", &record(&[("registered_country", "US")]))
            .with(
                "192.0.2.128/26",
                &record(&[("country", "nowhere"), ("registered_country", "US")]),
            )
            .with("192.0.2.192/27", &record(&[("represented_country", "US")]))
            .with("192.0.2.224/27", &record(&[("country", "fr")]))
            .with("198.51.100.0/24", &number),
    );
    for (address, expected) in [
        ("192.0.2.1", Some("DE")),
        ("192.0.2.65", Some("US")),
        ("192.0.2.129", Some("US")),
        ("192.0.2.193", None),
        ("192.0.2.225", Some("FR")),
        ("198.51.100.1", None),
    ] {
        assert_eq!(country(&locator, address).as_deref(), expected, "{address}");
    }
}
