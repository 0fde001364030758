//! "Attributes", "File Attributes" and the searches by them, with the document's own examples.

use serde_json::{Value, json};

use crate::app::{Answer, App, NOW, OWNER, PUBLISHER, READER, STRANGER};

/// What the document sets, as text: JSON values of tests would not keep how numbers are spelled.
const DOCUMENTED: &str = r#"[
    {"name": "att1", "values" : ["val1"], "type": "string"},
    {"name": "att2", "values" : [1, 2.2, 4]},
    {"name": "att3", "values" : ["2011-07-14T19:43:37+0100", "2011-07-14T19:43:37+0100", "1994-11-05T13:15:30Z"], "type": "date"}
]"#;

/// What the document answers, with each value once.
const ANSWERED: &str = r#"[{"name":"att1","type":"string","values":["val1"]},{"name":"att2","type":"number","values":[1,2.2,4]},{"name":"att3","type":"date","values":["2011-07-14T19:43:37+0100","1994-11-05T13:15:30Z"]}]"#;

/// Where attributes lie: of a package, a version and a file that everyone sees.
const PLACES: [&str; 3] = [
    "/packages/acme/tools/app/attributes",
    "/packages/acme/tools/app/versions/1.0/attributes",
    "/files/acme/tools/app/1.0/app.bin/attributes",
];

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// As it is answered of files.
fn in_capitals(text: &str, of_file: bool) -> String {
    let mut text = text.to_owned();
    for kind in ["string", "number", "date", "boolean", "version"] {
        let (from, to) = (format!(r#""type":"{kind}""#), kind.to_ascii_uppercase());
        if of_file {
            text = text.replace(&from, &format!(r#""type":"{to}""#));
        }
    }
    text
}

async fn set(app: &App, path: &str, body: &str) -> Answer {
    app.post(path).by(OWNER).body(body.to_owned()).await
}

/// Sets attributes that must be taken.
async fn given(app: &App, path: &str, body: Value) {
    let answer = set(app, path, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn names(answer: Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let found = answer.value();
    found.as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_documents_attributes_are_set_shown_and_answered_whole() {
    let app = App::furnished().await;
    for prefix in ["", "/api/v1", "/"] {
        for (place, of_file) in PLACES.into_iter().zip([false, false, true]) {
            let path = format!("{prefix}{place}");
            let expected = in_capitals(ANSWERED, of_file);
            let answer = set(&app, &path, DOCUMENTED).await;
            assert_eq!((answer.status, text(&answer)), (200, expected.clone()), "{path}");
            for caller in ["", STRANGER, READER, PUBLISHER] {
                let answer = app.get(&path).by(caller).await;
                assert_eq!((answer.status, text(&answer)), (200, expected.clone()), "{path}");
            }
            let cleared = set(&app, &path, "[]").await;
            assert_eq!((cleared.status, text(&cleared)), (200, "[]".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_mixed_list_is_refused_but_by_patch_of_packages_and_versions() {
    let app = App::furnished().await;
    let mixed = r#"[{"name": "att4", "values" : [1.1, "elephant", 3.1]}]"#;
    for (path, of_file) in PLACES.into_iter().zip([false, false, true]) {
        given(&app, path, json!([{"name": "att1", "values": ["val1"]}])).await;
        set(&app, path, mixed).await.refuses(400,
            "attribute 1 ('att4'): the values are of several types, number and string: give values of one type",
        );
        let merged = app.patch(path).by(OWNER).body(mixed).await;
        if of_file {
            merged.refuses(400,
                "attribute 1 ('att4'): the values are of several types, number and string: give values of one type",
            );
            continue;
        }
        let expected = in_capitals(
            r#"[{"name":"att1","type":"string","values":["val1"]},{"name":"att4","type":"string","values":["1.1","elephant","3.1"]}]"#,
            of_file,
        );
        assert_eq!((merged.status, text(&merged)), (200, expected), "{path}");
    }
}

/// T237: numbers come back digit by digit, beyond 2^53 too.
#[tokio::test]
async fn numbers_keep_their_form_and_nulls_are_listed() {
    let app = App::furnished().await;
    let body = r#"[{"name":"n","values":[9007199254740993,1.10,-0,1E5,5]},{"name":"null","values":null},{"name":"b","values":true,"type":"Boolean"},{"name":"v","values":["1.10"],"type":"VERSION"}]"#;
    let expected = r#"[{"name":"n","type":"number","values":[9007199254740993,1.10,-0,1E5,5]},{"name":"null","type":"string","values":[]},{"name":"b","type":"boolean","values":[true]},{"name":"v","type":"version","values":["1.10"]}]"#;
    let answer = set(&app, PLACES[0], body).await;
    assert_eq!((answer.status, text(&answer)), (200, expected.to_owned()));
    let shown = app.get("/packages/acme/tools/app?attribute_values=1").by(OWNER).await;
    let values =
        r#""attributes":{"n":[9007199254740993,1.10,-0,1E5,5],"null":[],"b":[true],"v":["1.10"]}"#;
    assert!(text(&shown).contains(values), "{shown:?}");
}

#[tokio::test]
async fn patch_keeps_the_others_and_replaces_the_same() {
    let app = App::furnished().await;
    for (path, of_file) in PLACES.into_iter().zip([false, false, true]) {
        set(&app, path, DOCUMENTED).await;
        let merged = app.patch(path).by(OWNER).json(&json!([
            {"name": "att2", "values": ["new"]}, {"name": "att5", "values": [true]},
        ]));
        let expected = in_capitals(
            r#"[{"name":"att1","type":"string","values":["val1"]},{"name":"att2","type":"string","values":["new"]},{"name":"att3","type":"date","values":["2011-07-14T19:43:37+0100","1994-11-05T13:15:30Z"]},{"name":"att5","type":"boolean","values":[true]}]"#,
            of_file,
        );
        let merged = merged.await;
        assert_eq!((merged.status, text(&merged)), (200, expected), "{path}");
    }
}

#[tokio::test]
async fn names_choose_and_an_empty_choice_is_all() {
    let app = App::furnished().await;
    for path in PLACES {
        set(&app, path, DOCUMENTED).await;
        for (query, expected) in [
            ("?names=att3,att1", &["att1", "att3"][..]),
            ("?names=att1,%20absent", &["att1"]),
            ("?names=absent", &[]),
            ("?names=", &["att1", "att2", "att3"]),
            ("?names", &["att1", "att2", "att3"]),
        ] {
            assert_eq!(names(app.get(&format!("{path}{query}")).await).await, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn delete_takes_some_or_all() {
    let app = App::furnished().await;
    let of_file =
        "Attributes were deleted successfully from the following file path: app/1.0/app.bin";
    for (path, message) in PLACES.into_iter().zip(["success", "success", of_file]) {
        set(&app, path, DOCUMENTED).await;
        app.delete(&format!("{path}?names=att1,att3,absent"))
            .by(OWNER)
            .await
            .is(200, &json!({"message": message}));
        assert_eq!(names(app.get(path).await).await, ["att2"]);
        app.delete(&format!("{path}?names=")).by(OWNER).await.is(200, &json!({"message": message}));
        app.get(path).await.is(200, &json!([]));
    }
}

#[tokio::test]
async fn a_leading_underscore_is_for_publishers() {
    let app = App::furnished().await;
    let body = json!([{"name": "_secret", "values": ["x"]}, {"name": "open", "values": ["y"]}]);
    for path in PLACES {
        given(&app, path, body.clone()).await;
        for caller in [OWNER, PUBLISHER] {
            assert_eq!(names(app.get(path).by(caller).await).await, ["_secret", "open"], "{path}");
        }
        for caller in ["", STRANGER, READER] {
            assert_eq!(names(app.get(path).by(caller).await).await, ["open"], "{path}");
            app.get(&format!("{path}?names=_secret")).by(caller).await.is(200, &json!([]));
        }
    }
    for path in ["/packages/acme/tools/app", "/packages/acme/tools/app/versions/1.0"] {
        let shown = async |caller| {
            let (plain, values) =
                (app.get(path).by(caller).await, app.get(&format!("{path}?attribute_values=1")));
            (
                plain.value()["attribute_names"].clone(),
                values.by(caller).await.value()["attributes"].clone(),
            )
        };
        assert_eq!(
            shown(PUBLISHER).await,
            (json!(["_secret", "open"]), json!({"_secret": ["x"], "open": ["y"]}))
        );
        assert_eq!(shown(STRANGER).await, (json!(["open"]), json!({"open": ["y"]})));
    }
    for path in SEARCHES {
        let found = |caller| app.post(path).by(caller).json(&json!([{"_secret": ["x"]}]));
        assert_eq!(found(PUBLISHER).await.value().as_array().unwrap().len(), 1, "{path}");
        for caller in ["", STRANGER, READER] {
            let found = found(caller).await;
            found.is_page((0, 0, 0), &json!([]));
        }
    }
}

const SEARCHES: [&str; 3] = [
    "/search/attributes/acme/tools",
    "/search/attributes/acme/tools/app/versions",
    "/files/acme/tools/search/attributes",
];

#[tokio::test]
async fn attribute_names_give_way_to_values_where_those_are_asked_for() {
    let app = App::furnished().await;
    for (path, of) in [
        ("/packages/acme/tools/app", PLACES[0]),
        ("/packages/acme/tools/app/versions/1.0", PLACES[1]),
        ("/packages/acme/tools/app/versions/_latest", PLACES[1]),
        ("/file_package/acme/tools/app/1.0/app.bin", PLACES[0]),
        ("/file_version/acme/tools/app/1.0/app.bin", PLACES[1]),
    ] {
        given(&app, of, json!([{"name": "b", "values": [1]}, {"name": "a", "values": ["x"]}]))
            .await;
        let mut plain = app.get(path).await.value();
        assert_eq!(plain["attribute_names"], json!(["b", "a"]), "{path}");
        assert_eq!(plain.get("attributes"), None, "{path}");
        let with_values = app.get(&format!("{path}?attribute_values=1")).await.value();
        plain.as_object_mut().unwrap().remove("attribute_names");
        plain["attributes"] = json!({"b": [1], "a": ["x"]});
        assert_eq!(with_values, plain, "{path}");
    }
}

/// Packages `p0` to `p3`, versions `0.0` to `0.3` of `app` and files `0` to `3`, each with the
/// attributes of its number.
async fn numbered(app: &App) {
    for n in 0..4 {
        app.package("acme/tools", json!({"name": format!("p{n}")})).await;
        app.upload(&format!("acme/tools/app/0.{n}/f/{n}?publish=1"), "x").await;
        let release = ["1.9", "1.10-rc1", "1.10", "1.10.1"][n];
        let body = json!([
            {"name": "att1", "values": [format!("val{n}")]},
            {"name": "att2", "values": [n]},
            {"name": "list", "values": ["all", format!("val{n}")]},
            {"name": "att5", "values": [format!("201{n}-07-14T19:43:37+0100")], "type": "date"},
            {"name": "release", "values": [release], "type": "version"},
        ]);
        for path in [
            format!("/packages/acme/tools/p{n}/attributes"),
            format!("/packages/acme/tools/app/versions/0.{n}/attributes"),
            format!("/files/acme/tools/f/{n}/attributes"),
        ] {
            given(app, &path, body.clone()).await;
        }
    }
}

/// The numbers of what a query finds, each of the three searches alike.
async fn found(app: &App, query: &Value) -> Vec<usize> {
    let mut found = Vec::new();
    for path in SEARCHES {
        let answer = app.post(path).json(query).await;
        let numbers: Vec<usize> = names(answer.clone())
            .await
            .iter()
            .map(|name| name.chars().last().unwrap().to_digit(10).unwrap() as usize)
            .collect();
        assert_eq!(answer.header("x-rangelimit-total"), Some(numbers.len().to_string().as_str()));
        found.push(numbers);
    }
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{query}: {found:?}");
    found.swap_remove(0)
}

/// T238, T239, T240: numbers, dates and ranges of every direction, inverted ones too.
#[tokio::test]
async fn the_documents_clauses_find_what_it_says() {
    let app = App::furnished().await;
    numbered(&app).await;
    for (clause, expected) in [
        // A scalar is one of the list, a list has all of it.
        (json!({"att1": ["val1", "val2"]}), &[1, 2][..]),
        (json!({"att1": "val1"}), &[1]),
        (json!({"list": ["val1", "all"]}), &[1]),
        (json!({"list": ["val1", "val2"]}), &[]),
        (json!({"list": ["all"]}), &[0, 1, 2, 3]),
        // The four bracket forms, and open ends.
        (json!({"att2": "[1,3]"}), &[1, 2, 3]),
        (json!({"att2": "[1,3["}), &[1, 2]),
        (json!({"att2": "]1,3]"}), &[2, 3]),
        (json!({"att2": "]1,3["}), &[2]),
        (json!({"att2": "[,2]"}), &[0, 1, 2]),
        (json!({"att2": "[,2["}), &[0, 1]),
        (json!({"att2": "[2,]"}), &[2, 3]),
        (json!({"att2": "[,]"}), &[0, 1, 2, 3]),
        (json!({"att2": "[3,1]"}), &[]),
        (json!({"att2": [1, 3.0]}), &[1, 3]),
        (json!({"att2": "1"}), &[]),
        // Dates are instants.
        (json!({"att5": "]2011-07-14T19:43:37+0100,]"}), &[2, 3]),
        (json!({"att5": "[2011-07-14T18:43:37Z,]"}), &[1, 2, 3]),
        (json!({"att5": ["2011-07-14T18:43:37.000Z"]}), &[1]),
        // Versions are in the order of versions, and equal as strings.
        (json!({"release": "[1.9,1.10["}), &[0, 1]),
        (json!({"release": "]1.10-rc1,1.10.0]"}), &[2]),
        (json!({"release": "1.10"}), &[2]),
        (json!({"release": "1.10.0"}), &[]),
        (json!({"absent": "[,]"}), &[]),
    ] {
        assert_eq!(found(&app, &json!([clause])).await, expected, "{clause}");
    }
}

#[tokio::test]
async fn clauses_join_by_and_for_packages_and_versions_and_by_or_for_files() {
    let app = App::furnished().await;
    numbered(&app).await;
    let query = json!([{"att1": ["val1", "val2"]}, {"att2": "[2,]"}]);
    for (path, expected) in SEARCHES.into_iter().zip([&["p2"][..], &["0.2"], &["1", "2", "3"]]) {
        assert_eq!(names(app.post(path).json(&query).await).await, expected, "{path}");
    }
}

#[tokio::test]
async fn searches_answer_whole_objects() {
    let app = App::furnished().await;
    let secret = json!([{"name": "a", "values": ["x"]}, {"name": "_s", "values": ["y"]}]);
    for path in PLACES {
        given(&app, path, secret.clone()).await;
    }
    for (search, one) in SEARCHES
        .into_iter()
        .zip(["/packages/acme/tools/app", "/packages/acme/tools/app/versions/1.0"])
    {
        for caller in ["", STRANGER, PUBLISHER] {
            for switch in ["", "?attribute_values=1", "?attribute_values=0"] {
                let one = app.get(&format!("{one}{switch}")).by(caller).await.value();
                let found = app.post(&format!("{search}{switch}")).by(caller);
                found.json(&json!([{"a": ["x"]}])).await.is_page((1, 0, 0), &json!([one]));
            }
        }
    }
    let file = json!([{
        "name": "app.bin", "path": "app/1.0/app.bin", "package": "app", "version": "1.0",
        "repo": "tools", "owner": "acme", "created": NOW, "size": 3,
        "sha1": "fe05bcdcdc4928012781a5f1a2a77cbb5398e106",
        "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    }]);
    app.post(SEARCHES[2]).json(&json!([{"a": ["x"]}])).await.is_page((1, 0, 0), &file);
}

#[tokio::test]
async fn unpublished_files_are_found_by_publishers_alone() {
    let app = App::furnished().await;
    let place = "/files/acme/tools/app/2.0/new.bin/attributes";
    given(&app, place, json!([{"name": "a", "values": ["x"]}])).await;
    let search = |caller| app.post(SEARCHES[2]).by(caller).json(&json!([{"a": ["x"]}]));
    assert_eq!(names(search(PUBLISHER).await).await, ["new.bin"]);
    for caller in ["", STRANGER, READER] {
        search(caller).await.is_page((0, 0, 0), &json!([]));
    }
}

#[tokio::test]
async fn new_bytes_keep_a_files_attributes_and_its_deletion_does_not() {
    let app = App::furnished().await;
    let path = PLACES[2];
    given(&app, path, json!([{"name": "a", "values": ["x"]}])).await;
    app.upload("acme/tools/app/1.0/app/1.0/app.bin?publish=1&override=1", "other").await;
    assert_eq!(names(app.get(path).await).await, ["a"]);
    app.delete("/content/acme/tools/app/1.0/app.bin")
        .by(OWNER)
        .await
        .is(200, &json!({"message": "success"}));
    app.upload("acme/tools/app/1.0/app/1.0/app.bin?publish=1", "other").await;
    app.get(path).await.is(200, &json!([]));
}

/// T241.
#[tokio::test]
async fn pages_have_totals() {
    let app = App::furnished().await;
    for n in 0..53 {
        let name = format!("q{n:02}");
        app.package("acme/tools", json!({"name": name})).await;
        given(
            &app,
            &format!("/packages/acme/tools/{name}/attributes"),
            json!([{"name": "a", "values": [n]}]),
        )
        .await;
    }
    let page =
        |start: &str| app.post(&format!("{}{start}", SEARCHES[0])).json(&json!([{"a": "[1,]"}]));
    let first = page("").await;
    let headers = ["x-rangelimit-total", "x-rangelimit-startpos", "x-rangelimit-endpos"];
    assert_eq!(headers.map(|name| first.header(name).unwrap()), ["52", "0", "49"]);
    assert_eq!(names(first).await.len(), 50);
    assert_eq!(names(page("?start_pos=50").await).await, ["q51", "q52"]);
}

/// T239, T240: refused, and nothing is changed.
#[tokio::test]
async fn what_is_wrong_is_said_with_its_place() {
    let app = App::furnished().await;
    for (body, message) in [
        (
            r#"[{"a": "x"}, {"b": "[1;3]"}]"#,
            r#"clause 2 ('b'): the range "[1;3]" at character 5: a comma is missing, as in [1,3] or [1,] at line 1 column 27"#,
        ),
        ("[]", r#"The query has no clause: give one, like {"name": ["value"]} at line 1 column 2"#),
        ("", r#"The body is no JSON list: send one, like [{"name": ["value"]}]"#),
        (
            r#"[{"a": 1e400}]"#,
            "clause 1 ('a'): 1e400 is out of range: use 1e-308 to 1e308 at line 1 column 13",
        ),
    ] {
        for path in SEARCHES {
            app.post(path).body(body).await.refuses(400, message);
        }
    }
    for (body, message) in [
        (
            r#"[{"name":"d","values":["2015-02-30"],"type":"date"}]"#,
            "attribute 1 ('d'): '2015-02-30' is no date: use the form 2026-01-31T12:00:00.000Z",
        ),
        (
            r#"[{"name":"a,b","values":["x"]}]"#,
            "attribute 1 ('a,b'): the attribute name 'a,b' has ',': leave it out",
        ),
        (
            r#"[{"name":"a","values":["x"]},{"name":"a","values":["y"]}]"#,
            "attribute 'a' is given twice: give it once",
        ),
        (
            "{}",
            r#"The body is no JSON list: send one, like [{"name": "name", "values": ["value"]}]"#,
        ),
        ("", r#"The body is no JSON list: send one, like [{"name": "name", "values": ["value"]}]"#),
    ] {
        for path in PLACES {
            set(&app, path, body).await.refuses(400, message);
            app.patch(path).by(OWNER).body(body).await.refuses(400, message);
            app.get(path).await.is(200, &json!([]));
        }
    }
}

/// T235, T236: what other languages take for signs is text.
#[tokio::test]
async fn signs_of_other_languages_are_text() {
    let app = App::furnished().await;
    for odd in ["' OR 1=1 --", "%", "_", "\"*\" OR x", "a\u{0}b", "[1,3]", "\u{1f600}"] {
        for (place, search) in PLACES.into_iter().zip(SEARCHES) {
            given(&app, place, json!([{"name": "a'%\"", "values": [odd]}])).await;
            let found = |value: &str| app.post(search).json(&json!([{"a'%\"": [value]}]));
            assert_eq!(names(found(odd).await).await.len(), 1, "{odd} by {search}");
            for other in ["x", "a", "", "%%", "' OR 1=1 -- "] {
                found(other).await.is_page((0, 0, 0), &json!([]));
            }
        }
    }
}

#[tokio::test]
async fn a_file_may_be_called_attributes_or_search() {
    let app = App::furnished().await;
    for path in ["attributes", "a/attributes", "search"] {
        app.upload(&format!("acme/tools/app/1.0/{path}?publish=1"), "x").await;
        let place = format!("/files/acme/tools/{path}/attributes");
        if path != "search" {
            given(&app, &place, json!([{"name": "a", "values": [path]}])).await;
        }
        let expected = if path == "search" {
            json!([])
        } else {
            json!([{"name": "a", "type": "STRING", "values": [path]}])
        };
        app.get(&place).await.is(200, &expected);
        app.get(&format!("{place}/")).await.is(200, &expected);
    }
    app.get("/files/acme/tools/attributes")
        .await
        .refuses(404, "There is no such resource: see /openapi.json for all");
}

#[tokio::test]
async fn what_changes_attributes_is_seen_in_updated_by_those_who_see_them() {
    let app = App::furnished().await;
    let later = "2026-01-01T01:00:00.000Z";
    app.clock.advance(std::time::Duration::from_secs(3600));
    let updated = async |caller| {
        let mut updated = Vec::new();
        for path in ["/packages/acme/tools/app", "/packages/acme/tools/app/versions/1.0"] {
            updated.push(
                app.get(path).by(caller).await.value()["updated"].as_str().unwrap().to_owned(),
            );
        }
        updated
    };
    given(&app, PLACES[0], json!([{"name": "_s", "values": ["x"]}])).await;
    given(&app, PLACES[1], json!([{"name": "_s", "values": ["x"]}])).await;
    given(&app, PLACES[2], json!([{"name": "_s", "values": ["x"]}])).await;
    assert_eq!(updated(STRANGER).await, [NOW, NOW]);
    assert_eq!(updated(PUBLISHER).await, [later, later]);
    given(&app, PLACES[2], json!([{"name": "s", "values": ["x"]}])).await;
    assert_eq!(updated(STRANGER).await, [later, later]);
}

/// PY: "set attributes" and "update attributes" of packages, versions and files.
#[tokio::test]
async fn set_and_merged_attributes_are_answered_as_they_are_then() {
    let app = App::furnished().await;
    for (path, kind) in PLACES.into_iter().zip(["string", "string", "STRING"]) {
        let one = json!([{"name": "att1", "values": ["val1"], "type": "string"}]);
        let answered = json!([{"name": "att1", "type": kind, "values": ["val1"]}]);
        app.post(path).by(OWNER).json(&one).await.is(200, &answered);
        app.patch(path).by(OWNER).json(&one).await.is(200, &answered);
        app.get(path).by(OWNER).await.is(200, &answered);
    }
}

/// PY: "delete attributes" of a file.
#[tokio::test]
async fn deleted_attributes_of_a_file_are_told_with_its_path() {
    let app = App::furnished().await;
    let message =
        "Attributes were deleted successfully from the following file path: app/1.0/app.bin";
    let deleted = app.delete(&format!("{}?names=att1", PLACES[2])).by(OWNER).await;
    deleted.is(200, &json!({"message": message}));
}

/// PY: "search file attributes" asserts the key `name`.
#[tokio::test]
async fn files_that_are_found_have_keys_in_lower_case() {
    let app = App::furnished().await;
    given(&app, PLACES[2], json!([{"name": "att1", "values": ["val1"]}])).await;
    let found = app.post(SEARCHES[2]).by(OWNER).json(&json!([{"att1": ["val1", "val2"]}])).await;
    assert_eq!(found.value()[0]["name"], "app.bin");
}

/// JAVA: values are a set, an empty list clears, and the names on the object follow.
#[tokio::test]
async fn the_object_follows_its_attributes() {
    let app = App::furnished().await;
    let names =
        async || app.get("/packages/acme/tools/app").await.value()["attribute_names"].clone();
    let body = json!([
        {"name": "bla", "values": ["b", "e", "b"]}, {"name": "flag", "values": [true], "type": "Boolean"},
    ]);
    let answered = json!([
        {"name": "bla", "type": "string", "values": ["b", "e"]},
        {"name": "flag", "type": "boolean", "values": [true]},
    ]);
    app.post(PLACES[0]).by(OWNER).json(&body).await.is(200, &answered);
    assert_eq!(names().await, json!(["bla", "flag"]));
    let found =
        app.post("//search/attributes/acme/tools").by(OWNER).json(&json!([{"bla": ["b"]}])).await;
    assert_eq!(found.value()[0]["attribute_names"][0], "bla");
    app.post(PLACES[0]).by(OWNER).json(&json!([])).await.is(200, &json!([]));
    assert_eq!(names().await, json!([]));
}
