//! Texts that are kept whole, to be searched by wildcards, and how long a term may be.

use std::sync::Arc;

use packhouse_core::store::{CommitError, Key, Store, StoreError, StoreErrorKind, Term, TermValue};

use super::support::{COLOR, NAME, batch, commit, find, found, like, matching, thing};

fn whole(text: &str) -> Term {
    Term { field: NAME, value: TermValue::whole_text(text) }
}

/// What differs only after hundreds of bytes, or thousands, is told apart.
pub async fn like_matches_a_long_text_to_its_end(store: Arc<dyn Store>) {
    let long = |middle: usize, end: &str| format!("Start {} {end}", "x".repeat(middle));
    let texts = [
        ("a", long(600, "the Needle")),
        ("b", long(600, "the noodle")),
        ("c", long(60_000, "the NEEDLE")),
        ("d", long(0, "the needle")),
        ("e", long(600, "the needle é")),
        ("f", "é".repeat(700)),
    ];
    let changes = texts.iter().map(|(key, text)| found(&thing([*key]), "{}", [whole(text)]));
    commit(&store, changes.collect::<Vec<_>>()).await;
    for (pattern, expected) in [
        ("*needle*", &["a", "c", "d", "e"][..]),
        ("*needle", &["a", "c", "d"]),
        ("START *N??DLE", &["a", "b", "c", "d"]),
        ("start x*needle", &["a", "c"]),
        ("*xx the noodle", &["b"]),
        ("*needle ?", &["e"]),
        ("*é", &["e", "f"]),
        ("*needles*", &[]),
    ] {
        assert_eq!(matching(&store, like(&NAME, pattern)).await, expected, "{pattern:?}");
    }
    commit(&store, [found(&thing(["a"]), "{}", [whole("short")])]).await;
    assert_eq!(matching(&store, like(&NAME, "*needle")).await, ["c", "d"], "what was is not found");
}

/// Each kind of field has its own bound: what is just within it is found, what is beyond refused
/// as a whole.
pub async fn a_term_over_the_bound_of_its_field_is_refused(store: Arc<dyn Store>) {
    let key = thing(["a"]);
    let of = |field, bytes: usize| {
        let value = TermValue::from_bytes(&[b"w", "x".repeat(bytes - 1).as_bytes()].concat());
        Term { field, value }
    };
    for (field, most) in [(COLOR, TermValue::MAX_BYTES), (NAME, TermValue::MAX_WHOLE_BYTES)] {
        let other = Key::new(super::support::THING, ["other"]);
        let changes = [found(&other, "{}", []), found(&key, "{}", [of(field.clone(), most + 1)])];
        match store.commit(&batch([], changes)).await {
            Err(CommitError::Failed(StoreError { kind: StoreErrorKind::Invalid, .. })) => {}
            told => panic!("expected a refusal of {field:?}, got {told:?}"),
        }
        assert_eq!((find(&store, &key).await, find(&store, &other).await), (None, None));
    }
    let both = [of(COLOR, TermValue::MAX_BYTES), of(NAME, TermValue::MAX_WHOLE_BYTES)];
    commit(&store, [found(&key, "{}", both.clone())]).await;
    let held = find(&store, &key).await.expect("it is there");
    assert_eq!(*held.terms, both);
    assert_eq!(matching(&store, like(&NAME, "*xxx")).await, ["a"]);
}
