//! The whole policy: one pure function from facts to a decision.
//!
//! A test prints it as a table and compares that with `core/tests/policy.txt`, which people
//! review. No rule is anywhere else.

use std::collections::BTreeSet;

use super::{Identity, SystemCaller};
use crate::Timestamp;
use crate::model::grants::{Action, Grant, Scope};
use crate::model::memberships::Role;
use crate::model::{ProductId, SubjectId};
use crate::names::{FilePath, PackageName, VersionName};

/// What is asked about, with the facts about it that the policy looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// Who owns it; `None` for the platform itself.
    pub owner: Option<SubjectId>,
    /// How visible it is.
    pub visibility: Visibility,
    /// The part of a repository that it is, for grants that are narrower than a repository.
    pub part: Part,
}

/// How visible a resource is, before any grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// Everyone may see it.
    Public,
    /// Those who may read it.
    Private,
    /// Those who may publish it: a file before its publication.
    Unpublished,
}

/// What a caller is to a resource, and what it was granted at the resource's anchors.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// What a user is to the organization that owns the resource.
    pub role: Option<Role>,
    /// What was granted.
    pub grants: Vec<Grant>,
}

/// A part of a repository.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// The products that the package belongs to.
    pub products: BTreeSet<ProductId>,
    /// The package.
    pub package: Option<PackageName>,
    /// The version.
    pub version: Option<VersionName>,
    /// The path of the file.
    pub path: Option<FilePath>,
}

/// What is decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Yes, by this rule.
    Allowed(Rule),
    /// No.
    Denied(Denial),
}

/// What allowed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Everyone may read what is public.
    Public,
    /// It is the caller's own.
    Owner,
    /// The caller administers the organization that owns it.
    Role(Role),
    /// This grant.
    Grant(NamedGrant),
    /// The engine's own work.
    System(SystemCaller),
}

/// What tells a grant from others at the same anchor: ids are unique for one scope only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedGrant {
    /// Its id.
    pub id: String,
    /// Where it holds.
    pub scope: Scope,
}

/// How it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// Credentials may help.
    Authenticate,
    /// The caller may see it and no more.
    Forbidden,
    /// The caller may not know of it.
    Hidden,
}

/// Decides whether `identity` may do `action` to `resource`, given what it is to the resource.
#[must_use]
pub fn decide(
    identity: &Identity,
    action: Action,
    resource: &Resource,
    standing: &Standing,
    now: Timestamp,
) -> Decision {
    let right = |action| right_to(identity, action, resource, standing, now);
    // An unpublished file is seen by those who may publish it.
    let needed = match (action, resource.visibility) {
        (Action::Read, Visibility::Unpublished) => Action::Publish,
        _ => action,
    };
    match right(needed) {
        Some(rule) => Decision::Allowed(rule),
        None if matches!(identity, Identity::Anonymous) => Decision::Denied(Denial::Authenticate),
        None if needed != Action::Read && sees(resource, right) => {
            Decision::Denied(Denial::Forbidden)
        }
        None => Decision::Denied(Denial::Hidden),
    }
}

fn sees(resource: &Resource, right: impl Fn(Action) -> Option<Rule>) -> bool {
    match resource.visibility {
        Visibility::Unpublished => right(Action::Publish).is_some(),
        Visibility::Public | Visibility::Private => right(Action::Read).is_some(),
    }
}

fn right_to(
    identity: &Identity,
    action: Action,
    resource: &Resource,
    standing: &Standing,
    now: Timestamp,
) -> Option<Rule> {
    if action == Action::Read && resource.visibility == Visibility::Public {
        return Some(Rule::Public);
    }
    match identity {
        Identity::Anonymous => None,
        Identity::System(system) => system_right(*system, action).then_some(Rule::System(*system)),
        Identity::User { id, .. } if resource.owner == Some(*id) && action.is_owners() => {
            Some(Rule::Owner)
        }
        Identity::User { .. } => match standing.role {
            Some(role) if role.administers() && resource.owner.is_some() && action.is_owners() => {
                Some(Rule::Role(role))
            }
            _ => granted(action, resource, &standing.grants, now),
        },
        Identity::AccessKey { .. } | Identity::SignedUrl(_) => {
            granted(action, resource, &standing.grants, now)
        }
    }
}

fn granted(action: Action, resource: &Resource, grants: &[Grant], now: Timestamp) -> Option<Rule> {
    let mut grants = grants.iter().filter(|grant| grant.is_in_force(now));
    let holds =
        |grant: &&Grant| grant.actions.contains(&action) && grant.scope.holds(&resource.part);
    let named = |grant: &Grant| NamedGrant { id: grant.id.clone(), scope: grant.scope.clone() };
    grants.find(holds).map(|grant| Rule::Grant(named(grant)))
}

fn system_right(system: SystemCaller, action: Action) -> bool {
    match system {
        SystemCaller::Setup => action == Action::ManageResources,
        SystemCaller::Janitor => action == Action::Delete,
        SystemCaller::Messenger | SystemCaller::Notary => action == Action::Annotate,
    }
}

impl Action {
    /// Whether owning a thing is enough. Making and removing subjects is the platform's.
    const fn is_owners(self) -> bool {
        !matches!(self, Self::ManageResources)
    }
}

impl Scope {
    fn holds(&self, part: &Part) -> bool {
        match self {
            Self::Anchor => true,
            Self::Product(product) => part.products.contains(product),
            Self::Package(package) => part.package.as_ref() == Some(package),
            Self::Version(package, version) => {
                part.package.as_ref() == Some(package) && part.version.as_ref() == Some(version)
            }
            Self::Path(folder) => {
                part.path.as_ref().is_some_and(|path| path.is_within(folder.as_str()))
            }
        }
    }
}
