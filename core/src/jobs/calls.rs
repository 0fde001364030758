//! Calls to addresses that users gave. Made at least once, and given up after a day of failures.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::{Caller, Platform, Secret, SystemCaller, act};
use crate::crypto;
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::calls::{Call, CallMethod};
use crate::model::jobs::{Job, Task};
use crate::model::subjects::ApiKey;
use crate::outbound::{OutboundErrorKind, OutboundMethod, OutboundRequest};
use crate::store::{Filter, KeyRange, Query};
use crate::work::decode;
use crate::{Error, Result};

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often a call is tried. With the runner's growing waits that takes about a day.
const MOST_ATTEMPTS: u32 = 32;
/// The purpose under which API keys are sealed.
pub(crate) const API_KEY: &str = "api-key-for-calls";

/// How many calls may wait for one subject, those that are tried again among them. More would
/// take the store's room, and the time of whoever looks for what is due, without a bound.
const MOST_WAITING: usize = 1_000;

/// What became of a call that was to be put.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Queued {
    /// It is made soon.
    Put,
    /// It is made soon, and no other may be put for the subject until one of its calls is over.
    Last,
    /// It is not made: as many as may be wait for the subject already.
    Dropped,
}

/// Puts a call as a job, unless as many as may be wait for its subject already. Those who put one
/// at the same time do not see each other's, so that there may be a few more.
pub(crate) async fn put_call(packhouse: &Packhouse, call: Call) -> Result<Queued> {
    let waiting = waiting(packhouse, &call).await?;
    if waiting >= MOST_WAITING {
        return Ok(Queued::Dropped);
    }
    let caller = Caller::system(SystemCaller::Messenger);
    packhouse
        .change::<act::Annotate, _, _, _, _>(&caller, &Platform, |permit, work| {
            let task = Task::Call(Box::new(call.clone()));
            async move {
                let job = super::new(&work, task, work.now());
                work.put(&permit, &job);
                Ok(())
            }
        })
        .await?;
    Ok(if waiting + 1 == MOST_WAITING { Queued::Last } else { Queued::Put })
}

/// How many calls wait for the subject of this one; no more than matter are counted.
async fn waiting(packhouse: &Packhouse, call: &Call) -> Result<usize> {
    let query = Query::within(KeyRange::within(Job::KIND, []))
        .filter(Filter::Is(Job::CALLS_FOR, call.of()))
        .keys()
        .limit(MOST_WAITING);
    Ok(packhouse.select(&query).await?.rows.len())
}

/// Makes a call. What cannot become better by trying again is done.
pub(super) async fn make(packhouse: &Packhouse, call: &Call, attempts: u32) -> Result<()> {
    let method = match call.method {
        CallMethod::Get => OutboundMethod::Get,
        CallMethod::Head => OutboundMethod::Head,
        CallMethod::Post => OutboundMethod::Post,
        CallMethod::Put => OutboundMethod::Put,
    };
    let has_body = matches!(call.method, CallMethod::Post | CallMethod::Put);
    let request = OutboundRequest {
        method,
        url: call.url.clone(),
        headers: signed(packhouse, call).await?,
        json: has_body.then(|| call.json.clone().into()),
        deadline: DEADLINE,
    };
    let failure = match packhouse.outbound().call(&request).await {
        Ok(answer) if answer.status < 500 && answer.status != 429 => return Ok(()),
        Ok(answer) => format!("the answer was {}", answer.status),
        Err(error) if error.kind == OutboundErrorKind::Refused => return Ok(()),
        Err(error) => error.reason,
    };
    if attempts >= MOST_ATTEMPTS {
        return Ok(());
    }
    Err(Error::unavailable().with_source(std::io::Error::other(failure)))
}

/// The header that shows who calls; none for a subject without an API key that can be read.
async fn signed(packhouse: &Packhouse, call: &Call) -> Result<Vec<(&'static str, String)>> {
    let record = packhouse.read_all(&[ApiKey::key_of(&call.subject)]).await?.pop().flatten();
    let key: Option<ApiKey> = record.map(|record| decode(&record)).transpose()?;
    let sealed = key.filter(|key| key.subject_id == call.subject_id).and_then(|key| key.sealed);
    let key = sealed.and_then(|sealed| crypto::unseal(packhouse.secret(), API_KEY, b"", &sealed));
    let Some(key) = key else { return Ok(Vec::new()) };
    let hmac = crypto::hmac_md5(&Secret::new(key), &call.signed_text);
    Ok(vec![("X-Bintray-Callback-Hmac", STANDARD.encode(hmac))])
}
