//! The grants derived from entitlements.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::access::{Changes, Permit};
use crate::model::entitlements::{EntitledKey, Entitlement};
use crate::model::grants::{Anchor, GrantSet, Grantee};
use crate::model::{Form, Stored};
use crate::store::{Key, KeyRange, Query};
use crate::work::Work;
use crate::{Error, Result};

/// The most grants of one access key in one repository: a decision reads them all.
const MOST_GRANTS: usize = 1_000;
/// The most grants that are looked at in one commit of a deletion.
const AT_ONCE: usize = 2_000;

/// Sets of grants that are being changed, each read once.
#[derive(Default)]
pub(super) struct Derived {
    sets: BTreeMap<Key, GrantSet>,
}

impl Derived {
    /// Gives each access key of an entitlement what it allows.
    pub(super) async fn give(&mut self, work: &Work, entitlement: &Entitlement) -> Result<()> {
        let grant = entitlement.grant();
        for key in &entitlement.access_keys {
            let set = self.set_of(work, entitlement, key).await?;
            set.grants.push(grant.clone());
            if set.grants.len() > MOST_GRANTS {
                return Err(Error::invalid(format!(
                    "Access key '{}' has {MOST_GRANTS} entitlements here, which is the most: take \
                     wider ones, or another key",
                    key.name
                )));
            }
        }
        Ok(())
    }

    /// Takes from each access key of an entitlement what it allowed.
    pub(super) async fn take(&mut self, work: &Work, entitlement: &Entitlement) -> Result<()> {
        let gone = entitlement.grant();
        for key in &entitlement.access_keys {
            let set = self.set_of(work, entitlement, key).await?;
            set.grants.retain(|grant| (&grant.id, &grant.scope) != (&gone.id, &gone.scope));
        }
        Ok(())
    }

    async fn set_of(
        &mut self,
        work: &Work,
        entitlement: &Entitlement,
        key: &EntitledKey,
    ) -> Result<&mut GrantSet> {
        let (grantee, anchor) = (Grantee::AccessKey(key.id), entitlement.anchor());
        let empty = GrantSet { form: Form, grantee, anchor: anchor.clone(), grants: Vec::new() };
        Ok(match self.sets.entry(empty.key()) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let held = work.find::<GrantSet>(place.key().clone()).await?;
                // What is left of one of the same name counts no more.
                place.insert(held.filter(|held| is_same(&held.anchor, &anchor)).unwrap_or(empty))
            }
        })
    }

    /// Plans what became of the sets.
    pub(super) fn write<A: Changes, P>(self, work: &Work, permit: &Permit<A, P>) {
        for (key, set) in self.sets {
            if set.grants.is_empty() {
                work.delete(permit, key);
            } else {
                work.put(permit, &set);
            }
        }
    }
}

fn is_same(one: &Anchor, other: &Anchor) -> bool {
    match (one, other) {
        (Anchor::Repository(_, _, one), Anchor::Repository(_, _, other)) => one == other,
        (Anchor::Subject(_, one), Anchor::Subject(_, other)) => one == other,
        _ => one == other,
    }
}

/// Plans the removal of the entitlements of a range, at most so many, with what they allowed; true
/// if none is left then.
pub(crate) async fn remove_within<A: Changes, P>(
    work: &Work,
    permit: &Permit<A, P>,
    range: KeyRange,
    most: usize,
) -> Result<bool> {
    let mut derived = Derived::default();
    let mut grants = 0;
    let query = Query::within(range).limit(most.min(AT_ONCE));
    let (entitlements, more) = work.page::<Entitlement>(&query).await?;
    let mut done = more.is_none();
    for entitlement in entitlements {
        if grants > 0 && grants + entitlement.access_keys.len() > AT_ONCE {
            done = false;
            break;
        }
        grants += entitlement.access_keys.len();
        derived.take(work, &entitlement).await?;
        work.delete(permit, entitlement.key());
    }
    derived.write(work, permit);
    Ok(done)
}
