//! Where bytes shall go, and how: the same for one file and for those of an archive.

use super::naming::Naming;
use super::spool::Announced;
use crate::model::debian::GivenCoordinates;
use crate::names::VersionPath;

/// Where bytes shall go, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct To<P> {
    /// The version. Made if it is not there; its package is not.
    pub version: VersionPath,
    /// The path in the repository: of the file, or of the folder for the files of an archive, where
    /// `None` is the root.
    pub path: P,
    /// Publish with the upload.
    pub publish: bool,
    /// Replace published files.
    pub replace: bool,
    /// The SHA-256 that the bytes must have, in hexadecimal; of an archive, the archive's.
    pub sha256: Option<String>,
    /// How many bytes were announced, if that is known.
    pub size: Option<u64>,
    /// Where packages belong, in a Debian repository.
    pub debian: GivenCoordinates,
    /// What runs a box, in a Vagrant repository.
    pub box_provider: Option<String>,
}

impl<P> To<P> {
    /// A path in a version: not published, replacing nothing that is.
    #[must_use]
    pub fn new(version: VersionPath, path: P) -> Self {
        Self {
            version,
            path,
            publish: false,
            replace: false,
            sha256: None,
            size: None,
            debian: GivenCoordinates::default(),
            box_provider: None,
        }
    }

    pub(super) fn into_parts(self) -> (P, Naming, Announced) {
        let Self { version, path, publish, replace, sha256, size, debian, box_provider } = self;
        let naming = Naming { version, publish, replace, debian, box_provider };
        (path, naming, Announced { sha256, size })
    }
}
