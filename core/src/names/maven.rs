//! Maven's layout: what the path of a file says about the version that it belongs to.
//!
//! Plain text in, plain text out: whether there is such a version is looked up by others.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FilePath, VersionName};

/// What a path means in Maven's layout.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MavenPath {
    /// A file of a version: `group/…/artifact/version/artifact-version[-classifier].extension`.
    Artifact {
        /// The version.
        version: VersionName,
        /// What it is a version of; `None` where the folders could not be told from it.
        system_id: Option<SystemId>,
    },
    /// An index that clients write after each deployment: `…/maven-metadata.xml`, or a checksum or
    /// a signature of one.
    Index,
}

/// The name of an index.
const INDEX: &str = "maven-metadata.xml";
/// What clients add to the name of a file for its checksums and its signature.
const SIDECARS: [&str; 5] = [".sha1", ".md5", ".sha256", ".sha512", ".asc"];
/// What the version of a snapshot ends in; its files have a time instead.
const SNAPSHOT: &str = "-SNAPSHOT";

impl MavenPath {
    /// What the path means; `None` if it is not in this layout.
    #[must_use]
    pub fn of(path: &FilePath) -> Option<Self> {
        let (folders, name) = path.as_str().rsplit_once('/')?;
        let (parents, folder) = folders.rsplit_once('/').unwrap_or(("", folders));
        if is_index(name) && !folder.ends_with(SNAPSHOT) {
            return Some(Self::Index);
        }
        let version = VersionName::parse(folder).ok()?;
        let (group, artifact) = parents.rsplit_once('/')?;
        let rest = name.strip_prefix(artifact).and_then(|rest| rest.strip_prefix('-'));
        // Of snapshots it is enough to know that they are: they are refused in their own words.
        let belongs = version.is_snapshot() && (is_index(name) || rest.is_some())
            || rest.and_then(|rest| rest.strip_prefix(folder)).is_some_and(ends_a_name);
        belongs.then(|| Self::Artifact { version, system_id: SystemId::of(group, artifact) })
    }
}

/// The coordinates of what Maven calls an artifact, without its version: `group:artifact`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemId(String);

impl SystemId {
    fn of(folders: &str, artifact: &str) -> Option<Self> {
        let plain = !folders.contains(['.', ':']) && !artifact.contains(':');
        plain.then(|| Self(format!("{}:{artifact}", folders.replace('/', "."))))
    }

    /// The coordinates as one text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of a repository that its versions lie in.
    #[must_use]
    pub fn folder(&self) -> String {
        let (group, artifact) = self.0.rsplit_once(':').unwrap_or(("", &self.0));
        format!("{}/{artifact}", group.replace('.', "/"))
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

fn is_index(name: &str) -> bool {
    let Some(mut rest) = name.strip_prefix(INDEX) else { return false };
    while let Some(shorter) = SIDECARS.iter().find_map(|sidecar| rest.strip_suffix(sidecar)) {
        rest = shorter;
    }
    rest.is_empty()
}

/// What follows the version in a file's name: `.extension` or `-classifier.extension`.
fn ends_a_name(rest: &str) -> bool {
    if let Some(rest) = rest.strip_prefix('-') {
        // A classifier may have dots, such as `jdk1.5`.
        let parts = rest.rsplit_once('.');
        return parts.is_some_and(|(classifier, extension)| {
            let starts_and_ends = !classifier.starts_with('.') && !classifier.ends_with('.');
            !classifier.is_empty() && starts_and_ends && is_extension(extension)
        });
    }
    // Else it would be another version: `1.0.1.jar` in the folder `1.0`.
    rest.strip_prefix('.').is_some_and(|rest| rest.split('.').all(is_extension))
}

fn is_extension(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    part.bytes().all(plain) && part.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(path: &str) -> Option<String> {
        match MavenPath::of(&FilePath::parse(path).unwrap())? {
            MavenPath::Artifact { version, .. } => Some(version.to_string()),
            MavenPath::Index => Some("index".to_owned()),
        }
    }

    #[test]
    fn the_version_is_the_folder_that_the_name_repeats() {
        for (path, version) in [
            ("org/acme/app/1.0/app-1.0.jar", "1.0"),
            ("org/acme/app/1.0/app-1.0.pom", "1.0"),
            ("org/acme/app/1.0/app-1.0.module", "1.0"),
            ("org/acme/app/1.0/app-1.0-sources.jar", "1.0"),
            ("org/acme/app/1.0/app-1.0-javadoc.jar", "1.0"),
            ("org/acme/app/1.0/app-1.0-linux-x86_64.tar.gz", "1.0"),
            ("org/acme/app/1.0/app-1.0-jdk1.5.jar", "1.0"),
            ("org/acme/app/1.0/app-1.0.tar.gz", "1.0"),
            ("org/acme/app/1.0/app-1.0.7z", "1.0"),
            ("org/acme/app/1.0/app-1.0.jar.asc", "1.0"),
            ("org/acme/app/1.0/app-1.0.jar.sha1", "1.0"),
            ("org/acme/app/1.0/app-1.0.jar.md5", "1.0"),
            ("org/acme/app/1.0/app-1.0.jar.sha256", "1.0"),
            ("org/acme/app/1.0/app-1.0-sources.jar.asc.sha512", "1.0"),
            ("org/acme/app/1.0/app-1.0.pom.asc.md5", "1.0"),
            ("org/acme/my-app/1.0-beta-2/my-app-1.0-beta-2.jar", "1.0-beta-2"),
            ("org/acme/my-app/1.0-beta-2/my-app-1.0-beta-2-tests.jar", "1.0-beta-2"),
            ("org/acme/app/1/app-1.jar", "1"),
            ("junit/junit/4.13/junit-4.13.jar", "4.13"),
            ("a/a/a/a-a.a", "a"),
            ("org/x/app_2.12/0.1+7-abc/app_2.12-0.1+7-abc.jar", "0.1+7-abc"),
            ("com/acme/plug_2.12_1.0/0.1/plug_2.12_1.0-0.1.jar", "0.1"),
        ] {
            assert_eq!(of(path).as_deref(), Some(version), "{path}");
        }
    }

    #[test]
    fn what_is_not_in_the_layout_has_no_version() {
        for path in [
            "pom.xml",
            "app-1.0.jar",
            "1.0/app-1.0.jar",
            "app/1.0/app-1.0.jar",
            "org/app/1.0/other-1.0.jar",
            "org/app/1.0/app-1.1.jar",
            "org/app/1.0/app-1.0.1.jar",
            "org/app/1.0/app-1.01.jar",
            "org/app/1.0/app-1.0",
            "org/app/1.0/app-1.0.",
            "org/app/1.0/app-1.0-.jar",
            "org/app/1.0/app-1.0-sources",
            "org/app/1.0/app-1.0-sources.",
            "org/app/1.0/app-1.0-sources..jar",
            "org/app/1.0/app-1.0-.sources.jar",
            "org/app/1.0/app-1.0..jar",
            "org/app/1.0/app-1.0.ja r",
            "org/app/1.0/app-1.0jar",
            "org/app/1.0/app1.0.jar",
            "org/app/1.0/more/app-1.0.jar",
            "org/app/_latest/app-_latest.jar",
            "org/app/1.0/pom.xml",
            "maven-metadata.xml",
            "org/app/maven-metadata.xml.bak",
            "org/app/maven-metadata.xmlx",
            "org/app/1-SNAPSHOT/other-1.jar",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn indexes_lie_at_groups_and_artifacts() {
        for path in [
            "org/maven-metadata.xml",
            "org/acme/maven-metadata.xml.sha1",
            "org/acme/app/maven-metadata.xml",
            "org/acme/app/maven-metadata.xml.md5",
            "org/acme/app/maven-metadata.xml.sha256",
            "org/acme/app/maven-metadata.xml.sha512",
            "org/acme/app/maven-metadata.xml.asc",
            "org/acme/app/maven-metadata.xml.asc.sha1",
        ] {
            assert_eq!(of(path).as_deref(), Some("index"), "{path}");
        }
    }

    #[test]
    fn every_file_of_a_snapshot_is_known_as_one() {
        for name in ["app-1.0-SNAPSHOT.jar", "app-1.0-20260101.101010-1.jar", "maven-metadata.xml"]
        {
            let version = of(&format!("org/app/1.0-SNAPSHOT/{name}"));
            assert_eq!(version.as_deref(), Some("1.0-SNAPSHOT"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_maven_writes_is_read(
            group in "[a-z]{1,8}(/[a-z0-9]{1,8}){0,3}",
            artifact in "[a-z][a-z0-9._-]{0,10}[a-z0-9]",
            version in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[a-z]{1,5}[0-9]?)?",
            classifier in prop::option::of("[a-z][a-z0-9-]{0,8}"),
            extension in "(jar|pom|war|tar\\.gz|module)(\\.asc)?(\\.(sha1|md5|sha256|sha512))?",
        ) {
            let classifier = classifier.map(|it| format!("-{it}")).unwrap_or_default();
            let name = format!("{artifact}-{version}{classifier}.{extension}");
            let path = format!("{group}/{artifact}/{version}/{name}");
            prop_assert_eq!(of(&path), Some(version));
        }

        #[test]
        fn a_version_is_always_the_folder_of_the_file(path in "([a-z0-9.-]{1,4}/){1,5}[a-z0-9.-]{1,9}") {
            if let Ok(parsed) = FilePath::parse(&path)
                && let Some(MavenPath::Artifact { version, .. }) = MavenPath::of(&parsed)
            {
                prop_assert_eq!(path.rsplit('/').nth(1), Some(version.as_str()));
            }
        }
    }
}
