//! Orders, pages and cursors.

use std::sync::Arc;

use packhouse_core::store::{
    Change, Cursor, Direction, Filter, Order, Page, Query, Start, Store, TermValue,
};

use super::support::{
    COLOR, SIZE, commit, found, is, last_parts, named, names, number, select, text, thing, things,
};

const UP: Direction = Direction::Ascending;
const DOWN: Direction = Direction::Descending;

fn all() -> Query {
    Query::within(things([]))
}

fn by_size(direction: Direction) -> Query {
    all().order(Order::Term(SIZE, direction))
}

/// Things `00`, `01`, … with sizes of a few values and every third one red.
async fn given(store: &Arc<dyn Store>, count: i64) {
    let changes: Vec<Change> = (0..count)
        .map(|n| {
            let color = if n % 3 == 0 { "red" } else { "blue" };
            let terms = [number(&SIZE, n * 7 % 5), text(&COLOR, color)];
            found(&thing([format!("{n:03}").as_str()]), &n.to_string(), terms)
        })
        .collect();
    commit(store, changes).await;
}

/// Every page from the first to the last.
async fn walk(store: &Arc<dyn Store>, query: &Query) -> Vec<Page> {
    let mut pages = vec![select(store, query).await];
    while let Some(cursor) = pages[pages.len() - 1].next.clone() {
        assert!(pages.len() < 1000, "the pages never end");
        pages.push(select(store, &query.clone().start(Start::After(cursor))).await);
    }
    pages
}

/// Keys compare part by part.
pub async fn by_key_in_both_directions(store: Arc<dyn Store>) {
    let keys = [
        &["a"][..],
        &["a", "b"],
        &["a", "b\0"],
        &["a", "b\u{1}"],
        &["a", "bb"],
        &["a\0"],
        &["aa"],
        &["é"],
    ];
    let changes: Vec<Change> =
        keys.iter().rev().map(|parts| found(&thing(parts.iter().copied()), "1", [])).collect();
    commit(&store, changes).await;
    let mut expected: Vec<String> =
        keys.iter().filter_map(|parts| Some((*parts.last()?).to_owned())).collect();
    assert_eq!(names(&store, &all()).await, expected);
    expected.reverse();
    assert_eq!(names(&store, &all().order(Order::Key(DOWN))).await, expected);
}

/// Equal values are ordered by key, in the same direction.
pub async fn by_term_with_ties_by_key(store: Arc<dyn Store>) {
    let sizes = [("a", 3), ("b", -1), ("c", 3), ("d", 0), ("e", -1)];
    let changes = sizes.map(|(name, size)| found(&thing([name]), "1", [number(&SIZE, size)]));
    commit(&store, changes).await;
    assert_eq!(names(&store, &by_size(UP)).await, ["b", "e", "d", "a", "c"]);
    assert_eq!(names(&store, &by_size(DOWN)).await, ["c", "a", "d", "e", "b"]);
}

/// An order by a field is an order of those who have it.
pub async fn records_without_the_field_are_left_out(store: Arc<dyn Store>) {
    let sized = found(&thing(["a"]), "1", [number(&SIZE, 1)]);
    commit(&store, [sized, found(&thing(["b"]), "1", [text(&COLOR, "red")])]).await;
    assert_eq!(names(&store, &by_size(UP)).await, ["a"]);
    assert_eq!(names(&store, &by_size(UP).filter(is(&COLOR, "red"))).await, [""; 0]);
    let unheard_of = Order::Term(named("unheard_of", 0, false), UP);
    assert_eq!(names(&store, &all().order(unheard_of).with_total()).await, [""; 0]);
}

/// The pages of a walk are the whole, in order, each record once.
pub async fn pages_join_to_the_whole(store: Arc<dyn Store>) {
    given(&store, 100).await;
    for filter in
        [Filter::everything(), is(&COLOR, "red"), Filter::Not(Box::new(is(&COLOR, "red")))]
    {
        for order in
            [Order::Key(UP), Order::Key(DOWN), Order::Term(SIZE, UP), Order::Term(SIZE, DOWN)]
        {
            let query = all().filter(filter.clone()).order(order);
            let whole = names(&store, &query).await;
            for limit in [1, 7, 33, 34] {
                let pages = walk(&store, &query.clone().limit(limit)).await;
                let joined: Vec<String> = pages.iter().flat_map(last_parts).collect();
                assert_eq!(joined, whole, "{query:?} by {limit}");
                for page in &pages[..pages.len() - 1] {
                    assert_eq!(page.rows.len(), limit);
                }
            }
        }
    }
}

/// There is a next page only if something is on it.
pub async fn a_full_last_page_has_no_cursor(store: Arc<dyn Store>) {
    given(&store, 10).await;
    for query in [all(), by_size(DOWN), all().filter(is(&COLOR, "blue")).limit(6)] {
        let count = names(&store, &query.clone().limit(100)).await.len();
        assert!(select(&store, &query.clone().limit(count)).await.next.is_none());
        assert!(select(&store, &query.limit(count - 1)).await.next.is_some());
    }
}

/// A cursor is a place, not a record.
pub async fn a_cursor_outlives_its_record(store: Arc<dyn Store>) {
    given(&store, 20).await;
    for query in [all(), all().order(Order::Key(DOWN)), by_size(UP), by_size(DOWN)] {
        let whole = names(&store, &query).await;
        let page = select(&store, &query.clone().limit(5)).await;
        let cursor = page.next.expect("there is more");
        let gone = page.rows[4].key.clone();
        commit(&store, [Change::Delete(gone.clone())]).await;
        let rest = names(&store, &query.clone().start(Start::After(cursor))).await;
        assert_eq!(rest, whole[5..], "{query:?}");
        let name = gone.parts().swap_remove(0);
        let n: i64 = name.parse().expect("names are numbers");
        let terms = [number(&SIZE, n * 7 % 5), text(&COLOR, "red")];
        commit(&store, [found(&gone, "1", terms)]).await;
    }
    // A place where no record ever was.
    let nowhere = Cursor { value: Some(TermValue::integer(2)), key: thing(["0055"]) };
    let rest = names(&store, &by_size(UP).start(Start::After(nowhere))).await;
    assert!(rest.len() < 20 && !rest.is_empty());
    let far = Cursor { value: None, key: thing(["zzz"]) };
    assert_eq!(names(&store, &all().start(Start::After(far))).await, [""; 0]);
}

/// T242: what stays is given once, whatever comes and goes between the pages.
pub async fn what_stays_is_given_once_while_others_come_and_go(store: Arc<dyn Store>) {
    given(&store, 60).await;
    for query in [all(), all().order(Order::Key(DOWN)), by_size(UP), by_size(DOWN)] {
        let whole = names(&store, &query).await;
        let (mut start, mut seen) = (query.start.clone(), Vec::new());
        for come in [true, false].into_iter().cycle() {
            let page = select(&store, &query.clone().start(start).limit(7)).await;
            seen.extend(last_parts(&page).into_iter().filter(|name| whole.contains(name)));
            let others = whole.iter().zip(0..).map(|(name, n)| {
                let other = thing([format!("{name}-").as_str()]);
                if come {
                    found(&other, "1", [number(&SIZE, n % 5)])
                } else {
                    Change::Delete(other)
                }
            });
            commit(&store, others.collect::<Vec<_>>()).await;
            let Some(next) = page.next else { break };
            start = Start::After(next);
        }
        assert_eq!(seen, whole, "{query:?}");
    }
}

/// A page may start after a number of records.
pub async fn skipping_leaves_out_the_first(store: Arc<dyn Store>) {
    given(&store, 30).await;
    for query in [all(), by_size(DOWN), by_size(UP).filter(is(&COLOR, "blue"))] {
        let whole = names(&store, &query).await;
        for skip in [0, 1, 10, whole.len(), 1000] {
            let page =
                select(&store, &query.clone().start(Start::Skip(skip as u64)).limit(5)).await;
            let rest = &whole[skip.min(whole.len())..];
            assert_eq!(last_parts(&page), rest[..rest.len().min(5)]);
            assert_eq!(page.next.is_some(), rest.len() > 5);
        }
        let page = select(&store, &query.start(Start::Skip(u64::MAX))).await;
        assert!(page.rows.is_empty() && page.next.is_none());
    }
}

/// Whichever way a backend goes about it, the answer is the same.
pub async fn a_rare_match_and_a_common_one_are_both_paged(store: Arc<dyn Store>) {
    let changes: Vec<Change> = (0..3000_i64)
        .map(|n| {
            let rarity = if n % 1000 == 999 { "rare" } else { "common" };
            let terms = [number(&SIZE, 3000 - n), text(&COLOR, rarity)];
            found(&thing([format!("{n:04}").as_str()]), "1", terms)
        })
        .collect();
    commit(&store, changes).await;
    let first = |color, query: Query| query.filter(is(&COLOR, color)).limit(2);
    assert_eq!(names(&store, &first("rare", all())).await, ["0999", "1999"]);
    assert_eq!(names(&store, &first("rare", by_size(UP))).await, ["2999", "1999"]);
    assert_eq!(names(&store, &first("common", all())).await, ["0000", "0001"]);
    assert_eq!(names(&store, &first("common", by_size(UP))).await, ["2998", "2997"]);
    let page = select(&store, &first("common", by_size(DOWN)).with_total()).await;
    assert_eq!((last_parts(&page), page.total), (vec!["0000".into(), "0001".into()], Some(2997)));
    let not_common = Filter::Not(Box::new(is(&COLOR, "common")));
    assert_eq!(names(&store, &by_size(DOWN).filter(not_common).limit(1)).await, ["0999"]);
}
