//! What a page costs, in steps that SQLite takes: times would depend on the machine.

use std::cell::{Cell, RefCell};
use std::ops::Bound;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::executor::block_on;
use packhouse_core::store::{
    Batch, BatchId, Change, Cursor, Direction, Field, Filter, Key, KeyRange, Kind, Order, Pattern,
    Query, Start, Store, StoreErrorKind, Term, TermValue,
};
use tempfile::TempDir;

use super::share::TAKEN_FROM_THE_END;
use super::{Offer, Share, Turn, help, select};
use crate::fault::Fault;
use crate::queue::Queue;
use crate::records::Reader;
use crate::serve::{Connections, Search, Select, select_at_once};
use crate::{SqliteOptions, SqliteStore, schema};

const THING: Kind = Kind::new("thing");
const COLOR: Field = Field::new("color", 0);
const SHAPE: Field = Field::new("shape", 0);
const NAME: Field = Field::new("name", 0).wildcard();
const MADE: Field = Field::new("made", 0);

const COUNT: usize = 40_000;

/// A store of red round things, with a blue one in a hundred.
fn store(options: &SqliteOptions) -> (TempDir, SqliteStore) {
    store_of(options, |n| {
        let color = if n % 100 == 99 { "blue" } else { "red" };
        let terms =
            vec![term(COLOR, TermValue::text(color)), term(SHAPE, TermValue::text("round"))];
        (Key::new(THING, [format!("{n:06}").as_str()]), terms)
    })
}

fn store_of(
    options: &SqliteOptions,
    thing: impl Fn(usize) -> (Key, Vec<Term>),
) -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("packhouse.db"), options).unwrap();
    let changes = (0..COUNT).map(|n| {
        let (key, terms) = thing(n);
        Change::Put { key, body: "1".into(), terms, owners: vec![] }
    });
    let batch = Batch { id: BatchId([1; 16]), expectations: vec![], changes: changes.collect() };
    block_on(store.commit(&batch)).unwrap();
    (folder, store)
}

fn term(field: Field, value: TermValue) -> Term {
    Term { field, value }
}

fn things(filter: Filter) -> Query {
    Query::within(KeyRange::within(THING, [])).filter(filter).limit(10)
}

fn is(field: Field, value: &str) -> Filter {
    Filter::Is(field, TermValue::text(value))
}

/// A reader that counts the steps of SQLite.
struct Counted {
    reader: Reader,
    steps: Arc<AtomicU64>,
}

impl Counted {
    fn of(folder: &TempDir) -> Self {
        let mut reader = reader(folder);
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        reader.connection.progress_handler(1, Some(count)).unwrap();
        Self { reader, steps }
    }

    /// The steps that a query takes which gives so many rows.
    fn cost(&mut self, query: &Query, rows: usize) -> u64 {
        self.steps.store(0, Ordering::Relaxed);
        let page = select(&mut self.reader, query, &|_| {}).unwrap();
        assert_eq!(page.rows.len(), rows, "{query:?}");
        self.steps.load(Ordering::Relaxed)
    }
}

fn reader(folder: &TempDir) -> Reader {
    Reader::new(schema::open_reader(&folder.path().join("packhouse.db"), 1 << 20).unwrap())
}

#[test]
fn a_page_among_very_many_matches_does_not_count_them() {
    let (folder, _store) = store(&SqliteOptions::default());
    let mut counted = Counted::of(&folder);
    let mut cost = |query: &Query| counted.cost(query, 10);
    let one = cost(&things(is(COLOR, "red")));
    let both = Filter::All(vec![is(COLOR, "red"), is(SHAPE, "round")]);
    let two = cost(&things(both.clone()));
    let all = cost(&things(both).with_total());
    assert!(one < all / 4, "{one} steps of {all} for a condition that has the order");
    assert!(two < all / 3, "{two} steps of {all} for conditions that are counted up to a bound");
    let rare = cost(&things(Filter::All(vec![is(SHAPE, "round"), is(COLOR, "blue")])));
    assert!(rare < all / 2, "{rare} steps of {all}: the rarer condition is found");
}

/// A store of things in so many boxes.
fn boxes(many: usize) -> (TempDir, SqliteStore) {
    store_of(&SqliteOptions::default(), |n| {
        let (inside, name) = ((n % many).to_string(), format!("lib {n}"));
        let terms = vec![
            term(NAME, TermValue::whole_text(&name)),
            term(MADE, number(n)),
            term(SHAPE, TermValue::text("round")),
        ];
        (Key::new(THING, [inside.as_str(), name.as_str()]), terms)
    })
}

#[test]
fn a_value_that_all_boxes_have_is_found_in_one_of_them() {
    let (folder, _store) = boxes(80);
    let mut reader = reader(&folder);
    let mut found = |query: Query| {
        let page = select(&mut reader, &query.keys().with_total(), &|_| {}).unwrap();
        let names: Vec<String> =
            page.rows.iter().map(|row| row.key.last().as_str().to_owned()).collect();
        (page.total, names)
    };
    let mut expected: Vec<String> = (77..COUNT).step_by(80).map(|n| format!("lib {n}")).collect();
    expected.sort_unstable();
    // Some blocks have no row but of this box.
    let round = in_a_box(is(SHAPE, "round")).limit(500);
    assert_eq!(found(round.clone()), (Some(500), expected.clone()));
    expected.reverse();
    let backwards = round.order(Order::Key(Direction::Descending));
    assert_eq!(found(backwards), (Some(500), expected));
}

#[test]
fn a_page_after_a_cursor_stays_in_its_box() {
    let (folder, _store) = boxes(2);
    let within = Query::within(KeyRange::within(THING, ["1"]));
    let round = TermValue::text("round");
    let query = within
        .filter(Filter::Between(SHAPE, Bound::Included(round.clone()), Bound::Unbounded))
        .order(Order::Term(SHAPE, Direction::Descending))
        .limit(10)
        .keys();
    let mut names: Vec<String> = (1..COUNT).step_by(2).map(|n| format!("lib {n}")).collect();
    names.sort_unstable();
    // All have one value, so that where the page begins is told by the key alone.
    let key = Key::new(THING, ["1", names[4].as_str()]);
    let last = query.start(Start::After(Cursor { value: Some(round), key }));
    let page = select(&mut reader(&folder), &last, &|_| {}).unwrap();
    let found: Vec<String> = page.rows.iter().map(|row| row.key.last()).collect();
    assert_eq!(found, names[..4].iter().rev().cloned().collect::<Vec<_>>());
}

fn in_a_box(filter: Filter) -> Query {
    Query::within(KeyRange::within(THING, ["77"])).filter(filter)
}

fn like(pattern: &str) -> Filter {
    Filter::Like(NAME, Pattern::new(pattern).unwrap())
}

fn number(n: usize) -> TermValue {
    TermValue::integer(i64::try_from(n).unwrap())
}

#[test]
fn a_search_within_a_small_box_costs_what_the_box_holds() {
    let (folder, _store) = boxes(400);
    let mut counted = Counted::of(&folder);
    let within = |filter, order| in_a_box(filter).order(order).limit(10);
    let since = |n| Filter::Between(MADE, Bound::Included(number(n)), Bound::Unbounded);
    let by_key = Order::Key(Direction::Ascending);
    let all = counted.cost(&things(like("*lib*")).with_total(), 10);
    for (filter, rows) in [
        (like("*lib*"), 10),
        (like("*7*"), 10),
        (like("*nowhere*"), 0),
        (since(COUNT / 2), 10),
        (Filter::All(vec![like("*lib*"), since(COUNT / 2)]), 10),
        (Filter::Any(vec![like("*lib*"), since(COUNT - 1)]), 10),
        (Filter::Any(vec![like("*lib 77"), Filter::All(vec![like("*b*"), since(10)])]), 10),
        (Filter::everything(), 10),
    ] {
        for order in [by_key.clone(), Order::Term(MADE, Direction::Descending)] {
            let query = within(filter.clone(), order);
            for query in [query.clone(), query.with_total()] {
                let cost = counted.cost(&query, rows);
                assert!(cost < all / 30, "{cost} steps of {all} for all boxes: {query:?}");
            }
        }
    }
}

/// Holds of nothing, and no index knows.
fn unselective() -> Query {
    things(Filter::Not(Box::new(is(SHAPE, "round"))))
}

#[test]
fn a_query_that_takes_too_long_is_ended_and_the_next_one_is_answered() {
    let (folder, _store) = store(&SqliteOptions::default());
    let mut reader = reader(&folder).limited().unwrap();
    let mut within = |limit, query: Query| {
        reader
            .in_snapshot_within(limit, |reader| select(reader, &query, &|_| {}))
            .map(|page| page.rows.len())
    };
    let fault = within(Duration::ZERO, unselective()).expect_err("it takes longer");
    assert!(matches!(fault, Fault::Late), "{fault:?}");
    assert_eq!(fault.kind(), StoreErrorKind::Unavailable);
    assert_eq!(within(Duration::from_secs(100), unselective()).unwrap(), 0);
    assert_eq!(within(Duration::ZERO, things(is(COLOR, "red"))).unwrap(), 10, "it is short");
}

#[test]
fn a_query_of_few_steps_has_its_limit_too() {
    let (folder, _store) = boxes(400);
    let mut reader = reader(&folder).limited().unwrap();
    // SQLite does not look at the clock for a hundred records, which take some steps each.
    for filter in [Filter::Not(Box::new(like("*lib*"))), like("*lib*")] {
        let query = in_a_box(filter).with_total();
        let page =
            reader.in_snapshot_within(Duration::ZERO, |reader| select(reader, &query, &|_| {}));
        assert!(matches!(page, Err(Fault::Late)), "{query:?}");
    }
}

#[test]
fn queries_have_the_limit_that_is_told() {
    let options = SqliteOptions { select_limit: Duration::ZERO, ..SqliteOptions::default() };
    let (_folder, store) = store(&options);
    let error = block_on(store.select(&unselective())).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable);
}

#[test]
fn a_page_of_a_range_of_very_many_does_not_collect_them() {
    let (folder, _store) = boxes(1);
    let mut counted = Counted::of(&folder);
    let (low, high) = (Bound::Included(number(1_000)), Bound::Excluded(number(39_000)));
    let range = things(Filter::Between(MADE, low, high));
    let page = counted.cost(&range, 10);
    let all = counted.cost(&range.with_total(), 10);
    assert!(page < all / 2, "{page} steps of {all}");
}

/// Things of a range: by what index rows say alone, by what they carry, and in another order.
fn many() -> [Query; 4] {
    let (low, high) = (Bound::Included(number(1_000)), Bound::Excluded(number(39_000)));
    let made = Filter::Between(MADE, low, high);
    let no_square = Filter::Not(Box::new(is(SHAPE, "square")));
    let both = things(Filter::All(vec![made.clone(), no_square]));
    let by_shape = things(made.clone()).order(Order::Term(SHAPE, Direction::Descending));
    // Where not all could be asked for, collecting has a bound.
    let bounded = both.clone().keys().limit(COUNT - 2);
    let [made, both, by_shape] =
        [things(made), both, by_shape].map(|query| query.keys().limit(COUNT));
    [made, both, by_shape, bounded]
}

fn names(folder: &TempDir, query: &Query, offer: &Offer<'_>) -> Result<Vec<Key>, Fault> {
    let limit = Duration::from_secs(60);
    let page = reader(folder).in_snapshot_within(limit, |reader| select(reader, query, offer))?;
    Ok(page.rows.into_iter().map(|row| row.key).collect())
}

#[test]
fn a_search_that_is_shared_finds_what_one_alone_does() {
    let (folder, _store) = boxes(1);
    for query in many() {
        let alone = names(&folder, &query, &|_| {}).unwrap();
        assert_eq!(alone.len(), 38_000);
        // Somebody helps for a few blocks each time it is offered.
        let (offered, helper) = (AtomicU64::new(0), RefCell::new(reader(&folder)));
        let for_a_while = |share: &Arc<Share>| {
            offered.fetch_add(1, Ordering::Relaxed);
            let left = Cell::new(12);
            help(&mut helper.borrow_mut(), share, || left.replace(left.get().max(1) - 1) > 0);
        };
        assert_eq!(names(&folder, &query, &for_a_while).unwrap(), alone);
        let often = offered.swap(0, Ordering::Relaxed);
        // Somebody takes all that is left.
        let to_the_end = |share: &Arc<Share>| {
            offered.fetch_add(1, Ordering::Relaxed);
            help(&mut helper.borrow_mut(), share, || true);
        };
        assert_eq!(names(&folder, &query, &to_the_end).unwrap(), alone);
        assert_eq!(offered.load(Ordering::Relaxed), 1);
        // Nearly forty times if nothing that was done for a while were left out afterwards; what has a
        // bound is collected twice.
        assert!(query.limit < COUNT || (3..30).contains(&often), "{often}");
        let both_at_once = thread::scope(|scope| {
            let beside = |share: &Arc<Share>| {
                let (share, mut helper) = (Arc::clone(share), reader(&folder));
                scope.spawn(move || help(&mut helper, &share, || true));
            };
            names(&folder, &query, &beside)
        });
        assert_eq!(both_at_once.unwrap(), alone);
    }
}

#[test]
fn a_search_of_a_long_range_is_offered_from_its_first_block_on() {
    let (folder, _store) = boxes(1);
    let offers = |query: Query| {
        let offers = Cell::new(0);
        names(&folder, &query, &|_| offers.set(offers.get() + 1)).unwrap();
        offers.get()
    };
    // Again after a thousand candidates each.
    let of = |end: usize| offers(made_before(end).keys());
    assert_eq!([500, 8_900].map(of), [0, 9]);
    // Few are collected before it turns out that there is a better way.
    assert_eq!(offers(made_before(38_000).keys().limit(10)), 0);
}

#[test]
fn who_helps_in_a_search_reads_its_snapshot() {
    let (folder, store) = boxes(1);
    let [query, ..] = many();
    let alone = names(&folder, &query, &|_| {}).unwrap();
    let removed = Cell::new(false);
    let later = |share: &Arc<Share>| {
        if !removed.replace(true) {
            let remove = |key: &Key| Change::Delete(key.clone());
            let changes = alone.iter().rev().take(5_000).map(remove).collect();
            let batch = Batch { id: BatchId([2; 16]), expectations: vec![], changes };
            block_on(store.commit(&batch)).unwrap();
        }
        help(&mut reader(&folder), share, || true);
    };
    assert_eq!(names(&folder, &query, &later).unwrap(), alone);
    assert_eq!(names(&folder, &query, &|_| {}).unwrap().len(), alone.len() - 5_000);
}

#[test]
fn a_search_fails_when_who_helps_does_with_what_was_claimed() {
    let (folder, _store) = boxes(1);
    let [query, ..] = many();
    let gone = |claims: bool| {
        let offer = move |share: &Arc<Share>| {
            let helping = share.join().unwrap();
            assert!(!claims || helping.claim((&[0xff], &[])) != Turn::Stop);
        };
        names(&folder, &query, &offer)
    };
    assert!(matches!(gone(true), Err(Fault::Lost)));
    assert_eq!(gone(false).unwrap().len(), 38_000);
}

#[test]
fn searches_that_help_each_other_are_all_answered() {
    let (folder, store) = boxes(1);
    let expected = many().map(|query| names(&folder, &query, &|_| {}).unwrap());
    let ask = |at: usize| {
        let page = block_on(store.select(&many()[at])).unwrap();
        assert!(page.rows.iter().map(|row| &row.key).eq(&expected[at]));
    };
    // One alone: the other thread has nothing to do, and may need a moment to wake up.
    let (before, began) = (TAKEN_FROM_THE_END.load(Ordering::Relaxed), Instant::now());
    while TAKEN_FROM_THE_END.load(Ordering::Relaxed) == before {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody helps");
        ask(1);
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..4).for_each(ask));
        }
    });
}

const LONG: Duration = Duration::from_secs(60);

/// What searches read with: one connection, and nobody who serves the queue.
fn at_once(folder: &TempDir, limit: Duration) -> (Connections, Queue<Search>) {
    let connections = Connections::new(limit);
    connections.add(reader(folder).limited().unwrap());
    (connections, Queue::new())
}

/// The names of things that are made before some time.
fn made_before(end: usize) -> Query {
    let (low, high) = (Bound::Included(number(0)), Bound::Excluded(number(end)));
    things(Filter::Between(MADE, low, high)).names().limit(COUNT)
}

#[test]
fn a_search_for_few_names_is_answered_at_once_unless_somebody_searches() {
    let (folder, _store) = boxes(1);
    let (connections, queue) = at_once(&folder, LONG);
    let ask =
        |query: &Query| block_on(select_at_once(&connections, &queue, query)).map(Result::unwrap);
    let small = made_before(500);
    for query in [&small, &small.clone().limit(7), &small.clone().limit(7).with_total()] {
        let expected = select(&mut reader(&folder), query, &|_| {}).unwrap();
        assert_eq!(ask(query).as_ref(), Some(&expected));
        assert_eq!(expected.names.len(), query.limit.min(500));
    }
    let round = is(SHAPE, "round");
    let both = Filter::All(vec![small.filter.clone(), round.clone()]);
    let no_square = Filter::Not(Box::new(is(SHAPE, "square")));
    let checked = Filter::All(vec![small.filter.clone(), no_square]);
    for other in [
        made_before(38_000),
        small.clone().keys(),
        small.clone().order(Order::Term(MADE, Direction::Ascending)),
        things(both).names(),
        things(checked).names(),
        in_a_box(small.filter.clone()).names(),
        things(Filter::Not(Box::new(round))).names(),
        things(Filter::Like(NAME, Pattern::new("*lib 7*").unwrap())).names(),
    ] {
        assert!(ask(&other).is_none(), "{other:?}");
    }
    let lent = connections.spare().unwrap();
    connections.add(reader(&folder));
    assert!(ask(&small).is_none(), "somebody searches");
    drop(lent);
    assert!(ask(&small).is_some());
    let (answer, _answered) = oneshot::channel();
    let job = Select { query: made_before(1), asked: Instant::now(), answer };
    queue.push(Search::Select(Box::new(job))).unwrap();
    assert!(ask(&small).is_none(), "somebody waits");
}

#[test]
fn after_a_search_that_took_too_long_the_next_ones_are_left_to_the_threads() {
    let (folder, _store) = boxes(1);
    let (connections, queue) = at_once(&folder, Duration::ZERO);
    // Whatever it takes is too long here.
    for _ in 0..3 {
        assert!(!connections.leave_one_out());
        assert!(block_on(select_at_once(&connections, &queue, &made_before(500))).is_none());
        assert!((0..64).all(|_| connections.leave_one_out()));
    }
}

#[test]
fn what_went_wrong_is_told_even_if_the_snapshot_is_gone() {
    let (folder, _store) = boxes(1);
    let mut reader = reader(&folder);
    // As SQLite itself does after some faults of the disk.
    let lost = reader.in_snapshot(|reader| {
        reader.connection.execute_batch("ROLLBACK")?;
        Err::<(), _>(Fault::Lost)
    });
    assert!(matches!(lost, Err(Fault::Lost)), "{lost:?}");
    reader.in_snapshot(|_| Ok(())).unwrap();
}

#[test]
fn a_connection_comes_back_from_who_panicked() {
    let (folder, _store) = boxes(1);
    let (connections, queue) = at_once(&folder, LONG);
    let panicked = thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let mut lent = connections.wait();
            let panic = |_: &mut Reader| -> Result<(), Fault> { panic!("in a snapshot") };
            lent.in_snapshot_within(LONG, panic)
        });
        panics.join()
    });
    assert!(panicked.is_err());
    let page = block_on(select_at_once(&connections, &queue, &made_before(7))).unwrap().unwrap();
    assert_eq!(page.names.len(), 7);
}

#[test]
fn who_waits_for_a_connection_gets_the_next_one() {
    let (folder, _store) = boxes(1);
    let (connections, _queue) = at_once(&folder, LONG);
    let lent = connections.wait();
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut lent = connections.wait();
            select(&mut lent, &made_before(7), &|_| {}).unwrap().names.len()
        });
        while connections.waiting() == 0 {
            thread::yield_now();
        }
        connections.add(reader(&folder));
        assert!(connections.spare().is_none(), "somebody waits for it");
        drop(lent);
        assert_eq!(waits.join().unwrap(), 7);
    });
}

#[test]
fn who_is_answered_at_once_lets_others_go_first_and_comes_back() {
    let (folder, _store) = boxes(1);
    let (connections, queue) = at_once(&folder, LONG);
    let mut context = Context::from_waker(Waker::noop());
    let query = made_before(7);
    let mut asking = pin!(select_at_once(&connections, &queue, &query));
    assert!(asking.as_mut().poll(&mut context).is_pending());
    // They may search meanwhile.
    assert!(connections.spare().is_some());
    let Poll::Ready(Some(Ok(page))) = asking.as_mut().poll(&mut context) else { panic!() };
    assert_eq!(page.names.len(), 7);
    // Whoever runs tasks hears that it wants to go on.
    assert!(block_on(select_at_once(&connections, &queue, &query)).is_some());
    // Nobody waits for what the threads are to answer.
    let query = made_before(38_000);
    let mut asking = pin!(select_at_once(&connections, &queue, &query));
    assert!(matches!(asking.as_mut().poll(&mut context), Poll::Ready(None)));
}
