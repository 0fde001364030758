//! Which bytes a `Range` header asks for (RFC 9110, section 14).
//!
//! Pure, and knows no resource: whether the header counts at all (`If-Range`, the method, the
//! status) is for the caller to decide.

use std::ops::Range;

/// How many parts an answer may have; a header that asks for more is ignored.
pub const MAX_PARTS: usize = 8;

/// What to answer. Ends are after the last byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RangeAnswer {
    /// The whole (200): there is no header that means something here.
    Whole,
    /// One part (206).
    One {
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
    /// Several parts (206, `multipart/byteranges`): in order, apart from each other.
    Many(Vec<Range<u64>>),
    /// No byte of it exists (416).
    Unsatisfiable,
}

/// What the value of a `Range` header means for a representation of so many bytes.
///
/// Ranges that overlap or touch become one. A header is ignored, as the RFC allows, when its unit
/// is not `bytes`, when it is malformed, and when it asks for more than [`MAX_PARTS`] parts or
/// for more than twice the bytes there are: then the whole costs less than the parts.
#[must_use]
pub fn answer(header: &str, size: u64) -> RangeAnswer {
    let Some(specs) = parse(header) else { return RangeAnswer::Whole };
    if size == 0 && specs.iter().any(|spec| matches!(spec, Spec::Suffix(1..))) {
        // Satisfiable by the RFC's words, but no 206 can say "no bytes".
        return RangeAnswer::Whole;
    }
    let mut ranges: Vec<_> = specs.iter().filter_map(|spec| spec.within(size)).collect();
    let total: u128 = ranges.iter().map(|range| u128::from(range.end - range.start)).sum();
    if total > 2 * u128::from(size) {
        return RangeAnswer::Whole;
    }
    coalesce(&mut ranges);
    match ranges.as_slice() {
        [] => RangeAnswer::Unsatisfiable,
        [one] => RangeAnswer::One { start: one.start, end: one.end },
        many if many.len() > MAX_PARTS => RangeAnswer::Whole,
        _ => RangeAnswer::Many(ranges),
    }
}

/// One element of the header.
enum Spec {
    /// From a byte up to and with another.
    FromTo(u64, u64),
    /// The last so many bytes.
    Suffix(u64),
}

impl Spec {
    /// The bytes of it that exist, if any.
    fn within(&self, size: u64) -> Option<Range<u64>> {
        let range = match *self {
            Self::FromTo(first, last) => first..last.saturating_add(1).min(size),
            Self::Suffix(length) => size.saturating_sub(length)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

/// The elements, if the header is well-formed and its unit is `bytes`.
fn parse(header: &str) -> Option<Vec<Spec>> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim_matches(OWS).eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty elements of a list mean nothing (RFC 9110, 5.6.1.2).
    let elements = set.split(',').map(|element| element.trim_matches(OWS));
    let specs: Option<Vec<_>> = elements.filter(|e| !e.is_empty()).map(parse_spec).collect();
    specs.filter(|specs| !specs.is_empty())
}

const OWS: &[char] = &[' ', '\t'];

fn parse_spec(element: &str) -> Option<Spec> {
    let (first, last) = element.split_once('-')?;
    match (first, last) {
        ("", length) => Some(Spec::Suffix(parse_number(length)?)),
        (first, "") => Some(Spec::FromTo(parse_number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (parse_number(first)?, parse_number(last)?);
            (first <= last).then_some(Spec::FromTo(first, last))
        }
    }
}

/// Digits only; a number too large is as good as the largest.
fn parse_number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Sorts, and joins what overlaps or touches.
fn coalesce(ranges: &mut Vec<Range<u64>>) {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, kept| {
        let joined = next.start <= kept.end;
        if joined {
            kept.end = kept.end.max(next.end);
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::RangeAnswer::{Many, One, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn one_range_is_one_part() {
        for (header, start, end) in [
            ("bytes=0-499", 0, 500),
            ("bytes=500-999", 500, 1000),
            ("bytes=-500", 500, 1000),
            ("bytes=500-", 500, 1000),
            ("bytes=0-0", 0, 1),
            ("bytes=999-999", 999, 1000),
            ("bytes=-1", 999, 1000),
            ("bytes=-5000", 0, 1000),
            ("bytes=0-5000", 0, 1000),
            ("bytes=0-18446744073709551615", 0, 1000),
            ("bytes=7-99999999999999999999999", 7, 1000),
            ("bytes=-18446744073709551615", 0, 1000),
            ("BYTES=0-1", 0, 2),
            ("bytes= 0-1", 0, 2),
            ("bytes=,\t0-1 ,,", 0, 2),
            ("bytes=0-1,2000-", 0, 2),
        ] {
            assert_eq!(answer(header, 1000), One { start, end }, "{header}");
        }
        let max = u64::MAX;
        assert_eq!(answer("bytes=0-", max), One { start: 0, end: max });
        assert_eq!(answer("bytes=18446744073709551614-", max), One { start: max - 1, end: max });
    }

    #[test]
    fn what_exists_in_no_part_is_unsatisfiable() {
        for header in ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=2000-,-0"] {
            assert_eq!(answer(header, 1000), Unsatisfiable, "{header}");
        }
        assert_eq!(answer("bytes=0-", 0), Unsatisfiable);
        assert_eq!(answer("bytes=0-0", 0), Unsatisfiable);
        assert_eq!(answer("bytes=-0", 0), Unsatisfiable);
        assert_eq!(answer("bytes=18446744073709551615-", u64::MAX), Unsatisfiable);
        assert_eq!(answer("bytes=-5", 0), Whole, "no bytes are the whole");
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-0",
            "bytes=0-1,2-1",
            "bytes=0-1;2-3",
            "bytes=0 - 1",
            "bytes=+0-1",
            "bytes=0x0-1",
            "bytes=--1",
            "bytes=0-1-2",
            "lines=0-1",
            "=0-1",
            "bytes 0-1/5",
            "bytes=٠-١",
            "bytes=1",
            "bytes=0-1,lines=2-3",
        ] {
            assert_eq!(answer(header, 1000), Whole, "{header}");
        }
    }

    #[test]
    fn several_ranges_are_sorted_and_joined() {
        assert_eq!(answer("bytes=0-1,10-11", 100), Many(vec![0..2, 10..12]));
        assert_eq!(answer("bytes=10-11,0-1", 100), Many(vec![0..2, 10..12]));
        assert_eq!(answer("bytes=-2,0-1", 100), Many(vec![0..2, 98..100]));
        assert_eq!(answer("bytes=0-4,2-9", 100), One { start: 0, end: 10 });
        assert_eq!(answer("bytes=0-4,5-9", 100), One { start: 0, end: 10 });
        assert_eq!(answer("bytes=0-4,6-9", 100), Many(vec![0..5, 6..10]));
        assert_eq!(answer("bytes=0-50,10-11", 100), One { start: 0, end: 51 });
    }

    #[test]
    fn a_header_that_asks_for_too_much_is_ignored() {
        let parts = |n: usize| {
            let specs: Vec<_> = (0..n).map(|i| format!("{}-{}", i * 10, i * 10)).collect();
            answer(&format!("bytes={}", specs.join(",")), 1000)
        };
        assert!(matches!(parts(MAX_PARTS), Many(many) if many.len() == MAX_PARTS));
        assert_eq!(parts(MAX_PARTS + 1), Whole);
        assert_eq!(answer("bytes=0-,0-", 1000), One { start: 0, end: 1000 });
        assert_eq!(answer("bytes=0-,0-,0-0", 1000), Whole);
        assert_eq!(answer(&format!("bytes={}", "0-,".repeat(1300)), u64::MAX), Whole);
    }

    /// The bytes a header of these elements denotes, said naively.
    fn naive(specs: &[(Option<u64>, Option<u64>)], size: u64) -> BTreeSet<u64> {
        let denoted = |byte: u64| {
            specs.iter().any(|spec| match *spec {
                (Some(first), Some(last)) => (first..=last).contains(&byte),
                (Some(first), None) => first <= byte,
                (None, Some(suffix)) => byte + suffix >= size,
                (None, None) => false,
            })
        };
        (0..size).filter(|byte| denoted(*byte)).collect()
    }

    fn specs() -> impl Strategy<Value = Vec<(Option<u64>, Option<u64>)>> {
        let spec = prop_oneof![
            (0..40_u64, 0..40_u64).prop_map(|(a, b)| (Some(a.min(b)), Some(a.max(b)))),
            (0..40_u64).prop_map(|first| (Some(first), None)),
            (0..40_u64).prop_map(|suffix| (None, Some(suffix))),
        ];
        proptest::collection::vec(spec, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_bytes_are_those_that_were_asked_for(specs in specs(), size in 1..40_u64) {
            let text = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
            let elements: Vec<_> =
                specs.iter().map(|(a, b)| format!("{}-{}", text(*a), text(*b))).collect();
            let expected = naive(&specs, size);
            let given: BTreeSet<u64> = match answer(&format!("bytes={}", elements.join(",")), size) {
                One { start, end } => (start..end).collect(),
                Many(many) => {
                    prop_assert!((2..=MAX_PARTS).contains(&many.len()));
                    prop_assert!(many.windows(2).all(|pair| pair[0].end < pair[1].start));
                    many.into_iter().flatten().collect()
                }
                Unsatisfiable => BTreeSet::new(),
                // Allowed only where it costs less than the parts.
                Whole => {
                    let length = |spec: &(_, _)| naive(&[*spec], size).len() as u64;
                    let runs = expected.iter().filter(|byte| !expected.contains(&(*byte + 1)));
                    let too_long = specs.iter().map(length).sum::<u64>() > 2 * size;
                    prop_assert!(too_long || runs.count() > MAX_PARTS);
                    return Ok(());
                }
            };
            prop_assert_eq!(given, expected);
        }

        #[test]
        fn any_text_has_an_answer_within_the_size(header in "(bytes=)?[-0-9, ]*|\\PC*", size: u64) {
            match answer(&header, size) {
                Whole | Unsatisfiable => {}
                One { start, end } => prop_assert!(start < end && end <= size),
                Many(many) => prop_assert!(many.iter().all(|r| r.start < r.end && r.end <= size)),
            }
        }
    }
}
