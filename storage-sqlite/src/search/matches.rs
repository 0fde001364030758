//! Matches in any order, to be sorted: what each is ordered by, and its key.

/// Matches, all in one buffer.
#[derive(Debug, Default)]
pub(super) struct Matches {
    bytes: Vec<u8>,
    found: Vec<Match>,
}

/// One match: a value up to `middle`, and a key from there.
#[derive(Clone, Copy, Debug)]
struct Match {
    /// The first bytes by which it differs from others, as a number that sorts as they do.
    leading: u64,
    start: usize,
    middle: usize,
    end: usize,
    valued: bool,
}

impl Matches {
    pub(super) fn push(&mut self, value: Option<&[u8]>, key: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value.unwrap_or_default());
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let (end, valued) = (self.bytes.len(), value.is_some());
        self.found.push(Match { leading: 0, start, middle, end, valued });
    }

    /// The matches by value and key, each once.
    pub(super) fn sorted(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = (Option<&[u8]>, &[u8])> + '_ {
        let Self { bytes, found } = self;
        let place = |of: &Match| (&bytes[of.start..of.middle], &bytes[of.middle..of.end]);
        // Names and values begin alike: to compare numbers made of what follows is faster.
        let first = |of: &Match| if of.valued { place(of).0 } else { place(of).1 };
        let shared = found.first().map_or(0, |one| {
            let shared = |other: &Match| {
                let pairs = first(one).iter().zip(first(other));
                pairs.take_while(|(a, b)| a == b).count()
            };
            found.iter().map(shared).min().unwrap_or(0)
        });
        let leading: Vec<u64> = found.iter().map(|of| leading(&first(of)[shared..])).collect();
        for (of, leading) in found.iter_mut().zip(leading) {
            of.leading = leading;
        }
        found.sort_unstable_by(|a, b| {
            a.leading.cmp(&b.leading).then_with(|| place(a).cmp(&place(b)))
        });
        found.dedup_by(|a, b| a.leading == b.leading && place(a) == place(b));
        found.iter().map(move |of| (of.valued.then_some(place(of).0), place(of).1))
    }
}

/// The first eight bytes as a number; shorter ones sort first or equal.
fn leading(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let count = bytes.len().min(8);
    eight[..count].copy_from_slice(&bytes[..count]);
    u64::from_be_bytes(eight)
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
        fn matches_come_sorted_and_once(places in prop_oneof![places(true), places(false)]) {
            let mut matches = Matches::default();
            for (value, key) in &places {
                matches.push(value.as_deref(), key);
            }
            let sorted: Vec<Place> = matches
                .sorted()
                .map(|(value, key)| (value.map(<[u8]>::to_vec), key.to_vec()))
                .collect();
            let expected: std::collections::BTreeSet<Place> = places.into_iter().collect();
            prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
