//! What a caller sees of many things at once, as a condition that a store answers.
//!
//! Says of each thing what the policy says of reading it: a test compares the two. A grant on a
//! part of a repository opens that part to whoever names it, and no list or search.

use super::{Caller, Identity};
use crate::Result;
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::SubjectId;
use crate::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use crate::model::memberships::{Membership, Role};
use crate::model::packages::Package;
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::model::versions::Version;
use crate::names::SubjectName;
use crate::store::{Filter, KeyRange, Query, Start};
use crate::work::decode;

/// The most grants that count for one list or search. What the others open is found by its name.
const MOST: usize = 2_000;

/// What a caller sees.
#[derive(Debug)]
pub(crate) struct Sight {
    everything: bool,
    /// Conditions on repositories, one of which is enough.
    seen: Vec<Filter>,
}

impl Sight {
    /// What the caller sees of a subject, or of all.
    pub(crate) async fn of(
        packhouse: &Packhouse,
        caller: &Caller,
        subject: Option<&SubjectName>,
    ) -> Result<Self> {
        let mut sight = Self { everything: false, seen: vec![Repository::is_public()] };
        match caller.identity() {
            Identity::User { id, .. } => {
                sight.seen.push(Repository::is_of(*id));
                sight.add_grantee(packhouse, Grantee::User(*id), subject).await?;
                for membership in memberships(packhouse, *id, subject).await? {
                    sight.add_membership(packhouse, &membership).await?;
                }
            }
            Identity::AccessKey { id, .. } => {
                sight.add_grantee(packhouse, Grantee::AccessKey(*id), subject).await?;
            }
            Identity::Anonymous | Identity::SignedUrl(_) | Identity::System(_) => {}
        }
        Ok(sight)
    }

    async fn add_grantee(
        &mut self,
        packhouse: &Packhouse,
        grantee: Grantee,
        subject: Option<&SubjectName>,
    ) -> Result<()> {
        let Some(subject) = subject else {
            return self.add_range(packhouse, GrantSet::range_of(grantee)).await;
        };
        let platform = GrantSet::key_on_platform(grantee);
        for record in packhouse.read_all(&[platform]).await?.into_iter().flatten() {
            self.add(packhouse, &decode(&record)?);
        }
        self.add_range(packhouse, GrantSet::range_on_subject(grantee, subject)).await
    }

    async fn add_membership(
        &mut self,
        packhouse: &Packhouse,
        membership: &Membership,
    ) -> Result<()> {
        if membership.role.is_some_and(Role::administers) {
            self.seen.push(Repository::is_of(membership.subject_id));
            return Ok(());
        }
        for team in &membership.teams {
            // No wider than the policy looks: what a team may lies within its subject.
            let range = GrantSet::range_on_subject(Grantee::Team(*team), &membership.subject);
            self.add_range(packhouse, range).await?;
        }
        Ok(())
    }

    async fn add_range(&mut self, packhouse: &Packhouse, range: KeyRange) -> Result<()> {
        let mut query = Query::within(range).limit(1_000);
        while self.seen.len() < MOST {
            let mut page = packhouse.select(&query).await?;
            let next = page.next.take();
            for record in page.into_records() {
                self.add(packhouse, &decode(&record)?);
            }
            let Some(next) = next else { break };
            query = query.start(Start::After(next));
        }
        self.seen.truncate(MOST);
        Ok(())
    }

    fn add(&mut self, packhouse: &Packhouse, set: &GrantSet) {
        let now = packhouse.now();
        let opens = |grant: &Grant| {
            grant.scope == Scope::Anchor
                && grant.actions.contains(&Action::Read)
                && grant.is_in_force(now)
        };
        if !set.grants.iter().any(opens) {
            return;
        }
        // By internal numbers: what was made anew under a name is not what was meant.
        match &set.anchor {
            Anchor::Platform => self.everything = true,
            Anchor::Subject(_, id) => self.seen.push(Repository::is_of(*id)),
            Anchor::Repository(_, _, id) => self.seen.push(Repository::is(*id)),
        }
    }

    /// The repositories that are seen.
    pub(crate) fn repositories(&self) -> Filter {
        // While a subject is being deleted, some of its repositories are left.
        let there = Filter::Of(Subject::KIND, Box::new(Filter::everything()));
        if self.everything {
            return there;
        }
        Filter::All(vec![Filter::Any(self.seen.clone()), there])
    }

    /// The packages that are seen.
    pub(crate) fn packages(&self) -> Filter {
        Filter::Of(Repository::KIND, Box::new(self.repositories()))
    }

    /// The published files that are seen, of those found by a field that only published ones have.
    pub(crate) fn published_files(&self) -> Filter {
        // While a package or a version is being deleted, some of its files are left.
        let there = |kind| Filter::Of(kind, Box::new(Filter::everything()));
        Filter::All(vec![
            Filter::Of(Repository::KIND, Box::new(self.repositories())),
            there(Package::KIND),
            there(Version::KIND),
        ])
    }
}

/// What a user is to a subject, or to all.
async fn memberships(
    packhouse: &Packhouse,
    user: SubjectId,
    subject: Option<&SubjectName>,
) -> Result<Vec<Membership>> {
    let records = match subject {
        Some(subject) => {
            let key = Membership::key_of(subject, user);
            packhouse.read_all(&[key]).await?.into_iter().flatten().collect()
        }
        None => {
            let filter = Membership::is_of(user);
            let query = Query::within(Membership::range()).filter(filter).limit(1_000);
            packhouse.select(&query).await?.into_records().collect::<Vec<_>>()
        }
    };
    records.iter().map(decode).collect()
}
