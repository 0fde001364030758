//! Where an upload goes and how: package and version in the path, in headers or in matrix
//! parameters; switches in any of them and in the query.

use http::HeaderName;
use packhouse_core::model::debian::GivenCoordinates;
use packhouse_core::names::{FilePath, PackageName, PackagePath, VersionName, VersionPath};
use packhouse_core::{explodes, maven, uploads};

use crate::call::Call;
use crate::failure::Failure;
use crate::support::query;

const PACKAGE: HeaderName = HeaderName::from_static("x-bintray-package");
const VERSION: HeaderName = HeaderName::from_static("x-bintray-version");
const PUBLISH: HeaderName = HeaderName::from_static("x-bintray-publish");
const OVERRIDE: HeaderName = HeaderName::from_static("x-bintray-override");
const EXPLODE: HeaderName = HeaderName::from_static("x-bintray-explode");
const SHA256: HeaderName = HeaderName::from_static("x-checksum-sha2");
const DISTRIBUTION: HeaderName = HeaderName::from_static("x-bintray-debian-distribution");
const COMPONENT: HeaderName = HeaderName::from_static("x-bintray-debian-component");
const ARCHITECTURE: HeaderName = HeaderName::from_static("x-bintray-debian-architecture");

/// What an upload is to become.
pub(super) enum Target {
    /// One file.
    File(Box<uploads::Target>),
    /// The files of an archive.
    Archive(Box<explodes::Target>),
    /// Nothing: an index that a Maven client writes.
    Index(Box<Index>),
}

/// Where a Maven client would have an index.
pub(super) struct Index {
    pub(super) package: PackagePath,
    pub(super) path: FilePath,
    pub(super) publish: bool,
}

/// The target of "Upload Content".
pub(super) fn of_content(call: &Call) -> Result<Target, Failure> {
    let named = (given(call, "bt_package", &PACKAGE)?, given(call, "bt_version", &VERSION)?);
    let (version, path) = match named {
        (Some(package), Some(version)) => {
            (version_path(call, package, version)?, Some(call.params.get("path")))
        }
        (None, None) => in_path(call)?,
        (Some(_), None) => return Err(lacks("version", "X-Bintray-Version", "bt_version")),
        (None, Some(_)) => return Err(lacks("package", "X-Bintray-Package", "bt_package")),
    };
    target(call, version, path)
}

/// The target of "Maven Upload": the version is in the path.
pub(super) fn of_maven(call: &Call) -> Result<Target, Failure> {
    call.check_tail()?;
    let (package, path) = (call.package()?, FilePath::parse(call.params.get("path"))?);
    if flag(call, "explode", &EXPLODE)? {
        let message = "A Maven upload is one file: explode archives under /content";
        return Err(Failure::bad_request(message));
    }
    match maven::place(&package, &path)? {
        maven::Place::Version(version) => target(call, version, Some(path.as_str())),
        maven::Place::Index => {
            let publish = flag(call, "publish", &PUBLISH)?;
            Ok(Target::Index(Box::new(Index { package, path, publish })))
        }
    }
}

/// The target in a version, at a path: of one file, or of those of an archive.
fn target(call: &Call, version: VersionPath, path: Option<&str>) -> Result<Target, Failure> {
    if flag(call, "explode", &EXPLODE)? {
        let folder = folder(call, path)?;
        return Ok(Target::Archive(Box::new(described(call, uploads::To::new(version, folder))?)));
    }
    let path = path.ok_or_else(lacks_path)?;
    call.check_tail()?;
    let path = FilePath::parse(path)?;
    Ok(Target::File(Box::new(described(call, uploads::To::new(version, path))?)))
}

/// The same target with what the request says about it.
fn described<P>(call: &Call, target: uploads::To<P>) -> Result<uploads::To<P>, Failure> {
    Ok(uploads::To {
        publish: flag(call, "publish", &PUBLISH)?,
        replace: flag(call, "override", &OVERRIDE)?,
        sha256: sha256(call)?,
        size: call.content_length(),
        debian: debian(call)?,
        box_provider: box_provider(call)?,
        ..target
    })
}

/// The folder that an archive is exploded to: the path, or the folder of the path if that names
/// the archive itself, as clients do that upload it under its own name.
fn folder(call: &Call, path: Option<&str>) -> Result<Option<FilePath>, Failure> {
    call.check_tail_is_single()?;
    let Some(path) = path else { return Ok(None) };
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let names_archive = !call.trailing_slash && ARCHIVES.iter().any(|end| name.ends_with(end));
    let folder =
        if names_archive { path.rsplit_once('/').map(|(folder, _)| folder) } else { Some(path) };
    Ok(folder.map(FilePath::parse).transpose()?)
}

/// The endings of archives. What an archive is, its first bytes say.
const ARCHIVES: [&str; 12] = [
    ".zip", ".jar", ".tar", ".tgz", ".gz", ".gzip", ".tbz", ".tbz2", ".bz2", ".boz", ".txz", ".xz",
];

fn lacks_path() -> Failure {
    Failure::bad_request(
        "The path lacks a package, a version or a file: use \
         /content/:subject/:repo/:package/:version/:file_path, or name the package and the \
         version in X-Bintray-Package and X-Bintray-Version",
    )
}

fn lacks(noun: &str, header: &str, matrix: &str) -> Failure {
    Failure::bad_request(format!("The {noun} is missing: give {header}, or ;{matrix}="))
}

fn version_path(call: &Call, package: &str, version: &str) -> Result<VersionPath, Failure> {
    let package = call.repo()?.package(PackageName::parse(package)?);
    Ok(package.version(VersionName::parse(version)?))
}

/// Package and version as the first two segments of the path, and what follows them.
fn in_path(call: &Call) -> Result<(VersionPath, Option<&str>), Failure> {
    let mut parts = call.params.get("path").splitn(3, '/');
    let (Some(package), Some(version)) = (parts.next(), parts.next()) else {
        return Err(lacks_path());
    };
    Ok((version_path(call, package, version)?, parts.next()))
}

/// A value that may be given as a matrix parameter or as a header.
fn given<'a>(
    call: &'a Call,
    matrix: &str,
    header: &HeaderName,
) -> Result<Option<&'a str>, Failure> {
    one(matrix, [call.matrix.get(matrix)?, call.header(header)?])
}

/// The one value of several places.
fn one<'a>(name: &str, values: [Option<&'a str>; 2]) -> Result<Option<&'a str>, Failure> {
    let mut values = values.into_iter().flatten().filter(|value| !value.is_empty());
    let first = values.next();
    if let Some(other) = values.find(|other| Some(*other) != first) {
        return Err(conflicting(name, first.unwrap_or_default(), other));
    }
    Ok(first)
}

/// A switch that may be given in the query, as a matrix parameter and as a header.
fn flag(call: &Call, name: &str, header: &HeaderName) -> Result<bool, Failure> {
    // Unlike in a query, where a bare name is a switch that is on, an empty header says nothing.
    let header = call.header(header)?.filter(|value| !value.trim().is_empty());
    let header = header.map(|value| query::switch(name, value)).transpose()?;
    let given = [call.query.switch(name)?, call.matrix.switch(name)?, header];
    let mut given = given.into_iter().flatten();
    let Some(first) = given.next() else { return Ok(false) };
    match given.find(|other| *other != first) {
        Some(other) => Err(conflicting(name, &first.to_string(), &other.to_string())),
        None => Ok(first),
    }
}

fn conflicting(name: &str, one: &str, other: &str) -> Failure {
    Failure::bad_request(format!(
        "conflicting_parameter: {name} is given as '{one}' and as '{other}': give it once"
    ))
}

fn sha256(call: &Call) -> Result<Option<String>, Failure> {
    let Some(value) = call.header(&SHA256)?.map(str::trim) else { return Ok(None) };
    if value.len() != 64 || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "X-Checksum-Sha2 is no SHA-256: give its 64 hexadecimal digits";
        return Err(Failure::bad_request(message));
    }
    Ok(Some(value.to_ascii_lowercase()))
}

/// Lists for a Debian repository, as they are given: only there they are looked at.
fn debian(call: &Call) -> Result<GivenCoordinates, Failure> {
    let list = |matrix, header| Ok::<_, Failure>(given(call, matrix, header)?.map(str::to_owned));
    Ok(GivenCoordinates {
        distributions: list("deb_distribution", &DISTRIBUTION)?,
        components: list("deb_component", &COMPONENT)?,
        architectures: list("deb_architecture", &ARCHITECTURE)?,
    })
}

fn box_provider(call: &Call) -> Result<Option<String>, Failure> {
    let values = [call.query.get("box_provider")?, call.matrix.get("box_provider")?];
    one("box_provider", values).map(|provider| provider.map(str::to_owned))
}
