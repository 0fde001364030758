//! What a file is said to be, by the ending of its name.

/// The type of a file of this name.
pub(super) fn of(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    TYPES
        .iter()
        .find(|(endings, _)| endings.contains(&ending))
        .map_or("application/octet-stream", |(_, kind)| kind)
}

const TYPES: &[(&[&str], &str)] = &[
    (
        &["txt", "md", "log", "sha1", "sha256", "sha512", "md5", "pom.txt"],
        "text/plain; charset=utf-8",
    ),
    (&["html", "htm"], "text/html; charset=utf-8"),
    (&["css"], "text/css; charset=utf-8"),
    (&["js", "mjs"], "text/javascript; charset=utf-8"),
    (&["json"], "application/json"),
    (&["xml", "pom"], "application/xml"),
    (&["svg"], "image/svg+xml"),
    (&["png"], "image/png"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["gif"], "image/gif"),
    (&["pdf"], "application/pdf"),
    (&["zip", "nupkg", "whl"], "application/zip"),
    (&["gz", "tgz"], "application/gzip"),
    (&["bz2"], "application/x-bzip2"),
    (&["xz"], "application/x-xz"),
    (&["tar"], "application/x-tar"),
    (&["jar", "war", "ear"], "application/java-archive"),
    (&["deb"], "application/vnd.debian.binary-package"),
    (&["rpm"], "application/x-rpm"),
    (&["asc"], "application/pgp-signature"),
];
