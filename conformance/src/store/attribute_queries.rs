//! Random attributes and typed queries over them, answered by the store and by a meaning of their
//! own that knows no terms.
//!
//! `PACKHOUSE_DIFFERENTIAL_PAGES` and `PACKHOUSE_DIFFERENTIAL_SEED` as in `random_differential`.

use std::collections::BTreeMap;
use std::env;
use std::ops::Bound;
use std::sync::Arc;

use packhouse_core::model::attributes::{
    Attribute, AttributeQuery, AttributeType, AttributeValue, AttributeValues, Attributes, Clauses,
    Date, GivenValue, Mixed, Number,
};
use packhouse_core::names::AttributeName;
use packhouse_core::store::{Change, Field, KeyRange, Query, Start, Store};

use super::support::{Random, THING, commit, found, last_parts, select, thing, things};

const PAGES: u64 = 400;
const PAGES_A_ROUND: u64 = 40;

const FIELD: Field = Field::new("attribute", 1);
const NAMES: [&str; 4] = ["a", "ab", "_p", "ü"];

/// A spelling, and where it stands among those of its type: equal ones stand in the same place.
type Pool = &'static [(&'static str, usize)];

const STRINGS: Pool =
    &[("", 0), ("linux", 1), ("darwin", 2), ("1.0", 3), ("2015-01-04", 4), ("[1,2]", 5), ("\0", 6)];
const NUMBERS: Pool = &[
    ("-2.5", 0),
    ("-2.25", 1),
    ("0", 2),
    ("-0.0", 2),
    ("1", 3),
    ("1.0", 3),
    ("9007199254740992", 4),
    ("9007199254740993", 5),
    ("1e300", 6),
];
const DATES: Pool = &[
    ("0000-01-01", 0),
    ("2011-07-14T18:43:37Z", 1),
    ("2011-07-14T19:43:37+0100", 1),
    ("2015-01-04", 2),
    ("9999-12-31T23:59:59.999Z", 3),
];
const VERSIONS: Pool = &[
    ("1.0-alpha", 0),
    ("1.0~rc1", 1),
    ("1.0-rc1", 1),
    ("1.0", 2),
    ("1.0.0", 2),
    ("1.0-sp1", 3),
    ("1.9", 4),
    ("1.10", 5),
];
const BOOLEANS: Pool = &[("false", 0), ("true", 1)];

const TYPES: [(AttributeType, Pool); 5] = [
    (AttributeType::String, STRINGS),
    (AttributeType::Number, NUMBERS),
    (AttributeType::Date, DATES),
    (AttributeType::Version, VERSIONS),
    (AttributeType::Boolean, BOOLEANS),
];

/// A value: the number of its type, and of its spelling in the pool.
type Value = (usize, usize);

/// What a record has under each name: values of one type.
type Held = BTreeMap<&'static str, Vec<Value>>;

enum Condition {
    List(Vec<Value>),
    Range(usize, Bound<usize>, Bound<usize>),
}

type Clause = (&'static str, Condition);

/// The store finds by a typed query what the query says: content, order, totals and pages.
pub async fn random_attribute_queries_agree_with_their_meaning(store: Arc<dyn Store>) {
    let setting = |name, default| {
        env::var(name).map_or(default, |value| value.parse().expect("a number of pages or a seed"))
    };
    let pages = setting("PACKHOUSE_DIFFERENTIAL_PAGES", PAGES);
    let seed = setting("PACKHOUSE_DIFFERENTIAL_SEED", 20_201_231);
    for round in 0..pages.div_ceil(PAGES_A_ROUND) {
        let mut random = Random(seed + round);
        let about = format!("PACKHOUSE_DIFFERENTIAL_SEED={}", seed + round);
        let records = write(&mut random, &store).await;
        for _ in 0..PAGES_A_ROUND {
            compare(&mut random, &store, &records, &about).await;
        }
    }
}

/// Writes records anew, some of them twice, and gives what they hold by repository and name.
async fn write(random: &mut Random, store: &Arc<dyn Store>) -> BTreeMap<(usize, usize), Held> {
    let mut records = BTreeMap::new();
    let mut changes = vec![Change::DeleteWithin(KeyRange::within(THING, []))];
    for _ in 0..20 + random.below(150) {
        let (repo, name) = (random.below(2), random.below(100));
        let mut held = Held::new();
        for name in NAMES {
            if random.once_in(2) {
                held.insert(name, random_values(random));
            }
        }
        let list = held.iter().map(|(name, values)| attribute(name, values));
        let attributes = Attributes::new(list.collect()).expect("there are few");
        let terms: Vec<_> = attributes.terms(&FIELD).collect();
        changes.push(found(&key(repo, name), "{}", terms));
        records.insert((repo, name), held);
    }
    commit(store, changes).await;
    records
}

fn key(repo: usize, name: usize) -> packhouse_core::store::Key {
    thing([format!("r{repo}").as_str(), format!("{name:03}").as_str()])
}

fn random_values(random: &mut Random) -> Vec<Value> {
    let of = random.below(TYPES.len());
    let most = *random.pick(&[1, 1, 3]);
    let values = (0..random.below(most + 1)).map(|_| (of, random.below(TYPES[of].1.len())));
    values.collect()
}

fn given((of, at): Value) -> GivenValue {
    let (kind, pool) = TYPES[of];
    let text = pool[at].0;
    match kind {
        AttributeType::Number => GivenValue::Number(Number::parse(text).expect("it is a number")),
        AttributeType::Boolean => GivenValue::Boolean(text == "true"),
        _ => GivenValue::String(text.to_owned()),
    }
}

fn attribute(name: &str, values: &[Value]) -> Attribute {
    let kind = values.first().map(|(of, _)| TYPES[*of].0);
    let given: Vec<_> = values.iter().copied().map(given).collect();
    let values = AttributeValues::of(kind, &given, Mixed::Refused).expect("it is of its type");
    Attribute { name: AttributeName::parse(name).expect("it is a name"), values }
}

/// The value as a list of the search language has it: dates and versions are strings.
fn asked(value: Value) -> AttributeValue {
    match given(value) {
        GivenValue::String(text) => text.into(),
        GivenValue::Number(number) => number.into(),
        GivenValue::Boolean(value) => value.into(),
    }
}

/// The value as an end of a range of its type.
fn end((of, at): Value) -> AttributeValue {
    let (kind, pool) = TYPES[of];
    match kind {
        AttributeType::Date => Date::parse(pool[at].0).expect("it is a date").into(),
        AttributeType::Version => AttributeValue::Version(pool[at].0.to_owned()),
        _ => asked((of, at)),
    }
}

fn random_clause(random: &mut Random) -> Clause {
    let name = *random.pick(&NAMES);
    if random.once_in(2) {
        let values = (0..1 + random.below(3)).map(|_| {
            let of = random.below(TYPES.len());
            (of, random.below(TYPES[of].1.len()))
        });
        return (name, Condition::List(values.collect()));
    }
    // Numbers, dates and versions.
    let of = 1 + random.below(3);
    let [low, high] = [(); 2].map(|()| {
        let at = random.below(TYPES[of].1.len());
        match random.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(at),
            _ => Bound::Excluded(at),
        }
    });
    (name, Condition::Range(of, low, high))
}

fn typed(clauses: &[Clause]) -> AttributeQuery {
    let query =
        clauses.iter().try_fold(
            AttributeQuery::new(),
            |query, (name, condition)| match condition {
                Condition::List(values) => query.any_of(name, values.iter().copied().map(asked)),
                Condition::Range(of, low, high) => {
                    let ends = [low, high].map(|bound| bound.map(|at| end((*of, at))));
                    let [low, high] = ends;
                    query.between::<AttributeValue>(name, (low, high))
                }
            },
        );
    query.expect("it is a query")
}

fn place((of, at): Value) -> usize {
    TYPES[of].1[at].1
}

fn spelling((of, at): Value) -> &'static str {
    TYPES[of].1[at].0
}

/// Whether a value that is held is the one that is asked for.
fn is(held: Value, asked: Value) -> bool {
    use AttributeType::{Boolean, Date, Number, String, Version};
    match (TYPES[held.0].0, TYPES[asked.0].0) {
        (String | Version, String | Version | Date) => spelling(held) == spelling(asked),
        (Date, String | Version | Date) => {
            let date = DATES.iter().find(|(text, _)| *text == spelling(asked));
            date.is_some_and(|(_, at)| place(held) == *at)
        }
        (Number, Number) | (Boolean, Boolean) => place(held) == place(asked),
        _ => false,
    }
}

fn holds(held: &Held, (name, condition): &Clause, publisher: bool) -> bool {
    let Some(held) = held.get(name).filter(|_| publisher || !name.starts_with('_')) else {
        return false;
    };
    match condition {
        Condition::List(values) => {
            let has = |asked: &Value| held.iter().any(|held| is(*held, *asked));
            let alone = held.iter().all(|other| is(*other, held[0]));
            if alone { values.iter().any(has) } else { values.iter().all(has) }
        }
        Condition::Range(of, low, high) => {
            let open = (low, high) == (&Bound::Unbounded, &Bound::Unbounded);
            held.iter().any(|value| {
                let at = place(*value);
                let above = match low {
                    Bound::Included(low) => at >= place((*of, *low)),
                    Bound::Excluded(low) => at > place((*of, *low)),
                    Bound::Unbounded => true,
                };
                let below = match high {
                    Bound::Included(high) => at <= place((*of, *high)),
                    Bound::Excluded(high) => at < place((*of, *high)),
                    Bound::Unbounded => true,
                };
                open || value.0 == *of && above && below
            })
        }
    }
}

async fn compare(
    random: &mut Random,
    store: &Arc<dyn Store>,
    records: &BTreeMap<(usize, usize), Held>,
    about: &str,
) {
    let clauses: Vec<Clause> = (0..1 + random.below(3)).map(|_| random_clause(random)).collect();
    let (publisher, repo) = (random.once_in(2), random.below(2));
    let every = random.once_in(2);
    let joined = if every { Clauses::Every } else { Clauses::AtLeastOne };
    let matches = |held: &Held| {
        let mut each = clauses.iter().map(|clause| holds(held, clause, publisher));
        if every { each.all(|holds| holds) } else { each.any(|holds| holds) }
    };
    let expected: Vec<String> = records
        .iter()
        .filter(|((of, _), held)| *of == repo && matches(held))
        .map(|((_, name), _)| format!("{name:03}"))
        .collect();
    let typed = typed(&clauses);
    let about = format!("{about}: {joined:?} of {typed:?} for a publisher: {publisher}");
    let filter = typed.filter(&FIELD, joined, publisher);
    let limit = *random.pick(&[1, 3, 10_000]);
    let mut query = Query::within(things([format!("r{repo}").as_str()]))
        .filter(filter)
        .limit(limit)
        .with_total();
    let mut names = Vec::new();
    loop {
        let page = select(store, &query).await;
        assert_eq!(page.total, Some(expected.len() as u64), "{about}");
        names.extend(last_parts(&page));
        match page.next {
            Some(cursor) if names.len() < 12 || limit > 1 => {
                query = query.start(Start::After(cursor));
            }
            _ => break,
        }
    }
    assert_eq!(names, expected[..names.len()], "{about}");
    assert!(names.len() == expected.len() || limit == 1, "{about}");
}
