//! Who is asked about, as the caller that a request of theirs would be.

use super::{Question, Who};
use crate::access::{Caller, Identity, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::access_keys::AccessKey;
use crate::model::subjects::{Subject, SubjectKind};
use crate::names::{AccessKeyName, SubjectName};
use crate::networks::admits;
use crate::usecases::given::is_given;
use crate::work::Work;
use crate::{Error, Result};

/// Someone, with what a request of theirs depends on besides.
pub(super) struct Someone {
    pub(super) caller: Caller,
    pub(super) provided: Vec<String>,
}

/// Finds them; why nobody is let in by that name, if it is so.
pub(super) async fn find(
    packhouse: &Packhouse,
    asker: &Caller,
    question: &Question,
) -> Result<Result<Someone, String>> {
    let Question { who, origin, thing, .. } = question;
    let mut provided = Vec::new();
    let identity = match who {
        Who::Anonymous => Identity::Anonymous,
        Who::User(name) => {
            let user = Work::new(packhouse).find::<Subject>(Subject::key_of(name)).await?;
            let user = user.filter(|user| user.kind == SubjectKind::User && user.name == *name);
            let user = user.ok_or_else(|| Error::not_found(Noun::Subject, name))?;
            Identity::User { id: user.id, name: user.name }
        }
        Who::AccessKey(subject, name) => {
            // Which keys another has given out is theirs to know.
            let known = *subject == *thing.subject()
                || is_given(packhouse.permit::<act::Administer, _>(asker, subject).await)?;
            let key = if known { key_of(packhouse, subject, name).await? } else { None };
            let key = key.ok_or_else(|| Error::not_found(Noun::AccessKey, name))?;
            if let Some(end) = key.expiry.filter(|_| key.is_expired(packhouse.now())) {
                return Ok(Err(format!("{who} expired on {end}: give it another expiry")));
            }
            let networks = !(key.white.is_empty() && key.black.is_empty());
            match origin.address {
                Some(address) if !admits(&key.white, &key.black, Some(address)) => {
                    return Ok(Err(format!(
                        "{who} may not be used from {address}: its white_cidrs and black_cidrs say \
                         from where"
                    )));
                }
                None if networks => {
                    provided.push("; if it is used from one of its networks".to_owned());
                }
                _ => {}
            }
            if key.existence_check.is_some() {
                provided.push("; if its existence check confirms it".to_owned());
            }
            Identity::AccessKey { id: key.id, name: key.name, subject: key.subject }
        }
    };
    Ok(Ok(Someone { caller: Caller::supposed(identity, origin.clone()), provided }))
}

async fn key_of(
    packhouse: &Packhouse,
    subject: &SubjectName,
    name: &AccessKeyName,
) -> Result<Option<AccessKey>> {
    let work = Work::new(packhouse);
    let holder = work.find::<Subject>(Subject::key_of(subject)).await?;
    let key = work.find::<AccessKey>(AccessKey::key_of(subject, name)).await?;
    let is_of = |key: &AccessKey| {
        holder.is_some_and(|holder| holder.id == key.subject_id && holder.name == *subject)
    };
    Ok(key.filter(|key| !key.closing).filter(is_of))
}
