//! The entitlements of a place as a list, which goes on after a change of plan.

use super::{check_product, gate, locate, removable};
use crate::Result;
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::model::entitlements::{Entitlement, EntitlementPlace};
use crate::store::Query;
use crate::usecases::{Listed, Paging};
use crate::work::Work;

/// The entitlements of exactly this place, by id.
///
/// Implements the Bintray REST API, "Get Entitlements".
///
/// # Errors
/// As [`super::check`], of the plan only where there is none.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    place: &EntitlementPlace,
    paging: Paging,
) -> Result<Listed<Entitlement>> {
    check_product(packhouse, caller, place).await?;
    let work = Work::new(packhouse);
    let permit = work.permit::<act::Manage, _>(caller, place.subject()).await?;
    let subject = &permit.place().subject;
    removable(locate(&work, subject, place, None).await, gate(subject))?;
    let listed = packhouse.list(Query::within(Entitlement::range_of(place)), paging).await?;
    if listed.total == Some(0) {
        gate(subject)?;
    }
    Ok(listed)
}
