//! Whether a conditional request goes on (RFC 9110, section 13).
//!
//! Pure, and for `GET` and `HEAD` of a resource that has a strong entity tag and a date. It must
//! not know what the resource is.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

/// What the resource is compared by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validators<'a> {
    /// The strong entity tag as it stands in `ETag`, with its quotes.
    pub etag: &'a str,
    /// The `Last-Modified` date: seconds since 1970.
    pub modified: u64,
}

/// What becomes of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// It goes on.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// Evaluates `If-Match`, `If-Unmodified-Since`, `If-None-Match` and `If-Modified-Since` in the
/// order of the RFC, for `GET` and `HEAD` of a resource that exists.
///
/// A malformed date is as if it were not sent. A malformed entity tag, and those after it, match
/// nothing.
#[must_use]
pub fn evaluate(headers: &HeaderMap, resource: Validators<'_>) -> Condition {
    if headers.contains_key(IF_MATCH) {
        if !lists(headers, IF_MATCH, |tag| tag.is_strongly(resource.etag)) {
            return Condition::PreconditionFailed;
        }
    } else if date(headers, IF_UNMODIFIED_SINCE).is_some_and(|date| resource.modified > date) {
        return Condition::PreconditionFailed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if lists(headers, IF_NONE_MATCH, |tag| tag.is_weakly(resource.etag)) {
            return Condition::NotModified;
        }
    } else if date(headers, IF_MODIFIED_SINCE).is_some_and(|date| resource.modified <= date) {
        return Condition::NotModified;
    }
    Condition::Proceed
}

/// Whether a `Range` header counts: there is no `If-Range`, or it names this representation.
///
/// A date counts when it is exactly the resource's: a client that was given an entity tag must
/// not send a date instead (RFC 9110, 13.1.5), so that two versions of one second do not mix.
#[must_use]
pub fn if_range_holds(headers: &HeaderMap, resource: Validators<'_>) -> bool {
    let Some(value) = single(headers, IF_RANGE) else { return !headers.contains_key(IF_RANGE) };
    match parse_tag(value) {
        Some((tag, "")) => tag.is_strongly(resource.etag),
        Some(_) => false,
        None => parse_date(value) == Some(resource.modified),
    }
}

/// An entity tag as a client sends it.
#[derive(Clone, Copy)]
struct Tag<'a> {
    weak: bool,
    /// With its quotes.
    quoted: &'a str,
}

impl Tag<'_> {
    fn is_strongly(self, strong: &str) -> bool {
        !self.weak && self.quoted == strong
    }

    fn is_weakly(self, strong: &str) -> bool {
        self.quoted == strong
    }
}

/// Whether a header is `*`, or lists (over all its lines) a tag that matches.
fn lists(headers: &HeaderMap, name: HeaderName, matches: impl Fn(Tag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).any(|line| {
        let mut rest = line;
        line.trim_matches(OWS) == "*"
            || std::iter::from_fn(|| {
                let (tag, after) = parse_tag(rest.trim_start_matches(SEPARATORS))?;
                // What follows a tag is a comma or the end.
                let after = after.trim_start_matches(OWS);
                rest = after;
                (after.is_empty() || after.starts_with(',')).then_some(tag)
            })
            .any(&matches)
    })
}

const OWS: &[char] = &[' ', '\t'];
const SEPARATORS: &[char] = &[' ', '\t', ','];

/// The tag at the start of the text, and what follows it.
fn parse_tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let (weak, quoted) = match text.strip_prefix("W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let length = quoted.strip_prefix('"')?.find('"')? + 2;
    let (quoted, rest) = quoted.split_at(length);
    let valid = quoted.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    valid.then_some((Tag { weak, quoted }, rest))
}

/// The value of a header that is there once, without the space around it.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut lines = headers.get_all(name).iter();
    let value = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(value.trim_matches(OWS))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    parse_date(single(headers, name)?)
}

/// Seconds since 1970; nothing for what is no date of HTTP.
fn parse_date(text: &str) -> Option<u64> {
    let at: SystemTime = httpdate::parse_http_date(text).ok()?;
    at.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::Condition::{NotModified, PreconditionFailed, Proceed};
    use super::*;

    const RESOURCE: Validators<'_> = Validators { etag: "\"abc\"", modified: 784_111_777 };
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: Condition) {
        assert_eq!(evaluate(&headers(lines), RESOURCE), expected, "{lines:?}");
    }

    #[test]
    fn without_conditions_a_request_goes_on() {
        check(&[], Proceed);
        check(&[("range", "bytes=0-1")], Proceed);
    }

    #[test]
    fn if_match_compares_strongly() {
        for (value, expected) in [
            ("\"abc\"", Proceed),
            ("*", Proceed),
            (" * ", Proceed),
            ("\"x\", \"abc\"", Proceed),
            (",, \"x\" ,\"abc\"", Proceed),
            ("\"a,b\",\"abc\"", Proceed),
            ("W/\"x\", \"abc\"", Proceed),
            ("\"x\"", PreconditionFailed),
            ("W/\"abc\"", PreconditionFailed),
            ("w/\"abc\"", PreconditionFailed),
            ("abc", PreconditionFailed),
            ("\"ABC\"", PreconditionFailed),
            ("\"abc", PreconditionFailed),
            ("\"x\" \"abc\"", PreconditionFailed),
            ("\"x\"; \"abc\"", PreconditionFailed),
            ("\"x,\"abc\"", PreconditionFailed),
            ("\"\"", PreconditionFailed),
            ("*, \"x\"", PreconditionFailed),
            ("", PreconditionFailed),
        ] {
            check(&[("if-match", value)], expected);
        }
        check(&[("if-match", "\"x\""), ("if-match", "\"abc\"")], Proceed);
        check(&[("if-match", "\"x\""), ("if-match", "\"y\"")], PreconditionFailed);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, expected) in [
            ("\"abc\"", NotModified),
            ("W/\"abc\"", NotModified),
            ("*", NotModified),
            ("\"x\",W/\"abc\"", NotModified),
            ("\"abc\", bad", NotModified),
            ("\"x\"", Proceed),
            ("abc", Proceed),
            ("bad, \"abc\"", Proceed),
            ("\"a bc\"", Proceed),
            ("", Proceed),
        ] {
            check(&[("if-none-match", value)], expected);
        }
        check(&[("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")], NotModified);
    }

    #[test]
    fn dates_are_compared_by_the_second() {
        check(&[("if-modified-since", BEFORE)], Proceed);
        check(&[("if-modified-since", SAME)], NotModified);
        check(&[("if-modified-since", AFTER)], NotModified);
        check(&[("if-unmodified-since", BEFORE)], PreconditionFailed);
        check(&[("if-unmodified-since", SAME)], Proceed);
        check(&[("if-unmodified-since", AFTER)], Proceed);
        let rfc850 = "Sunday, 06-Nov-94 08:49:37 GMT";
        let asctime = "Sun Nov  6 08:49:37 1994";
        check(&[("if-modified-since", rfc850)], NotModified);
        check(&[("if-modified-since", asctime)], NotModified);
    }

    #[test]
    fn a_bad_date_is_as_none() {
        for bad in ["", "yesterday", "784111777", "Sun, 06 Nov 1994 08:49:37", "Xxx, 99 Nov 1994"] {
            check(&[("if-modified-since", bad)], Proceed);
            check(&[("if-unmodified-since", bad)], Proceed);
        }
        check(&[("if-modified-since", AFTER), ("if-modified-since", AFTER)], Proceed);
        check(&[("if-unmodified-since", BEFORE), ("if-unmodified-since", BEFORE)], Proceed);
    }

    #[test]
    fn tags_go_before_dates_and_preconditions_before_cache_conditions() {
        check(&[("if-match", "\"abc\""), ("if-unmodified-since", BEFORE)], Proceed);
        check(&[("if-match", "\"x\""), ("if-unmodified-since", AFTER)], PreconditionFailed);
        check(&[("if-none-match", "\"x\""), ("if-modified-since", AFTER)], Proceed);
        check(&[("if-none-match", "\"abc\""), ("if-modified-since", BEFORE)], NotModified);
        check(&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")], PreconditionFailed);
        check(&[("if-match", "\"abc\""), ("if-none-match", "\"abc\"")], NotModified);
        check(&[("if-match", "*"), ("if-modified-since", SAME)], NotModified);
        check(&[("if-unmodified-since", BEFORE), ("if-none-match", "\"abc\"")], PreconditionFailed);
    }

    #[test]
    fn if_range_is_a_strong_tag_or_the_exact_date() {
        for (value, expected) in [
            ("\"abc\"", true),
            (" \"abc\" ", true),
            (SAME, true),
            ("W/\"abc\"", false),
            ("\"x\"", false),
            ("\"abc\", \"x\"", false),
            ("*", false),
            ("abc", false),
            (BEFORE, false),
            (AFTER, false),
            ("yesterday", false),
            ("", false),
        ] {
            assert_eq!(
                if_range_holds(&headers(&[("if-range", value)]), RESOURCE),
                expected,
                "{value}"
            );
        }
        assert!(if_range_holds(&headers(&[]), RESOURCE));
        let twice = headers(&[("if-range", "\"abc\""), ("if-range", "\"abc\"")]);
        assert!(!if_range_holds(&twice, RESOURCE));
    }

    #[test]
    fn bytes_that_are_no_text_match_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_bytes(b"\"abc\xff\"").unwrap());
        assert_eq!(evaluate(&headers, RESOURCE), PreconditionFailed);
        headers.insert(IF_RANGE, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!if_range_holds(&headers, RESOURCE));
    }
}
