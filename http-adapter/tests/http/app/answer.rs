//! One answer, compared whole: status, headers and body.

use std::fmt;

use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use packhouse_http::Operation;
use serde_json::{Value, json};

/// What came back.
#[derive(Clone)]
pub(crate) struct Answer {
    context: String,
    pub(crate) status: u16,
    /// Every header, by name.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) operation: &'static str,
}

impl Answer {
    pub(super) async fn read(context: String, response: Response) -> Self {
        let (head, body) = response.into_parts();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        headers.sort();
        let body = body.collect().await.expect("a body ends as it should").to_bytes();
        let operation = head.extensions.get::<Operation>().map_or("", |operation| operation.0);
        let status = head.status.as_u16();
        Self { context, status, headers, body, operation }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The `message` of the body.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        self.value()["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no message: {self:?}"))
            .to_owned()
    }

    /// These are the status and all the headers, in any order.
    #[track_caller]
    pub(crate) fn has_head(&self, status: u16, headers: &[(&str, &str)]) {
        assert_eq!(self.status, status, "{self:?}");
        let mut expected: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let length = ("content-length".to_owned(), self.body.len().to_string());
        if self.headers.contains(&length) && self.status != 304 {
            // A length that is right goes without saying.
            expected.retain(|header| *header != length);
            expected.push(length);
        }
        expected.sort();
        assert_eq!(self.headers, expected, "{self:?}");
    }

    /// An answer with a JSON body.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &Value) {
        self.has_head(status, &[JSON, PRIVATE]);
        assert_eq!(self.value(), *body, "{self:?}");
    }

    /// `{"message": "success"}`.
    #[track_caller]
    pub(crate) fn is_success(&self, status: u16) {
        self.is(status, &json!({"message": "success"}));
    }

    /// A page of a list, with its three headers.
    #[track_caller]
    pub(crate) fn is_page(&self, (total, start, end): (u64, u64, u64), items: &Value) {
        let (total, start, end) = (total.to_string(), start.to_string(), end.to_string());
        self.has_head(
            200,
            &[
                JSON,
                PRIVATE,
                ("x-rangelimit-total", &total),
                ("x-rangelimit-startpos", &start),
                ("x-rangelimit-endpos", &end),
            ],
        );
        assert_eq!(self.value(), *items, "{self:?}");
    }

    /// A refusal of the API with this message.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, message: &str) {
        match status {
            401 => self.has_head(401, &[JSON, NO_STORE, CHALLENGE]),
            _ => self.has_head(status, &[JSON, NO_STORE]),
        }
        assert_eq!(self.value(), json!({"message": message}), "{self:?}");
    }

    /// A refusal of the API that says this among more.
    #[track_caller]
    pub(crate) fn refuses_saying(&self, status: u16, part: &str) {
        self.has_head(status, &[JSON, NO_STORE]);
        assert!(self.message().contains(part), "{self:?}");
        assert_eq!(self.value(), json!({"message": self.message()}), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn needs_credentials(&self) {
        self.refuses(401, "This resource requires authentication");
    }

    /// A refusal of the download host: the reason as plain text.
    #[track_caller]
    pub(crate) fn refuses_plainly(&self, status: u16, text: &str) {
        match status {
            401 => self.has_head(401, &[PLAIN, NO_STORE, CHALLENGE]),
            _ => self.has_head(status, &[PLAIN, NO_STORE]),
        }
        assert_eq!(self.body, text.as_bytes(), "{self:?}");
    }

    /// The same but for what was asked.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        (self.status, &self.headers, &self.body) == (other.status, &other.headers, &other.body)
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PLAIN: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
const PRIVATE: (&str, &str) = ("cache-control", "private, no-store");
const NO_STORE: (&str, &str) = ("cache-control", "no-store");
const CHALLENGE: (&str, &str) = ("www-authenticate", "Basic realm=\"Bintray API Realm\"");

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(500).collect();
        write!(f, "{} answers {} {:?} {body:?}", self.context, self.status, self.headers)
    }
}
