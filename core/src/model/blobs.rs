//! The accounting of blobs: which content has which blob, and who refers to it.
//!
//! A blob is *live*; when its last reference is gone it is *condemned*, and an upload of the same
//! content makes it live again; after a grace period its records go, and then its bytes. Whether a
//! blob is referred to is asked of its references, never kept as a number that could drift.

use serde::{Deserialize, Serialize};

use super::{Form, Stored};
use crate::Timestamp;
use crate::blobs::BlobId;
use crate::names::FileLocation;
use crate::store::{Field, Filter, Key, KeyRange, Kind, Term, TermValue};

/// A blob that files may refer to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Blob {
    /// The form of the body.
    pub form: Form<1>,
    /// Its id.
    pub id: BlobId,
    /// The SHA-256 of its content.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Since when nothing refers to it; live if `None`.
    pub condemned: Option<Timestamp>,
}

impl Blob {
    /// Where the blob of this id lies.
    #[must_use]
    pub fn key_of(id: BlobId) -> Key {
        Key::new(Self::KIND, [id.to_string().as_str()])
    }
}

impl Stored for Blob {
    const KIND: Kind = Kind::new("blob");

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }
}

/// The one blob that new files of a content refer to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Content {
    /// The form of the body.
    pub form: Form<1>,
    /// The SHA-256 of the content.
    pub sha256: String,
    /// Its SHA-1, which more than one content may have.
    pub sha1: String,
    /// The blob.
    pub blob: BlobId,
}

impl Content {
    /// The field with its SHA-1.
    pub const SHA1: Field = Field::new("sha1", 0);

    /// The filter for contents of this SHA-1.
    #[must_use]
    pub fn has_sha1(sha1: &str) -> Filter {
        Filter::Is(Self::SHA1, TermValue::text(sha1))
    }

    /// Where the content of this SHA-256 lies.
    #[must_use]
    pub fn key_of(sha256: &str) -> Key {
        Key::new(Self::KIND, [sha256])
    }
}

impl Stored for Content {
    const KIND: Kind = Kind::new("content");

    fn key(&self) -> Key {
        Self::key_of(&self.sha256)
    }

    fn terms(&self) -> Vec<Term> {
        vec![Term { field: Self::SHA1, value: TermValue::text(&self.sha1) }]
    }
}

/// That a file refers to a blob. Has no body of its own: it is its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlobReference;

impl BlobReference {
    /// The kind.
    pub const KIND: Kind = Kind::new("blob_reference");

    /// Where the reference of a file to a blob lies.
    #[must_use]
    pub fn key_of(id: BlobId, file: &FileLocation) -> Key {
        let repo = &file.repo;
        Key::new(
            Self::KIND,
            [
                id.to_string().as_str(),
                repo.subject.folded().as_str(),
                repo.repo.folded().as_str(),
                file.path.as_str(),
            ],
        )
    }

    /// Where the references to a blob lie.
    #[must_use]
    pub fn range_of(id: BlobId) -> KeyRange {
        KeyRange::within(Self::KIND, [id.to_string().as_str()])
    }
}
