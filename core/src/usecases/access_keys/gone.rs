//! Access keys that are deleted: worthless at once, forgotten piece by piece.

use crate::Result;
use crate::access::{Caller, Changes, Permit, Platform, SystemCaller, act};
use crate::engine::Packhouse;
use crate::jobs::{self, Janitor};
use crate::model::Stored;
use crate::model::access_keys::AccessKey;
use crate::model::entitlements::Entitlement;
use crate::model::grants::{GrantSet, Grantee};
use crate::model::jobs::{ForgottenKey, Job, Task};
use crate::store::{Change, Filter, Query, TermValue};
use crate::work::Work;

/// How many entitlements are cleared of a key in one commit.
const BATCH: usize = 500;

/// Deletes a key whose holder is gone, as its existence check says, if it is still the one that the
/// check was asked for.
pub(crate) async fn remove_gone(packhouse: &Packhouse, gone: &AccessKey) -> Result<()> {
    let janitor = Caller::system(SystemCaller::Janitor);
    let forgetting = packhouse
        .change::<act::Delete, _, _, _, _>(&janitor, &Platform, |permit, work| async move {
            let key = work.find::<AccessKey>(gone.key()).await?;
            let same = |key: &AccessKey| {
                !key.closing
                    && (key.id, &key.hash) == (gone.id, &gone.hash)
                    && key.existence_check == gone.existence_check
            };
            Ok(key.filter(same).map(|key| close(&work, &permit, key)))
        })
        .await?;
    if let Some(forgetting) = forgetting {
        carry_out(packhouse, &forgetting).await;
    }
    Ok(())
}

/// An access key that was deleted and is not yet forgotten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Forgetting {
    pub(crate) job: String,
    pub(crate) key: ForgottenKey,
}

/// Plans that a key is worthless, and the job that forgets it if its request does not.
pub(super) fn close<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    key: AccessKey,
) -> Forgetting {
    let grants = GrantSet::range_of(Grantee::AccessKey(key.id));
    work.change(permit, Change::DeleteWithin(grants));
    let forgotten =
        ForgottenKey { subject: key.subject.clone(), name: key.name.clone(), id: key.id };
    let task = Task::ForgetAccessKey(forgotten.clone());
    let job = jobs::left_to_request(work, task);
    work.put(permit, &job);
    work.put(permit, &AccessKey { closing: true, ..key });
    Forgetting { job: job.id, key: forgotten }
}

/// Forgets a key in the request that closed it, or leaves it to its job.
pub(super) async fn carry_out(packhouse: &Packhouse, forgetting: &Forgetting) {
    jobs::work_off(packhouse, &forgetting.job, forget(packhouse, forgetting)).await;
}

/// Takes a deleted key out of the entitlements, and forgets it. Safe to repeat.
pub(crate) async fn forget(packhouse: &Packhouse, forgetting: &Forgetting) -> Result<()> {
    jobs::piece_by_piece(packhouse, |permit, work| async move {
        forget_some(&work, &permit, forgetting).await
    })
    .await
}

/// Plans some of it; true if that is the last.
async fn forget_some(work: &Work, permit: &Janitor, forgetting: &Forgetting) -> Result<bool> {
    let ForgottenKey { subject, name, id } = &forgetting.key;
    let record = AccessKey::key_of(subject, name);
    // Another run may have finished, and the id may be in use again.
    let key = work.find_as_basis::<AccessKey>(record.clone()).await?;
    if !key.is_some_and(|key| key.closing && key.id == *id) {
        work.delete(permit, Job::key_of(&forgetting.job));
        return Ok(true);
    }
    let named = Filter::Is(Entitlement::ACCESS_KEY, TermValue::text(name.as_str()));
    let range = Entitlement::range_of_subject(subject);
    let query = Query::within(range).filter(named).limit(BATCH);
    let entitlements: Vec<Entitlement> = work.list(&query).await?;
    let count = entitlements.len();
    for mut entitlement in entitlements {
        entitlement.access_keys.retain(|key| key.name != *name);
        work.put(permit, &entitlement);
    }
    if count < BATCH {
        work.delete(permit, record);
        work.delete(permit, Job::key_of(&forgetting.job));
    }
    Ok(count < BATCH)
}
