//! The Bintray REST API: its routes, at `/` and under `/api/v1`.
//!
//! Message texts, shapes and quirks are those that Bintray's clients rely on.

mod access_keys;
mod attributes;
pub mod clauses;
mod content;
mod entitlements;
mod eulas;
mod files;
pub mod given;
mod gpg_keys;
mod licenses;
mod packages;
mod permissions;
mod products;
mod repositories;
mod restrictions;
mod search;
mod signed_urls;
mod subjects;
mod target;
mod teams;
mod versions;

use axum::response::Response;

use crate::failure::Failure;
use crate::route::Gate::{
    AccessKey, Credentials, Entitlement, Eula, File, GpgKeys, License, Package, Product,
    Repository, Scope, Subject, Team, Version,
};
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

    // Restrictions of downloads.
    route!(Get "/repos/{subject}/{repo}/geo_restrictions" => "restrictions.countries",
        restrictions::countries, [Credentials, Repository(Own)]),
    route!(Put "/repos/{subject}/{repo}/geo_restrictions" => "restrictions.set_countries",
        restrictions::set_countries, [Credentials, Repository(Own)]),
    route!(Delete "/repos/{subject}/{repo}/geo_restrictions" => "restrictions.clear_countries",
        restrictions::clear_countries, [Credentials, Repository(Own)]),
    route!(Get "/repos/{subject}/{repo}/ip_restrictions" => "restrictions.networks",
        restrictions::networks, [Credentials, Repository(Own)]),
    route!(Put "/repos/{subject}/{repo}/ip_restrictions" => "restrictions.set_networks",
        restrictions::set_networks, [Credentials, Repository(Own)]),
    route!(Patch "/repos/{subject}/{repo}/ip_restrictions" => "restrictions.change_networks",
        restrictions::change_networks, [Credentials, Repository(Own)]),
    route!(Delete "/repos/{subject}/{repo}/ip_restrictions" => "restrictions.clear_networks",
        restrictions::clear_networks, [Credentials, Repository(Own)]),

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

    // Products and their EULAs.
    route!(Get "/products/{subject}" => "products.list", products::list, [Credentials, Subject(Read)]),
    route!(Get "/products/{subject}/_all/signed_eulas" => "eulas.all_signed", eulas::all_signed,
        [Credentials, Subject(Own)]),
    route!(Get "/products/{subject}/{product}" => "products.show", products::show, [Credentials, Product]),
    route!(Post "/products/{subject}" => "products.create", products::create, [Credentials, Subject(Own)]),
    route!(Patch "/products/{subject}/{product}" => "products.update", products::update,
        [Credentials, Product, Subject(Own)]),
    route!(Delete "/products/{subject}/{product}" => "products.delete", products::delete,
        [Credentials, Product, Subject(Own)]),
    route!(Get "/products/{subject}/{product}/signed_eulas" => "eulas.signed", eulas::signed,
        [Credentials, Product, Subject(Own)]),
    route!(Get "/products/{subject}/{product}/eulas" => "eulas.list", eulas::list, [Credentials, Product]),
    route!(Get "/products/{subject}/{product}/eulas/{eula}" => "eulas.show", eulas::show,
        [Credentials, Product, Subject(Own), Eula]),
    route!(Post "/products/{subject}/{product}/eulas" => "eulas.create", eulas::create,
        [Credentials, Product, Subject(Own)]),
    route!(Patch "/products/{subject}/{product}/eulas/{eula}" => "eulas.update", eulas::update,
        [Credentials, Product, Subject(Own), Eula]),
    route!(Delete "/products/{subject}/{product}/eulas/{eula}" => "eulas.delete", eulas::delete,
        [Credentials, Product, Subject(Own), Eula]),
    route!(Get "/file_eula/{subject}/{repo}/{*path}" => "eulas.of_file", eulas::of_file,
        [Credentials, Repository(Read), File, Subject(Own)]),

    // Licenses.
    route!(Get "/orgs/{subject}/licenses" => "licenses.list_of_org", licenses::list_of_org,
        [Credentials, Subject(Publish)]),
    route!(Post "/orgs/{subject}/licenses" => "licenses.create_of_org", licenses::create_of_org,
        [Credentials, Subject(Own)]),
    route!(Patch "/orgs/{subject}/licenses/{custom_license_name}" => "licenses.update_of_org",
        licenses::update_of_org, [Credentials, Subject(Own), License]),
    route!(Delete "/orgs/{subject}/licenses/{custom_license_name}" => "licenses.delete_of_org",
        licenses::delete_of_org, [Credentials, Subject(Own), License]),
    route!(Get "/users/{subject}/licenses" => "licenses.list_of_user", licenses::list_of_user,
        [Credentials, Subject(Own)]),
    route!(Post "/users/{subject}/licenses" => "licenses.create_of_user", licenses::create_of_user,
        [Credentials, Subject(Own)]),
    route!(Patch "/users/{subject}/licenses/{custom_license_name}" => "licenses.update_of_user",
        licenses::update_of_user, [Credentials, Subject(Own), License]),
    route!(Delete "/users/{subject}/licenses/{custom_license_name}" => "licenses.delete_of_user",
        licenses::delete_of_user, [Credentials, Subject(Own), License]),
    route!(Get "/licenses/oss_licenses" => "licenses.oss", licenses::oss, []),

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

    // Users and organizations.
    route!(Get "/users/{subject}" => "subjects.user", subjects::user, [Credentials, Subject(Read)]),
    route!(Get "/orgs/{subject}" => "subjects.organization", subjects::organization, [Credentials, Subject(Read)]),
    route!(Get "/users/{subject}/followers" => "subjects.followers", subjects::followers,
        [Credentials, Subject(Read)]),
    route!(Get "/search/users" => "subjects.search", subjects::search, [Credentials]),

    // The keys that subjects sign with.
    route!(Get "/users/{subject}/keys/gpg/public.key" => "gpg_keys.public_of_user", gpg_keys::public_of_user,
        [Subject(Read), GpgKeys]),
    route!(Get "/orgs/{subject}/keys/gpg/public.key" => "gpg_keys.public_of_org", gpg_keys::public_of_org,
        [Subject(Read), GpgKeys]),

    // Teams.
    route!(Get "/orgs/{subject}/teams" => "teams.list_of_org", teams::list_of_org, [Credentials, Subject(Own)]),
    route!(Get "/orgs/{subject}/teams/{team}" => "teams.show_of_org", teams::show_of_org,
        [Credentials, Subject(Read), Team]),
    route!(Post "/orgs/{subject}/teams" => "teams.create_of_org", teams::create_of_org,
        [Credentials, Subject(Own)]),
    route!(Patch "/orgs/{subject}/teams/{team}" => "teams.update_of_org", teams::update_of_org,
        [Credentials, Subject(Read), Team]),
    route!(Delete "/orgs/{subject}/teams/{team}" => "teams.delete_of_org", teams::delete_of_org,
        [Credentials, Subject(Read), Team]),
    route!(Get "/users/{subject}/teams" => "teams.list_of_user", teams::list_of_user, [Credentials, Subject(Own)]),
    route!(Get "/users/{subject}/teams/{team}" => "teams.show_of_user", teams::show_of_user,
        [Credentials, Subject(Read), Team]),
    route!(Post "/users/{subject}/teams" => "teams.create_of_user", teams::create_of_user,
        [Credentials, Subject(Own)]),
    route!(Patch "/users/{subject}/teams/{team}" => "teams.update_of_user", teams::update_of_user,
        [Credentials, Subject(Read), Team]),
    route!(Delete "/users/{subject}/teams/{team}" => "teams.delete_of_user", teams::delete_of_user,
        [Credentials, Subject(Read), Team]),

    // What teams may do.
    route!(Get "/repos/{subject}/{repo}/permissions" => "permissions.list", permissions::list,
        [Credentials, Repository(Own)]),
    route!(Get "/repos/{subject}/{repo}/permissions/{team}" => "permissions.show", permissions::show,
        [Credentials, Repository(Own), Team]),
    route!(Put "/repos/{subject}/{repo}/permissions" => "permissions.set", permissions::set,
        [Credentials, Repository(Own)]),
    route!(Delete "/repos/{subject}/{repo}/permissions/{team}" => "permissions.delete", permissions::delete,
        [Credentials, Repository(Own), Team]),

    // Searches.
    route!(Get "/search/repos" => "search.repositories", search::repositories, [Credentials]),
    route!(Get "/search/packages" => "search.packages", search::packages, []),
    route!(Get "/search/packages/maven" => "search.maven", search::maven, []),
    route!(Get "/search/file" => "search.files", search::files, []),

    // Access keys.
    route!(Get "/orgs/{subject}/access_keys" => "access_keys.list_of_org",
        access_keys::list_of_org, [Credentials, Subject(Own)]),
    route!(Get "/orgs/{subject}/access_keys/{access_key_id}" => "access_keys.show_of_org",
        access_keys::show_of_org, [Credentials, Subject(Own), AccessKey]),
    route!(Post "/orgs/{subject}/access_keys" => "access_keys.create_of_org",
        access_keys::create_of_org, [Credentials, Subject(Own)]),
    route!(Patch "/orgs/{subject}/access_keys/{access_key_id}" => "access_keys.update_of_org",
        access_keys::update_of_org, [Credentials, Subject(Own), AccessKey]),
    route!(Delete "/orgs/{subject}/access_keys/{access_key_id}" => "access_keys.delete_of_org",
        access_keys::delete_of_org, [Credentials, Subject(Own), AccessKey]),
    route!(Get "/users/{subject}/access_keys" => "access_keys.list_of_user",
        access_keys::list_of_user, [Credentials, Subject(Own)]),
    route!(Get "/users/{subject}/access_keys/{access_key_id}" => "access_keys.show_of_user",
        access_keys::show_of_user, [Credentials, Subject(Own), AccessKey]),
    route!(Post "/users/{subject}/access_keys" => "access_keys.create_of_user",
        access_keys::create_of_user, [Credentials, Subject(Own)]),
    route!(Patch "/users/{subject}/access_keys/{access_key_id}" => "access_keys.update_of_user",
        access_keys::update_of_user, [Credentials, Subject(Own), AccessKey]),
    route!(Delete "/users/{subject}/access_keys/{access_key_id}" => "access_keys.delete_of_user",
        access_keys::delete_of_user, [Credentials, Subject(Own), AccessKey]),

    // Entitlements.
    route!(Get "/products/{subject}/{product}/entitlements" => "entitlements.list_of_product",
        entitlements::list_of_product, [Credentials, Product, Subject(Own)]),
    route!(Get "/repos/{subject}/{repo}/entitlements" => "entitlements.list_of_repo",
        entitlements::list_of_repo, [Credentials, Subject(Own), Repository(Read)]),
    route!(Get "/packages/{subject}/{repo}/{package}/entitlements" => "entitlements.list_of_package",
        entitlements::list_of_package, [Credentials, Subject(Own), Repository(Read), Package]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}/entitlements" => "entitlements.list_of_version",
        entitlements::list_of_version, [Credentials, Subject(Own), Repository(Read), Package, Version]),
    route!(Get "/products/{subject}/{product}/entitlements/{entitlement_id}" => "entitlements.show_of_product",
        entitlements::show_of_product, [Credentials, Product, Subject(Own), Entitlement]),
    route!(Get "/repos/{subject}/{repo}/entitlements/{entitlement_id}" => "entitlements.show_of_repo",
        entitlements::show_of_repo, [Credentials, Subject(Own), Repository(Read), Entitlement]),
    route!(Get "/packages/{subject}/{repo}/{package}/entitlements/{entitlement_id}" => "entitlements.show_of_package",
        entitlements::show_of_package, [Credentials, Subject(Own), Repository(Read), Package, Entitlement]),
    route!(Get "/packages/{subject}/{repo}/{package}/versions/{version}/entitlements/{entitlement_id}" => "entitlements.show_of_version",
        entitlements::show_of_version, [Credentials, Subject(Own), Repository(Read), Package, Version, Entitlement]),
    route!(Post "/products/{subject}/{product}/entitlements" => "entitlements.create_of_product",
        entitlements::create_of_product, [Credentials, Product, Subject(Own)]),
    route!(Post "/repos/{subject}/{repo}/entitlements" => "entitlements.create_of_repo",
        entitlements::create_of_repo, [Credentials, Subject(Own), Repository(Read)]),
    route!(Post "/packages/{subject}/{repo}/{package}/entitlements" => "entitlements.create_of_package",
        entitlements::create_of_package, [Credentials, Subject(Own), Repository(Read), Package]),
    route!(Post "/packages/{subject}/{repo}/{package}/versions/{version}/entitlements" => "entitlements.create_of_version",
        entitlements::create_of_version, [Credentials, Subject(Own), Repository(Read), Package, Version]),
    route!(Patch "/products/{subject}/{product}/entitlements/{entitlement_id}" => "entitlements.update_of_product",
        entitlements::update_of_product, [Credentials, Product, Subject(Own), Entitlement]),
    route!(Patch "/repos/{subject}/{repo}/entitlements/{entitlement_id}" => "entitlements.update_of_repo",
        entitlements::update_of_repo, [Credentials, Subject(Own), Repository(Read), Entitlement]),
    route!(Patch "/packages/{subject}/{repo}/{package}/entitlements/{entitlement_id}" => "entitlements.update_of_package",
        entitlements::update_of_package, [Credentials, Subject(Own), Repository(Read), Package, Entitlement]),
    route!(Patch "/packages/{subject}/{repo}/{package}/versions/{version}/entitlements/{entitlement_id}" => "entitlements.update_of_version",
        entitlements::update_of_version, [Credentials, Subject(Own), Repository(Read), Package, Version, Entitlement]),
    route!(Delete "/products/{subject}/{product}/entitlements/{entitlement_id}" => "entitlements.delete_of_product",
        entitlements::delete_of_product, [Credentials, Product, Subject(Own), Entitlement]),
    route!(Delete "/repos/{subject}/{repo}/entitlements/{entitlement_id}" => "entitlements.delete_of_repo",
        entitlements::delete_of_repo, [Credentials, Subject(Own), Repository(Read), Entitlement]),
    route!(Delete "/packages/{subject}/{repo}/{package}/entitlements/{entitlement_id}" => "entitlements.delete_of_package",
        entitlements::delete_of_package, [Credentials, Subject(Own), Repository(Read), Package, Entitlement]),
    route!(Delete "/packages/{subject}/{repo}/{package}/versions/{version}/entitlements/{entitlement_id}" => "entitlements.delete_of_version",
        entitlements::delete_of_version, [Credentials, Subject(Own), Repository(Read), Package, Version, Entitlement]),
    route!(Get "/search/entitlements" => "entitlements.search", entitlements::search, [Credentials, Scope]),

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
