//! Matches in any order, to be sorted: what each is ordered by, and its key.

/// Matches, all in one buffer.
#[derive(Debug)]
pub(super) struct Matches {
    bytes: Vec<u8>,
    found: Vec<Match>,
    /// Whether they are ordered by a value.
    valued: bool,
    /// How many bytes all keys share at least.
    shared: usize,
}

/// One match: a value, and a key after it.
#[derive(Clone, Copy, Debug)]
struct Match {
    start: usize,
    value: u32,
    key: u32,
}

impl Matches {
    /// Room for matches that are ordered by a value or by their keys alone, which share so many
    /// bytes.
    pub(super) fn new(valued: bool, shared: usize) -> Self {
        Self { bytes: Vec::with_capacity(4096), found: Vec::new(), valued, shared }
    }

    /// Adds one; without a value where none is needed.
    pub(super) fn push(&mut self, value: Option<&[u8]>, key: &[u8]) {
        let start = self.bytes.len();
        if let Some(value) = value {
            self.bytes.extend_from_slice(value);
        }
        // Both are far below 4 GiB: a key has at most 1 KiB, a value 64.
        let (value, key_length) = ((self.bytes.len() - start) as u32, key.len() as u32);
        self.bytes.extend_from_slice(key);
        self.found.push(Match { start, value, key: key_length });
    }

    /// Adds those of others.
    pub(super) fn append(&mut self, others: &Self) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&others.bytes);
        let moved = |of: &Match| Match { start: from + of.start, ..*of };
        self.found.extend(others.found.iter().map(moved));
    }

    /// The matches by value and key, each once.
    pub(super) fn sorted(&self) -> impl DoubleEndedIterator<Item = (Option<&[u8]>, &[u8])> + '_ {
        let Self { bytes, found, valued, shared } = self;
        let (bytes, valued) = (bytes.as_slice(), *valued);
        let place = |of: &Match| {
            let (value, end) = (of.value as usize, (of.value + of.key) as usize);
            bytes[of.start..of.start + end].split_at(value)
        };
        // Names and values begin alike: to compare numbers made of what follows is faster.
        let first = |of: &Match| if valued { place(of).0 } else { place(of).1 };
        let known = if valued { 0 } else { *shared };
        let mut alike = found.first().map_or(&[][..], |one| &first(one)[known..]);
        for other in found {
            let other = &first(other)[known..];
            // Nearly always so, and far faster than to count.
            if !other.starts_with(alike) {
                let pairs = alike.iter().zip(other);
                alike = &alike[..pairs.take_while(|(a, b)| a == b).count()];
            }
        }
        let shared = known + alike.len();
        // The last bits make room for where each match is: numbers alone are sorted, which is far
        // faster than to compare bytes.
        let numbers = (found.len() as u64).next_power_of_two() - 1;
        let found = found.as_slice();
        let nth = move |leading: u64| &found[(leading & numbers) as usize];
        let mut order: Vec<u64> =
            (0..).zip(found).map(|(n, of)| leading(&first(of)[shared..]) & !numbers | n).collect();
        order.sort_unstable();
        for alike in order.chunk_by_mut(|a, b| a | numbers == b | numbers) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|a, b| place(nth(*a)).cmp(&place(nth(*b))));
            }
        }
        order.dedup_by(|a, b| *a | numbers == *b | numbers && place(nth(*a)) == place(nth(*b)));
        order.into_iter().map(move |of| {
            let (value, key) = place(nth(of));
            (valued.then_some(value), key)
        })
    }
}

/// The first eight bytes as a number; shorter ones sort first or equal.
#[inline]
fn leading(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        // A copy of a length that is not known takes longer.
        None => (0..8)
            .fold(0, |number, at| number << 8 | bytes.get(at).map_or(0, |byte| u64::from(*byte))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Place = (Option<Vec<u8>>, Vec<u8>);

    fn places(valued: bool) -> impl Strategy<Value = Vec<Place>> {
        let bytes = || prop::collection::vec(prop::sample::select(&[0, 1, b'a'][..]), 0..12);
        let value = bytes().prop_map(move |value| valued.then_some(value));
        prop::collection::vec((value, bytes()), 0..40)
    }

    proptest! {
        #[test]
        fn matches_come_sorted_and_once(
            places in prop_oneof![places(true), places(false)],
            own in 0..40_usize,
        ) {
            let valued = places.first().is_some_and(|(value, _)| value.is_some());
            let mut matches = Matches::new(valued, 0);
            let mut others = Matches::new(valued, 0);
            for (at, (value, key)) in places.iter().enumerate() {
                let to = if at < own { &mut matches } else { &mut others };
                to.push(value.as_deref(), key);
            }
            matches.append(&others);
            let sorted: Vec<Place> = matches
                .sorted()
                .map(|(value, key)| (value.map(<[u8]>::to_vec), key.to_vec()))
                .collect();
            let expected: std::collections::BTreeSet<Place> = places.into_iter().collect();
            prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
