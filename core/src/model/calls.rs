//! Calls to addresses that users gave, to be made in the background.

use serde::{Deserialize, Serialize};

use super::SubjectId;
use crate::names::SubjectName;

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
