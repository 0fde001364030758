//! What a caller may read in one subject, for lists and searches that ask of many things: the
//! grants are read once, and the policy is asked of each thing.

use std::collections::BTreeSet;

use super::permit::act;
use super::policy::{self, Decision, Part, Resource, Standing, Visibility};
use super::{Caller, Identity};
use crate::engine::Packhouse;
use crate::model::ProductId;
use crate::model::grants::{Action, Anchor, Grant, GrantSet, Grantee, Scope};
use crate::model::memberships::{Membership, Role};
use crate::model::repositories::Repository;
use crate::model::subjects::Subject;
use crate::names::{FilePath, PackageName, SubjectName, VersionName};
use crate::store::{KeyRange, Query, Start};
use crate::work::{Read, decode};
use crate::{Result, Timestamp};

/// The most sets of grants of one grantee that count: one for each repository. What the others
/// open is had by whoever names it.
const MOST_SETS: usize = 10_000;

/// What a caller is to a subject, and what it was granted there.
pub(crate) struct Reach {
    identity: Identity,
    now: Timestamp,
    subject: Subject,
    role: Option<Role>,
    sets: Vec<GrantSet>,
}

impl Reach {
    /// # Errors
    /// As [`Packhouse::permit`] for reading the subject: [`crate::ErrorKind::NotFound`] where there
    /// is none.
    pub(crate) async fn of(
        packhouse: &Packhouse,
        caller: &Caller,
        subject: &SubjectName,
    ) -> Result<Self> {
        let permit = packhouse.permit::<act::Read, _>(caller, subject).await?;
        let (identity, subject) = (caller.identity().clone(), permit.place().subject.clone());
        let now = packhouse.now();
        let mut reach = Self { identity, now, subject, role: None, sets: Vec::new() };
        match caller.identity() {
            Identity::User { id, .. } => {
                reach.add(packhouse, Grantee::User(*id), true).await?;
                let key = Membership::key_of(&reach.subject.name, *id);
                let mut read = Read::of(packhouse.read_all(&[key]).await?);
                let is_of = |it: &Membership| it.subject_id == reach.subject.id;
                if let Some(membership) = read.take::<Membership>()?.filter(is_of) {
                    reach.role = membership.role;
                    for team in membership.teams {
                        // No wider than the policy looks: what a team may lies within its subject.
                        reach.add(packhouse, Grantee::Team(team), false).await?;
                    }
                }
            }
            Identity::AccessKey { id, .. } => {
                reach.add(packhouse, Grantee::AccessKey(*id), true).await?;
            }
            // What the others may is no grant that lies anywhere.
            Identity::Anonymous | Identity::SignedUrl(_) | Identity::System(_) => {}
        }
        Ok(reach)
    }

    async fn add(&mut self, packhouse: &Packhouse, grantee: Grantee, platform: bool) -> Result<()> {
        if platform {
            let key = GrantSet::key_on_platform(grantee);
            let mut read = Read::of(packhouse.read_all(&[key]).await?);
            self.sets.extend(read.take_all::<GrantSet>()?);
        }
        let range: KeyRange = GrantSet::range_on_subject(grantee, &self.subject.name);
        let mut query = Query::within(range).limit(1_000);
        for _ in 0..MOST_SETS / 1_000 {
            let mut page = packhouse.select(&query).await?;
            let next = page.next.take();
            for record in page.into_records() {
                self.sets.push(decode(&record)?);
            }
            let Some(next) = next else { break };
            query = query.start(Start::After(next));
        }
        Ok(())
    }

    /// The subject.
    pub(crate) const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether the caller administers the subject.
    pub(crate) fn administers(&self) -> bool {
        let (owner, visibility) = (Some(self.subject.id), Visibility::Public);
        let resource = Resource { owner, visibility, part: Part::default() };
        let decision = self.decide(Action::Administer, &resource, &self.standing(None));
        matches!(decision, Decision::Allowed(_))
    }

    /// What the caller may read in a repository of the subject.
    pub(crate) fn within(&self, repo: Repository) -> InRepo<'_> {
        let standing = self.standing(Some(&repo));
        let mut within = InRepo {
            reach: self,
            standing,
            whole: false,
            packages: BTreeSet::new(),
            versions: BTreeSet::new(),
            paths: BTreeSet::new(),
            repo,
        };
        within.whole = within.reads(&Part::default());
        let now = self.now;
        let reading = within.standing.grants.iter();
        let reading =
            reading.filter(|it| it.is_in_force(now) && it.actions.contains(&Action::Read));
        for grant in reading {
            match &grant.scope {
                Scope::Anchor | Scope::Product(_) => {}
                Scope::Package(package) => drop(within.packages.insert(package.clone())),
                Scope::Version(package, version) => {
                    within.versions.insert((package.clone(), version.clone()));
                }
                Scope::Path(path) => drop(within.paths.insert(path.clone())),
            }
        }
        within
    }

    /// The products whose packages the caller may read.
    pub(crate) fn products(&self) -> BTreeSet<ProductId> {
        let grants = self.standing(None).grants.into_iter();
        let product =
            |scope| if let Scope::Product(product) = scope { Some(product) } else { None };
        grants
            .filter(|it| it.is_in_force(self.now) && it.actions.contains(&Action::Read))
            .filter_map(|it| product(it.scope))
            .collect()
    }

    fn standing(&self, repo: Option<&Repository>) -> Standing {
        let anchored = |set: &&GrantSet| match &set.anchor {
            Anchor::Platform => true,
            Anchor::Subject(_, id) => self.subject.id == *id,
            Anchor::Repository(_, _, id) => repo.is_some_and(|repo| repo.id == *id),
        };
        let sets = self.sets.iter().filter(anchored);
        Standing { role: self.role, grants: sets.flat_map(|set| set.grants.clone()).collect() }
    }

    fn decide(&self, action: Action, resource: &Resource, standing: &Standing) -> Decision {
        policy::decide(&self.identity, action, resource, standing, self.now)
    }
}

/// What a caller may read in a repository.
pub(crate) struct InRepo<'a> {
    reach: &'a Reach,
    repo: Repository,
    standing: Standing,
    /// Whether it may read all of it.
    pub(crate) whole: bool,
    /// The packages that a grant of reading is for.
    pub(crate) packages: BTreeSet<PackageName>,
    /// The versions that one is for.
    pub(crate) versions: BTreeSet<(PackageName, VersionName)>,
    /// The folders and files that one is for.
    pub(crate) paths: BTreeSet<FilePath>,
}

impl InRepo<'_> {
    /// Whether the caller may read anything in it, as far as can be told without its packages.
    pub(crate) fn opens_some(&self) -> bool {
        let by_product = |grant: &Grant| matches!(grant.scope, Scope::Product(_));
        let narrow =
            !(self.packages.is_empty() && self.versions.is_empty() && self.paths.is_empty());
        self.whole || narrow || self.standing.grants.iter().any(by_product)
    }

    /// Whether the policy lets the caller read a part of it.
    pub(crate) fn reads(&self, part: &Part) -> bool {
        matches!(self.decide(Action::Read, part), Decision::Allowed(_))
    }

    /// What the policy says of a part of it, whether or not that is there.
    pub(crate) fn decide(&self, action: Action, part: &Part) -> Decision {
        let repo = &self.repo;
        let visibility = if repo.private { Visibility::Private } else { Visibility::Public };
        let resource = Resource { owner: Some(repo.owner), visibility, part: part.clone() };
        self.reach.decide(action, &resource, &self.standing)
    }
}
