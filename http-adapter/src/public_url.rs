//! What this server is called from outside.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::Deserialize;

/// What stands before the path in every address that this server gives, such as
/// `https://dl.example.org`: a scheme, a host, perhaps a port, and the path under which a proxy
/// has it, if that is not the root.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// A text is no public URL. Its text says what to give instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrlError(String);

impl PublicUrl {
    /// Reads one; a slash at its end does not count.
    ///
    /// # Errors
    /// [`PublicUrlError`] for another scheme than `http` and `https`, no host, a user, a query, a
    /// fragment, and what is no URL.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let wrong = |why: &str| Err(PublicUrlError(format!("'{}' {why}", text.escape_debug())));
        // A reader of addresses drops fragments unseen.
        if text.contains(['?', '#']) {
            return wrong("has a query or a fragment: leave it out");
        }
        let Ok(uri) = Uri::from_str(text) else { return wrong("is no URL") };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return wrong("does not begin with http:// or https://");
        }
        let Some(authority) = uri.authority() else { return wrong("has no host") };
        if authority.as_str().contains('@') {
            return wrong("has a user: leave it out");
        }
        if authority.host().is_empty() {
            return wrong("has no host");
        }
        // Such as a port that is no number, which the reader of addresses lets pass.
        if authority.port_u16().is_none_or(|port| port == 0)
            && authority.as_str() != authority.host()
        {
            return wrong("has a port that is none");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = PublicUrlError;

    fn try_from(text: String) -> Result<Self, PublicUrlError> {
        Self::parse(&text)
    }
}

impl fmt::Display for PublicUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: write it like https://dl.example.org", self.0)
    }
}

impl std::error::Error for PublicUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_a_host_a_port_and_a_path_are_kept_as_they_are_written() {
        for (text, kept) in [
            ("https://dl.example.org", "https://dl.example.org"),
            ("https://dl.example.org/", "https://dl.example.org"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[2001:db8::1]:8080//", "http://[2001:db8::1]:8080"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]"),
            ("https://example.org/packhouse/", "https://example.org/packhouse"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_no_address_can_begin_with_is_refused_with_its_reason() {
        for (text, why) in [
            ("", "is no URL"),
            ("https://", "is no URL"),
            ("dl.example.org", "does not begin with http:// or https://"),
            ("dl.example.org:443", "does not begin with http:// or https://"),
            ("/packhouse", "does not begin with http:// or https://"),
            ("ftp://dl.example.org", "does not begin with http:// or https://"),
            ("https://me:secret@dl.example.org", "has a user: leave it out"),
            ("https://dl.example.org?x=1", "has a query or a fragment: leave it out"),
            ("https://dl.example.org/#top", "has a query or a fragment: leave it out"),
            ("https://dl.example.org:99999", "has a port that is none"),
            ("https://dl.example.org:0", "has a port that is none"),
            ("https://:443", "has no host"),
            ("https://dl example.org", "is no URL"),
            ("https://dl.example.org\n", "is no URL"),
        ] {
            let error = PublicUrl::parse(text).unwrap_err().to_string();
            let told = format!("'{}' {why}: write it like", text.escape_debug());
            assert!(error.starts_with(&told), "{error}");
        }
    }
}
