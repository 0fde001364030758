//! The deletion of a product: what it allowed is gone in one commit, then what was said of it is
//! removed piece by piece, by the request or by a job. Its name is not free before that.

use super::members::unmark;
use crate::Result;
use crate::access::{Changes, Permit};
use crate::engine::Packhouse;
use crate::jobs::{self, Janitor};
use crate::model::entitlements::{Entitlement, EntitlementPlace};
use crate::model::eulas::{EulaText, Eulas, SignedEula};
use crate::model::jobs::{ForgottenProduct, Job, Task};
use crate::model::products::{Product, ProductTomb};
use crate::model::{Form, Stored};
use crate::store::Query;
use crate::usecases::entitlements;
use crate::work::Work;

/// How many records are removed in one commit.
const BATCH: usize = 1_000;

/// A product that was deleted and is not yet forgotten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Forgetting {
    pub(crate) job: String,
    pub(crate) product: ForgottenProduct,
}

/// Plans that a product is there no more, and the job that forgets it if its request does not.
pub(super) async fn begin<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    product: Product,
) -> Result<Forgetting> {
    // Grants by the product end with this.
    unmark(work, permit, &product, &product.packages).await?;
    work.delete(permit, Eulas::key_of(&product.subject, product.id));
    work.delete(permit, product.key());
    let Product { subject, name, id, .. } = product;
    work.put(permit, &ProductTomb { form: Form, id, subject: subject.clone(), name: name.clone() });
    let product = ForgottenProduct { subject, name, id };
    let job = jobs::left_to_request(work, Task::ForgetProduct(product.clone()));
    work.put(permit, &job);
    Ok(Forgetting { job: job.id, product })
}

/// Forgets a product in the request that deleted it, or leaves it to its job.
pub(super) async fn carry_out(packhouse: &Packhouse, forgetting: &Forgetting) {
    jobs::work_off(packhouse, &forgetting.job, forget(packhouse, forgetting)).await;
}

/// Removes what is left of a deleted product. Safe to repeat.
pub(crate) async fn forget(packhouse: &Packhouse, forgetting: &Forgetting) -> Result<()> {
    jobs::piece_by_piece(packhouse, |permit, work| async move {
        forget_some(&work, &permit, forgetting).await
    })
    .await
}

/// Plans some of it; true if that is the last.
async fn forget_some(work: &Work, permit: &Janitor, forgetting: &Forgetting) -> Result<bool> {
    let ForgottenProduct { subject, name, id } = &forgetting.product;
    let tomb = ProductTomb::key_of(subject, name);
    // Another run may have finished, and the name may be in use again.
    let held = work.find_as_basis::<ProductTomb>(tomb.clone()).await?;
    if held.is_none_or(|held| held.id != *id) {
        work.delete(permit, Job::key_of(&forgetting.job));
        return Ok(true);
    }
    let place = EntitlementPlace::Product(subject.clone(), name.clone());
    let range = Entitlement::range_of(&place);
    let mut done = entitlements::remove_within(work, permit, range, BATCH).await?;
    for range in [SignedEula::range_of(subject, *id), EulaText::range_of(subject, *id)] {
        let keys = work.keys(&Query::within(range).limit(BATCH)).await?;
        done &= keys.len() < BATCH;
        keys.into_iter().for_each(|key| work.delete(permit, key));
    }
    if done {
        work.delete(permit, tomb);
        work.delete(permit, Job::key_of(&forgetting.job));
    }
    Ok(done)
}
