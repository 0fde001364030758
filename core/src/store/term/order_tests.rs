//! The order of decimals, of versions and of named values, against definitions of its own.

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::ops::Bound;

use proptest::prelude::*;

use super::TermValue;
use crate::store::{Decoded, Field, Filter, Key, Kind, Record, Revision, Term};

/// ±digits × 10^scale, compared as whole numbers of the smaller unit.
fn number(negative: bool, digits: &[u8], scale: u32) -> i128 {
    let whole = digits.iter().fold(0, |sum, digit| sum * 10 + i128::from(*digit));
    let whole = whole * 10_i128.pow(scale);
    if negative { -whole } else { whole }
}

fn decimal(negative: bool, digits: &[u8], scale: u32) -> TermValue {
    let exponent = i32::try_from(digits.len()).unwrap() + i32::try_from(scale).unwrap() - 7;
    TermValue::decimal(negative, digits, exponent)
}

fn a_decimal() -> impl Strategy<Value = (bool, Vec<u8>, u32)> {
    (any::<bool>(), prop::collection::vec(0_u8..10, 0..12), 0_u32..14)
}

/// Pieces of which versions consist, so that many of them are alike.
fn a_version() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0",
        "00",
        "1",
        "2",
        "10",
        "010",
        "9",
        "123456789012345678901234567890",
        ".",
        "-",
        "_",
        "~",
        "+",
        "v",
        "a",
        "b",
        "m",
        "c",
        "alpha",
        "Beta",
        "RC",
        "cr",
        "dev",
        "pre",
        "preview",
        "SNAPSHOT",
        "milestone",
        "final",
        "GA",
        "RELEASE",
        "sp",
        "post",
        "jre",
        "k",
        "é",
        "٣",
        " ",
        "\0",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

/// What a version has at one place, in the order of the comparison.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug, Clone)]
enum Piece {
    Tilde,
    Before(usize),
    End,
    Build,
    After(usize),
    Word(String),
    Revision,
    Number(usize, String),
}

const BEFORE: [&[&str]; 7] = [
    &["dev"],
    &["alpha"],
    &["beta"],
    &["milestone"],
    &["pre", "preview"],
    &["rc", "cr"],
    &["snapshot"],
];

/// Reads a version run by run, the last first, each time knowing what follows.
fn pieces(text: &str) -> Vec<Piece> {
    let text = text.to_ascii_lowercase();
    let characters: Vec<char> = text.chars().collect();
    let runs: Vec<String> = characters
        .chunk_by(|a, b| class(*a) == class(*b))
        .map(|run| run.iter().collect())
        .collect();
    let class_at = |at: Option<usize>| {
        at.and_then(|at| runs.get(at)).and_then(|run| run.chars().next()).map_or(' ', class)
    };
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, run) in runs.iter().enumerate().rev() {
        let (before, after) = (class_at(at.checked_sub(1)), class_at(Some(at + 1)));
        let piece = match class_at(Some(at)) {
            'd' => {
                let number = run.trim_start_matches('0').to_owned();
                let ends = !matches!(pieces.first(), Some(Piece::Number(..)));
                (!number.is_empty() || !ends).then_some(Piece::Number(number.len(), number))
            }
            'w' if at == 0 && run == "v" && after == 'd' => None,
            'w' => word(run, after == 'd'),
            _ if run.contains('+') => Some(Piece::Build),
            _ if run.contains('~') => {
                let next = runs.get(at + 1).filter(|_| after == 'w');
                let next = next.and_then(|next| word(next, class_at(Some(at + 2)) == 'd'));
                let ranked = matches!(next, Some(Piece::Before(_) | Piece::After(_)));
                (!ranked).then_some(Piece::Tilde)
            }
            _ if run.contains('-') && before == 'd' && after == 'd' => Some(Piece::Revision),
            _ => None,
        };
        pieces.splice(0..0, piece);
    }
    pieces
}

fn says_nothing(run: &str) -> bool {
    ["final", "ga", "release"].contains(&run)
}

fn class(c: char) -> char {
    match c {
        '0'..='9' => 'd',
        c if c.is_alphanumeric() => 'w',
        _ => 's',
    }
}

fn word(run: &str, before_digit: bool) -> Option<Piece> {
    if says_nothing(run) {
        return None;
    }
    let long = match run {
        "a" if before_digit => "alpha",
        "b" if before_digit => "beta",
        "m" if before_digit => "milestone",
        "c" if before_digit => "rc",
        run => run,
    };
    if let Some(rank) = BEFORE.iter().position(|words| words.contains(&long)) {
        return Some(Piece::Before(rank));
    }
    let after = ["sp", "post"].iter().position(|word| *word == long);
    Some(after.map_or_else(|| Piece::Word(long.to_owned()), Piece::After))
}

fn reference(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (pieces(a), pieces(b));
    a.push(Piece::End);
    b.push(Piece::End);
    a.cmp(&b)
}

fn versions(a: &str, b: &str) -> Ordering {
    TermValue::version(a).cmp(&TermValue::version(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decimals_sort_as_numbers(a in a_decimal(), b in a_decimal()) {
        let expected = number(a.0, &a.1, a.2).cmp(&number(b.0, &b.1, b.2));
        prop_assert_eq!(decimal(a.0, &a.1, a.2).cmp(&decimal(b.0, &b.1, b.2)), expected);
    }

    #[test]
    fn versions_sort_as_the_reference_says(a in a_version(), b in a_version()) {
        prop_assert_eq!(versions(&a, &b), reference(&a, &b), "{:?} {:?}", pieces(&a), pieces(&b));
        prop_assert_eq!(versions(&b, &a), versions(&a, &b).reverse());
    }

    #[test]
    fn the_order_of_versions_is_transitive(mut all in prop::collection::vec(a_version(), 3)) {
        all.sort_by(|a, b| versions(a, b));
        prop_assert_ne!(reference(&all[0], &all[2]), Greater);
        prop_assert_ne!(reference(&all[0], &all[1]), Greater);
        prop_assert_ne!(reference(&all[1], &all[2]), Greater);
    }

    #[test]
    fn no_encoding_is_the_start_of_another(a in a_version(), b in a_version(), x in a_decimal(), y in a_decimal()) {
        let pairs = [
            (TermValue::version(&a), TermValue::version(&b)),
            (decimal(x.0, &x.1, x.2), decimal(y.0, &y.1, y.2)),
        ];
        for (one, other) in pairs {
            prop_assert!(one == other || !one.as_bytes().starts_with(other.as_bytes()));
        }
    }

    #[test]
    fn any_text_has_a_place_among_versions(text in ".{0,300}") {
        prop_assert!(TermValue::version(&text).as_bytes().len() <= TermValue::MAX_BYTES);
    }

    #[test]
    fn a_range_under_a_name_holds_what_lies_in_it(
        low in a_bound(), high in a_bound(), value in a_value(), mark in prop::option::of(0_u8..0xff),
    ) {
        let (low, high) = same_type(low, high);
        let bounds = TermValue::between_named("x", &low, &high);
        let held = TermValue::named("x", &value, mark);
        let lies = lies_between(&held, bounds);
        let kind = [&low, &high].into_iter().find_map(bound);
        let expected = kind.is_none_or(|kind| kind.as_bytes()[0] == value.as_bytes()[0])
            && lies_between(&value, (low, high));
        prop_assert_eq!(lies, expected);
    }

    #[test]
    fn a_range_under_a_name_holds_nothing_of_another(value in a_value(), name in "[a-z]{0,3}") {
        let bounds = TermValue::between_named("xy", &Bound::Unbounded, &Bound::Unbounded);
        let held = TermValue::named(&name, &value, Some(b'1'));
        prop_assert_eq!(lies_between(&held, bounds), name == "xy");
    }
}

/// Values of the types that have an order under a name.
fn a_value() -> impl Strategy<Value = TermValue> {
    prop_oneof![
        a_decimal().prop_map(|(negative, digits, scale)| decimal(negative, &digits, scale)),
        (-3_i64..3)
            .prop_map(|millis| TermValue::instant(crate::Timestamp::from_millis(millis * 128))),
        a_version().prop_map(|text| TermValue::version(&text)),
        any::<bool>().prop_map(TermValue::boolean),
    ]
}

fn a_bound() -> impl Strategy<Value = Bound<TermValue>> {
    prop_oneof![
        Just(Bound::Unbounded),
        a_value().prop_map(Bound::Included),
        a_value().prop_map(Bound::Excluded),
    ]
}

fn bound(bound: &Bound<TermValue>) -> Option<&TermValue> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

fn same_type(
    low: Bound<TermValue>,
    high: Bound<TermValue>,
) -> (Bound<TermValue>, Bound<TermValue>) {
    let kind = |at: &Bound<TermValue>| bound(at).map(|value| value.as_bytes()[0]);
    match (kind(&low), kind(&high)) {
        (Some(one), Some(other)) if one != other => (low, Bound::Unbounded),
        _ => (low, high),
    }
}

/// As a filter means it.
fn lies_between(value: &TermValue, (low, high): (Bound<TermValue>, Bound<TermValue>)) -> bool {
    let field = Field::new("attribute", 0);
    let record = Record {
        key: Key::new(Kind::new("thing"), ["x"]),
        revision: Revision(1),
        born: Revision(1),
        body: "{}".into(),
        terms: [Term { field: field.clone(), value: value.clone() }].into(),
        owners: [].into(),
        decoded: Decoded::default(),
    };
    Filter::Between(field, low, high).matches(&record, &|_| None)
}

#[test]
fn versions_stand_in_the_order_that_people_expect() {
    let ascending = [
        "alpha",
        "0",
        "0.1",
        "1.0~~",
        "1.0~1",
        "1.0.dev1",
        "1.0-alpha",
        "1.0a1",
        "1.0-alpha.2",
        "1.0~beta",
        "1.0.Beta1",
        "1.0b2",
        "1.0-M1",
        "1.0-pre",
        "1.0rc1-SNAPSHOT",
        "1.0-rc1",
        "1.0.CR2",
        "1.0-rc.10",
        "1.0-SNAPSHOT",
        "1.0",
        "1.0+build",
        "1.0+build.5",
        "1.0-sp1",
        "1.0.post1",
        "1.0-jre",
        "1.0-1",
        "1.0-2ubuntu1",
        "1.0.1",
        "1.0.2",
        "1.0.2k",
        "1.9",
        "1.10-rc1",
        "1.10",
        "2",
        "10",
        "2015-01-04",
        "2015-11-04",
        "99999999999999999999",
    ];
    for pair in ascending.windows(2) {
        assert_eq!(versions(pair[0], pair[1]), Less, "{pair:?}");
    }
}

#[test]
fn what_makes_no_difference_to_a_version_makes_none() {
    for (one, other) in [
        ("1.0", "1.0.0"),
        ("1.0", "v1"),
        ("1.0-RC1", "1.0.0.rc-01"),
        ("1.0.Final", "1"),
        ("1.0.RELEASE", "1.0"),
        ("1.0a1", "1.0-alpha-1"),
        ("1.0~rc1", "1.0-rc1"),
        ("0.0", "0"),
        ("0", ""),
        ("1_2", "1.2"),
    ] {
        assert_eq!(versions(one, other), Equal, "{one} {other}");
    }
}

#[test]
fn the_edges_of_decimals_are_told_apart() {
    let digits = |text: &str| text.bytes().map(|byte| byte - b'0').collect::<Vec<u8>>();
    let ascending = [
        (true, "1", 16_383),
        (true, "9007199254740993", 16),
        (true, "9007199254740992", 16),
        (true, "12", 1),
        (true, "1", 1),
        (true, "1", -16_383),
        (false, "", 0),
        (false, "1", -16_383),
        (false, "12", 1),
        (false, "123", 1),
        (false, "13", 1),
        (false, "9007199254740992", 16),
        (false, "9007199254740993", 16),
        (false, "1", 16_383),
    ]
    .map(|(negative, text, exponent)| TermValue::decimal(negative, &digits(text), exponent));
    assert!(ascending.is_sorted_by(|a, b| a < b), "{ascending:?}");
    let zero = TermValue::decimal(false, &[], 0);
    assert_eq!(TermValue::decimal(true, &[0, 0], 7), zero, "-0 is 0");
    assert_eq!(TermValue::decimal(false, &[0, 1, 0], 2), TermValue::decimal(false, &[1], 1));
}
