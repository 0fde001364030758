//! Uploads by Maven's layout, where the path says the version.
//!
//! Says where a file belongs and nothing of how it is received: that is [`super::uploads`].

use crate::access::{Caller, Within, act};
use crate::engine::Packhouse;
use crate::model::grants::Action;
use crate::names::{FilePath, MavenPath, PackagePath, VersionPath};
use crate::{Error, Result};

/// Where a file of Maven's layout belongs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// To a version, like any file.
    Version(VersionPath),
    /// Nowhere: an index, which is not kept as clients write it.
    Index,
}

/// The place of a file.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for a path that is not in Maven's layout.
pub fn place(package: &PackagePath, path: &FilePath) -> Result<Place> {
    match MavenPath::of(path) {
        Some(MavenPath::Artifact { version }) => Ok(Place::Version(package.version(version))),
        Some(MavenPath::Index) => Ok(Place::Index),
        // A client's test compares the text.
        None => {
            Err(Error::invalid("Provided artifact path does not comply with Maven's convention"))
        }
    }
}

/// Asks whether the caller may upload an index to this path, of which nothing is kept: the same as
/// for any file of the package.
///
/// # Errors
/// As [`super::uploads::begin`].
pub async fn admit_index(
    packhouse: &Packhouse,
    caller: &Caller,
    package: &PackagePath,
    path: &FilePath,
    publish: bool,
) -> Result<()> {
    let paths = std::slice::from_ref(path);
    let also = publish.then_some(Action::Publish);
    let within = Within { package, version: None, paths, also };
    packhouse.permit::<act::Write, _>(caller, &within).await.map(drop)
}
