//! Existence checks of access keys: the publisher's own system is asked whether the holder of a
//! key is still there.
//!
//! Answers are kept in memory for as long as the key says. One question a key is asked at a time;
//! who comes meanwhile waits for its answer. What an answer was given for is kept with it, so that
//! it counts for no other password or address.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use futures::lock::Mutex as AsyncMutex;

use super::Secret;
use crate::engine::Packhouse;
use crate::model::AccessKeyId;
use crate::model::access_keys::{AccessKey, ExistenceCheck};
use crate::outbound::{OutboundMethod, OutboundRequest, percent_encoded};
use crate::usecases::access_keys;
use crate::{Error, Result, Timestamp};

/// How long a call may take.
const CALL: Duration = Duration::from_secs(4);
/// How long a caller waits for an answer in all, its own call or another's.
const WAIT: Duration = Duration::from_secs(5);
/// For how long it counts that there was no answer: the next caller may try again soon.
const NO_ANSWER: Duration = Duration::from_secs(5);
/// The most keys whose answers are kept. More are asked for again sooner than they need be.
const MOST: usize = 10_000;

/// What the publishers' systems said.
#[derive(Debug, Default)]
pub(crate) struct Existence {
    slots: Mutex<HashMap<AccessKeyId, Slot>>,
}

/// The last answer for one key. Locked while it is asked for.
type Slot = Arc<AsyncMutex<Option<Verdict>>>;

#[derive(Debug)]
struct Verdict {
    answer: Answer,
    at: Timestamp,
    /// What it was given for.
    hash: String,
    url: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    /// There is such a holder.
    There,
    /// There is none any more.
    Gone,
    /// Nothing that says the one or the other.
    None,
}

impl Existence {
    /// Whether the holder of a key is there, whose password is this one. A key whose holder is gone
    /// is deleted.
    pub(super) async fn asks(
        &self,
        packhouse: &Packhouse,
        key: &AccessKey,
        check: &ExistenceCheck,
        password: &Secret,
    ) -> Result<bool> {
        let slot = self.slot(key.id);
        let asked = pin!(ask(packhouse, &slot, key, check, password));
        let answer = match select(asked, packhouse.runtime().sleep(WAIT)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Answer::None,
        };
        if answer == Answer::Gone {
            access_keys::remove_gone(packhouse, key).await?;
        }
        Ok(answer == Answer::There)
    }

    fn slot(&self, id: AccessKeyId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST && !slots.contains_key(&id) {
            // Any that nobody waits for.
            let idle = slots.iter().find(|(_, slot)| Arc::strong_count(slot) == 1);
            if let Some(id) = idle.map(|(id, _)| *id) {
                slots.remove(&id);
            }
        }
        slots.entry(id).or_default().clone()
    }
}

async fn ask(
    packhouse: &Packhouse,
    slot: &Slot,
    key: &AccessKey,
    check: &ExistenceCheck,
    password: &Secret,
) -> Answer {
    let mut slot = slot.lock().await;
    let known = slot.as_ref().filter(|verdict| verdict.counts(packhouse.now(), key, check));
    if let Some(verdict) = known {
        return verdict.answer;
    }
    let answer = call(packhouse, key, check, password).await;
    let (hash, url) = (key.hash.clone(), check.url.clone());
    *slot = Some(Verdict { answer, at: packhouse.now(), hash, url });
    answer
}

impl Verdict {
    fn counts(&self, now: Timestamp, key: &AccessKey, check: &ExistenceCheck) -> bool {
        let life = match self.answer {
            Answer::There => Duration::from_secs(check.cache_for_secs.into()),
            Answer::Gone | Answer::None => NO_ANSWER,
        };
        // A clock that was set back must not keep an answer alive.
        let fresh = now >= self.at && now.since(self.at) < life;
        fresh && self.hash == key.hash && self.url == check.url
    }
}

async fn call(
    packhouse: &Packhouse,
    key: &AccessKey,
    check: &ExistenceCheck,
    password: &Secret,
) -> Answer {
    let url = filled_in(&check.url, &key.user_name(), password);
    let method = OutboundMethod::Get;
    let request = OutboundRequest { method, url, headers: Vec::new(), json: None, deadline: CALL };
    match packhouse.outbound().call(&request).await {
        Ok(answer) if (200..300).contains(&answer.status) => Answer::There,
        Ok(answer) if answer.status == 404 => Answer::Gone,
        _ => Answer::None,
    }
}

/// Whether an address of an existence check can be called, as far as it tells by itself.
pub(crate) fn check_address(packhouse: &Packhouse, url: &str, user: &str) -> Result<()> {
    let any = Secret::new("password");
    let checked = packhouse.outbound().check(&filled_in(url, user, &any));
    checked.map_err(|error| {
        Error::invalid(format!("existence_check.url cannot be called: {}", error.reason))
    })
}

/// The address with the tokens replaced, percent-encoded. What stands before the path is left as it
/// is: whose password it is has no say in who is called.
fn filled_in(url: &str, user: &str, password: &Secret) -> String {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url[host..].find(['/', '?', '#']).map_or(url.len(), |path| host + path);
    let (head, mut rest) = url.split_at(path);
    let mut filled = head.to_owned();
    while let Some(colon) = rest.find(':') {
        let (before, token) = rest.split_at(colon);
        filled.push_str(before);
        rest = if let Some(after) = token.strip_prefix(":username") {
            filled += &percent_encoded(user.as_bytes());
            after
        } else if let Some(after) = token.strip_prefix(":password") {
            filled += &percent_encoded(password.expose());
            after
        } else {
            filled.push(':');
            &token[1..]
        };
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_after_the_host_and_encoded_once() {
        let filled = |url| filled_in(url, "key1@acme", &Secret::new("p/:username?&=%\u{e9}"));
        let encoded = "p%2F%3Ausername%3F%26%3D%25%C3%A9";
        for (url, expected) in [
            (
                "http://a/username=:username,password=:password",
                "http://a/username=key1%40acme,password=P",
            ),
            ("https://a:8080/x", "https://a:8080/x"),
            ("https://a?u=:username&u=:username:", "https://a?u=key1%40acme&u=key1%40acme:"),
            ("https://a/:user/:passwords/:", "https://a/:user/Ps/:"),
            ("https://:username:password@a/", "https://:username:password@a/"),
            ("https://:username.example.org", "https://:username.example.org"),
            ("https://a#:password", "https://a#P"),
        ] {
            assert_eq!(filled(url), expected.replace('P', encoded), "{url}");
        }
    }

    #[test]
    fn no_more_answers_are_kept_than_fit() {
        let existence = Existence::default();
        let id = |number: u128| AccessKeyId::from_bytes(number.to_be_bytes());
        let held = existence.slot(id(0));
        for number in 1..=2 * MOST as u128 {
            existence.slot(id(number));
        }
        assert_eq!(existence.slots.lock().unwrap().len(), MOST);
        assert!(Arc::ptr_eq(&held, &existence.slot(id(0))), "one that is waited for is kept");
    }
}
