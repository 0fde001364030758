//! JSON bodies of lenient clients: unknown keys are ignored, nulls mean nothing was said, and
//! switches come as booleans, numbers or words.

use std::fmt::Display;

use packhouse_core::Timestamp;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a JSON object; the error says where it breaks and what to change.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Err("The body is no JSON object: send one, like {\"name\": \"value\"}".to_owned());
    }
    let wrong = |error: &dyn Display| format!("The body cannot be read as JSON: {error}");
    // Also what nobody reads is text.
    let text = std::str::from_utf8(text).map_err(|error| wrong(&error))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, error) = (error.path().to_string(), error.into_inner());
        if error.is_data() && field != "." {
            // The place in the text says less than the name.
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            return format!("{field}: {said}");
        }
        wrong(&error)
    })?;
    json.end().map_err(|error| wrong(&error))?;
    Ok(value)
}

/// `true`, `false`, `"true"`, `"false"`, `0`, `1`, `"0"`, `"1"` or null.
pub(crate) fn switch<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(Some(true)),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(Some(false)),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(D::Error::custom(format!("'{text}' is no switch: use true or false"))),
        },
        other => Err(D::Error::custom(format!("{other} is no switch: use true or false"))),
    }
}

/// A whole number, as a number or as text, or null.
pub(crate) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(from)?;
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| D::Error::custom(format!("{value} is no whole number")))
}

/// The same; empty text clears it.
pub(crate) fn clearable_integer<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<i64>>, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) if text.trim().is_empty() => Ok(Some(None)),
        said => integer(said).map(|number| number.map(Some)).map_err(D::Error::custom),
    }
}

/// A list of texts, one text alone, or null. Empty text is an empty list.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        Many(Vec<String>),
        One(String),
        None(()),
    }
    Texts::deserialize(from)
        .map(|texts| match texts {
            Texts::Many(texts) => Some(texts),
            Texts::One(text) if text.is_empty() => Some(Vec::new()),
            Texts::One(text) => Some(vec![text]),
            Texts::None(()) => None,
        })
        .map_err(|_| D::Error::custom("a list of texts is wanted, like [\"a\", \"b\"]"))
}

/// A date in one of the forms that clients send; empty text clears it.
pub(crate) fn date<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<Timestamp>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    if text.trim().is_empty() {
        return Ok(Some(None));
    }
    let date = Timestamp::parse(&text);
    date.map(|date| Some(Some(date))).ok_or_else(|| {
        D::Error::custom(format!("'{text}' is no date: use the form 2026-01-31T12:00:00.000Z"))
    })
}
