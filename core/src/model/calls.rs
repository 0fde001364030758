//! Calls to addresses that users gave, to be made in the background.

use serde::{Deserialize, Serialize};

use super::SubjectId;
use crate::names::SubjectName;
use crate::store::TermValue;

/// A call to be made.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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
