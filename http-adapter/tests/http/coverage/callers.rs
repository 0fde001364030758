//! Who asks.

use crate::app::{ADMIN, OWNER, PUBLISHER, READER, STRANGER};

/// Where everyone asks from.
pub(crate) const ADDRESS: &str = "198.51.100.7";
/// Shows a key that is nobody's.
pub(crate) const WRONG_KEY: &str = "wrong key";
/// The holders of access keys of `acme` that may read its repositories, and write to them.
pub(super) const READING_KEY: &str = "reading@acme";
pub(super) const WRITING_KEY: &str = "writing@acme";
/// The holder of one that may do nothing here.
pub(super) const OTHER_KEY: &str = "other@acme";
pub(crate) const CALLERS: [&str; 10] =
    ["", WRONG_KEY, STRANGER, READER, PUBLISHER, OWNER, ADMIN, READING_KEY, WRITING_KEY, OTHER_KEY];
/// Who sees what is not published.
pub(crate) const PUBLISHERS: [&str; 4] = [PUBLISHER, OWNER, ADMIN, WRITING_KEY];
/// Who sees what is private.
pub(crate) const READERS: [&str; 6] = [READER, PUBLISHER, OWNER, ADMIN, READING_KEY, WRITING_KEY];
