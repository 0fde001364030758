//! Who is told of the use of a signed URL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::access::{FilePlace, Permit, act};
use crate::engine::Packhouse;
use crate::jobs::{self, Queued};
use crate::model::calls::{Call, CallMethod};
use crate::outbound::{percent_encoded, without_secrets};
use crate::{Error, Result};

/// The longest id and the longest address, in bytes.
const MOST_TEXT: usize = 1024;

/// Whom to tell that a URL was used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// How the publisher calls the use.
    pub id: String,
    /// The address to call; the id alone goes into logs where there is none. `%callback_id` in it
    /// stands for the id.
    pub url: Option<String>,
    /// The method of the call.
    pub method: CallMethod,
}

/// The address may hold a secret.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("id", &self.id)
            .field("url", &self.url.as_deref().map(without_secrets))
            .field("method", &self.method)
            .finish()
    }
}

impl Callback {
    /// Whether it can be called.
    pub(super) fn check(&self, packhouse: &Packhouse) -> Result<()> {
        let plain = |text: &str| text.len() <= MOST_TEXT && !text.chars().any(char::is_control);
        if self.id.is_empty() || !plain(&self.id) {
            return Err(Error::invalid(format!(
                "callback_id is empty, has a control character or over {MOST_TEXT} bytes"
            )));
        }
        let Some(url) = &self.url else { return Ok(()) };
        let known = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if !known || !plain(url) {
            return Err(Error::invalid(format!(
                "callback_url is no address of http or https with at most {MOST_TEXT} bytes"
            )));
        }
        let checked = packhouse.outbound().check(&address_of(url, &self.id));
        checked.map_err(|error| {
            Error::invalid(format!("callback_url cannot be called: {}", error.reason))
        })
    }
}

/// Puts the call that the use of a URL causes: it is made by a job. None is put for a callback
/// without an address; and none while 1,000 calls of the subject wait, since a receiver that
/// does not answer must not fill the store.
///
/// # Errors
/// [`crate::ErrorKind::Unavailable`] when it cannot be put.
pub async fn note_use(
    packhouse: &Packhouse,
    permit: &Permit<act::Read, FilePlace>,
    callback: &Callback,
) -> Result<Option<Queued>> {
    let Callback { id, url: Some(url), method } = callback else { return Ok(None) };
    let file = &permit.place().file;
    let path = format!("{}/{}/{}", file.subject, file.repo, file.path);
    let address = permit.caller().origin().address;
    let body = serde_json::json!({
        "subject": file.subject.as_str(),
        "repo": file.repo.as_str(),
        "package": file.package.as_str(),
        "version": file.version.as_str(),
        "file_path": file.path.as_str(),
        "callback_id": id,
        "ip_address": address.map(|address| address.to_canonical().to_string()),
    });
    let call = Call {
        subject: file.subject.clone(),
        subject_id: permit.place().subject.id,
        url: address_of(url, id),
        method: *method,
        json: body.to_string(),
        signed_text: path,
    };
    jobs::put_call(packhouse, call).await.map(Some)
}

/// The address that a callback is sent to.
fn address_of(url: &str, id: &str) -> String {
    url.replace("%callback_id", &percent_encoded(id.as_bytes()))
}
