//! The keys that a subject's URLs are signed with.

use serde::{Deserialize, Serialize};

use super::{Form, Stored, SubjectId};
use crate::Timestamp;
use crate::names::SubjectName;
use crate::store::{Key, Kind};

/// Which key a subject's URLs are signed with. The key itself follows from this, the subject and
/// the installation's secret, and is stored nowhere. A subject without this record has its first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UrlKey {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// The subject. What is left of one whose name another has now does not count.
    pub subject_id: SubjectId,
    /// Tells this key from those before it: 16 random bytes, in hexadecimal.
    pub generation: String,
    /// When it was made.
    pub created: Timestamp,
}

impl UrlKey {
    /// Where the key of a subject lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for UrlKey {
    const KIND: Kind = Kind::new("url_key");

    fn key(&self) -> Key {
        Self::key_of(&self.subject)
    }
}
