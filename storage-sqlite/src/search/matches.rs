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
        let found = self.found.as_slice();
        let skip = self.alike();
        // The last bits make room for where each match is: numbers alone are sorted, which is far
        // faster than to compare bytes.
        let numbers = (found.len() as u64).next_power_of_two() - 1;
        let place = move |of: u64| self.place(&found[(of & numbers) as usize]);
        let is_alike = move |a: &u64, b: &u64| a | numbers == b | numbers;
        let number = |(n, of)| self.leading(of, skip) & !numbers | n;
        let mut order: Vec<u64> = (0..).zip(found).map(number).collect();
        order.sort_unstable();
        // Nearly always no two are alike.
        if order.windows(2).fold(false, |any, two| any | is_alike(&two[0], &two[1])) {
            for alike in order.chunk_by_mut(is_alike).filter(|alike| alike.len() > 1) {
                alike.sort_unstable_by(|a, b| place(*a).cmp(&place(*b)));
            }
            order.dedup_by(|a, b| is_alike(a, b) && place(*a) == place(*b));
        }
        order.into_iter().map(move |of| {
            let (value, key) = place(of);
            (self.valued.then_some(value), key)
        })
    }

    fn place(&self, of: &Match) -> (&[u8], &[u8]) {
        let (value, end) = (of.value as usize, (of.value + of.key) as usize);
        self.bytes[of.start..of.start + end].split_at(value)
    }

    /// How many bytes may be left out where the values of matches are compared, or their keys if they
    /// have none: all begin alike, as names do.
    fn alike(&self) -> usize {
        let mut skip = if self.valued { 0 } else { self.shared };
        let Some(one) = self.found.first() else { return skip };
        // What is alike after that is compared: to look at all matches again and again costs more.
        for _ in 0..8 {
            let number = self.leading(one, skip);
            let differ = self.found.iter().fold(0, |all, of| all | number ^ self.leading(of, skip));
            skip += differ.leading_zeros() as usize / 8;
            // Past its end there is nothing more to find.
            if differ != 0 || skip >= self.first(one).1 {
                break;
            }
        }
        skip
    }

    /// Where that begins by which a match is ordered first, and how long it is.
    fn first(&self, of: &Match) -> (usize, usize) {
        (of.start, if self.valued { of.value } else { of.key } as usize)
    }

    /// Eight bytes of it after so many, as a number; zeros where there are fewer, so that shorter ones
    /// sort first or equal.
    #[inline]
    fn leading(&self, of: &Match, skip: usize) -> u64 {
        let (start, length) = self.first(of);
        let bytes = self.bytes.get(start + skip..).unwrap_or_default();
        let number = match bytes.first_chunk() {
            Some(eight) => u64::from_be_bytes(*eight),
            // At the end of the buffer. A copy of a length that is not known takes longer.
            None => (0..8).fold(0, |number, at| {
                number << 8 | bytes.get(at).map_or(0, |byte| u64::from(*byte))
            }),
        };
        match length.saturating_sub(skip) {
            left @ 0..8 => number & !(u64::MAX >> (8 * left)),
            _ => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Place = (Option<Vec<u8>>, Vec<u8>);

    /// Places of which all values begin alike, and all keys, and how.
    fn places(valued: bool) -> impl Strategy<Value = (Vec<Place>, Vec<u8>)> {
        let bytes = |most| prop::collection::vec(prop::sample::select(&[0, 1, b'a'][..]), 0..most);
        let places = prop::collection::vec((bytes(12), bytes(12)), 0..40);
        (places, bytes(90), bytes(90)).prop_map(move |(mut places, of_values, of_keys)| {
            for (value, key) in &mut places {
                value.splice(..0, of_values.iter().copied());
                key.splice(..0, of_keys.iter().copied());
            }
            let valued = |(value, key): (Vec<u8>, _)| (valued.then_some(value), key);
            (places.into_iter().map(valued).collect(), of_keys)
        })
    }

    proptest! {
        #[test]
        fn matches_come_sorted_and_once(
            (places, beginning) in prop_oneof![places(true), places(false)],
            known in 0..90_usize,
            own in 0..40_usize,
        ) {
            let valued = places.first().is_some_and(|(value, _)| value.is_some());
            let shared = known.min(beginning.len());
            let mut matches = Matches::new(valued, shared);
            let mut others = Matches::new(valued, shared);
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
