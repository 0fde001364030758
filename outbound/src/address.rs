//! Which addresses are public: the special-purpose registries of IANA, and what is not in them.
//!
//! It must know nothing of settings: what is allowed besides is in `networks`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges that are not public, as (first address, bits of the prefix).
const SPECIAL_V4: [([u8; 4], u32); 19] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared by carriers
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // the platform of Azure, behind a public number
    ([169, 254, 0, 0], 16),   // link-local, and the metadata of most clouds
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112: answered by whoever is near
    ([192, 52, 193, 0], 24),  // multicast tunnels: as well
    ([192, 88, 99, 0], 24),   // 6to4 relays: as well
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, and broadcast
];

/// Global unicast, the only range of IPv6 that anything public is in.
const GLOBAL_V6: ([u16; 3], u32) = ([0x2000, 0, 0], 3);

/// Ranges within global unicast that are not public. Those of 6to4 and Teredo lead to an IPv4
/// address that is written inside, through relays that no one runs any more.
const SPECIAL_V6: [([u16; 3], u32); 6] = [
    ([0x2001, 0, 0], 23),         // protocol assignments: Teredo, benchmarks, ORCHID
    ([0x2001, 0xdb8, 0], 32),     // documentation
    ([0x2002, 0, 0], 16),         // 6to4
    ([0x2620, 0x4f, 0x8000], 48), // AS112
    ([0x3ffe, 0, 0], 16),         // the 6bone that was
    ([0x3fff, 0, 0], 20),         // documentation
];

/// The prefix under which NAT64 reaches IPv4, `64:ff9b::/96`.
const NAT64: u128 = 0x0064_ff9b_u128 << 96;

/// Whether anyone on the internet could connect to an address: global unicast without the ranges
/// that have a special purpose. An IPv4 address within IPv6 (mapped, NAT64) is judged as itself.
///
/// ```
/// use packhouse_outbound::is_public;
///
/// assert!(is_public("93.184.215.14".parse().unwrap()));
/// assert!(!is_public("::ffff:127.0.0.1".parse().unwrap()));
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(start, prefix)| {
        let start = u32::from_be_bytes(*start);
        (bits ^ start) >> (32 - prefix) == 0
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    if (bits ^ NAT64) >> 32 == 0 {
        let [.., a, b, c, d] = address.octets();
        // Networks without IPv4 reach all of it through here.
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let within = |([a, b, c], prefix): &([u16; 3], u32)| {
        let start = Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0).to_bits();
        (bits ^ start) >> (128 - prefix) == 0
    };
    within(&GLOBAL_V6) && !SPECIAL_V6.iter().any(within) && !is_isatap(address)
}

/// A tunnel's address: the interface's half names an IPv4 address that it leads to.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, flags, mark, ..] = address.segments();
    flags & !0x0200 == 0 && mark == 0x5efe
}
