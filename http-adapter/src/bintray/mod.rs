//! The Bintray REST API: its routes, at `/` and under `/api/v1`.
//!
//! Message texts, shapes and quirks are those that Bintray's clients rely on.

mod attributes;
pub mod clauses;
mod content;
mod files;
pub mod given;
mod packages;
mod repositories;
mod search;
mod signed_urls;
mod target;
mod versions;

use axum::response::Response;

use crate::failure::Failure;
use crate::route::Gate::{Credentials, File, Package, Repository, Subject, Version};
use crate::route::Right::{Own, Publish, Read};
use crate::route::{Dialect, Route, route};
use crate::support::reply;

pub(crate) static DIALECT: Dialect =
    Dialect { prefixes: &[&[], &["api", "v1"]], of_subjects: false, routes: ROUTES, render };

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    // Content: publishers' scripts.
    route!(Put "/content/{subject}/{repo}/{*path}" => "content.upload", content::upload,
        [Credentials, Repository(Publish), Package], Last),
    route!(Put "/maven/{subject}/{repo}/{package}/{*path}" => "content.upload_maven", content::upload_maven,
        [Credentials, Repository(Publish), Package], Folder),
    // Not documented: a Maven client asks there for what is there before it deploys.
    route!(Get "/maven/{subject}/{repo}/{package}/{*path}" => "content.get_maven", content::get_maven,
        [Repository(Read), File], Folder),
    route!(Post "/content/{subject}/{repo}/{package}/{version}/publish" => "content.publish", content::publish,
        [Credentials, Repository(Publish), Package, Version]),
    route!(Get "/content/{subject}/{repo}/{*path}" => "content.get", signed_urls::dynamic,
        [Repository(Read), File], Last),
    route!(Delete "/content/{subject}/{repo}/{*path}" => "content.delete", content::delete,
        [Credentials, Repository(Publish), File]),

    // Repositories.
    route!(Get "/repos/{subject}" => "repositories.list", repositories::list, [Subject(Read)]),
    route!(Get "/repos/{subject}/{repo}" => "repositories.show", repositories::show, [Repository(Read)]),
    route!(Post "/repos/{subject}/{repo}" => "repositories.create", repositories::create,
        [Credentials, Subject(Own)]),
    route!(Patch "/repos/{subject}/{repo}" => "repositories.update", repositories::update,
        [Credentials, Repository(Own)]),
    route!(Delete "/repos/{subject}/{repo}" => "repositories.delete", repositories::delete,
        [Credentials, Repository(Own)]),

    // Packages.
    route!(Get "/repos/{subject}/{repo}/packages" => "packages.list", packages::list, [Repository(Read)]),
    route!(Get "/packages/{subject}/{repo}/{package}" => "packages.show", packages::show,
        [Repository(Read), Package]),
    route!(Post "/packages/{subject}/{repo}" => "packages.create", packages::create,
        [Credentials, Repository(Publish)]),
    route!(Patch "/packages/{subject}/{repo}/{package}" => "packages.update", packages::update,
        [Credentials, Repository(Publish), Package]),
    route!(Delete "/packages/{subject}/{repo}/{package}" => "packages.delete", packages::delete,
        [Credentials, Repository(Publish), Package]),
    route!(Get "/file_package/{subject}/{repo}/{*path}" => "packages.of_file", packages::of_file,
        [Repository(Read), File]),

    // Versions.
    route!(Get "/packages/{subject}/{repo}/{package}/versions/_latest" => "versions.show_latest",
        versions::show_latest, [Repository(Read), Package, Version]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}" => "versions.show", versions::show,
        [Repository(Read), Package, Version]),
    route!(Post "/packages/{subject}/{repo}/{package}/versions" => "versions.create", versions::create,
        [Credentials, Repository(Publish), Package]),
    route!(Patch "/packages/{subject}/{repo}/{package}/versions/{version}" => "versions.update",
        versions::update, [Credentials, Repository(Publish), Package, Version]),
    // An old client sends POST for it.
    route!(Post "/packages/{subject}/{repo}/{package}/versions/{version}" => "versions.update_by_post",
        versions::update, [Credentials, Repository(Publish), Package, Version]),
    route!(Delete "/packages/{subject}/{repo}/{package}/versions/{version}" => "versions.delete",
        versions::delete, [Credentials, Repository(Publish), Package, Version]),
    route!(Get "/file_version/{subject}/{repo}/{*path}" => "versions.of_file", versions::of_file,
        [Repository(Read), File]),

    // Files.
    route!(Get "/packages/{subject}/{repo}/{package}/files" => "files.of_package", files::of_package,
        [Repository(Read), Package]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}/files" => "files.of_version",
        files::of_version, [Repository(Read), Package, Version]),
    route!(Put "/file_metadata/{subject}/{repo}/{*path}" => "files.list_in_downloads", files::list_in_downloads,
        [Credentials, Repository(Publish), File]),

    // Signed URLs.
    route!(Post "/signed_url/{subject}/{repo}/{*path}" => "signed_urls.create", signed_urls::create,
        [Credentials, Repository(Publish), File]),
    route!(Post "/subjects/{subject}/keypair" => "signed_urls.renew_key", signed_urls::renew_key,
        [Credentials, Subject(Own)]),

    // Searches.
    route!(Get "/search/repos" => "search.repositories", search::repositories, [Credentials]),
    route!(Get "/search/packages" => "search.packages", search::packages, []),
    route!(Get "/search/packages/maven" => "search.maven", search::maven, []),
    route!(Get "/search/file" => "search.files", search::files, []),

    // Attributes.
    route!(Get "/packages/{subject}/{repo}/{package}/attributes" => "attributes.of_package",
        attributes::of_package, [Repository(Read), Package]),
    route!(Post "/packages/{subject}/{repo}/{package}/attributes" => "attributes.set_of_package",
        attributes::set_of_package, [Credentials, Repository(Publish), Package]),
    route!(Patch "/packages/{subject}/{repo}/{package}/attributes" => "attributes.merge_of_package",
        attributes::merge_of_package, [Credentials, Repository(Publish), Package]),
    route!(Delete "/packages/{subject}/{repo}/{package}/attributes" => "attributes.delete_of_package",
        attributes::delete_of_package, [Credentials, Repository(Publish), Package]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}/attributes" => "attributes.of_version",
        attributes::of_version, [Repository(Read), Package, Version]),
    route!(Post "/packages/{subject}/{repo}/{package}/versions/{version}/attributes" => "attributes.set_of_version",
        attributes::set_of_version, [Credentials, Repository(Publish), Package, Version]),
    route!(Patch "/packages/{subject}/{repo}/{package}/versions/{version}/attributes" => "attributes.merge_of_version",
        attributes::merge_of_version, [Credentials, Repository(Publish), Package, Version]),
    route!(Delete "/packages/{subject}/{repo}/{package}/versions/{version}/attributes" => "attributes.delete_of_version",
        attributes::delete_of_version, [Credentials, Repository(Publish), Package, Version]),
    route!(Post "/search/attributes/{subject}/{repo}" => "attributes.search_packages",
        attributes::search_packages, [Repository(Read)]),
    route!(Post "/search/attributes/{subject}/{repo}/{package}/versions" => "attributes.search_versions",
        attributes::search_versions, [Repository(Read), Package]),
    route!(Post "/files/{subject}/{repo}/search/attributes" => "attributes.search_files",
        attributes::search_files, [Repository(Read)]),
    route!(Get "/files/{subject}/{repo}/{*path}/attributes" => "attributes.of_file",
        attributes::of_file, [Repository(Read), File]),
    route!(Post "/files/{subject}/{repo}/{*path}/attributes" => "attributes.set_of_file",
        attributes::set_of_file, [Credentials, Repository(Publish), File]),
    route!(Patch "/files/{subject}/{repo}/{*path}/attributes" => "attributes.merge_of_file",
        attributes::merge_of_file, [Credentials, Repository(Publish), File]),
    route!(Delete "/files/{subject}/{repo}/{*path}/attributes" => "attributes.delete_of_file",
        attributes::delete_of_file, [Credentials, Repository(Publish), File]),
];

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}
