//! A public key taken apart: the key, its user ids and its subkeys, each with what was signed of it.

use packhouse_core::openpgp::KeyError;
use pgp::packet::{self, Packet as Parsed, PublicKey, PublicSubkey, Signature, UserId};

use crate::armor::Half;
use crate::packets::{self, Packet};
use crate::{damaged, refused};

/// DSA, as it is numbered in keys: rPGP computes for long over the numbers of one, which are anybody's.
const DSA: u8 = 17;

/// How many subkeys a key may have. Each has a point that takes a while to read.
const MOST_SUBKEYS: usize = 100;

/// One public key, not judged yet.
pub(crate) struct Certificate<'a> {
    pub(crate) key: PublicKey,
    pub(crate) signed: Signed,
    pub(crate) user_ids: Vec<(UserId, Signed)>,
    pub(crate) subkeys: Vec<(PublicSubkey, Signed)>,
    /// The bodies of the key and of its subkeys, in their order.
    pub(crate) bodies: Vec<&'a [u8]>,
}

/// What was signed of something.
#[derive(Default)]
pub(crate) struct Signed {
    /// What could be read.
    pub(crate) signatures: Vec<Signature>,
    /// The types of all signatures, of what could not be read too.
    pub(crate) types: Vec<u8>,
}

impl<'a> Certificate<'a> {
    /// Takes a public key apart.
    ///
    /// # Errors
    /// [`KeyError`] for anything but one public key of version 4.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, KeyError> {
        let packets = packets::split(bytes)?;
        let tag_at = |place: usize| packets.get(place).map(|packet| packet.tag);
        if packets.iter().any(Packet::is_private) {
            return Half::Public.mistaken();
        }
        if tag_at(0) != Some(packets::PUBLIC_KEY) {
            return refused(format!("holds no public key: {}", Half::Public.wanted()));
        }
        if packets.iter().filter(|packet| packet.tag == packets::PUBLIC_KEY).count() > 1 {
            return refused("holds more than one key: name one to gpg --armor --export");
        }
        if packets[0].body.first() != Some(&4) {
            return refused("is not of version 4, which all clients read: make a new key with gpg");
        }
        if packets[0].algorithm() == Some(DSA) {
            return refused("is a DSA key, which is too weak: make a new key with gpg");
        }
        if packets.iter().filter(|packet| packet.tag == packets::PUBLIC_SUBKEY).count()
            > MOST_SUBKEYS
        {
            return refused(
                "has too many subkeys: export it without those that are no longer used",
            );
        }
        let Some(Parsed::PublicKey(key)) = packets[0].parse() else { return Err(damaged()) };
        let mut certificate = Self {
            key,
            signed: Signed::default(),
            user_ids: Vec::new(),
            subkeys: Vec::new(),
            bodies: vec![packets[0].body],
        };
        let mut last = Last::Key;
        for packet in &packets[1..] {
            certificate.take(packet, &mut last)?;
        }
        Ok(certificate)
    }

    fn take(&mut self, packet: &Packet<'a>, last: &mut Last) -> Result<(), KeyError> {
        if packet.tag == packets::PUBLIC_SUBKEY && packet.algorithm() == Some(DSA) {
            return refused("has a DSA subkey, which is too weak: export it without that");
        }
        match (packet.tag, packet.parse()) {
            (packets::SIGNATURE, parsed) => {
                let nobodys = &mut Signed::default();
                let of = match last {
                    Last::Key => &mut self.signed,
                    Last::UserId => self.user_ids.last_mut().map_or(nobodys, |(_, of)| of),
                    Last::Subkey => self.subkeys.last_mut().map_or(nobodys, |(_, of)| of),
                    Last::Attribute => nobodys,
                };
                of.take(packet.body, parsed);
            }
            (packets::USER_ID, Some(Parsed::UserId(user_id))) => {
                self.user_ids.push((user_id, Signed::default()));
                *last = Last::UserId;
            }
            (packets::PUBLIC_SUBKEY, Some(Parsed::PublicSubkey(subkey))) => {
                self.subkeys.push((subkey, Signed::default()));
                self.bodies.push(packet.body);
                *last = Last::Subkey;
            }
            (packets::USER_ATTRIBUTE, _) => *last = Last::Attribute,
            _ => return Err(damaged()),
        }
        Ok(())
    }
}

/// What signatures are of that come now.
enum Last {
    Key,
    UserId,
    Subkey,
    /// A picture, say, which nobody asks about.
    Attribute,
}

impl Signed {
    /// A signature that cannot be read holds nothing together, but one of these may take it apart.
    fn take(&mut self, body: &[u8], parsed: Option<Parsed>) {
        let place = if body.first() == Some(&3) { 2 } else { 1 };
        self.types.extend(body.get(place));
        if let Some(Parsed::Signature(signature)) = parsed {
            self.signatures.push(signature);
        }
    }

    /// Whether there is a signature of this type, whoever made it.
    pub(crate) fn has(&self, kind: packet::SignatureType) -> bool {
        self.types.contains(&u8::from(kind))
    }
}
