//! Jobs: work that a commit causes, as records that are put in the same batch.

use serde::{Deserialize, Serialize};

use super::calls::Call;
use super::{AccessKeyId, Form, ProductId, Stored};
use crate::Timestamp;
use crate::blobs::BlobId;
use crate::names::{AccessKeyName, PackageName, ProductName, RepoName, SubjectName, VersionName};
use crate::store::{Field, Key, Kind, Term, TermValue};

/// A job that is due at a time. It runs at least once, and is safe to repeat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The form of the body.
    pub form: Form<1>,
    /// Its id: random, or a fixed name for a job that there is one of.
    pub id: String,
    /// What is to be done.
    pub task: Task,
    /// When it is due. While it runs, when its lease ends: a runner that died loses it then.
    pub due: Timestamp,
    /// How often it was begun.
    pub attempts: u32,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Remove the rest of what was marked as being deleted.
    FinishDeletion(Doomed),
    /// Condemn those of the blobs that nothing refers to.
    CondemnBlobs(Vec<BlobId>),
    /// Remove those of the blobs that are condemned, their grace being over.
    RemoveBlobs(Vec<BlobId>),
    /// Remove finished blobs that no record knows: what crashes left behind.
    SweepBlobs,
    /// Take an access key that was deleted out of the entitlements, and forget it.
    ForgetAccessKey(ForgottenKey),
    /// Remove what was said of a product that was deleted.
    ForgetProduct(ForgottenProduct),
    /// Call an address that a user gave.
    Call(Box<Call>),
}

/// What is being deleted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Doomed {
    /// The subject.
    pub subject: SubjectName,
    /// The repository; the whole subject if `None`.
    pub repo: Option<RepoName>,
    /// The package; the whole repository if `None`.
    pub package: Option<PackageName>,
    /// The version; the whole package if `None`.
    pub version: Option<VersionName>,
}

/// An access key that was deleted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ForgottenKey {
    /// The subject that gave it out.
    pub subject: SubjectName,
    /// Its id among those of the subject.
    pub name: AccessKeyName,
    /// Its internal number.
    pub id: AccessKeyId,
}

/// A product that was deleted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ForgottenProduct {
    /// The subject that it was of.
    pub subject: SubjectName,
    /// Its name.
    pub name: ProductName,
    /// Its internal number.
    pub id: ProductId,
}

/// The lanes that jobs run in. What waits in one holds up nothing in another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lane {
    /// What was marked as being deleted and is not gone yet: someone waits for its name.
    Deletions,
    /// The engine's own work.
    Chores,
    /// Calls to addresses that users gave, which may be slow.
    Calls,
}

impl Lane {
    /// The field with the time that a job of the lane is due.
    #[must_use]
    pub const fn due(self) -> Field {
        match self {
            Self::Deletions => Field::new("due_deletion", 0),
            Self::Chores => Field::new("due", 0),
            Self::Calls => Field::new("due_call", 0),
        }
    }
}

impl Task {
    /// What kind of task it is, for a log: what it is about may hold secrets of users.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FinishDeletion(_) => "finish_deletion",
            Self::CondemnBlobs(_) => "condemn_blobs",
            Self::RemoveBlobs(_) => "remove_blobs",
            Self::SweepBlobs => "sweep_blobs",
            Self::ForgetAccessKey(_) => "forget_access_key",
            Self::ForgetProduct(_) => "forget_product",
            Self::Call(_) => "call",
        }
    }

    /// The lane that it runs in.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::FinishDeletion(_) => Lane::Deletions,
            Self::Call(_) => Lane::Calls,
            Self::CondemnBlobs(_)
            | Self::RemoveBlobs(_)
            | Self::SweepBlobs
            | Self::ForgetAccessKey(_)
            | Self::ForgetProduct(_) => Lane::Chores,
        }
    }
}

impl Job {
    /// The field with the subject that a call is made for.
    pub const CALLS_FOR: Field = Field::new("calls_for", 0);

    /// Where the job of this id lies.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(Self::KIND, [id])
    }
}

impl Stored for Job {
    const KIND: Kind = Kind::new("job");

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn terms(&self) -> Vec<Term> {
        let due = Term { field: self.task.lane().due(), value: TermValue::instant(self.due) };
        let calls_for = match &self.task {
            Task::Call(call) => Some(Term { field: Self::CALLS_FOR, value: call.of() }),
            _ => None,
        };
        std::iter::once(due).chain(calls_for).collect()
    }
}
