//! Which addresses are public, by the registries, in every form that an address has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use packhouse_outbound::{AllowedNetworks, is_public};
use proptest::prelude::*;
use proptest::sample::select;

/// The ranges of IPv4 that nobody on the internet has.
const NOT_PUBLIC_V4: [&str; 20] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
];

/// Those of IPv6, without what holds an IPv4 address and is judged by it.
const NOT_PUBLIC_V6: [&str; 24] = [
    "::/128",
    "::1/128",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/32",
    "2001::/23",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3ffe::/16",
    "3fff::/20",
    "4000::/3",
    "5f00::/16",
    "8000::/1",
    "fc00::/7",
    "fd00:ec2::254/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

const PUBLIC: [&str; 21] = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2000::",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

fn network(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

/// The first address and the last.
fn ends(network: IpNetwork) -> [IpAddr; 2] {
    [network.network(), network.broadcast()]
}

/// An IPv4 address as IPv6 has it: mapped, compatible, NAT64 (both prefixes), 6to4, Teredo (client
/// and server), ISATAP (both forms).
fn embedded(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let low = u128::from(address.to_bits());
    let within = |text: &str, shift: u32| {
        let prefix: Ipv6Addr = text.parse().unwrap();
        Ipv6Addr::from_bits(prefix.to_bits() | (low << shift))
    };
    let teredo: Ipv6Addr = "2001:0:808:808:0:0:0:0".parse().unwrap();
    vec![
        within("::ffff:0:0", 0),
        within("::", 0),
        within("64:ff9b::", 0),
        within("64:ff9b:1::", 0),
        within("2002::", 80),
        Ipv6Addr::from_bits(teredo.to_bits() | (low ^ 0xffff_ffff)),
        within("2001::", 64),
        within("2606:4700::5efe:0:0", 0),
        within("2606:4700::200:5efe:0:0", 0),
    ]
}

#[test]
fn no_end_of_a_special_range_is_public_in_any_form() {
    for text in NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6) {
        for address in ends(network(text)) {
            assert!(!is_public(address), "{address} of {text}");
            assert!(!AllowedNetworks::none().permit(address), "{address} of {text}");
            if let IpAddr::V4(address) = address {
                for form in embedded(address) {
                    assert!(!is_public(form.into()), "{form} of {text}");
                }
            }
        }
    }
}

#[test]
fn addresses_beside_the_special_ranges_are_public() {
    for text in PUBLIC {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn tunnels_are_not_public_wherever_they_lead() {
    let forms = embedded(Ipv4Addr::new(1, 1, 1, 1));
    let public: Vec<_> = forms.iter().filter(|form| is_public((**form).into())).collect();
    let expected: [Ipv6Addr; 2] =
        ["::ffff:1.1.1.1".parse().unwrap(), "64:ff9b::1.1.1.1".parse().unwrap()];
    assert_eq!(public, expected.iter().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn nothing_within_a_special_range_passes(
        v4 in select(NOT_PUBLIC_V4.to_vec()),
        v6 in select(NOT_PUBLIC_V6.to_vec()),
        noise in any::<u128>(),
    ) {
        let within = |text: &str| {
            let network = network(text);
            let host = 128 - u32::from(network.prefix()) - if network.is_ipv4() { 96 } else { 0 };
            let noise = noise & 1_u128.checked_shl(host).map_or(u128::MAX, |end| end - 1);
            match network.network() {
                IpAddr::V4(start) => {
                    let noise = u32::try_from(noise).unwrap();
                    IpAddr::from(Ipv4Addr::from_bits(start.to_bits() | noise))
                }
                IpAddr::V6(start) => Ipv6Addr::from_bits(start.to_bits() | noise).into(),
            }
        };
        let (v4, v6) = (within(v4), within(v6));
        prop_assert!(!is_public(v4), "{v4}");
        prop_assert!(!is_public(v6), "{v6}");
        let IpAddr::V4(v4) = v4 else { unreachable!() };
        for form in embedded(v4) {
            prop_assert!(!is_public(form.into()), "{form}");
        }
    }

    #[test]
    fn no_ipv4_address_outside_global_unicast_passes(bits in any::<u32>()) {
        let address = Ipv4Addr::from_bits(bits);
        let special = NOT_PUBLIC_V4.iter().any(|text| network(text).contains(address.into()));
        prop_assert_eq!(is_public(address.into()), !special);
        let by_std = address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_documentation()
            || address.is_multicast()
            || address.is_unspecified();
        prop_assert!(!(by_std && is_public(address.into())), "{address}");
    }

    #[test]
    fn no_ipv6_address_outside_global_unicast_passes(
        bits in any::<u128>(),
        start in select(vec![0_u128, 0xffff << 32, 0x64_ff9b << 96, 0x2001 << 112, 1 << 125]),
        kept in 0_u32..=128,
    ) {
        // Near the edges, where a wrong prefix would show, and anywhere.
        let noise = if kept == 128 { 0 } else { bits >> kept };
        let address = Ipv6Addr::from_bits(start | noise);
        if is_public(address.into()) {
            let special = NOT_PUBLIC_V6.iter().any(|text| network(text).contains(address.into()));
            let by_ipv4 = ["::ffff:0:0/96", "64:ff9b::/96"].map(network);
            let [.., a, b, c, d] = address.octets();
            let global = network("2000::/3").contains(address.into());
            let through = by_ipv4.iter().any(|network| network.contains(address.into()))
                && is_public(Ipv4Addr::new(a, b, c, d).into());
            prop_assert!(!special && (global || through), "{address}");
        }
    }
}

#[test]
fn allowed_networks_permit_their_addresses_and_no_others() {
    let allowed = AllowedNetworks::parse(["10.20.0.0/16", " fd00::/8 ", "127.0.0.1"]).unwrap();
    for (address, permitted) in [
        ("10.20.255.255", true),
        ("::ffff:10.20.0.1", true),
        ("10.21.0.0", false),
        ("64:ff9b::10.20.0.1", false),
        ("fdff::1", true),
        ("fe80::1", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("::1", false),
        ("1.1.1.1", true),
    ] {
        assert_eq!(allowed.permit(address.parse().unwrap()), permitted, "{address}");
    }
}

#[test]
fn what_is_no_network_is_named() {
    let error = AllowedNetworks::parse(["10.0.0.0/8", "lan"]).unwrap_err().to_string();
    assert!(error.contains("'lan'"), "{error}");
}
