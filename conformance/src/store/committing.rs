//! What a batch expects, changes and answers.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use packhouse_core::store::{
    Batch, Change, CommitError, Expectation, Key, KeyRange, Kind, Revision, Store, StoreError,
    StoreErrorKind, Term, TermValue,
};

use super::support::{
    COLOR, OWNER, THING, batch, commit, conflict, find, found, fresh_id, is, matching, names,
    owned, put, read, text, thing, things,
};

/// Writing again keeps where a record was born, and replaces everything else.
pub async fn put_makes_and_writes_anew(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let first =
        commit(&store, [owned(&key, "1", [text(&COLOR, "red")], [Key::new(OWNER, ["a"])])]).await;
    let second = commit(&store, [put(&key, "2")]).await;
    let record = find(&store, &key).await.expect("it is there");
    assert_eq!((record.born, record.revision), (first.revision, second.revision));
    assert_eq!((&*record.body, record.terms.len(), record.owners.len()), ("2", 0, 0));
}

/// A record that is deleted and made anew cannot be taken for the old one.
pub async fn a_record_made_again_is_born_again(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let first = commit(&store, [put(&key, "1")]).await;
    commit(&store, [Change::Delete(key.clone())]).await;
    let third = commit(&store, [put(&key, "1")]).await;
    assert_eq!(find(&store, &key).await.expect("it is there").born, third.revision);
    let old = batch([Expectation::Born(key.clone(), first.revision)], [put(&key, "2")]);
    conflict(&store, &old).await;
    // In one batch, too.
    let fourth = commit(&store, [Change::Delete(key.clone()), put(&key, "4")]).await;
    assert_eq!(find(&store, &key).await.expect("it is there").born, fourth.revision);
}

/// Each commit has a number of its own, greater than any before it.
pub async fn revisions_grow_and_are_never_used_again(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let mut last = Revision(0);
    for n in 0..20 {
        let committed = match n % 4 {
            0 => commit(&store, [put(&key, "1")]).await,
            1 => commit(&store, [Change::Delete(key.clone())]).await,
            2 => commit(&store, [Change::DeleteWithin(things([]))]).await,
            _ => commit(&store, []).await,
        };
        assert!(committed.revision > last, "{committed:?} after {last:?}");
        last = committed.revision;
        let failing = batch([Expectation::Present(thing(["nowhere"]))], [put(&key, "x")]);
        conflict(&store, &failing).await;
    }
}

/// Deleting what is not there is no error.
pub async fn delete_and_delete_within_remove(store: Arc<dyn Store>) {
    let key = |parts: &[&str]| thing(parts.iter().copied());
    let keys = [key(&["a"]), key(&["a", "b"]), key(&["a", "b", "c"]), key(&["a\0"]), key(&["ab"])];
    let all = || keys.iter().map(|key| put(key, "1")).collect::<Vec<_>>();
    commit(&store, all()).await;
    commit(&store, [Change::Delete(keys[0].clone()), Change::Delete(key(&["nowhere"]))]).await;
    let there = read(&store, &keys).await.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(there, [false, true, true, true, true], "children outlive a deleted parent");
    commit(&store, all()).await;
    commit(&store, [Change::DeleteWithin(things(["a"])), Change::DeleteWithin(things(["x"]))])
        .await;
    let there = read(&store, &keys).await.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(there, [false, false, false, true, true]);
    let other = Key::new(OWNER, ["a"]);
    commit(&store, [put(&other, "1")]).await;
    commit(&store, [Change::DeleteWithin(KeyRange::within(THING, []))]).await;
    assert!(read(&store, &keys).await.iter().all(Option::is_none));
    assert!(find(&store, &other).await.is_some());
}

/// A later change of a batch sees the earlier ones.
pub async fn changes_are_applied_in_their_order(store: Arc<dyn Store>) {
    let (a, b) = (thing(["a"]), thing(["b"]));
    commit(
        &store,
        [
            found(&a, "1", [text(&COLOR, "red")]),
            found(&a, "2", [text(&COLOR, "blue")]),
            put(&b, "1"),
            Change::DeleteWithin(things(["b"])),
            Change::Add(thing(["n"]), 5),
            Change::Raise(thing(["n"]), 3),
            Change::Add(thing(["n"]), 1),
            Change::Delete(thing(["m"])),
            put(&thing(["m"]), "7"),
            Change::Add(thing(["m"]), 1),
        ],
    )
    .await;
    let bodies: Vec<String> = read(&store, &[a, thing(["n"]), thing(["m"])])
        .await
        .into_iter()
        .map(|record| record.expect("it is there").body.to_string())
        .collect();
    assert_eq!(bodies, ["2", "6", "8"]);
    assert_eq!(find(&store, &b).await, None);
    assert_eq!(matching(&store, is(&COLOR, "red")).await, [""; 0]);
    assert_eq!(matching(&store, is(&COLOR, "blue")).await, ["a"]);
}

/// All or nothing.
pub async fn a_failed_expectation_changes_nothing(store: Arc<dyn Store>) {
    let (a, n, s) = (thing(["a"]), thing(["n"]), thing(["s"]));
    commit(&store, [found(&a, "1", [text(&COLOR, "red")]), Change::Add(n.clone(), 1)]).await;
    let before = read(&store, &[a.clone(), n.clone()]).await;
    let append = Change::Append { stream: s.clone(), body: "1".into() };
    let failing = batch(
        [Expectation::Present(a.clone()), Expectation::Absent(a.clone())],
        [
            found(&a, "2", [text(&COLOR, "blue")]),
            Change::Add(n.clone(), 1),
            append.clone(),
            put(&thing(["b"]), "1"),
            Change::DeleteWithin(things(["n"])),
        ],
    );
    conflict(&store, &failing).await;
    assert_eq!(read(&store, &[a, n]).await, before);
    assert_eq!(names(&store, &packhouse_core::store::Query::within(things([]))).await, ["a", "n"]);
    assert_eq!(matching(&store, is(&COLOR, "blue")).await, [""; 0]);
    assert_eq!(commit(&store, [append]).await.appended, [1], "no number was given");
}

/// Each kind of expectation, when it holds and when it does not.
pub async fn every_expectation_holds_and_fails_as_it_says(store: Arc<dyn Store>) {
    let (a, b, n) = (thing(["a"]), thing(["b"]), thing(["n"]));
    let born = commit(&store, [put(&a, "1"), Change::Add(n.clone(), 5)]).await.revision;
    let written = commit(&store, [put(&a, "2")]).await.revision;
    let child = thing(["p", "c"]);
    commit(&store, [put(&child, "1")]).await;
    let later = Revision(written.0 + 1000);
    let empty = |parts: &[&str]| Expectation::Empty(things(parts.iter().copied()));
    let holds = [
        Expectation::Absent(b.clone()),
        Expectation::Absent(thing(["p"])),
        Expectation::Present(a.clone()),
        Expectation::At(a.clone(), written),
        Expectation::Born(a.clone(), born),
        empty(&["b"]),
        empty(&["p", "c", "d"]),
        Expectation::Empty(KeyRange::within(Kind::new("things"), [])),
        Expectation::AtMost(n.clone(), 5),
        Expectation::AtMost(n.clone(), i64::MAX),
        Expectation::AtMost(b.clone(), 0),
    ];
    let fails = [
        Expectation::Absent(a.clone()),
        Expectation::Present(b.clone()),
        Expectation::Present(thing(["p"])),
        Expectation::At(a.clone(), born),
        Expectation::At(a.clone(), later),
        Expectation::At(b.clone(), written),
        Expectation::Born(a.clone(), written),
        Expectation::Born(b.clone(), born),
        empty(&["a"]),
        empty(&["p"]),
        empty(&["p", "c"]),
        empty(&[]),
        Expectation::AtMost(n, 4),
        Expectation::AtMost(b, -1),
    ];
    for expectation in &holds {
        let result = store.commit(&batch([expectation.clone()], [])).await;
        assert!(result.is_ok(), "{expectation:?}: {result:?}");
    }
    for expectation in &fails {
        let failed = conflict(&store, &batch([expectation.clone()], [put(&a, "3")])).await;
        assert_eq!(failed, *expectation);
    }
    assert_eq!(&*find(&store, &a).await.expect("it is there").body, "2");
}

/// The conflict says which expectation, so that the right thing is read again.
pub async fn the_failed_expectation_is_named(store: Arc<dyn Store>) {
    let (a, b) = (thing(["a"]), thing(["b"]));
    commit(&store, [put(&a, "1")]).await;
    let failing = batch(
        [
            Expectation::Present(a.clone()),
            Expectation::AtMost(b.clone(), 3),
            Expectation::Present(b.clone()),
            Expectation::Absent(b.clone()),
        ],
        [put(&b, "1")],
    );
    assert_eq!(conflict(&store, &failing).await, Expectation::Present(b));
}

/// The batch's own changes neither fulfil nor break what it expects.
pub async fn expectations_see_the_state_before_the_batch(store: Arc<dyn Store>) {
    let a = thing(["a"]);
    let made = batch(
        [Expectation::Absent(a.clone()), Expectation::Empty(things([]))],
        [put(&a, "1"), Change::Add(thing(["n"]), 9)],
    );
    store.commit(&made).await.expect("nothing was there before");
    let failing = batch([Expectation::Absent(a.clone())], [Change::Delete(a)]);
    conflict(&store, &failing).await;
}

/// A batch id that committed answers its first outcome and does nothing more.
pub async fn the_same_batch_again_changes_nothing(store: Arc<dyn Store>) {
    let (a, n) = (thing(["a"]), thing(["n"]));
    let append = Change::Append { stream: thing(["s"]), body: "1".into() };
    let once = batch(
        [Expectation::Absent(a.clone())],
        [put(&a, "1"), Change::Add(n.clone(), 1), append.clone(), append],
    );
    let first = store.commit(&once).await.expect("it is committed");
    assert_eq!(first.appended, [1, 2]);
    commit(&store, [put(&a, "2")]).await;
    for _ in 0..3 {
        assert_eq!(store.commit(&once).await.expect("it was committed"), first);
    }
    // The id decides, whatever comes with it.
    let other =
        Batch { id: once.id, expectations: vec![], changes: vec![Change::Delete(a.clone())] };
    assert_eq!(store.commit(&other).await.expect("it was committed"), first);
    let found = read(&store, &[a, n]).await;
    let bodies: Vec<_> =
        found.into_iter().map(|record| record.expect("it is there").body).collect();
    assert_eq!(bodies, ["2".into(), "1".into()]);
}

/// Only what was committed is remembered.
pub async fn a_conflict_may_be_tried_again_with_the_same_id(store: Arc<dyn Store>) {
    let (a, b) = (thing(["a"]), thing(["b"]));
    let waiting = batch([Expectation::Present(a.clone())], [put(&b, "1")]);
    conflict(&store, &waiting).await;
    commit(&store, [put(&a, "1")]).await;
    store.commit(&waiting).await.expect("it holds now");
    assert!(find(&store, &b).await.is_some());
}

/// `Batch::check` is asked before anything is changed.
pub async fn a_batch_that_breaks_a_bound_is_refused(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let many = vec![Change::Add(key.clone(), 1); Batch::MAX_CHANGES + 1];
    let long_key = thing([&*"x".repeat(Key::MAX_BYTES)]);
    let long_term = Term { field: COLOR, value: TermValue::from_bytes(&[b't'; 600]) };
    let half: Arc<str> = format!("{:?}", "x".repeat(Batch::MAX_BYTES / 2)).into();
    let large = [1, 2].map(|_| Change::Put {
        key: key.clone(),
        body: half.clone(),
        terms: vec![],
        owners: vec![],
    });
    for changes in [
        many,
        vec![put(&key, "1"), put(&long_key, "1")],
        vec![put(&key, "1"), found(&key, "1", [long_term])],
        large.to_vec(),
    ] {
        match store.commit(&batch([], changes)).await {
            Err(CommitError::Failed(StoreError { kind: StoreErrorKind::Invalid, .. })) => {}
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
    assert_eq!(find(&store, &key).await, None);
}

/// As many changes as the port allows, in one commit.
pub async fn a_batch_of_very_many_changes_is_taken(store: Arc<dyn Store>) {
    let changes: Vec<Change> = (0..Batch::MAX_CHANGES)
        .map(|n| put(&thing(["p", format!("{n:06}").as_str()]), &n.to_string()))
        .collect();
    let committed = commit(&store, changes).await;
    let last = find(&store, &thing(["p", "099999"])).await.expect("it is there");
    assert_eq!((&*last.body, last.revision), ("99999", committed.revision));
    commit(&store, [Change::DeleteWithin(things(["p"]))]).await;
    assert_eq!(find(&store, &thing(["p", "000000"])).await, None);
}

/// Giving up on an answer does not undo the batch, nor leave it half done, nor harm the next ones.
pub async fn a_dropped_commit_leaves_all_or_nothing(store: Arc<dyn Store>) {
    let mut batches = Vec::new();
    for n in 0..50 {
        let (a, b) = (thing(["a", &n.to_string()]), thing(["b", &n.to_string()]));
        let both = Batch { id: fresh_id(), ..batch([], [put(&a, "1"), put(&b, "1")]) };
        {
            let mut commit = pin!(store.commit(&both));
            // Some are dropped before they were ever polled.
            if n % 5 != 0 {
                let _ = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
        }
        batches.push((both, [a, b]));
    }
    commit(&store, [put(&thing(["c"]), "1")]).await;
    for (both, keys) in batches {
        let there = read(&store, &keys).await.iter().flatten().count();
        assert!(there == 0 || there == 2, "{there} of 2");
        store.commit(&both).await.expect("the same batch, once more");
        assert_eq!(read(&store, &keys).await.iter().flatten().count(), 2);
    }
}
