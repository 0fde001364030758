//! Wildcard patterns over text: `*` is any run of characters, `?` is exactly one.

use std::collections::BTreeMap;

/// A wildcard pattern. Matches ASCII letters in either case.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern {
    text: String,
    /// How many characters a text has at least: those of the pattern but for its stars.
    length: usize,
    /// The places, as bits, at which there is a star.
    stars: Bits,
    /// The places at which each character may stand; another one where a `?` is.
    places: BTreeMap<char, Bits>,
    any: Bits,
}

/// A set of places, by which all ways to match a text are followed at once.
type Bits = Box<[u64]>;

impl Pattern {
    /// The longest pattern, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a pattern; `None` when it is longer than [`Pattern::MAX_BYTES`].
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        if pattern.len() > Self::MAX_BYTES {
            return None;
        }
        let length = pattern.chars().filter(|c| *c != '*').count();
        let none: Bits = vec![0; length / 64 + 1].into();
        let (mut stars, mut any, mut places) = (none.clone(), none.clone(), BTreeMap::new());
        let mut place = 0;
        for c in pattern.chars() {
            match c {
                '*' => set(&mut stars, place),
                '?' => set(&mut any, place),
                c => set(places.entry(c.to_ascii_lowercase()).or_insert(none.clone()), place),
            }
            place += usize::from(c != '*');
        }
        for places in places.values_mut() {
            places.iter_mut().zip(&any).for_each(|(bits, any)| *bits |= any);
        }
        Some(Self { text: pattern.to_owned(), length, stars, places, any })
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The literal runs between wildcards: a text that matches contains each of them.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.text.split(['*', '?']).filter(|run| !run.is_empty())
    }

    /// Whether the whole text matches. Takes a few steps for each character of the text and each 64
    /// of the pattern, whatever they are: anyone may choose both.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // The places of the pattern up to which the text so far can be matched.
        let mut reached = vec![0_u64; self.stars.len()];
        set(&mut reached, 0);
        for c in text.chars() {
            let fits = self.places.get(&c.to_ascii_lowercase()).unwrap_or(&self.any);
            let (mut carry, mut some) = (0, 0);
            for ((reached, fits), stars) in reached.iter_mut().zip(fits).zip(&self.stars) {
                let next = *reached & fits;
                *reached = (*reached & stars) | (next << 1) | carry;
                carry = next >> 63;
                some |= *reached;
            }
            if some == 0 {
                return false;
            }
        }
        (reached[self.length / 64] >> (self.length % 64)) & 1 == 1
    }
}

fn set(bits: &mut [u64], place: usize) {
    bits[place / 64] |= 1 << (place % 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_run_and_question_marks_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ABBC", true),
            ("a*c", "abbd", false),
            ("?", "é", true),
            ("?", "", false),
            ("*.jar", "x.jar.sha1", false),
            ("*b*c*", "abxbyc", true),
            ("a**b", "ab", true),
            ("**", "", true),
            ("", "a", false),
            ("A?C*", "abCd", true),
            ("É*", "éa", false),
            ("*a*a", "a", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().matches(text),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    /// As it is said, without a thought for its cost.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['*', rest @ ..], text) => (0..=text.len()).any(|at| plainly(rest, &text[at..])),
            ([_, ..], []) => false,
            ([c, rest @ ..], [first, others @ ..]) => {
                (*c == '?' || c.eq_ignore_ascii_case(first)) && plainly(rest, others)
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_matches_what_it_says(pattern in "[aAb?*é]{0,9}", text in "[abBé]{0,12}") {
            let chars = |text: &str| text.chars().collect::<Vec<char>>();
            let expected = plainly(&chars(&pattern), &chars(&text));
            proptest::prop_assert_eq!(Pattern::new(&pattern).unwrap().matches(&text), expected);
        }

        #[test]
        fn long_patterns_match_as_short_ones_do(
            padding in 0_usize..200, pattern in "[ab?*]{0,7}", text in "[ab]{0,9}"
        ) {
            let long = |text: &str| format!("{}{text}", "x".repeat(padding));
            let matches = Pattern::new(&long(&pattern)).unwrap().matches(&long(&text));
            proptest::prop_assert_eq!(matches, Pattern::new(&pattern).unwrap().matches(&text));
        }
    }
}
