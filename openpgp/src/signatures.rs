//! Which of many signatures counts.

use std::cell::Cell;
use std::time::Duration;

use packhouse_core::Timestamp;
use packhouse_core::openpgp::KeyError;
use pgp::packet::{Signature, SubpacketData};
use pgp::types::{KeyDetails, Timestamp as Seconds};

use crate::refused;
use crate::strength::is_strong;

/// How far a clock may be ahead of ours: what was made later than that is from no honest one.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// How many signatures are verified of one key. The text is anybody's, and each takes a while.
const MOST: usize = 100;

/// What signatures are asked by.
pub(crate) struct Court<'a, K> {
    /// The key that must have made them.
    pub(crate) key: &'a K,
    pub(crate) now: Timestamp,
    verified: Cell<usize>,
    /// Whether one was passed over for its hash.
    weak: Cell<bool>,
}

impl<'a, K: KeyDetails> Court<'a, K> {
    pub(crate) fn new(key: &'a K, now: Timestamp) -> Self {
        Self { key, now, verified: Cell::new(0), weak: Cell::new(false) }
    }

    /// The newest signature in force that the key made, that no weak hash was used for, and that
    /// `verify` takes.
    ///
    /// # Errors
    /// [`KeyError`] where too many would have to be looked at.
    pub(crate) fn newest<'s>(
        &self,
        signatures: &'s [Signature],
        verify: impl Fn(&Signature) -> bool,
    ) -> Result<Option<&'s Signature>, KeyError> {
        let mut own: Vec<_> =
            signatures.iter().filter(|signature| self.is_own(signature)).collect();
        own.sort_by_key(|signature| std::cmp::Reverse(signature.created()));
        for signature in own {
            if self.is_over(signature) || self.is_early(signature.created()) {
                continue;
            }
            if self.holds(signature, || verify(signature))? {
                return Ok(Some(signature));
            }
        }
        Ok(None)
    }

    /// Whether a signature was made with a strong hash, and is taken.
    pub(crate) fn holds(
        &self,
        signature: &Signature,
        verify: impl Fn() -> bool,
    ) -> Result<bool, KeyError> {
        if !signature.hash_alg().is_some_and(is_strong) {
            self.weak.set(true);
            return Ok(false);
        }
        self.verified.set(self.verified.get() + 1);
        if self.verified.get() > MOST {
            return refused(
                "has too many signatures: export it with --export-options export-minimal",
            );
        }
        Ok(verify())
    }

    /// Whether one might have counted, had it been made with a better hash.
    pub(crate) const fn passed_over_weak_ones(&self) -> bool {
        self.weak.get()
    }

    /// Whether it may be of the key: those of others are many, and told by whom they name.
    pub(crate) fn is_own(&self, signature: &Signature) -> bool {
        let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
        (ids.is_empty() && fingerprints.is_empty())
            || ids.contains(&&self.key.legacy_key_id())
            || fingerprints.contains(&&self.key.fingerprint())
    }

    /// Whether something was made at an instant that has not come.
    pub(crate) fn is_early(&self, made: Option<Seconds>) -> bool {
        made.is_some_and(|made| instant(made) > self.now.after(AHEAD))
    }

    fn is_over(&self, signature: &Signature) -> bool {
        let ends = ending(signature.created(), signature.signature_expiration_time());
        ends.is_some_and(|end| end <= self.now)
    }
}

/// Whether what a signature is of may sign; `None` if the signature does not say what it is for.
pub(crate) fn may_sign(signature: &Signature) -> Option<bool> {
    let says = signature
        .config()?
        .hashed_subpackets()
        .any(|said| matches!(said.data, SubpacketData::KeyFlags(_)));
    says.then(|| signature.key_flags().sign())
}

/// The end of what began then and lasts so long; 0 is for ever.
pub(crate) fn ending(
    begin: Option<Seconds>,
    lasts: Option<pgp::types::Duration>,
) -> Option<Timestamp> {
    let lasts = lasts.filter(|lasts| lasts.as_secs() > 0)?;
    Some(instant(begin?).after(Duration::from_secs(u64::from(lasts.as_secs()))))
}

pub(crate) fn instant(seconds: Seconds) -> Timestamp {
    Timestamp::from_millis(i64::from(seconds.as_secs()) * 1_000)
}
