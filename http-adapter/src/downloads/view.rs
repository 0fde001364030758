//! How a folder is asked for: the parameters of its query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::failure::Failure;
use crate::support::query::Query;

/// The unreserved characters of RFC 3986 stay as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a folder is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct View<'a> {
    /// `list=1`: the listing, even if the folder has an index page.
    pub(super) list: bool,
    /// `include_unpublished=1`: unpublished files too, for those who may publish them.
    pub(super) include_unpublished: bool,
    /// `after=`: the page that begins after this name.
    pub(super) after: Option<&'a str>,
}

impl<'a> View<'a> {
    pub(super) fn read(query: &'a Query) -> Result<Self, Failure> {
        Ok(Self {
            list: query.switch("list")?.unwrap_or(false),
            include_unpublished: query.switch("include_unpublished")?.unwrap_or(false),
            after: query.get("after")?.filter(|after| !after.is_empty()),
        })
    }

    /// The query that asks for the same of another folder, with its question mark.
    pub(super) fn of_another(self) -> String {
        self.query(None)
    }

    /// The query that asks for the page after a name.
    pub(super) fn next(self, after: &str) -> String {
        self.query(Some(after))
    }

    fn query(self, after: Option<&str>) -> String {
        let mut pairs = Vec::new();
        if self.list {
            pairs.push("list=1".to_owned());
        }
        if self.include_unpublished {
            pairs.push("include_unpublished=1".to_owned());
        }
        pairs.extend(after.map(|after| format!("after={}", encoded(after))));
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

/// A name as it stands in an address. Nothing of it is a scheme, a slash or a query.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}
