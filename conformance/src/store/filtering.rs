//! What each filter finds.

use std::ops::Bound;
use std::sync::Arc;

use packhouse_core::Timestamp;
use packhouse_core::store::{Change, Filter, Key, Pattern, Query, Store, Term, TermValue};

use super::support::{
    COLOR, LOCAL, NAME, OWNER, PUBLIC, SIZE, commit, found, given, is, like, matching, named,
    names, number, owned, put, text, thing, things,
};

/// Equal values only, of that field only.
pub async fn is_finds_the_value_and_no_other(store: Arc<dyn Store>) {
    given(
        &store,
        &[
            ("a", vec![text(&COLOR, "red")]),
            ("b", vec![text(&COLOR, "Red")]),
            ("c", vec![text(&COLOR, "redder")]),
            ("d", vec![text(&NAME, "red")]),
            ("e", vec![]),
            ("f", vec![text(&COLOR, "red"), number(&SIZE, 1)]),
        ],
    )
    .await;
    assert_eq!(matching(&store, is(&COLOR, "red")).await, ["a", "f"]);
    assert!(matching(&store, is(&COLOR, "")).await.is_empty());
    assert!(matching(&store, is(&named("unheard_of", 0, false), "red")).await.is_empty());
}

/// One value of several is enough.
pub async fn a_field_with_several_values_matches_by_any(store: Arc<dyn Store>) {
    let (red, blue) = (text(&COLOR, "red"), text(&COLOR, "blue"));
    given(&store, &[("a", vec![red.clone(), blue.clone()]), ("b", vec![blue])]).await;
    assert_eq!(matching(&store, is(&COLOR, "red")).await, ["a"]);
    assert_eq!(matching(&store, is(&COLOR, "blue")).await, ["a", "b"]);
    let all = Bound::Unbounded;
    let any_color = Filter::Between(COLOR, all.clone(), all);
    assert_eq!(matching(&store, any_color).await, ["a", "b"], "each record once");
    assert_eq!(matching(&store, Filter::Not(Box::new(is(&COLOR, "red")))).await, ["b"]);
}

/// All of the values, in one record.
pub async fn contains_wants_every_value(store: Arc<dyn Store>) {
    let [x, y, z] = ["x", "y", "z"].map(|color| text(&COLOR, color));
    given(
        &store,
        &[
            ("a", vec![x.clone(), y.clone()]),
            ("b", vec![x, y.clone(), z.clone()]),
            ("c", vec![z]),
            ("d", vec![]),
        ],
    )
    .await;
    let contains = |colors: &[&str]| {
        Filter::Contains(COLOR, colors.iter().map(|c| TermValue::text(c)).collect())
    };
    assert_eq!(matching(&store, contains(&["x", "y"])).await, ["a", "b"]);
    assert_eq!(matching(&store, contains(&["y", "z"])).await, ["b"]);
    assert_eq!(matching(&store, contains(&["z", "z"])).await, ["b", "c"]);
    assert_eq!(matching(&store, contains(&[])).await, ["a", "b", "c", "d"]);
    let nothing_of = |field| Filter::Contains(field, vec![]);
    assert_eq!(matching(&store, nothing_of(NAME)).await, ["a", "b", "c", "d"]);
    let unheard_of = Filter::Contains(named("unheard_of", 0, false), vec![TermValue::integer(1)]);
    assert_eq!(matching(&store, unheard_of).await, [""; 0]);
}

/// Included, excluded and open ends.
pub async fn between_respects_each_bound(store: Arc<dyn Store>) {
    let records: Vec<(String, Vec<Term>)> =
        (-2..=2).map(|n| (format!("{}", n + 2), vec![number(&SIZE, n)])).collect();
    let records: Vec<(&str, Vec<Term>)> =
        records.iter().map(|(name, terms)| (name.as_str(), terms.clone())).collect();
    given(&store, &records).await;
    let value = TermValue::integer;
    for (low, high, expected) in [
        (Bound::Unbounded, Bound::Unbounded, &["0", "1", "2", "3", "4"][..]),
        (Bound::Included(value(-1)), Bound::Included(value(1)), &["1", "2", "3"]),
        (Bound::Excluded(value(-1)), Bound::Excluded(value(1)), &["2"]),
        (Bound::Excluded(value(1)), Bound::Unbounded, &["4"]),
        (Bound::Unbounded, Bound::Excluded(value(-1)), &["0"]),
        (Bound::Included(value(1)), Bound::Included(value(-1)), &[]),
        (Bound::Excluded(value(1)), Bound::Excluded(value(1)), &[]),
        (
            Bound::Included(value(i64::MIN)),
            Bound::Included(value(i64::MAX)),
            &["0", "1", "2", "3", "4"],
        ),
    ] {
        let filter = Filter::Between(SIZE, low, high);
        assert_eq!(matching(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

/// A number is no text, whatever it looks like.
pub async fn types_do_not_mix(store: Arc<dyn Store>) {
    let term = |value| Term { field: SIZE, value };
    given(
        &store,
        &[
            ("integer", vec![term(TermValue::integer(1))]),
            ("text", vec![term(TermValue::text("1"))]),
            ("boolean", vec![term(TermValue::boolean(true))]),
            ("instant", vec![term(TermValue::instant(Timestamp::from_millis(1)))]),
            ("empty", vec![term(TermValue::text(""))]),
        ],
    )
    .await;
    for (value, name) in [
        (TermValue::integer(1), "integer"),
        (TermValue::text("1"), "text"),
        (TermValue::boolean(true), "boolean"),
        (TermValue::instant(Timestamp::from_millis(1)), "instant"),
        (TermValue::text(""), "empty"),
    ] {
        assert_eq!(matching(&store, Filter::Is(SIZE, value)).await, [name]);
    }
    let all = Filter::Between(SIZE, Bound::Unbounded, Bound::Unbounded);
    assert_eq!(matching(&store, all).await.len(), 5);
}

/// The empty conjunction holds, the empty disjunction does not.
pub async fn all_and_any_of_none(store: Arc<dyn Store>) {
    given(&store, &[("a", vec![])]).await;
    assert_eq!(matching(&store, Filter::All(vec![])).await, ["a"]);
    assert!(matching(&store, Filter::Any(vec![])).await.is_empty());
    assert_eq!(matching(&store, Filter::Not(Box::new(Filter::Any(vec![])))).await, ["a"]);
    let nested = Filter::All(vec![Filter::All(vec![]), Filter::Not(Box::new(Filter::Any(vec![])))]);
    assert_eq!(matching(&store, nested).await, ["a"]);
}

/// Conditions join as in logic.
pub async fn any_joins_and_not_inverts(store: Arc<dyn Store>) {
    given(
        &store,
        &[
            ("a", vec![text(&COLOR, "red"), number(&SIZE, 1)]),
            ("b", vec![text(&COLOR, "red"), number(&SIZE, 2)]),
            ("c", vec![text(&COLOR, "blue"), number(&SIZE, 2)]),
            ("d", vec![]),
        ],
    )
    .await;
    let size = |n| Filter::Is(SIZE, TermValue::integer(n));
    let not = |filter| Filter::Not(Box::new(filter));
    let (red, blue) = (is(&COLOR, "red"), is(&COLOR, "blue"));
    for (filter, expected) in [
        (Filter::Any(vec![red.clone(), size(2)]), &["a", "b", "c"][..]),
        (Filter::All(vec![red.clone(), size(2)]), &["b"]),
        (Filter::All(vec![red.clone(), not(size(2))]), &["a"]),
        (not(red.clone()), &["c", "d"]),
        (not(not(red.clone())), &["a", "b"]),
        (Filter::Any(vec![blue.clone(), not(red.clone())]), &["c", "d"]),
        (Filter::Any(vec![Filter::All(vec![red.clone(), size(1)]), blue.clone()]), &["a", "c"]),
        (Filter::All(vec![Filter::Any(vec![red.clone(), blue]), size(2)]), &["b", "c"]),
        (Filter::All(vec![red.clone(), red]), &["a", "b"]),
    ] {
        assert_eq!(matching(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

const TEXTS: [&str; 16] = [
    "",
    "a",
    "ab",
    "abc",
    "ABC",
    "abcd",
    "xabc",
    "a.jar",
    "b.jar.sha1",
    "100%",
    "a_c",
    "a'c",
    "a\"b\"c",
    "*",
    "été",
    "ÉTÉ",
];

/// Stars, question marks, ASCII letters in either case; short and long runs of letters.
pub async fn like_matches_wildcards_in_either_case(store: Arc<dyn Store>) {
    let keys: Vec<String> = (0..TEXTS.len()).map(|n| format!("{n:02}")).collect();
    let records: Vec<(&str, Vec<Term>)> =
        keys.iter().zip(TEXTS).map(|(key, name)| (key.as_str(), vec![text(&NAME, name)])).collect();
    given(&store, &records).await;
    for pattern in [
        "",
        "*",
        "?",
        "??",
        "a*",
        "*c",
        "abc",
        "aBC*",
        "*abc",
        "*ABC*",
        "a?c",
        "a*c",
        "*.jar",
        "*.jar*",
        "*jar.sha?",
        "*%*",
        "a_c",
        "a'c",
        "*\"b\"*",
        "a*b*d",
        "*xyz*",
        "100%",
        "***",
        "?*?",
        "*bcd",
        "ab*cd",
    ] {
        let wanted = Pattern::new(pattern).expect("it is short");
        let expected: Vec<&str> = keys
            .iter()
            .zip(TEXTS)
            .filter_map(|(key, name)| wanted.matches(name).then_some(key.as_str()))
            .collect();
        assert_eq!(matching(&store, like(&NAME, pattern)).await, expected, "{pattern:?}");
    }
    let number = Term { field: NAME, value: TermValue::integer(0x6162_6364) };
    given(&store, &[("number", vec![number])]).await;
    assert!(!matching(&store, like(&NAME, "*")).await.contains(&"number".to_owned()));
}

async fn given_owners(store: &Arc<dyn Store>) {
    let owner = |name| Key::new(OWNER, [name]);
    let is_public = |value| vec![Term { field: PUBLIC, value: TermValue::boolean(value) }];
    commit(
        store,
        [
            found(&owner("open"), "{}", is_public(true)),
            found(&owner("closed"), "{}", is_public(false)),
            owned(&thing(["a"]), "{}", [text(&COLOR, "red")], [owner("open")]),
            owned(&thing(["b"]), "{}", [text(&COLOR, "red")], [owner("closed")]),
            owned(&thing(["c"]), "{}", [text(&COLOR, "red")], [owner("nobody")]),
            owned(&thing(["d"]), "{}", [text(&COLOR, "red")], [thing(["a"])]),
            owned(&thing(["e"]), "{}", [text(&COLOR, "blue")], [thing(["b"]), owner("open")]),
        ],
    )
    .await;
}

fn public() -> Filter {
    Filter::Is(PUBLIC, TermValue::boolean(true))
}

/// The condition is the owner's, of that kind.
pub async fn of_asks_the_owner(store: Arc<dyn Store>) {
    given_owners(&store).await;
    let of = |filter| Filter::Of(OWNER, Box::new(filter));
    assert_eq!(matching(&store, of(public())).await, ["a", "e"]);
    assert_eq!(matching(&store, Filter::All(vec![is(&COLOR, "red"), of(public())])).await, ["a"]);
    assert_eq!(matching(&store, public()).await, [""; 0], "the thing itself is not public");
    let things_owner = Filter::Of(super::support::THING, Box::new(of(public())));
    assert_eq!(matching(&store, things_owner).await, ["d"], "the owner's owner");
}

/// Without the owner nothing is known of it: not even that something does not hold.
pub async fn of_an_absent_owner_is_false(store: Arc<dyn Store>) {
    given_owners(&store).await;
    let of = |filter| Filter::Of(OWNER, Box::new(filter));
    let not = |filter| Filter::Not(Box::new(filter));
    assert_eq!(matching(&store, of(not(public()))).await, ["b"]);
    assert_eq!(matching(&store, of(Filter::everything())).await, ["a", "b", "e"]);
    assert_eq!(matching(&store, not(of(public()))).await, ["b", "c", "d"]);
}

/// A change of the owner counts at once, without a change of what it owns.
pub async fn of_looks_at_the_owner_as_it_is_now(store: Arc<dyn Store>) {
    given_owners(&store).await;
    let of_public = || Filter::Of(OWNER, Box::new(public()));
    let open = Key::new(OWNER, ["open"]);
    commit(&store, [Change::Delete(open.clone())]).await;
    assert_eq!(matching(&store, of_public()).await, [""; 0]);
    let terms = [Term { field: PUBLIC, value: TermValue::boolean(true) }];
    commit(&store, [found(&open, "{}", terms)]).await;
    assert_eq!(matching(&store, of_public()).await, ["a", "e"]);
    commit(&store, [put(&open, "{}")]).await;
    assert_eq!(matching(&store, of_public()).await, [""; 0]);
}

/// The index holds what the records hold.
pub async fn replaced_and_deleted_terms_are_not_found(store: Arc<dyn Store>) {
    let (a, b) = (thing(["a"]), thing(["b"]));
    let old = [text(&COLOR, "red"), text(&NAME, "old name"), number(&SIZE, 1)];
    commit(&store, [found(&a, "{}", old.clone()), found(&b, "{}", old)]).await;
    commit(&store, [found(&a, "{}", [text(&COLOR, "blue"), text(&NAME, "new name")])]).await;
    let size = Filter::Is(SIZE, TermValue::integer(1));
    for (filter, expected) in [
        (is(&COLOR, "red"), &["b"][..]),
        (is(&COLOR, "blue"), &["a"]),
        (like(&NAME, "*old*"), &["b"]),
        (like(&NAME, "new n*"), &["a"]),
        (like(&NAME, "*name"), &["a", "b"]),
        (size.clone(), &["b"]),
    ] {
        assert_eq!(matching(&store, filter.clone()).await, expected, "{filter:?}");
    }
    commit(&store, [Change::Delete(a), Change::DeleteWithin(things(["b"]))]).await;
    for filter in [is(&COLOR, "red"), is(&COLOR, "blue"), like(&NAME, "*name"), size] {
        assert!(matching(&store, filter.clone()).await.is_empty(), "{filter:?}");
    }
}

/// A search within a range finds what lies in the range, by fields of any scope up to it.
pub async fn a_field_is_searched_within_its_scope(store: Arc<dyn Store>) {
    let deep = named("deep", 2, true);
    let mut changes = Vec::new();
    for parent in ["a", "b", "a\0"] {
        for middle in ["m", "n"] {
            for name in ["1", "2"] {
                let value = format!("value of {name}");
                let terms = [text(&LOCAL, &value), text(&deep, &value), text(&COLOR, &value)];
                changes.push(found(&thing([parent, middle, name]), "{}", terms));
            }
        }
    }
    // Shallower than the scope of `deep`: never found by it, and no trouble.
    changes.push(found(
        &thing(["a"]),
        "{}",
        [text(&deep, "value of 1"), text(&LOCAL, "value of 1")],
    ));
    commit(&store, changes).await;
    let within = |parts: &[&str], filter| {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        Query::within(things(parts.iter().map(String::as_str))).filter(filter)
    };
    let (one, all) = ("value of 1", "value*");
    assert_eq!(names(&store, &within(&["a", "m"], is(&deep, one))).await, ["1"]);
    assert_eq!(names(&store, &within(&["a", "m"], is(&LOCAL, one))).await, ["1"]);
    assert_eq!(names(&store, &within(&["a", "m"], is(&COLOR, one))).await, ["1"]);
    assert_eq!(names(&store, &within(&["a", "m"], like(&deep, all))).await, ["1", "2"]);
    assert_eq!(names(&store, &within(&["a"], is(&LOCAL, one))).await, ["a", "1", "1"]);
    assert_eq!(names(&store, &within(&["b"], is(&LOCAL, one))).await, ["1", "1"]);
    assert_eq!(names(&store, &within(&[], is(&COLOR, one))).await.len(), 6);
    assert_eq!(names(&store, &within(&["a", "m", "1"], is(&deep, one))).await, ["1"]);
    assert_eq!(names(&store, &within(&["a", "m", "2"], is(&deep, one))).await, [""; 0]);
}

/// Texts longer than a term are equal when they are equal as a whole.
pub async fn cut_texts_are_found_whole(store: Arc<dyn Store>) {
    let long = "é".repeat(2000);
    let (x, y) = (format!("start {long} x"), format!("start {long} y"));
    given(&store, &[("x", vec![text(&NAME, &x)]), ("y", vec![text(&NAME, &y)])]).await;
    assert_eq!(matching(&store, is(&NAME, &x)).await, ["x"]);
    assert_eq!(matching(&store, is(&NAME, &y)).await, ["y"]);
    assert_eq!(matching(&store, like(&NAME, "START ééé*")).await, ["x", "y"]);
}

/// However much a record is found by, each way leads to it.
pub async fn a_record_with_very_many_terms_is_found_by_each(store: Arc<dyn Store>) {
    let many: Vec<Term> = (0..500).map(|n| text(&COLOR, &format!("color {n}"))).collect();
    given(&store, &[("a", many.clone()), ("b", vec![many[7].clone(), number(&SIZE, 1)])]).await;
    for n in [0, 7, 499] {
        let color = is(&COLOR, &format!("color {n}"));
        let expected: &[&str] = if n == 7 { &["a", "b"] } else { &["a"] };
        assert_eq!(matching(&store, color.clone()).await, expected);
        let both = Filter::All(vec![color, is(&COLOR, "color 1")]);
        assert_eq!(matching(&store, both).await, ["a"]);
    }
    given(&store, &[("a", many[..1].to_vec())]).await;
    assert_eq!(matching(&store, is(&COLOR, "color 499")).await, [""; 0]);
    assert_eq!(matching(&store, is(&COLOR, "color 0")).await, ["a"]);
}
