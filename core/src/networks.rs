//! Networks that addresses are let in from or kept out of.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The most networks in one list.
const MOST: usize = 1_000;

/// A network, or one address: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. It is read as leniently
/// as documented: bits beyond the prefix do not count, and a prefix longer than an address has is
/// the whole address. The spelling is kept.
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the same address. A network of IPv6
/// shorter than those, such as `::/0`, holds none of IPv4.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Network {
    spelling: String,
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network. Its text is for the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkError(String);

impl Network {
    /// Reads a network.
    ///
    /// # Errors
    /// [`NetworkError`] names the text.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.chars().take(100).collect());
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = bits(address);
        let prefix = match prefix {
            // Digits alone: a sign or a space has no meaning here.
            Some(digits) if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(wrong());
            }
            // More digits than a number has are more bits than an address has.
            Some(digits) => digits.parse().unwrap_or(longest).min(longest),
            None => longest,
        };
        let (address, prefix) = match address.to_canonical() {
            short @ IpAddr::V4(_) if longest == 128 && prefix >= 96 => (short, prefix - 96),
            _ => (address, prefix),
        };
        Ok(Self { spelling: text.trim().to_owned(), address, prefix })
    }

    /// Reads a list of networks, of at most 1,000.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the field and the entry that is none.
    pub fn parse_all(field: &str, texts: &[String]) -> Result<Vec<Self>> {
        Self::check_count(field, texts.len())?;
        let parse = |text: &String| {
            Self::parse(text).map_err(|error| Error::invalid(format!("{field}: {error}")))
        };
        texts.iter().map(parse).collect()
    }

    /// Whether a list may have so many networks.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the field.
    pub(crate) fn check_count(field: &str, count: usize) -> Result<()> {
        if count > MOST {
            let message = format!("{field} has {count} entries: at most {MOST} are kept");
            return Err(Error::invalid(message));
        }
        Ok(())
    }

    /// Whether two lists have no network in common, however it is spelt.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`], with the network that is in both.
    pub(crate) fn check_apart(white: &[Self], black: &[Self]) -> Result<()> {
        match white.iter().find(|white| black.iter().any(|black| black.is_same(white))) {
            Some(network) => Err(Error::invalid(format!(
                "'{network}' is in white_cidrs and in black_cidrs: leave it in one of them"
            ))),
            None => Ok(()),
        }
    }

    /// Whether every address of a family is in it: `0.0.0.0/0`, `::/0`.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.prefix == 0
    }

    /// Whether it is the same network, however either is spelt.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.prefix == other.prefix && self.holds(other.address)
    }

    /// Whether the address lies in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                agree(network.to_bits().into(), address.to_bits().into(), 32 - self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                agree(network.to_bits(), address.to_bits(), 128 - self.prefix)
            }
            _ => false,
        }
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spelling
    }
}

/// Whether two addresses are the same but for the last bits.
fn agree(one: u128, other: u128, last: u8) -> bool {
    (one ^ other).checked_shr(last.into()).unwrap_or(0) == 0
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether an address may come in: not from a black network, and from a white one if there is any.
/// One that is black and white may not. Who has no address (a caller within the process, or over
/// HTTP where the host does not tell) may come in where there is no list alone: it is from none of
/// the right networks, and perhaps from a wrong one.
#[must_use]
pub fn admits(white: &[Network], black: &[Network], address: Option<IpAddr>) -> bool {
    let Some(address) = address else { return white.is_empty() && black.is_empty() };
    let within = |networks: &[Network]| networks.iter().any(|network| network.holds(address));
    !within(black) && (white.is_empty() || within(white))
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0.escape_debug();
        write!(f, "'{entry}' is no network: write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7")
    }
}

impl std::error::Error for NetworkError {}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.spelling
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_as_leniently_as_the_documents_write_them() {
        for (text, inside, outside) in [
            ("127.0.0.1/22", "127.0.3.255", "127.0.4.0"),
            ("193.5.0.1/92", "193.5.0.1", "193.5.0.2"),
            ("197.4.0.1/4", "192.0.0.0", "208.0.0.0"),
            ("137.0.6.1/78", "137.0.6.1", "137.0.6.0"),
            (" 10.0.0.0/8 ", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "0.0.0.1"),
            ("2001:db8::ff/32", "2001:db8:ffff::", "2001:db9::"),
            ("2001:db8::1/999999999999", "2001:db8::1", "2001:db8::2"),
            ("::ffff:10.0.0.1/104", "10.9.9.9", "11.0.0.0"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("::1/128", "::1", "::2"),
        ] {
            let network = network(text);
            assert!(network.holds(address(inside)), "{inside} in {text}");
            assert!(!network.holds(address(outside)), "{outside} in {text}");
            assert_eq!(network.as_str(), text.trim());
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "10.0.0/8",
            "010.0.0.1",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "fe80::1%eth0",
            "example.org",
            "*",
            "10.0.0.1-10.0.0.9",
            "10.0.0.0/٨",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
        let texts = ["10.0.0.0/8".to_owned(), "10.0.0.0/x\n".to_owned()];
        let error = Network::parse_all("white_cidrs", &texts).unwrap_err();
        assert_eq!(
            error.message(),
            "white_cidrs: '10.0.0.0/x\\n' is no network: write it like 10.0.0.0/8, 2001:db8::/32 \
             or 192.0.2.7"
        );
        let many = vec!["10.0.0.1".to_owned(); MOST + 1];
        let error = Network::parse_all("black_cidrs", &many).unwrap_err();
        assert_eq!(error.message(), "black_cidrs has 1001 entries: at most 1000 are kept");
    }

    #[test]
    fn black_wins_and_white_admits_only_its_own() {
        let (ten, one) = ([network("10.0.0.0/8")], [network("10.1.0.0/16")]);
        let admitted = |white, black, from| admits(white, black, Some(address(from)));
        assert!(admitted(&[], &[], "10.1.0.1"));
        assert!(admitted(&ten, &[], "10.1.0.1"));
        assert!(!admitted(&ten, &[], "11.1.0.1"));
        assert!(!admitted(&ten, &one, "10.1.0.1"));
        assert!(!admitted(&ten, &one, "::ffff:10.1.0.1"));
        assert!(admitted(&ten, &one, "10.2.0.1"));
        assert!(!admitted(&[], &one, "10.1.0.1"));
        assert!(!admitted(&one, &one, "10.1.0.1"));
        assert!(!admitted(&ten, &[], "2001:db8::1"));
    }

    /// T097.
    #[test]
    fn who_has_no_address_comes_in_where_there_is_no_list() {
        let ten = [network("10.0.0.0/8")];
        assert!(admits(&[], &[], None));
        assert!(!admits(&ten, &[], None));
        assert!(!admits(&[], &ten, None));
        assert!(!admits(&ten, &ten, None));
    }

    /// T091: a mapped address is the IPv4 address. Those that lead to one by a gateway (6to4, NAT64,
    /// the compatible ones of old) are addresses of their own.
    #[test]
    fn of_the_spellings_of_ipv4_within_ipv6_the_mapped_one_is_the_same_address() {
        let (four, six) = (network("192.0.2.0/24"), network("::/0"));
        let mapped = address("::ffff:c000:207");
        assert_eq!((four.holds(mapped), six.holds(mapped)), (true, false));
        for other in ["2002:c000:207::1", "64:ff9b::192.0.2.7", "::192.0.2.7"] {
            let other = address(other);
            assert_eq!((four.holds(other), six.holds(other)), (false, true), "{other}");
        }
    }

    proptest! {
        /// Bit by bit, as one would do it by hand.
        #[test]
        fn an_address_is_held_if_its_first_bits_are_the_networks(
            network in any::<[u8; 4]>(), held in any::<[u8; 4]>(), same in 0usize..40, prefix in 0u8..40,
            mapped in any::<[bool; 2]>(),
        ) {
            let bit = |of: [u8; 4], at: usize| of[at / 8] >> (7 - at % 8) & 1;
            let mut held = held;
            for at in 0..same.min(32) {
                let mask = 1 << (7 - at % 8);
                held[at / 8] = held[at / 8] & !mask | bit(network, at) << (7 - at % 8);
            }
            let expected = (0..usize::from(prefix).min(32)).all(|at| bit(network, at) == bit(held, at));
            let text = |of: [u8; 4]| of.map(|byte| byte.to_string()).join(".");
            let spelt = if mapped[0] {
                format!("::ffff:{}/{}", text(network), 96 + prefix)
            } else {
                format!("{}/{prefix}", text(network))
            };
            let from = if mapped[1] { format!("::ffff:{}", text(held)) } else { text(held) };
            prop_assert_eq!(Network::parse(&spelt).unwrap().holds(address(&from)), expected);
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}", from in any::<u128>()) {
            if let Ok(network) = Network::parse(&text) {
                let _ = network.holds(IpAddr::V6(from.into()));
            }
        }
    }
}
