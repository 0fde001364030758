//! Attributes and queries through their public surface, and the query against a meaning of its own.

use std::ops::Bound;

use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::names::AttributeName;
use crate::store::{Decoded, Filter, Key, Kind, Record, Revision};

const FIELD: Field = Field::new("attribute", 0);

fn text(value: &str) -> GivenValue {
    GivenValue::String(value.to_owned())
}

fn number(value: &str) -> GivenValue {
    GivenValue::Number(Number::parse(value).unwrap())
}

fn attribute(name: &str, kind: Option<AttributeType>, given: &[GivenValue]) -> Attribute {
    let values = AttributeValues::of(kind, given, Mixed::Refused).unwrap();
    Attribute { name: AttributeName::parse(name).unwrap(), values }
}

fn record(attributes: &[Attribute]) -> Record {
    let attributes = Attributes::new(attributes.to_vec()).unwrap();
    Record {
        key: Key::new(Kind::new("thing"), ["x"]),
        revision: Revision(1),
        born: Revision(1),
        body: "{}".into(),
        terms: attributes.terms(&FIELD).collect(),
        owners: [].into(),
        decoded: Decoded::default(),
    }
}

fn holds(query: &AttributeQuery, attributes: &[Attribute]) -> bool {
    let filter = query.filter(&FIELD, Clauses::Every, true);
    filter.matches(&record(attributes), &|_| None)
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().message().to_owned()
}

#[test]
fn a_type_that_is_not_named_is_that_of_the_json() {
    let kind =
        |given: &[GivenValue]| AttributeValues::of(None, given, Mixed::Refused).unwrap().kind();
    assert_eq!(kind(&[number("1"), number("2.2")]), AttributeType::Number);
    assert_eq!(kind(&[GivenValue::Boolean(true)]), AttributeType::Boolean);
    assert_eq!(kind(&[text("2011-07-14T19:43:37+0100")]), AttributeType::String);
    assert_eq!(kind(&[]), AttributeType::String);
}

#[test]
fn a_mixed_list_is_refused_or_becomes_strings() {
    let given = vec![number("1.1"), text("elephant"), number("3.10"), GivenValue::Boolean(true)];
    assert_eq!(
        message(AttributeValues::of(None, &given, Mixed::Refused)),
        "the values are of several types, number and string: give values of one type"
    );
    let strings = ["1.1", "elephant", "3.10", "true"].map(ToOwned::to_owned).to_vec();
    assert_eq!(
        AttributeValues::of(None, &given, Mixed::String).unwrap(),
        AttributeValues::String(strings)
    );
}

#[test]
fn equal_values_are_kept_once_in_the_first_spelling() {
    let values = |kind, given: Vec<GivenValue>| {
        let values = AttributeValues::of(Some(kind), &given, Mixed::Refused).unwrap();
        serde_json::to_value(values).unwrap()["values"].to_string()
    };
    let dates = ["2011-07-14T19:43:37+0100", "2011-07-14T18:43:37Z", "1994-11-05T13:15:30Z"];
    assert_eq!(
        values(AttributeType::Date, dates.map(text).to_vec()),
        r#"["2011-07-14T19:43:37+0100","1994-11-05T13:15:30Z"]"#
    );
    assert_eq!(
        values(AttributeType::Number, vec![number("1.0"), number("2"), number("1")]),
        r#"["1.0","2"]"#
    );
    assert_eq!(
        values(AttributeType::Version, vec![text("1.0"), text("1.0.0"), text("1.0")]),
        r#"["1.0","1.0.0"]"#
    );
}

#[test]
fn values_of_a_named_type_are_read_as_it() {
    let of = |kind, given| AttributeValues::of(Some(kind), &[given], Mixed::Refused);
    let strings = |text: &str| vec![text.to_owned()];
    assert_eq!(
        of(AttributeType::String, number("1.50")).unwrap(),
        AttributeValues::String(strings("1.50"))
    );
    assert_eq!(
        of(AttributeType::Version, number("1.10")).unwrap(),
        AttributeValues::Version(strings("1.10"))
    );
    assert_eq!(
        of(AttributeType::Boolean, text("True")).unwrap(),
        AttributeValues::Boolean(vec![true])
    );
    for (kind, given, expected) in [
        (AttributeType::Number, text("NaN"), "'NaN' is no number"),
        (AttributeType::Number, GivenValue::Boolean(true), "'true' is no number"),
        (AttributeType::Boolean, number("1"), "'1' is no boolean: use true or false"),
        (
            AttributeType::Date,
            text("2015-02-30"),
            "'2015-02-30' is no date: use the form 2026-01-31T12:00:00.000Z",
        ),
    ] {
        assert_eq!(message(of(kind, given)), expected);
    }
}

#[test]
fn limits_are_said() {
    let many = |count: usize| (0..count).map(|n| text(&n.to_string())).collect::<Vec<_>>();
    let of = |given: Vec<GivenValue>| AttributeValues::of(None, &given, Mixed::Refused);
    assert_eq!(message(of(many(10_000))), "10000 values: at most 100 are kept");
    assert_eq!(
        message(of(vec![text(&"x".repeat(1025))])),
        "a value has 1025 bytes: at most 1024 are kept"
    );
    let list = |count: usize, values: usize| {
        (0..count).map(|n| attribute(&format!("a{n}"), None, &many(values))).collect::<Vec<_>>()
    };
    assert!(Attributes::new(list(100, 5)).is_ok());
    assert_eq!(message(Attributes::new(list(101, 1))), "101 attributes: at most 100 are kept");
    assert_eq!(
        message(Attributes::new(list(6, 100))),
        "600 values of attributes: at most 500 are kept"
    );
    let long: Vec<_> =
        (0..65).map(|n| attribute(&format!("a{n:02}"), None, &[text(&"x".repeat(1024))])).collect();
    assert_eq!(message(Attributes::new(long)), "66755 bytes of attributes: at most 65536 are kept");
    let twice = vec![attribute("a", None, &[]), attribute("a", None, &[])];
    assert_eq!(message(Attributes::new(twice)), "attribute 'a' is given twice: give it once");
}

#[test]
fn merging_replaces_in_place_and_appends() {
    let list = |list: &[(&str, &str)]| {
        let attributes = list.iter().map(|(name, value)| attribute(name, None, &[text(value)]));
        Attributes::new(attributes.collect()).unwrap()
    };
    let merged = list(&[("a", "1"), ("b", "2")]).merged_with(list(&[("c", "3"), ("a", "4")]));
    assert_eq!(merged.unwrap(), list(&[("a", "4"), ("b", "2"), ("c", "3")]));
    let without = list(&[("a", "1"), ("b", "2")]).without(&[AttributeName::parse("a").unwrap()]);
    assert_eq!(without, list(&[("b", "2")]));
}

#[test]
fn a_leading_underscore_is_for_publishers() {
    let private = attribute("_x", None, &[text("1")]);
    let attributes = Attributes::new(vec![private.clone()]).unwrap();
    assert_eq!(attributes.clone().seen_by(true), attributes);
    assert_eq!(attributes.seen_by(false), Attributes::default());
    let query = AttributeQuery::new().any_of("_x", ["1"]).unwrap();
    for clauses in [Clauses::Every, Clauses::AtLeastOne] {
        let matches = |publisher| {
            let filter = query.filter(&FIELD, clauses, publisher);
            filter.matches(&record(std::slice::from_ref(&private)), &|_| None)
        };
        assert!(matches(true));
        assert!(!matches(false));
    }
}

#[test]
fn the_stored_form_is_this() {
    let attributes = Attributes::new(vec![
        attribute("s", None, &[text("x")]),
        attribute("n", None, &[number("1"), number("2.20"), number("9007199254740993")]),
        attribute("d", Some(AttributeType::Date), &[text("2011-07-14T19:43:37+0100")]),
        attribute("b", None, &[GivenValue::Boolean(true)]),
        attribute("v", Some(AttributeType::Version), &[text("1.10")]),
        attribute("_null", None, &[]),
    ])
    .unwrap();
    let stored = serde_json::to_value(&attributes).unwrap();
    let expected = serde_json::json!([
        {"name": "s", "type": "string", "values": ["x"]},
        {"name": "n", "type": "number", "values": ["1", "2.20", "9007199254740993"]},
        {"name": "d", "type": "date", "values": ["2011-07-14T19:43:37+0100"]},
        {"name": "b", "type": "boolean", "values": [true]},
        {"name": "v", "type": "version", "values": ["1.10"]},
        {"name": "_null", "type": "string", "values": []},
    ]);
    assert_eq!(stored, expected);
    assert_eq!(serde_json::from_value::<Attributes>(stored).unwrap(), attributes);
}

#[test]
fn a_list_asks_one_value_for_one_of_and_several_for_all_of() {
    let query = AttributeQuery::new().any_of("a", ["v1", "v2"]).unwrap();
    for (values, expected) in [
        (&["v1"][..], true),
        (&["v2"], true),
        (&["v3"], false),
        (&["v1", "v2"], true),
        (&["v1", "v3"], false),
        (&["v2", "v3", "v1"], true),
        (&[], false),
    ] {
        let given: Vec<_> = values.iter().map(|value| text(value)).collect();
        for kind in [AttributeType::String, AttributeType::Version] {
            let matches = holds(&query, &[attribute("a", Some(kind), &given)]);
            assert_eq!(matches, expected, "{values:?} as {kind:?}");
        }
    }
}

#[test]
fn numbers_dates_and_versions_are_asked_by_what_they_are() {
    let size = [attribute("a", None, &[number("9007199254740993")])];
    let built = Some(AttributeType::Date);
    let built = [attribute("a", built, &[text("2011-07-14T19:43:37+0100")])];
    let release = [attribute("a", Some(AttributeType::Version), &[text("1.10")])];
    let new = AttributeQuery::new;
    let precise = |text: &str| Number::parse(text).unwrap();
    for (query, attributes, expected) in [
        (new().any_of("a", [precise("9007199254740993.0")]), &size, true),
        (new().any_of("a", [precise("9007199254740992")]), &size, false),
        (new().any_of("a", ["9007199254740993"]), &size, false),
        (new().between("a", 9_007_199_254_740_993_i64..), &size, true),
        (new().between("a", ..9_007_199_254_740_993_i64), &size, false),
        (new().between("a", "9007199254740992".."9007199254740994"), &size, true),
        (new().any_of("a", ["2011-07-14T18:43:37Z"]), &built, true),
        (new().between("a", Timestamp::from_millis(1_310_669_017_000)..), &built, true),
        (new().between("a", "2011-07-14".."2011-07-15"), &built, true),
        (new().any_of("a", ["1.10"]), &release, true),
        (new().any_of("a", ["1.10.0"]), &release, false),
        (new().between("a", "1.9".."1.11"), &release, true),
        (new().between("a", "1.10.0"..="1.10.0"), &release, true),
        (new().between("a", 1..2), &release, false),
        (new().between::<i32>("a", ..), &release, true),
        (new().between::<i32>("b", ..), &release, false),
    ] {
        let query = query.unwrap();
        assert_eq!(holds(&query, attributes), expected, "{query:?} on {attributes:?}");
    }
}

#[test]
fn a_refused_clause_is_named() {
    let query = AttributeQuery::new().any_of("ok", ["x"]).unwrap();
    assert_eq!(
        message(query.clone().between("b", "abc".."abd")),
        "clause 2 ('b'): the ends are not both numbers, both dates or both versions"
    );
    assert_eq!(
        message(query.clone().any_of::<&str>("b", [])),
        "clause 2 ('b'): the list is empty: give at least one value"
    );
    assert_eq!(
        message(query.clone().any_of("b", (0..10_000).map(i64::from))),
        "clause 2 ('b'): too many values: at most 400 are taken in all lists together"
    );
    assert!(message(query.clone().any_of("a/b", ["x"])).starts_with("clause 2 ('a/b'): "));
    let full = (0..49).fold(query, |query, _| query.between("n", 1..2).unwrap());
    assert_eq!(
        message(full.between("n", 1..2)),
        "clause 51 ('n'): one clause too many: at most 50 are taken"
    );
}

#[test]
fn the_largest_query_is_one_that_stores_take() {
    let date = |n: usize| format!("2011-07-14T00:00:00.{n:03}Z");
    let lists = (0..4).map(|list| (list * 100..(list + 1) * 100).map(date).collect::<Vec<_>>());
    let query = lists.fold(AttributeQuery::new(), |query, list| query.any_of("a", list).unwrap());
    let query = (0..46).fold(query, |query, _| query.between("a", "1".."2").unwrap());
    let range = crate::store::KeyRange::within(Kind::new("thing"), ["x"]);
    let filter = Filter::All(vec![query.filter(&FIELD, Clauses::Every, true)]);
    crate::store::Query::within(range).filter(filter).check().unwrap();
}

/// A value, its type, and its place in the order of its type as a plain number.
fn a_value() -> impl Strategy<Value = (usize, i64)> {
    (0_usize..4, 0_i64..6)
}

fn given(kind: usize, value: i64) -> GivenValue {
    match kind {
        0 => text(&format!("s{value}")),
        1 => number(&format!("{value}.0")),
        2 => text(&Timestamp::from_millis(value).to_string()),
        _ => text(&format!("1.{value}.0")),
    }
}

fn asked(kind: usize, value: i64) -> AttributeValue {
    match given(kind, value) {
        GivenValue::Number(number) => number.into(),
        GivenValue::String(text) => text.into(),
        GivenValue::Boolean(value) => value.into(),
    }
}

const KINDS: [AttributeType; 4] =
    [AttributeType::String, AttributeType::Number, AttributeType::Date, AttributeType::Version];

fn a_bound() -> impl Strategy<Value = Bound<i64>> {
    prop_oneof![
        Just(Bound::Unbounded),
        (0_i64..6).prop_map(Bound::Included),
        (0_i64..6).prop_map(Bound::Excluded),
    ]
}

proptest! {
    #[test]
    fn a_list_means_one_of_or_all_of(
        kind in 0_usize..4,
        held in prop::collection::btree_set(0_i64..6, 0..4),
        values in prop::collection::vec(a_value(), 1..4),
    ) {
        let values_held: Vec<_> = held.iter().map(|value| given(kind, *value)).collect();
        let attributes = [attribute("a", Some(KINDS[kind]), &values_held)];
        let query = AttributeQuery::new()
            .any_of("a", values.iter().map(|(kind, value)| asked(*kind, *value)))
            .unwrap();
        let has = |(of, value): &(usize, i64)| *of == kind && held.contains(value);
        let expected = match held.len() {
            0 => false,
            1 => values.iter().any(has),
            _ => values.iter().all(has),
        };
        prop_assert_eq!(holds(&query, &attributes), expected);
    }

    #[test]
    fn a_range_means_that_some_value_lies_in_it(
        kind in 1_usize..4,
        of in 1_usize..4,
        held in prop::collection::btree_set(0_i64..6, 0..4),
        low in a_bound(),
        high in a_bound(),
    ) {
        let values_held: Vec<_> = held.iter().map(|value| given(kind, *value)).collect();
        let attributes = [attribute("a", Some(KINDS[kind]), &values_held)];
        let end = |bound: Bound<i64>| bound.map(|value| asked(of, value));
        let query = AttributeQuery::new().between("a", (end(low), end(high))).unwrap();
        let open = matches!((low, high), (Bound::Unbounded, Bound::Unbounded));
        // Rust's own ranges must not be inverted or empty.
        let above = |value: i64| match low {
            Bound::Included(low) => value >= low,
            Bound::Excluded(low) => value > low,
            Bound::Unbounded => true,
        };
        let below = |value: i64| match high {
            Bound::Included(high) => value <= high,
            Bound::Excluded(high) => value < high,
            Bound::Unbounded => true,
        };
        let lies = |value: &i64| above(*value) && below(*value);
        let expected = (open || of == kind) && held.iter().any(lies);
        prop_assert_eq!(holds(&query, &attributes), expected);
    }
}
