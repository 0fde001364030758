//! The Bintray REST API: its routes, at `/` and under `/api/v1`.
//!
//! Message texts, shapes and quirks are those that Bintray's clients rely on.

mod content;
mod files;
mod packages;
mod repositories;
mod target;
mod versions;

use axum::response::Response;

use crate::failure::Failure;
use crate::route::Gate::{Credentials, Package, Repository, Subject, Version};
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
    route!(Post "/content/{subject}/{repo}/{package}/{version}/publish" => "content.publish", content::publish,
        [Credentials, Repository(Publish), Package, Version]),
    route!(Delete "/content/{subject}/{repo}/{*path}" => "content.delete", content::delete,
        [Credentials, Repository(Publish), crate::route::Gate::File]),

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

    // Files.
    route!(Get "/packages/{subject}/{repo}/{package}/files" => "files.of_package", files::of_package,
        [Repository(Read), Package]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}/files" => "files.of_version",
        files::of_version, [Repository(Read), Package, Version]),
];

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}
