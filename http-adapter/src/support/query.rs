//! Parameters as pairs of text: of a query, or of a path's last segment.

use percent_encoding::percent_decode_str;

use crate::failure::Failure;

/// Parameters in the order they were given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query: `a=b&c`, percent-encoded, with `+` for a space. Stray `&` are ignored.
    pub(crate) fn parse(raw: &str) -> Result<Self, Failure> {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(key)?, decode(value)?))
        };
        let parts = raw.split('&').filter(|part| !part.is_empty());
        parts.map(pair).collect::<Result<_, Failure>>().map(Self)
    }

    pub(crate) const fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of a parameter; the same one may be given again, but not with another value.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Failure> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let Some(value) = values.next() else { return Ok(None) };
        if values.any(|other| other != value) {
            let message = format!(
                "conflicting_parameter: {name} is given twice with different values: give it once"
            );
            return Err(Failure::bad_request(message));
        }
        Ok(Some(value))
    }

    /// The value of a parameter that may be given once only.
    pub(crate) fn get_once(&self, name: &str) -> Result<Option<&str>, Failure> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() {
            return Err(Failure::bad_request(format!("{name} is given twice: give it once")));
        }
        Ok(value.map(String::as_str))
    }

    /// The value of a switch: `0`, `1`, `true`, `false`, in any case. An empty one is not given:
    /// a variable that a script left unset must not publish.
    pub(crate) fn switch(&self, name: &str) -> Result<Option<bool>, Failure> {
        let given = self.get(name)?.filter(|value| !value.trim().is_empty());
        given.map(|value| switch(name, value)).transpose()
    }
}

/// Reads a switch.
pub(crate) fn switch(name: &str, value: &str) -> Result<bool, Failure> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Failure::bad_request(format!("{name} is '{value}': use 0 or 1"))),
    }
}

fn decode(raw: &str) -> Result<String, Failure> {
    let spaced = raw.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| {
        Failure::bad_request("the query is not UTF-8 when decoded: encode values as UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_separators_are_ignored_and_values_decoded() {
        let query = Query::parse("&desc=a+b%2Bc&x&&y=1").unwrap();
        assert_eq!(query.get("desc"), Ok(Some("a b+c")));
        assert_eq!(query.get("x"), Ok(Some("")));
        assert_eq!(query.get("z"), Ok(None));
        assert_eq!(query.switch("y"), Ok(Some(true)));
        assert!(Query::parse("a=%ff").is_err());
    }

    #[test]
    fn two_different_values_of_one_parameter_are_refused() {
        assert!(Query::parse("a=1&a=2").unwrap().get("a").is_err());
        assert_eq!(Query::parse("a=1&a=1").unwrap().get("a"), Ok(Some("1")));
    }
}
