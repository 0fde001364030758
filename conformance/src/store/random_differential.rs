//! Random records and queries, answered by the store and by the meaning.
//!
//! `PACKHOUSE_DIFFERENTIAL_PAGES` sets how many pages are compared (a few hundred by default), and
//! `PACKHOUSE_DIFFERENTIAL_SEED` where to begin. A failure prints the seed of its round.

use std::collections::BTreeMap;
use std::env;
use std::ops::Bound;
use std::sync::Arc;

use packhouse_core::memory::MemoryStore;
use packhouse_core::store::{
    Batch, Change, Direction, Field, Filter, Key, KeyRange, Order, Page, Query, Record, Start,
    Store, Term, TermValue,
};

use super::support::{
    COLOR, LOCAL, NAME, OWNER, PUBLIC, Random, SIZE, THING, fresh_id, like, named, scan, select,
    things,
};

const PAGES: u64 = 400;

/// How many pages are compared on the same records.
const PAGES_A_ROUND: u64 = 40;

const WORDS: [&str; 10] =
    ["", "red", "Red", "blue", "blues", "light blue", "green_1", "100%", "it's", "é\0x"];

const PATTERNS: [&str; 12] =
    ["*", "", "r*", "*ed", "blue*", "*LUE*", "?ed", "*t b*", "gr*n_?", "*%", "it'*", "*\0*"];

/// The store agrees with `Filter::matches` and with the store in memory: content, order, total,
/// and the walk by cursors.
pub async fn random_pages_agree_with_the_meaning(store: Arc<dyn Store>) {
    let setting = |name, default| {
        env::var(name).map_or(default, |value| value.parse().expect("a number of pages or a seed"))
    };
    let pages = setting("PACKHOUSE_DIFFERENTIAL_PAGES", PAGES);
    let seed = setting("PACKHOUSE_DIFFERENTIAL_SEED", 20_190_701);
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for round in 0..pages.div_ceil(PAGES_A_ROUND) {
        let mut random = Random(seed + round);
        let about = format!("PACKHOUSE_DIFFERENTIAL_SEED={}", seed + round);
        change_both(&mut random, &store, &memory, round == 0).await;
        for _ in 0..PAGES_A_ROUND {
            let query = random_query(&mut random);
            compare(&store, &memory, &query, &about).await;
        }
    }
}

/// Gives both stores the same batch: deletions, and new or changed records.
async fn change_both(
    random: &mut Random,
    store: &Arc<dyn Store>,
    memory: &Arc<dyn Store>,
    first: bool,
) {
    // Each round starts anew, so that its seed alone gives its records.
    let clear = |kind| Change::DeleteWithin(KeyRange::within(kind, []));
    let mut changes = if first { Vec::new() } else { vec![clear(THING), clear(OWNER)] };
    for _ in 0..30 + random.below(200) {
        let key = random_key(random);
        if random.once_in(6) {
            changes.push(Change::Delete(key));
            continue;
        }
        let terms = random_terms(random);
        let owners = random_owners(random, &key);
        let body = format!("{}", random.below(1000)).into();
        changes.push(Change::Put { key, body, terms, owners });
    }
    if random.once_in(3) {
        let parent = random.pick(&WORDS);
        changes.push(Change::DeleteWithin(things([*parent])));
    }
    let batch = Batch { id: fresh_id(), expectations: vec![], changes };
    for store in [store, memory] {
        store.commit(&batch).await.expect("the batch is committed");
    }
}

fn random_key(random: &mut Random) -> Key {
    let kind = if random.once_in(5) { OWNER } else { THING };
    let depth = if kind == OWNER { 1 } else { random.below(4) };
    let parts: Vec<&str> = (0..depth).map(|_| *random.pick(&WORDS[..6])).collect();
    Key::new(kind, parts)
}

fn random_terms(random: &mut Random) -> Vec<Term> {
    let mut terms = Vec::new();
    for field in fields() {
        // One value at most of what is ordered by.
        let most = if field.name == "color" || field.name == "name" { 3 } else { 2 };
        for _ in 0..random.below(most + 1).min(if most == 2 { 1 } else { 3 }) {
            terms.push(Term { value: random_value(random, &field), field: field.clone() });
        }
    }
    if random.once_in(20) {
        terms.extend((0..60).map(|n| Term {
            field: COLOR,
            value: TermValue::text(&format!("color {n} of a long list of colors")),
        }));
    }
    terms
}

fn random_owners(random: &mut Random, key: &Key) -> Vec<Key> {
    let mut owners = Vec::new();
    if random.once_in(2) {
        owners.push(Key::new(OWNER, [*random.pick(&WORDS[..6])]));
    }
    if random.once_in(4) {
        let parts = key.parts();
        let depth = random.below(parts.len() + 1);
        owners.push(Key::new(THING, parts[..depth].iter().map(String::as_str)));
    }
    owners
}

fn fields() -> [Field; 6] {
    [COLOR, SIZE, LOCAL, NAME, PUBLIC, named("deep", 2, true)]
}

fn random_value(random: &mut Random, field: &Field) -> TermValue {
    match &*field.name {
        "size" | "local" if !random.once_in(5) => {
            TermValue::integer(i64::try_from(random.below(7)).expect("it is small") - 3)
        }
        "public" => TermValue::boolean(random.once_in(2)),
        _ => TermValue::text(pick(random, &WORDS)),
    }
}

fn pick(random: &mut Random, from: &[&'static str]) -> &'static str {
    from[random.below(from.len())]
}

fn random_query(random: &mut Random) -> Query {
    let depth = random.below(3);
    let parts: Vec<&str> = (0..depth).map(|_| *random.pick(&WORDS[..6])).collect();
    let direction = if random.once_in(2) { Direction::Ascending } else { Direction::Descending };
    let mut order = Order::Key(direction);
    if random.once_in(2) {
        let field = random.pick(&[SIZE, LOCAL, PUBLIC]).clone();
        if field.scope <= depth {
            order = Order::Term(field, direction);
        }
    }
    let limit = *random.pick(&[0, 1, 2, 5, 20, 10_000]);
    let start = Start::Skip(if random.once_in(3) { random.below(30) as u64 } else { 0 });
    let query = Query::within(things(parts))
        .filter(random_filter(random, depth, 0))
        .order(order)
        .limit(limit)
        .start(start);
    let query = if random.once_in(2) { query.with_total() } else { query };
    match random.below(6) {
        0 | 1 => query.keys(),
        2 => query.names(),
        _ => query,
    }
}

fn random_filter(random: &mut Random, fixed: usize, depth: usize) -> Filter {
    let some = |random: &mut Random| {
        (0..random.below(4)).map(|_| random_filter(random, fixed, depth + 1)).collect()
    };
    match random.below(if depth < 3 { 12 } else { 7 }) {
        0 => Filter::everything(),
        1..=6 => random_condition(random, fixed),
        7 | 8 => Filter::All(some(random)),
        9 => Filter::Any(some(random)),
        10 => Filter::Not(Box::new(random_filter(random, fixed, depth + 1))),
        _ => {
            let of = if random.once_in(3) { THING } else { OWNER };
            Filter::Of(of, Box::new(random_filter(random, usize::MAX, depth + 1)))
        }
    }
}

fn random_condition(random: &mut Random, fixed: usize) -> Filter {
    let fields: Vec<Field> = fields().into_iter().filter(|field| field.scope <= fixed).collect();
    let field = random.pick(&fields).clone();
    match random.below(4) {
        0 if field.wildcard => like(&field, pick(random, &PATTERNS)),
        0 | 1 => Filter::Is(field.clone(), random_value(random, &field)),
        2 => {
            let values = (0..random.below(3)).map(|_| random_value(random, &field)).collect();
            Filter::Contains(field, values)
        }
        _ => {
            let [low, high] = [(); 2].map(|()| {
                let value = random_value(random, &field);
                match random.below(3) {
                    0 => Bound::Unbounded,
                    1 => Bound::Included(value),
                    _ => Bound::Excluded(value),
                }
            });
            Filter::Between(field, low, high)
        }
    }
}

/// Compares every page from the query's start on, a scan, and the meaning.
async fn compare(store: &Arc<dyn Store>, memory: &Arc<dyn Store>, query: &Query, about: &str) {
    let mut query = query.clone();
    for _ in 0..6 {
        let (page, expected) = (select(store, &query).await, select(memory, &query).await);
        let bare =
            |record: &Record| (record.body.clone(), record.terms.clone(), record.owners.clone());
        let rows = |page: &Page| -> Vec<_> {
            page.rows.iter().map(|row| (row.key.clone(), row.record.as_ref().map(bare))).collect()
        };
        assert_eq!(rows(&page), rows(&expected), "{about}: {query:?}");
        assert_eq!(page.names, expected.names, "{about}: {query:?}");
        assert_eq!(page.total, expected.total, "{about}: total of {query:?}");
        assert_eq!(page.next, expected.next, "{about}: cursor of {query:?}");
        match page.next {
            Some(cursor) => query = query.start(Start::After(cursor)),
            None => break,
        }
    }
    let keys = |records: Vec<Record>| records.into_iter().map(|record| record.key);
    let mut scanned: Vec<Key> = keys(scan(store, &query).await).collect();
    assert!(
        keys(scan(memory, &query).await).eq(scanned.iter().cloned()),
        "{about}: scan of {query:?}"
    );
    scanned.sort();
    assert_eq!(scanned, meaning(memory, &query).await, "{about}: meaning of {query:?}");
}

/// The keys of the records that the query's condition holds for, by key, from the definition.
async fn meaning(memory: &Arc<dyn Store>, query: &Query) -> Vec<Key> {
    let mut all = BTreeMap::new();
    for kind in [THING, OWNER] {
        let range = KeyRange::within(kind, []);
        for record in scan(memory, &Query::within(range)).await {
            all.insert(record.key.clone(), record);
        }
    }
    let owner = |key: &Key| all.get(key).cloned();
    let ordered = |record: &Record| match &query.order {
        Order::Key(_) => true,
        Order::Term(field, _) => record.values(field).next().is_some(),
    };
    all.values()
        .filter(|record| query.range.contains(&record.key) && ordered(record))
        .filter(|record| query.filter.matches(record, &owner))
        .map(|record| record.key.clone())
        .collect()
}
