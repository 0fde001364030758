//! Reading records by key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use packhouse_core::store::{Key, Kind, Revision, Store};

use super::support::{
    COLOR, OWNER, SIZE, THING, commit, find, number, owned, put, read, text, thing,
};

/// Body, terms, owners and revisions come back.
pub async fn a_record_comes_back_as_it_was_put(store: Arc<dyn Store>) {
    let key = thing(["a", "b"]);
    let terms = [text(&COLOR, "red"), number(&SIZE, -3)];
    let owners = [Key::new(OWNER, ["a"]), Key::new(Kind::new("user"), ["zoë", "\0"])];
    let body = r#"{"name":"b","länge":1}"#;
    let committed = commit(&store, [owned(&key, body, terms.clone(), owners.clone())]).await;
    let record = find(&store, &key).await.expect("it is there");
    assert_eq!(record.key, key);
    assert_eq!(&*record.body, body);
    assert_eq!(*record.terms, terms);
    assert_eq!(*record.owners, owners);
    assert_eq!((record.born, record.revision), (committed.revision, committed.revision));
    assert!(committed.revision > Revision(0), "no record is as old as an empty store");
}

/// Terms are a set.
pub async fn terms_come_back_sorted_and_without_doubles(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let (red, blue, one) = (text(&COLOR, "red"), text(&COLOR, "blue"), number(&SIZE, 1));
    let terms = [one.clone(), red.clone(), blue.clone(), red.clone(), one.clone()];
    commit(&store, [owned(&key, "1", terms, [])]).await;
    assert_eq!(*find(&store, &key).await.expect("it is there").terms, [blue, red, one]);
}

/// There is no error for what is not there.
pub async fn an_absent_record_is_none(store: Arc<dyn Store>) {
    assert_eq!(find(&store, &thing(["a"])).await, None);
    commit(&store, [put(&thing(["a", "b"]), "1")]).await;
    assert_eq!(find(&store, &thing(["a"])).await, None, "a parent is not there with its child");
    assert_eq!(find(&store, &Key::new(OWNER, ["a", "b"])).await, None, "nor is another kind");
}

/// The answer has the order of the question, also for a key that is asked for twice.
pub async fn records_come_in_the_order_asked_for(store: Arc<dyn Store>) {
    let [a, b, c] = ["a", "b", "c"].map(|name| thing([name]));
    commit(&store, [put(&a, r#""a""#), put(&b, r#""b""#)]).await;
    let found = read(&store, &[b.clone(), c, a.clone(), b.clone()]).await;
    let keys: Vec<Option<Key>> =
        found.into_iter().map(|record| record.map(|record| record.key)).collect();
    assert_eq!(keys, [Some(b.clone()), None, Some(a), Some(b)]);
}

/// A question without keys is answered.
pub async fn reading_nothing_gives_nothing(store: Arc<dyn Store>) {
    assert_eq!(read(&store, &[]).await, []);
}

/// No two tuples of texts share a place.
pub async fn keys_that_look_alike_are_different_records(store: Arc<dyn Store>) {
    let mut keys: Vec<Key> = [
        &["a", "b"][..],
        &["ab"],
        &["a", "b", ""],
        &["", "a", "b"],
        &["a\0b"],
        &["a\u{1}b"],
        &["a\u{1}", "b"],
        &["a\0", "b"],
        &["a", "\0b"],
        &["A", "b"],
        &["é"],
        &["e\u{301}"],
        &["a/b"],
        &["😀", "\u{10ffff}"],
        &[],
        &[""],
    ]
    .into_iter()
    .map(|parts| thing(parts.iter().copied()))
    .collect();
    keys.push(Key::new(Kind::new("thing_a"), ["b"]));
    keys.push(Key::new(Kind::new("thin"), ["a", "b"]));
    let changes: Vec<_> =
        keys.iter().enumerate().map(|(n, key)| put(key, &n.to_string())).collect();
    commit(&store, changes).await;
    for (n, record) in read(&store, &keys).await.into_iter().enumerate() {
        let record = record.unwrap_or_else(|| panic!("{:?} is lost", keys[n]));
        assert_eq!((record.key, &*record.body), (keys[n].clone(), &*n.to_string()));
    }
}

/// A key may have all the bytes that the port promises.
pub async fn the_longest_key_is_taken(store: Arc<dyn Store>) {
    let room = Key::MAX_BYTES - thing([""]).as_bytes().len();
    let (full, other) = ("x".repeat(room), format!("{}y", "x".repeat(room - 1)));
    let keys = [thing([full.as_str()]), thing([other.as_str()])];
    assert_eq!(keys[0].as_bytes().len(), Key::MAX_BYTES);
    let changes = keys.clone().map(|key| owned(&key, "1", [text(&COLOR, &full)], []));
    commit(&store, changes).await;
    for record in read(&store, &keys).await {
        assert_eq!(&*record.expect("it is there").body, "1");
    }
}

/// A body may be large.
pub async fn a_large_body_comes_back(store: Arc<dyn Store>) {
    let body = format!("{:?}", "0123456789abcdé".repeat(1 << 19));
    let key = Key::new(THING, ["large"]);
    commit(&store, [put(&key, &body)]).await;
    assert!(*find(&store, &key).await.expect("it is there").body == body, "the body is another");
}

/// What one batch wrote is seen together or not at all.
pub async fn many_keys_are_read_from_one_snapshot(store: Arc<dyn Store>) {
    let keys: Vec<Key> = (0..8).map(|n| thing([n.to_string().as_str()])).collect();
    let all =
        |number: usize| keys.iter().map(|key| put(key, &number.to_string())).collect::<Vec<_>>();
    commit(&store, all(0)).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (store, keys, done) = (Arc::clone(&store), keys.clone(), Arc::clone(&done));
        readers.push(tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let found = read(&store, &keys).await;
                let bodies: Vec<_> =
                    found.into_iter().flatten().map(|record| record.body).collect();
                assert!(bodies.iter().all(|body| *body == bodies[0]), "a mixture: {bodies:?}");
                tokio::task::yield_now().await;
            }
        }));
    }
    for number in 1..60 {
        commit(&store, all(number)).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("each snapshot is whole");
    }
}
