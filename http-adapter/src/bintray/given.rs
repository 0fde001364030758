//! Values of attributes as clients give them: JSON whose numbers keep their spelling.
//!
//! Reads what sets attributes, and the pieces that the search language shares with it. What may
//! be kept is said in core.

use std::fmt;

use packhouse_core::model::attributes::{
    Attribute, AttributeType, AttributeValues, Attributes, GivenValue, Mixed, Number,
};
use packhouse_core::names::AttributeName;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Reads a list of attributes; the error says which is wrong, and where.
pub fn parse(body: &[u8], mixed: Mixed) -> Result<Attributes, String> {
    let text = list(body, r#"[{"name": "name", "values": ["value"]}]"#)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let list = json.deserialize_seq(List(mixed));
    let list = list.and_then(|list| json.end().map(|()| list)).map_err(|error| said(&error))?;
    Attributes::new(list?).map_err(|error| error.message().to_owned())
}

/// The text of a body that is a list.
pub(super) fn list<'a>(body: &'a [u8], example: &str) -> Result<&'a str, String> {
    let text = std::str::from_utf8(body)
        .map_err(|error| format!("The body cannot be read as JSON: {error}"))?;
    if text.trim_start().starts_with('[') {
        return Ok(text);
    }
    Err(format!("The body is no JSON list: send one, like {example}"))
}

struct List(Mixed);

impl<'de> Visitor<'de> for List {
    type Value = Result<Vec<Attribute>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of attributes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
        let mut list = Ok(Vec::new());
        while let Some(attribute) = given.next_element::<Given<'de>>()? {
            list = list.and_then(|list| attribute.add_to(list, self.0));
        }
        Ok(list)
    }
}

/// One attribute; unknown keys are ignored.
#[derive(Deserialize)]
#[serde(expecting = "an attribute, like {\"name\": \"name\", \"values\": [\"value\"]}")]
struct Given<'a> {
    name: String,
    #[serde(borrow, default, deserialize_with = "also_null")]
    values: Option<&'a RawValue>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

fn also_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Given<'_> {
    fn add_to(self, mut list: Vec<Attribute>, mixed: Mixed) -> Result<Vec<Attribute>, String> {
        let number = list.len() + 1;
        if number > Attributes::MAX {
            return Err(format!("more than {} attributes", Attributes::MAX));
        }
        let name: String = self.name.chars().take(100).collect();
        let attribute = self.read(mixed);
        list.push(
            attribute
                .map_err(|why| format!("attribute {number} ('{}'): {why}", name.escape_debug()))?,
        );
        Ok(list)
    }

    fn read(self, mixed: Mixed) -> Result<Attribute, String> {
        let said = |error: packhouse_core::Error| error.message().to_owned();
        let name = AttributeName::parse(&self.name).map_err(|error| error.to_string())?;
        let kind = self.kind.as_deref().filter(|kind| !kind.is_empty());
        let kind = kind.map(|kind| AttributeType::parse(kind).ok_or(kind)).transpose();
        let kind = kind.map_err(|unknown| {
            let unknown: String = unknown.chars().take(100).collect();
            let unknown = unknown.escape_debug();
            format!("'{unknown}' is no type: use string, number, date, boolean or version")
        })?;
        let Some(given) = self.values.map(RawValue::get) else {
            return Err(r#"it has no values: give a list as "values""#.to_owned());
        };
        let given = match given {
            "null" => Vec::new(),
            list if list.starts_with('[') => values(list, AttributeValues::MAX)?,
            one => vec![value(one)?],
        };
        let values = AttributeValues::of(kind, &given, mixed).map_err(said)?;
        Ok(Attribute { name, values })
    }
}

/// Reads a list of at most so many values. One null alone is an empty list.
pub(super) fn values(text: &str, most: usize) -> Result<Vec<GivenValue>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let list = json.deserialize_seq(Values(most)).map_err(|error| bare(&error))??;
    match list[..] {
        ["null"] => Ok(Vec::new()),
        _ => list.into_iter().map(value).collect(),
    }
}

struct Values(usize);

impl<'de> Visitor<'de> for Values {
    type Value = Result<Vec<&'de str>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        let mut too_many = false;
        while let Some(value) = given.next_element::<&RawValue>()? {
            if list.len() < self.0 {
                list.push(value.get());
            } else {
                too_many = true;
            }
        }
        Ok(if too_many { Err(format!("more than {} values", self.0)) } else { Ok(list) })
    }
}

/// What is wrong with a body, and where; not all of a text that stands where none should.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = text.rfind(" at line ").unwrap_or(text.len());
    match text.char_indices().nth(LONGEST_REASON) {
        Some((cut, _)) if cut < place => format!("{}…{}", &text[..cut], &text[place..]),
        _ => text,
    }
}

/// In characters.
const LONGEST_REASON: usize = 2_000;

/// What is wrong with a piece, without the place within the piece.
fn bare(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(said, _)| said.to_owned())
}

/// Reads one value.
pub(super) fn value(text: &str) -> Result<GivenValue, String> {
    match text.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(text).map(GivenValue::String).map_err(|error| bare(&error))
        }
        Some(b't') => Ok(GivenValue::Boolean(true)),
        Some(b'f') => Ok(GivenValue::Boolean(false)),
        Some(b'n') => Err("null is no value: leave it out".to_owned()),
        Some(b'[' | b'{') | None => {
            Err("a value is a string, a number or a boolean, and no list or object".to_owned())
        }
        Some(_) => {
            let number = Number::parse(text).map_err(|error| error.message().to_owned());
            number.map(GivenValue::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str, mixed: Mixed) -> serde_json::Value {
        let attributes = parse(body.as_bytes(), mixed);
        let attributes = attributes.unwrap_or_else(|error| panic!("{body}: {error}"));
        serde_json::to_value(attributes).expect("attributes are JSON")
    }

    fn error(body: &str) -> String {
        parse(body.as_bytes(), Mixed::Refused).expect_err(body)
    }

    const DOCUMENTED: &str = r#"[
        {"name": "att1", "values" : ["val1"], "type": "string"},
        {"name": "att2", "values" : [1, 2.2, 4]},
        {"name": "att3", "values" : ["2011-07-14T19:43:37+0100", "2011-07-14T19:43:37+0100", "1994-11-05T13:15:30Z"], "type": "date"},
        {"name": "att4", "values" : [1.1, "elephant", 3.1]}
    ]"#;

    #[test]
    fn the_documented_example_is_read_or_refused_as_documented() {
        assert_eq!(
            error(DOCUMENTED),
            "attribute 4 ('att4'): the values are of several types, number and string: give values of one type"
        );
        assert_eq!(
            parsed(DOCUMENTED, Mixed::String),
            serde_json::json!([
                {"name": "att1", "type": "string", "values": ["val1"]},
                {"name": "att2", "type": "number", "values": ["1", "2.2", "4"]},
                {"name": "att3", "type": "date", "values": ["2011-07-14T19:43:37+0100", "1994-11-05T13:15:30Z"]},
                {"name": "att4", "type": "string", "values": ["1.1", "elephant", "3.1"]},
            ])
        );
    }

    #[test]
    fn clients_may_be_careless() {
        let expected = |kind: &str, values: serde_json::Value| serde_json::json!([{"name": "a", "type": kind, "values": values}]);
        let empty = serde_json::json!([]);
        for (body, expected) in [
            (r#"[{"name":"a","values":"x"}]"#, expected("string", serde_json::json!(["x"]))),
            (r#"[{"name":"a","values":null}]"#, expected("string", empty.clone())),
            (
                r#"[{"name":"a","values":[null],"type":"NUMBER"}]"#,
                expected("number", empty.clone()),
            ),
            (r#"[{"name":"a","values":[],"type":null}]"#, expected("string", empty)),
            (
                r#"[{"name":"a","values":[true],"type":"Boolean","more":{"x":[1]}}]"#,
                expected("boolean", serde_json::json!([true])),
            ),
            (
                r#"[{"type":"","values":[9007199254740993],"name":"a"}]"#,
                expected("number", serde_json::json!(["9007199254740993"])),
            ),
        ] {
            assert_eq!(parsed(body, Mixed::Refused), expected, "{body}");
        }
        assert_eq!(parsed(" [ ] ", Mixed::Refused), serde_json::json!([]));
    }

    #[test]
    fn an_error_names_the_attribute_and_the_place() {
        for (body, expected) in [
            (
                r#"[{"name":"a","values":[1e400]}]"#,
                "attribute 1 ('a'): 1e400 is out of range: use 1e-308 to 1e308",
            ),
            (
                r#"[{"name":"a","values":["x"]},{"name":"b"}]"#,
                "attribute 2 ('b'): it has no values: give a list as \"values\"",
            ),
            (r#"[{"values":["x"]}]"#, "missing field `name` at line 1 column 17"),
            (
                r#"[{"name":"a","name":"b","values":[]}]"#,
                "duplicate field `name` at line 1 column 19",
            ),
            (
                r#"[{"name":"a","values":["x",null]}]"#,
                "attribute 1 ('a'): null is no value: leave it out",
            ),
            (
                r#"[{"name":"a","values":["x"],"type":"color"}]"#,
                "attribute 1 ('a'): 'color' is no type: use string, number, date, boolean or version",
            ),
            (
                r#"{"name":"a"}"#,
                r#"The body is no JSON list: send one, like [{"name": "name", "values": ["value"]}]"#,
            ),
            (
                r#"["a"]"#,
                r#"invalid type: string "a", expected an attribute, like {"name": "name", "values": ["value"]} at line 1 column 4"#,
            ),
        ] {
            assert_eq!(error(body), expected, "{body}");
        }
        let long = error(&format!(r#"["{}"]"#, "x".repeat(100_000)));
        assert!(long.starts_with(r#"invalid type: string "xxx"#), "{long}");
        assert!(long.len() < 2_100 && long.ends_with("x… at line 1 column 100003"), "{long}");
        let many = vec!["1"; 10_000].join(",");
        assert_eq!(
            error(&format!(r#"[{{"name":"a","values":[{many}]}}]"#)),
            "attribute 1 ('a'): more than 100 values"
        );
        assert_eq!(
            error(r#"[{"name":"a","values":["\ud800"]}]"#),
            "attribute 1 ('a'): unexpected end of hex escape"
        );
        assert_eq!(error(r#"[{"name":"a","values":[NaN]}]"#), "expected value at line 1 column 24");
    }
}
