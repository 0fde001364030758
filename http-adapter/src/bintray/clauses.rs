//! The language in which attributes are searched, as JSON: `[{"os": ["linux"]}, {"size": "[1,3["}]`.
//!
//! Turns a body into a typed query, or says which clause is wrong and where. What a clause means
//! is said in core.

use std::fmt;
use std::ops::Bound;

use packhouse_core::model::attributes::{AttributeQuery, AttributeValue, GivenValue};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::given;

/// Reads a query; the error says which clause is wrong, and where.
pub fn parse(body: &[u8]) -> Result<AttributeQuery, String> {
    let text = given::list(body, r#"[{"name": ["value"]}]"#)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let query = json.deserialize_seq(Clauses);
    query.and_then(|query| json.end().map(|()| query)).map_err(|error| given::said(&error))
}

struct Clauses;

impl<'de> Visitor<'de> for Clauses {
    type Value = AttributeQuery;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of clauses")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AttributeQuery, A::Error> {
        let (mut query, mut number) = (AttributeQuery::new(), 1);
        while list.next_element_seed(Clause { query: &mut query, number })?.is_some() {
            number += 1;
        }
        if number == 1 {
            let why = r#"The query has no clause: give one, like {"name": ["value"]}"#;
            return Err(A::Error::custom(why));
        }
        Ok(query)
    }
}

/// Why a clause is refused.
enum Refused {
    /// In core's words, which name the clause.
    ByCore(packhouse_core::Error),
    ByLanguage(String),
}

impl From<packhouse_core::Error> for Refused {
    fn from(error: packhouse_core::Error) -> Self {
        Self::ByCore(error)
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::ByLanguage(why)
    }
}

fn named(why: Refused, number: usize, name: &str) -> String {
    match why {
        Refused::ByCore(error) => error.message().to_owned(),
        Refused::ByLanguage(why) => {
            let name: String = name.chars().take(100).collect();
            format!("clause {number} ('{}'): {why}", name.escape_debug())
        }
    }
}

/// The clause of a number, an object of one key, and the query that it is added to: here, so that
/// what is wrong has its place in the body.
struct Clause<'q> {
    query: &'q mut AttributeQuery,
    number: usize,
}

impl<'de> DeserializeSeed<'de> for Clause<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let number = self.number;
        from.deserialize_map(self).map_err(|error| {
            let why = error.to_string();
            if why.starts_with("clause ") {
                return error;
            }
            D::Error::custom(format!("clause {number}: {why}"))
        })
    }
}

impl<'de> Visitor<'de> for Clause<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a clause, like {"name": ["value"]}"#)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((name, value)) = map.next_entry::<String, &RawValue>()? else {
            let why = format!(r#"clause {} is empty: write {{"name": ["value"]}}"#, self.number);
            return Err(A::Error::custom(why));
        };
        if let Some(second) = map.next_key::<String>()? {
            let second: String = second.chars().take(100).collect();
            let why =
                format!("it has two names: give '{}' a clause of its own", second.escape_debug());
            return Err(A::Error::custom(named(why.into(), self.number, &name)));
        }
        let added = clause(std::mem::take(self.query), &name, value);
        *self.query = added.map_err(|why| A::Error::custom(named(why, self.number, &name)))?;
        Ok(())
    }
}

fn clause(query: AttributeQuery, name: &str, value: &RawValue) -> Result<AttributeQuery, Refused> {
    let text = value.get();
    if text.starts_with('[') {
        let values = given::values(text, AttributeQuery::MAX_VALUES)?;
        return Ok(query.any_of(name, values.into_iter().map(asked))?);
    }
    match given::value(text)? {
        GivenValue::String(text) if text.trim_start().starts_with(['[', ']']) => {
            let range = range(&text)?;
            Ok(query.between(name, range)?)
        }
        value => Ok(query.any_of(name, [asked(value)])?),
    }
}

fn asked(value: GivenValue) -> AttributeValue {
    match value {
        GivenValue::String(text) => AttributeValue::String(text),
        GivenValue::Number(number) => AttributeValue::Number(number),
        GivenValue::Boolean(value) => AttributeValue::Boolean(value),
    }
}

/// Reads `[low,high]`: a bracket that is turned away from its end leaves the end out, and an end
/// that is not there is open.
fn range(text: &str) -> Result<(Bound<AttributeValue>, Bound<AttributeValue>), String> {
    let wrong = |at: usize, why: &str| {
        let column = text[..at].chars().count() + 1;
        let shown: String = text.chars().take(100).collect();
        format!("the range \"{}\" at character {column}: {why}", shown.escape_debug())
    };
    let first = text.len() - text.trim_start().len();
    let last = text.trim_end().len() - 1;
    if last == first || !text[..=last].ends_with(['[', ']']) {
        return Err(wrong(text.len(), "close it with a bracket, as in [1,3], or ask for a list"));
    }
    let inner = &text[first + 1..last];
    if let Some(at) = inner.find(['[', ']']) {
        return Err(wrong(first + 1 + at, "a bracket stands within the range"));
    }
    let Some((low, high)) = inner.split_once(',') else {
        return Err(wrong(last, "a comma is missing, as in [1,3] or [1,]"));
    };
    if let Some(at) = high.find(',') {
        let at = first + 1 + low.len() + 1 + at;
        return Err(wrong(at, "a second comma: a range has two ends"));
    }
    let end = |text: &str, included: bool| match (text.trim(), included) {
        ("", _) => Bound::Unbounded,
        (text, true) => Bound::Included(AttributeValue::from(text)),
        (text, false) => Bound::Excluded(AttributeValue::from(text)),
    };
    let includes = |at: usize, bracket: u8| text.as_bytes().get(at) == Some(&bracket);
    Ok((end(low, includes(first, b'[')), end(high, includes(last, b']'))))
}

#[cfg(test)]
mod tests {
    use packhouse_core::model::attributes::Number;
    use proptest::prelude::*;

    use super::*;

    fn query() -> AttributeQuery {
        AttributeQuery::new()
    }

    fn parsed(body: &str) -> AttributeQuery {
        parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    fn error(body: &str) -> String {
        parse(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn the_documented_query_means_what_is_documented() {
        let body = r#"[
            {"att1" : ["val1", "val2"]},
            {"att2": "[1,3]"},
            {"att3": "[,3]"},
            {"att4": "[,3["},
            {"att5": "]2011-07-14T19:43:37+0100,]"}
        ]"#;
        let date = (Bound::Excluded("2011-07-14T19:43:37+0100"), Bound::Unbounded);
        let expected = query()
            .any_of("att1", ["val1", "val2"])
            .and_then(|query| query.between("att2", "1"..="3"))
            .and_then(|query| query.between("att3", ..="3"))
            .and_then(|query| query.between("att4", .."3"))
            .and_then(|query| query.between::<&str>("att5", date));
        assert_eq!(parsed(body), expected.unwrap());
    }

    #[test]
    fn brackets_turned_away_leave_their_end_out() {
        for (text, low, high) in [
            ("[1,3]", Bound::Included("1"), Bound::Included("3")),
            ("[1,3[", Bound::Included("1"), Bound::Excluded("3")),
            ("]1,3]", Bound::Excluded("1"), Bound::Included("3")),
            ("]1,3[", Bound::Excluded("1"), Bound::Excluded("3")),
            ("[,3]", Bound::Unbounded, Bound::Included("3")),
            ("]1,[", Bound::Excluded("1"), Bound::Unbounded),
            (" [ 1.10 , 2-rc1 ] ", Bound::Included("1.10"), Bound::Included("2-rc1")),
            ("[,]", Bound::Unbounded, Bound::Unbounded),
        ] {
            let expected = query().between::<&str>("a", (low, high)).unwrap();
            assert_eq!(parsed(&format!(r#"[{{"a": "{text}"}}]"#)), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_looked_for_as_it_is() {
        let number = Number::parse("9007199254740993.0").unwrap();
        for (body, expected) in [
            (r#"[{"a": "1"}]"#, query().any_of("a", ["1"])),
            (r#"[{"a": "(1,3)"}]"#, query().any_of("a", ["(1,3)"])),
            (r#"[{"a": ["[1,3]"]}]"#, query().any_of("a", ["[1,3]"])),
            (r#"[{"a": 9007199254740993.0}]"#, query().any_of("a", [number])),
            (r#"[{"a": [true]}]"#, query().any_of("a", [true])),
            (r#"[{"\u0061": "\ud83d\ude00"}]"#, query().any_of("a", ["\u{1f600}"])),
        ] {
            assert_eq!(parsed(body), expected.unwrap(), "{body}");
        }
    }

    #[test]
    fn an_error_names_the_clause_and_the_place() {
        for (body, expected) in [
            (
                r#"[{"a": "x"}, {"b": "[1;3]"}]"#,
                r#"clause 2 ('b'): the range "[1;3]" at character 5: a comma is missing, as in [1,3] or [1,] at line 1 column 27"#,
            ),
            (
                r#"[{"a": "[1,2,3]"}]"#,
                r#"clause 1 ('a'): the range "[1,2,3]" at character 5: a second comma: a range has two ends at line 1 column 17"#,
            ),
            (
                r#"[{"a": "[é,3"}]"#,
                r#"clause 1 ('a'): the range "[é,3" at character 5: close it with a bracket, as in [1,3], or ask for a list at line 1 column 15"#,
            ),
            (
                r#"[{"a": "["}]"#,
                r#"clause 1 ('a'): the range "[" at character 2: close it with a bracket, as in [1,3], or ask for a list at line 1 column 11"#,
            ),
            (
                r#"[{"a": "[[1,2]"}]"#,
                r#"clause 1 ('a'): the range "[[1,2]" at character 2: a bracket stands within the range at line 1 column 16"#,
            ),
            (
                r#"[{"a": "[x,y]"}]"#,
                "clause 1 ('a'): the ends are not both numbers, both dates or both versions at line 1 column 15",
            ),
            (
                r#"[{"a": "[2015-02-30,]"}]"#,
                "clause 1 ('a'): '2015-02-30' is no date: use the form 2026-01-31T12:00:00.000Z at line 1 column 23",
            ),
            (
                r#"[{"a": "[,1e400]"}]"#,
                "clause 1 ('a'): 1e400 is out of range: use 1e-308 to 1e308 at line 1 column 18",
            ),
            (
                r#"[{"a": null}]"#,
                "clause 1 ('a'): null is no value: leave it out at line 1 column 12",
            ),
            (
                r#"[{"a": [{}]}]"#,
                "clause 1 ('a'): a value is a string, a number or a boolean, and no list or object at line 1 column 12",
            ),
            (
                r#"[{"a": 1e400}]"#,
                "clause 1 ('a'): 1e400 is out of range: use 1e-308 to 1e308 at line 1 column 13",
            ),
            (
                r#"[{"a": []}]"#,
                "clause 1 ('a'): the list is empty: give at least one value at line 1 column 10",
            ),
            (
                r#"[{"a": 1, "a": 2}]"#,
                "clause 1 ('a'): it has two names: give 'a' a clause of its own at line 1 column 13",
            ),
            ("[{}]", r#"clause 1 is empty: write {"name": ["value"]} at line 1 column 3"#),
            (
                "[]",
                r#"The query has no clause: give one, like {"name": ["value"]} at line 1 column 2"#,
            ),
            ("{}", r#"The body is no JSON list: send one, like [{"name": ["value"]}]"#),
            ("", r#"The body is no JSON list: send one, like [{"name": ["value"]}]"#),
            (
                "[1]",
                r#"clause 1: invalid type: integer `1`, expected a clause, like {"name": ["value"]} at line 1 column 2"#,
            ),
            (r#"[{"a": "x"}] x"#, "trailing characters at line 1 column 14"),
        ] {
            assert_eq!(error(body), expected, "{body}");
        }
        for body in [
            r#"[{"a": "\ud800"}]"#,
            r#"[{"\udc00": "x"}]"#,
            r#"[{"a": NaN}]"#,
            r#"[{"a": ["\ud800"]}]"#,
        ] {
            assert!(error(body).contains("line 1 column"), "{body}: {}", error(body));
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let many = vec!["1"; 10_000].join(",");
        assert_eq!(
            error(&format!(r#"[{{"a": [{many}]}}]"#)),
            "clause 1 ('a'): more than 400 values at line 1 column 20009"
        );
        let clauses = vec![r#"{"a":"x"}"#; 51].join(",");
        assert!(error(&format!("[{clauses}]")).starts_with("clause 51 ('a'): one clause too many"));
        let deep = format!(r#"[{{"a": {}{}}}]"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(error(&deep).starts_with("clause 1 ('a'): a value is a string"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_query_or_refused(text in r#"\[(\{"[a_]":("[\[\],1a ]{0,6}"|[0-9.e]{1,4}|\[1?,?"x"?\])\},?){0,3}\]"#) {
            let _ = parse(text.as_bytes());
        }
    }
}
