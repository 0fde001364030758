//! Calls to addresses that users gave, to be made in the background.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SubjectId;
use crate::names::SubjectName;
use crate::outbound::without_secrets;
use crate::store::TermValue;

/// A call to be made.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Call {
    /// The subject in whose name it is made.
    pub subject: SubjectName,
    /// The subject.
    pub subject_id: SubjectId,
    /// The address.
    pub url: String,
    /// The method.
    pub method: CallMethod,
    /// The body, for methods that have one.
    pub json: String,
    /// The text that the call is signed over, with the subject's API key.
    pub signed_text: String,
}

/// The address and the body may hold secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("subject", &self.subject)
            .field("url", &without_secrets(&self.url))
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// The subject that it is made for, as [`super::jobs::Job::CALLS_FOR`] has it.
    #[must_use]
    pub fn of(&self) -> TermValue {
        Self::of_subject(self.subject_id)
    }

    /// A subject, as [`super::jobs::Job::CALLS_FOR`] has it.
    #[must_use]
    pub fn of_subject(id: SubjectId) -> TermValue {
        TermValue::text(&id.to_string())
    }
}

/// The method of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CallMethod {
    Get,
    Head,
    #[default]
    Post,
    Put,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T040: a job that fails is told of in the log.
    #[test]
    fn a_call_is_printed_without_its_secrets() {
        let call = Call {
            subject: SubjectName::parse("anna").expect("a name"),
            subject_id: SubjectId::from_bytes([1; 16]),
            url: "https://s3cret@example.org/s3cret?key=s3cret".to_owned(),
            method: CallMethod::Post,
            json: "s3cret".to_owned(),
            signed_text: "s3cret".to_owned(),
        };
        let printed = format!("{call:?}");
        assert!(printed.contains("https://example.org/…"), "{printed}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
