//! What a person sees with the `sqlite3` shell.

use packhouse_core::store::{Change, Key, Kind, Store};

use crate::support::{Place, batch};

fn package(parts: &[&str], body: &str) -> Change {
    let key = Key::new(Kind::new("package"), parts.iter().copied());
    Change::Put { key, body: body.into(), terms: vec![], owners: vec![] }
}

#[tokio::test]
async fn each_kind_has_a_view_with_named_columns() {
    let place = Place::new();
    let store = place.open();
    let body = r#"{"name":"tool","desc":"it's a \"tool\"","labels":["a"],"path":"x","a\"b":1}"#;
    let other = Change::Put {
        key: Key::new(Kind::new("package_tag"), ["t"]),
        body: r#"{"tag":"t"}"#.into(),
        terms: vec![],
        owners: vec![],
    };
    store.commit(&batch([package(&["alice", "generic", "tool"], body), other])).await.unwrap();
    // The view is made after the answer, and before the next one.
    store.commit(&batch([])).await.unwrap();
    let database = place.database();
    let row: (String, String, String, String, String, i64) = database
        .query_row(
            "SELECT path, name, desc, labels, body_path, revision FROM view_package",
            [],
            |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            },
        )
        .unwrap();
    let expected = ("alice/generic/tool", "tool", "it's a \"tool\"", "[\"a\"]", "x", 1);
    assert_eq!((&*row.0, &*row.1, &*row.2, &*row.3, &*row.4, row.5), expected);

    // A later body has one key more.
    let body = r#"{"name":"new","watched":true}"#;
    store.commit(&batch([package(&["bob", "generic", "é \u{1}"], body)])).await.unwrap();
    drop((store, database));
    drop(place.open());
    let watched: i64 = place
        .database()
        .query_row("SELECT watched FROM view_package WHERE path LIKE 'bob/generic/é%'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(watched, 1);
}
