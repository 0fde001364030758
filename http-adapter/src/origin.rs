//! Where a request comes from: its peer, or whom proxies that are trusted say that they serve.
//!
//! It must read nothing else of a request, and decide nothing by an address.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::header::{HeaderName, USER_AGENT};
use http::{HeaderMap, request};
use packhouse_core::access::Origin;
use packhouse_core::networks::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The origin of a request.
pub(crate) fn of(head: &request::Parts, trusted: &[Network]) -> Origin {
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let address = peer.map(|ConnectInfo(peer)| client(peer.ip(), &head.headers, trusted));
    Origin { address, agent: agent(&head.headers) }
}

/// Goes from the peer towards the client, as long as whoever tells the next address is trusted:
/// each proxy adds the address that it was called from at the right. What stands further to the
/// left is whatever the client sent. Where a trusted proxy tells nothing that is an address, the
/// proxy is the origin: nothing is known beyond it.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut address = peer.to_canonical();
    // Most requests of most servers end here.
    if !is_among(trusted, address) {
        return address;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    // A line that is no text is no address either.
    let told = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for entry in told.map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some(next) = parse(entry) else { break };
        address = next;
        if !is_among(trusted, address) {
            break;
        }
    }
    address
}

fn is_among(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.holds(address))
}

/// An address; some proxies write the port too, or brackets around IPv6.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => entry
            .parse()
            .ok()
            .or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip())),
    };
    address.map(|address| address.to_canonical())
}

fn agent(headers: &HeaderMap) -> Option<String> {
    headers.get(USER_AGENT)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    fn trusted() -> Vec<Network> {
        ["10.0.0.0/8", "192.0.2.1", "fd00::/8"].map(|text| Network::parse(text).unwrap()).into()
    }

    /// The origin of a request of `peer` with lines of `X-Forwarded-For`.
    fn origin(peer: &str, lines: &[&[u8]], trusted: &[Network]) -> String {
        let mut request = Request::new(());
        let peer: IpAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 40_000)));
        for line in lines {
            request.headers_mut().append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        of(&request.into_parts().0, trusted).address.unwrap().to_string()
    }

    #[test]
    fn without_a_trusted_proxy_the_peer_is_the_origin_whatever_it_says() {
        for peer in ["203.0.113.9", "127.0.0.1", "2001:db8::9"] {
            assert_eq!(origin(peer, &[b"198.51.100.1"], &[]), peer);
            assert_eq!(origin(peer, &[b"198.51.100.1"], &trusted()), peer);
            assert_eq!(origin(peer, &[b"10.0.0.1, 10.0.0.2"], &trusted()), peer);
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed_in_what_it_added_alone() {
        for (lines, expected) in [
            (&[&b"198.51.100.1"[..]][..], "198.51.100.1"),
            // The client sent the first, to look like another.
            (&[b"203.0.113.77, 198.51.100.1"], "198.51.100.1"),
            (&[b"10.0.0.7,198.51.100.1"], "198.51.100.1"),
            (&[b"203.0.113.77", b"198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(origin("10.0.0.1", lines, &trusted()), expected, "{lines:?}");
        }
    }

    #[test]
    fn several_trusted_proxies_are_passed_from_the_right() {
        for (lines, expected) in [
            (&[&b"203.0.113.77, 198.51.100.1, 10.0.0.3, 10.0.0.2"[..]][..], "198.51.100.1"),
            (&[b"198.51.100.1, 10.0.0.3", b"192.0.2.1"], "198.51.100.1"),
            (&[b"198.51.100.1, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
            // All of them are ours: the farthest asked.
            (&[b"10.0.0.4, 10.0.0.3"], "10.0.0.4"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(origin("10.0.0.1", lines, &trusted()), expected, "{lines:?}");
        }
    }

    #[test]
    fn ipv6_and_ports_are_read_and_ipv4_within_ipv6_is_ipv4() {
        for (entry, expected) in [
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("198.51.100.1:51234", "198.51.100.1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("[::ffff:198.51.100.1]:80", "198.51.100.1"),
            ("198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
            ("198.51.100.1, fd00::2", "198.51.100.1"),
            (" \t198.51.100.1 ,, 10.0.0.2:80 , ", "198.51.100.1"),
        ] {
            for peer in ["10.0.0.1", "::ffff:10.0.0.1", "fd12::1"] {
                assert_eq!(origin(peer, &[entry.as_bytes()], &trusted()), expected, "{entry}");
            }
        }
        assert_eq!(origin("::ffff:203.0.113.9", &[], &trusted()), "203.0.113.9");
    }

    #[test]
    fn garbage_ends_the_chain_at_the_proxy_that_told_it() {
        for garbage in [
            &b"unknown"[..],
            b"_hidden",
            b"198.51.100.1 198.51.100.2",
            b"198.51.100.256",
            b"0x7f.1",
            b"198.51.100.1:port",
            b"198.51.100.1:",
            b"[198.51.100.1]",
            b"2001:db8::7]",
            b"fe80::1%eth0",
            b"\xff\xfe",
            b"for=198.51.100.1",
        ] {
            assert_eq!(origin("10.0.0.1", &[garbage], &trusted()), "10.0.0.1");
            let line = [b"198.51.100.1, ", garbage, b", 10.0.0.2"].concat();
            let expected = if garbage == b"\xff\xfe" { "10.0.0.1" } else { "10.0.0.2" };
            assert_eq!(origin("10.0.0.1", &[&line], &trusted()), expected, "{garbage:?}");
        }
    }

    #[test]
    fn a_request_without_a_peer_has_no_address() {
        let mut request = Request::new(());
        let told = HeaderValue::from_static("198.51.100.1");
        request.headers_mut().insert(FORWARDED_FOR, told);
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("curl/8"));
        let origin = of(&request.into_parts().0, &trusted());
        assert_eq!((origin.address, origin.agent.as_deref()), (None, Some("curl/8")));
    }
}
