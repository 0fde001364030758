//! What a request asks for, and of whom: the target of its first line, and `Host`.
//!
//! It must not decode anything: what a path means is the adapter's.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::bytes::{self, HOST, PATH, QUERY};
use super::refusal::Refusal;

/// The longest target that `http::Uri` takes.
const MAX_TARGET: usize = u16::MAX as usize - 1;
const MAX_HOST: usize = 255;

/// Checks a target. Gives where in it its authority stands, if it is a whole address.
pub(super) fn check(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, Refusal> {
    if target.len() > MAX_TARGET {
        return Err(Refusal::TargetTooLong);
    }
    if method == b"CONNECT" {
        return Err(Refusal::Connect);
    }
    let authority = match target {
        [b'/', ..] => None,
        b"*" if method == b"OPTIONS" => return Ok(None),
        _ => Some(authority(target).ok_or(Refusal::Target)?),
    };
    let path = &target[authority.as_ref().map_or(0, |authority| authority.end)..];
    if is_path(path) { Ok(authority) } else { Err(Refusal::Target) }
}

fn authority(target: &[u8]) -> Option<Range<usize>> {
    let starts = |scheme: &&str| {
        target
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let start = ["http://", "https://"].iter().find(|scheme| starts(scheme))?.len();
    let length = target[start..].iter().position(|byte| *byte == b'/');
    Some(start..length.map_or(target.len(), |length| start + length))
}

fn is_path(path: &[u8]) -> bool {
    let query = memchr::memchr(b'?', path).unwrap_or(path.len());
    bytes::all(PATH, &path[..query])
        && bytes::all(QUERY, &path[query..])
        && (path.is_ascii() || std::str::from_utf8(path).is_ok())
}

/// Whether this is one host, with a port or without, and nothing that has other spellings but for
/// its case.
pub(super) fn is_host(value: &[u8]) -> bool {
    let (host, rest) = match value {
        [b'[', inner @ ..] => {
            let Some(end) = memchr::memchr(b']', inner) else { return false };
            let address = std::str::from_utf8(&inner[..end]);
            if address.is_err() || address.is_ok_and(|text| text.parse::<Ipv6Addr>().is_err()) {
                return false;
            }
            (inner, &inner[end + 1..])
        }
        _ => value.split_at(memchr::memchr(b':', value).unwrap_or(value.len())),
    };
    let named = value.first() == Some(&b'[')
        || ((1..=MAX_HOST).contains(&host.len()) && host[0] != b'.' && bytes::all(HOST, host));
    named && (rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port))
}

fn is_port(port: &[u8]) -> bool {
    let text = std::str::from_utf8(port).unwrap_or_default();
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in ["a", "A.Example.ORG", "a.b.", "a_b-c", "127.0.0.1:80", "[::1]", "[::1]:65535"]
        {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for none in [
            "",
            ":80",
            "a:",
            "a:x",
            "a:+1",
            "a:65536",
            "a b",
            "a,b",
            "a/b",
            "u@a",
            "a%2eb",
            ".a",
            "[::1",
            "[]",
            "[::g]",
            "[::1]x",
            "[::1%25lo]",
            "ä",
            "a:1:2",
            "http://a",
            "a\\b",
            "a?b",
        ] {
            assert!(!is_host(none.as_bytes()), "{none}");
        }
        assert!(!is_host(&[b'a'; 256]));
    }
}
