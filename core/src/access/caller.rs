//! Who is asking.

use std::net::IpAddr;

use crate::model::grants::Grant;
use crate::model::{AccessKeyId, RepositoryId, SubjectId};
use crate::names::{AccessKeyName, SubjectName};

/// Someone who asks for something: an identity that was checked, and where it asks from.
/// Made only by [`super::authenticate`] and, for the engine's own work, inside core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    identity: Identity,
    origin: Origin,
}

/// An identity that was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identity {
    /// Nobody in particular.
    Anonymous,
    /// A user, by its API key.
    User {
        /// The user.
        id: SubjectId,
        /// The user's name.
        name: SubjectName,
    },
    /// Whoever holds an access key, which may do what was granted to it.
    AccessKey {
        /// The key.
        id: AccessKeyId,
        /// The key's id among those of its subject.
        name: AccessKeyName,
        /// The subject that gave it out.
        subject: SubjectName,
    },
    /// Whoever holds a signed URL, which is a grant by itself.
    SignedUrl(Box<SignedGrant>),
    /// The engine's own work.
    System(SystemCaller),
}

/// What a signed URL allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedGrant {
    /// The repository that it is for.
    pub repository: RepositoryId,
    /// The grant, of reading one file.
    pub grant: Grant,
    /// How the publisher calls this use of it, for logs.
    pub callback_id: Option<String>,
}

/// The engine's own callers, each with the rights that the policy states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SystemCaller {
    /// Sets up an installation: makes the first user.
    Setup,
    /// Puts the calls that downloads cause.
    Messenger,
    /// Notes who accepted which EULA.
    Notary,
    /// Removes what was deleted, and bytes that nothing refers to.
    Janitor,
}

/// Where a request comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The address; `None` within a process.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub agent: Option<String>,
}

impl Caller {
    pub(super) const fn new(identity: Identity, origin: Origin) -> Self {
        Self { identity, origin }
    }

    pub(crate) fn of_signed_url(signed: SignedGrant, origin: Origin) -> Self {
        Self::new(Identity::SignedUrl(Box::new(signed)), origin)
    }

    /// Someone whom nobody authenticated, to ask what they may do: for explanations, and whether who
    /// did something could do it still. Never to let them do it.
    pub(crate) const fn supposed(identity: Identity, origin: Origin) -> Self {
        Self::new(identity, origin)
    }

    pub(crate) fn system(caller: SystemCaller) -> Self {
        Self::new(Identity::System(caller), Origin::default())
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it asks from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The user, if it is one.
    #[must_use]
    pub const fn user_id(&self) -> Option<SubjectId> {
        match &self.identity {
            Identity::User { id, .. } => Some(*id),
            Identity::Anonymous
            | Identity::AccessKey { .. }
            | Identity::SignedUrl(_)
            | Identity::System(_) => None,
        }
    }

    /// Whether it is nobody in particular.
    #[must_use]
    pub const fn is_anonymous(&self) -> bool {
        matches!(self.identity, Identity::Anonymous)
    }
}
