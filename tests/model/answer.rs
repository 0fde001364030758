//! What came back, what the model expects, and whether these agree.

use serde_json::Value;

use super::samples::Sums;

/// What an engine answered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Every header, sorted.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let dull = ["cache-control", "content-security-policy", "content-length", "vary"];
        let shown = self.headers.iter().filter(|(name, _)| !dull.contains(&name.as_str()));
        let headers: Vec<_> = shown.map(|(name, value)| format!("{name}: {value}")).collect();
        write!(f, "{} {body}\n      ({})", self.status, headers.join("; "))
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is.
    pub(crate) fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What must be the same on every engine: not what is sealed with randomness of its own.
    pub(crate) fn comparable(&self) -> Self {
        let mut same = self.clone();
        let before_query = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        for (name, value) in &mut same.headers {
            if name == "location" {
                *value = before_query(value);
            }
        }
        if let Some(mut value) = same.value()
            && let Some(url) = value.get_mut("url")
        {
            *url = Value::from(before_query(url.as_str().unwrap_or_default()));
            same.body = value.to_string().into_bytes();
            same.headers.retain(|(name, _)| name != "content-length");
        }
        same
    }

    /// The token of a page on which a EULA is accepted.
    pub(crate) fn token(&self) -> Option<String> {
        let html = String::from_utf8_lossy(&self.body).into_owned();
        let (_, rest) = html.split_once("name=\"token\" value=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    /// With the keys that were made at random left out.
    pub(crate) fn without_secrets(mut self) -> Self {
        let Some(mut value) = self.value() else { return self };
        if let Some(key) = value.get_mut("api_key") {
            *key = Value::from("a key");
            self.body = value.to_string().into_bytes();
        }
        self
    }
}

/// A body as the model knows it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Told {
    /// This JSON.
    Json(Value),
    /// A list from its beginning, with the headers of its page: how many there are.
    Page(usize, Value),
    /// A refusal with this message.
    Message(String),
    /// A refusal whose words the documents leave open.
    Refusal,
    /// A file of so many bytes, and of those the ones from here to there.
    File { sums: Sums, bytes: Vec<u8>, whole: usize, from: usize },
    /// The head of such an answer.
    Head(Sums, usize),
    /// Text of the download host.
    Plain(String),
    /// Links of a folder's page.
    Links(Vec<String>),
    /// The way to another address, that begins like this.
    Location(String),
    /// A signed URL.
    Url(String),
    /// No bytes.
    Empty,
    /// A page for people.
    Anything,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) told: Told,
}

/// A wrong answer: why.
type Difference = Result<(), String>;

impl Expected {
    /// Whether the answer is what is expected.
    pub(crate) fn compare(&self, answer: &Answer) -> Difference {
        if answer.status != self.status {
            return Err(format!("the status is not {}", self.status));
        }
        match &self.told {
            Told::Json(expected) => same_json(answer, expected),
            Told::Page(total, expected) => {
                let end = total.saturating_sub(1);
                for (name, value) in [("total", *total), ("startpos", 0), ("endpos", end)] {
                    has(answer, &format!("x-rangelimit-{name}"), &value.to_string())?;
                }
                same_json(answer, expected)
            }
            Told::Message(message) => same_json(answer, &serde_json::json!({"message": message})),
            Told::Refusal if answer.body.is_empty() => Err("there is no message".to_owned()),
            Told::Refusal => Ok(()),
            Told::File { sums, bytes, whole, from } => is_file(answer, sums, bytes, *whole, *from),
            Told::Head(sums, length) => {
                has_sums(answer, sums)?;
                has(answer, "content-length", &length.to_string())?;
                same_bytes(answer, b"")
            }
            Told::Plain(text) => same_bytes(answer, text.as_bytes()),
            Told::Links(expected) => {
                let links = links(answer);
                if links == *expected { Ok(()) } else { Err(format!("links {links:?}")) }
            }
            Told::Location(prefix) => match answer.header("location") {
                Some(value) if value.starts_with(prefix.as_str()) => Ok(()),
                other => Err(format!("it leads to {other:?}")),
            },
            Told::Url(prefix) => {
                match answer.value().as_ref().and_then(|value| value["url"].as_str()) {
                    Some(value) if value.starts_with(prefix.as_str()) => Ok(()),
                    other => Err(format!("the URL is {other:?}")),
                }
            }
            Told::Empty => same_bytes(answer, b""),
            Told::Anything => Ok(()),
        }
    }
}

fn is_file(answer: &Answer, sums: &Sums, bytes: &[u8], whole: usize, from: usize) -> Difference {
    has_sums(answer, sums)?;
    if answer.status == 206 {
        let range = format!("bytes {from}-{}/{whole}", from + bytes.len() - 1);
        has(answer, "content-range", &range)?;
    }
    same_bytes(answer, bytes)
}

fn has_sums(answer: &Answer, sums: &Sums) -> Difference {
    has(answer, "x-checksum-sha1", &sums.sha1)?;
    has(answer, "x-checksum-sha2", &sums.sha256)?;
    has(answer, "x-checksum-md5", &sums.md5)?;
    has(answer, "etag", &format!("\"{}\"", sums.sha256))
}

fn has(answer: &Answer, name: &str, value: &str) -> Difference {
    match answer.header(name) {
        Some(found) if found == value => Ok(()),
        found => Err(format!("{name} is {found:?}")),
    }
}

fn same_bytes(answer: &Answer, bytes: &[u8]) -> Difference {
    if answer.body == bytes { Ok(()) } else { Err("other bytes".to_owned()) }
}

fn same_json(answer: &Answer, expected: &Value) -> Difference {
    let Some(found) = answer.value() else { return Err("no JSON".to_owned()) };
    if found == *expected { Ok(()) } else { Err(differing(&found, expected, "")) }
}

/// Where two values differ first.
fn differing(found: &Value, expected: &Value, at: &str) -> String {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let keys = found.keys().chain(expected.keys());
            let differs = |key: &&String| found.get(*key) != expected.get(*key);
            let Some(key) = keys.clone().find(differs) else { return format!("{at}: nothing") };
            match (found.get(key), expected.get(key)) {
                (Some(one), Some(other)) => differing(one, other, &format!("{at}.{key}")),
                (Some(one), None) => format!("{at}.{key} is {one} and should not be there"),
                (None, other) => format!("{at}.{key} is missing and should be {other:?}"),
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let pairs = found.iter().zip(expected).enumerate();
            let first = pairs.into_iter().find(|(_, (one, other))| one != other);
            first.map_or_else(String::new, |(place, (one, other))| {
                differing(one, other, &format!("{at}[{place}]"))
            })
        }
        _ => format!("{at} is {found}, expected {expected}"),
    }
}

/// The names that a folder's page leads to, but for the folder above.
fn links(answer: &Answer) -> Vec<String> {
    let text = String::from_utf8_lossy(&answer.body);
    let parts = text.split("href=\":").skip(1);
    let names = parts.filter_map(|part| part.split('"').next().map(str::to_owned));
    names.filter(|name| name != "../" && name != "..").collect()
}
