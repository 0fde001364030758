//! Downloads: what Bintray's download host answered, here on the same host as the API. The API's
//! host answered the same (facts, 1.9).

mod agreement;
mod listing;
mod serve;
mod view;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::failure::Failure;
use crate::route::Gate::{Credentials, File, Folder, Product, Repository, Version};
use crate::route::Right::Read;
use crate::route::{Dialect, route};

pub(crate) static DIALECT: Dialect = Dialect {
    prefixes: &[&[], &["api", "v1"]],
    of_subjects: true,
    routes: &[
        // What stands before the files of a repository called `product`: one at a path like this is
        // had under `/content`.
        route!(Get "/{subject}/product/{product}/{version}/accept_eula" => "downloads.show_eula",
            agreement::show, [Credentials, Product, Version]),
        route!(Post "/{subject}/product/{product}/{version}/accept_eula" => "downloads.accept_eula",
            agreement::accept, [Credentials, Product, Version]),
        route!(Get "/{subject}/{repo}" => "downloads.list_root", serve::root, [Repository(Read)]),
        route!(Get "/{subject}/{repo}/{*folder}/" => "downloads.list", serve::folder,
            [Repository(Read), Folder]),
        route!(Get "/{subject}/{repo}/{*path}" => "downloads.get", serve::get,
            [Repository(Read), File]),
    ],
    render,
};

/// The reason as plain text: this host never had the envelope of the API.
fn render(failure: &Failure) -> Response {
    let reason = failure.status.canonical_reason().unwrap_or("Error");
    let text = match failure.status.as_u16() {
        403 if failure.shown => format!("{}\n", failure.message),
        // Names and reasons of absence are nobody's business here; the rest says what to change.
        401 | 403 | 404 => format!("{reason}\n"),
        _ => format!("{}\n", failure.message),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = failure.status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
